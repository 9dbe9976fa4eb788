"""What the platform itself says a user may do.

UserEntityAccess and UserFieldAccess are asked by an administrator about the user; UserPermissionAccess,
UserSetupEntityAccess and UserRecordAccess by the user about itself, which needs no permission (facts 3.1, 3.8). What
the org will not tell is listed as unread, and never taken for an empty answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.access.effective import HELD, Key
from harness.access.reading.asking import Rows, try_ask
from harness.access.soql import among, batches, equals, select
from harness.errors import RequestRefused

if TYPE_CHECKING:
    from harness.org.connection import Connection

_OBJECTS_PER_QUERY = 100
_FIELDS_PER_QUERY = 1500
"""FieldDefinition and UserFieldAccess answer one page of 2,000 rows and no more (Tooling API guide)."""
_ROWS_PER_QUERY = 200
"""What UserRecordAccess takes (facts 3.1), and about what an address of UserFieldAccess ids may hold (facts 5.1)."""
_COLUMNS_PER_QUERY = 150
_ENTITY: Mapping[str, str] = {
    "read": "IsReadable",
    "create": "IsCreatable",
    "edit": "IsEditable",
    "delete": "IsDeletable",
}
_FIELD: Mapping[str, str] = {"read": "IsAccessible", "create": "IsCreatable", "edit": "IsUpdatable"}
_PREFIX = "Permissions"
_CUSTOM = "CustomPermission:"


@dataclass(frozen=True, slots=True)
class RowAccess:
    """What a user may do with one row (UserRecordAccess)."""

    id: str
    edit: bool
    delete: bool


@dataclass(slots=True)
class Told:
    """What the platform said: whether the user has each right; a right that it did not speak of is not there."""

    rights: dict[Key, bool] = field(default_factory=dict)
    custom: bool = False
    """Whether it listed the custom permissions: then one that is not among them is not held."""
    unread: list[str] = field(default_factory=list)
    """What it would not tell, each in a sentence."""

    def of(self, key: Key) -> bool | None:
        """Whether the user has a right; None when nothing was said."""
        if self.custom and key[0].startswith(_CUSTOM):
            return self.rights.get(key, False)
        return self.rights.get(key)

    def hear(self, rows: Mapping[str, Sequence[RowAccess]]) -> None:
        """Take in what UserRecordAccess says of rows: who may edit one may edit; who may not says nothing."""
        for name, some in rows.items():
            said = {
                "read": bool(some),
                "edit": any(one.edit for one in some),
                "delete": any(one.delete for one in some),
            }
            self.rights |= {(name, right): True for right, may in said.items() if may}


def ask_platform(admin: Connection, person: Connection, fields: Mapping[str, Sequence[str]]) -> Told:
    """Ask what `person` may do with these objects, each with the names of its fields, and beside objects."""
    told = Told()
    _ask_entities(admin, person.user_id, sorted(fields), told)
    _ask_fields(admin, person.user_id, fields, told)
    _ask_beside(admin, person, told)
    return told


def objects_with_permissions(admin: Connection) -> frozenset[str] | None:
    """The objects that object permissions name anywhere in the org; None when it will not tell. One call.

    The profile of every org's administrators names all of them, by stored rows or by those whose id begins with 000.
    """
    reply = admin.try_query("SELECT SobjectType FROM ObjectPermissions GROUP BY SobjectType")
    return frozenset(str(row["SobjectType"]) for row in reply.body["records"]) if reply.ok else None


def ask_rows(person: Connection, ids: Sequence[str]) -> list[RowAccess]:
    """What the running user may do with these rows; those that it does not see are left out."""
    queries = [
        select(
            "UserRecordAccess",
            ("RecordId", "HasReadAccess", "HasEditAccess", "HasDeleteAccess"),
            where=f"{equals('UserId', person.user_id)} AND {among('RecordId', some)}",
        )
        for some in batches(ids, _ROWS_PER_QUERY)
    ]
    return [
        RowAccess(str(row["RecordId"]), bool(row["HasEditAccess"]), bool(row["HasDeleteAccess"]))
        for rows in try_ask(person, queries)
        for row in rows or ()
        if row["HasReadAccess"]
    ]


def _ask(connection: Connection, queries: Sequence[str]) -> list[Rows | None]:
    """The rows of each query; what the data API refuses is asked of the Tooling API, which documents these tables."""
    return [
        rows if rows is not None else _tooling(connection, soql)
        for soql, rows in zip(queries, try_ask(connection, queries), strict=True)
    ]


def _tooling(connection: Connection, soql: str) -> Rows | None:
    try:
        return connection.tooling_query(soql)
    except RequestRefused:
        return None


def _ask_entities(admin: Connection, user_id: str, names: Sequence[str], told: Told) -> None:
    queries = [
        select(
            "UserEntityAccess",
            ("EntityDefinition.QualifiedApiName", *_ENTITY.values()),
            where=f"{equals('UserId', user_id)} AND {among('EntityDefinition.QualifiedApiName', some)}",
        )
        for some in batches(names, _OBJECTS_PER_QUERY)
    ]
    found = _ask(admin, queries)
    if names and (None in found or not any(found)):
        _unread(told, "UserEntityAccess", "objects")
    for rows in found:
        for row in rows or ():
            name = str((row["EntityDefinition"] or {}).get("QualifiedApiName"))
            told.rights |= {(name, right): bool(row[column]) for right, column in _ENTITY.items()}


def _ask_fields(admin: Connection, user_id: str, fields: Mapping[str, Sequence[str]], told: Told) -> None:
    """UserFieldAccess goes by FieldDefinition's DurableId, a dot and the user's id."""
    queries = [
        select(
            "FieldDefinition",
            ("DurableId", "QualifiedApiName", "EntityDefinition.QualifiedApiName"),
            where=among("EntityDefinition.QualifiedApiName", some),
        )
        for some in _by_size(fields)
    ]
    names: dict[str, str] = {}
    for rows in _ask(admin, queries):
        for row in rows or ():
            sobject = str((row["EntityDefinition"] or {}).get("QualifiedApiName"))
            names[f"{row['DurableId']}.{user_id}"] = f"{sobject}.{row['QualifiedApiName']}"
    asked = [
        select("UserFieldAccess", ("DurableId", *_FIELD.values()), where=among("DurableId", some))
        for some in batches(sorted(names), _ROWS_PER_QUERY)
    ]
    found = _ask(admin, asked)
    if fields and (not found or None in found or not any(found)):
        _unread(told, "UserFieldAccess", "fields")
    for rows in found:
        for row in rows or ():
            if name := names.get(str(row["DurableId"])):
                told.rights |= {(name, right): bool(row[column]) for right, column in _FIELD.items()}


def _by_size(fields: Mapping[str, Sequence[str]]) -> Iterator[list[str]]:
    """The objects in runs whose fields fit on one page."""
    run: list[str] = []
    size = 0
    for name in sorted(fields):
        if run and size + len(fields[name]) > _FIELDS_PER_QUERY:
            yield run
            run, size = [], 0
        run.append(name)
        size += len(fields[name])
    if run:
        yield run


def _ask_beside(admin: Connection, person: Connection, told: Told) -> None:
    """System permissions and custom permissions, as the running user."""
    try:
        described = admin.fields_of("UserPermissionAccess")
    except RequestRefused:
        described = []
    columns = [str(each["name"]) for each in described if str(each["name"]).startswith(_PREFIX)]
    queries = [select("UserPermissionAccess", some) for some in batches(columns, _COLUMNS_PER_QUERY)]
    *system, custom = try_ask(person, [*queries, select("UserSetupEntityAccess", ("DeveloperName",))])
    if None in system or not any(system):
        _unread(told, "UserPermissionAccess", "system permissions")
    for rows in system:
        told.rights |= dict(_held(rows or ()))
    if custom is None:
        _unread(told, "UserSetupEntityAccess", "custom permissions")
        return
    told.custom = True
    told.rights |= {(f"{_CUSTOM}{row['DeveloperName']}", HELD): True for row in custom}


def _held(rows: Iterable[Mapping[str, Any]]) -> Iterator[tuple[Key, bool]]:
    for row in rows:
        for name, value in row.items():
            if name.startswith(_PREFIX):
                yield (name.removeprefix(_PREFIX), HELD), bool(value)


def _unread(told: Told, table: str, what: str) -> None:
    text = f"{table} could not be read: the platform's own word on {what} is missing"
    if text not in told.unread:
        told.unread.append(text)
