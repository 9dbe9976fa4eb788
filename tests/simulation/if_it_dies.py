"""Writes docs/if-it-dies-here.md: for each write of each strategy, what is left when the process dies there.

Nothing in it is told from the code: each migration is run, stopped at each write, and really resumed and rolled back.
Run with `make docs`.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.migration.records import Intent
from harness.migration.status import status

from .bench import Kept, World, make_world
from .checker import View, changes, look
from .points import Killed, Point
from .scenarios import CASES

DOCUMENT = Path(__file__).parents[2] / "docs" / "if-it-dies-here.md"
STRATEGIES = {"reference": "new-user", "in-place": "in-place", "temporary-full-license": "temporary-full-license"}
_HEAD = """# If it dies here

What is left when the process dies at a write, and what happens next. This page is made by `make docs`: each migration
is run in the simulated sandbox, stopped right before and right after the org has done each write, and really resumed
and rolled back from there. A test holds it to what the engine does.

Whatever the moment: the journal knows what was about to be sent, so that `rehearse resume` and `rehearse rollback` both
work. The lock in the org (an empty permission set `Rehearsal_Lock_...`) stays behind; the next process of the run takes
it over, and no other run writes meanwhile. With the journal lost, see `rehearse adopt --help`.
"""


@dataclass(frozen=True, slots=True)
class Step:
    """One write, and the world right before and right after the org has done it."""

    key: str
    summary: str
    before: Kept
    after: Kept


def page() -> str:
    """The whole page."""
    return "\n".join([_HEAD, *(text for case in STRATEGIES for text in [title(case), *section(case)])])


def title(case: str) -> str:
    """The title of the part about one strategy."""
    return f"## Strategy {STRATEGIES[case]}\n"


def section(case: str, *, every: int = 1) -> list[str]:
    """The part about one strategy, a text for each write; with `every`, only each n-th of them, the last among them."""
    with tempfile.TemporaryDirectory(prefix="simulation-") as folder:
        world = make_world(Path(folder), CASES[case])
        return ["\n".join(_told(world, step)) for step in reversed(_steps(world)[::-1][::every])]


def _told(world: World, step: Step) -> Iterator[str]:
    yield f"### {step.key}"
    yield ""
    yield f"To {step.summary}."
    yield ""
    for when, kept in (("not done yet", step.before), ("done, and not known to be", step.after)):
        yield from _dies(world, when, kept, since=step.before)
    yield ""


def _steps(world: World) -> list[Step]:
    """Every write of a calm run, in order."""
    begun: dict[str, tuple[str, Kept]] = {}
    done: dict[str, Kept] = {}
    key = ""

    def hook(point: Point) -> None:
        nonlocal key
        kind, _, name = point.what.partition(" ")
        if point.medium == "journal" and kind == "intent" and point.moment == "after":
            key = name
            [*_, last] = world.journal.records(kind="intent", key=name)
            assert isinstance(last.body, Intent)
            begun[key] = (last.body.summary, world.keep())
        elif point.medium == "journal" and kind == "outcome" and point.moment == "before":
            done[name] = world.keep()

    world.process(hook).forward()
    return [Step(key, summary, kept, done[key]) for key, (summary, kept) in begun.items()]


def _dies(world: World, when: str, kept: Kept, *, since: Kept) -> Iterator[str]:
    yield f"- **If it dies when this is {when}:**"
    yield f"  - in the org: {_left(world, kept, since)}"
    world.put_back(kept)
    yield f"  - `rehearse status`: {status(world.journal)[-1].next}"
    yield f"  - `rehearse resume`: {_resumes(world, kept)}"
    yield f"  - `rehearse rollback`: {_rolls_back(world, kept)}"


def _left(world: World, kept: Kept, since: Kept) -> str:
    if kept is since:
        return "what the steps above did, and nothing of this one"
    lines = [line for line in changes(_view(world, since), _view(world, kept)) if "Rehearsal_Lock" not in line]
    world.put_back(kept)
    file = ["the file holds the new credential"] if world.is_switched and not lines else []
    return "; ".join([*lines, *file]) or "no row is other than before"


def _view(world: World, kept: Kept) -> View:
    world.put_back(kept)
    return look(world.org)


def _resumes(world: World, kept: Kept) -> str:
    """What a resumed run does, up to its second write."""
    world.put_back(kept)
    already, told, slept = len(list(world.journal.records())), list[str](), world.clock.slept

    def hook(point: Point) -> None:
        if point.medium == "journal" and point.moment == "after" and point.what.startswith("intent "):
            told.append(point.what.removeprefix("intent "))
            if len(told) > 1:
                raise Killed

    try:
        end = world.process(hook).forward()
    except Killed:
        end = None
    settled = {record.key for record in list(world.journal.records())[already:] if record.kind == "outcome"}
    parts = []
    if world.clock.slept - slept > 60:
        minutes = round((world.clock.slept - slept) / 60)
        parts.append(f"waits {minutes} minutes, in which what was sent may still land")
    parts.append("reads the org back")
    found = bool(settled - set(told))
    parts.append("finds it done" if found else f"does {told[0]}" if told else "does it")
    following = told[:1] if found else told[1:]
    parts.append(f"goes on with {following[0]}" if following else "comes to the end")
    if end is not None and following:
        parts.append(f"comes to the end: {end.result}")
    return ", ".join(parts)


def _rolls_back(world: World, kept: Kept) -> str:
    """What a rollback undoes, in order, and how it ends."""
    world.put_back(kept)
    already = len(list(world.journal.records()))
    end = world.process().back()
    new = list(world.journal.records())[already:]
    undone = [record.key.removeprefix("rollback/") for record in new if record.kind == "intent"]
    told = f"undoes {', '.join(undone)}" if undone else "has nothing to undo"
    assert end is not None
    return f"{told}; {end.result}: {end.message}"


def main() -> None:
    """Write the page."""
    sys.stdout.write(f"each migration is stopped at each write, which takes a while: {DOCUMENT.name}\n")
    DOCUMENT.write_text(page(), "utf-8")
    sys.stdout.write(f"wrote {DOCUMENT.name}\n")


if __name__ == "__main__":
    main()
