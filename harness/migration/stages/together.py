"""dual-auth, cut-over and retire: both users work, then only the new one, and then the old one is gone.

In dual-auth the workload runs as both users and is compared. From the moment this run last signs in as the old user,
every sign-in of that user is somebody else's: a client that still holds the old credential.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from harness.access.people import User, read_user
from harness.access.soql import among, equals, select
from harness.checks.results import Comparison
from harness.checks.spec import operation_specs
from harness.checks.values import Values
from harness.checks.workload import Workload, compare
from harness.errors import SignInRefused, StageFailed
from harness.migration import writes
from harness.migration.records import Observation
from harness.migration.sign_ins import SignIn, read_sign_ins
from harness.migration.stages import Stage, Steps, Waiting
from harness.migration.writes import Write

if TYPE_CHECKING:
    from harness.migration.context import Context

_BASELINE = "baseline"
_SHOWN = 5
_NEWEST = 10


def _dual_auth(context: Context) -> Steps:
    dual_auth, clock = context.scenario.dual_auth, context.world.clock
    began = context.records(kind="stage.started", key="")
    start = next(record.at for record in began if record.stage == context.stage)
    if (baseline := _baseline(context)) is None:
        yield from _compare(context)
        baseline = _observe(context, start, _BASELINE, None)
        yield
    until = start + dual_auth.for_
    if not clock.pass_until(until):
        raise Waiting(
            f"both users work until {until:%Y-%m-%d %H:%M} UTC",
            until=until,
            remedy="take the run up then with `rehearse resume`; meanwhile `rehearse status` shows who signs in",
        )
    if context.world.site.simulated:
        text = (
            f"{_span(dual_auth.for_)} of dual-auth passed on the clock of the simulated org; no real client ran in it"
        )
        context.not_tested("time", text)
    seen = _observe(context, start, "dual-auth", baseline)
    yield
    quiet = timedelta(seconds=seen.quiet_for_seconds or 0)
    if seen.old_user_foreign_sign_ins and quiet < dual_auth.old_user_quiet_for:
        raise _not_quiet(context, seen)
    return (
        f"{len(context.scenario.workload)} operations alike for both users; no sign-in of the old user in the last "
        f"{_span(dual_auth.old_user_quiet_for)}"
    )


def _compare(context: Context) -> Steps:
    """Run the workload as both users, operation by operation. Raises StageFailed when any answer differs."""
    workload = _workload(context)
    source, target = context.world.connect("source"), context.world.connect("target")
    turn = f"{context.stage} {context.run_id}"
    drops = context.scenario.permissions.drop
    unlike = []
    for spec in operation_specs(context.world.file):
        old = workload.run(spec, source, round=turn)
        new = workload.run(spec, target, round=turn)
        comparison = compare(spec, old, new, drops=drops)
        context.record("comparison", spec.id, comparison)
        if not comparison.equal:
            unlike.append((spec.id, comparison))
        yield
    _note_rows_left(context, workload)
    if unlike:
        raise _unlike(context, unlike, "differ between the old and the new user")
    return ""


def _workload(context: Context) -> Workload:
    return Workload(Values(seed=context.world.file.name, clock=context.world.clock))


def _note_rows_left(context: Context, workload: Workload) -> None:
    if workload.left:
        rows = ", ".join(f"{count} {name}" for name, count in sorted(workload.left.items()))
        context.warn("rows left", f"The workload left rows in the sandbox: {rows}")


def _unlike(context: Context, unlike: Sequence[tuple[str, Comparison]], how: str) -> StageFailed:
    names = ", ".join(name for name, _ in unlike[:_SHOWN])
    more = f" and {len(unlike) - _SHOWN} more" if len(unlike) > _SHOWN else ""
    first_id, first = unlike[0]
    spec = next(each for each in operation_specs(context.world.file) if each.id == first_id)
    return StageFailed(
        f"{len(unlike)} operations {how}: {names}{more}; {'; '.join(first.differences[:_SHOWN])}",
        stage=context.stage,
        place=spec.place,
        remedy=first.remedy,
    )


def _baseline(context: Context) -> Observation | None:
    """What was seen when both users had run the workload: it is not run again when the run is taken up."""
    for record in context.records(kind="observation", key=_BASELINE):
        if isinstance(record.body, Observation):
            return record.body
    return None


def _observe(context: Context, start: datetime, key: str, baseline: Observation | None) -> Observation:
    """Read who signed in, and journal it. After the baseline, every sign-in of the old user is somebody else's."""
    scenario = context.scenario
    names = (scenario.from_.username, scenario.to.username)
    rows = context.admin.query(select("User", ("Id", "Username"), where=among("Username", names)))
    usernames = {str(row["Id"]): str(row["Username"]) for row in rows}
    old = next((one for one, name in usernames.items() if name.casefold() == names[0].casefold()), "")
    now = context.world.clock.now()
    seen = read_sign_ins(context.admin, list(usernames), since=start - timedelta(hours=1))
    mine = [each for each in seen if each.user_id == old]
    foreign = [each for each in mine if baseline and each.at > (baseline.old_user_last or baseline.until)]
    quiet_since = foreign[-1].at if foreign else baseline.until if baseline else None
    observation = Observation(
        since=start,
        until=now,
        old_user_sign_ins=len(mine),
        old_user_foreign_sign_ins=len(foreign),
        old_user_last=mine[-1].at if mine else None,
        new_user_sign_ins=len(seen) - len(mine),
        quiet_for_seconds=(now - quiet_since).total_seconds() if quiet_since else None,
        rows=tuple(each.shown(usernames) for each in _newest(seen)),
    )
    context.record("observation", key, observation)
    return observation


def _newest(seen: Sequence[SignIn]) -> list[SignIn]:
    return list(reversed(seen))[:_NEWEST]


def _user(context: Context, username: str) -> User:
    user = read_user(context.admin, username)
    if user is None:
        raise StageFailed(f"there is no user {username}", stage=context.stage)
    return user


def _not_quiet(context: Context, seen: Observation) -> StageFailed:
    username = context.scenario.from_.username
    last = seen.old_user_last
    return StageFailed(
        f"{username} signed in {seen.old_user_foreign_sign_ins} times that this run did not make, the last time at "
        f"{last:%Y-%m-%d %H:%M:%S} UTC: something still uses the old credential",
        stage=context.stage,
        place=context.world.file.place("dual_auth"),
        remedy="find it by the application in the observation, give it the new credential, then `rehearse resume`",
    )


def _span(span: timedelta) -> str:
    hours = round(span.total_seconds() / 3600)
    return f"{hours // 24} days" if hours >= 48 and hours % 24 == 0 else f"{hours} hours"


def _cut_over(context: Context) -> Steps:
    username = context.scenario.from_.username
    _freeze(context, _user(context, username))
    yield
    _must_be_refused(context)
    yield
    target, workload = context.world.connect("target"), _workload(context)
    failed = []
    for spec in operation_specs(context.world.file):
        new = workload.run(spec, target, round=f"{context.stage} {context.run_id}")
        comparison = compare(spec, None, new)
        context.record("comparison", spec.id, comparison)
        if not comparison.equal:
            failed.append((spec.id, comparison))
        yield
    _note_rows_left(context, workload)
    if failed:
        raise _unlike(context, failed, "fail for the new user alone")
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


def _retire(context: Context) -> Steps:
    user = _user(context, context.scenario.from_.username)
    managed = context.admin.query(select("User", ("Id",), where=equals("ManagerId", user.id)))
    groups, queues = user.names("Regular"), user.names("Queue")
    losses = (
        f"{len(groups)} group and {len(queues)} queue memberships, {len(user.licenses)} permission set licenses, "
        f"{len(managed)} users whose manager it is"
    )
    context.warn("retire", f"deactivating {user.username} may lose {losses}")
    yield
    write = Write(
        key="retire/deactivate",
        operation="update",
        sobject="User",
        summary=f"deactivate {user.username}",
        natural_key={"Id": user.id},
        before={"IsActive": user.is_active},
        after={"IsActive": False},
        inverse="activate the user, and give back what deactivation took",
        remedy="the org names what still refers to the user: hand that over first",
    )
    writes.update(context, write, user.id)
    yield
    return f"{user.username} is deactivated; counted before: {losses}"


DUAL_AUTH = Stage(name="dual-auth", writes=True, run=_dual_auth)
CUT_OVER = Stage(name="cut-over", writes=True, run=_cut_over)
RETIRE = Stage(name="retire", writes=True, run=_retire)
