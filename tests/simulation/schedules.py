"""Schedules: what happens to a migration, step by step, as one line that can be replayed.

`reference run@57:crash resume@12:lost@30:crash rollback` runs the reference case, dies at its 57th point, resumes,
loses an answer at point 12 or the next call, dies at point 30, and rolls back to the end. A
seed stands for a random one.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, cast

import requests

from .bench import World
from .checker import Finding
from .crashes import ENDS, How
from .points import Killed, Point

Event = Literal["crash", "lost", "unsent"]
EVENTS: tuple[Event, ...] = ("crash", "lost", "unsent")
"""The process dies; a call is done and its answer lost; a call is lost on its way."""
_STEP = re.compile(r"(run|resume|rollback)((?:@\d+:(?:crash|lost|unsent))*)")
_MOST_POINTS = 600


@dataclass(frozen=True, slots=True)
class Step:
    """One process: what it does, and what happens to it at which of its points."""

    how: How
    events: tuple[tuple[int, Event], ...] = ()

    def __str__(self) -> str:
        return "".join([self.how, *(f"@{point}:{event}" for point, event in self.events)])


@dataclass(frozen=True, slots=True)
class Schedule:
    """What happens in which case. Its text is what `parse` reads."""

    case: str
    steps: tuple[Step, ...]

    def __str__(self) -> str:
        return " ".join([self.case, *map(str, self.steps)])


def parse(text: str) -> Schedule:
    """Read a schedule, or make one of a seed: `REFERENCE 17` is not one, `17` is. Raises ValueError."""
    if text.strip().isdigit():
        return random_schedule(int(text))
    case, *words = text.split()
    return Schedule(case, tuple(_step(word) for word in words))


def _step(word: str) -> Step:
    found = _STEP.fullmatch(word)
    if found is None:
        raise ValueError(f"{word!r} is no step: write run, resume or rollback, as in `run@57:crash`")
    parts = (part.split(":") for part in found[2].split("@")[1:])
    return Step(cast("How", found[1]), tuple((int(point), cast("Event", event)) for point, event in parts))


def random_schedule(seed: int) -> Schedule:
    """One to three crashes, some calls lost, and a last step that comes to its end: the same for the same seed."""
    chance = random.Random(seed)
    case = chance.choice(("reference", "reference", "in-place", "temporary-full-license"))
    steps, undoing = [], False
    for number in range(chance.randint(1, 3)):
        undoing = undoing or (number > 0 and chance.random() < 0.4)
        how: How = "rollback" if undoing else "resume" if number else "run"
        most = _MOST_POINTS if number == 0 else _MOST_POINTS // 2
        losses = [(chance.randint(1, most), chance.choice(EVENTS[1:])) for _ in range(chance.choice((0, 0, 1, 2)))]
        steps.append(Step(how, tuple(sorted([*losses, (chance.randint(1, most), EVENTS[0])]))))
    last: How = "rollback" if undoing or chance.random() < 0.5 else "resume"
    return Schedule(case, (*steps, Step(last)))


def play(world: World, schedule: Schedule, *, tell: Callable[[str], None] = lambda _text: None) -> Finding:
    """Play a schedule in a world in which nothing was done yet; how the org stands at the end of it."""
    for step in schedule.steps:
        tell(f"--- {step}")
        happen = _Happening(step, tell)
        process = world.process(happen)
        try:
            end = process.back() if step.how == "rollback" else process.forward()
        except Killed:
            tell(f"died; the org: {world.judge()}")
        else:
            tell(f"{end.result}: {end.message}" if end else "nothing was left to do")
    finding = world.judge()
    tell(f"the org: {finding}")
    return finding


def is_well(schedule: Schedule, finding: Finding) -> bool:
    """Whether the org is as it must be after the last step."""
    return finding.standing == ENDS[schedule.steps[-1].how]


class _Happening:
    """The hook of one step: what happens at its points. A loss waits for the next call."""

    def __init__(self, step: Step, tell: Callable[[str], None]) -> None:
        self._events = list(step.events)
        self._tell = tell

    def __call__(self, point: Point) -> None:
        if point.moment != "torn":
            self._tell(f"  {point}")
        if not self._events or point.number < self._events[0][0]:
            return
        event = self._events[0][1]
        if event == "crash":
            raise Killed
        if point.medium == "call" and point.moment == ("before" if event == "unsent" else "after"):
            self._events.pop(0)
            self._tell(f"  {event}: {point.what}")
            raise requests.ConnectionError(f"simulated: {event}")
