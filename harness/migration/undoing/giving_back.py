"""The way back of an in-place migration: profile and license, permission set licenses and assignments, and the old app.

The user needs a seat of the license it left. Whether one is free is asked before anything is undone: a rollback that
stops half-way would leave a user with neither license.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from harness.access.soql import equals, select
from harness.errors import StageFailed
from harness.migration.place import give_back_place
from harness.migration.seats import seats_of_profile
from harness.migration.sign_ins import parse
from harness.migration.undoing.parts import Done, Findings, inverse_of, put_back
from harness.migration.writing import writes
from harness.migration.writing.writes import WriteRefused

if TYPE_CHECKING:
    from harness.migration.context import Context

Row = Mapping[str, Any]


def check_way_back(context: Context, done: Sequence[Done]) -> None:
    """Raise StageFailed when the user is to get a license back of which no seat is free."""
    for each in done:
        if each.key == "provision/profile":
            _check_seat(context, each)


def _check_seat(context: Context, done: Done) -> None:
    before = dict(done.intent.before or {})
    where = equals("Id", str(done.intent.natural_key["Id"]))
    rows = context.admin.query(select("User", ("ProfileId",), where=where))
    if not rows or rows[0]["ProfileId"] == before["ProfileId"]:
        return
    seats = seats_of_profile(context.admin, str(before["ProfileId"]))
    if seats is None or seats.free < 1:
        username = context.scenario.from_.username
        why = "its profile is gone"
        if seats is not None:
            why = f"no seat of {seats.label} is free: {seats.used} of {seats.total} are used"
        raise StageFailed(
            f"{username} cannot get its old license back, {why}; nothing was undone",
            stage=context.stage,
            remedy="free a seat, then `rehearse rollback` again: until then the user works on with what it has",
        )


def convert_back(context: Context, done: Done, findings: Findings) -> None:
    """Move the user back to its profile and license, and give it the place that the change may have taken."""
    if put_back(context, done, findings):
        give_back_place(context, undoes=done.key)


def give_back(context: Context, done: Done, findings: Findings) -> None:
    """Give back the permission set licenses and the assignments that are not there."""
    before, user_id = dict(done.intent.before or {}), str(done.intent.natural_key["AssigneeId"])
    _create_missing(context, done, "PermissionSetLicenseAssign", list(_license_rows(before["licenses"], user_id)))
    over: list[Row] = []
    others: list[Row] = []
    for row in before.get("assignments", ()):
        (over if _is_over(context, row) else others).append(row)
    _create_missing(context, done, "PermissionSetAssignment", list(_assignment_rows(others, user_id)))
    try:
        rows = list(_assignment_rows(over, user_id))
        _create_missing(context, done, "PermissionSetAssignment", rows, suffix="/expired")
    except WriteRefused as refused:
        findings.residue.append(f"{len(over)} assignments that had expired were not given back: {refused.answer}")


def _license_rows(licenses: Sequence[Row], user_id: str) -> Iterator[Row]:
    for row in licenses:
        yield {"AssigneeId": user_id, "PermissionSetLicenseId": row["PermissionSetLicenseId"]}


def _assignment_rows(assignments: Sequence[Row], user_id: str) -> Iterator[Row]:
    """A group is assigned by its own id; the set it comes with is the org's (facts 3.2)."""
    for row in assignments:
        column = "PermissionSetGroupId" if row["PermissionSetGroupId"] else "PermissionSetId"
        expires = {"ExpirationDate": row["ExpirationDate"]} if row["ExpirationDate"] else {}
        yield {"AssigneeId": user_id, column: row[column], **expires}


def _is_over(context: Context, row: Row) -> bool:
    """Whether an assignment has expired: it gives nothing, and an org may refuse to make one that is over."""
    expires = row["ExpirationDate"]
    return bool(expires) and parse(expires) <= context.world.clock.now()


def _create_missing(context: Context, done: Done, sobject: str, rows: Sequence[Row], *, suffix: str = "") -> None:
    """Create the rows that the user has not."""
    missing = [row for row, one in zip(rows, _standing(context, sobject, rows), strict=True) if one is None]
    if not missing:
        return
    write = inverse_of(done, operation="create", summary=f"give back {len(missing)} {sobject} rows")
    writes.create_rows(
        context,
        replace(write, key=f"{write.key}/{sobject}{suffix}", sobject=sobject),
        missing,
        look=lambda: _standing(context, sobject, missing),
    )


def _standing(context: Context, sobject: str, rows: Sequence[Row]) -> list[str | None]:
    """For each row the id under which the user has it, or None. A group comes with a set of its own."""
    if not rows:
        return []
    columns = sorted({name for row in rows for name in row if name not in ("AssigneeId", "ExpirationDate")})
    where = equals("AssigneeId", str(rows[0]["AssigneeId"]))
    there = context.admin.query(select(sobject, ("Id", *columns), where=where, order="Id"))
    ids = {each[name]: str(each["Id"]) for each in there for name in columns if each[name]}
    return [next((ids.get(row[name]) for name in columns if name in row), None) for row in rows]


def authorize_again(context: Context, done: Done, _findings: Findings) -> None:
    """Let the run's permission set use the old app again, so that the old credential works at once."""
    row = dict(done.intent.natural_key)
    where = " AND ".join(equals(name, str(value)) for name, value in row.items())
    sets = context.admin.query(select("PermissionSet", ("Id",), where=equals("Id", str(row["ParentId"]))))
    if sets and not context.admin.query(select("SetupEntityAccess", ("Id",), where=where)):
        writes.create(context, inverse_of(done, operation="create", summary=f"undo: {done.intent.summary}"), [row])
