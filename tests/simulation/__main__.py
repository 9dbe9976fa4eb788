"""Replay one schedule, or play random ones: `python -m tests.simulation --help`."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import click

from .bench import Kept, World, make_world
from .crashes import Explorer
from .scenarios import CASES
from .schedules import Schedule, is_well, parse, play, random_schedule
from .second_admin import ACTIONS
from .second_admin import explore as explore_edits
from .storms import everything

_PROGRESS_SECONDS = 5.0


@click.group(help="Simulate a migration: the production engine against the simulated org, in one process.")
def main() -> None:
    """The commands."""


@main.command()
@click.argument("schedule", nargs=-1, required=True)
def replay(schedule: tuple[str, ...]) -> None:
    """Replay one SCHEDULE, told point by point.

    \b
    python -m tests.simulation replay 17
    python -m tests.simulation replay reference run@57:crash resume@12:crash rollback

    Exits with 0 where the org is as it must be at the end, else with 1.
    """
    told = parse(" ".join(schedule))
    click.echo(f"schedule: {told}")
    with tempfile.TemporaryDirectory(prefix="simulation-") as folder:
        finding = play(make_world(Path(folder), CASES[told.case]), told, tell=click.echo)
    sys.exit(0 if is_well(told, finding) else 1)


@main.command()
@click.option("--count", default=100_000, show_default=True, help="How many random schedules.")
@click.option("--seed", default=1, show_default=True, help="The seed of the first; each next one is one more.")
def long(count: int, seed: int) -> None:
    """Play random schedules, none of them merged with another.

    Exits with 1 when one of them left the org in a state that it must not be in, and says how to replay it.
    """
    with tempfile.TemporaryDirectory(prefix="simulation-") as folder:
        wrong = _play_many(Path(folder), range(seed, seed + count))
    for schedule, finding in wrong:
        click.echo(f"make simulate SEED='{schedule}'   # {finding}")
    sys.exit(1 if wrong else 0)


def _play_many(folder: Path, seeds: range) -> list[tuple[Schedule, str]]:
    worlds: dict[str, tuple[World, Kept]] = {}
    wrong: list[tuple[Schedule, str]] = []
    began = told = time.monotonic()
    for number, seed in enumerate(seeds, 1):
        schedule = random_schedule(seed)
        if schedule.case not in worlds:
            world = make_world(folder / schedule.case, CASES[schedule.case])
            worlds[schedule.case] = (world, world.keep())
        world, begun = worlds[schedule.case]
        world.put_back(begun)
        finding = play(world, schedule)
        if not is_well(schedule, finding):
            wrong.append((schedule, str(finding)))
            click.echo(f"seed {seed}: {schedule}: {finding}")
        if time.monotonic() - told > _PROGRESS_SECONDS or number == len(seeds):
            told = time.monotonic()
            click.echo(f"{number} of {len(seeds)} random schedules, {len(wrong)} violations, {told - began:.0f} s")
    return wrong


@main.command()
@click.argument("case", type=click.Choice(sorted(CASES)), default="reference")
def crashes(case: str) -> None:
    """Explore every crash of a CASE, and every second crash of each recovery."""
    with tempfile.TemporaryDirectory(prefix="simulation-") as folder:
        tally = Explorer(make_world(Path(folder), CASES[case])).explore(click.echo)
    for violation in tally.violations:
        click.echo(f"make simulate SEED='{violation.schedule}'   # {violation.finding}")
    sys.exit(1 if tally.violations else 0)


@main.command()
def faults() -> None:
    """Strike every call of a run and of its rollback with every kind of fault: once, three times, and for ever."""
    everything(click.echo)


@main.command("second-admin")
@click.argument("actions", nargs=-1)
def second_admin(actions: tuple[str, ...]) -> None:
    """Let another admin do each of ACTIONS, or of all, at every call of a run and of its rollback (hours)."""
    wrong = 0
    for action in actions or [each.name for each in ACTIONS]:
        with tempfile.TemporaryDirectory(prefix="simulation-") as folder:
            tally = explore_edits(Path(folder), [action], more=True)
        click.echo(f"{action}: {tally}")
        for violation in tally.violations:
            click.echo(f"  {violation.case}: {violation.why}")
        wrong += len(tally.violations)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
