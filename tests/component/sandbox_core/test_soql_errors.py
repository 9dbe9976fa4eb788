"""Refusals: their texts and places, hidden fields, semi-joins, and queries that are too much."""

from __future__ import annotations

import time

import pytest

from harness.sandbox.schema import Field, SObject
from tests.component.sandbox_core.desk import Desk, refused

NO_COLUMN = "No such column '{}' on entity '{}'. If you are attempting to use a custom field"


@pytest.mark.parametrize(
    ("soql", "code", "text"),
    [
        ("SELECT Id i FROM Account", "MALFORMED_QUERY", "only aggregate expressions use field aliasing"),
        ("SELECT Id Name FROM Account", "MALFORMED_QUERY", "only aggregate expressions use field aliasing"),
        ("SELECT Id, Id FROM Account", "INVALID_FIELD", "duplicate field selected: Id"),
        ("SELECT Id FROM Account WHERE Name = :name", "MALFORMED_QUERY", "Bind variables only allowed in Apex code"),
        ("SELECT Id FROM Account LIMIT :n", "MALFORMED_QUERY", "Bind variables only allowed in Apex code"),
        ("SELECT Id FROM Account WITH SECURITY_ENFORCED", "MALFORMED_QUERY", "unexpected token: 'SECURITY_ENFORCED'"),
        ("SELECT Id FROM Account WITH USER_MODE", "MALFORMED_QUERY", "unexpected token: 'USER_MODE'"),
        ("SELECT Id FROM Account ALL ROWS", "MALFORMED_QUERY", "unexpected token: 'ROWS'"),
        ("SELECT Id FROM Account WHERE Id = 1 -- why", "MALFORMED_QUERY", "unexpected token: '-'"),
        ("SELECT Id FROM Account WHERE Name = foo", "MALFORMED_QUERY", "unexpected token: 'foo'"),
        ("SELECT Id FROM Account WHERE Name = TODAY", "INVALID_FIELD", "must be of type string and should be enclosed"),
        ("SELECT Id FROM Account WHERE Name > 5", "INVALID_FIELD", "must be of type string and should be enclosed"),
        (
            "SELECT Id FROM Account WHERE IsDeleted = 'true'",
            "INVALID_FIELD",
            "must be of type boolean and should not be",
        ),
        (
            "SELECT Id FROM Account WHERE IsDeleted > true",
            "INVALID_QUERY_FILTER_OPERATOR",
            "invalid operator on boolean",
        ),
        (
            "SELECT Id FROM Account WHERE Id LIKE '001%'",
            "INVALID_QUERY_FILTER_OPERATOR",
            "invalid operator on id field",
        ),
        (
            "SELECT Id FROM Account WHERE OwnerId < '005'",
            "INVALID_QUERY_FILTER_OPERATOR",
            "invalid operator on id field",
        ),
        (
            "SELECT Id FROM Employee__c WHERE Skills__c LIKE 'L%'",
            "INVALID_QUERY_FILTER_OPERATOR",
            "on multipicklist field",
        ),
        (
            "SELECT Id FROM Employee__c WHERE Hired__c = '2026-01-05'",
            "INVALID_FIELD",
            "must be of type date and should not",
        ),
        ("SELECT Id FROM Employee__c WHERE Hired__c = 2026-13-05", "MALFORMED_QUERY", "unexpected token: '2026-13-05'"),
        (
            "SELECT Id FROM Account WHERE CreatedDate = 'x'",
            "INVALID_FIELD",
            "value of filter criterion for field 'CreatedDate' must be of type dateTime and should not be enclosed in",
        ),
        (
            "SELECT Id FROM Account WHERE BillingAddress != null",
            "INVALID_FIELD",
            "Address fields can only be filtered using Distance expressions",
        ),
        ("SELECT Id FROM Account ORDER BY BillingAddress", "MALFORMED_QUERY", "'BillingAddress' can not be sorted"),
        (
            "SELECT Id FROM Account ORDER BY Description",
            "MALFORMED_QUERY",
            "field 'Description' can not be sorted in a query",
        ),
        (
            "SELECT Id FROM Account WHERE Description = 'x'",
            "INVALID_FIELD",
            "field 'Description' can not be filtered in a",
        ),
        ("SELECT Id FROM Employee__c ORDER BY Skills__c", "MALFORMED_QUERY", "field 'Skills__c' can not be sorted"),
        ("SELECT FIELDS(ALL) FROM Account LIMIT 201", "MALFORMED_QUERY", "must have a LIMIT of at most 200"),
        (
            "SELECT (SELECT FIELDS(ALL) FROM Contacts) FROM Account LIMIT 1",
            "MALFORMED_QUERY",
            "must have a LIMIT of at most",
        ),
        ("SELECT Id, FIELDS(STANDARD) FROM Account", "INVALID_FIELD", "duplicate field selected: Id"),
        ("SELECT FIELDS(SOME) FROM Account LIMIT 1", "MALFORMED_QUERY", "unexpected token: 'FIELDS'"),
        ("SELECT Id FROM Account USING SCOPE my_territory", "INVALID_QUERY_SCOPE", "my_territory"),
        (
            "SELECT convertCurrency(AnnualRevenue) FROM Account",
            "MALFORMED_QUERY",
            "unexpected token: 'convertCurrency'",
        ),
        (
            "SELECT Parent.Parent.Parent.Parent.Parent.Parent.Name FROM Account",
            "MALFORMED_QUERY",
            "SOQL statements cannot query parent relationships deeper than 5 levels.",
        ),
        ("SELECT Id FROM Account a, a.Nope b", "INVALID_FIELD", "Didn't understand relationship 'Nope'"),
        ("SELECT (SELECT Id FROM Contacts FOR VIEW) FROM Account", "MALFORMED_QUERY", "unexpected token: 'FOR'"),
        ("SELECT (SELECT Id FROM Contacts), (SELECT Name FROM Contacts) FROM Account", "MALFORMED_QUERY", "twice"),
        (
            "SELECT DISTANCE(Name, GEOLOCATION(1,2), 'mi') FROM Account",
            "INVALID_FIELD",
            "field 'Name' can not be used in a",
        ),
        ("SELECT DISTANCE(BillingAddress, GEOLOCATION(1,2), 'ly') FROM Account", "MALFORMED_QUERY", "'DISTANCE'"),
    ],
)
def test_refusals(still_desk: Desk, soql: str, code: str, text: str) -> None:
    with refused(code, text):
        still_desk.query(soql)


def test_children_and_parents_have_their_number(still_desk: Desk) -> None:
    children = "(SELECT Id FROM ChildAccounts)"
    for _ in range(5):
        children = f"(SELECT Id, {children} FROM ChildAccounts)"
    with refused(
        "MALFORMED_QUERY", "SOQL statements cannot query aggregate relationships more than 4 levels away from"
    ):
        still_desk.query(f"SELECT Id, {children} FROM Account")
    steps = ["CreatedBy", "LastModifiedBy", "Owner", "Parent"]
    paths = [f"{a}.{b}.{c}.Name" for a in ("Parent",) for b in ("Parent",) for c in steps]
    paths += [
        f"{'Parent.' * deep}{one}.Manager.{two}.Name" for deep in range(3) for one in steps[:3] for two in steps[:2]
    ]
    paths += [
        f"{'Parent.' * deep}{one}.{two}.Profile.Name" for deep in range(3) for one in steps[:3] for two in steps[:2]
    ]
    with refused("MALFORMED_QUERY", "No more than 55 child-to-parent relationships can be specified in a query"):
        still_desk.query(f"SELECT {', '.join(paths)} FROM Account")


def test_row_and_column_in_a_query_of_several_lines(still_desk: Desk) -> None:
    soql = "SELECT Id,\n  Name,\n  Bacon__c\nFROM Account"
    with refused("INVALID_FIELD") as info:
        still_desk.query(soql)
    assert info.value.message.startswith("\n  Bacon__c\n  ^\nERROR at Row:3:Column:3\nNo such column 'Bacon__c'")


@pytest.mark.parametrize(
    "soql",
    [
        "SELECT Phone FROM Account",
        "SELECT toLabel(Phone) FROM Account",
        "SELECT Id FROM Account WHERE Phone = 'x'",
        "SELECT Id FROM Account WHERE Name = 'x' OR (Phone LIKE 'x' AND Name != null)",
        "SELECT Id FROM Account ORDER BY Phone",
        "SELECT COUNT(Id) FROM Account GROUP BY Phone",
        "SELECT MAX(Phone) FROM Account",
        "SELECT Name FROM Account GROUP BY Name HAVING MAX(Phone) = 'x'",
        "SELECT Account.Phone FROM Contact",
        "SELECT Id FROM Contact WHERE Account.Phone = 'x'",
        "SELECT Id FROM Contact WHERE AccountId IN (SELECT Id FROM Account WHERE Phone = 'x')",
        "SELECT (SELECT Phone FROM ChildAccounts) FROM Account",
        "SELECT (SELECT Id FROM ChildAccounts WHERE Phone = 'x') FROM Account",
        "SELECT (SELECT Id FROM ChildAccounts ORDER BY Phone) FROM Account",
    ],
)
def test_a_hidden_field_is_nowhere_to_be_had(desk: Desk, soql: str) -> None:
    desk.objects(desk.own_set("Sales"), "Account", "Read")
    desk.fields(desk.own_set("Sales"), "Account", "ParentId")
    desk.objects(desk.own_set("Sales"), "Contact", "Read")
    desk.fields(desk.own_set("Sales"), "Contact", "AccountId")
    with refused("INVALID_FIELD", NO_COLUMN.format("Phone", "Account")):
        desk.query(soql, desk.sales)


def test_fields_leaves_hidden_fields_out(desk: Desk) -> None:
    desk.objects(desk.own_set("Sales"), "Account", "Read")
    desk.fields(desk.own_set("Sales"), "Account", "Industry")
    desk.create("Account", Name="Acme", Phone="555", Industry="Banking")
    [row] = desk.query("SELECT FIELDS(ALL) FROM Account LIMIT 200", desk.sales)
    assert {"Id", "Name", "Industry", "OwnerId"} <= set(row)
    assert not {"Phone", "BillingCity", "BillingAddress"} & set(row)


def test_a_relationship_over_a_hidden_lookup_or_object_is_not_understood(desk: Desk) -> None:
    desk.objects(desk.own_set("Sales"), "Contact", "Read")
    with refused("INVALID_FIELD", "Didn't understand relationship 'Account' in field path."):
        desk.query("SELECT Account.Name FROM Contact", desk.sales)
    desk.objects(desk.own_set("Sales"), "Account", "Read")
    with refused("INVALID_FIELD", "Didn't understand relationship 'Account' in field path."):
        desk.query("SELECT Id FROM Contact WHERE Account.Name = 'x'", desk.sales)
    with refused("INVALID_TYPE", "Didn't understand relationship 'Contacts' in FROM part of query call."):
        desk.query("SELECT (SELECT Id FROM Contacts) FROM Account", desk.sales)


@pytest.mark.parametrize(
    ("where", "text"),
    [
        ("Id IN (SELECT AccountId FROM Contact) OR Name = 'x'", "not allowed with the 'OR' operator"),
        ("Name = 'x' AND (Name = 'y' OR Id IN (SELECT AccountId FROM Contact))", "only allowed at the top level WHERE"),
        ("NOT Id IN (SELECT AccountId FROM Contact)", "not allowed with the 'NOT' operator"),
        (
            "Id IN (SELECT AccountId FROM Contact) AND Id IN (SELECT AccountId FROM Case) "
            "AND Id NOT IN (SELECT AccountId FROM Opportunity)",
            "Maximum 2 semi join sub-selects are allowed",
        ),
        (
            "Id IN (SELECT AccountId FROM Contact WHERE Id IN (SELECT ContactId FROM Case))",
            "Nesting of semi join sub-selects is not supported",
        ),
        ("Id IN (SELECT ParentId FROM Account)", "The inner and outer selects should not be on the same object type"),
        (
            "Id IN (SELECT LastName FROM Contact)",
            "semi join sub-selects can only query id fields, cannot use: 'LastName'",
        ),
        ("Id IN (SELECT AccountId, Id FROM Contact)", "semi join sub-selects can only select one field"),
        (
            "Id IN (SELECT Id FROM Contact)",
            "The selected field 'Id' in the subquery and the left operand field in the where expression in the outer "
            "query 'Id' should point to the same object type",
        ),
        (
            "Name IN (SELECT AccountId FROM Contact)",
            "The left operand field in the where expression for outer query should be an id field, cannot use: 'Name'",
        ),
        (
            "Parent.OwnerId IN (SELECT Id FROM User)",
            "'Parent.OwnerId' cannot have more than one level of relationships",
        ),
        ("Id IN (SELECT Account.ParentId FROM Contact)", "cannot have more than one level of relationships"),
        ("Id IN (SELECT AccountId FROM Contact LIMIT 5)", "missing value at 'LIMIT'"),
        ("Id IN (SELECT AccountId FROM Contact GROUP BY AccountId)", "missing value at 'GROUP'"),
        ("Id IN (SELECT AccountId FROM Contact ORDER BY Id)", "missing value at 'ORDER'"),
    ],
)
def test_semi_joins_have_their_places(still_desk: Desk, where: str, text: str) -> None:
    with refused("MALFORMED_QUERY", text):
        still_desk.query(f"SELECT Id FROM Account WHERE {where}")


def test_a_semi_join_in_a_query_of_children_is_nested(still_desk: Desk) -> None:
    with refused("MALFORMED_QUERY", "Nesting of semi join sub-selects is not supported"):
        still_desk.query("SELECT (SELECT Id FROM Contacts WHERE Id IN (SELECT ContactId FROM Case)) FROM Account")


def test_two_semi_joins_side_by_side(desk: Desk) -> None:
    acme, zenith = desk.create("Account", Name="Acme"), desk.create("Account", Name="Zenith")
    desk.create("Contact", LastName="Lee", AccountId=acme)
    desk.create("Contact", LastName="Ode", AccountId=zenith)
    desk.create("Case", Subject="x", AccountId=zenith)
    both = "SELECT Name FROM Account WHERE Id IN (SELECT AccountId FROM Contact) AND Id {} (SELECT AccountId FROM Case)"
    assert desk.plain(both.format("IN")) == ["Zenith"]
    assert desk.plain(both.format("NOT IN")) == ["Acme"]


@pytest.mark.parametrize(
    ("soql", "code"),
    [
        ("SELECT Id FROM Account WHERE Name = '" + "x" * 1_000_000 + "'", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account WHERE Name = '" + "x" * 4001 + "'", "MALFORMED_QUERY"),
        ("SELECT Id FROM Account WHERE " + "(" * 10_000 + "Name = 'x'" + ")" * 10_000, "MALFORMED_QUERY"),
        ("SELECT " + ", ".join(f"F{number}__c" for number in range(9000)) + " FROM Account", "INVALID_FIELD"),
        ("SELECT Id FROM Account WHERE " + "NOT " * 10_000 + "Name = 'x'", "MALFORMED_QUERY"),
        ("SELECT " * 10_000, "MALFORMED_QUERY"),
        ("SELECT Id FROM Account WHERE Name IN (" + "'x" * 40_000, "MALFORMED_QUERY"),
        ("SELECT count(" * 5000, "MALFORMED_QUERY"),
        ("SELECT Id FROM Account ORDER BY " + ", ".join(["Name"] * 9000), "QUERY_TOO_COMPLICATED"),
    ],
)
def test_too_much_is_refused_at_once(still_desk: Desk, soql: str, code: str) -> None:
    started = time.process_time()
    with refused(code):
        still_desk.query(soql)
    assert time.process_time() - started < 2


def test_long_lists_are_quick(desk: Desk) -> None:
    acme = desk.create("Account", Name="Acme", AnnualRevenue=5)
    others = ", ".join(f"'001Zz{number:010d}'" for number in range(4999))
    started = time.process_time()
    assert desk.plain(f"SELECT Name FROM Account WHERE Id IN ({others}, '{acme}')") == ["Acme"]
    assert desk.plain(f"SELECT Name FROM Account WHERE Id NOT IN ({others})") == ["Acme"]
    numbers = ", ".join(str(number) for number in range(5000))
    assert desk.plain(f"SELECT Name FROM Account WHERE AnnualRevenue IN ({numbers}, null)") == ["Acme"]
    names = ", ".join(f"'acme{number}'" for number in range(4999))
    assert desk.plain(f"SELECT Name FROM Account WHERE Name IN ({names}, 'acme')") == ["Acme"]
    assert time.process_time() - started < 2


def test_many_wildcards_are_quick(desk: Desk) -> None:
    desk.create("Account", Name="a" * 250)
    pattern = "%".join("a" * 100)
    started = time.process_time()
    assert desk.plain(f"SELECT Id FROM Account WHERE Name LIKE '%{pattern}%b'") == []
    assert len(desk.plain(f"SELECT Id FROM Account WHERE Name LIKE '%{pattern}%'")) == 1
    assert time.process_time() - started < 1


def test_what_cannot_be_queried(desk: Desk) -> None:
    event = SObject("Order_Placed__e", "Order Placed", "Order Placed", "e00", custom=True, queryable=False)
    event.add(Field("Id", "id", "Record ID", permissionable=False))
    desk.org.schema.add(event)
    desk.org.schema_changed()
    with refused("INVALID_TYPE_FOR_OPERATION", "entity type Order_Placed__e does not support query"):
        desk.query("SELECT Id FROM order_placed__e")
    with refused("INVALID_TYPE"):
        desk.query("SELECT Id FROM Order_Placed__e", desk.sales)
    with refused("INVALID_TYPE", "sObject type 'TabSet' is not supported"):
        desk.query("SELECT Id FROM TabSet")
