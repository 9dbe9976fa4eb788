"""login() of the partner and enterprise API.

login() is gone from API 65.0, needs the system permission Use Any API Auth, and is off in newer orgs (a switch of the
org); facts: SOAP API guide, "login()". Faults come with HTTP status 500.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

from harness.sandbox import identity
from harness.sandbox.http.desk import Desk
from harness.sandbox.http.envelope import (
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
from harness.sandbox.identity import Login, LoginRefused

if TYPE_CHECKING:
    from harness.sandbox.org import SandboxOrg

LAST_LOGIN_VERSION = 64.0
_INVALID_LOGIN = "Invalid username, password, security token; or user locked out."
_NOTE = {
    identity.TOKEN_REQUIRED: (
        "LOGIN_MUST_USE_SECURITY_TOKEN",
        "Invalid username, password, security token; or user locked out. Are you at a new location? When accessing "
        "Salesforce--either via a desktop client or the API--from outside of your company's trusted networks, you must "
        "add a security token to your password to log in.",
    ),
}


def login(org: SandboxOrg, desk: Desk, version: str, body: bytes, host: str) -> Answer:
    """Answer `POST /services/Soap/u/V` or `/c/V` with a sign-in in it."""
    try:
        return _login(org, desk, version, operation(body), host)
    except SoapFault as fault:
        return fault_answer(fault)


def _login(org: SandboxOrg, desk: Desk, version: str, call: Element, host: str) -> Answer:
    if local_name(call) != "login":
        raise SoapFault("INVALID_OPERATION", f"{local_name(call)} is not simulated")
    if float(version) > LAST_LOGIN_VERSION:
        raise SoapFault("INVALID_OPERATION", f"login() is not available in API version {version}", name="LoginFault")
    if not org.switches.soap_login:
        raise SoapFault("INVALID_OPERATION", "SOAP API login() is disabled by default in this org.", name="LoginFault")
    user = identity.user_named(org, text_of(call, "username").strip())
    if user is None:
        raise SoapFault("INVALID_LOGIN", _INVALID_LOGIN, name="LoginFault")
    problem = identity.password_problem(org, user["Id"], text_of(call, "password"))
    access = org.permissions_of(user["Id"])
    refused = None
    if problem is None and not access.has("ApiEnabled"):
        problem, refused = identity.API_DISABLED, ("API_CURRENTLY_DISABLED", "API is disabled for this User")
    elif problem is None and not access.has("UseAnyApiAuth"):
        problem, refused = "Failed: Not approved for access", ("INSUFFICIENT_ACCESS", "Use Any API Auth is required")
    how = Login(
        type=identity.SOAP_LOGIN,
        application="N/A",
        url=host,
        api_type="SOAP Partner",
        api_version=version,
    )
    try:
        session = identity.sign_in(org, user, how, problem=problem)
    except LoginRefused as error:
        code, message = _NOTE.get(error.status, ("INVALID_LOGIN", _INVALID_LOGIN))
        if refused is not None and error.status == problem:
            code, message = refused
        raise SoapFault(code, message, name="LoginFault") from error
    return success_answer(_login_result(org, desk, version, user, session.token), namespace=PARTNER)


def _login_result(org: SandboxOrg, desk: Desk, version: str, user: dict[str, object], token: str) -> str:
    """`loginResponse`, its elements in the recorded order."""
    organization = org.row("Organization", org.org_id) or {}
    where = f"{desk.instance_url}/services/Soap"
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
        "sessionSecondsValid": identity.SESSION_SECONDS,
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
    parts = [
        element("metadataServerUrl", f"{where}/m/{version}/{org.org_id[:15]}"),
        element("passwordExpired", False),
        element("sandbox", bool(organization.get("IsSandbox"))),
        element("serverUrl", f"{where}/u/{version}/{org.org_id[:15]}"),
        element("sessionId", token),
        element("userId", user["Id"]),
        f"<userInfo>{''.join(element(name, value) for name, value in info.items())}</userInfo>",
    ]
    return f"<loginResponse><result>{''.join(parts)}</result></loginResponse>"
