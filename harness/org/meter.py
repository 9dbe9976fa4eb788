"""What a run has used: its HTTP requests, the org's API calls of 24 hours, the seconds it waited for the org.

Salesforce counts the API calls of an org over 24 hours that roll, and tells the count with every answer of its data
APIs: `Sforce-Limit-Info: api-usage=10018/100000` (facts 5.4).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from harness.errors import Stopped
from harness.org.errors import is_used_up
from harness.org.reply import ApiError

LIMIT_INFO = "Sforce-Limit-Info"
_USAGE = re.compile(r"(?:^|[;,]\s*)api-usage=(\d+)/(\d+)")
RESERVE = 0.1
"""The share of a day's calls that a run going forward leaves: to roll back with, and for everybody else."""


class LimitReached(Stopped):
    """So few of the org's API calls are left, or none, that a run must not go on; the journal knows what was sent."""

    @classmethod
    def of(cls, error: object) -> LimitReached:
        """For the org's own refusal."""
        return cls(f"the org takes no more calls: {error}", remedy=_REMEDY)

    @classmethod
    def where_used_up(cls, errors: Iterable[ApiError]) -> None:
        """Raise it where one of these errors says that the day's calls are used up."""
        for error in errors:
            if is_used_up([error]):
                raise cls.of(error)


@dataclass(slots=True)
class Meter:
    """Counts HTTP requests, repeated ones included, and keeps what the org last said about its limit."""

    calls: int = 0
    used: int | None = None
    """The org's API calls of the last 24 hours, ours and everybody's; None until it told."""
    allowed: int | None = None
    """How many it may have."""
    waited: float = 0.0
    """Seconds that calls of this stage were ridden out for."""
    _kept: float = 0.0

    def note(self, headers: Mapping[str, str]) -> None:
        """Read what an answer says about the limit, if it says anything."""
        found = _USAGE.search(headers.get(LIMIT_INFO, ""))
        if found:
            self.used, self.allowed = int(found[1]), int(found[2])

    @property
    def left(self) -> int | None:
        """The calls that may still be made without touching what is kept; None where the org told no number."""
        if self.used is None or self.allowed is None:
            return None
        return self.allowed - self.used - int(self.allowed * self._kept)

    @contextmanager
    def stage(self, *, kept: float) -> Iterator[None]:
        """Count the waiting of one stage, and keep that share of the day's calls for as long as it lasts."""
        self.waited, self._kept = 0.0, kept
        try:
            yield
        finally:
            self._kept = 0.0

    def check(self, need: int = 1) -> None:
        """Raise LimitReached unless that many calls may be made. Where nothing is kept, the org says when to stop."""
        if not self._kept or self.left is None or self.left >= need:
            return
        raise LimitReached(f"{self.in_words}, and {_needed(need)}the last tenth is kept for a rollback", remedy=_REMEDY)

    @property
    def in_words(self) -> str:
        """How much is used, for people."""
        return f"{self.used:,} of the org's {self.allowed:,} API calls of 24 hours are used"


_REMEDY = (
    "the count rolls over 24 hours: `rehearse resume` goes on when other clients need fewer or the org is given more, "
    "and `rehearse rollback` undoes what was written now, with the rest"
)


def _needed(need: int) -> str:
    return f"{need} more are needed at least, while " if need > 1 else ""
