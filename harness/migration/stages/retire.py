"""retire: the old user is deactivated, and what that may lose is counted before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.access.soql import equals, select
from harness.migration.stages import Stage, Steps
from harness.migration.state import the_user
from harness.migration.writing import writes
from harness.migration.writing.writes import Write

if TYPE_CHECKING:
    from harness.migration.context import Context


def _retire(context: Context) -> Steps:
    user = the_user(context, context.scenario.from_.username)
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
    writes.update(context, write, user.id, unmodified_since=user.changed)
    yield
    return f"{user.username} is deactivated; counted before: {losses}"


RETIRE = Stage(name="retire", writes=True, run=_retire)
