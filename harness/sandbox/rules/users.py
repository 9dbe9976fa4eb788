"""Users and their sign-in switches: seats, unique names, what comes with a user and what deactivation takes away."""

# ruff: noqa: D102 - the hooks are described in `Rules`

from __future__ import annotations

import re

from harness.sandbox.access.effective import FEATURE_PREFIX
from harness.sandbox.errors import ApiError, invalid
from harness.sandbox.identity.sessions import end_sessions_of_shut_out_user
from harness.sandbox.rules.base import Rules, Values, integrity
from harness.sandbox.rules.ceiling import Ceiling, Seats
from harness.sandbox.schema import Field
from harness.sandbox.store import Row

_USERNAME = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_DUPLICATE_USERNAME = (
    "Duplicate Username.<br>The username already exists in this or another Salesforce organization. Usernames must be "
    "unique across all Salesforce organizations. To resolve, use a different username (it doesn't need to match the "
    "user's email address)."
)
_DUPLICATE_NICKNAME = (
    "Duplicate Nickname.<br>Another user has already selected this nickname.<br>Please select another."
)


class UserRules(Rules):
    """Object Reference, User; a user cannot be deleted."""

    write_needs = ("ManageInternalUsers", "ManageUsers")

    def fill(self, values: Values) -> None:
        sobject = self.org.schema.get("User")
        if sobject and sobject.get("CommunityNickname") and not values.get("CommunityNickname"):
            stem = str(values.get("Username") or "user").partition("@")[0]
            values["CommunityNickname"] = f"{stem}{len(self.rows('User'))}"[:40]

    def before_create(self, values: Values) -> None:
        self._check_username(values)
        self._check_features(values, values.get("ProfileId"))
        if values.get("IsActive", 1):
            self._take_seat(values.get("ProfileId"))

    def after_create(self, row: Row) -> None:
        complete_user(self, row)

    def before_update(self, row: Row, changes: Values) -> None:
        self._check_username(changes)
        profile_id = changes.get("ProfileId", row.get("ProfileId"))
        active = changes.get("IsActive", row.get("IsActive"))
        self._check_features({**row, **changes} if "ProfileId" in changes else changes, profile_id)
        if row.get("IsActive") and not active:
            self._check_deactivation(row)
        ceiling = Ceiling(self.org)
        moves = ceiling.license_of_user(row) != ceiling.license_of_user({"ProfileId": profile_id})
        if active and (moves or not row.get("IsActive")):
            self._take_seat(profile_id)
        if moves:
            self._leave_sets_behind(row, str(profile_id))
            if self.org.switches.license_change_drops_place:
                changes["UserRoleId"] = None
                self.remove_rows("GroupMember", UserOrGroupId=row["Id"])

    def after_update(self, before: Row, row: Row) -> None:
        if before.get("ProfileId") != row.get("ProfileId"):
            self._swap_profile_set(before, row)
        if before.get("IsActive") and not row.get("IsActive"):
            self._deactivated(row)

    def duplicate(self, field: Field, other_id: str) -> ApiError:
        if field.name == "Username":
            return invalid("DUPLICATE_USERNAME", _DUPLICATE_USERNAME, "Username")
        if field.name == "CommunityNickname":
            return invalid("DUPLICATE_COMM_NICKNAME", _DUPLICATE_NICKNAME, "CommunityNickname")
        return super().duplicate(field, other_id)

    def _check_username(self, values: Values) -> None:
        username = values.get("Username")
        if username is not None and not _USERNAME.fullmatch(str(username)):
            text = "Username must be in the form of an email address (for example, john@acme.com)"
            raise invalid("INVALID_EMAIL_ADDRESS", text, "Username")

    def _check_features(self, values: Values, profile_id: object) -> None:
        """Feature licenses that the user license does not have (a text of live reports)."""
        license_id = Ceiling(self.org).license_of_user({"ProfileId": profile_id})
        terms = Ceiling(self.org).terms_of_license(license_id) if license_id else None
        if terms is None or terms.features is None:
            return
        if terms.name == "Salesforce Integration" and self.org.switches.integration_feature_licenses:
            return
        sobject = self.org.schema.get("User")
        for name, value in values.items():
            if value and name.startswith(FEATURE_PREFIX) and name.removeprefix(FEATURE_PREFIX) not in terms.features:
                field = sobject.get(name) if sobject else None
                label = field.label if field else name
                raise integrity(f"{label} is not allowed for this License Type", ["UserPermissions"])

    def _check_deactivation(self, row: Row) -> None:
        """Nobody deactivates oneself (that text is ours), nor a user that a hierarchy field names (Salesforce Help)."""
        if row["Id"] == self.org.dml.user_id:
            raise integrity("You can't deactivate your own user", ["IsActive"])
        sobject = self.org.schema.get("User")
        for field in sobject.fields.values() if sobject else ():
            if field.custom and "User" in field.reference_to and self.rows("User", **{field.name: row["Id"]}):
                text = f"Cannot inactivate user that is the value of a hierarchy field: {field.label}"
                raise integrity(text, ["IsActive"])

    def _take_seat(self, profile_id: object) -> None:
        license_id = Ceiling(self.org).license_of_user({"ProfileId": profile_id})
        if license_id and Seats(self.org).user_license_is_full(license_id):
            name = self.one("UserLicense", license_id).get("Name")
            raise ApiError(400, "LICENSE_LIMIT_EXCEEDED", f"License Limit Exceeded - {name}", [])

    def _leave_sets_behind(self, row: Row, profile_id: str) -> None:
        """Sets that the new license cannot carry: refuse the change, or drop them (see `Switches`)."""
        ceiling = Ceiling(self.org)
        license_id = ceiling.license_of_user({"ProfileId": profile_id})
        terms = [ceiling.terms_of_license(license_id)] if license_id else []
        held = {license_id}
        for one in self.rows("PermissionSetLicenseAssign", AssigneeId=row["Id"]):
            held.add(one["PermissionSetLicenseId"])
            terms.append(ceiling.terms_of_license(one["PermissionSetLicenseId"]))
        for assignment in self.rows("PermissionSetAssignment", AssigneeId=row["Id"]):
            granted = self.one("PermissionSet", assignment.get("PermissionSetId"))
            if granted.get("IsOwnedByProfile"):
                continue
            content = (
                self.org.book.group_content(assignment["PermissionSetGroupId"])
                if assignment.get("PermissionSetGroupId")
                else self.org.book.content(assignment["PermissionSetId"])
            )
            excess = ceiling.excess_of(content, terms)
            fits = content.license_id in (None, *held)
            if excess is None and fits:
                continue
            if self.org.switches.profile_change == "refuse":
                text = f'Can\'t assign permission set "{granted.get("Label")}" to user "{row.get("Name")}". '
                if excess is None or (not fits and str(content.license_id).startswith("100")):
                    raise integrity(f"{text}The user license doesn't match the permission set license")
                raise integrity(f"{text}The user license doesn't allow the permission: {excess}")
            self.remove_rows("PermissionSetAssignment", Id=assignment["Id"])

    def _swap_profile_set(self, before: Row, row: Row) -> None:
        for owned in self.rows("PermissionSet", ProfileId=before.get("ProfileId")):
            self.remove_rows("PermissionSetAssignment", AssigneeId=row["Id"], PermissionSetId=owned["Id"])
        complete_user(self, row)

    def _deactivated(self, row: Row) -> None:
        end_sessions_of_shut_out_user(self.org, row["Id"])
        if self.org.switches.deactivation_drops_permission_set_licenses:
            self.remove_rows("PermissionSetLicenseAssign", AssigneeId=row["Id"])
        if self.org.switches.deactivation_drops_memberships:
            self.remove_rows("GroupMember", UserOrGroupId=row["Id"])
        if self.org.switches.deactivation_drops_package_licenses:
            self.remove_rows("UserPackageLicense", UserId=row["Id"])


class UserLoginRules(Rules):
    """Object Reference, UserLogin: freezing, and unlocking a password."""

    write_needs = ("ManageUsers", "FreezeUsers")

    def before_update(self, row: Row, changes: Values) -> None:
        if changes.get("IsPasswordLocked") and not row.get("IsPasswordLocked"):
            raise integrity("IsPasswordLocked can only be set to false", ["IsPasswordLocked"])
        if changes.get("IsFrozen") and row.get("UserId") == self.org.dml.user_id:
            raise integrity("You can't freeze your own user", ["IsFrozen"])  # that it is so is known, the text is ours

    def after_update(self, before: Row, row: Row) -> None:
        if row.get("IsFrozen") and not before.get("IsFrozen"):
            end_sessions_of_shut_out_user(self.org, str(row["UserId"]))


def complete_user(rules: Rules, user: Row) -> None:
    """Make what every user has, where it is missing: the UserLogin row and the assignment of the profile's own set."""
    org = rules.org
    if rules.has("UserLogin") and not rules.rows("UserLogin", UserId=user["Id"]):
        org.insert_row("UserLogin", {"UserId": user["Id"]})
    for owned in rules.rows("PermissionSet", ProfileId=user.get("ProfileId")) if user.get("ProfileId") else ():
        keys = {"AssigneeId": user["Id"], "PermissionSetId": owned["Id"]}
        if rules.has("PermissionSetAssignment") and not rules.rows("PermissionSetAssignment", **keys):
            org.insert_row("PermissionSetAssignment", keys)
