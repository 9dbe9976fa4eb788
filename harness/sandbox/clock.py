"""The simulated org's own time: it starts at a fixed date and moves only when it is read or told to."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

START = datetime(2026, 1, 5, 9, tzinfo=UTC)
STEP = timedelta(milliseconds=1)


class SandboxClock:
    """Each reading is one step later than the one before, so that rows have an order. Times are aware, in UTC."""

    def __init__(self, start: datetime = START, step: timedelta = STEP) -> None:
        self._now = start
        self._step = step
        self._lock = threading.Lock()
        self.on_the_way: Callable[[datetime], object] = lambda _moment: None
        """Called before the time is turned to a moment: what is to happen until then. It may turn the clock there."""

    def now(self) -> datetime:
        """The time, one step after the last reading."""
        with self._lock:
            self._now += self._step
            return self._now

    def peek(self) -> datetime:
        """The last reading, without taking one."""
        return self._now

    def advance(self, seconds: float) -> datetime:
        """Let time pass, and what is to happen meanwhile happen."""
        moment = self._now + timedelta(seconds=seconds)
        self.on_the_way(moment)
        return self.reach(moment)

    def set(self, moment: datetime) -> datetime:
        """Put the clock to a moment, which must be aware, and let happen what is to happen before it."""
        if moment.tzinfo is None:
            raise ValueError("the clock needs a moment with a time zone")
        self.on_the_way(moment)
        return self.put(moment)

    def put(self, moment: datetime) -> datetime:
        """Put the clock to a moment; nothing happens on the way."""
        with self._lock:
            self._now = moment.astimezone(UTC)
            return self._now

    def reach(self, moment: datetime) -> datetime:
        """Put the clock to a moment, unless it is past that already."""
        with self._lock:
            self._now = max(self._now, moment)
            return self._now


def wire_datetime(moment: datetime) -> str:
    """A moment as the platform writes it: `2026-01-05T09:00:00.000+0000`."""
    utc = moment.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}+0000"
