"""plan: what of the source user's access the target user will get, and what it will lose. Nothing is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.access.algebra import atoms
from harness.access.ceiling import read_ceiling
from harness.access.dependencies import read_dependencies
from harness.access.people import read_user
from harness.access.reading import read_profile
from harness.migration.plan import Facts, make_plan
from harness.migration.records import Preflight
from harness.migration.stages import PlanRefused, Stage, Steps
from harness.migration.state import find_scenario_app
from harness.migration.target import PERMISSION_SET_LICENSE

if TYPE_CHECKING:
    from harness.migration.context import Context


def _plan(context: Context) -> Steps:
    preflight, snapshot, admin = context.need(Preflight), context.snapshot, context.admin
    baseline = read_profile(admin, preflight.profile_id)
    ceiling = read_ceiling(admin, developer_name=PERMISSION_SET_LICENSE, baseline=baseline)
    yield
    facts = Facts(
        snapshot=snapshot,
        preflight=preflight,
        ceiling=ceiling,
        dependencies=read_dependencies(admin, atoms(snapshot.effective), snapshot.masters),
        app=find_scenario_app(context),
        residue=read_user(admin, context.scenario.target_username) is not None,
    )
    plan, decision = make_plan(context.world.file, facts)
    context.record("plan", "plan", plan)
    for placed in decision.idle_drops:
        text = f"{placed.place}: this drop takes nothing away, the source user does not hold it"
        context.warn(f"idle drop {placed.place}", text)
    yield
    if not plan.executable:
        raise PlanRefused(
            str(plan.refusal),
            stage=context.stage,
            place=context.world.file.place("permissions"),
            remedy="drop each with its reason under permissions.drop, or leave this user on its license",
        )
    return (
        f"{len(plan.writes)} writes in {plan.calls} calls, {len(plan.losses)} losses, all accounted for; digest "
        f"{plan.digest[:16]}"
    )


PLAN = Stage(name="plan", writes=False, run=_plan)
