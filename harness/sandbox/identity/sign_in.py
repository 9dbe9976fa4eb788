"""Letting a user in: every rule that stands before a session, the history row, and the session itself."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from harness.sandbox.clock import wire_datetime
from harness.sandbox.identity.credentials import try_password
from harness.sandbox.identity.history import (
    FROZEN,
    INACTIVE,
    SUCCESS,
    UI_LOGIN,
    Login,
    LoginRefused,
    change_silently,
    record_login,
)
from harness.sandbox.identity.restrictions import place_or_time_problem
from harness.sandbox.identity.sessions import Session, open_session

if TYPE_CHECKING:
    from harness.sandbox.org import SandboxOrg

_LAST_LOGIN_STEP = timedelta(seconds=60)


def user_problem(org: SandboxOrg, user: Mapping[str, Any]) -> str | None:
    """Why a user may not be signed in at all: inactive or frozen; None when nothing stands against it."""
    if not user["IsActive"]:
        return INACTIVE
    if any(row["IsFrozen"] for row in org.rows("UserLogin", UserId=user["Id"])):
        return FROZEN
    return None


def sign_in(
    org: SandboxOrg,
    user: Mapping[str, Any],
    login: Login,
    *,
    password: str | None = None,
    problem: str | None = None,
    any_place: bool = False,
    app_id: str | None = None,
    scope: str = "",
) -> Session:
    """Write the LoginHistory row and open a session.

    `password` is what was typed, for flows that have one; `problem` is what the caller has against it, which counts
    after the rules for all; `any_place` lifts the profile's login IP ranges. Raises LoginRefused.
    """
    with org.transaction():
        found = _problem(org, user, login, password=password, any_place=any_place) or problem
        history_id = record_login(org, user["Id"], login, status=found or SUCCESS)
        if found is None:
            _remember_last_login(org, user["Id"])
            if login.type == UI_LOGIN:
                _remember_address(org, user["Id"], login.caller.ip)
            return open_session(org, user["Id"], login, history_id=history_id, app_id=app_id, scope=scope)
    raise LoginRefused(found)


def _problem(
    org: SandboxOrg, user: Mapping[str, Any], login: Login, *, password: str | None, any_place: bool
) -> str | None:
    """The first of the rules for all that forbids it, as LoginHistory words it."""
    if (found := user_problem(org, user)) is not None:
        return found
    ip = login.caller.ip
    if password is not None:
        found = try_password(org, user, password, ip=ip, by_api=login.type != UI_LOGIN)
    return found or place_or_time_problem(org, user, ip, any_place=any_place)


def _remember_address(org: SandboxOrg, user_id: str, ip: str) -> None:
    """The addresses that a user has proven to use a browser at (Object Reference, LoginIp)."""
    if org.schema.get("LoginIp") and not org.rows("LoginIp", UsersId=user_id, SourceIp=ip):
        org.insert_row("LoginIp", {"UsersId": user_id, "SourceIp": ip, "IsAuthenticated": True})


def _remember_last_login(org: SandboxOrg, user_id: str) -> None:
    """LastLoginDate only moves when the one before is a minute old (Object Reference, User)."""
    user = org.row("User", user_id) or {}
    now = org.clock.now()
    last = user.get("LastLoginDate")
    if last is None or now - datetime.fromisoformat(last) >= _LAST_LOGIN_STEP:
        change_silently(org, "User", user, {"LastLoginDate": wire_datetime(now)})
