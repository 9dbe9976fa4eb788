"""Why orgs refuse sign-ins, and what to do: one table for the token endpoint and SOAP login (facts 4.3, 4.5)."""

from __future__ import annotations

from typing import NamedTuple


class Refusal(NamedTuple):
    """A refusal by its code and a part of its text (both matched without regard to case), and the remedy."""

    code: str
    text: str
    remedy: str


REFUSALS = (
    Refusal(
        "invalid_app_access",
        "",
        "pre-authorize the app for the user: add it to a permission set that the user holds",
    ),
    Refusal(
        "invalid_grant",
        "hasn't approved this consumer",
        "pre-authorize the app: set Permitted Users to admin-approved and add the app to the user's permission set",
    ),
    Refusal("invalid_grant", "no client credentials user", "set the app's run-as user for the client credentials flow"),
    Refusal("invalid_grant", "not supported on this domain", "use the org's My Domain URL, not login or test"),
    Refusal(
        "invalid_grant", "audience", "the audience of the assertion must be the My Domain URL: check the org's url"
    ),
    Refusal(
        "invalid_grant",
        "invalid assertion",
        "check that the private key belongs to the certificate of the app, and this machine's clock; a new app takes "
        "up to 10 minutes",
    ),
    Refusal("invalid_grant", "inactive user", "activate the user, or name another one"),
    Refusal("invalid_grant", "expired", "obtain a new token"),
    Refusal("invalid_grant", "ip restricted", "check the login IP ranges and hours of the user's profile"),
    Refusal(
        "invalid_grant",
        "authentication failure",
        "check username, password and security token, and that the org allows the username-password flow",
    ),
    Refusal("app_not_found", "", "install the External Client App in this org, or correct the org's URL"),
    Refusal("invalid_client_id", "", "check the consumer key: the org knows no app with it"),
    Refusal("invalid_client", "installed", "install the connected app in this org (Setup, Connected Apps OAuth Usage)"),
    Refusal("invalid_client", "", "check the consumer secret"),
    Refusal("unsupported_grant_type", "", "enable this flow in the app's OAuth settings"),
    Refusal("INVALID_LOGIN", "", "check username, password and security token; the user may be locked or frozen"),
    Refusal("LOGIN_MUST_USE_SECURITY_TOKEN", "", "give the user's security token, or trust this machine's IP address"),
    Refusal(
        "INVALID_OPERATION",
        "SOAP API login() is disabled",
        "use an OAuth flow; an org can still enable SOAP login (Setup, User Interface) until Summer '27",
    ),
    Refusal("INSUFFICIENT_ACCESS", "", "SOAP login needs the system permission Use Any API Auth: use an OAuth flow"),
    Refusal("UNSUPPORTED_API_VERSION", "", "SOAP login is gone from API version 65: use an OAuth flow"),
    Refusal("PASSWORD_LOCKOUT", "", "unlock the user in Setup"),
    Refusal("INVALID_OPERATION_WITH_EXPIRED_PASSWORD", "", "set a new password: this one has expired"),
    Refusal("LOGIN_DURING_RESTRICTED_DOMAIN", "", "check the login IP ranges of the user's profile"),
    Refusal("LOGIN_DURING_RESTRICTED_TIME", "", "check the login hours of the user's profile"),
    Refusal("ORG_LOCKED", "", "the org is locked: contact Salesforce"),
    Refusal("TRIAL_EXPIRED", "", "the org's trial has expired"),
    Refusal("API_CURRENTLY_DISABLED", "", "give the user the system permission API Enabled"),
    Refusal("API_DISABLED_FOR_ORG", "", "the org's edition has no API"),
    Refusal("Bad_OAuth_Token", "", "the access token has expired or was revoked: obtain a new one"),
    Refusal("INVALID_SESSION_ID", "", "the access token has expired or was revoked: obtain a new one"),
)


def remedy_for(code: str, description: str) -> str | None:
    """What to do about a refused sign-in, or None for a refusal that is not in the table."""
    for refusal in REFUSALS:
        if refusal.code.casefold() == code.casefold() and refusal.text.casefold() in description.casefold():
            return refusal.remedy
    return None
