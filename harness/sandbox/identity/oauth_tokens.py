"""What an app holds for a user: refresh tokens with their `OauthToken` rows, authorization codes, one-time passwords.

Object Reference, OauthToken; Salesforce Help, "OAuth 2.0 Refresh Token Flow" and "Manage OAuth Access Policies". Of
every secret the org keeps a digest only; the tokens in the row's columns are others, good for revoking at most.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from harness.sandbox.clock import wire_datetime
from harness.sandbox.identity.history import change_silently, known_columns
from harness.sandbox.identity.sessions import Session, digest, end_sessions, tie_session
from harness.sandbox.vault import Drawer

if TYPE_CHECKING:
    from harness.sandbox.org import SandboxOrg

CODE_SECONDS = 15 * 60
"""How long an authorization code is good (Salesforce Help, "OAuth 2.0 Web Server Flow")."""
ONE_TIME_SECONDS = 60
"""How long a front door stays open (Salesforce Help, "Generate a Frontdoor URL to Bridge into UI Sessions")."""

CODE, APPROVAL, DOOR = "code", "approval", "door"
"""Kinds of what is good once."""

_REFRESH_PREFIX = "5Aep861"


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """One refresh token as the org knows it."""

    id: str
    """The OauthToken row."""
    user_id: str
    app_id: str
    scope: str
    issued: str
    used: str


def remember_app(org: SandboxOrg, session: Session, *, app_name: str, refresh: bool) -> str | None:
    """Note that the app of a session may act for its user; a refresh token where one is asked for.

    Without a refresh token there is one row for an app and a user, which counts how often it was used.
    """
    app_id = session.app_id or ""
    again = None if refresh else _used_again(org, session.user_id, app_id)
    row_id = again or _new_row(org, session.user_id, app_id=app_id, app_name=app_name)
    tie_session(org, session, row_id)
    if not refresh:
        return None
    return _new_secret(org, row_id, user_id=session.user_id, app_id=app_id, scope=session.scope)


def refresh_token(org: SandboxOrg, token: str) -> RefreshToken | None:
    """The refresh token, if it is known."""
    found = Drawer(org, "refresh_token").get(digest(token))
    return None if found is None else RefreshToken(**found)


def use_refresh_token(org: SandboxOrg, token: str, *, rotate: bool) -> str | None:
    """Count a use of a known refresh token; with `rotate` it is replaced by another, which is returned."""
    drawer, key = Drawer(org, "refresh_token"), digest(token)
    known = drawer.get(key)
    if known is None:
        return None
    _count(org, known["id"])
    if rotate:
        drawer.remove(key)
        return _new_secret(org, known["id"], user_id=known["user_id"], app_id=known["app_id"], scope=known["scope"])
    drawer.put(key, known | {"used": org.clock.peek().isoformat()})
    return None


def revoke(org: SandboxOrg, token: str) -> bool:
    """Revoke by refresh token or by OauthToken.DeleteToken: the app's sessions end too. False when it is neither."""
    known = refresh_token(org, token)
    rows = org.rows("OauthToken", DeleteToken=token) if known is None and token else []
    row_id = known.id if known is not None else next((row["Id"] for row in rows), None)
    if row_id is None:
        return False
    revoke_row(org, row_id)
    return True


def revoke_row(org: SandboxOrg, row_id: str) -> None:
    """Take back what an OauthToken row stands for."""
    drawer = Drawer(org, "refresh_token")
    for key, values in list(drawer):
        if values["id"] == row_id:
            drawer.remove(key)
    end_sessions(org, oauth_token_id=row_id)
    if org.row("OauthToken", row_id) is not None:
        org.delete_row("OauthToken", row_id)


def app_of_row(org: SandboxOrg, row_id: str) -> str | None:
    """The app that an OauthToken row belongs to."""
    return (Drawer(org, "oauth_token").get(row_id) or {}).get("app_id")


def keep_once(org: SandboxOrg, kind: str, values: dict[str, Any], *, seconds: int) -> str:
    """Keep something of a kind under a new secret that is good once, for a short time; the secret."""
    drawer, now = Drawer(org, "one_time"), org.clock.peek()
    for key, kept in list(drawer):
        if datetime.fromisoformat(kept["until"]) + timedelta(seconds=seconds) < now:
            drawer.remove(key)
    secret = secrets.token_urlsafe(48)
    until = (now + timedelta(seconds=seconds)).isoformat()
    drawer.put(digest(secret), {"kind": kind, "until": until, "values": values})
    return secret


def take_once(org: SandboxOrg, kind: str, secret: str) -> tuple[dict[str, Any] | None, bool]:
    """What was kept under a secret of that kind, which is used up now, and whether it was in time."""
    drawer, key = Drawer(org, "one_time"), digest(secret)
    kept = drawer.get(key)
    if kept is None or kept["kind"] != kind:
        return None, False
    drawer.remove(key)
    return kept["values"], org.clock.peek() <= datetime.fromisoformat(kept["until"])


def _new_row(org: SandboxOrg, user_id: str, *, app_id: str, app_name: str) -> str:
    now = wire_datetime(org.clock.now())
    values = {
        "AccessToken": secrets.token_hex(24),
        "RequestToken": secrets.token_hex(24),
        "DeleteToken": secrets.token_hex(48),
        "AppName": app_name,
        "UserId": user_id,
        "UseCount": 1,
        "CreatedDate": now,
        "LastUsedDate": now,
    }
    row_id = org.insert_row("OauthToken", known_columns(org, "OauthToken", values))
    Drawer(org, "oauth_token").put(row_id, {"app_id": app_id})
    return row_id


def _used_again(org: SandboxOrg, user_id: str, app_id: str) -> str | None:
    for row in org.rows("OauthToken", UserId=user_id):
        if app_of_row(org, row["Id"]) == app_id:
            _count(org, row["Id"])
            return str(row["Id"])
    return None


def _count(org: SandboxOrg, row_id: str) -> None:
    row = org.row("OauthToken", row_id)
    if row is not None:
        used = {"UseCount": int(row["UseCount"] or 0) + 1, "LastUsedDate": wire_datetime(org.clock.now())}
        change_silently(org, "OauthToken", row, used)


def _new_secret(org: SandboxOrg, row_id: str, *, user_id: str, app_id: str, scope: str) -> str:
    token, now = _REFRESH_PREFIX + secrets.token_urlsafe(60), org.clock.peek().isoformat()
    values = {"id": row_id, "user_id": user_id, "app_id": app_id, "scope": scope, "issued": now, "used": now}
    Drawer(org, "refresh_token").put(digest(token), values)
    return token
