"""Rows of permissions that the platform makes, mirrors or hides."""

from __future__ import annotations

from dataclasses import replace

from harness.sandbox.schema import Field
from tests.component.sandbox_core.desk import Desk, refused


def test_view_all_data_stores_rows_that_stay_while_it_is_on(desk: Desk) -> None:
    view = {f"Permissions{one}": True for one in ("ViewAllData", "ViewEventLogFiles", "ViewSetup", "ViewRoles")}
    more = {f"Permissions{one}": True for one in ("ViewPublicDashboards", "ViewPublicReports")}
    made = desk.set("Auditor", **view, **more)
    rows = desk.org.rows("ObjectPermissions", ParentId=made)
    assert {row["SobjectType"] for row in rows} == set(desk.org.permission_names.objects())
    assert all(
        row["Id"].startswith("110") and row["PermissionsRead"] and row["PermissionsViewAllRecords"] for row in rows
    )
    assert not any(row["PermissionsEdit"] for row in rows)
    [account] = [row["Id"] for row in rows if row["SobjectType"] == "Account"]
    with refused("FIELD_INTEGRITY_EXCEPTION", "Permission View All Data depends on permission(s): Read All Account"):
        desk.update("ObjectPermissions", account, PermissionsViewAllRecords=False)
    desk.update("ObjectPermissions", account, PermissionsEdit=True)
    desk.update("PermissionSet", made, PermissionsViewAllData=False)
    desk.update("ObjectPermissions", account, PermissionsViewAllRecords=False)
    desk.delete("ObjectPermissions", account)


def test_modify_all_data_stores_no_rows(desk: Desk) -> None:
    own = desk.own_set("System Administrator")
    rows = desk.query(f"SELECT Id, PermissionsModifyAllRecords FROM ObjectPermissions WHERE ParentId = '{own}'")
    assert rows
    assert all(row["Id"].startswith("000") and row["PermissionsModifyAllRecords"] for row in rows)
    with refused("INSUFFICIENT_ACCESS_OR_READONLY", status=403):
        desk.update("ObjectPermissions", rows[0]["Id"], PermissionsEdit=False)
    with refused("INSUFFICIENT_ACCESS_OR_READONLY", status=403):
        desk.delete("ObjectPermissions", rows[0]["Id"])


def test_a_system_permission_brings_its_object_permissions(desk: Desk) -> None:
    made = desk.set("Leads")
    desk.update("PermissionSet", made, PermissionsTransferAnyLead=True)
    [row] = desk.org.rows("ObjectPermissions", ParentId=made)
    assert (row["SobjectType"], row["PermissionsRead"], row["PermissionsCreate"]) == ("Lead", True, True)
    with refused("FIELD_INTEGRITY_EXCEPTION", "depends on permission(s): Read Lead, Create Lead"):
        desk.delete("ObjectPermissions", row["Id"])
    desk.create("PermissionSetAssignment", AssigneeId=desk.sales, PermissionSetId=made)
    assert desk.query("SELECT Id FROM Lead", desk.sales) == []


def test_view_all_fields_shows_read_on_every_field(desk: Desk) -> None:
    made = desk.set("Wide")
    desk.create("FieldPermissions", ParentId=made, SobjectType="Account", Field="Account.Site", PermissionsRead=True)
    row = desk.create(
        "ObjectPermissions", ParentId=made, SobjectType="Account", PermissionsRead=True, PermissionsViewAllFields=True
    )
    asked = f"SELECT Id, Field, PermissionsRead, PermissionsEdit FROM FieldPermissions WHERE ParentId = '{made}'"
    rows = {one["Field"]: one for one in desk.query(asked)}
    assert set(rows) == {name for name in desk.org.permission_names.fields() if name.startswith("Account.")}
    assert all(one["PermissionsRead"] and not one["PermissionsEdit"] for one in rows.values())
    with refused("INSUFFICIENT_ACCESS_OR_READONLY", status=403):
        desk.delete("FieldPermissions", rows["Account.Industry"]["Id"])
    field = {"SobjectType": "Account", "Field": "Account.Industry"}
    desk.create("FieldPermissions", ParentId=made, PermissionsRead=True, PermissionsEdit=True, **field)
    desk.update("ObjectPermissions", row, PermissionsViewAllFields=False)
    assert {one["Field"] for one in desk.query(asked)} == {"Account.Site", "Account.Industry"}


def test_a_custom_field_of_activities_is_one_field(desk: Desk) -> None:
    for name in ("Task", "Event"):
        sobject = desk.org.schema.get(name)
        assert sobject is not None
        sobject.add(Field("Region__c", "string", "Region", length=20, custom=True))
        desk.fields(desk.own_set("System Administrator"), name, "Region__c")
    desk.org.schema_changed()
    made = desk.set("Activities")
    asked = "SELECT Field, PermissionsEdit FROM FieldPermissions WHERE Parent.Name = 'Activities' ORDER BY Field"
    values = {"ParentId": made, "SobjectType": "Task", "Field": "Task.Region__c", "PermissionsRead": True}
    row = desk.create("FieldPermissions", **values)
    assert [one["Field"] for one in desk.query(asked)] == ["Event.Region__c", "Task.Region__c"]
    twin = {**values, "SobjectType": "Event", "Field": "Event.Region__c"}
    assert desk.create("FieldPermissions", **twin) != row
    desk.update("FieldPermissions", row, PermissionsEdit=True)
    assert [one["PermissionsEdit"] for one in desk.query(asked)] == [True, True]
    desk.delete("FieldPermissions", row)
    assert desk.query(asked) == []


def test_rows_of_a_profiles_own_set_can_be_written_as_the_switch_says(desk: Desk) -> None:
    own = desk.own_set("Sales")
    values = {"ParentId": own, "SobjectType": "Case", "PermissionsRead": True}
    row = desk.create("ObjectPermissions", **values)
    assert desk.query("SELECT Id FROM Case", desk.sales) == []
    desk.org.switches = replace(desk.org.switches, profile_permissions_writable=False)
    for write in (
        lambda: desk.delete("ObjectPermissions", row),
        lambda: desk.create("ObjectPermissions", **{**values, "SobjectType": "Account"}),
    ):
        with refused("INSUFFICIENT_ACCESS_OR_READONLY", status=403):
            write()
    assert desk.query(f"SELECT Id FROM ObjectPermissions WHERE Id = '{row}'")


def test_rows_about_what_the_caller_does_not_see_are_left_out(desk: Desk) -> None:
    made = desk.set("Wide")
    for name in ("Account", "Case"):
        desk.create("ObjectPermissions", ParentId=made, SobjectType=name, PermissionsRead=True)
    for name in ("Account.Site", "Account.Industry", "Case.Type"):
        field = {"SobjectType": name.partition(".")[0], "Field": name}
        desk.create("FieldPermissions", ParentId=made, PermissionsRead=True, **field)
    auditor = desk.set("Setup", PermissionsViewSetup=True, PermissionsViewRoles=True)
    desk.create("PermissionSetAssignment", AssigneeId=desk.sales, PermissionSetId=auditor)
    desk.objects(desk.own_set("Sales"), "Account", "Read")
    desk.fields(desk.own_set("Sales"), "Account", "Site")
    objects = f"SELECT SobjectType FROM ObjectPermissions WHERE ParentId = '{made}' ORDER BY SobjectType"
    fields = f"SELECT Field FROM FieldPermissions WHERE ParentId = '{made}' ORDER BY Field"
    assert desk.plain(objects) == ["Account", "Case"]
    assert desk.plain(fields) == ["Account.Industry", "Account.Site", "Case.Type"]
    assert desk.plain(objects, desk.sales) == ["Account"]
    assert desk.plain(fields, desk.sales) == ["Account.Site"]
    desk.org.switches = replace(desk.org.switches, hidden_permission_rows=False)
    assert desk.plain(f"{objects} LIMIT 9", desk.sales) == ["Account", "Case"]
    assert desk.plain(f"{fields} LIMIT 9", desk.sales) == ["Account.Industry", "Account.Site", "Case.Type"]


def test_whoever_grants_what_he_does_not_see_may_take_it_back(desk: Desk) -> None:
    made = desk.set("Wide")
    auditor = desk.set(
        "Keys", PermissionsViewSetup=True, PermissionsViewRoles=True, PermissionsManageProfilesPermissionsets=True
    )
    desk.create("PermissionSetAssignment", AssigneeId=desk.sales, PermissionSetId=auditor)
    desk.objects(desk.own_set("Sales"), "Account", "Read")
    row = {"ParentId": made, "SobjectType": "Account", "Field": "Account.Site", "PermissionsRead": True}
    field = desk.create("FieldPermissions", desk.sales, **row)
    assert desk.query(f"SELECT Id FROM FieldPermissions WHERE Id = '{field}'", desk.sales) == []
    desk.update("FieldPermissions", field, desk.sales, PermissionsEdit=True)
    desk.delete("FieldPermissions", field, desk.sales)
    assert desk.query(f"SELECT Id FROM FieldPermissions WHERE Id = '{field}'") == []


def test_a_stored_row_beside_modify_all_data_can_go(desk: Desk) -> None:
    own = desk.own_set("System Administrator")
    row = desk.create(
        "ObjectPermissions", ParentId=own, SobjectType="Employee__c", PermissionsRead=True, PermissionsEdit=True
    )
    desk.delete("ObjectPermissions", row)
    soql = (
        f"SELECT Id, PermissionsDelete FROM ObjectPermissions WHERE ParentId = '{own}' AND SobjectType = 'Employee__c'"
    )
    [shown] = desk.query(soql)
    assert shown["Id"].startswith("000")
    assert shown["PermissionsDelete"] is True
