"""With whom records are shared when they are shared with a user: itself, its groups, its role, and the roles above.

A sharing rule names a group, a role, or a role with its subordinates (Metadata API guide, SharedTo). A group may hold
other groups and roles (Object Reference, GroupMember).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.access.reading.asking import ask
from harness.access.reading.people import User
from harness.access.soql import among, batches, select

if TYPE_CHECKING:
    from harness.org.connection import Connection

_OF_ROLES = ("Role", "RoleAndSubordinates", "RoleAndSubordinatesInternal")
_ELEMENTS: Mapping[str, tuple[str, ...]] = {
    "Regular": ("group",),
    "Queue": ("queue",),
    "Role": ("role",),
    "RoleAndSubordinates": ("roleAndSubordinates",),
    "RoleAndSubordinatesInternal": ("roleAndSubordinatesInternal",),
}
"""The type of a group, and how SharedTo calls it."""


@dataclass(frozen=True, slots=True)
class Circle:
    """The names under which a user is meant in SharedTo, as (element, name): `("group", "Integrations")`."""

    names: frozenset[tuple[str, str]]

    def meets(self, shared_to: Mapping[str, Any]) -> bool:
        """Whether a SharedTo element means the user. All internal users are meant by `allInternalUsers`."""
        if "allInternalUsers" in shared_to:
            return True
        return any((element, name) in self.names for element, told in shared_to.items() for name in _listed(told))


def read_circle(admin: Connection, user: User) -> Circle:
    """Read it: two calls, and one for each level of groups in groups. Raises RequestRefused."""
    roles, groups = ask(
        admin,
        select("UserRole", ("Id", "DeveloperName", "ParentRoleId"), order="Id"),
        select(
            "Group",
            ("Id", "DeveloperName", "Type", "RelatedId"),
            where=among("Type", ("Regular", "Queue", *_OF_ROLES)),
            order="Id",
        ),
    )
    chain = _chain(roles, user.row.get("UserRoleId"))
    mine = {each.group_id for each in user.memberships} | {str(row["Id"]) for row in groups if _of_role(row, chain)}
    found, fresh = set(mine), set(mine)
    while fresh:
        fresh = _holders(admin, sorted(fresh)) - found
        found |= fresh
    names = {str(row["Id"]): str(row["DeveloperName"]) for row in roles}
    return Circle(frozenset(_names(groups, found, names)))


def _chain(roles: Sequence[Mapping[str, Any]], role: Any) -> list[str]:
    """The role and those above it, from below."""
    above: dict[str, Any] = {str(row["Id"]): row["ParentRoleId"] for row in roles}
    found: list[str] = []
    while role and role not in found:
        found.append(str(role))
        role = above.get(str(role))
    return found


def _of_role(group: Mapping[str, Any], chain: Sequence[str]) -> bool:
    """Whether a group that stands for a role means a user of the first role of the chain."""
    if group["Type"] not in _OF_ROLES or group["RelatedId"] not in chain:
        return False
    return bool(group["Type"] != "Role" or group["RelatedId"] == chain[0])


def _holders(admin: Connection, groups: Sequence[str]) -> set[str]:
    rows = [
        row
        for batch in batches(groups)
        for row in admin.query(
            select("GroupMember", ("Id", "GroupId"), where=among("UserOrGroupId", batch), order="Id")
        )
    ]
    return {str(row["GroupId"]) for row in rows}


def _names(groups: Iterable[Mapping[str, Any]], held: set[str], roles: Mapping[str, str]) -> Iterable[tuple[str, str]]:
    for row in groups:
        if row["Id"] in held:
            name = roles.get(str(row["RelatedId"])) if row["Type"] in _OF_ROLES else str(row["DeveloperName"])
            for element in _ELEMENTS[str(row["Type"])]:
                yield element, str(name)


def _listed(told: Any) -> list[Any]:
    return told if isinstance(told, list) else [told]
