"""SetupAuditTrail: what it says about changes of setup, and about what it keeps silent."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from harness.sandbox.audit.entry import Entry
from tests.component.sandbox_core.desk import Desk, refused

DAY = 24 * 3600


@contextmanager
def entries(desk: Desk) -> Iterator[list[tuple[str, str]]]:
    """Action and display of what the block leaves, oldest first."""
    known = {row["Id"] for row in desk.org.rows("SetupAuditTrail")}
    found: list[tuple[str, str]] = []
    yield found
    new = [row for row in desk.org.rows("SetupAuditTrail") if row["Id"] not in known]
    found += [(row["Action"], row["Display"]) for row in new]


def who(desk: Desk, user_id: str) -> str:
    return f"user {desk.org.peek('User', user_id, 'Name')} (UserID: [{user_id[:15]}])"


def test_what_the_system_writes_is_no_change_of_anybody(desk: Desk) -> None:
    assert desk.org.rows("SetupAuditTrail") == []


def test_the_row(desk: Desk) -> None:
    set_id = desk.set("Order_Sync")
    (row,) = desk.query(
        "SELECT Id, Action, Section, Display, CreatedById, CreatedDate, DelegateUser FROM SetupAuditTrail"
    )
    assert (row["Action"], row["Section"]) == ("PermSetCreateNoLicense", "Manage Users")
    assert row["Display"] == "Created permission set Order Sync: with no license"
    assert (row["CreatedById"], row["DelegateUser"]) == (desk.admin, None)
    assert row["CreatedDate"] > desk.org.rows("PermissionSet", Id=set_id)[0]["CreatedDate"]


def test_the_life_of_a_set(desk: Desk) -> None:
    with entries(desk) as found:
        set_id = desk.set("A", PermissionsConvertLeads=True, LicenseId=desk.ids["Salesforce"])
        desk.update("PermissionSet", set_id, Label="B", Name="B", Description="b", PermissionsConvertLeads=False)
        desk.update("PermissionSet", set_id, Label="B")
        desk.delete("PermissionSet", set_id)
    assert found == [
        ("PermSetCreate", "Created permission set A: with user license Salesforce"),
        (
            "PermSetEnableUserPerm",
            "Changed permission set A: Convert Leads permission was changed from disabled to enabled",
        ),
        ("PermSetLabelChange", "Changed permission set B: Master Label was changed from A to B"),
        ("PermSetDescriptionChange", "Changed permission set B: description was changed"),
        ("PermSetDeveloperNameChange", "Changed permission set B: API name was changed from A to B"),
        (
            "PermSetDisableUserPerm",
            "Changed permission set B: Convert Leads permission was changed from enabled to disabled",
        ),
        ("PermSetDelete", "Deleted permission set B"),
    ]


def test_permissions_in_a_set(desk: Desk) -> None:
    set_id = desk.set("A")
    with entries(desk) as found:
        values = {"ParentId": set_id, "SobjectType": "Account"}
        row_id = desk.create("ObjectPermissions", **values, PermissionsRead=True)
        desk.update("ObjectPermissions", row_id, PermissionsCreate=True, PermissionsEdit=True)
        field_id = desk.create("FieldPermissions", **values, Field="Account.Industry", PermissionsRead=True)
        desk.update("FieldPermissions", field_id, PermissionsEdit=True)
        desk.delete("FieldPermissions", field_id)
        desk.delete("ObjectPermissions", row_id)
    field = "Changed permission set A: field-level security for Account: Industry was changed from"
    objects = "Changed permission set A: Account object permissions were changed from"
    assert found == [
        ("PermSetEntityPermChanged", f"{objects} No Access to Read"),
        ("PermSetEntityPermChanged", f"{objects} Read to Read, Create, Edit"),
        ("PermSetFlsChanged", f"{field} No Access to Read"),
        ("PermSetFlsChanged", f"{field} Read to Edit"),
        ("PermSetFlsChanged", f"{field} Edit to No Access"),
        ("PermSetEntityPermChanged", f"{objects} Read, Create, Edit to No Access"),
    ]


def test_setup_entities(desk: Desk) -> None:
    set_id = desk.set("A")
    class_id = desk.org.insert_row("ApexClass", {"Name": "Sync"})
    app_id = desk.org.insert_row("ConnectedApplication", {"Name": "ERP"})
    with entries(desk) as found:
        row_id = desk.create("SetupEntityAccess", ParentId=set_id, SetupEntityId=class_id)
        desk.create("SetupEntityAccess", ParentId=set_id, SetupEntityId=app_id)
        desk.delete("SetupEntityAccess", row_id)
    start = "SetupEntityAccessAudit_PermissionSet_"
    assert found == [
        (f"{start}ApexClass_Enabled", "Changed permission set A: Sync Apex class access was enabled"),
        (f"{start}ConnectedApplication_Enabled", "Changed permission set A: ERP connected app is enabled"),
        (f"{start}ApexClass_Disabled", "Changed permission set A: Sync Apex class access was disabled"),
    ]


def test_assignments(desk: Desk) -> None:
    set_id = desk.set("A")
    group_id = desk.create("PermissionSetGroup", DeveloperName="Everything", MasterLabel="All of it")
    desk.create("PermissionSetGroupComponent", PermissionSetGroupId=group_id, PermissionSetId=set_id)
    with entries(desk) as found:
        first = desk.create("PermissionSetAssignment", AssigneeId=desk.sales, PermissionSetId=set_id)
        second = desk.create("PermissionSetAssignment", AssigneeId=desk.sales, PermissionSetGroupId=group_id)
        desk.delete("PermissionSetAssignment", first)
        desk.delete("PermissionSetAssignment", second)
        dated = {"ExpirationDate": "2027-05-20T06:59:59.000+0000"}
        desk.create("PermissionSetAssignment", AssigneeId=desk.sales, PermissionSetId=set_id, **dated)
    user = who(desk, desk.sales)
    assert found == [
        ("PermSetAssign", f"Permission set A: assigned to {user}"),
        ("PermSetGroupAssign", f"Permission set group All of it: assigned to {user}"),
        ("PermSetUnassign", f"Permission set A: unassigned from {user}"),
        ("PermSetGroupUnassign", f"Permission set group All of it: unassigned from {user}"),
        (
            "PermSetAssign_HasExpiration",
            f"Permission set A: assigned to {user}, expiring on Thu May 20 06:59:59 GMT 2027",
        ),
    ]


def test_groups_of_sets(desk: Desk) -> None:
    set_id = desk.set("A")
    with entries(desk) as found:
        group_id = desk.create("PermissionSetGroup", DeveloperName="Everything", MasterLabel="All of it")
        one = desk.create("PermissionSetGroupComponent", PermissionSetGroupId=group_id, PermissionSetId=set_id)
        desk.delete("PermissionSetGroupComponent", one)
        desk.delete("PermissionSetGroup", group_id)
    assert found == [
        ("PermissionSetGroupCreate", "Created permission set group Everything"),
        ("PermissionSetGroupComponentAdd", "Changed permission set group Everything: group member A was added"),
        ("PermissionSetGroupComponentRemoved", "Changed permission set group Everything: group member A was removed"),
        ("PermissionSetGroupDelete", "Deleted permission set group Everything"),
    ]


def test_the_life_of_a_user(desk: Desk) -> None:
    role_id = desk.create("UserRole", Name="Clerk", DeveloperName="Clerk")
    row = desk.org.row("User", desk.sales) or {}
    with entries(desk) as found:
        desk.update("User", desk.sales, UserRoleId=role_id)
        desk.update("User", desk.sales, UserRoleId=None, Email="new@acme.example")
        desk.update("User", desk.sales, IsActive=False)
        desk.update("User", desk.sales, IsActive=True)
        login = desk.org.rows("UserLogin", UserId=desk.sales)[0]["Id"]
        desk.update("UserLogin", login, IsFrozen=True)
        desk.update("UserLogin", login, IsFrozen=False)
        desk.update("User", desk.sales, Title="Boss")
    name, user = row["Name"], who(desk, desk.sales)
    assert found == [
        ("changedroleforuserfromnone", f"Changed role for user {name} from <None Specified> to Clerk"),
        ("changedroleforusertonone", f"Changed role for user {name} from Clerk to <None Specified>"),
        ("changedemail", f"Changed email for {user} from {row['Email']} to new@acme.example"),
        ("deactivateduser", f"Deactivated {user}"),
        ("activateduser", f"Activated {user}"),
        ("frozeuser", f"Froze user account for {name}"),
        ("unfrozeuser", f"Unfroze user account for {name}"),
    ]


def test_a_new_user_and_another_profile(desk: Desk) -> None:
    standard = desk.org.insert_row("Profile", {"Name": "Standard User", "UserLicenseId": desk.ids["Salesforce"]})
    profile = str(desk.org.peek("User", desk.sales, "ProfileId"))
    desk.org.complete()
    values = {"Username": "new@acme.example", "LastName": "New", "Email": "n@a.example", "Alias": "n"}
    more = {"TimeZoneSidKey": "GMT", "LocaleSidKey": "en_US", "EmailEncodingKey": "UTF-8", "LanguageLocaleKey": "en_US"}
    with entries(desk) as found:
        user_id = desk.create("User", **values, **more, ProfileId=standard, IsActive=True)
        desk.update("User", user_id, ProfileId=profile)
        desk.update("User", user_id, ProfileId=standard)
    name = desk.org.peek("Profile", profile, "Name")
    assert found == [
        ("createduser", "Created new user New"),
        ("changedprofileforuserstdtocust", f"Changed profile for user New from Standard User to {name}"),
        ("changedprofileforusercusttostd", f"Changed profile for user New from {name} to Standard User"),
    ]


def test_groups_and_roles(desk: Desk) -> None:
    with entries(desk) as found:
        group_id = desk.create("Group", Name="Readers", DeveloperName="Readers", Type="Regular")
        desk.delete("GroupMember", desk.create("GroupMember", GroupId=group_id, UserOrGroupId=desk.sales))
        desk.delete("Group", group_id)
        role_id = desk.create("UserRole", Name="Clerk", DeveloperName="Clerk")
        desk.update("UserRole", role_id, Name="Chief")
        desk.delete("UserRole", role_id)
    assert found == [
        ("createdgroup", "Created Public Group Readers"),
        ("groupMembership", "Changed membership of Group Readers"),
        ("groupMembership", "Changed membership of Group Readers"),
        ("deletedgroup", "Deleted Public Group Readers"),
        ("createdrole", "Created new role Clerk"),
        ("role", "Changed role Chief"),
        ("deletedrole", "Deleted role Chief"),
    ]


def test_licenses_that_go_by_themselves_are_noted_too(desk: Desk) -> None:
    license_id = desk.org.rows("PermissionSetLicense")[0]["Id"]
    label = desk.org.rows("PermissionSetLicense")[0]["MasterLabel"]
    with entries(desk) as found:
        one = desk.create("PermissionSetLicenseAssign", AssigneeId=desk.robot, PermissionSetLicenseId=license_id)
        desk.delete("PermissionSetLicenseAssign", one)
    user = who(desk, desk.robot)
    assert found == [
        ("PermSetLicenseAssign", f"Permission set license {label}: assigned to {user}"),
        ("PermSetLicenseUnassign", f"Permission set license {label} removed from {user}"),
    ]


def test_a_refused_change_leaves_nothing(desk: Desk) -> None:
    with entries(desk) as found:
        with refused("INVALID_FIELD"):
            desk.set("C", Colour="red")
        desk.set("A")
        try:
            with desk.org.transaction():
                desk.set("B")
                raise RuntimeError
        except RuntimeError:
            pass
    assert [action for action, _ in found] == ["PermSetCreateNoLicense"]


def test_records_are_no_setup(desk: Desk) -> None:
    with entries(desk) as found:
        account_id = desk.create("Account", Name="A")
        desk.update("Account", account_id, Name="B")
        desk.delete("Account", account_id)
    assert found == []


def test_what_cannot_be_asked_of_it(desk: Desk) -> None:
    desk.set("A")
    assert desk.org.query("SELECT count() FROM SetupAuditTrail", as_user=desk.admin).total_size == 1
    with refused("MALFORMED_QUERY", "field Id does not support aggregate operator COUNT"):
        desk.query("SELECT count(Id) FROM SetupAuditTrail")
    with refused("INVALID_FIELD", "field 'Display' can not be filtered in a query call"):
        desk.query("SELECT Id FROM SetupAuditTrail WHERE Display LIKE '%A%'")
    with refused("INVALID_TYPE"):
        desk.query("SELECT Id FROM SetupAuditTrail", as_user=desk.sales)
    assert len(desk.query("SELECT CreatedBy.Name FROM SetupAuditTrail WHERE Action = 'PermSetCreateNoLicense'")) == 1


def test_old_rows_go(desk: Desk) -> None:
    desk.set("A")
    desk.org.clock.advance(100 * DAY)
    desk.set("B")
    desk.org.clock.advance(100 * DAY)
    desk.set("C")
    texts = [row["Display"] for row in desk.org.rows("SetupAuditTrail")]
    assert texts == [f"Created permission set {name}: with no license" for name in "BC"]


def test_what_is_no_row_can_be_noted(desk: Desk) -> None:
    entry = Entry("changedpassword", "Manage Users", "Set new password for user X")
    desk.org.trail.note(desk.admin, entry)
    (row,) = desk.org.rows("SetupAuditTrail")
    assert (row["CreatedById"], row["Display"]) == (desk.admin, entry.display)
