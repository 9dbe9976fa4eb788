"""Share objects: what may be shared by hand, by whom, and the rows that follow from owners and rules."""

from __future__ import annotations

from typing import Any

import pytest

from harness.sandbox.objects.notation import owner_field, system_field
from harness.sandbox.schema import Criterion, GroupName, SharingRule, SObject
from tests.component.sandbox_core.desk import Desk, refused

BELOW = "INVALID_ACCESS_LEVEL"
TRIVIAL = "trivial share level"


@pytest.fixture
def shop(desk: Desk) -> Desk:
    """Private accounts and employees, cases that everybody reads, and two sellers."""
    for name in ("Account", "Contact", "Case", "Opportunity", "Employee__c"):
        desk.grant("Sales", name, "Read", "Create", "Edit", "Delete")
    for name, sharing in (("Account", "Private"), ("Opportunity", "Private"), ("Case", "Read")):
        sobject = desk.org.schema.get(name)
        assert sobject is not None
        sobject.sharing = sharing
    desk.org.schema_changed()
    desk.ids["other"] = desk.user("other@acme.example", "Sales")
    desk.org.complete()
    desk.fields(desk.own_set("System Administrator"), "Opportunity")
    desk.ids["mine"] = desk.create("Employee__c", desk.sales, Name="Mine")
    desk.ids["account"] = desk.create("Account", desk.sales, Name="Mine")
    return desk


def share(desk: Desk, as_user: str | None = None, **values: Any) -> str:
    given = {"ParentId": desk.ids["mine"], "UserOrGroupId": desk.ids["other"], "AccessLevel": "Read"} | values
    return desk.create("Employee__Share", as_user or desk.sales, **given)


def test_an_owner_shares_changes_and_takes_back(shop: Desk) -> None:
    other = shop.ids["other"]
    made = share(shop)
    assert shop.plain("SELECT Name FROM Employee__c", other) == ["Mine"]
    with refused("INSUFFICIENT_ACCESS_OR_READONLY", status=403):
        shop.update("Employee__c", shop.ids["mine"], other, Name="x")
    shop.update("Employee__Share", made, shop.sales, AccessLevel="Edit")
    shop.update("Employee__c", shop.ids["mine"], other, Name="Theirs")
    shop.delete("Employee__Share", made, shop.sales)
    assert shop.plain("SELECT Name FROM Employee__c", other) == []


def test_a_share_is_made_once_for_each_receiver_and_keeps_the_higher_level(shop: Desk) -> None:
    made = share(shop, AccessLevel="Edit")
    assert share(shop, AccessLevel="Read") == made
    assert shop.plain("SELECT AccessLevel FROM Employee__Share WHERE RowCause = 'Manual'") == ["Edit"]


def test_only_an_owner_or_somebody_above_shares(shop: Desk) -> None:
    other, mine = shop.ids["other"], shop.ids["mine"]
    with refused("INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", mine[:15]):
        share(shop, other, UserOrGroupId=other)
    made = share(shop, AccessLevel="Edit")
    third = shop.user("third@acme.example", "Sales")
    with refused("INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY"):
        share(shop, other, UserOrGroupId=third)
    with refused("INSUFFICIENT_ACCESS_OR_READONLY", status=403):
        shop.delete("Employee__Share", made, other)
    share(shop, shop.admin, UserOrGroupId=third)


@pytest.mark.parametrize(
    ("values", "code", "text"),
    [
        ({"RowCause": "Owner"}, "FIELD_INTEGRITY_EXCEPTION", "RowCause (Specified value is reserved"),
        ({"AccessLevel": "All"}, "FIELD_INTEGRITY_EXCEPTION", "AccessLevel"),
        ({"AccessLevel": "None"}, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", "None"),
        ({"AccessLevel": None}, "REQUIRED_FIELD_MISSING", "AccessLevel"),
    ],
)
def test_what_a_share_may_not_say(shop: Desk, values: dict[str, Any], code: str, text: str) -> None:
    with refused(code, text):
        share(shop, **values)


def test_a_share_must_give_more_than_the_default(shop: Desk) -> None:
    case = shop.create("Case", shop.sales, Subject="Help")
    keys = {"CaseId": case, "UserOrGroupId": shop.ids["other"]}
    text = f"CaseAccessLevel ({TRIVIAL} Read, for organization with default level Read)"
    with refused("FIELD_INTEGRITY_EXCEPTION", text):
        shop.create("CaseShare", shop.sales, **keys, CaseAccessLevel="Read")
    shop.create("CaseShare", shop.sales, **keys, CaseAccessLevel="Edit")
    shop.update("Case", case, shop.ids["other"], Subject="x")


def test_a_share_of_an_account_has_levels_for_its_children(shop: Desk) -> None:
    keys = {"AccountId": shop.ids["account"], "UserOrGroupId": shop.ids["other"]}
    opportunity = shop.create(
        "Opportunity", Name="O", StageName="Prospecting", CloseDate="2026-01-01", AccountId=shop.ids["account"]
    )
    made = shop.create("AccountShare", shop.sales, **keys, AccountAccessLevel="Read")
    levels = "SELECT OpportunityAccessLevel, CaseAccessLevel FROM AccountShare WHERE RowCause = 'Manual'"
    assert shop.plain(levels) == [{"OpportunityAccessLevel": "None", "CaseAccessLevel": "Read"}]
    names = "SELECT Name FROM Opportunity"
    assert shop.plain(names, shop.ids["other"]) == []
    shop.update("AccountShare", made, shop.sales, OpportunityAccessLevel="Edit")
    shop.update("Opportunity", opportunity, shop.ids["other"], Name="P")
    assert shop.plain(names, shop.ids["other"]) == ["P"]
    with refused(BELOW, "(Read, None, None, Read) are below organization levels (None, None, Read"):
        shop.create("AccountShare", shop.sales, **keys, AccountAccessLevel="Read", CaseAccessLevel="None")
    with refused("INVALID_FIELD_FOR_INSERT_UPDATE", "ContactAccessLevel"):
        shop.create("AccountShare", shop.sales, **keys, AccountAccessLevel="Read", ContactAccessLevel="Read")


def test_manual_shares_end_with_the_ownership(shop: Desk) -> None:
    share(shop)
    shop.update("Employee__c", shop.ids["mine"], shop.sales, Name="Same owner")
    assert shop.plain("SELECT Name FROM Employee__c", shop.ids["other"]) == ["Same owner"]
    shop.update("Employee__c", shop.ids["mine"], shop.sales, OwnerId=shop.admin)
    assert shop.plain("SELECT Id FROM Employee__Share WHERE RowCause = 'Manual'") == []


def test_shares_go_with_their_row_and_with_their_group(shop: Desk) -> None:
    group = shop.create("Group", Name="G", DeveloperName="G", Type="Regular")
    share(shop)
    share(shop, UserOrGroupId=group)
    shop.delete("Group", group)
    assert len(shop.plain("SELECT Id FROM Employee__Share WHERE RowCause = 'Manual'")) == 1
    shop.delete("Employee__c", shop.ids["mine"], shop.sales)
    assert shop.plain("SELECT Id FROM Employee__Share") == []


def test_rows_that_follow_from_owners_children_and_rules(shop: Desk) -> None:
    group = shop.create("Group", Name="G", DeveloperName="G", Type="Regular")
    rule = SharingRule("r", "Edit", (GroupName("Regular", "G"),), criteria=(Criterion("Name", "equals", "Mine"),))
    shop.org.schema.sharing_rules["account"] = [rule]
    shop.org.schema_changed()
    shop.create("Case", Subject="Child", AccountId=shop.ids["account"], OwnerId=shop.ids["other"])
    soql = "SELECT Id, UserOrGroupId, AccountAccessLevel, RowCause FROM AccountShare ORDER BY RowCause"
    found = shop.plain(soql)
    assert [(row["RowCause"], row["UserOrGroupId"], row["AccountAccessLevel"]) for row in found] == [
        ("ImplicitParent", shop.ids["other"], "Read"),
        ("Owner", shop.sales, "All"),
        ("Rule", group, "Edit"),
    ]
    assert shop.plain(soql) == found  # the same ids again
    with refused("INSUFFICIENT_ACCESS_OR_READONLY", status=403):
        shop.delete("AccountShare", found[1]["Id"])
    shop.update("Account", shop.ids["account"], Name="Yours", OwnerId=shop.ids["other"])
    assert [row["RowCause"] for row in shop.plain(soql)] == ["Owner"]


def test_an_owner_of_an_account_has_shares_of_its_children(shop: Desk) -> None:
    role = shop.create("UserRole", Name="R", DeveloperName="R", CaseAccessForAccountOwner="Edit")
    shop.update("User", shop.sales, UserRoleId=role)
    shop.create("Case", Subject="Child", AccountId=shop.ids["account"])
    soql = "SELECT UserOrGroupId, CaseAccessLevel FROM CaseShare WHERE RowCause = 'ImplicitChild'"
    assert shop.plain(soql) == [{"UserOrGroupId": shop.sales, "CaseAccessLevel": "Edit"}]


def test_shares_show_with_the_row(shop: Desk) -> None:
    share(shop)
    soql = "SELECT Name, (SELECT UserOrGroup.Name, RowCause FROM Shares ORDER BY RowCause) FROM Employee__c"
    records = shop.query(soql, shop.sales)
    shares = records[0]["Shares"]["records"]
    assert [(row["RowCause"], row["UserOrGroup"]["Name"]) for row in shares] == [
        ("Manual", "Other"),
        ("Owner", "Sales"),
    ]
    third = shop.user("third@acme.example", "Sales")
    assert shop.plain("SELECT Id FROM Employee__Share", third) == []


def test_describes_of_share_objects(shop: Desk) -> None:
    described = shop.org.describe("Employee__Share", as_user=shop.sales)
    assert (described["keyPrefix"], described["createable"], described["layoutable"]) == (None, True, False)
    names = [field["name"] for field in described["fields"]]
    assert names[:5] == ["Id", "ParentId", "UserOrGroupId", "AccessLevel", "RowCause"]
    children = shop.org.describe("Account", as_user=shop.sales)["childRelationships"]
    shares = next(one for one in children if one["childSObject"] == "AccountShare")
    assert (shares["field"], shares["relationshipName"], shares["cascadeDelete"]) == ("AccountId", "Shares", True)
    with refused("NOT_FOUND", status=404):
        shop.org.describe("Employee__Share", as_user=shop.robot)


def test_shares_of_what_its_parent_controls_cannot_be_written(shop: Desk) -> None:
    contact = shop.create("Contact", shop.sales, LastName="C", AccountId=shop.ids["account"])
    with refused("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "entity type cannot be inserted: Contact Share"):
        shop.create("ContactShare", ContactId=contact, UserOrGroupId=shop.sales, ContactAccessLevel="Edit")


def test_an_object_that_is_closed_later_gets_its_shares(shop: Desk) -> None:
    shop.org.schema.add(late_object())
    shop.org.schema_changed()
    with refused("NOT_FOUND", status=404):
        shop.create("Late__Share", ParentId=shop.ids["mine"])
    late = shop.org.schema.get("Late__c")
    assert late is not None
    late.sharing = "Private"
    shop.org.schema_changed()
    record = shop.org.insert_row("Late__c", {"OwnerId": shop.sales})
    shop.grant("Sales", "Late__c", "Read", "Edit")
    shop.create("Late__Share", shop.sales, ParentId=record, UserOrGroupId=shop.ids["other"], AccessLevel="Read")
    assert shop.plain("SELECT Id FROM Late__c", shop.ids["other"]) == [record]


def late_object() -> SObject:
    sobject = SObject("Late__c", "Late", "Lates", "a09", custom=True)
    sobject.add(system_field("Id"))
    sobject.add(owner_field(("User", "Group")))
    return sobject
