"""What users may see and do: objects, fields, rows, licenses."""

from __future__ import annotations

from tests.component.sandbox_core.desk import Desk, refused

PSL = "SalesforceAPIIntegrationPsl"


def test_without_read_an_object_does_not_exist(desk: Desk) -> None:
    for soql in ("SELECT Id FROM Account", "SELECT Id FROM Contact WHERE AccountId IN (SELECT Id FROM Account)"):
        with refused("INVALID_TYPE"):
            desk.query(soql, desk.sales)
    with refused("NOT_FOUND", status=404):
        desk.org.describe("Account", as_user=desk.sales)
    with refused("NOT_FOUND", status=404):
        desk.create("Account", desk.sales, Name="x")
    desk.grant("Sales", "Contact", "Read")
    with refused("INVALID_FIELD", "Didn't understand relationship 'Account'"):
        desk.query("SELECT Account.Name FROM Contact", desk.sales)


def test_without_field_level_security_a_field_does_not_exist(desk: Desk) -> None:
    desk.objects(desk.own_set("Sales"), "Account", "Read", "Create", "Edit")
    desk.fields(desk.own_set("Sales"), "Account", "BillingAddress")
    assert (
        desk.query("SELECT Id, Name, OwnerId, CreatedDate, BillingCity, BillingAddress FROM Account", desk.sales) == []
    )
    for soql in (
        "SELECT Industry FROM Account",
        "SELECT Id FROM Account WHERE Industry = 'x'",
        "SELECT Id FROM Account ORDER BY Industry",
        "SELECT count(Industry) FROM Account",
        "SELECT ShippingCity FROM Account",
    ):
        with refused("INVALID_FIELD", "No such column"):
            desk.query(soql, desk.sales)
    with refused("INVALID_FIELD", "No such column 'Industry' on sobject of type Account"):
        desk.create("Account", desk.sales, Name="x", Industry="Banking")
    names = {one["name"] for one in desk.org.describe("Account", as_user=desk.sales)["fields"]}
    assert {"Name", "BillingCity"} <= names
    assert not {"Industry", "ShippingCity"} & names


def test_a_field_that_is_only_readable(desk: Desk) -> None:
    desk.objects(desk.own_set("Sales"), "Account", "Read", "Create", "Edit")
    desk.fields(desk.own_set("Sales"), "Account", "Industry", edit=False)
    with refused("INVALID_FIELD_FOR_INSERT_UPDATE", "Unable to create/update fields: Industry.") as info:
        desk.create("Account", desk.sales, Name="x", Industry="Banking")
    assert info.value.fields == ("Industry",)
    described = {one["name"]: one for one in desk.org.describe("Account", as_user=desk.sales)["fields"]}
    assert (described["Industry"]["createable"], described["Industry"]["updateable"]) == (False, False)
    assert described["Name"]["updateable"] is True


def test_view_all_fields(desk: Desk) -> None:
    desk.objects(desk.own_set("Sales"), "Account", "Read", "ViewAllFields")
    assert desk.query("SELECT Industry FROM Account", desk.sales) == []


def test_describe_says_what_the_user_may(desk: Desk) -> None:
    desk.objects(desk.own_set("Sales"), "Account", "Read", "Create")
    mine, admins = (desk.org.describe("Account", as_user=user) for user in (desk.sales, desk.admin))
    assert [mine[key] for key in ("queryable", "createable", "updateable", "deletable")] == [True, True, False, False]
    assert [admins[key] for key in ("createable", "updateable", "deletable")] == [True, True, True]
    names = {one["name"] for one in desk.org.describe_global(as_user=desk.sales)["sobjects"]}
    assert {"Account", "User", "LoginHistory"} <= names
    assert not {"Contact", "PermissionSet", "Organization", "PermissionDependency"} & names


def test_setup_objects_need_their_permissions(desk: Desk) -> None:
    for name in ("Organization", "PermissionSet", "ObjectPermissions", "UserLicense", "UserLogin", "UserRole"):
        with refused("INVALID_TYPE", f"sObject type '{name}' is not supported."):
            desk.query(f"SELECT Id FROM {name}", desk.robot)
    assert desk.query("SELECT Id FROM User", desk.robot)


def test_everybody_sees_the_own_sign_ins(desk: Desk) -> None:
    for user in (desk.sales, desk.robot):
        row = {"UserId": user, "LoginTime": "2026-01-05T09:00:00Z", "LoginType": "Oauth2", "Status": "Success"}
        desk.org.insert_row("LoginHistory", row)
    assert desk.plain("SELECT UserId FROM LoginHistory", desk.robot) == [desk.robot]
    assert len(desk.query("SELECT UserId FROM LoginHistory")) == 2


# Sharing


def test_private_rows_are_seen_by_owner_boss_and_queue(desk: Desk) -> None:
    desk.grant("Sales", "Employee__c", "Read", "Create", "Edit", "Delete")
    desk.grant("Sales", "Review__c", "Read", "Create", "Edit")
    other = desk.user("other@acme.example", "Sales")
    mine = desk.create("Employee__c", desk.sales, Name="Mine")
    desk.create("Review__c", desk.sales, Name="Of mine", Employee__c=mine)
    names = "SELECT Name FROM Employee__c ORDER BY Name"
    assert desk.plain(names, desk.sales) == ["Mine"]
    assert desk.plain(names, other) == []
    assert desk.plain("SELECT Name FROM Review__c", other) == []
    with refused("INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", mine[:15]):
        desk.update("Employee__c", mine, other, Name="x")
    with refused("INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", mine[:15]):
        desk.create("Review__c", other, Name="x", Employee__c=mine)

    boss_role = desk.create("UserRole", Name="Boss", DeveloperName="Boss")
    seller_role = desk.create("UserRole", Name="Seller", DeveloperName="Seller", ParentRoleId=boss_role)
    desk.update("User", desk.sales, UserRoleId=seller_role)
    desk.update("User", other, UserRoleId=boss_role)
    assert desk.plain(names, other) == ["Mine"]
    assert desk.plain("SELECT Name FROM Review__c", other) == ["Of mine"]
    desk.update("User", other, UserRoleId=None)
    assert desk.plain(names, other) == []

    queue = desk.create("Group", Name="Queue", DeveloperName="Queue", Type="Queue")
    with refused("INVALID_OPERATION", "Queue not associated with this SObject type"):
        desk.update("Employee__c", mine, OwnerId=queue)
    desk.create("QueueSobject", QueueId=queue, SobjectType="Employee__c")
    inner = desk.create("Group", Name="Inner", DeveloperName="Inner", Type="Regular")
    desk.create("GroupMember", GroupId=queue, UserOrGroupId=inner)
    desk.create("GroupMember", GroupId=inner, UserOrGroupId=other)
    desk.update("Employee__c", mine, OwnerId=queue)
    assert desk.plain(names, other) == ["Mine"]
    assert desk.plain(names, desk.sales) == []


def test_view_all_and_modify_all(desk: Desk) -> None:
    mine = desk.create("Employee__c", Name="Admins")
    own = desk.own_set("Sales")
    row = desk.objects(own, "Employee__c", "Read", "Edit", "Delete", "ViewAllRecords")
    assert desk.plain("SELECT Name FROM Employee__c", desk.sales) == ["Admins"]
    with refused("INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights on object id", status=403):
        desk.update("Employee__c", mine, desk.sales, Name="x")
    desk.update("ObjectPermissions", row, PermissionsModifyAllRecords=True)
    desk.update("Employee__c", mine, desk.sales, Name="Theirs")
    assert desk.plain("SELECT Name FROM Employee__c") == ["Theirs"]


# Licenses and sets


def test_an_integration_license_carries_nothing_standard_by_itself(desk: Desk) -> None:
    reader = desk.set("Reader")
    desk.create("ObjectPermissions", ParentId=reader, SobjectType="Account", PermissionsRead=True)
    desk.org.insert_row("PermissionSetAssignment", {"AssigneeId": desk.robot, "PermissionSetId": reader})
    with refused("INVALID_TYPE"):
        desk.query("SELECT Id FROM Account", desk.robot)
    desk.create("PermissionSetLicenseAssign", AssigneeId=desk.robot, PermissionSetLicenseId=desk.ids[PSL])
    assert desk.query("SELECT Id FROM Account", desk.robot) == []


def test_a_set_bound_to_a_license_the_user_lacks_grants_nothing(desk: Desk) -> None:
    bound = desk.org.insert_row(
        "PermissionSet",
        {"Name": "Bound", "Label": "Bound", "LicenseId": desk.ids["Salesforce"], "PermissionsViewSetup": True},
    )
    for user in (desk.robot, desk.sales):
        desk.org.insert_row("PermissionSetAssignment", {"AssigneeId": user, "PermissionSetId": bound})
    assert not desk.org.permissions_of(desk.robot).has("ViewSetup")
    assert desk.org.permissions_of(desk.sales).has("ViewSetup", "ViewRoles")


def test_an_expired_assignment_and_a_sleeping_set_grant_nothing(desk: Desk) -> None:
    expiring = desk.set("Expiring", PermissionsRunReports=True)
    asleep = desk.set("Asleep", PermissionsViewRoles=True, HasActivationRequired=True)
    desk.create(
        "PermissionSetAssignment",
        AssigneeId=desk.sales,
        PermissionSetId=expiring,
        ExpirationDate="2026-02-01T00:00:00Z",
    )
    desk.create("PermissionSetAssignment", AssigneeId=desk.sales, PermissionSetId=asleep)
    assert desk.org.permissions_of(desk.sales).system == {"ApiEnabled", "RunReports"}
    desk.org.clock.advance(60 * 24 * 3600)
    assert desk.org.permissions_of(desk.sales).system == {"ApiEnabled"}


def test_access_is_computed_again_only_when_something_it_needs_changed(desk: Desk) -> None:
    before = desk.org.permissions_of(desk.admin)
    other = desk.set("Other")
    desk.create("ObjectPermissions", ParentId=other, SobjectType="Account", PermissionsRead=True)
    assert desk.org.permissions_of(desk.admin) is before
    desk.create("PermissionSetAssignment", AssigneeId=desk.admin, PermissionSetId=other)
    assert desk.org.permissions_of(desk.admin).serial != before.serial
