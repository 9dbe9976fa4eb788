"""Sessions: an `AuthSession` row each, and a token that only its owner knows.

The row is the truth: deleting it, or letting it run out, ends the session (Object Reference, AuthSession). A token is
the 15-character org id, `!`, and something nobody can guess; the org keeps its digest.
"""

from __future__ import annotations

import hashlib
import secrets
import string
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from harness.sandbox.clock import wire_datetime
from harness.sandbox.errors import ApiError
from harness.sandbox.identity.credentials import password_expired
from harness.sandbox.identity.history import OAUTH_LOGIN, UI_LOGIN, Login, known_columns
from harness.sandbox.identity.restrictions import policy_of
from harness.sandbox.switches import Switches
from harness.sandbox.vault import Drawer

if TYPE_CHECKING:
    from harness.sandbox.org import SandboxOrg

_ALPHABET = string.ascii_letters + string.digits + "._"
_LENGTH = 96
_TYPES = {OAUTH_LOGIN: "Oauth2", UI_LOGIN: "UI"}
_LIVE = """
SELECT s."LastModifiedDate", s."NumSecondsValid", u."IsActive",
       (SELECT max(l."IsFrozen") FROM "UserLogin" l WHERE l."UserId" = u."Id")
FROM "AuthSession" s JOIN "User" u ON u."Id" = s."UsersId" WHERE s."Id" = ?
"""
_MOMENT = 23
"""Characters of `2026-01-05T09:00:00.000`, which SQLite reads; it does not read the platform's zone."""
_RUN_OUT = """
SELECT "Id" FROM "AuthSession"
WHERE julianday(substr("LastModifiedDate", 1, 23)) + "NumSecondsValid" / 86400.0 <= julianday(?)
"""


@dataclass(frozen=True, slots=True)
class Session:
    """One session; `token` is the session id and the access token alike."""

    token: str
    user_id: str
    app_id: str | None
    id: str = ""
    """The AuthSession row."""
    scope: str = ""
    flow: str | None = None
    """LoginSubType of the sign-in."""
    issued: str = ""
    """ISO 8601."""
    oauth_token_id: str | None = None
    """The OauthToken row whose revocation ends the session."""
    password_expired: bool = False
    """Whether all that this session may do is set another password."""


def open_session(
    org: SandboxOrg,
    user_id: str,
    login: Login,
    *,
    history_id: str | None = None,
    app_id: str | None = None,
    scope: str = "",
) -> Session:
    """A new session of a user, as a sign-in leaves it."""
    now = org.clock.now()
    values = {
        "UsersId": user_id,
        "CreatedDate": wire_datetime(now),
        "LastModifiedDate": wire_datetime(now),
        "NumSecondsValid": policy_of(org).session_seconds,
        "UserType": "Standard",
        "SourceIp": login.caller.ip,
        "LoginType": login.type,
        "SessionType": _TYPES.get(login.type, "API"),
        "SessionSecurityLevel": "STANDARD",
        "LoginHistoryId": history_id,
    }
    session_id = org.insert_row("AuthSession", known_columns(org, "AuthSession", values))
    org.update_row("AuthSession", session_id, {"ParentId": session_id})
    session = Session(
        token=_new_token(org.org_id),
        user_id=user_id,
        app_id=app_id,
        id=session_id,
        scope=scope,
        flow=login.sub_type,
        issued=now.isoformat(),
        password_expired=password_expired(org, user_id),
    )
    kept = {name: getattr(session, name) for name in Session.__slots__ if name != "token"}
    _keep(org, digest(session.token), kept)
    return session


def tie_session(org: SandboxOrg, session: Session, oauth_token_id: str) -> None:
    """Let a session end when an OauthToken row is revoked."""
    key = digest(session.token)
    _keep(org, key, (Drawer(org, "session").get(key) or {}) | {"oauth_token_id": oauth_token_id})


def session_of(org: SandboxOrg, token: str) -> Session | None:
    """The live session of a token, which its use keeps alive; None when unknown, run out or its user is shut out."""
    late = _of_late_request(org, token)
    if late is not None:
        return None if _is_shut_out(org, late.user_id) else late
    key = digest(token)
    state = _state(org)
    known: _Known | None = org.known_sessions.get(key)
    if known is None or known.state != state or known.until <= org.clock.peek():
        known = _look_up(org, key, token)
        if known is None:
            return None
        org.known_sessions[key] = known
    org.session_id.set(known.session.id)  # whose activations of session-based permission sets count
    return known.session


def _of_late_request(org: SandboxOrg, token: str) -> Session | None:
    """The session a late request came with, which counts for it even when it has ended since."""
    begun = org.late.session.get()
    return Session(**begun) if begun is not None and begun["token"] == token else None


def _is_shut_out(org: SandboxOrg, user_id: str) -> bool:
    """Whether a user was frozen or deactivated, which ends what is under way as it ends the sessions."""
    frozen = any(row["IsFrozen"] for row in org.rows("UserLogin", UserId=user_id))
    return org.switches.shut_out_users_lose_sessions and (frozen or not org.peek("User", user_id, "IsActive"))


@dataclass(frozen=True, slots=True)
class _Known:
    """A session that was found alive, and need not be looked up again while nothing has changed."""

    session: Session
    state: tuple[Switches, tuple[int, ...]]
    until: datetime


def _look_up(org: SandboxOrg, key: str, token: str) -> _Known | None:
    found = Drawer(org, "session").get(key)
    if found is None:
        return None
    session = Session(token=token, **found)
    until = _alive_until(org, session)
    if until is None:
        _forget(org, key, session.id)
        return None
    if session.password_expired and not password_expired(org, session.user_id):
        _keep(org, key, found | {"password_expired": False})
        session = replace(session, password_expired=False)
    if session.password_expired:
        until = org.clock.peek()  # another password ends that, and is no row
    return _Known(session, _state(org), until)


def _state(org: SandboxOrg) -> tuple[Switches, tuple[int, ...]]:
    """What is another once a session may have come to its end, but for time."""
    return org.switches, org.derived.versions("AuthSession", "User", "UserLogin")


def expires(org: SandboxOrg, session: Session) -> datetime:
    """When a session ends unless it is used before."""
    row = org.row("AuthSession", session.id) or {}
    used = datetime.fromisoformat(row.get("LastModifiedDate") or session.issued)
    return used + timedelta(seconds=int(row.get("NumSecondsValid") or 0))


def bring_up_to_date(org: SandboxOrg) -> None:
    """Make AuthSession fit to be looked at: without sessions that ran out, and IsCurrent true of the one that asks."""
    sobject = org.schema.get("AuthSession")
    if sobject is None:
        return
    org.store.ensure(sobject)
    now = wire_datetime(org.clock.peek())[:_MOMENT]
    gone = {row[0] for row in org.store.execute(_RUN_OUT, (now,))}
    for key, values in list(Drawer(org, "session")) if gone else ():
        if values["id"] in gone:
            _forget(org, key, values["id"])
    sql = 'UPDATE "AuthSession" SET "IsCurrent" = ("Id" = :id) WHERE "IsCurrent" <> ("Id" = :id)'
    org.store.execute(sql, {"id": org.session_id.get() or ""})


def end_session(org: SandboxOrg, token: str) -> bool:
    """End a session; False when there is none."""
    key = digest(token)
    found = Drawer(org, "session").get(key)
    if found is None:
        return False
    _forget(org, key, found["id"])
    return True


def end_sessions(org: SandboxOrg, **equals: str) -> int:
    """End all sessions whose `user_id`, `app_id` or `oauth_token_id` is this; how many there were."""
    ended = 0
    for key, values in list(Drawer(org, "session")):
        if all(values.get(name) == value for name, value in equals.items()):
            _forget(org, key, values["id"])
            ended += 1
    return ended


def end_sessions_of_shut_out_user(org: SandboxOrg, user_id: str) -> None:
    """End the sessions of a user who was frozen or deactivated, so that the way back does not bring them back."""
    if org.switches.shut_out_users_lose_sessions:
        end_sessions(org, user_id=user_id)


def expired_password() -> ApiError:
    """What the API answers a session whose user has to set another password first."""
    message = "The users password has expired, you must call SetPassword before attempting any other API operations"
    return ApiError(403, "INVALID_OPERATION_WITH_EXPIRED_PASSWORD", message)


def digest(secret: str) -> str:
    """What the org keeps of a secret it only has to recognise."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _new_token(org_id: str) -> str:
    return f"{org_id[:15]}!{''.join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))}"


def _alive_until(org: SandboxOrg, session: Session) -> datetime | None:
    """Until when a session counts without being looked at again: half of its time, whose second half prolongs it.

    None for one that does not count.
    """
    for name in ("AuthSession", "User", "UserLogin"):
        sobject = org.schema.get(name)
        if sobject is not None:
            org.store.ensure(sobject)
    row = org.store.execute(_LIVE, (session.id,)).fetchone()
    if row is None:
        return None
    used, seconds, active, frozen = row
    if org.switches.shut_out_users_lose_sessions and (not active or frozen):
        return None
    now, used_at = org.clock.peek(), datetime.fromisoformat(used)
    if now - used_at >= timedelta(seconds=seconds):
        return None
    if now - used_at > timedelta(seconds=seconds / 2):
        used_at = org.clock.now()
        org.update_row("AuthSession", session.id, {"LastModifiedDate": wire_datetime(used_at)})
    return used_at + timedelta(seconds=seconds / 2)


def _keep(org: SandboxOrg, key: str, values: dict[str, Any]) -> None:
    org.known_sessions.pop(key, None)
    Drawer(org, "session").put(key, values)


def _forget(org: SandboxOrg, key: str, session_id: str) -> None:
    org.known_sessions.pop(key, None)
    Drawer(org, "session").remove(key)
    if org.row("AuthSession", session_id) is not None:
        org.delete_row("AuthSession", session_id)
