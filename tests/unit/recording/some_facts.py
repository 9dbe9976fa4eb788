"""Facts of a cassette that was recorded from a simulated sandbox, or others."""

from __future__ import annotations

from typing import Any

from harness.recording.facts import Facts


def facts(**others: Any) -> Facts:
    """The usual facts, and others in their place."""
    usual: dict[str, Any] = {
        "live": "no",
        "kind": "simulated",
        "api_version": "67.0",
        "tool_version": "0.1.0",
        "scenario": "5f25494de87d" * 5,
        "reads": {"expect.denials[0]": "aaaaaaaaaaaa", "from.username": "bbbbbbbbbbbb"},
        "org_name": "simulated",
        "org_id": "00DRh0000000001MAA",
        "admin_flow": "username-password",
        "admin_username": "admin@nordwind.example",
    }
    return Facts(**{**usual, **others})
