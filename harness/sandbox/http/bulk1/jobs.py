"""Jobs and batches of Bulk API 1.0, and how a batch goes on: Queued, InProgress, Completed or Failed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar

from harness.sandbox.errors import ApiError, Refusal
from harness.sandbox.http import bulk_query, bulk_rows
from harness.sandbox.http.bulk1 import content
from harness.sandbox.http.bulk_csv import BadBatch
from harness.sandbox.http.bulk_rows import Outcome
from harness.sandbox.http.call import Call
from harness.sandbox.http.jobs import Job
from harness.sandbox.soql.plan import QueryResult

BATCH_PREFIX, RESULT_PREFIX = "751", "752"
QUEUED, IN_PROGRESS, COMPLETED = "Queued", "InProgress", "Completed"
FAILED, NOT_PROCESSED = "Failed", "NotProcessed"
OPEN, CLOSED, ABORTED = "Open", "Closed", "Aborted"
_AT_ONCE = 200
"""Batches of one chunk are done with the next request; larger ones are seen InProgress in between."""
_UNKNOWN_COLUMN = "No such column "


@dataclass(slots=True)
class Batch:
    """One batch: what came in, and what became of it."""

    id: str
    created: datetime
    request: bytes
    media_type: str
    state: str = QUEUED
    message: str | None = None
    modified: datetime | None = None
    milliseconds: int = 0
    outcomes: list[Outcome] = field(default_factory=list)
    result_id: str | None = None
    columns: list[str] = field(default_factory=list)
    lines: list[list[str]] = field(default_factory=list)
    records: list[Mapping[str, Any]] = field(default_factory=list)

    @property
    def waiting(self) -> bool:
        """Whether there is still something to do."""
        return self.state in (QUEUED, IN_PROGRESS)

    def info(self, job_id: str) -> dict[str, Any]:
        """What it says of itself, in the order of the XML schema."""
        return {
            "id": self.id,
            "jobId": job_id,
            "state": self.state,
            "stateMessage": self.message,
            "createdDate": self.created,
            "systemModstamp": self.modified or self.created,
            "numberRecordsProcessed": len(self.outcomes) or len(self.lines),
            "numberRecordsFailed": sum(1 for one in self.outcomes if one.errors),
            "totalProcessingTime": self.milliseconds,
            "apiActiveProcessingTime": self.milliseconds,
            "apexProcessingTime": 0,
        }


@dataclass(slots=True)
class ClassicJob(Job):
    """One job of Bulk API 1.0. `chunk_rows` is set where the query is cut by primary keys."""

    type: ClassVar[str] = "Classic"
    batches: dict[str, Batch] = field(default_factory=dict)
    chunk_rows: int = 0

    @property
    def at_work(self) -> bool:
        """Whether a batch waits."""
        return any(batch.waiting for batch in self.batches.values())

    @property
    def queries(self) -> bool:
        """Whether its batches are queries."""
        return self.operation in bulk_query.OPERATIONS

    def step(self, call: Call) -> None:
        """Take all waiting batches on, or the first of them when they shall not work side by side."""
        waiting = [batch for batch in self.batches.values() if batch.waiting]
        for batch in waiting[:1] if self.concurrency == "Serial" else waiting:
            started = call.org.clock.now()
            try:
                self._take_on(call, batch)
            except BadBatch as error:
                batch.state, batch.message = FAILED, str(error)
            batch.modified = call.org.clock.now()
            batch.milliseconds += (batch.modified - started) // timedelta(milliseconds=1)

    def fail(self, reason: str) -> None:
        """The waiting batches fail."""
        for batch in self.batches.values():
            if batch.waiting:
                batch.state, batch.message = FAILED, reason

    def _take_on(self, call: Call, batch: Batch) -> None:
        if self.queries:
            self._run(call, batch)
            return
        sobject = bulk_rows.visible_object(call, self.sobject)
        records = content.read_records(call, sobject, self.operation, self.content_type, batch.request)
        if batch.state == QUEUED and len(records) > _AT_ONCE:
            batch.state = IN_PROGRESS
            return
        outcomes = bulk_rows.write_rows(call, self.operation, sobject, self.external_id, records)
        batch.outcomes = [_in_json_words(one) for one in outcomes] if self.content_type.endswith("JSON") else outcomes
        batch.state = COMPLETED

    def _run(self, call: Call, batch: Batch) -> None:
        soql = batch.request.decode("utf-8", "replace").strip()
        try:
            result, columns, lines = self._find(call, soql)
        except ApiError as error:
            raise BadBatch(f"InvalidBatch : Failed to process query: {error.code}: {error.message}") from error
        if not self.chunk_rows:
            self._finish(call, batch, columns, lines, result.records)
            return
        batch.state = NOT_PROCESSED
        for first in range(0, len(lines), self.chunk_rows):
            end = first + self.chunk_rows
            part = Batch(call.desk.ids.next(BATCH_PREFIX), call.org.clock.now(), batch.request, batch.media_type)
            self.batches[part.id] = part
            self._finish(call, part, columns, lines[first:end], result.records[first:end])

    def _find(self, call: Call, soql: str) -> tuple[QueryResult, list[str], list[list[str]]]:
        """What a query finds; as lines of CSV only where they are asked for."""
        all_rows = self.operation == "queryAll"
        if self.content_type == "CSV":
            return bulk_query.run_query(call, soql, all_rows=all_rows)
        result = bulk_query.find_records(call, soql, all_rows=all_rows)
        return result, [], [[] for _ in result.records]

    def _finish(self, call: Call, batch: Batch, columns: list[str], lines: list[list[str]], records: list[Any]) -> None:
        batch.columns, batch.lines, batch.records = columns, lines, records
        batch.result_id, batch.state = call.desk.ids.next(RESULT_PREFIX), COMPLETED

    def info(self) -> dict[str, Any]:
        """What it says of itself, in the order of the XML schema."""
        batches = self.batches.values()
        counts = {
            f"numberBatches{state}": sum(1 for batch in batches if batch.state == state)
            for state in (QUEUED, IN_PROGRESS, COMPLETED, FAILED)
        }
        done = [batch.info(self.id) for batch in batches]
        return {
            "id": self.id,
            "operation": self.operation,
            "object": self.sobject,
            "createdById": self.user_id,
            "createdDate": self.created,
            "systemModstamp": self.modified or self.created,
            "state": self.state,
            "externalIdFieldName": self.external_id,
            "concurrencyMode": self.concurrency,
            "contentType": self.content_type,
            **counts,
            "numberBatchesTotal": len(batches),
            "numberRecordsProcessed": sum(one["numberRecordsProcessed"] for one in done),
            "numberRetries": 0,
            "apiVersion": float(self.version),
            "assignmentRuleId": self.assignment_rule,
            "numberRecordsFailed": sum(one["numberRecordsFailed"] for one in done),
            "totalProcessingTime": self.milliseconds,
            "apiActiveProcessingTime": self.milliseconds,
            "apexProcessingTime": 0,
            "fastPathEnabled": False,
        }


def _in_json_words(one: Outcome) -> Outcome:
    """In JSON an unknown column is an error of the row, in the words of the platform's JSON reader."""
    errors = tuple(
        Refusal(error.code, f"Unexpected JsonMappingException: {error.message}", error.fields or ())
        if error.message.startswith(_UNKNOWN_COLUMN)
        else error
        for error in one.errors
    )
    return Outcome(one.id, one.created, errors)
