"""Which profiles and permission sets have access to an app, and as whom its client credentials run."""

from __future__ import annotations

from collections.abc import Iterable

from harness.sandbox import identity
from harness.sandbox.apps import App
from harness.sandbox.metadata.errors import ComponentError, not_named
from harness.sandbox.metadata.work import Work


def granted(work: Work, app: App) -> tuple[list[str], list[str]]:
    """The names of the profiles and of the permission sets that have access to the app."""
    profiles, sets = [], []
    for row in work.org.rows("SetupEntityAccess", SetupEntityId=app.id):
        parent = work.org.row("PermissionSet", row["ParentId"]) or {}
        if parent.get("IsOwnedByProfile"):
            profiles.append(str((work.org.row("Profile", parent["ProfileId"]) or {}).get("Name")))
        else:
            sets.append(str(parent.get("Name")))
    return sorted(profiles), sorted(sets)


def pre_authorize(work: Work, app: App, set_ids: set[str], *, of_profiles: bool) -> None:
    """Give these sets access to the app, and take it from the others: those of profiles, or the real ones."""
    for row in work.org.rows("SetupEntityAccess", SetupEntityId=app.id):
        parent = work.org.row("PermissionSet", row["ParentId"]) or {}
        if row["ParentId"] in set_ids:
            set_ids = set_ids - {row["ParentId"]}
        elif bool(parent.get("IsOwnedByProfile")) == of_profiles:
            work.org.delete_row("SetupEntityAccess", row["Id"])
    for set_id in sorted(set_ids):
        values = {"ParentId": set_id, "SetupEntityId": app.id, "SetupEntityType": app.kind}
        work.org.insert_row("SetupEntityAccess", values)


def sets_named(work: Work, names: Iterable[str]) -> set[str]:
    """Permission sets by API name, by label or by id: guides and field reports differ. Raises ComponentError."""
    found = set()
    for name in names:
        row = work.one("PermissionSet", Name=name) or work.one("PermissionSet", Label=name) or _by_id(work, name)
        if row is None:
            raise ComponentError("INVALID_CROSS_REFERENCE_KEY", f"no PermissionSet named {name} found")
        found.add(str(row["Id"]))
    return found


def _by_id(work: Work, name: str) -> dict[str, object] | None:
    return next((one for one in work.org.rows("PermissionSet") if one["Id"][:15] == name[:15]), None)


def profile_sets(work: Work, names: Iterable[str]) -> set[str]:
    """The sets that these profiles own. Raises ComponentError."""
    found = set()
    for name in names:
        profile = work.one("Profile", Name=name)
        owned = work.one("PermissionSet", ProfileId=profile["Id"]) if profile else None
        if owned is None:
            raise ComponentError("INVALID_CROSS_REFERENCE_KEY", f"no Profile named {name} found")
        found.add(str(owned["Id"]))
    return found


def execution_user(work: Work, username: str) -> str | None:
    """The run-as user; an empty name takes it away. Raises ComponentError when there is no such active user."""
    if not username:
        return None
    user = identity.user_named(work.org, username)
    fits = user is not None and user["IsActive"]
    if fits and user is not None and work.org.switches.run_as_needs_api_only:
        fits = work.org.permissions_of(user["Id"]).has("ApiUserOnly")
    if not fits or user is None:
        text = "Enter a valid execution user for the OAuth client credentials flow."
        raise ComponentError("INVALID_CROSS_REFERENCE_KEY", text)
    return str(user["Id"])


def username(work: Work, user_id: str | None) -> str | None:
    """The username of a run-as user."""
    user = work.org.row("User", user_id) if user_id else None
    return str(user["Username"]) if user else None


def no_such_app(kind: str, name: str) -> ComponentError:
    """The refusal of settings of an app that there is not."""
    return not_named("fullName", kind, name)
