"""Ingest jobs of Bulk API 2.0: rows go in as CSV and are written as the caller, each for itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from harness.sandbox.errors import ApiError
from harness.sandbox.http import bulk_rows
from harness.sandbox.http.bulk_csv import DELIMITERS, LINE_ENDINGS, BadBatch, decode, read_table, write_table
from harness.sandbox.http.bulk_rows import JobRefused, Outcome
from harness.sandbox.http.call import Call, parser_error
from harness.sandbox.http.jobs import (
    ABORTED,
    BATCH_ROWS,
    COMPLETE,
    FAILED,
    IN_PROGRESS,
    OPEN,
    UPLOADED,
    CsvJob,
    abort,
    base_of,
    choice,
    count_batch,
    csv_info,
    csv_options,
    find_job,
    info,
    job_list,
    keep,
    refused,
    remove,
    start,
    wrong_state,
)
from harness.sandbox.http.multipart import NotMultipart, read_parts
from harness.sandbox.http.wire import CSV_TYPE, Answer
from harness.sandbox.schema import SObject

_JSON = {"content-type": "application/json"}


@dataclass(slots=True)
class IngestJob(CsvJob):
    """One ingest job. `lines` are the rows of the upload; the first `len(outcomes)` of them have been tried."""

    type: ClassVar[str] = "V2Ingest"
    upload: bytes | None = None
    columns: list[str] = field(default_factory=list)
    lines: list[list[str]] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)

    def step(self, call: Call) -> None:
        """Read the upload, then write a batch of 10,000 rows with each step."""
        sobject = bulk_rows.visible_object(call, self.sobject)
        if self.state == UPLOADED:
            self.state = IN_PROGRESS
            return
        if not self.columns:
            self._read(call, sobject)
        first = len(self.outcomes)
        batch = self.lines[first : first + BATCH_ROWS]
        count_batch(call)
        records = [_record(sobject, self.columns, line) for line in batch]
        self.outcomes += bulk_rows.write_rows(call, self.operation, sobject, self.external_id, records)
        if len(self.outcomes) == len(self.lines):
            self.state = COMPLETE

    def _read(self, call: Call, sobject: SObject) -> None:
        table = read_table(
            decode(self.upload or b""),
            delimiter=DELIMITERS[self.delimiter],
            line_ending=LINE_ENDINGS[self.line_ending],
        )
        self.columns, self.lines = (table[0], table[1:]) if table else ([], [])
        if not self.lines:
            raise BadBatch("InvalidBatch : Records not found")
        bulk_rows.check_columns(call, sobject, self.columns, self.operation)


def create(call: Call) -> Answer:
    """`POST jobs/ingest`: a job that waits for its data, or in multipart form one that has it already."""
    asked, upload = _asked(call)
    operation = choice(asked, "operation", bulk_rows.OPERATIONS)
    options = csv_options(asked)
    key = asked.get("externalIdFieldName")
    try:
        sobject, external_id = bulk_rows.check_job(
            call, operation, str(asked.get("object") or ""), key if isinstance(key, str) else None
        )
    except JobRefused as error:
        raise refused(error) from error
    base = base_of(call, operation=operation, sobject=sobject.name, state=OPEN)
    job = IngestJob(**base, **options, external_id=external_id, upload=upload)
    keep(call.desk, job)
    if upload is not None:
        _close(call, job)
    return Answer(200, csv_info(job, typed=False))


def upload(call: Call, job_id: str) -> Answer:
    """`PUT jobs/ingest/ID/batches`: the rows, once; 201."""
    job = find_job(call, job_id, IngestJob)
    if job.state != OPEN:
        raise wrong_state(f"Failed to create batch, since the Job is not Open. Current job state is '{job.state}'")
    if job.upload is not None:
        text = (
            f"Found multipe contents for job: <{job.id[:15]}>, please 'Close' / 'Abort' / 'Delete' the current Job then"
            " create a new Job and make sure you only do 'PUT' once on a given Job."
        )
        raise ApiError(400, "BULK_API_ERROR", text)
    job.upload = call.body
    return Answer(201)


def change(call: Call, job_id: str) -> Answer:
    """`PATCH jobs/ingest/ID`: `UploadComplete` lets the work begin, `Aborted` ends it."""
    job = find_job(call, job_id, IngestJob)
    if choice(call.json_object(), "state", (UPLOADED, ABORTED)) == ABORTED:
        return abort(call, job)
    if job.state != OPEN:
        word = {COMPLETE: "Completed", UPLOADED: "Closed", IN_PROGRESS: "Closed"}.get(job.state, job.state)
        raise wrong_state(f"Closing already {word} Job not allowed")
    _close(call, job)
    return Answer(200, info(job))


def show(call: Call, job_id: str) -> Answer:
    """`GET jobs/ingest/ID`: with progress."""
    job = find_job(call, job_id, IngestJob)
    progress: dict[str, Any] = {
        "numberRecordsProcessed": len(job.outcomes),
        "numberRecordsFailed": sum(1 for one in job.outcomes if one.errors),
        "retries": 0,
        "totalProcessingTime": job.milliseconds,
        "apiActiveProcessingTime": job.milliseconds,
        "apexProcessingTime": 0,
    }
    return Answer(200, csv_info(job) | progress | ({"errorMessage": job.error} if job.error else {}))


def show_all(call: Call) -> Answer:
    """`GET jobs/ingest`."""
    return job_list(call, "ingest", IngestJob.type)


def delete(call: Call, job_id: str) -> Answer:
    """`DELETE jobs/ingest/ID`: 204."""
    return remove(call, find_job(call, job_id, IngestJob), states=(UPLOADED, COMPLETE, ABORTED, FAILED))


def successful_results(call: Call, job_id: str) -> Answer:
    """`GET jobs/ingest/ID/successfulResults`: CSV with the id and whether the row is new."""
    job = _done(call, job_id)
    lines = [
        [one.id, "true" if one.created else "false", *line]
        for one, line in zip(job.outcomes, job.lines, strict=False)
        if not one.errors
    ]
    return _csv(job, ["sf__Id", "sf__Created", *job.columns], lines)


def failed_results(call: Call, job_id: str) -> Answer:
    """`GET jobs/ingest/ID/failedResults`: CSV with the error of each row."""
    job = _done(call, job_id)
    lines = [[one.id, one.error, *line] for one, line in zip(job.outcomes, job.lines, strict=False) if one.errors]
    return _csv(job, ["sf__Id", "sf__Error", *job.columns], lines)


def unprocessed_records(call: Call, job_id: str) -> Answer:
    """`GET jobs/ingest/ID/unprocessedrecords`: CSV of the rows that were not tried."""
    job = _done(call, job_id)
    return _csv(job, job.columns, job.lines[len(job.outcomes) :])


def _asked(call: Call) -> tuple[dict[str, Any], bytes | None]:
    """What the job shall be, and the data where one request brings both."""
    content_type = call.headers.get("content-type", "")
    if not content_type.lower().startswith("multipart/"):
        return call.json_object(), None
    try:
        parts = {part.name: part for part in read_parts(call.body, content_type)}
    except NotMultipart as error:
        raise parser_error(str(error)) from error
    if "job" not in parts or "content" not in parts:
        raise parser_error("A multipart request needs the parts job and content")
    return replace(call, body=parts["job"].content, headers=_JSON).json_object(), parts["content"].content


def _close(call: Call, job: IngestJob) -> None:
    job.state, job.modified = UPLOADED, call.org.clock.now()
    start(call.desk, job)


def _done(call: Call, job_id: str) -> IngestJob:
    """The job at its end. Raises ApiError INVALIDJOBSTATE before."""
    job = find_job(call, job_id, IngestJob)
    if job.state not in (COMPLETE, FAILED, ABORTED):
        raise wrong_state(f"Job with id {job.id[:15]} is in state {job.state} and has no results yet")
    if not job.columns and job.upload:
        _show_unread(job)
    return job


def _show_unread(job: IngestJob) -> None:
    """The rows of a job that ended before it read them, as far as they can be read."""
    try:
        table = read_table(decode(job.upload or b""), delimiter=DELIMITERS[job.delimiter])
    except BadBatch:
        return
    job.columns, job.lines = (table[0], table[1:]) if table else ([], [])


def _record(sobject: SObject, columns: Sequence[str], line: Sequence[str]) -> dict[str, Any] | ApiError:
    try:
        return bulk_rows.cells_as_values(sobject, dict(zip(columns, line, strict=False)))
    except ApiError as error:
        return error


def _csv(job: IngestJob, header: Sequence[str], lines: Sequence[Sequence[str]]) -> Answer:
    text = write_table(header, lines, delimiter=DELIMITERS[job.delimiter], line_ending=LINE_ENDINGS[job.line_ending])
    return Answer(200, text, {}, CSV_TYPE)
