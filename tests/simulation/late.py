"""Writes that land minutes after their client gave up: every write, every delay, whatever becomes of the process.

A run is gone through once. At each write it is split: there the answer never comes, and the write takes effect later.
When, is only decided where it makes a difference: as time passes the moment of some delays, the write is carried out.
If that changes nothing in the org, as behind a lock that is gone, those delays are over, and the run goes on as it was.
If it does, the run is split again: it has landed, or it is yet to come.

A copy in which nothing can land any more, and which at the end of a stage stands where the calm run stood, is not gone
through to its end, but for every so many: from there on it is the calm run.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from harness.migration.planning.seal import PlanNotValid
from harness.migration.records import StageFinished
from harness.sandbox.control.faults import Fault
from harness.sandbox.control.trigger import Trigger
from harness.sandbox.late import LateRequest, LateRequests

from .bench import RUN, Process, WatchedJournal, World, make_world
from .checker import View, digest, look
from .points import Killed, Point
from .scenarios import CASES
from .splitting import Split, Ways
from .witness import Witness

DELAYS = (0.1, 30.0, 120.0, 300.0, 599.0)
Direction = Literal["forward", "back"]
After = Literal["goes on", "resumed", "rolled back", "taken over"]
"""What becomes of the process whose write is late: it lives, or dies at once, and then somebody does that."""
AFTERWARDS: Mapping[Direction, tuple[After, ...]] = {
    "forward": ("goes on", "resumed", "rolled back", "taken over"),
    "back": ("goes on", "resumed", "taken over"),
}
OTHER = "run2"
_PLANNING = ("preflight", "snapshot", "plan")
_MOST_TRIES = 4
_STALE = 601.0
_ALL_LANDED = 1300.0


class Undecided(LateRequests):
    """One late request, and the delays after which it may still come."""

    def __init__(self, world: World, split: Split) -> None:
        carry_out = world.org.late.carry_out
        super().__init__(world.org)
        self.carry_out = carry_out
        self._world = world
        self._split = split
        self._request: LateRequest | None = None
        self._given_up = world.org.clock.peek()
        self.stands_for: tuple[float, ...] = DELAYS
        """The delays that this copy has gone through."""
        self.open: tuple[float, ...] = ()
        """Those after which it is yet to come."""
        self.landed: list[float] = []
        """Those after which it came and changed something."""
        world.org.late = self

    def add(self, request: LateRequest) -> None:
        """The client has given up."""
        self._request, self._given_up, self.open = request, request.due - timedelta(seconds=DELAYS[-1]), DELAYS

    def land(self, until: datetime | None = None) -> int:
        """Time passes: whatever may have landed by then has, or has not."""
        until = until or self._org.clock.peek()
        due = tuple(one for one in self.open if self._given_up + timedelta(seconds=one) <= until)
        if not due or self._request is None or self._org.store.in_transaction:
            return 0
        self.open = self.open[len(due) :]
        kept, before = self._org.snapshot(), digest(look(self._org))
        self._org.clock.reach(self._given_up + timedelta(seconds=due[0]))
        self.carry_out(self._request)
        if digest(look(self._org)) == before:
            return 0
        others = tuple(one for one in self.stands_for if one not in due)
        if not others or self._split():
            self.stands_for, self.open, self.landed = due, (), list(due)
            self._world.revision += " and what landed"
            return 1
        self.stands_for = others
        self._org.restore(kept)
        return 0

    def close_if_barred(self) -> None:
        """See whether it sits behind a lock that is gone, which never comes back: then it will not land."""
        if self.open and self._request is not None and self._is_barred(self._request.body):
            before = digest(look(self._org))
            self.carry_out(self._request)
            assert digest(look(self._org)) == before, "it landed behind a lock that is gone"
            self.open = ()

    def _is_barred(self, body: bytes) -> bool:
        """Whether its first part, all or none, changes a row that is gone."""
        try:
            asked = json.loads(body)
            first = asked["compositeRequest"][0]["url"].rpartition("/")[2] if asked["allOrNone"] else ""
        except (ValueError, KeyError, TypeError):
            return False
        return first.startswith("0PS") and self._org.row("PermissionSet", first) is None

    def reload(self) -> None:
        """A restored org does not change what is yet to come."""

    def _keep(self) -> None:
        """Nor does a snapshot hold it."""


@dataclass
class Story:
    """What happens in one copy."""

    case: str
    direction: Direction
    write: int = 0
    what: str = ""
    after: After | None = None
    whole: bool = False
    """Whether it is gone through to its end in any case."""
    violations: list[str] = field(default_factory=list)


class Explorer:
    """Goes through one run, and all that may come of its writes."""

    def __init__(
        self,
        folder: Path,
        case: str,
        direction: Direction,
        *,
        whole_every: int,
        only: Callable[[int, After], bool] = lambda _write, _after: True,
        fences: bool = True,
    ) -> None:
        """`only` some writes, by their number, and some of what may come after them.

        Without `fences` the org lets the lock share no transaction with other setup objects.
        """
        self.world = make_world(folder / "world", CASES[case])
        self.world.org.switches = replace(self.world.org.switches, setup_objects_together=fences)
        self._witness = self.world.wire = Witness(self.world.org)
        self.ways = Ways(self.world.folder, folder / "told.jsonl")
        self.story = Story(case, direction)
        self._whole_every = whole_every
        self._only = only
        self._calm: dict[str, str] = {}
        """By stage: the org at its end, when nothing went wrong."""
        self._undecided: Undecided | None = None
        self._writes = 0
        self._process: Process | None = None
        self._planned = WatchedJournal()

    def explore(self) -> list[dict[str, Any]]:
        """What each copy told. Raises AssertionError when one did not come to its end."""
        _well(self.world.process(run_id=OTHER, journal=self._planned, host="there", stages=_PLANNING).forward())
        if self.story.direction == "back":
            _well(self.world.process().forward())
        kept = self.world.keep()
        self._process = self.world.process(self._note)
        _well(self._go())
        self.world.put_back(kept)
        with self.ways.ending():
            self._process = self.world.process(self._hook)
            try:
                end = self._go()
            except Killed:
                end = None
            if self.story.after is not None:
                self._afterwards(end)
        self.world.close()
        return self.ways.told()

    @property
    def writes(self) -> int:
        """How many writes the calm run made."""
        return self._writes

    def _go(self) -> StageFinished | None:
        assert self._process is not None
        return self._process.forward() if self.story.direction == "forward" else self._process.back()

    # --- the points of the run ---------------------------------------------------------------------------------------

    def _note(self, point: Point) -> None:
        if point.ends_a_stage:
            self._calm[point.what] = _standing(self.world)

    def _hook(self, point: Point) -> None:
        story = self.story
        if story.after is None:
            if point.medium == "call" and point.moment == "before" and point.writes:
                self._split_at(point)
        elif story.after != "goes on":
            raise Killed
        else:
            self._perhaps_enough(point)

    def _split_at(self, point: Point) -> None:
        self._writes += 1
        for number, after in enumerate(AFTERWARDS[self.story.direction]):
            if self._only(self._writes, after) and self.ways.split():
                story = self.story
                story.write, story.what, story.after = self._writes, point.what, after
                story.whole = (self._writes * 7 + number) % self._whole_every == 0
                self._undecided = Undecided(self.world, self.ways.split)
                at = Trigger()
                fault = Fault(kind="timeout", effect="late", late_by=DELAYS[-1], at=at)
                self.world.wire.trouble.faults.add(at, fault)
                return

    def _perhaps_enough(self, point: Point) -> None:
        """End where all is as in the calm run, and nothing can land any more."""
        assert self._undecided is not None
        if self.story.whole or not point.ends_a_stage:
            return
        self._undecided.close_if_barred()
        if self._undecided.open:
            return
        assert self._process is not None
        last = [record.body for record in self._process.journal.records(RUN, kind="stage.finished")][-1]
        passed = isinstance(last, StageFinished) and last.result == "passed"
        if passed and self._calm.get(point.what) == _standing(self.world):
            self._end("as the calm run")

    # --- what comes after --------------------------------------------------------------------------------------------

    def _afterwards(self, end: StageFinished | None) -> None:
        """Go on until the run has come to an end, let everything land, and see how the org stands."""
        assert self._undecided is not None
        forward = self.story.direction == "forward"
        match self.story.after:
            case "goes on" | "resumed":
                self._until_passed(end, forward=forward)
                wanted = "migrated" if forward else "as before"
            case "rolled back":
                self._until_passed(None, forward=False)
                wanted = "as before"
            case _:
                self._take_over()
                self._undecided.close_if_barred()
                wrote = any(who == OTHER for who, _ in self._witness.watch.wrote)
                if not (self.story.whole or self._undecided.open or wrote):
                    self._end("as without the other run")
                self._undo_both()
                wanted = "as before"
        self._let_all_land()
        found = self.world.judge()
        if found.standing != wanted:
            self.story.violations.append(f"not {wanted} but {found}")
        self._end(found.standing)

    def _until_passed(self, end: StageFinished | None, *, forward: bool) -> None:
        """New processes until one says that it is done."""
        tries = 0
        while end is None or end.result != "passed":
            tries += 1
            assert tries <= _MOST_TRIES, f"still not done: {end}"
            self._process = self.world.process(self._perhaps_enough if forward else _calmly)
            end = self._process.forward() if forward else self._process.back()
            if end is not None and end.until is not None:
                self.world.clock.pass_until(end.until)

    def _take_over(self) -> None:
        """Another run comes by, at another place: it is told to wait, and comes again."""
        self._witness.who = OTHER
        for waits in (_STALE, 0.0):
            with suppress(PlanNotValid):  # after a day its plan is too old: it writes nothing
                end = self._other().forward()
                if end is not None and end.result == "passed":
                    return
            self.world.clock.sleep(waits)

    def _undo_both(self) -> None:
        """Roll back both runs. One proves the org as before once the other has undone what it did."""
        ends: list[StageFinished | None] = []
        for _ in range(_MOST_TRIES):
            ends = [self._other().back(), self.world.process().back()]
            if all(end is not None and end.result == "passed" for end in ends):
                return
            self.world.clock.sleep(_STALE)
        self.story.violations.append(f"the runs could not be rolled back: {ends}")

    def _other(self) -> Process:
        """A process of the other run, which made its plan before this one wrote anything."""
        return self.world.process(run_id=OTHER, journal=self._planned, host="there")

    def _let_all_land(self) -> None:
        """After the tool said that it is done, nothing may change any more."""
        assert self._undecided is not None
        before, self._undecided._split = _standing(self.world), lambda: True
        self.world.clock.sleep(_ALL_LANDED)
        if _standing(self.world) != before:
            self.story.violations.append("a write landed after the end")

    def _end(self, standing: str) -> None:
        undecided, story = self._undecided, self.story
        assert undecided is not None
        self.ways.end(
            {
                "write": story.write,
                "what": story.what,
                "after": story.after,
                "delays": undecided.stands_for,
                "landed": undecided.landed,
                "stands": standing,
                "cpu": time.process_time(),
                "violations": story.violations,
            }
        )


def _calmly(_point: Point) -> None:
    """Nothing happens."""


def _standing(world: World) -> str:
    """What the org is like but for the lock, and whether the external system has the new credential."""
    return f"{digest(_without_lock(look(world.org)))} {world.is_switched}"


def _without_lock(view: View) -> View:
    return {about: values for about, values in view.items() if "Rehearsal_Lock_" not in about}


def _well(end: StageFinished | None) -> None:
    assert end is not None
    assert end.result == "passed", end


def schedules(told: Sequence[Mapping[str, Any]]) -> int:
    """How many schedules copies stand for: each a write, a delay, and what came after."""
    return sum(len(one["delays"]) for one in told)
