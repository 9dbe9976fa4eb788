"""What stands before the simulated sandbox: it hears everything, gives out more secrets than that does, and can act."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from urllib.parse import parse_qs

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tests.component.secrets.canaries import COOKIE, FRONT_DOOR, JWT, OPAQUE, REFRESH, SOAP, Canaries

_TOKEN, _DOOR = "/services/oauth2/token", "/secur/frontdoor.jsp"
_asked_for: ContextVar[str] = ContextVar("asked_for", default="")


class Witness:
    """Wraps an org's application. What real orgs answer with beside what the simulated one does is added."""

    def __init__(self, canaries: Canaries) -> None:
        self.canaries = canaries
        self.traffic: list[bytes] = []
        """All that was asked and answered, heads and bodies."""
        self.asked: list[str] = []
        """Each request: its method and its path."""
        self.acts: Callable[[str], None] = lambda _: None
        """Is told of each path before it is answered."""
        self._given = 0

    def new_token(self, _org_id: str) -> str:
        """In place of the sandbox's own: opaque ones and JWTs by turns, and others for SOAP and the front door."""
        path = _asked_for.get()
        if path != _TOKEN:
            return self.canaries.one(COOKIE if path == _DOOR else SOAP)
        self._given += 1
        return self.canaries.one((OPAQUE, JWT)[self._given % 2])

    def over(self, app: ASGIApp) -> ASGIApp:
        """The application, overheard."""

        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http" or scope["path"].startswith("/__control__/"):
                await app(scope, receive, send)
                return
            body = await _whole(receive)
            self._hear(scope, body)
            self.acts(scope["path"])
            told: list[Message] = []
            _asked_for.set(scope["path"])

            async def again() -> Message:
                return {"type": "http.request", "body": body}

            async def keep(message: Message) -> None:
                told.append(message)

            await app(scope, again, keep)
            for message in self._more(scope["path"], told):
                await send(message)

        return answer

    def _hear(self, scope: Scope, body: bytes) -> None:
        head = b"\r\n".join(b": ".join(header) for header in scope["headers"])
        self.asked.append(f"{scope['method']} {scope['path']}")
        self.traffic += [scope["query_string"], head, body]
        if scope["path"] == _TOKEN:
            self.canaries.assertions.extend(parse_qs(body.decode()).get("assertion", ()))

    def _more(self, path: str, told: list[Message]) -> Iterator[Message]:
        """The answer with what is added to it."""
        start = told[0]
        body = b"".join(message.get("body", b"") for message in told[1:])
        one = self.canaries.one
        if path == _TOKEN and start["status"] == 200:
            added = {"refresh_token": one(REFRESH), "id_token": one(JWT), "sfdc_community_url": ""}
            body = json.dumps(json.loads(body) | added).encode()
        if path == _DOOR:
            body += f"<script>window.location = '{_DOOR}?sid={one(FRONT_DOOR)}'</script>".encode()
        cookie = f"sid={one(COOKIE)}; Path=/; Secure; HttpOnly"
        headers = [pair for pair in start["headers"] if pair[0] != b"content-length"]
        if path == _DOOR:
            headers = [pair for pair in headers if pair[0] != b"content-type"] + [(b"content-type", b"text/html")]
        headers += [(b"content-length", str(len(body)).encode()), (b"set-cookie", cookie.encode())]
        self.traffic += [b"\r\n".join(b": ".join(pair) for pair in headers), body]
        yield {**start, "headers": headers}
        yield {"type": "http.response.body", "body": body}


async def _whole(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body
