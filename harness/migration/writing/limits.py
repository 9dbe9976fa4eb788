"""The org's API calls of 24 hours: whether what a plan still writes fits into what a run may use of them."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from harness.migration.records import Outcome, Plan
from harness.org.meter import RESERVE, Meter

if TYPE_CHECKING:
    from harness.migration.context import Context


def watched(meter: Meter, *, forward: bool) -> AbstractContextManager[None]:
    """For as long as a stage runs: one that goes forward leaves the last tenth, a rollback may use it."""
    return meter.stage(kept=RESERVE if forward else 0.0)


def check_calls_left(context: Context) -> None:
    """Raise LimitReached where the writes that the plan still has to make would not fit; nothing is written then.

    What the stages read besides is not known beforehand: each read looks again, and so does each write.
    """
    plan = context.find(Plan)
    if plan is not None:
        done = {record.key for record in context.records(kind="outcome") if _is_applied(record.body)}
        context.world.meter.check(max(1, sum(write.calls for write in plan.writes if write.key not in done)))


def _is_applied(body: object) -> bool:
    return isinstance(body, Outcome) and body.certainty == "APPLIED"
