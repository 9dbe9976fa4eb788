"""Sharing by example: hierarchy, groups, queues, rules, defaults, parents, and what writes are refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness.sandbox.schema import Criterion, GroupName, SharingRule
from tests.component.sandbox_core.desk import Desk, refused

ACCOUNTS = "SELECT Name FROM Account ORDER BY Name"
EMPLOYEES = "SELECT Name FROM Employee__c ORDER BY Name"


@pytest.fixture
def shop(desk: Desk) -> Desk:
    """Two sellers who may do everything with a few objects; accounts and employees are private."""
    for name in ("Account", "Contact", "Case", "Opportunity", "Employee__c", "Review__c"):
        desk.grant("Sales", name, "Read", "Create", "Edit", "Delete")
    defaults(desk, Account="Private", Opportunity="Private", Case="Private", Contact="ControlledByParent")
    desk.ids["other"] = desk.user("other@acme.example", "Sales")
    desk.org.complete()
    return desk


def defaults(desk: Desk, **given: str) -> None:
    for name, sharing in given.items():
        sobject = desk.org.schema.get(name)
        assert sobject is not None
        sobject.sharing = sharing
    desk.org.schema_changed()


def add_rules(desk: Desk, name: str, *rules: SharingRule) -> None:
    desk.org.schema.sharing_rules[name.lower()] = list(rules)
    desk.org.schema_changed()


# Org-wide defaults


@pytest.mark.parametrize(
    ("sharing", "reads", "edits", "deletes"),
    [
        ("Private", False, False, False),
        ("Read", True, False, False),
        ("ReadWrite", True, True, False),
        ("ReadWriteTransfer", True, True, False),
        ("FullAccess", True, True, True),
    ],
)
def test_what_each_default_gives_to_others(shop: Desk, sharing: str, reads: bool, edits: bool, deletes: bool) -> None:
    defaults(shop, Account=sharing)
    record = shop.create("Account", shop.sales, Name="Mine")
    other = shop.ids["other"]
    assert shop.plain(ACCOUNTS, other) == (["Mine"] if reads else [])
    hidden = "INSUFFICIENT_ACCESS_OR_READONLY" if reads else "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY"
    status = 403 if reads else 400
    assert_allowed(edits, hidden, status, lambda: shop.update("Account", record, other, Site="x"))
    assert_allowed(deletes, hidden, status, lambda: shop.delete("Account", record, other))


def assert_allowed(allowed: bool, code: str, status: int, call: Callable[[], None]) -> None:
    if allowed:
        call()
    else:
        with refused(code, "insufficient access rights", status=status):
            call()


def test_an_unseen_row_is_not_found(shop: Desk) -> None:
    record = shop.create("Account", shop.sales, Name="Mine")
    with refused("NOT_FOUND", status=404):
        shop.org.retrieve("Account", record, as_user=shop.ids["other"])


# Roles and groups


def set_roles(desk: Desk, **above: str | None) -> None:
    """Roles by name, each below another one."""
    for name, parent in above.items():
        values = {"Name": name, "DeveloperName": name, "ParentRoleId": desk.ids[parent] if parent else None}
        desk.ids[name] = desk.create("UserRole", **values)


def test_bosses_have_what_those_below_have_and_not_the_other_way(shop: Desk) -> None:
    set_roles(shop, top=None, middle="top", bottom="middle")
    shop.update("User", shop.sales, UserRoleId=shop.ids["bottom"])
    shop.update("User", shop.ids["other"], UserRoleId=shop.ids["top"])
    low = shop.create("Account", shop.sales, Name="Low")
    shop.create("Account", shop.ids["other"], Name="High")
    assert shop.plain(ACCOUNTS, shop.ids["other"]) == ["High", "Low"]
    assert shop.plain(ACCOUNTS, shop.sales) == ["Low"]
    shop.delete("Account", low, shop.ids["other"])


def test_a_custom_object_may_leave_the_hierarchy_out(shop: Desk) -> None:
    set_roles(shop, top=None, bottom="top")
    shop.update("User", shop.sales, UserRoleId=shop.ids["bottom"])
    shop.update("User", shop.ids["other"], UserRoleId=shop.ids["top"])
    shop.create("Employee__c", shop.sales, Name="Mine")
    assert shop.plain(EMPLOYEES, shop.ids["other"]) == ["Mine"]
    employee = shop.org.schema.get("Employee__c")
    assert employee is not None
    employee.hierarchies = False
    shop.org.schema_changed()
    assert shop.plain(EMPLOYEES, shop.ids["other"]) == []


def test_a_group_passes_on_to_bosses_only_if_it_includes_them(shop: Desk) -> None:
    set_roles(shop, top=None, bottom="top")
    shop.update("User", shop.sales, UserRoleId=shop.ids["bottom"])
    shop.update("User", shop.ids["other"], UserRoleId=shop.ids["top"])
    group = shop.create("Group", Name="G", DeveloperName="G", Type="Regular", DoesIncludeBosses=False)
    shop.create("GroupMember", GroupId=group, UserOrGroupId=shop.sales)
    record = shop.create("Account", Name="Admins")
    shop.create("AccountShare", AccountId=record, UserOrGroupId=group, AccountAccessLevel="Read")
    assert shop.plain(ACCOUNTS, shop.sales) == ["Admins"]
    assert shop.plain(ACCOUNTS, shop.ids["other"]) == []
    shop.update("Group", group, DoesIncludeBosses=True)
    assert shop.plain(ACCOUNTS, shop.ids["other"]) == ["Admins"]


def test_each_role_has_its_groups_and_the_org_has_one_of_everybody(shop: Desk) -> None:
    set_roles(shop, top=None)
    assert shop.plain(f"SELECT Type FROM Group WHERE RelatedId = '{shop.ids['top']}' ORDER BY Type") == [
        "Role",
        "RoleAndSubordinates",
    ]
    assert shop.plain("SELECT DeveloperName FROM Group WHERE Type = 'Organization'") == ["AllInternalUsers"]
    shop.delete("UserRole", shop.ids["top"])
    assert shop.plain("SELECT Id FROM Group WHERE Type = 'Role'") == []


def test_roles_stay_a_tree_and_do_not_go_while_they_are_used(shop: Desk) -> None:
    set_roles(shop, top=None, bottom="top")
    with refused("FIELD_INTEGRITY_EXCEPTION", "report to itself"):
        shop.update("UserRole", shop.ids["top"], ParentRoleId=shop.ids["bottom"])
    with refused("DELETE_FAILED", "in use"):
        shop.delete("UserRole", shop.ids["top"])


def test_members_of_a_queue_own_its_rows(shop: Desk) -> None:
    queue = shop.create("Group", Name="Q", DeveloperName="Q", Type="Queue")
    record = shop.create("Case", shop.sales, Subject="Help")
    with refused("INVALID_OPERATION", "Queue not associated with this SObject type"):
        shop.update("Case", record, shop.sales, OwnerId=queue)
    shop.create("QueueSobject", QueueId=queue, SobjectType="Case")
    shop.create("GroupMember", GroupId=queue, UserOrGroupId=shop.ids["other"])
    shop.update("Case", record, shop.sales, OwnerId=queue)
    assert shop.plain("SELECT Id FROM Case", shop.sales) == []
    shop.update("Case", record, shop.ids["other"], OwnerId=shop.ids["other"])
    shop.delete("Case", record, shop.ids["other"])


def test_bosses_of_members_have_a_queues_rows_unless_it_leaves_them_out(shop: Desk) -> None:
    set_roles(shop, top=None, bottom="top")
    shop.update("User", shop.sales, UserRoleId=shop.ids["bottom"])
    shop.update("User", shop.ids["other"], UserRoleId=shop.ids["top"])
    queue = shop.create("Group", Name="Q", DeveloperName="Q", Type="Queue")
    shop.create("QueueSobject", QueueId=queue, SobjectType="Case")
    shop.create("GroupMember", GroupId=queue, UserOrGroupId=shop.sales)
    shop.create("Case", Subject="Help", OwnerId=queue)
    assert shop.plain("SELECT Subject FROM Case", shop.ids["other"]) == ["Help"]
    shop.update("Group", queue, DoesIncludeBosses=False)
    assert shop.plain("SELECT Subject FROM Case", shop.ids["other"]) == []


# Owners


def test_only_full_access_or_the_permission_transfers(shop: Desk) -> None:
    other = shop.ids["other"]
    defaults(shop, Account="ReadWrite", Case="ReadWriteTransfer")
    account = shop.create("Account", shop.sales, Name="Mine")
    case = shop.create("Case", shop.sales, Subject="Mine")
    with refused("INSUFFICIENT_ACCESS_OR_READONLY", status=403):
        shop.update("Account", account, other, OwnerId=other)
    shop.update("Case", case, other, OwnerId=other)
    transfer = shop.set("Transfer", PermissionsTransferAnyEntity=True)
    shop.create("PermissionSetAssignment", AssigneeId=other, PermissionSetId=transfer)
    shop.update("Account", account, other, OwnerId=other)


def test_an_owner_must_be_able_to_read_the_object(shop: Desk) -> None:
    account = shop.create("Account", shop.sales, Name="Mine")
    with refused("TRANSFER_REQUIRES_READ", "The new owner must have read permission"):
        shop.update("Account", account, shop.sales, OwnerId=shop.robot)
    with refused("TRANSFER_REQUIRES_READ"):
        shop.create("Account", shop.sales, Name="Theirs", OwnerId=shop.robot)


# Rules


def test_a_rule_shares_what_meets_its_criteria_as_long_as_it_does(shop: Desk) -> None:
    group = shop.create("Group", Name="G", DeveloperName="Bankers", Type="Regular")
    shop.create("GroupMember", GroupId=group, UserOrGroupId=shop.ids["other"])
    criteria = (Criterion("Industry", "equals", "Banking,Insurance"), Criterion("Site", "startsWith", "N"))
    to = (GroupName("Regular", "Bankers"),)
    add_rules(shop, "Account", SharingRule("r", "Read", to, criteria=criteria, filter="1 AND NOT 2"))
    bank = shop.create("Account", shop.sales, Name="Bank", Industry="Banking", Site="South")
    shop.create("Account", shop.sales, Name="North Bank", Industry="Banking", Site="North")
    shop.create("Account", shop.sales, Name="Shop", Industry="Retail")
    assert shop.plain(ACCOUNTS, shop.ids["other"]) == ["Bank"]
    with refused("INSUFFICIENT_ACCESS_OR_READONLY", status=403):
        shop.update("Account", bank, shop.ids["other"], Site="x")
    shop.update("Account", bank, shop.sales, Industry="Retail")
    assert shop.plain(ACCOUNTS, shop.ids["other"]) == []


def test_a_rule_shares_the_rows_of_some_owners(shop: Desk) -> None:
    set_roles(shop, sellers=None)
    shop.update("User", shop.sales, UserRoleId=shop.ids["sellers"])
    to = (GroupName("Organization"),)
    add_rules(shop, "Account", SharingRule("r", "Edit", to, shared_from=(GroupName("Role", "sellers"),)))
    mine = shop.create("Account", shop.sales, Name="Mine")
    shop.create("Account", Name="Admins")
    assert shop.plain(ACCOUNTS, shop.ids["other"]) == ["Mine"]
    shop.update("Account", mine, shop.ids["other"], Site="x")
    with refused("INSUFFICIENT_ACCESS_OR_READONLY", status=403):
        shop.delete("Account", mine, shop.ids["other"])


# Parents and children


def test_whoever_has_a_child_reads_the_account(shop: Desk) -> None:
    account = shop.create("Account", shop.sales, Name="Parent")
    shop.create("Case", shop.admin, Subject="Child", AccountId=account, OwnerId=shop.ids["other"])
    assert shop.plain(ACCOUNTS, shop.ids["other"]) == ["Parent"]
    with refused("INSUFFICIENT_ACCESS_OR_READONLY", status=403):
        shop.update("Account", account, shop.ids["other"], Site="x")


def test_an_account_owners_role_says_what_it_may_do_with_children(shop: Desk) -> None:
    role = shop.create("UserRole", Name="R", DeveloperName="R", CaseAccessForAccountOwner="Read")
    shop.update("User", shop.sales, UserRoleId=role)
    account = shop.create("Account", shop.sales, Name="Parent")
    case = shop.create("Case", shop.admin, Subject="Child", AccountId=account)
    assert shop.plain("SELECT Subject FROM Case", shop.sales) == ["Child"]
    with refused("INSUFFICIENT_ACCESS_OR_READONLY", status=403):
        shop.update("Case", case, shop.sales, Subject="x")
    shop.update("UserRole", role, CaseAccessForAccountOwner="Edit")
    shop.update("Case", case, shop.sales, Subject="x")


def test_contacts_go_with_their_account_and_alone_with_their_owner(shop: Desk) -> None:
    account = shop.create("Account", shop.sales, Name="Parent")
    shop.create("Contact", shop.admin, LastName="With", AccountId=account)
    shop.create("Contact", shop.ids["other"], LastName="Alone")
    names = "SELECT LastName FROM Contact ORDER BY LastName"
    assert shop.plain(names, shop.sales) == ["With"]
    assert shop.plain(names, shop.ids["other"]) == ["Alone"]


def test_details_go_with_their_master(shop: Desk) -> None:
    defaults(shop, Employee__c="Read")
    mine = shop.create("Employee__c", shop.sales, Name="Mine")
    review = shop.create("Review__c", shop.sales, Name="R", Employee__c=mine)
    other = shop.ids["other"]
    assert shop.plain("SELECT Id FROM Review__c", other) == [review]
    with refused("INSUFFICIENT_ACCESS_OR_READONLY", status=403):
        shop.delete("Review__c", review, other)
    shop.create("Employee__Share", ParentId=mine, UserOrGroupId=other, AccessLevel="Edit")
    shop.delete("Review__c", review, other)


def test_activities_are_read_by_whoever_reads_what_they_are_about(shop: Desk) -> None:
    for name in ("EditTask", "EditEvent"):
        given = shop.set(name, **{f"Permissions{name}": True})
        for user in (shop.sales, shop.ids["other"]):
            shop.create("PermissionSetAssignment", AssigneeId=user, PermissionSetId=given)
    shop.fields(shop.own_set("Sales"), "Task")
    account = shop.create("Account", shop.sales, Name="Parent")
    contact = shop.create("Contact", shop.sales, LastName="C", AccountId=account)
    about, with_whom = (
        shop.create("Task", shop.sales, Subject=subject, Status="Not Started", Priority="Normal", **values)
        for subject, values in (("What", {"WhatId": account}), ("Who", {"WhoId": contact}))
    )
    shop.create("Task", shop.sales, Subject="Own", Status="Not Started", Priority="Normal")
    soql = "SELECT Id FROM Task ORDER BY Subject"
    assert shop.plain(soql, shop.ids["other"]) == []
    shop.create(
        "AccountShare", shop.sales, AccountId=account, UserOrGroupId=shop.ids["other"], AccountAccessLevel="Edit"
    )
    assert shop.plain(soql, shop.ids["other"]) == [about, with_whom]
    with refused("INSUFFICIENT_ACCESS_OR_READONLY", status=403):
        shop.update("Task", about, shop.ids["other"], Subject="x")


# Users


def test_users_see_each_other_unless_the_org_keeps_them_private(shop: Desk) -> None:
    everybody = len(shop.plain("SELECT Id FROM User", shop.sales))
    assert everybody == len(shop.org.rows("User"))
    defaults(shop, User="Private")
    assert shop.plain("SELECT Id FROM User", shop.sales) == [shop.sales]
    assert len(shop.plain("SELECT Id FROM User")) == everybody


def test_a_query_of_many_subordinates_and_rows(shop: Desk) -> None:
    """More ids than are written one by one."""
    set_roles(shop, top=None, bottom="top")
    shop.update("User", shop.ids["other"], UserRoleId=shop.ids["top"])
    with shop.org.transaction():
        for number in range(30):
            user = shop.user(f"u{number}@acme.example", "Sales")
            shop.org.update_row("User", user, {"UserRoleId": shop.ids["bottom"]})
            shop.org.insert_row("Account", {"Name": f"{number:02d}", "OwnerId": user})
    assert len(shop.plain(ACCOUNTS, shop.ids["other"])) == 30
