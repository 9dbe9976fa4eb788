"""Changing what a user of the simulated org may do, as its admin would: the rows are written as that user.

It shares nothing with the engine's own writing, so that it cannot share its mistakes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from harness.access.algebra import FIELD_NEEDS, Atom, Dependencies, atoms, requirements
from harness.access.model import FIELD_RIGHTS, OBJECT_RIGHTS, Access
from harness.checks.mutation import Change
from harness.sandbox.errors import ApiError

if TYPE_CHECKING:
    from harness.sandbox.org import SandboxOrg

Grant = tuple[str, str, str]
"""(kind, name, right), as a Change has them."""

_SETUP_NAMES = {"ApexClass": "Name", "ApexPage": "Name"}
_GROUP_TYPES = {"Regular", "Queue"}


class Refused(Exception):
    """The org does not let the change be made; the message is what it says."""


class Admin:
    """Takes and gives single grants of one user and of the permission set that the migration made for it."""

    def __init__(
        self,
        org: SandboxOrg,
        *,
        admin_id: str,
        user_id: str,
        set_id: str,
        carried: Access,
        dependencies: Dependencies,
        masters: Mapping[str, Sequence[str]],
        setup_ids: Mapping[str, str],
    ) -> None:
        self._org = org
        self._admin = admin_id
        self._user = user_id
        self._set = set_id
        self._carried = carried
        self._masters = masters
        self._setup_ids = setup_ids
        self._dependencies = dependencies
        held = atoms(carried)
        self._needs = {atom: requirements(atom, dependencies) for atom in held}

    def make(self, change: Change) -> tuple[str, ...]:
        """Make a change: alone, or else with what the platform wants to go with it, which is returned.

        Raises Refused when it can be made in no way.
        """
        own = (change.kind, change.name, change.right)
        write = self._take if change.direction == "removed" else self._give
        refusal = ""
        for together in self._ways(change, own):
            try:
                with self._org.transaction():
                    write({own, *together})
            except ApiError as error:
                refusal = refusal or f"{error.code}: {error.message}"
            else:
                return tuple(sorted(_words(one) for one in together - {own}))
        raise Refused(refusal)

    # --- what goes together ------------------------------------------------------------------------------------------

    def _ways(self, change: Change, own: Grant) -> Iterator[set[Grant]]:
        """Sets of grants to try, each larger than the one before."""
        yield set()
        if change.kind == "permission-set-license":
            yield {("permission-set", name, "") for name in self._assigned_sets()}
        elif change.kind == "field":
            yield {("field", change.name, right) for right in self._field_rights_along(change)} - {own}
        elif atom := change.atom:
            along = self._along(change, atom)
            yield along
            objects = {name for kind, name, _ in {own, *along} if kind == "object"}
            if change.direction == "removed":
                yield along | {
                    ("field", name, right)
                    for name, rights in self._carried.fields.items()
                    if name.partition(".")[0] in objects
                    for right in rights
                }

    def _field_rights_along(self, change: Change) -> Iterable[str]:
        if change.direction == "removed":
            return (right for right, needs in FIELD_NEEDS.items() if change.right in needs)
        return FIELD_NEEDS[change.right]  # type: ignore[index]

    def _along(self, change: Change, atom: Atom) -> set[Grant]:
        """What needs the atom, of what is carried; or what the atom needs and is not there."""
        if change.direction == "removed":
            others = {one for one, needs in self._needs.items() if atom in needs}
        else:
            others = set(requirements(atom, self._dependencies)) - atoms(self._carried)
        return {("object", one.object, one.right) if one.object else ("system", one.right, "") for one in others}

    # --- writing -----------------------------------------------------------------------------------------------------

    def _take(self, grants: set[Grant]) -> None:
        for kind, name, _ in sorted(grants):
            if kind not in ("object", "field", "system"):
                self._take_other(kind, name)
        for name, rights in _by_name(grants, "field").items():
            self._take_rights("FieldPermissions", "Field", name, rights, FIELD_RIGHTS)
        objects = _by_name(grants, "object")
        for name in reversed(self._masters_first(objects)):
            self._take_rights("ObjectPermissions", "SobjectType", name, objects[name], OBJECT_RIGHTS)
        self._set_system(grants, False)

    def _give(self, grants: set[Grant]) -> None:
        objects = _by_name(grants, "object")
        for name in self._masters_first(objects):
            self._give_rights("ObjectPermissions", {"SobjectType": name}, objects[name], OBJECT_RIGHTS)
        for name, rights in _by_name(grants, "field").items():
            row = {"SobjectType": name.partition(".")[0], "Field": name}
            self._give_rights("FieldPermissions", row, rights, FIELD_RIGHTS)
        self._set_system(grants, True)
        for kind, name, _ in sorted(grants):
            if kind not in ("object", "field", "system"):
                self._give_other(kind, name)

    def _take_rights(
        self, sobject: str, key: str, name: str, rights: Iterable[str], columns: Mapping[Any, str]
    ) -> None:
        for row in self._org.rows(sobject, ParentId=self._set, **{key: name}):
            left = [column for right, column in columns.items() if row.get(column) and right not in rights]
            if left:
                self._update(sobject, row["Id"], {columns[right]: False for right in rights})
            else:
                self._delete(sobject, row["Id"])

    def _give_rights(
        self, sobject: str, names: Mapping[str, str], rights: Iterable[str], columns: Mapping[Any, str]
    ) -> None:
        values = {columns[right]: True for right in rights}
        rows = self._org.rows(sobject, ParentId=self._set, **names)
        if rows:
            self._update(sobject, rows[0]["Id"], values)
        else:
            self._create(sobject, {"ParentId": self._set, **names, **values})

    def _set_system(self, grants: set[Grant], value: bool) -> None:
        names = sorted(name for kind, name, _ in grants if kind == "system")
        if names:
            self._update("PermissionSet", self._set, {f"Permissions{name}": value for name in names})

    def _take_other(self, kind: str, name: str) -> None:
        found: Mapping[str, Callable[[], Iterable[tuple[str, Mapping[str, Any]]]]] = {
            "setup": lambda: self._found("SetupEntityAccess", ParentId=self._set, SetupEntityId=self._setup_id(name)),
            "group": lambda: self._found("GroupMember", UserOrGroupId=self._user, GroupId=self._group_ids(name)),
            "permission-set": lambda: self._found(
                "PermissionSetAssignment", AssigneeId=self._user, PermissionSetId=self._set_ids(name)
            ),
            "permission-set-license": lambda: self._found(
                "PermissionSetLicenseAssign", AssigneeId=self._user, PermissionSetLicenseId=self._license_ids(name)
            ),
        }
        if kind == "role":
            self._update("User", self._user, {"UserRoleId": None})
        elif kind == "record-type":
            self._org.record_types.give(self._set, dict.fromkeys(self._record_type_ids(name)))
        else:
            for sobject, row in found["group" if kind == "queue" else kind]():
                self._delete(sobject, str(row["Id"]))

    def _give_other(self, kind: str, name: str) -> None:
        match kind:
            case "setup":
                row = {"ParentId": self._set, "SetupEntityId": self._setup_id(name)}
                self._create("SetupEntityAccess", row)
            case "group" | "queue":
                for group in self._group_ids(name):
                    self._create("GroupMember", {"GroupId": group, "UserOrGroupId": self._user})
            case "role":
                [role] = self._ids("UserRole", DeveloperName=name)
                self._update("User", self._user, {"UserRoleId": role})
            case "record-type":
                self._org.record_types.give(self._set, dict.fromkeys(self._record_type_ids(name), False))
            case "permission-set-license":
                for license_id in self._license_ids(name):
                    row = {"AssigneeId": self._user, "PermissionSetLicenseId": license_id}
                    self._create("PermissionSetLicenseAssign", row)
            case "permission-set":
                for set_id in self._set_ids(name):
                    self._create("PermissionSetAssignment", {"AssigneeId": self._user, "PermissionSetId": set_id})
            case "user-interface":
                profile = self._org.peek("User", self._user, "ProfileId")
                for row in self._org.rows("PermissionSet", ProfileId=profile):
                    self._update("PermissionSet", row["Id"], {f"Permissions{name}": False})

    # --- finding -----------------------------------------------------------------------------------------------------

    def _found(self, sobject: str, **equals: Any) -> list[tuple[str, Mapping[str, Any]]]:
        rows = self._org.rows(sobject, **equals)
        if not rows:
            raise Refused(f"the org has no {sobject} to take away")
        return [(sobject, row) for row in rows]

    def _ids(self, sobject: str, **equals: Any) -> set[str]:
        ids = {str(row["Id"]) for row in self._org.rows(sobject, **equals)}
        if not ids:
            raise Refused(f"the org has no {sobject} with {equals}")
        return ids

    def _group_ids(self, name: str) -> set[str]:
        return self._ids("Group", DeveloperName=name, Type=_GROUP_TYPES)

    def _set_ids(self, name: str) -> set[str]:
        return self._ids("PermissionSet", Name=name)

    def _license_ids(self, name: str) -> set[str]:
        labels = self._org.rows("PermissionSetLicense", MasterLabel=name)
        return {str(row["Id"]) for row in labels} or self._ids("PermissionSetLicense", DeveloperName=name)

    def _record_type_ids(self, name: str) -> set[str]:
        sobject, _, developer_name = name.partition(".")
        return self._ids("RecordType", SobjectType=sobject, DeveloperName=developer_name)

    def _assigned_sets(self) -> list[str]:
        return [str(self._org.peek("PermissionSet", self._set, "Name"))]

    def _setup_id(self, name: str) -> str:
        if name in self._setup_ids:
            return self._setup_ids[name]
        kind, _, own = name.partition(":")
        return min(self._ids(kind, **{_SETUP_NAMES.get(kind, "DeveloperName"): own}))

    def _masters_first(self, names: Iterable[str]) -> list[str]:
        placed: dict[str, None] = {}

        def place(name: str, above: tuple[str, ...]) -> None:
            for master in self._masters.get(name, ()):
                if master in wanted and master not in above:
                    place(master, (*above, name))
            placed[name] = None

        wanted = sorted(names)
        for name in wanted:
            place(name, (name,))
        return list(placed)

    def _create(self, sobject: str, values: Mapping[str, Any]) -> None:
        self._org.create(sobject, values, as_user=self._admin)

    def _update(self, sobject: str, record_id: str, values: Mapping[str, Any]) -> None:
        self._org.update(sobject, record_id, values, as_user=self._admin)

    def _delete(self, sobject: str, record_id: str) -> None:
        self._org.delete(sobject, record_id, as_user=self._admin)


def _by_name(grants: Iterable[Grant], kind: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for one, name, right in sorted(grants):
        if one == kind:
            found[name].append(right)
    return found


def _words(grant: Grant) -> str:
    kind, name, right = grant
    return f"{kind} {name}" + (f": {right}" if right else "")
