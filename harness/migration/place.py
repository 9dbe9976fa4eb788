"""A user's place in the org: its role, groups and queues. What a change of license or a deactivation took comes back.

Whether a change of profile keeps them is not known (facts section 2), so it is read back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.access.reading.people import User, read_user
from harness.access.soql import among, equals, select
from harness.migration.records import Person
from harness.migration.writing import writes
from harness.migration.writing.writes import Write

if TYPE_CHECKING:
    from harness.migration.context import Context

_INVERSE = "none: it is the user's own"


def give_back_place(context: Context, *, undoes: str | None) -> None:
    """Give the source user the role, groups and queues that it had at the snapshot and has no more."""
    person = context.snapshot.person
    user = read_user(context.admin, person.username)
    if user is not None:
        _role(context, user, person, undoes)
        _memberships(context, user, person, undoes)


def _role(context: Context, user: User, person: Person, undoes: str | None) -> None:
    if person.role is None or user.role is not None:
        return
    roles = context.admin.query(select("UserRole", ("Id",), where=equals("DeveloperName", person.role)))
    if not roles:
        context.warn("role", f"{person.username} has lost its role {person.role}, which is there no more")
        return
    write = Write(
        key=f"{context.stage}/role",
        operation="update",
        sobject="User",
        summary=f"put {person.username} into role {person.role} again",
        natural_key={"Id": user.id},
        before={"UserRoleId": None},
        after={"UserRoleId": str(roles[0]["Id"])},
        inverse=_INVERSE,
        undoes=undoes,
    )
    writes.update(context, write, user.id)


def _memberships(context: Context, user: User, person: Person, undoes: str | None) -> None:
    lost = {*person.groups, *person.queues} - {*user.names("Regular"), *user.names("Queue")}
    if not lost:
        return
    where = f"{among('DeveloperName', sorted(lost))} AND Type IN ('Regular', 'Queue')"
    groups = context.admin.query(select("Group", ("Id",), where=where, order="Id"))
    rows = [{"GroupId": str(row["Id"]), "UserOrGroupId": user.id} for row in groups]
    write = Write(
        key=f"{context.stage}/memberships",
        operation="create",
        sobject="GroupMember",
        summary=f"make {person.username} a member of {', '.join(sorted(lost))} again",
        natural_key={"UserOrGroupId": user.id},
        inverse=_INVERSE,
        undoes=undoes,
    )
    if rows:
        writes.create(context, write, rows)
