"""Into the user interface and out of it: the login page, frontdoor.jsp, the UI Bridge API, logout.

Salesforce Help: "Use of frontdoor.jsp to Log in to Salesforce", "Generate a Frontdoor URL to Bridge into UI Sessions".
There is no user interface behind the door; API-only users are kept out of it all the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from harness.sandbox import identity
from harness.sandbox.http import pages
from harness.sandbox.http.wire import HTML_TYPE, Answer
from harness.sandbox.identity import Caller, Login, LoginRefused, Session, oauth_tokens

if TYPE_CHECKING:
    from harness.sandbox.org import SandboxOrg

COOKIE = "sid"
_HOME = "/lightning"


@dataclass(frozen=True, slots=True)
class Visit:
    """A request of a browser: its parameters, from query and form, the session id in its cookie, and from where."""

    org: SandboxOrg
    params: Mapping[str, str]
    cookie: str
    host: str
    caller: Caller


def frontdoor(visit: Visit) -> Answer:
    """`/secur/frontdoor.jsp?sid=` or `?otp=`: a session becomes one of the UI."""
    where = _own_path(visit.params.get("retURL") or visit.params.get("startURL"))
    user_id = _user_at_the_door(visit)
    user = visit.org.row("User", user_id) if user_id else None
    if user is None:
        return _to_login(where)
    return _enter(visit, user, sub_type=None, where=where)


def single_access(org: SandboxOrg, instance_url: str, token: str, redirect: str | None) -> Answer:
    """`/services/oauth2/singleaccess`: a front door that opens once, within a minute."""
    session = identity.session_of(org, token) if token else None
    if session is None:
        return Answer(403, "Bad_OAuth_Token" if token else "Missing_OAuth_Token", media_type=HTML_TYPE)
    kept = {"user_id": session.user_id}
    otp = oauth_tokens.keep_once(org, oauth_tokens.DOOR, kept, seconds=oauth_tokens.ONE_TIME_SECONDS)
    query = {"otp": otp} | ({"startURL": _own_path(redirect)} if redirect else {})
    return Answer(200, {"frontdoor_uri": f"{instance_url}/secur/frontdoor.jsp?{urlencode(query)}"})


def login(visit: Visit) -> Answer:
    """`GET /` shows the form, `POST /` takes it."""
    username, password = visit.params.get("username"), visit.params.get("pw")
    where = _own_path(visit.params.get("startURL"))
    if username is None or password is None:
        return pages.login_page("/", {"startURL": where})
    user = identity.user_named(visit.org, username.strip())
    if user is not None:
        return _enter(visit, user, sub_type="UsernamePasswordUiLogin", where=where, password=password)
    return pages.login_page("/", {"startURL": where}, problem=pages.CHECK_PASSWORD, username=username)


def home(visit: Visit) -> Answer:
    """`GET /lightning`: all there is of the UI."""
    session = identity.session_of(visit.org, visit.cookie) if visit.cookie else None
    if session is None or visit.org.permissions_of(session.user_id).has("ApiUserOnly"):
        return _to_login(_HOME)
    user = visit.org.row("User", session.user_id) or {}
    return pages.home_page(str(user.get("Username")))


def logout(visit: Visit) -> Answer:
    """`/secur/logout.jsp`: the session of the cookie ends."""
    if visit.cookie:
        identity.end_session(visit.org, visit.cookie)
    return Answer(302, None, {"Location": "/", "Set-Cookie": f"{COOKIE}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"})


def ui_login(
    visit: Visit, user: Mapping[str, Any], *, sub_type: str | None, password: str | None, problem: str | None = None
) -> Session:
    """Sign a user in to the UI. Raises LoginRefused."""
    how = Login(type=identity.UI_LOGIN, application="Browser", sub_type=sub_type, url=visit.host, caller=visit.caller)
    return identity.sign_in(visit.org, user, how, password=password, problem=problem)


def cookie_of(session: Session) -> str:
    """The cookie that carries a session of the UI."""
    return f"{COOKIE}={session.token}; Path=/; HttpOnly; SameSite=Lax"


def _enter(
    visit: Visit, user: Mapping[str, Any], *, sub_type: str | None, where: str, password: str | None = None
) -> Answer:
    api_only = visit.org.permissions_of(user["Id"]).has("ApiUserOnly")
    problem = identity.API_ONLY if api_only else None
    try:
        session = ui_login(visit, user, sub_type=sub_type, password=password, problem=problem)
    except LoginRefused as refused:
        if refused.status == identity.API_ONLY:
            return pages.restricted_page()
        hidden = {"startURL": where}
        return pages.login_page("/", hidden, problem=pages.CHECK_PASSWORD, username=str(user["Username"]))
    return Answer(302, None, {"Location": where, "Set-Cookie": cookie_of(session)})


def _user_at_the_door(visit: Visit) -> str | None:
    if otp := visit.params.get("otp"):
        kept, in_time = oauth_tokens.take_once(visit.org, oauth_tokens.DOOR, otp)
        return kept["user_id"] if kept and in_time else None
    token = visit.params.get("sid", "")
    session = identity.session_of(visit.org, token) if token else None
    return session.user_id if session else None


def _to_login(where: str) -> Answer:
    return Answer(302, None, {"Location": f"/?ec=302&startURL={quote(where, safe='')}"})


def _own_path(given: str | None) -> str:
    """A path of this org to go to; home, where somebody asks for another place."""
    if not given or not given.startswith("/") or given.startswith(("//", "/\\")):
        return _HOME
    return quote(given, safe="/?&=%#.~-_:+,;@!$'()*")
