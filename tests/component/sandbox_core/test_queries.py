"""SOQL against rows: what it finds and in which shape."""

from __future__ import annotations

import pytest

from tests.component.sandbox_core.desk import Desk, refused


@pytest.fixture
def rows(desk: Desk) -> Desk:
    """Two accounts, the first with two contacts and an employee with a review."""
    acme = desk.create("Account", Name="Acme", Industry="Banking", BillingCity="Bern", AnnualRevenue=1000)
    desk.create("Account", Name="Zenith")
    desk.create("Contact", LastName="Lee", FirstName="Ann", AccountId=acme)
    desk.create("Contact", LastName="Ode", AccountId=acme)
    ann = desk.create(
        "Employee__c", Name="Ann", Salary__c=10.5, Skills__c="Sales;Law", Hired__c="2026-01-05", Account__c=acme
    )
    desk.create("Employee__c", Name="Bob", Salary__c=20, Skills__c="Welding")
    desk.create("Review__c", Name="R1", Employee__c=ann, Text__c="fine")
    desk.ids |= {"acme": acme, "ann": ann}
    return desk


def test_the_shape_of_a_record(rows: Desk) -> None:
    [record] = rows.query(
        "select name, ANNUALREVENUE, BillingAddress, parent.name, owner.name, owner.profile.name, "
        "(select lastname from contacts order by lastname), (select id from cases) from account where name = 'ACME'",
        version="60.0",
    )
    acme = rows.ids["acme"]
    assert record["attributes"] == {"type": "Account", "url": f"/services/data/v60.0/sobjects/Account/{acme}"}
    assert list(record)[1:] == ["Name", "AnnualRevenue", "BillingAddress", "Parent", "Owner", "Contacts", "Cases"]
    assert record["BillingAddress"]["city"] == "Bern"
    assert list(record["BillingAddress"]) == sorted(record["BillingAddress"])
    assert record["Parent"] is None
    assert record["Owner"]["Profile"]["Name"] == "System Administrator"
    assert [child["LastName"] for child in record["Contacts"]["records"]] == ["Lee", "Ode"]
    assert (record["Contacts"]["totalSize"], record["Contacts"]["done"]) == (2, True)
    assert record["Cases"] is None


def test_a_polymorphic_parent_is_a_name(rows: Desk) -> None:
    [record] = rows.query("SELECT Owner.Name, Owner.Type FROM Employee__c WHERE Name = 'Ann'")
    assert record["Owner"]["attributes"]["type"] == "Name"
    assert record["Owner"]["attributes"]["url"].endswith(f"/sobjects/User/{rows.admin}")
    assert record["Owner"]["Type"] == "User"


@pytest.mark.parametrize(
    ("condition", "names"),
    [
        ("Name = 'ann'", ["Ann"]),
        ("Name != 'ann'", ["Bob"]),
        ("Name LIKE '_N%'", ["Ann"]),
        ("NOT Name LIKE 'a%'", ["Bob"]),
        ("Salary__c >= 10.5 AND Salary__c < 20", ["Ann"]),
        ("Salary__c IN (20, 30)", ["Bob"]),
        ("Name NOT IN ('Bob')", ["Ann"]),
        ("Account__c = null", ["Bob"]),
        ("Account__c != null", ["Ann"]),
        ("Account__r.Name != 'x'", ["Ann", "Bob"]),
        ("Account__r.Owner.Name LIKE 'adm%'", ["Ann"]),
        ("Skills__c INCLUDES ('Law', 'Welding')", ["Ann", "Bob"]),
        ("Skills__c INCLUDES ('Law;Sales')", ["Ann"]),
        ("Skills__c EXCLUDES ('Law')", ["Bob"]),
        ("Hired__c = TODAY", ["Ann"]),
        ("Hired__c = 2026-01-05", ["Ann"]),
        ("Hired__c IN (TODAY, TOMORROW)", ["Ann"]),
        ("Hired__c != LAST_N_DAYS:3", ["Bob"]),
        ("CreatedDate = TODAY", ["Ann", "Bob"]),
        ("CreatedDate < 2026-01-05T10:00:00+01:00", []),
        ("CreatedDate > YESTERDAY", ["Ann", "Bob"]),
        ("Id IN (SELECT Employee__c FROM Review__c WHERE Name = 'r1')", ["Ann"]),
        ("Id NOT IN (SELECT Employee__c FROM Review__c)", ["Bob"]),
        ("Name = 'Ann' OR (Name = 'Bob' AND Salary__c = 1)", ["Ann"]),
        ("Hired__c = null", ["Bob"]),
        ("Name IN ('Ann', null)", ["Ann"]),
    ],
)
def test_conditions(rows: Desk, condition: str, names: list[str]) -> None:
    assert rows.plain(f"SELECT Name FROM Employee__c WHERE {condition} ORDER BY Name") == names


def test_ids_of_both_lengths_are_found(rows: Desk) -> None:
    for written in (rows.ids["ann"], rows.ids["ann"][:15]):
        assert rows.plain(f"SELECT Name FROM Employee__c WHERE Id = '{written}'") == ["Ann"]


def test_order_limit_and_offset(rows: Desk) -> None:
    names = "SELECT Name FROM Employee__c ORDER BY "
    assert rows.plain(names + "Hired__c") == ["Bob", "Ann"]
    assert rows.plain(names + "Hired__c DESC NULLS LAST") == ["Ann", "Bob"]
    assert rows.plain(names + "Account__r.Name ASC NULLS LAST, Name DESC LIMIT 1") == ["Ann"]
    assert rows.plain(names + "Name LIMIT 5 OFFSET 1") == ["Bob"]
    with refused("NUMBER_OUTSIDE_VALID_RANGE"):
        rows.query("SELECT Id FROM Account OFFSET 2001")


def test_a_limit_on_children_counts_for_each_parent(rows: Desk) -> None:
    acme, _ = rows.query(
        "SELECT Name, (SELECT LastName FROM Contacts ORDER BY LastName DESC LIMIT 1) FROM Account ORDER BY Name"
    )
    assert [one["LastName"] for one in acme["Contacts"]["records"]] == ["Ode"]


def test_counting(rows: Desk) -> None:
    result = rows.org.query("SELECT count() FROM Employee__c WHERE Name != 'x'", as_user=rows.admin)
    assert (result.total_size, result.records) == (2, [])
    assert rows.query("SELECT count(Id) FROM Employee__c") == [{"attributes": {"type": "AggregateResult"}, "expr0": 2}]
    assert rows.plain("SELECT count(Hired__c), sum(Salary__c) total, max(Name), min(Hired__c) FROM Employee__c") == [
        {"expr0": 1, "total": 30.5, "expr1": "Bob", "expr2": "2026-01-05"}
    ]


def test_grouping(rows: Desk) -> None:
    rows.create("Employee__c", Name="Cid", Salary__c=5, Account__c=rows.ids["acme"])
    found = rows.plain(
        "SELECT Account__r.Name, count(Id) n FROM Employee__c "
        "GROUP BY Account__r.Name HAVING count(Id) > 1 ORDER BY count(Id)"
    )
    assert found == [{"Name": "Acme", "n": 2}]
    with refused("MALFORMED_QUERY", "Field must be grouped or aggregated: Name"):
        rows.query("SELECT Name, count(Id) FROM Employee__c GROUP BY Account__c")


def test_fields_functions(rows: Desk) -> None:
    [custom] = rows.query("SELECT FIELDS(CUSTOM) FROM Employee__c WHERE Name = 'Ann' LIMIT 1")
    assert {"Salary__c", "Skills__c"} < set(custom)
    assert "Name" not in custom
    with refused("MALFORMED_QUERY", "LIMIT of at most 200"):
        rows.query("SELECT FIELDS(ALL) FROM Employee__c")


def test_query_all_finds_the_deleted(rows: Desk) -> None:
    rows.delete("Employee__c", rows.ids["ann"])
    assert rows.plain("SELECT Name FROM Employee__c") == ["Bob"]
    everything = rows.query("SELECT Name, IsDeleted FROM Employee__c ORDER BY Name", all_rows=True)
    assert [(row["Name"], row["IsDeleted"]) for row in everything] == [("Ann", True), ("Bob", False)]
    assert rows.plain("SELECT count() FROM Review__c") == []


@pytest.mark.parametrize(
    ("soql", "code", "text"),
    [
        ("SELECT Bacon__c FROM Account LIMIT 2", "INVALID_FIELD", "No such column 'Bacon__c' on entity 'Account'."),
        (
            "SELECT Id FROM Account WHERE Bacon__c = 1",
            "INVALID_FIELD",
            "No such column 'Bacon__c' on entity 'Account'.",
        ),
        ("SELECT Id FROM Account ORDER BY Bacon__c", "INVALID_FIELD", "No such column 'Bacon__c' on entity 'Account'."),
        ("SELECT Id FROM XYZZY", "INVALID_TYPE", "sObject type 'XYZZY' is not supported."),
        ("SELECT Id FROM Account WHERE Id IN (SELECT A FROM XYZZY)", "INVALID_TYPE", "'XYZZY' is not supported."),
        (
            "SELECT Boss__r.Name FROM Account",
            "INVALID_FIELD",
            "Didn't understand relationship 'Boss__r' in field path.",
        ),
        (
            "SELECT (SELECT Id FROM Foos) FROM Account",
            "INVALID_TYPE",
            "relationship 'Foos' in FROM part of query call.",
        ),
        ("SELECT Id FROM Account WHERE Id = 'abc'", "INVALID_QUERY_FILTER_OPERATOR", "invalid ID field: abc"),
        ("SELECT Id FROM Account WHERE Name = 5", "INVALID_FIELD", "must be of type string"),
        ("SELECT Id FROM Account WHERE AnnualRevenue = '5'", "INVALID_FIELD", "should not be enclosed in quotes"),
        ("SELECT Id FROM Account WHERE CreatedDate = 2026-01-01", "INVALID_FIELD", "must be of type dateTime"),
        ("SELECT Id FROM Account WHERE CreatedDate = SOMEDAY", "MALFORMED_QUERY", "unexpected token: 'SOMEDAY'"),
        ("SELECT Id FROM Review__c WHERE Text__c = 'x'", "INVALID_FIELD", "can not be filtered in a query call"),
        ("SELECT Id FROM Account WHERE Name INCLUDES ('x')", "INVALID_QUERY_FILTER_OPERATOR", "multipicklist"),
        ("SELECT Name, Name FROM Account", "INVALID_FIELD", "duplicate field selected: Name"),
        ("SELECT lower(Name) FROM Account", "MALFORMED_QUERY", "unexpected token: 'lower'"),
        ("SELECT Id FROM LoginHistory WHERE Status = 'Success'", "INVALID_FIELD", "field 'Status' can not be filtered"),
        ("SELECT Id FROM LoginHistory WHERE Application = 'x'", "INVALID_FIELD", "field 'Application' can not be"),
        ("SELECT QualifiedApiName FROM FieldDefinition", "MALFORMED_QUERY", "required [EntityDefinitionId,DurableId]"),
    ],
)
def test_refusals(still_desk: Desk, soql: str, code: str, text: str) -> None:
    with refused(code, text):
        still_desk.query(soql)


def test_a_refusal_reads_as_recorded(still_desk: Desk) -> None:
    with refused("INVALID_FIELD") as info:
        still_desk.query("SELECT Bacon__c FROM Account LIMIT 2")
    assert info.value.message == (
        "\nSELECT Bacon__c FROM Account LIMIT 2\n       ^\nERROR at Row:1:Column:8\n"
        "No such column 'Bacon__c' on entity 'Account'. If you are attempting to use a custom field, be sure to append "
        "the '__c' after the custom field name. Please reference your WSDL or the describe call for the appropriate "
        "names."
    )
    assert info.value.fields is None


def test_a_kept_plan_is_not_used_after_access_changed(rows: Desk) -> None:
    rows.grant("Sales", "Account", "Read", "ViewAllRecords")
    assert rows.plain("SELECT Name FROM Account WHERE Name = 'Acme'", rows.sales) == ["Acme"]
    [row] = rows.org.rows("ObjectPermissions", ParentId=rows.own_set("Sales"), SobjectType="Account")
    rows.delete("ObjectPermissions", row["Id"])
    with refused("INVALID_TYPE"):
        rows.query("SELECT Name FROM Account WHERE Name = 'Acme'", rows.sales)
