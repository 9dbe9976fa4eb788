"""Who belongs to what: public groups and queues, and the users below in the role hierarchy."""

from __future__ import annotations

from typing import Any

from harness.sandbox.schema import Schema
from harness.sandbox.store import Row, Store


class Membership:
    """Reads groups and roles from the rows of one org."""

    def __init__(self, schema: Schema, store: Store) -> None:
        self._schema = schema
        self._store = store

    def groups(self, user_id: str, role_id: str | None) -> frozenset[str]:
        """Ids of the public groups and queues a user is in, also through other groups and roles."""
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

    def subordinates(self, role_id: str | None) -> frozenset[str]:
        """Ids of the users below a role."""
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
