"""Seats of managed packages."""

# ruff: noqa: D102 - the hooks are described in `Rules`

from __future__ import annotations

from harness.sandbox.errors import ApiError, invalid
from harness.sandbox.rules.base import Rules, Values, unknown_duplicate

UNLIMITED = -1


class PackageLicenseRules(Rules):
    """Object Reference, UserPackageLicense: a seat of a package for a user who is active."""

    write_needs = ("ManageUsers",)

    def before_create(self, values: Values) -> None:
        keys = {name: values[name] for name in ("PackageLicenseId", "UserId")}
        if self.rows("UserPackageLicense", **keys):
            raise unknown_duplicate()
        if not self.one("User", values["UserId"]).get("IsActive"):
            raise invalid("INACTIVE_OWNER_OR_USER", "operation performed with inactive user", "UserId")
        package = self.one("PackageLicense", values["PackageLicenseId"])
        allowed = int(package.get("AllowedLicenses") or 0)
        taken = len(self.rows("UserPackageLicense", PackageLicenseId=values["PackageLicenseId"]))
        if allowed != UNLIMITED and taken >= allowed:
            text = f"License Limit Exceeded - {package.get('NamespacePrefix')}"
            raise ApiError(400, "LICENSE_LIMIT_EXCEEDED", text, [])
