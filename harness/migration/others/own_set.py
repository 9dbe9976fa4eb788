"""The run's own permission set as it is now, held against what this run put into it: one query, whatever hangs on it.

Rows that somebody else put under it, or changed, are told from ours by who wrote them last where the org has that
(ObjectPermissions), and by what the journal says we wrote where it has not (FieldPermissions, SetupEntityAccess).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.access.soql import select
from harness.migration.others.authorship import is_us, wrote_last
from harness.migration.others.three_way import CREATOR, LAST_WRITER, Difference, last_writer
from harness.migration.records import Intent, Outcome

if TYPE_CHECKING:
    from harness.migration.context import Context

Row = Mapping[str, Any]

OBJECTS, FIELDS, ENTITIES, ASSIGNED = "ObjectPerms", "FieldPerms", "SetupEntityAccessItems", "Assignments"
"""The child relationships of PermissionSet (Object Reference)."""
_CHILDREN = {
    OBJECTS: ("Id", "SobjectType", *LAST_WRITER),
    FIELDS: ("Id", "Field", "PermissionsRead", "PermissionsEdit"),
    ENTITIES: ("Id", "SetupEntityId"),
    ASSIGNED: ("Id", "AssigneeId", "Assignee.Username"),
}
_NAMED = ("Name", "Label", "Description")
_ALL_FIELDS = "ViewAllFields"
_UNDER_IT = frozenset({"ObjectPermissions", "FieldPermissions", "SetupEntityAccess"})


def set_query(where: str) -> str:
    """The query for permission sets with all that hangs on them."""
    children = (f"({select(name, columns, order='Id')})" for name, columns in _CHILDREN.items())
    return select("PermissionSet", ("Id", *_NAMED, *CREATOR, *LAST_WRITER, *children), where=where, order="Id")


def children(row: Row, name: str) -> Sequence[Row]:
    """The rows of a child relationship; one without rows is null (wire.md)."""
    rows: Sequence[Row] = (row.get(name) or {}).get("records", ())
    return rows


@dataclass(slots=True)
class Written:
    """What this run put under its set, as the journal knows it."""

    ids: set[str] = field(default_factory=set)
    """Of the rows whose making the org confirmed."""
    fields: dict[str, str] = field(default_factory=dict)
    """For each field what was, or may have been, given: `Read Edit`."""
    objects: dict[str, str] = field(default_factory=dict)
    """For each object what was, or may have been, given: `Read Create ViewAllFields`."""
    entities: set[str] = field(default_factory=set)
    """The setup entities that it was, or may have been, let use."""


def written_under(context: Context, set_id: str) -> Written:
    """What the journal says of the rows under a set, those included whose answer was lost."""
    written, keys = Written(), dict[str, Intent]()
    names = context.snapshot.setup_ids
    for record in context.records():
        body = record.body
        if isinstance(body, Intent) and body.sobject in _UNDER_IT:
            if body.natural_key.get("ParentId") == set_id and not body.found:
                keys[record.key] = body
                if body.undoes is None:
                    _note(written, body, names)
        elif isinstance(body, Outcome) and record.key in keys:
            if keys[record.key].operation == "delete":  # a cut-over may take a row away, and give it back
                written.ids.difference_update(body.ids)
            else:
                written.ids.update(body.ids)
    return written


def _note(written: Written, intent: Intent, names: Mapping[str, str]) -> None:
    after = dict(intent.after or {})
    if intent.sobject == "ObjectPermissions":
        written.objects.update({name: str(given) for name, given in after.items()})
    elif intent.sobject == "FieldPermissions":
        written.fields.update({name: str(given) for name, given in after.items()})
    elif intent.sobject == "SetupEntityAccess":
        written.entities.update(names.get(str(name), str(name)) for name in after)
        written.entities.update(str(value) for value in after.values())


def others_work(context: Context, row: Row, intent: Intent) -> Iterator[str]:
    """What somebody else did to the set and what is in it, each in a sentence: what is lost when it is deleted."""
    author, after = last_writer(row), dict(intent.after or {})
    renamed = [name for name in _NAMED if name in after and row[name] != after[name]]
    for name in renamed:
        yield str(Difference(f"PermissionSet.{name} of {after['Name']}", None, after[name], row[name], author))
    if not renamed and not wrote_last(context, author, str(row["Id"]), str(row["Name"])):
        yield f"the permission set {after['Name']} was last written by {author}"
    yield from _others_rows(context, row)


def _others_rows(context: Context, row: Row) -> Iterator[str]:
    written, label = written_under(context, str(row["Id"])), row["Label"]
    for each in children(row, OBJECTS):
        if not is_us(context, last_writer(each)):
            yield f"the rights on {each['SobjectType']} in {label} were last written by {last_writer(each)}"
    for each in children(row, FIELDS):
        ours, now = written.fields.get(each["Field"]), _given(each)
        if each["Id"] not in written.ids and ours is None:
            if now == "Read" and _ALL_FIELDS in written.objects.get(each["Field"].partition(".")[0], "").split():
                continue  # the org's own row: it comes with the right to see all fields of the object
            yield f"{label} was given {each['Field']} ({now}) by somebody else"
        elif ours is not None and ours.split() != now.split():
            yield str(Difference(f"{each['Field']} in {label}", None, ours, now))
    for each in children(row, ENTITIES):
        if each["Id"] not in written.ids and each["SetupEntityId"] not in written.entities:
            yield f"{label} was given {each['SetupEntityId']} by somebody else"


def missing_rows(context: Context, row: Row) -> int:
    """How many rows that this run put under the set, and that the org confirmed, are there no more."""
    standing = {str(each["Id"]) for name in (OBJECTS, FIELDS, ENTITIES) for each in children(row, name)}
    return len(written_under(context, str(row["Id"])).ids - standing)


def assigned_to_others(row: Row, user_ids: Sequence[str]) -> list[str]:
    """The usernames of those who were given the set and are not among these."""
    return sorted(
        str((each.get("Assignee") or {}).get("Username") or each["AssigneeId"])
        for each in children(row, ASSIGNED)
        if each["AssigneeId"] not in user_ids
    )


def _given(row: Row) -> str:
    return " ".join(name for name in ("Read", "Edit") if row[f"Permissions{name}"]) or "access"
