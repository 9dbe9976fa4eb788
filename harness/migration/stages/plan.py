"""plan: what of the source user's access the target user will get, and what it will lose. Nothing is written."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from typing import TYPE_CHECKING

from harness import __version__
from harness.access.algebra import atoms
from harness.access.ceiling import Ceiling, read_ceiling
from harness.access.dependencies import read_dependencies
from harness.access.linting.rules import Known, LintedSet, lint
from harness.access.reading.holdings import read_profile
from harness.access.reading.people import read_user
from harness.access.reading.set_metadata import SetMetadata, try_read
from harness.migration.old_sign_in import find_old_app
from harness.migration.planning.losses import untried_objects
from harness.migration.planning.plan import Facts, Planned, make_plan
from harness.migration.records import Preflight, TriedCeiling, Usage
from harness.migration.stages import PlanRefused, Stage, Steps
from harness.migration.state import find_scenario_app
from harness.migration.target import PERMISSION_SET_LICENSE
from harness.migration.usage import usage_of

if TYPE_CHECKING:
    from harness.migration.context import Context


_TOLD = ("license-not-assignable", "license-grants-nothing", "broader-than-its-name")
"""What the linter may say of sets that an org already holds."""


def _plan(context: Context) -> Steps:
    preflight, snapshot, admin = context.need(Preflight), context.snapshot, context.admin
    ceiling = known_ceiling(context)
    yield
    facts = Facts(
        snapshot=snapshot,
        preflight=preflight,
        ceiling=ceiling,
        dependencies=read_dependencies(admin, atoms(snapshot.effective), snapshot.masters),
        app=find_scenario_app(context),
        made=context.world.clock.now(),
        tool_version=__version__,
        residue=read_user(admin, context.scenario.target_username) is not None,
        usage=_usage(context),
        findings=tuple(_findings(context, ceiling)),
        profile=_profile(context),
        old_app=find_old_app(context),
    )
    planned = make_plan(context.world.file, facts)
    plan = planned.plan
    context.record("plan", "plan", plan)
    _warn(context, planned)
    yield
    if not plan.executable:
        raise PlanRefused(
            str(plan.refusal),
            stage=context.stage,
            place=context.world.file.place("permissions"),
            remedy="accept each by name with its reason under permissions.accept (`rehearse plan` prints the lines to "
            "paste), or leave this user on its license",
        )
    return (
        f"{len(plan.writes)} writes in {plan.calls} calls, {len(plan.losses)} losses, all accounted for; digest "
        f"{plan.digest[:16]}"
    )


def known_ceiling(context: Context) -> Ceiling:
    """What the license can carry: as the org says, mended by what a trial showed where one was made."""
    admin, profile_id = context.admin, context.need(Preflight).profile_id
    ceiling = read_ceiling(
        admin,
        developer_name=PERMISSION_SET_LICENSE,
        baseline=read_profile(admin, profile_id),
        further=context.scenario.permissions.licenses,
    )
    trial = context.find(TriedCeiling)
    if trial is None:
        return ceiling
    return ceiling.tried(
        refused=trial.refused, beyond=trial.beyond, carried_with=trial.carried_with, answers=trial.answers
    )


def _profile(context: Context) -> SetMetadata:
    """What the target's profile tells beside its permissions; asked only where the source user's tells anything."""
    beside, profile_id = context.snapshot.beside, context.need(Preflight).profile_id
    if not (beside.default_record_types or beside.login_hours or beside.login_ip_ranges):
        return SetMetadata()
    profile, _, unread = try_read(context.admin, profile_id, ())
    for text in unread:
        context.not_tested("plan: new profile", f"the org would not tell {text}")
    return profile


def _usage(context: Context) -> Usage | None:
    """What the integration uses, where the scenario copies no more than that: read once, and journaled."""
    found = context.find(Usage)
    if found is None and context.scenario.permissions.copy_ == "used":
        found = usage_of(context.world.file, context.snapshot, context.admin)
        context.record("usage", "usage", found)
    return found


def _findings(context: Context, ceiling: Ceiling) -> Iterator[str]:
    if context.scenario.permissions.ceiling == "try" and context.find(TriedCeiling) is None:
        yield "what the license can carry was asked of the org and not tried, since nothing was to be written"
    if context.find(TriedCeiling) is None:
        yield from untried_objects(context.snapshot.sources, ceiling)
    sets = [
        LintedSet(each.name, each.label, f"permission set {each.name}", each.access, each.license)
        for each in context.snapshot.sources
        if each.kind == "permission-set"
    ]
    for found in lint(sets, Known(permission_set_licenses=ceiling.names)):
        if found.rule in _TOLD:
            yield str(found)


def _warn(context: Context, planned: Planned) -> None:
    for placed in planned.idle_drops:
        text = f"{placed.place}: this drop takes nothing away, the source user does not hold it"
        context.warn(f"idle drop {placed.place}", text)
    for accepted in planned.idle_acceptances:
        near = get_close_matches(accepted.line, [loss.line for loss in planned.plan.losses if not loss.accepted], n=1)
        hint = f"; did you mean `{near[0]}`?" if near else ""
        text = f"{accepted.place}: nothing is lost that is called `{accepted.line}`{hint}"
        context.warn(f"idle acceptance {accepted.place}", text)
    for number, text in enumerate(planned.plan.warnings, start=1):
        context.warn(f"plan {number}", text)


PLAN = Stage(name="plan", writes=False, run=_plan)
