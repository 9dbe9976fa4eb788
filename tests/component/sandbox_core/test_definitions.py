"""The tables that follow from the schema, from other rows, or from who asks."""

from __future__ import annotations

from tests.component.sandbox_core.desk import Desk, refused


def test_field_definitions_word_their_types(desk: Desk) -> None:
    found = {
        row["QualifiedApiName"]: row["DataType"]
        for row in desk.query(
            "SELECT QualifiedApiName, DataType FROM FieldDefinition "
            "WHERE EntityDefinition.QualifiedApiName IN ('Employee__c', 'Review__c')"
        )
    }
    assert found["Salary__c"] == "Currency(16, 2)"
    assert found["Skills__c"] == "Picklist (Multi-Select)"
    assert found["Number__c"] == "Text(10) (External ID) (Unique Case Insensitive)"
    assert found["Serial__c"] == "Auto Number"
    assert found["Level__c"] == "Formula (Text)"
    assert found["Account__c"] == "Lookup(Account)"
    assert found["Employee__c"] == "Master-Detail(Employee__c)"
    assert found["Text__c"] == "Long Text Area(32768)"


def test_entity_definitions_are_those_the_user_sees(desk: Desk) -> None:
    assert "Employee__c" in desk.plain("SELECT QualifiedApiName FROM EntityDefinition")
    with refused("INVALID_TYPE"):
        desk.query("SELECT QualifiedApiName FROM EntityDefinition", desk.robot)


def test_dependencies_are_for_the_tooling_api(desk: Desk) -> None:
    soql = "SELECT RequiredPermission FROM PermissionDependency WHERE Permission IN ('AuthorApex', 'Review__c<read>')"
    found = desk.org.query(soql, as_user=desk.admin, tooling=True).records
    assert {row["RequiredPermission"] for row in found} == {"ModifyMetadata", "ViewSetup", "Employee__c<read>"}
    with refused("INVALID_TYPE"):
        desk.query(soql)


def test_everybody_sees_the_own_permissions(desk: Desk) -> None:
    soql = "SELECT PermissionsApiEnabled, PermissionsManageUsers FROM UserPermissionAccess"
    assert desk.plain(soql, desk.robot) == [{"PermissionsApiEnabled": True, "PermissionsManageUsers": False}]
    assert desk.plain(soql) == [{"PermissionsApiEnabled": True, "PermissionsManageUsers": True}]


def test_seats_in_use_are_counted(desk: Desk) -> None:
    soql = "SELECT UsedLicenses FROM UserLicense WHERE Name = 'Salesforce'"
    assert desk.plain(soql) == [2]
    desk.update("User", desk.sales, IsActive=False)
    assert desk.plain(soql) == [1]


def test_modify_all_data_shows_as_rows_that_are_not_there(desk: Desk) -> None:
    own = desk.own_set("System Administrator")
    of_lead = f"FROM ObjectPermissions WHERE ParentId = '{own}' AND SobjectType = 'Lead'"
    found = desk.query(f"SELECT Id, PermissionsModifyAllRecords {of_lead}")
    assert found[0]["Id"].startswith("000000")
    assert found[0]["PermissionsModifyAllRecords"] is True
    with refused("INSUFFICIENT_ACCESS_OR_READONLY", status=403):
        desk.delete("ObjectPermissions", found[0]["Id"])
    desk.update("Profile", desk.ids["System Administrator"], Description="x")
    assert desk.create("ObjectPermissions", ParentId=own, SobjectType="Lead", PermissionsRead=True).startswith("110")
    stored = desk.plain(f"SELECT Id {of_lead}")
    assert [one[:3] for one in stored] == ["110"]


def test_the_metadata_of_one_profile_or_set(desk: Desk) -> None:
    made = desk.set("One", PermissionsRunReports=True, LicenseId=desk.ids["SalesforceAPIIntegrationPsl"])
    desk.create("ObjectPermissions", ParentId=made, SobjectType="Account", PermissionsRead=True)
    desk.create("FieldPermissions", ParentId=made, SobjectType="Account", Field="Account.Site", PermissionsRead=True)
    asked = f"SELECT FullName, Metadata FROM PermissionSet WHERE Id = '{made}'"
    [row] = desk.query(asked, tooling=True)
    assert row["FullName"] == "One"
    metadata = row["Metadata"]
    assert (metadata["label"], metadata["license"]) == ("One", "SalesforceAPIIntegrationPsl")
    assert metadata["userPermissions"] == [{"enabled": True, "name": "RunReports"}]
    assert metadata["fieldPermissions"] == [{"editable": False, "field": "Account.Site", "readable": True}]
    [rights] = metadata["objectPermissions"]
    assert (rights["object"], rights["allowRead"], rights["allowEdit"]) == ("Account", True, False)
    [row] = desk.query("SELECT FullName, Metadata FROM Profile WHERE Name = 'System Administrator'", tooling=True)
    assert (row["FullName"], row["Metadata"]["userLicense"]) == ("Admin", "Salesforce")
    with refused("MALFORMED_QUERY", "must specify no more than one row for retrieval. Result size: 3"):
        desk.query("SELECT Id, Metadata FROM Profile", tooling=True)
    assert desk.query("SELECT Metadata FROM Profile WHERE Name = 'Nobody'", tooling=True) == []
    with refused("INVALID_FIELD", "No such column 'Metadata' on entity 'Profile'"):
        desk.query("SELECT Metadata FROM Profile")


def test_every_app_has_an_item_in_the_menu(desk: Desk) -> None:
    soql = "SELECT ApplicationId, Type FROM AppMenuItem WHERE Name = 'Works'"
    assert desk.query(soql) == []
    app = desk.org.insert_row("TabSet", {"DeveloperName": "Works", "Label": "The Works"})
    [item] = desk.query(soql)
    assert (item["ApplicationId"], item["Type"]) == (app, "TabSet")
