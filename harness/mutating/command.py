"""The command: progress while it runs, the score at the end, and the file that the report shows it from."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from harness import __version__
from harness.checks import mutation
from harness.checks.mutation import Change
from harness.checks.results import Mutant, Mutation
from harness.checks.spec import check_specs, operation_specs
from harness.errors import UsageError
from harness.mutating.bench import Bench, migrated
from harness.rehearsal.options import MUTATION, Options, shown
from harness.scenario.loader import ScenarioFile, load

ALL_NOTICED, SOME_UNNOTICED = 0, 1
_WIDEST = 60


def mutate(file: Path, *, only: str | None, as_json: bool, output: Path | None, root: Path) -> int:
    """Run the command; its exit code: 0 when everything noticed every change, 1 when something went unnoticed.

    Raises UsageError and StageFailed as `migrated` does.
    """
    scenario = load(file)
    options = Options.simulated(root)
    with migrated(scenario, options) as bench:
        changes = bench.changes(only)
        began = time.monotonic()
        mutants = tuple(_with_progress(bench, changes))
        seconds = time.monotonic() - began
    found = score(scenario, mutants, whole=only is None)
    target = output or (options.cassette_folder / scenario.name / MUTATION if only is None else None)
    if target is not None:
        _write(found, target)
    if as_json:
        sys.stdout.write(to_json(found))
    else:
        _print(found, seconds=seconds, target=target)
    return SOME_UNNOTICED if found.missed else ALL_NOTICED


def score(file: ScenarioFile, mutants: Sequence[Mutant], *, whole: bool) -> Mutation:
    """What came of all changes; only where all were made can a check be said to have noticed none."""
    own = [*(spec.id for spec in check_specs(file)), *(spec.id for spec in operation_specs(file))]
    return Mutation(
        scenario_digest=file.digest,
        tool_version=__version__,
        mutants=tuple(mutants),
        idle=mutation.idle(own, mutants) if whole else (),
    )


def to_json(found: Mutation) -> str:
    """As it is kept: the same bytes for the same result."""
    return found.model_dump_json(indent=1) + "\n"


def _with_progress(bench: Bench, changes: Sequence[Change]) -> Iterator[Mutant]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=len(changes))
        for change in changes:
            progress.update(task, description=f"{change.direction} {change.what}"[:_WIDEST])
            yield bench.try_change(change)
            progress.advance(task)


def _write(found: Mutation, path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(to_json(found), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}", remedy="name another with --output") from error


def _print(found: Mutation, *, seconds: float, target: Path | None) -> None:
    console = Console(highlight=False)
    for line in _lines(found, seconds=seconds):
        console.print(line, style="red" if line.startswith("✗") else None, markup=False, soft_wrap=True)
    if target is not None:
        console.print(f"written to {shown(target)}", markup=False, soft_wrap=True)


def _lines(found: Mutation, *, seconds: float) -> Iterator[str]:
    made, refused = found.made, [mutant for mutant in found.mutants if mutant.refused is not None]
    speed = f"{len(found.mutants) / seconds:.1f} a second" if seconds else "at once"
    yield f"{len(made)} changes of the new user's access, {speed}; the org let {len(refused)} more not be made"
    yield f"  {_share(found.caught_by_own, len(made))} noticed by the scenario's own checks and workload"
    yield f"  {_share(found.caught, len(made))} noticed by anything"
    for mutant in found.missed:
        yield f"✗ {mutant.kind} {mutant.what} ({mutant.because}): nothing noticed"
    quiet = [mutant for mutant in made if not mutant.own]
    if quiet:
        yield "What the scenario's own checks would not notice, and a line that would:"
    for mutant in quiet:
        yield f"  {mutant.kind} {mutant.what}"
        yield f"      {mutant.suggestion or 'no single line: `checks: exhaustive` looks at all of it'}"
    if refused:
        yield "What the org does not let be changed, so that nothing need notice:"
    yield from (f"  {mutant.kind} {mutant.what}: {mutant.refused}" for mutant in refused)
    if found.idle:
        yield f"Checks that no change turned red: {', '.join(found.idle)}"


def _share(part: int, whole: int) -> str:
    return f"{part} of {whole} ({part / whole:.0%})" if whole else "0 of 0"
