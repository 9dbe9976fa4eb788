"""What a user may do: the union of all sets that count for the user, cut to what the user's licenses may carry.

A profile owns a set; a set counts if it is assigned, or part of an assigned group and not muted there; a set bound to a
license that the user does not hold grants nothing (Object Reference: PermissionSet, PermissionSetGroup).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from harness.sandbox.ids import long_id
from harness.sandbox.schema import Field, LicenseTerms, Schema, SObject
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

OWN_ROWS: Mapping[str, str] = {"LoginHistory": "UserId", "OauthToken": "UserId", "AuthSession": "UsersId"}
"""Setup objects of which everybody may see the rows about themselves, and the column that says whose they are."""

_ALL_RIGHTS = frozenset(OBJECT_RIGHTS) - {"view-all-fields"}
_VIEW_ALL = frozenset({"read", "view-all"})
_NO_RIGHTS: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Content:
    """What one set carries. Objects, and fields as `object.field`, in lower case."""

    license_id: str | None
    system: frozenset[str]
    objects: Mapping[str, frozenset[str]]
    readable: frozenset[str]
    editable: frozenset[str]
    setup: frozenset[str]
    asleep: bool = False
    """A session-based set grants nothing until it is activated."""


@dataclass(frozen=True, slots=True)
class EffectiveAccess:
    """Everything a user may do. `serial` is another number whenever it was computed again."""

    serial: int
    user_id: str
    profile_id: str | None
    role_id: str | None
    user_license: str | None
    """UserLicense.Name."""
    permission_set_licenses: frozenset[str]
    """DeveloperNames."""
    set_ids: frozenset[str]
    """All sets looked at, the components of groups included."""
    system: frozenset[str]
    """System permissions without `Permissions`."""
    objects: Mapping[str, frozenset[str]]
    readable: frozenset[str]
    editable: frozenset[str]
    setup: frozenset[str]
    """Ids of setup entities: apps, classes, custom permissions."""
    groups: frozenset[str]
    """Ids of the public groups and queues the user is in, also through other groups and roles."""
    subordinates: frozenset[str]
    """Ids of the users below in the role hierarchy."""
    until: str | None
    """When the first of the assignments that count expires."""

    def has(self, *permissions: str) -> bool:
        """Whether the user holds any of these system permissions; with none asked for, yes."""
        return not permissions or any(one in self.system for one in permissions)

    def rights(self, sobject: SObject) -> frozenset[str]:
        """The object rights, where the object has object permissions."""
        return self.objects.get((sobject.governed_by or sobject.name).lower(), _NO_RIGHTS)

    def can(self, sobject: SObject, right: str) -> bool:
        """Whether the user has a right on an object. Of setup objects only reading is decided here."""
        if sobject.setup:
            return right == "read" and (sobject.name in OWN_ROWS or self.has(*sobject.needs_any_of))
        if sobject.custom_setting:
            return right == "read" or self.has("CustomizeApplication")
        if sobject.governed_by:
            return ("read" if right == "read" else "edit") in self.rights(sobject)
        if not sobject.object_permissions:
            return self.has(*(sobject.needs_any_of if right == "read" else sobject.write_needs_any_of))
        return right in self.rights(sobject)

    def sees_all_rows(self, sobject: SObject) -> bool:
        """Whether sharing does not matter for reading."""
        return self.has("ViewAllData", "ModifyAllData") or bool({"view-all", "modify-all"} & self.rights(sobject))

    def edits_all_rows(self, sobject: SObject) -> bool:
        """Whether sharing does not matter for writing."""
        return "ModifyAllData" in self.system or "modify-all" in self.rights(sobject)

    def can_read_field(self, sobject: SObject, field: Field) -> bool:
        """Field-level security for reading. A part of a compound field goes with the compound."""
        governing = _governing(sobject, field)
        if not governing.permissionable or (sobject.setup and not governing.custom):
            return True
        if "view-all-fields" in self.rights(sobject):
            return True
        return f"{sobject.name}.{governing.name}".lower() in self.readable

    def can_edit_field(self, sobject: SObject, field: Field) -> bool:
        """Field-level security for writing; whether the field can be written at all is the schema's."""
        governing = _governing(sobject, field)
        if not governing.permissionable or (sobject.setup and not governing.custom):
            return True
        return f"{sobject.name}.{governing.name}".lower() in self.editable


def access_row_id(user_id: str) -> str:
    """The id of a user's row in UserPermissionAccess."""
    return long_id("0up" + user_id[3:15]) or user_id


def _governing(sobject: SObject, field: Field) -> Field:
    return (sobject.get(field.compound) or field) if field.compound else field


class AccessBook:
    """Computes access from the rows, and remembers it until one of those rows changes."""

    def __init__(self, schema: Schema, store: Store, today: Callable[[], str]) -> None:
        self._schema = schema
        self._store = store
        self._today = today
        self._serials = itertools.count(1)
        self._contents: dict[str, Content] = {}
        self._users: dict[str, EffectiveAccess] = {}

    def of(self, user_id: str) -> EffectiveAccess:
        """The access of a user."""
        found = self._users.get(user_id)
        if found is None or (found.until is not None and found.until <= self._today()):
            found = self._users[user_id] = self._compute(user_id)
        return found

    # Forgetting

    def forget_everything(self) -> None:
        """After a rollback: nothing remembered can be trusted."""
        self._contents.clear()
        self._users.clear()

    def row_changed(self, name: str, *rows: Row | None) -> None:
        """A row of an object was written: `rows` are its states before and after, as far as there are."""
        present = [row for row in rows if row is not None]
        if name in ("ObjectPermissions", "FieldPermissions", "SetupEntityAccess"):
            self._forget_sets({str(row.get("ParentId")) for row in present})
        elif name in ("PermissionSet", "MutingPermissionSet"):
            self._forget_sets({str(row["Id"]) for row in present})
        elif name in ("PermissionSetAssignment", "PermissionSetLicenseAssign"):
            for row in present:
                self._users.pop(str(row.get("AssigneeId")), None)
        elif name == "User":
            if len(present) != 2 or any(
                present[0].get(one) != present[1].get(one) for one in ("ProfileId", "UserRoleId", "IsActive")
            ):
                self._users.clear()
        elif name in _STRUCTURE:
            self._users.clear()

    def _forget_sets(self, set_ids: set[str]) -> None:
        for set_id in set_ids:
            self._contents.pop(set_id, None)
        for user_id in [user for user, access in self._users.items() if not set_ids.isdisjoint(access.set_ids)]:
            del self._users[user_id]

    # Sets

    def content(self, set_id: str) -> Content:
        """What a permission set, profile-owned or not, or a muting one carries."""
        found = self._contents.get(set_id)
        if found is None:
            found = self._contents[set_id] = self._read_content(set_id)
        return found

    def _read_content(self, set_id: str) -> Content:
        sobject = self._schema.get("MutingPermissionSet" if set_id.startswith("0QM") else "PermissionSet")
        row = (self._store.get(sobject, set_id) if sobject else None) or {}
        objects = {
            str(one["SobjectType"]).lower(): rights
            for one in self._rows("ObjectPermissions", ParentId=set_id)
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
            system=frozenset(
                name[len("Permissions") :]
                for name, value in row.items()
                if value is True and name[:11] == "Permissions"
            ),
            objects=objects,
            readable=frozenset(readable),
            editable=frozenset(editable),
            setup=frozenset(str(one["SetupEntityId"]) for one in self._rows("SetupEntityAccess", ParentId=set_id)),
            asleep=bool(row.get("HasActivationRequired")),
        )

    def _field_rows(self, set_id: str) -> Iterable[tuple[str, int]]:
        sobject = self._schema.get("FieldPermissions")
        if sobject is None:
            return ()
        self._store.ensure(sobject)
        return self._store.execute(
            'SELECT "Field", "PermissionsEdit" FROM "FieldPermissions" WHERE "ParentId" = ? AND "PermissionsRead" = 1',
            (set_id,),
        ).fetchall()

    def group_content(self, group_id: str) -> Content:
        """What a permission set group carries: its components together, less what its muting set mutes."""
        members = [
            str(row["PermissionSetId"])
            for row in self._rows("PermissionSetGroupComponent", PermissionSetGroupId=group_id)
        ]
        granted = _union(self.content(one) for one in members if not one.startswith("0QM"))
        muted = _union(self.content(one) for one in members if one.startswith("0QM"))
        objects = {
            name: kept
            for name, rights in granted.objects.items()
            if (kept := _supported(rights - muted.objects.get(name, _NO_RIGHTS)))
        }
        readable = granted.readable - muted.readable
        return Content(
            license_id=None,
            system=granted.system - muted.system,
            objects=objects,
            readable=readable,
            editable=(granted.editable - muted.editable) & readable,
            setup=granted.setup,
        )

    # Users

    def _compute(self, user_id: str) -> EffectiveAccess:
        user_object = self._schema.get("User")
        user = (self._store.get(user_object, user_id) if user_object else None) or {}
        profile_id = user.get("ProfileId")
        license_id, license_name = self._user_license(profile_id)
        psl_names = self._permission_set_licenses(user_id)
        contents, looked_at, until = self._contents_of(user_id, profile_id)
        held = {license_id, *psl_names}
        counting = _union(
            one for one in contents if not one.asleep and (one.license_id is None or one.license_id in held)
        )
        terms = self._terms(license_name, psl_names.values())
        system = self._closed({one for one in counting.system if _allows(terms, one)}, terms)
        return EffectiveAccess(
            serial=next(self._serials),
            user_id=user_id,
            profile_id=profile_id,
            role_id=user.get("UserRoleId"),
            user_license=license_name,
            permission_set_licenses=frozenset(psl_names.values()),
            set_ids=frozenset(looked_at),
            system=system,
            objects=self._object_rights(counting, system, terms),
            readable=counting.readable,
            editable=counting.editable,
            setup=counting.setup,
            groups=self._groups(user_id, user.get("UserRoleId")),
            subordinates=self._subordinates(user.get("UserRoleId")),
            until=until,
        )

    def _contents_of(self, user_id: str, profile_id: str | None) -> tuple[list[Content], set[str], str | None]:
        contents: list[Content] = []
        looked_at: set[str] = set()
        until: str | None = None
        for row in self._rows("PermissionSet", ProfileId=profile_id) if profile_id else ():
            contents.append(self.content(row["Id"]))
            looked_at.add(row["Id"])
        for row in self._rows("PermissionSetAssignment", AssigneeId=user_id):
            expires = row.get("ExpirationDate")
            if row.get("IsRevoked") or (expires and expires <= self._today()):
                continue
            until = min(until or expires, expires) if expires else until
            if row.get("PermissionSetGroupId"):
                group = str(row["PermissionSetGroupId"])
                contents.append(self.group_content(group))
                looked_at |= {
                    str(one["PermissionSetId"])
                    for one in self._rows("PermissionSetGroupComponent", PermissionSetGroupId=group)
                }
            elif row["PermissionSetId"] not in looked_at:
                contents.append(self.content(row["PermissionSetId"]))
                looked_at.add(row["PermissionSetId"])
        return contents, looked_at, until

    def _user_license(self, profile_id: str | None) -> tuple[str | None, str | None]:
        profiles = self._rows("Profile", Id=profile_id) if profile_id else []
        license_id = profiles[0].get("UserLicenseId") if profiles else None
        licenses = self._rows("UserLicense", Id=license_id) if license_id else []
        return license_id, licenses[0]["Name"] if licenses else None

    def _permission_set_licenses(self, user_id: str) -> dict[str, str]:
        ids = {row["PermissionSetLicenseId"] for row in self._rows("PermissionSetLicenseAssign", AssigneeId=user_id)}
        return {row["Id"]: row["DeveloperName"] for row in self._rows("PermissionSetLicense", Id=ids)} if ids else {}

    def _terms(self, license_name: str | None, psl_names: Iterable[str]) -> list[LicenseTerms]:
        user_terms = self._schema.user_licenses.get(license_name or "") or LicenseTerms(license_name or "")
        return [user_terms, *(self._schema.permission_set_licenses.get(one) or LicenseTerms(one) for one in psl_names)]

    def terms_of(self, user_id: str) -> list[LicenseTerms]:
        """The terms of all licenses a user holds: together they are the ceiling."""
        access = self.of(user_id)
        return self._terms(access.user_license, sorted(access.permission_set_licenses))

    def _closed(self, system: set[str], terms: list[LicenseTerms]) -> frozenset[str]:
        waiting = list(system)
        while waiting:
            definition = self._schema.system_permissions.get(waiting.pop())
            for implied in definition.implies if definition else ():
                if implied not in system and _allows(terms, implied):
                    system.add(implied)
                    waiting.append(implied)
        return frozenset(system)

    def _object_rights(
        self, counting: Content, system: frozenset[str], terms: list[LicenseTerms]
    ) -> dict[str, frozenset[str]]:
        granted: dict[str, frozenset[str]] = dict(counting.objects)
        for name in system:
            for sobject_name, right in (
                self._schema.system_permissions[name].grants if name in self._schema.system_permissions else ()
            ):
                key = sobject_name.lower()
                granted[key] = granted.get(key, _NO_RIGHTS) | {right, *NEEDS.get(right, ())}
        everywhere = _ALL_RIGHTS if "ModifyAllData" in system else _VIEW_ALL if "ViewAllData" in system else _NO_RIGHTS
        rights: dict[str, frozenset[str]] = {}
        for sobject in self._schema:
            if not has_object_permissions(sobject):
                continue
            key = sobject.name.lower()
            found = granted.get(key, _NO_RIGHTS) | everywhere
            if found and any(one.allows_object(sobject) for one in terms):
                rights[key] = frozenset(itertools.chain(found, *(NEEDS.get(one, ()) for one in found)))
        return rights

    def _groups(self, user_id: str, role_id: str | None) -> frozenset[str]:
        found: set[str] = set()
        above = self._roles_above(role_id)
        for group in self._rows("Group", Type={"Organization", "Role", "RoleAndSubordinates"}):
            if (
                group["Type"] == "Organization"
                or (role_id and group.get("RelatedId") == role_id)
                or (group["Type"] == "RoleAndSubordinates" and group.get("RelatedId") in above)
            ):
                found.add(group["Id"])
        waiting = {user_id, *found}
        while waiting:
            waiting = {row["GroupId"] for row in self._rows("GroupMember", UserOrGroupId=waiting)} - found
            found |= waiting
        return frozenset(found)

    def _roles_above(self, role_id: str | None) -> set[str]:
        parents = {row["Id"]: row.get("ParentRoleId") for row in self._rows("UserRole")} if role_id else {}
        above: set[str] = set()
        while role_id and role_id not in above:
            above.add(role_id)
            role_id = parents.get(role_id)
        return above

    def _subordinates(self, role_id: str | None) -> frozenset[str]:
        if not role_id:
            return frozenset()
        below: set[str] = set()
        waiting = {role_id}
        while waiting:
            waiting = {row["Id"] for row in self._rows("UserRole", ParentRoleId=waiting)} - below
            below |= waiting
        return frozenset(row["Id"] for row in self._rows("User", UserRoleId=below)) if below else frozenset()

    def _rows(self, name: str, **equals: Any) -> list[Row]:
        sobject = self._schema.get(name)
        if sobject is None or any(sobject.get(column) is None for column in equals):
            return []
        return self._store.select(sobject, equals)


_STRUCTURE = frozenset(
    {
        "Profile",
        "UserLicense",
        "PermissionSetLicense",
        "PermissionSetGroup",
        "PermissionSetGroupComponent",
        "UserRole",
        "Group",
        "GroupMember",
    }
)


def has_object_permissions(sobject: SObject) -> bool:
    """Whether ObjectPermissions may name the object."""
    return sobject.object_permissions and not (sobject.setup or sobject.custom_setting or sobject.governed_by)


def _allows(terms: Iterable[LicenseTerms], permission: str) -> bool:
    return any(one.allows_permission(permission) for one in terms)


def _supported(rights: frozenset[str]) -> frozenset[str]:
    """The rights whose dependencies are among them too."""
    return frozenset(one for one in rights if all(need in rights for need in NEEDS.get(one, ())))


def _union(contents: Iterable[Content]) -> Content:
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
            objects[name] = objects.get(name, _NO_RIGHTS) | rights
    return Content(None, frozenset(system), objects, frozenset(readable), frozenset(editable), frozenset(setup))
