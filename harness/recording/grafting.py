"""One stage recorded again is made to fit the recordings of the others: their run ids, times and record ids.

The new recording comes from another run, at another time: what it reads, sends and is answered holds that run's ids and
times where the other stages' recordings hold those of theirs. Both runs are laid side by side, reading by reading of
the clock and exchange by exchange, and what the new run called X where the old one called it Y is called Y. A time that
no reading gave, such as a row's CreatedDate, keeps its distance from the last reading before it. Pure.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from difflib import SequenceMatcher
from typing import Any

from harness.recording.text import as_text

_BEGINS = r"(?:(?<![0-9A-Za-z])|(?<=%[0-9A-F]{2}))"  # also behind what a URL writes as %27
_ID = _BEGINS + r"(?=(?:[0-9A-Za-z]*[0-9]){3})[0-9A-Za-z]{15}(?:[0-9A-Za-z]{3})?(?![0-9A-Za-z])"
_HEX = _BEGINS + r"[0-9a-f]{12,64}(?![0-9A-Za-z])"
_MOMENT = (
    r"(?P<day>\d{4}-\d\d-\d\d)(?P<t>[T ])(?P<h>\d\d)(?P<c>:|%3A)(?P<m>\d\d)(?P=c)(?P<s>\d\d)"
    r"(?:\.(?P<fraction>\d{1,6}))?(?P<zone>Z|(?:\+|%2B)00(?::|%3A)?00)"
)
_EPOCH = r"(?<![0-9A-Za-z.])(?P<epoch>1[0-9]{12}|1[0-9]{15})(?![0-9A-Za-z])"
_DATE = r"(?<![0-9-])(?P<date>\d{4}-\d\d-\d\d)(?![0-9T-])"
_TOKEN = re.compile(rf"(?P<moment>{_MOMENT})|{_EPOCH}|(?P<name>{_HEX}|{_ID})|{_DATE}")
_LATER = timedelta(minutes=15)
"""So long after the last reading a time may still be one of the run's."""
_EPOCH_UNITS = {13: 1_000, 16: 1_000_000}
_LINES = 4_000
"""Bodies of more lines are compared only as a whole."""


@dataclass(frozen=True, slots=True)
class Recording:
    """One stage: the readings of the clock, and the exchanges."""

    before: tuple[str, ...]
    tape: tuple[str, ...]
    requests: Sequence[Any]
    responses: Sequence[Mapping[str, Any]]

    @property
    def readings(self) -> tuple[str, ...]:
        """All lines of the tape, in order."""
        return (*self.before, *self.tape)


class Timeline:
    """From the times of the new run to those of the old: by the last reading at or before a time."""

    def __init__(self, pairs: Iterable[tuple[datetime, datetime]]) -> None:
        """`pairs` are readings that correspond, new and old."""
        self._pairs = sorted(dict(pairs).items())

    def old(self, moment: datetime, unit: timedelta = timedelta(microseconds=1)) -> datetime:
        """What the old run would have called this time, which is told in so fine units."""
        news = [_floor(new, unit) for new, _ in self._pairs]
        found = bisect_right(news, moment)
        if not found or moment > self._pairs[-1][0] + _LATER:
            return moment
        new, old = self._pairs[found - 1]
        return _floor(old, unit) + (moment - _floor(new, unit))

    def old_date(self, date: str) -> str:
        """The same for a day, `2026-03-01`: that of the first reading on it."""
        return next((f"{old:%Y-%m-%d}" for new, old in self._pairs if f"{new:%Y-%m-%d}" == date), date)


class Names:
    """From the new run's ids to the old's. One that was called in two ways is ambiguous, and is left as it is."""

    def __init__(self) -> None:
        self._old: dict[str, str | None] = {}

    def learn(self, new: str, old: str) -> None:
        """Note that the old run said `old` where the new one says `new`."""
        if self._old.setdefault(new, old) != old:
            self._old[new] = None

    def old(self, new: str) -> str:
        """What the old run called it."""
        for known, old in ((new, self._old.get(new)), (new[:15], self._old.get(new[:15]))):
            if old is not None and len(known) == len(new):
                return old
        longer = next((old for known, old in self._old.items() if old and known[:15] == new), None)
        return longer[:15] if longer and len(new) == 15 else new


def graft(old: Mapping[str, Recording], new: Mapping[str, Recording], stage: str) -> Recording:
    """The new recording of a stage, as the old run would have made it.

    `old` are the recordings that are kept, and the stage's own where there is one; `new` are those of the run that
    recorded it again, up to that stage at least.
    """
    names, pairs = Names(), list[tuple[datetime, datetime]]()
    for each in new:
        if each in old:
            pairs += _corresponding(new[each], old[each], names)
    timeline = Timeline(pairs)
    for each in new:
        if each in old:
            _learn_names(new[each], old[each], names)
    translation = _Translation(timeline, names)
    made = new[stage]
    return Recording(
        before=tuple(translation.line(line) for line in made.before),
        tape=tuple(translation.line(line) for line in made.tape),
        requests=[translation.request(each) for each in made.requests],
        responses=[translation.data(each) for each in made.responses],
    )


def _corresponding(new: Recording, old: Recording, names: Names) -> Iterator[tuple[datetime, datetime]]:
    """The readings of the time that correspond; the ids are learned."""
    for part in ("before", "tape"):
        for kind in ("now", "id", "said"):
            for mine, theirs in zip(_read(getattr(new, part), kind), _read(getattr(old, part), kind), strict=False):
                if kind == "id":
                    names.learn(mine, theirs)
                elif kind == "said":
                    _learn_from(mine, theirs, names)
                else:
                    yield _moment(mine), _moment(theirs)


def _read(lines: Iterable[str], kind: str) -> list[str]:
    return [line.partition(" ")[2] for line in lines if line.startswith(f"{kind} ")]


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _floor(moment: datetime, unit: timedelta) -> datetime:
    return moment - (moment - moment.replace(microsecond=0)) % unit


# --- laying two recordings side by side -------------------------------------------------------------------------------


def _learn_names(new: Recording, old: Recording, names: Names) -> None:
    mine = [_outline(f"{each.method} {each.uri}") for each in new.requests]
    theirs = [_outline(f"{each.method} {each.uri}") for each in old.requests]
    for here, there, length in SequenceMatcher(None, mine, theirs, autojunk=False).get_matching_blocks():
        for index in range(length):
            for left, right in zip(_texts_of(new, here + index), _texts_of(old, there + index), strict=True):
                _learn_from(left, right, names)


def _texts_of(recording: Recording, index: int) -> Iterator[str]:
    request, response = recording.requests[index], recording.responses[index]
    yield request.uri
    yield as_text(request.body) or ""
    yield "\n".join(f"{name}: {value}" for name, value in sorted(response["headers"].items()))
    yield as_text(response["body"]["string"]) or ""


def _learn_from(new: str, old: str, names: Names) -> None:
    """Learn from two texts what is called otherwise, where they are alike in all else."""
    if _outline(new) == _outline(old):
        for mine, theirs in zip(_names_in(new), _names_in(old), strict=True):
            names.learn(mine, theirs)
        return
    left, right = new.splitlines(), old.splitlines()
    if not 1 < len(left) <= _LINES or not 1 < len(right) <= _LINES:
        return
    outlines = [_outline(line) for line in left], [_outline(line) for line in right]
    for here, there, length in SequenceMatcher(None, *outlines, autojunk=False).get_matching_blocks():
        for index in range(length):
            for mine, theirs in zip(_names_in(left[here + index]), _names_in(right[there + index]), strict=True):
                names.learn(mine, theirs)


def _outline(text: str) -> str:
    """A text without its ids and times."""
    return _TOKEN.sub(lambda found: f"<{found.lastgroup}>", text)


def _names_in(text: str) -> list[str]:
    return [found["name"] for found in _TOKEN.finditer(text) if found["name"]]


# --- saying it as the old run would have ------------------------------------------------------------------------------


class _Translation:
    def __init__(self, timeline: Timeline, names: Names) -> None:
        self._timeline = timeline
        self._names = names

    def line(self, line: str) -> str:
        """A line of a tape."""
        kind, _, value = line.partition(" ")
        if kind == "now":
            return f"now {self._timeline.old(_moment(value)).isoformat()}"
        if kind == "said":
            return f"said {self.text(value)}"
        return f"id {self._names.old(value)}" if kind == "id" else line

    def request(self, request: Any) -> Any:
        """A request; its body is text or none."""
        body = as_text(request.body)
        headers = {name: self.text(str(value)) for name, value in request.headers.items()}
        return type(request)(request.method, self.text(request.uri), self.text(body) if body else None, headers)

    def data(self, value: Any) -> Any:
        """The texts of an answer."""
        if isinstance(value, dict):
            return {key: self.data(each) for key, each in value.items()}
        if isinstance(value, list):
            return [self.data(each) for each in value]
        if isinstance(value, bytes):
            text = as_text(value)
            return value if text is None else self.text(text).encode()
        return self.text(value) if isinstance(value, str) else value

    def text(self, text: str) -> str:
        """A text with the old run's ids and times."""
        return _TOKEN.sub(self._token, text)

    def _token(self, found: re.Match[str]) -> str:
        whole = found.group()
        if found["name"]:
            return self._names.old(whole)
        if found["epoch"]:
            return self._epoch(whole)
        if found["date"]:
            return self._timeline.old_date(whole)
        return self._written(found)

    def _epoch(self, digits: str) -> str:
        units = _EPOCH_UNITS[len(digits)]
        unit = timedelta(seconds=1) / units
        start = datetime.fromtimestamp(0, UTC)
        return str((self._timeline.old(start + int(digits) * unit, unit) - start) // unit)

    def _written(self, found: re.Match[str]) -> str:
        """A time, in the way in which it was written."""
        fraction = found["fraction"] or ""
        try:
            moment = datetime.fromisoformat(f"{found['day']}T{found['h']}:{found['m']}:{found['s']}+00:00")
        except ValueError:
            return found.group()
        moment += timedelta(microseconds=int(fraction.ljust(6, "0"))) if fraction else timedelta(0)
        unit = timedelta(microseconds=10 ** (6 - len(fraction)))
        old, colon = self._timeline.old(moment, unit), found["c"]
        digits = f".{old.microsecond:06d}"[: len(fraction) + 1] if fraction else ""
        if found["zone"] != "Z" and len(fraction) == 6 and not old.microsecond:  # as Python's isoformat() has it
            digits = ""
        return f"{old:%Y-%m-%d}{found['t']}{old:%H}{colon}{old:%M}{colon}{old:%S}{digits}{found['zone']}"
