"""The points of a run at which something can happen to it: around every call to the org and every journal record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Moment = Literal["before", "after", "torn"]
Medium = Literal["call", "journal"]


class Killed(BaseException):
    """The process died: nothing of it runs any more, so it can send nothing and write nothing."""


@dataclass(frozen=True, slots=True)
class Point:
    """One moment of a run.

    A call has two, `before` it is sent and `after` its effect, when the answer is still on its way. A journal record
    has three: `before` it, `torn` while it is written, and `after` it is durable.
    """

    number: int
    """Counted from 1 in each process."""
    medium: Medium
    moment: Moment
    what: str
    """The call, `POST /services/data/v67.0/sobjects/User`, or the record, `intent provision/user`."""
    writes: bool = False
    """Whether the call changes the org."""

    @property
    def ends_a_stage(self) -> bool:
        """Whether the journal now has it that a stage ended."""
        return self.medium == "journal" and self.moment == "after" and self.what.startswith("stage.finished ")

    def __str__(self) -> str:
        return f"{self.number} {self.moment} {self.what}"


Hook = Callable[[Point], None]
"""What happens at a point. It may raise Killed, or at a call what `requests` raises."""


def nothing(_point: Point) -> None:
    """A calm day."""


def die_at(number: int) -> Hook:
    """A hook that kills the process at its n-th point."""

    def hook(point: Point) -> None:
        if point.number == number:
            raise Killed

    return hook
