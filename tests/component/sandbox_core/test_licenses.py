"""License rules: seats, feature licenses, packages, and what is removed by itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from harness.sandbox.schema import Field
from tests.component.sandbox_core.desk import Desk, refused, user_values

PSL = "SalesforceAPIIntegrationPsl"


def test_a_campaign_needs_the_marketing_user(desk: Desk) -> None:
    desk.grant("Sales", "Campaign", "Read", "Create", "Edit", "Delete")
    with refused("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "entity type cannot be inserted: Campaign"):
        desk.create("Campaign", desk.sales, Name="Spring")
    assert desk.org.describe("Campaign", as_user=desk.sales)["createable"] is False
    desk.update("User", desk.sales, UserPermissionsMarketingUser=True)
    made = desk.create("Campaign", desk.sales, Name="Spring")
    desk.update("User", desk.sales, UserPermissionsMarketingUser=False)
    with refused("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "entity type cannot be updated: Campaign"):
        desk.update("Campaign", made, desk.sales, Name="Summer")
    assert desk.plain("SELECT Name FROM Campaign", desk.sales) == ["Spring"]


def test_feature_licenses_need_a_license_that_has_them(desk: Desk) -> None:
    text = "Marketing User is not allowed for this License Type"
    with refused("FIELD_INTEGRITY_EXCEPTION", text) as info:
        desk.update("User", desk.robot, UserPermissionsMarketingUser=True)
    assert info.value.message == text
    with refused("FIELD_INTEGRITY_EXCEPTION", text):
        values = user_values("new@acme.example", desk.ids["Integration"])
        desk.create("User", **values, UserPermissionsMarketingUser=True)
    desk.update("User", desk.sales, UserPermissionsMarketingUser=True)
    with refused("FIELD_INTEGRITY_EXCEPTION", text):
        desk.update("User", desk.sales, ProfileId=desk.ids["Integration"])
    desk.update("User", desk.sales, ProfileId=desk.ids["Integration"], UserPermissionsMarketingUser=False)
    desk.org.switches = replace(desk.org.switches, integration_feature_licenses=True)
    desk.update("User", desk.robot, UserPermissionsMarketingUser=True)


def test_seats_of_a_package(desk: Desk) -> None:
    package = desk.org.insert_row(
        "PackageLicense", {"NamespacePrefix": "acme", "AllowedLicenses": 1, "Status": "Active"}
    )
    row = desk.create("UserPackageLicense", PackageLicenseId=package, UserId=desk.sales)
    assert desk.plain("SELECT UsedLicenses FROM PackageLicense") == [1]
    assert desk.query("SELECT PackageLicense.NamespacePrefix FROM UserPackageLicense WHERE Id = '" + row + "'")
    with refused("DUPLICATE_VALUE"):
        desk.create("UserPackageLicense", PackageLicenseId=package, UserId=desk.sales)
    with refused("LICENSE_LIMIT_EXCEEDED"):
        desk.create("UserPackageLicense", PackageLicenseId=package, UserId=desk.robot)
    desk.delete("UserPackageLicense", row)
    desk.create("UserPackageLicense", PackageLicenseId=package, UserId=desk.robot)
    desk.update("User", desk.robot, IsActive=False)
    assert desk.plain("SELECT UsedLicenses FROM PackageLicense") == [0]
    with refused("INACTIVE_OWNER_OR_USER"):
        desk.create("UserPackageLicense", PackageLicenseId=package, UserId=desk.robot)


def test_nobody_shuts_oneself_out(desk: Desk) -> None:
    [login] = desk.plain(f"SELECT Id FROM UserLogin WHERE UserId = '{desk.admin}'")
    with refused("FIELD_INTEGRITY_EXCEPTION", "your own user"):
        desk.update("User", desk.admin, IsActive=False)
    with refused("FIELD_INTEGRITY_EXCEPTION", "your own user"):
        desk.update("UserLogin", login, IsFrozen=True)
    desk.update("User", desk.sales, IsActive=False)
    desk.update("User", desk.admin, Title="Admin")


def test_a_user_in_a_hierarchy_field_stays_active(desk: Desk) -> None:
    users = desk.org.schema.get("User")
    assert users is not None
    users.add(Field("Mentor__c", "reference", "Mentor", custom=True, permissionable=False, reference_to=("User",)))
    desk.org.schema_changed()
    desk.update("User", desk.robot, Mentor__c=desk.sales)
    with refused("FIELD_INTEGRITY_EXCEPTION", "Cannot inactivate user that is the value of a hierarchy field: Mentor"):
        desk.update("User", desk.sales, IsActive=False)
    desk.update("User", desk.robot, Mentor__c=None)
    desk.update("User", desk.sales, IsActive=False)


@pytest.mark.parametrize("number", [49, 50])
def test_many_sets_unassigned_at_once_leave_the_license(desk: Desk, number: int) -> None:
    desk.create("PermissionSetLicenseAssign", AssigneeId=desk.robot, PermissionSetLicenseId=desk.ids[PSL])
    rows = []
    for place in range(number):
        made = desk.org.insert_row(
            "PermissionSet", {"Name": f"S{place}", "Label": f"S{place}", "LicenseId": desk.ids[PSL]}
        )
        rows.append(desk.create("PermissionSetAssignment", AssigneeId=desk.robot, PermissionSetId=made))
    with desk.org.transaction():
        for row in rows:
            desk.delete("PermissionSetAssignment", row)
    assert len(desk.query("SELECT Id FROM PermissionSetLicenseAssign")) == (1 if number >= 50 else 0)


def test_a_license_is_removed_by_hand_in_the_transaction_that_unassigns_the_set(desk: Desk) -> None:
    license_row = desk.create("PermissionSetLicenseAssign", AssigneeId=desk.robot, PermissionSetLicenseId=desk.ids[PSL])
    bound = desk.set("Bound", LicenseId=desk.ids[PSL])
    assigned = desk.create("PermissionSetAssignment", AssigneeId=desk.robot, PermissionSetId=bound)
    with desk.org.transaction():
        desk.delete("PermissionSetAssignment", assigned)
        desk.delete("PermissionSetLicenseAssign", license_row)
    assert desk.query("SELECT Id FROM PermissionSetLicenseAssign") == []


# Assignments that end, and those that hold in a session only


def test_an_assignment_ends(desk: Desk) -> None:
    made = desk.set("Short", PermissionsRunReports=True)
    keys = {"AssigneeId": desk.sales, "PermissionSetId": made}
    row = desk.create("PermissionSetAssignment", ExpirationDate="2026-02-01T00:00:00Z", **keys)
    asked = f"SELECT IsActive, IsRevoked FROM PermissionSetAssignment WHERE Id = '{row}'"
    assert desk.plain(asked) == [{"IsActive": True, "IsRevoked": False}]
    desk.org.clock.advance(60 * 24 * 3600)
    assert desk.plain(asked) == [{"IsActive": False, "IsRevoked": False}]
    assert not desk.org.permissions_of(desk.sales).has("RunReports")
    desk.update("PermissionSetAssignment", row, ExpirationDate="2027-02-01T00:00:00Z")
    assert desk.plain(asked) == [{"IsActive": True, "IsRevoked": False}]
    assert desk.org.permissions_of(desk.sales).has("RunReports")
    desk.org.update_row("PermissionSetAssignment", row, {"IsRevoked": True})
    assert not desk.org.permissions_of(desk.sales).has("RunReports")


def session(desk: Desk, user: str) -> str:
    values: dict[str, Any] = {"UsersId": user, "SourceIp": "127.0.0.1", "CreatedDate": "2026-01-05T09:00:00Z"}
    values |= {"LastModifiedDate": values["CreatedDate"], "UserType": "Standard"}
    return desk.org.insert_row("AuthSession", values)


def test_a_session_based_set_grants_in_the_session_it_is_activated_for(desk: Desk) -> None:
    made = desk.set("Asleep", PermissionsRunReports=True, HasActivationRequired=True)
    mine, other = session(desk, desk.sales), session(desk, desk.sales)
    with refused("INVALID_CROSS_REFERENCE_KEY"):
        desk.create("SessionPermSetActivation", AuthSessionId=mine, PermissionSetId=made)
    desk.create("PermissionSetAssignment", AssigneeId=desk.sales, PermissionSetId=made)
    row = desk.create("SessionPermSetActivation", AuthSessionId=mine, PermissionSetId=made)
    assert desk.plain(f"SELECT UserId FROM SessionPermSetActivation WHERE Id = '{row}'") == [desk.sales]
    with refused("DUPLICATE_VALUE"):
        desk.create("SessionPermSetActivation", AuthSessionId=mine, PermissionSetId=made)

    def granted(session_id: str | None) -> bool:
        token = desk.org.session_id.set(session_id)
        try:
            return desk.org.permissions_of(desk.sales).has("RunReports")
        finally:
            desk.org.session_id.reset(token)

    assert [granted(one) for one in (None, other, mine, None)] == [False, False, True, False]
    colleague = desk.user("colleague@acme.example", "Sales")
    desk.create("PermissionSetAssignment", AssigneeId=colleague, PermissionSetId=made)
    token = desk.org.session_id.set(mine)
    assert not desk.org.permissions_of(colleague).has("RunReports")
    desk.org.session_id.reset(token)
    desk.delete("SessionPermSetActivation", row)
    assert not granted(mine)


def test_who_may_activate(desk: Desk) -> None:
    made = desk.set("Asleep", HasActivationRequired=True)
    desk.create("PermissionSetAssignment", AssigneeId=desk.sales, PermissionSetId=made)
    mine = session(desk, desk.sales)
    with refused("NOT_FOUND", status=404):
        desk.create("SessionPermSetActivation", desk.sales, AuthSessionId=mine, PermissionSetId=made)
    helper = desk.set("Helper", PermissionsManageSessionPermissionSets=True)
    desk.create("PermissionSetAssignment", AssigneeId=desk.sales, PermissionSetId=helper)
    desk.create("SessionPermSetActivation", desk.sales, AuthSessionId=mine, PermissionSetId=made)


# Custom settings


def test_a_custom_setting_needs_to_be_named_by_a_set(desk: Desk) -> None:
    setting = desk.org.schema.get("Employee__c")
    assert setting is not None
    setting.custom_setting = True
    with refused("INVALID_TYPE", "sObject type 'Employee__c' is not supported."):
        desk.query("SELECT Id FROM Employee__c", desk.sales)
    assert desk.query("SELECT Id FROM Employee__c") == []
    entity = desk.org.insert_row("CustomEntityDefinition", {"DeveloperName": "Employee"})
    asked = "SELECT DurableId FROM EntityDefinition WHERE QualifiedApiName = 'Employee__c'"
    assert desk.plain(asked) == [entity]
    made = desk.set("Settings")
    desk.create("SetupEntityAccess", ParentId=made, SetupEntityId=entity)
    desk.create("PermissionSetAssignment", AssigneeId=desk.sales, PermissionSetId=made)
    assert desk.query("SELECT Id FROM Employee__c", desk.sales) == []
    with refused("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"):
        desk.create("Employee__c", desk.sales, Name="x")
    desk.org.switches = replace(desk.org.switches, restricted_custom_settings=False)
    desk.org.book.forget_everything()
    assert desk.query("SELECT Id FROM Employee__c", desk.robot) == []


def test_a_bound_set_may_bring_its_license(desk: Desk) -> None:
    bound = desk.set("Bound", LicenseId=desk.ids[PSL])
    keys = {"AssigneeId": desk.robot, "PermissionSetId": bound}
    with refused("FIELD_INTEGRITY_EXCEPTION", "doesn't match the permission set license"):
        desk.create("PermissionSetAssignment", **keys)
    desk.org.switches = replace(desk.org.switches, bound_set_assigns_license=True)
    desk.create("PermissionSetAssignment", **keys)
    assert desk.plain("SELECT AssigneeId FROM PermissionSetLicenseAssign") == [desk.robot]
    with refused("LICENSE_LIMIT_EXCEEDED", "License Limit Exceeded - Salesforce API Integration"):
        desk.create("PermissionSetAssignment", **{**keys, "AssigneeId": desk.sales})


def test_a_user_goes_back_to_the_full_license_while_a_seat_is_free(desk: Desk) -> None:
    desk.create("PermissionSetLicenseAssign", AssigneeId=desk.robot, PermissionSetLicenseId=desk.ids[PSL])
    bound = desk.set("Bound", LicenseId=desk.ids[PSL])
    desk.create("PermissionSetAssignment", AssigneeId=desk.robot, PermissionSetId=bound)
    group = desk.create("Group", Name="G", DeveloperName="G", Type="Regular")
    desk.create("GroupMember", GroupId=group, UserOrGroupId=desk.robot)
    third = desk.user("third@acme.example", "Sales")
    with refused("LICENSE_LIMIT_EXCEEDED", "License Limit Exceeded - Salesforce"):
        desk.update("User", desk.robot, ProfileId=desk.ids["Sales"])
    desk.update("User", third, IsActive=False)
    desk.update("User", desk.robot, ProfileId=desk.ids["Sales"])
    assert desk.org.permissions_of(desk.robot).user_license == "Salesforce"
    assert len(desk.query(f"SELECT Id FROM PermissionSetAssignment WHERE PermissionSetId = '{bound}'")) == 1
    assert len(desk.query("SELECT Id FROM PermissionSetLicenseAssign")) == 1
    assert desk.plain("SELECT UserOrGroupId FROM GroupMember") == [desk.robot]
    own = f"SELECT Id FROM PermissionSetAssignment WHERE AssigneeId = '{desk.robot}' AND PermissionSet.ProfileId = "
    assert len(desk.query(f"{own}'{desk.ids['Sales']}'")) == 1
    assert desk.query(f"{own}'{desk.ids['Integration']}'") == []


def test_a_failed_sign_in_count_is_for_managers_of_users(desk: Desk) -> None:
    assert desk.plain("SELECT NumberOfFailedLogins FROM User LIMIT 1") == [None]
    with refused("INVALID_FIELD", "No such column 'NumberOfFailedLogins' on entity 'User'"):
        desk.query("SELECT NumberOfFailedLogins FROM User", desk.sales)
    assert "NumberOfFailedLogins" not in desk.org.retrieve("User", desk.sales, as_user=desk.sales)


def test_group_names_are_unique(desk: Desk) -> None:
    desk.create("Group", Name="G", DeveloperName="G", Type="Regular")
    with refused("DUPLICATE_DEVELOPER_NAME"):
        desk.create("Group", Name="G", DeveloperName="g", Type="Regular")
    desk.create("Group", Name="G", DeveloperName="G", Type="Queue")


def test_what_a_permission_set_license_carries_can_be_filtered_and_nothing_else(desk: Desk) -> None:
    desk.query("SELECT Id FROM PermissionSetLicense WHERE MaximumPermissionsModifyAllData = true")
    described = desk.org.describe("PermissionSetLicense", as_user=desk.admin)["fields"]
    [one] = [field for field in described if field["name"] == "MaximumPermissionsModifyAllData"]
    assert [name for name in ("createable", "filterable", "groupable", "sortable", "updateable") if one[name]] == [
        "filterable"
    ]
    with refused("MALFORMED_QUERY", "can not be sorted"):
        desk.query("SELECT Id FROM PermissionSetLicense ORDER BY MaximumPermissionsModifyAllData")


def test_view_all_data_is_assigned_where_the_license_carries_it(desk: Desk) -> None:
    needed = ("ViewAllData", "ViewEventLogFiles", "ViewPublicDashboards", "ViewPublicReports", "ViewSetup", "ViewRoles")
    made = desk.set("Sees_All", LicenseId=desk.ids[PSL], **{f"Permissions{name}": True for name in needed})
    assert "OperatingHours" in desk.plain(f"SELECT SobjectType FROM ObjectPermissions WHERE ParentId = '{made}'")
    desk.create("PermissionSetLicenseAssign", AssigneeId=desk.robot, PermissionSetLicenseId=desk.ids[PSL])
    desk.create("PermissionSetAssignment", AssigneeId=desk.robot, PermissionSetId=made)
    assert desk.query("SELECT Id FROM Account", desk.robot) == []
    with refused("INVALID_TYPE"):
        desk.query("SELECT Id FROM OperatingHours", desk.robot)
