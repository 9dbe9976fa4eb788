"""Crashes, exhaustively: the process dies at every point, is taken up or undone, and dies at every point of that.

Each run is done once from each state, and is kept at each of its points: the next goes on from there. Points at which
org, journal and file are alike (`states`) are one state, which is explored once; both numbers are told.

A last resume that ends a stage in a state in which another one ended it, and came to a good end from there, is not gone
through to its end, but for every so many.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal

from .bench import Kept, World
from .checker import Finding, digest, look_closely
from .memory import Memory
from .points import Hook, Killed, Point, nothing
from .states import journal_digest

How = Literal["run", "resume", "rollback"]
Step = tuple[How, int]
"""What was done, and at which of its points the process died; 0 where it lived."""
State = str
ENDS: dict[How, str] = {"run": "migrated", "resume": "migrated", "rollback": "as before"}


@dataclass(frozen=True, slots=True)
class Violation:
    """A schedule that left the org in a state that it must not be in."""

    schedule: str
    finding: str


@dataclass
class Tally:
    """What was explored."""

    schedules: int = 0
    states: int = 0
    runs: int = 0
    points: int = 0
    cut_short: int = 0
    violations: list[Violation] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.schedules} schedules, from {self.points} points of the first run; {self.states} states, explored "
            f"in {self.runs} runs, {self.cut_short} of them not to their end; {len(self.violations)} violations"
        )


@dataclass(slots=True)
class Reached:
    """A state that a run came through: where it was first met, and the numbers of the points with it."""

    state: State
    kept: Kept
    point: Point
    numbers: list[int]

    @property
    def times(self) -> int:
        """At how many points it is the same."""
        return len(self.numbers)


class Explorer:
    """Explores one world. `share` is which of how many parts of the first run's states is explored: (0, 2).

    After every first crash the run is resumed and rolled back. A second crash, at every point of that, comes after each
    `second_every`-th point of the first run; after none with 0. Every `whole_every`-th last run is gone through to its
    end in any case.
    """

    def __init__(
        self, world: World, *, share: tuple[int, int] = (0, 1), second_every: int = 1, whole_every: int = 1
    ) -> None:
        self.world = world
        world.memory = world.memory or Memory()
        self.share = share
        self.second_every = second_every
        self.whole_every = whole_every
        self.tally = Tally()
        self._orgs: dict[str, tuple[str, dict[str, str]]] = {}
        self._findings: dict[tuple[str, str], Finding] = {}
        self._ends: dict[tuple[State, How], bool] = {}
        self.good: set[State] = set()
        """The states at the ends of stages from which a resume came to a good end."""

    def explore(self, progress: Callable[[str], None] = lambda _text: None) -> Tally:
        """Every schedule of one crash, and of two as far as these are asked for."""
        begun = self.world.keep()
        first = self._trace(begun, "run", [])
        part, parts = self.share
        self.tally.points = sum(each.times for each in first)
        for number, each in enumerate(first):
            if number % parts != part:
                continue
            twice = self.second_every > 0 and any(point % self.second_every == 0 for point in each.numbers)
            for how in ("resume", "rollback"):
                self._after_a_crash(each, how, twice=twice)
            progress(f"{number + 1} of {len(first)} states of the first run; {self.tally}")
        return self.tally

    def _after_a_crash(self, crashed: Reached, how: How, *, twice: bool) -> None:
        """Recover from a first crash; with a second one at every point of the recovery, and then to the end."""
        steps: list[Step] = [("run", crashed.point.number)]
        self._ends.setdefault((crashed.state, how), True)
        self.tally.schedules += crashed.times
        if not twice:
            self._finish(crashed.kept, how, steps)
            return
        for each in self._trace(crashed.kept, how, steps):
            for last in _ways_on(how):
                self.tally.schedules += crashed.times * each.times
                if (each.state, last) not in self._ends:
                    self._ends[each.state, last] = True
                    self._finish(each.kept, last, [*steps, (how, each.point.number)])

    def _finish(self, kept: Kept, how: How, steps: list[Step]) -> None:
        self.world.put_back(kept)
        if how == "rollback" or self.tally.runs % self.whole_every == 0:
            self._do(how, steps, nothing)
            return
        known = _Known(self)
        with suppress(Killed):
            if self._do(how, steps, known):
                self.good |= known.came_through

    def _trace(self, kept: Kept, how: How, steps: list[Step]) -> list[Reached]:
        """Do it, and keep the world at each point: the states come in order, each once."""
        self.world.put_back(kept)
        watch = _Watch(self)
        self._do(how, steps, watch)
        return list(watch.reached.values())

    def _do(self, how: How, steps: list[Step], hook: Hook) -> bool:
        """Whether all is well at the end. Raises Killed where the hook does."""
        self.tally.runs += 1
        process = self.world.process(hook)
        end = process.back() if how == "rollback" else process.forward()
        finding = self._judge()
        if finding.standing == ENDS[how]:
            return True
        told = f"{finding}; {end.result if end else 'nothing was left to do'}: {end.message if end else ''}"
        self.tally.violations.append(Violation(name_of(self.world.case.name, [*steps, (how, 0)]), told))
        return False

    def _judge(self) -> Finding:
        place = (self.world.revision, self.world.credential())
        if place not in self._findings:
            self._findings[place] = self.world.judge()
        return self._findings[place]

    def state(self) -> State:
        """The state that the world is in now."""
        world = self.world
        org, names = self._org()
        journal = journal_digest(world.journal.dump(), world.clock.now(), names)
        return hashlib.sha256(f"{org} {journal} {sorted(world.files())} {world.credential()}".encode()).hexdigest()[:24]

    def _org(self) -> tuple[str, dict[str, str]]:
        known = self._orgs.get(self.world.revision)
        if known is None:
            view, names = look_closely(self.world.org)
            known = self._orgs[self.world.revision] = (digest(view), dict(names))
        return known


class _Watch:
    """A hook that keeps the world whenever something is other than at the point before."""

    def __init__(self, explorer: Explorer) -> None:
        self._explorer = explorer
        self._last: tuple[object, ...] | None = None
        self._now: Reached | None = None
        self.reached: dict[State, Reached] = {}

    def __call__(self, point: Point) -> None:
        explorer, world = self._explorer, self._explorer.world
        signs = (world.revision, len(world.journal.dump()), world.credential())
        if signs != self._last or self._now is None:
            self._last = signs
            state = explorer.state()
            if state not in self.reached:
                explorer.tally.states += 1
                self.reached[state] = Reached(state, world.keep(), point, [])
            self._now = self.reached[state]
        self._now.numbers.append(point.number)


class _Known:
    """A hook that stops a run at the end of a stage from where it is known how it goes on: well."""

    def __init__(self, explorer: Explorer) -> None:
        self._explorer = explorer
        self.came_through: set[State] = set()

    def __call__(self, point: Point) -> None:
        if point.ends_a_stage:
            state = self._explorer.state()
            if state in self._explorer.good:
                self._explorer.tally.cut_short += 1
                raise Killed
            self.came_through.add(state)


def _ways_on(how: How) -> tuple[How, ...]:
    """What can be done after a process died in it: what is being undone can only be undone."""
    return ("rollback",) if how == "rollback" else ("resume", "rollback")


def name_of(case: str, steps: list[Step]) -> str:
    """A schedule in words, to be replayed: `reference run@57:crash resume@12:crash rollback`."""
    return " ".join([case, *(f"{how}@{point}:crash" if point else how for how, point in steps)])
