"""The token endpoint (RFC 6749): client credentials, JWT bearer, username-password, web server and refresh token flow.

Error words and the order of keys are the platform's. Who may sign in through an app is the app's Permitted Users
policy; External Client Apps apply it to the run-as user of client credentials too, connected apps do not. Device flow
and token exchange are not served: the first is retired, the second needs a handler of the org's own.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

from harness.sandbox import apps, identity
from harness.sandbox.apps import App
from harness.sandbox.http import assertion, oauth_words, openid
from harness.sandbox.http.desk import Desk
from harness.sandbox.http.oauth_words import TOKEN_HEADERS, Fault, TokenRefused, refusal
from harness.sandbox.http.wire import Answer
from harness.sandbox.identity import Caller, Login, LoginRefused, Session, oauth_tokens

if TYPE_CHECKING:
    from harness.sandbox.org import SandboxOrg

JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
LOGIN_HOSTS = frozenset({"login.salesforce.com", "test.salesforce.com"})
"""Hosts that belong to no org; the org's own is its My Domain."""


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """What was sent to an OAuth endpoint: the form, the Authorization header, the host, and from where."""

    org: SandboxOrg
    desk: Desk
    form: Mapping[str, str]
    authorization: str = ""
    host: str = ""
    caller: Caller = field(default_factory=Caller)

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
        if request.caller.method != "POST":
            raise TokenRefused("invalid_request", "must use HTTP POST")
        grant = request.required("grant_type")
        if grant not in _GRANTS:
            raise TokenRefused("unsupported_grant_type", "grant type not supported")
        return Answer(200, _GRANTS[grant](request), TOKEN_HEADERS)
    except TokenRefused as refused:
        return refusal(refused)


def authenticated_app(request: TokenRequest, *, secret_needed: bool = True) -> App:
    """The app whose key and secret were sent. Raises TokenRefused."""
    key, secret = request.client()
    app = app_of_key(request.org, key)
    if secret is None and not secret_needed:
        return app
    if not secrets.compare_digest((secret or "").encode(), app.consumer_secret.encode()):
        raise TokenRefused("invalid_client", "invalid client credentials")
    return app


def app_of_key(org: SandboxOrg, key: str) -> App:
    """The app of a consumer key. Raises TokenRefused."""
    app = apps.app_of_key(org, key)
    if app is None:
        raise TokenRefused("invalid_client_id", "client identifier invalid")
    if not app.enabled:
        raise oauth_words.NOT_IN_THIS_ORG.refusal()
    return app


# The flows


def _client_credentials(request: TokenRequest) -> dict[str, Any]:
    if "scope" in request.form:
        raise TokenRefused("invalid_request", "scope parameter not supported")
    if request.host.partition(":")[0].lower() in LOGIN_HOSTS:
        raise TokenRefused("invalid_grant", "request not supported on this domain")
    app = authenticated_app(request)
    user = request.org.row("User", app.run_as) if app.run_as else None
    if apps.CLIENT_CREDENTIALS not in app.flows or user is None:
        raise TokenRefused("invalid_grant", "no client credentials user enabled")
    governed = app.kind == "ExternalClientApplication" and app.admin_approved_only
    approved = not governed or apps.pre_authorized(request.org, app, user["Id"])
    session = _sign_in(
        request, app, user, "OauthClientCredentials", fault=None if approved else oauth_words.NOT_PRE_AUTHORIZED
    )
    order = ("access_token", "signature", "scope", "instance_url", "id", "token_type", "issued_at", "api_instance_url")
    return _granted(request, app, session, order)


def _password(request: TokenRequest) -> dict[str, Any]:
    app = authenticated_app(request)
    username, password = request.required("username"), request.required("password")
    user = identity.user_named(request.org, username)
    if user is None:
        raise oauth_words.FLOW_DISABLED.refusal()  # the words for whatever is wrong with a password
    allowed = request.org.switches.username_password_flow and apps.USERNAME_PASSWORD in app.flows
    session = _sign_in(
        request,
        app,
        user,
        "OauthUsernamePassword",
        password=password if allowed else None,
        fault=_approval_fault(request.org, app, user["Id"]) if allowed else oauth_words.FLOW_DISABLED,
    )
    order = ("access_token", "instance_url", "id", "token_type", "issued_at", "signature")
    return _granted(request, app, session, order)


def _jwt_bearer(request: TokenRequest) -> dict[str, Any]:
    org, given = request.org, request.required("assertion")
    claims = assertion.claims_of(given)
    if claims is None:
        raise oauth_words.INVALID_ASSERTION.refusal()
    app = app_of_key(org, str(claims.get("iss") or ""))
    user = identity.user_named(org, str(claims.get("sub") or ""))
    own = frozenset({request.desk.instance_url, f"https://{request.host}", f"http://{request.host}"})
    fault = assertion.fault_of(org, app, given, claims, own_addresses=own, wall=request.desk.wall())
    if fault is not None:
        if user is not None:
            identity.record_login(org, user["Id"], _login(request, app, None), status=fault.status)
        raise fault.refusal()
    if user is None:
        raise oauth_words.NOT_CONSENTED.refusal()
    fault = _approval_fault(org, app, user["Id"])
    if fault is None and not (user["Id"] in app.consented or apps.pre_authorized(org, app, user["Id"])):
        fault = oauth_words.NOT_CONSENTED  # a JWT has no page on which to consent
    scope = " ".join(one for one in app.scopes if one not in apps.REFRESH_SCOPES) or "api"
    session = _sign_in(request, app, user, None, fault=fault, scope=scope)
    return _granted(request, app, session, ("access_token", "scope", "instance_url", "id", "token_type"))


def _refresh(request: TokenRequest) -> dict[str, Any]:
    org, given = request.org, request.required("refresh_token")
    app = authenticated_app(request, secret_needed=False)
    known = oauth_tokens.refresh_token(org, given)
    user = org.row("User", known.user_id) if known else None
    if known is None or user is None or known.app_id != app.id:
        raise oauth_words.RUN_OUT.refusal()
    if app.secret_required and request.client()[1] is None:
        raise TokenRefused("invalid_client", "invalid client credentials")
    fault = _approval_fault(org, app, user["Id"])
    if _run_out(org.clock.peek(), app, known):
        fault = oauth_words.RUN_OUT
    session = _sign_in(request, app, user, "OauthRefreshToken", fault=fault, scope=known.scope)
    identity.tie_session(org, session, known.id)
    another = oauth_tokens.use_refresh_token(org, given, rotate=app.rotates_refresh_tokens)
    order = ("access_token", "refresh_token", "signature", "scope", "instance_url", "id", "token_type", "issued_at")
    return _granted(request, app, session, order, refresh_token=another)


def _authorization_code(request: TokenRequest) -> dict[str, Any]:
    org, code = request.org, request.required("code")
    key, secret = request.client()
    app = app_of_key(org, key)
    if app.secret_required or secret is not None:
        authenticated_app(request)
    kept, in_time = oauth_tokens.take_once(org, oauth_tokens.CODE, code)
    user = org.row("User", kept["user_id"]) if kept and kept["app_id"] == app.id else None
    if kept is None or user is None:
        raise TokenRefused("invalid_grant", "invalid authorization code")
    if not in_time:
        raise TokenRefused("invalid_grant", "expired authorization code")
    if request.required("redirect_uri") != kept["redirect_uri"]:
        raise TokenRefused("redirect_uri_mismatch", "redirect_uri must match configuration")
    if kept["challenge"] and not _proves(request.form.get("code_verifier", ""), kept["challenge"]):
        raise TokenRefused("invalid_grant", "invalid code verifier")
    return _web_server_tokens(request, app, user, kept["scope"], nonce=kept["nonce"])


def _web_server_tokens(
    request: TokenRequest, app: App, user: Mapping[str, Any], scope: str, *, nonce: str | None
) -> dict[str, Any]:
    org = request.org
    session = _sign_in(request, app, user, "OauthWebServer", fault=_approval_fault(org, app, user["Id"]), scope=scope)
    refreshes = bool(apps.REFRESH_SCOPES & set(scope.split()))
    refresh_token = oauth_tokens.remember_app(org, session, app_name=app.name, refresh=refreshes)
    id_token = None
    if openid.SCOPE in scope.split():
        id_token = openid.id_token(org, request.desk.instance_url, app, session, nonce=nonce)
    return _granted(
        request,
        app,
        session,
        (
            *("access_token", "refresh_token", "signature", "scope", "id_token", "instance_url", "id", "token_type"),
            *("issued_at", "api_instance_url"),
        ),
        refresh_token=refresh_token,
        id_token=id_token,
    )


_GRANTS = {
    "authorization_code": _authorization_code,
    "client_credentials": _client_credentials,
    "password": _password,
    JWT_GRANT: _jwt_bearer,
    "refresh_token": _refresh,
}


# What the flows have in common


def app_fault(org: SandboxOrg, app: App, user_id: str) -> Fault | None:
    """Why nobody, or not this user, gets in through an app at all: blocked, or of another org and not installed."""
    if app.blocked:
        return oauth_words.BLOCKED
    trusted = org.permissions_of(user_id).has("CanApproveUninstalledApps", "UseAnyApiClient")
    if not app.installed and not trusted and user_id not in app.consented:
        return oauth_words.NOT_INSTALLED
    return None


def _approval_fault(org: SandboxOrg, app: App, user_id: str) -> Fault | None:
    """Permitted Users: whether the user had to be pre-authorized and is not."""
    governed = app.admin_approved_only and not apps.pre_authorized(org, app, user_id)
    return oauth_words.NOT_PRE_AUTHORIZED if governed else None


def _sign_in(
    request: TokenRequest,
    app: App,
    user: Mapping[str, Any],
    sub_type: str | None,
    *,
    password: str | None = None,
    fault: Fault | None = None,
    scope: str = "api",
) -> Session:
    """Open a session, or say why not in OAuth's words. Raises TokenRefused."""
    org = request.org
    fault = app_fault(org, app, user["Id"]) or fault
    if fault is None and not org.permissions_of(user["Id"]).has("ApiEnabled"):
        fault = oauth_words.API_DISABLED
    try:
        session = identity.sign_in(
            org,
            user,
            _login(request, app, sub_type),
            password=password,
            problem=fault.status if fault else None,
            any_place=_any_place(app, request.caller.ip, refreshing=sub_type == "OauthRefreshToken"),
            app_id=app.id,
            scope=scope,
        )
    except LoginRefused as refused:
        raise oauth_words.refusal_of(org, refused.status, fault) from refused
    if org.switches.bearer_flows_leave_oauth_tokens and sub_type in (None, "OauthClientCredentials"):
        oauth_tokens.remember_app(org, session, app_name=app.name, refresh=False)
    return session


def _login(request: TokenRequest, app: App, sub_type: str | None) -> Login:
    return Login(
        type=identity.OAUTH_LOGIN, application=app.name, sub_type=sub_type, url=request.host, caller=request.caller
    )


def _any_place(app: App, ip: str, *, refreshing: bool) -> bool:
    """Whether the app's IP relaxation lifts the profile's login IP ranges."""
    if app.ip_relaxation == "Enforce_RelaxRefresh":
        return refreshing
    return app.ip_relaxation == "Bypass" or (
        app.ip_relaxation == "Bypass_2factor" and identity.within(app.ip_ranges, ip)
    )


def _run_out(now: datetime, app: App, known: oauth_tokens.RefreshToken) -> bool:
    """Whether the app's refresh token policy says that this one is over."""
    for since, seconds in (
        (known.issued, app.refresh_lifetime_seconds),
        (known.used, app.refresh_idle_seconds),
    ):
        if seconds is not None and now - datetime.fromisoformat(since) >= timedelta(seconds=seconds):
            return True
    return False


def _proves(verifier: str, challenge: str) -> bool:
    """PKCE with S256 (RFC 7636), the one method that the platform has."""
    digest = hashlib.sha256(verifier.encode()).digest()
    made = base64.urlsafe_b64encode(digest).rstrip(b"=")
    return secrets.compare_digest(made, challenge.rstrip("=").encode())


def _granted(
    request: TokenRequest, app: App, session: Session, order: tuple[str, ...], **tokens: str | None
) -> dict[str, Any]:
    """The keys of a token answer in their order; the signature is what the platform documents for `id` and time."""
    identity_url = f"{request.desk.instance_url}/id/{request.org.org_id}/{session.user_id}"
    issued_at = str(int(datetime.fromisoformat(session.issued).timestamp() * 1000))
    digest = hmac.digest(app.consumer_secret.encode(), f"{identity_url}{issued_at}".encode(), hashlib.sha256)
    known = {
        "access_token": session.token,
        "signature": base64.b64encode(digest).decode(),
        "scope": session.scope,
        "instance_url": request.desk.instance_url,
        "id": identity_url,
        "token_type": "Bearer",
        "issued_at": issued_at,
        "api_instance_url": request.desk.instance_url,
        **tokens,
    }
    return {name: known[name] for name in order if known.get(name) is not None}
