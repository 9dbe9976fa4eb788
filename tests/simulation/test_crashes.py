"""The process dies at every point of a migration, and again at every point of what follows: nothing is left unknown."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from .bench import make_world
from .crashes import Explorer, Tally
from .scenarios import CASES
from .schedules import is_well, parse, play, random_schedule
from .states import UNASKED

ALL = os.environ.get("SIMULATE") == "all"
SECOND_EVERY = 1 if ALL else 200
"""After a first crash at every how many points a second one comes; `make simulate-long` leaves none out."""
WHOLE_EVERY = 1 if ALL else 20
"""One in so many last resumes is gone through to its end, also where it is known how it goes on."""
AT_LEAST = 20_000


def _told(tally: Tally) -> str:
    lines = [f"make simulate SEED='{each.schedule}'   # {each.finding}" for each in tally.violations[:20]]
    return "\n".join([str(tally), *lines])


def test_a_crash_at_every_point_and_second_ones_at_every_point_of_recoveries(tmp_path: Path) -> None:
    world = make_world(tmp_path, CASES["reference"])
    explorer = Explorer(world, second_every=SECOND_EVERY, whole_every=WHOLE_EVERY)
    tally = explorer.explore()
    print(tally)  # noqa: T201 - the counts are wanted
    assert not tally.violations, _told(tally)
    assert tally.schedules > AT_LEAST
    asked = explorer.world.journal.asked
    assert {"intent", "outcome"} & asked, "the journal is watched"
    assert not asked & UNASKED, "states are told apart by what a process asks for"


@pytest.mark.long
@pytest.mark.parametrize("case", ["in-place", "temporary-full-license"])
def test_a_crash_at_points_all_over_the_other_strategies(tmp_path: Path, case: str) -> None:
    tally = Explorer(make_world(tmp_path, CASES[case]), share=(0, 12), second_every=0).explore()
    print(tally)  # noqa: T201 - the counts are wanted
    assert not tally.violations, _told(tally)
    assert tally.schedules > 30


@pytest.mark.long
def test_random_schedules_of_which_none_is_merged(tmp_path: Path) -> None:
    world = make_world(tmp_path, CASES["reference"])
    begun = world.keep()
    wrong = []
    for seed in range(1, 60):
        schedule = random_schedule(seed)
        if schedule.case != "reference":
            continue
        world.put_back(begun)
        finding = play(world, schedule)
        if not is_well(schedule, finding):
            wrong.append(f"make simulate SEED='{schedule}'   # {finding}")
        if seed > 20:
            break
    assert not wrong, "\n".join(wrong)


def test_a_schedule_is_read_as_it_is_written() -> None:
    for seed in range(200):
        schedule = random_schedule(seed)
        assert parse(str(schedule)) == schedule
        assert parse(str(seed)) == schedule


@pytest.mark.parametrize("text", ["reference walk", "reference run@x:crash", "reference run@1:fire"])
def test_what_is_no_schedule_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no step"):
        parse(text)
