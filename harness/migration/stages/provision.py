"""provision: the target user with its license and profile, then the permission set license. In that order (facts 7.1).

How the target user comes about is the strategy's: it is made, made on a full license and then moved, or it is the old
user itself, converted.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from harness.access.fingerprint import differences
from harness.access.reading.people import User, find_user, read_user
from harness.errors import StageFailed
from harness.migration.records import Preflight
from harness.migration.stages import Stage, Steps
from harness.migration.stages.conversion import convert
from harness.migration.stages.licensing import SEATS, license_user
from harness.migration.stages.setting_up import known_before, move, wait_for_hands
from harness.migration.state import read_state
from harness.migration.strategies import PASSWORD_FLOWS, strategy_of
from harness.migration.target import alias, is_ours, nickname
from harness.migration.writing import writes
from harness.migration.writing.writes import Write
from harness.org.outcome import answer_of
from harness.org.reply import Answer
from harness.org.sign_in import credential

if TYPE_CHECKING:
    from harness.migration.context import Context

COPIED = ("Email", "LocaleSidKey", "LanguageLocaleKey", "TimeZoneSidKey", "EmailEncodingKey")
"""What the new user has in common with the old one."""
PLAN_KEEPS = timedelta(hours=1)
"""How long a plan is trusted without looking again."""
_REPEATED = "invalid repeated password"
"""What an org says of a password that the user has, or had before (reported; the code is INVALID_NEW_PASSWORD)."""


def _provision(context: Context) -> Steps:
    context.about_to_write()
    _still_as_planned(context)
    preflight, username = context.need(Preflight), context.scenario.target_username
    if strategy_of(context.scenario).one_user:
        yield from convert(context, preflight)
    else:
        yield from _make(context, preflight)
    return f"{username} holds {preflight.user_license} with profile {preflight.profile}, and the permission set license"


def _make(context: Context, preflight: Preflight) -> Generator[None, None, None]:
    """Make a second user, and license it."""
    begins_full = strategy_of(context.scenario).begins_full
    source = find_user(context.admin, context.scenario.from_.username)
    if source is None:
        raise StageFailed(f"{context.scenario.from_.username} is gone", stage=context.stage)
    user_id = _make_user(context, source, preflight.full_profile_id if begins_full else preflight.profile_id)
    yield
    if context.scenario.to.sign_in.flow in PASSWORD_FLOWS:
        _set_password(context, user_id)
        yield
    if begins_full:
        wait_for_hands(context, user_id)
        move(context, user_id, preflight)
        yield
    license_user(context, user_id, preflight)
    yield


def _still_as_planned(context: Context) -> None:
    """A plan that has waited is held against the org again before anything is written. Raises StageFailed."""
    made = [record.at for record in context.records(kind="plan")]
    begun = any(record.stage == context.stage for record in context.records(kind="intent"))
    if not made or context.world.clock.now() - made[-1] < PLAN_KEEPS or begun:
        return
    before, now = context.snapshot, read_state(context)
    if now.fingerprint != before.fingerprint:
        raise StageFailed(
            f"the org is not as it was when the plan was made: {'; '.join(differences(before.parts, now.parts))}",
            stage=context.stage,
            remedy="roll this run back and begin a new one, which makes a new plan",
        )


def _make_user(context: Context, source: Mapping[str, Any], profile_id: str) -> str:
    """Create the user, or take up the inactive one that an earlier run of this scenario left."""
    scenario, name = context.scenario, context.world.file.name
    mark = nickname(name, context.run_id)
    standing = read_user(context.admin, scenario.target_username)
    if standing is not None and standing.row["CommunityNickname"] != mark:
        if standing.is_active or not is_ours(standing, name):
            raise StageFailed(
                f"there is a user {scenario.target_username} already, and this run did not make it",
                stage=context.stage,
                place=context.world.file.place("to", "username"),
                remedy="choose another username: what somebody else made is never taken over; what a run made whose "
                "journal is lost, `rehearse adopt` takes up",
            )
        return _take_up(context, standing, mark, profile_id)
    row: dict[str, Any] = {
        "Username": scenario.target_username,
        "LastName": scenario.user_label,
        "Alias": alias(scenario.system),
        "CommunityNickname": mark,
        "ProfileId": profile_id,
        **{column: source[column] for column in COPIED},
    }
    write = Write(
        key="provision/user",
        operation="create",
        sobject="User",
        summary=f"create {scenario.target_username} with profile {_profile_named(context, profile_id)}",
        natural_key={"Username": scenario.target_username, "CommunityNickname": mark},
        after=row,
        inverse="deactivate the user; users cannot be deleted",
        remedy=SEATS,
    )
    return writes.create(context, write, [row])[0]


def _profile_named(context: Context, profile_id: str) -> str:
    preflight = context.need(Preflight)
    return preflight.profile if profile_id == preflight.profile_id else preflight.full_profile


def _take_up(context: Context, user: User, mark: str, profile_id: str) -> str:
    after = {"IsActive": True, "CommunityNickname": mark, "ProfileId": profile_id}
    write = Write(
        key="provision/user",
        operation="update",
        sobject="User",
        summary=f"reactivate {user.username}, which an earlier run of this scenario left",
        natural_key={"Id": user.id},
        before={name: user.row[name] for name in after},
        after=after,
        inverse="deactivate the user again",
        remedy=SEATS,
    )
    writes.update(context, write, user.id, unmodified_since=user.changed)
    return user.id


def _set_password(context: Context, user_id: str) -> None:
    """Set the password the new credential names. It cannot be read back; an org that has it already says so.

    A user who is taken up again, or a run after a crash, sets what stands there; whether it is the one that works is
    seen at the user's sign-in.
    """
    username = context.scenario.target_username
    password = credential(known_before(context.scenario), username, context.world.resolve).part("password")

    def send(_rows: object) -> list[Answer]:
        reply = context.admin.request("POST", f"sobjects/User/{user_id}/password", json={"NewPassword": password})
        if any(_REPEATED in error.message for error in reply.errors):
            return [Answer("APPLIED", reply.status, user_id)]
        return [answer_of(reply, record_id=user_id)]

    write = Write(
        key="provision/password",
        operation="update",
        sobject="User password",
        summary=f"set the password of {username}",
        natural_key={"Id": user_id},
        inverse="goes with the user",
        remedy="choose a password that meets the org's policy",
    )
    writes.perform(context, write, [{}], send=send, look=lambda: [None])


PROVISION = Stage(name="provision", writes=True, run=_provision)
