"""The workload as a stage runs it, and what a stage says when the answers of two users differ."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from harness.checks.results import Comparison
from harness.checks.spec import operation_specs
from harness.checks.values import Values
from harness.checks.workload import Workload
from harness.errors import StageFailed

if TYPE_CHECKING:
    from harness.migration.context import Context

_SHOWN = 5


def workload_of(context: Context) -> Workload:
    """The workload of a run, its values bound to the scenario and the clock."""
    return Workload(Values(seed=context.world.file.name, clock=context.world.clock))


def note_rows_left(context: Context, workload: Workload) -> None:
    """Note the rows that the workload made and did not delete."""
    if workload.left:
        rows = ", ".join(f"{count} {name}" for name, count in sorted(workload.left.items()))
        context.warn("rows left", f"The workload left rows in the sandbox: {rows}")


def unlike_error(context: Context, unlike: Sequence[tuple[str, Comparison]], how: str) -> StageFailed:
    """The failure of a stage whose operations went otherwise than they should."""
    names = ", ".join(name for name, _ in unlike[:_SHOWN])
    more = f" and {len(unlike) - _SHOWN} more" if len(unlike) > _SHOWN else ""
    first_id, first = unlike[0]
    spec = next(each for each in operation_specs(context.world.file) if each.id == first_id)
    return StageFailed(
        f"{len(unlike)} operations {how}: {names}{more}; {'; '.join(first.differences[:_SHOWN])}",
        stage=context.stage,
        place=spec.place,
        remedy=first.remedy,
    )
