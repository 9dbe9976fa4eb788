"""Query jobs of Bulk API 2.0: a SOQL query whose rows are fetched as CSV, page by page with a locator."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from harness.sandbox.errors import ApiError
from harness.sandbox.http import bulk_rows
from harness.sandbox.http.bulk_csv import DELIMITERS, LINE_ENDINGS, write_table
from harness.sandbox.http.bulk_rows import JobRefused
from harness.sandbox.http.call import Call
from harness.sandbox.http.columns import csv_columns, refuse_in_bulk
from harness.sandbox.http.jobs import (
    ABORTED,
    COMPLETE,
    DAILY_QUERY_JOBS,
    FAILED,
    IN_PROGRESS,
    UPLOADED,
    CsvJob,
    abort,
    base_of,
    choice,
    csv_info,
    csv_options,
    find_job,
    job_list,
    keep,
    refused,
    remove,
    start,
)
from harness.sandbox.http.wire import CSV_TYPE, Answer
from harness.sandbox.soql.plan import QueryResult
from harness.sandbox.store import COMPOUND_TYPES

PAGE = 50_000
OPERATIONS = ("query", "queryAll")
_RESULT_URLS = 5


@dataclass(slots=True)
class QueryJob(CsvJob):
    """One query job; `rows` are the results, once it has run."""

    type: ClassVar[str] = "V2Query"
    query: str = ""
    columns: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)

    def step(self, call: Call) -> None:
        """Run the query, as the second step."""
        if self.state == UPLOADED:
            self.state = IN_PROGRESS
            return
        _, self.columns, self.rows = run_query(call, self.query, all_rows=self.operation == "queryAll")
        self.state = COMPLETE


def create(call: Call) -> Answer:
    """`POST jobs/query`: a query that the org refuses is refused here already."""
    asked = call.json_object()
    operation = choice(asked, "operation", OPERATIONS)
    soql = asked.get("query")
    if not isinstance(soql, str) or not soql.strip():
        raise ApiError(400, "INVALIDJOB", "InvalidJob : A query job needs a query")
    options = csv_options(asked)
    result, _, _ = run_query(call, soql, all_rows=operation == "queryAll")
    _count(call)
    base = base_of(call, operation=operation, sobject=result.sobject, state=UPLOADED)
    job = QueryJob(**base, **options, query=soql)
    keep(call.desk, job)
    start(call.desk, job)
    return Answer(200, csv_info(job, typed=False))


def show(call: Call, job_id: str) -> Answer:
    """`GET jobs/query/ID`: with progress."""
    job = find_job(call, job_id, QueryJob)
    described = csv_info(job) | {
        "numberRecordsProcessed": len(job.rows),
        "retries": 0,
        "totalProcessingTime": job.milliseconds,
        "isPkChunkingSupported": True,
    }
    return Answer(200, described | ({"errorMessage": job.error} if job.error else {}))


def show_all(call: Call) -> Answer:
    """`GET jobs/query`."""
    return job_list(call, "query", QueryJob.type)


def change(call: Call, job_id: str) -> Answer:
    """`PATCH jobs/query/ID`: a job can only be aborted. Raises ApiError INVALIDJOBSTATE."""
    job = find_job(call, job_id, QueryJob)
    choice(call.json_object(), "state", (ABORTED,))
    return abort(call, job)


def delete(call: Call, job_id: str) -> Answer:
    """`DELETE jobs/query/ID`: 204."""
    return remove(call, find_job(call, job_id, QueryJob), states=(COMPLETE, ABORTED, FAILED))


def results(call: Call, job_id: str) -> Answer:
    """`GET jobs/query/ID/results?locator=&maxRecords=`: CSV; `Sforce-Locator` is `null` on the last page."""
    job, early = _finished(call, job_id)
    if early is not None:
        return early
    first = _start(call.params.get("locator", ""))
    end = first + _page(call)
    page = job.rows[first:end]
    following = _locator(end) if end < len(job.rows) else "null"
    headers = {"Sforce-Locator": following, "Sforce-NumberOfRecords": str(len(page))}
    text = write_table(
        job.columns, page, delimiter=DELIMITERS[job.delimiter], line_ending=LINE_ENDINGS[job.line_ending]
    )
    return Answer(200, text, headers, CSV_TYPE)


def result_pages(call: Call, job_id: str) -> Answer:
    """`GET jobs/query/ID/resultPages`: up to five addresses of results at once, to be fetched in parallel."""
    job, early = _finished(call, job_id)
    if early is not None:
        return early
    size, first = _page(call), _start(call.params.get("locator", ""))
    starts = list(range(first, max(len(job.rows), first + 1), size))
    path = f"{call.base}/jobs/query/{job.id}"
    suffix = f"&maxRecords={size}" if "maxRecords" in call.params else ""
    pages = [{"resultUrl": f"{path}/results?locator={_locator(one)}{suffix}"} for one in starts[:_RESULT_URLS]]
    rest = starts[_RESULT_URLS:]
    body: dict[str, Any] = {"resultPages": pages}
    if rest:
        body["nextRecordsUrl"] = f"{path}/resultPages?locator={_locator(rest[0])}{suffix}"
    return Answer(200, body | {"done": not rest})


def run_query(call: Call, soql: str, *, all_rows: bool) -> tuple[QueryResult, list[str], list[list[str]]]:
    """The result of a bulk query, its columns and its rows as CSV shows them.

    Raises ApiError for what the org or the Bulk API refuses.
    """
    result = find_records(call, soql, all_rows=all_rows)
    paths = [_as_in_schema(call, result.sobject, path) for path in csv_columns(soql)]
    rows = [[_cell(record, path) for path in paths] for record in result.records]
    return result, [".".join(path) for path in paths], rows


def find_records(call: Call, soql: str, *, all_rows: bool) -> QueryResult:
    """The result of a bulk query in a format that holds more than CSV does, as TYPEOF. Raises ApiError."""
    result = call.org.query(soql, as_user=call.user_id, all_rows=all_rows, tooling=False, version=call.version)
    try:
        bulk_rows.refuse_unsupported(result.sobject)
    except JobRefused as error:
        raise refused(error) from error
    refuse_in_bulk(soql)
    return result


def _count(call: Call) -> None:
    """Use one of the day's query jobs. Raises ApiError LIMIT_EXCEEDED when there is none left."""
    now, made = call.org.clock.peek(), call.desk.query_jobs
    if made.count(now) >= DAILY_QUERY_JOBS:
        text = f"Max bulk v2 query jobs ({DAILY_QUERY_JOBS}) per 24 hrs has been reached ({made.count(now) + 1})"
        raise ApiError(400, "LIMIT_EXCEEDED", text)
    made.add(now)


def _finished(call: Call, job_id: str) -> tuple[QueryJob, Answer | None]:
    """The job, and what is answered instead of results while it has none.

    Raises ApiError: another API version than the job's, or too early.
    """
    job = find_job(call, job_id, QueryJob)
    if job.version != call.version:
        text = f"The results of a job of API version {job.version} cannot be fetched with version {call.version}"
        raise ApiError(409, "API_ERROR", text)
    if job.state == COMPLETE:
        return job, None
    if call.org.switches.bulk_results_too_early == "no-content":
        return job, Answer(204)
    status = "".join("_" + char if char.isupper() else char for char in job.state).strip("_").upper()
    text = (
        "can only download query results of successfully completed bulk job with status: JOB_COMPLETE. "
        f"Current status: {status}"
    )
    raise ApiError(412, "JOB_NOT_COMPLETE", text)


def _page(call: Call) -> int:
    most = call.params.get("maxRecords", "")
    return int(most) if most.isdecimal() and 0 < len(most) < 9 and int(most) else PAGE


def _locator(start: int) -> str:
    return base64.urlsafe_b64encode(str(start).encode()).decode().rstrip("=")


def _start(locator: str) -> int:
    try:
        padded = locator + "=" * (-len(locator) % 4)
        start = base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii") or "0"
    except (ValueError, binascii.Error):
        start = ""
    if not start.isdecimal() or len(start) > 9:
        raise ApiError(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
    return int(start)


def _as_in_schema(call: Call, sobject: str, path: tuple[str, ...]) -> tuple[str, ...]:
    """The path as records spell it: relationships and fields in the schema's case. Raises ApiError for a compound."""
    described = call.org.schema.get(sobject)
    spelled = []
    for step in path[:-1]:
        fields = described.fields.values() if described else ()
        link = next((one for one in fields if (one.relationship_name or "").lower() == step.lower()), None)
        spelled.append(link.relationship_name or step if link else step)
        described = call.org.schema.get(link.reference_to[0]) if link and link.reference_to else None
    last = described.get(path[-1]) if described else None
    if last is not None and last.type in COMPOUND_TYPES:
        raise ApiError(400, "API_ERROR", "Selecting compound data not supported in Bulk Query")
    return (*spelled, last.name if last else path[-1])


def _cell(record: Mapping[str, Any], path: tuple[str, ...]) -> str:
    """A value as CSV shows it, through parents where the path goes through them."""
    value: Any = record
    for step in path:
        value = value.get(step) if isinstance(value, Mapping) else None
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value) if isinstance(value, (dict, list)) else str(value)
