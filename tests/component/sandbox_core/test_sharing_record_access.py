"""UserRecordAccess: what a user may do with rows, and which queries of it are refused."""

from __future__ import annotations

import pytest

from tests.component.sandbox_core.desk import Desk, refused

COLUMNS = "RecordId, HasReadAccess, HasEditAccess, HasDeleteAccess, HasTransferAccess, HasAllAccess, MaxAccessLevel"


@pytest.fixture
def shop(desk: Desk) -> Desk:
    desk.grant("Sales", "Employee__c", "Read", "Create", "Edit", "Delete")
    desk.ids["other"] = desk.user("other@acme.example", "Sales")
    desk.org.complete()
    desk.ids["mine"] = desk.create("Employee__c", desk.sales, Name="Mine")
    return desk


def test_every_level(shop: Desk) -> None:
    mine, other = shop.ids["mine"], shop.ids["other"]
    assert levels(shop, shop.sales) == ("xxxxx", "All")
    assert levels(shop, other) == (".....", "None")
    share = shop.create("Employee__Share", shop.sales, ParentId=mine, UserOrGroupId=other, AccessLevel="Read")
    assert levels(shop, other) == ("x....", "Read")
    shop.update("Employee__Share", share, shop.sales, AccessLevel="Edit")
    assert levels(shop, other) == ("xx...", "Edit")
    transfer = shop.set("Transfer", PermissionsTransferAnyEntity=True)
    shop.create("PermissionSetAssignment", AssigneeId=other, PermissionSetId=transfer)
    assert levels(shop, other) == ("xx.x.", "Transfer")
    assert levels(shop, shop.admin) == ("xxxxx", "All")
    assert levels(shop, shop.robot) == (".....", "None")


def levels(desk: Desk, user: str) -> tuple[str, str]:
    soql = f"SELECT {COLUMNS} FROM UserRecordAccess WHERE UserId = '{user}' AND RecordId = '{desk.ids['mine'][:15]}'"
    (row,) = desk.plain(soql)
    assert row.pop("RecordId") == desk.ids["mine"]
    highest = row.pop("MaxAccessLevel")
    return "".join("x" if one else "." for one in row.values()), highest


def test_without_the_objects_rights_an_owner_only_reads(shop: Desk) -> None:
    rights = shop.org.rows("ObjectPermissions", SobjectType="Employee__c")[0]
    shop.update("ObjectPermissions", rights["Id"], PermissionsEdit=False, PermissionsDelete=False)
    assert levels(shop, shop.sales) == ("x....", "Read")


def test_rows_that_the_asker_does_not_see_are_left_out(shop: Desk) -> None:
    soql = f"SELECT RecordId FROM UserRecordAccess WHERE UserId = '{shop.sales}' AND RecordId = '{shop.ids['mine']}'"
    assert shop.plain(soql, shop.ids["other"]) == []
    assert shop.plain(soql, shop.sales) == [shop.ids["mine"]]
    nowhere = shop.ids["mine"][:-6] + "zzzAAA"
    assert shop.plain(soql.replace(shop.ids["mine"], nowhere)) == []
    assert shop.plain(soql.replace(shop.ids["mine"], shop.sales)) == []  # users are not on the list of sharing settings


def test_filters_order_and_counts(shop: Desk) -> None:
    yours = shop.create("Employee__c", Name="Admins")
    both = f"('{shop.ids['mine']}', '{yours}')"
    where = f"FROM UserRecordAccess WHERE UserId = '{shop.sales}' AND RecordId IN {both}"
    assert shop.plain(f"SELECT RecordId {where} AND HasReadAccess = true") == [shop.ids["mine"]]
    assert shop.plain(f"SELECT RecordId {where} ORDER BY RecordId DESC LIMIT 1") == [yours]
    assert shop.org.query(f"SELECT count() {where}", as_user=shop.admin).total_size == 2


@pytest.mark.parametrize(
    ("soql", "code", "text"),
    [
        ("SELECT UserId FROM UserRecordAccess WHERE {both}", "INVALID_FIELD", "Can select only RecordId, a Has"),
        ("SELECT MaxAccessLevel FROM UserRecordAccess WHERE {both}", "INVALID_FIELD", "Can select only"),
        (
            "SELECT RecordId, HasReadAccess FROM UserRecordAccess WHERE {both} AND HasEditAccess = true",
            "INVALID_FIELD",
            "Can select only",
        ),
        ("SELECT RecordId FROM UserRecordAccess", "MALFORMED_QUERY", "must filter"),
        ("SELECT RecordId FROM UserRecordAccess WHERE {user}", "MALFORMED_QUERY", "must filter"),
        ("SELECT RecordId FROM UserRecordAccess WHERE {record}", "MALFORMED_QUERY", "must filter"),
        ("SELECT RecordId FROM UserRecordAccess WHERE {user} OR {record}", "MALFORMED_QUERY", "AND"),
        ("SELECT RecordId FROM UserRecordAccess WHERE UserId IN ('{id}') AND {record}", "MALFORMED_QUERY", "userid"),
        ("SELECT RecordId FROM UserRecordAccess WHERE {user} AND RecordId != '{id}'", "MALFORMED_QUERY", "= and IN"),
        ("SELECT RecordId FROM UserRecordAccess WHERE {user} AND RecordId IN ({many})", "LIMIT_EXCEEDED", "limit: 200"),
    ],
)
def test_refusals(shop: Desk, soql: str, code: str, text: str) -> None:
    user, record = f"UserId = '{shop.sales}'", f"RecordId = '{shop.ids['mine']}'"
    many = ", ".join(f"'a01{number:012d}'" for number in range(201))
    asked = soql.format(both=f"{user} AND {record}", user=user, record=record, id=shop.ids["mine"], many=many)
    with refused(code, text):
        shop.query(asked)
