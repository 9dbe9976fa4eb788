"""Every write lands up to ten minutes after its client gave up, whatever becomes of the process: nothing is left of it.

Nothing lands after the tool said that it is done, nothing is there twice, and the org is migrated or as before.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.migration.undoing import rollback
from harness.migration.writing import fenced, lock, waiting, writes

from .late import AFTERWARDS, DELAYS, After, Direction, Explorer, schedules
from .scenarios import CASES

TAKE_LOCK, CREATE_USER, ASSIGN_SET = 1, 2, 5
"""The places of some writes among those of the reference scenario."""
ALL = os.environ.get("SIMULATE") == "all"
WHOLE_EVERY = 10 if ALL else 40
"""One in so many copies is gone through to its end, also where it is known how it goes on."""


def _afterwards(direction: Direction, write: int) -> tuple[After, ...]:
    """What comes after a late write. In CI that is two things, by turns, after each."""
    ways = AFTERWARDS[direction]
    return ways if ALL else tuple(ways[(write * 2 + turn) % len(ways)] for turn in range(2))


@pytest.mark.parametrize("direction", ["forward", "back"])
@pytest.mark.parametrize(
    "case", [pytest.param(case, marks=[] if case == "reference" else [pytest.mark.long]) for case in sorted(CASES)]
)
def test_no_late_write_leaves_anything(tmp_path: Path, case: str, direction: Direction) -> None:

    def comes(write: int, after: After) -> bool:
        return after in _afterwards(direction, write)

    explorer = Explorer(tmp_path, case, direction, whole_every=WHOLE_EVERY, only=comes)
    told = explorer.explore()
    assert [one for one in told if one["violations"]] == []
    ways = [len(_afterwards(direction, write)) for write in range(1, explorer.writes + 1)]
    assert schedules(told) == sum(ways) * len(DELAYS)
    assert {one["after"] for one in told} == set(AFTERWARDS[direction])
    asked_for = {one["what"] for one in told}
    assert any(what.endswith("/sobjects/PermissionSet") for what in asked_for), "the lock is taken"
    assert any(what.startswith("DELETE") for what in asked_for), "the lock is given back"
    assert any(one["landed"] for one in told)
    assert any(not one["landed"] for one in told)


def test_no_late_write_leaves_anything_where_none_can_be_fenced(tmp_path: Path) -> None:
    explorer = Explorer(
        tmp_path,
        "reference",
        "forward",
        whole_every=WHOLE_EVERY,
        only=lambda number, after: after in ("goes on", "rolled back") and number % 3 == 0,
        fences=False,
    )
    told = explorer.explore()
    assert [one for one in told if one["violations"]] == []
    assert sum(bool(one["landed"]) for one in told) > len(told) / 2, "what is not fenced is waited for"


def _violations(folder: Path, *numbers: int) -> list[str]:
    """What is found when some writes are late, the process dies at once, and the run is rolled back."""
    explorer = Explorer(
        folder,
        "reference",
        "forward",
        whole_every=1,
        only=lambda number, after: after == "rolled back" and number in numbers,
    )
    return [violation for one in explorer.explore() for violation in one["violations"]]


def test_writes_without_a_fence_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writes, "FENCED", frozenset())
    monkeypatch.setattr(writes, "may_land_late", lambda _intent: False)
    assert _violations(tmp_path, CREATE_USER, ASSIGN_SET)


def test_writes_that_are_not_waited_out_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (waiting, writes, lock, rollback):
        monkeypatch.setattr(module, "wait_out", lambda *_args, **_more: None)
    assert _violations(tmp_path, TAKE_LOCK)


def test_a_fence_that_is_not_heeded_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def not_all_or_none(context: object, requests: object) -> object:
        return fenced.send_plain(context, requests)  # type: ignore[arg-type]

    monkeypatch.setattr(writes, "send_fenced", not_all_or_none)
    assert _violations(tmp_path, CREATE_USER, ASSIGN_SET)
