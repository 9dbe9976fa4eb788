"""dual-auth: both users work, their answers are compared, and the sign-ins of both are watched.

From the moment this run last signs in as the old user, every sign-in of that user is somebody else's: a client that
still holds the old credential.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from harness.access.soql import among, select
from harness.errors import StageFailed
from harness.migration.old_sign_in import try_old_sign_in
from harness.migration.records import Observation
from harness.migration.sign_ins import SignIn, is_of, read_sign_ins, told_apart
from harness.migration.stages import Stage, Steps, Waiting
from harness.migration.stages.workload import compare_new
from harness.migration.strategies import strategy_of

if TYPE_CHECKING:
    from harness.migration.context import Context

_BASELINE = "baseline"
_NEWEST = 10


def _dual_auth(context: Context) -> Steps:
    dual_auth, clock = context.scenario.dual_auth, context.world.clock
    began = context.records(kind="stage.started", key="")
    start = next(record.at for record in began if record.stage == context.stage)
    if (baseline := _baseline(context)) is None:
        yield from compare_new(context)
        _note_what_looks_alike(context)
        yield from _both_work(context)
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


def _baseline(context: Context) -> Observation | None:
    """What was seen when both users had run the workload: it is not run again when the run is taken up."""
    for record in context.records(kind="observation", key=_BASELINE):
        if isinstance(record.body, Observation):
            return record.body
    return None


def _observe(context: Context, start: datetime, key: str, baseline: Observation | None) -> Observation:
    """Read who signed in, and journal it. After the baseline, every sign-in of the old user is somebody else's."""
    scenario = context.scenario
    names = (scenario.from_.username, scenario.target_username)
    rows = context.admin.query(select("User", ("Id", "Username"), where=among("Username", names)))
    usernames = {str(row["Id"]): str(row["Username"]) for row in rows}
    old = next((one for one, name in usernames.items() if name.casefold() == names[0].casefold()), "")
    now = context.world.clock.now()
    seen = read_sign_ins(context.admin, list(usernames), since=start - timedelta(hours=1))
    mine = [each for each in seen if each.user_id == old and _by_old_credential(context, each)]
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


def _by_old_credential(context: Context, attempt: SignIn) -> bool:
    """Whether the old credential signed in: with one user, as far as LoginHistory tells it from the new one."""
    scenario = context.scenario
    return not strategy_of(scenario).one_user or is_of(attempt, scenario.from_.sign_in)


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


def _newest(seen: Sequence[SignIn]) -> list[SignIn]:
    return list(reversed(seen))[:_NEWEST]


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


DUAL_AUTH = Stage(name="dual-auth", writes=True, run=_dual_auth)
