"""Reading what a user may do from the org: its permission sets, the rows under them, and the names they stand for.

Only an admin with View Setup sees all of it: rows that are hidden from the reader are left out without an error (facts
3.1, 3.6).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from harness.access.algebra import mute, union
from harness.access.asking import Rows, ask, try_ask
from harness.access.model import FIELD_RIGHTS, OBJECT_RIGHTS, Access
from harness.access.people import User
from harness.access.soql import among, batches, equals, select

if TYPE_CHECKING:
    from harness.org.connection import Connection

PREFIX = "Permissions"
_SYNTHETIC = "000"
_MUTING = "0QM"
_COLUMNS_PER_QUERY = 200
_SETUP_NAMES: Mapping[str, str] = {
    "ApexClass": "Name",
    "ApexPage": "Name",
    "ConnectedApplication": "Name",
    "CustomPermission": "DeveloperName",
    "ExternalClientApplication": "DeveloperName",
    "FlowDefinition": "DeveloperName",
}
"""The types of setup entities that can be queried by id, each with the column that names one."""

Kind = Literal["profile", "permission-set", "permission-set-group"]


@dataclass(frozen=True, slots=True)
class Source:
    """One set that gives a user permissions. `id` is that of the permission set, or of the group."""

    kind: Kind
    id: str
    name: str
    label: str
    license: str | None
    access: Access
    implied: frozenset[str] = frozenset()
    """Objects it opens without a row of their own, as Modify All Data does (ids that begin with 000)."""


@dataclass(frozen=True, slots=True)
class Holdings:
    """Everything a user holds."""

    sources: tuple[Source, ...]
    setup_ids: Mapping[str, str]
    """The id of each setup entity, by `TYPE:NAME`."""
    assignments: tuple[str, ...]
    """The ids of the sets and groups that are assigned, the profile's own set not among them."""
    dormant: tuple[str, ...]
    """Assigned sets that give nothing: the license they are bound to is not held, or a session must switch them on."""
    rows: int
    """How many rows were read."""

    @property
    def effective(self) -> Access:
        """The union of the sources."""
        return union(source.access for source in self.sources)


@dataclass(slots=True)
class _Gathered:
    """The rows under each parent, before they become Access."""

    objects: dict[str, dict[str, frozenset[str]]] = field(default_factory=dict)
    fields: dict[str, dict[str, frozenset[str]]] = field(default_factory=dict)
    system: dict[str, frozenset[str]] = field(default_factory=dict)
    setup: dict[str, set[str]] = field(default_factory=dict)
    implied: dict[str, set[str]] = field(default_factory=dict)
    rows: int = 0

    def access(self, parent: str) -> Access:
        return Access.model_validate(
            {
                "objects": self.objects.get(parent, {}),
                "fields": self.fields.get(parent, {}),
                "system": self.system.get(parent, ()),
                "setup": self.setup.get(parent, ()),
            }
        )


def read_holdings(admin: Connection, user: User) -> Holdings:
    """Read everything a user holds: assigned sets and groups (muting applied), and the profile's own set."""
    assigned = admin.query(
        select(
            "PermissionSetAssignment",
            ("PermissionSetId", "PermissionSetGroupId", "PermissionSet.IsOwnedByProfile"),
            where=f"{equals('AssigneeId', user.id)} AND (ExpirationDate = null OR ExpirationDate > TODAY)",
            order="Id",
        )
    )
    groups = sorted({str(row["PermissionSetGroupId"]) for row in assigned if row["PermissionSetGroupId"]})
    direct = sorted(
        {
            str(row["PermissionSetId"])
            for row in assigned
            if not row["PermissionSetGroupId"] and not (row["PermissionSet"] or {}).get("IsOwnedByProfile")
        }
    )
    group_rows, components = _read_groups(admin, groups)
    members = sorted({member for each in components.values() for member in each})
    wanted = sorted({*direct, *(one for one in members if not one.startswith(_MUTING))})
    sets = _read_sets(admin, wanted, profile_id=str(user.row["ProfileId"]))
    awake = {set_id: row for set_id, row in sets.items() if _counts(row, user)}
    parents = [*sorted(awake), *(one for one in members if one.startswith(_MUTING))]
    gathered = _Gathered(rows=len(assigned) + len(sets) + len(group_rows))
    _gather_system(admin, "PermissionSet", sorted(awake), gathered)
    _gather_system(admin, "MutingPermissionSet", parents[len(awake) :], gathered)
    setup_ids = _gather_rows(admin, parents, gathered)
    return Holdings(
        sources=tuple(_sources(awake, direct, group_rows, components, gathered)),
        setup_ids=setup_ids,
        assignments=tuple(sorted({*direct, *groups})),
        dormant=tuple(str(row["Label"]) for set_id, row in sets.items() if set_id not in awake),
        rows=gathered.rows,
    )


def read_profile(admin: Connection, profile_id: str) -> Access:
    """What a profile gives by itself."""
    sets = sorted(_read_sets(admin, (), profile_id=profile_id))
    gathered = _Gathered()
    _gather_system(admin, "PermissionSet", sets, gathered)
    _gather_rows(admin, sets, gathered)
    return union(map(gathered.access, sets))


def _counts(row: Mapping[str, Any], user: User) -> bool:
    """Whether an assigned set gives anything: one bound to a license that is not held does not."""
    return not row["HasActivationRequired"] and row["LicenseId"] in (None, *user.license_ids)


def permission_columns(admin: Connection, sobject: str, prefix: str = PREFIX) -> tuple[str, ...]:
    """The boolean columns of an object that stand for one system permission each, from its describe."""
    return tuple(
        str(each["name"])
        for each in admin.fields_of(sobject)
        if each["name"].startswith(prefix) and each["type"] == "boolean"
    )


def _read_groups(admin: Connection, groups: Sequence[str]) -> tuple[dict[str, Mapping[str, Any]], dict[str, list[str]]]:
    """The permission set groups, and the ids of each one's components: permission sets and muting sets."""
    if not groups:
        return {}, {}
    components: dict[str, list[str]] = {group: [] for group in groups}
    rows, found = ask(
        admin,
        select("PermissionSetGroup", ("Id", "DeveloperName", "MasterLabel"), where=among("Id", groups), order="Id"),
        select(
            "PermissionSetGroupComponent",
            ("PermissionSetGroupId", "PermissionSetId"),
            where=among("PermissionSetGroupId", groups),
            order="Id",
        ),
    )
    for row in found:
        components[str(row["PermissionSetGroupId"])].append(str(row["PermissionSetId"]))
    return {str(row["Id"]): row for row in rows}, components


def _read_sets(admin: Connection, ids: Sequence[str], *, profile_id: str) -> dict[str, Mapping[str, Any]]:
    """The rows of permission sets, the one that the profile owns among them, by id."""
    columns = (
        "Id",
        "Name",
        "Label",
        "IsOwnedByProfile",
        "HasActivationRequired",
        "LicenseId",
        "License.Name",
        "Profile.Name",
    )
    own = f"(IsOwnedByProfile = true AND {equals('ProfileId', profile_id)})"
    rows: list[dict[str, Any]] = []
    for batch in batches(ids) if ids else [()]:
        where = f"{own} OR {among('Id', batch)}" if batch else own
        rows += admin.query(select("PermissionSet", columns, where=where, order="Id"))
    return {str(row["Id"]): row for row in rows}


def _gather_system(admin: Connection, sobject: str, ids: Sequence[str], gathered: _Gathered) -> None:
    if not ids:
        return
    columns = list(batches(permission_columns(admin, sobject), _COLUMNS_PER_QUERY))
    queries = [
        select(sobject, ("Id", *some), where=among("Id", batch), order="Id")
        for some in columns
        for batch in batches(ids)
    ]
    for rows in ask(admin, *queries):
        for row in rows:
            held = frozenset(name.removeprefix(PREFIX) for name, value in row.items() if value is True)
            gathered.system[row["Id"]] = gathered.system.get(row["Id"], frozenset()) | held


def _gather_rows(admin: Connection, parents: Sequence[str], gathered: _Gathered) -> dict[str, str]:
    """The rows under some sets; the ids of the setup entities, by `TYPE:NAME`."""
    columns: tuple[tuple[str, tuple[str, ...]], ...] = (
        ("ObjectPermissions", ("Id", "ParentId", "SobjectType", *OBJECT_RIGHTS.values())),
        ("FieldPermissions", ("Id", "ParentId", "Field", *FIELD_RIGHTS.values())),
        ("SetupEntityAccess", ("Id", "ParentId", "SetupEntityId", "SetupEntityType")),
    )
    setup: Rows = []
    for batch in batches(parents):
        queries = [select(name, some, where=among("ParentId", batch), order="Id") for name, some in columns]
        objects, fields, entities = ask(admin, *queries)
        gathered.rows += len(objects) + len(fields) + len(entities)
        for row in objects:
            _take_object(row, gathered)
        for row in fields:
            _take_field(row, gathered)
        setup += entities
    names = _names(admin, setup)
    for row in setup:
        gathered.setup.setdefault(str(row["ParentId"]), set()).add(names[str(row["SetupEntityId"])])
    return {name: entity for entity, name in sorted(names.items(), key=lambda each: each[1])}


def _take_object(row: Mapping[str, Any], gathered: _Gathered) -> None:
    parent, name = str(row["ParentId"]), str(row["SobjectType"])
    if str(row["Id"]).startswith(_SYNTHETIC):
        gathered.implied.setdefault(parent, set()).add(name)
        return
    rights = frozenset(right for right, column in OBJECT_RIGHTS.items() if row[column])
    gathered.objects.setdefault(parent, {})[name] = rights


def _take_field(row: Mapping[str, Any], gathered: _Gathered) -> None:
    if str(row["Id"]).startswith(_SYNTHETIC):
        return
    rights = frozenset(right for right, column in FIELD_RIGHTS.items() if row[column])
    gathered.fields.setdefault(str(row["ParentId"]), {})[str(row["Field"])] = rights


def _names(admin: Connection, rows: Rows) -> dict[str, str]:
    """The name of each setup entity as `TYPE:NAME`, by id; one that cannot be looked up is named by its id."""
    kinds = {str(row["SetupEntityId"]): str(row["SetupEntityType"]) for row in rows}
    asked = [
        (column, select(kind, ("Id", column), where=among("Id", batch)))
        for kind, column in _SETUP_NAMES.items()
        for batch in batches(sorted(entity for entity, each in kinds.items() if each == kind))
    ]
    found: dict[str, str] = {}
    for (column, _), answer in zip(asked, try_ask(admin, [query for _, query in asked]), strict=True):
        found |= {str(row["Id"]): str(row[column]) for row in answer or ()}
    return {entity: f"{kind}:{found.get(entity, entity)}" for entity, kind in kinds.items()}


def _sources(
    sets: Mapping[str, Mapping[str, Any]],
    direct: Sequence[str],
    groups: Mapping[str, Mapping[str, Any]],
    components: Mapping[str, Sequence[str]],
    gathered: _Gathered,
) -> Iterator[Source]:
    for set_id, row in sets.items():
        owned = bool(row["IsOwnedByProfile"])
        if not owned and set_id not in direct:
            continue
        profile = str((row["Profile"] or {}).get("Name", row["Label"]))
        yield Source(
            kind="profile" if owned else "permission-set",
            id=set_id,
            name=profile if owned else str(row["Name"]),
            label=profile if owned else str(row["Label"]),
            license=(row["License"] or {}).get("Name"),
            access=gathered.access(set_id),
            implied=frozenset(gathered.implied.get(set_id, ())),
        )
    for group_id, group in groups.items():
        given = [one for one in components[group_id] if not one.startswith(_MUTING)]
        muting = [one for one in components[group_id] if one.startswith(_MUTING)]
        yield Source(
            kind="permission-set-group",
            id=group_id,
            name=str(group["DeveloperName"]),
            label=str(group["MasterLabel"]),
            license=None,
            access=mute(union(map(gathered.access, given)), union(map(gathered.access, muting))),
            implied=frozenset(name for one in given for name in gathered.implied.get(one, ())),
        )
