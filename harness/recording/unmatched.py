"""What to tell the user when a request is not on the cassette: what was asked, what is nearest, and what differs."""

from __future__ import annotations

import difflib
import heapq
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Any
from urllib.parse import urlsplit

from harness.recording.text import as_text

_CANDIDATES = 100
"""So many of the likest are looked at closely."""
_LINES = 12
_WIDTH = 160
_AROUND = 40
"""Characters shown on either side of what differs in a line longer than `_WIDTH`."""
_NAMES = ("referenceId", "Id", "id", "fullName")
"""What tells one item of a list from the others."""


def describe(request: Any) -> str:
    """A request in one line."""
    parts = urlsplit(request.uri)
    return f"{request.method} {parts.path}{'?' + parts.query if parts.query else ''}"


def explain(request: Any, recorded: Sequence[Any], *, cassette: str, times: int) -> str:
    """The message for a request that no unplayed interaction answers.

    `times` is how often it is on the cassette. Of the `recorded` that are equally near, the first is named.
    """
    asked = f"the rehearsal asks {_cut(describe(request))}"
    if times:
        often = "once" if times == 1 else f"{times} times"
        return f"{asked} more often than when it was recorded: {cassette} holds it {often}, and it was played"
    message = f"{asked}, which is not on {cassette}"
    if not recorded:
        return f"{message}; nothing is on it"
    near = nearest(request, recorded)
    return f"{message}; the nearest there is {_cut(describe(near))}\n" + "\n".join(difference(near, request))


def nearest(asked: Any, recorded: Sequence[Any]) -> Any:
    """The recorded request in which the fewest lines differ: a path, a parameter, a value in the body."""
    words = _words(asked)

    def likeness(other: Any) -> float:
        theirs = _words(other)
        same_line = int(asked.method == other.method) + int(_path(asked) == _path(other))
        return same_line + 2 * len(words & theirs) / (len(words) + len(theirs) or 1)

    lines = _lines(asked)
    return min(heapq.nlargest(_CANDIDATES, recorded, key=likeness), key=lambda each: _distance(_lines(each), lines))


def difference(recorded: Any, asked: Any) -> list[str]:
    """The lines in which two requests differ, of each no more than what differs and its surroundings."""
    old, new = _lines(recorded), _lines(asked)
    shown: list[str] = ["  --- recorded", "  +++ asked"]
    for tag, *place in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag != "equal":
            shown += _pairs(old[place[0] : place[1]], new[place[2] : place[3]])
    more = [f"  ... and {len(shown) - _LINES} more lines"] if len(shown) > _LINES else []
    return shown[:_LINES] + more


def _pairs(old: Sequence[str], new: Sequence[str]) -> list[str]:
    """Removed lines, then those in their place."""
    pairs = [_narrowed(one, other) for one, other in zip_longest(old, new)]
    return [f"  -{one}" for one, _ in pairs if one is not None] + [f"  +{two}" for _, two in pairs if two is not None]


def _narrowed(one: str | None, other: str | None) -> tuple[str | None, str | None]:
    """Two long lines without most of what they have in common; None stays None."""
    if one is None or other is None:
        return one and _cut(one), other and _cut(other)
    if max(len(one), len(other)) <= _WIDTH:
        return one, other
    before = _in_common(one, other)
    behind = _in_common(one[before:][::-1], other[before:][::-1])
    return _window(one, before, behind), _window(other, before, behind)


def _in_common(one: str, other: str) -> int:
    """With how many equal characters two texts begin."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((number for number, (left, right) in pairs if left != right), min(len(one), len(other)))


def _window(line: str, before: int, behind: int) -> str:
    name = line[: min(before, line.find("=", 0, _AROUND) + 1)]
    start, end = max(before - _AROUND, 0), len(line) - max(behind - _AROUND, 0)
    return (f"{name}..." if start else "") + _cut(line[start:end]) + ("..." if end < len(line) else "")


def _cut(text: str) -> str:
    return text if len(text) <= 2 * _WIDTH else f"{text[: 2 * _WIDTH]}..."


def _distance(one: Sequence[str], other: Sequence[str]) -> tuple[int, int, float]:
    """How many lines differ, in how many words, and how much they do."""
    lost, new = Counter(one) - Counter(other), Counter(other) - Counter(one)
    left, right = "\n".join(lost.elements()), "\n".join(new.elements())
    ratio = difflib.SequenceMatcher(None, left[:400], right[:400], autojunk=False).ratio()
    return lost.total() + new.total(), len(_words_of(left) ^ _words_of(right)), -ratio


def _path(request: Any) -> str:
    return str(request.uri).partition("?")[0]


def _words(request: Any) -> set[str]:
    """What a request consists of, roughly: quick, since every request of a cassette is looked at."""
    return _words_of(f"{request.uri}\n{as_text(request.body) or ''}")


def _words_of(text: str) -> set[str]:
    for mark in "/+,&\n<>":
        text = text.replace(mark, '"')
    return set(text.split('"'))


def _lines(request: Any) -> list[str]:
    parts = urlsplit(request.uri)
    who = request.headers.get("sforce-call-options", "")
    return [f"{request.method} {parts.path}", who, *parts.query.split("&"), *_body_lines(as_text(request.body) or "")]


def _body_lines(body: str) -> list[str]:
    """Of JSON, a line for each value and where it stands; of all else, the lines."""
    try:
        return list(_leaves(json.loads(body), ""))
    except ValueError:
        return body.splitlines()


def _leaves(value: Any, place: str) -> Iterator[str]:
    if isinstance(value, dict) and value:
        for name in sorted(value):
            yield from _leaves(value[name], f"{place}.{name}" if place else name)
    elif isinstance(value, list) and value:
        for number, each in enumerate(value):
            yield from _leaves(each, f"{place}[{_name_of(each) or number}]")
    else:
        yield f"{place}: {json.dumps(value, ensure_ascii=False)}"


def _name_of(item: Any) -> str:
    named = (item.get(name) for name in _NAMES) if isinstance(item, dict) else ()
    return next((name for name in named if isinstance(name, str)), "")
