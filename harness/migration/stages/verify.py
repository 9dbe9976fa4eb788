"""verify: what the new user has is what the plan says, and every grant and denial of the scenario is put to the org."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.access.compare import compare
from harness.access.people import read_user
from harness.access.reading import read_holdings, read_profile
from harness.checks.check import make_check
from harness.checks.results import CheckResult
from harness.checks.spec import check_specs
from harness.checks.values import Values
from harness.errors import StageFailed
from harness.migration.records import AccessAfter, Intent, Preflight
from harness.migration.stages import Stage, Steps
from harness.migration.stages.snapshot import person_of

if TYPE_CHECKING:
    from harness.migration.context import Context

_SHOWN = 5


def _verify(context: Context) -> Steps:
    target, admin = context.world.connect("target"), context.admin
    values = Values(seed=context.world.file.name, clock=context.world.clock)
    failed: list[tuple[str, CheckResult]] = []
    specs = check_specs(context.world.file)
    for spec in specs:
        result = make_check(
            spec,
            target=target,
            admin=admin,
            values=values,
            sign_in=lambda flow: context.world.sign_in("target", flow),
        )
        context.record("check", spec.id, result)
        if not result.passed:
            failed.append((spec.id, result))
        yield
    difference = _read_back(context)
    _note_what_was_not_asked(context)
    yield
    if failed:
        raise _red(context, failed, len(specs))
    if difference:
        raise StageFailed(
            f"{context.scenario.target_username} does not hold what the plan says: {difference}",
            stage=context.stage,
            remedy="somebody else changed it, or a permission set license was taken away; roll this run back",
        )
    return f"{len(specs)} checks as expected, and the access read back is that of the plan"


def _read_back(context: Context) -> str:
    """What the target user holds now; the difference to the plan in words, or nothing."""
    user = read_user(context.admin, context.scenario.target_username)
    if user is None:
        raise StageFailed(f"there is no user {context.scenario.target_username}", stage=context.stage)
    holdings = read_holdings(context.admin, user)
    effective = holdings.effective
    context.record("access-after", "access-after", AccessAfter(person=person_of(user), effective=effective))
    baseline = read_profile(context.admin, context.need(Preflight).profile_id)
    authorized = {name for name, entity in holdings.setup_ids.items() if entity in _authorized(context)}
    baseline = baseline.model_copy(update={"setup": baseline.setup | authorized})
    difference = compare(expected=context.carried, baseline=baseline, actual=effective)
    return "" if difference.none else str(difference)


def _authorized(context: Context) -> set[str]:
    """The ids of the apps that the authorize stage let the new user use."""
    intents = [record.body for record in context.records(key="authorize/app")]
    return {str(each.natural_key["SetupEntityId"]) for each in intents if isinstance(each, Intent)}


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
    if not expect.denials:
        context.not_tested("denials", "The scenario expects no denial: what the new user must not do was not asked")


VERIFY = Stage(name="verify", writes=True, run=_verify)
