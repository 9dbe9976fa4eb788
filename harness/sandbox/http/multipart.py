"""Multipart bodies: the parts of a `multipart/form-data` or `multipart/mixed` request (RFC 2046)."""

from __future__ import annotations

from dataclasses import dataclass
from email.message import Message

_MOST_PARTS = 1000
_MOST_HEADER_BYTES = 16_384


class NotMultipart(Exception):
    """A body that is not what its Content-Type says."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part. `name` and `filename` are those of its Content-Disposition; `content_type` is empty where none is."""

    name: str
    filename: str | None
    content_type: str
    content: bytes


def read_parts(body: bytes, content_type: str) -> list[Part]:
    """The parts in their order. Raises NotMultipart, saying why."""
    boundary = _headers(f"Content-Type: {content_type}".encode()).get_param("boundary")
    if not isinstance(boundary, str) or not boundary:
        raise NotMultipart("Multipart content without a boundary")
    mark = b"--" + boundary.encode()
    pieces = (b"\n" + body.replace(b"\r\n" + mark, b"\n" + mark)).split(b"\n" + mark)
    if len(pieces) < 3 or not pieces[-1].startswith(b"--"):
        raise NotMultipart("Multipart content that does not end with its boundary")
    if len(pieces) > _MOST_PARTS:
        raise NotMultipart(f"Multipart content of more than {_MOST_PARTS} parts")
    return [_part(piece) for piece in pieces[1:-1]]


def _part(piece: bytes) -> Part:
    gaps = [(place, gap) for gap in (b"\r\n\r\n", b"\n\n") if (place := piece.find(gap)) >= 0]
    if not gaps:
        raise NotMultipart("A part of multipart content without a blank line after its headers")
    place, gap = min(gaps)
    if place > _MOST_HEADER_BYTES:
        raise NotMultipart("A part of multipart content with too long headers")
    headers = _headers(piece[:place])
    named = {key: headers.get_param(key, header="content-disposition") for key in ("name", "filename")}
    name, filename = (value if isinstance(value, str) else None for value in named.values())
    content_type = headers.get_content_type() if "content-type" in headers else ""
    return Part(name=name or "", filename=filename, content_type=content_type, content=piece[place + len(gap) :])


def _headers(block: bytes) -> Message:
    message = Message()
    for line in block.decode("utf-8", "replace").splitlines():
        name, colon, value = line.partition(":")
        if colon:
            message[name.strip()] = value.strip()
    return message
