"""From an answer to the bytes a client gets: JSON or XML, compact or pretty, compressed or plain.

REST guide, "Headers": Accept takes JSON and XML, and JSON where it makes no sense; gzip and deflate on demand.
"""

from __future__ import annotations

import re

from starlette.requests import Request
from starlette.responses import Response

from harness.sandbox.http import xml_text
from harness.sandbox.http.reading import headers_of, noted
from harness.sandbox.http.wire import BASE_HEADERS, JSON_TYPE, Answer, compress, encode

_XML_TYPE = "application/xml;charset=UTF-8"
_PLAIN_ACCEPTS = frozenset({"", "*/*", "application/json"})
_RANGE = re.compile(r"\s*([\w.+*-]+/[\w.+*-]+)\s*(?:;(.*))?", re.DOTALL)
_QUALITY = re.compile(r"\bq\s*=\s*([\d.]+)")
_JSON_RANGES = frozenset({"*/*", "application/*", "application/json", "text/json"})
_XML_RANGES = frozenset({"application/xml", "text/xml", "text/*"})


def reply(request: Request, answer: Answer) -> Response:
    """The response."""
    given = headers_of(request)
    wanted = noted(request, "format") or _format(given.get("accept", ""))
    if wanted is None and request.method in ("GET", "HEAD") and _is_data(answer) and answer.status < 300:
        return Response(None, 406, BASE_HEADERS)
    content, media_type = _content(request, answer, wanted)
    headers = {**BASE_HEADERS, **answer.headers}
    accepted = given.get("accept-encoding", "").lower()
    packed = "gzip" if answer.status == 304 and "gzip" in accepted else ""
    if content:
        if media_type:
            headers["Content-Type"] = media_type
        if answer.status < 400:
            headers["Vary"] = "Accept-Encoding"
        content, packed = compress(content, accepted)
        if packed:
            headers["Content-Encoding"] = packed
    if packed == "gzip" and "ETag" in headers:
        headers["ETag"] = f'{headers["ETag"][:-1]}--gzip"'
    return Response(content, answer.status, headers)


def _content(request: Request, answer: Answer, wanted: str | None) -> tuple[bytes, str]:
    if wanted == "xml" and _is_data(answer) and answer.body is not None:
        return xml_text.written(answer.body).encode(), _XML_TYPE
    pretty = headers_of(request).get("x-prettyprint", "") not in ("", "0", "false")
    return encode(answer.body, pretty=pretty), answer.media_type


def _is_data(answer: Answer) -> bool:
    """Whether the body is data that could be JSON or XML, and not a text of its own kind."""
    return answer.media_type == JSON_TYPE and not isinstance(answer.body, (str, bytes))


def _format(accept: str) -> str | None:
    """`json` or `xml`, whichever the client likes best; None where it takes neither."""
    if accept in _PLAIN_ACCEPTS:
        return "json"
    ranges = []
    for position, text in enumerate(accept.split(",")):
        match = _RANGE.fullmatch(text)
        if match is None:
            return "json"  # malformed
        quality = _QUALITY.search(match[2] or "")
        ranges.append((-_number(quality[1] if quality else "1"), position, match[1].lower()))
    for negative, _, name in sorted(ranges):
        if negative and name in _JSON_RANGES | _XML_RANGES:
            return "json" if name in _JSON_RANGES else "xml"
    return None


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
