"""Bulk API 2.0: ingest and query jobs as a client polls them."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

import pytest
import requests

from harness.sandbox.org import SandboxOrg

from .conftest import Client

JOBS = "jobs/ingest"


def ingest(client: Client, data: str, operation: str = "insert", **options: str) -> str:
    """Run an ingest job until it is finished, and return its id."""
    asked = {"object": "Account", "operation": operation, "contentType": "CSV"} | options
    created = client.post(JOBS, asked)
    assert created.status_code == 200, created.text
    job_id = str(created.json()["id"])
    assert created.json()["state"] == "Open"
    assert created.json()["contentUrl"] == f"services/data/v67.0/jobs/ingest/{job_id}/batches"
    put = client.ask("PUT", f"/{created.json()['contentUrl']}", data=iter([data.encode()]))
    assert (put.status_code, put.content) == (201, b"")
    closed = client.ask("PATCH", f"{JOBS}/{job_id}", json={"state": "UploadComplete"})
    assert closed.json()["state"] == "UploadComplete"
    return job_id


def states(client: Client, path: str) -> list[str]:
    seen = [client.get(path).json()["state"]]
    while seen[-1] not in ("JobComplete", "Failed"):
        seen.append(client.get(path).json()["state"])
    return seen


def run(client: Client, data: str, operation: str = "insert", **options: str) -> str:
    job_id = ingest(client, data, operation, **options)
    states(client, f"{JOBS}/{job_id}")
    return job_id


def rows(response: requests.Response) -> list[dict[str, str]]:
    assert response.status_code == 200, response.text
    assert response.headers["Content-Type"] == "text/csv"
    return list(csv.DictReader(io.StringIO(response.text)))


def test_rows_go_in_and_each_answers_for_itself(org: SandboxOrg, erp: Client) -> None:
    job_id = ingest(erp, "Name,ERP_Key__c\nA,1\nB,1\n")
    assert states(erp, f"{JOBS}/{job_id}") == ["InProgress", "JobComplete"]
    info = erp.get(f"{JOBS}/{job_id}").json()
    assert (info["numberRecordsProcessed"], info["numberRecordsFailed"], info["jobType"]) == (2, 1, "V2Ingest")
    good = rows(erp.get(f"{JOBS}/{job_id}/successfulResults"))
    bad = rows(erp.get(f"{JOBS}/{job_id}/failedResults"))
    assert list(good[0]) == ["sf__Id", "sf__Created", "Name", "ERP_Key__c"]
    assert [row["Id"] for row in org.rows("Account")] == [good[0]["sf__Id"]]
    assert good[0]["sf__Created"] == "true"
    assert list(bad[0]) == ["sf__Id", "sf__Error", "Name", "ERP_Key__c"]
    assert bad[0]["sf__Error"].startswith("DUPLICATE_VALUE:")
    assert bad[0]["sf__Error"].endswith(" --")
    assert rows(erp.get(f"{JOBS}/{job_id}/unprocessedrecords")) == []


def test_upsert_update_and_delete(org: SandboxOrg, erp: Client) -> None:
    upsert = {"externalIdFieldName": "ERP_Key__c"}
    first = ingest(erp, "Name,ERP_Key__c\nA,1\nB,2\n", "upsert", **upsert)
    assert states(erp, f"{JOBS}/{first}")[-1] == "JobComplete"
    again = ingest(erp, "Name,ERP_Key__c\nA2,1\nC,3\n", "upsert", **upsert)
    states(erp, f"{JOBS}/{again}")
    assert [row["sf__Created"] for row in rows(erp.get(f"{JOBS}/{again}/successfulResults"))] == ["false", "true"]
    ids = {row["Name"]: row["Id"] for row in org.rows("Account")}
    assert sorted(ids) == ["A2", "B", "C"]
    run(erp, f"Id,Name,BillingCity\n{ids['B']},B2,Berlin\n", "update")
    run(erp, f"Id,BillingCity\n{ids['B']},#N/A\n{ids['C']},\n", "update")
    assert org.rows("Account", Name="B2")[0]["BillingCity"] is None
    run(erp, f"Id\n{ids['C']}\n", "delete")
    assert sorted(row["Name"] for row in org.rows("Account")) == ["A2", "B2"]


def test_a_parent_is_named_by_its_key(org: SandboxOrg, erp: Client) -> None:
    run(erp, "Name,ERP_Key__c\nA,1\n")
    job_id = ingest(erp, "LastName,Account.ERP_Key__c\nDoe,1\nRoe,9\n", object="Contact")
    states(erp, f"{JOBS}/{job_id}")
    assert [row["AccountId"] for row in org.rows("Contact")] == [org.rows("Account")[0]["Id"]]
    assert "Foreign key external ID: 9" in rows(erp.get(f"{JOBS}/{job_id}/failedResults"))[0]["sf__Error"]


def test_a_column_that_the_user_does_not_see_fails_the_job(org: SandboxOrg, erp: Client, admin: Client) -> None:
    job_id = ingest(erp, "Name,Secret__c\nA,x\n")
    assert states(erp, f"{JOBS}/{job_id}")[-1] == "Failed"
    assert erp.get(f"{JOBS}/{job_id}").json()["errorMessage"] == "InvalidBatch : Field name not found : Secret__c"
    assert rows(erp.get(f"{JOBS}/{job_id}/unprocessedrecords")) == [{"Name": "A", "Secret__c": "x"}]
    assert org.rows("Account") == []
    assert admin.get(f"{JOBS}/{job_id}").status_code == 200


def test_delimiters_and_line_endings(org: SandboxOrg, erp: Client) -> None:
    job_id = ingest(erp, "Name;ERP_Key__c\r\nA;1\r\n", columnDelimiter="SEMICOLON", lineEnding="CRLF")
    states(erp, f"{JOBS}/{job_id}")
    assert org.rows("Account")[0]["ERP_Key__c"] == "1"
    assert erp.get(f"{JOBS}/{job_id}/successfulResults").text.startswith(
        '"sf__Id";"sf__Created";"Name";"ERP_Key__c"\r\n'
    )


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"object": "Opportunity", "operation": "insert"}, "INVALIDJOB"),
        ({"object": "Account", "operation": "nothing"}, "API_ERROR"),
        ({"object": "Account", "operation": "upsert"}, "INVALIDJOB"),
        ({"object": "Account", "operation": "insert", "columnDelimiter": "X"}, "API_ERROR"),
        ({"object": "Account", "operation": "insert", "contentType": "XML"}, "INVALIDJOB"),
        ({"object": "Account", "operation": "insert", "contentType": "Excel"}, "API_ERROR"),
        ({"object": "Account", "operation": "hardDelete"}, "FEATURENOTENABLED"),
    ],
)
def test_jobs_that_are_refused(erp: Client, asked: dict[str, str], code: str) -> None:
    response = erp.post(JOBS, asked)
    assert (response.status_code, response.json()[0]["errorCode"]) == (400, code)


def test_the_states_of_a_job(erp: Client, integration: Client) -> None:
    job_id = erp.post(JOBS, {"object": "Account", "operation": "insert"}).json()["id"]
    early = erp.get(f"{JOBS}/{job_id}/successfulResults")
    assert early.status_code == 400
    assert list(early.json()[0]) == ["errorCode", "message"]
    assert early.json()[0]["errorCode"] == "INVALIDJOBSTATE"
    assert erp.ask("DELETE", f"{JOBS}/{job_id}").json()[0]["errorCode"] == "INVALIDJOBSTATE"
    assert integration.get(f"{JOBS}/{job_id}").json()[0]["errorCode"] == "INVALIDUSER"
    assert integration.get(JOBS).json()["records"] == []
    assert erp.ask("PATCH", f"{JOBS}/{job_id}", json={"state": "Aborted"}).json()["state"] == "Aborted"
    assert erp.ask("PUT", f"{JOBS}/{job_id}/batches", data=b"Name\nA\n").json()[0]["errorCode"] == "INVALIDJOBSTATE"
    assert [job["id"] for job in erp.get(JOBS).json()["records"]] == [job_id]
    assert erp.ask("DELETE", f"{JOBS}/{job_id}").status_code == 204
    assert erp.get(f"{JOBS}/{job_id}").status_code == 404


@pytest.fixture
def integration(connect: Callable[[str], Client]) -> Client:
    return connect("integration")


def test_a_query_job_in_pages(org: SandboxOrg, erp: Client, user_ids: dict[str, str]) -> None:
    for number in range(5):
        org.insert_row("Account", {"Name": f'A "{number}"', "OwnerId": user_ids["erp"]})
    created = erp.post("jobs/query", {"operation": "query", "query": "select name, owner.name from account"}).json()
    assert (created["state"], created["object"]) == ("UploadComplete", "Account")
    path = f"jobs/query/{created['id']}"
    early = erp.get(f"{path}/results")  # by this the job has gone on to InProgress
    assert (early.status_code, early.json()[0]["errorCode"]) == (412, "JOB_NOT_COMPLETE")
    assert early.json()[0]["message"].endswith("Current status: IN_PROGRESS")
    assert states(erp, path) == ["JobComplete"]
    assert erp.get(path).json()["numberRecordsProcessed"] == 5
    found, locator = [], ""
    while locator != "null":
        page = erp.get(f"{path}/results", params={"maxRecords": "2", "locator": locator})
        found += rows(page)
        locator = page.headers["Sforce-Locator"]
        assert int(page.headers["Sforce-NumberOfRecords"]) == len(rows(page))
    assert [row["Name"] for row in found] == [f'A "{number}"' for number in range(5)]
    assert {row["Owner.Name"] for row in found} == {"Erp"}
    assert erp.ask("DELETE", path).status_code == 204


def test_an_empty_query_job_still_has_a_header(erp: Client) -> None:
    created = erp.post("jobs/query", {"operation": "queryAll", "query": "SELECT Id, Name FROM Account"}).json()
    states(erp, f"jobs/query/{created['id']}")
    assert erp.get(f"jobs/query/{created['id']}/results").text == '"Id","Name"\n'


@pytest.mark.parametrize(
    ("soql", "code"),
    [
        ("SELECT Secret__c FROM Account", "INVALID_FIELD"),
        ("SELECT Id FROM Opportunity", "INVALID_TYPE"),
        ("SELECT count(Id) FROM Account", "API_ERROR"),
        ("SELECT Id, (SELECT Id FROM Contacts) FROM Account", "API_ERROR"),
        ("SELECT Id FROM Account LIMIT 1 OFFSET 1", "API_ERROR"),
    ],
)
def test_query_jobs_that_are_refused(erp: Client, soql: str, code: str) -> None:
    response = erp.post("jobs/query", {"operation": "query", "query": soql})
    assert (response.status_code, response.json()[0]["errorCode"]) == (400, code)
