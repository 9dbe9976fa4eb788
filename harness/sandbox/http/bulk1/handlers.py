"""Which request below `/services/async/XX.X` does what."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from harness.sandbox.errors import ApiError
from harness.sandbox.http import bulk_query, bulk_rows
from harness.sandbox.http.bulk1 import content
from harness.sandbox.http.bulk1.documents import JSON, XML, batch_list, document, error, read_xml, result_list
from harness.sandbox.http.bulk1.errors import Refused
from harness.sandbox.http.bulk1.jobs import (
    ABORTED,
    BATCH_PREFIX,
    CLOSED,
    COMPLETED,
    NOT_PROCESSED,
    OPEN,
    QUEUED,
    Batch,
    ClassicJob,
)
from harness.sandbox.http.bulk_csv import BadBatch
from harness.sandbox.http.bulk_rows import JobRefused
from harness.sandbox.http.call import Call, check_version
from harness.sandbox.http.jobs import base_of, count_batch, keep, may_manage, start
from harness.sandbox.http.wire import CSV_TYPE, Answer
from harness.sandbox.ids import long_id

MOST_BYTES = 10_000_000
"""The largest batch."""
_CONTENT_TYPES = ("CSV", "JSON", "XML", "ZIP_CSV", "ZIP_JSON", "ZIP_XML")
_MEDIA_TYPES = {"CSV": CSV_TYPE, "JSON": JSON, "XML": XML}
_MODES = ("Parallel", "Serial")
_MOST_CHUNK, _CHUNK = 250_000, 100_000


def answer(call: Call, *, signed_in: bool) -> Answer:
    """Let the right handler answer; every refusal is an error document in the client's format."""
    try:
        if not signed_in:
            raise Refused("InvalidSessionId", "Invalid session id")
        _check(call)
        return _route(call)
    except Refused as refused:
        return error(refused, media_type=_format(call, _job_or_none(call)))


def _check(call: Call) -> None:
    try:
        check_version(call.version)
    except ApiError as refused:
        raise Refused("InvalidVersion", f"Invalid API version: {call.version}") from refused
    if not call.may("ApiEnabled"):
        raise Refused("FeatureNotEnabled", "Async API not enabled for this user")


def _route(call: Call) -> Answer:
    parts = [part for part in call.path.split("/") if part]
    pattern = "/".join("*" if place % 2 else part for place, part in enumerate(parts))
    methods = _ROUTES.get(pattern)
    if methods is None:
        raise Refused("InvalidUrl", f"Invalid URL: /services/async/{call.version}/{call.path}")
    if call.method not in methods:
        raise Refused("InvalidOperation", f"HTTP method {call.method} is not allowed here")
    return methods[call.method](call, *(part for place, part in enumerate(parts) if place % 2))


# Jobs


def _create_job(call: Call) -> Answer:
    asked = _asked(call)
    content_type = _one_of(asked, "contentType", _CONTENT_TYPES, "XML")
    operation = _one_of(asked, "operation", (*bulk_rows.OPERATIONS, *bulk_query.OPERATIONS), None)
    queries = operation in bulk_query.OPERATIONS
    key, rule = asked.get("externalIdFieldName"), asked.get("assignmentRuleId")
    try:
        if queries:
            sobject, external_id = bulk_rows.visible_object(call, str(asked.get("object") or "")), None
        else:
            sobject, external_id = bulk_rows.check_job(call, operation, str(asked.get("object") or ""), _text(key))
    except JobRefused as refused:
        raise Refused(refused.code, refused.message.removeprefix(f"{refused.code} : ")) from refused
    if queries and content_type.startswith("ZIP_"):
        raise Refused("InvalidJob", f"The content type {content_type} is not possible for {operation}")
    job = ClassicJob(
        **base_of(call, operation=operation, sobject=sobject.name, state=OPEN),
        external_id=external_id,
        content_type=content_type,
        concurrency=_one_of(asked, "concurrencyMode", _MODES, "Parallel"),
        assignment_rule=_text(rule),
        chunk_rows=_chunk_rows(call.headers.get("sforce-enable-pkchunking", "")) if queries else 0,
    )
    job.pk_chunking = bool(job.chunk_rows)
    keep(call.desk, job)
    return document("jobInfo", job.info(), media_type=_format(call, job), status=201)


def _change_job(call: Call, job_id: str) -> Answer:
    job = _job(call, job_id)
    wanted = _asked(call).get("state")
    if wanted not in (CLOSED, ABORTED):
        raise Refused("InvalidJobState", f"Invalid job state: {wanted}")
    if job.state != OPEN and not (job.state == CLOSED and wanted == ABORTED and job.at_work):
        verb = "Closing" if wanted == CLOSED else "Aborting"
        raise Refused("InvalidJobState", f"{verb} already {job.state.lower()} Job not allowed")
    job.state, job.modified = str(wanted), call.org.clock.now()
    if wanted == ABORTED:
        for batch in job.batches.values():
            if batch.state == QUEUED:
                batch.state, batch.modified = NOT_PROCESSED, job.modified
    return _show_job(call, job_id)


def _show_job(call: Call, job_id: str) -> Answer:
    job = _job(call, job_id)
    return document("jobInfo", job.info(), media_type=_format(call, job))


# Batches


def _create_batch(call: Call, job_id: str) -> Answer:
    job = _job(call, job_id)
    if job.state != OPEN:
        text = f"Failed to create batch, since the Job is not Open. Current job state is '{job.state}'"
        raise Refused("InvalidJobState", text)
    if len(call.body) > MOST_BYTES:
        raise Refused("ClientInputError", f"Failed to read request. Exceeded max size limit of {MOST_BYTES}")
    try:
        count_batch(call)
    except BadBatch as full:
        code, _, text = str(full).partition(" : ")
        raise Refused(code, text) from full
    media_type = call.headers.get("content-type") or _MEDIA_TYPES[job.content_type.removeprefix("ZIP_")]
    batch = Batch(call.desk.ids.next(BATCH_PREFIX), call.org.clock.now(), call.body, media_type)
    job.batches[batch.id] = batch
    start(call.desk, job)
    return document("batchInfo", batch.info(job.id), media_type=_format(call, job), status=201)


def _show_batches(call: Call, job_id: str) -> Answer:
    job = _job(call, job_id)
    return batch_list([one.info(job.id) for one in job.batches.values()], media_type=_format(call, job))


def _show_batch(call: Call, job_id: str, batch_id: str) -> Answer:
    job, batch = _batch(call, job_id, batch_id)
    return document("batchInfo", batch.info(job.id), media_type=_format(call, job))


def _request(call: Call, job_id: str, batch_id: str) -> Answer:
    _, batch = _batch(call, job_id, batch_id)
    return Answer(200, batch.request, {}, batch.media_type)


def _results(call: Call, job_id: str, batch_id: str) -> Answer:
    job, batch = _batch(call, job_id, batch_id)
    _check_finished(batch)
    if job.queries:
        return result_list([batch.result_id] if batch.result_id else [], media_type=_rows_format(job))
    return content.outcomes_as(job.content_type, batch.outcomes)


def _result(call: Call, job_id: str, batch_id: str, result_id: str) -> Answer:
    job, batch = _batch(call, job_id, batch_id)
    _check_finished(batch)
    if not job.queries or (long_id(result_id) or result_id) != batch.result_id:
        raise Refused("InvalidBatch", f"Invalid result id: {result_id}")
    return content.rows_as(job.content_type, call.org.schema, batch.records, batch.columns, batch.lines)


def _check_finished(batch: Batch) -> None:
    if batch.waiting:
        raise Refused("InvalidBatch", "Batch not completed")
    if batch.state != COMPLETED:
        raise Refused("InvalidBatch", "Records not processed")


# What is asked, and how


def _job_or_none(call: Call) -> ClassicJob | None:
    parts = call.path.split("/")
    found = call.desk.jobs.get(long_id(parts[1]) or "") if len(parts) > 1 else None
    return found if isinstance(found, ClassicJob) else None


def _job(call: Call, job_id: str) -> ClassicJob:
    job = call.desk.jobs.get(long_id(job_id) or "")
    if not isinstance(job, ClassicJob):
        raise Refused("InvalidJob", f"Invalid job id: {job_id}")
    if not may_manage(call, job):
        raise Refused("InvalidUser", f"The job {job.id[:15]} was created by another user")
    return job


def _batch(call: Call, job_id: str, batch_id: str) -> tuple[ClassicJob, Batch]:
    job = _job(call, job_id)
    batch = job.batches.get(long_id(batch_id) or "")
    if batch is None:
        raise Refused("InvalidBatch", f"Invalid batch id: {batch_id}")
    return job, batch


def _asked(call: Call) -> Mapping[str, Any]:
    """The job as a client describes it, in JSON or XML."""
    if JSON in call.headers.get("content-type", "").lower():
        try:
            data = json.loads(call.body)
        except (ValueError, RecursionError) as cause:
            raise Refused("ClientInputError", "Unable to parse JSON") from cause
        if not isinstance(data, dict):
            raise Refused("ClientInputError", "The request is no JSON object")
        return data
    root = read_xml(call.body)
    if root.tag != "jobInfo":
        raise Refused("InvalidXML", f"Unexpected element {root.tag}, jobInfo is expected")
    return {element.tag: (element.text or "").strip() for element in root}


def _one_of(asked: Mapping[str, Any], name: str, known: tuple[str, ...], default: str | None) -> str:
    """One of the words that a property may be; JSON clients may give its number."""
    value = asked.get(name)
    if value is None and default is not None:
        return default
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < len(known):
        return known[value]
    if not isinstance(value, str) or value not in known:
        raise Refused(
            "InvalidJob", f"Invalid value: '{'' if value is None else value}' supplied for property: '{name}'"
        )
    return value


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


def _chunk_rows(header: str) -> int:
    """`Sforce-Enable-PKChunking: true` or `chunkSize=N`: rows in one chunk, 0 for none."""
    if not header or header.strip().lower() == "false":
        return 0
    size = re.search(r"chunkSize\s*=\s*([0-9]{1,9})", header)
    return max(1, min(int(size[1]), _MOST_CHUNK)) if size else _CHUNK


def _format(call: Call, job: ClassicJob | None) -> str:
    """The format of documents: that of the request, or where it has none that of the job."""
    asked = call.headers.get("content-type", "").lower()
    if JSON in asked:
        return JSON
    return JSON if not asked and job is not None and job.content_type.endswith("JSON") else XML


def _rows_format(job: ClassicJob) -> str:
    return JSON if job.content_type == "JSON" else XML


_ROUTES: Mapping[str, Mapping[str, Callable[..., Answer]]] = {
    "job": {"POST": _create_job},
    "job/*": {"GET": _show_job, "POST": _change_job},
    "job/*/batch": {"GET": _show_batches, "POST": _create_batch},
    "job/*/batch/*": {"GET": _show_batch},
    "job/*/batch/*/request": {"GET": _request},
    "job/*/batch/*/result": {"GET": _results},
    "job/*/batch/*/result/*": {"GET": _result},
}
