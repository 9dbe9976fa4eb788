"""Bulk API 1.0: jobs of batches in CSV, XML and JSON, and queries with lists of results."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from typing import Any
from xml.etree.ElementTree import Element

import pytest
import requests
from defusedxml.ElementTree import fromstring

from harness.sandbox.http import jobs
from harness.sandbox.org import SandboxOrg
from harness.sandbox.server import SandboxServer

from .conftest import Client

BASE = "/services/async/67.0"
SPACE = "{http://www.force.com/2009/06/asyncapi/dataload}"
NIL = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:nil="true"'


class Bulk:
    """A client that speaks one format and sends its session in the header of Bulk API 1.0."""

    def __init__(self, client: Client, kind: str) -> None:
        self.client = client
        self.kind = kind
        self.media = {"CSV": "text/csv", "XML": "application/xml", "JSON": "application/json"}[kind]

    def ask(
        self, method: str, path: str, body: Any = None, media: str | None = None, **headers: str
    ) -> requests.Response:
        sent = {"X-SFDC-Session": self.client.token, "Authorization": "", **headers}
        if media:
            sent["Content-Type"] = media
        return self.client.ask(method, f"{BASE}/{path}", data=body, headers=sent)

    def job(
        self, operation: str, sobject: str = "Account", *, headers: dict[str, str] | None = None, **more: Any
    ) -> str:
        """Make a job, described in the client's format (XML for CSV); its id."""
        asked = {"operation": operation, "object": sobject, **more, "contentType": self.kind}
        if self.kind == "JSON":
            response = self.ask("POST", "job", json.dumps(asked), "application/json", **(headers or {}))
            assert response.status_code == 201, response.text
            return str(response.json()["id"])
        inner = "".join(f"<{key}>{value}</{key}>" for key, value in asked.items())
        document = f'<jobInfo xmlns="{SPACE.strip("{}")}">{inner}</jobInfo>'
        response = self.ask("POST", "job", document, "application/xml", **(headers or {}))
        assert response.status_code == 201, response.text
        return text(fromstring(response.content), "id")

    def batch(self, job_id: str, content: str) -> str:
        response = self.ask("POST", f"job/{job_id}/batch", content.encode(), self.media)
        assert response.status_code == 201, response.text
        return str(response.json()["id"]) if self.kind == "JSON" else text(fromstring(response.content), "id")

    def state(self, job_id: str, batch_id: str) -> str:
        return text(
            fromstring(self.ask("GET", f"job/{job_id}/batch/{batch_id}", media="application/xml").content), "state"
        )

    def run(self, operation: str, content: str, sobject: str = "Account", **more: Any) -> requests.Response:
        """One job with one batch; its results."""
        job_id = self.job(operation, sobject, **more)
        batch_id = self.batch(job_id, content)
        assert self.state(job_id, batch_id) == "Completed"
        return self.ask("GET", f"job/{job_id}/batch/{batch_id}/result")


def text(element: Element, name: str) -> str:
    found = element.find(f"{SPACE}{name}")
    assert found is not None, name
    return found.text or ""


def lines(response: requests.Response) -> list[dict[str, str]]:
    assert response.headers["Content-Type"] == "text/csv", response.text
    return list(csv.DictReader(io.StringIO(response.text)))


def test_csv_batches(org: SandboxOrg, erp: Client) -> None:
    bulk = Bulk(erp, "CSV")
    made = bulk.run("insert", "Name,ERP_Key__c\nA,1\nB,1\n,2\n")
    rows = lines(made)
    assert made.text.startswith('"Id","Success","Created","Error"\n')
    assert [(row["Success"], row["Created"]) for row in rows] == [
        ("true", "true"),
        ("false", "false"),
        ("false", "false"),
    ]
    assert rows[1]["Error"].startswith("DUPLICATE_VALUE:duplicate value found: ERP_Key__c")
    assert rows[2]["Error"] == "REQUIRED_FIELD_MISSING:Required fields are missing: [Name]:Name --"
    changed = lines(bulk.run("upsert", "Name,ERP_Key__c\nA2,1\nC,3\n", externalIdFieldName="ERP_Key__c"))
    assert [row["Created"] for row in changed] == ["false", "true"]
    assert sorted(row["Name"] for row in org.rows("Account")) == ["A2", "C"]
    gone = lines(bulk.run("delete", f"Id\n{rows[0]['Id']}\n"))
    assert (gone[0]["Id"], gone[0]["Success"], gone[0]["Created"]) == (rows[0]["Id"], "true", "false")


def test_a_job_as_recordings_show_it(erp: Client) -> None:
    bulk = Bulk(erp, "CSV")
    job_id = bulk.job("insert", concurrencyMode="Parallel")
    shown = bulk.ask("GET", f"job/{job_id}").text
    assert shown.startswith(
        '<?xml version="1.0" encoding="UTF-8"?><jobInfo\n'
        '   xmlns="http://www.force.com/2009/06/asyncapi/dataload">\n'
        f" <id>{job_id}</id>\n <operation>insert</operation>\n <object>Account</object>\n <createdById>005"
    )
    assert [element.tag.removeprefix(SPACE) for element in fromstring(shown)] == [
        *("id", "operation", "object", "createdById", "createdDate", "systemModstamp", "state", "concurrencyMode"),
        *("contentType", "numberBatchesQueued", "numberBatchesInProgress", "numberBatchesCompleted"),
        *("numberBatchesFailed", "numberBatchesTotal", "numberRecordsProcessed", "numberRetries", "apiVersion"),
        *("numberRecordsFailed", "totalProcessingTime", "apiActiveProcessingTime", "apexProcessingTime"),
    ]
    assert text(fromstring(shown), "apiVersion") == "67.0"
    assert text(fromstring(shown), "createdDate").endswith(".000Z")
    in_json = bulk.ask("GET", f"job/{job_id}", media="application/json").json()
    assert list(in_json) == sorted(in_json)
    assert (in_json["externalIdFieldName"], in_json["apiVersion"]) == (None, 67.0)


def test_json_batches(org: SandboxOrg, erp: Client) -> None:
    bulk = Bulk(erp, "JSON")
    outcome = bulk.run(
        "insert", json.dumps([{"Name": "A", "ERP_Key__c": "1"}, {"Name": "B", "Colour__c": "red"}])
    ).json()
    assert list(outcome[0]) == ["success", "created", "id", "errors"]
    assert (outcome[0]["success"], outcome[0]["id"]) == (True, org.rows("Account")[0]["Id"])
    refused: dict[str, Any] = {
        "message": "Unexpected JsonMappingException: No such column 'Colour__c' on sobject of type Account",
        "fields": [],
        "statusCode": "INVALID_FIELD",
        "extendedErrorDetails": None,
    }
    assert outcome[1] == {"success": False, "created": False, "id": None, "errors": [refused]}
    contact = bulk.run("insert", json.dumps([{"LastName": "Doe", "Account": {"ERP_Key__c": "1"}}]), "Contact").json()
    assert org.peek("Contact", contact[0]["id"], "AccountId") == outcome[0]["id"]
    emptied = bulk.run("update", json.dumps([{"Id": outcome[0]["id"], "ERP_Key__c": None}])).json()
    assert emptied[0]["success"]
    assert org.rows("Account")[0]["ERP_Key__c"] is None


def test_xml_batches(org: SandboxOrg, erp: Client) -> None:
    bulk = Bulk(erp, "XML")
    space = f'xmlns="{SPACE.strip("{}")}"'
    bulk.run(
        "insert", f"<sObjects {space}><sObject><Name>A &amp; B</Name><ERP_Key__c>1</ERP_Key__c></sObject></sObjects>"
    )
    account = org.rows("Account")[0]
    assert account["Name"] == "A & B"
    parent = "<Account><sObject><ERP_Key__c>1</ERP_Key__c></sObject></Account>"
    made = bulk.run(
        "insert", f"<sObjects {space}><sObject><LastName>Doe</LastName>{parent}</sObject></sObjects>", "Contact"
    )
    assert text(fromstring(made.content)[0], "success") == "true"
    assert org.rows("Contact")[0]["AccountId"] == account["Id"]
    change = f"<sObject><Id>{account['Id']}</Id><ERP_Key__c {NIL}/></sObject><sObject><Name>X</Name></sObject>"
    result = fromstring(bulk.run("update", f"<sObjects {space}>{change}</sObjects>").content)
    assert org.rows("Account")[0]["ERP_Key__c"] is None
    errors = result[1].find(f"{SPACE}errors")
    assert errors is not None
    assert (text(errors, "statusCode"), text(errors, "message")) == (
        "MISSING_ARGUMENT",
        "Id not specified in an update call",
    )


def test_files_come_in_a_zip(org: SandboxOrg, admin: Client) -> None:
    bulk = Bulk(admin, "CSV")
    document = (
        "<jobInfo><operation>insert</operation><object>Attachment</object><contentType>ZIP_CSV</contentType></jobInfo>"
    )
    job_id = text(fromstring(bulk.ask("POST", "job", document, "application/xml").content), "id")
    account_id = org.insert_row("Account", {"Name": "A"})
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("request.txt", f"Name,ParentId,Body\na.txt,{account_id},#files/a.txt\nb,{account_id},#../b\n")
        archive.writestr("files/a.txt", "hello")
    batch = bulk.ask("POST", f"job/{job_id}/batch", content.getvalue(), "zip/csv")
    batch_id = text(fromstring(batch.content), "id")
    assert bulk.state(job_id, batch_id) == "Completed"
    rows = lines(bulk.ask("GET", f"job/{job_id}/batch/{batch_id}/result"))
    assert [row["Success"] for row in rows] == ["true", "false"]
    assert rows[1]["Error"] == "INVALID_FIELD:Binary file not found: #../b:Body --"
    assert admin.get(f"sobjects/Attachment/{rows[0]['Id']}/Body").content == b"hello"


@pytest.mark.parametrize(
    ("kind", "content", "message"),
    [
        ("CSV", "Name,Colour__c\nA,red\n", "InvalidBatch : Field name not found : Colour__c"),
        ("CSV", '\ufeff"Name"\nA\n', "InvalidBatch : Failed to parse CSV. Found unescaped quote. A value with quote"),
        ("CSV", 'Name\n"A\n', "InvalidBatch : Failed to parse CSV. EOF reached before closing an opened quote"),
        ("CSV", 'Name\n"A" b\n', "InvalidBatch : Failed to parse CSV. Not expecting more text after end quote"),
        ("CSV", "", "InvalidBatch : Records not found"),
        ("CSV", "Name\n", "InvalidBatch : Records not found"),
        ("CSV", "Name\n" + "A\n" * 10_001, "InvalidBatch : Exceeded number of records : 10001."),
        ("JSON", "{", "InvalidBatch : Failed to parse JSON."),
        ("JSON", "[1]", "InvalidBatch : Failed to parse JSON."),
        ("JSON", "[" * 100_000, "InvalidBatch : Failed to parse JSON."),
        ("XML", "<sObjects><sObject>", "InvalidBatch : Unable to parse XML"),
        ("XML", '<!DOCTYPE a [<!ENTITY b "c">]><sObjects>&b;</sObjects>', "InvalidBatch : Unable to parse XML"),
        (
            "XML",
            "<sObjects><sObject><Colour__c>1</Colour__c></sObject></sObjects>",
            "InvalidBatch : Field name not found",
        ),
    ],
)
def test_batches_that_fail(erp: Client, kind: str, content: str, message: str) -> None:
    bulk = Bulk(erp, kind)
    job_id = bulk.job("insert")
    batch_id = bulk.batch(job_id, content)
    shown = fromstring(bulk.ask("GET", f"job/{job_id}/batch/{batch_id}", media="application/xml").content)
    assert (text(shown, "state"), text(shown, "numberRecordsProcessed")) == ("Failed", "0")
    assert text(shown, "stateMessage").startswith(message)
    result = bulk.ask("GET", f"job/{job_id}/batch/{batch_id}/result", media="application/json")
    assert (result.status_code, result.json()) == (
        400,
        {"exceptionCode": "InvalidBatch", "exceptionMessage": "Records not processed"},
    )


@pytest.mark.parametrize(("mode", "second"), [("Parallel", ["Completed"]), ("Serial", ["InProgress", "Completed"])])
def test_batches_go_on_with_each_request(org: SandboxOrg, erp: Client, mode: str, second: list[str]) -> None:
    """Large ones are seen at work; in a serial job one waits for the other."""
    bulk = Bulk(erp, "CSV")
    job_id = bulk.job("insert", concurrencyMode=mode)
    content = "Name\n" + "A\n" * 201
    ids = [bulk.batch(job_id, content), bulk.batch(job_id, content)]
    assert bulk.state(job_id, ids[0]) == "Completed"  # the second batch's request took the first to InProgress
    seen = [bulk.state(job_id, ids[1])]
    while seen[-1] != "Completed":
        seen.append(bulk.state(job_id, ids[1]))
    assert seen == second
    assert len(org.rows("Account")) == 402


def test_an_aborted_job_leaves_its_batches(org: SandboxOrg, erp: Client) -> None:
    bulk = Bulk(erp, "JSON")
    job_id = bulk.job("insert", concurrencyMode=1)
    rows = json.dumps([{"Name": f"A{number}"} for number in range(201)])
    first, second = bulk.batch(job_id, rows), bulk.batch(job_id, rows)
    aborted = bulk.ask("POST", f"job/{job_id}", '{"state": "Aborted"}', "application/json").json()
    assert (aborted["state"], aborted["concurrencyMode"], aborted["numberBatchesTotal"]) == ("Aborted", "Serial", 2)
    assert (bulk.state(job_id, first), bulk.state(job_id, second)) == ("Completed", "NotProcessed")
    assert len(org.rows("Account")) == 201
    for state, message in (
        ("Aborted", "Aborting already aborted Job not allowed"),
        ("Closed", "Closing already aborted Job not allowed"),
    ):
        again = bulk.ask("POST", f"job/{job_id}", json.dumps({"state": state}), "application/json")
        assert again.json() == {"exceptionCode": "InvalidJobState", "exceptionMessage": message}
    late = bulk.ask("POST", f"job/{job_id}/batch", rows, "application/json").json()
    assert late["exceptionMessage"] == (
        "Failed to create batch, since the Job is not Open. Current job state is 'Aborted'"
    )


def test_queries_in_the_three_formats(org: SandboxOrg, admin: Client, user_ids: dict[str, str]) -> None:
    owned = org.rows("PermissionSet", ProfileId=org.peek("User", user_ids["admin"], "ProfileId"))[0]["Id"]
    for name in ("Contact.Birthdate", "Contact.Email", "Contact.AccountId"):
        values = {"ParentId": owned, "SobjectType": "Contact", "Field": name, "PermissionsRead": True}
        org.insert_row("FieldPermissions", values)
    account_id = org.insert_row("Account", {"Name": 'A "1"', "NumberOfEmployees": 3})
    values = {"LastName": "Doe", "AccountId": account_id, "Birthdate": "1970-01-03"}
    contact_id = org.insert_row("Contact", values | {"CreatedDate": "2026-01-05T09:00:00.000+0000"})
    soql = "SELECT Id, LastName, Birthdate, CreatedDate, Account.Name, Email FROM Contact"
    found: dict[str, requests.Response] = {}
    for kind in ("CSV", "JSON", "XML"):
        bulk = Bulk(admin, kind)
        job_id = bulk.job("query", "Contact")
        batch_id = bulk.batch(job_id, soql)
        assert bulk.state(job_id, batch_id) == "Completed"
        listed = bulk.ask("GET", f"job/{job_id}/batch/{batch_id}/result")
        result_id = listed.json()[0] if kind == "JSON" else text(fromstring(listed.content), "result")
        assert result_id.startswith("752")
        found[kind] = bulk.ask("GET", f"job/{job_id}/batch/{batch_id}/result/{result_id}")
        assert bulk.ask("GET", f"job/{job_id}/batch/{batch_id}/request").text == soql
        lost = bulk.ask("GET", f"job/{job_id}/batch/{batch_id}/result/752000000000000AAA")
        assert lost.status_code == 400
    assert lines(found["CSV"])[0]["Account.Name"] == 'A "1"'
    (record,) = found["JSON"].json()
    assert record["Account"]["attributes"]["type"] == "Account"
    assert (record["Birthdate"], record["CreatedDate"], record["Email"]) == (172_800_000, 1_767_603_600_000, None)
    (in_xml,) = fromstring(found["XML"].content)
    assert [element.text for element in in_xml.findall(f"{SPACE}Id")] == [contact_id, contact_id]
    assert text(in_xml, "type") == "Contact"


def test_json_can_hold_typeof(org: SandboxOrg, admin: Client, user_ids: dict[str, str]) -> None:
    org.insert_row("Case", {"OwnerId": user_ids["erp"]})
    bulk = Bulk(admin, "JSON")
    job_id = bulk.job("query", "Case")
    batch_id = bulk.batch(job_id, "SELECT Id, TYPEOF Owner WHEN User THEN Username ELSE Name END FROM Case")
    assert bulk.state(job_id, batch_id) == "Completed"
    (result_id,) = bulk.ask("GET", f"job/{job_id}/batch/{batch_id}/result").json()
    (record,) = bulk.ask("GET", f"job/{job_id}/batch/{batch_id}/result/{result_id}").json()
    assert (record["Owner"]["attributes"]["type"], record["Owner"]["Username"]) == ("User", "erp.sync@acme.example")


def test_queries_that_find_nothing_or_are_refused(erp: Client) -> None:
    bulk = Bulk(erp, "CSV")
    job_id = bulk.job("query")
    empty, wrong = bulk.batch(job_id, "SELECT Id FROM Account"), bulk.batch(job_id, "SELECT Secret__c FROM Account")
    assert bulk.state(job_id, empty) == "Completed"
    listed = bulk.ask("GET", f"job/{job_id}/batch/{empty}/result")
    result_id = text(fromstring(listed.content), "result")
    assert bulk.ask("GET", f"job/{job_id}/batch/{empty}/result/{result_id}").text == "Records not found for this query"
    shown = fromstring(bulk.ask("GET", f"job/{job_id}/batch/{wrong}").content)
    assert text(shown, "state") == "Failed"
    assert text(shown, "stateMessage").startswith("InvalidBatch : Failed to process query: INVALID_FIELD: ")


def test_a_query_is_cut_by_primary_keys(org: SandboxOrg, erp: Client, user_ids: dict[str, str]) -> None:
    for number in range(5):
        org.insert_row("Account", {"Name": f"A{number}", "OwnerId": user_ids["erp"]})
    bulk = Bulk(erp, "JSON")
    job_id = bulk.job("query", headers={"Sforce-Enable-PKChunking": "chunkSize=2"})
    first = bulk.batch(job_id, "SELECT Name FROM Account")
    batches = bulk.ask("GET", f"job/{job_id}/batch", media="application/json").json()["batchInfo"]
    assert [one["state"] for one in batches] == ["NotProcessed", "Completed", "Completed", "Completed"]
    assert batches[0]["id"] == first
    assert [one["numberRecordsProcessed"] for one in batches] == [0, 2, 2, 1]
    for query, expected in (("?isPkChunkingEnabled=true", [job_id]), ("?jobType=V2Query", [])):
        assert [one["id"] for one in erp.get(f"jobs/query{query}").json()["records"]] == expected


@pytest.mark.parametrize(
    ("asked", "code", "message"),
    [
        ({"object": "Nothing"}, "InvalidJob", "Unable to find object: Nothing"),
        ({"operation": "turn"}, "InvalidJob", "Invalid value: 'turn' supplied for property: 'operation'"),
        ({"contentType": "YAML"}, "InvalidJob", "Invalid value: 'YAML' supplied for property: 'contentType'"),
        ({"operation": "upsert"}, "InvalidJob", "Field name provided,  does not match an External ID for Account"),
        (
            {"operation": "hardDelete"},
            "FeatureNotEnabled",
            "hardDelete operation requires special user profile permission",
        ),
        (
            {"object": "UserPermissionAccess"},
            "InvalidEntity",
            "Entity 'UserPermissionAccess' is not supported by the Bulk",
        ),
    ],
)
def test_jobs_that_are_refused(erp: Client, asked: dict[str, str], code: str, message: str) -> None:
    body = {"operation": "insert", "object": "Account", "contentType": "JSON"} | asked
    response = Bulk(erp, "JSON").ask("POST", "job", json.dumps(body), "application/json")
    assert (response.status_code, response.json()["exceptionCode"]) == (400, code)
    assert response.json()["exceptionMessage"].startswith(message)


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", "jobs", "InvalidUrl"),
        ("GET", "job", "InvalidOperation"),
        ("DELETE", "job/750000000000000AAA", "InvalidOperation"),
        ("GET", "job/750000000000000AAA", "InvalidJob"),
        ("GET", "job/nonsense/batch/x/result", "InvalidJob"),
        ("POST", "job", "InvalidXML"),
    ],
)
def test_requests_that_are_refused(erp: Client, method: str, path: str, code: str) -> None:
    response = Bulk(erp, "CSV").ask(method, path, b"<jobInfo" if method == "POST" else None)
    assert (response.status_code, response.headers["Content-Type"]) == (400, "application/xml")
    assert text(fromstring(response.content), "exceptionCode") == code


def test_sessions_and_versions(erp: Client, server: SandboxServer, admin: Client) -> None:
    stranger = Bulk(Client(server.ready.instance_url, "nobody"), "CSV")
    refused = stranger.ask("GET", "job/750000000000000AAA")
    assert refused.status_code == 400
    assert refused.text == (
        '<?xml version="1.0" encoding="UTF-8"?><error\n'
        '   xmlns="http://www.force.com/2009/06/asyncapi/dataload">\n'
        " <exceptionCode>InvalidSessionId</exceptionCode>\n"
        " <exceptionMessage>Invalid session id</exceptionMessage>\n</error>\n"
    )
    stranger.client.http.close()
    old = erp.ask("POST", "/services/async/20.0/job", json={})
    assert old.json()["exceptionCode"] == "InvalidVersion"
    job_id = Bulk(admin, "JSON").job("insert")
    others = erp.ask("GET", f"{BASE}/job/{job_id}", headers={"Content-Type": "application/json"})
    assert others.json()["exceptionCode"] == "InvalidUser"
    own = admin.ask("GET", f"{BASE}/job/{job_id}")  # with Authorization: Bearer, and in the job's own format
    assert own.json()["id"] == job_id


def test_the_days_batches_run_out(org: SandboxOrg, erp: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "DAILY_BATCHES", 1)
    bulk = Bulk(erp, "JSON")
    job_id = bulk.job("insert")
    assert bulk.ask("POST", f"job/{job_id}/batch", "[]", "application/json").status_code == 201
    refused = bulk.ask("POST", f"job/{job_id}/batch", "[]", "application/json").json()
    assert refused == {"exceptionCode": "ExceededQuota", "exceptionMessage": "ApiBatchItems Limit exceeded."}
    for _ in range(25):
        org.clock.advance(3600)
        assert erp.get("sobjects").status_code == 200  # which keeps the session
    assert bulk.ask("POST", f"job/{job_id}/batch", "[]", "application/json").status_code == 201
