"""Resources, rows and queries over REST."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
import requests

from harness.sandbox.org import SandboxOrg
from harness.sandbox.server import SandboxServer

from .conftest import API, Client

NOT_FOUND = [{"errorCode": "NOT_FOUND", "message": "The requested resource does not exist"}]


def make_accounts(org: SandboxOrg, user_id: str, count: int) -> list[str]:
    with org.transaction():
        return [
            org.insert_row("Account", {"Name": f"Account {number:05d}", "OwnerId": user_id}) for number in range(count)
        ]


def test_versions_need_no_session(server: SandboxServer) -> None:
    with requests.Session() as http:
        http.trust_env = False
        response = http.get(f"{server.ready.instance_url}/services/data", timeout=10)
    assert response.status_code == 200
    assert "Sforce-Limit-Info" not in response.headers
    newest = response.json()[-1]
    assert newest == {"label": "Summer '26", "url": "/services/data/v67.0", "version": "67.0"}


@pytest.mark.parametrize("path", [API, f"{API}/", "/services/data/v43.0", f"/{API}", "/services/data/v51.0/"])
def test_the_resource_root(erp: Client, path: str) -> None:
    body = erp.get(path).json()
    assert body["query"].endswith("/query")
    assert body["sobjects"].startswith("/services/data/v")
    assert body["identity"].startswith(erp.url)


@pytest.mark.parametrize(
    ("path", "status"),
    [("/services/data/v67", 404), ("/services/data/v99.0", 404), ("/services/data/v25.0/sobjects", 410)],
)
def test_versions_that_are_not_served(erp: Client, path: str, status: int) -> None:
    assert erp.get(path).status_code == status


def test_a_row_lives(erp: Client) -> None:
    made = erp.post("sobjects/Account/", {"Name": "Acme", "ERP_Key__c": "K/1"})
    assert made.status_code == 201
    record_id = made.json()["id"]
    assert made.headers["Location"] == f"{API}/sobjects/Account/{record_id}"
    assert list(made.json()) == ["id", "success", "errors"]
    row = erp.get(f"sobjects/Account/{record_id}", params={"fields": "Name,ERP_Key__c"}).json()
    assert row == {
        "attributes": {"type": "Account", "url": f"{API}/sobjects/Account/{record_id}"},
        "Name": "Acme",
        "ERP_Key__c": "K/1",
    } | ({"Id": record_id} if "Id" in row else {})
    changed = erp.ask("PATCH", f"sobjects/Account/{record_id[:15]}", json={"Name": "Acme Ltd"})
    assert (changed.status_code, changed.content, "Content-Type" in changed.headers) == (204, b"", False)
    assert erp.get("sobjects/Account/ERP_Key__c/K%2F1").json()["Name"] == "Acme Ltd"
    assert erp.ask("DELETE", f"sobjects/Account/{record_id}").status_code == 204
    again = erp.ask("DELETE", f"sobjects/Account/{record_id}")
    assert again.status_code == 404
    assert again.json() == [{"message": "entity is deleted", "errorCode": "ENTITY_IS_DELETED", "fields": []}]


def test_upsert_says_whether_the_row_is_new(erp: Client) -> None:
    first = erp.ask("PATCH", "sobjects/Account/ERP_Key__c/K1", json={"Name": "Acme"})
    second = erp.ask("PATCH", "sobjects/Account/ERP_Key__c/K1", json={"Name": "Acme Ltd"})
    assert (first.status_code, second.status_code) == (201, 200)
    assert list(first.json()) == ["id", "success", "errors", "created"]
    assert (first.json()["created"], second.json()["created"]) == (True, False)
    assert first.json()["id"] == second.json()["id"]
    wrong = erp.ask("PATCH", "sobjects/Account/Name/K1", json={})
    assert wrong.status_code == 404
    assert wrong.json()[0]["message"] == "Provided external ID field does not exist or is not accessible: Name"


def test_what_is_not_there(erp: Client) -> None:
    for method, path in (
        ("GET", "sobjects/Nothing__c/describe"),
        ("POST", "sobjects/Nothing__c"),
        ("GET", "sobjects/Account/001000000000000AAA"),
        ("GET", "nothing"),
        ("GET", "sobjects/Opportunity/describe"),
        ("GET", "sobjects/Account/ERP_Key__c/none"),
    ):
        response = erp.ask(method, path, json={} if method == "POST" else None)
        assert (response.status_code, response.json()) == (404, NOT_FOUND), path
    assert erp.get("/somewhere").json() == NOT_FOUND


def test_a_verb_that_is_not_allowed(erp: Client) -> None:
    response = erp.ask("PUT", "sobjects/Account/001000000000000AAA")
    assert response.status_code == 405
    assert response.json() == [
        {
            "errorCode": "METHOD_NOT_ALLOWED",
            "message": "HTTP Method 'PUT' not allowed. Allowed are HEAD,GET,PATCH,DELETE",
        }
    ]


@pytest.mark.parametrize("body", [b"{", b"", b"\xff", b'"x"', b"[" * 100_000])
def test_a_body_that_is_no_json_object(erp: Client, body: bytes) -> None:
    response = erp.ask("POST", "sobjects/Account", data=body, headers={"Content-Type": "application/json"})
    assert response.status_code == 400
    assert response.json()[0]["errorCode"] == "JSON_PARSER_ERROR"


def test_bodies_may_be_chunked_or_gzipped(erp: Client) -> None:
    content = json.dumps({"Name": "Acme"}).encode()
    assert erp.ask("POST", "sobjects/Account", data=iter([content[:5], content[5:]])).status_code == 201
    headers = {"Content-Encoding": "gzip"}
    assert erp.ask("POST", "sobjects/Account", data=gzip.compress(content), headers=headers).status_code == 201
    broken = erp.ask("POST", "sobjects/Account", data=b"no gzip", headers=headers)
    assert (broken.status_code, broken.json()[0]["errorCode"]) == (400, "JSON_PARSER_ERROR")


def test_a_body_of_six_megabytes_is_taken(erp: Client) -> None:
    big = erp.post("sobjects/Account", {"Name": "Acme", "Nothing__c": "x" * 6_000_000})
    assert big.status_code == 400
    assert big.json() == [
        {"message": "No such column 'Nothing__c' on sobject of type Account", "errorCode": "INVALID_FIELD"}
    ]


def test_authorization_headers(server: SandboxServer, erp: Client) -> None:
    for header, status, code, message in (
        (None, 401, "INVALID_SESSION_ID", "Session expired or invalid"),
        ("Nonsense", 401, "INVALID_AUTH_HEADER", "INVALID_HEADER_TYPE"),
        ("Bearer nobody", 401, "INVALID_SESSION_ID", "Session expired or invalid"),
        (f"OAuth {erp.token}", 200, "", ""),
    ):
        with requests.Session() as http:
            http.trust_env = False
            headers = {"Authorization": header} if header else {}
            response = http.get(f"{server.ready.instance_url}{API}", headers=headers, timeout=10)
        assert response.status_code == status
        if status == 401:
            assert response.json() == [{"message": message, "errorCode": code}]
            assert response.headers["WWW-Authenticate"] == "Token"


def test_a_query_in_pages(org: SandboxOrg, erp: Client, user_ids: dict[str, str]) -> None:
    made = make_accounts(org, user_ids["erp"], 4500)
    soql = {"q": "SELECT Id FROM Account ORDER BY Id"}
    page = erp.get("query", params=soql).json()
    assert list(page) == ["totalSize", "done", "nextRecordsUrl", "records"]
    assert (page["totalSize"], page["done"], len(page["records"])) == (4500, False, 2000)
    assert page["nextRecordsUrl"].startswith(f"{API}/query/0r8")
    assert page["nextRecordsUrl"].endswith("-2000")
    found = [row["Id"] for row in page["records"]]
    while not page["done"]:
        page = erp.get(page["nextRecordsUrl"]).json()
        found += [row["Id"] for row in page["records"]]
    assert found == made
    small = erp.get("query", params=soql, headers={"Sforce-Query-Options": "batchSize=500"}).json()
    assert len(small["records"]) == 500


def test_a_locator_of_somebody_else_is_none(
    org: SandboxOrg, admin: Client, erp: Client, user_ids: dict[str, str]
) -> None:
    make_accounts(org, user_ids["erp"], 2001)
    page = erp.get("query", params={"q": "SELECT Id FROM Account"}).json()
    for path in (page["nextRecordsUrl"], "query/0r8000000000000-2000", "query/x"):
        response = admin.get(path)
        assert (response.status_code, response.json()[0]["errorCode"]) == (400, "INVALID_QUERY_LOCATOR")


def test_a_tooling_query_has_its_own_envelope(admin: Client) -> None:
    empty = admin.get("tooling/query", params={"q": "SELECT Id FROM ApexClass"}).json()
    assert list(empty) == ["size", "totalSize", "done", "queryLocator", "entityTypeName", "records"]
    assert empty["entityTypeName"] is None


def test_column_metadata(erp: Client) -> None:
    soql = "select Id, Name, IsDeleted, Owner.Name, (SELECT Id FROM Contacts) FROM Account"
    body = erp.get("query", params={"q": soql, "columns": "true"}).json()
    assert (body["entityName"], body["keyPrefix"], body["idSelected"], body["groupBy"]) == (
        "Account",
        "001",
        True,
        False,
    )
    by_name = {column["columnName"]: column for column in body["columnMetadata"]}
    assert by_name["Id"]["apexType"] == "Id"
    assert by_name["Name"]["textType"] is True
    assert by_name["IsDeleted"]["booleanType"] is True
    assert [one["columnName"] for one in by_name["Owner"]["joinColumns"]] == ["Name"]
    assert by_name["Contacts"]["aggregate"] is True
    hidden = erp.get("query", params={"q": "SELECT Secret__c FROM Account", "columns": "true"})
    assert hidden.json()[0]["errorCode"] == "INVALID_FIELD"


def test_a_query_without_a_query(erp: Client) -> None:
    assert erp.get("query").json()[0]["errorCode"] == "MALFORMED_QUERY"


def test_usage_is_counted_and_shown(admin: Client, erp: Client) -> None:
    first = erp.get("").headers["Sforce-Limit-Info"]
    second = erp.get("nothing").headers["Sforce-Limit-Info"]
    assert (first, second) == ("api-usage=1/120000", "api-usage=2/120000")
    limits = admin.get("limits").json()
    assert limits["DailyApiRequests"] == {"Max": 120000, "Remaining": 119997}
    refused = erp.get("limits")
    assert (refused.status_code, refused.json()[0]["errorCode"]) == (403, "INSUFFICIENT_ACCESS")


def test_record_counts(org: SandboxOrg, erp: Client, user_ids: dict[str, str]) -> None:
    make_accounts(org, user_ids["admin"], 3)
    counted = erp.get("limits/recordCount", params={"sObjects": "Account,Contact,Opportunity"}).json()
    assert counted == {"sObjects": [{"count": 3, "name": "Account"}]}


def test_describe_is_what_the_user_sees(admin: Client, erp: Client) -> None:
    def names(client: Client) -> set[str]:
        return {field["name"] for field in client.get("sobjects/Account/describe").json()["fields"]}

    assert "Secret__c" not in names(erp)
    assert {"ERP_Key__c", "Name"} <= names(erp)
    response = erp.get("sobjects/Account/describe")
    assert response.headers["ETag"].endswith('--gzip"')
    assert response.headers["Content-Encoding"] == "gzip"
    unchanged = erp.get("sobjects/Account/describe", headers={"If-None-Match": response.headers["ETag"]})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    short = erp.get("sobjects/Account").json()
    assert short["objectDescribe"]["name"] == "Account"
    assert short["recentItems"] == []
    listed = {entry["name"] for entry in erp.get("sobjects").json()["sobjects"]}
    assert "Account" in listed
    assert "Opportunity" not in listed
    assert "Opportunity" in {entry["name"] for entry in admin.get("sobjects").json()["sobjects"]}


def test_head_answers_without_a_body(erp: Client) -> None:
    response = erp.ask("HEAD", "sobjects")
    assert (response.status_code, response.content) == (200, b"")


def test_answers_are_plain_for_clients_that_do_not_take_gzip(erp: Client) -> None:
    response = erp.get("sobjects", headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in response.headers
    assert response.json()["encoding"] == "UTF-8"


def test_a_bug_of_ours_tells_nothing_from_inside(org: SandboxOrg, erp: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("the inside")

    monkeypatch.setattr(org, "query", broken)
    response = erp.get("query", params={"q": "SELECT Id FROM Account"})
    assert response.status_code == 500
    assert response.json()[0]["errorCode"] == "UNKNOWN_EXCEPTION"
    assert "inside" not in response.text
    assert "Traceback" not in response.text
