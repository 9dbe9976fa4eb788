"""Two cassettes of one stage, compared by meaning: which requests only one of them has, and whose answers differ."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from harness.recording.filing.files import Loaded
from harness.recording.meaning import Drift, People, drifts
from harness.recording.meaning.questions import asked_by, question_of
from harness.recording.text import as_text, canonical

Key = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class Difference:
    """How a second cassette differs from a first one. Requests stand in one line each."""

    drifts: tuple[Drift, ...]
    """Of the requests that both have, the heaviest first."""
    gone: tuple[str, ...]
    new: tuple[str, ...]
    moved: int
    """How many of the requests that both have come in another order."""

    @property
    def is_empty(self) -> bool:
        """Whether both say the same."""
        return not (self.drifts or self.gone or self.new or self.moved)


def difference(first: Loaded, second: Loaded) -> Difference:
    """Compare two cassettes; equal requests are compared one by one, in their order."""
    admin = str(second.metadata.get("admin_username") or first.metadata.get("admin_username") or "")
    people = People(admin=admin)
    ours, theirs = _by_key(first.requests), _by_key(second.requests)
    pairs = [pair for key in ours for pair in zip(ours[key], theirs.get(key, ()), strict=False)]
    found = [
        drift
        for one, other in pairs
        for drift in drifts(first.requests[one], first.responses[one], second.responses[other], people)
    ]
    return Difference(
        drifts=tuple(sorted(found, key=lambda drift: -drift.tier.weight)),
        gone=_lines(first.requests, ours, theirs),
        new=_lines(second.requests, theirs, ours),
        moved=_moved([other for _, other in sorted(pairs)]),
    )


def _by_key(requests: Sequence[Any]) -> dict[Key, list[int]]:
    """The places of the requests by what they ask: method, URI, who, and body."""
    found: dict[Key, list[int]] = defaultdict(list)
    for number, request in enumerate(requests):
        key = request.method, request.uri, asked_by(request), canonical(as_text(request.body) or "")
        found[key].append(number)
    return found


def _lines(requests: Sequence[Any], ours: dict[Key, list[int]], theirs: dict[Key, list[int]]) -> tuple[str, ...]:
    """The requests that the others do not have, in their order."""
    places = [place for key, own in ours.items() for place in own[len(theirs.get(key, ())) :]]
    questions = [question_of(requests[place], People()) for place in sorted(places)]
    return tuple(f"{each.principal}: {each.line}" if each.principal else each.line for each in questions)


def _moved(places: Sequence[int]) -> int:
    """How many come before one that they came behind."""
    highest, count = -1, 0
    for place in places:
        count += place < highest
        highest = max(highest, place)
    return count
