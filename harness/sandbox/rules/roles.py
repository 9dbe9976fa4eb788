"""Roles, and the groups that stand for them and for everybody (Object Reference: UserRole, Group)."""

# ruff: noqa: D102 - the hooks are described in `Rules`

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.sandbox.errors import ApiError, invalid
from harness.sandbox.rules.base import Rules, Values
from harness.sandbox.store import Row

if TYPE_CHECKING:
    from harness.sandbox.org import SandboxOrg

GROUPS_OF_ROLES = ("Role", "RoleAndSubordinates")
EVERYBODY = "AllInternalUsers"
"""DeveloperName of the group with all internal users."""


class RoleRules(Rules):
    """Object Reference, UserRole: a role cannot be above itself, nor go while it is in use."""

    write_needs = ("ManageRoles",)

    def before_update(self, row: Row, changes: Values) -> None:
        above = changes.get("ParentRoleId")
        seen: set[str] = set()
        while above and above not in seen:
            if above == row["Id"]:
                text = "A role cannot report to itself, nor to a role below it."
                raise invalid("FIELD_INTEGRITY_EXCEPTION", text, "ParentRoleId")
            seen.add(above)
            above = self.one("UserRole", above).get("ParentRoleId")

    def after_create(self, row: Row) -> None:
        complete_role(self.org, str(row["Id"]))

    def before_delete(self, row: Row) -> None:
        if self.rows("User", UserRoleId=row["Id"]) or self.rows("UserRole", ParentRoleId=row["Id"]):
            text = "Your attempt to delete the role could not be completed because it is in use."
            raise ApiError(400, "DELETE_FAILED", text, [])
        for group in self.rows("Group", RelatedId=row["Id"]):
            self.remove_rows("GroupMember", UserOrGroupId=group["Id"])
            self.org.sharing_guard.group_removed(group["Id"])
            self.remove_rows("Group", Id=group["Id"])


def complete_role(org: SandboxOrg, role_id: str) -> list[Row]:
    """The groups of a role: its users, and its users with those below. Those that are missing are made."""
    role = org.row("UserRole", role_id)
    if role is None or org.schema.get("Group") is None:
        return []
    present = {row["Type"] for row in org.rows("Group", RelatedId=role_id)}
    for kind in GROUPS_OF_ROLES:
        if kind not in present:
            values = {"Type": kind, "RelatedId": role_id, "DeveloperName": role.get("DeveloperName")}
            org.insert_row("Group", values | {"DoesIncludeBosses": True})
    return org.rows("Group", RelatedId=role_id)


def complete_groups(org: SandboxOrg) -> None:
    """Make the group of all internal users, where it is missing."""
    if org.schema.get("Group") is not None and not org.rows("Group", Type="Organization"):
        org.insert_row("Group", {"Type": "Organization", "DeveloperName": EVERYBODY, "DoesIncludeBosses": True})
