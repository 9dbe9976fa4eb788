"""What users may do, asked by queries."""

from __future__ import annotations

import pytest

from tests.component.sandbox_core.desk import Desk, refused


def test_everybody_may_ask_for_the_own_permissions(desk: Desk) -> None:
    asked = "SELECT PermissionsApiEnabled, PermissionsViewSetup FROM UserPermissionAccess"
    assert desk.plain(asked, desk.sales) == [{"PermissionsApiEnabled": True, "PermissionsViewSetup": False}]
    assert desk.plain(asked) == [{"PermissionsApiEnabled": True, "PermissionsViewSetup": True}]
    assert desk.plain(asked, desk.sales) == [{"PermissionsApiEnabled": True, "PermissionsViewSetup": False}]


def test_everybody_may_ask_for_the_own_custom_permissions(desk: Desk) -> None:
    custom = desk.org.insert_row("CustomPermission", {"DeveloperName": "Override", "MasterLabel": "Override"})
    made = desk.set("X")
    desk.create("SetupEntityAccess", ParentId=made, SetupEntityId=custom)
    asked = "SELECT DeveloperName, SetupEntityId, KeyPrefix FROM UserSetupEntityAccess"
    assert desk.plain(asked, desk.sales) == []
    assigned = desk.create("PermissionSetAssignment", AssigneeId=desk.sales, PermissionSetId=made)
    assert desk.plain(asked, desk.sales) == [
        {"DeveloperName": "Override", "SetupEntityId": custom, "KeyPrefix": custom[:3]}
    ]
    assert desk.plain(asked) == []
    desk.delete("PermissionSetAssignment", assigned)
    assert desk.plain(asked, desk.sales) == []


def test_access_to_objects(desk: Desk) -> None:
    row = desk.objects(desk.own_set("Sales"), "Account", "Read", "Create")
    columns = "IsReadable, IsCreatable, IsEditable, IsDeletable"
    asked = f"SELECT {columns} FROM UserEntityAccess WHERE UserId = '{desk.sales}' AND EntityDefinitionId = 'Account'"
    seen = {"IsReadable": True, "IsCreatable": True, "IsEditable": False, "IsDeletable": False}
    assert desk.plain(asked) == desk.plain(asked, desk.sales) == [seen]
    by_name = asked.replace("EntityDefinitionId", "EntityDefinition.QualifiedApiName")
    assert desk.plain(by_name) == [seen]
    desk.update("ObjectPermissions", row, PermissionsEdit=True, PermissionsDelete=True)
    assert desk.plain(asked) == [dict.fromkeys(seen, True)]
    durable = f"SELECT {columns} FROM UserEntityAccess WHERE DurableId = 'Contact.{desk.sales}'"
    assert desk.plain(durable) == [dict.fromkeys(seen, False)]
    of_admin = f"SELECT DurableId FROM UserEntityAccess WHERE UserId = '{desk.admin}'"
    assert desk.plain(of_admin, desk.sales) == []
    assert len(desk.plain(of_admin)) > 50


def test_access_to_fields(desk: Desk) -> None:
    desk.objects(desk.own_set("Sales"), "Account", "Read", "Create", "Edit")
    desk.fields(desk.own_set("Sales"), "Account", "Site", edit=False)
    columns = "IsAccessible, IsCreatable, IsUpdatable"

    contact = "SELECT DurableId FROM FieldDefinition WHERE EntityDefinitionId = 'Contact' AND QualifiedApiName = "
    assert desk.plain(f"{contact}'AccountId'") == ["Contact.Account"]

    def access(field: str) -> list[bool]:
        durable = f"'Account.{field}.{desk.sales}'"
        [row] = desk.plain(f"SELECT {columns} FROM UserFieldAccess WHERE DurableId = {durable}")
        return list(row.values())

    assert access("Name") == [True, True, True]
    assert access("Site") == [True, False, False]
    assert access("Industry") == [False, False, False]
    desk.fields(desk.own_set("Sales"), "Account", "Industry")
    desk.org.book.forget_everything()
    assert access("Industry") == [True, True, True]


def test_a_field_named_like_an_object_in_other_letters_does_not_ask_twice(desk: Desk) -> None:
    ids = f"'Contact.Name.{desk.admin}', 'contact.Email.{desk.admin}'"
    found = desk.plain(f"SELECT DurableId FROM UserFieldAccess WHERE DurableId IN ({ids})")
    assert sorted(found) == [f"Contact.Email.{desk.admin}", f"Contact.Name.{desk.admin}"]


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("UserEntityAccess", "UserId,DurableId"),
        ("UserFieldAccess", "DurableId"),
        ("FieldDefinition", "EntityDefinitionId,DurableId"),
    ],
)
def test_all_rows_at_once_are_not_to_be_had(desk: Desk, name: str, wanted: str) -> None:
    with refused("MALFORMED_QUERY", f"{name}: a filter on a reified column is required [{wanted}]"):
        desk.query(f"SELECT DurableId FROM {name}")
