"""SOQL and SOSL over HTTP: pages of rows and of children, locators, column metadata, explain, search."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from harness.sandbox.org import SandboxOrg
from tests.component.sandbox_http.conftest import API, Client, give_objects

SMALL = {"Sforce-Query-Options": "batchSize=200"}


def many(org: SandboxOrg, count: int, **values: Any) -> None:
    with org.transaction():
        for number in range(count):
            org.insert_row("Contact", {"LastName": f"Row {number:04d}", **values})


def pages(client: Client, path: str, **options: Any) -> Iterator[dict[str, Any]]:
    page = client.get(path, **options).json()
    yield page
    while not page["done"]:
        page = client.get(page["nextRecordsUrl"]).json()
        yield page


def test_rows_come_in_pages_of_the_size_asked_for(org: SandboxOrg, erp: Client) -> None:
    many(org, 450)
    asked = {"q": "SELECT LastName FROM Contact ORDER BY LastName"}
    found = list(pages(erp, "query", params=asked, headers=SMALL))
    assert [len(page["records"]) for page in found] == [200, 200, 50]
    assert {page["totalSize"] for page in found} == {450}
    assert found[0]["nextRecordsUrl"].startswith(f"{API}/query/0r8")
    assert found[0]["nextRecordsUrl"].endswith("-200")
    assert [len(page["records"]) for page in pages(erp, "queryAll", params=asked, headers=SMALL)] == [200, 200, 50]
    for size in ("batchSize=1", "BATCHSIZE = 5", "batchSize=" + "9" * 5000):
        first = erp.get("query", params=asked, headers={"Sforce-Query-Options": size}).json()
        assert len(first["records"]) == (450 if "9" in size else 200)


@pytest.mark.parametrize("locator", ["0r8x-200", "x", "-", "0r8-\u00b2", "0r8-" + "9" * 5000, "0r8-99999"])
def test_what_is_no_locator(org: SandboxOrg, erp: Client, locator: str) -> None:
    many(org, 201)
    page = erp.get("query", params={"q": "SELECT Id FROM Contact"}, headers=SMALL).json()
    known = page["nextRecordsUrl"].rsplit("/", 1)[1].partition("-")[0]
    for path in (f"query/{locator}", f"query/{locator.replace('0r8', known)}"):
        response = erp.get(path)
        assert (response.status_code, response.json()[0]["errorCode"]) == (400, "INVALID_QUERY_LOCATOR")


def test_a_locator_is_its_users(org: SandboxOrg, erp: Client, admin: Client) -> None:
    many(org, 201)
    page = erp.get("query", params={"q": "SELECT Id FROM Contact"}, headers=SMALL).json()
    assert admin.get(page["nextRecordsUrl"]).json()[0]["errorCode"] == "INVALID_QUERY_LOCATOR"


def test_children_have_pages_of_their_own(org: SandboxOrg, erp: Client) -> None:
    many(org, 250, AccountId=org.insert_row("Account", {"Name": "Acme"}))
    soql = "SELECT Name, (SELECT LastName FROM Contacts ORDER BY LastName) FROM Account WHERE Name = 'Acme'"
    [acme] = erp.get("query", params={"q": soql}, headers=SMALL).json()["records"]
    contacts = acme["Contacts"]
    assert list(contacts) == ["totalSize", "done", "nextRecordsUrl", "records"]
    assert (contacts["totalSize"], contacts["done"], len(contacts["records"])) == (250, False, 200)
    rest = erp.get(contacts["nextRecordsUrl"]).json()
    assert (rest["totalSize"], rest["done"]) == (250, True)
    assert [rest["records"][place]["LastName"] for place in (0, -1)] == ["Row 0200", "Row 0249"]


def test_children_count_for_the_page_of_their_parents(org: SandboxOrg, erp: Client) -> None:
    for number in range(3):
        many(org, 120, AccountId=org.insert_row("Account", {"Name": f"Big {number}"}))
    soql = "SELECT Name, (SELECT Id FROM Contacts) FROM Account WHERE Name LIKE 'Big%' ORDER BY Name"
    found = list(pages(erp, "query", params={"q": soql}, headers=SMALL))
    assert [[row["Name"] for row in page["records"]] for page in found] == [["Big 0"], ["Big 1"], ["Big 2"]]
    assert all(row["Contacts"]["done"] for page in found for row in page["records"])


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("", "A query string has to be specified"),
        ("?q=", "SOQL statements cannot be empty or null"),
        ("?q=+++", "SOQL statements cannot be empty or null"),
        ("?q=q=SELECT", "unexpected token: q"),
        ("?explain=SELECT", "unexpected token: '<EOF>'"),
    ],
)
def test_what_is_no_query(erp: Client, query: str, message: str) -> None:
    response = erp.get(f"query{query}")
    assert response.status_code == 400
    [error] = response.json()
    assert list(error) == ["message", "errorCode"]
    assert error["errorCode"] == "MALFORMED_QUERY"
    assert error["message"].endswith(message)


def test_explain_answers_with_a_plan(org: SandboxOrg, erp: Client) -> None:
    many(org, 4)
    answer = erp.get("query", params={"explain": "SELECT Id FROM Contact WHERE LastName = 'Row 0001'"}).json()
    [plan] = answer["plans"]
    assert (plan["cardinality"], plan["sobjectCardinality"], plan["sobjectType"]) == (1, 4, "Contact")
    assert plan["leadingOperationType"] == "TableScan"


def columns(client: Client, soql: str) -> dict[str, Any]:
    response = client.get("query", params={"q": soql, "columns": "true"})
    assert response.status_code == 200, response.text
    return dict(response.json())


def test_columns_of_plain_fields_read_as_recorded(admin: Client) -> None:
    answer = columns(admin, "SELECT id, NAME FROM Account")
    keys = "aggregate apexType booleanType columnName custom displayName foreignKeyName insertable joinColumns"
    assert list(answer) == ["columnMetadata", "entityName", "groupBy", "idSelected", "keyPrefix"]
    assert [list(one) for one in answer["columnMetadata"]] == [
        [*keys.split(), "numberType", "textType", "updatable"]
    ] * 2
    assert answer["columnMetadata"][0] == {
        "aggregate": False,
        "apexType": "Id",
        "booleanType": False,
        "columnName": "Id",
        "custom": False,
        "displayName": "Id",
        "foreignKeyName": None,
        "insertable": False,
        "joinColumns": [],
        "numberType": False,
        "textType": False,
        "updatable": False,
    }
    assert (answer["entityName"], answer["groupBy"], answer["idSelected"], answer["keyPrefix"]) == (
        "Account",
        False,
        True,
        "001",
    )


def test_columns_of_parents_children_functions_and_types(org: SandboxOrg, erp: Client, admin: Client) -> None:
    give_objects(
        org, org.rows("Profile", Name="System Administrator")[0]["Id"], fields=("Task.WhatId", "Account.Phone")
    )
    answer = columns(
        erp,
        "SELECT a.name, a.Owner.Name, a.owner.Profile.Name, (SELECT Id, Account.Name FROM a.contacts), "
        "toLabel(erp_key__c) FROM Account a",
    )
    name, owner, contacts, key = answer["columnMetadata"]
    assert (name["columnName"], key["columnName"], answer["idSelected"]) == ("Name", "ERP_Key__c", False)
    assert (owner["columnName"], owner["aggregate"]) == ("Owner", False)
    assert [one["columnName"] for one in owner["joinColumns"]] == ["Name", "Profile"]
    assert (contacts["columnName"], contacts["aggregate"]) == ("Contacts", True)
    assert [one["columnName"] for one in contacts["joinColumns"]] == ["Id", "Account"]
    [what] = columns(admin, "SELECT TYPEOF What WHEN Account THEN Phone ELSE Name END FROM Task")["columnMetadata"]
    assert [one["columnName"] for one in what["joinColumns"]] == ["Phone", "Name"]


def test_columns_of_groups(admin: Client) -> None:
    answer = columns(
        admin,
        "SELECT Owner.Name, COUNT(Id), MAX(Name) latest, CALENDAR_YEAR(CreatedDate), COUNT_DISTINCT(Name) FROM Account "
        "GROUP BY Owner.Name, CALENDAR_YEAR(CreatedDate)",
    )
    shown = [(one["columnName"], one["displayName"], one["aggregate"]) for one in answer["columnMetadata"]]
    assert answer["groupBy"] is True
    assert shown == [
        ("Name", "Name", False),
        ("expr0", "COUNT(Id)", True),
        ("latest", "MAX(Name)", True),
        ("expr1", "CALENDAR_YEAR(CreatedDate)", True),
        ("expr2", "COUNT_DISTINCT(Name)", True),
    ]
    row = admin.query("SELECT Owner.Name, COUNT(Id), MAX(Name) latest FROM Account GROUP BY Owner.Name")
    assert all(list(one) == ["attributes", "Name", "expr0", "latest"] for one in row)


def test_columns_of_fields_are_those_the_user_sees(erp: Client) -> None:
    soql = "SELECT FIELDS(CUSTOM) FROM Account LIMIT 1"
    assert [one["columnName"] for one in columns(erp, soql)["columnMetadata"]] == ["ERP_Key__c"]
    refused = erp.get("query", params={"q": "SELECT Secret__c FROM Account", "columns": "true"})
    assert refused.json()[0]["errorCode"] == "INVALID_FIELD"


def test_tooling_queries_have_their_own_envelope(admin: Client) -> None:
    page = admin.get(
        "tooling/query", params={"q": "SELECT Id FROM EntityDefinition WHERE QualifiedApiName = 'x'"}
    ).json()
    assert list(page) == ["size", "totalSize", "done", "queryLocator", "entityTypeName", "records"]
    assert (page["entityTypeName"], page["queryLocator"]) == (None, None)
    [error] = admin.get("tooling/query", params={"q": "SELECT Id FROM SandboxProcess"}).json()
    assert error["errorCode"] == "INVALID_TYPE"
    assert error["message"] == "sObject type 'SandboxProcess' is not supported."


def test_search(org: SandboxOrg, erp: Client) -> None:
    account = org.insert_row("Account", {"Name": "Acme Rockets"})
    org.insert_row("Contact", {"LastName": "Rocketeer"})
    answer = erp.get("search", params={"q": "FIND {rocket*} RETURNING Account(Id, Name), Contact"})
    assert answer.status_code == 200
    assert [row["attributes"]["type"] for row in answer.json()["searchRecords"]] == ["Account", "Contact"]
    assert answer.json()["searchRecords"][0] == {
        "attributes": {"type": "Account", "url": f"{API}/sobjects/Account/{account}"},
        "Id": account,
        "Name": "Acme Rockets",
    }
    old = erp.get("/services/data/v36.0/search/?q=FIND+%7Brockets%7D+RETURNING+Account")
    assert [row["Id"] for row in old.json()] == [account]


@pytest.mark.parametrize(
    ("params", "found"),
    [
        ({"q": "rockets", "sobject": "Account"}, ["Acme Rockets"]),
        ({"q": "rocket*", "sobject": "Account,Contact", "fields": "Name"}, ["Acme Rockets", "Rocketeer"]),
        ({"q": "rocket*", "sobject": "Account", "Account.where": "Name = 'x'"}, []),
        ({"q": "rocket*", "sobject": "Contact", "in": "NAME", "Contact.limit": "1"}, ["Rocketeer"]),
        ({"q": "{rockets}", "sobject": "Account"}, ["Acme Rockets"]),
    ],
)
def test_parameterized_search(org: SandboxOrg, erp: Client, params: dict[str, str], found: list[str]) -> None:
    org.insert_row("Account", {"Name": "Acme Rockets"})
    org.insert_row("Contact", {"LastName": "Rocketeer"})
    rows = erp.get("parameterizedSearch", params={"Account.fields": "Id,Name", **params}).json()["searchRecords"]
    names = [row.get("Name") or org.rows("Contact", Id=row["Id"])[0]["Name"] for row in rows]
    assert names == found


def test_parameterized_search_by_post(org: SandboxOrg, erp: Client) -> None:
    org.insert_row("Account", {"Name": "Acme Rockets"})
    many(org, 3)
    body = {
        "q": "row",
        "in": "NAME",
        "fields": ["Id"],
        "sobjects": [
            {"name": "Account", "limit": 5},
            {"name": "Contact", "fields": ["LastName"], "orderBy": "LastName DESC", "limit": 2},
        ],
        "overallLimit": 10,
    }
    rows = erp.post("parameterizedSearch", body).json()["searchRecords"]
    assert [row["LastName"] for row in rows] == ["Row 0002", "Row 0001"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "MALFORMED_SEARCH"),
        ({"q": "x"}, "INVALID_SEARCH"),
        ({"q": 5}, "MALFORMED_SEARCH"),
        ({"q": "acme", "in": "SOME"}, "INVALID_SEARCH_SCOPE"),
        ({"q": "acme", "sobjects": "Account"}, "JSON_PARSER_ERROR"),
        ({"q": "acme", "sobjects": [{"name": "Nope"}]}, "INVALID_TYPE"),
        ({"q": "acme", "sobjects": [{"name": "Account(Id), User"}]}, "INVALID_TYPE"),
        ({"q": "acme", "sobjects": [{"name": "Account", "fields": [1]}]}, "JSON_PARSER_ERROR"),
        ({"q": "acme", "sobjects": [{"name": "Account", "fields": ["Secret__c"]}]}, "INVALID_FIELD"),
        ({"q": "acme", "sobjects": [{"name": "Account", "where": "Secret__c = 'x'"}]}, "INVALID_FIELD"),
        ({"q": "acme", "sobjects": [{"name": "Account", "where": "Name = ) OR ("}]}, "MALFORMED_SEARCH"),
        ({"q": "acme", "sobjects": [{"name": "Account", "limit": True}]}, "NUMBER_OUTSIDE_VALID_RANGE"),
        ({"q": "acme", "overallLimit": "x"}, "NUMBER_OUTSIDE_VALID_RANGE"),
        ([], "JSON_PARSER_ERROR"),
    ],
)
def test_searches_that_are_refused(erp: Client, body: Any, code: str) -> None:
    response = erp.post("parameterizedSearch", body)
    assert (response.status_code, response.json()[0]["errorCode"]) == (400, code)


def test_search_in_wrong_words(erp: Client) -> None:
    assert erp.get("search").json()[0]["errorCode"] == "MALFORMED_SEARCH"
    assert erp.get("search", params={"q": "FIND acme"}).json() == [
        {
            "message": "No search term found. The search term must be enclosed in braces.",
            "errorCode": "MALFORMED_SEARCH",
        }
    ]
    assert erp.ask("DELETE", "search").status_code == 405
