"""Users' passwords and security tokens: setting them, checking them, and what wrong ones lead to.

Salesforce Help, "Set Password Policies"; REST guide, "sObject User Password"; Object Reference, User and UserLogin.
"""

from __future__ import annotations

import secrets
import string
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from harness.sandbox.clock import wire_datetime
from harness.sandbox.identity.history import INVALID_PASSWORD, PASSWORD_LOCKOUT, TOKEN_REQUIRED, change_silently
from harness.sandbox.identity.restrictions import needs_no_security_token, policy_of
from harness.sandbox.vault import Drawer

if TYPE_CHECKING:
    from harness.sandbox.org import SandboxOrg

_ALPHABET = string.ascii_letters + string.digits


def set_password(org: SandboxOrg, user_id: str, password: str | None = None, *, expired: bool = False) -> str:
    """Give a user a password, a generated one when none is named; returns it.

    An `expired` one lets its owner in to choose another, and to do nothing else.
    """
    password = password or _words(20)
    now = org.clock.now()
    _keep(org, user_id, password=password, password_set=now.isoformat(), expired=expired)
    user = org.row("User", user_id)
    if user is not None:
        change_silently(org, "User", user, {"LastPasswordChangeDate": wire_datetime(now), "NumberOfFailedLogins": 0})
    return password


def set_security_token(org: SandboxOrg, user_id: str, token: str | None = None) -> str:
    """Give a user a security token, which then has to follow the password; returns it."""
    token = token or _words(24)
    _keep(org, user_id, security_token=token)
    return token


def set_role(org: SandboxOrg, user_id: str, role: str) -> None:
    """Say under which name the ready file lists a user: `admin`, `erp`."""
    _keep(org, user_id, role=role)


def secrets_of(org: SandboxOrg, user_id: str) -> Mapping[str, str]:
    """The user's `password`, `security_token` and `role` in the ready file, as far as they are set."""
    known = Drawer(org, "user").get(user_id) or {}
    return {name: known[name] for name in ("password", "security_token", "role") if name in known}


def expire_password(org: SandboxOrg, user_id: str) -> None:
    """Make a user choose another password at the next sign-in."""
    _keep(org, user_id, expired=True)


def password_expired(org: SandboxOrg, user_id: str) -> bool:
    """Whether a user's password has run out: somebody expired it, or it is older than the org's policy allows."""
    known = Drawer(org, "user").get(user_id) or {}
    if known.get("expired"):
        return True
    days = policy_of(org).password_days
    if not days or "password_set" not in known or org.permissions_of(user_id).has("PasswordNeverExpires"):
        return False
    return org.clock.peek() - datetime.fromisoformat(known["password_set"]) > timedelta(days=days)


def user_named(org: SandboxOrg, username: str) -> dict[str, Any] | None:
    """The row of the user with that username, which has no case."""
    found = org.rows("User", Username=username) or org.rows("User", Username=username.lower())
    return found[0] if found else None


def password_problem(org: SandboxOrg, user_id: str, given: str, *, token_needed: bool = True) -> str | None:
    """What LoginHistory says about a password followed by its security token; None when they are right."""
    known = secrets_of(org, user_id)
    password, token = known.get("password"), known.get("security_token", "")
    if password is None:
        return INVALID_PASSWORD
    whole = secrets.compare_digest(given.encode(), (password + token).encode())
    bare = secrets.compare_digest(given.encode(), password.encode())
    if whole or (bare and not token_needed):
        return None
    return TOKEN_REQUIRED if bare else INVALID_PASSWORD


def try_password(org: SandboxOrg, user: Mapping[str, Any], given: str, *, ip: str, by_api: bool = True) -> str | None:
    """Check a password as a sign-in does: count what is wrong, lock out, unlock. The status, or None when it is right.

    Over the API a security token has to follow, unless the address is trusted.
    """
    if _locked_out(org, user):
        return PASSWORD_LOCKOUT
    token_needed = by_api and not needs_no_security_token(org, user, ip)
    problem = password_problem(org, user["Id"], given, token_needed=token_needed)
    if problem == INVALID_PASSWORD:
        _count_failure(org, user)
    elif problem is None:
        unlock(org, user)
    return problem


def unlock(org: SandboxOrg, user: Mapping[str, Any]) -> None:
    """Forget the failures of a user and lift the lockout."""
    if user.get("NumberOfFailedLogins"):
        change_silently(org, "User", user, {"NumberOfFailedLogins": 0})
    for row in org.rows("UserLogin", UserId=user["Id"]):
        if row["IsPasswordLocked"]:
            change_silently(org, "UserLogin", row, {"IsPasswordLocked": False})


def _locked_out(org: SandboxOrg, user: Mapping[str, Any]) -> bool:
    policy = policy_of(org)
    locked = any(row["IsPasswordLocked"] for row in org.rows("UserLogin", UserId=user["Id"]))
    if not locked:
        return False
    since = (Drawer(org, "user").get(user["Id"]) or {}).get("locked")
    if since is None or not policy.lockout_minutes:
        return True
    if org.clock.peek() - datetime.fromisoformat(since) <= timedelta(minutes=policy.lockout_minutes):
        return True
    unlock(org, user)
    return False


def _count_failure(org: SandboxOrg, user: Mapping[str, Any]) -> None:
    """One wrong password more. An administrator who unlocks starts the count anew."""
    policy = policy_of(org)
    before = int((org.row("User", user["Id"]) or {}).get("NumberOfFailedLogins") or 0)
    failures = 1 if policy.most_failures and before >= policy.most_failures else before + 1
    change_silently(org, "User", user, {"NumberOfFailedLogins": failures})
    if policy.most_failures and failures >= policy.most_failures:
        _keep(org, user["Id"], locked=org.clock.peek().isoformat())
        for row in org.rows("UserLogin", UserId=user["Id"]):
            change_silently(org, "UserLogin", row, {"IsPasswordLocked": True})


def _keep(org: SandboxOrg, user_id: str, **values: str | bool) -> None:
    drawer = Drawer(org, "user")
    drawer.put(user_id, (drawer.get(user_id) or {}) | values)


def _words(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))
