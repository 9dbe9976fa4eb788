"""The org's API calls of a day run out: a run stops with a tenth left, goes on on another day, or is undone at once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from harness.migration.records import Plan, StageFinished

from .bench import World
from .conftest import MakeWorld

ALLOWED = 1_000
DAY = timedelta(hours=22)
EARLIER = timedelta(hours=3)
"""When others used so much. A plan may wait for its first write for a day."""


def leave(world: World, calls: int) -> None:
    """Let others have used so much that a run may make that many calls before the last tenth."""
    desk = world.wire.desk
    desk.daily_requests = ALLOWED
    used = ALLOWED - ALLOWED // 10 - calls - desk.spent(world.org)
    desk.requests.add(world.clock.now() - EARLIER, used)


def spent(world: World) -> int:
    return world.wire.desk.spent(world.org)


def stopped(end: StageFinished | None) -> StageFinished:
    assert end is not None
    assert end.result == "stopped", end
    assert "of the org's 1,000 API calls of 24 hours are used" in end.message
    assert "`rehearse resume`" in (end.remedy or "")
    return end


@pytest.mark.parametrize("calls", [3, 60, 105, 120])
def test_a_run_leaves_a_tenth_and_is_resumed_on_another_day(world_of: MakeWorld, calls: int) -> None:
    world = world_of("reference")
    leave(world, calls)
    stopped(world.process().forward())
    assert ALLOWED - spent(world) >= ALLOWED // 10 - 2  # the lock is released all the same
    world.clock.pass_until(world.clock.now() + DAY)
    end = world.process().forward()
    assert end is not None
    assert end.result == "passed", end
    assert world.judge().standing == "migrated"


@pytest.mark.parametrize("calls", [105, 120])
def test_a_rollback_may_use_the_last_tenth(world_of: MakeWorld, calls: int) -> None:
    world = world_of("reference")
    leave(world, calls)
    stopped(world.process().forward())
    before = spent(world)
    end = world.process().back()
    assert end is not None
    assert end.result == "passed", end
    assert world.judge().standing == "as before"
    assert spent(world) > max(before, ALLOWED - ALLOWED // 10)


def test_a_plan_that_does_not_fit_is_not_begun(world_of: MakeWorld) -> None:
    world = world_of("reference")
    planned = world.process(stages=("preflight", "snapshot", "plan")).forward()
    assert planned is not None
    assert planned.result == "passed"
    plan = world.journal.find("run1", Plan)
    assert plan is not None
    assert plan.calls > 8
    leave(world, plan.calls - 1)
    end = stopped(world.process().forward())
    assert "more are needed at least" in end.message
    assert not list(world.journal.records("run1", kind="intent"))
    assert world.judge().standing == "as before"


def test_a_rollback_that_meets_the_limit_itself_stops_and_goes_on_another_day(world_of: MakeWorld) -> None:
    world = world_of("reference")
    world.process().forward()
    desk = world.wire.desk
    desk.daily_requests = ALLOWED
    desk.requests.add(world.clock.now(), ALLOWED - 20 - spent(world))
    end = world.process().back()
    assert end is not None
    assert end.result == "stopped", end
    assert "takes no more calls: REQUEST_LIMIT_EXCEEDED" in end.message
    world.clock.pass_until(world.clock.now() + DAY + EARLIER)
    end = world.process().back()
    assert end is not None
    assert end.result == "passed", end
    assert world.judge().standing == "as before"
