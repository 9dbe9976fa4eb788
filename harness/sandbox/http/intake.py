"""The body of a request: read whole, unpacked where it came compressed, and never beyond what the platform takes."""

from __future__ import annotations

import zlib

from starlette.requests import Request

from harness.sandbox.errors import ApiError
from harness.sandbox.http.json_text import parser_error
from harness.sandbox.http.reading import headers_of

MOST_BYTES = 150 * 2**20
"""The largest body: what Bulk API 2.0 takes in one upload."""

_TOO_LARGE = ApiError(413, "REQUEST_TOO_LARGE", f"The request body is larger than {MOST_BYTES} bytes")
_WINDOWS = {"gzip": 31, "deflate": 15}


async def read(request: Request) -> bytes:
    """The body. Raises ApiError: REQUEST_TOO_LARGE, or JSON_PARSER_ERROR for one that is not packed as it says."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > MOST_BYTES:
            raise _TOO_LARGE
        parts.append(part)
    body = b"".join(parts)
    if not body:
        return body
    encoding = headers_of(request).get("content-encoding", "").strip().lower()
    if encoding in ("", "identity"):
        return body
    if encoding not in _WINDOWS:
        raise ApiError(415, "UNSUPPORTED_MEDIA_TYPE", f"Content-Encoding '{encoding}' is not supported")
    return _unpacked(body, encoding)


def _unpacked(body: bytes, encoding: str) -> bytes:
    stream = zlib.decompressobj(wbits=_WINDOWS[encoding])
    try:
        content = stream.decompress(body, MOST_BYTES)
    except zlib.error as error:
        raise parser_error(f"The request body is no {encoding} data") from error
    if stream.unconsumed_tail:
        raise _TOO_LARGE
    if not stream.eof:
        raise parser_error(f"The request body ends in the middle of its {encoding} data")
    return content
