"""Riding out what passes: how often, how long, and with what pauses a call is tried again.

Pauses grow twofold and vary by half to either side, so that many clients do not come back at once. A call has a budget
of tries and seconds, and so has a stage: an org that answers each call only at the third try is not put up with for
ever.
Seconds are those that were slept and those after which an answer was given up, added up: no clock is read.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from harness.org.clock import Clock
from harness.org.meter import Meter

Tell = Callable[[str], None]
"""Shows the user a line while something is waited for."""

LONG = 2.0
"""Seconds. A longer pause is told."""


def silent(_line: str) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class Patience:
    """The budgets, in tries and seconds."""

    tries: int = 6
    first_pause: float = 0.5
    longest_pause: float = 16.0
    seconds_a_call: float = 300.0
    seconds_a_stage: float = 900.0

    def pause(self, tried: int, chance: float) -> float:
        """The seconds to wait after that many tries; `chance` is from 0 to 1."""
        return min(self.longest_pause, self.first_pause * 2.0 ** (tried - 1)) * (0.5 + chance)


class Waiting:
    """Waits between the tries of calls, one stage after another: `meter.waited` is the stage's account."""

    def __init__(self, clock: Clock, meter: Meter, *, patience: Patience | None = None, tell: Tell = silent) -> None:
        self.clock = clock
        self.meter = meter
        self.patience = patience or Patience()
        self.tell = tell

    def call(self) -> Tries:
        """The account of one call, at its first try."""
        return Tries(self)


class Tries:
    """One call that is tried until it works or its budget is spent."""

    def __init__(self, waiting: Waiting) -> None:
        self._waiting = waiting
        self._waited = 0.0
        self.count = 1

    def again(self, why: str, *, took: float = 0.0) -> bool:
        """Wait and return True, or return False where no more is to be tried. `took` is what the failed try cost."""
        waiting, patience = self._waiting, self._waiting.patience
        pause = patience.pause(self.count, waiting.clock.random())
        self._waited += took
        waiting.meter.waited += took
        spent = (
            self._waited + pause > patience.seconds_a_call or waiting.meter.waited + pause > patience.seconds_a_stage
        )
        if self.count >= patience.tries or spent:
            return False
        if pause > LONG:
            waiting.tell(f"{why}: trying again in {pause:.0f} s (try {self.count + 1} of {patience.tries})")
        waiting.clock.sleep(pause)
        self.count += 1
        self._waited += pause
        waiting.meter.waited += pause
        return True
