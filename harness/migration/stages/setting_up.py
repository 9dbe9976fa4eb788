"""temporary-full-license: what only a person can do as the new user, while it has a user interface; then the move.

An API-only user is never shown a page (facts 4.7), so it cannot reset its security token or approve an app by itself.
With the full license it can, in a browser. No API call stands in for that: the stage stops, says what is to be done,
and goes on when the org shows that it was done.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from harness.access.soql import equals, select
from harness.errors import Stopped
from harness.migration.sign_ins import UI_LOGIN_TYPES, read_sign_ins
from harness.migration.stages.licensing import SEATS
from harness.migration.state import find_scenario_app
from harness.migration.strategies import PASSWORD_FLOWS
from harness.migration.writing import writes
from harness.migration.writing.writes import Write

if TYPE_CHECKING:
    from harness.migration.context import Context
    from harness.migration.records import Preflight
    from harness.scenario.model import Scenario
    from harness.scenario.sign_in import SignIn

_SUCCESS = "Success"
_NOTHING = "temporary full license"


@dataclass(frozen=True, slots=True)
class _Task:
    """Something only the user itself can do, and whether the org shows that it was done."""

    what: str
    done: bool


def known_before(scenario: Scenario) -> SignIn:
    """The new sign-in as far as it can be known before the user is there: a security token is reset by the user."""
    if scenario.to.strategy == "temporary-full-license" and needs_token(scenario.to.sign_in):
        return scenario.to.sign_in.model_copy(update={"security_token": None})
    return scenario.to.sign_in


def needs_token(sign_in: SignIn) -> bool:
    """Whether a sign-in holds a security token."""
    return sign_in.flow in PASSWORD_FLOWS and getattr(sign_in, "security_token", None) is not None


def wait_for_hands(context: Context, user_id: str) -> None:
    """Go on when there is nothing that the user must do itself, or it was done. Raises Stopped."""
    if context.records(kind="intent", key="provision/move"):
        return
    tasks = list(_tasks(context, user_id))
    open_tasks = [task.what for task in tasks if not task.done]
    if open_tasks:
        raise Stopped(
            f"{context.scenario.target_username} has the full license, and must now be set up in a browser: "
            f"{'; '.join(open_tasks)}",
            remedy="sign in as it at the org's login page, do that, then `rehearse resume` moves it on",
        )
    if not tasks:
        flow = context.scenario.to.sign_in.flow
        text = (
            f"Nothing in a {flow} sign-in needed the full license: an admin can do all of it, and strategy new-user "
            "needs no seat of it"
        )
        context.warn(_NOTHING, text)


def _tasks(context: Context, user_id: str) -> Iterator[_Task]:
    sign_in = context.scenario.to.sign_in
    if needs_token(sign_in):
        reference = getattr(sign_in, "security_token", "")
        what = f"reset its security token, and put the new one where {reference} names"
        yield _Task(what, _seen_in_browser(context, user_id))
    app = find_scenario_app(context)
    if sign_in.flow == "jwt-bearer" and app is not None and not app.needs_approval:
        where = f"{equals('UserId', user_id)} AND {equals('AppName', app.name)}"
        rows = context.admin.query(select("OauthToken", ("Id",), where=where))
        yield _Task(f"approve {app.name}", bool(rows))


def _seen_in_browser(context: Context, user_id: str) -> bool:
    """Whether the user signed in to the user interface since this run made it."""
    made = [record.at for record in context.records(kind="intent", key="provision/user")]
    since = (made[0] if made else context.world.clock.now()) - timedelta(minutes=1)
    seen = read_sign_ins(context.admin, [user_id], since=since)
    return any(each.row["LoginType"] in UI_LOGIN_TYPES and each.row["Status"] == _SUCCESS for each in seen)


def move(context: Context, user_id: str, preflight: Preflight) -> None:
    """Move the new user from the full license to the one it is to hold."""
    username = context.scenario.target_username
    write = Write(
        key="provision/move",
        operation="update",
        sobject="User",
        summary=f"move {username} to profile {preflight.profile}",
        natural_key={"Id": user_id},
        before={"ProfileId": preflight.full_profile_id},
        after={"ProfileId": preflight.profile_id},
        inverse="goes with the user",
        remedy=SEATS,
    )
    writes.update(context, write, user_id)
