"""The ASGI application: reads a request, finds out who asks, lets a handler answer, writes the answer.

Everything is answered on the event loop's thread. The org is one SQLite database behind one lock, so threads would only
wait for each other.
"""

from __future__ import annotations

import logging
import re
import zlib
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from harness.sandbox import identity
from harness.sandbox.errors import ApiError, not_found
from harness.sandbox.http import apex, metadata, oauth, soap, who
from harness.sandbox.http.call import Call, check_version, parser_error, versions
from harness.sandbox.http.desk import DAILY_API_REQUESTS, Asked, Desk
from harness.sandbox.http.dispatch import dispatch
from harness.sandbox.http.oauth import TokenRequest
from harness.sandbox.http.wire import BASE_HEADERS, Answer, compress, encode, refusal

if TYPE_CHECKING:
    from harness.sandbox.org import SandboxOrg

MOST_BYTES = 150 * 2**20
"""The largest body: what Bulk API 2.0 takes in one upload."""

_log = logging.getLogger(__name__)
_ALL = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"]
_TOO_LARGE = ApiError(413, "REQUEST_TOO_LARGE", f"The request body is larger than {MOST_BYTES} bytes")

Handler = Callable[[Request, bytes], Answer]


def make_app(org: SandboxOrg, desk: Desk, *, more_routes: list[Route] | None = None) -> ASGIApp:
    """The application for one org."""
    face = _Face(org, desk)
    routes = [
        Route("/services/data", face.over(face.versions), methods=_ALL),
        Route("/services/data/", face.over(face.versions), methods=_ALL),
        Route("/services/data/v{version}", face.over(face.data), methods=_ALL),
        Route("/services/data/v{version}/{path:path}", face.over(face.data), methods=_ALL),
        Route("/services/apexrest/{path:path}", face.over(face.apex_rest), methods=_ALL),
        Route("/services/oauth2/token", face.over(face.token), methods=["POST"]),
        Route("/services/oauth2/userinfo", face.over(face.userinfo), methods=["GET", "POST"]),
        Route("/services/oauth2/introspect", face.over(face.introspect), methods=["POST"]),
        Route("/services/oauth2/revoke", face.over(face.revoke), methods=["GET", "POST"]),
        Route("/id/{org_id}/{user_id}", face.over(face.identify), methods=["GET"]),
        Route("/services/Soap/{kind:str}/{version}", face.over(face.soap), methods=["POST"]),
        Route("/services/Soap/{kind:str}/{version}/{rest:path}", face.over(face.soap), methods=["POST"]),
        Route("/secur/frontdoor.jsp", face.over(face.frontdoor), methods=["GET", "POST"]),
        *(more_routes or ()),
    ]
    return _OneSlash(Starlette(routes=routes, exception_handlers={404: _lost, 405: _wrong_method}))


class _OneSlash:
    """Clients write `//services`; the platform does not mind."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith("//"):
            raw = b"/" + scope.get("raw_path", scope["path"].encode()).lstrip(b"/")
            scope = {**scope, "path": "/" + scope["path"].lstrip("/"), "raw_path": raw}
        await self._app(scope, receive, send)


class _Face:
    """The handlers of one org. Each takes the request and its body, and is called under the org's lock."""

    def __init__(self, org: SandboxOrg, desk: Desk) -> None:
        self.org = org
        self.desk = desk

    def over(self, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        """The handler as Starlette wants it: errors become answers, answers become bytes."""

        async def respond(request: Request) -> Response:
            try:
                body = await _read(request)
                with self.org.lock:
                    answer = handler(request, body)
            except ApiError as error:
                answer = refusal(error)
            except RecursionError:
                answer = refusal(parser_error("The request body is nested too deeply"))
            except ClientDisconnect:
                answer = Answer(400)
            except Exception:
                _log.exception("%s %s could not be answered", request.method, request.url.path)
                answer = refusal(_unknown_exception(self.desk))
            self._remember(request, answer)
            return _response(request, answer)

        return respond

    def versions(self, _request: Request, _body: bytes) -> Answer:
        """`GET /services/data`: needs no session."""
        return Answer(200, versions())

    def data(self, request: Request, body: bytes) -> Answer:
        """Everything below a version, as the user of the session."""
        version = request.path_params["version"]
        check_version(version)
        user_id = self._user_id(request)
        raw_path = request.scope.get("raw_path", b"").decode("latin-1").partition("?")[0]
        path = raw_path.partition(f"/v{version}")[2].strip("/")
        return self._counted(self._call(request, body, user_id=user_id, version=version, path=path), dispatch)

    def apex_rest(self, request: Request, body: bytes) -> Answer:
        """`/services/apexrest/...`."""
        path = request.path_params["path"].strip("/")
        user_id = self._user_id(request)
        return self._counted(self._call(request, body, user_id=user_id, version="67.0", path=path), apex.run)

    def token(self, request: Request, body: bytes) -> Answer:
        """`POST /services/oauth2/token`."""
        return oauth.token(self._token_request(request, body))

    def introspect(self, request: Request, body: bytes) -> Answer:
        """`POST /services/oauth2/introspect`."""
        return who.introspect(self._token_request(request, body))

    def revoke(self, request: Request, body: bytes) -> Answer:
        """`/services/oauth2/revoke`."""
        token = request.query_params.get("token") or _form(body).get("token", "")
        return who.revoke(self.org, token)

    def userinfo(self, request: Request, _body: bytes) -> Answer:
        """`/services/oauth2/userinfo`."""
        return who.userinfo(self.org, self.desk.instance_url, _bearer(request))

    def identify(self, request: Request, _body: bytes) -> Answer:
        """`GET /id/ORG/USER`."""
        params = request.path_params
        return who.identify(self.org, self.desk.instance_url, _bearer(request), params["org_id"], params["user_id"])

    def soap(self, request: Request, body: bytes) -> Answer:
        """The partner and enterprise login(), and the Metadata API."""
        kind, version = request.path_params["kind"], request.path_params["version"]
        if not re.fullmatch(r"\d+\.0", version) or kind not in ("c", "m", "u"):
            raise not_found()
        if kind == "m":
            return metadata.call(self.org, body)
        return soap.login(self.org, self.desk, version, body, request.url.netloc)

    def frontdoor(self, request: Request, body: bytes) -> Answer:
        """`/secur/frontdoor.jsp?sid=`."""
        token = request.query_params.get("sid") or _form(body).get("sid", "")
        return who.frontdoor(self.org, token, request.url.netloc)

    def _user_id(self, request: Request) -> str:
        """Who asks. Raises ApiError: no session, or a user who may not use the API."""
        if "authorization" in request.headers and not _bearer(request):
            raise ApiError(401, "INVALID_AUTH_HEADER", "INVALID_HEADER_TYPE")
        session = identity.session_of(self.org, _bearer(request))
        if session is None:
            raise ApiError(401, "INVALID_SESSION_ID", "Session expired or invalid")
        request.state.user_id = session.user_id
        if not self.org.permissions_of(session.user_id).has("ApiEnabled"):
            raise ApiError(403, "API_DISABLED_FOR_ORG", "The REST API is not enabled for this Organization.")
        return session.user_id

    def _call(self, request: Request, body: bytes, *, user_id: str, version: str, path: str) -> Call:
        return Call(
            org=self.org,
            desk=self.desk,
            user_id=user_id,
            version=version,
            method=request.method,
            path=path,
            params=dict(request.query_params),
            headers=request.headers,
            body=body,
        )

    def _counted(self, call: Call, answer_for: Callable[[Call], Answer]) -> Answer:
        """The answer, with what has been used of the daily limit in its headers."""
        self.desk.usage += 1
        try:
            answer = answer_for(call)
        except ApiError as error:
            answer = refusal(error)
        used = {"Sforce-Limit-Info": f"api-usage={self.desk.usage}/{DAILY_API_REQUESTS}"}
        return Answer(answer.status, answer.body, used | dict(answer.headers), answer.media_type)

    def _token_request(self, request: Request, body: bytes) -> TokenRequest:
        return TokenRequest(
            org=self.org,
            desk=self.desk,
            form=dict(request.query_params) | _form(body),
            authorization=request.headers.get("authorization", ""),
            host=request.url.netloc,
        )

    def _remember(self, request: Request, answer: Answer) -> None:
        user_id = getattr(request.state, "user_id", None)
        self.desk.asked.append(Asked(request.method, request.url.path, user_id, answer.status))


async def _read(request: Request) -> bytes:
    """The body, whole, unpacked if it came gzipped. Raises ApiError REQUEST_TOO_LARGE or JSON_PARSER_ERROR."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > MOST_BYTES:
            raise _TOO_LARGE
        parts.append(part)
    body = b"".join(parts)
    if body and request.headers.get("content-encoding", "").lower() == "gzip":
        return _unpacked(body)
    return body


def _unpacked(body: bytes) -> bytes:
    stream = zlib.decompressobj(wbits=31)
    try:
        content = stream.decompress(body, MOST_BYTES)
    except zlib.error as error:
        raise ApiError(400, "JSON_PARSER_ERROR", "The request body is no gzip data") from error
    if stream.unconsumed_tail:
        raise _TOO_LARGE
    return content


def _response(request: Request, answer: Answer) -> Response:
    pretty = request.headers.get("x-prettyprint", "") not in ("", "0", "false")
    content = encode(answer.body, pretty=pretty)
    headers = {**BASE_HEADERS, **answer.headers}
    if content:
        headers["Content-Type"] = answer.media_type
        if answer.status < 400:
            headers["Vary"] = "Accept-Encoding"
        content, packed = compress(content, request.headers.get("accept-encoding", ""))
        if packed:
            headers["Content-Encoding"] = "gzip"
    return Response(content, answer.status, headers)


async def _lost(request: Request, _error: Exception) -> Response:
    return _response(request, refusal(not_found()))


async def _wrong_method(request: Request, _error: Exception) -> Response:
    error = ApiError(405, "METHOD_NOT_ALLOWED", f"HTTP Method '{request.method}' not allowed.")
    return _response(request, refusal(error))


def _bearer(request: Request) -> str:
    """The token of an Authorization header of the schemes Bearer and OAuth, or an empty text."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() in ("bearer", "oauth") else ""


def _form(body: bytes) -> dict[str, str]:
    return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))


def _unknown_exception(desk: Desk) -> ApiError:
    """What a bug of ours answers: an id to look for in the log, and nothing from inside."""
    message = "An unexpected error occurred. Please include this ErrorId if you contact support: "
    return ApiError(500, "UNKNOWN_EXCEPTION", f"{message}{desk.usage}-{len(desk.asked)}")
