"""Two runs of one migration in one org: whatever order their calls come in, at most one of them writes at any time.

One run goes to its i-th call, the other to its j-th, then each to its end. Both have made their plans before; what is
gone through are the stages that write. Between the two, ten minutes may pass, in which the first run stands still: its
lock is then stale, and the other takes over.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from harness.migration.records import StageFinished
from harness.scenario.loader import load

from .baton import Runner
from .bench import RUN, Kept, Process, WatchedJournal, World, make_world
from .checker import API_ONLY
from .memory import Memory
from .points import Hook, Killed, Point
from .scenarios import CASES, SCENARIO
from .witness import Watch, Witness

Pair = Literal["two journals", "one journal carried along", "two files", "two that take over"]
PAIRS: tuple[Pair, ...] = ("two journals", "one journal carried along", "two files", "two that take over")
PLANNING = ("preflight", "snapshot", "plan")
WRITING = ("provision", "grant")
LOST = 660.0
"""Seconds for which the first run stands still, so that its lock goes stale."""
_BILLING = "erp.billing@acme.example"
_FIRST, _SECOND = "first", "second"


@dataclass(frozen=True, slots=True)
class Order:
    """The first run to its i-th call, the second to its j-th, then both to their ends."""

    pair: Pair
    first: int
    second: int
    """-1: to its end."""
    pause: float = 0.0
    """Seconds for which the first stands still there."""

    def __str__(self) -> str:
        return f"{self.pair}: {self.first}, {self.second}" + (f" after {self.pause:.0f} s" if self.pause else "")


@dataclass(frozen=True, slots=True)
class Seen:
    """What came of one order."""

    order: Order
    calls: tuple[int, int]
    """How many calls each made in all."""
    stopped: tuple[bool, bool]
    """Whether each was over when it was left."""
    wrote: tuple[tuple[str, str], ...]
    takes: tuple[str, ...]
    ends: tuple[str, str]
    violations: tuple[str, ...]


class TwoRuns:
    """One world, two runs that have planned in it."""

    def __init__(self, folder: Path, pair: Pair, *, whole_every: int = 1) -> None:
        self.pair = pair
        self._whole_every = whole_every
        """Every how many orders are played to the end in any case."""
        self._played = 0
        self.world = make_world(folder, CASES["reference"])
        self.witness = Witness(self.world.org)
        self.witness.memory = Memory()
        self.world.wire = self.witness
        self.other = replace(self.world, journal=WatchedJournal())
        if pair == "two files":
            self.other.file = load(self._other_file())
        self._dead: WatchedJournal | None = None
        self._kept = self._prepare()

    def _other_file(self) -> Path:
        path = self.world.folder / "billing.scenario.yaml"
        to = {**SCENARIO["to"], "username": _BILLING}
        path.write_text(json.dumps({**SCENARIO, "purpose": "Billing", "to": to}))
        return path

    def _prepare(self) -> tuple[Kept, Any]:
        """Both have planned; for a takeover, a third run has begun to write, and died ten minutes ago."""
        if self.pair == "two that take over":
            dead = replace(self.world, journal=WatchedJournal())
            _well(dead.process(run_id="dead", host="gone", stages=PLANNING).forward())
        _well(self.world.process(host="here", stages=PLANNING).forward())
        if self.pair != "one journal carried along":
            _well(self.other.process(run_id=self._other_id, host="there", stages=PLANNING).forward())
        if self.pair == "two that take over":
            _die_after_writing(dead)
            self._dead = dead.journal
            self.world.clock.sleep(LOST)
        return self.world.keep(), self.other.journal.dump()

    @property
    def _other_id(self) -> str:
        return RUN if self.pair == "one journal carried along" else "run2"

    def _process(self, world: World, hook: Hook, run_id: str, host: str) -> Process:
        return world.process(hook, run_id=run_id, host=host, stages=(*PLANNING, *WRITING))

    def play(self, order: Order) -> Seen:
        """Let both go, in that order."""
        kept, planned = self._kept
        self.world.put_back(kept)
        self.other.journal.load(planned)
        self.witness.begin()
        first = self._runner(self.world, RUN, "here")
        second = self._runner(self.other, self._other_id, "there")
        self._let_go(_FIRST, first, order.first)
        if order.pause:
            self.world.clock.sleep(order.pause)
        if self.pair == "one journal carried along":
            self.other.journal.load(self.world.journal.dump())
        self._let_go(_SECOND, second, order.second)
        stopped = (first.is_over, second.is_over)
        watch = self.witness.watch
        self._played += 1
        if second.is_over and self._is_untouched(watch) and self._played % self._whole_every:
            first.give_up()  # it goes on as if it were alone
        self._let_go(_FIRST, first, -1)
        self._let_go(_SECOND, second, -1)
        return Seen(
            order=order,
            calls=(first.calls, second.calls),
            stopped=stopped,
            wrote=tuple(watch.wrote),
            takes=tuple(watch.takes),
            ends=(_told(first.end), _told(second.end)),
            violations=tuple(watch.violations),
        )

    @staticmethod
    def _is_untouched(watch: Watch) -> bool:
        """Whether the second run has neither written nor had the lock."""
        return all(who != _SECOND for who, _ in watch.wrote) and _SECOND not in watch.takes

    def _runner(self, world: World, run_id: str, host: str) -> Runner:
        return Runner(lambda hook: self._process(world, hook, run_id, host).forward())

    def _let_go(self, who: str, runner: Runner, until: int) -> None:
        self.witness.who = who
        if until:
            runner.go(None if until < 0 else until)

    def orders(self, *, pause: float, step: int = 1) -> Iterator[Seen]:
        """Every order with this pause, played: the first run to each of its calls, the second to each of its own.

        With a `step`, the first run goes to every so many of its calls.
        """
        first = 0
        while True:
            second, seen = 0, self.play(Order(self.pair, first, 0, pause))
            yield seen
            if seen.stopped[0]:
                return  # the first is over before the second begins: there is nothing to change turns for
            while not seen.stopped[1]:
                second += 1
                seen = self.play(Order(self.pair, first, second, pause))
                yield seen
            first += step

    def undo(self) -> list[str]:
        """Roll all back, until each says that the org is as it was; how the org then stands, and what was said."""
        ends: list[str] = []
        runs = [(self.other, self._other_id, "there"), (self.world, RUN, "here")]
        if self._dead is not None:
            begun = WatchedJournal()
            begun.load(self._dead.dump())
            runs.append((replace(self.world, journal=begun), "dead", "gone"))
        for _ in range(4):
            ends = [_told(world.process(run_id=run_id, host=host).back()) for world, run_id, host in runs]
            if all(end.startswith("passed") for end in ends):
                break
            self.world.clock.sleep(LOST)
        return [self.world.judge(foreign=self._is_left_of_the_other).standing, *ends]

    def _is_left_of_the_other(self, line: str) -> bool:
        """Whether a line is part of what cannot be taken back of the other file's user, who must be inactive."""
        own_set = f"{_BILLING}/set of profile {API_ONLY}"
        left = (f"added User {_BILLING}", f"added UserLogin {_BILLING}", f"added PermissionSetAssignment {own_set}")
        return line in left and not any(row["IsActive"] for row in self.world.org.rows("User", Username=_BILLING))


def _die_after_writing(world: World) -> None:
    """A run makes its user, and dies."""
    writes = 0

    def hook(point: Point) -> None:
        nonlocal writes
        writes += point.writes and point.moment == "after"
        if writes == 2:
            raise Killed

    try:
        world.process(hook, run_id="dead", host="gone").forward()
    except Killed:
        return
    raise AssertionError("it did not die")


def _told(end: object) -> str:
    if isinstance(end, StageFinished):
        return f"{end.result}: {end.message}"
    return f"{type(end).__name__}: {end}"


def _well(end: StageFinished | None) -> None:
    assert end is not None
    assert end.result == "passed", end
