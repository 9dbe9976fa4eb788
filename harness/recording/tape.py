"""The clock of a rehearsal on tape: what was read while recording is read again, in order, while replaying.

A tape is a list of lines such as `now 2026-01-05T09:00:00+00:00`, `id 0123456789ab`, `passed yes`, and `said TEXT`
for a text that follows from real ids, of which a replay has but stand-ins.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

from harness.errors import RecordingError
from harness.org.clock import Clock

TICK = timedelta(milliseconds=1)
_LINE = re.compile(
    r"now (?P<moment>[0-9T:.+-]{19,40}Z?)|id [!-~]{1,80}|passed (?:yes|no)|said [^\x00-\x1f\x7f]{1,1000}"
)


def is_on_tape(line: str) -> bool:
    """Whether a line is one that a `RecordingClock` notes."""
    found = _LINE.fullmatch(line)
    if found is None or found["moment"] is None:
        return found is not None
    try:
        return datetime.fromisoformat(found["moment"]).tzinfo is not None
    except ValueError:
        return False


class RecordingClock:
    """A clock that notes what it says. `take` gives what was noted since the last `take`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lines: list[str] = []

    def take(self) -> list[str]:
        """What was noted so far; what follows goes onto a new tape."""
        noted, self._lines = self._lines, []
        return noted

    def now(self) -> datetime:
        """The time now, noted."""
        moment = self._clock.now()
        self._lines.append(f"now {moment.isoformat()}")
        return moment

    def sleep(self, seconds: float) -> None:
        """Wait; nothing is noted."""
        self._clock.sleep(seconds)

    def pass_until(self, moment: datetime) -> bool:
        """Let time pass; whether it did is noted."""
        passed = self._clock.pass_until(moment)
        self._lines.append(f"passed {'yes' if passed else 'no'}")
        return passed

    def new_id(self) -> str:
        """A new identifier, noted."""
        identifier = self._clock.new_id()
        self._lines.append(f"id {identifier}")
        return identifier

    def random(self) -> float:
        """Chance; not noted, since it only tells how long is waited."""
        return self._clock.random()

    def said(self, text: str) -> str:
        """A text that follows from what a recording does not hold, noted."""
        self._lines.append(f"said {text}")
        return text


class ReplayClock:
    """A clock that says what is on the tape, each kind of reading in its order, and never waits.

    `refill` is asked for more when there is nothing left of a kind. A reading of the time beyond the tape is a tick
    after the last one, since it changes no request; an identifier beyond it raises RecordingError.
    """

    def __init__(self, start: datetime, refill: Callable[[], Iterable[str]]) -> None:
        self._last = start
        self._refill = refill
        self._left: dict[str, deque[str]] = {}

    def load(self, tape: Iterable[str]) -> None:
        """Put in a tape; what was left of the one before is dropped."""
        self._left = {}
        for line in tape:
            kind, _, value = line.partition(" ")
            self._left.setdefault(kind, deque()).append(value)

    def now(self) -> datetime:
        """The time that was read at this point of the recording."""
        value = self._next("now")
        self._last = datetime.fromisoformat(value).astimezone(UTC) if value else self._last + TICK
        return self._last

    def sleep(self, seconds: float) -> None:
        """Nothing is waited for."""

    def pass_until(self, moment: datetime) -> bool:  # noqa: ARG002 - whether it came is on the tape
        """Whether time passed at this point of the recording."""
        return self._required("passed") == "yes"

    def new_id(self) -> str:
        """The identifier that was made at this point of the recording."""
        return self._required("id")

    def random(self) -> float:
        """No chance at all: nothing is waited for."""
        return 0.5

    def said(self, text: str) -> str:  # noqa: ARG002 - it follows from real ids, and here there are stand-ins
        """The text that was said at this point of the recording."""
        return self._required("said")

    def _next(self, kind: str) -> str | None:
        if not self._left.get(kind):
            more = list(self._refill())
            if more:
                self.load(more)
        left = self._left.get(kind)
        return left.popleft() if left else None

    def _required(self, kind: str) -> str:
        value = self._next(kind)
        if value is None:
            what = {"id": "new identifiers", "passed": "time to pass", "said": "marks"}[kind]
            raise RecordingError(f"the rehearsal asks for more {what} than when it was recorded", remedy="record again")
        return value
