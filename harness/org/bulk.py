"""Bulk API 2.0 jobs: ingest and query, waited for with growing pauses (facts 5.8).

simple-salesforce's own Bulk 2.0 client sleeps by the real clock and hides the job's answers, so only its session is
used.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from harness.errors import OrgUnreachable
from harness.org.clock import Clock
from harness.org.reply import ApiError, BulkResult, Reply

if TYPE_CHECKING:
    from harness.org.connection import Connection

Operation = Literal["insert", "update", "upsert", "delete"]

_ENDED = ("JobComplete", "Failed", "Aborted")
_CSV = {"Content-Type": "text/csv; charset=UTF-8"}
_LONGEST_WAIT = 3600.0
"""Seconds to wait for one job."""


def run_query(connection: Connection, soql: str, clock: Clock) -> BulkResult:
    """Run a query job and read all pages of its result. A refused job is a BulkResult with `error`."""
    made = connection.request("POST", "jobs/query", json={"operation": "query", "query": soql})
    if not made.ok:
        return _refused(made)
    job = _wait(connection, f"jobs/query/{made.body['id']}", clock)
    if job["state"] != "JobComplete":
        return _ended(job)
    rows: list[dict[str, str]] = []
    locator = ""
    while True:
        path = f"{connection.site.data_path}/jobs/query/{job['id']}/results"
        page = connection.send("GET", path + (f"?locator={locator}" if locator else ""), headers={"Accept": "text/csv"})
        if not page.ok:
            return _refused(page, job["id"])
        rows += _rows(page)
        locator = page.headers.get("sforce-locator", "null")
        if locator == "null":
            return BulkResult(job["id"], job["state"], processed=len(rows), rows=rows)


def run_ingest(
    connection: Connection,
    operation: Operation,
    sobject: str,
    rows: Sequence[Mapping[str, Any]],
    clock: Clock,
    *,
    external_id: str | None = None,
) -> BulkResult:
    """Create, fill, close and await an ingest job and read its results. A refused job is a BulkResult with `error`."""
    job = {"object": sobject, "operation": operation, "contentType": "CSV", "lineEnding": "LF"}
    if external_id:
        job["externalIdFieldName"] = external_id
    made = connection.request("POST", "jobs/ingest", json=job)
    if not made.ok:
        return _refused(made)
    job_id = made.body["id"]
    path = f"{connection.site.data_path}/jobs/ingest/{job_id}"
    for reply in (
        connection.send("PUT", f"{path}/batches", body=to_csv(rows), headers=_CSV),
        connection.request("PATCH", path, json={"state": "UploadComplete"}),
    ):
        if not reply.ok:
            return _refused(reply, job_id)
    ended = _wait(connection, path, clock)
    succeeded = list(_results(connection, path, "successfulResults"))
    failed = list(_results(connection, path, "failedResults")) if ended.get("numberRecordsFailed") else []
    left = () if ended["state"] == "JobComplete" else tuple(_results(connection, path, "unprocessedrecords"))
    return BulkResult(
        job_id,
        ended["state"],
        processed=int(ended.get("numberRecordsProcessed", len(succeeded) + len(failed))),
        failed=len(failed),
        rows=succeeded,
        errors=tuple(row.get("sf__Error", "") for row in failed),
        error=_job_error(ended),
        unprocessed=len(left),
    )


def to_csv(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """Rows as CSV, one header line; a missing or None value is empty, true and false are lower case."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    out = io.StringIO()
    writer = csv.DictWriter(out, names, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    return out.getvalue().encode()


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else value


def _wait(connection: Connection, path: str, clock: Clock) -> dict[str, Any]:
    """Ask for the job until it has ended, first after half a second, later every ten."""
    pause, waited = 0.5, 0.0
    while True:
        reply = connection.request("GET", path)
        if not reply.ok:
            return {"id": path.rsplit("/", 1)[-1], "state": "Failed", "errorMessage": str(reply.errors[0])}
        job: dict[str, Any] = reply.body
        if job["state"] in _ENDED:
            return job
        if waited > _LONGEST_WAIT:
            raise OrgUnreachable(
                f"bulk job {job['id']} is still {job['state']} after {waited:.0f} s",
                asked=f"GET {path}",
                may_have_happened=True,
                remedy="look at it in Setup, Bulk Data Load Jobs",
            )
        clock.sleep(pause)
        waited += pause
        pause = min(pause * 1.5, 10.0)


def _results(connection: Connection, path: str, name: str) -> Iterator[dict[str, str]]:
    reply = connection.send("GET", f"{path}/{name}", headers={"Accept": "text/csv"})
    if reply.ok:
        yield from _rows(reply)


def _rows(reply: Reply) -> list[dict[str, str]]:
    text = reply.body if isinstance(reply.body, str) else ""
    return list(csv.DictReader(io.StringIO(text, newline="")))


def _job_error(job: Mapping[str, Any]) -> ApiError | None:
    if job["state"] == "JobComplete":
        return None
    code, _, message = str(job.get("errorMessage") or job["state"]).partition(":")
    return ApiError(code.strip(), message.strip())


def _ended(job: Mapping[str, Any]) -> BulkResult:
    return BulkResult(job["id"], job["state"], error=_job_error(job))


def _refused(reply: Reply, job_id: str = "") -> BulkResult:
    return BulkResult(job_id, "Refused", error=reply.errors[0])
