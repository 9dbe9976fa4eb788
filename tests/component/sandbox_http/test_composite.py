"""Composite and batch requests beyond the plain cases: references, headers, transactions, versions and limits."""

from __future__ import annotations

from typing import Any

import pytest

from harness.sandbox.org import SandboxOrg
from harness.sandbox.schema import DuplicateRule, MatchingItem, MatchingRule

from .conftest import API, Client
from .test_many_rows import HALTED, account, accounts, composite, part

OLDER = "/services/data/v51.0"


def refusal(client: Client, path: str, body: Any) -> tuple[int, str]:
    response = client.post(path, body)
    return response.status_code, response.json()[0]["errorCode"]


def test_what_a_part_answers_is_what_it_answers_by_itself(erp: Client) -> None:
    [answer] = composite(erp, part("GET", "sobjects/Account/describe", "r"))
    alone = erp.get("sobjects/Account/describe", headers={"Accept-Encoding": "identity"})
    assert answer["body"] == alone.json()
    assert answer["httpHeaders"] == {name: alone.headers[name] for name in ("ETag", "Last-Modified")}


def test_parts_are_conditional(erp: Client) -> None:
    moment = erp.get("sobjects/Account/describe").headers["Last-Modified"]
    conditional = part("GET", "sobjects/Account/describe", "r") | {"httpHeaders": {"If-Modified-Since": moment}}
    [answer] = composite(erp, conditional, all_or_none=True)
    assert (answer["httpStatusCode"], answer["body"]) == (304, None)
    made = erp.post("sobjects/Account", {"Name": "A"}).json()["id"]
    late = {"httpHeaders": {"If-Unmodified-Since": "Tue, 05 Aug 2025 12:00:00 GMT"}}
    [refused] = composite(erp, part("PATCH", f"sobjects/Account/{made}", "r", {"Name": "B"}) | late)
    assert (refused["httpStatusCode"], refused["body"][0]["errorCode"]) == (412, "PRECONDITION_FAILED")


def test_references_keep_their_types(org: SandboxOrg, erp: Client) -> None:
    source = erp.post("sobjects/Account", {"Name": "A"}).json()["id"]
    read, copy, text = composite(
        erp,
        part("GET", f"sobjects/Account/{source}", "row"),
        part("POST", "sobjects/Account", "copy", {"Name": "@{row.Name}2", "ERP_Key__c": "@{row.ERP_Key__c}"}),
        part("POST", "sobjects/Account", "text", {"Name": "is @{row.IsDeleted}, @{row.attributes.type}"}),
    )
    assert read["body"]["ERP_Key__c"] is None
    assert [copy["httpStatusCode"], text["httpStatusCode"]] == [201, 201]
    assert accounts(org) == ["A", "A2", "is false, Account"]


def test_a_reference_to_nothing_is_null_since_52(org: SandboxOrg, erp: Client) -> None:
    source = erp.post("sobjects/Account", {"Name": "A"}).json()["id"]
    parts = [
        {"method": "GET", "url": f"{OLDER}/sobjects/Account/{source}", "referenceId": "row"},
        {
            "method": "POST",
            "url": f"{OLDER}/sobjects/Account",
            "referenceId": "copy",
            "body": {"Name": "B", "ERP_Key__c": "@{row.ERP_Key__c}"},
        },
    ]
    old = erp.post(f"{OLDER}/composite", {"compositeRequest": parts}).json()["compositeResponse"]
    assert [one["httpStatusCode"] for one in old] == [200, 400]
    assert old[1]["body"][0]["errorCode"] == "PROCESSING_HALTED"
    new = erp.post("composite", {"compositeRequest": parts}).json()["compositeResponse"]
    assert [one["httpStatusCode"] for one in new] == [200, 201]
    assert accounts(org) == ["A", "B"]


def test_a_reference_may_be_anything_but_a_whole_body(erp: Client) -> None:
    """`@{x}` alone, or one that ends at an object or a list, stands for no value."""
    for reference in ("@{row}", "@{row.attributes}", "@{later.id}", "@{row.Nothing}", "@{row[0]}"):
        answers = composite(
            erp,
            part("GET", "sobjects/Account", "row"),
            part("POST", "sobjects/Account", "copy", {"Name": reference}),
            part("POST", "sobjects/Account", "later", {"Name": "L"}),
        )
        assert [one["httpStatusCode"] for one in answers] == [200, 400, 201]
        assert answers[1]["body"][0]["message"].startswith(
            f"Invalid reference specified. No value for {reference[2:-1]}"
        )


def test_references_lead_into_queries_and_collections(org: SandboxOrg, erp: Client) -> None:
    made, found, changed = composite(
        erp,
        part("POST", "composite/sobjects", "made", {"records": [account(Name="A"), account(Name="B")]}),
        part("GET", "query?q=SELECT Id, Name FROM Account WHERE Id = '@{made[1].id}'", "found"),
        part("PATCH", "sobjects/Account/@{found.records[0].Id}", "changed", {"Name": "@{found.records[0].Name}2"}),
    )
    assert found["body"]["records"][0]["Id"] == made["body"][1]["id"]
    assert changed["httpStatusCode"] == 204
    assert accounts(org) == ["A", "B2"]


def test_a_part_that_depends_on_a_failure_is_not_run(org: SandboxOrg, erp: Client) -> None:
    failed, dependent, other = composite(
        erp,
        part("POST", "sobjects/Account", "failed", {"Nothing__c": "x"}),
        part("POST", "sobjects/Contact", "dependent", {"LastName": "D", "AccountId": "@{failed.id}"}),
        part("POST", "sobjects/Account", "other", {"Name": "A"}),
    )
    assert failed["body"][0]["errorCode"] == "INVALID_FIELD"
    assert dependent["body"][0]["errorCode"] == "PROCESSING_HALTED"
    assert other["httpStatusCode"] == 201
    assert accounts(org) == ["A"]


def test_a_bad_reference_id_refuses_all_of_it_since_52(erp: Client) -> None:
    parts = [{"method": "GET", "url": f"{API}/limits", "referenceId": "not-a-name"}]
    response = erp.post("composite", {"compositeRequest": parts})
    assert response.status_code == 400
    assert response.json()[0]["message"] == (
        "Provided referenceId ('not-a-name') must start with a letter or a number, "
        "and it can contain only letters, numbers and underscores ('_')."
    )
    assert erp.post(f"{OLDER}/composite", {"compositeRequest": parts}).status_code == 200


@pytest.mark.parametrize("header", ["Accept", "authorization", "Content-Type"])
def test_some_headers_are_not_for_parts(erp: Client, header: str) -> None:
    parts = [part("GET", "sobjects", "r") | {"httpHeaders": {header: "x"}}]
    assert refusal(erp, "composite", {"compositeRequest": parts}) == (400, "INVALID_INPUT")


@pytest.mark.parametrize(
    "change",
    [
        {"method": "get"},
        {"method": "HEAD"},
        {"method": None},
        {"url": 7},
        {"url": None},
        {"referenceId": None},
        {"referenceId": ["r"]},
        {"httpHeaders": ["x"]},
    ],
)
def test_parts_that_cannot_be_read(erp: Client, change: dict[str, Any]) -> None:
    parts = [part("GET", "sobjects", "r") | change]
    assert refusal(erp, "composite", {"compositeRequest": parts}) == (400, "JSON_PARSER_ERROR")
    assert refusal(erp, "composite", {"compositeRequest": parts[0]}) == (400, "JSON_PARSER_ERROR")
    assert refusal(erp, "composite", {"compositeRequest": [parts]}) == (400, "JSON_PARSER_ERROR")


def test_the_settings_of_a_composite_are_true_or_false(erp: Client) -> None:
    parts = [part("GET", "limits", "r")]
    for name in ("allOrNone", "collateSubrequests"):
        for value in (True, False, None, "true", "FALSE"):
            assert erp.post("composite", {name: value, "compositeRequest": parts}).status_code == 200
        refused = refusal(erp, "composite", {name: "maybe", "compositeRequest": parts})
        assert refused == (400, "JSON_PARSER_ERROR")


def test_all_or_none_reaches_into_collections(org: SandboxOrg, erp: Client) -> None:
    records = {"allOrNone": False, "records": [account(Name="A"), account(Nothing__c="x")]}
    parts = [
        part("POST", "sobjects/Account", "first", {"Name": "F"}),
        part("POST", "composite/sobjects", "all", records),
    ]
    first, rows = composite(erp, *parts, all_or_none=True)
    assert first["body"] == [{"errorCode": "PROCESSING_HALTED", "message": HALTED}]
    assert [row["errors"][0]["statusCode"] for row in rows["body"]] == [
        "ALL_OR_NONE_OPERATION_ROLLED_BACK",
        "INVALID_FIELD",
    ]
    assert accounts(org) == []
    assert [one["httpStatusCode"] for one in composite(erp, *parts)] == [201, 200]
    assert accounts(org) == ["F", "A"]


def test_the_version_of_a_part_is_its_own(erp: Client) -> None:
    urls = (f"{OLDER}/", "/services/data/v7.0/", "/services/data/v99.0/", "/services/data/latest/", "nonsense", "")
    parts = [{"method": "GET", "url": url, "referenceId": f"r{number}"} for number, url in enumerate(urls)]
    answers = composite(erp, *parts)
    assert [one["httpStatusCode"] for one in answers] == [200, 410, 404, 404, 404, 404]
    assert answers[0]["body"]["sobjects"].startswith(OLDER)


def test_a_composite_in_a_composite_shares_its_limits(erp: Client) -> None:
    inner = part("POST", "composite", "inner", {"compositeRequest": [part("GET", "limits", "deep")]})
    [answer] = composite(erp, inner)
    assert answer["httpStatusCode"] in (200, 400)


def test_a_part_says_for_itself_what_it_does_about_duplicates(org: SandboxOrg, erp: Client) -> None:
    rule = DuplicateRule("No_Twins", "No Twins", (MatchingRule("By_Name", (MatchingItem("Name"),)),), on_insert="Allow")
    org.schema.duplicate_rules["account"] = [rule]
    allowed = {"httpHeaders": {"Sforce-Duplicate-Rule-Header": "allowSave=true"}}
    answers = composite(
        erp,
        part("POST", "sobjects/Account", "one", {"Name": "A"}),
        part("POST", "sobjects/Account", "two", {"Name": "A"}) | allowed,
        part("POST", "sobjects/Account", "three", {"Name": "A"}),
    )
    assert [one["httpStatusCode"] for one in answers] == [201, 201, 400]
    assert answers[2]["body"][0]["errorCode"] == "DUPLICATES_DETECTED"
    parts = [part("POST", "sobjects/Account", "four", {"Name": "A"})]
    headers = {"Sforce-Duplicate-Rule-Header": "allowSave=true"}
    whole = erp.post("composite", {"compositeRequest": parts}, headers=headers).json()["compositeResponse"]
    assert whole[0]["httpStatusCode"] == 201


def test_what_there_is_below_composite(erp: Client) -> None:
    assert erp.get("composite").json() == {
        name: f"{API}/composite/{name}" for name in ("tree", "batch", "sobjects", "graph")
    }
    assert "graph" not in erp.get("/services/data/v49.0/composite").json()
    assert erp.post("/services/data/v49.0/composite/graph", {"graphs": []}).status_code == 404
    assert erp.post("/services/data/v37.0/composite", {"compositeRequest": []}).status_code == 404
    assert erp.ask("PUT", "composite").status_code == 405


def batch(client: Client, *requests: dict[str, Any], version: str = "67.0", **settings: Any) -> Any:
    path = f"/services/data/v{version}/composite/batch"
    return client.post(path, {"batchRequests": list(requests), **settings})


def test_batch_parts_have_the_same_version_or_an_older_one(erp: Client) -> None:
    for url in ("v34.0/recent", "v51.0/recent", "/services/data/v51.0/recent", "/v51.0/recent"):
        answer = batch(erp, {"method": "GET", "url": url}, version="51.0")
        assert answer.json()["results"][0]["statusCode"] == 200, url
    for url in ("v52.0/recent", "v33.0/recent"):
        refused = batch(erp, {"method": "GET", "url": url}, version="51.0")
        assert (refused.status_code, refused.json()[0]["errorCode"]) == (400, "INVALID_BATCH_REQUEST")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "JSON_PARSER_ERROR"),
        ({"batchRequests": []}, "JSON_PARSER_ERROR"),
        ({"batchRequests": ["x"]}, "JSON_PARSER_ERROR"),
        ({"batchRequests": [{"method": "GET"}]}, "INVALID_BATCH_REQUEST"),
        ({"batchRequests": [{"method": "GET", "url": "limits"}]}, "INVALID_BATCH_REQUEST"),
        ({"batchRequests": [{"method": "get", "url": "v67.0/limits"}]}, "JSON_PARSER_ERROR"),
        ({"batchRequests": [{"method": "GET", "url": "v67.0/limits"}], "haltOnError": 1}, "JSON_PARSER_ERROR"),
        ({"batchRequests": [{"method": "GET", "url": "v67.0/limits"}] * 26}, "LIMIT_EXCEEDED"),
    ],
)
def test_batches_that_are_refused_as_a_whole(erp: Client, body: Any, code: str) -> None:
    assert refusal(erp, "composite/batch", body) == (400, code)


def test_a_batch_is_read_with_its_bodies_and_without_references(org: SandboxOrg, erp: Client) -> None:
    made, missing = batch(
        erp,
        {"method": "POST", "url": "v67.0/sobjects/Account", "richInput": {"Name": "@{x.y}"}},
        {"method": "PATCH", "url": "v67.0/sobjects/Account/001000000000000AAA", "richInput": {"Name": "x"}},
    ).json()["results"]
    assert (made["statusCode"], list(made["result"])) == (201, ["id", "success", "errors"])
    assert missing["statusCode"] == 404
    assert accounts(org) == ["@{x.y}"]
    changed = batch(
        erp,
        {"method": "PATCH", "url": f"v67.0/sobjects/Account/{made['result']['id']}", "richInput": {"Name": "B"}},
        {"method": "HEAD", "url": "v67.0/sobjects/Account"},
    ).json()
    assert changed == {
        "hasErrors": False,
        "results": [{"statusCode": 204, "result": None}, {"statusCode": 200, "result": None}],
    }
