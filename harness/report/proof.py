"""The proof of access put in the order a page shows it: cells gathered in rows, rows that tell the same story together.

Pure, and it knows nothing of HTML.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from harness.checks.results import Cell, Finding, Mutant, Mutation, Probes, SideBySide
from harness.migration.records import RunStarted, UsedPermission
from harness.report.words import GRADES

GRADE_LETTERS: Mapping[str, str] = {
    "describe": "D",
    "tables": "T",
    "error": "E",
    "rolled-back": "R",
    "committed": "C",
}
"""How a cell of the matrix names its grade."""


@dataclass(frozen=True, slots=True)
class ProofRow:
    """Fields (or the object itself) whose cells all say the same, by kind of access."""

    names: tuple[str, ...]
    cells: Mapping[str, Cell]


@dataclass(frozen=True, slots=True)
class ObjectProof:
    """One object's matrix."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[ProofRow, ...]
    cells: int
    disagreeing: int


def answer_of(cell: Cell) -> bool | None:
    """What a cell says: the probe's word before the platform's, and that before our own."""
    known = (cell.probed, cell.platform, cell.computed)
    return next((one for one in known if one is not None), None)


def matrix(probes: Iterable[Probes]) -> list[ObjectProof]:
    """The matrix of each object, those with disagreements first."""
    found = [_object(each) for each in probes]
    return sorted(found, key=lambda each: (not each.disagreeing, each.name))


def grades(probes: Iterable[Probes]) -> list[tuple[str, str, str, int]]:
    """How many cells have each grade, strongest last: letter, name, what it means, count."""
    counts = Counter[str](cell.grade for each in probes for cell in each.cells)
    return [(GRADE_LETTERS[grade], grade, GRADES[grade], counts[grade]) for grade in GRADES if counts[grade]]


def _object(probes: Probes) -> ObjectProof:
    by_name: dict[str, dict[str, Cell]] = {}
    for cell in probes.cells:
        by_name.setdefault(cell.name, {})[cell.access] = cell
    groups: dict[object, list[str]] = {}
    for name, cells in by_name.items():
        own = name if name == probes.object else ""
        groups.setdefault((own, tuple(_story(cell) for cell in cells.values())), []).append(name)
    return ObjectProof(
        name=probes.object,
        columns=tuple(dict.fromkeys(cell.access for cell in probes.cells)),
        rows=tuple(ProofRow(tuple(names), by_name[names[0]]) for names in groups.values()),
        cells=len(probes.cells),
        disagreeing=sum(not cell.agreed for cell in probes.cells),
    )


def _story(cell: Cell) -> tuple[object, ...]:
    return cell.access, cell.computed, cell.platform, cell.probed, cell.grade


# --- what both users see ----------------------------------------------------------------------------------------------


def open_findings(looks: Iterable[SideBySide]) -> list[Finding]:
    """What is otherwise for the new user and was not agreed to."""
    return [finding for look in looks for finding in look.findings if finding.accepted is None]


def otherwise(side_by_side: Sequence[SideBySide]) -> list[SideBySide]:
    """The objects that look otherwise to the new user, those with unaccepted findings first."""
    found = [look for look in side_by_side if look.findings]
    return sorted(found, key=lambda look: all(finding.accepted for finding in look.findings))


# --- use, references, tests of the tests ------------------------------------------------------------------------------


def uses(permissions: Sequence[UsedPermission]) -> list[tuple[str, list[UsedPermission]]]:
    """The three-way table, what is missing first."""
    order = ("missing", "used", "never-used")
    return [(verdict, [each for each in permissions if each.verdict == verdict]) for verdict in order]


def changes_made(header: RunStarted) -> frozenset[str]:
    """Which changes a migration brings about for whoever names the old user or its profile."""
    if header.strategy == "in-place":
        return frozenset({"profile-change"})
    retired = {"deactivate"} if "retire" in header.stages else set()
    return frozenset({"new-user", "freeze", *retired})


def missed_changes(mutation: Mutation | None) -> list[tuple[str, list[Mutant]]]:
    """The changes that went unnoticed, with a title for each group: by everything, or by the scenario's own checks."""
    made = mutation.made if mutation else ()
    unseen = [each for each in made if not each.caught_by]
    return [
        ("Grants that no check would miss", [each for each in unseen if each.kind == "removed"]),
        ("Forbidden grants that no check would notice", [each for each in unseen if each.kind == "added"]),
        ("Noticed by the proof of access alone", [each for each in made if each.caught_by and not each.own]),
    ]
