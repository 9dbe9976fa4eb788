"""A simulated org without a socket: the same answers, given to `requests` in the same process and thread.

For tests and simulations that must be quick and repeatable: no port, no thread, no real time. Faults become what a
client of a real network would meet, and waiting turns the org's own clock.
"""

from __future__ import annotations

from http import HTTPStatus
from io import BytesIO
from math import inf
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import requests
from requests.adapters import HTTPAdapter
from starlette.types import ASGIApp, Message, Receive, Scope
from urllib3 import HTTPHeaderDict, HTTPResponse

from harness.sandbox.control import PREFIX, Interference, Trouble
from harness.sandbox.http.app import make_app
from harness.sandbox.http.desk import Desk
from harness.sandbox.http.driving import drive

if TYPE_CHECKING:
    from harness.sandbox.org import SandboxOrg

INSTANCE_URL = "http://127.0.0.1"
"""Where such an org believes to be."""


class InProcess(HTTPAdapter):
    """An adapter to mount: `session.mount(adapter.instance_url, adapter)`.

    `trouble` takes faults and the second admin's errands; `daily_requests` is how many API requests may be made in 24
    hours, in place of what the org's edition and licenses give. Raises what `requests` raises when a connection is cut
    (ConnectionError), when nothing comes (ReadTimeout), and when an answer breaks off (ChunkedEncodingError). A client
    that says how long it waits for an answer waits that long, by the org's clock.
    """

    def __init__(self, org: SandboxOrg, *, instance_url: str = INSTANCE_URL, daily_requests: int | None = None) -> None:
        super().__init__()
        self.instance_url = instance_url
        self.trouble = Trouble(org)
        self.desk = Desk(instance_url, daily_requests=daily_requests)
        self._org = org
        self._app: ASGIApp = make_app(org, self.desk)

    def settle(self) -> int:
        """Let every late effect come, and turn the clock as far as they need; how many came."""
        return self._org.late.settle()

    def send(self, request: requests.PreparedRequest, *_args: Any, **options: Any) -> requests.Response:
        """Answer a request; certificates and proxies have no meaning here."""
        line = _Line(self._org, _patience(options.get("timeout")))
        body = _body(request)
        incoming: list[Message] = [{"type": "http.request", "body": body}]
        answer: list[Message] = []

        async def receive() -> Message:
            return incoming.pop() if incoming else {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            answer.append(message)

        layer = Interference(self._app, self.trouble, line, spared=PREFIX)
        drive(layer(_scope(request), receive, send))
        if not answer:
            kind = requests.ReadTimeout if line.gave_up else requests.ConnectionError
            raise kind("the simulated org did not answer", request=request)
        if line.is_cut:
            raise requests.exceptions.ChunkedEncodingError("the simulated org broke off", request=request)
        response: requests.Response = self.build_response(request, _raw(answer))
        _ = response.content
        return response


class _Line:
    """A connection that is not one: waiting turns the org's clock, and who is waited for gives up at once."""

    def __init__(self, org: SandboxOrg, patience: float) -> None:
        self._org = org
        self._patience = patience
        self.gave_up = False
        self.is_cut = False

    async def pause(self, seconds: float) -> None:
        self._org.clock.advance(seconds)

    async def until_gone(self, _receive: Receive, seconds: float) -> None:
        self._org.clock.advance(min(seconds, self._patience))
        self.gave_up = True

    async def cut(self, _scope: Scope) -> None:
        self.is_cut = True


def _patience(timeout: Any) -> float:
    """How long a client waits for an answer: the second of its two time-outs, or the one."""
    given = timeout[1] if isinstance(timeout, tuple) else timeout
    return inf if given is None else float(given)


def _scope(request: requests.PreparedRequest) -> Scope:
    parts = urlsplit(request.url or "")
    headers = [(name.lower().encode("latin-1"), _bytes(value)) for name, value in request.headers.items()]
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": request.method or "GET",
        "scheme": parts.scheme,
        "path": unquote(parts.path or "/"),
        "raw_path": (parts.path or "/").encode("ascii"),
        "query_string": parts.query.encode("ascii"),
        "root_path": "",
        "headers": [(b"host", parts.netloc.encode("ascii")), *headers],
        "client": ("127.0.0.1", 0),
        "server": (parts.hostname, parts.port),
    }


def _body(request: requests.PreparedRequest) -> bytes:
    body = request.body
    if body is None or isinstance(body, (bytes, str)):
        return _bytes(body or b"")
    if hasattr(body, "read"):
        return _bytes(body.read())
    return b"".join(_bytes(part) for part in body)


def _bytes(text: bytes | str) -> bytes:
    return text.encode("utf-8") if isinstance(text, str) else text


def _raw(answer: list[Message]) -> HTTPResponse:
    start, *parts = answer
    headers = HTTPHeaderDict([(name.decode("latin-1"), value.decode("latin-1")) for name, value in start["headers"]])
    body = b"".join(part.get("body", b"") for part in parts)
    status = start["status"]
    reason = HTTPStatus(status).phrase
    return HTTPResponse(BytesIO(body), headers, status, reason=reason, preload_content=False)
