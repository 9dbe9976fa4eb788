"""What the web server in front of the org does: it minds the length of addresses and headers, and not their slashes.

An address may be written in full, as clients do that believe to speak with a proxy (RFC 9112, "Absolute-form").
"""

from __future__ import annotations

import re
import string
from urllib.parse import quote

from starlette.types import ASGIApp, Receive, Scope, Send

MOST_BYTES = 16_384
"""Of an address, and of address and headers together (app limits cheat sheet, "API Requests")."""

_PRINTABLE = string.punctuation
"""What stays as it is in a query with bytes that should have been percent-encoded."""
_SLASHES = re.compile(r"/{2,}")
_ORIGIN = re.compile("^https?://[^/]*", re.IGNORECASE)
_RAW_ORIGIN = re.compile(b"^https?://[^/]*", re.IGNORECASE)
_RAW_SLASHES = re.compile(rb"/{2,}")
_TEXTS = {414: "URI Too Long", 431: "Request Header Fields Too Large"}


class Door:
    """Refuses what is too long, as a page of HTML, and takes `//services/x/` for `/services/x`, as clients write it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or not."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        raw = scope.get("raw_path") or scope["path"].encode()
        length = len(raw) + len(scope["query_string"])
        if length > MOST_BYTES:
            await _refuse(send, 414)
            return
        if length + sum(len(name) + len(value) for name, value in scope["headers"]) > MOST_BYTES:
            await _refuse(send, 431)
            return
        if b"//" in raw or raw.endswith(b"/"):
            path = _SLASHES.sub("/", _ORIGIN.sub("", scope["path"])).rstrip("/") or "/"
            scope = {**scope, "path": path, "raw_path": _RAW_SLASHES.sub(b"/", _RAW_ORIGIN.sub(b"", raw))}
        if not scope["query_string"].isascii():
            scope = {**scope, "query_string": quote(scope["query_string"], safe=_PRINTABLE).encode()}
        await self._app(scope, receive, send)


async def _refuse(send: Send, status: int) -> None:
    content = f"<h1>Bad Message {status}</h1><pre>reason: {_TEXTS[status]}</pre>".encode()
    headers = [
        (b"content-type", b"text/html;charset=iso-8859-1"),
        (b"content-length", str(len(content)).encode()),
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content})
