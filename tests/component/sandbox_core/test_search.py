"""SOSL: what is found, by whom, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from harness.sandbox.sosl.search import search
from tests.component.sandbox_core.desk import Desk, refused


@pytest.fixture
def rows(desk: Desk) -> Desk:
    """Accounts and contacts with words in several fields."""
    acme = desk.create("Account", Name="Acme Rockets", Phone="555-0100", Website="https://acme.example")
    desk.create("Account", Name="Zenith", Description="Sells rockets to Acme")
    desk.create("Contact", FirstName="Joe", LastName="Smith", Email="joe@acme.example", AccountId=acme)
    desk.create("Contact", FirstName="Mary", LastName="Smythe", Phone="555-0199")
    return desk


def found(desk: Desk, sosl: str, as_user: str | None = None, version: str = "67.0") -> list[dict[str, Any]]:
    return search(desk.org, sosl, as_user=as_user or desk.admin, version=version)


def names(desk: Desk, sosl: str, as_user: str | None = None) -> list[str]:
    return [row.get("Name") or row["attributes"]["type"] for row in found(desk, sosl, as_user)]


def test_without_returning_every_object_is_searched_and_ids_are_given(rows: Desk) -> None:
    records = found(rows, "FIND {zenith OR smith}")
    assert [row["attributes"]["type"] for row in records] == ["Account", "Contact"]
    assert list(records[0]) == ["attributes", "Id"]
    assert records[0]["attributes"]["url"] == f"/services/data/v67.0/sobjects/Account/{records[0]['Id']}"


@pytest.mark.parametrize(
    ("sosl", "expected"),
    [
        ("FIND {rockets} RETURNING Account(Name)", ["Acme Rockets", "Zenith"]),
        ("find {ROCKETS} in name fields returning account(name)", ["Acme Rockets"]),
        ("FIND {rocket} RETURNING Account(Name)", []),
        ("FIND {rocket*} RETURNING Account(Name ORDER BY Name DESC)", ["Zenith", "Acme Rockets"]),
        ("FIND {r?ckets} RETURNING Account(Name LIMIT 1)", ["Acme Rockets"]),
        ("FIND {acme rockets} RETURNING Account(Name)", ["Acme Rockets", "Zenith"]),
        ('FIND {"acme rockets"} RETURNING Account(Name)', ["Acme Rockets"]),
        ("FIND {acme AND NOT sells} RETURNING Account(Name)", ["Acme Rockets"]),
        ("FIND {nothing OR (zenith AND sells)} RETURNING Account(Name)", ["Zenith"]),
        ("FIND {acme} RETURNING Account(Name WHERE Name = 'zenith')", ["Zenith"]),
        ("FIND {acme} RETURNING Account(Name WHERE Name = 'zenith' OR Name = 'x')", ["Zenith"]),
        ("FIND {555} IN PHONE FIELDS RETURNING Account(Name), Contact(Name)", ["Acme Rockets", "Mary Smythe"]),
        ("FIND {joe@acme.example} IN EMAIL FIELDS RETURNING Contact(Name)", ["Joe Smith"]),
        ("FIND {Joe Smith} IN NAME FIELDS RETURNING Contact(Name)", ["Joe Smith"]),
        ('FIND {"Joe Sm*"} RETURNING Contact(Name)', []),
        ("FIND {Joe Sm?th*} RETURNING Contact(Name)", ["Joe Smith"]),
        ("FIND {acme} RETURNING Account(Name), Contact(Name) LIMIT 2", ["Acme Rockets", "Zenith"]),
        ("FIND {acme} RETURNING Contact(Name, Account.Name)", ["Joe Smith"]),
        ("FIND {acme\\!} RETURNING Account(Name LIMIT 1 OFFSET 1)", ["Zenith"]),
    ],
)
def test_what_is_found(rows: Desk, sosl: str, expected: list[str]) -> None:
    assert names(rows, sosl) == expected


def test_hidden_fields_are_not_searched_and_hidden_objects_are_not_there(rows: Desk) -> None:
    with refused("INVALID_TYPE", "sObject type 'Account' is not supported."):
        found(rows, "FIND {acme} RETURNING Account", rows.sales)
    rows.objects(rows.own_set("Sales"), "Account", "Read")
    assert names(rows, "FIND {rockets} RETURNING Account(Name)", rows.sales) == ["Acme Rockets"]
    assert [row["attributes"]["type"] for row in found(rows, "FIND {rockets OR smith}", rows.sales)] == ["Account"]
    with refused("INVALID_FIELD", "No such column 'Phone' on entity 'Account'."):
        found(rows, "FIND {acme} RETURNING Account(Phone)", rows.sales)


def test_sharing_applies(desk: Desk) -> None:
    desk.create("Employee__c", Name="Ann Able")
    desk.grant("Sales", "Employee__c", "Read")
    assert names(desk, "FIND {able} RETURNING Employee__c(Name)") == ["Ann Able"]
    assert names(desk, "FIND {able} RETURNING Employee__c(Name)", desk.sales) == []


@pytest.mark.parametrize(
    ("sosl", "code", "text"),
    [
        ("FIND {a}", "INVALID_SEARCH", "search term must be longer than one character: a"),
        ("FIND {}", "INVALID_SEARCH", "search term must be longer than one character: "),
        ("FIND {**}", "INVALID_SEARCH", "search term must be longer than one character"),
        ("FIND acme", "MALFORMED_SEARCH", "No search term found. The search term must be enclosed in braces."),
        ("", "MALFORMED_SEARCH", "A search string has to be specified"),
        ("SEARCH {acme}", "MALFORMED_SEARCH", "unexpected token: 'SEARCH'"),
        ("FIND {acme", "MALFORMED_SEARCH", ""),
        ("FIND {acme AND}", "MALFORMED_SEARCH", "unexpected token: '<EOF>'"),
        ("FIND {(acme}", "MALFORMED_SEARCH", "unexpected token: '<EOF>'"),
        ("FIND {" + "(" * 9000 + "acme}", "MALFORMED_SEARCH", "unexpected token"),
        ("FIND {acme} IN SOME FIELDS", "MALFORMED_SEARCH", "unexpected token: 'SOME'"),
        ("FIND {acme} RETURNING Account(Name WHERE)", "MALFORMED_SEARCH", "unexpected token: ')'"),
        ("FIND {acme} RETURNING Account(Bacon__c)", "INVALID_FIELD", "No such column 'Bacon__c' on entity 'Account'."),
        ("FIND {acme} RETURNING Nope", "INVALID_TYPE", "sObject type 'Nope' is not supported."),
        ("FIND {acme} RETURNING PermissionSetAssignment", "INVALID_TYPE", "is not supported."),
        ("FIND {" + "x" * 200_000 + "}", "MALFORMED_SEARCH", "longer than 100000"),
    ],
)
def test_refusals(still_desk: Desk, sosl: str, code: str, text: str) -> None:
    with refused(code, text):
        found(still_desk, sosl)


def test_a_refused_field_is_pointed_at_in_the_search_itself(still_desk: Desk) -> None:
    with refused("INVALID_FIELD") as info:
        found(still_desk, "FIND {acme} RETURNING Account(Id, Bacon__c)")
    assert "ERROR at Row:1:Column:35\n" in info.value.message


def test_more_than_ten_thousand_characters_find_nothing(rows: Desk) -> None:
    assert found(rows, "FIND {acme " + "x" * 10_000 + "}") == []
