"""Bulk API 2.0: ingest and query jobs as a client polls them."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

import pytest
import requests

from harness.sandbox.http import bulk_ingest, bulk_query, jobs
from harness.sandbox.http.bulk_csv import BadBatch, read_table
from harness.sandbox.org import SandboxOrg
from harness.sandbox.switches import Switches

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


def put(client: Client, data: bytes, operation: str = "insert", **options: str) -> dict[str, object]:
    """An ingest job with these bytes, at its end."""
    job_id = client.post(JOBS, {"object": "Account", "operation": operation} | options).json()["id"]
    client.ask("PUT", f"{JOBS}/{job_id}/batches", data=data)
    client.ask("PATCH", f"{JOBS}/{job_id}", json={"state": "UploadComplete"})
    states(client, f"{JOBS}/{job_id}")
    return dict(client.get(f"{JOBS}/{job_id}").json())


def test_the_keys_of_a_job_in_their_order(erp: Client) -> None:
    first = ["id", "operation", "object", "createdById", "createdDate", "systemModstamp", "state"]
    middle = ["externalIdFieldName", "concurrencyMode", "contentType", "apiVersion"]
    asked = {"object": "Account", "operation": "upsert", "externalIdFieldName": "ERP_Key__c"}
    created = erp.post(JOBS, asked).json()
    assert list(created) == [*first, *middle, "contentUrl", "lineEnding", "columnDelimiter"]
    shown = erp.get(f"{JOBS}/{created['id']}").json()
    assert list(shown) == [
        *(*first, *middle, "jobType", "contentUrl", "lineEnding", "columnDelimiter"),
        *("numberRecordsProcessed", "numberRecordsFailed", "retries", "totalProcessingTime"),
        *("apiActiveProcessingTime", "apexProcessingTime"),
    ]
    closed = erp.ask("PATCH", f"{JOBS}/{created['id']}", json={"state": "UploadComplete"})
    assert list(closed.json()) == [*first, *middle]
    query = erp.post("jobs/query", {"operation": "query", "query": "SELECT Id FROM Account"}).json()
    assert list(erp.get(f"jobs/query/{query['id']}").json())[-5:] == [
        *("columnDelimiter", "numberRecordsProcessed", "retries", "totalProcessingTime", "isPkChunkingSupported")
    ]


@pytest.mark.parametrize(
    ("data", "options", "message"),
    [
        (b"", {}, "InvalidBatch : Records not found"),
        (b"Name\n", {}, "InvalidBatch : Records not found"),
        (b"Name\n\xff\n", {}, "InvalidBatch : Failed to parse CSV. The data is not encoded in UTF-8"),
        (
            b"Name\r\nA\r\n",
            {},
            "ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is LF",
        ),
        (
            b"Name\nA\n",
            {"lineEnding": "CRLF"},
            "ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is CRLF",
        ),
        (
            b'Name\nA "b"\n',
            {},
            "InvalidBatch : Failed to parse CSV. Found unescaped quote. A value with quote should be",
        ),
        (b'Name\n"A\n', {}, "InvalidBatch : Failed to parse CSV. EOF reached before closing an opened quote"),
        (b"\xef\xbb\xbfName\nA\n", {}, "InvalidBatch : Field name not found : \ufeffName"),
        (b"LastName,Owner.Shoe\nA,x\n", {"object": "Contact"}, "InvalidBatch : Field name not found : Owner.Shoe"),
        (
            b"LastName,Account:Account.ERP_Key__c\nA,x\n",
            {"object": "Contact"},
            "InvalidBatch : type is not needed for non polymorphic foreign key references: Account",
        ),
    ],
)
def test_data_that_fails_the_job(erp: Client, data: bytes, options: dict[str, str], message: str) -> None:
    job = put(erp, data, **options)
    assert (job["state"], job["numberRecordsProcessed"]) == ("Failed", 0)
    assert str(job["errorMessage"]).startswith(message)


def test_cells_of_all_kinds(org: SandboxOrg, admin: Client, user_ids: dict[str, str]) -> None:
    owner = org.peek("User", user_ids["erp"], "Username")
    owned = org.rows("PermissionSet", ProfileId=org.peek("User", user_ids["admin"], "ProfileId"))[0]["Id"]
    for name in ("Contact.HasOptedOutOfEmail", "Account.NumberOfEmployees", "Account.Description"):
        field = {"ParentId": owned, "SobjectType": name.split(".")[0], "Field": name}
        org.insert_row("FieldPermissions", field | {"PermissionsRead": True, "PermissionsEdit": True})
    data = f'Name,Owner.Username,NumberOfEmployees,Description\n"A, ""b""",{owner},7,"two\nlines"\nB,,many,\nC,,1e999,'
    job = put(admin, data.encode())
    (account,) = org.rows("Account")
    assert (account["Name"], account["NumberOfEmployees"], account["Description"]) == ('A, "b"', 7, "two\nlines")
    assert account["OwnerId"] == user_ids["erp"]
    failed = rows(admin.get(f"{JOBS}/{job['id']}/failedResults"))
    assert [row["Name"] for row in failed] == ["B", "C"]
    assert failed[0]["sf__Error"].startswith("INVALID_TYPE_ON_FIELD_IN_RECORD:")
    for cell, expected in (("YES", True), ("off", False)):
        put(admin, f"LastName,HasOptedOutOfEmail\n{cell},{cell}\n".encode(), object="Contact")
        assert org.rows("Contact", LastName=cell)[0]["HasOptedOutOfEmail"] is expected
    job = put(admin, b"LastName,HasOptedOutOfEmail\nX,perhaps\n", object="Contact")
    assert "INVALID_TYPE_ON_FIELD" in rows(admin.get(f"{JOBS}/{job['id']}/failedResults"))[0]["sf__Error"]


@pytest.mark.parametrize("ending", ["\r\n", "\n"])
def test_job_and_data_in_one_request(org: SandboxOrg, erp: Client, ending: str) -> None:
    lines = [
        *("--b0", "Content-Type: application/json", 'Content-Disposition: form-data; name="job"', ""),
        *('{"object": "Account", "contentType": "CSV", "operation": "insert"}', "--b0", "Content-Type: text/csv"),
        *('Content-Disposition: form-data; name="content"; filename="content"', "", "Name\nA\nB", "--b0--", ""),
    ]
    headers = {"Content-Type": 'multipart/form-data; boundary="b0"'}
    created = erp.ask("POST", JOBS, data=ending.join(lines).encode(), headers=headers)
    assert (created.status_code, created.json()["state"]) == (200, "UploadComplete")
    states(erp, f"{JOBS}/{created.json()['id']}")
    assert [row["Name"] for row in org.rows("Account")] == ["A", "B"]


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", b"--x--"),
        ("multipart/form-data; boundary=x", b""),
        ("multipart/form-data; boundary=x", b"--x\r\n\r\n"),
        ("multipart/form-data; boundary=x", b"--x\r\nno blank line\r\n--x--"),
        ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data; name=job\r\n\r\n{}\r\n--x--"),
        ("multipart/form-data; boundary=\xff", b"--x--"),
    ],
)
def test_multipart_that_is_none(erp: Client, content_type: str, body: bytes) -> None:
    response = erp.ask("POST", JOBS, data=body, headers={"Content-Type": content_type.encode("latin-1")})
    assert (response.status_code, response.json()[0]["errorCode"]) == (400, "JSON_PARSER_ERROR")


def test_data_comes_once(erp: Client) -> None:
    job_id = erp.post(JOBS, {"object": "Account", "operation": "insert"}).json()["id"]
    assert erp.ask("PUT", f"{JOBS}/{job_id}/batches/", data=b"Name\nA\n").status_code == 201
    twice = erp.ask("PUT", f"{JOBS}/{job_id}/batches", data=b"Name\nB\n")
    assert (twice.status_code, list(twice.json()[0])) == (400, ["errorCode", "message"])
    assert twice.json()[0]["errorCode"] == "BULK_API_ERROR"
    assert f"<{job_id[:15]}>" in twice.json()[0]["message"]


def test_a_job_goes_on_though_nobody_polls_it(org: SandboxOrg, erp: Client) -> None:
    ingest(erp, "Name\nA\n")
    erp.get("sobjects")
    erp.get("sobjects")
    assert [row["Name"] for row in org.rows("Account")] == ["A"]


def test_an_aborted_job_keeps_what_it_wrote(org: SandboxOrg, erp: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk_ingest, "BATCH_ROWS", 2)
    job_id = ingest(erp, "Name\nA\nB\nC\nD\nE\n")
    seen = [erp.get(f"{JOBS}/{job_id}").json() for _ in range(2)]
    assert [(one["state"], one["numberRecordsProcessed"]) for one in seen] == [("InProgress", 0), ("InProgress", 2)]
    aborted = erp.ask("PATCH", f"{JOBS}/{job_id}", json={"state": "Aborted"})
    assert aborted.json()["state"] == "Aborted"
    assert [row["Name"] for row in org.rows("Account")] == ["A", "B", "C", "D"]
    assert [row["Name"] for row in rows(erp.get(f"{JOBS}/{job_id}/unprocessedrecords"))] == ["E"]
    assert len(rows(erp.get(f"{JOBS}/{job_id}/successfulResults"))) == 4
    again = erp.ask("PATCH", f"{JOBS}/{job_id}", json={"state": "Aborted"})
    assert again.json()[0]["message"] == "Aborting already Aborted Job not allowed"


def test_a_complete_job_can_only_be_deleted(erp: Client, admin: Client) -> None:
    job_id = ingest(erp, "Name\nA\n")
    states(erp, f"{JOBS}/{job_id}")
    done = [
        erp.ask("PATCH", f"{JOBS}/{job_id}", json={"state": state}) for state in ("Aborted", "UploadComplete", "Open")
    ]
    assert [one.json()[0]["message"] for one in done] == [
        "Aborting already Completed Job not allowed",
        "Closing already Completed Job not allowed",
        "Invalid value: 'Open' supplied for property: 'state'",
    ]
    assert admin.ask("DELETE", f"{JOBS}/{job_id}").status_code == 204


def test_what_the_user_may_not_write_fails_row_by_row(org: SandboxOrg, erp: Client, user_ids: dict[str, str]) -> None:
    owned = org.rows("PermissionSet", ProfileId=org.peek("User", user_ids["erp"], "ProfileId"))[0]["Id"]
    right = org.rows("ObjectPermissions", ParentId=owned, SobjectType="Contact")[0]["Id"]
    org.update_row("ObjectPermissions", right, {"PermissionsCreate": False})
    job = put(erp, b"LastName\nA\n", object="Contact")
    assert (job["state"], job["numberRecordsFailed"]) == ("JobComplete", 1)
    (failed,) = rows(erp.get(f"{JOBS}/{job['id']}/failedResults"))
    assert failed["sf__Error"] == ("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY:entity type cannot be inserted: Contact:--")
    upsert = {"object": "Contact", "operation": "upsert", "externalIdFieldName": "Id"}
    refused = erp.post(JOBS, upsert).json()[0]
    assert refused["message"] == "InvalidJob : No create/update access for object:Contact"


def test_rows_without_what_they_need(org: SandboxOrg, erp: Client, user_ids: dict[str, str]) -> None:
    account_id = org.insert_row("Account", {"Name": "A", "OwnerId": user_ids["erp"]})
    for operation, data, error in (
        (
            "insert",
            f"Id,Name\n{account_id},B\n",
            "INVALID_FIELD_FOR_INSERT_UPDATE:cannot specify Id in an insert call:Id --",
        ),
        ("update", "Id,Name\n,B\n", "MISSING_ARGUMENT:Id not specified in an update call:--"),
        ("delete", "Id\n001000000000000AAA\nx\n", "INVALID_CROSS_REFERENCE_KEY:invalid cross reference id:--"),
    ):
        job = put(erp, data.encode(), operation)
        failed = rows(erp.get(f"{JOBS}/{job['id']}/failedResults"))
        if operation == "delete":
            assert len(failed) == 2
        else:
            assert [row["sf__Error"] for row in failed] == [error]
    job = put(erp, f"Id,Name\n{account_id},A\n".encode(), "delete")
    assert job["errorMessage"] == "InvalidBatch : The 'delete' batch must contain only ids"


def test_hard_delete_empties_the_recycle_bin(org: SandboxOrg, admin: Client) -> None:
    first, second = (org.insert_row("Account", {"Name": name}) for name in "AB")
    put(admin, f"Id\n{first}\n".encode(), "delete")
    put(admin, f"Id\n{second}\n".encode(), "hardDelete")
    deleted = admin.get("queryAll", params={"q": "SELECT Id FROM Account WHERE IsDeleted = true"})
    assert [row["Id"] for row in deleted.json()["records"]] == [first]


def test_assignments_in_bulk(org: SandboxOrg, admin: Client, user_ids: dict[str, str]) -> None:
    """Setup objects go through the same rules as everywhere else."""
    set_id = org.insert_row("PermissionSet", {"Name": "S", "Label": "S", "Type": "Regular"})
    line = f"{user_ids['erp']},{set_id}\n"
    job = put(admin, f"AssigneeId,PermissionSetId\n{line}{line}".encode(), object="PermissionSetAssignment")
    assert (job["numberRecordsProcessed"], job["numberRecordsFailed"]) == (2, 1)
    (failed,) = rows(admin.get(f"{JOBS}/{job['id']}/failedResults"))
    assert failed["sf__Error"].startswith("DUPLICATE_VALUE:Duplicate PermissionSetAssignment.")


def test_the_list_of_jobs_in_pages(erp: Client, admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "_PAGE", 2)
    made = [erp.post(JOBS, {"object": "Account", "operation": "insert"}).json()["id"] for _ in range(3)]
    page = erp.get(JOBS).json()
    assert (page["done"], [one["id"] for one in page["records"]]) == (False, made[:2])
    assert page["records"][0]["jobType"] == "V2Ingest"
    rest = erp.get(page["nextRecordsUrl"]).json()
    assert (rest["done"], [one["id"] for one in rest["records"]], rest["nextRecordsUrl"]) == (True, made[2:], None)
    assert len(admin.get(f"{JOBS}?jobType=V2Ingest").json()["records"]) == 2
    assert admin.get(f"{JOBS}?jobType=V2Query").json()["records"] == []
    assert admin.get(f"{JOBS}?isPkChunkingEnabled=true").json()["records"] == []
    assert admin.get(f"{JOBS}?jobType=Other").json()[0]["errorCode"] == "API_ERROR"
    assert admin.get(f"{JOBS}?queryLocator=x").json()[0]["errorCode"] == "INVALID_QUERY_LOCATOR"


def test_results_in_parallel(org: SandboxOrg, erp: Client, user_ids: dict[str, str]) -> None:
    for number in range(7):
        org.insert_row("Account", {"Name": f"A{number}", "OwnerId": user_ids["erp"]})
    created = erp.post("jobs/query", {"operation": "query", "query": "SELECT Name FROM Account ORDER BY Name"}).json()
    path = f"jobs/query/{created['id']}"
    states(erp, path)
    pages = erp.get(f"{path}/resultPages?maxRecords=1").json()
    assert (len(pages["resultPages"]), pages["done"]) == (5, False)
    more = erp.get(pages["nextRecordsUrl"]).json()
    assert (len(more["resultPages"]), more["done"]) == (2, True)
    found = [rows(erp.get(one["resultUrl"])) for one in (*pages["resultPages"], *more["resultPages"])]
    assert [row["Name"] for page in found for row in page] == [f"A{number}" for number in range(7)]
    other = erp.get(f"/services/data/v60.0/{path}/results")
    assert (other.status_code, other.json()[0]["errorCode"]) == (409, "API_ERROR")
    for locator in ("!", "YQ", "LTE", "OTk5OTk5OTk5OTk5OTk5OTk5OTk5OQ"):
        assert erp.get(f"{path}/results?locator={locator}").json()[0]["errorCode"] == "INVALID_QUERY_LOCATOR"


def test_results_too_early_may_be_no_content(org: SandboxOrg, erp: Client) -> None:
    org.switches = Switches(bulk_results_too_early="no-content")
    created = erp.post("jobs/query", {"operation": "query", "query": "SELECT Id FROM Account"}).json()
    assert erp.get(f"jobs/query/{created['id']}/results").status_code == 204


def test_the_days_query_jobs_run_out(erp: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk_query, "DAILY_QUERY_JOBS", 1)
    asked = {"operation": "query", "query": "SELECT Id FROM Account"}
    assert erp.post("jobs/query", asked).status_code == 200
    refused = erp.post("jobs/query", asked).json()[0]
    assert refused["errorCode"] == "LIMIT_EXCEEDED"
    assert refused["message"] == "Max bulk v2 query jobs (1) per 24 hrs has been reached (2)"


@pytest.mark.parametrize(
    ("soql", "message"),
    [
        ("SELECT Id, (SELECT Id FROM Contacts) FROM Account", "Aggregate Relationships not supported in Bulk Query"),
        ("SELECT count(Id) FROM Account", "GROUP BY, OFFSET and aggregate functions are not supported"),
        ("SELECT BillingAddress FROM Account", "Selecting compound data not supported in Bulk Query"),
        (
            "SELECT DurableId FROM EntityDefinition",
            "InvalidEntity : Entity 'EntityDefinition' is not supported by the Bulk",
        ),
    ],
)
def test_what_cannot_be_queried_in_bulk(admin: Client, erp: Client, soql: str, message: str) -> None:
    client = erp if "Account" in soql else admin
    response = client.post("jobs/query", {"operation": "query", "query": soql})
    assert response.status_code == 400
    assert response.json()[0]["message"].startswith(message)


def test_large_data_is_read_in_time() -> None:
    """Quotes and delimiters in every cell, and one long quoted text, are read without going back over them."""
    text = '"a""b,c",d\n' * 50_000 + '"' + '""' * 500_000 + '",x\n'
    table = read_table(text)
    assert (len(table), table[0], len(table[-1][0])) == (50_001, ['a"b,c', "d"], 500_000)
    with pytest.raises(BadBatch, match="EOF reached"):
        read_table('"' + '""' * 500_000)


def test_lines_and_cells() -> None:
    assert read_table('A,B\n\n"",\n,\n,1\n') == [["A", "B"], ["", "1"]]
    assert read_table('A\n""\n\nx') == [["A"], ["x"]]
    assert read_table("A;B\r\n1;", delimiter=";") == [["A", "B"], ["1", ""]]


def test_what_was_used_shows_in_the_limits(erp: Client, admin: Client) -> None:
    erp.post("jobs/query", {"operation": "query", "query": "SELECT Id FROM Account"})
    put(erp, b"Name\nA\n")
    limits = admin.get("limits").json()
    assert limits["DailyBulkV2QueryJobs"] == {"Max": 10_000, "Remaining": 9_999}
    assert limits["DailyBulkApiBatches"] == {"Max": 15_000, "Remaining": 14_999}
