"""Bugs are planted into recovery, one at a time: the schedules notice each of them, and nothing where there is none."""

from __future__ import annotations

import pytest

from .ground import Ground, make_ground
from .seeded_bugs import BUGS, SCHEDULES


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    return make_ground(tmp_path_factory.mktemp("ground"))


def test_there_are_enough_bugs() -> None:
    assert len(BUGS) >= 20
    assert all(bug.schedules for bug in BUGS.values())


@pytest.mark.parametrize("schedule", sorted({name for bug in BUGS.values() for name in bug.schedules}))
def test_without_a_bug_a_schedule_is_well(ground: Ground, schedule: str) -> None:
    assert SCHEDULES[schedule](ground) == []


@pytest.mark.parametrize("name", sorted(BUGS))
def test_a_bug_is_found(ground: Ground, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    bug = BUGS[name]
    with monkeypatch.context() as patch:
        bug.plant(patch)
        found = [complaint for schedule in bug.schedules for complaint in SCHEDULES[schedule](ground)]
    assert found, f"{name}: nothing noticed it in {', '.join(bug.schedules)}"
