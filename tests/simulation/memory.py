"""Answers to reads, remembered: an org in which the same was written says the same when it is asked the same.

Exploring asks the same questions of the same org thousands of times. What may differ although nothing was written is
never remembered: sign-ins, history, limits, and whatever tells a time. Every so often a remembered answer is compared
with what the org says now, so that an answer that should not have been remembered is noticed.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import requests
from requests.structures import CaseInsensitiveDict

from harness.org.describe import brief_describe, brief_global_describe, is_describe, is_global_describe

_NEVER = re.compile(
    rb"(?:Created|Modified|Login|Viewed|Change)Date\b|SystemModstamp|FROM.{1,3}LoginHistory|LoginTime|AuditTrail|AuthSession"
    rb"|/limits|/oauth2/|/Soap/[uc]/|Rehearsal_Lock"
)
_MOMENT = re.compile(
    rb"\d{4}-\d\d-\d\d[T ]\d\d(?::|%3A)\d\d(?::|%3A)\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?"
    rb"|\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT|\"ETag\": ?\"[^,]*\""
)
_SESSION = re.compile(rb"<sessionId>[^<]*</sessionId>")
_FRESH = timedelta(hours=1)
_CALLER = "Sforce-Call-Options"


class Misremembered(AssertionError):
    """The org said something else than what was remembered: that must not be remembered, or something is wrong."""


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: CaseInsensitiveDict[str]
    content: bytes


@dataclass
class Memory:
    """What was answered. Every `compare_every`-th remembered answer is compared with the org's own."""

    compare_every: int = 50
    used: int = 0
    compared: int = 0
    _known: dict[bytes, _Answer] = field(default_factory=dict)
    _sessions: dict[str, datetime] = field(default_factory=dict)

    def key(self, revision: str, request: requests.PreparedRequest, now: datetime) -> bytes | None:
        """Under what an answer is kept; None where it is not, as when the session may have expired."""
        since = self._sessions.setdefault(request.headers.get("Authorization", ""), now)
        told = _told(request)
        if not timedelta(0) <= now - since < _FRESH:
            return None
        if _NEVER.search(told):
            return None
        return hashlib.sha256(f"{revision} {request.headers.get(_CALLER)} ".encode() + told).digest()

    def recall(self, key: bytes, request: requests.PreparedRequest) -> requests.Response | None:
        """The answer as it was; None where there is none, or where it is time to ask the org again."""
        known = self._known.get(key)
        if known is None:
            return None
        self.used += 1
        if self.used % self.compare_every == 0:
            return None
        return _response(known, request)

    def keep(self, key: bytes, response: requests.Response) -> None:
        """Keep an answer. Raises Misremembered where another one was kept."""
        new = _Answer(response.status_code, response.headers, response.content)
        known = self._known.get(key)
        if known is None:
            if response.status_code == 200:
                self._known[key] = replace(new, content=brief(new.content))
            return
        if response.status_code == 401:
            return  # the session expired: nothing was said about the org
        self.compared += 1
        old, now = timeless(known.content), timeless(brief(new.content))
        if old != now:
            at = max(0, next((i for i, (a, b) in enumerate(zip(old, now, strict=False)) if a != b), len(now)) - 100)
            asked = _told(response.request)[:600]
            raise Misremembered(f"{asked!r}: ...{old[at : at + 300]!r} is now ...{now[at : at + 300]!r}")


def brief(content: bytes) -> bytes:
    """An answer with its describes as cassettes keep them: without what the engine never looks at."""
    if b"keyPrefix" not in content:
        return content
    return json.dumps(_brief(json.loads(content))).encode()


def _brief(body: Any) -> Any:
    if is_describe(body):
        return brief_describe(body)
    if is_global_describe(body):
        return brief_global_describe(body)
    if isinstance(body, dict) and "compositeResponse" in body:
        parts = [{**part, "body": _brief(part["body"])} for part in body["compositeResponse"]]
        return {**body, "compositeResponse": parts}
    return body


def timeless(text: bytes) -> bytes:
    """A text without the moments in it."""
    return _MOMENT.sub(b"<moment>", text)


def revised(revision: str, request: requests.PreparedRequest) -> str:
    """The name of the state that an org is in after one more write."""
    told = timeless(_told(request))
    return hashlib.sha256(revision.encode() + told).hexdigest()[:24]


def _told(request: requests.PreparedRequest) -> bytes:
    """What is asked, without the session it is asked in."""
    told = b" ".join((str(request.method).encode(), str(request.url).encode(), _body(request)))
    return _SESSION.sub(b"", told)


def _body(request: requests.PreparedRequest) -> bytes:
    body = request.body
    if isinstance(body, str):
        return body.encode()
    return body if isinstance(body, bytes) else repr(body).encode()


def _response(known: _Answer, request: requests.PreparedRequest) -> requests.Response:
    response = requests.Response()
    response.status_code = known.status
    response.headers = known.headers
    response._content = known.content
    response.url = str(request.url)
    response.request = request
    response.encoding = "utf-8"
    return response
