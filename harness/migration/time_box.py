"""The time box of a cut-over: from its first write on, it is through in time or falls back.

The box is journaled just before that write, so that a process which takes the run up knows for how long it has been
running: it runs on while nobody is at work. A cut-over that fell back is as if it had never begun.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from harness.errors import StageFailed
from harness.migration.records import CutOverState, Intent
from harness.words import several

if TYPE_CHECKING:
    from harness.migration.context import Context
    from harness.migration.journal import Record

KIND = "cut-over"
STAGE = "cut-over"
_SKEW = timedelta(minutes=5)
"""By how much the org's clock may differ from ours, at the most."""


@dataclass(frozen=True, slots=True)
class TimeBox:
    """A cut-over that has begun, and when its time is over."""

    began: datetime
    ends: datetime
    falling_back: str | None = None
    """Why it falls back, where that has begun and did not come to its end."""


def open_box(context: Context) -> TimeBox:
    """The box of the cut-over that is under way, or a new one: to be called before a first write."""
    if (box := time_box(context)) is not None:
        return box
    now = context.world.clock.now()
    ends = now + context.scenario.cut_over.within
    context.record(KIND, "", CutOverState(state="begun", until=ends))
    return TimeBox(now, ends)


def time_box(context: Context) -> TimeBox | None:
    """The box of the cut-over that is under way, or was when the run was left; None where nothing stands of one."""
    found = [*context.records(kind=KIND), *context.records(kind="intent")]
    return time_box_in(sorted(found, key=lambda record: record.seq))


def time_box_in(records: Iterable[Record]) -> TimeBox | None:
    """The same, from the records of a run, in order. A box in which nothing was written yet is none."""
    box, wrote = None, False
    for record in records:
        body = record.body
        if isinstance(body, CutOverState):
            box, wrote = _after(box, wrote, record, body)
        elif record.stage == STAGE and isinstance(body, Intent) and body.undoes is None and not body.found:
            wrote = True
    return box if wrote else None


def _after(box: TimeBox | None, wrote: bool, record: Record, body: CutOverState) -> tuple[TimeBox | None, bool]:
    if body.state == "begun":
        return TimeBox(record.at, body.until or record.at), False
    if body.state == "fell-back" or box is None:
        return None, False
    return TimeBox(box.began, box.ends, body.because), wrote


def check_box(context: Context, box: TimeBox | None) -> None:
    """Raise StageFailed when the time is over; where nothing was written, there is none."""
    if box is not None and context.world.clock.now() > box.ends:
        raise StageFailed(
            ran_out(context), stage=context.stage, place=context.world.file.place("cut_over"), remedy=_LONGER
        )


_LONGER = "find out what took so long, or give it longer: cut_over.within"


def ran_out(context: Context) -> str:
    """That the time is over, in words."""
    minutes = round(context.scenario.cut_over.within.total_seconds() / 60)
    return f"the {several(minutes, 'minute')} for the cut-over ran out"


def own_windows(records: Sequence[Record]) -> list[tuple[datetime, datetime]]:
    """When cut-overs that fell back tried the old sign-in themselves: from begin to end, and what clocks may differ."""
    windows, began = [], None
    for record in records:
        if isinstance(record.body, CutOverState):
            if record.body.state == "begun":
                began = record.at
            elif record.body.state in ("fell-back", "stuck") and began is not None:
                windows.append((began - _SKEW, record.at + _SKEW))
    return windows
