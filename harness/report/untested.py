"""What a rehearsal says nothing about: listed with the same weight as what passed."""

from __future__ import annotations

import re
from collections.abc import Iterator

from harness.report.model import Facts, Untested
from harness.report.verdict import owed_operations
from harness.words import few, several


def untested(facts: Facts) -> tuple[Untested, ...]:
    """Everything that was not tested, as far as the evidence tells, each with the reason."""
    found = [
        *_kind_of_org(facts),
        *_noted(facts),
        *_silent(facts),
        *_granted_unasked(facts),
        *_unread(facts),
        *_checks_untested(facts),
    ]
    return tuple(dict.fromkeys(found))


def _kind_of_org(facts: Facts) -> Iterator[Untested]:
    header, org = facts.header, facts.preflight.org if facts.preflight else None
    if header.cassettes == "replay":
        yield Untested(
            what="The org as it is today",
            because="The rehearsal was replayed from a recording; no org was asked anything. Its ids, names of people "
            "and values of records are stand-ins for those of the org.",
        )
    if (org.kind if org else header.org_name) == "simulated":
        yield Untested(
            what="A real Salesforce org",
            because="The rehearsal ran in the simulated sandbox: custom code, flows and sharing rules of the real org "
            "had no part in it.",
        )
    else:
        yield Untested(
            what="The production org",
            because="The rehearsal ran in a sandbox. Licenses, seats and settings of production may differ.",
        )


def _noted(facts: Facts) -> Iterator[Untested]:
    for remark in facts.remarks:
        if remark.kind == "not-tested":
            yield Untested(what=f"Noted in {remark.stage}" if remark.stage else "Noted", because=remark.text)


def _silent(facts: Facts) -> Iterator[Untested]:
    skipped = [stage.name for stage in facts.stages if stage.result == "skipped"]
    if skipped:
        yield Untested(what=f"{several(len(skipped), 'stage')}: {', '.join(skipped)}", because=_why_skipped(facts))
    yield from _silent_checks(facts)
    yield from _silent_operations(facts)
    proven = {rollback.from_stage for rollback in facts.rollbacks if rollback.proof}
    unproven = [name for name in facts.header.rollback_stages or () if name not in proven]
    if unproven:
        yield Untested(what=f"The rollback from {', '.join(unproven)}", because="No rollback from there was proven.")


def _silent_checks(facts: Facts) -> Iterator[Untested]:
    recorded = {check.id for check in facts.checks}
    for check in facts.checks:
        if not check.result.made:
            yield Untested(what=check.id, because=check.result.reason or "The check could not be made.")
    for check_id in facts.header.checks or ():
        if check_id not in recorded:
            yield Untested(what=check_id, because="The check was not made in this run.")
    if facts.header.checks is not None:
        yield from _nothing_asked(facts.header.checks)


def _silent_operations(facts: Facts) -> Iterator[Untested]:
    run = {(operation.id, operation.stage) for operation in facts.operations}
    for operation_id, stages in owed_operations(facts).items():
        silent = [stage for stage in stages if (operation_id, stage) not in run]
        if silent:
            yield Untested(what=operation_id, because=f"The operation was not run in {' and '.join(silent)}.")


def _nothing_asked(checks: tuple[str, ...]) -> Iterator[Untested]:
    for kind, meaning in (("grants", "must be able to do"), ("denials", "must not be able to do")):
        if not any(check.startswith(kind) for check in checks):
            yield Untested(
                what=f"What the new user {meaning}", because=f"The scenario states no {kind}: nothing was asked."
            )


def _why_skipped(facts: Facts) -> str:
    for stage in facts.stages:
        if stage.result not in ("passed", "skipped"):
            return f"Not run: stage {stage.name} {stage.result} before it."
    return "Not run: it was not asked for."


def _granted_unasked(facts: Facts) -> Iterator[Untested]:
    """Objects the new user is given that no check and no operation names."""
    if facts.plan is None or facts.after is None:
        return
    asked = " ".join(
        [
            *(f"{check.id} {check.result.title} {_request(check.result.answer)}" for check in facts.checks),
            *(f"{operation.id} {operation.result.title}" for operation in facts.operations),
        ]
    )
    words = set(re.findall(r"\w+", asked))
    silent = sorted(name for name in facts.plan.carried.objects if name not in words)
    if silent:
        yield Untested(
            what=f"{several(len(silent), 'object')} the new user may use: {few(silent)}",
            because="Granted because the old user has them; no check and no operation of the workload names them.",
        )


def _unread(facts: Facts) -> Iterator[Untested]:
    """What the org would not tell about the old user, and what the evidence of its use cannot see."""
    for text in facts.snapshot.beside.unread if facts.snapshot else ():
        yield Untested(what="Access that could not be read", because=text)
    for text in facts.references.not_read if facts.references else ():
        yield Untested(what="Places that may name the old user", because=text)
    for text in facts.usage.blind_spots if facts.usage else ():
        yield Untested(what="Use that the evidence cannot see", because=text)


def _checks_untested(facts: Facts) -> Iterator[Untested]:
    """Whether the checks themselves would notice a change."""
    if facts.mutation is None:
        text = "No grant was taken away to see whether a check turns red: `rehearse mutate` does that."
        yield Untested(what="The checks themselves", because=text)
    elif facts.mutation.scenario_digest != facts.header.scenario_digest:
        text = "The scenario changed since `rehearse mutate` tried its checks: their score says nothing of this one."
        yield Untested(what="The checks themselves", because=text)


def _request(answer: object) -> str:
    return str(getattr(answer, "request", ""))
