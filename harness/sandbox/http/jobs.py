"""Bulk jobs of both APIs: what they have in common, how they go on, and the lists of them.

A job works in steps. Each request that reaches the server, whoever sends it, takes every job that has work one step on:
from `UploadComplete` to `InProgress`, then batch by batch until `JobComplete`. So a client that polls sees what it sees
on the platform, one that never polls gets its rows written all the same, and the same requests give the same states.
"""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from harness.sandbox.clock import wire_datetime
from harness.sandbox.errors import ApiError, not_found
from harness.sandbox.http.bulk_csv import DELIMITERS, LINE_ENDINGS, BadBatch
from harness.sandbox.http.bulk_rows import JobRefused
from harness.sandbox.http.call import Call
from harness.sandbox.http.wire import Answer
from harness.sandbox.ids import long_id, make_id

if TYPE_CHECKING:
    from harness.sandbox.http.desk import Desk
    from harness.sandbox.org import SandboxOrg

KEY_PREFIX = "750"
OPEN, UPLOADED, IN_PROGRESS = "Open", "UploadComplete", "InProgress"
COMPLETE, FAILED, ABORTED = "JobComplete", "Failed", "Aborted"
BATCH_ROWS = 10_000
"""Rows in one batch at most; Bulk API 2.0 cuts its data into such batches by itself."""
DAILY_BATCHES = 15_000
"""Batches of ingest jobs in 24 hours, of both APIs together."""
DAILY_QUERY_JOBS = 10_000
"""Query jobs of Bulk API 2.0 in 24 hours."""

_PAGE = 1000
_CONTENT_TYPES = ("CSV", "JSON", "XML", "ZIP_CSV", "ZIP_JSON", "ZIP_XML")
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Job(ABC):
    """One job of either API."""

    id: str
    operation: str
    sobject: str
    user_id: str
    version: str
    created: datetime
    state: str
    external_id: str | None = None
    content_type: str = "CSV"
    concurrency: str = "Parallel"
    assignment_rule: str | None = None
    pk_chunking: bool = False
    modified: datetime | None = None
    error: str | None = None
    milliseconds: int = 0
    """How long it worked, in simulated time."""
    type: ClassVar[str]
    """`V2Ingest`, `V2Query` or `Classic`, which is Bulk API 1.0."""

    @property
    @abstractmethod
    def at_work(self) -> bool:
        """Whether there is work that a step would do."""

    @abstractmethod
    def step(self, call: Call) -> None:
        """Go on by one step, as the owner. Raises BadBatch or ApiError for what fails the job."""

    @abstractmethod
    def fail(self, reason: str) -> None:
        """Come to an end with this reason."""


@dataclass(slots=True)
class CsvJob(Job):
    """A job of Bulk API 2.0."""

    delimiter: str = "COMMA"
    line_ending: str = "LF"

    @property
    def at_work(self) -> bool:
        """Once the data or the query is there and until the end."""
        return self.state in (UPLOADED, IN_PROGRESS)

    def fail(self, reason: str) -> None:
        """The state `Failed`, with an `errorMessage`."""
        self.state, self.error = FAILED, reason


_Kind = TypeVar("_Kind", bound=Job)


def go_on(org: SandboxOrg, desk: Desk) -> None:
    """Take every job that has work one step on."""
    for job in [one for one in desk.at_work if one.at_work]:
        call = Call(org=org, desk=desk, user_id=job.user_id, version=job.version, method="POST", path="")
        started = org.clock.now()
        session = org.session_id.set(None)  # the work is the owner's, not that of whoever has just sent a request
        version = org.api_version.set(job.version)
        try:
            job.step(call)
        except (BadBatch, JobRefused, ApiError) as error:
            job.fail(_reason(error))
        except Exception:
            _log.exception("the bulk job %s stopped", job.id)
            job.fail("InternalServerError : An unexpected error occurred")
        finally:
            org.session_id.reset(session)
            org.api_version.reset(version)
        job.modified = org.clock.now()
        job.milliseconds += (job.modified - started) // timedelta(milliseconds=1)
    desk.at_work[:] = [one for one in desk.at_work if one.at_work]


def _reason(error: BadBatch | JobRefused | ApiError) -> str:
    if isinstance(error, BadBatch):
        return str(error)
    prefix = f"{error.code} : "
    return error.message if error.message.startswith(prefix) else prefix + error.message


def keep(desk: Desk, job: Job) -> None:
    """Put a job among the others; it is taken on from the next request."""
    desk.jobs[job.id] = job


def start(desk: Desk, job: Job) -> None:
    """There is something to do now."""
    if job not in desk.at_work:
        desk.at_work.append(job)


def base_of(call: Call, *, operation: str, sobject: str, state: str) -> dict[str, Any]:
    """What every new job starts with."""
    return {
        "id": call.desk.ids.next(KEY_PREFIX),
        "operation": operation,
        "sobject": sobject,
        "user_id": call.user_id,
        "version": call.version,
        "created": call.org.clock.now(),
        "state": state,
    }


def csv_options(asked: dict[str, Any]) -> dict[str, Any]:
    """Delimiter and line ending as asked for. Raises ApiError API_ERROR for words that are none."""
    delimiter = choice(asked, "columnDelimiter", DELIMITERS, "COMMA")
    line_ending = choice(asked, "lineEnding", LINE_ENDINGS, "LF")
    if choice(asked, "contentType", _CONTENT_TYPES, "CSV") != "CSV":
        raise ApiError(400, "INVALIDJOB", "InvalidJob : Only the content type CSV is supported")
    rule = asked.get("assignmentRuleId")
    return {"delimiter": delimiter, "line_ending": line_ending, "assignment_rule": rule if rule is None else str(rule)}


def choice(asked: dict[str, Any], name: str, known: Iterable[str], default: str | None = None) -> str:
    """One of the words that a property may be. Raises ApiError API_ERROR for another."""
    value = asked.get(name, default)
    if not isinstance(value, str) or value not in known:
        text = "" if value is None else str(value)
        raise ApiError(400, "API_ERROR", f"Invalid value: '{text}' supplied for property: '{name}'")
    return value


def refused(error: JobRefused) -> ApiError:
    """A refusal of Bulk API 1.0 as 2.0 words it."""
    message = _reason(error) if error.code == "InvalidEntity" else error.message
    return ApiError(400, error.code.upper(), message)


def find_job(call: Call, job_id: str, kind: type[_Kind]) -> _Kind:
    """The caller's job of that id and kind. Raises ApiError NOT_FOUND, or INVALIDUSER for somebody else's."""
    job = call.desk.jobs.get(long_id(job_id) or job_id)
    if not isinstance(job, kind):
        raise not_found()
    if not may_manage(call, job):
        raise ApiError(400, "INVALIDUSER", f"InvalidUser : The job {job.id[:15]} was created by another user")
    return job


def may_manage(call: Call, job: Job) -> bool:
    """Whether the caller made the job or holds Manage Data Integrations."""
    return job.user_id == call.user_id or call.may("ManageDataIntegrations", "ModifyAllData")


def info(job: Job) -> dict[str, Any]:
    """What a job says of itself, in the order of the Bulk API 2.0 guide."""
    described: dict[str, Any] = {
        "id": job.id,
        "operation": job.operation,
        "object": job.sobject,
        "createdById": job.user_id,
        "createdDate": wire_datetime(job.created),
        "systemModstamp": wire_datetime(job.modified or job.created),
        "state": job.state,
    }
    if job.external_id:
        described["externalIdFieldName"] = job.external_id
    described |= {
        "concurrencyMode": job.concurrency,
        "contentType": job.content_type,
        "apiVersion": float(job.version),
    }
    if job.assignment_rule:
        described["assignmentRuleId"] = job.assignment_rule
    return described


def csv_info(job: CsvJob, *, typed: bool = True) -> dict[str, Any]:
    """The same with how its data is written, and but for a new job with its type."""
    described = info(job) | ({"jobType": job.type} if typed else {})
    if job.type == "V2Ingest" and job.state == OPEN:
        described["contentUrl"] = f"services/data/v{job.version}/jobs/ingest/{job.id}/batches"
    return described | {"lineEnding": job.line_ending, "columnDelimiter": job.delimiter}


def abort(call: Call, job: CsvJob) -> Answer:
    """The state `Aborted`: what is written stays, the rest is not tried. Raises ApiError INVALIDJOBSTATE."""
    if job.state in (COMPLETE, FAILED, ABORTED):
        word = {COMPLETE: "Completed"}.get(job.state, job.state)
        raise wrong_state(f"Aborting already {word} Job not allowed")
    job.state, job.modified = ABORTED, call.org.clock.now()
    return Answer(200, info(job))


def remove(call: Call, job: Job, *, states: tuple[str, ...]) -> Answer:
    """Delete a job that is in one of these states: 204. Raises ApiError INVALIDJOBSTATE."""
    if job.state not in states:
        raise wrong_state(f"Job with id {job.id[:15]} is in state {job.state} and cannot be deleted")
    del call.desk.jobs[job.id]
    call.desk.at_work[:] = [one for one in call.desk.at_work if one is not job]
    return Answer(204)


def job_list(call: Call, resource: str, own_type: str) -> Answer:
    """The jobs of a resource and those of Bulk API 1.0, a thousand at a time, as the parameters filter them.

    Raises ApiError API_ERROR for a job type that is none, INVALID_QUERY_LOCATOR.
    """
    types = {own_type, "Classic"}
    if wanted := call.params.get("jobType"):
        types = {choice({"jobType": wanted}, "jobType", ("BigObjectIngest", "Classic", "V2Ingest", "V2Query"))} & types
    chunked = call.params.get("isPkChunkingEnabled", "").lower() == "true"
    mode = call.params.get("concurrencyMode", "").lower()
    found = [
        job
        for job in call.desk.jobs.values()
        if job.type in types
        and may_manage(call, job)
        and (job.pk_chunking or not chunked)
        and mode in ("", job.concurrency.lower())
    ]
    first = _first(call.params.get("queryLocator", ""))
    end = first + _PAGE
    more = f"{call.base}/jobs/{resource}?queryLocator={make_id('01g', 1)}-{end}" if end < len(found) else None
    records = [
        csv_info(one) if isinstance(one, CsvJob) else info(one) | {"jobType": one.type} for one in found[first:end]
    ]
    return Answer(200, {"done": more is None, "records": records, "nextRecordsUrl": more})


def count_batch(call: Call) -> None:
    """Use one of the day's batches. Raises BadBatch when there is none left."""
    now = call.org.clock.peek()
    if call.desk.batches.count(now) >= DAILY_BATCHES:
        raise BadBatch("ExceededQuota : ApiBatchItems Limit exceeded.")
    call.desk.batches.add(now)


def wrong_state(message: str) -> ApiError:
    """The job is in a state that does not allow this."""
    return ApiError(400, "INVALIDJOBSTATE", message)


def _first(locator: str) -> int:
    if not locator:
        return 0
    start = locator.rpartition("-")[2]
    if not start.isdecimal() or len(start) > 9:
        raise ApiError(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
    return int(start)
