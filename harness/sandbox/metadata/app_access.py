"""Which profiles and permission sets have access to an app, and as whom its client credentials run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from harness.sandbox import identity
from harness.sandbox.app_policies import refresh_policy
from harness.sandbox.apps import App
from harness.sandbox.metadata.errors import ComponentError, not_named
from harness.sandbox.metadata.field_rules import check_whole_number
from harness.sandbox.metadata.parts import Parts
from harness.sandbox.metadata.work import Work
from harness.sandbox.source.document import Node

TOKEN_FLAGS: Mapping[str, str] = {
    "isIntrospectAllTokens": "introspects_all",
    "isPkceRequired": "pkce_required",
    "isRefreshTokenRotationEnabled": "rotates_refresh_tokens",
}
"""Elements, and the fields of an app that follow from them."""


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


def token_changes(node: Node) -> dict[str, Any]:
    """What the flags about tokens change of an app, alike in both sorts of apps."""
    changes: dict[str, Any] = {
        name: node.flag(element) for element, name in TOKEN_FLAGS.items() if node.text(element) is not None
    }
    if node.text("isConsumerSecretOptional") is not None:
        changes["secret_required"] = not node.flag("isConsumerSecretOptional")
    if callback := node.text("callbackUrl"):
        changes["callback_urls"] = tuple(callback.split())
    return changes


def token_parts(app: App) -> Parts:
    """The same as elements."""
    parts: Parts = [(element, bool(getattr(app, name))) for element, name in TOKEN_FLAGS.items()]
    parts.append(("isConsumerSecretOptional", not app.secret_required))
    return [("callbackUrl", "\n".join(app.callback_urls)), *parts] if app.callback_urls else parts


def refresh_changes(kind: str | None, period: str | None = None, unit: str | None = None) -> dict[str, Any]:
    """What the policy of refresh tokens changes of an app."""
    if kind is None:
        return {}
    check_whole_number("refreshTokenValidityPeriod", period)
    lifetime, idle = refresh_policy(kind, int(period or 0), unit or "Hours")
    return {"refresh_lifetime_seconds": lifetime, "refresh_idle_seconds": idle}


def username(work: Work, user_id: str | None) -> str | None:
    """The username of a run-as user."""
    user = work.org.row("User", user_id) if user_id else None
    return str(user["Username"]) if user else None


def no_such_app(kind: str, name: str) -> ComponentError:
    """The refusal of settings of an app that there is not."""
    return not_named("fullName", kind, name)
