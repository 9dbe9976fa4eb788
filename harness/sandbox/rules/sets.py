"""Profiles, permission sets and muting sets: their system permissions, and what goes with them."""

# ruff: noqa: D102 - the hooks are described in `Rules`

from __future__ import annotations

import re

from harness.sandbox.access.contents import granted_permissions
from harness.sandbox.errors import ApiError, invalid
from harness.sandbox.rules.base import Rules, Values, depends, integrity
from harness.sandbox.rules.ceiling import Ceiling
from harness.sandbox.rules.implied import add_implied_rows
from harness.sandbox.schema import LicenseTerms
from harness.sandbox.store import Row

_NAME = re.compile(r"[A-Za-z](?:_?[A-Za-z0-9])*")
_CHILDREN = ("ObjectPermissions", "FieldPermissions", "SetupEntityAccess", "PermissionSetTabSetting")
_PREFIX = "Permissions"


class _SystemPermissions(Rules):
    """What profiles, permission sets and muting sets share."""

    write_needs = ("ManageProfilesPermissionsets",)

    def check_permissions(self, row: Values) -> set[str]:
        """The system permissions of a row, whose dependencies must be there too."""
        granted = set(granted_permissions(row))
        for name in sorted(granted):
            known = self.org.schema.system_permissions.get(name)
            missing = [one for one in known.implies if one not in granted] if known else []
            if missing:
                ceiling = Ceiling(self.org)
                raise depends(ceiling.label(name), [ceiling.label(one) for one in missing])
        return granted

    def remove_children(self, set_id: str) -> None:
        """Remove the permissions of a set."""
        for name in _CHILDREN:
            self.remove_rows(name, ParentId=set_id)


class PermissionSetRules(_SystemPermissions):
    """Object Reference, PermissionSet."""

    def before_create(self, values: Values) -> None:
        self._check_name(values)
        granted = self.check_permissions(values)
        if values.get("LicenseId"):
            self._check_ceiling(granted, Ceiling(self.org).terms_of_license(values["LicenseId"]))
        values["Type"] = "Session" if values.get("HasActivationRequired") else "Regular"
        values["IsCustom"] = 1

    def after_create(self, row: Row) -> None:
        add_implied_rows(self, row)

    def after_update(self, before: Row, row: Row) -> None:
        add_implied_rows(self, row, granted_permissions(before))

    def before_update(self, row: Row, changes: Values) -> None:
        if row.get("IsOwnedByProfile") or row.get("Type") == "Group":
            raise self.org.dml.insufficient_access()
        if "Name" in changes and changes["Name"] != row.get("Name"):
            self._check_name(changes)
        granted = self.check_permissions({**row, **changes})
        if "HasActivationRequired" in changes:
            changes["Type"] = "Session" if changes["HasActivationRequired"] else "Regular"
        ceiling = Ceiling(self.org)
        for terms in ceiling.binding_terms(row["Id"]) if granted - granted_permissions(row) else ():
            self._check_ceiling(granted - granted_permissions(row), *terms)

    def before_delete(self, row: Row) -> None:
        if row.get("IsOwnedByProfile") or row.get("Type") == "Group":
            raise self.org.dml.insufficient_access()
        if self.rows("PermissionSetAssignment", PermissionSetId=row["Id"]):
            text = f"You can't delete this permission set because it's assigned to users: {row.get('Label')}"
            raise ApiError(400, "DELETE_FAILED", text, [])
        if self.rows("PermissionSetGroupComponent", PermissionSetId=row["Id"]):
            text = (
                f"You can't delete this permission set because it's part of a permission set group: {row.get('Label')}"
            )
            raise ApiError(400, "DELETE_FAILED", text, [])
        self.remove_children(row["Id"])

    def _check_name(self, values: Values) -> None:
        name = str(values.get("Name") or "")
        if not _NAME.fullmatch(name):
            text = (
                "The Permission Set API Name can only contain underscores and alphanumeric characters. It must be "
                "unique, begin with a letter, not include spaces, not end with an underscore, and not contain two "
                "consecutive underscores."
            )
            raise integrity(text, ["Name"])
        others = self.rows("PermissionSet", Name=name)
        if others:
            text = f"duplicate value found: Name duplicates value on record with id: {others[0]['Id'][:15]}"
            raise invalid("DUPLICATE_DEVELOPER_NAME", text, "Name")

    def _check_ceiling(self, granted: set[str], *terms: LicenseTerms) -> None:
        excess = Ceiling(self.org).excess(granted, {}, terms)
        if excess:
            raise integrity(f"The user license doesn't allow the permission: {excess}")


class MutingRules(_SystemPermissions):
    """Object Reference, MutingPermissionSet: what it holds is taken away, so nothing depends on anything."""

    def before_delete(self, row: Row) -> None:
        self.remove_rows("PermissionSetGroupComponent", PermissionSetId=row["Id"])
        self.remove_children(row["Id"])


class ProfileRules(_SystemPermissions):
    """Object Reference, Profile: each owns a permission set that mirrors it."""

    def before_create(self, values: Values) -> None:
        granted = self.check_permissions(values)
        self._check_name(values)
        self._check_license(granted, values["UserLicenseId"])

    def after_create(self, row: Row) -> None:
        complete_profile(self, row, custom=True)

    def before_update(self, row: Row, changes: Values) -> None:
        if changes.get("Name", row["Name"]) != row["Name"]:
            self._check_name(changes)
        granted = self.check_permissions({**row, **changes})
        self._check_license(granted - granted_permissions(row), row["UserLicenseId"])
        api_only = changes.get("PermissionsApiUserOnly", row.get("PermissionsApiUserOnly"))
        if row.get("PermissionsApiUserOnly") and not api_only and self._is_for_integration(row):
            raise self.org.dml.insufficient_access()  # API Only cannot be switched off there (Salesforce Help)

    def _check_license(self, granted: set[str], license_id: str) -> None:
        ceiling = Ceiling(self.org)
        excess = ceiling.excess(granted, {}, [ceiling.terms_of_license(license_id)])
        if excess:
            raise integrity(f"The user license doesn't allow the permission: {excess}")

    def _is_for_integration(self, row: Row) -> bool:
        return self.one("UserLicense", row["UserLicenseId"]).get("Name") == "Salesforce Integration"

    def _check_name(self, values: Values) -> None:
        if self.rows("Profile", Name=values.get("Name")):
            raise integrity("The profile name is already in use: Name", ["Name"])  # as recorded

    def after_update(self, before: Row, row: Row) -> None:
        columns = _permission_columns(row)
        for owned in self.rows("PermissionSet", ProfileId=row["Id"]):
            self.org.update_row("PermissionSet", owned["Id"], columns)
            add_implied_rows(self, {**owned, **columns}, granted_permissions(before))

    def before_delete(self, row: Row) -> None:
        if self.rows("User", ProfileId=row["Id"]):
            raise ApiError(400, "DELETE_FAILED", f"The profile {row['Name']} is assigned to users", [])
        for owned in self.rows("PermissionSet", ProfileId=row["Id"]):
            if not owned.get("IsCustom"):
                raise self.org.dml.insufficient_access()  # a standard profile
            self.remove_children(owned["Id"])
            self.remove_rows("PermissionSet", Id=owned["Id"])


def _permission_columns(row: Row) -> Values:
    return {name: value for name, value in row.items() if name.startswith(_PREFIX)}


def complete_profile(rules: Rules, profile: Row, *, custom: bool = False) -> None:
    """Make the set that a profile owns, where it is missing (recorded names: `X` and the label, an id)."""
    if not rules.has("PermissionSet") or rules.rows("PermissionSet", ProfileId=profile["Id"]):
        return
    label = profile["Id"][:15]
    wanted = {
        "Name": f"X{label}",
        "Label": label,
        "ProfileId": profile["Id"],
        "IsOwnedByProfile": True,
        "IsCustom": custom,
        "Type": "Profile",
        "LicenseId": profile.get("UserLicenseId"),
        **_permission_columns(profile),
    }
    sobject = rules.org.schema.get("PermissionSet")
    assert sobject is not None
    rules.org.insert_row("PermissionSet", {name: value for name, value in wanted.items() if sobject.get(name)})
