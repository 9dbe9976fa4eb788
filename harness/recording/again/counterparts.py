"""What stands in an org for what stood in the recording: ids of rows that were made anew, and of another org.

Answers teach it. Two rows that say the same of all but ids are one row; what stands in the one for what stands in the
other is its counterpart. So whatever the recording names before it uses it is known by the time it is used.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harness.recording.meaning.rows import flat
from harness.recording.meaning.tables import is_noise
from harness.recording.standing_in.identifiers import ids_replaced, is_id, looks_like_15

Pair = tuple[str, str]


class Counterparts:
    """Ids of the recording and of the org, each in 18 characters; both are stand-ins where those are kept."""

    def __init__(self) -> None:
        self._now: dict[str, str] = {}
        self._recorded: dict[str, str] = {}

    def know(self, recorded: str, now: str) -> None:
        """Learn that an id of the recording is this one of the org; what was learned first stays."""
        if recorded[:15] not in self._now and now[:15] not in self._recorded:
            self._now[recorded[:15]] = now
            self._recorded[now[:15]] = recorded

    def learn(self, recorded: str, now: str) -> None:
        """Learn from two answers to one request, both text."""
        for one, other in _pairs(_decoded(recorded), _decoded(now)):
            for pair in zip(ids_in(one), ids_in(other), strict=False):
                if pair[0][:3] == pair[1][:3]:
                    self.know(*pair)

    def knows(self, recorded: str) -> bool:
        """Whether the counterpart of an id of the recording is known."""
        return recorded[:15] in self._now

    def now(self, recorded: str) -> str:
        """The id in the org; the same where none is known."""
        return self._now.get(recorded[:15], recorded)[: len(recorded)]

    def as_recorded(self, text: str) -> str:
        """A text of the org with the recording's ids in it, where they are known."""
        return ids_replaced(text, lambda now: self._recorded.get(now[:15], now)[: len(now)], self._is_15)

    def _is_15(self, token: str) -> bool:
        return token in self._recorded or looks_like_15(token)


def ids_in(text: str) -> list[str]:
    """The ids in a text, in order."""
    found: list[str] = []

    def note(each: str) -> str:
        found.append(each)
        return each

    ids_replaced(text, note)
    return found


def is_everywhere(identifier: str) -> bool:
    """Whether an id is the same in every org, as that of the master record type is."""
    return identifier[3:15] == "0" * 12


def _pairs(recorded: Any, now: Any) -> Iterator[Pair]:
    """The texts that stand at the same place of both answers, whatever order their rows have."""
    if isinstance(recorded, Mapping) and isinstance(now, Mapping):
        for key in recorded.keys() & now.keys():
            yield from _pairs(recorded[key], now[key])
    elif isinstance(recorded, list) and isinstance(now, list):
        for one, other in _aligned(recorded, now):
            yield from _pairs(one, other)
    elif isinstance(recorded, str) and isinstance(now, str):
        yield recorded, now


def _aligned(recorded: Sequence[Any], now: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
    """The items of two lists that are one: by what they say, the ids left out, and then what is left alone."""
    left, right = list(recorded), list(now)
    for way in (_as_it_is, _without_ids):
        ours, theirs = _unique(left, way), _unique(right, way)
        for key in ours.keys() & theirs.keys():
            yield ours[key], theirs[key]
            left.remove(ours[key])
            right.remove(theirs[key])
    if len(left) == len(right) == 1:
        yield left[0], right[0]


def _unique(items: Sequence[Any], way: Any) -> dict[str, Any]:
    keys = [way(item) for item in items]
    counted = Counter(keys)
    return {key: item for key, item in zip(keys, items, strict=True) if counted[key] == 1}


def _as_it_is(item: Any) -> str:
    """The id of a row, the reference of a composite's part, or the whole."""
    if isinstance(item, Mapping):
        for key in ("Id", "referenceId", "DurableId"):
            if item.get(key):
                return f"{key} {item[key]}"
    return json.dumps(item, sort_keys=True)


def _without_ids(item: Any) -> str:
    """What a row says, but for ids and for what differs by nature."""
    if not isinstance(item, Mapping):
        return json.dumps(item, sort_keys=True)
    told = {column: value for column, value in flat(item).items() if not is_noise(column)}
    return json.dumps(
        {column: value for column, value in told.items() if not (isinstance(value, str) and is_id(value))},
        sort_keys=True,
        default=str,
    )


def _decoded(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
