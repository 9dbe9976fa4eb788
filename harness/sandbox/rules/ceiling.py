"""The license ceiling: what a user's licenses can carry. It is asked when a set is assigned, and when one grows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from harness.sandbox.access.contents import Content
from harness.sandbox.schema import LicenseTerms
from harness.sandbox.store import Row

if TYPE_CHECKING:
    from harness.sandbox.org import SandboxOrg

_WORDS = {
    "read": "Read",
    "create": "Create",
    "edit": "Edit",
    "delete": "Delete",
    "view-all": "View All",
    "modify-all": "Modify All",
    "view-all-fields": "View All Fields",
}

_OF_VIEW_ALL_DATA = frozenset({"read", "view-all"})


class Ceiling:
    """Compares sets with licenses."""

    def __init__(self, org: SandboxOrg) -> None:
        self._org = org

    def excess(
        self, system: Iterable[str], objects: Mapping[str, Iterable[str]], terms: Iterable[LicenseTerms]
    ) -> str | None:
        """The label of the first permission that no license allows: objects first, then system permissions."""
        terms = list(terms)
        for name in sorted(objects):
            sobject = self._org.schema.get(name)
            if sobject is not None and not any(one.allows_object(sobject) for one in terms):
                right = next(right for right in _WORDS if right in objects[name])
                return f"{_WORDS[right]} {sobject.plural}"
        for name in sorted(system):
            if not any(one.allows_permission(name) for one in terms):
                return self.label(name)
        return None

    def excess_of(self, content: Content, terms: Iterable[LicenseTerms]) -> str | None:
        """The label of the first permission of a set that none of the licenses allows.

        The rows that View All Data brings along for every object are no more than it is itself.
        """
        brought = _OF_VIEW_ALL_DATA if "ViewAllData" in content.system else frozenset()
        objects = {name: own for name, rights in content.objects.items() if (own := rights - brought)}
        return self.excess(content.system, objects, terms)

    def label(self, permission: str) -> str:
        """The label of a system permission."""
        known = self._org.schema.system_permissions.get(permission)
        return known.label if known else permission

    def terms_of_license(self, license_id: str) -> LicenseTerms:
        """The terms of one license, by the id of its row."""
        schema = self._org.schema
        if license_id.startswith("0PL"):
            name = str((self._org.row("PermissionSetLicense", license_id) or {}).get("DeveloperName", ""))
            return schema.permission_set_licenses.get(name) or LicenseTerms(name)
        name = str((self._org.row("UserLicense", license_id) or {}).get("Name", ""))
        return schema.user_licenses.get(name) or LicenseTerms(name)

    def license_of_user(self, user: Row) -> str | None:
        """The id of a user's license."""
        profile = self._org.row("Profile", str(user.get("ProfileId")))
        return profile.get("UserLicenseId") if profile else None

    def assignees(self, set_id: str) -> list[str]:
        """The users that a set counts for, also through groups and as a profile's own."""
        found = {str(row["AssigneeId"]) for row in self._rows("PermissionSetAssignment", PermissionSetId=set_id)}
        groups = {
            row["PermissionSetGroupId"] for row in self._rows("PermissionSetGroupComponent", PermissionSetId=set_id)
        }
        if groups:
            rows = self._rows("PermissionSetAssignment", PermissionSetGroupId=groups)
            found |= {str(row["AssigneeId"]) for row in rows}
        return sorted(found)

    def binding_terms(self, set_id: str) -> list[list[LicenseTerms]]:
        """The terms a set must stay within: of the license it is bound to, and those of each assigned user."""
        row = self._org.row("PermissionSet", set_id) if set_id.startswith("0PS") else None
        bound = [[self.terms_of_license(row["LicenseId"])]] if row and row.get("LicenseId") else []
        seen: list[list[LicenseTerms]] = []
        for user_id in self.assignees(set_id):
            terms = self._org.book.terms_of(user_id)
            if terms not in seen:
                seen.append(terms)
        return bound + seen

    def _rows(self, name: str, **equals: object) -> list[Row]:
        return self._org.rows(name, **equals) if self._org.schema.get(name) else []


class Seats:
    """Free seats of licenses: only active users hold one."""

    def __init__(self, org: SandboxOrg) -> None:
        self._org = org

    def user_license_is_full(self, license_id: str) -> bool:
        """Whether a user license has no free seat."""
        row = self._org.row("UserLicense", license_id)
        return row is not None and self.used_user_licenses(license_id) >= int(row.get("TotalLicenses") or 0)

    def used_user_licenses(self, license_id: str) -> int:
        """Seats of a user license in use."""
        sql = (
            'SELECT count(*) FROM "User" u JOIN "Profile" p ON p."Id" = u."ProfileId" '
            'WHERE p."UserLicenseId" = ? AND u."IsActive" = 1'
        )
        return self._count(sql, license_id, "User", "Profile")

    def permission_set_license_is_full(self, license_id: str) -> bool:
        """Whether a permission set license has no free seat."""
        row = self._org.row("PermissionSetLicense", license_id)
        return row is not None and self.used_permission_set_licenses(license_id) >= int(row.get("TotalLicenses") or 0)

    def used_permission_set_licenses(self, license_id: str) -> int:
        """Seats of a permission set license in use."""
        sql = (
            'SELECT count(*) FROM "PermissionSetLicenseAssign" a JOIN "User" u ON u."Id" = a."AssigneeId" '
            'WHERE a."PermissionSetLicenseId" = ? AND u."IsActive" = 1'
        )
        return self._count(sql, license_id, "PermissionSetLicenseAssign", "User")

    def _count(self, sql: str, license_id: str, *tables: str) -> int:
        for name in tables:
            sobject = self._org.schema.get(name)
            if sobject is None:
                return 0
            self._org.store.ensure(sobject)
        return int(self._org.store.execute(sql, (license_id,)).fetchone()[0])
