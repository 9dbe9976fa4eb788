"""Permission set groups: what they give, muting, and the time their computation takes."""

from __future__ import annotations

from dataclasses import replace

from tests.component.sandbox_core.desk import Desk, refused

STATUS = "SELECT Status FROM PermissionSetGroup"


def wait(desk: Desk) -> None:
    """Let the computation of groups come to its end."""
    desk.org.clock.advance(2)


def test_a_group_gives_its_components_less_what_is_muted(desk: Desk) -> None:
    one = desk.set("One", PermissionsRunReports=True, PermissionsViewRoles=True)
    two = desk.set("Two")
    values = {"PermissionsRead": True, "PermissionsEdit": True}
    desk.create("ObjectPermissions", ParentId=one, SobjectType="Account", **values)
    desk.create("ObjectPermissions", ParentId=two, SobjectType="Case", **values)
    for name in ("Industry", "Site"):
        field = {"SobjectType": "Account", "Field": f"Account.{name}"}
        desk.create("FieldPermissions", ParentId=one, PermissionsRead=True, PermissionsEdit=True, **field)
    group = desk.create("PermissionSetGroup", DeveloperName="Both", MasterLabel="Both")
    for member in (one, two):
        desk.create("PermissionSetGroupComponent", PermissionSetGroupId=group, PermissionSetId=member)
    muting = desk.create("MutingPermissionSet", DeveloperName="Mute", MasterLabel="Mute", PermissionsViewRoles=True)
    desk.create("ObjectPermissions", ParentId=muting, SobjectType="Case", PermissionsRead=True)
    desk.create("FieldPermissions", ParentId=muting, SobjectType="Account", Field="Account.Site", PermissionsRead=True)
    desk.create("PermissionSetGroupComponent", PermissionSetGroupId=group, PermissionSetId=muting)
    assigned = desk.create("PermissionSetAssignment", AssigneeId=desk.sales, PermissionSetGroupId=group)

    wait(desk)
    access = desk.org.permissions_of(desk.sales)
    assert access.system == {"ApiEnabled", "RunReports"}
    assert access.objects == {"account": {"read", "edit"}}
    assert access.readable == access.editable == {"account.industry"}

    computed = "WHERE Parent.PermissionSetGroup.DeveloperName = 'Both'"
    assert desk.plain(f"SELECT SobjectType, PermissionsEdit FROM ObjectPermissions {computed}") == [
        {"SobjectType": "Account", "PermissionsEdit": True}
    ]
    assert desk.plain(f"SELECT Field FROM FieldPermissions {computed}") == ["Account.Industry"]
    assert desk.plain("SELECT PermissionsRunReports FROM PermissionSet WHERE Type = 'Group'") == [True]
    desk.delete("ObjectPermissions", desk.plain(f"SELECT Id FROM ObjectPermissions WHERE ParentId = '{one}'")[0])
    wait(desk)
    assert desk.org.permissions_of(desk.sales).objects == {}
    assert desk.plain(f"SELECT SobjectType FROM ObjectPermissions {computed}") == []
    with refused("DELETE_FAILED"):
        desk.delete("PermissionSetGroup", group)
    desk.delete("PermissionSetAssignment", assigned)
    desk.delete("PermissionSetGroup", group)
    assert desk.plain("SELECT Id FROM PermissionSet WHERE Type = 'Group'") == []


def test_a_change_reaches_the_users_only_when_the_group_is_updated(desk: Desk) -> None:
    one = desk.set("One")
    group = desk.create("PermissionSetGroup", DeveloperName="G", MasterLabel="G")
    desk.create("PermissionSetAssignment", AssigneeId=desk.sales, PermissionSetGroupId=group)
    assert desk.plain(STATUS) == ["Updated"]
    desk.create("PermissionSetGroupComponent", PermissionSetGroupId=group, PermissionSetId=one)
    desk.create("ObjectPermissions", ParentId=one, SobjectType="Account", PermissionsRead=True)
    with refused("INVALID_TYPE"):
        desk.query("SELECT Id FROM Account", desk.sales)
    assert [desk.plain(STATUS) for _ in range(4)] == [["Outdated"], ["Updating"], ["Updated"], ["Updated"]]
    assert desk.query("SELECT Id FROM Account", desk.sales) == []


def test_time_alone_updates_a_group_too(desk: Desk) -> None:
    one = desk.set("One", PermissionsRunReports=True)
    group = desk.create("PermissionSetGroup", DeveloperName="G", MasterLabel="G")
    desk.create("PermissionSetAssignment", AssigneeId=desk.sales, PermissionSetGroupId=group)
    desk.create("PermissionSetGroupComponent", PermissionSetGroupId=group, PermissionSetId=one)
    assert not desk.org.permissions_of(desk.sales).has("RunReports")
    desk.org.clock.advance(1.9)
    assert not desk.org.permissions_of(desk.sales).has("RunReports")
    desk.org.clock.advance(0.2)
    assert desk.org.permissions_of(desk.sales).has("RunReports")
    desk.update("PermissionSet", one, PermissionsRunReports=False)
    assert desk.org.permissions_of(desk.sales).has("RunReports")
    wait(desk)
    assert not desk.org.permissions_of(desk.sales).has("RunReports")


def test_without_a_delay_a_group_is_updated_at_once(desk: Desk) -> None:
    desk.org.switches = replace(desk.org.switches, group_recalculation_seconds=0)
    one = desk.set("One", PermissionsRunReports=True)
    group = desk.create("PermissionSetGroup", DeveloperName="G", MasterLabel="G")
    desk.create("PermissionSetAssignment", AssigneeId=desk.sales, PermissionSetGroupId=group)
    desk.create("PermissionSetGroupComponent", PermissionSetGroupId=group, PermissionSetId=one)
    assert desk.org.permissions_of(desk.sales).has("RunReports")
    assert desk.plain(STATUS) == ["Updated"]


def test_a_rolled_back_change_leaves_the_group_as_it_was(desk: Desk) -> None:
    one = desk.set("One", PermissionsRunReports=True)
    group = desk.create("PermissionSetGroup", DeveloperName="G", MasterLabel="G")
    component = {"PermissionSetGroupId": group, "PermissionSetId": one}

    def change_and_fail() -> None:
        with desk.org.transaction():
            desk.create("PermissionSetGroupComponent", **component)
            desk.create("PermissionSetGroupComponent", **component)

    with refused("DUPLICATE_VALUE"):
        change_and_fail()
    assert desk.plain(STATUS) == ["Updated"]


def test_muting_takes_along_what_depends_on_the_muted(desk: Desk) -> None:
    one = desk.set("One", PermissionsRunReports=True, PermissionsExportReport=True, PermissionsApiEnabled=True)
    desk.create("ObjectPermissions", ParentId=one, SobjectType="Account", PermissionsRead=True, PermissionsEdit=True)
    field = {"SobjectType": "Account", "Field": "Account.Site"}
    desk.create("FieldPermissions", ParentId=one, PermissionsRead=True, PermissionsEdit=True, **field)
    group = desk.create("PermissionSetGroup", DeveloperName="G", MasterLabel="G")
    muting = desk.create("MutingPermissionSet", DeveloperName="M", MasterLabel="M", PermissionsRunReports=True)
    desk.create("FieldPermissions", ParentId=muting, PermissionsRead=True, **field)
    desk.create("PermissionSetAssignment", AssigneeId=desk.sales, PermissionSetGroupId=group)
    for member in (one, muting):
        desk.create("PermissionSetGroupComponent", PermissionSetGroupId=group, PermissionSetId=member)
    wait(desk)
    access = desk.org.permissions_of(desk.sales)
    assert access.system == {"ApiEnabled"}
    assert access.readable == access.editable == frozenset()
    assert access.objects == {"account": {"read", "edit"}}
