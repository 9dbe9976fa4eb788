"""What a cassette is made of, held against what somebody sent: each part is looked at before it is believed.

    version: 1
    metadata: {api_version, org_id, ..., before: [tape], tape: [tape]}
    interactions:
    - request: {method, uri, body, headers}
      response: {status: {code, message}, headers, body: {string}}

The names and their nesting are vcrpy's. What vcrpy would also take (bytes, files, other hosts) is refused.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from vcr.request import Request

from harness.recording import redaction
from harness.recording.filing.malformed import Malformed, shown
from harness.recording.hosts import CANONICAL_URL
from harness.recording.tape import is_on_tape

VERSION = 1
TAPES = ("before", "tape")
_REQUEST = frozenset({"method", "uri", "body", "headers"})
_RESPONSE = frozenset({"status", "headers", "body"})
_METHOD = re.compile(r"GET|POST|PATCH|PUT|DELETE|HEAD")
_URI = re.compile(re.escape(CANONICAL_URL) + r"/[!-\"$-~]*")
"""The one host, and what a URI may consist of: visible ASCII, and no fragment."""
_CLIMBS = re.compile(r"/\.{1,2}(?:/|$)")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_UNPRINTED = re.compile(r"[\x00-\x1f\x7f]")


def check_head(head: Mapping[str, Any]) -> dict[str, Any]:
    """The metadata out of `{version, metadata}`. Raises Malformed."""
    if type(head.get("version")) is not int or head["version"] != VERSION:
        raise Malformed(f"its version is not {VERSION}")
    metadata = _mapping(head.get("metadata"), "its metadata")
    for name, value in metadata.items():
        if not _NAME.fullmatch(name):
            raise Malformed(f"its metadata has the odd name {shown(name)}")
        if name in TAPES:
            _check_tape(value, name)
        else:
            _check_fact(value, name)
    if "recorded_at" in metadata:
        _check_moment(metadata["recorded_at"])
    return metadata


def read_interaction(data: object) -> tuple[Request, dict[str, Any]]:
    """A request and its answer as vcrpy wants them. Raises Malformed."""
    whole = _mapping(data, "the interaction", {"request", "response"})
    return _request(whole["request"]), _response(whole["response"])


# --- the head ---------------------------------------------------------------------------------------------------------


def _check_fact(value: object, name: str) -> None:
    what = f"the metadata {name}"
    if isinstance(value, list):
        for each in value:
            _line(each, what)
    elif isinstance(value, dict):
        for key, each in value.items():
            _line(key, what)
            _line(each, what)
    else:
        _line(value, what)


def _check_tape(value: object, name: str) -> None:
    if not isinstance(value, list):
        raise Malformed(f"the metadata {name} is no list")
    for number, each in enumerate(value, start=1):
        if not isinstance(each, str) or not is_on_tape(each):
            raise Malformed(f"line {number} of the metadata {name} is no reading of a clock")


def _check_moment(value: object) -> None:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise Malformed("the metadata recorded_at is no time with its zone")


# --- an interaction ---------------------------------------------------------------------------------------------------


def _request(data: object) -> Request:
    request = _mapping(data, "the request", _REQUEST)
    method, uri, body = request["method"], request["uri"], request["body"]
    if not isinstance(method, str) or not _METHOD.fullmatch(method):
        raise Malformed("the method of the request is none that an org knows")
    if not isinstance(uri, str) or not _URI.fullmatch(uri):
        raise Malformed(f"the URI of the request is none below {CANONICAL_URL}")
    if _CLIMBS.search(uri.partition("?")[0]):
        raise Malformed("the URI of the request climbs out of its path")
    kept = _headers(request["headers"], "the request", redaction.REQUEST_HEADERS)
    return Request(method, uri, None if body is None else _body(body, "the request"), kept)


def _response(data: object) -> dict[str, Any]:
    response = _mapping(data, "the response", _RESPONSE)
    status = _mapping(response["status"], "the status of the response", {"code", "message"})
    if type(status["code"]) is not int or not 100 <= status["code"] <= 599:
        raise Malformed("the status code of the response is no number from 100 to 599")
    if status["message"] is not None:
        _line(status["message"], "the message of the status")
    kept = _headers(response["headers"], "the response", redaction.RESPONSE_HEADERS)
    body = _mapping(response["body"], "the body of the response", {"string"})
    return {"status": status, "headers": kept, "body": {"string": _body(body["string"], "the response")}}


def _headers(data: object, whose: str, allowed: re.Pattern[str]) -> dict[str, list[str]]:
    found = _mapping(data, f"the headers of {whose}")
    for name, values in found.items():
        if not allowed.fullmatch(name):
            raise Malformed(f"{whose} has the header {shown(name)}, which no recording keeps")
        if not isinstance(values, list) or len(values) != 1:
            raise Malformed(f"the header {shown(name)} of {whose} is no list of one value")
        _line(values[0], f"the header {shown(name)} of {whose}")
    return found


def _mapping(value: object, what: str, keys: Collection[str] | None = None) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Malformed(f"{what} is no mapping")
    if keys is None or value.keys() == set(keys):
        return value
    odd = sorted(value.keys() - set(keys))
    if odd:
        raise Malformed(f"{what} has the key {shown(odd[0])}, which is none of {', '.join(sorted(keys))}")
    raise Malformed(f"{what} has no {' and no '.join(sorted(set(keys) - value.keys()))}")


def _line(value: object, what: str) -> str:
    """A text of one line."""
    if not isinstance(value, str):
        raise Malformed(f"{what} is no text")
    if not value.isascii():
        _bytes(value, what)
    if _UNPRINTED.search(value):
        raise Malformed(f"{what} has control characters")
    return value


def _body(value: object, whose: str) -> bytes:
    what = f"the body of {whose}"
    if not isinstance(value, str):
        raise Malformed(f"{what} is no text")
    if "\0" in value:
        raise Malformed(f"{what} has NUL characters")
    return _bytes(value, what)


def _bytes(value: str, what: str) -> bytes:
    try:
        return value.encode("utf-8")
    except UnicodeEncodeError:
        raise Malformed(f"{what} has half a character (a surrogate)") from None
