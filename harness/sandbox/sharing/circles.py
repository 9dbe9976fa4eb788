"""As whom a user acts when rows are shared: the user, its groups, and what the role hierarchy brings along."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from harness.sandbox.access.effective import EffectiveAccess
from harness.sandbox.schema import GroupName, Schema
from harness.sandbox.store import Row, Store

CHILD_ACCESS: Mapping[str, str] = {
    "Contact": "ContactAccessForAccountOwner",
    "Case": "CaseAccessForAccountOwner",
    "Opportunity": "OpportunityAccessForAccountOwner",
}
"""Children of accounts, and the column of UserRole that says what the accounts' owners may do with them."""

_ALWAYS_WITH_BOSSES = frozenset({"Role", "RoleAndSubordinates", "RoleAndSubordinatesInternal", "Organization"})


@dataclass(frozen=True, slots=True)
class Circle:
    """The ids of users and groups whose access a user shares, and the names of these groups."""

    ids: frozenset[str]
    groups: frozenset[GroupName]
    child_owners: Mapping[tuple[str, str], frozenset[str]]
    """Child of accounts and level of a role (Read, Edit): the users of the circle whose role has it."""


@dataclass(frozen=True, slots=True)
class Circles:
    """A user's circle with the role hierarchy, and without it."""

    wide: Circle
    narrow: Circle

    def of(self, *, hierarchies: bool) -> Circle:
        """The circle that counts for an object with or without Grant Access Using Hierarchies."""
        return self.wide if hierarchies else self.narrow


class CircleBook:
    """Computes circles, and remembers them as long as a user's access."""

    def __init__(self, schema: Schema, store: Store) -> None:
        self._schema = schema
        self._store = store
        self._known: dict[str, tuple[int, Circles]] = {}
        self._owners: dict[tuple[GroupName, ...], frozenset[str]] = {}

    def of(self, access: EffectiveAccess) -> Circles:
        """The circles of a user."""
        serial, circles = self._known.get(access.user_id, (0, None))
        if circles is None or serial != access.serial:
            self._owners.clear()  # whatever changes groups or roles makes every user's access be computed again
            circles = self._compute(access)
            self._known[access.user_id] = (access.serial, circles)
        return circles

    def owners(self, names: tuple[GroupName, ...]) -> frozenset[str]:
        """The ids of the members of groups, through groups and roles within them, and of queues themselves."""
        found = self._owners.get(names)
        if found is None:
            groups = {str(row["Id"]): row for row in self._rows("Group")}
            first = {one for one, row in groups.items() if group_name(row) in names}
            found = self._owners[names] = self._members(first, groups)
        return found

    def _members(self, first: set[str], groups: Mapping[str, Row]) -> frozenset[str]:
        seen, waiting = set(first), set(first)
        while waiting:
            waiting = {str(row["UserOrGroupId"]) for row in self._rows("GroupMember", GroupId=waiting)} - seen
            seen |= waiting
        roles: set[str] = set()
        for one in seen & groups.keys():
            kind, role = str(groups[one]["Type"]), str(groups[one].get("RelatedId"))
            if kind == "Organization":
                return frozenset(seen | {str(row["Id"]) for row in self._rows("User")})
            if kind.startswith("Role"):
                roles |= self._roles_below({role}) if kind != "Role" else {role}
        users = {str(row["Id"]) for row in self._rows("User", UserRoleId=roles)} if roles else set()
        return frozenset(seen | users)

    def _roles_below(self, roles: set[str]) -> set[str]:
        below, waiting = set(roles), set(roles)
        while waiting:
            waiting = {str(row["Id"]) for row in self._rows("UserRole", ParentRoleId=waiting)} - below
            below |= waiting
        return below

    def _compute(self, access: EffectiveAccess) -> Circles:
        groups = {str(row["Id"]): row for row in self._rows("Group")}
        own = {access.user_id, *access.groups}
        below = self._with_bosses(access.subordinates, groups)
        return Circles(self._circle(own | access.subordinates | below, groups), self._circle(own, groups))

    def _circle(self, ids: Iterable[str], groups: Mapping[str, Row]) -> Circle:
        ids = frozenset(ids)
        names = frozenset(group_name(groups[one]) for one in ids if one in groups)
        return Circle(ids, names, {} if not ids else self._child_owners(ids))

    def _with_bosses(self, subordinates: frozenset[str], groups: Mapping[str, Row]) -> set[str]:
        """The groups of subordinates that give access to the people above their members too."""
        if not subordinates:
            return set()
        roles = {str(row["UserRoleId"]) for row in self._rows("User", Id=subordinates) if row.get("UserRoleId")}
        above = self._roles_above(roles)
        found = {
            one
            for one, row in groups.items()
            if (row["Type"] == "Role" and row.get("RelatedId") in roles)
            or (str(row["Type"]).startswith("RoleAndSubordinates") and row.get("RelatedId") in above)
        }
        waiting: set[str] = {*subordinates, *found}
        while waiting:
            waiting = {str(row["GroupId"]) for row in self._rows("GroupMember", UserOrGroupId=waiting)} - found
            found |= waiting
        return {
            one
            for one in found & groups.keys()
            if groups[one].get("DoesIncludeBosses") or groups[one]["Type"] in _ALWAYS_WITH_BOSSES
        }

    def _roles_above(self, roles: set[str]) -> set[str]:
        parents = {str(row["Id"]): row.get("ParentRoleId") for row in self._rows("UserRole")}
        above: set[str] = set()
        waiting = set(roles)
        while waiting:
            above |= waiting
            waiting = {str(parent) for one in waiting if (parent := parents.get(one))} - above
        return above

    def _child_owners(self, ids: frozenset[str]) -> dict[tuple[str, str], frozenset[str]]:
        roles = {str(row["Id"]): row for row in self._rows("UserRole")}
        if not roles:
            return {}
        found: dict[tuple[str, str], set[str]] = {}
        users = self._rows("User", Id={one for one in ids if one.startswith("005")})
        for user in users:
            role = roles.get(str(user.get("UserRoleId")), {})
            for child, column in CHILD_ACCESS.items():
                for level in {"Read": ("Read",), "Edit": ("Read", "Edit")}.get(str(role.get(column)), ()):
                    found.setdefault((child, level), set()).add(str(user["Id"]))
        return {key: frozenset(owners) for key, owners in found.items()}

    def _rows(self, name: str, **equals: object) -> list[Row]:
        sobject = self._schema.get(name)
        return self._store.select(sobject, equals) if sobject is not None else []


def group_name(row: Row) -> GroupName:
    """How sharing rules name a group; the internal variant of a role's group is the same people here."""
    kind = str(row["Type"]).removesuffix("Internal")
    return GroupName(kind, "" if kind == "Organization" else str(row.get("DeveloperName") or ""))
