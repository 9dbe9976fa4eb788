"""Rows of permissions: objects, fields, and setup entities such as apps and classes."""

# ruff: noqa: D102, ARG002 - the hooks are described in `Rules`

from __future__ import annotations

from harness.sandbox.access.contents import NEEDS, OBJECT_RIGHTS
from harness.sandbox.errors import ApiError, invalid
from harness.sandbox.rules.base import Rules, Values, depends, integrity, object_label, unknown_duplicate
from harness.sandbox.rules.ceiling import Ceiling
from harness.sandbox.rules.implied import check_implied
from harness.sandbox.schema import SObject
from harness.sandbox.store import Row


class _PermissionRows(Rules):
    """What the permission tables share: the parent must be a set that may be changed."""

    write_needs = ("ManageProfilesPermissionsets",)

    def check_parent(self, parent_id: str) -> None:
        """A muting set or a permission set, but not the computed one of a group; a profile's own as the switch says."""
        if not parent_id.startswith("0PS"):
            return
        if self.org.peek("PermissionSet", parent_id, "Type") == "Group":
            raise self.org.dml.insufficient_access()
        if not self.org.switches.profile_permissions_writable and self.org.peek(
            "PermissionSet", parent_id, "IsOwnedByProfile"
        ):
            raise self.org.dml.insufficient_access()


class ObjectPermissionsRules(_PermissionRows):
    """Object Reference, ObjectPermissions."""

    def before_create(self, values: Values) -> None:
        self.check_parent(values["ParentId"])
        sobject = self._named(str(values["SobjectType"]))
        values["SobjectType"] = sobject.name
        for row in self.rows("ObjectPermissions", ParentId=values["ParentId"], SobjectType=sobject.name):
            if not row["Id"].startswith("000"):
                raise unknown_duplicate()
            self.remove_rows("ObjectPermissions", Id=row["Id"])
        rights = _rights(values)
        if not rights:
            raise integrity("ObjectPermissions must grant at least Read", ["PermissionsRead"])
        self._check(values["ParentId"], sobject, rights)

    def before_update(self, row: Row, changes: Values) -> None:
        if row["Id"].startswith("000"):
            raise self.org.dml.insufficient_access()
        self.check_parent(row["ParentId"])
        sobject = self._named(row["SobjectType"])
        rights = _rights({**row, **changes})
        if rights:
            self._check(row["ParentId"], sobject, rights)
        check_implied(self, row["ParentId"], sobject, rights)
        if "read" not in rights:
            self._check_details(row["ParentId"], sobject)

    def after_update(self, before: Row, row: Row) -> None:
        if not row.get("PermissionsRead"):
            self.remove_rows("ObjectPermissions", Id=row["Id"])

    def before_delete(self, row: Row) -> None:
        if row["Id"].startswith("000"):
            raise self.org.dml.insufficient_access()
        self.check_parent(row["ParentId"])
        sobject = self._named(row["SobjectType"])
        check_implied(self, row["ParentId"], sobject, set())
        self._check_details(row["ParentId"], sobject)

    def _named(self, name: str) -> SObject:
        found = self.org.permission_names.sobject(name)
        if found is None:
            text = f"Sobject Type Name: bad value for restricted picklist field: {name}"
            raise invalid("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", text, "SobjectType")
        return found

    def _check(self, parent_id: str, sobject: SObject, rights: set[str]) -> None:
        if parent_id.startswith("0QM"):
            return
        for right in OBJECT_RIGHTS:
            missing = [one for one in NEEDS.get(right, ()) if one not in rights]
            if right in rights and missing:
                raise depends(object_label(sobject, right), [object_label(sobject, one) for one in missing])
        for master in self._masters(sobject):
            if not self._reads(parent_id, master):
                raise depends(object_label(sobject, "read"), [object_label(master, "read")])
        ceiling = Ceiling(self.org)
        for terms in ceiling.binding_terms(parent_id):
            excess = ceiling.excess((), {sobject.name: rights}, terms)
            if excess:
                raise integrity(f"The user license doesn't allow the permission: {excess}")

    def _check_details(self, parent_id: str, sobject: SObject) -> None:
        if self._reads_everything(parent_id):
            return
        for detail, field in self.org.relations.referring(sobject):
            if field.master_detail and detail is not sobject and self._reads(parent_id, detail):
                raise depends(object_label(detail, "read"), [object_label(sobject, "read")])

    def _masters(self, sobject: SObject) -> list[SObject]:
        masters = [
            self.org.schema.get(field.reference_to[0])
            for field in sobject.fields.values()
            if field.master_detail and field.reference_to
        ]
        return [
            one
            for one in masters
            if one and one is not sobject and self.org.permission_names.sobject(one.name) is not None
        ]

    def _reads(self, parent_id: str, sobject: SObject) -> bool:
        if self._reads_everything(parent_id):
            return True
        rows = self.rows("ObjectPermissions", ParentId=parent_id, SobjectType=sobject.name)
        return any(row.get("PermissionsRead") for row in rows)

    def _reads_everything(self, parent_id: str) -> bool:
        everything = ("PermissionsViewAllData", "PermissionsModifyAllData")
        return any(self.org.peek("PermissionSet", parent_id, column) for column in everything)


class FieldPermissionsRules(_PermissionRows):
    """Object Reference, FieldPermissions."""

    def before_create(self, values: Values) -> None:
        self.check_parent(values["ParentId"])
        if self.org.permission_names.field_owner(str(values["SobjectType"])) is None:
            text = f"Sobject Type Name: bad value for restricted picklist field: {values['SobjectType']}"
            raise invalid("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", text, "SobjectType")
        self._set_names(values)
        for row in self.rows("FieldPermissions", ParentId=values["ParentId"], Field=values["Field"]):
            if not row["Id"].startswith("000"):
                raise unknown_duplicate()
            self.remove_rows("FieldPermissions", Id=row["Id"])
        self._check(values["ParentId"], values)

    def standing(self, values: Values) -> str | None:
        """The row that the twin's brought along, where it grants the same."""
        name = str(values["Field"])
        if self._twin(name) is None:
            return None
        rows = self.rows("FieldPermissions", ParentId=values["ParentId"], Field=name)
        same = rows and all(bool(rows[0].get(one)) == bool(values.get(one)) for one in _FIELD_RIGHTS)
        return str(rows[0]["Id"]) if same else None

    def after_create(self, row: Row) -> None:
        twin = self._twin(row["Field"])
        sobject = self.org.schema.get("FieldPermissions")
        if twin is not None and sobject is not None and not self._twin_rows(row):
            named = {"SobjectType": twin.partition(".")[0], "Field": twin}
            copied = {one: int(bool(row.get(one))) for one in _FIELD_RIGHTS}
            self.org.write_new(sobject, {"ParentId": row["ParentId"], **named, **copied}, None)

    def before_update(self, row: Row, changes: Values) -> None:
        if row["Id"].startswith("000"):
            raise self.org.dml.insufficient_access()
        self.check_parent(row["ParentId"])
        after = {**row, **changes}
        if after.get("PermissionsRead") or after.get("PermissionsEdit"):
            self._check(row["ParentId"], after)

    def after_update(self, before: Row, row: Row) -> None:
        sobject = self.org.schema.get("FieldPermissions")
        for one in [row, *self._twin_rows(row)]:
            if not row.get("PermissionsRead"):
                self.remove_rows("FieldPermissions", Id=one["Id"])
            elif one is not row and sobject is not None:
                self.org.write_changes(sobject, one, {name: int(bool(row.get(name))) for name in _FIELD_RIGHTS}, None)

    def before_delete(self, row: Row) -> None:
        if row["Id"].startswith("000"):
            raise self.org.dml.insufficient_access()
        self.check_parent(row["ParentId"])

    def after_delete(self, row: Row) -> None:
        for twin in self._twin_rows(row):
            self.remove_rows("FieldPermissions", Id=twin["Id"])

    def _twin(self, name: str) -> str | None:
        """A custom field of activities is one field of Task and of Event: the other name of it."""
        found = self.org.permission_names.field(name)
        if found is None or not found[1].custom or found[0].name not in _TWINS:
            return None
        twin = self.org.permission_names.field(f"{_TWINS[found[0].name]}.{found[1].name}")
        return f"{twin[0].name}.{twin[1].name}" if twin else None

    def _twin_rows(self, row: Row) -> list[Row]:
        twin = self._twin(row["Field"])
        return self.rows("FieldPermissions", ParentId=row["ParentId"], Field=twin) if twin else []

    def _set_names(self, values: Values) -> None:
        found = self.org.permission_names.field(str(values["Field"]))
        if found is None or found[0].name.lower() != str(values["SobjectType"]).lower():
            text = f"Field Name: bad value for restricted picklist field: {values['Field']}"
            raise invalid("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", text, "Field")
        sobject, field = found
        values["SobjectType"], values["Field"] = sobject.name, f"{sobject.name}.{field.name}"

    def _check(self, parent_id: str, values: Values) -> None:
        if parent_id.startswith("0QM"):
            return
        name = values["Field"]
        if not values.get("PermissionsRead"):
            if values.get("PermissionsEdit"):
                raise depends(f"Edit {name}", [f"Read {name}"])
            raise integrity("FieldPermissions must grant at least Read", ["PermissionsRead"])
        found = self.org.permission_names.field(name)
        if values.get("PermissionsEdit") and found and (found[1].calculated or found[1].auto_number):
            raise integrity(f"The field {name} is read-only: only Read can be granted", ["PermissionsEdit"])


class SetupEntityAccessRules(_PermissionRows):
    """Object Reference, SetupEntityAccess: created and deleted only; the type follows from the id."""

    def before_create(self, values: Values) -> None:
        self.check_parent(values["ParentId"])
        target = self.org.schema.of_prefix(values["SetupEntityId"][:3])
        if target is None:
            raise ApiError(400, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", ["SetupEntityId"])
        values["SetupEntityType"] = target.name
        keys = {name: values[name] for name in ("ParentId", "SetupEntityId")}
        if self.rows("SetupEntityAccess", **keys):
            raise unknown_duplicate()


class TabSettingRules(_PermissionRows):
    """Object Reference, PermissionSetTabSetting."""

    def before_create(self, values: Values) -> None:
        self.check_parent(values["ParentId"])
        if self.rows("PermissionSetTabSetting", ParentId=values["ParentId"], Name=values["Name"]):
            raise unknown_duplicate()


_FIELD_RIGHTS = ("PermissionsRead", "PermissionsEdit")
_TWINS = {"Task": "Event", "Event": "Task"}


def _rights(values: Values) -> set[str]:
    return {right for right, column in OBJECT_RIGHTS.items() if values.get(column)}
