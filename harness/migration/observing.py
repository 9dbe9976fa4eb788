"""Who signed in while both users work: samples of LoginHistory that add up.

Each sample reads on from the one before, so that watching for weeks asks the org for each sign-in once. From the
baseline on, when both users had run the workload, every sign-in of the old user is somebody else's: a client that still
holds the old credential.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from harness.access.soql import among, select
from harness.errors import GuardRefused, StageFailed, UsageError
from harness.migration.records import Observation, Preflight
from harness.migration.sign_ins import SignIn, is_of, read_sign_ins
from harness.migration.strategies import strategy_of
from harness.migration.time_box import KIND, own_windows, time_box

if TYPE_CHECKING:
    from harness.migration.context import Context

STAGE = "dual-auth"
BASELINE = "baseline"
SAMPLE = "sample"
"""With a number: the report shows each."""
OVERLAP = timedelta(hours=1)
"""So much of the sample before is read again: a sign-in may show late, and the org's clock is not ours."""
_NEWEST = 10


def baseline_of(context: Context) -> Observation | None:
    """What was seen when this run last signed in as the old user; None before it had."""
    return _last(context, BASELINE)


def observed_last(context: Context) -> Observation | None:
    """The newest sample, with everything before added up."""
    return _last(context)


def observe(context: Context, key: str) -> Observation:
    """Read who signed in since the last sample, add it up, and journal it. Two calls, and one for each further page."""
    scenario, now = context.scenario, context.world.clock.now()
    names = (scenario.from_.username, scenario.target_username)
    rows = context.admin.query(select("User", ("Id", "Username"), where=among("Username", names)))
    usernames = {str(row["Id"]): str(row["Username"]) for row in rows}
    before = _last(context)
    read_from = (before.until if before else _began(context)) - OVERLAP
    seen = read_sign_ins(context.admin, list(usernames), since=read_from)
    known = frozenset(before.counted if before else ())
    new = [each for each in seen if each.id not in known]
    observation = _added_up(context, before, new, usernames, until=now).model_copy(
        update={"read_from": read_from, "counted": tuple(each.id for each in seen if each.at >= now - OVERLAP)}
    )
    context.record("observation", key, observation)
    return observation


def take_sample(context: Context) -> Observation:
    """Add a sample between two stages.

    Raises UsageError when it is not the time in which both users work, and GuardRefused in another org than the run's.
    """
    if baseline_of(context) is None:
        raise UsageError(
            f"run {context.run_id} is not in {STAGE} yet: there is nothing to watch before both users work",
            remedy="`rehearse status` says how far it is, `rehearse resume` goes on",
        )
    if time_box(context) is not None:
        raise UsageError(
            f"run {context.run_id} is past {STAGE}: the old sign-in was ended",
            remedy="`rehearse status` says where it stands",
        )
    _must_be_the_org_of_the_run(context)
    return observe(context, f"{SAMPLE} {len(context.records(kind='observation'))}")


def _must_be_the_org_of_the_run(context: Context) -> None:
    preflight, found = context.find(Preflight), context.prove().org_id
    if preflight is not None and preflight.org.org_id != found:
        raise GuardRefused(
            f"run {context.run_id} is of org {preflight.org.org_id}, and this is {found}",
            remedy="name the org that the run began in; a sandbox that was refreshed is another org",
        )


def is_quiet(seen: Observation, asked: timedelta) -> bool:
    """Whether the old user was quiet for as long as is asked, or nobody but this run was ever seen."""
    return not seen.old_user_foreign_sign_ins or timedelta(seconds=seen.quiet_for_seconds or 0) >= asked


def must_be_quiet(context: Context, seen: Observation) -> None:
    """Raise StageFailed when something still uses the old credential."""
    if is_quiet(seen, context.scenario.dual_auth.old_user_quiet_for):
        return
    last = seen.old_user_foreign_last or seen.old_user_last
    raise StageFailed(
        f"{context.scenario.from_.username} signed in {seen.old_user_foreign_sign_ins} times that this run did not "
        f"make, the last time at {last:%Y-%m-%d %H:%M:%S} UTC: something still uses the old credential",
        stage=context.stage,
        place=context.world.file.place("dual_auth"),
        remedy="find it by the application in the observation, give it the new credential, then `rehearse resume`",
    )


def _last(context: Context, key: str = "") -> Observation | None:
    bodies = [record.body for record in context.records(kind="observation", key=key)]
    return bodies[-1] if bodies and isinstance(bodies[-1], Observation) else None


def _began(context: Context) -> datetime:
    """When dual-auth began."""
    return next(record.at for record in context.records(kind="stage.started") if record.stage == STAGE)


def _added_up(
    context: Context,
    before: Observation | None,
    new: Sequence[SignIn],
    usernames: dict[str, str],
    *,
    until: datetime,
) -> Observation:
    """The counts of the sample before, and what is new."""
    old = context.scenario.from_.username.casefold()
    mine = [each for each in new if usernames[each.user_id].casefold() == old and _by_old_credential(context, each)]
    baseline = baseline_of(context)
    foreign = list(_foreign(context, mine, baseline))
    foreign_last = foreign[-1].at if foreign else before.old_user_foreign_last if before else None
    quiet_since = foreign_last or (baseline.until if baseline else None)
    shown = [each.shown(usernames) for each in reversed(new[-_NEWEST:])]
    return Observation(
        since=_began(context),
        until=until,
        old_user_sign_ins=(before.old_user_sign_ins if before else 0) + len(mine),
        old_user_foreign_sign_ins=(before.old_user_foreign_sign_ins if before else 0) + len(foreign),
        old_user_last=mine[-1].at if mine else before.old_user_last if before else None,
        old_user_foreign_last=foreign_last,
        new_user_sign_ins=(before.new_user_sign_ins if before else 0) + len(new) - len(mine),
        quiet_for_seconds=(until - quiet_since).total_seconds() if quiet_since else None,
        rows=(*shown, *(before.rows if before else ()))[:_NEWEST],
    )


def _foreign(context: Context, mine: Sequence[SignIn], baseline: Observation | None) -> Iterator[SignIn]:
    """The old user's sign-ins since the baseline, but for those that a cut-over which fell back made itself."""
    since = (baseline.old_user_last or baseline.until) if baseline else None
    own = own_windows(context.records(kind=KIND))
    for each in mine:
        if since is not None and each.at > since and not any(begin <= each.at <= end for begin, end in own):
            yield each


def _by_old_credential(context: Context, attempt: SignIn) -> bool:
    """Whether the old credential signed in: with one user, as far as LoginHistory tells it from the new one."""
    scenario = context.scenario
    return not strategy_of(scenario).one_user or is_of(attempt, scenario.from_.sign_in)
