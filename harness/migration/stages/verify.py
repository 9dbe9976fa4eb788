"""verify: every grant and denial of the scenario is put to the org, and what the new user may do is proven."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.checks.check import make_check
from harness.checks.proof.verdict import in_words
from harness.checks.results import AccessVerdict, CheckResult
from harness.checks.spec import CheckSpec, check_specs
from harness.checks.values import Values
from harness.errors import StageFailed
from harness.migration.proving import prove
from harness.migration.stages import Stage, Steps
from harness.migration.undoing.committed import Committing, undo_committed
from harness.scenario.model import Grant

if TYPE_CHECKING:
    from harness.migration.context import Context

_SHOWN = 5


def _verify(context: Context) -> Steps:
    target, admin = context.world.connect("target"), context.admin
    values = Values(seed=context.world.file.name, clock=context.world.clock)
    failed: list[tuple[str, CheckResult]] = []
    specs = check_specs(context.world.file)
    for spec in specs:
        if isinstance(spec.item, Grant) and spec.item.commit:
            _warn_of_commit(context, spec)
            yield from undo_committed(context, spec.id)
        result = make_check(
            spec,
            target=target,
            admin=admin,
            values=values,
            sign_in=lambda flow: context.world.sign_in("target", flow),
            diary=Committing(context, spec),
        )
        context.record("check", spec.id, result)
        if not result.passed:
            failed.append((spec.id, result))
        yield
    verdict = None if context.only_to_be_undone else prove(context)
    _note_what_was_not_asked(context)
    yield
    if failed:
        raise _red(context, failed, len(specs))
    if verdict is None:
        return f"{len(specs)} checks as expected"
    if not verdict.passed:
        raise _refused(context, verdict)
    return (
        f"{len(specs)} checks as expected; nothing lost or gained that was not agreed to; "
        f"{verdict.agreed} of {verdict.cells} rights on {verdict.objects} objects told alike, in {verdict.calls} calls"
    )


def _warn_of_commit(context: Context, spec: CheckSpec) -> None:
    text = (
        f"{spec.id} writes for real and is cleaned up by the admin: triggers and flows run to their end, deleted rows "
        "go to the recycle bin; if the run breaks off just then, a resume or the rollback cleans it up"
    )
    context.warn(f"committed {spec.id}", text)


def _refused(context: Context, verdict: AccessVerdict) -> StageFailed:
    """Why the verdict is FAIL: what was lost or gained, or else what the witnesses differ about."""
    username = context.scenario.target_username
    if verdict.counterexamples:
        return StageFailed(
            f"{username} does not hold what was agreed to: {in_words(verdict.counterexamples)}",
            stage=context.stage,
            place=context.world.file.place("permissions"),
            remedy="somebody else changed it, or a permission set license was taken away; roll this run back",
        )
    first, *more = [each for each in verdict.disagreements if not each.explained]
    told = f" and {len(more)} more" if more else ""
    return StageFailed(
        f"what {username} may do is told in different ways: {first.cell.name} ({first.cell.access}){told}",
        stage=context.stage,
        remedy=first.explanation,
    )


def _red(context: Context, failed: list[tuple[str, CheckResult]], total: int) -> StageFailed:
    first_id, first = failed[0]
    names = ", ".join(check_id for check_id, _ in failed[:_SHOWN])
    more = f" and {len(failed) - _SHOWN} more" if len(failed) > _SHOWN else ""
    spec = next(each for each in check_specs(context.world.file) if each.id == first_id)
    return StageFailed(
        f"{len(failed)} of {total} checks are red: {names}{more}",
        stage=context.stage,
        place=spec.place,
        remedy=first.remedy or first.reason,
    )


def _note_what_was_not_asked(context: Context) -> None:
    expect = context.scenario.expect
    if not any(item.kind == "apex" for item in (*expect.grants, *expect.denials)):
        text = (
            "Apex, triggers and flows may run in system context, where permissions do not count; no check calls any, "
            "so only what the workload set off was met"
        )
        context.not_tested("apex", text)
    if context.scenario.checks == "exhaustive":
        text = (
            "Deletes were tried and rolled back by the org: what triggers and flows send before that, such as e-mail "
            "and callouts, nobody can take back, and it was not looked for"
        )
        context.not_tested("probes", text)
    if not expect.denials:
        context.not_tested("denials", "The scenario expects no denial: what the new user must not do was not asked")


VERIFY = Stage(name="verify", writes=True, run=_verify)
