"""cut-over: the old user is frozen, its sign-in must be refused, and the new user does the work alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.access.people import User
from harness.checks.spec import operation_specs
from harness.checks.workload import compare
from harness.errors import SignInRefused, StageFailed
from harness.migration import writes
from harness.migration.stages import Stage, Steps
from harness.migration.stages.workload import note_rows_left, unlike_error, workload_of
from harness.migration.state import the_user
from harness.migration.writes import Write

if TYPE_CHECKING:
    from harness.migration.context import Context


def _cut_over(context: Context) -> Steps:
    username = context.scenario.from_.username
    _freeze(context, the_user(context, username))
    yield
    _must_be_refused(context)
    yield
    target, workload = context.world.connect("target"), workload_of(context)
    failed = []
    for spec in operation_specs(context.world.file):
        new = workload.run(spec, target, round=f"{context.stage} {context.run_id}")
        comparison = compare(spec, None, new)
        context.record("comparison", spec.id, comparison)
        if not comparison.equal:
            failed.append((spec.id, comparison))
        yield
    note_rows_left(context, workload)
    if failed:
        raise unlike_error(context, failed, "fail for the new user alone")
    if context.scenario.finish == "freeze":
        context.not_tested(
            "deactivation", f"{username} is frozen, and its license seat stays taken; deactivation was not rehearsed"
        )
    return (
        f"{username} is frozen and its sign-in refused; {len(context.scenario.workload)} operations ran as the new user"
    )


def _freeze(context: Context, user: User) -> None:
    if user.login_id is None:
        raise StageFailed(
            f"the org shows no UserLogin row of {user.username}",
            stage=context.stage,
            remedy="the admin needs the system permission Manage Users",
        )
    write = Write(
        key="cut-over/freeze",
        operation="update",
        sobject="UserLogin",
        summary=f"freeze {user.username}",
        natural_key={"Id": user.login_id},
        before={"IsFrozen": user.is_frozen},
        after={"IsFrozen": True},
        inverse="unfreeze the user",
    )
    writes.update(context, write, user.login_id)


def _must_be_refused(context: Context) -> None:
    """Try the old credential: a frozen user must not get in."""
    sign_in = context.scenario.from_.sign_in
    try:
        context.world.sign_in("source", sign_in.flow)
    except SignInRefused as refusal:
        text = "Whether sessions that the old user opened before it was frozen still work was not tried"
        context.not_tested("sessions", text)
        context.warn("frozen", f"the old user's sign-in was refused: {refusal.code}: {refusal.description}")
        return
    raise StageFailed(
        f"{context.scenario.from_.username} is frozen, and could sign in all the same",
        stage=context.stage,
        place=context.world.file.place("from", "sign_in"),
        remedy="its app may run as another user: look at the app's policies",
    )


CUT_OVER = Stage(name="cut-over", writes=True, run=_cut_over)
