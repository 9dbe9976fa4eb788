"""The routes of sign-in: OAuth endpoints, the identity service, the login page and the way into the UI."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from harness.sandbox.http import authorize, front_door, oauth, openid, tokens, who
from harness.sandbox.http.caller import caller_of
from harness.sandbox.http.desk import Desk
from harness.sandbox.http.front_door import Visit
from harness.sandbox.http.oauth import TokenRequest
from harness.sandbox.http.reading import headers_of
from harness.sandbox.http.wire import Answer

if TYPE_CHECKING:
    from harness.sandbox.org import SandboxOrg

Handler = Callable[[Request, bytes], Answer]
Over = Callable[[Handler], Callable[[Request], Awaitable[Response]]]

_MOST_FIELDS = 1000
_MOST_BYTES = 2**20
_BOTH = ["GET", "POST"]
_FORM_TYPE = "application/x-www-form-urlencoded"


def sign_in_routes(org: SandboxOrg, desk: Desk, over: Over) -> list[Route]:
    """All routes of sign-in; `over` makes an endpoint of a handler."""
    face = _SignIn(org, desk)
    oauth2 = "/services/oauth2"
    return [
        Route(f"{oauth2}/token", over(face.token), methods=_BOTH),
        Route(f"{oauth2}/authorize", over(face.authorize), methods=_BOTH),
        Route(f"{oauth2}/userinfo", over(face.userinfo), methods=_BOTH),
        Route(f"{oauth2}/introspect", over(face.introspect), methods=["POST"]),
        Route(f"{oauth2}/revoke", over(face.revoke), methods=_BOTH),
        Route(f"{oauth2}/singleaccess", over(face.single_access), methods=_BOTH),
        Route("/id/keys", over(face.keys), methods=["GET"]),
        Route("/id/{org_id}/{user_id}", over(face.identify), methods=_BOTH),
        Route("/.well-known/openid-configuration", over(face.openid_configuration), methods=["GET"]),
        Route("/secur/frontdoor.jsp", over(face.visit(front_door.frontdoor)), methods=_BOTH),
        Route("/secur/logout.jsp", over(face.visit(front_door.logout)), methods=_BOTH),
        Route("/lightning", over(face.visit(front_door.home)), methods=["GET"]),
        Route("/", over(face.visit(front_door.login)), methods=_BOTH),
    ]


def bearer(request: Request) -> str:
    """The token of an Authorization header of the schemes Bearer and OAuth, or an empty text."""
    scheme, _, token = headers_of(request).get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() in ("bearer", "oauth") else ""


class _SignIn:
    """The handlers. Each takes the request and its body."""

    def __init__(self, org: SandboxOrg, desk: Desk) -> None:
        self.org = org
        self.desk = desk

    def token(self, request: Request, body: bytes) -> Answer:
        asked = self._token_request(request, body)
        return _in_format(request, asked.form.get("format"), oauth.token(asked))

    def introspect(self, request: Request, body: bytes) -> Answer:
        return tokens.introspect(self._token_request(request, body))

    def revoke(self, request: Request, body: bytes) -> Answer:
        return tokens.revoke(self.org, _params(request, body).get("token", ""))

    def userinfo(self, request: Request, body: bytes) -> Answer:
        return who.userinfo(self.org, self.desk.instance_url, _token(request, body))

    def identify(self, request: Request, body: bytes) -> Answer:
        ids = request.path_params
        found = who.identify(self.org, self.desk.instance_url, _token(request, body), ids["org_id"], ids["user_id"])
        return _in_format(request, _params(request, body).get("format"), found)

    def single_access(self, request: Request, body: bytes) -> Answer:
        redirect = _params(request, body).get("redirect_uri")
        return front_door.single_access(self.org, self.desk.instance_url, _token(request, body), redirect)

    def openid_configuration(self, _request: Request, _body: bytes) -> Answer:
        return openid.configuration(self.desk.instance_url)

    def keys(self, _request: Request, _body: bytes) -> Answer:
        return openid.keys(self.org)

    def authorize(self, request: Request, body: bytes) -> Answer:
        return authorize.authorize(self._visit(request, body))

    def visit(self, handler: Callable[[Visit], Answer]) -> Handler:
        """A handler of a browser's visit as one of a request."""

        def answer(request: Request, body: bytes) -> Answer:
            return handler(self._visit(request, body))

        return answer

    def _visit(self, request: Request, body: bytes) -> Visit:
        cookie = request.cookies.get(front_door.COOKIE, "")
        params, host = _params(request, body), request.url.netloc
        return Visit(self.org, params, cookie, host, caller_of(self.org, request))

    def _token_request(self, request: Request, body: bytes) -> TokenRequest:
        return TokenRequest(
            org=self.org,
            desk=self.desk,
            form=_params(request, body),
            authorization=request.headers.get("authorization", ""),
            host=request.url.netloc,
            caller=caller_of(self.org, request),
        )


def _in_format(request: Request, wanted: str | None, answer: Answer) -> Answer:
    """The answer as `json`, `xml` or `urlencoded`: a parameter says so, or Accept (REST guide, refresh tokens)."""
    accepted = headers_of(request).get("accept", "").partition(";")[0].strip().lower()
    if wanted == "urlencoded" or (not wanted and accepted == _FORM_TYPE):
        if isinstance(answer.body, dict):
            return replace(answer, body=urlencode(answer.body), media_type=f"{_FORM_TYPE};charset=UTF-8")
    elif wanted in ("json", "xml"):
        request.state.format = wanted
    return answer


def _params(request: Request, body: bytes) -> dict[str, str]:
    """Query and form together, the form before the query. Of a form that is no sign-in's, none is taken."""
    text = body.decode("utf-8", "replace") if len(body) <= _MOST_BYTES else ""
    try:
        form = dict(parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS))
    except ValueError:
        form = {}
    return dict(request.query_params) | form


def _token(request: Request, body: bytes) -> str:
    """The token of a request to the identity service: in the header or as a parameter."""
    params = _params(request, body)
    return bearer(request) or params.get("access_token") or params.get("oauth_token") or ""
