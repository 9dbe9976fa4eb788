"""Behaviour of the platform that no public source settles, as switches with a documented default."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Switches:
    """How the simulated org behaves where nobody outside the platform's owner knows for certain."""

    insufficient_access_status: int = 403
    """HTTP status of INSUFFICIENT_ACCESS_OR_READONLY: 403 in tests of API clients, 400 in other reports."""
    profile_change_with_incompatible_sets: Literal["refuse", "remove"] = "refuse"
    """What a change of User.ProfileId does when assigned sets do not fit the new license: refuse, or drop them."""
    deactivation_drops_permission_set_licenses: bool = True
    """Whether deactivating a user frees its permission set license seats."""
    deactivation_drops_memberships: bool = True
    """Whether deactivating a user removes it from public groups and queues."""
    automatic_license_removal: bool = True
    """Whether unassigning a set also removes the permission set license that only it needed ("in most cases")."""
    psa_duplicate_text: Literal["ids", "sentence"] = "ids"
    """Which wording a duplicate PermissionSetAssignment gets; the code DUPLICATE_VALUE is firm."""
    mixed_dml: bool = True
    """Whether one transaction may not write both setup and ordinary objects."""
    shut_out_users_lose_sessions: bool = True
    """Whether freezing or deactivating a user ends the sessions that are open."""
    soap_login: bool = True
    """Whether SOAP login() is on; orgs made since Winter '26 have it off until somebody turns it on."""
    username_password_flow: bool = True
    """Whether the OAuth username-password flow is allowed; orgs made since Summer '23 block it until told otherwise."""
    run_as_needs_api_only: bool = False
    """Whether the run-as user of client credentials must have the API Only User permission (documents disagree)."""


DEFAULT_SWITCHES = Switches()
