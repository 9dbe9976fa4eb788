"""Bulk API 2.0 jobs."""

from __future__ import annotations

from typing import Any

import pytest

from harness.errors import OrgUnreachable
from harness.org.bulk import to_csv
from tests.unit.fake_org import Asked, Bench, Told

JOB = "/services/data/v67.0/jobs/ingest/750A"
CSV = {"Content-Type": "text/csv"}


def job(state: str, **more: Any) -> Told:
    return Told(200, {"id": "750A", "state": state, **more})


def ingest(bench: Bench, *states: Told, ok: str = "", failed: str = "", left: str = "") -> None:
    waiting = list(states)
    bench.org.on("POST", ".*/jobs/ingest", job("Open"))
    bench.org.on("PUT", f"{JOB}/batches", Told(201))
    bench.org.on("PATCH", JOB, job("UploadComplete"))
    bench.org.on("GET", JOB, lambda _: waiting.pop(0))
    for name, text in {"successfulResults": ok, "failedResults": failed, "unprocessedrecords": left}.items():
        bench.org.on("GET", f"{JOB}/{name}", Told(200, text.encode(), CSV))


def test_an_ingest_job_to_its_results(bench: Bench) -> None:
    ingest(
        bench,
        job("UploadComplete"),
        job("InProgress"),
        job("JobComplete", numberRecordsProcessed=3, numberRecordsFailed=1),
        ok='"sf__Id","sf__Created",Name\n"001A","true","a, ""b"""\n"001B","false","c\nd"\n',
        failed='"sf__Id","sf__Error",Name\n"","INVALID_FIELD:No such column:--","x"\n',
    )
    rows = [{"Name": 'a, "b"', "Active__c": True}, {"Name": "c\nd"}, {"Name": None}]
    with bench.writing():
        result = bench.connection.bulk_ingest("upsert", "Account", rows, external_id="Key__c")
    assert (result.state, result.processed, result.failed, result.unprocessed) == ("JobComplete", 3, 1, 0)
    assert [row["Name"] for row in result.rows] == ['a, "b"', "c\nd"]
    assert result.errors == ("INVALID_FIELD:No such column:--",)
    assert result.error is None
    made, uploaded, closed = (
        each for each in bench.org.asked if each.method in ("POST", "PUT", "PATCH") and "jobs" in each.path
    )
    assert made.json["operation"] == "upsert"
    assert made.json["externalIdFieldName"] == "Key__c"
    assert uploaded.body == b'Name,Active__c\n"a, ""b""",true\n"c\nd",\n,\n'
    assert uploaded.headers["content-type"].startswith("text/csv")
    assert closed.json == {"state": "UploadComplete"}
    assert bench.clock.slept == [0.5, 0.75]


def test_a_job_that_fails_says_why_and_what_is_left(bench: Bench) -> None:
    ended = job("Failed", errorMessage="InvalidBatch : Field name not found : Nmae", numberRecordsFailed=0)
    ingest(bench, ended, left="Nmae\nx\ny\n")
    with bench.writing():
        result = bench.connection.bulk_ingest("insert", "Account", [{"Nmae": "x"}, {"Nmae": "y"}])
    assert result.state == "Failed"
    assert str(result.error) == "InvalidBatch: Field name not found : Nmae"
    assert result.unprocessed == 2


def test_a_job_that_is_refused_is_a_result(bench: Bench) -> None:
    refusal = Told(400, [{"errorCode": "INVALIDENTITY", "message": "Entity 'X' is not supported by the Bulk API."}])
    bench.org.on("POST", ".*/jobs/.*", refusal)
    with bench.writing():
        assert bench.connection.bulk_ingest("insert", "X", [{}]).error is not None
    result = bench.connection.bulk_query("SELECT Id FROM X")
    assert (result.state, result.error and result.error.code) == ("Refused", "INVALIDENTITY")


def test_a_query_job_page_by_page(bench: Bench) -> None:
    path = "/services/data/v67.0/jobs/query/750Q"
    bench.org.on("POST", ".*/jobs/query", Told(200, {"id": "750Q", "state": "UploadComplete"}))
    bench.org.on("GET", path, Told(200, {"id": "750Q", "state": "JobComplete"}))

    def results(asked: Asked) -> Told:
        text, following = ("Id\n1\n2\n", "MTA") if "locator" not in asked.query else ("Id\n3\n", "null")
        return Told(200, text.encode(), {**CSV, "Sforce-Locator": following, "Sforce-NumberOfRecords": "2"})

    bench.org.on("GET", rf"{path}/results(\?locator=MTA)?", results)
    result = bench.connection.bulk_query("SELECT Id FROM Account")
    assert [row["Id"] for row in result.rows] == ["1", "2", "3"]
    assert (result.processed, result.state) == (3, "JobComplete")
    assert bench.org.asked[1].json == {"operation": "query", "query": "SELECT Id FROM Account"}


def test_a_job_that_never_ends_is_given_up(bench: Bench) -> None:
    bench.org.on("POST", ".*/jobs/query", Told(200, {"id": "750Q", "state": "UploadComplete"}))
    bench.org.on("GET", ".*/jobs/query/750Q", Told(200, {"id": "750Q", "state": "InProgress"}))
    with pytest.raises(OrgUnreachable, match="750Q is still InProgress after 36"):
        bench.connection.bulk_query("SELECT Id FROM Account")
    assert bench.clock.slept == sorted(bench.clock.slept)
    assert max(bench.clock.slept) == 10.0


def test_csv_has_every_column_once() -> None:
    assert to_csv([{"A": 1}, {"B": False, "A": None}]) == b"A,B\n1,\n,false\n"
