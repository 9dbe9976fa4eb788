"""Ingest jobs of Bulk API 2.0: rows go in as CSV and are written as the caller, each for itself."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harness.sandbox.errors import ApiError
from harness.sandbox.http import rows
from harness.sandbox.http.call import Call
from harness.sandbox.http.jobs import (
    ABORTED,
    COMPLETE,
    DELIMITERS,
    FAILED,
    OPEN,
    UPLOADED,
    Job,
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
from harness.sandbox.schema import Field, SObject

_OPERATIONS = ("insert", "update", "upsert", "delete", "hardDelete")
_CHUNK = 200
"""The platform hands rows to the rules 200 at a time; each chunk is a transaction."""
_NULL = "#N/A"


def create(call: Call) -> Answer:
    """`POST jobs/ingest`: a job that waits for its data. Raises ApiError."""
    asked = call.json_object()
    operation, name = asked.get("operation"), str(asked.get("object", ""))
    if operation not in _OPERATIONS:
        raise ApiError(400, "INVALIDJOB", f"Unknown operation: {operation}")
    described = call.org.schema.get(name)
    visible = {entry["name"] for entry in call.org.describe_global(as_user=call.user_id)["sobjects"]}
    if described is None or described.name not in visible:
        raise ApiError(400, "INVALIDJOB", f"InvalidJob : Unable to find object: {name}")
    if operation == "hardDelete" and not call.may("BulkApiHardDelete"):
        raise ApiError(400, "FEATURENOTENABLED", "hardDelete operation requires special user profile permission")
    key = asked.get("externalIdFieldName")
    if operation == "upsert" and (not isinstance(key, str) or described.get(key) is None):
        raise ApiError(400, "INVALIDJOB", f"InvalidJob : Field name provided, {key} does not match an External ID")
    job = new_job(call, kind="ingest", operation=operation, sobject=described.name, state=OPEN, asked=asked)
    return Answer(200, info(job))


def upload(call: Call, job_id: str) -> Answer:
    """`PUT jobs/ingest/ID/batches`: the rows, once; 201."""
    job = find_job(call, job_id, "ingest")
    if job.state != OPEN or job.upload:
        raise wrong_state(f"Job with id {job.id} is in state {job.state} and takes no data, or has its data already")
    try:
        job.upload = call.body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ApiError(400, "INVALIDBATCH", "The data is not UTF-8") from error
    return Answer(201)


def change(call: Call, job_id: str) -> Answer:
    """`PATCH jobs/ingest/ID`: `UploadComplete` starts the work, `Aborted` drops it."""
    job = find_job(call, job_id, "ingest")
    wanted = call.json_object().get("state")
    if wanted not in (UPLOADED, ABORTED) or job.state != OPEN:
        raise wrong_state(f"Job with id {job.id} is in state {job.state} and cannot go to {wanted}")
    job.state = wanted
    if wanted == UPLOADED:
        _work(call, job)
    return Answer(200, info(job))


def show(call: Call, job_id: str) -> Answer:
    """`GET jobs/ingest/ID`."""
    job = find_job(call, job_id, "ingest")
    poll(job)
    return Answer(200, full_info(job))


def show_all(call: Call) -> Answer:
    """`GET jobs/ingest`."""
    return job_list(call, "ingest")


def delete(call: Call, job_id: str) -> Answer:
    """`DELETE jobs/ingest/ID`: 204."""
    return remove_job(call, find_job(call, job_id, "ingest"))


def successful_results(call: Call, job_id: str) -> Answer:
    """`GET jobs/ingest/ID/successfulResults`: CSV with the id and whether the row is new."""
    job = _done(call, job_id)
    return csv_answer(job, ["sf__Id", "sf__Created", *job.columns], job.results, {})


def failed_results(call: Call, job_id: str) -> Answer:
    """`GET jobs/ingest/ID/failedResults`: CSV with the error of each row."""
    job = _done(call, job_id)
    return csv_answer(job, ["sf__Id", "sf__Error", *job.columns], job.failures, {})


def unprocessed_records(call: Call, job_id: str) -> Answer:
    """`GET jobs/ingest/ID/unprocessedrecords`: CSV of the rows that were not tried."""
    job = _done(call, job_id)
    return csv_answer(job, job.columns, job.unprocessed, {})


def _done(call: Call, job_id: str) -> Job:
    job = find_job(call, job_id, "ingest")
    if job.state not in (COMPLETE, FAILED, ABORTED):
        raise wrong_state(f"Job with id {job.id} is in state {job.state} and has no results yet")
    return job


def _work(call: Call, job: Job) -> None:
    """Write all rows; the job's outcome is what polling will say in the end."""
    lines = csv.reader(io.StringIO(job.upload, newline=""), delimiter=DELIMITERS[job.delimiter])
    job.columns = next(lines, [])
    table = [line for line in lines if line]
    sobject = call.org.schema.get(job.sobject)
    problem = "InvalidBatch : The data is empty" if not job.columns else _column_problem(call, job)
    if problem is not None or sobject is None:
        job.outcome, job.error, job.unprocessed = FAILED, problem, table
        return
    for chunk in _chunks(table):
        with call.org.transaction():
            for line in chunk:
                _write(call, job, sobject, line)
    job.outcome = COMPLETE


def _column_problem(call: Call, job: Job) -> str | None:
    """A column that is no field the user may see fails the whole job."""
    described = call.org.describe(job.sobject, as_user=call.user_id)
    known = {field["name"].lower() for field in described["fields"]}
    known |= {field["relationshipName"].lower() for field in described["fields"] if field["relationshipName"]}
    unknown = next((column for column in job.columns if column.split(".")[0].lower() not in known), None)
    return None if unknown is None else f"InvalidBatch : Field name not found : {unknown}"


def _write(call: Call, job: Job, sobject: SObject, line: Sequence[str]) -> None:
    record_id = ""
    try:
        values = _values(call, sobject, dict(zip(job.columns, line, strict=False)))
        record_id = str(values.get("Id") or "")
        with call.org.transaction():
            record_id, created = _apply(call, job, values)
    except ApiError as error:
        job.failures.append([record_id, _row_error(error), *line])
    else:
        job.results.append([record_id, "true" if created else "false", *line])


def _apply(call: Call, job: Job, values: dict[str, Any]) -> tuple[str, bool]:
    if job.operation == "insert":
        return rows.create(call, job.sobject, values), True
    if job.operation == "upsert" and job.external_id and job.external_id.lower() != "id":
        name = next((one for one in values if one.lower() == job.external_id.lower()), None)
        if name is None or values[name] is None:
            raise ApiError(400, "MISSING_ARGUMENT", f"{job.external_id} not specified", [])
        return rows.upsert(call, job.sobject, name, values.pop(name), values)
    record_id = str(values.pop("Id", None) or "")
    if not record_id and job.operation == "upsert":
        return rows.create(call, job.sobject, values), True
    if not record_id:
        raise ApiError(400, "MISSING_ARGUMENT", "Id not specified in an update call", [])
    if job.operation in ("delete", "hardDelete"):
        rows.remove(call, job.sobject, record_id)
    else:
        rows.update(call, job.sobject, record_id, values)
    return record_id, False


def _values(call: Call, sobject: SObject, cells: Mapping[str, str]) -> dict[str, Any]:
    """Cells as values: an empty one changes nothing, `#N/A` empties, `Account.Key__c` names a parent by its key."""
    values: dict[str, Any] = {}
    for column, cell in cells.items():
        if cell == "":
            continue
        relationship, _, key = column.partition(".")
        field = sobject.get(column)
        if field is not None:
            values[field.name] = _value(field, cell)
        elif key:
            link = next(one for one in sobject.fields.values() if _same(one.relationship_name, relationship))
            values[link.name] = None if cell == _NULL else _parent(call, link, key, cell)
    return values


def _value(field: Field, cell: str) -> Any:
    if cell == _NULL:
        return None
    if field.type == "boolean":
        return cell.strip().lower() in ("true", "1", "yes")
    try:
        if field.type == "int":
            return int(cell)
        if field.type in ("double", "currency", "percent"):
            return float(cell)
    except ValueError as error:
        raise ApiError(
            400, "INVALID_TYPE_ON_FIELD_IN_RECORD", f"{field.label}: value not of required type: {cell}", [field.name]
        ) from error
    return cell


def _parent(call: Call, link: Field, key: str, cell: str) -> str:
    for name in link.reference_to:
        parent = call.org.schema.get(name)
        field = parent.get(key) if parent else None
        if parent is not None and field is not None and (found := call.org.rows(parent.name, **{field.name: cell})):
            return str(found[0]["Id"])
    message = f"Foreign key external ID: {cell} not found for field {key} in entity {link.reference_to[0]}"
    raise ApiError(400, "INVALID_FIELD", message, [])


def _row_error(error: ApiError) -> str:
    """`CODE:message:fields --`, one after the other where there are several."""
    return ";".join(
        f"{one.code}:{one.message}:{','.join(one.fields or ())} --".replace(": --", ":--") for one in error.errors
    )


def _chunks(table: Sequence[list[str]]) -> Iterator[Sequence[list[str]]]:
    for start in range(0, len(table), _CHUNK):
        yield table[start : start + _CHUNK]


def _same(one: str | None, other: str) -> bool:
    return one is not None and one.lower() == other.lower()
