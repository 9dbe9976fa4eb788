"""What is wrong with a sign-in, in two languages: the token endpoint's (RFC 6749 5.2) and LoginHistory's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.sandbox import identity
from harness.sandbox.http.wire import Answer

if TYPE_CHECKING:
    from harness.sandbox.org import SandboxOrg

TOKEN_HEADERS = {"Expires": "Thu, 01 Jan 1970 00:00:00 GMT"}


class TokenRefused(Exception):
    """An OAuth endpoint says no."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(f"{error}: {description}")
        self.error = error
        self.description = description
        self.status = status


@dataclass(frozen=True, slots=True)
class Fault:
    """What stands against one sign-in: `error` and `description` for the client, `status` for LoginHistory."""

    error: str
    description: str
    status: str

    def refusal(self) -> TokenRefused:
        """The refusal it makes."""
        return TokenRefused(self.error, self.description)


_FAILURE = ("invalid_grant", "authentication failure")
API_DISABLED = Fault(*_FAILURE, identity.API_DISABLED)
FLOW_DISABLED = Fault(*_FAILURE, identity.FLOW_DISABLED)
NOT_PRE_AUTHORIZED = Fault("invalid_app_access", "user is not admin approved to access this app", identity.NOT_APPROVED)
NOT_CONSENTED = Fault("invalid_grant", "user hasn't approved this consumer", identity.NOT_APPROVED)
NOT_INSTALLED = Fault("invalid_client", "app must be installed into org", identity.NOT_APPROVED)
BLOCKED = Fault("OAUTH_APP_BLOCKED", "this app is blocked by admin", identity.NOT_APPROVED)
RUN_OUT = Fault("invalid_grant", "expired access/refresh token", identity.INVALID_TOKEN)
WRONG_AUDIENCE = Fault("invalid_grant", "audience is invalid", identity.INVALID_TOKEN)
INVALID_ASSERTION = Fault("invalid_grant", "invalid assertion", identity.INVALID_TOKEN)
INVALID_SIGNATURE = Fault("invalid_grant", "invalid assertion", identity.SIGNATURE_INVALID)
NOT_IN_THIS_ORG = Fault("app_not_found", "External client app is not installed in this org", identity.NOT_APPROVED)

_BY_STATUS: Mapping[str, tuple[str, str]] = {
    identity.INACTIVE: ("invalid_grant", "inactive user"),
    identity.RESTRICTED_IP: ("invalid_grant", "ip restricted or invalid login hours"),
    identity.RESTRICTED_TIME: ("invalid_grant", "ip restricted or invalid login hours"),
    identity.RATE_EXCEEDED: ("rate_limit_exceeded", "number of logins exceeded"),
}
"""For what the rules for all users refuse; `authentication failure` for the rest of them."""


def refusal_of(org: SandboxOrg, status: str, fault: Fault | None) -> TokenRefused:
    """The refusal of a sign-in that LoginHistory has with this status: the fault's words, if it is its own."""
    if fault is not None and fault.status == status:
        return fault.refusal()
    if status == identity.FROZEN and org.switches.frozen_user_error == "inactive-user":
        status = identity.INACTIVE
    return TokenRefused(*_BY_STATUS.get(status, _FAILURE))


def refusal(refused: TokenRefused) -> Answer:
    """The answer of a refusal."""
    body = {"error": refused.error, "error_description": refused.description}
    return Answer(refused.status, body, TOKEN_HEADERS)
