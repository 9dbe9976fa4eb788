"""The history of sign-ins: one `LoginHistory` row for every attempt of a known user, in the platform's words.

LoginType, LoginSubType and Status texts: Object Reference, LoginHistory and EventLogFile, "LOGIN_STATUS Values".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.sandbox.clock import wire_datetime

if TYPE_CHECKING:
    from harness.sandbox.org import SandboxOrg

SUCCESS = "Success"
INVALID_PASSWORD = "Invalid Password"  # noqa: S105 - a LoginHistory status
TOKEN_REQUIRED = "Failed: API security token required"  # noqa: S105 - a LoginHistory status
PASSWORD_LOCKOUT = "Password lockout"  # noqa: S105 - a LoginHistory status
INACTIVE = "User is inactive"
FROZEN = "User is frozen"
RESTRICTED_IP = "Restricted IP"
RESTRICTED_TIME = "Restricted time"
RATE_EXCEEDED = "Login rate exceeded"
API_DISABLED = "Failed: OAuth API access disabled"
API_ONLY = "Failed: API-only user"
NOT_APPROVED = "Failed: Not approved for access"
FLOW_DISABLED = "Username-Password Flow Disabled"
SIGNATURE_INVALID = "Failed: Signature Invalid"
INVALID_TOKEN = "Failed: Invalid Token"  # noqa: S105 - a LoginHistory status

OAUTH_LOGIN = "Remote Access 2.0"
SOAP_LOGIN = "Other Apex API"
UI_LOGIN = "Application"

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Caller:
    """Where an attempt comes from: the address, and what the client says about itself."""

    ip: str = LOOPBACK
    forwarded_for: str | None = None
    browser: str = "Unknown"
    platform: str = "Unknown"
    tls: str | None = None
    """`TLS 1.3`; None over plain HTTP."""
    method: str = "POST"


@dataclass(frozen=True, slots=True)
class Login:
    """How somebody tries to get in, in the words of LoginHistory."""

    type: str
    application: str
    sub_type: str | None = None
    url: str = LOOPBACK
    api_type: str | None = None
    api_version: str | None = None
    caller: Caller = Caller()


class LoginRefused(Exception):
    """The org does not let this user in; `status` is the text that LoginHistory shows."""

    def __init__(self, status: str) -> None:
        super().__init__(status)
        self.status = status


def record_login(org: SandboxOrg, user_id: str, login: Login, *, status: str) -> str:
    """Add a LoginHistory row, and nothing else; its id."""
    caller = login.caller
    values = {
        "UserId": user_id,
        "LoginTime": wire_datetime(org.clock.now()),
        "LoginType": login.type,
        "LoginSubType": login.sub_type,
        "Status": status,
        "Application": login.application[:64],
        "ApiType": login.api_type or "N/A",
        "ApiVersion": login.api_version or "N/A",
        "ClientVersion": "N/A",
        "LoginUrl": login.url[:80],
        "SourceIp": caller.ip,
        "ForwardedForIp": caller.forwarded_for if login.type == UI_LOGIN else None,
        "Browser": caller.browser,
        "Platform": caller.platform,
        "TlsProtocol": caller.tls,
        "OptionsIsGet": caller.method == "GET",
        "OptionsIsPost": caller.method == "POST",
    }
    return org.insert_row("LoginHistory", known_columns(org, "LoginHistory", values))


def known_columns(org: SandboxOrg, sobject: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Of these values, those whose columns the org's schema has."""
    described = org.schema.get(sobject)
    if described is None:
        raise ValueError(f"the org has no object {sobject}")
    return {name: value for name, value in values.items() if described.get(name) is not None}


def change_silently(org: SandboxOrg, sobject: str, row: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    """Change columns that the platform keeps itself: who changed the row last, and when, stays as it is."""
    audit = ("LastModifiedDate", "LastModifiedById", "SystemModstamp")
    kept = {name: row[name] for name in audit if row.get(name)}
    org.update_row(sobject, row["Id"], known_columns(org, sobject, kept | dict(values)))
