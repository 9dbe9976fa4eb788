"""The outside world a run depends on, as a parameter: the time, waiting, chance, and new identifiers."""

from __future__ import annotations

import random
import secrets
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What time it is, how to wait and for how long, and how to name a run. Times are aware datetimes in UTC."""

    def now(self) -> datetime:
        """The time now."""

    def sleep(self, seconds: float) -> None:
        """Wait a short while, as between two polls."""

    def pass_until(self, moment: datetime) -> bool:
        """Let time pass until `moment` and return True, or return False where only real waiting would do it."""

    def new_id(self) -> str:
        """A new identifier for a run: 12 lower-case hexadecimal digits."""

    def random(self) -> float:
        """A number from 0 to 1 by chance, for pauses that differ; nothing that is sent depends on it."""


class SystemClock:
    """Real time: a dual-auth period of two weeks is not slept through."""

    def now(self) -> datetime:
        """The time now."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)

    def pass_until(self, moment: datetime) -> bool:
        """Whether `moment` has come."""
        return self.now() >= moment

    def new_id(self) -> str:
        """A random identifier."""
        return secrets.token_hex(6)

    def random(self) -> float:
        """Chance."""
        return random.random()  # noqa: S311 - it only spreads pauses
