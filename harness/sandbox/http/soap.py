"""login() of the partner and enterprise API.

login() is gone from API 65.0, needs the system permission Use Any API Auth in newer orgs, and is off in the newest
(both switches of the org): SOAP API guide, "login()" and "SOAP API End-of-Life Policy". Faults come with HTTP status
500.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

from harness.sandbox import identity
from harness.sandbox.http.desk import Desk
from harness.sandbox.http.envelope import (
    ENTERPRISE,
    PARTNER,
    SoapFault,
    element,
    fault_answer,
    local_name,
    operation,
    success_answer,
    text_of,
)
from harness.sandbox.http.wire import Answer
from harness.sandbox.identity import Caller, Login, LoginRefused, Session

if TYPE_CHECKING:
    from harness.sandbox.org import SandboxOrg

LAST_LOGIN_VERSION = 64.0
_NAMESPACES = {"u": PARTNER, "c": ENTERPRISE}
_API_TYPES = {"u": "SOAP Partner", "c": "SOAP Enterprise"}
_INVALID_LOGIN = "Invalid username, password, security token; or user locked out."
_FAULTS: Mapping[str, tuple[str, str]] = {
    identity.TOKEN_REQUIRED: (
        "LOGIN_MUST_USE_SECURITY_TOKEN",
        f"{_INVALID_LOGIN} Are you at a new location? When accessing Salesforce--either via a desktop client or the "
        "API--from outside of your company\u2019s trusted networks, you must add a security token to your password to "
        "log in. To get your new security token, log in to Salesforce. From your personal settings, enter Reset My "
        "Security Token in the Quick Find box, then select Reset My Security Token.",
    ),
    identity.RESTRICTED_IP: ("LOGIN_DURING_RESTRICTED_DOMAIN", "cannot log in from current domain"),
    identity.RESTRICTED_TIME: ("LOGIN_DURING_RESTRICTED_TIME", "cannot log in during this time period"),
    identity.RATE_EXCEEDED: ("LOGIN_RATE_EXCEEDED", "login rate exceeded"),
    identity.API_DISABLED: ("API_CURRENTLY_DISABLED", "API is disabled for this User"),
    identity.NOT_APPROVED: ("INSUFFICIENT_ACCESS", "Use Any API Auth is required"),
}
"""Code and message for a status of LoginHistory; INVALID_LOGIN for all others."""


def login(
    org: SandboxOrg,
    desk: Desk,
    version: str,
    body: bytes,
    host: str,
    *,
    kind: str = "u",
    caller: Caller | None = None,
) -> Answer:
    """Answer `POST /services/Soap/u/V` or `/c/V` (`kind`) with a sign-in in it."""
    namespace = _NAMESPACES[kind]
    try:
        call = operation(body)
        _check_served(org, version, call)
        how = Login(
            type=identity.SOAP_LOGIN,
            application="N/A",
            url=host,
            api_type=_API_TYPES[kind],
            api_version=version,
            caller=caller or Caller(),
        )
        session = _sign_in(org, how, text_of(call, "username").strip(), text_of(call, "password"))
    except SoapFault as fault:
        return fault_answer(fault, namespace=namespace.replace("urn:", "urn:fault."))
    return success_answer(_login_result(org, desk, version, kind, session), namespace=namespace)


def _check_served(org: SandboxOrg, version: str, call: Element) -> None:
    if local_name(call) != "login":
        raise SoapFault("INVALID_OPERATION", f"{local_name(call)} is not simulated")
    if float(version) > LAST_LOGIN_VERSION:
        raise _refused("INVALID_OPERATION", f"login() is not available in API version {version}")
    if not org.switches.soap_login:
        raise _refused("INVALID_OPERATION", "SOAP API login() is disabled by default in this org.")


def _sign_in(org: SandboxOrg, how: Login, username: str, password: str) -> Session:
    user = identity.user_named(org, username)
    if user is None:
        raise _refused("INVALID_LOGIN", _INVALID_LOGIN)
    access, problem = org.permissions_of(user["Id"]), None
    if not access.has("ApiEnabled"):
        problem = identity.API_DISABLED
    elif org.switches.use_any_api_auth and not access.has("UseAnyApiAuth"):
        problem = identity.NOT_APPROVED
    try:
        return identity.sign_in(org, user, how, password=password, problem=problem)
    except LoginRefused as refused:
        raise _refused(*_FAULTS.get(refused.status, ("INVALID_LOGIN", _INVALID_LOGIN))) from refused


def _refused(code: str, message: str) -> SoapFault:
    return SoapFault(code, message, name="LoginFault")


def _login_result(org: SandboxOrg, desk: Desk, version: str, kind: str, session: Session) -> str:
    """`loginResponse`, its elements in the recorded order."""
    organization = org.row("Organization", org.org_id) or {}
    where = f"{desk.instance_url}/services/Soap"
    user = org.row("User", session.user_id) or {}
    parts = [
        element("metadataServerUrl", f"{where}/m/{version}/{org.org_id[:15]}"),
        element("passwordExpired", session.password_expired),
        element("sandbox", bool(organization.get("IsSandbox"))),
        element("serverUrl", f"{where}/{kind}/{version}/{org.org_id[:15]}"),
        element("sessionId", session.token),
        element("userId", session.user_id),
        f"<userInfo>{user_info(org, user)}</userInfo>",
    ]
    return f"<loginResponse><result>{''.join(parts)}</result></loginResponse>"


def user_info(org: SandboxOrg, user: Mapping[str, object]) -> str:
    """The elements of GetUserInfoResult, in the recorded order."""
    organization = org.row("Organization", org.org_id) or {}
    info = {
        "accessibilityMode": False,
        "chatterExternal": False,
        "currencySymbol": "$",
        "orgAttachmentFileSizeLimit": 5242880,
        "orgDefaultCurrencyIsoCode": "USD",
        "orgDefaultCurrencyLocale": "en_US",
        "orgDisallowHtmlAttachments": False,
        "orgHasPersonAccounts": False,
        "organizationId": org.org_id,
        "organizationMultiCurrency": False,
        "organizationName": organization.get("Name"),
        "profileId": user.get("ProfileId"),
        "roleId": user.get("UserRoleId"),
        "sessionSecondsValid": identity.policy_of(org).session_seconds,
        "userDefaultCurrencyIsoCode": None,
        "userEmail": user.get("Email"),
        "userFullName": user.get("Name"),
        "userId": user["Id"],
        "userLanguage": user.get("LanguageLocaleKey"),
        "userLocale": user.get("LocaleSidKey"),
        "userName": user.get("Username"),
        "userTimeZone": user.get("TimeZoneSidKey"),
        "userType": "Standard",
        "userUiSkin": "Theme3",
    }
    return "".join(element(name, value) for name, value in info.items())
