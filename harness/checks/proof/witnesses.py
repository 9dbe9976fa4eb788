"""Three witnesses of what a user may do, put beside each other cell by cell. Pure: data in, Probes out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.access.effective import (
    ALL_ROWS,
    AUDIT_FIELDS,
    FIELD_KINDS,
    HELD,
    ROW_RIGHTS,
    SETS_AUDIT_FIELDS,
    Key,
    ObjectFacts,
)
from harness.access.reading.platform import Told
from harness.checks.results import Cell, Disagreement, Grade, Probes

BESIDE = "(beside objects)"
"""The key of what is held beside objects: system permissions and setup entities."""
_STRENGTH: Mapping[Grade, int] = {"describe": 0, "tables": 1, "error": 2, "rolled-back": 3, "committed": 4}


@dataclass(frozen=True, slots=True)
class Probed:
    """What the org did when it was asked as the user. `may` None: the answer told nothing, and says in `answer` why."""

    may: bool | None
    grade: Grade
    answer: str | None = None


@dataclass(frozen=True, slots=True)
class Witnesses:
    """What each witness says. A right that one does not speak of is not in it."""

    computed: Mapping[Key, bool]
    told: Told
    probed: Mapping[Key, Probed]


def stronger(first: Mapping[Key, Probed], second: Mapping[Key, Probed]) -> dict[Key, Probed]:
    """Both probings, and where they overlap the answer that says something, the stronger one first."""
    merged = dict(first)
    for key, probe in second.items():
        known = merged.get(key)
        if known is None or (probe.may is not None and _STRENGTH[probe.grade] >= _STRENGTH[known.grade]):
            merged[key] = probe
        elif probe.may is None and known.answer is None:
            merged[key] = Probed(known.may, known.grade, probe.answer)
    return merged


def probes_of(schema: Mapping[str, ObjectFacts], witnesses: Witnesses) -> tuple[Probes, ...]:
    """The cells of every object of the schema, in order of names, and of what is held beside objects."""
    beside = {key for key in witnesses.computed if key[1] == HELD}
    beside |= {key for key, may in witnesses.told.rights.items() if key[1] == HELD and may}
    found = [Probes(object=BESIDE, cells=tuple(_cells(sorted(beside), witnesses)))] if beside else []
    for name, facts in sorted(schema.items()):
        found.append(Probes(object=name, cells=tuple(_cells(_keys(facts), witnesses))))
    return tuple(found)


def _keys(facts: ObjectFacts) -> Iterator[Key]:
    for right in (*ROW_RIGHTS, *ALL_ROWS):
        yield facts.name, right
    for field in facts.fields:
        for kind in FIELD_KINDS:
            yield f"{facts.name}.{field}", kind


def _cells(keys: Iterable[Key], witnesses: Witnesses) -> Iterator[Cell]:
    for key in keys:
        computed, platform, probe = witnesses.computed.get(key), witnesses.told.of(key), witnesses.probed.get(key)
        probed = probe.may if probe else None
        if (computed, platform, probed) == (None, None, None):
            continue
        grades: list[Grade] = ["tables"] if computed is not None or platform is not None else []
        grades += [probe.grade] if probe and probed is not None else []
        yield Cell(
            name=key[0],
            access=key[1],
            computed=computed,
            platform=platform,
            probed=probed,
            grade=max(grades, key=_STRENGTH.__getitem__),
            answer=probe.answer if probe else None,
        )


def disagreements(probes: Sequence[Probes], reasons: Mapping[str, str]) -> tuple[Disagreement, ...]:
    """The cells about which the witnesses differ.

    `reasons` explains some in advance: by the name of an object or field, or `*` for all of them.
    """
    return tuple(_disagreement(cell, reasons) for each in probes for cell in each.cells if not cell.agreed)


def _disagreement(cell: Cell, reasons: Mapping[str, str]) -> Disagreement:
    names = (cell.name, cell.name.partition(".")[0], "*")
    known = _known(cell) or next((reasons[name] for name in names if name in reasons), None)
    return Disagreement(cell=cell, explanation=known or _look_at(cell), explained=known is not None)


def _known(cell: Cell) -> str | None:
    """Why the org contradicts itself about a cell, where that is known of every org."""
    if cell.name.rpartition(".")[2] in AUDIT_FIELDS and cell.access == "create":
        return f"{SETS_AUDIT_FIELDS} lets the user set it in a new row; not every description of the org shows that."
    return None


def _look_at(cell: Cell) -> str:
    sobject = cell.name.partition(".")[0]
    if cell.computed and cell.platform is False:
        return (
            f"The sets grant {cell.access} on {cell.name}, and the platform does not let it count: look at what the "
            f"licenses carry, at the feature licenses that {sobject} needs, and at the status of permission set groups."
        )
    if cell.computed is False and cell.platform:
        return (
            f"No set grants {cell.access} on {cell.name}, and the platform says that it is there: look for a "
            "permission that implies it, and for sets that another administrator's view hides."
        )
    return (
        f"The access tables and what the org does differ about {cell.access} on {cell.name}: ask again later, since "
        "access is computed in the background, then ask Salesforce."
    )
