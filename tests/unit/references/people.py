"""The user that the tests search for."""

from __future__ import annotations

from harness.references.model import Subject

SYNC = Subject(
    username="sync@acme.example",
    profile="ERP Interface",
    new_profile="Minimum Access - API Only Integrations",
    id="005000000000001AAA",
    name="Order Sync",
    email="sync@acme.example.invalid",
    profile_id="00e000000000001AAA",
    role="Interfaces",
    permissions=frozenset({"Skip_Rules"}),
)
