"""Evidence put in the order a page shows it: groups, rows, cards, anchors. Pure, and it knows nothing of HTML."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from harness.access.algebra import minus
from harness.access.compare import in_words
from harness.checks.results import Answered, Comparison
from harness.migration.records import Loss
from harness.report.changes import AccessChanges, Change, ObjectChange
from harness.report.model import CheckMade, Evidence, OperationRun
from harness.report.proof import open_findings
from harness.report.words import MARKS, TITLES, Tone, without

_OPTIONAL: Mapping[str, Callable[[Evidence], object]] = {
    "proof": lambda evidence: evidence.access or evidence.probes,
    "both-eyes": lambda evidence: evidence.side_by_side,
    "usage": lambda evidence: evidence.usage,
    "references": lambda evidence: evidence.references,
    "mutation": lambda evidence: evidence.mutation,
    "drift": lambda evidence: evidence.drift,
}
"""Sections that a page has only where there is something to tell: what was not done is listed as not tested."""

ALIKE = 4
"""So many fields or permissions with the same story are told once, with their names listed."""


@dataclass(frozen=True, slots=True)
class Card:
    """One figure of the page's first screen."""

    section: str
    name: str
    value: str
    note: str
    tone: Tone


@dataclass(frozen=True, slots=True)
class ChangeGroup:
    """Changes that tell the same story."""

    names: tuple[str, ...]
    first: Change


@dataclass(frozen=True, slots=True)
class LossGroup:
    """Losses that tell the same story, fields by object and setup entities by type."""

    of: str
    """The object of the fields, or the type of the setup entities."""
    names: tuple[str, ...]
    """The names, without what `of` says."""
    first: Loss
    because: str
    """What they have in common; empty where each has a reason of its own, and one acceptance covers them."""


@dataclass(frozen=True, slots=True)
class OperationRow:
    """One operation: compared in dual-auth, and run again after the cut-over."""

    id: str
    title: str
    place: str
    result: str
    old: Answered | None
    new: Answered | None
    later: Comparison | None
    differences: tuple[str, ...]
    noise: tuple[str, ...]
    """What differed between the old user's two runs, and so says nothing."""
    remedy: str | None


# --- the first screen -------------------------------------------------------------------------------------------------


def cards(evidence: Evidence, changes: AccessChanges) -> list[Card]:
    """The figures that a reviewer wants first."""
    return [
        _stages_card(evidence),
        _checks_card(evidence),
        _workload_card(evidence),
        _access_card(changes),
        _losses_card(evidence),
        *_proof_card(evidence),
        *_eyes_card(evidence),
        *_references_card(evidence),
        *_mutation_card(evidence),
        *_drift_card(evidence),
        _rollback_card(evidence),
        Card("untested", "not tested", str(len(evidence.untested)), "weigh them like what passed", "amber"),
        Card("timeline", "API calls", f"{evidence.calls:,}", f"{evidence.rows_written:,} rows written", "plain"),
    ]


def contents(evidence: Evidence, shown: Sequence[Card]) -> list[tuple[str, str, str, str]]:
    """The list of contents: anchor, title, a figure, and the figure's tone."""
    figures = {card.section: (card.value, card.tone) for card in reversed(shown)}
    entries: list[tuple[str, str, str, str]] = []
    if evidence.verdict.reasons:
        entries.append(("reasons", "Why it is not signed off", str(len(evidence.verdict.reasons)), "bad"))
    for anchor, title in TITLES.items():
        if anchor in _OPTIONAL and not _OPTIONAL[anchor](evidence):
            continue
        value, tone = figures.get(anchor, ("", "plain"))
        entries.append((anchor, title, value, tone))
    return entries


def _score(done: int, owed: int, *, failed: bool) -> tuple[str, Tone]:
    return f"{done} of {owed}", "bad" if failed else "good" if done == owed and owed else "amber"


def _stages_card(evidence: Evidence) -> Card:
    owed = [stage for stage in evidence.stages if stage.name in evidence.header.stages]
    passed = sum(stage.result == "passed" for stage in owed)
    bad = [stage for stage in owed if MARKS[stage.result].tone == "bad"]
    value, tone = _score(passed, len(owed), failed=bool(bad))
    note = f"{bad[0].name} {bad[0].result}" if bad else "in order" if passed == len(owed) else "not finished"
    return Card("timeline", "stages passed", value, note, tone)


def _checks_card(evidence: Evidence) -> Card:
    owed = {*(evidence.header.checks or ()), *(check.id for check in evidence.checks)}
    passed = sum(check.result.made and check.result.passed for check in evidence.checks)
    failed = sum(check.result.made and not check.result.passed for check in evidence.checks)
    value, tone = _score(passed, len(owed), failed=failed > 0)
    silent = len(owed) - passed - failed
    note = ", ".join([*([f"{failed} failed"] if failed else []), *([f"{silent} not made"] if silent else [])])
    return Card("checks", "checks passed", value, note or "grants and denials", tone)


def _workload_card(evidence: Evidence) -> Card:
    rows = operation_rows(evidence)
    owed = {*(evidence.header.operations or ()), *(row.id for row in rows)}
    equal = sum(row.result == "equal" for row in rows)
    different = sum(row.result == "different" for row in rows)
    value, tone = _score(equal, len(owed), failed=different > 0)
    note = f"{different} differ" if different else "old against new" if equal == len(owed) else "not all compared"
    return Card("workload", "operations equal", value, note, tone)


def _access_card(changes: AccessChanges) -> Card:
    things, totals = changes.things, changes.totals
    note = f"{things['gained']:,} gained; {len(changes.objects):,} objects, {totals['fields']:,} fields compared"
    return Card("access", "permissions lost", f"{things['lost']:,}", note, "amber" if things["lost"] else "plain")


def _losses_card(evidence: Evidence) -> Card:
    losses = evidence.plan.losses if evidence.plan else ()
    unaccepted = sum(not loss.accepted for loss in losses)
    dropped = sum(loss.accepted and loss.cause == "declared-drop" for loss in losses)
    agreed = len(losses) - dropped - unaccepted
    note = f"{dropped:,} dropped, {agreed:,} accepted" if evidence.plan else "no plan"
    if unaccepted:
        note = f"{unaccepted:,} not accepted"
    return Card("losses", "losses", f"{len(losses):,}", note, "bad" if unaccepted else "plain")


def _rollback_card(evidence: Evidence) -> Card:
    owed = {*(evidence.header.rollback_stages or ()), *(rollback.from_stage for rollback in evidence.rollbacks)}
    proven = {rollback.from_stage for rollback in evidence.rollbacks if rollback.proven}
    failed = any(rollback.proof is not None and not rollback.proven for rollback in evidence.rollbacks)
    value, tone = _score(len(proven), len(owed), failed=failed)
    note = "the org is as it was" if tone == "good" else "not all proven"
    return Card("rollback", "rollbacks proven", value, note, tone)


def _proof_card(evidence: Evidence) -> Iterator[Card]:
    """How far the three derivations of the new user's access agree."""
    if (verdict := evidence.access) is not None:
        wrong = len(verdict.counterexamples) + sum(not each.explained for each in verdict.disagreements)
        note = f"{wrong:,} findings" if wrong else f"{verdict.objects:,} objects, {verdict.fields:,} fields, three ways"
        tone: Tone = "good" if verdict.passed else "bad"
        yield Card("proof", "accesses agreed", f"{verdict.agreed:,} of {verdict.cells:,}", note, tone)


def _eyes_card(evidence: Evidence) -> Iterator[Card]:
    """How many objects look alike to both users."""
    if evidence.side_by_side:
        found, seen = len(open_findings(evidence.side_by_side)), len(evidence.side_by_side)
        alike = sum(not look.findings for look in evidence.side_by_side)
        note = f"{found:,} silent losses" if found else f"{seen - alike:,} otherwise, as agreed"
        yield Card("both-eyes", "objects look alike", f"{alike} of {seen}", note, "bad" if found else "good")


def _references_card(evidence: Evidence) -> Iterator[Card]:
    """How many places name the old user."""
    if (scan := evidence.references) is not None:
        unaccepted = len(scan.open)
        note = f"{unaccepted:,} not accepted" if unaccepted else f"{sum(scan.looked_at.values()):,} places searched"
        yield Card("references", "name the old user", f"{len(scan.hits):,}", note, "bad" if unaccepted else "plain")


def _drift_card(evidence: Evidence) -> Iterator[Card]:
    """How many grave differences there are between the org today and the recording."""
    if (drift := evidence.drift) is not None:
        grave = len(drift.from_tier("error"))
        tone: Tone = "bad" if grave else "good"
        yield Card("drift", "answers drifted", f"{grave:,}", f"{drift.total:,} requests asked again", tone)


def _mutation_card(evidence: Evidence) -> Iterator[Card]:
    """How many changes of access some check notices."""
    mutation = evidence.mutation
    if mutation is not None and mutation.scenario_digest == evidence.header.scenario_digest:
        caught, all_ = mutation.caught, len(mutation.made)
        tone: Tone = "good" if caught == all_ else "amber"
        yield Card(
            "mutation",
            "changes noticed",
            f"{caught:,} of {all_:,}",
            f"{mutation.caught_by_own:,} by the scenario's own checks",
            tone,
        )


# --- access and losses ------------------------------------------------------------------------------------------------


def anchors(names: Iterable[str]) -> Mapping[str, str]:
    """An anchor for each object: `object-Account`. Names that are no API names get one that cannot clash."""
    found: dict[str, str] = {}
    for name in names:
        plain = re.sub(r"[^A-Za-z0-9_]", "-", name)
        found[name] = f"object-{plain}" if plain == name else f"object-{plain}-{len(found)}"
    return found


def by_letter(objects: Sequence[ObjectChange]) -> list[tuple[str, list[ObjectChange]]]:
    """The objects from A to Z, by their first letter."""
    ordered = sorted(objects, key=lambda item: (item.name.casefold(), item.name))
    return [(letter, list(items)) for letter, items in groupby(ordered, key=lambda item: item.name[:1].upper())]


def grouped(changes: Iterable[Change]) -> Iterator[ChangeGroup]:
    """Changes, those that tell the same story together where there are many of them."""
    groups: dict[object, list[Change]] = {}
    for change in changes:
        groups.setdefault((change.before, change.after, tuple(map(_story, change.losses))), []).append(change)
    for members in groups.values():
        if len(members) >= ALIKE:
            yield ChangeGroup(tuple(change.name for change in members), members[0])
        else:
            yield from (ChangeGroup((change.name,), change) for change in members)


def loss_groups(evidence: Evidence) -> list[LossGroup]:
    """The plan's losses: unaccepted first, then by cause and kind."""
    losses = evidence.plan.losses if evidence.plan else ()
    groups: dict[object, list[Loss]] = {}
    for loss in losses:
        groups.setdefault((loss.kind, _owner(loss), loss.access, _line(loss), _told(loss)), []).append(loss)
    found = [_loss_group(members) for members in groups.values()]
    return sorted(found, key=lambda group: (group.first.accepted, group.first.cause, group.first.kind, group.of))


def _loss_group(members: Sequence[Loss]) -> LossGroup:
    first = members[0]
    names = tuple(without(loss.name, _owner(loss)) for loss in members)
    return LossGroup(_owner(first), names, first, first.because if len({loss.because for loss in members}) == 1 else "")


def _line(loss: Loss) -> str | None:
    """The line of the scenario, without the column: several names may stand in one acceptance."""
    return ":".join(loss.place.split(":")[:2]) if loss.place else None


def _told(loss: Loss) -> tuple[object, ...]:
    """What the losses of a group have in common: of what is accepted, the scenario's reason and not each one's own."""
    if loss.accepted_because and loss.cause != "declared-drop":
        return loss.cause, loss.accepted_because, loss.license, loss.sources
    return _story(loss)


def _owner(loss: Loss) -> str:
    separator = {"field": ".", "setup": ":", "record-type": "."}.get(loss.kind, "")
    return loss.name.partition(separator)[0] if separator else ""


def _story(loss: Loss) -> tuple[object, ...]:
    return loss.cause, loss.because, loss.accepted, loss.accepted_because, loss.license, loss.sources


# --- checks and workload ----------------------------------------------------------------------------------------------


def check_groups(evidence: Evidence) -> list[tuple[str, str, list[CheckMade]]]:
    """Grants, then denials: title, what they are, and the checks, failed ones first."""
    kinds = (
        ("grant", "Grants", "What the new user must be able to do."),
        (
            "denial",
            "Denials",
            "What the new user must not be able to do. The admin was asked the same, to tell "
            "“no access” from “does not exist”.",
        ),
    )
    groups = []
    for kind, title, lead in kinds:
        checks = [check for check in evidence.checks if check.result.kind == kind]
        if checks:
            groups.append((title, lead, sorted(checks, key=lambda check: (check.result.passed, check.result.made))))
    return groups


def operation_rows(evidence: Evidence) -> list[OperationRow]:
    """The operations of the workload, differing ones first, then those not compared, each in the scenario's order."""
    compared = {run.id: run for run in evidence.operations if run.result.old is not None}
    alone = {run.id: run for run in evidence.operations if run.result.old is None}
    names = dict.fromkeys([*(evidence.header.operations or ()), *compared, *alone])
    rows = [_operation_row(name, compared.get(name), alone.get(name)) for name in names]
    grave = {"different": 0, "not-made": 1, "equal": 2}
    return sorted(rows, key=lambda row: grave[row.result]) if evidence.operations else []


def _operation_row(name: str, compared: OperationRun | None, alone: OperationRun | None) -> OperationRow:
    both, later = compared.result if compared else None, alone.result if alone else None
    known = both or later
    unequal = any(result is not None and not result.equal for result in (both, later))
    return OperationRow(
        id=name,
        title=known.title if known else name,
        place=known.place if known else "",
        result="different" if unequal else "equal" if both else "not-made",
        old=both.old if both else None,
        new=both.new if both else None,
        later=later,
        differences=(*(both.differences if both else ()), *(later.differences if later else ())),
        noise=both.noise if both else (),
        remedy=(both.remedy if both else None) or (later.remedy if later else None),
    )


POWERS = {
    "AssignPermissionSets": "give permission sets to anybody, itself included",
    "AuthorApex": "write code that runs with every permission",
    "CustomizeApplication": "change objects, fields and automation",
    "ManageProfilesPermissionsets": "change what anybody may do",
    "ManageUsers": "make and change users",
    "ModifyAllData": "change and delete every record",
    "ModifyMetadata": "deploy metadata",
    "PasswordNeverExpires": "keep one password for ever",
    "ViewAllData": "read every record",
}
"""System permissions that a reviewer wants to be told of, each with what it lets the holder do."""


def powers(evidence: Evidence) -> list[str]:
    """A sentence for each power that the new user is given, and one for what its profile gives beyond the old user."""
    given = evidence.plan.carried.system if evidence.plan else frozenset()
    told = [f"The new user is given {name}: it may {what}." for name, what in POWERS.items() if name in given]
    if evidence.plan and evidence.snapshot:
        new = minus(evidence.plan.baseline, evidence.snapshot.effective)
        if beyond := in_words(new):
            told.append(f"The profile of the new license gives what the old user did not have: {beyond}.")
    return told
