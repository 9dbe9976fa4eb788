"""What ingest and query jobs of Bulk API 2.0 share: the job, its states, and CSV.

The work is done at once when a job gets its data; but a job says `InProgress` once before it says `JobComplete`, so
that a client has to poll as it must on the platform.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.sandbox.clock import wire_datetime
from harness.sandbox.errors import ApiError, not_found
from harness.sandbox.http.call import Call
from harness.sandbox.http.wire import CSV_TYPE, Answer

KEY_PREFIX = "750"
OPEN, UPLOADED, IN_PROGRESS = "Open", "UploadComplete", "InProgress"
COMPLETE, FAILED, ABORTED = "JobComplete", "Failed", "Aborted"
DELIMITERS = {"BACKQUOTE": "`", "CARET": "^", "COMMA": ",", "PIPE": "|", "SEMICOLON": ";", "TAB": "\t"}
LINE_ENDINGS = {"LF": "\n", "CRLF": "\r\n"}


@dataclass(slots=True)
class Job:
    """One job. `results` are CSV rows without their header; `upload` is what an ingest job was given."""

    id: str
    kind: str
    """`ingest` or `query`"""
    operation: str
    sobject: str
    user_id: str
    version: str
    created: str
    state: str
    delimiter: str = "COMMA"
    line_ending: str = "LF"
    external_id: str | None = None
    outcome: str | None = None
    """The final state once the work is done: what the job will say after it said `InProgress`."""
    error: str | None = None
    upload: str = ""
    columns: list[str] = field(default_factory=list)
    results: list[list[str]] = field(default_factory=list)
    failures: list[list[str]] = field(default_factory=list)
    unprocessed: list[list[str]] = field(default_factory=list)


def new_job(call: Call, *, kind: str, operation: str, sobject: str, state: str, asked: dict[str, Any]) -> Job:
    """A job with an id, kept at the desk. Raises ApiError INVALIDJOB for a delimiter or line ending that is none."""
    delimiter, line_ending = asked.get("columnDelimiter", "COMMA"), asked.get("lineEnding", "LF")
    if delimiter not in DELIMITERS or line_ending not in LINE_ENDINGS:
        raise ApiError(400, "INVALIDJOB", f"Unknown columnDelimiter or lineEnding: {delimiter}, {line_ending}")
    if asked.get("contentType", "CSV") != "CSV":
        raise ApiError(400, "INVALIDJOB", "Only CSV is supported as contentType")
    job = Job(
        id=call.desk.ids.next(KEY_PREFIX),
        kind=kind,
        operation=operation,
        sobject=sobject,
        user_id=call.user_id,
        version=call.version,
        created=wire_datetime(call.org.clock.now()),
        state=state,
        delimiter=delimiter,
        line_ending=line_ending,
        external_id=asked.get("externalIdFieldName"),
    )
    call.desk.jobs[job.id] = job
    return job


def find_job(call: Call, job_id: str, kind: str) -> Job:
    """The job of that id and kind; only its owner and Manage Data Integrations see it. Raises ApiError NOT_FOUND."""
    job = call.desk.jobs.get(job_id) or next((one for one in call.desk.jobs.values() if one.id[:15] == job_id), None)
    if job is None or job.kind != kind:
        raise not_found()
    if job.user_id != call.user_id and not call.may("DataExport", "ManageDataIntegrations", "ModifyAllData"):
        raise not_found()
    return job


def poll(job: Job) -> None:
    """One look at the job: it goes on by one state."""
    if job.state == UPLOADED:
        job.state = IN_PROGRESS
    elif job.state == IN_PROGRESS and job.outcome is not None:
        job.state = job.outcome


def info(job: Job) -> dict[str, Any]:
    """What a job says of itself, in the order of the Bulk API 2.0 guide."""
    described: dict[str, Any] = {
        "id": job.id,
        "operation": job.operation,
        "object": job.sobject,
        "createdById": job.user_id,
        "createdDate": job.created,
        "systemModstamp": job.created,
        "state": job.state,
    }
    if job.external_id:
        described["externalIdFieldName"] = job.external_id
    described |= {"concurrencyMode": "Parallel", "contentType": "CSV", "apiVersion": float(job.version)}
    if job.kind == "ingest" and job.state == OPEN:
        described["contentUrl"] = f"services/data/v{job.version}/jobs/ingest/{job.id}/batches"
    return described | {"lineEnding": job.line_ending, "columnDelimiter": job.delimiter}


def full_info(job: Job) -> dict[str, Any]:
    """The same with progress, as a single GET of the job answers."""
    finished = job.state in (COMPLETE, FAILED)
    processed = len(job.results) + (len(job.failures) if job.kind == "ingest" else 0)
    described = info(job) | {
        "jobType": "V2Ingest" if job.kind == "ingest" else "V2Query",
        "numberRecordsProcessed": processed if finished else 0,
        "retries": 0,
        "totalProcessingTime": 0,
    }
    if job.kind == "ingest":
        described |= {
            "numberRecordsFailed": len(job.failures) if finished else 0,
            "apiActiveProcessingTime": 0,
            "apexProcessingTime": 0,
        }
    if finished and job.error:
        described["errorMessage"] = job.error
    return described


def job_list(call: Call, kind: str) -> Answer:
    """All jobs of a kind that are the caller's."""
    mine = [info(job) for job in call.desk.jobs.values() if job.kind == kind and job.user_id == call.user_id]
    return Answer(200, {"done": True, "records": mine, "nextRecordsUrl": None})


def remove_job(call: Call, job: Job) -> Answer:
    """Delete a job that has come to an end. Raises ApiError INVALIDJOBSTATE."""
    if job.state not in (UPLOADED, COMPLETE, FAILED, ABORTED):
        raise wrong_state(f"Job with id {job.id} is in state {job.state} and cannot be deleted")
    del call.desk.jobs[job.id]
    return Answer(204)


def wrong_state(message: str) -> ApiError:
    """The job is in a state that does not allow this."""
    return ApiError(400, "INVALIDJOBSTATE", message)


def csv_answer(job: Job, header: Sequence[str], lines: Iterable[Sequence[str]], headers: dict[str, str]) -> Answer:
    """Lines as CSV, every value in quotes."""
    text = io.StringIO()
    writer = csv.writer(
        text,
        delimiter=DELIMITERS[job.delimiter],
        lineterminator=LINE_ENDINGS[job.line_ending],
        quoting=csv.QUOTE_ALL,
    )
    writer.writerow(header)
    writer.writerows(lines)
    return Answer(200, text.getvalue(), headers, CSV_TYPE)
