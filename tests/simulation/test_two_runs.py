"""Two runs in one org, in every order of their calls: at most one writes at a time, and the loser says who that is."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.migration.writing import lock, writes
from harness.migration.writing.lock import OrgLock

from .two_runs import LOST, Order, Pair, Seen, TwoRuns

LONG = os.environ.get("SIMULATE") == "all"
WHOLE_EVERY = 1 if LONG else 40
"""One in so many orders is played to its end, also where the rest is what the first run does alone."""


@dataclass(frozen=True, slots=True)
class Set:
    """The orders of one pair with one pause."""

    pair: Pair
    pause: float
    orders: int
    """How many there are at least."""
    step: int = 1
    """To every so many of its calls the first run goes; `make simulate-long` takes them all."""
    share: int = 1
    """One in so many of these is played in CI."""

    def __str__(self) -> str:
        return self.pair.replace(" ", "-") + ("-after-a-pause" if self.pause else "")


SETS = (
    Set("two journals", 0.0, 200, share=2),
    Set("two journals", LOST, 430, share=4),
    Set("one journal carried along", 0.0, 200, share=2),
    Set("one journal carried along", LOST, 120, step=3),
    Set("two files", 0.0, 230),
    Set("two files", LOST, 120, step=3),
    Set("two that take over", 0.0, 100),
)
LATER = {(pair, pause) for pair in ("two files", "one journal carried along") for pause in (LOST, 0.0)}
"""Left to `make simulate-long`."""
ENOUGH = 1400
_HELD = re.compile(r"run (\w+) on (\w+), heard of at 2026-01-05 \d\d:\d\d:\d\d UTC")


@pytest.mark.parametrize(
    "orders",
    [pytest.param(each, marks=[pytest.mark.long] if (each.pair, each.pause) in LATER else []) for each in SETS],
    ids=str,
)
def test_at_most_one_writes(tmp_path: Path, orders: Set) -> None:
    runs = TwoRuns(tmp_path, orders.pair, whole_every=WHOLE_EVERY)
    played = list(runs.orders(pause=orders.pause, step=1 if LONG else orders.step * orders.share))
    assert [(str(seen.order), seen.violations, seen.ends) for seen in played if seen.violations] == []
    assert len(played) >= orders.orders // (1 if LONG else orders.share)
    _check_what_is_said(played, paused=bool(orders.pause))
    _check_the_ends(runs, played)


def test_there_are_enough_orders() -> None:
    assert sum(each.orders for each in SETS) >= ENOUGH


def _check_what_is_said(played: list[Seen], *, paused: bool) -> None:
    """Who is kept out says by whom; whoever stood still too long finds out that the lock is another's."""
    ends = [end for seen in played for end in seen.ends]
    held = [end for end in ends if "another run is at work" in end]
    assert all(_HELD.search(end) for end in held)
    assert held
    lost = [end for end in ends if "the lock of this run in the org is gone" in end]
    assert bool(lost) == paused


def _check_the_ends(runs: TwoRuns, played: list[Seen]) -> None:
    """Of each way in which two runs may end, one is undone from both journals: then the org is as before."""
    for order in _one_of_each(played):
        runs.play(order)
        standing, *said = runs.undo()
        assert standing == "as before", (str(order), said)


def _one_of_each(played: list[Seen]) -> Iterator[Order]:
    known = set()
    for seen in played:
        way = (tuple(who for who, _ in seen.wrote), seen.takes, tuple(end.partition(":")[0] for end in seen.ends))
        if way not in known and "Killed" not in "".join(seen.ends):
            known.add(way)
            if LONG or len(known) % 10 == 1:
                yield seen.order


def _first_violation(folder: Path, pair: Pair, pause: float) -> Seen | None:
    runs = TwoRuns(folder, pair)
    orders = (Order(pair, first, second, pause) for first in (6, 12) for second in (8, -1))
    return next((seen for seen in map(runs.play, orders) if seen.violations), None)


def test_without_the_lock_it_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(OrgLock, "take", lambda _self, _context: None)
    monkeypatch.setattr(OrgLock, "release", lambda _self, _context: None)
    monkeypatch.setattr(writes, "FENCED", frozenset())
    seen = _first_violation(tmp_path, "two files", 0.0)
    assert seen is not None
    assert len({who for who, _ in seen.wrote}) == 2


def test_a_lock_that_is_taken_over_too_early_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "STALE_AFTER", lock.STALE_AFTER - lock.STALE_AFTER)
    assert _first_violation(tmp_path, "two files", 0.0) is not None


def test_a_run_that_wakes_up_and_does_not_ask_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writes, "make_sure", lambda _context: None)
    runs = TwoRuns(tmp_path, "two journals")
    seen = [runs.play(Order("two journals", first, -1, LOST)) for first in range(10, 24)]
    assert any(one.violations for one in seen)
