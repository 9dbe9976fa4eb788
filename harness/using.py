"""What `rehearse used` does: show what the integration uses of what it is granted, and write the permission set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import click
from rich.console import Console

from harness import front
from harness.access.use.permission_set import SUFFIX
from harness.errors import EXIT_AS_EXPECTED, StageFailed
from harness.migration.journal import Record
from harness.migration.planning.used import warnings_of_use
from harness.migration.records import StageFinished, Usage, UsedPermission
from harness.recording.filing.files import write_at_once
from harness.rehearsal.rehearsal import Rehearsal
from harness.scenario.loader import ScenarioFile
from harness.words import few

_VERDICTS = {"used": "used and granted", "never-used": "granted and never used", "missing": "needed and missing"}
_MARKS = {"used": "✓", "never-used": "-", "missing": "✗"}
_STYLES = {"used": "green", "never-used": "dim", "missing": "red"}
_PLACES = 2
"""So many places of a use are shown."""
_KINDS = {
    "object": "objects",
    "field": "fields",
    "system": "system permissions",
    "setup": "setup entities",
    "record-type": "record types",
}


def used(file: Path, *, org: str | None, sandbox: Path | None, state: Path, output: Path | None, as_json: bool) -> int:
    """Print the three-way table, and write the permission set where asked.

    Raises UsageError for recordings that are not there or cannot be read, StageFailed, and what the org says.
    """
    rehearsal = front.open_rehearsal(file, org=org, sandbox=sandbox, state=state, dry=True)
    rehearsal.file = _copying_what_is_used(rehearsal.file)
    try:
        usage = _usage(rehearsal)
    finally:
        rehearsal.finish()
    console = Console(stderr=as_json, highlight=False)
    if as_json:
        click.echo(usage.model_dump_json(indent=2))
    else:
        _print_table(console, usage.permissions)
        _print_words(console, usage)
    for text in warnings_of_use(usage):
        _say(console, f"warning: {text}", style="yellow")
    if output is not None:
        _write(console, usage, output / f"{rehearsal.file.scenario.permission_set_name}{SUFFIX}")
    return EXIT_AS_EXPECTED


def _copying_what_is_used(file: ScenarioFile) -> ScenarioFile:
    """The scenario as if it said `copy: used`: only then the evidence is read."""
    permissions = file.scenario.permissions.model_copy(update={"copy_": "used"})
    return replace(file, scenario=file.scenario.model_copy(update={"permissions": permissions}))


def _usage(rehearsal: Rehearsal) -> Usage:
    end = None
    with Console(stderr=True).status("signing in") as spinner:
        for record in _until_plan(rehearsal):
            spinner.update(_DOING.get(record.stage, record.stage))
            end = record.body if isinstance(record.body, StageFinished) else end
    usage = rehearsal.journal.find(rehearsal.run.id, Usage)
    if usage is None:
        assert end is not None
        raise StageFailed(end.message, stage="plan", remedy=end.remedy)
    return usage


_DOING = {
    "preflight": "looking at the org",
    "snapshot": "reading what the old user may do",
    "plan": "reading workload, recordings and event logs",
}


def _until_plan(rehearsal: Rehearsal) -> Iterator[Record]:
    for record in rehearsal.run.engine.stages():
        yield record
        if record.stage == "plan" and isinstance(record.body, StageFinished):
            return


# --- printing ---------------------------------------------------------------------------------------------------------


def _print_table(console: Console, permissions: Iterable[UsedPermission]) -> None:
    """The three parts of the table, a line for each thing: its kinds of access, and where its use was seen."""
    parts: dict[str, dict[str, list[UsedPermission]]] = {verdict: {} for verdict in _VERDICTS}
    for each in permissions:
        parts[each.verdict].setdefault(f"{each.kind} {each.name}", []).append(each)
    for verdict, things in parts.items():
        if things:
            _say(console, _VERDICTS[verdict].capitalize(), style="italic")
        for name, rows in things.items():
            rights = ", ".join(row.access for row in rows if row.access != "held")
            line = f"  {_MARKS[verdict]} {name}{f': {rights}' if rights else ''}{_places(rows)}"
            _say(console, line, style=_STYLES[verdict])


def _places(rows: Iterable[UsedPermission]) -> str:
    places = list(dict.fromkeys(place for row in rows for place in row.seen_in))
    return f"  ({few(places, _PLACES)})" if places else ""


def _print_words(console: Console, usage: Usage) -> None:
    _say(console, f"Read {usage.requests:,} operations and requests.")
    for kind, called in _KINDS.items():
        counts: Counter[str] = Counter(each.verdict for each in usage.permissions if each.kind == kind)
        if counts:
            _say(console, f"  {called}: {', '.join(f'{counts[v]:,} {says}' for v, says in _VERDICTS.items())}")
    _say(console, "What the evidence cannot see")
    for text in usage.blind_spots:
        _say(console, f"  {text}")


def _write(console: Console, usage: Usage, path: Path) -> None:
    write_at_once(path, usage.permission_set)
    _say(console, f"{path}: the permission set that grants what is used, to review and to deploy")


def _say(console: Console, text: str, *, style: str | None = None) -> None:
    console.print(text, style=style, markup=False, soft_wrap=True)
