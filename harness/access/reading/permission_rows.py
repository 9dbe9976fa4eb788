"""The rows under permission sets and muting permission sets: object, field and system permissions, setup entities.

Rows whose id begins with 000 are not stored: a system permission such as Modify All Data implies them (Object
Reference, ObjectPermissions). They are kept apart, since nothing that copies access can write them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, get_args

from harness.access.model import FIELD_RIGHTS, OBJECT_RIGHTS, Access, ObjectRight
from harness.access.reading.asking import Rows, ask
from harness.access.reading.setup_names import SetupNames, read_setup_names
from harness.access.soql import among, batches, select

if TYPE_CHECKING:
    from harness.org.connection import Connection

PREFIX = "Permissions"
MUTING = "0QM"
"""How the id of a muting permission set begins."""
ROWS_PER_PAGE = 2000
"""What one page of a query holds at most (facts 5.4)."""
COLUMNS_PER_QUERY = 250
"""So that a query with all of them fits into an address."""
COUNTED = ("ObjectPermissions", "FieldPermissions")
_SYNTHETIC = "000"
_BASE = (
    "Id",
    "Name",
    "Label",
    "IsOwnedByProfile",
    "HasActivationRequired",
    "LicenseId",
    "License.Name",
    "Profile.Name",
    "NamespacePrefix",
)


@dataclass(slots=True)
class PermissionRows:
    """The rows under each parent, before they become Access."""

    objects: dict[str, dict[str, frozenset[str]]] = field(default_factory=dict)
    fields: dict[str, dict[str, frozenset[str]]] = field(default_factory=dict)
    system: dict[str, frozenset[str]] = field(default_factory=dict)
    setup: dict[str, set[str]] = field(default_factory=dict)
    implied: dict[str, dict[str, frozenset[ObjectRight]]] = field(default_factory=dict)
    """The rights on objects that have no row of their own."""
    names: SetupNames = field(default_factory=lambda: SetupNames({}, {}))
    counts: dict[tuple[str, str], int] = field(default_factory=dict)
    """How many rows of a table of `COUNTED` hang under a set that is only counted; none where there is no entry."""
    rows: int = 0
    pages: int = 0
    """How many pages the rows fill, each table by itself."""

    def access(self, parent: str) -> Access:
        """What one set gives by rows of its own."""
        return Access.model_validate(
            {
                "objects": self.objects.get(parent, {}),
                "fields": self.fields.get(parent, {}),
                "system": self.system.get(parent, ()),
                "setup": self.setup.get(parent, ()),
            }
        )

    def count(self, rows: Rows) -> None:
        """Note that these rows of one table were read."""
        self.rows += len(rows)
        self.pages += -(-len(rows) // ROWS_PER_PAGE)


def permission_columns(admin: Connection, sobject: str, prefix: str = PREFIX) -> tuple[str, ...]:
    """The boolean columns of an object that stand for one system permission each, from its describe."""
    return tuple(
        str(each["name"])
        for each in admin.fields_of(sobject)
        if each["name"].startswith(prefix) and each["type"] == "boolean"
    )


def object_rights(admin: Connection) -> dict[ObjectRight, str]:
    """The rights on objects that this org knows, each with its column: View All Fields came with API 63."""
    known = {str(each["name"]) for each in admin.fields_of("ObjectPermissions")}
    rights: tuple[ObjectRight, ...] = get_args(ObjectRight)
    return {right: OBJECT_RIGHTS[right] for right in rights if OBJECT_RIGHTS[right] in known}


def read_sets(admin: Connection, ids: Sequence[str], gathered: PermissionRows) -> dict[str, Mapping[str, Any]]:
    """The rows of permission sets and muting permission sets by id, with every system permission of the org.

    One call, where there are not many.
    """
    sets = [one for one in ids if not one.startswith(MUTING)]
    muting = [one for one in ids if one.startswith(MUTING)]
    queries = [*_queries(admin, "PermissionSet", _BASE, sets), *_queries(admin, "MutingPermissionSet", ("Id",), muting)]
    found: dict[str, dict[str, Any]] = {}
    for rows in ask(admin, *queries):
        for row in rows:
            found.setdefault(str(row["Id"]), {}).update(row)
    for set_id, row in found.items():
        gathered.system[set_id] = frozenset(
            name.removeprefix(PREFIX) for name, value in row.items() if name.startswith(PREFIX) and value is True
        )
    gathered.rows += len(found)
    return dict(sorted(found.items()))


def _queries(admin: Connection, sobject: str, base: Sequence[str], ids: Sequence[str]) -> Iterator[str]:
    if not ids:
        return
    columns = [*base, *permission_columns(admin, sobject)]
    for some in batches(columns, COLUMNS_PER_QUERY):
        for batch in batches(ids):
            yield select(sobject, dict.fromkeys(("Id", *some)), where=among("Id", batch), order="Id")


def read_rows(
    admin: Connection, parents: Sequence[str], gathered: PermissionRows, *, counted: Sequence[str] = ()
) -> None:
    """Read the rows under some sets: one call, one for each further page, and one for the names of setup entities.

    The rows under the sets of `counted` are only counted, in the same call.
    """
    rights = object_rights(admin)
    columns: tuple[tuple[str, tuple[str, ...]], ...] = (
        ("ObjectPermissions", ("Id", "ParentId", "SobjectType", *rights.values())),
        ("FieldPermissions", ("Id", "ParentId", "Field", *FIELD_RIGHTS.values())),
        ("SetupEntityAccess", ("Id", "ParentId", "SetupEntityId", "SetupEntityType")),
    )
    setup: Rows = []
    for number, batch in enumerate(batches(parents)):
        queries = [select(name, some, where=among("ParentId", batch), order="Id") for name, some in columns]
        counts = [_counting(name, counted) for name in COUNTED] if counted and number == 0 else []
        objects, fields, entities, *numbers = ask(admin, *queries, *counts)
        for name, rows in zip(COUNTED, numbers, strict=False):
            gathered.counts |= {(name, str(row["ParentId"])): int(row["expr0"]) for row in rows}
        for rows in (objects, fields, entities):
            gathered.count(rows)
        for row in objects:
            _take_object(row, rights, gathered)
        for row in fields:
            _take_field(row, gathered)
        setup += entities
    _take_setup(admin, setup, gathered)


def _counting(sobject: str, parents: Sequence[str]) -> str:
    return f"{select(sobject, ('ParentId', 'COUNT(Id)'), where=among('ParentId', parents))} GROUP BY ParentId"


def _take_object(row: Mapping[str, Any], rights: Mapping[ObjectRight, str], gathered: PermissionRows) -> None:
    parent, name = str(row["ParentId"]), str(row["SobjectType"])
    held = frozenset(right for right, column in rights.items() if row[column])
    if str(row["Id"]).startswith(_SYNTHETIC):
        gathered.implied.setdefault(parent, {})[name] = held
    else:
        gathered.objects.setdefault(parent, {})[name] = frozenset[str](held)


def _take_field(row: Mapping[str, Any], gathered: PermissionRows) -> None:
    if str(row["Id"]).startswith(_SYNTHETIC):
        return
    rights = frozenset(right for right, column in FIELD_RIGHTS.items() if row[column])
    gathered.fields.setdefault(str(row["ParentId"]), {})[str(row["Field"])] = rights


def _take_setup(admin: Connection, rows: Rows, gathered: PermissionRows) -> None:
    gathered.names = read_setup_names(admin, rows)
    for row in rows:
        name = gathered.names.by_id[str(row["SetupEntityId"])]
        gathered.setup.setdefault(str(row["ParentId"]), set()).add(name)


def merged(parts: Iterable[Mapping[str, frozenset[ObjectRight]]]) -> dict[str, frozenset[ObjectRight]]:
    """The rights that any of the parts gives, by object."""
    found: dict[str, frozenset[ObjectRight]] = {}
    for part in parts:
        for name, rights in part.items():
            found[name] = found.get(name, frozenset()) | rights
    return dict(sorted(found.items()))
