"""Binary fields: rows that come as multipart messages with their content, and the content as a resource.

REST guide, "Insert or Update Blob Data" and "sObject Blob Get". A blob is stored in base64, as JSON carries it.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import replace
from typing import Any

from harness.sandbox.errors import ApiError, not_found
from harness.sandbox.http.call import Call
from harness.sandbox.http.json_text import parser_error, token_of
from harness.sandbox.http.multipart import NotMultipart, Part, read_parts
from harness.sandbox.http.wire import Answer

MULTIPART = "multipart/form-data"
_BINARY = "application/octetstream"


def row_values(call: Call) -> dict[str, Any]:
    """The fields of the row in the body, JSON, XML or multipart. Raises ApiError."""
    if call.media_type == MULTIPART and not call.is_part:
        return _from_parts(call)
    data = call.json()
    if isinstance(data, dict):
        return data
    if isinstance(data, list):
        text = "Json Deserialization failed on token 'null' and has left off in the middle of parsing a row. "
        raise ApiError(400, "INVALID_FIELD", f"{text}Will go to end of row to begin parsing the next row")
    raise parser_error(f"Can not deserialize SObject out of {token_of(data)} token at [line:1, column:1]")


def content(call: Call, sobject: str, record_id: str, field_name: str) -> Answer:
    """`GET sobjects/X/ID/FIELD`: the bytes of a binary field. Raises ApiError NOT_FOUND."""
    described = call.org.schema.get(sobject)
    field = described.get(field_name) if described else None
    if described is None or field is None or field.type != "base64":
        raise not_found()
    row = call.org.retrieve(sobject, record_id, as_user=call.user_id, fields=["Id", field.name], version=call.version)
    stored = call.org.peek(described.name, row["Id"], field.name)
    if stored is None:
        raise not_found()
    try:
        return Answer(200, base64.b64decode(stored), media_type=_BINARY)
    except (binascii.Error, ValueError):
        return Answer(200, str(stored).encode(), media_type=_BINARY)


def _from_parts(call: Call) -> dict[str, Any]:
    values: dict[str, Any] | None = None
    blobs: dict[str, str] = {}
    for part in _parts(call):
        if part.filename is None and values is None:
            media = {"content-type": part.content_type or "application/json"}
            values = replace(call, headers=media, body=part.content).json_object()
        else:
            blobs[part.name] = base64.b64encode(part.content).decode("ascii")
    if values is None:
        raise _bad_multipart("Multipart message must include a non-binary part")
    return values | blobs


def _parts(call: Call) -> list[Part]:
    try:
        return read_parts(call.body, call.headers.get("content-type", ""))
    except NotMultipart as error:
        raise _bad_multipart(str(error)) from error


def _bad_multipart(text: str) -> ApiError:
    return ApiError(400, "INVALID_MULTIPART_REQUEST", text)
