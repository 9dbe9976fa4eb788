"""The verdict: from the facts of a rehearsal to words and reasons. Pure, and silence is a failure.

A migration is signed off only when everything the scenario owes was done, was recorded, and came out right. A stage
that did not run, a check without an answer, a rollback without a proof are reasons against it, like a red check.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.report.changes import lost_without_word, promised_but_missing
from harness.report.model import Facts, Reason, ReasonKind, StageRun, Verdict
from harness.report.proof import open_findings
from harness.words import SHOWN, few, several

THE_ORG_SAID_SO: frozenset[ReasonKind] = frozenset(
    {"plan-refused", "check-failed", "workload-differs", "access-differs", "silent-loss"}
)
"""Reasons that are findings about the migration. A scenario that expects a refusal expects one of these: a run that
broke off, a wrong password or an org that did not answer refuse nothing."""


def judge(facts: Facts) -> Verdict:
    """The verdict on a rehearsal."""
    reasons = tuple(_reasons(facts))
    signed_off = not reasons
    as_expected, expectation = _expected(facts, reasons)
    return Verdict(
        signed_off=signed_off,
        words="Signed off" if signed_off else "Not signed off",
        summary=_achieved(facts) if signed_off else reasons[0].text,
        as_expected=as_expected,
        expectation=expectation,
        reasons=reasons,
    )


def owed_operations(facts: Facts) -> dict[str, tuple[str, ...]]:
    """In which stages each operation of the workload is owed: compared in dual-auth, run once more after cut-over."""
    stages = tuple(stage for stage in ("dual-auth", "cut-over") if stage in facts.header.stages)
    return dict.fromkeys(facts.header.operations or (), stages)


def _achieved(facts: Facts) -> str:
    operations = len({operation.id for operation in facts.operations})
    parts = (
        several(len(facts.header.stages), "stage"),
        several(len(facts.checks), "check"),
        several(operations, "operation") + " of the workload",
        several(len(facts.rollbacks), "rollback"),
    )
    return f"All that the scenario owes was done and came out right: {', '.join(parts[:-1])} and {parts[-1]}."


def _expected(facts: Facts, reasons: Sequence[Reason]) -> tuple[bool, str]:
    header = facts.header
    if header.sign_off_expected == "granted":
        return not reasons, "The scenario expects it to be signed off."
    because = f": {header.sign_off_because}" if header.sign_off_because else "."
    expectation = f"The scenario expects a refusal{because}"
    if not reasons or any(reason.kind in THE_ORG_SAID_SO for reason in reasons):
        return bool(reasons), expectation
    return False, f"{expectation} The rehearsal ended before the org or the plan refused anything."


def _reasons(facts: Facts) -> Iterator[Reason]:
    yield from _plan_refused(facts)
    yield from _failed_checks(facts)
    yield from _differing_workload(facts)
    yield from _differing_access(facts)
    yield from _silent_losses(facts)
    yield from _open_references(facts)
    yield from _failed_stages(facts)
    yield from _missing_access(facts)
    yield from _unsettled_writes(facts)
    yield from _failed_rollbacks(facts)
    yield from _unfinished_stages(facts)
    yield from _checks_not_made(facts)
    yield from _operations_not_run(facts)
    yield from _rollbacks_not_made(facts)
    yield from _drifted(facts)
    yield from _not_recorded(facts)


def _plan_refused(facts: Facts) -> Iterator[Reason]:
    plan = facts.plan
    if plan is None or plan.executable:
        return
    unaccepted = [loss.name for loss in plan.losses if not loss.accepted]
    refusal = (plan.refusal or "it is not executable").rstrip(".")
    unnamed = [name for name in unaccepted if name not in refusal]
    lost = f" ({few(unnamed)})" if unnamed else ""
    yield Reason(
        kind="plan-refused",
        text=f"The plan was refused: {refusal}{lost}.",
        section="losses",
        remedy="Declare what may be lost, each with a reason, or keep the old user's license." if unaccepted else None,
    )


def _failed_checks(facts: Facts) -> Iterator[Reason]:
    for check in facts.checks:
        if check.result.made and not check.result.passed:
            yield Reason(
                kind="check-failed",
                text=f"{check.id} failed: {check.result.reason or 'the answer is not the one expected'}",
                section="checks",
                place=check.result.place,
                remedy=check.result.remedy,
            )


def _differing_workload(facts: Facts) -> Iterator[Reason]:
    for operation in facts.operations:
        if not operation.result.equal:
            why = _sentence(operation.result.differences) or "the new user got another answer than the old one."
            yield Reason(
                kind="workload-differs",
                text=f"{operation.id} differs in {operation.stage}: {why}",
                section="workload",
                place=operation.result.place,
                remedy=operation.result.remedy,
            )


def _differing_access(facts: Facts) -> Iterator[Reason]:
    verdict = facts.access
    if verdict is None:
        return
    for direction in ("lost", "gained"):
        found = [each for each in verdict.counterexamples if each.direction == direction]
        if found:
            names = [f"{each.name} ({', '.join(each.access)})" if each.access else each.name for each in found]
            yield Reason(
                kind="access-differs",
                text=f"{several(len(found), 'access', 'accesses')} {direction} that nobody agreed to: {few(names)}.",
                section="proof",
            )
    unexplained = [f"{each.cell.name} ({each.cell.access})" for each in verdict.disagreements if not each.explained]
    if unexplained:
        yield Reason(
            kind="derivations-disagree",
            text=f"What was worked out, what the org says and what it does differ about: {few(unexplained)}.",
            section="proof",
        )


def _silent_losses(facts: Facts) -> Iterator[Reason]:
    found = open_findings(facts.side_by_side)
    if found:
        shown = [each.text for each in found[:SHOWN]]
        yield Reason(
            kind="silent-loss",
            text=f"The new user sees otherwise what no error reports: {_sentence(shown)}",
            section="both-eyes",
            remedy=found[0].remedy,
        )


def _open_references(facts: Facts) -> Iterator[Reason]:
    hits = facts.references.open if facts.references else ()
    if hits:
        more = "names" if len(hits) == 1 else "name"
        yield Reason(
            kind="reference-open",
            text=f"{several(len(hits), 'place')} still {more} the old user or its profile, and nobody agreed to that: "
            f"{few([hit.line for hit in hits])}.",
            section="references",
            remedy=f"{hits[0].remedy} Or agree to each by name: `rehearse references FILE` prints the lines to paste.",
        )


def _failed_stages(facts: Facts) -> Iterator[Reason]:
    said = _told_already(facts)
    for stage in facts.stages:
        if stage.result in ("failed", "refused") and stage.name not in said:
            answer = f" The org answered: {stage.answer}" if stage.answer else ""
            yield Reason(
                kind="rollback-failed" if stage.name == "rollback" else "stage-failed",
                text=f"Stage {stage.name} {stage.result}: {stage.message}{answer}",
                section="timeline",
                place=stage.place,
                remedy=stage.remedy,
            )


def _told_already(facts: Facts) -> set[str]:
    """The stages whose failure another reason tells better: a red check, a differing operation, a plan, a proof."""
    said = {check.stage for check in facts.checks if check.result.made and not check.result.passed}
    said |= {operation.stage for operation in facts.operations if not operation.result.equal}
    if facts.access is not None and not facts.access.passed:
        said.add("verify")
    if open_findings(facts.side_by_side):
        said.add("dual-auth")
    if facts.plan is not None and not facts.plan.executable:
        said.add("plan")
    if any(rollback.own and rollback.proof and not rollback.proof.equal for rollback in facts.rollbacks):
        said.add("rollback")
    return said


def _missing_access(facts: Facts) -> Iterator[Reason]:
    missing = promised_but_missing(facts)
    if missing:
        text = f"The plan grants what the new user, read back, does not have: {few(missing)}."
        yield Reason(kind="access-missing", text=text, section="access")
    unsaid = lost_without_word(facts)
    if unsaid:
        text = f"The new user lacks what the plan does not list as lost: {few(unsaid)}."
        yield Reason(kind="access-missing", text=text, section="access")


def _unsettled_writes(facts: Facts) -> Iterator[Reason]:
    unsettled = [f"{write.stage}: {write.summary}" for write in facts.writes if write.certainty in (None, "UNKNOWN")]
    if unsettled:
        text = f"It is not known whether {several(len(unsettled), 'write')} took effect: {few(unsettled)}."
        yield Reason(kind="write-unknown", text=text, section="timeline")


def _failed_rollbacks(facts: Facts) -> Iterator[Reason]:
    for rollback in facts.rollbacks:
        proof = rollback.proof
        if proof is None or rollback.proven:
            continue
        wrong = [*proof.differences[:SHOWN]]
        if not proof.equal and not wrong:
            wrong.append("the access fingerprints differ")
        if not proof.credential_restored:
            wrong.append("the old credential is not active again")
        if not proof.old_user_signs_in:
            wrong.append("the old user does not sign in")
        why = _sentence(wrong) or _end_of(rollback.stages)
        yield Reason(
            kind="rollback-failed",
            text=f"The rollback from {rollback.from_stage} did not bring everything back: {why}",
            section="rollback",
        )


def _sentence(parts: Sequence[str]) -> str:
    return "; ".join(part.rstrip(".") for part in parts) + "." if parts else ""


def _end_of(stages: Sequence[StageRun]) -> str:
    return f"{stages[-1].name} {stages[-1].result}: {stages[-1].message}" if stages else "it left no end"


def _unfinished_stages(facts: Facts) -> Iterator[Reason]:
    for stage in facts.stages:
        if stage.result == "stopped":
            until = f" until {stage.until:%d %B %Y %H:%M} UTC" if stage.until else ""
            text = f"Stage {stage.name} stopped and waits{until}: {stage.message}"
            yield Reason(kind="not-finished", text=text, section="timeline", remedy=stage.remedy or "rehearse resume")
        elif stage.result == "interrupted":
            text = f"Stage {stage.name} began and left no end."
            yield Reason(kind="not-finished", text=text, section="timeline", remedy="rehearse resume")
    skipped = [stage.name for stage in facts.stages if stage.result == "skipped"]
    if skipped:
        verb = "was" if len(skipped) == 1 else "were"
        yield Reason(
            kind="not-finished",
            text=f"{several(len(skipped), 'stage')} {verb} not run: {', '.join(skipped)}.",
            section="timeline",
        )


def _checks_not_made(facts: Facts) -> Iterator[Reason]:
    recorded = {check.id for check in facts.checks}
    silent = [check.id for check in facts.checks if not check.result.made]
    silent += [check for check in facts.header.checks or () if check not in recorded]
    if silent:
        verb = "was" if len(silent) == 1 else "were"
        yield Reason(
            kind="not-made",
            text=f"{several(len(silent), 'check')} {verb} not made: {few(silent)}.",
            section="checks",
        )


def _operations_not_run(facts: Facts) -> Iterator[Reason]:
    recorded = {(operation.id, operation.stage) for operation in facts.operations}
    for stage in ("dual-auth", "cut-over"):
        owed = [name for name, stages in owed_operations(facts).items() if stage in stages]
        silent = [name for name in owed if (name, stage) not in recorded]
        if silent:
            verb = "was" if len(silent) == 1 else "were"
            doing = "compared" if stage == "dual-auth" else "run by the new user alone"
            yield Reason(
                kind="not-made",
                text=f"{several(len(silent), 'operation')} {verb} not {doing} in {stage}: {few(silent)}.",
                section="workload",
            )


def _rollbacks_not_made(facts: Facts) -> Iterator[Reason]:
    proven = {rollback.from_stage for rollback in facts.rollbacks if rollback.proof is not None}
    owed = facts.header.rollback_stages or ()
    silent = [stage for stage in owed if stage not in proven]
    begun = [r.from_stage for r in facts.rollbacks if r.proof is None and r.from_stage not in owed]
    if silent or begun:
        names = ", ".join(dict.fromkeys([*silent, *begun]))
        yield Reason(kind="not-made", text=f"The rollback is not proven from: {names}.", section="rollback")


def _drifted(facts: Facts) -> Iterator[Reason]:
    """Where an org was asked again: denials that became grants, and grants that became denials."""
    for found in facts.drift.from_tier("error") if facts.drift else ():
        text = f"{found.stage}: the org no longer answers as it was recorded: {found}."
        yield Reason(kind="drifted", text=text, section="drift", remedy="undo it in the org, or record again")


def _not_recorded(facts: Facts) -> Iterator[Reason]:
    header = facts.header
    lists = {"checks": header.checks, "operations": header.operations, "rollbacks": header.rollback_stages}
    unsaid = [name for name, owed in lists.items() if owed is None]
    if unsaid:
        text = f"The run does not say which {' and '.join(unsaid)} it owes, so nobody can tell whether all were made."
        yield Reason(kind="not-recorded", text=text, section="untested")
    held = {"preflight": facts.preflight, "snapshot": facts.snapshot, "plan": facts.plan, "access after": facts.after}
    missing = [name for name, document in held.items() if document is None]
    if missing and all(stage.result == "passed" for stage in facts.stages):
        text = f"The journal holds no {' and no '.join(missing)}."
        yield Reason(kind="not-recorded", text=text, section="timeline")
