"""The front half of the web server flow: the authorization endpoint, with its login and consent pages.

Salesforce Help, "OAuth 2.0 Web Server Flow" and "OAuth 2.0 Authorization Errors". PKCE knows S256 only. Faults of the
client go to the page, faults of the user to the callback URL.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from harness.sandbox import apps, identity
from harness.sandbox.apps import App
from harness.sandbox.http import oauth, oauth_words, pages
from harness.sandbox.http.front_door import Visit, cookie_of, ui_login
from harness.sandbox.http.oauth_words import Fault, TokenRefused
from harness.sandbox.http.wire import Answer
from harness.sandbox.identity import LoginRefused, oauth_tokens

if TYPE_CHECKING:
    from harness.sandbox.org import SandboxOrg

PATH = "/services/oauth2/authorize"
_CARRIED = (
    *("response_type", "client_id", "redirect_uri", "scope", "state"),
    *("code_challenge", "code_challenge_method", "prompt", "login_hint", "nonce"),
)
"""Parameters that the pages hand on."""
_DENIED = ("access_denied", "end-user denied authorization")
_GENERIC = ("OAUTH_APPROVAL_ERROR_GENERIC", "An unexpected error has occurred during authentication. Please try again.")


def authorize(visit: Visit) -> Answer:
    """`GET` or `POST /services/oauth2/authorize`."""
    try:
        app, redirect_uri = _client(visit)
        _check_challenge(visit, app)
    except TokenRefused as refused:
        return _told(refused)
    try:
        scope = _scope(visit, app)
        return _as_somebody(visit, app, redirect_uri, scope)
    except TokenRefused as refused:
        return _redirect(visit, redirect_uri, {"error": refused.error, "error_description": refused.description})


# The client's half: its faults are told on the page


def _client(visit: Visit) -> tuple[App, str]:
    client_id, redirect_uri = visit.params.get("client_id"), visit.params.get("redirect_uri")
    if not client_id:
        raise TokenRefused("invalid_request", "missing required parameter: client_id")
    app = oauth.app_of_key(visit.org, client_id)
    if not redirect_uri:
        raise TokenRefused("redirect_uri_missing", "redirect_uri not provided")
    if apps.WEB_SERVER not in app.flows or redirect_uri not in app.callback_urls:
        raise TokenRefused("redirect_uri_mismatch", "redirect_uri must match configuration")
    return app, redirect_uri


def _check_challenge(visit: Visit, app: App) -> None:
    challenge, method = visit.params.get("code_challenge"), visit.params.get("code_challenge_method", "S256")
    if app.pkce_required and not challenge:
        raise TokenRefused("invalid_request", "missing required code challenge")
    if challenge and (method != "S256" or len(challenge) > 128):
        raise TokenRefused("invalid_request", "invalid code challenge")


def _told(refused: TokenRefused) -> Answer:
    """What the endpoint answers instead of a page: the bare parameters, without a content type."""
    return Answer(
        refused.status, _query({"error": refused.error, "error_description": refused.description}), media_type=""
    )


# The user's half: its faults go to the callback


def _scope(visit: Visit, app: App) -> str:
    if visit.params.get("response_type") != "code":
        raise TokenRefused("unsupported_response_type", "response type not supported")
    asked = visit.params.get("scope", "").split()
    if not set(asked) <= set(app.scopes):
        raise TokenRefused("invalid_scope", "the requested scope is not allowed")
    return " ".join(asked or app.scopes)


def _as_somebody(visit: Visit, app: App, redirect_uri: str, scope: str) -> Answer:
    """Find out who it is: by what the consent page sent back, by the login form, or by the cookie."""
    approval, decision = visit.params.get("approval"), visit.params.get("decision")
    if approval and decision:
        user = _decided(visit.org, app, approval)
        if user is None:
            return _ask_to_log_in(visit)
        if decision != "allow":
            raise TokenRefused(*_DENIED)
        apps.consent(visit.org, app, user["Id"])
        return _grant(visit, app, user, redirect_uri, scope)
    if visit.params.get("username") is not None and visit.params.get("pw") is not None:
        return _log_in(visit, app, redirect_uri, scope)
    session = identity.session_of(visit.org, visit.cookie) if visit.cookie else None
    prompt = visit.params.get("prompt", "").split()
    if session is None or "login" in prompt:
        if "none" in prompt or visit.params.get("immediate") == "true":
            raise TokenRefused("immediate_unsuccessful", "not logged in")
        return _ask_to_log_in(visit)
    return _ask_or_grant(visit, app, visit.org.row("User", session.user_id) or {}, redirect_uri, scope)


def _ask_to_log_in(visit: Visit, problem: str = "") -> Answer:
    username = visit.params.get("username") or visit.params.get("login_hint", "")
    return pages.login_page(PATH, _carried(visit), problem=problem, username=username)


def _log_in(visit: Visit, app: App, redirect_uri: str, scope: str) -> Answer:
    user = identity.user_named(visit.org, visit.params["username"].strip())
    if user is None:
        return _ask_to_log_in(visit, pages.CHECK_PASSWORD)
    try:
        session = ui_login(visit, user, sub_type="UsernamePasswordUiLogin", password=visit.params["pw"])
    except LoginRefused:
        return _ask_to_log_in(visit, pages.CHECK_PASSWORD)
    answer = _ask_or_grant(visit, app, user, redirect_uri, scope)
    if visit.org.permissions_of(user["Id"]).has("ApiUserOnly"):
        identity.end_session(visit.org, session.token)  # good for this flow, and not for the UI
        return answer
    return Answer(
        answer.status, answer.body, {**answer.headers, "Set-Cookie": cookie_of(session)}, media_type=answer.media_type
    )


def _ask_or_grant(visit: Visit, app: App, user: Mapping[str, Any], redirect_uri: str, scope: str) -> Answer:
    org, user_id = visit.org, str(user["Id"])
    if org.switches.api_only_web_flow == "refuse" and org.permissions_of(user_id).has("ApiUserOnly"):
        return pages.sorry_page(*_GENERIC)
    if (fault := _fault(org, app, user_id)) is not None:
        raise fault.refusal()
    known = apps.pre_authorized(org, app, user_id) if app.admin_approved_only else user_id in app.consented
    if known and "consent" not in visit.params.get("prompt", "").split():
        return _grant(visit, app, user, redirect_uri, scope)
    kept = {"user_id": user_id, "app_id": app.id}
    approval = oauth_tokens.keep_once(org, oauth_tokens.APPROVAL, kept, seconds=oauth_tokens.CODE_SECONDS)
    hidden = _carried(visit) | {"approval": approval}
    return pages.consent_page(PATH, hidden, app=app.name, user=str(user["Username"]), scope=scope)


def _fault(org: SandboxOrg, app: App, user_id: str) -> Fault | None:
    if app.admin_approved_only and not apps.pre_authorized(org, app, user_id):
        return oauth.app_fault(org, app, user_id) or oauth_words.NOT_PRE_AUTHORIZED
    return oauth.app_fault(org, app, user_id)


def _decided(org: SandboxOrg, app: App, approval: str) -> dict[str, Any] | None:
    """The user to whom the consent page was shown for this app."""
    kept, in_time = oauth_tokens.take_once(org, oauth_tokens.APPROVAL, approval)
    return org.row("User", kept["user_id"]) if kept and in_time and kept["app_id"] == app.id else None


def _grant(visit: Visit, app: App, user: Mapping[str, Any], redirect_uri: str, scope: str) -> Answer:
    values = {
        "user_id": user["Id"],
        "app_id": app.id,
        "redirect_uri": redirect_uri,
        "scope": scope,
        "challenge": visit.params.get("code_challenge", ""),
        "nonce": visit.params.get("nonce"),
    }
    code = oauth_tokens.keep_once(visit.org, oauth_tokens.CODE, values, seconds=oauth_tokens.CODE_SECONDS)
    return _redirect(visit, redirect_uri, {"code": code})


def _redirect(visit: Visit, redirect_uri: str, values: Mapping[str, str]) -> Answer:
    state = {"state": visit.params["state"]} if "state" in visit.params else {}
    mark = "&" if "?" in redirect_uri else "?"
    return Answer(302, None, {"Location": f"{redirect_uri}{mark}{_query({**values, **state})}"})


def _carried(visit: Visit) -> dict[str, str]:
    return {name: visit.params[name] for name in _CARRIED if name in visit.params}


def _query(values: Mapping[str, str]) -> str:
    return urlencode(values, quote_via=quote)
