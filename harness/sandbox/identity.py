"""Users' secrets, sessions and the history of their sign-ins.

Every attempt to sign in as a known user leaves a `LoginHistory` row with the platform's words (LoginType, LoginSubType
and Status texts: Object Reference, LoginHistory and EventLogFile LOGIN_STATUS). A session is one private row; its token
is the 15-character org id, `!`, and something nobody can guess.
"""

from __future__ import annotations

import secrets
import string
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from harness.sandbox.clock import wire_datetime
from harness.sandbox.vault import Drawer

if TYPE_CHECKING:
    from harness.sandbox.org import SandboxOrg

SESSION_SECONDS = 7200
"""How long a session lasts after its last use: the platform's default session timeout."""

SUCCESS = "Success"
INVALID_PASSWORD = "Invalid Password"  # noqa: S105 - a LoginHistory status
TOKEN_REQUIRED = "Failed: API security token required"  # noqa: S105 - a LoginHistory status
INACTIVE = "User is inactive"
FROZEN = "User is frozen"
API_DISABLED = "Failed: OAuth API access disabled"
API_ONLY = "Failed: API-only user"

OAUTH_LOGIN = "Remote Access 2.0"
SOAP_LOGIN = "Other Apex API"
UI_LOGIN = "Application"

_TOKEN_ALPHABET = string.ascii_letters + string.digits + "._"
_LAST_LOGIN_STEP = timedelta(seconds=60)


class LoginRefused(Exception):
    """The org does not let this user in; `status` is the text that LoginHistory shows."""

    def __init__(self, status: str) -> None:
        super().__init__(status)
        self.status = status


@dataclass(frozen=True, slots=True)
class Login:
    """How somebody tries to get in, in the words of LoginHistory."""

    type: str
    application: str
    sub_type: str | None = None
    url: str = "127.0.0.1"
    api_type: str | None = None
    api_version: str | None = None


@dataclass(frozen=True, slots=True)
class Session:
    """One session; `token` is the session id and the access token alike."""

    token: str
    user_id: str
    app_id: str | None


def set_password(org: SandboxOrg, user_id: str, password: str | None = None) -> str:
    """Give a user a password, a generated one when none is named; returns it."""
    password = password or _words(20)
    _keep(org, user_id, "password", password)
    return password


def set_security_token(org: SandboxOrg, user_id: str, token: str | None = None) -> str:
    """Give a user a security token, which then has to follow the password; returns it."""
    token = token or _words(24)
    _keep(org, user_id, "security_token", token)
    return token


def set_role(org: SandboxOrg, user_id: str, role: str) -> None:
    """Say under which name the ready file lists a user: `admin`, `erp`."""
    _keep(org, user_id, "role", role)


def secrets_of(org: SandboxOrg, user_id: str) -> Mapping[str, str]:
    """The user's `password`, `security_token` and `role` in the ready file, as far as they are set."""
    return Drawer(org, "user").get(user_id) or {}


def user_named(org: SandboxOrg, username: str) -> dict[str, Any] | None:
    """The row of the user with that username, which has no case."""
    found = org.rows("User", Username=username) or org.rows("User", Username=username.lower())
    return found[0] if found else None


def password_problem(org: SandboxOrg, user_id: str, given: str) -> str | None:
    """What LoginHistory says about a password followed by its security token; None when they are right."""
    known = secrets_of(org, user_id)
    password, token = known.get("password"), known.get("security_token", "")
    if password is None:
        return INVALID_PASSWORD
    if secrets.compare_digest(given.encode(), (password + token).encode()):
        return None
    return TOKEN_REQUIRED if secrets.compare_digest(given.encode(), password.encode()) else INVALID_PASSWORD


def user_problem(org: SandboxOrg, user: Mapping[str, Any]) -> str | None:
    """Why a user may not be signed in at all: inactive or frozen; None when nothing stands against it."""
    if not user["IsActive"]:
        return INACTIVE
    if any(row["IsFrozen"] for row in org.rows("UserLogin", UserId=user["Id"])):
        return FROZEN
    return None


def sign_in(
    org: SandboxOrg, user: Mapping[str, Any], login: Login, *, problem: str | None = None, app_id: str | None = None
) -> Session:
    """Write the LoginHistory row and open a session. Raises LoginRefused when user or caller's problem forbid it."""
    problem = user_problem(org, user) or problem
    record_login(org, user["Id"], login, status=problem or SUCCESS)
    if problem is not None:
        raise LoginRefused(problem)
    _remember_last_login(org, user)
    token = f"{org.org_id[:15]}!{''.join(secrets.choice(_TOKEN_ALPHABET) for _ in range(96))}"
    session = Session(token=token, user_id=user["Id"], app_id=app_id)
    _touch(org, session)
    return session


def record_login(org: SandboxOrg, user_id: str, login: Login, *, status: str) -> None:
    """Add a LoginHistory row, and nothing else."""
    values = {
        "UserId": user_id,
        "LoginTime": wire_datetime(org.clock.now()),
        "LoginType": login.type,
        "LoginSubType": login.sub_type,
        "Status": status,
        "Application": login.application,
        "ApiType": login.api_type or "N/A",
        "ApiVersion": login.api_version or "N/A",
        "LoginUrl": login.url,
        "SourceIp": "127.0.0.1",
        "Browser": "Unknown",
        "Platform": "Unknown",
    }
    org.insert_row("LoginHistory", known_columns(org, "LoginHistory", values))


def session_of(org: SandboxOrg, token: str) -> Session | None:
    """The live session of a token, which its use keeps alive; None when unknown, run out or its user is shut out."""
    drawer = Drawer(org, "session")
    found = drawer.get(token)
    if found is None:
        return None
    session = Session(token=token, user_id=found["user_id"], app_id=found["app_id"])
    idle = org.clock.now() - datetime.fromisoformat(found["used"])
    user = org.row("User", session.user_id)
    shut_out = user is None or (org.switches.shut_out_users_lose_sessions and user_problem(org, user) is not None)
    if shut_out or idle > timedelta(seconds=SESSION_SECONDS):
        drawer.remove(token)
        return None
    if idle > timedelta(seconds=SESSION_SECONDS / 2):
        _touch(org, session)
    return session


def end_session(org: SandboxOrg, token: str) -> bool:
    """End a session; False when there is none."""
    drawer = Drawer(org, "session")
    if drawer.get(token) is None:
        return False
    drawer.remove(token)
    return True


def end_sessions_of_shut_out_users(org: SandboxOrg) -> None:
    """End the sessions of users who are frozen or inactive now, so that unfreezing does not bring them back."""
    if not org.switches.shut_out_users_lose_sessions:
        return
    for token, values in list(Drawer(org, "session")):
        user = org.row("User", values["user_id"])
        if user is None or user_problem(org, user) is not None:
            end_session(org, token)


def known_columns(org: SandboxOrg, sobject: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Of these values, those whose columns the org's schema has."""
    described = org.schema.get(sobject)
    if described is None:
        raise ValueError(f"the org has no object {sobject}")
    return {name: value for name, value in values.items() if described.get(name) is not None}


def _keep(org: SandboxOrg, user_id: str, name: str, value: str) -> None:
    drawer = Drawer(org, "user")
    drawer.put(user_id, (drawer.get(user_id) or {}) | {name: value})


def _touch(org: SandboxOrg, session: Session) -> None:
    values = {"user_id": session.user_id, "app_id": session.app_id, "used": org.clock.now().isoformat()}
    Drawer(org, "session").put(session.token, values)


def _remember_last_login(org: SandboxOrg, user: Mapping[str, Any]) -> None:
    """LastLoginDate only moves when the one before is a minute old (Object Reference, User)."""
    now = org.clock.now()
    last = user.get("LastLoginDate")
    if last is None or now - datetime.fromisoformat(last) >= _LAST_LOGIN_STEP:
        org.update_row("User", user["Id"], known_columns(org, "User", {"LastLoginDate": wire_datetime(now)}))


def _words(length: int) -> str:
    return "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(length))
