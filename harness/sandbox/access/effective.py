"""What a user may do: the union of all sets that count for the user, cut to what the user's licenses may carry.

A profile owns a set; a set counts if it is assigned, or part of an assigned group and not muted there; a set bound to a
license that the user does not hold grants nothing (Object Reference: PermissionSet, PermissionSetGroup).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from harness.sandbox.access.contents import NEEDS, NO_RIGHTS, OBJECT_RIGHTS, Content, Contents, union
from harness.sandbox.access.membership import Membership
from harness.sandbox.ids import long_id
from harness.sandbox.schema import Field, LicenseTerms, Schema, SObject
from harness.sandbox.store import Row, Store

OWN_ROWS: Mapping[str, str] = {"LoginHistory": "UserId", "OauthToken": "UserId", "AuthSession": "UsersId"}
"""Setup objects of which everybody may see the rows about themselves, and the column that says whose they are."""

FEATURE_PREFIX = "UserPermissions"
"""How the columns of User that stand for feature licenses begin."""

_FIELDS_NEED: Mapping[tuple[str, str], tuple[str, ...]] = {("User", "NumberOfFailedLogins"): ("ManageUsers",)}
"""Fields of setup objects that need a permission of their own (Object Reference, "Special Access Rules")."""
_ALL_RIGHTS = frozenset(OBJECT_RIGHTS) - {"view-all-fields"}
_VIEW_ALL = frozenset({"read", "view-all"})


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
    """All sets looked at, the computed ones of groups among them."""
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
    features: frozenset[str]
    """Feature licenses of the user, as `MarketingUser` of UserPermissionsMarketingUser."""
    custom_settings: frozenset[str] | None
    """Custom settings whose rows the user may read, in lower case; None: all of them."""
    until: str | None
    """When the first of the assignments that count expires."""
    version: int | None = None
    """The API version asked in, where it is older than some fields; None: it has all of them."""

    def has(self, *permissions: str) -> bool:
        """Whether the user holds any of these system permissions; with none asked for, yes."""
        return not permissions or any(one in self.system for one in permissions)

    def rights(self, sobject: SObject) -> frozenset[str]:
        """The object rights, where the object has object permissions."""
        return self.objects.get((sobject.governed_by or sobject.name).lower(), NO_RIGHTS)

    def can(self, sobject: SObject, right: str) -> bool:
        """Whether the user has a right on an object. Of setup objects only reading is decided here."""
        if sobject.setup:
            asks = right == "read" and sobject.queryable  # without queries, it is only there for others to refer to
            return asks and (sobject.name in OWN_ROWS or self.has(*sobject.needs_any_of))
        if sobject.custom_setting:
            return self.has("CustomizeApplication") or (right == "read" and self._reads_setting(sobject))
        if right != "read" and sobject.write_needs_feature and sobject.write_needs_feature not in self.features:
            return False
        if sobject.governed_by:
            return ("read" if right == "read" else "edit") in self.rights(sobject)
        if not sobject.object_permissions:
            return self.has(*(sobject.needs_any_of if right == "read" else sobject.write_needs_any_of))
        return right in self.rights(sobject)

    def _reads_setting(self, sobject: SObject) -> bool:
        return self.custom_settings is None or sobject.name.lower() in self.custom_settings

    def sees_all_rows(self, sobject: SObject) -> bool:
        """Whether sharing does not matter for reading."""
        return self.has("ViewAllData", "ModifyAllData") or bool({"view-all", "modify-all"} & self.rights(sobject))

    def edits_all_rows(self, sobject: SObject) -> bool:
        """Whether sharing does not matter for writing."""
        return "ModifyAllData" in self.system or "modify-all" in self.rights(sobject)

    def can_read_field(self, sobject: SObject, field: Field) -> bool:
        """Field-level security for reading. A part of a compound field goes with the compound."""
        if self.version is not None and self.version < field.since:
            return False
        governing = _governing(sobject, field)
        if not governing.permissionable or (sobject.setup and not governing.custom):
            return self.has(*_FIELDS_NEED.get((sobject.name, field.name), ()))
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


@dataclass(slots=True)
class _Meanwhile:
    """What was forgotten since the open transaction began."""

    sets: set[str] = field(default_factory=set)
    users: set[str] = field(default_factory=set)
    everybody: bool = False


class AccessBook:
    """Computes access from the rows, and remembers it until one of those rows changes.

    `now` gives the time as rows have it; `session_id` the AuthSession of the request under way, whose activations of
    session-based sets count; `api_version` its version, `67.0`; `restricts_settings` whether access to custom settings
    is restricted.
    """

    def __init__(
        self,
        schema: Schema,
        store: Store,
        *,
        now: Callable[[], str],
        session_id: Callable[[], str | None],
        api_version: Callable[[], str],
        restricts_settings: Callable[[], bool],
    ) -> None:
        self._schema = schema
        self._store = store
        self._now = now
        self._session_id = session_id
        self._api_version = api_version
        self._newest = max((one.since for sobject in schema for one in sobject.fields.values()), default=0)
        """The version that has every field."""
        self._restricts_settings = restricts_settings
        self._serials = itertools.count(1)
        self._contents = Contents(schema, store)
        self._membership = Membership(schema, store)
        self._users: dict[tuple[str, frozenset[str], int | None], EffectiveAccess] = {}
        self._activated: dict[tuple[str, str], frozenset[str]] = {}
        self._meanwhile = _Meanwhile()
        self.before_reading: Callable[[], None] = _nothing
        """Called before access is looked up: what changes with time may want to change first."""

    def of(self, user_id: str) -> EffectiveAccess:
        """The access of a user."""
        self.before_reading()
        key = (user_id, self._activated_sets(user_id), self._older_version())
        found = self._users.get(key)
        if found is None or (found.until is not None and found.until <= self._now()):
            found = self._users[key] = replace(self._compute(user_id, key[1]), version=key[2])
        return found

    def _older_version(self) -> int | None:
        """The version of the request under way, where it lacks fields."""
        version = int(self._api_version().partition(".")[0])
        return version if version < self._newest else None

    def _activated_sets(self, user_id: str) -> frozenset[str]:
        """The session-based sets that the session under way has activated, where it is the user's."""
        session_id = self._session_id()
        if session_id is None:
            return NO_RIGHTS
        found = self._activated.get((session_id, user_id))
        if found is None:
            rows = self._rows("SessionPermSetActivation", AuthSessionId=session_id, UserId=user_id)
            found = frozenset(str(row["PermissionSetId"]) for row in rows)
            self._activated[session_id, user_id] = found
        return found

    # Forgetting

    def forget_everything(self) -> None:
        """After a change of the schema, or another state: nothing remembered can be trusted."""
        self._contents.forget()
        self._users.clear()
        self._activated.clear()

    def transaction_ended(self, *, kept: bool, outermost: bool) -> None:
        """What was forgotten in it, and may be remembered anew, is forgotten again if it is not kept."""
        meanwhile = self._meanwhile
        if not kept:
            self._contents.forget(meanwhile.sets)
            if meanwhile.everybody:
                self._users.clear()
            self._drop_users(meanwhile.users, meanwhile.sets)
            self._activated.clear()
        if outermost:
            self._meanwhile = _Meanwhile()

    def row_changed(self, name: str, *rows: Row | None) -> None:
        """A row of an object was written: `rows` are its states before and after, as far as there are."""
        present = [row for row in rows if row is not None]
        if name in ("ObjectPermissions", "FieldPermissions", "SetupEntityAccess"):
            self.forget_sets({str(row.get("ParentId")) for row in present})
        elif name in ("PermissionSet", "MutingPermissionSet"):
            self.forget_sets({str(row["Id"]) for row in present})
        elif name in ("PermissionSetAssignment", "PermissionSetLicenseAssign"):
            self._forget_users({str(row.get("AssigneeId")) for row in present})
        elif name == "User":
            if len(present) != 2 or any(present[0].get(one) != present[1].get(one) for one in _decisive(present[0])):
                self._forget_everybody()
        elif name == "SessionPermSetActivation":
            self._activated.clear()
        elif name in _STRUCTURE:
            self._forget_everybody()

    def forget_sets(self, set_ids: set[str]) -> None:
        """Forget what sets carry, and the access of everybody who has them."""
        self._meanwhile.sets |= set_ids
        self._contents.forget(set_ids)
        self._drop_users(set(), set_ids)

    def _forget_users(self, user_ids: set[str]) -> None:
        self._meanwhile.users |= user_ids
        self._drop_users(user_ids, set())

    def _forget_everybody(self) -> None:
        self._meanwhile.everybody = True
        self._users.clear()

    def _drop_users(self, user_ids: set[str], set_ids: set[str]) -> None:
        """Forget the access of these users, and of everybody who has one of these sets."""
        for key, access in list(self._users.items()):
            if key[0] in user_ids or not set_ids.isdisjoint(access.set_ids):
                del self._users[key]

    # Sets

    def content(self, set_id: str) -> Content:
        """What a permission set, profile-owned or not, or a muting one carries."""
        return self._contents.of(set_id)

    def group_content(self, group_id: str) -> Content:
        """What a permission set group comes to now; what it grants is what its computed set held when last computed."""
        rows = self._rows("PermissionSetGroupComponent", PermissionSetGroupId=group_id)
        return self._contents.of_members(str(row["PermissionSetId"]) for row in rows)

    # Users

    def _compute(self, user_id: str, activated: frozenset[str]) -> EffectiveAccess:
        user_object = self._schema.get("User")
        user = (self._store.get(user_object, user_id) if user_object else None) or {}
        profile_id = user.get("ProfileId")
        license_id, license_name = self._user_license(profile_id)
        psl_names = self._permission_set_licenses(user_id)
        set_ids, until = self._sets_of(user_id, profile_id)
        held = {None, license_id, *psl_names}
        counting = union(
            one
            for set_id in sorted(set_ids)
            if (one := self.content(set_id)).license_id in held and (not one.needs_activation or set_id in activated)
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
            set_ids=frozenset(set_ids),
            system=system,
            objects=self._object_rights(counting, system, terms),
            readable=counting.readable,
            editable=counting.editable,
            setup=counting.setup,
            groups=self._membership.groups(user_id, user.get("UserRoleId")),
            subordinates=self._membership.subordinates(user.get("UserRoleId")),
            features=frozenset(
                name.removeprefix(FEATURE_PREFIX)
                for name, value in user.items()
                if value is True and name.startswith(FEATURE_PREFIX)
            ),
            custom_settings=self._custom_settings(counting.setup),
            until=until,
        )

    def _sets_of(self, user_id: str, profile_id: str | None) -> tuple[set[str], str | None]:
        """The sets assigned to a user, those of its profile and its groups too, and when the first of them expires."""
        owned = self._rows("PermissionSet", ProfileId=profile_id) if profile_id else []
        found = {str(row["Id"]) for row in owned}
        until: str | None = None
        for row in self._rows("PermissionSetAssignment", AssigneeId=user_id):
            expires = row.get("ExpirationDate")
            if row.get("IsRevoked") or (expires and expires <= self._now()):
                continue
            until = min(until or expires, expires) if expires else until
            group_id = row.get("PermissionSetGroupId")
            if group_id:
                found |= {str(one["Id"]) for one in self._rows("PermissionSet", PermissionSetGroupId=group_id)}
            else:
                found.add(str(row["PermissionSetId"]))
        return found, until

    def _custom_settings(self, setup: frozenset[str]) -> frozenset[str] | None:
        if not self._restricts_settings():
            return None
        ids = {one for one in setup if one.startswith("01I")}
        names = (
            {str(row["DeveloperName"]).lower() for row in self._rows("CustomEntityDefinition", Id=ids)} if ids else ()
        )
        return frozenset(f"{name.removesuffix('__c')}__c" for name in names)

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
                granted[key] = granted.get(key, NO_RIGHTS) | {right, *NEEDS.get(right, ())}
        everywhere = _ALL_RIGHTS if "ModifyAllData" in system else _VIEW_ALL if "ViewAllData" in system else NO_RIGHTS
        rights: dict[str, frozenset[str]] = {}
        for sobject in self._schema:
            if not has_object_permissions(sobject):
                continue
            key = sobject.name.lower()
            found = granted.get(key, NO_RIGHTS) | everywhere
            if found and any(one.allows_object(sobject) for one in terms):
                rights[key] = frozenset(itertools.chain(found, *(NEEDS.get(one, ()) for one in found)))
        return rights

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
        "UserRole",
        "Group",
        "GroupMember",
    }
)


def has_object_permissions(sobject: SObject) -> bool:
    """Whether ObjectPermissions may name the object."""
    return sobject.object_permissions and not (sobject.setup or sobject.custom_setting or sobject.governed_by)


def _nothing() -> None:
    pass


def _decisive(user: Row) -> Iterable[str]:
    """The columns of a user that access depends on."""
    features = [name for name in user if name.startswith(FEATURE_PREFIX)]
    return ("ProfileId", "UserRoleId", "IsActive", *features)


def _allows(terms: Iterable[LicenseTerms], permission: str) -> bool:
    return any(one.allows_permission(permission) for one in terms)
