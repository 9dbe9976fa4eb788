"""The two formats of recordings, packed or not: HAR 1.2 (W3C draft "HTTP Archive") and vcrpy cassettes in YAML or JSON.

Recordings come from elsewhere and may be broken or hostile: every part is looked at before it is believed.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import zlib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import yaml

from harness.access.use.exchange import Exchange
from harness.errors import Place, UsageError

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
LARGEST_BODY = 256 * 1024 * 1024
"""Bytes that a packed body may become."""
_DEEPEST = 100
"""How deep the YAML of a cassette may be nested; vcrpy needs six levels."""
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,8})\r\n")
_GZIP = b"\x1f\x8b"
_NOT_READ = "its body could not be unpacked"


def exchanges(content: bytes, shown: str) -> Iterator[Exchange | str]:
    """The exchanges of a recording in their order; a text, for one that is not understood, says why.

    Raises UsageError for what is neither a HAR file nor a cassette.
    """
    data = _load(content, shown)
    har = data.get("log") if isinstance(data, Mapping) else None
    if isinstance(har, Mapping) and isinstance(har.get("entries"), list):
        yield from map(_guarded(_entry), har["entries"])
    elif isinstance(data, Mapping) and isinstance(data.get("interactions"), list):
        yield from map(_guarded(_interaction), data["interactions"])
    else:
        raise UsageError(
            "this is neither a HAR file (log.entries) nor a vcrpy cassette (interactions)", place=Place(shown)
        )


def _load(content: bytes, shown: str) -> Any:
    try:
        text = (_inflated(content, 31) if content[:2] == _GZIP else content).decode("utf-8-sig")
        if text.lstrip()[:1] == "{":
            try:
                return json.loads(text)
            except ValueError:
                pass  # YAML in flow style begins alike
        _check_depth(text)
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a safe loader
    except (UnicodeDecodeError, yaml.YAMLError, ValueError, RecursionError) as error:
        if isinstance(error, _OddError):
            raise UsageError("the recording could not be unpacked", place=Place(shown)) from None
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark is not None else None
        kind = "UTF-8" if isinstance(error, UnicodeDecodeError) else "JSON or YAML that this tool reads"
        raise UsageError(f"the recording is not {kind}", place=Place(shown, line)) from None


def _check_depth(text: str) -> None:
    """Raise RecursionError for YAML nested so deep that libyaml, which recurses, would end the process."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            raise RecursionError


class _OddError(ValueError):
    """A part of a recording that is not what the format says."""


def _guarded(read: Any) -> Any:
    def reading(entry: Any) -> Exchange | str:
        try:
            found: Exchange = read(entry)
            return found
        except _OddError as error:
            return str(error)
        except RecursionError:
            return "it is nested too deep"

    return reading


# --- HAR --------------------------------------------------------------------------------------------------------------


def _entry(entry: Any) -> Exchange:
    request = _mapping(_mapping(entry, "the entry").get("request"), "its request")
    response = _part(entry, "response")
    posted, content = _part(request, "postData"), _part(response, "content")
    return Exchange(
        method=_text(request.get("method"), "its method").upper(),
        url=_text(request.get("url"), "its URL"),
        headers=_pairs(request.get("headers")),
        body=_unpacked(_har_body(posted), _pairs(request.get("headers"))),
        status=_status(response.get("status")),
        answer=_har_body(content),
        at=_moment(entry.get("startedDateTime")),
    )


def _har_body(holder: Mapping[str, Any]) -> bytes:
    text = holder.get("text")
    if not isinstance(text, str):
        return b""
    return _base64(text) if holder.get("encoding") == "base64" else text.encode("utf-8", "surrogatepass")


def _pairs(headers: Any) -> dict[str, str]:
    """Headers as a HAR file lists them, by their names in lower case."""
    return {
        str(each["name"]).lower(): str(each["value"])
        for each in (headers if isinstance(headers, list) else ())
        if isinstance(each, Mapping) and "name" in each and "value" in each
    }


# --- vcrpy ------------------------------------------------------------------------------------------------------------


def _interaction(interaction: Any) -> Exchange:
    request = _mapping(_mapping(interaction, "the interaction").get("request"), "its request")
    response = _part(interaction, "response")
    status = response.get("status")
    headers = _headers(request.get("headers"))
    return Exchange(
        method=_text(request.get("method"), "its method").upper(),
        url=_text(request.get("uri") or request.get("url"), "its URI"),
        headers=headers,
        body=_unpacked(_vcr_body(request.get("body")), headers),
        status=_status(status.get("code") if isinstance(status, Mapping) else status),
        answer=_answer(response),
        at=_moment(interaction.get("recorded_at")) or _moment(_headers(response.get("headers")).get("date")),
    )


def _answer(response: Mapping[str, Any]) -> bytes:
    """The body of an answer; one that cannot be unpacked tells nothing, which most requests do not need."""
    try:
        return _unpacked(_vcr_body(response.get("body")), _headers(response.get("headers")))
    except _OddError:
        return b""


def _vcr_body(body: Any) -> bytes:
    """A body as vcrpy keeps it: text, bytes, or a mapping with `string` or `base64_string`."""
    if isinstance(body, Mapping):
        if isinstance(body.get("base64_string"), str):
            return _base64(body["base64_string"])
        body = body.get("string")
    if isinstance(body, bytes):
        return body
    if body is None:
        return b""
    if isinstance(body, str):
        return body.encode("utf-8", "surrogatepass")
    raise _OddError("its body is neither text nor bytes")


def _headers(headers: Any) -> dict[str, str]:
    """Headers as vcrpy keeps them, one value or a list of them to each name."""
    found = headers.items() if isinstance(headers, Mapping) else ()
    return {str(name).lower(): _joined(value) for name, value in found}


def _joined(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


# --- both -------------------------------------------------------------------------------------------------------------


def _unpacked(body: bytes, headers: Mapping[str, str]) -> bytes:
    """A body without its Content-Encoding; recorders often keep the header of what they have unpacked already."""
    body = _joined_chunks(body)
    encoding = headers.get("content-encoding", "").strip().lower()
    if encoding in ("gzip", "x-gzip") and body[:2] == _GZIP:
        return _inflated(body, 31)
    if encoding == "deflate" and body[:1] == b"\x78":
        return _inflated(body, 15)
    if encoding == "br" and body[:1] not in (b"{", b"[", b"<"):
        raise _OddError(f"{_NOT_READ}: brotli")
    return body


def _joined_chunks(body: bytes) -> bytes:
    """A body without the chunks it was sent in, which vcrpy keeps where a client streams its rows (RFC 9112, 7.1)."""
    if not body.endswith(b"0\r\n\r\n"):
        return body
    parts, position = [], 0
    while match := _CHUNK.match(body, position):
        size = int(match[1], 16)
        position = match.end() + size + 2
        parts.append(body[match.end() : match.end() + size])
        if body[position - 2 : position] != b"\r\n":
            return body
        if size == 0:
            return b"".join(parts) if position == len(body) else body
    return body


def _inflated(body: bytes, window: int) -> bytes:
    unpacking = zlib.decompressobj(window)
    try:
        found = unpacking.decompress(body, LARGEST_BODY)
    except zlib.error:
        raise _OddError(_NOT_READ) from None
    if unpacking.unconsumed_tail:
        raise _OddError(f"its body is larger than {LARGEST_BODY >> 20} MiB")
    return found


def _base64(text: str) -> bytes:
    try:
        return base64.b64decode(text)
    except (binascii.Error, ValueError):
        raise _OddError("its body is not base64") from None


def _mapping(value: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise _OddError(f"{what} is not a mapping")
    return value


def _part(holder: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """A part that may be missing: then it is empty."""
    found = holder.get(key)
    return found if isinstance(found, Mapping) else {}


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str) or not value:
        raise _OddError(f"{what} is missing")
    return value


def _status(value: Any) -> int:
    return value if isinstance(value, int) else 0


def _moment(value: Any) -> datetime | None:
    """A moment in ISO 8601 or as an HTTP date; in UTC where it does not say."""
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    text = str(value or "")
    for read in (datetime.fromisoformat, _http_date):
        try:
            moment = read(text)
        except ValueError:
            continue
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    return None


def _http_date(text: str) -> datetime:
    return datetime.strptime(text, "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=UTC)
