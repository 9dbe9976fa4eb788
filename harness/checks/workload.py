"""Running what the integration does, as one user, and putting two users' answers beside each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from harness.checks.comparison import compare
from harness.checks.created import read_back
from harness.checks.results import NO_RECORD, Answered
from harness.checks.soql import from_object
from harness.checks.spec import OperationSpec
from harness.checks.values import NoRecord, Values
from harness.errors import RequestRefused
from harness.org.outcome import answer_of, answer_of_row
from harness.org.reply import Answer, BulkResult
from harness.scenario.model import BulkJob, DeleteRows, InsertRows, UpdateRows, UpsertRows

if TYPE_CHECKING:
    from harness.org.connection import Connection

__all__ = ["Workload", "compare"]

ROWS_PER_COLLECTION = 200
COLLECTIONS_PER_COMPOSITE = 5
"""Limits of the composite family (facts section 5.5)."""


class Workload:
    """Runs operations for one run. It remembers which rows it inserted as whom, for a later `delete` to take."""

    def __init__(self, values: Values) -> None:
        self._values = values
        self._inserted: dict[tuple[str, str], list[str]] = {}
        self._left: Counter[str] = Counter()

    @property
    def left(self) -> Mapping[str, int]:
        """How many rows the workload has made and not deleted, by object."""
        return {sobject: count for sobject, count in self._left.items() if count > 0}

    def run(self, spec: OperationSpec, connection: Connection, *, round: str) -> Answered:  # noqa: A002
        """Run one operation as `connection`'s user. `round` tells repetitions apart; `{{unique}}` differs by it.

        The org's refusal is the answer. Raises OrgUnreachable, and GuardRefused for a write without a capability.
        """
        try:
            return self._run(spec, connection, round)
        except RequestRefused as refusal:
            return Answered(username=connection.username, error_code=refusal.code, message=refusal.description.strip())
        except NoRecord as error:
            return Answered(username=connection.username, error_code=NO_RECORD, message=str(error))

    def _run(self, spec: OperationSpec, connection: Connection, turn: str) -> Answered:
        match getattr(spec.item, spec.item.kind):
            case InsertRows() as rows:
                made = self._make(spec, connection, rows.fields, rows.rows, turn)
                answers = connection.create_many(rows.object, made)
                ids = [each.id for each in answers if each.ok and each.id]
                self._remember(connection, rows.object, ids)
                return _with_created(connection, rows.object, ids, rows.fields, _written(connection, answers))
            case UpdateRows() as rows:
                found = self._values.record_ids(rows.object, rows.where, count=rows.rows, seen_by=(connection,))
                made = self._make(spec, connection, rows.fields, len(found), turn)
                return _written(connection, connection.update_many(rows.object, _with_ids(found, made)))
            case UpsertRows() as rows:
                made = self._make(spec, connection, rows.fields, rows.rows, turn)
                answers = list(_upsert(connection, rows, made))
                ids = [str(each.id) for each in answers if each.created]
                self._left[rows.object] += len(ids)
                return _with_created(connection, rows.object, ids, rows.fields, _written(connection, answers))
            case DeleteRows() as rows:
                found = self._to_delete(rows, connection)
                answers = self._deleted(rows.object, connection.delete_many(found))
                gone = sum(1 for each in answers if each.ok)
                return _written(connection, answers).model_copy(update={"made": -gone})
            case BulkJob() as job:
                return self._bulk(spec, connection, job, turn)
            case text:
                return _query(connection, text) if spec.item.kind == "query" else _describe(connection, text)

    def _bulk(self, spec: OperationSpec, connection: Connection, job: BulkJob, turn: str) -> Answered:
        if job.operation == "query":
            soql = job.query or ""
            return _bulk_queried(connection, soql, connection.bulk_query(soql))
        sobject = job.object or ""
        found: list[str] = []
        if job.operation == "update":
            found = self._values.record_ids(sobject, job.where, count=job.rows, seen_by=(connection,))
        elif job.operation == "delete":
            found = self._to_delete(DeleteRows(object=sobject, where=job.where, rows=min(job.rows, 10_000)), connection)
        made = self._make(spec, connection, job.fields, len(found) or job.rows, turn)
        rows = _with_ids(found, made) if found else made
        result = connection.bulk_ingest(job.operation, sobject, rows, external_id=job.by)
        ids = [row["sf__Id"] for row in result.rows if row.get("sf__Created", "").casefold() == "true"]
        answered = _bulk_written(connection, result)
        if job.operation == "delete":
            self._left[sobject] -= len(result.rows)
            return answered.model_copy(update={"made": -len(result.rows)})
        if job.operation == "insert":
            self._remember(connection, sobject, ids)
        else:
            self._left[sobject] += len(ids)
        return _with_created(connection, sobject, ids, job.fields, answered)

    def _make(
        self, spec: OperationSpec, connection: Connection, fields: Mapping[str, Any], count: int, turn: str
    ) -> list[dict[str, Any]]:
        return self._values.rows(fields, operation=spec.id, count=count, turn=turn, seen_by=(connection,))

    def _remember(self, connection: Connection, sobject: str, ids: Sequence[str]) -> None:
        self._inserted.setdefault((connection.username, sobject), []).extend(ids)
        self._left[sobject] += len(ids)

    def _to_delete(self, rows: DeleteRows, connection: Connection) -> list[str]:
        """The ids to delete: those that meet the condition, or the newest that were inserted as this user."""
        if rows.where:
            return self._values.record_ids(rows.object, rows.where, count=rows.rows, seen_by=(connection,))
        own = self._inserted.get((connection.username, rows.object), [])
        taken, own[-rows.rows :] = own[-rows.rows :], []
        if not taken:
            raise NoRecord(
                f"the workload has inserted no {rows.object} as {connection.username} that is left to delete"
            )
        return taken

    def _deleted(self, sobject: str, answers: list[Answer]) -> list[Answer]:
        self._left[sobject] -= sum(1 for each in answers if each.ok)
        return answers


def _with_created(
    connection: Connection, sobject: str, ids: Sequence[str], sent: Mapping[str, Any], answered: Answered
) -> Answered:
    """The answer with how many rows were created, and what the org gave the first of them unasked."""
    created = read_back(connection, sobject, ids[0], sent) if ids else {}
    return answered.model_copy(update={"made": len(ids), "created": created})


def _query(connection: Connection, soql: str) -> Answered:
    return _rows_answered(connection, soql, connection.query(soql))


def _describe(connection: Connection, sobject: str) -> Answered:
    """Each field that describe shows, and what may be done with it; the object itself the same."""
    reply = connection.describe(sobject)
    if not reply.ok:
        error = reply.errors[0]
        return Answered(username=connection.username, error_code=error.code, message=error.message.strip())
    body = reply.body
    shown = [f"{sobject}: {right}" for right in ("create", "edit", "delete") if body[_FLAG[right]]]
    for field in body["fields"]:
        shown.append(f"{sobject}.{field['name']}")
        shown += [f"{sobject}.{field['name']}: {right}" for right in ("create", "edit") if field[_FLAG[right]]]
    return Answered(username=connection.username, fields=tuple(shown))


_FLAG = {"create": "createable", "edit": "updateable", "delete": "deletable"}


def _bulk_queried(connection: Connection, soql: str, result: BulkResult) -> Answered:
    if result.error or result.errors:
        return _bulk_written(connection, result)
    rows = [{name: value or None for name, value in row.items()} for row in result.rows]
    return _rows_answered(connection, soql, rows)


def _rows_answered(connection: Connection, soql: str, rows: Sequence[Mapping[str, Any]]) -> Answered:
    sobject = from_object(soql)
    filled: Counter[str] = Counter()
    for row in rows:
        for name, value in _flat(row):
            filled[f"{sobject}.{name}"] += value is not None
    return Answered(
        username=connection.username, rows=len(rows), fields=tuple(sorted(filled)), filled=dict(sorted(filled.items()))
    )


def _flat(row: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The fields of a row; those of a parent as `Owner.Name`, those of child rows as `Contacts.Name`."""
    for name, value in row.items():
        if not isinstance(value, Mapping):
            yield prefix + name, value
            continue
        below = value["records"] if "records" in value and "totalSize" in value else [value]
        for each in below:
            yield from _flat(each, f"{prefix}{name}.")


def _upsert(connection: Connection, rows: UpsertRows, made: Sequence[Mapping[str, Any]]) -> Iterator[Answer]:
    """Upsert in collections of 200, five of them in a call; one Answer for each row, in order."""
    url = f"composite/sobjects/{rows.object}/{rows.by}"
    records = [{"attributes": {"type": rows.object}, **row} for row in made]
    collections = [
        records[start : start + ROWS_PER_COLLECTION] for start in range(0, len(records), ROWS_PER_COLLECTION)
    ]
    for start in range(0, len(collections), COLLECTIONS_PER_COMPOSITE):
        batch = collections[start : start + COLLECTIONS_PER_COMPOSITE]
        subrequests = [
            {"method": "PATCH", "url": url, "body": {"allOrNone": False, "records": collection}} for collection in batch
        ]
        for collection, reply in zip(batch, connection.composite(subrequests, all_or_none=False), strict=True):
            if reply.ok and isinstance(reply.body, list):
                yield from (answer_of_row(row, reply.status) for row in reply.body)
            else:
                yield from [answer_of(reply)] * len(collection)


def _with_ids(ids: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{"Id": record_id, **row} for record_id, row in zip(ids, rows, strict=True)]


def _written(connection: Connection, answers: Iterable[Answer]) -> Answered:
    given = list(answers)
    failed = [each for each in given if not each.ok]
    errors = [error for each in failed for error in each.errors]
    return Answered(
        username=connection.username,
        rows=len(given) - len(failed),
        failed_rows=len(failed),
        error_code=(errors[0].code if errors else "UNKNOWN") if failed else None,
        message=errors[0].message.strip() if errors else None,
    )


def _bulk_written(connection: Connection, result: BulkResult) -> Answered:
    code, message = (result.error.code, result.error.message) if result.error else (None, None)
    if code is None and result.errors:
        code, _, message = result.errors[0].partition(":")
    if code is None and (result.state != "JobComplete" or result.unprocessed):
        code, message = result.state, f"{result.unprocessed} rows were never processed"
    return Answered(
        username=connection.username,
        rows=len(result.rows),
        failed_rows=result.failed + result.unprocessed,
        error_code=code,
        message=message,
    )
