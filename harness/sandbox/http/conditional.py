"""Conditional requests: ETags and dates of change, and what a client's headers ask of them.

REST guide, "Conditional Request Headers". Rows of Account and descriptions have an ETag, all of them a date. A deletion
takes no notice of these headers.
"""

from __future__ import annotations

import base64
import hashlib
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime

from harness.sandbox.errors import ApiError
from harness.sandbox.http.call import Call

HEADERS = ("if-match", "if-none-match", "if-modified-since", "if-unmodified-since")
_TAG = re.compile(r'\*|(?:W/)?"([^"]*)"')
_COMPRESSED = re.compile(r"--?gzip$")


@dataclass(frozen=True, slots=True)
class State:
    """What a client may hold its own copy against."""

    modified: datetime | None
    tag: str | None = None

    def headers(self) -> dict[str, str]:
        """The headers that tell a client."""
        told = {} if self.tag is None else {"ETag": f'"{self.tag}"'}
        if self.modified is not None:
            told["Last-Modified"] = format_datetime(self.modified.replace(microsecond=0), usegmt=True)
        return told


def metadata_state(call: Call) -> State:
    """Of every description: any change of permissions, profiles or the schema, of whatever object, makes a new one."""
    stamp = call.org.stamp.read()
    seed = f"{call.org.org_id}{call.user_id}{call.version}{stamp.isoformat()}"
    return State(stamp, f"{zlib.crc32(seed.encode()):08x}")


def row_state(sobject: str, record_id: str, modified: str | None) -> State:
    """Of one row, by its object, id and LastModifiedDate."""
    moment = datetime.fromisoformat(modified).astimezone(UTC) if modified else None
    if sobject != "Account":
        return State(moment)
    digest = hashlib.sha256(f"{record_id}{modified}".encode()).digest()
    return State(moment, base64.b64encode(digest).decode())


def asked(call: Call) -> bool:
    """Whether the request has any of the headers."""
    return any(name in call.headers for name in HEADERS)


def unchanged(call: Call, state: State) -> bool:
    """Whether a GET is answered by 304. Raises ApiError PRECONDITION_FAILED where it is not to be answered at all."""
    _check(call.headers, state)
    tags = call.headers.get("if-none-match")
    if tags is not None and state.tag is not None:
        return _matches(tags, state.tag)
    since = _moment(call.headers.get("if-modified-since"))
    return since is not None and state.modified is not None and state.modified.replace(microsecond=0) <= since


def check_write(call: Call, state: State) -> None:
    """Raises ApiError: PRECONDITION_FAILED when the row is not as the client wants it, 400 for a bad header."""
    for name in ("if-match", "if-none-match"):
        value = call.headers.get(name)
        if value is not None and not _TAG.search(value):
            raise _invalid(name, value)
    value = call.headers.get("if-unmodified-since")
    if value is not None and _moment(value) is None:
        raise _invalid("if-unmodified-since", value)
    _check(call.headers, state)
    tags = call.headers.get("if-none-match")
    if tags is not None and state.tag is not None and _matches(tags, state.tag):
        raise _failed()


def _check(headers: Mapping[str, str], state: State) -> None:
    tags = headers.get("if-match")
    if tags is not None and state.tag is not None and not _matches(tags, state.tag):
        raise _failed()
    until = _moment(headers.get("if-unmodified-since"))
    if until is not None and state.modified is not None and state.modified.replace(microsecond=0) > until:
        raise _failed()


def _matches(tags: str, tag: str) -> bool:
    """Whether a list of ETags has this one; compressed or not makes no difference."""
    return any(found[0] == "*" or _COMPRESSED.sub("", found[1]) == tag for found in _TAG.finditer(tags))


def _moment(value: str | None) -> datetime | None:
    if value is None:
        return None
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _failed() -> ApiError:
    return ApiError(412, "PRECONDITION_FAILED", "The resource does not meet a precondition of the request headers")


def _invalid(name: str, value: str) -> ApiError:
    return ApiError(400, "INVALID_HEADER", f"The value of the header {name.title()} is not valid: {value}")
