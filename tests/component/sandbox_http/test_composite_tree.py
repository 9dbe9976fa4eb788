"""Trees and collections: the order of rows, what is refused as a whole, and what is taken back."""

from __future__ import annotations

from typing import Any

import pytest

from harness.sandbox.org import SandboxOrg

from .conftest import Client, give_objects
from .test_many_rows import account, accounts


def node(sobject: str, reference: Any, **values: Any) -> dict[str, Any]:
    return {"attributes": {"type": sobject, "referenceId": reference}, **values}


def below(*records: dict[str, Any]) -> dict[str, Any]:
    return {"records": list(records)}


def plant(client: Client, *records: Any, sobject: str = "Account") -> Any:
    return client.post(f"composite/tree/{sobject}", {"records": list(records)})


@pytest.fixture(autouse=True)
def _parents(org: SandboxOrg) -> None:
    """Accounts may be below accounts."""
    [profile] = org.rows("Profile", Name="ERP Integration")
    give_objects(org, profile["Id"], fields=("Account.ParentId",))


def test_a_tree_is_planted_level_by_level(org: SandboxOrg, erp: Client) -> None:
    first = node("Account", "a1", Name="A1", Contacts=below(node("Contact", "c1", LastName="C1")))
    second = node(
        "Account",
        "a2",
        Name="A2",
        ChildAccounts=below(node("Account", "a3", Name="A3", Contacts=below(node("Contact", "c3", LastName="C3")))),
    )
    answer = plant(erp, first, second)
    assert answer.status_code == 201
    assert [one["referenceId"] for one in answer.json()["results"]] == ["a1", "a2", "c1", "a3", "c3"]
    ids = {one["referenceId"]: one["id"] for one in answer.json()["results"]}
    parents = {row["LastName"]: row["AccountId"] for row in org.rows("Contact")}
    assert parents == {"C1": ids["a1"], "C3": ids["a3"]}
    assert org.rows("Account", Id=ids["a3"])[0]["ParentId"] == ids["a2"]


def test_every_bad_row_of_a_level_is_told_of(org: SandboxOrg, erp: Client) -> None:
    bad = [node("Account", f"b{number}", Nothing__c="x") for number in range(2)]
    answer = plant(erp, node("Account", "a", Name="A"), *bad)
    assert answer.status_code == 400
    assert answer.json() == {
        "hasErrors": True,
        "results": [
            {
                "referenceId": f"b{number}",
                "errors": [
                    {
                        "statusCode": "INVALID_FIELD",
                        "message": "No such column 'Nothing__c' on sobject of type Account",
                        "fields": [],
                    }
                ],
            }
            for number in range(2)
        ],
    }
    assert accounts(org) == []


@pytest.mark.parametrize("references", [("a", "a"), ("a", ""), ("a", None), ("a", 7), ("a", "*")])
def test_rows_need_references_of_their_own(org: SandboxOrg, erp: Client, references: tuple[Any, Any]) -> None:
    answer = plant(erp, *(node("Account", reference, Name="A") for reference in references))
    assert answer.status_code == 400
    assert answer.json()["hasErrors"] is True
    assert {row["errors"][0]["statusCode"] for row in answer.json()["results"]} == {"INVALID_INPUT"}
    assert accounts(org) == []


def chain(length: int) -> dict[str, Any]:
    tree = node("Account", f"n{length}", Name="N")
    for number in range(length - 1, 0, -1):
        tree = node("Account", f"n{number}", Name="N", ChildAccounts=below(tree))
    return tree


def test_trees_have_limits(org: SandboxOrg, erp: Client) -> None:
    deep = plant(erp, chain(6))
    assert (deep.status_code, deep.json()[0]["errorCode"]) == (400, "LIMIT_EXCEEDED")
    wide = plant(erp, *(node("Account", f"r{number}", Name="A") for number in range(201)))
    assert (wide.status_code, wide.json()[0]["errorCode"]) == (400, "EXCEEDED_ID_LIMIT")
    assert accounts(org) == []
    assert plant(erp, chain(5)).status_code == 201
    assert plant(erp, *(node("Account", f"r{number}", Name="A") for number in range(200))).status_code == 201
    assert len(accounts(org)) == 205


def test_trees_that_are_refused(org: SandboxOrg, erp: Client) -> None:
    others = node("Contact", "c", LastName="C")
    assert plant(erp, others).json()[0]["errorCode"] == "INVALID_INPUT"
    assert plant(erp, {"Name": "A"}).json()[0]["errorCode"] == "INVALID_INPUT"
    assert plant(erp, "A").json()[0]["errorCode"] == "JSON_PARSER_ERROR"
    assert plant(erp).json()[0]["errorCode"] == "JSON_PARSER_ERROR"
    assert plant(erp, node("Nothing__c", "a"), sobject="Nothing__c").status_code == 404
    unrelated = plant(erp, node("Account", "a", Name="A", Nothings=below(others)))
    assert unrelated.json()["results"][0]["errors"][0]["statusCode"] == "INVALID_FIELD"
    other_type = plant(erp, node("Account", "a", Name="A", Contacts=below(node("Account", "b", Name="B"))))
    assert other_type.status_code == 400
    assert accounts(org) == []


def interleaved(runs: int) -> list[dict[str, Any]]:
    contact = {"attributes": {"type": "Contact"}, "LastName": "C"}
    return [account(Name="A") if number % 2 == 0 else contact for number in range(runs)]


def test_collections_are_of_ten_runs_at_most(org: SandboxOrg, erp: Client) -> None:
    refused = erp.post("composite/sobjects", {"records": interleaved(11)})
    assert (refused.status_code, refused.json()[0]["errorCode"]) == (400, "LIMIT_EXCEEDED")
    assert accounts(org) == []
    assert all(row["success"] for row in erp.post("composite/sobjects", {"records": interleaved(10)}).json())
    assert len(accounts(org)) == 5


def test_rows_that_are_taken_back_keep_their_ids(org: SandboxOrg, erp: Client) -> None:
    made = erp.post("sobjects/Account", {"Name": "A"}).json()["id"]
    records = [account(id=made, Name="B"), account(id="001000000000000AAA", Name="C")]
    changed = erp.ask("PATCH", "composite/sobjects", json={"allOrNone": True, "records": records}).json()
    assert [list(row) for row in changed] == [["id", "success", "errors"], ["success", "errors"]]
    assert changed[0] == {
        "id": made,
        "success": False,
        "errors": [
            {
                "statusCode": "ALL_OR_NONE_OPERATION_ROLLED_BACK",
                "message": "Record rolled back because not all records were valid and the request was using "
                "AllOrNone header",
                "fields": [],
            }
        ],
    }
    params = {"ids": f"{made},001000000000000AAA", "allOrNone": "true"}
    assert [row["success"] for row in erp.ask("DELETE", "composite/sobjects", params=params).json()] == [False, False]
    assert accounts(org) == ["A"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"ids": [], "fields": ["Name"]}, "MISSING_ARGUMENT"),
        ({"ids": ["001000000000000AAA"]}, "MISSING_ARGUMENT"),
        ({"ids": "001000000000000AAA", "fields": ["Name"]}, "JSON_PARSER_ERROR"),
        ({"ids": [None], "fields": ["Name"]}, "JSON_PARSER_ERROR"),
        ({"ids": ["001000000000000AAA"] * 2001, "fields": ["Name"]}, "EXCEEDED_ID_LIMIT"),
        ({"ids": ["001000000000000AAA"], "fields": ["Nothing__c"]}, "INVALID_FIELD"),
    ],
)
def test_rows_are_read_by_ids_and_fields(erp: Client, body: Any, code: str) -> None:
    refused = erp.post("composite/sobjects/Account", body)
    assert (refused.status_code, refused.json()[0]["errorCode"]) == (400, code)


def test_what_cannot_be_read_is_null(erp: Client) -> None:
    made = erp.post("sobjects/Account", {"Name": "A"}).json()["id"]
    body = {"ids": ["001000000000000AAA", made, "x", made[:15]], "fields": ["Name"]}
    rows = erp.post("composite/sobjects/Account", body).json()
    assert [row and row["Name"] for row in rows] == [None, "A", None, "A"]
    assert erp.get("composite/sobjects/Account", params={"ids": made}).json()[0]["errorCode"] == "MISSING_ARGUMENT"
    assert erp.get("composite/sobjects/Nothing__c", params={"ids": made, "fields": "Id"}).status_code == 404


def test_a_delete_needs_ids(erp: Client) -> None:
    for params in ({}, {"ids": ""}, {"ids": ","}):
        refused = erp.ask("DELETE", "composite/sobjects", params=params)
        assert (refused.status_code, refused.json()[0]["errorCode"]) == (400, "MISSING_ARGUMENT")
    [row] = erp.ask("DELETE", "composite/sobjects", params={"ids": "001000000000000AAA"}).json()
    assert row["success"] is False
