"""dual-auth: both users work, their answers are compared, and the sign-ins of both are watched.

From the moment this run last signs in as the old user, every sign-in of that user is somebody else's: a client that
still holds the old credential.
"""

from __future__ import annotations

from collections.abc import Generator
from datetime import timedelta
from typing import TYPE_CHECKING

from harness.errors import StageFailed
from harness.migration.observing import BASELINE, STAGE, baseline_of, must_be_quiet, observe
from harness.migration.old_sign_in import try_old_sign_in
from harness.migration.sign_ins import told_apart
from harness.migration.stages import Stage, Steps, Waiting
from harness.migration.stages.workload import compare_new
from harness.migration.strategies import strategy_of

if TYPE_CHECKING:
    from harness.migration.context import Context


def _dual_auth(context: Context) -> Steps:
    dual_auth, clock = context.scenario.dual_auth, context.world.clock
    began = context.records(kind="stage.started", key="")
    start = next(record.at for record in began if record.stage == context.stage)
    if baseline_of(context) is None:
        yield from compare_new(context)
        _note_what_looks_alike(context)
        yield from _both_work(context)
        observe(context, BASELINE)
        yield
    until = start + dual_auth.for_
    if not clock.pass_until(until):
        raise Waiting(
            f"both users work until {until:%Y-%m-%d %H:%M} UTC",
            until=until,
            remedy="take the run up then with `rehearse resume`; meanwhile `rehearse observe` shows who signs in",
        )
    if context.world.site.simulated:
        text = (
            f"{_span(dual_auth.for_)} of dual-auth passed on the clock of the simulated org; no real client ran in it"
        )
        context.not_tested("time", text)
    seen = observe(context, STAGE)
    yield
    must_be_quiet(context, seen)
    whose = "by the old credential" if strategy_of(context.scenario).one_user else "of the old user"
    return (
        f"{len(context.scenario.workload)} operations alike for both users; no sign-in {whose} in the last "
        f"{_span(dual_auth.old_user_quiet_for)}"
    )


def _both_work(context: Context) -> Generator[None, None, None]:
    """With one user: the old credential must get in beside the new one, or the time of both is none."""
    if not strategy_of(context.scenario).one_user:
        return
    refusal = try_old_sign_in(context)
    yield
    if refusal is not None:
        raise StageFailed(
            f"the old credential of {context.scenario.from_.username} works no more since the conversion: {refusal}",
            stage=context.stage,
            place=context.world.file.place("from", "sign_in"),
            remedy="let the permission set carry what it signs in with (its app, Use Any API Auth), or choose new-user",
        )


def _note_what_looks_alike(context: Context) -> None:
    """Say so where the sign-ins of one user's two credentials cannot be told apart."""
    scenario = context.scenario
    if not strategy_of(scenario).one_user:
        return
    old, new = scenario.from_.sign_in, scenario.to.sign_in
    if not told_apart(old, new):
        text = "LoginHistory shows the sign-ins of both credentials alike: whether the old one is quiet is not known"
        context.not_tested("old credential quiet", text)
    if old.flow == "access-token":
        text = "A given access token signs in to nothing: whether somebody still uses the old one is not known"
        context.not_tested("old credential quiet", text)


def _span(span: timedelta) -> str:
    hours = round(span.total_seconds() / 3600)
    return f"{hours // 24} days" if hours >= 48 and hours % 24 == 0 else f"{hours} hours"


DUAL_AUTH = Stage(name=STAGE, writes=True, run=_dual_auth)
