"""The default app of each profile: no object tells it, only metadata (Metadata API guide, Profile)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.sandbox.org import SandboxOrg

_STATE = "default_apps"


def default_app(org: SandboxOrg, set_id: str) -> str | None:
    """The id of the app that users of a profile start in, by the set that the profile owns; None where none is told."""
    found: dict[str, str] = org.store.load_state(_STATE) or {}
    return found.get(set_id)


def choose_default_app(org: SandboxOrg, set_id: str, app_id: str) -> None:
    """Let users of a profile start in an app."""
    with org.transaction():
        org.store.save_state(_STATE, {**(org.store.load_state(_STATE) or {}), set_id: app_id})
