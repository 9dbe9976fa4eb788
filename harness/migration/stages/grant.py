"""grant: one permission set with no license, assigned, filled in bulk; then role, groups and queues.

The set is assigned while it is still empty of rows: from then on the org checks every row that is written against the
user's licenses and refuses exactly those they cannot carry, each by name. An assignment of a full set would name only
the first (facts 1.6). Setup objects and records are never written in one request (facts 5.7).
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from typing import TYPE_CHECKING

from harness.access.reading.asking import ask
from harness.access.reading.people import find_user
from harness.access.reading.permission_rows import object_rights
from harness.access.soql import among, equals, select
from harness.errors import StageFailed
from harness.migration.marking import set_mark
from harness.migration.others.three_way import LAST_WRITER, Difference, last_writer
from harness.migration.planning import grants
from harness.migration.record_types import show_record_types
from harness.migration.stages import Stage, Steps
from harness.migration.strategies import strategy_of
from harness.migration.writing import writes
from harness.migration.writing.writes import Write, WriteRefused

if TYPE_CHECKING:
    from harness.migration.context import Context

_BEYOND = "user license doesn't allow"
_GOES_WITH_SET = "goes with the permission set"
_SHOWN = 12


def _grant(context: Context) -> Steps:
    plan, snapshot = context.plan, context.snapshot
    user = find_user(context.admin, context.scenario.target_username)
    if user is None:
        raise StageFailed(f"there is no user {context.scenario.target_username}", stage=context.stage)
    user_id, set_id = str(user["Id"]), make_set(context)
    yield
    assign_set(context, set_id, user_id)
    yield
    yield from fill_set(context, set_id)
    total = sum(write.rows for write in plan.writes if write.key.startswith("grant/"))
    done = f"{context.scenario.permission_set_label} is filled and assigned: {total} rows"
    if strategy_of(context.scenario).one_user:
        return f"{done}; {context.scenario.target_username} keeps its role, groups and queues"
    if snapshot.person.role:
        _put_into_role(context, user_id, snapshot.person.role)
        yield
    for each, names in grants.numbered("grant/memberships", [*snapshot.person.groups, *snapshot.person.queues]):
        _join(context, each, user_id, names)
        yield
    return done


def fill_set(context: Context, set_id: str) -> Generator[None, None, None]:
    """Write what the permission set gives; what is refused is told by name at the end. Raises WriteRefused."""
    snapshot, carried = context.snapshot, context.carried
    refused: list[WriteRefused] = []
    objects = grants.object_permissions(carried, snapshot.masters, object_rights(context.admin))
    filled: tuple[tuple[str, str, list[grants.Row]], ...] = (
        ("grant/object-permissions", "ObjectPermissions", objects),
        ("grant/field-permissions", "FieldPermissions", grants.field_permissions(carried)),
        ("grant/setup-access", "SetupEntityAccess", grants.setup_access(carried, snapshot.setup_ids)),
    )
    for key, sobject, rows in filled:
        for each, some in grants.numbered(key, rows):
            try:
                _fill(context, each, sobject, [{"ParentId": set_id, **row} for row in some])
            except WriteRefused as error:
                refused.append(error)
            yield
    if refused:
        raise _beyond_the_license(context, refused)


def make_set(context: Context) -> str:
    """Create the permission set, with its system permissions and record types; its id."""
    scenario, description = context.scenario, set_mark(context)
    row = grants.permission_set(
        name=scenario.permission_set_name,
        label=scenario.permission_set_label,
        description=description,
        carried=context.carried,
    )
    write = Write(
        key="grant/permission-set",
        operation="create",
        sobject="PermissionSet",
        summary=f"create {scenario.permission_set_label}",
        natural_key={"Name": scenario.permission_set_name, "Description": description},
        after=row,
        inverse="delete the permission set",
        remedy="drop what the org names under permissions.drop, or rename what has this name already",
    )
    set_id = writes.create(context, write, [row])[0]
    show_record_types(context)
    return set_id


def assign_set(context: Context, set_id: str, user_id: str) -> None:
    """Assign the permission set to the target user."""
    row = {"AssigneeId": user_id, "PermissionSetId": set_id}
    label, username = context.scenario.permission_set_label, context.scenario.target_username
    write = Write(
        key="grant/assignment",
        operation="create",
        sobject="PermissionSetAssignment",
        summary=f"assign {label} to {username}",
        natural_key=row,
        after=row,
        inverse="delete the assignment",
        remedy="drop the permission that the org names under permissions.drop",
    )
    writes.create(context, write, [row])


def _fill(context: Context, key: str, sobject: str, rows: Sequence[grants.Row]) -> None:
    label = context.scenario.permission_set_label
    names = {entity: name for name, entity in context.snapshot.setup_ids.items()}
    write = Write(
        key=key,
        operation="create",
        sobject=sobject,
        summary=f"write {len(rows)} {sobject} rows of {label}",
        natural_key={"ParentId": rows[0]["ParentId"]},
        after={names.get(_about(row), _about(row)): _given(row) for row in rows},
        inverse=_GOES_WITH_SET,
    )
    writes.create(context, write, rows)


def _about(row: writes.Row) -> str:
    return str(row.get("Field") or row.get("SobjectType") or row.get("SetupEntityId"))


def _given(row: grants.Row) -> str:
    return " ".join(name.removeprefix("Permissions") for name, value in row.items() if value is True) or "access"


def _beyond_the_license(context: Context, refused: Sequence[WriteRefused]) -> StageFailed:
    """One failure for all rows that were refused, each by name."""
    rows = [(_about(row), error) for each in refused for row, error in each.refused]
    ceiling = [about for about, error in rows if _BEYOND in error.message]
    named = ", ".join(about for about, _ in rows[:_SHOWN])
    more = f" and {len(rows) - _SHOWN} more" if len(rows) > _SHOWN else ""
    why = "the license cannot carry them" if len(ceiling) == len(rows) else f"first: {rows[0][1]}"
    return WriteRefused(
        f"the org refused {len(rows)} permissions, {why}: {named}{more}",
        stage=context.stage,
        refused=[pair for each in refused for pair in each.refused],
        remedy="roll this run back (rehearse rollback); then drop each with its reason under permissions.drop, or let "
        "the plan find them all before anything is written: permissions.ceiling: try",
    )


def _put_into_role(context: Context, user_id: str, role: str) -> None:
    """Put our user into the role; what it has is read in the same call, since others may have come by."""
    rows, users = ask(
        context.admin,
        select("UserRole", ("Id",), where=equals("DeveloperName", role)),
        select("User", ("Id", "UserRoleId", *LAST_WRITER), where=equals("Id", user_id)),
    )
    if not rows or not users:
        gone = f"role {role}" if users else f"user {context.scenario.target_username}"
        raise StageFailed(f"there is no {gone}", stage=context.stage, remedy="make a new plan (rehearse run)")
    now, wanted, author = users[0]["UserRoleId"], str(rows[0]["Id"]), last_writer(users[0])
    username = context.scenario.target_username
    if now not in (None, wanted):
        raise StageFailed(
            f"somebody else put {username} into a role: {Difference('its role', None, wanted, now, author)}",
            stage=context.stage,
            remedy="find out why; take it out of that role, and `rehearse resume` goes on",
        )
    write = Write(
        key="grant/role",
        operation="update",
        sobject="User",
        summary=f"put {username} into role {role}",
        natural_key={"Id": user_id},
        before={"UserRoleId": now},
        after={"UserRoleId": wanted},
        inverse="take the user out of the role",
    )
    writes.update(context, write, user_id, unmodified_since=author.at)


def _join(context: Context, key: str, user_id: str, names: Sequence[str]) -> None:
    """Make the user a member of groups and queues. Its own memberships from before are found, and left alone."""
    rows = list(_memberships(context, user_id, names))
    write = Write(
        key=key,
        operation="create",
        sobject="GroupMember",
        summary=f"make {context.scenario.target_username} a member of {', '.join(names)}",
        natural_key={"UserOrGroupId": user_id},
        after={"groups": ", ".join(names)},
        inverse="take the user out of the groups",
    )
    writes.create(context, write, rows)


def _memberships(context: Context, user_id: str, names: Sequence[str]) -> Iterator[grants.Row]:
    where = f"{among('DeveloperName', names)} AND Type IN ('Regular', 'Queue')"
    for row in context.admin.query(select("Group", ("Id", "DeveloperName"), where=where, order="Id")):
        yield {"GroupId": str(row["Id"]), "UserOrGroupId": user_id}


GRANT = Stage(name="grant", writes=True, run=_grant)
