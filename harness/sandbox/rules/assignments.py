"""Assignments of permission sets, of groups of them, and of permission set licenses."""

# ruff: noqa: D102, ARG002 - the hooks are described in `Rules`

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.sandbox.access.contents import Content
from harness.sandbox.clock import wire_datetime
from harness.sandbox.errors import ApiError, invalid
from harness.sandbox.rules.base import Rules, Values, integrity, unknown_duplicate
from harness.sandbox.rules.ceiling import Ceiling, Seats
from harness.sandbox.schema import LicenseTerms
from harness.sandbox.store import Row

if TYPE_CHECKING:
    from harness.sandbox.org import SandboxOrg

MANY_AT_ONCE = 50
"""From how many sets that are unassigned at once no license is removed."""


class AssignmentRules(Rules):
    """Object Reference, PermissionSetAssignment; the texts are those of live reports."""

    write_needs = ("AssignPermissionSets",)

    def __init__(self, org: SandboxOrg) -> None:
        super().__init__(org)
        self._unassigned: list[Row] = []
        org.store.before_commit.append(self._drop_unneeded_licenses)
        org.store.after_transaction.append(self._forget)

    def before_create(self, values: Values) -> None:
        values["IsActive"] = int(not self._is_over(values.get("ExpirationDate")))
        user = self.one("User", values["AssigneeId"])
        group_id = values.get("PermissionSetGroupId")
        if group_id:
            values["PermissionSetId"] = self._aggregate(group_id)
        elif not values.get("PermissionSetId"):
            raise invalid("REQUIRED_FIELD_MISSING", "Required fields are missing: [PermissionSetId]", "PermissionSetId")
        granted = self.one("PermissionSet", values["PermissionSetId"])
        if granted.get("IsOwnedByProfile") or (granted.get("Type") == "Group" and not group_id):
            raise invalid("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
        self._check_duplicate(values)
        content = self.org.book.group_content(group_id) if group_id else self.org.book.content(granted["Id"])
        self._check_license(granted, content, user)

    def before_update(self, row: Row, changes: Values) -> None:
        if "ExpirationDate" in changes:
            changes["IsActive"] = int(not self._is_over(changes["ExpirationDate"]))

    def _is_over(self, expires: str | None) -> bool:
        return expires is not None and expires <= wire_datetime(self.org.clock.peek())

    def after_delete(self, row: Row) -> None:
        self._unassigned.append(row)

    def before_delete(self, row: Row) -> None:
        if self.one("PermissionSet", row.get("PermissionSetId")).get("IsOwnedByProfile"):
            raise self.org.dml.insufficient_access()

    def _aggregate(self, group_id: str) -> str:
        found = self.rows("PermissionSet", PermissionSetGroupId=group_id)
        if not found:
            raise invalid("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
        return str(found[0]["Id"])

    def _check_duplicate(self, values: Values) -> None:
        keys = {name: values[name] for name in ("AssigneeId", "PermissionSetId")}
        if not self.rows("PermissionSetAssignment", **keys):
            return
        text = "You can't add the same permission set to a user twice."
        if self.org.switches.psa_duplicate_text == "ids":
            assignee, permission_set = keys.values()
            text = f"Duplicate PermissionSetAssignment. Assignee: {assignee}; Permission Set: {permission_set}"
        raise ApiError(400, "DUPLICATE_VALUE", text, [])

    def _check_license(self, granted: Row, content: Content, user: Row) -> None:
        start = f'Can\'t assign permission set "{granted.get("Label")}" to user "{user.get("Name")}". '
        ceiling = Ceiling(self.org)
        bound = content.license_id
        if bound and bound.startswith("0PL") and self.org.switches.bound_set_assigns_license:
            self._give_license(user["Id"], bound)
        if bound and bound.startswith("100") and bound != ceiling.license_of_user(user):
            raise integrity(f"{start}The user license doesn't match the permission set license")
        excess = ceiling.excess_of(content, self.org.book.terms_of(user["Id"]))
        if excess:
            raise integrity(f"{start}The user license doesn't allow the permission: {excess}")
        if bound and bound.startswith("0PL"):
            keys = {"AssigneeId": user["Id"], "PermissionSetLicenseId": bound}
            if not self.rows("PermissionSetLicenseAssign", **keys):
                raise integrity(f"{start}The user license doesn't match the permission set license")

    def _give_license(self, user_id: str, license_id: str) -> None:
        keys = {"AssigneeId": user_id, "PermissionSetLicenseId": license_id}
        sobject = self.org.schema.get("PermissionSetLicenseAssign")
        if sobject is not None and not self.rows("PermissionSetLicenseAssign", **keys):
            check_seat(self, license_id)
            self.org.write_new(sobject, keys, self.org.dml.user_id)

    # Automatic removal of licenses

    def _forget(self, _kept: bool) -> None:
        if not self.org.store.in_transaction:
            self._unassigned.clear()

    def _drop_unneeded_licenses(self) -> None:
        """At the end of a transaction: remove the licenses that only the unassigned sets needed.

        Not where many are unassigned at once (Salesforce Help, "Remove a Permission Set License from a User").
        """
        gone = [row for row in self._unassigned if not self.rows("PermissionSetAssignment", Id=row["Id"])]
        self._unassigned.clear()
        if not self.org.switches.automatic_license_removal or len(gone) >= MANY_AT_ONCE:
            return
        for user_id in sorted({str(row["AssigneeId"]) for row in gone}):
            self._drop_licenses_of(user_id, [row for row in gone if row["AssigneeId"] == user_id])

    def _drop_licenses_of(self, user_id: str, unassigned: list[Row]) -> None:
        user = self.one("User", user_id)
        ceiling = Ceiling(self.org)
        gone = contents_of(self, unassigned)
        left = contents_of(self, self.rows("PermissionSetAssignment", AssigneeId=user_id))
        for assigned in self.rows("PermissionSetLicenseAssign", AssigneeId=user_id):
            license_id = assigned["PermissionSetLicenseId"]
            needed = needs_license(ceiling, gone, license_id, user)
            if needed and not needs_license(ceiling, left, license_id, user):
                self.remove_rows("PermissionSetLicenseAssign", Id=assigned["Id"])


class LicenseAssignmentRules(Rules):
    """Object Reference, PermissionSetLicenseAssign."""

    write_needs = ("AssignPermissionSets", "ManageUsers")

    def before_create(self, values: Values) -> None:
        keys = {name: values[name] for name in ("AssigneeId", "PermissionSetLicenseId")}
        if self.rows("PermissionSetLicenseAssign", **keys):
            raise unknown_duplicate()
        check_seat(self, values["PermissionSetLicenseId"])

    def before_delete(self, row: Row) -> None:
        user = self.one("User", row["AssigneeId"])
        assigned = self.rows("PermissionSetAssignment", AssigneeId=row["AssigneeId"])
        if needs_license(Ceiling(self.org), contents_of(self, assigned), row["PermissionSetLicenseId"], user):
            label = self.one("PermissionSetLicense", row["PermissionSetLicenseId"]).get("MasterLabel")
            text = (
                f"Can't remove permission set license {label}: permission sets of the user {user.get('Name')} need it"
            )
            raise integrity(text)


def check_seat(rules: Rules, license_id: str) -> None:
    """Refuse a permission set license that has run out, or has no free seat."""
    license_row = rules.one("PermissionSetLicense", license_id)
    if license_row.get("Status") == "Disabled":
        raise integrity(f"The permission set license {license_row.get('MasterLabel')} is disabled")
    if Seats(rules.org).permission_set_license_is_full(license_id):
        text = f"License Limit Exceeded - {license_row.get('MasterLabel')}"
        raise ApiError(400, "LICENSE_LIMIT_EXCEEDED", text, [])


def contents_of(rules: Rules, assignments: list[Row]) -> list[Content]:
    """What assigned sets and groups carry; profile-owned ones are left out."""
    book = rules.org.book
    contents = []
    for row in assignments:
        if row.get("PermissionSetGroupId"):
            contents.append(book.group_content(row["PermissionSetGroupId"]))
        elif not rules.one("PermissionSet", row["PermissionSetId"]).get("IsOwnedByProfile"):
            contents.append(book.content(row["PermissionSetId"]))
    return contents


def needs_license(ceiling: Ceiling, contents: list[Content], license_id: str, user: Row) -> bool:
    """Whether any of the sets is bound to a permission set license, or carries what only it can carry for this user."""
    own = ceiling.license_of_user(user)
    terms: list[LicenseTerms] = [ceiling.terms_of_license(own)] if own else []
    with_license = [*terms, ceiling.terms_of_license(license_id)]
    return any(
        content.license_id == license_id
        or (ceiling.excess_of(content, terms) is not None and ceiling.excess_of(content, with_license) is None)
        for content in contents
    )
