"""The command: progress while it rehearses, one table at the end."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness import __version__
from harness.comparing.measured import Column, Comparison, Kept, Seats
from harness.comparing.strategy import rehearse
from harness.comparing.variants import STRATEGIES
from harness.errors import UsageError
from harness.rehearsal.options import Options
from harness.scenario.loader import ScenarioFile, load

ALL_GOOD, SOME_NOT = 0, 1
_NOT_MEASURED = "not measured"
_FEW = 3


def compare(file: Path, *, as_json: bool, root: Path) -> int:
    """Run the command; its exit code: 0 when each strategy went through and came back, 1 when one did not.

    Raises UsageError for a scenario whose plan is to be refused.
    """
    scenario = load(file)
    if scenario.scenario.expect.sign_off == "refused":
        raise UsageError(
            "the scenario expects its plan to be refused: no strategy would write anything",
            place=scenario.place("expect", "sign_off"),
        )
    with Console(stderr=True).status("starting") as spinner:
        found = rehearse_all(scenario, Options.simulated(root), say=spinner.update)
    if as_json:
        sys.stdout.write(to_json(found))
    else:
        show(found)
    return ALL_GOOD if all(column.good for column in found.columns) else SOME_NOT


def rehearse_all(file: ScenarioFile, options: Options, *, say: Callable[[str], None]) -> Comparison:
    """Rehearse a scenario by each strategy, one after the other."""
    return Comparison(
        scenario=file.shown,
        scenario_digest=file.digest,
        tool_version=__version__,
        columns=tuple(rehearse(file, strategy, options, say=say) for strategy in STRATEGIES),
    )


def to_json(found: Comparison) -> str:
    """The result as JSON."""
    return found.model_dump_json(indent=1) + "\n"


def show(found: Comparison) -> None:
    """Print the result as a table."""
    console = Console(highlight=False)
    table = Table("", *(column.strategy for column in found.columns), show_lines=True)
    for title, words in ROWS.items():
        cells = [words(column) for column in found.columns]
        if any(cells):
            table.add_row(Text(title), *(Text(cell or _NOT_MEASURED, style=_style(cell)) for cell in cells))
    console.print(table)
    console.print(_HOW, markup=False)


_HOW = (
    "Measured in a simulated sandbox of its own for each strategy: counted in the journal, looked up in the org, or "
    "tried with both credentials after every step. One session and one refresh token were given to the old app before."
)


def _style(cell: str) -> str:
    if not cell:
        return "dim"
    return "red" if cell.startswith(("✗", "cannot", "failed", "refused")) else ""


# --- one function for each row: what the cell says, or nothing where it was not measured ------------------------------


def _same_user(column: Column) -> str:
    if column.same_user is None:
        return ""
    return "the same user id" if column.same_user else "another user id"


def _access(column: Column) -> str:
    if column.access is None:
        return ""
    lost = column.access.before - column.access.kept
    return f"{column.access.kept} of {column.access.before} carried, {lost} lost, {column.gained} gained"


def _kept(kept: Kept | None, what: str) -> str:
    if kept is None:
        return ""
    return f"{kept.kept} of {kept.before} {what}" if kept.before else f"no {what}: there were none"


def _audit(column: Column) -> str:
    if column.rows_created is None or column.sign_ins is None:
        return ""
    rows = _kept(column.rows_created, "rows created under the id that works")
    return f"{rows}; {_kept(column.sign_ins, 'earlier sign-ins under it')}"


def _tokens(column: Column) -> str:
    if column.session is None or column.refresh_token is None:
        return ""
    session = "session lives on" if column.session else "session is ended"
    token = "refresh token is good" if column.refresh_token else "refresh token is refused"
    if column.refresh_token_at_end is None:
        return f"after verify: {session}, {token}"
    end = "good" if column.refresh_token_at_end else "refused"
    return f"after verify: {session}, {token}; at the end: {end}"


def _old_credential(column: Column) -> str:
    if column.old_credential_at_end is None:
        return ""
    return "✗ still works" if column.old_credential_at_end else "is refused"


def _seats(column: Column) -> str:
    return "\n".join(map(_seat, column.seats))


def _seat(seats: Seats) -> str:
    return f"{seats.license}: {seats.before} → {seats.most} at most → {seats.after} of {seats.total}"


def _gaps(column: Column) -> str:
    if column.gaps is None or not column.probes:
        return ""
    if not column.gaps:
        return f"never, tried {column.probes} times"
    return "\n".join(
        f"{gap.calls} calls, from {gap.stage} on" + ("" if gap.ended else ", and not again") for gap in column.gaps
    )


def _reversible(column: Column) -> str:
    if not column.rollbacks:
        return ""
    proven = [each.stage for each in column.rollbacks if each.proven]
    failed = [f"✗ from {each.stage}: {each.because}" for each in column.rollbacks if not each.proven]
    return "\n".join([*failed, f"proven from {len(proven)} of {len(column.rollbacks)} stages"])


def _residue(column: Column) -> str:
    if not column.rollbacks:
        return ""
    return "; ".join(column.residue) or "nothing"


def _cost(column: Column) -> str:
    if column.calls is None:
        return ""
    back = "" if column.calls_back is None else f"; {column.calls_back} calls back"
    return f"{column.writes} writes of {column.rows_written} rows, {column.calls} calls{back}"


def _changed(column: Column) -> str:
    return "; ".join(column.changed) or "nothing"


ROWS: dict[str, Callable[[Column], str]] = {
    "rehearsal": lambda column: column.ended,
    "changed beside the strategy": _changed,
    "audit: who works": _same_user,
    "audit: history": _audit,
    "access": _access,
    "role, groups, queues": lambda column: _kept(column.place, "kept"),
    "rows owned": lambda column: _kept(column.rows_owned, "rows owned by the user that works"),
    "tokens of the old app": _tokens,
    "old credential at the end": _old_credential,
    "seats used": _seats,
    "no working credential": _gaps,
    "writes and calls": _cost,
    "rollback": _reversible,
    "left behind by a rollback": _residue,
}
