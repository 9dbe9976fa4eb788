"""What permission sets carry: one set, and a permission set group with what its muting set takes away.

A muted permission takes those along that depend on it: without Read there is no Edit (Object Reference,
MutingPermissionSet; Salesforce Help, "Muting Permission Set").
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from harness.sandbox.schema import Schema
from harness.sandbox.store import Row, Store

OBJECT_RIGHTS: Mapping[str, str] = {
    "read": "PermissionsRead",
    "create": "PermissionsCreate",
    "edit": "PermissionsEdit",
    "delete": "PermissionsDelete",
    "view-all": "PermissionsViewAllRecords",
    "modify-all": "PermissionsModifyAllRecords",
    "view-all-fields": "PermissionsViewAllFields",
}
"""The rights on an object and their columns in ObjectPermissions."""

NEEDS: Mapping[str, tuple[str, ...]] = {
    "create": ("read",),
    "edit": ("read",),
    "delete": ("read", "edit"),
    "view-all": ("read",),
    "modify-all": ("read", "edit", "delete", "view-all"),
    "view-all-fields": ("read",),
}
"""What each right depends on (Object Reference, ObjectPermissions)."""

NO_RIGHTS: frozenset[str] = frozenset()

_PREFIX = "Permissions"


@dataclass(frozen=True, slots=True)
class Content:
    """What one set carries. Objects, and fields as `object.field`, in lower case."""

    license_id: str | None
    system: frozenset[str]
    objects: Mapping[str, frozenset[str]]
    readable: frozenset[str]
    editable: frozenset[str]
    setup: frozenset[str]
    needs_activation: bool = False
    """A session-based set grants nothing but in the sessions it is activated for."""


class Contents:
    """Reads what sets carry, and remembers it until it is told to forget."""

    def __init__(self, schema: Schema, store: Store) -> None:
        self._schema = schema
        self._store = store
        self._known: dict[str, Content] = {}

    def forget(self, set_ids: Iterable[str] | None = None) -> None:
        """Forget what some sets carry; None: what all do."""
        if set_ids is None:
            self._known.clear()
        else:
            for set_id in set_ids:
                self._known.pop(set_id, None)

    def of(self, set_id: str) -> Content:
        """What a permission set carries: a profile's own, a group's computed one and a muting one alike."""
        found = self._known.get(set_id)
        if found is None:
            found = self._known[set_id] = self._read(set_id)
        return found

    def of_members(self, member_ids: Iterable[str]) -> Content:
        """What a permission set group carries, given its components: together, less what the muting set mutes."""
        members = list(member_ids)
        granted = union(self.of(one) for one in members if not one.startswith("0QM"))
        muted = union(self.of(one) for one in members if one.startswith("0QM"))
        objects = {
            name: kept
            for name, rights in granted.objects.items()
            if (kept := _supported(rights - muted.objects.get(name, NO_RIGHTS)))
        }
        readable = granted.readable - muted.readable
        return Content(
            license_id=None,
            system=self._without(granted.system, muted.system),
            objects=objects,
            readable=readable,
            editable=(granted.editable - muted.editable) & readable,
            setup=granted.setup - muted.setup,
        )

    def _without(self, granted: frozenset[str], muted: frozenset[str]) -> frozenset[str]:
        """System permissions less the muted ones and those that depend on them."""
        gone = set(muted)
        kept = granted - gone
        while True:
            known = self._schema.system_permissions
            falling = {one for one in kept if one in known and not gone.isdisjoint(known[one].implies)}
            if not falling:
                return kept
            gone |= falling
            kept -= falling

    def _read(self, set_id: str) -> Content:
        sobject = self._schema.get("MutingPermissionSet" if set_id.startswith("0QM") else "PermissionSet")
        row = (self._store.get(sobject, set_id) if sobject else None) or {}
        objects = {
            str(one["SobjectType"]).lower(): rights
            for one in self._rows("ObjectPermissions", set_id)
            if not one["Id"].startswith("000")
            and (rights := frozenset(right for right, column in OBJECT_RIGHTS.items() if one.get(column)))
        }
        readable, editable = set(), set()
        for name, edit in self._field_rows(set_id):
            readable.add(name.lower())
            if edit:
                editable.add(name.lower())
        return Content(
            license_id=row.get("LicenseId"),
            system=granted_permissions(row),
            objects=objects,
            readable=frozenset(readable),
            editable=frozenset(editable),
            setup=frozenset(str(one["SetupEntityId"]) for one in self._rows("SetupEntityAccess", set_id)),
            needs_activation=bool(row.get("HasActivationRequired")),
        )

    def _rows(self, name: str, set_id: str) -> list[Row]:
        sobject = self._schema.get(name)
        return self._store.select(sobject, {"ParentId": set_id}) if sobject else []

    def _field_rows(self, set_id: str) -> Iterable[tuple[str, int]]:
        sobject = self._schema.get("FieldPermissions")
        if sobject is None:
            return ()
        self._store.ensure(sobject)
        return self._store.execute(
            'SELECT "Field", "PermissionsEdit" FROM "FieldPermissions" '
            'WHERE "ParentId" = ? AND "PermissionsRead" = 1 AND "Id" > \'001\'',
            (set_id,),
        ).fetchall()


def granted_permissions(row: Mapping[str, Any]) -> frozenset[str]:
    """The system permissions of a row that has one boolean for each: their names without `Permissions`."""
    length = len(_PREFIX)
    return frozenset(name[length:] for name, value in row.items() if value and name[:length] == _PREFIX)


def union(contents: Iterable[Content]) -> Content:
    """What several sets carry together."""
    system: set[str] = set()
    objects: dict[str, frozenset[str]] = {}
    readable: set[str] = set()
    editable: set[str] = set()
    setup: set[str] = set()
    for one in contents:
        system |= one.system
        readable |= one.readable
        editable |= one.editable
        setup |= one.setup
        for name, rights in one.objects.items():
            objects[name] = objects.get(name, NO_RIGHTS) | rights
    return Content(None, frozenset(system), objects, frozenset(readable), frozenset(editable), frozenset(setup))


def _supported(rights: frozenset[str]) -> frozenset[str]:
    """The rights whose dependencies are among them too."""
    return frozenset(one for one in rights if all(need in rights for need in NEEDS.get(one, ())))
