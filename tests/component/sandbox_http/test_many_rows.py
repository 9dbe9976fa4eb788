"""Collections, trees, composite and batch: many rows or many requests in one call."""

from __future__ import annotations

from typing import Any

import pytest

from harness.sandbox.org import SandboxOrg

from .conftest import API, Client

HALTED = "The transaction was rolled back since another operation in the same transaction failed."


def account(**values: Any) -> dict[str, Any]:
    return {"attributes": {"type": "Account"}, **values}


def part(method: str, path: str, reference: str, body: Any = None) -> dict[str, Any]:
    made = {"method": method, "url": f"{API}/{path}", "referenceId": reference}
    return made if body is None else made | {"body": body}


def composite(client: Client, *parts: dict[str, Any], all_or_none: bool = False) -> list[dict[str, Any]]:
    response = client.post("composite", {"allOrNone": all_or_none, "compositeRequest": list(parts)})
    assert response.status_code == 200, response.text
    answers: list[dict[str, Any]] = response.json()["compositeResponse"]
    assert [answer["referenceId"] for answer in answers] == [one["referenceId"] for one in parts]
    assert all(list(answer) == ["body", "httpHeaders", "httpStatusCode", "referenceId"] for answer in answers)
    return answers


def accounts(org: SandboxOrg) -> list[str]:
    return [row["Name"] for row in org.rows("Account")]


def test_collections_answer_row_by_row(org: SandboxOrg, erp: Client) -> None:
    records = [account(Name="A"), account(Nothing__c="x"), account(Name="C")]
    body = erp.post("composite/sobjects", {"allOrNone": False, "records": records}).json()
    assert [row["success"] for row in body] == [True, False, True]
    assert body[1] == {
        "success": False,
        "errors": [
            {
                "statusCode": "INVALID_FIELD",
                "message": "No such column 'Nothing__c' on sobject of type Account",
                "fields": [],
            }
        ],
    }
    assert accounts(org) == ["A", "C"]


def test_all_or_none_takes_everything_back(org: SandboxOrg, erp: Client) -> None:
    records = [account(Name="A"), account(Nothing__c="x")]
    body = erp.post("composite/sobjects", {"allOrNone": True, "records": records}).json()
    assert [row["errors"][0]["statusCode"] for row in body] == ["ALL_OR_NONE_OPERATION_ROLLED_BACK", "INVALID_FIELD"]
    assert accounts(org) == []


def test_collections_update_delete_and_read(org: SandboxOrg, erp: Client) -> None:
    made = erp.post("composite/sobjects", {"records": [account(Name="A"), account(Name="B")]}).json()
    ids = [row["id"] for row in made]
    updates = [account(id=ids[0], Name="A2"), account(Id=ids[1], Name="B2"), account(Name="no id")]
    updated = erp.ask("PATCH", "composite/sobjects", json={"records": updates}).json()
    assert [row["success"] for row in updated] == [True, True, False]
    assert updated[2]["errors"][0]["statusCode"] == "MISSING_ARGUMENT"
    for answer in (
        erp.get("composite/sobjects/Account", params={"ids": f"{ids[0]},001000000000000AAA", "fields": "Name"}),
        erp.post("composite/sobjects/Account", {"ids": [ids[0], "001000000000000AAA"], "fields": ["Name"]}),
    ):
        assert [row and row["Name"] for row in answer.json()] == ["A2", None]
    deleted = erp.ask("DELETE", "composite/sobjects", params={"ids": ",".join([*ids, "x"])}).json()
    assert [row["success"] for row in deleted] == [True, True, False]
    assert accounts(org) == []


def test_collections_upsert(erp: Client) -> None:
    records = [account(Name="A", ERP_Key__c="1"), account(Name="B", ERP_Key__c="2"), account(Name="C")]
    path = "composite/sobjects/Account/ERP_Key__c"
    first = erp.ask("PATCH", path, json={"records": records}).json()
    again = erp.ask("PATCH", path, json={"records": records[:1]}).json()
    assert [row.get("created") for row in first] == [True, True, None]
    assert again == [{"id": first[0]["id"], "success": True, "errors": [], "created": False}]


def test_collections_have_limits(erp: Client, admin: Client) -> None:
    many = erp.post("composite/sobjects", {"records": [account(Name="A")] * 201})
    assert (many.status_code, many.json()[0]["errorCode"]) == (400, "EXCEEDED_ID_LIMIT")
    mixed = [account(Name="A"), {"attributes": {"type": "PermissionSet"}, "Name": "P", "Label": "P"}]
    refused = admin.post("composite/sobjects", {"records": mixed})
    assert (refused.status_code, refused.json()[0]["errorCode"]) == (400, "INVALID_INPUT")
    for body in ({}, {"records": "x"}, {"records": ["x"]}):
        assert erp.post("composite/sobjects", body).json()[0]["errorCode"] == "JSON_PARSER_ERROR"
    untyped = erp.post("composite/sobjects", {"records": [{"Name": "A"}]}).json()
    assert untyped[0]["success"] is False


def test_a_tree_is_planted_whole_or_not(org: SandboxOrg, erp: Client) -> None:
    child = {"attributes": {"type": "Contact", "referenceId": "c"}, "LastName": "Doe"}
    tree = {
        "attributes": {"type": "Account", "referenceId": "a"},
        "Name": "A",
        "Contacts": {"records": [child]},
    }
    planted = erp.post("composite/tree/Account", {"records": [tree]})
    assert (planted.status_code, planted.json()["hasErrors"]) == (201, False)
    assert org.rows("Contact")[0]["AccountId"] == planted.json()["results"][0]["id"]
    bad = {"attributes": {"type": "Account", "referenceId": "b"}, "Nothing__c": "x"}
    refused = erp.post("composite/tree/Account", {"records": [tree, bad]})
    assert refused.status_code == 400
    assert [row["referenceId"] for row in refused.json()["results"]] == ["b"]
    assert accounts(org) == ["A"]


def test_composite_parts_use_each_other(erp: Client) -> None:
    made, row, found, missing = composite(
        erp,
        part("POST", "sobjects/Account", "made", {"Name": "A"}),
        part("GET", "sobjects/Account/@{made.id}?fields=Name", "row"),
        part("GET", "query?q=SELECT Id FROM Account WHERE Name = '@{row.Name}'", "found"),
        part("POST", "sobjects/Contact", "missing", {"LastName": "@{found.records[7].Id}"}),
    )
    assert made["httpStatusCode"] == 201
    assert made["httpHeaders"] == {"Location": f"{API}/sobjects/Account/{made['body']['id']}"}
    assert row["body"]["Name"] == "A"
    assert found["body"]["totalSize"] == 1
    assert missing["httpStatusCode"] == 400
    assert missing["body"] == [
        {
            "errorCode": "PROCESSING_HALTED",
            "message": "Invalid reference specified. No value for found.records[7].Id found in found. Provided "
            "referenceId ('found.records[7].Id') must start with a letter or a number, and it can contain only "
            "letters, numbers and underscores ('_').",
        }
    ]


def test_an_all_or_none_composite_is_one_transaction(org: SandboxOrg, erp: Client) -> None:
    answers = composite(
        erp,
        part("POST", "sobjects/Account", "made", {"Name": "A"}),
        part("GET", "query?q=SELECT Id FROM Nothing__c", "failed"),
        part("POST", "sobjects/Account", "later", {"Name": "B"}),
        all_or_none=True,
    )
    halted = [{"errorCode": "PROCESSING_HALTED", "message": HALTED}]
    assert [answer["httpStatusCode"] for answer in answers] == [400, 400, 400]
    assert answers[0]["body"] == answers[2]["body"] == halted
    assert answers[1]["body"][0]["errorCode"] == "INVALID_TYPE"
    assert accounts(org) == []


def test_without_all_or_none_the_good_parts_stay(org: SandboxOrg, erp: Client) -> None:
    answers = composite(
        erp,
        part("POST", "sobjects/Account", "made", {"Name": "A"}),
        part("GET", "sobjects/Nothing__c/describe", "failed"),
        part("PATCH", "sobjects/Account/@{made.id}", "changed", {"Name": "B"}),
    )
    assert [answer["httpStatusCode"] for answer in answers] == [201, 404, 204]
    assert answers[2]["body"] is None
    assert accounts(org) == ["B"]


def test_a_thousand_rows_in_one_composite(org: SandboxOrg, erp: Client) -> None:
    records = {"records": [account(Name="A")] * 200}
    parts = [part("POST", "composite/sobjects", f"c{number}", records) for number in range(5)]
    answers = composite(erp, *parts)
    assert sum(len(answer["body"]) for answer in answers) == 1000
    assert len(accounts(org)) == 1000


@pytest.mark.parametrize(
    ("parts", "code"),
    [
        ([part("GET", "sobjects", f"r{number}") for number in range(26)], "LIMIT_EXCEEDED"),
        ([part("GET", "query?q=x", f"r{number}") for number in range(6)], "LIMIT_EXCEEDED"),
        ([part("GET", "sobjects", "same"), part("GET", "sobjects", "same")], "INVALID_INPUT"),
        ([part("GET", "sobjects", "not-a-name")], "JSON_PARSER_ERROR"),
        ([], "JSON_PARSER_ERROR"),
    ],
)
def test_composite_has_limits(erp: Client, parts: list[dict[str, Any]], code: str) -> None:
    response = erp.post("composite", {"compositeRequest": parts})
    assert (response.status_code, response.json()[0]["errorCode"]) == (400, code)


def test_a_composite_part_outside_the_data_services_is_not_found(erp: Client) -> None:
    outside = {"method": "GET", "url": "/services/apexrest/x", "referenceId": "r"}
    assert composite(erp, outside)[0]["httpStatusCode"] == 404


def test_25_describes_in_one_composite(erp: Client) -> None:
    parts = [part("GET", "sobjects/Account/describe", f"r{number}") for number in range(25)]
    assert {answer["httpStatusCode"] for answer in composite(erp, *parts)} == {200}


def test_batch_parts_stand_alone(org: SandboxOrg, erp: Client) -> None:
    requests = [
        {"method": "POST", "url": "v67.0/sobjects/Account", "richInput": {"Name": "A"}},
        {"method": "GET", "url": "v67.0/sobjects/Nothing__c/describe"},
        {"method": "POST", "url": "v67.0/sobjects/Account", "richInput": {"Name": "B"}},
    ]
    body = erp.post("composite/batch", {"batchRequests": requests}).json()
    assert body["hasErrors"] is True
    assert [one["statusCode"] for one in body["results"]] == [201, 404, 201]
    halted = erp.post("composite/batch", {"batchRequests": requests, "haltOnError": True}).json()
    assert [one["statusCode"] for one in halted["results"]] == [201, 404, 412]
    assert halted["results"][2]["result"][0]["errorCode"] == "BATCH_PROCESSING_HALTED"
    assert accounts(org) == ["A", "B", "A"]
