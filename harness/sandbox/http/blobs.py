"""Binary fields: rows that come as multipart messages with their content, and the content as a resource.

REST guide, "Insert or Update Blob Data" and "sObject Blob Get". A blob is stored in base64, as JSON carries it.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import replace
from email.message import Message
from email.parser import BytesHeaderParser
from typing import Any

from harness.sandbox.errors import ApiError, not_found
from harness.sandbox.http.call import Call
from harness.sandbox.http.json_text import parser_error, token_of
from harness.sandbox.http.wire import Answer

MULTIPART = "multipart/form-data"
_BINARY = "application/octetstream"
_END_OF_HEADERS = re.compile(rb"\r?\n\r?\n")


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
    for headers, part in _parts(call):
        name = str(headers.get_param("name", "", header="content-disposition"))
        if headers.get_filename() is None and values is None:
            media = {"content-type": headers.get_content_type() if "content-type" in headers else "application/json"}
            values = replace(call, headers=media, body=part).json_object()
        else:
            blobs[name] = base64.b64encode(part).decode("ascii")
    if values is None:
        raise _bad_multipart("Multipart message must include a non-binary part")
    return values | blobs


def _parts(call: Call) -> Iterator[tuple[Message, bytes]]:
    """The parts of the message, each with its headers. Raises ApiError INVALID_MULTIPART_REQUEST."""
    whole = Message()
    whole["content-type"] = call.headers.get("content-type", "")
    boundary = whole.get_boundary("").encode("latin-1", "replace")
    if not boundary:
        raise _bad_multipart("Multipart message has no boundary")
    line = b"\r\n" if b"\r\n" in call.body else b"\n"
    sections = (line + call.body).split(line + b"--" + boundary)
    if len(sections) < 3 or not sections[-1].startswith(b"--"):
        raise _bad_multipart("Multipart message is not complete")
    for section in sections[1:-1]:
        end = _END_OF_HEADERS.search(section)
        if end is None:
            raise _bad_multipart("Multipart message has a part without content")
        yield BytesHeaderParser().parsebytes(section[: end.start()].lstrip()), section[end.end() :]


def _bad_multipart(text: str) -> ApiError:
    return ApiError(400, "INVALID_MULTIPART_REQUEST", text)
