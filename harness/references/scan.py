"""The whole search, and what the scenario has agreed to."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from harness.references.model import Change, ReferenceHit, ReferenceScan, Subject
from harness.references.org import Known, OrgSearch
from harness.references.project import scan_project

if TYPE_CHECKING:
    from harness.org.connection import Connection
    from harness.scenario.loader import ScenarioFile
    from harness.scenario.model import Scenario

PROJECT = "project: "
"""How a figure of what was looked at in a project begins."""


def search(admin: Connection, subject: Subject, around: Known, file: ScenarioFile) -> ReferenceScan:
    """Search the org and the project that the scenario names. Raises OrgUnreachable and UsageError."""
    found = OrgSearch(admin, subject, around)
    found.run()
    scan = ReferenceScan(hits=tuple(found.hits), looked_at=found.looked_at, not_read=tuple(found.not_read))
    project = file.scenario.references.project
    if project is not None:
        scan = with_project(scan, subject, file.path.parent / project, shown=_shown(project))
    return judged(scan, file)


def _shown(project: str) -> str:
    """A project as the scenario writes it; one named on the command line from where we are."""
    path, here = Path(project), Path.cwd()
    return path.relative_to(here).as_posix() if path.is_absolute() and path.is_relative_to(here) else project


def with_project(scan: ReferenceScan, subject: Subject, folder: Path, *, shown: str) -> ReferenceScan:
    """The scan with what a project holds; what both hold is told once, with its line. Raises UsageError."""
    project = scan_project(folder, subject, shown=shown)
    told = {(hit.kind, hit.name, hit.says) for hit in project.hits}
    rest = [hit for hit in scan.hits if (hit.kind, hit.name, hit.says) not in told]
    return scan.model_copy(
        update={
            "hits": (*project.hits, *rest),
            "looked_at": {**scan.looked_at, **{PROJECT + kind: n for kind, n in project.looked_at.items()}},
            "not_read": (*scan.not_read, *project.not_read),
        }
    )


def judged(scan: ReferenceScan, file: ScenarioFile) -> ReferenceScan:
    """The scan with what matters to the migration and what the scenario accepts, and acceptances that meet nothing."""
    changes = changes_of(file.scenario)
    reasons = dict(_accepted(file))
    hits = tuple(_judge(hit, changes, reasons) for hit in scan.hits)
    lines = {hit.line.casefold() for hit in hits}
    unmet = tuple(
        f"{place}: references.accept names {name!r}, which was not found"
        for name, (_, place) in reasons.items()
        if name.casefold() not in lines
    )
    return scan.model_copy(update={"hits": hits, "unmet": unmet})


def changes_of(scenario: Scenario) -> frozenset[Change]:
    """Which changes a migration brings about for what names the old user or its profile."""
    if scenario.to.strategy == "in-place":
        return frozenset({"profile-change"})
    return frozenset({"new-user", "freeze", *(("deactivate",) if scenario.finish == "retire" else ())})


def _accepted(file: ScenarioFile) -> Iterable[tuple[str, tuple[str, str]]]:
    """What is accepted: its line, the reason, and where it stands."""
    for number, each in enumerate(file.scenario.references.accept):
        for position, name in enumerate(each.named):
            place = file.place("references", "accept", number, "named", position)
            yield name, (each.because, f"{place.file}:{place.line}")


def _judge(hit: ReferenceHit, changes: frozenset[Change], reasons: dict[str, tuple[str, str]]) -> ReferenceHit:
    matters = not changes.isdisjoint(hit.when)
    for name, (because, place) in reasons.items():
        if name.casefold() == hit.line.casefold():
            return hit.model_copy(update={"matters": matters, "accepted": because, "place": place})
    return hit.model_copy(update={"matters": matters, "accepted": None, "place": None})
