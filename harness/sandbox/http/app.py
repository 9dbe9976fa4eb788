"""The ASGI application: reads a request, finds out who asks, lets a handler answer, writes the answer.

Everything is answered on the event loop's thread. The org is one SQLite database behind one lock, so threads would only
wait for each other.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from harness.sandbox import identity
from harness.sandbox.errors import ApiError, not_found
from harness.sandbox.event_log import EventLog
from harness.sandbox.http import apex, intake, metadata, partner
from harness.sandbox.http.api_events import event_of
from harness.sandbox.http.bulk1 import handlers as bulk1
from harness.sandbox.http.call import Call, check_version, parser_error, versions
from harness.sandbox.http.caller import caller_of
from harness.sandbox.http.desk import Asked, Desk
from harness.sandbox.http.dispatch import dispatch
from harness.sandbox.http.door import Door
from harness.sandbox.http.jobs import go_on
from harness.sandbox.http.reading import headers_of, noted, params_of
from harness.sandbox.http.reply import reply
from harness.sandbox.http.sign_in_routes import bearer, sign_in_routes
from harness.sandbox.http.wire import Answer, refusal
from harness.sandbox.writing import duplicates

if TYPE_CHECKING:
    from harness.sandbox.org import SandboxOrg

NEWEST_WITH_SUFFIX = 57
"""The last version in which a suffix of the address chose JSON or XML (REST guide, "REST API Architecture")."""

_log = logging.getLogger(__name__)
_ALL = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"]

Handler = Callable[[Request, bytes], Answer]


def make_app(org: SandboxOrg, desk: Desk, *, more_routes: list[Route] | None = None) -> ASGIApp:
    """The application for one org."""
    face = _Face(org, desk)
    desk.start_over_with(org)
    routes = [
        Route("/services/data/v{version}/{path:path}", face.over(face.data), methods=_ALL),  # most requests
        Route("/services/data", face.over(face.versions), methods=_ALL),
        Route("/services/data/", face.over(face.versions), methods=_ALL),
        Route("/services/data/v{version}", face.over(face.data), methods=_ALL),
        Route("/services/apexrest/{path:path}", face.over(face.apex_rest), methods=_ALL),
        Route("/services/async/{version}/{path:path}", face.over(face.bulk_1), methods=_ALL),
        Route("/services/Soap/{kind:str}/{version}", face.over(face.soap), methods=["POST"]),
        Route("/services/Soap/{kind:str}/{version}/{rest:path}", face.over(face.soap), methods=["POST"]),
        *sign_in_routes(org, desk, face.over),
        *(more_routes or ()),
    ]
    return Door(Starlette(routes=routes, exception_handlers={404: _lost, 405: _wrong_method}))


class _Face:
    """The handlers of one org. Each takes the request and its body, and is called under the org's lock."""

    def __init__(self, org: SandboxOrg, desk: Desk) -> None:
        self.org = org
        self.desk = desk
        self.events = EventLog(org)

    def over(self, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        """The handler as Starlette wants it: errors become answers, answers become bytes."""

        async def respond(request: Request) -> Response:
            body = b""
            try:
                body = await intake.read(request)
                with self.org.lock:
                    self._close_event_files()
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
            self._remember(request, body, answer)
            return reply(request, answer)

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
        path = _without_suffix(request, version, raw_path.partition(f"/v{version}")[2].strip("/"))
        return self._counted(self._call(request, body, user_id=user_id, version=version, path=path), dispatch)

    def apex_rest(self, request: Request, body: bytes) -> Answer:
        """`/services/apexrest/...`."""
        path = request.path_params["path"].strip("/")
        user_id = self._user_id(request)
        return self._counted(self._call(request, body, user_id=user_id, version="67.0", path=path), apex.run)

    def bulk_1(self, request: Request, body: bytes) -> Answer:
        """`/services/async/...`: Bulk API 1.0, which takes its session from a header of its own, too."""
        go_on(self.org, self.desk)
        session = identity.session_of(self.org, headers_of(request).get("x-sfdc-session") or bearer(request))
        if session is not None:
            request.state.user_id, request.state.app_id = session.user_id, session.app_id
        version, path = request.path_params["version"], request.path_params["path"].strip("/")
        user_id = session.user_id if session else ""
        call = self._call(request, body, user_id=user_id, version=version, path=path)
        return bulk1.answer(call, signed_in=session is not None)

    def soap(self, request: Request, body: bytes) -> Answer:
        """The partner, enterprise and Metadata API."""
        kind, version = request.path_params["kind"], request.path_params["version"]
        if kind == "m":
            remember = partial(_remember_user, request)
            return metadata.answer(self.org, self.desk, version=version, body=body, signed_in=remember)
        if kind not in ("c", "u"):
            raise not_found()
        asked = partner.Asked(kind, version, body, request.url.netloc, caller_of(self.org, request))
        return partner.answer(self.org, self.desk, asked, signed_in=partial(_remember_user, request))

    def _user_id(self, request: Request) -> str:
        """Who asks. Raises ApiError: no session, or a user who may not use the API."""
        token = bearer(request)
        if not token and "authorization" in headers_of(request):
            raise ApiError(401, "INVALID_AUTH_HEADER", "INVALID_HEADER_TYPE")
        session = identity.session_of(self.org, token)
        if session is None:
            raise ApiError(401, "INVALID_SESSION_ID", "Session expired or invalid")
        request.state.user_id, request.state.app_id = session.user_id, session.app_id
        if session.password_expired and not request.scope["path"].endswith("/password"):
            raise identity.expired_password()
        if not self.org.permissions_of(session.user_id).has("ApiEnabled"):
            raise ApiError(403, "API_DISABLED_FOR_ORG", "The REST API is not enabled for this Organization.")
        return session.user_id

    def _call(self, request: Request, body: bytes, *, user_id: str, version: str, path: str) -> Call:
        params, headers = dict(params_of(request)), headers_of(request)
        self.org.duplicate_options.set(duplicates.read_header(headers.get(duplicates.HEADER)))
        self.org.api_version.set(version)
        overridden = params.pop("_HttpMethod", None) if request.method == "POST" else None
        return Call(
            org=self.org,
            desk=self.desk,
            user_id=user_id,
            version=version,
            method=overridden or request.method,
            path=path,
            params=params,
            headers=headers,
            body=body,
        )

    def _counted(self, call: Call, answer_for: Callable[[Call], Answer]) -> Answer:
        """The answer, with what has been used of the daily limit in its headers."""
        go_on(self.org, self.desk)
        try:
            self.desk.spend(self.org)
            answer = answer_for(call)
        except ApiError as error:
            answer = refusal(error)
        used = {"Sforce-Limit-Info": f"api-usage={self.desk.spent(self.org)}/{self.desk.allowed(self.org)}"}
        return Answer(answer.status, answer.body, used | dict(answer.headers), answer.media_type)

    def _remember(self, request: Request, body: bytes, answer: Answer) -> None:
        event = event_of(self.org, request, body, status=answer.status)
        path, user_id = request.scope["path"], noted(request, "user_id")
        self.desk.asked.append(Asked(request.method, path, user_id, answer.status, event))

    def _close_event_files(self) -> None:
        if self.events.is_due():
            self.events.close_files([one.event for one in self.desk.asked if one.event is not None])


def _without_suffix(request: Request, version: str, path: str) -> str:
    """The path without `.json` or `.xml`, which choose the format of the answer up to v57."""
    stem, _, suffix = path.rpartition(".")
    if suffix not in ("json", "xml") or int(version.partition(".")[0]) > NEWEST_WITH_SUFFIX:
        return path
    request.state.format = suffix
    return stem


def _remember_user(request: Request, user_id: str) -> None:
    request.state.user_id = user_id


async def _lost(request: Request, _error: Exception) -> Response:
    return reply(request, refusal(not_found()))


async def _wrong_method(request: Request, _error: Exception) -> Response:
    error = ApiError(405, "METHOD_NOT_ALLOWED", f"HTTP Method '{request.method}' not allowed.")
    return reply(request, refusal(error))


def _unknown_exception(desk: Desk) -> ApiError:
    """What a bug of ours answers: an id to look for in the log, and nothing from inside."""
    message = "An unexpected error occurred. Please include this ErrorId if you contact support: "
    return ApiError(500, "UNKNOWN_EXCEPTION", f"{message}{len(desk.asked)}")
