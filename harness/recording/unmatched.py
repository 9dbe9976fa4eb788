"""What to tell the user when a request is not on the cassette: what was asked, what is nearest, and what differs."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from harness.recording.text import as_text

_CANDIDATES = 200
_LINES = 12


def describe(request: Any) -> str:
    """A request in one line."""
    parts = urlsplit(request.uri)
    return f"{request.method} {parts.path}{'?' + parts.query if parts.query else ''}"


def explain(request: Any, recorded: Sequence[Any], *, cassette: str, times: int) -> str:
    """The message for a request that no unplayed interaction answers; `times` is how often it is on the cassette."""
    asked = f"the rehearsal asks {describe(request)}"
    if times:
        often = "once" if times == 1 else f"{times} times"
        return f"{asked} more often than when it was recorded: {cassette} holds it {often}, and it was played"
    message = f"{asked}, which is not on {cassette}"
    nearest = _nearest(request, recorded)
    if nearest is None:
        return f"{message}; nothing on it is like it"
    return f"{message}; the nearest there is {describe(nearest)}\n{_difference(request, nearest)}"


def _nearest(request: Any, recorded: Sequence[Any]) -> Any:
    """The recorded request most like this one: of the same path if there is one, then of the same method."""
    path = urlsplit(request.uri).path
    for alike in (
        [each for each in recorded if each.method == request.method and urlsplit(each.uri).path == path],
        [each for each in recorded if each.method == request.method],
        list(recorded),
    ):
        if alike:
            return max(alike[:_CANDIDATES], key=lambda each: _likeness(request, each))
    return None


def _likeness(one: Any, other: Any) -> float:
    return difflib.SequenceMatcher(None, _whole(one)[:2000], _whole(other)[:2000], autojunk=False).quick_ratio()


def _whole(request: Any) -> str:
    return f"{request.uri}\n{as_text(request.body) or ''}"


def _difference(asked: Any, nearest: Any) -> str:
    lines = difflib.unified_diff(_lines(nearest), _lines(asked), "recorded", "asked", lineterm="", n=0)
    shown = [f"  {line}" for line in lines if not line.startswith("@@")]
    more = [f"  ... and {len(shown) - _LINES} more lines"] if len(shown) > _LINES else []
    return "\n".join(shown[:_LINES] + more)


def _lines(request: Any) -> list[str]:
    parts = urlsplit(request.uri)
    who = request.headers.get("sforce-call-options", "")
    return [f"{request.method} {parts.path}", who, *parts.query.split("&"), *(as_text(request.body) or "").splitlines()]
