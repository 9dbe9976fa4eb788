"""cut-over: the old sign-in ends, which must then be refused, and the new user does the work alone.

With two users the old one is frozen. With one, what the old sign-in alone uses is taken away, where anything is.

It is through within the scenario's `cut_over.within` of its first write, or it falls back by itself: the first failed
check or operation, or the end of that time, undoes it at once. Before that write it can be postponed by a file.
"""

from __future__ import annotations

from collections.abc import Generator
from datetime import timedelta
from typing import TYPE_CHECKING

from harness.access.reading.people import User
from harness.checks.spec import operation_specs
from harness.checks.workload import compare
from harness.errors import OrgError, RehearseError, SignInRefused, StageFailed
from harness.migration.observing import must_be_quiet, observe, observed_last
from harness.migration.old_sign_in import end_old_sign_in, try_old_sign_in
from harness.migration.others.audit import compare_with_audit_trail
from harness.migration.proving import check_still_so
from harness.migration.seats import seats_of_profile, way_back_profile
from harness.migration.stages import Stage, Steps, Waiting
from harness.migration.stages.falling_back import fall_back
from harness.migration.stages.workload import note_rows_left, unlike_error, workload_of
from harness.migration.state import the_user
from harness.migration.strategies import strategy_of
from harness.migration.time_box import STAGE, check_box, open_box, ran_out, time_box
from harness.migration.writing import writes
from harness.migration.writing.writes import Write
from harness.org.meter import LimitReached

if TYPE_CHECKING:
    from harness.migration.context import Context

_SEEN_JUST_NOW = timedelta(minutes=10)
"""A cut-over that comes later than this after the last sample looks once more whether the old user is quiet."""


def _cut_over(context: Context) -> Steps:
    box = time_box(context)
    if box is None:
        yield from _before_the_first_write(context)
    elif box.falling_back is not None:
        yield from fall_back(context, box.falling_back)
    elif context.world.clock.now() > box.ends:
        yield from fall_back(context, f"{ran_out(context)} before it was taken up again")
    try:
        return (yield from _cut(context))
    except (OrgError, StageFailed, LimitReached) as error:
        failed: RehearseError = error
    if time_box(context) is None:
        raise failed  # nothing was written
    return (yield from fall_back(context, failed.message, failed))


def _before_the_first_write(context: Context) -> Generator[None, None, None]:
    """Wait while it is postponed, and see once more that everything is as it was. Raises Waiting and StageFailed."""
    postponed = context.world.postponed()
    if postponed is not None and (postponed.until is None or not context.world.clock.pass_until(postponed.until)):
        raise Waiting(
            str(postponed),
            until=postponed.until,
            remedy=f"take the run up then with `rehearse resume`, or remove {postponed.file} and take it up now",
        )
    seen = observed_last(context)
    if seen is not None and context.world.clock.now() - seen.until > _SEEN_JUST_NOW:
        seen = observe(context, STAGE)
        yield
    if seen is not None:
        must_be_quiet(context, seen)
    check_still_so(context)  # later, this stage itself has taken away what the old sign-in uses
    yield


def _cut(context: Context) -> Steps:
    """End the old sign-in and let the new user work; every failure is raised at once."""
    username = context.scenario.from_.username
    open_box(context)
    if strategy_of(context.scenario).one_user:
        _check_way_back(context)
        done = _end_and_try(context)
    else:
        _freeze(context, the_user(context, username))
        yield
        _must_be_refused(context)
        done = f"{username} is frozen and its sign-in refused"
    yield
    yield from _work_alone(context)
    compare_with_audit_trail(context)
    if context.scenario.finish == "freeze" and not strategy_of(context.scenario).one_user:
        context.not_tested(
            "deactivation", f"{username} is frozen, and its license seat stays taken; deactivation was not rehearsed"
        )
    return f"{done}; {len(context.scenario.workload)} operations ran as the new user"


def _work_alone(context: Context) -> Generator[None, None, None]:
    """Run the workload as the new user, up to the first operation that fails. Raises StageFailed."""
    box = time_box(context)
    target, workload = context.world.connect("target"), workload_of(context)
    for spec in operation_specs(context.world.file):
        check_box(context, box)
        new = workload.run(spec, target, round=f"{context.stage} {context.run_id}")
        comparison = compare(spec, None, new)
        context.record("comparison", spec.id, comparison)
        if not comparison.equal:
            note_rows_left(context, workload)
            raise unlike_error(context, [(spec.id, comparison)], "fail for the new user alone")
        yield
    note_rows_left(context, workload)


def _check_way_back(context: Context) -> None:
    """Say whether the seat that a rollback needs is still free."""
    seats = seats_of_profile(context.admin, way_back_profile(context))
    if seats is None or seats.free < 1:
        label = seats.label if seats else "the old license"
        context.warn("way back", f"No seat of {label} is free: until one is, this migration cannot be rolled back")


def _end_and_try(context: Context) -> str:
    """End the old sign-in and try it: what was said to end it must have ended it. Raises StageFailed."""
    username = context.scenario.from_.username
    ending = end_old_sign_in(context)
    refusal = try_old_sign_in(context)
    if refusal is not None:
        context.not_tested(
            "sessions", "Whether sessions that the old credential opened before still work was not tried"
        )
        context.warn("old credential", f"the old credential of {username} was refused: {refusal}")
        return f"the old credential of {username} is refused"
    if ending.how != "nothing":
        raise StageFailed(
            f"the old credential of {username} still works, though what it uses was taken away",
            stage=context.stage,
            place=context.world.file.place("from", "sign_in"),
            remedy="its app may run as another user, or a profile gives the app: look at the app's policies",
        )
    text = f"The old credential of {username} still works, and this run does not end it: {ending.because}"
    context.not_tested("old credential", text)
    context.warn("old credential", text)
    return f"the old credential of {username} still works: {ending.because}"


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
    writes.update(context, write, user.login_id, unmodified_since=user.login_changed)


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


CUT_OVER = Stage(name=STAGE, writes=True, run=_cut_over)
