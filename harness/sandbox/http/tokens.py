"""What became of a token: introspection (RFC 7662) and revocation (RFC 7009).

Salesforce Help: "OpenID Connect Token Introspection", "Revoke OAuth Tokens"; Object Reference, OauthToken.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from harness.sandbox import apps, identity
from harness.sandbox.apps import App
from harness.sandbox.http import oauth, who
from harness.sandbox.http.oauth import TokenRequest
from harness.sandbox.http.oauth_words import TokenRefused, refusal
from harness.sandbox.http.wire import Answer
from harness.sandbox.identity import oauth_tokens

if TYPE_CHECKING:
    from harness.sandbox.org import SandboxOrg

_DESCRIPTIONS = {"unsupported_token_type": "this token type is not supported", "invalid_token": "invalid token"}


def introspect(request: TokenRequest) -> Answer:
    """`POST /services/oauth2/introspect`: an app asks about a token of its own, or of any app where it may."""
    try:
        app = oauth.authenticated_app(request)
        token = request.required("token")
    except TokenRefused as refused:
        return refusal(refused)
    return Answer(200, _access_token(request, app, token) or _refresh_token(request, app, token) or {"active": False})


def revoke(org: SandboxOrg, token: str) -> Answer:
    """`GET` or `POST /services/oauth2/revoke?token=`: an access token, a refresh token or OauthToken.DeleteToken."""
    if not token:
        return refusal(TokenRefused("invalid_request", "missing required parameter: token"))
    with org.transaction():
        if identity.end_session(org, token) or oauth_tokens.revoke(org, token):
            return Answer(200)
    error = org.switches.unknown_token_error
    return refusal(TokenRefused(error, _DESCRIPTIONS[error]))


def _access_token(request: TokenRequest, asking: App, token: str) -> dict[str, Any] | None:
    session = identity.session_of(request.org, token)
    if session is None or session.flow == "OauthUsernamePassword" or not _may_see(asking, session.app_id):
        return None
    return _shown(
        request,
        session.app_id,
        session.user_id,
        scope=session.scope,
        kind="access_token",
        issued=session.issued,
        expires=identity.expires(request.org, session),
    )


def _refresh_token(request: TokenRequest, asking: App, token: str) -> dict[str, Any] | None:
    known = oauth_tokens.refresh_token(request.org, token)
    if known is None or not _may_see(asking, known.app_id):
        return None
    return _shown(
        request, known.app_id, known.user_id, scope=known.scope, kind="refresh_token", issued=known.issued, expires=None
    )


def _may_see(asking: App, app_id: str | None) -> bool:
    return app_id is not None and (asking.introspects_all or app_id == asking.id)


def _shown(
    request: TokenRequest,
    app_id: str | None,
    user_id: str,
    *,
    scope: str,
    kind: str,
    issued: str,
    expires: datetime | None,
) -> dict[str, Any]:
    app, user = apps.app_of_id(request.org, app_id), request.org.row("User", user_id) or {}
    began = int(datetime.fromisoformat(issued).timestamp())
    shown: dict[str, Any] = {
        "active": True,
        "scope": scope,
        "client_id": app.consumer_key if app else None,
        "username": user.get("Username"),
        "sub": who.identity_url(request.org, request.desk.instance_url, user_id),
        "token_type": kind,
    }
    ends = {} if expires is None else {"exp": int(expires.timestamp())}
    return shown | ends | {"iat": began, "nbf": began}
