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
_PER_OPERATION = 8
"""Calls of one operation beside its rows: a Bulk job is made, filled, closed, aborted."""
_PER_CHECK = 4
"""A check as the new user, its control as the admin, what it committed and its cleaning up."""
_PER_PROBED = 2
"""Calls for one object that is probed: 25 to a call, each again by itself where the org refuses the lot."""
_TRIAL = 60
"""Calls of a trial beside those for single permissions."""
_WORKING = ("provision", "verify", "dual-auth", "cut-over")
"""The stages in which the workload may run."""
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
    calls += _work(expected.scenario) if stage in _WORKING else 0
    calls += _checks(expected) if stage == "verify" else 0
    return Allowance(ROOM + REPEATS * calls, users=int(creates))


def _work(scenario: Scenario) -> int:
    return _TIMES * sum(_PER_OPERATION + _calls_of(getattr(item, item.kind)) for item in scenario.workload)


def _calls_of(operation: Any) -> int:
    rows = int(getattr(operation, "rows", 0) or 0)
    return 0 if isinstance(operation, BulkJob) else ceil(rows / _ROWS)


def _checks(expected: Expected) -> int:
    expect = expected.scenario.expect
    rows = sum(ceil(int(getattr(getattr(item, item.kind), "rows", 1) or 1) / _ROWS) for item in expect.grants)
    made = _PER_CHECK * (len(expect.grants) + len(expect.denials)) + _PER_CHECK * rows
    return made + _PER_PROBED * (expected.objects + 10)
