"""The token endpoint: client credentials (RFC 6749 4.4), JWT bearer (RFC 7523), username-password (RFC 6749 4.3).

Error words and the order of keys are the platform's. Who may sign in through an app is the app's Permitted Users
policy; External Client Apps apply it to the run-as user of client credentials too, connected apps do not.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

import jwt

from harness.sandbox import apps, identity
from harness.sandbox.apps import App
from harness.sandbox.http.desk import Desk
from harness.sandbox.http.wire import Answer
from harness.sandbox.identity import Login, LoginRefused, Session

if TYPE_CHECKING:
    from harness.sandbox.org import SandboxOrg

TOKEN_HEADERS = {"Expires": "Thu, 01 Jan 1970 00:00:00 GMT"}
JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_PLATFORM_AUDIENCES = ("https://login.salesforce.com", "https://test.salesforce.com")
_TEST_AUDIENCE = _PLATFORM_AUDIENCES[1]
_MILLISECONDS_FROM = 10**11
"""A time larger than this is in milliseconds: the Salesforce CLI sends them."""
_NOT_APPROVED = "Failed: Not approved for access"


class TokenRefused(Exception):
    """The token endpoint says no, in the words of RFC 6749 5.2."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(f"{error}: {description}")
        self.error = error
        self.description = description
        self.status = status


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """What was sent to an OAuth endpoint: the form, the Authorization header, and the host it was sent to."""

    org: SandboxOrg
    desk: Desk
    form: Mapping[str, str]
    authorization: str = ""
    host: str = ""

    def client(self) -> tuple[str, str | None]:
        """Consumer key and secret, from the form or HTTP Basic. Raises TokenRefused."""
        scheme, _, value = self.authorization.partition(" ")
        if scheme.lower() == "basic":
            try:
                key, _, secret = base64.b64decode(value, validate=True).decode().partition(":")
            except (binascii.Error, UnicodeDecodeError) as error:
                raise TokenRefused("invalid_client", "invalid client credentials") from error
            return unquote_plus(key), unquote_plus(secret)
        return self.required("client_id"), self.form.get("client_secret")

    def required(self, name: str) -> str:
        """A parameter that must be there. Raises TokenRefused."""
        if not (value := self.form.get(name)):
            raise TokenRefused("invalid_request", f"missing required parameter: {name}")
        return value


def token(request: TokenRequest) -> Answer:
    """`POST /services/oauth2/token`."""
    try:
        grant = request.required("grant_type")
        if grant not in _GRANTS:
            raise TokenRefused("unsupported_grant_type", "grant type not supported")
        return Answer(200, _GRANTS[grant](request), TOKEN_HEADERS)
    except TokenRefused as refused:
        return refusal(refused)


def refusal(refused: TokenRefused) -> Answer:
    """The answer of a refusal."""
    body = {"error": refused.error, "error_description": refused.description}
    return Answer(refused.status, body, TOKEN_HEADERS)


def authenticated_app(request: TokenRequest) -> App:
    """The app whose key and secret were sent. Raises TokenRefused."""
    key, secret = request.client()
    app = _app_of_key(request, key)
    if not secret or not secrets.compare_digest(secret.encode(), app.consumer_secret.encode()):
        raise TokenRefused("invalid_client", "invalid client credentials")
    return app


def _client_credentials(request: TokenRequest) -> dict[str, Any]:
    if "scope" in request.form:
        raise TokenRefused("invalid_request", "scope parameter not supported")
    if f"https://{request.host}" in _PLATFORM_AUDIENCES:
        raise TokenRefused("invalid_grant", "request not supported on this domain")
    app = authenticated_app(request)
    user = request.org.row("User", app.run_as) if app.run_as else None
    if apps.CLIENT_CREDENTIALS not in app.flows or user is None:
        raise TokenRefused("invalid_grant", "no client credentials user enabled")
    governed = app.kind == "ExternalClientApplication" and app.admin_approved_only
    approved = not governed or pre_authorized(request.org, app, user["Id"])
    session = _sign_in(request, app, user, "OauthClientCredentials", approved=approved)
    grant = _grant(request, app, session)
    order = ("access_token", "signature", "scope", "instance_url", "id", "token_type", "issued_at")
    return {name: grant[name] for name in order} | {"api_instance_url": request.desk.instance_url}


def _password(request: TokenRequest) -> dict[str, Any]:
    app = authenticated_app(request)
    username, password = request.required("username"), request.required("password")
    user = identity.user_named(request.org, username)
    if user is None or apps.USERNAME_PASSWORD not in app.flows:
        raise TokenRefused("invalid_grant", "authentication failure")
    problem = identity.password_problem(request.org, user["Id"], password)
    if not request.org.switches.username_password_flow:
        problem = "Username-Password Flow Disabled"
    approved = not app.admin_approved_only or pre_authorized(request.org, app, user["Id"])
    session = _sign_in(request, app, user, "OauthUsernamePassword", problem=problem, approved=approved)
    grant = _grant(request, app, session)
    order = ("access_token", "instance_url", "id", "token_type", "issued_at", "signature")
    return {name: grant[name] for name in order}


def _jwt_bearer(request: TokenRequest) -> dict[str, Any]:
    assertion = request.required("assertion")
    try:
        claims = jwt.decode(assertion, options={"verify_signature": False})
    except jwt.InvalidTokenError as error:
        raise TokenRefused("invalid_grant", "invalid assertion") from error
    app = _app_of_key(request, str(claims.get("iss", "")))
    _check_assertion(request, app, assertion, claims)
    user = identity.user_named(request.org, str(claims.get("sub", "")))
    if user is None or not _may_use_jwt(request.org, app, user["Id"]):
        raise TokenRefused("invalid_grant", "user hasn't approved this consumer")
    approved = not app.admin_approved_only or pre_authorized(request.org, app, user["Id"])
    grant = _grant(request, app, _sign_in(request, app, user, None, approved=approved))
    return {name: grant[name] for name in ("access_token", "scope", "instance_url", "id", "token_type")}


def _refresh(request: TokenRequest) -> dict[str, Any]:
    """No flow served here gives a refresh token, so every one is unknown."""
    _app_of_key(request, request.required("client_id"))
    raise TokenRefused("invalid_grant", "expired access/refresh token")


_GRANTS = {
    "client_credentials": _client_credentials,
    "password": _password,
    JWT_GRANT: _jwt_bearer,
    "refresh_token": _refresh,
}


def pre_authorized(org: SandboxOrg, app: App, user_id: str) -> bool:
    """Whether the user's profile or one of the user's permission sets gives access to the app (SetupEntityAccess)."""
    return app.id in org.permissions_of(user_id).setup


def _app_of_key(request: TokenRequest, key: str) -> App:
    app = apps.app_of_key(request.org, key)
    if app is None:
        raise TokenRefused("invalid_client_id", "client identifier invalid")
    return app


def _may_use_jwt(org: SandboxOrg, app: App, user_id: str) -> bool:
    """A JWT has no page on which to consent: a self-authorized app needs a consent given before."""
    return app.admin_approved_only or user_id in app.consented or pre_authorized(org, app, user_id)


def _check_assertion(request: TokenRequest, app: App, assertion: str, claims: Mapping[str, Any]) -> None:
    """Signature, audience and expiry. Raises TokenRefused."""
    if apps.JWT_BEARER not in app.flows:
        raise TokenRefused("invalid_grant", "invalid assertion")
    try:
        jwt.PyJWS().decode(assertion, apps.public_key(request.org, app), algorithms=["RS256"])
    except jwt.InvalidTokenError as error:
        raise TokenRefused("invalid_grant", "invalid assertion") from error
    given = claims.get("aud")
    audiences = {str(one).rstrip("/") for one in (given if isinstance(given, list) else [given])}
    own = {request.desk.instance_url, f"https://{request.host}", f"http://{request.host}"}
    if app.kind == "ExternalClientApplication" and audiences == {_TEST_AUDIENCE}:
        raise TokenRefused("app_not_found", "External client app is not installed in this org")
    if not audiences & (own | set(_PLATFORM_AUDIENCES)):
        raise TokenRefused("invalid_grant", "audience is invalid")
    if _expired(request, claims.get("exp")):
        raise TokenRefused("invalid_grant", "invalid assertion")


def _expired(request: TokenRequest, given: Any) -> bool:
    """A client's clock is the real one, or the org's where it was set; expired is what both say is past."""
    try:
        moment = float(given)
    except (TypeError, ValueError):
        return True
    seconds = moment / 1000 if moment > _MILLISECONDS_FROM else moment
    return seconds < min(request.desk.wall(), request.org.clock.now().timestamp())


def _sign_in(
    request: TokenRequest,
    app: App,
    user: Mapping[str, Any],
    sub_type: str | None,
    *,
    problem: str | None = None,
    approved: bool,
) -> Session:
    """Open a session, or say why not in OAuth's words. Raises TokenRefused."""
    org = request.org
    login = Login(type=identity.OAUTH_LOGIN, application=app.name, sub_type=sub_type, url=request.host)
    if problem is None and not approved:
        problem = _NOT_APPROVED
    if problem is None and not org.permissions_of(user["Id"]).has("ApiEnabled"):
        problem = identity.API_DISABLED
    try:
        return identity.sign_in(org, user, login, problem=problem, app_id=app.id)
    except LoginRefused as refused:
        raise _in_oauth_words(refused.status) from refused


def _in_oauth_words(status: str) -> TokenRefused:
    if status == identity.INACTIVE:
        return TokenRefused("invalid_grant", "inactive user")
    if status == _NOT_APPROVED:
        return TokenRefused("invalid_app_access", "user is not admin approved to access this app")
    return TokenRefused("invalid_grant", "authentication failure")


def _grant(request: TokenRequest, app: App, session: Session) -> dict[str, Any]:
    """Everything a token answer may show; the signature is what the platform documents for `id` and `issued_at`."""
    identity_url = f"{request.desk.instance_url}/id/{request.org.org_id}/{session.user_id}"
    issued_at = str(int(request.org.clock.now().timestamp() * 1000))
    digest = hmac.digest(app.consumer_secret.encode(), f"{identity_url}{issued_at}".encode(), hashlib.sha256)
    return {
        "access_token": session.token,
        "signature": base64.b64encode(digest).decode(),
        "scope": "api",
        "instance_url": request.desk.instance_url,
        "id": identity_url,
        "token_type": "Bearer",
        "issued_at": issued_at,
    }
