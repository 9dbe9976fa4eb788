"""The journal is lost: what a run left at each of its writes, and adopting it from there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.migration.adopting.adopt import Adoption
from harness.migration.adopting.reading import Marked, read_marked
from harness.migration.records import Intent, StageFinished

from .bench import RUN, Kept, World, make_world
from .points import Hook, Point, nothing
from .scenarios import CASES


@dataclass(frozen=True, slots=True)
class Left:
    """A world right after one of a run's writes took effect, when its process died."""

    what: str
    kept: Kept


def left_behind(world: World) -> list[Left]:
    """A world at each write of a run, and at its end; that one is whole."""
    found: list[Left] = []

    def hook(point: Point) -> None:
        if point.medium == "call" and point.writes and point.moment == "after":
            found.append(Left(str(point), world.keep()))

    end = world.process(hook).forward()
    assert end is not None
    assert end.result == "passed", end
    return [*found, Left("end", world.keep())]


class Ran:
    """Worlds in which a whole run was made, one for each case, made once: whoever asks gets it as it was at the end."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._worlds: dict[str, tuple[World, list[Left]]] = {}

    def __call__(self, case: str) -> tuple[World, list[Left]]:
        """The world of a case, and what was left at each write of its run."""
        if case not in self._worlds:
            world = make_world(self._folder / case, CASES[case])
            self._worlds[case] = (world, left_behind(world))
        world, left = self._worlds[case]
        world.put_back(left[-1].kept)
        return world, left

    def close(self) -> None:
        """Close them."""
        for world, _ in self._worlds.values():
            world.close()


def lose_journal(world: World, kept: Kept | None = None) -> None:
    """Put a world back, where that is asked, and throw its journal away."""
    if kept is not None:
        world.put_back(kept)
    world.journal.load(())


def marked(world: World) -> Marked:
    """What bears the scenario's names and marks."""
    return read_marked(world.process()._connect("admin"), world.file)


def adopt(
    world: World, told: Mapping[str, str] | None = None, *, dry: bool = False, hook: Hook = nothing, run_id: str = RUN
) -> tuple[Adoption, StageFinished]:
    """Adopt what stands: a new process with an empty journal. Raises Killed."""
    adoption = Adoption(told=told or {}, dry=dry)
    process = world.process(hook, run_id=run_id)
    end = process._through(process.engine.aside(adoption.stage))
    assert end is not None
    return adoption, end


def intents(world: World) -> dict[str, Intent]:
    """What the journal says that the run wrote, by key."""
    return {
        record.key: record.body for record in world.journal.records(kind="intent") if isinstance(record.body, Intent)
    }
