"""Bodies, headers and errors as the platform writes them: key order, spacing and all.

Recorded answers of real orgs decide here. Compact by default; with `X-PrettyPrint: 1` two blanks of indent, `"a" : b`,
`[ ]` and `{ }`. Error objects are `message, errorCode[, fields]`, but for a few codes that come first.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.sandbox.errors import ApiError, Refusal

JSON_TYPE = "application/json;charset=UTF-8"
CSV_TYPE = "text/csv"
XML_TYPE = "text/xml;charset=UTF-8"
HTML_TYPE = "text/html;charset=UTF-8"

BASE_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "none",
    "Cache-Control": "no-cache,must-revalidate,max-age=0,no-store,private",
}
_BULK_CODES = frozenset(
    {"API_ERROR", "BULK_API_ERROR", "FEATURENOTENABLED", "INVALIDENTITY", "INVALIDJOB", "INVALIDJOBSTATE"}
    | {"INVALIDUSER", "JOB_NOT_COMPLETE", "LIMIT_EXCEEDED"}
)
_CODE_FIRST = frozenset({"NOT_FOUND", "METHOD_NOT_ALLOWED", "PROCESSING_HALTED"}) | _BULK_CODES
_SMALLEST_GZIP = 1000
_COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer before it is bytes. `body` is JSON data, text or bytes; None is no body at all."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    media_type: str = JSON_TYPE


def refusal(error: ApiError) -> Answer:
    """The answer that an error makes: the array of error objects, and what the status asks for in headers."""
    headers = {"WWW-Authenticate": "Token"} if error.status == 401 else {}
    return Answer(error.status, [error_object(one) for one in error.errors], headers)


def error_object(error: Refusal) -> dict[str, Any]:
    """One element of an error array."""
    if error.more:
        return {**error.more, "errorCode": error.code, "message": error.message}
    if error.code in _CODE_FIRST:
        return {"errorCode": error.code, "message": error.message}
    known: dict[str, Any] = {"message": error.message, "errorCode": error.code}
    if error.fields is not None:
        known["fields"] = list(error.fields)
    return known


def row_error(error: Refusal) -> dict[str, Any]:
    """One element of `errors` in a collections row, which says `statusCode` where others say `errorCode`."""
    return {"statusCode": error.code, "message": error.message, "fields": list(error.fields or ())}


def encode(body: Any, *, pretty: bool) -> bytes:
    """A body as bytes; JSON data is written compact or pretty."""
    if body is None:
        return b""
    if isinstance(body, bytes):
        return body
    if isinstance(body, str):
        return body.encode()
    text = _pretty(body, 0) if pretty else _COMPACT.encode(body)
    return text.encode()


def compress(content: bytes, accepted: str) -> tuple[bytes, str]:
    """The content as the client takes it, and how it is packed: gzip, deflate, or not at all if it is not worth it."""
    if len(content) < _SMALLEST_GZIP:
        return content, ""
    if "gzip" in accepted.lower():
        return gzip.compress(content, compresslevel=1, mtime=0), "gzip"
    if "deflate" in accepted.lower():
        return zlib.compress(content, 1), "deflate"
    return content, ""


def _pretty(value: Any, depth: int) -> str:
    """JSON as the platform prints it: objects one key a line, arrays in line, a blank on both sides of a colon."""
    if isinstance(value, Mapping):
        if not value:
            return "{ }"
        margin = "  " * (depth + 1)
        lines = (f"{margin}{_scalar(str(key))} : {_pretty(item, depth + 1)}" for key, item in value.items())
        return "{\n" + ",\n".join(lines) + "\n" + "  " * depth + "}"
    if isinstance(value, (list, tuple)):
        return "[ " + ", ".join(_pretty(item, depth) for item in value) + " ]" if value else "[ ]"
    return _scalar(value)


def _scalar(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
