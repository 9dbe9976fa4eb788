"""The rules of setup objects: users, seats, sets, assignments, permissions, groups."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.component.sandbox_core.desk import Desk, refused, user_values

PSL = "SalesforceAPIIntegrationPsl"


def change_switches(desk: Desk, **values: Any) -> None:
    desk.org.switches = replace(desk.org.switches, **values)


# Users


def test_a_new_user_comes_with_what_every_user_has(desk: Desk) -> None:
    user = desk.create("User", **user_values("new@acme.example", desk.ids["Sales"]))
    assert desk.plain(f"SELECT IsFrozen FROM UserLogin WHERE UserId = '{user}'") == [False]
    own = f"SELECT PermissionSet.IsOwnedByProfile FROM PermissionSetAssignment WHERE AssigneeId = '{user}'"
    [assignment] = desk.query(own)
    assert assignment["PermissionSet"]["IsOwnedByProfile"] is True
    with refused("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "entity type cannot be deleted: User"):
        desk.delete("User", user)


def test_a_user_needs_its_fields_a_name_of_its_own_and_a_seat(desk: Desk) -> None:
    with refused("REQUIRED_FIELD_MISSING", "Required fields are missing: [LastName"):
        desk.create("User", Username="x@acme.example")
    with refused("INVALID_EMAIL_ADDRESS"):
        desk.create("User", **{**user_values("x@acme.example", desk.ids["Sales"]), "Username": "x"})
    with refused("DUPLICATE_USERNAME", "Duplicate Username.") as info:
        desk.create("User", **user_values("SALES@acme.example", desk.ids["Sales"]))
    assert info.value.fields == ("Username",)
    desk.create("User", **user_values("third@acme.example", desk.ids["Sales"]))
    with refused("LICENSE_LIMIT_EXCEEDED", "License Limit Exceeded - Salesforce"):
        desk.create("User", **user_values("fourth@acme.example", desk.ids["Sales"]))
    inactive = desk.create("User", **{**user_values("fourth@acme.example", desk.ids["Sales"]), "IsActive": False})
    with refused("LICENSE_LIMIT_EXCEEDED"):
        desk.update("User", inactive, IsActive=True)
    desk.update("User", desk.sales, IsActive=False)
    desk.update("User", inactive, IsActive=True)


def test_who_may_write_users(desk: Desk) -> None:
    with refused("INSUFFICIENT_ACCESS_OR_READONLY", status=403):
        desk.create("User", desk.sales, **user_values("x@acme.example", desk.ids["Sales"]))
    with refused("INSUFFICIENT_ACCESS_OR_READONLY", status=403):
        desk.update("User", desk.admin, desk.sales, LastName="x")


def test_freezing_is_reversible_and_frees_no_seat(desk: Desk) -> None:
    [login] = desk.plain(f"SELECT Id FROM UserLogin WHERE UserId = '{desk.sales}'")
    desk.update("UserLogin", login, IsFrozen=True)
    assert desk.plain("SELECT UsedLicenses FROM UserLicense WHERE Name = 'Salesforce'") == [2]
    desk.update("UserLogin", login, IsFrozen=False)
    with refused("FIELD_INTEGRITY_EXCEPTION"):
        desk.update("UserLogin", login, IsPasswordLocked=True)
    with refused("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"):
        desk.delete("UserLogin", login)


@pytest.mark.parametrize("drops", [True, False])
def test_deactivation_takes_licenses_and_memberships_as_the_switches_say(desk: Desk, drops: bool) -> None:
    change_switches(desk, deactivation_drops_permission_set_licenses=drops, deactivation_drops_memberships=drops)
    group = desk.create("Group", Name="G", DeveloperName="G", Type="Regular")
    desk.create("GroupMember", GroupId=group, UserOrGroupId=desk.robot)
    desk.create("PermissionSetLicenseAssign", AssigneeId=desk.robot, PermissionSetLicenseId=desk.ids[PSL])
    desk.update("User", desk.robot, IsActive=False)
    kept = 0 if drops else 1
    assert len(desk.query("SELECT Id FROM GroupMember")) == kept
    assert len(desk.query("SELECT Id FROM PermissionSetLicenseAssign")) == kept


def test_a_change_of_profile_moves_the_seat_and_the_profiles_set(desk: Desk) -> None:
    desk.update("User", desk.sales, ProfileId=desk.ids["Integration"])
    used = dict.fromkeys(["Salesforce", "Salesforce Integration"])
    for name in used:
        [used[name]] = desk.plain(f"SELECT UsedLicenses FROM UserLicense WHERE Name = '{name}'")
    assert used == {"Salesforce": 1, "Salesforce Integration": 2}
    sets = desk.plain(f"SELECT PermissionSetId FROM PermissionSetAssignment WHERE AssigneeId = '{desk.sales}'")
    assert sets == [desk.own_set("Integration")]
    assert desk.org.permissions_of(desk.sales).user_license == "Salesforce Integration"


@pytest.mark.parametrize("drops", [True, False])
def test_sets_that_the_new_license_cannot_carry(desk: Desk, drops: bool) -> None:
    change_switches(desk, profile_change="strip" if drops else "refuse")
    reader = desk.set("Reader")
    desk.create("ObjectPermissions", ParentId=reader, SobjectType="Account", PermissionsRead=True)
    desk.create("PermissionSetAssignment", AssigneeId=desk.sales, PermissionSetId=reader)
    if drops:
        desk.update("User", desk.sales, ProfileId=desk.ids["Integration"])
        assert desk.query(f"SELECT Id FROM PermissionSetAssignment WHERE PermissionSetId = '{reader}'") == []
    else:
        with refused("FIELD_INTEGRITY_EXCEPTION", "The user license doesn't allow the permission: Read Accounts"):
            desk.update("User", desk.sales, ProfileId=desk.ids["Integration"])


# Profiles and permission sets


def test_a_profile_owns_a_set_that_mirrors_it(desk: Desk) -> None:
    license_id = desk.ids["Salesforce"]
    profile = desk.create("Profile", Name="Own", UserLicenseId=license_id, PermissionsRunReports=True)
    [owned] = desk.org.rows("PermissionSet", ProfileId=profile)
    assert (owned["Type"], owned["IsOwnedByProfile"], owned["LicenseId"]) == ("Profile", True, license_id)
    assert owned["PermissionsRunReports"] is True
    desk.update("Profile", profile, PermissionsRunReports=False)
    assert desk.org.rows("PermissionSet", ProfileId=profile)[0]["PermissionsRunReports"] is False
    for write in (
        lambda: desk.update("PermissionSet", owned["Id"], Label="x"),
        lambda: desk.delete("PermissionSet", owned["Id"]),
    ):
        with refused("INSUFFICIENT_ACCESS_OR_READONLY", status=403):
            write()
    desk.delete("Profile", profile)
    assert desk.org.rows("PermissionSet", ProfileId=profile) == []
    with refused("DELETE_FAILED"):
        desk.delete("Profile", desk.ids["Sales"])


def test_a_permission_set_and_its_names(desk: Desk) -> None:
    made = desk.set("One")
    row = desk.org.row("PermissionSet", made)
    assert row is not None
    assert (row["Type"], row["IsCustom"], row["IsOwnedByProfile"], row["LicenseId"]) == ("Regular", True, False, None)
    with refused("DUPLICATE_DEVELOPER_NAME"):
        desk.set("one")
    for bad in ("1x", "a b", "a__b", "a_", "é"):
        with refused("FIELD_INTEGRITY_EXCEPTION", "can only contain underscores and alphanumeric characters"):
            desk.set(bad)
    with refused("INVALID_FIELD_FOR_INSERT_UPDATE", "LicenseId"):
        desk.update("PermissionSet", made, LicenseId=desk.ids["Salesforce"])
    with refused("NOT_FOUND", status=404):
        desk.create("PermissionSet", desk.robot, Name="x", Label="x")


def test_system_permissions_depend_on_others(desk: Desk) -> None:
    with refused("FIELD_INTEGRITY_EXCEPTION", "Permission Author Apex depends on permission(s): "):
        desk.set("Apex", PermissionsAuthorApex=True)
    made = desk.set("Report", PermissionsRunReports=True, PermissionsExportReport=True)
    with refused("FIELD_INTEGRITY_EXCEPTION", "depends on permission(s): Run Reports"):
        desk.update("PermissionSet", made, PermissionsRunReports=False)


def test_a_set_that_is_used_is_not_deleted_and_takes_its_rows_along(desk: Desk) -> None:
    made = desk.set("One")
    desk.create("ObjectPermissions", ParentId=made, SobjectType="Account", PermissionsRead=True)
    assigned = desk.create("PermissionSetAssignment", AssigneeId=desk.sales, PermissionSetId=made)
    with refused("DELETE_FAILED"):
        desk.delete("PermissionSet", made)
    desk.delete("PermissionSetAssignment", assigned)
    desk.delete("PermissionSet", made)
    assert desk.org.rows("ObjectPermissions", ParentId=made) == []


# Assignments


def test_the_classic_failure_names_the_first_permission_and_the_license_cures_it(desk: Desk) -> None:
    made = desk.set("Order_Sync")
    desk.create("ObjectPermissions", ParentId=made, SobjectType="Account", PermissionsRead=True)
    keys = {"AssigneeId": desk.robot, "PermissionSetId": made}
    with refused("FIELD_INTEGRITY_EXCEPTION") as info:
        desk.create("PermissionSetAssignment", **keys)
    assert info.value.message == (
        'Can\'t assign permission set "Order Sync" to user "Robot". '
        "The user license doesn't allow the permission: Read Accounts"
    )
    desk.create("PermissionSetLicenseAssign", AssigneeId=desk.robot, PermissionSetLicenseId=desk.ids[PSL])
    assigned = desk.create("PermissionSetAssignment", **keys)
    with refused(
        "DUPLICATE_VALUE", f"Duplicate PermissionSetAssignment. Assignee: {desk.robot}; Permission Set: {made}"
    ):
        desk.create("PermissionSetAssignment", **keys)
    with refused("FIELD_INTEGRITY_EXCEPTION", "need it"):
        desk.delete("PermissionSetLicenseAssign", desk.plain("SELECT Id FROM PermissionSetLicenseAssign")[0])
    desk.delete("PermissionSetAssignment", assigned)
    assert desk.query("SELECT Id FROM PermissionSetLicenseAssign") == []


def test_a_license_that_another_set_needs_stays(desk: Desk) -> None:
    desk.create("PermissionSetLicenseAssign", AssigneeId=desk.robot, PermissionSetLicenseId=desk.ids[PSL])
    assigned = []
    for name in ("One", "Two"):
        made = desk.set(name)
        desk.create("ObjectPermissions", ParentId=made, SobjectType="Account", PermissionsRead=True)
        assigned.append(desk.create("PermissionSetAssignment", AssigneeId=desk.robot, PermissionSetId=made))
    desk.delete("PermissionSetAssignment", assigned[0])
    assert len(desk.query("SELECT Id FROM PermissionSetLicenseAssign")) == 1
    change_switches(desk, automatic_license_removal=False)
    desk.delete("PermissionSetAssignment", assigned[1])
    assert len(desk.query("SELECT Id FROM PermissionSetLicenseAssign")) == 1


def test_sets_bound_to_licenses(desk: Desk) -> None:
    full = desk.set("Full", LicenseId=desk.ids["Salesforce"])
    with refused("FIELD_INTEGRITY_EXCEPTION", "The user license doesn't match the permission set license"):
        desk.create("PermissionSetAssignment", AssigneeId=desk.robot, PermissionSetId=full)
    bound = desk.set("Bound", LicenseId=desk.ids[PSL])
    with refused("FIELD_INTEGRITY_EXCEPTION", "The user license doesn't allow the permission: Author Apex"):
        desk.update(
            "PermissionSet", bound, PermissionsAuthorApex=True, PermissionsModifyMetadata=True,
            PermissionsViewSetup=True, PermissionsViewRoles=True,
        )  # fmt: skip
    narrow = desk.set("Narrow", LicenseId=desk.ids["Salesforce Integration"])
    with refused("FIELD_INTEGRITY_EXCEPTION", "The user license doesn't allow the permission: Read Accounts"):
        desk.create("ObjectPermissions", ParentId=narrow, SobjectType="Account", PermissionsRead=True)


def test_a_profile_of_another_license_leaves_no_set_of_the_old_one(desk: Desk) -> None:
    full = desk.set("Full", LicenseId=desk.ids["Salesforce"])
    desk.create("PermissionSetAssignment", AssigneeId=desk.sales, PermissionSetId=full)
    with refused("FIELD_INTEGRITY_EXCEPTION", "The user license doesn't match the permission set license"):
        desk.update("User", desk.sales, ProfileId=desk.ids["Integration"])


def test_an_assigned_set_cannot_outgrow_the_license(desk: Desk) -> None:
    made = desk.set("Grows")
    desk.create("PermissionSetAssignment", AssigneeId=desk.robot, PermissionSetId=made)
    with refused("FIELD_INTEGRITY_EXCEPTION", "The user license doesn't allow the permission: Read Accounts"):
        desk.create("ObjectPermissions", ParentId=made, SobjectType="Account", PermissionsRead=True)
    with refused("FIELD_INTEGRITY_EXCEPTION", "The user license doesn't allow the permission: Run Reports"):
        desk.update("PermissionSet", made, PermissionsRunReports=True)
    desk.create("ObjectPermissions", ParentId=made, SobjectType="Employee__c", PermissionsRead=True)
    assert desk.query("SELECT Id FROM Employee__c", desk.robot) == []


def test_permission_set_license_seats(desk: Desk) -> None:
    keys = {"AssigneeId": desk.robot, "PermissionSetLicenseId": desk.ids[PSL]}
    desk.create("PermissionSetLicenseAssign", **keys)
    with refused("DUPLICATE_VALUE") as info:
        desk.create("PermissionSetLicenseAssign", **keys)
    assert info.value.message.startswith("duplicate value found")
    with refused("LICENSE_LIMIT_EXCEEDED"):
        desk.create("PermissionSetLicenseAssign", **{**keys, "AssigneeId": desk.sales})


def test_assignments_need_the_permission_and_a_real_set(desk: Desk) -> None:
    helper = desk.set("Setup", PermissionsViewSetup=True, PermissionsViewRoles=True)
    desk.create("PermissionSetAssignment", AssigneeId=desk.sales, PermissionSetId=helper)
    with refused("INSUFFICIENT_ACCESS_OR_READONLY", status=403):
        desk.create("PermissionSetAssignment", desk.sales, AssigneeId=desk.sales, PermissionSetId=desk.set("Any"))
    with refused("INVALID_CROSS_REFERENCE_KEY"):
        desk.create("PermissionSetAssignment", AssigneeId=desk.sales, PermissionSetId=desk.own_set("Integration"))
    with refused("REQUIRED_FIELD_MISSING", "PermissionSetId"):
        desk.create("PermissionSetAssignment", AssigneeId=desk.sales)
    with refused("MALFORMED_ID"):
        desk.create("PermissionSetAssignment", AssigneeId=desk.sales, PermissionSetId=desk.sales)


# Object, field and setup entity permissions


@pytest.mark.parametrize(
    ("sobject", "rights", "text"),
    [
        ("Account", ["Edit"], "Permission Edit Account depends on permission(s): Read Account"),
        ("Account", ["Read", "Delete"], "Permission Delete Account depends on permission(s): Edit Account"),
        (
            "Account",
            ["Read", "ModifyAllRecords"],
            "depends on permission(s): Edit Account, Delete Account, Read All Account",
        ),
        ("Review__c", ["Read"], "Permission Read Review__c depends on permission(s): Read Employee__c"),
    ],
)
def test_object_permissions_depend_on_others(desk: Desk, sobject: str, rights: list[str], text: str) -> None:
    values = {f"Permissions{right}": True for right in rights}
    with refused("FIELD_INTEGRITY_EXCEPTION", text):
        desk.create("ObjectPermissions", ParentId=desk.set("X"), SobjectType=sobject, **values)


def test_object_permissions_rows(desk: Desk) -> None:
    made = desk.set("X")
    row = desk.create("ObjectPermissions", ParentId=made, SobjectType="employee__C", PermissionsRead=True)
    assert desk.plain(f"SELECT SobjectType FROM ObjectPermissions WHERE Id = '{row}'") == ["Employee__c"]
    with refused("DUPLICATE_VALUE"):
        desk.create("ObjectPermissions", ParentId=made, SobjectType="Employee__c", PermissionsRead=True)
    detail = desk.create("ObjectPermissions", ParentId=made, SobjectType="Review__c", PermissionsRead=True)
    for write in (
        lambda: desk.delete("ObjectPermissions", row),
        lambda: desk.update("ObjectPermissions", row, PermissionsRead=False),
    ):
        with refused(
            "FIELD_INTEGRITY_EXCEPTION", "Permission Read Review__c depends on permission(s): Read Employee__c"
        ):
            write()
    desk.update("ObjectPermissions", detail, PermissionsRead=False)
    assert desk.org.row("ObjectPermissions", detail) is None
    for name in ("Nothing__c", "User", "OrderItem"):
        text = f"Sobject Type Name: bad value for restricted picklist field: {name}"
        with refused("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", text):
            desk.create("ObjectPermissions", ParentId=made, SobjectType=name, PermissionsRead=True)
    with refused("MALFORMED_ID"):
        desk.create("ObjectPermissions", ParentId=desk.ids["Sales"], SobjectType="Case", PermissionsRead=True)


def test_field_permissions_rows(desk: Desk) -> None:
    made = desk.set("X")

    def grant(field: str, *, edit: bool = False, read: bool = True, sobject: str | None = None) -> str:
        names = {"SobjectType": sobject or field.partition(".")[0], "Field": field}
        return desk.create("FieldPermissions", ParentId=made, PermissionsRead=read, PermissionsEdit=edit, **names)

    row = grant("account.INDUSTRY", edit=True)
    assert desk.plain(f"SELECT Field FROM FieldPermissions WHERE Id = '{row}'") == ["Account.Industry"]
    assert grant("Account.Parent")
    assert desk.plain("SELECT Id FROM FieldPermissions WHERE Field = 'Account.ParentId' AND Parent.Name = 'X'")
    assert grant("Account.BillingAddress")
    assert grant("Employee__c.Level__c")
    with refused("DUPLICATE_VALUE"):
        grant("Account.Industry")
    for field in ("Account.Nope__c", "Account.Name", "Account.BillingCity", "Account.OwnerId", "Review__c.Employee__c"):
        with refused(
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", f"Field Name: bad value for restricted picklist field: {field}"
        ):
            grant(field)
    with refused("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "Sobject Type Name: bad value"):
        grant("Nope__c.Name")
    with refused("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "Field Name"):
        grant("Account.Site", sobject="Contact")
    with refused(
        "FIELD_INTEGRITY_EXCEPTION", "Permission Edit Account.Site depends on permission(s): Read Account.Site"
    ):
        grant("Account.Site", edit=True, read=False)
    for field in ("Employee__c.Level__c", "Employee__c.Serial__c"):
        with refused("FIELD_INTEGRITY_EXCEPTION" if "Serial" in field else "DUPLICATE_VALUE"):
            grant(field, edit=True)
    desk.update("FieldPermissions", row, PermissionsRead=False, PermissionsEdit=False)
    assert desk.org.row("FieldPermissions", row) is None


def test_setup_entity_access_takes_its_type_from_the_id(desk: Desk) -> None:
    made = desk.set("X")
    app = desk.org.insert_row("ConnectedApplication", {"Name": "ERP"})
    row = desk.create("SetupEntityAccess", ParentId=made, SetupEntityId=app)
    assert desk.plain(f"SELECT SetupEntityType FROM SetupEntityAccess WHERE Id = '{row}'") == ["ConnectedApplication"]
    with refused("DUPLICATE_VALUE"):
        desk.create("SetupEntityAccess", ParentId=made, SetupEntityId=app)
    with refused("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"):
        desk.update("SetupEntityAccess", row, SetupEntityId=app)
    desk.create("PermissionSetAssignment", AssigneeId=desk.sales, PermissionSetId=made)
    assert desk.org.permissions_of(desk.sales).setup == {app}
    desk.delete("SetupEntityAccess", row)
    assert desk.org.permissions_of(desk.sales).setup == set()


# Groups


def test_group_members_and_queues(desk: Desk) -> None:
    queue = desk.create("Group", Name="Q", DeveloperName="Q", Type="Queue")
    first = desk.create("GroupMember", GroupId=queue, UserOrGroupId=desk.sales)
    assert desk.create("GroupMember", GroupId=queue, UserOrGroupId=desk.sales) == first
    desk.create("QueueSobject", QueueId=queue, SobjectType="case")
    assert desk.plain("SELECT SobjectType FROM QueueSobject") == ["Case"]
    with refused("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"):
        desk.create("QueueSobject", QueueId=queue, SobjectType="Nope")
    plain = desk.create("Group", Name="G", DeveloperName="G", Type="Regular")
    with refused("INVALID_CROSS_REFERENCE_KEY"):
        desk.create("QueueSobject", QueueId=plain, SobjectType="Case")
    with refused("INSUFFICIENT_ACCESS_OR_READONLY", status=403):
        desk.create("Group", desk.sales, Name="G2", DeveloperName="G2", Type="Regular")
    desk.delete("Group", queue)
    assert desk.query("SELECT Id FROM GroupMember") == desk.query("SELECT Id FROM QueueSobject") == []


def test_components_of_a_group(desk: Desk) -> None:
    group = desk.create("PermissionSetGroup", DeveloperName="G", MasterLabel="G")
    one = desk.set("One")
    desk.create("PermissionSetGroupComponent", PermissionSetGroupId=group, PermissionSetId=one)
    with refused("DUPLICATE_VALUE"):
        desk.create("PermissionSetGroupComponent", PermissionSetGroupId=group, PermissionSetId=one)
    with refused("INVALID_CROSS_REFERENCE_KEY"):
        desk.create("PermissionSetGroupComponent", PermissionSetGroupId=group, PermissionSetId=desk.own_set("Sales"))
    for name in ("M1", "M2"):
        muting = desk.create("MutingPermissionSet", DeveloperName=name, MasterLabel=name)
        desk.ids[name] = muting
    desk.create("PermissionSetGroupComponent", PermissionSetGroupId=group, PermissionSetId=desk.ids["M1"])
    with refused("FIELD_INTEGRITY_EXCEPTION", "only one muting"):
        desk.create("PermissionSetGroupComponent", PermissionSetGroupId=group, PermissionSetId=desk.ids["M2"])
    desk.create("PermissionSetAssignment", AssigneeId=desk.robot, PermissionSetGroupId=group)
    two = desk.set("Two")
    desk.create("ObjectPermissions", ParentId=two, SobjectType="Account", PermissionsRead=True)
    with refused("FIELD_INTEGRITY_EXCEPTION", "The user license doesn't allow the permission: Read Accounts"):
        desk.create("PermissionSetGroupComponent", PermissionSetGroupId=group, PermissionSetId=two)
    with refused("DELETE_FAILED"):
        desk.delete("PermissionSet", one)


def test_profiles_stay_within_their_license(desk: Desk) -> None:
    values = {"Name": "Robots", "UserLicenseId": desk.ids["Salesforce Integration"]}
    with refused("FIELD_INTEGRITY_EXCEPTION", "The user license doesn't allow the permission: Run Reports"):
        desk.create("Profile", **values, PermissionsRunReports=True)
    robots = desk.create("Profile", **values, PermissionsApiEnabled=True, PermissionsApiUserOnly=True)
    with refused("FIELD_INTEGRITY_EXCEPTION", "The user license doesn't allow the permission: Run Reports"):
        desk.update("Profile", robots, PermissionsRunReports=True)
    with refused("INSUFFICIENT_ACCESS_OR_READONLY", status=403):
        desk.update("Profile", robots, PermissionsApiUserOnly=False)
    desk.update("Profile", robots, Description="Robots")
    with refused("FIELD_INTEGRITY_EXCEPTION", "The profile name is already in use: Name"):
        desk.create("Profile", **values)
    desk.delete("Profile", robots)


def test_a_standard_profile_is_not_deleted(desk: Desk) -> None:
    desk.update("User", desk.sales, ProfileId=desk.ids["System Administrator"])
    with refused("INSUFFICIENT_ACCESS_OR_READONLY", status=403):
        desk.delete("Profile", desk.ids["Sales"])


def test_a_group_may_need_activation(desk: Desk) -> None:
    one = desk.set("One", PermissionsRunReports=True)
    group = desk.create("PermissionSetGroup", DeveloperName="G", MasterLabel="G", HasActivationRequired=True)
    desk.create("PermissionSetGroupComponent", PermissionSetGroupId=group, PermissionSetId=one)
    desk.create("PermissionSetAssignment", AssigneeId=desk.sales, PermissionSetGroupId=group)
    desk.org.clock.advance(5)
    assert not desk.org.permissions_of(desk.sales).has("RunReports")
    desk.update("PermissionSetGroup", group, HasActivationRequired=False)
    assert desk.org.permissions_of(desk.sales).has("RunReports")
    made = desk.set("Sleeps", HasActivationRequired=True)
    desk.update("PermissionSet", made, HasActivationRequired=False)
    assert desk.plain(f"SELECT Type FROM PermissionSet WHERE Id = '{made}'") == ["Regular"]
