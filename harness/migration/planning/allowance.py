"""How many writes a stage may send: what is expected of it, with room for repeats. Pure.

Counted are mutating HTTP requests, a composite as one. Expected are the calls of the plan, the operations of the
workload (as one user, twice where its answers are held beside each other), the checks and probes of verify, and for
a rollback what the run intended. A stage that sends more does something that nobody planned, and is stopped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from harness.migration.records import Plan
from harness.scenario.model import BulkJob, Scenario

ROOM = 24
"""For the lock in the org: taken, renewed, taken over, deleted, each again where an answer was lost."""
REPEATS = 3
"""How often each expected write may be sent."""
_ROWS = 20
"""So many rows a call holds at least."""
_PER_JOB = 8
"""Calls of a Bulk job, however many rows it has: made, filled, closed, aborted."""
_PER_CHECK = 3
"""A check as the new user, its control as the admin, and its cleaning up."""
_PROBES = 10
"""Calls of the probes beside one for each object: 25 to a call, and again by itself what stood in the others' way."""
_TRIAL = 60
"""Calls of a trial beside those for single permissions."""
_WORKING = ("dual-auth", "cut-over")
"""The stages in which the workload runs; in place, provision runs it before the old user is no more."""
_TIMES = 4
"""How often an operation may run in one stage: as both users, each twice."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What one stage may send."""

    requests: int
    users: int
    """How many users it may create: one where the plan, or a trial, makes one."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What is known of a run when a stage is given its allowance."""

    scenario: Scenario
    plan: Plan | None = None
    objects: int = 0
    """How many objects the source user has access to."""
    rights: int = 0
    """How many single rights it has."""
    intended: Sequence[int] = ()
    """For each write this run intended so far: how many rows it holds."""


def allowance(stage: str, expected: Expected) -> Allowance:
    """What a stage may send."""
    if stage == "trial":
        return Allowance(ROOM + REPEATS * (_TRIAL + expected.rights), users=1)
    if stage == "rollback":
        return Allowance(ROOM + REPEATS * (sum(1 + ceil(rows / _ROWS) for rows in expected.intended)), users=0)
    planned = [write for write in expected.plan.writes if write.stage == stage] if expected.plan else []
    calls = sum(max(write.calls, ceil(write.rows / _ROWS)) for write in planned)
    creates = any(write.sobject == "User" and write.operation == "create" for write in planned)
    works = stage in _WORKING or (stage == "provision" and expected.scenario.to.strategy == "in-place")
    calls += _work(expected.scenario) if works else 0
    calls += _checks(expected) if stage == "verify" else 0
    return Allowance(ROOM + REPEATS * calls, users=int(creates))


def _work(scenario: Scenario) -> int:
    return _TIMES * sum(_calls_of(getattr(item, item.kind)) for item in scenario.workload)


def _calls_of(operation: Any) -> int:
    """The writes of an operation or a check, sent once: a query has none, and is given one."""
    return _PER_JOB if isinstance(operation, BulkJob) else 1 + ceil(int(getattr(operation, "rows", 0)) / _ROWS)


def _checks(expected: Expected) -> int:
    items = (*expected.scenario.expect.grants, *expected.scenario.expect.denials)
    made = _PER_CHECK * sum(_calls_of(getattr(item, item.kind)) for item in items)
    return made + _PROBES + expected.objects
