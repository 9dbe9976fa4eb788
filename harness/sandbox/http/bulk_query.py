"""Query jobs of Bulk API 2.0: a SOQL query whose rows are fetched as CSV, page by page with a locator."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from harness.sandbox.errors import ApiError
from harness.sandbox.http.call import Call
from harness.sandbox.http.columns import csv_columns
from harness.sandbox.http.jobs import (
    ABORTED,
    COMPLETE,
    UPLOADED,
    csv_answer,
    find_job,
    full_info,
    info,
    job_list,
    new_job,
    poll,
    remove_job,
    wrong_state,
)
from harness.sandbox.http.wire import Answer

PAGE = 50_000
_OPERATIONS = ("query", "queryAll")


def create(call: Call) -> Answer:
    """`POST jobs/query`: a query that the org refuses is refused here already."""
    asked = call.json_object()
    operation, soql = asked.get("operation"), asked.get("query")
    if operation not in _OPERATIONS or not isinstance(soql, str):
        raise ApiError(400, "INVALIDJOB", "A query job needs an operation, query or queryAll, and a query")
    result = call.org.query(
        soql, as_user=call.user_id, all_rows=operation == "queryAll", tooling=False, version=call.version
    )
    paths = [_as_in_schema(call, result.sobject, path) for path in csv_columns(soql)]
    job = new_job(call, kind="query", operation=operation, sobject=result.sobject, state=UPLOADED, asked=asked)
    job.columns = [".".join(path) for path in paths]
    job.results = [[_cell(record, path) for path in paths] for record in result.records]
    job.outcome = COMPLETE
    return Answer(200, info(job))


def show(call: Call, job_id: str) -> Answer:
    """`GET jobs/query/ID`."""
    job = find_job(call, job_id, "query")
    poll(job)
    return Answer(200, full_info(job))


def show_all(call: Call) -> Answer:
    """`GET jobs/query`."""
    return job_list(call, "query")


def change(call: Call, job_id: str) -> Answer:
    """`PATCH jobs/query/ID`: a job can only be aborted. Raises ApiError INVALIDJOBSTATE."""
    job = find_job(call, job_id, "query")
    if call.json_object().get("state") != ABORTED or job.state == COMPLETE:
        raise wrong_state(f"Job with id {job.id} is in state {job.state} and can only be aborted before it completes")
    job.state, job.outcome = ABORTED, None
    return Answer(200, info(job))


def delete(call: Call, job_id: str) -> Answer:
    """`DELETE jobs/query/ID`: 204."""
    return remove_job(call, find_job(call, job_id, "query"))


def results(call: Call, job_id: str) -> Answer:
    """`GET jobs/query/ID/results?locator=&maxRecords=`: CSV; `Sforce-Locator` is `null` on the last page."""
    job = find_job(call, job_id, "query")
    if job.state != COMPLETE:
        raise wrong_state(f"Job with id {job.id} is in state {job.state} and has no results yet")
    start = _start(call.params.get("locator", ""))
    most = call.params.get("maxRecords", "")
    end = start + (int(most) if most.isdigit() and int(most) else PAGE)
    page = job.results[start:end]
    following = _locator(end) if end < len(job.results) else "null"
    headers = {"Sforce-Locator": following, "Sforce-NumberOfRecords": str(len(page))}
    return csv_answer(job, job.columns, page, headers)


def _locator(start: int) -> str:
    return base64.urlsafe_b64encode(str(start).encode()).decode().rstrip("=")


def _start(locator: str) -> int:
    try:
        return max(0, int(base64.urlsafe_b64decode(locator + "=" * (-len(locator) % 4)) or 0))
    except ValueError as error:
        raise ApiError(400, "INVALID_QUERY_LOCATOR", "invalid query locator") from error


def _as_in_schema(call: Call, sobject: str, path: tuple[str, ...]) -> tuple[str, ...]:
    """The path as records spell it: relationships and fields in the schema's case."""
    described = call.org.schema.get(sobject)
    spelled = []
    for step in path[:-1]:
        fields = described.fields.values() if described else ()
        link = next((one for one in fields if (one.relationship_name or "").lower() == step.lower()), None)
        spelled.append(link.relationship_name or step if link else step)
        described = call.org.schema.get(link.reference_to[0]) if link and link.reference_to else None
    field = described.get(path[-1]) if described else None
    return (*spelled, field.name if field else path[-1])


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
