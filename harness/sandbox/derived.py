"""Tables whose rows follow from other rows or from the schema, brought up to date before a query reads them.

Seats in use, the synthetic object permissions of whoever may modify all data, the definitions of objects and fields,
the dependencies of permissions, and what the running user may do.
"""

# ruff: noqa: S608 - SQL is made of the schema's names, quoted; every value is bound

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from harness.sandbox.access.contents import NEEDS, OBJECT_RIGHTS
from harness.sandbox.access.effective import EffectiveAccess, has_object_permissions
from harness.sandbox.access.permission_names import is_permissionable
from harness.sandbox.access.user_access import TABLES, UserAccess
from harness.sandbox.clock import wire_datetime
from harness.sandbox.describing.definitions import dependency_rows, entity_rows, field_rows
from harness.sandbox.identity.sessions import bring_up_to_date
from harness.sandbox.ids import long_id, make_id
from harness.sandbox.rules.ceiling import Seats
from harness.sandbox.schema import Schema, SObject
from harness.sandbox.sharing.record_access import RECORD_ACCESS
from harness.sandbox.store import Row, quote

if TYPE_CHECKING:
    from harness.sandbox.org import SandboxOrg

_ROWS = ("ObjectPermissions", "FieldPermissions", "SetupEntityAccess")


def link_definitions(schema: Schema) -> None:
    """Let queries go from a FieldDefinition to its EntityDefinition."""
    sobject = schema.get("FieldDefinition")
    field = sobject.get("EntityDefinitionId") if sobject else None
    if sobject and field and schema.get("EntityDefinition"):
        linked = replace(
            field,
            type="reference",
            reference_to=("EntityDefinition",),
            relationship_name="EntityDefinition",
            child_relationship="Fields",
        )
        sobject.add(linked)


class Derived:
    """Keeps the derived tables of one org."""

    def __init__(self, org: SandboxOrg) -> None:
        self._org = org
        self._versions: dict[str, int] = {}
        self._made: dict[str, tuple[object, ...]] = {}
        self._user_access = UserAccess(org)
        self._makers: dict[str, tuple[tuple[str, ...], Callable[[], None]]] = {
            "UserLicense": (("User", "Profile", "UserLicense"), self._user_licenses),
            "PermissionSetLicense": (
                ("User", "PermissionSetLicenseAssign", "PermissionSetLicense"),
                self._permission_set_licenses,
            ),
            "PackageLicense": (("PackageLicense", "UserPackageLicense"), self._package_licenses),
            "AppMenuItem": (("TabSet", "ConnectedApplication"), self._app_menu),
            "EntityDefinition": ((), self._entities),
            "FieldDefinition": ((), self._fields),
            "PermissionDependency": ((), self._dependencies),
        }

    @property
    def computed(self) -> frozenset[str]:
        """Objects all of whose rows follow from the schema, or from who asks."""
        made = {name for name, (depends_on, _) in self._makers.items() if not depends_on}
        return frozenset({*made, *TABLES, RECORD_ACCESS})

    def prepare_stored(self) -> None:
        """Bring the rows and columns that follow from other rows up to date."""
        for name, (depends_on, make) in self._makers.items():
            if depends_on:
                self._refresh(name, depends_on, make)
        self._sets()

    def versions(self, *names: str) -> tuple[int, ...]:
        """Numbers that are others once a row of these objects was written."""
        return tuple(self._versions.get(one, 0) for one in names)

    def row_changed(self, name: str) -> None:
        """A row of an object was written."""
        self._versions[name] = self._versions.get(name, 0) + 1
        if name == "CustomEntityDefinition":
            self._made.pop("EntityDefinition", None)

    def forget_everything(self) -> None:
        """After a rollback, or a change of the schema."""
        self._made.clear()
        self._user_access.forget_everything()

    def prepare(self, tables: Sequence[SObject], access: EffectiveAccess, asked: Iterable[Any] = ()) -> None:
        """Bring the tables of a user's query up to date; `asked` are the values that the query compares with."""
        for sobject in tables:
            if sobject.name in self._makers:
                depends_on, make = self._makers[sobject.name]
                self._refresh(sobject.name, depends_on, make)
            elif sobject.name in _ROWS or sobject.name == "PermissionSet":
                self._sets()
            elif sobject.name == "PermissionSetAssignment":
                self._expire_assignments(sobject)
            elif sobject.name == "PermissionSetGroup":
                self._org.recalculation.looked_at()
            elif sobject.name == "AuthSession":
                bring_up_to_date(self._org)
            elif sobject.name in TABLES:
                self._user_access.prepare(sobject, access, asked)

    def _sets(self) -> None:
        self._refresh("(synthetic)", ("PermissionSet", "ObjectPermissions"), self._synthetic_rows)
        self._refresh("(all fields)", ("ObjectPermissions", "FieldPermissions"), self._synthetic_fields)

    def _refresh(self, name: str, depends_on: Sequence[str], make: Callable[[], None]) -> None:
        key = self.versions(*depends_on)
        if self._made.get(name) != key:
            with self._org.transaction():
                make()
            self._made[name] = key

    # Seats

    def _user_licenses(self) -> None:
        self._count("UserLicense", Seats(self._org).used_user_licenses)

    def _permission_set_licenses(self) -> None:
        self._count("PermissionSetLicense", Seats(self._org).used_permission_set_licenses)

    def _count(self, name: str, used: Callable[[str], int]) -> None:
        sobject = self._org.schema.get(name)
        assert sobject is not None
        for row in self._org.rows(name) if sobject.get("UsedLicenses") else ():
            self._org.store.update(sobject, row["Id"], {"UsedLicenses": used(row["Id"])})

    def _package_licenses(self) -> None:
        self._count("PackageLicense", lambda one: len(self._org.rows("UserPackageLicense", PackageLicenseId=one)))

    def _expire_assignments(self, sobject: SObject) -> None:
        if sobject.get("ExpirationDate") and sobject.get("IsActive"):
            self._org.store.ensure(sobject)
            now = wire_datetime(self._org.clock.peek())
            sql = 'UPDATE "PermissionSetAssignment" SET "IsActive" = 0 WHERE "ExpirationDate" <= ? AND "IsActive" = 1'
            self._org.store.execute(sql, (now,))

    def _app_menu(self) -> None:
        self._replace("AppMenuItem", self._menu_items())

    def _menu_items(self) -> Iterator[Row]:
        """One item for each app, in the order of their names; `ApplicationId` is the app's own id."""
        apps = [(row["DeveloperName"], row["Label"], "TabSet", row["Id"]) for row in self._org.rows("TabSet")]
        connected = self._org.rows("ConnectedApplication") if self._org.schema.get("ConnectedApplication") else []
        apps += [(row["Name"], row["Name"], "ConnectedApplication", row["Id"]) for row in connected]
        for number, (name, label, kind, app) in enumerate(sorted(apps), start=1):
            yield {
                "Id": make_id("0DS", number),
                "SortOrder": number,
                "Name": name,
                "Label": label,
                "Type": kind,
                "ApplicationId": app,
                "IsAccessible": 1,
                "IsVisible": 1,
            }

    # Whoever may modify all data

    def _synthetic_rows(self) -> None:
        """Rows that are not stored: their ids start with 000 (Object Reference, ObjectPermissions)."""
        org = self._org
        table, sets = org.schema.get("ObjectPermissions"), org.schema.get("PermissionSet")
        if table is None or sets is None or sets.get("PermissionsModifyAllData") is None:
            return
        org.store.ensure(table)
        org.store.execute('DELETE FROM "ObjectPermissions" WHERE "Id" < \'001\'')
        number = 0
        columns = {column: int(right != "view-all-fields") for right, column in self._rights()}
        for row in org.rows("PermissionSet", PermissionsModifyAllData=1):
            stored = {one["SobjectType"] for one in org.rows("ObjectPermissions", ParentId=row["Id"])}
            for sobject in org.schema:
                number += 1
                if has_object_permissions(sobject) and sobject.name not in stored:
                    made = {"Id": _synthetic_id(number), "ParentId": row["Id"], "SobjectType": sobject.name, **columns}
                    org.store.insert(table, made)

    def _synthetic_fields(self) -> None:
        """Where a set has View All Fields on an object, Read is on for all its fields (Object Reference)."""
        org = self._org
        table, objects = org.schema.get("FieldPermissions"), org.schema.get("ObjectPermissions")
        if table is None or objects is None or objects.get("PermissionsViewAllFields") is None:
            return
        org.store.ensure(table)
        org.store.execute('DELETE FROM "FieldPermissions" WHERE "Id" < \'001\'')
        number = 0
        for row in org.rows("ObjectPermissions", PermissionsViewAllFields=1):
            sobject = org.schema.get(row["SobjectType"])
            if sobject is None:
                continue
            equals = {"ParentId": row["ParentId"], "SobjectType": sobject.name}
            stored = {one["Field"] for one in org.rows("FieldPermissions", **equals)}
            for field in sobject.fields.values():
                name = f"{sobject.name}.{field.name}"
                if is_permissionable(field) and name not in stored:
                    number += 1
                    made = {"Id": _synthetic_id(number), **equals, "Field": name, "PermissionsRead": 1}
                    org.store.insert(table, made)

    def _rights(self) -> Iterator[tuple[str, str]]:
        sobject = self._org.schema.get("ObjectPermissions")
        for right, column in OBJECT_RIGHTS.items():
            if sobject and sobject.get(column):
                yield right, column

    # Definitions

    def _entities(self) -> None:
        settings = self._org.rows("CustomEntityDefinition") if self._org.schema.get("CustomEntityDefinition") else []
        ids = {str(row["DeveloperName"]).removesuffix("__c"): str(row["Id"]) for row in settings}
        self._replace("EntityDefinition", entity_rows(self._org.schema, ids))

    def _fields(self) -> None:
        self._replace("FieldDefinition", field_rows(self._org.schema))

    def _dependencies(self) -> None:
        self._replace("PermissionDependency", dependency_rows(self._org.schema, NEEDS))

    def _replace(self, name: str, rows: Iterator[Row]) -> None:
        sobject = self._org.schema.get(name)
        assert sobject is not None
        self._org.store.ensure(sobject)
        self._org.store.execute(f"DELETE FROM {quote(name)}")
        for row in rows:
            self._org.store.insert(sobject, {column: value for column, value in row.items() if sobject.get(column)})


def _synthetic_id(number: int) -> str:
    tail = make_id("000", number)[6:15]
    return long_id("000000" + tail) or tail
