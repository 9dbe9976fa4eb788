"""Worlds at chosen moments of a calm migration, from which one short schedule after the other can be played."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import requests

from harness.errors import GuardRefused
from harness.sandbox.control.faults import Fault
from harness.sandbox.control.trigger import Trigger

from .bench import Kept, Process, WatchedJournal, World, make_world
from .checker import changes, look
from .crashes import ENDS, How
from .points import Killed, Point
from .scenarios import CASES
from .second_admin import ACTIONS, Edit, act

PLANNING = ("preflight", "snapshot", "plan")
LOST_FOR = 660.0
"""Seconds after which a lock is stale."""
Complaints = list[str]


@dataclass
class Ground:
    """One world, kept at every intent, effect and outcome of a calm run: `intent grant/role`, `effect grant/role`.

    Beside these there are `planned`, before anything was written, and `end`.
    """

    world: World
    other: World
    """The same org, as a run on another host with another journal sees it. It has planned, too."""
    kept: dict[str, Kept] = field(default_factory=dict)
    planned_there: Any = None
    folder: Path = field(default_factory=Path)

    def at(self, moment: str) -> World:
        """The world as it was then: whoever was at work is dead."""
        self.world.put_back(self.kept[moment])
        self.other.journal.load(self.planned_there)
        self.world.wire.trouble.faults.known.clear()
        return self.world

    @cached_property
    def in_place(self) -> Ground:
        """The same where one user is converted."""
        return make_ground(self.folder / "in-place", "in-place")

    def end(self, how: How, *, allowed: Callable[[str], bool] = lambda _line: False) -> Complaints:
        """Resume or roll back to the end; what is wrong with the org then."""
        process = self.world.process()
        done = process.back() if how == "rollback" else process.forward()
        finding = self.world.judge(foreign=allowed)
        told = f"{done.result}: {done.message}" if done else "nothing was left to do"
        return [] if finding.standing == ENDS[how] else [f"{how}: {finding}; {told}"]


def make_ground(folder: Path, case: str = "reference") -> Ground:
    """A world with its calm run."""
    world = make_world(folder / "world", CASES[case])
    ground = Ground(world, replace(world, journal=WatchedJournal()), folder=folder)
    ground.planned_there = ()
    world.process(stages=PLANNING).forward()
    ground.other.process(run_id="run2", host="there", stages=PLANNING).forward()
    ground.kept["planned"], ground.planned_there = world.keep(), ground.other.journal.dump()
    world.process(_keeping(ground)).forward()
    ground.kept["end"] = world.keep()
    return ground


def _keeping(ground: Ground) -> Callable[[Point], None]:
    current = ""

    def hook(point: Point) -> None:
        nonlocal current
        kind, _, key = point.what.partition(" ")
        if point.medium == "journal" and kind in ("intent", "outcome"):
            current = key
            if point.moment == "after":
                ground.kept[point.what] = ground.world.keep()
            elif kind == "outcome" and f"effect {key}" not in ground.kept:
                ground.kept[f"effect {key}"] = ground.world.keep()
        elif current and point.writes and point.moment == "after":
            ground.kept.setdefault(f"effect {current}", ground.world.keep())

    return hook


# --- what may happen to one call --------------------------------------------------------------------------------------


class AtWrite:
    """A hook: something happens at the first call that writes after a record, `intent grant/role`.

    `then` is asked once, at that call; with `after`, when the org has done it.
    """

    def __init__(self, record: str, then: Callable[[], None], *, after: bool = False, skip: int = 0) -> None:
        self._record = record
        self._then = then
        self._moment = "after" if after else "before"
        self._skip = skip
        self._armed = not record

    def __call__(self, point: Point) -> None:
        if point.medium == "journal":
            self._armed = self._armed or (point.moment == "after" and point.what == self._record)
        elif self._armed and point.writes and point.moment == self._moment:
            if self._skip:
                self._skip -= 1
                return
            self._armed, self._record = False, "over"
            self._then()


def die() -> None:
    """The process dies."""
    raise Killed


def no_answer() -> None:
    """Nobody answers."""
    raise requests.ReadTimeout("simulated: no answer")


def run(process: Process, *, back: bool = False) -> str:
    """Let a process work until it ends or dies; how it ended."""
    try:
        end = process.back() if back else process.forward()
    except Killed:
        return "died"
    return end.result if end else "nothing"


# --- short schedules --------------------------------------------------------------------------------------------------


def crash(ground: Ground, moment: str, how: How) -> Complaints:
    """The process died at that moment; it is resumed or rolled back."""
    ground.at(moment)
    return ground.end(how)


def crash_after_write(ground: Ground, number: int, how: How) -> Complaints:
    """From the plan on, the process dies when the org has done its n-th write, the lock being the first."""
    world = ground.at("planned")
    run(world.process(AtWrite("", die, after=True, skip=number - 1)))
    return ground.end(how)


def lost(ground: Ground, moment: str, record: str, how: How, *, done: bool) -> Complaints:
    """A write after that record gets no answer, and was done or not; then it is resumed or rolled back."""
    world = ground.at(moment)
    run(world.process(AtWrite(record, no_answer, after=done)))
    return ground.end(how)


def late(ground: Ground, moment: str, record: str, *, dies: bool) -> Complaints:
    """A write takes effect five minutes after its client gave up, or died; the run is rolled back at once."""
    world = ground.at(moment)

    def later() -> None:
        fault = Fault(kind="timeout", effect="late", late_by=300)
        world.wire.trouble.faults.add(Trigger(), fault)

    calls = 0

    def hook(point: Point) -> None:
        nonlocal calls
        at_write(point)
        if dies and world.wire.trouble.faults.known and point.medium == "call" and point.moment == "before":
            calls += 1
            if calls > 1:
                raise Killed

    at_write = AtWrite(record, later)
    run(world.process(hook))
    world.wire.trouble.faults.known.clear()
    run(world.process(), back=True)
    world.wire.settle()
    finding = world.judge()
    return [] if finding.standing == "as before" else [f"after what landed late: {finding}"]


def edited(ground: Ground, moment: str, action: str) -> Complaints:
    """A second admin changes something at that moment, and the run is rolled back."""
    world = ground.at(moment)
    edit = act(world, next(each for each in ACTIONS if each.name == action))
    assert edit is not None, f"{action} cannot be done at {moment}"
    run(world.process(), back=True)
    return list(edit.overwritten(world.org))


def edited_at_write(ground: Ground, moment: str, record: str, action: str) -> Complaints:
    """The same at the write itself, when the run has looked for the last time; the run goes on, and is rolled back."""
    world = ground.at(moment)
    edits: list[Edit] = []

    def come_between() -> None:
        edit = act(world, next(each for each in ACTIONS if each.name == action))
        assert edit is not None, f"{action} cannot be done at {record}"
        edits.append(edit)

    ended = run(world.process(AtWrite(record, come_between)))
    complaints = [f"went on over what is not its own: {action}"] if ended == "passed" else []
    run(world.process(), back=True)
    finding = world.judge(foreign=edits[0].is_own)
    left = [] if finding.standing == "as before" else [f"after the rollback: {finding}"]
    return [*complaints, *left, *edits[0].overwritten(world.org)]


def two_runs(ground: Ground, record: str, *, pause: float) -> Complaints:
    """Another run comes when one is at a write: at most one of them may go on writing."""
    world, complaints = ground.at("planned"), Complaints()
    views = []

    def other_comes() -> None:
        world.clock.sleep(pause)
        before = look(world.org)
        theirs = ground.other.process(run_id="run2", host="there", stages=(*PLANNING, "provision"))
        run(theirs)
        views.append(look(world.org))
        if not pause and (wrote := _but_locks(changes(before, views[0]))):
            complaints.append(f"the other wrote under the lock of the first: {wrote[0]}")

    run(world.process(AtWrite(record, other_comes), host="here", stages=(*PLANNING, "provision", "grant")))
    if pause and (wrote := _but_locks(changes(views[0], look(world.org)))):
        complaints.append(f"the first wrote after the other had taken over: {wrote[0]}")
    return complaints


def _but_locks(lines: tuple[str, ...]) -> list[str]:
    return [line for line in lines if "Rehearsal_Lock" not in line and not line.startswith("changed PermissionSet Reh")]


def not_a_sandbox(ground: Ground, moment: str) -> Complaints:
    """The org turns out to be no sandbox any more, as after a refresh or a change of the host's name."""
    world = ground.at(moment)
    [row] = world.org.rows("Organization")
    organization = world.org.schema.get("Organization")
    assert organization is not None
    world.org.store.update(organization, row["Id"], {"IsSandbox": 0})
    before = look(world.org)
    with suppress(GuardRefused):
        run(world.process(), back=True)
    return list(changes(before, look(world.org)))
