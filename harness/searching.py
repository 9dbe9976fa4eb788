"""What `rehearse references` does: search for what else names the old user, and say what breaks when."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import click
from rich.console import Console

from harness import front
from harness.errors import EXIT_AS_EXPECTED, OrgError, StageFailed
from harness.migration.journal import Record
from harness.migration.records import ReferenceHit, ReferenceScan, StageFinished
from harness.rehearsal.rehearsal import Rehearsal
from harness.scenario.loader import ScenarioFile


def references(
    file: Path, *, org: str | None, sandbox: Path | None, state: Path, project: Path | None, as_json: bool
) -> int:
    """Search and print; 1 when something breaks in this migration and nobody has agreed to it.

    Raises UsageError and StageFailed, and what the org says.
    """
    rehearsal = front.open_rehearsal(file, org=org, sandbox=sandbox, state=state, dry=True)
    if project is not None:
        rehearsal.file = _with_project(rehearsal.file, project)
    try:
        scan = _scan(rehearsal)
    finally:
        rehearsal.finish()
    if as_json:
        click.echo(json.dumps({**scan.model_dump(), "open": [hit.line for hit in scan.open]}, indent=2))
    else:
        _print_scan(Console(highlight=False), scan)
    return OrgError.exit_code if scan.open else EXIT_AS_EXPECTED


def _with_project(file: ScenarioFile, project: Path) -> ScenarioFile:
    references = file.scenario.references.model_copy(update={"project": str(project.absolute())})
    return replace(file, scenario=file.scenario.model_copy(update={"references": references}))


def _scan(rehearsal: Rehearsal) -> ReferenceScan:
    """The search of the snapshot stage, which is run for it and writes nothing."""
    end = None
    with Console(stderr=True).status("signing in") as spinner:
        for record in _until_snapshot(rehearsal):
            spinner.update(f"searching ({record.stage})")
            end = record.body if isinstance(record.body, StageFinished) else end
    scan = rehearsal.journal.find(rehearsal.run.id, ReferenceScan)
    if scan is None:
        assert end is not None
        raise StageFailed(end.message, stage="snapshot", remedy=end.remedy)
    return scan


def _until_snapshot(rehearsal: Rehearsal) -> Iterator[Record]:
    for record in rehearsal.run.engine.stages():
        yield record
        if record.stage == "snapshot" and isinstance(record.body, StageFinished):
            return


# --- printing ---------------------------------------------------------------------------------------------------------


def _print_scan(console: Console, scan: ReferenceScan) -> None:
    _say(console, f"Looked at {_figures(scan.looked_at)}; {scan.calls} API calls, nothing written.")
    accepted = [hit for hit in scan.hits if hit.matters and hit.accepted is not None]
    harmless = [hit for hit in scan.hits if not hit.matters]
    _say(console, "What breaks, and nobody agreed to" if scan.open else "Nothing breaks that nobody agreed to.")
    for hit in scan.open:
        _print_hit(console, hit)
    for line in _acceptance(scan):
        _say(console, line)
    for title, hits in (("Agreed to in the scenario", accepted), ("Breaks nothing in this migration", harmless)):
        if hits:
            _say(console, title)
        for hit in hits:
            _say(console, f"  {hit.line}: {hit.says} ({hit.where}){f': {hit.accepted}' if hit.accepted else ''}")
    for text in scan.unmet:
        _say(console, f"warning: {text}", style="yellow")
    for text in scan.not_read:
        _say(console, f"not searched: {text}", style="yellow")


def _print_hit(console: Console, hit: ReferenceHit) -> None:
    _say(console, f"✗ {hit.line}: {hit.says}", style="red")
    _say(console, f"    at {hit.where}")
    _say(console, f"    {hit.breaks} ({', '.join(hit.when)})")
    _say(console, f"    to do: {hit.remedy}")


def _acceptance(scan: ReferenceScan) -> Iterable[str]:
    """What to write into the scenario to agree."""
    if scan.open_by_line:
        yield "To agree to them, put these under references.accept, with your reason:"
        yield f"    - {{named: {json.dumps(sorted(scan.open_by_line), ensure_ascii=False)}, because: ...}}"


def _figures(looked_at: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in sorted(looked_at.items()) if count) or "nothing"


def _say(console: Console, text: str, *, style: str | None = None) -> None:
    console.print(text, style=style, markup=False, soft_wrap=True)
