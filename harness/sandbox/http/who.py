"""Who a token belongs to: userinfo, the identity URL, introspection (RFC 7662), revocation, and the way to the UI."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.sandbox import identity
from harness.sandbox.http import oauth
from harness.sandbox.http.oauth import TokenRefused, TokenRequest
from harness.sandbox.http.wire import HTML_TYPE, Answer
from harness.sandbox.identity import Login

if TYPE_CHECKING:
    from harness.sandbox.org import SandboxOrg

_RESTRICTED_PAGE = """<!DOCTYPE html>
<html lang="en"><head><title>Access Restricted for API Only Users</title></head>
<body><h1>Access Restricted for API Only Users</h1>
<p>The user ID and password you entered is valid, but you can access only the API with this account.</p></body></html>
"""


def userinfo(org: SandboxOrg, instance_url: str, token: str) -> Answer:
    """`GET /services/oauth2/userinfo`."""
    session = identity.session_of(org, token) if token else None
    if session is None:
        return _bad_token(token)
    user = org.row("User", session.user_id) or {}
    return Answer(
        200,
        {
            "sub": _identity_url(org, instance_url, session.user_id),
            "user_id": session.user_id,
            "organization_id": org.org_id,
            "preferred_username": user.get("Username"),
            "nickname": user.get("CommunityNickname") or user.get("Alias"),
            "name": user.get("Name"),
            "email": user.get("Email"),
            "email_verified": True,
            "given_name": user.get("FirstName"),
            "family_name": user.get("LastName"),
            "zoneinfo": user.get("TimeZoneSidKey"),
            "profile": f"{instance_url}/{session.user_id}",
            "urls": _urls(org, instance_url, session.user_id),
            "active": user.get("IsActive"),
            "user_type": "STANDARD",
            "language": user.get("LanguageLocaleKey"),
            "locale": user.get("LocaleSidKey"),
            "utcOffset": 0,
            "updated_at": user.get("LastModifiedDate"),
            "is_app_installed": True,
            "is_salesforce_integration_user": org.permissions_of(session.user_id).user_license
            == "Salesforce Integration",
        },
    )


def identify(org: SandboxOrg, instance_url: str, token: str, org_id: str, user_id: str) -> Answer:
    """`GET /id/ORG/USER`: the identity URL of a token answer."""
    session = identity.session_of(org, token) if token else None
    if session is None:
        return _bad_token(token)
    if org_id[:15] != org.org_id[:15]:
        return Answer(403, "Bad_OrgId", media_type=HTML_TYPE)
    if user_id[:15] != session.user_id[:15]:
        return Answer(403, "Bad_Id", media_type=HTML_TYPE)
    user = org.row("User", session.user_id) or {}
    return Answer(
        200,
        {
            "id": _identity_url(org, instance_url, session.user_id),
            "asserted_user": True,
            "user_id": session.user_id,
            "organization_id": org.org_id,
            "username": user.get("Username"),
            "nick_name": user.get("CommunityNickname") or user.get("Alias"),
            "display_name": user.get("Name"),
            "email": user.get("Email"),
            "email_verified": True,
            "first_name": user.get("FirstName"),
            "last_name": user.get("LastName"),
            "timezone": user.get("TimeZoneSidKey"),
            "urls": _urls(org, instance_url, session.user_id),
            "active": user.get("IsActive"),
            "user_type": "STANDARD",
            "language": user.get("LanguageLocaleKey"),
            "locale": user.get("LocaleSidKey"),
            "last_modified_date": user.get("LastModifiedDate"),
            "is_app_installed": True,
        },
    )


def introspect(request: TokenRequest) -> Answer:
    """`POST /services/oauth2/introspect`: an app asks about a token of its own."""
    try:
        app = oauth.authenticated_app(request)
        session = identity.session_of(request.org, request.required("token"))
    except TokenRefused as refused:
        return oauth.refusal(refused)
    if session is None or session.app_id != app.id:
        return Answer(200, {"active": False})
    user = request.org.row("User", session.user_id) or {}
    return Answer(
        200,
        {
            "active": True,
            "scope": "api",
            "client_id": app.consumer_key,
            "username": user.get("Username"),
            "sub": _identity_url(request.org, request.desk.instance_url, session.user_id),
            "token_type": "access_token",
        },
    )


def revoke(org: SandboxOrg, token: str) -> Answer:
    """`GET` or `POST /services/oauth2/revoke?token=` (RFC 7009)."""
    if identity.end_session(org, token):
        return Answer(200)
    return oauth.refusal(TokenRefused("invalid_token", "invalid token"))


def frontdoor(org: SandboxOrg, token: str, host: str) -> Answer:
    """`GET /secur/frontdoor.jsp?sid=`: into the UI, or the page that keeps API-only users out of it."""
    session = identity.session_of(org, token) if token else None
    if session is None:
        return Answer(302, None, {"Location": "/?ec=302&startURL=%2Flightning"})
    login = Login(type=identity.UI_LOGIN, application="Browser", url=host)
    if org.permissions_of(session.user_id).has("ApiUserOnly"):
        identity.record_login(org, session.user_id, login, status=identity.API_ONLY)
        return Answer(200, _RESTRICTED_PAGE, media_type=HTML_TYPE)
    identity.record_login(org, session.user_id, login, status=identity.SUCCESS)
    return Answer(302, None, {"Location": "/lightning"})


def _identity_url(org: SandboxOrg, instance_url: str, user_id: str) -> str:
    return f"{instance_url}/id/{org.org_id}/{user_id}"


def _urls(org: SandboxOrg, instance_url: str, user_id: str) -> dict[str, Any]:
    data = f"{instance_url}/services/data/v{{version}}"
    return {
        "enterprise": f"{instance_url}/services/Soap/c/{{version}}/{org.org_id[:15]}",
        "metadata": f"{instance_url}/services/Soap/m/{{version}}/{org.org_id[:15]}",
        "partner": f"{instance_url}/services/Soap/u/{{version}}/{org.org_id[:15]}",
        "rest": f"{data}/",
        "sobjects": f"{data}/sobjects/",
        "query": f"{data}/query/",
        "profile": f"{instance_url}/{user_id}",
    }


def _bad_token(token: str) -> Answer:
    return Answer(403, "Bad_OAuth_Token" if token else "Missing_OAuth_Token", media_type=HTML_TYPE)
