"""Graphs: each is made whole or not at all, and none hinders another."""

from __future__ import annotations

from typing import Any

import pytest

from harness.sandbox.org import SandboxOrg

from .conftest import API, Client
from .test_many_rows import HALTED, accounts, part


def graph(name: str, *nodes: dict[str, Any]) -> dict[str, Any]:
    return {"graphId": name, "compositeRequest": list(nodes)}


def send(client: Client, *graphs: dict[str, Any]) -> list[dict[str, Any]]:
    response = client.post("composite/graph", {"graphs": list(graphs)})
    assert response.status_code == 200, response.text
    answered: list[dict[str, Any]] = response.json()["graphs"]
    assert [list(one) for one in answered] == [["graphId", "graphResponse", "isSuccessful"]] * len(graphs)
    assert [one["graphId"] for one in answered] == [one["graphId"] for one in graphs]
    return answered


def statuses(answered: dict[str, Any]) -> list[int]:
    return [one["httpStatusCode"] for one in answered["graphResponse"]["compositeResponse"]]


def refusal(client: Client, graphs: Any) -> tuple[int, str]:
    response = client.post("composite/graph", {"graphs": graphs})
    return response.status_code, response.json()[0]["errorCode"]


def good(name: str = "good") -> dict[str, Any]:
    return graph(name, part("POST", "sobjects/Account", "a", {"Name": name}))


def bad(name: str = "bad") -> dict[str, Any]:
    made = part("POST", "sobjects/Account", "made", {"Name": name})
    return graph(name, made, part("POST", "sobjects/Contact", "c", {"FirstName": "@{made.id}"}))


def test_rows_that_depend_on_each_other(org: SandboxOrg, erp: Client) -> None:
    [answered] = send(
        erp,
        graph(
            "1",
            part("POST", "sobjects/Account", "account", {"Name": "A"}),
            part("POST", "sobjects/Contact", "contact", {"LastName": "C", "AccountId": "@{account.id}"}),
            part("GET", "sobjects/Contact/@{contact.id}?fields=AccountId", "read"),
            part("PATCH", "sobjects/Account/ERP_Key__c/7", "key", {"Name": "K"}),
            part("DELETE", "sobjects/Contact/@{contact.id}", "gone"),
        ),
    )
    made, contact, read, key, gone = answered["graphResponse"]["compositeResponse"]
    assert answered["isSuccessful"] is True
    assert made == {
        "body": {"id": made["body"]["id"], "success": True, "errors": []},
        "httpHeaders": {"Location": f"{API}/sobjects/Account/{made['body']['id']}"},
        "httpStatusCode": 201,
        "referenceId": "account",
    }
    assert contact["httpStatusCode"] == 201
    assert read["body"]["AccountId"] == made["body"]["id"]
    assert (key["httpStatusCode"], key["body"]["created"]) == (201, True)
    assert (gone["httpStatusCode"], gone["body"], gone["httpHeaders"]) == (204, None, {})
    assert org.rows("Contact") == []


def test_a_graph_that_fails_leaves_nothing_and_stops_no_other(org: SandboxOrg, erp: Client) -> None:
    before, failed, after = send(erp, good("before"), bad("failed"), good("after"))
    assert [before["isSuccessful"], failed["isSuccessful"], after["isSuccessful"]] == [True, False, True]
    assert statuses(failed) == [400, 400]
    made, contact = failed["graphResponse"]["compositeResponse"]
    assert made["body"] == [{"errorCode": "PROCESSING_HALTED", "message": HALTED}]
    assert contact["body"][0]["errorCode"] == "REQUIRED_FIELD_MISSING"
    assert accounts(org) == ["before", "after"]


def test_after_fifteen_failures_nothing_is_begun(org: SandboxOrg, erp: Client) -> None:
    fourteen = [bad(f"b{number}") for number in range(14)]
    assert send(erp, *fourteen, good("still"))[-1]["isSuccessful"] is True
    assert accounts(org) == ["still"]
    halted = send(erp, *fourteen, bad("b14"), good("never"))[-1]
    assert halted["isSuccessful"] is False
    [node] = halted["graphResponse"]["compositeResponse"]
    assert (node["httpStatusCode"], node["body"][0]["errorCode"]) == (400, "PROCESSING_HALTED")
    assert accounts(org) == ["still"]


def test_references_end_with_their_graph(erp: Client) -> None:
    first = graph("1", part("POST", "sobjects/Account", "a", {"Name": "A"}))
    second = graph("2", part("POST", "sobjects/Contact", "c", {"LastName": "C", "AccountId": "@{a.id}"}))
    one, two = send(erp, first, second)
    assert (one["isSuccessful"], two["isSuccessful"]) == (True, False)
    [node] = two["graphResponse"]["compositeResponse"]
    assert node["body"][0]["errorCode"] == "PROCESSING_HALTED"


def test_graphs_may_be_many(org: SandboxOrg, erp: Client) -> None:
    def nodes(number: int) -> list[dict[str, Any]]:
        return [part("POST", "sobjects/Account", f"r{one}", {"Name": f"{number}-{one}"}) for one in range(6)]

    graphs = [graph(f"g{number}", *nodes(number)) for number in range(75)]
    assert all(one["isSuccessful"] for one in send(erp, *graphs))
    assert len(accounts(org)) == 450
    assert refusal(erp, [*graphs, good("one more")]) == (400, "LIMIT_EXCEEDED")
    assert refusal(erp, [graph("g", *(nodes(0) * 84))]) == (400, "INVALID_INPUT")
    more = [part("POST", "sobjects/Account", f"n{number}", {"Name": "x"}) for number in range(501)]
    assert refusal(erp, [graph("g", *more)]) == (400, "LIMIT_EXCEEDED")


def test_a_chain_may_be_fifteen_long(org: SandboxOrg, erp: Client) -> None:
    def chain(length: int) -> dict[str, Any]:
        first = part("POST", "sobjects/Account", "n0", {"Name": "N0"})
        nodes = [
            part("POST", "sobjects/Account", f"n{one}", {"Name": f"@{{n{one - 1}.id}}"}) for one in range(1, length)
        ]
        return graph("chain", first, *nodes)

    assert send(erp, chain(15))[0]["isSuccessful"] is True
    assert len(accounts(org)) == 15
    assert refusal(erp, [chain(16)]) == (400, "LIMIT_EXCEEDED")


def test_nodes_are_of_fifteen_kinds_at_most(erp: Client) -> None:
    """Another version, method or object makes another kind; another row does not."""
    reads = [
        {"method": "GET", "url": f"/services/data/v{version}.0/sobjects/Account/1", "referenceId": f"r{version}"}
        for version in range(50, 67)
    ]
    assert refusal(erp, [graph("g", *reads[:16])]) == (400, "LIMIT_EXCEEDED")
    assert send(erp, graph("g", *reads[:15]))[0]["isSuccessful"] is False


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "query?q=SELECT Id FROM Account"),
        ("GET", "sobjects"),
        ("GET", "sobjects/Account"),
        ("POST", "sobjects/Account/001000000000000AAA"),
        ("PATCH", "sobjects/Account"),
        ("POST", "composite/sobjects"),
        ("GET", "sobjects/Account/001000000000000AAA/Contacts/more"),
        ("GET", "../v49.0/sobjects/Account/1"),
    ],
)
def test_only_rows_are_nodes(erp: Client, method: str, path: str) -> None:
    assert refusal(erp, [graph("g", part(method, path, "r"))]) == (400, "INVALID_INPUT")


@pytest.mark.parametrize(
    ("graphs", "code"),
    [
        (None, "JSON_PARSER_ERROR"),
        ([], "JSON_PARSER_ERROR"),
        (["x"], "JSON_PARSER_ERROR"),
        ([graph("g")], "JSON_PARSER_ERROR"),
        ([{"compositeRequest": [part("POST", "sobjects/Account", "a", {})]}], "INVALID_INPUT"),
        ([graph("a.b", part("POST", "sobjects/Account", "a", {}))], "INVALID_INPUT"),
        ([graph("x" * 40, part("POST", "sobjects/Account", "a", {}))], "INVALID_INPUT"),
        ([good("same"), good("same")], "INVALID_INPUT"),
        ([graph("g", part("PUT", "sobjects/Account", "a", {}))], "JSON_PARSER_ERROR"),
        ([graph("g", part("POST", "sobjects/Account", "no-name", {}))], "JSON_PARSER_ERROR"),
    ],
)
def test_graphs_that_are_refused_as_a_whole(org: SandboxOrg, erp: Client, graphs: Any, code: str) -> None:
    assert refusal(erp, graphs) == (400, code)
    assert accounts(org) == []
