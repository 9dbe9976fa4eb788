"""Writing with intent before effect: the one way in which a stage changes anything.

Each write has a key that is the same whenever the run comes by again. A write that is known to be done is not sent
twice; one whose answer was lost is settled by reading the org back, and only what is not there is sent again. What was
already as it should be is journaled as found: it is not ours, and is never undone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from harness.access.soql import among, equals, select
from harness.errors import OrgUnreachable, StageFailed
from harness.migration.context import Context
from harness.migration.records import Intent, Outcome, WriteOperation
from harness.org.reply import Answer, ApiError

if TYPE_CHECKING:
    from harness.org.connection import Connection

Row = Mapping[str, Any]

GONE = frozenset({"ENTITY_IS_DELETED", "NOT_FOUND", "INVALID_CROSS_REFERENCE_KEY"})
"""The codes of a delete that say there is nothing to delete."""
_DUPLICATE = "DUPLICATE"
_NOBODY_ANSWERED = frozenset({"NO_ANSWER", "NOT_SENT"})
_SHOWN = 10


class WriteRefused(StageFailed):
    """The org refused a write; `answer` is its own words, `refused` each refused row with the error."""

    def __init__(
        self, message: str, *, stage: str, refused: Sequence[tuple[Row, ApiError]], remedy: str | None
    ) -> None:
        super().__init__(message, stage=stage, remedy=remedy)
        self.refused = tuple(refused)
        self.answer = "; ".join(str(error) for _, error in self.refused[:_SHOWN])


@dataclass(frozen=True, slots=True)
class Write:
    """One write: what is journaled before it is sent."""

    key: str
    operation: WriteOperation
    sobject: str
    summary: str
    natural_key: Row
    """The columns by which the row is found again; with many rows, those that all have in common."""
    inverse: str
    before: Row | None = None
    after: Row | None = None
    undoes: str | None = None
    remedy: str | None = None
    """What to do when the org refuses it."""

    def intent(self, rows: int, *, found: bool = False) -> Intent:
        """The record of it."""
        return Intent(
            operation=self.operation,
            sobject=self.sobject,
            summary=self.summary,
            rows=rows,
            natural_key=self.natural_key,
            before=self.before,
            after=self.after,
            found=found,
            inverse=self.inverse,
            undoes=self.undoes,
        )


Send = Callable[[Sequence[Row]], Sequence[Answer]]
"""Send some of the rows; one answer for each, in order."""
Look = Callable[[], Sequence[str | None]]
"""Read the org back: for each row the id under which it stands as meant, or None."""


def perform(context: Context, write: Write, rows: Sequence[Row], *, send: Send, look: Look) -> tuple[str, ...]:
    """Make a write that was not made yet, and return the ids of its rows.

    Raises WriteRefused when the org refuses a row, and OrgUnreachable when it does not answer and nothing was written.
    """
    past = _past(context, write.key)
    if past.done is not None:
        return past.done.ids
    standing: list[str | None] = [None] * len(rows)
    if past.tried:
        standing = list(look())
        if all(standing) or past.unsettled:
            _settle(context, write, "APPLIED" if all(standing) else "NOT_APPLIED", standing)
        if all(standing):
            return _ids(standing)
    missing = [index for index, one in enumerate(standing) if one is None]
    context.record("intent", write.key, write.intent(len(missing)))
    answers = list(send([rows[index] for index in missing]))
    if all(answer.ok for answer in answers):
        for index, answer in zip(missing, answers, strict=True):
            standing[index] = answer.id or ""
        context.rows_written += len(missing)
        outcome = Outcome(certainty="APPLIED", status=answers[0].status if answers else None, ids=_ids(standing))
        context.record("outcome", write.key, outcome)
        return outcome.ids
    refused = [(rows[i], answer.errors[0]) for i, answer in zip(missing, answers, strict=True) if answer.errors]
    return _not_confirmed(context, write, answers, refused, look)


def found(context: Context, write: Write, ids: Sequence[str]) -> tuple[str, ...]:
    """Journal that something was already as it should be: nothing is sent, and nothing will be undone."""
    if _past(context, write.key).done is None:
        context.record("intent", write.key, write.intent(len(ids), found=True))
        context.record("outcome", write.key, Outcome(certainty="APPLIED", ids=tuple(ids), settled_by="found"))
    return tuple(ids)


def create(
    context: Context,
    write: Write,
    rows: Sequence[Row],
    *,
    own: Sequence[str] = (),
    connection: Connection | None = None,
) -> tuple[str, ...]:
    """Create rows. A row that is lost or already there is looked up by its natural key and the rest of `own`.

    `own` are the columns that tell our row from anybody else's: a duplicate that differs in one is not adopted.
    """
    admin = connection or context.admin
    by = [*write.natural_key, *own]
    rest = [name for name in rows[0] if name not in by and _identifies(name)] if len(rows) > 1 else []

    def send(some: Sequence[Row]) -> Sequence[Answer]:
        return [admin.create(write.sobject, some[0])] if len(rows) == 1 else admin.create_many(write.sobject, some)

    def look() -> Sequence[str | None]:
        standing = admin.query(
            select(write.sobject, dict.fromkeys(("Id", *by, *rest)), where=_where(write), order="Id")
        )
        ids = {tuple(row[name] for name in (*own, *rest)): str(row["Id"]) for row in standing}
        return [ids.get(tuple(row[name] for name in (*own, *rest))) for row in rows]

    return perform(context, write, rows, send=send, look=look)


def create_or_find(context: Context, write: Write) -> None:
    """Create the row that `write.after` and its natural key are, unless it was there before this run came by."""
    standing = context.admin.query(select(write.sobject, ("Id",), where=_where(write)))
    if standing and not context.records(key=write.key):
        found(context, write, [str(standing[0]["Id"])])
    else:
        create(context, write, [write.natural_key])


def update(context: Context, write: Write, record_id: str) -> None:
    """Update one row from `write.before` to `write.after`; where it was so before this run came by, it is found."""
    before, after = dict(write.before or {}), dict(write.after or {})
    if all(before.get(name) == value for name, value in after.items()) and not context.records(key=write.key):
        found(context, write, (record_id,))
        return

    def look() -> Sequence[str | None]:
        rows = context.admin.query(select(write.sobject, ("Id", *after), where=equals("Id", record_id)))
        return [record_id if rows and all(rows[0][name] == value for name, value in after.items()) else None]

    perform(context, write, [after], send=lambda _: [context.admin.update(write.sobject, record_id, after)], look=look)


def delete(context: Context, write: Write, ids: Sequence[str]) -> None:
    """Delete rows by id. One that is already gone counts as deleted."""
    rows = [{"Id": one} for one in ids]

    def send(some: Sequence[Row]) -> Sequence[Answer]:
        return [_gone(answer) for answer in context.admin.delete_many([row["Id"] for row in some])]

    def look() -> Sequence[str | None]:
        left = context.admin.query(select(write.sobject, ("Id",), where=among("Id", ids)))
        standing = {str(row["Id"]) for row in left}
        return [None if one in standing else one for one in ids]

    perform(context, write, rows, send=send, look=look)


def _where(write: Write) -> str:
    return " AND ".join(equals(name, str(value)) for name, value in write.natural_key.items())


def _gone(answer: Answer) -> Answer:
    if answer.errors and all(error.code in GONE for error in answer.errors):
        return replace(answer, certainty="APPLIED", errors=())
    return answer


def _identifies(column: str) -> bool:
    """Whether a column of a permission row is part of what it is about, and not of what it gives."""
    return not column.startswith("Permissions")


@dataclass(frozen=True, slots=True)
class _Past:
    """What the journal knows of a write: whether it was tried, and what became of the last try."""

    tried: bool
    done: Outcome | None
    unsettled: bool


def _past(context: Context, key: str) -> _Past:
    tried, done, unsettled = False, None, False
    for record in context.records(key=key):
        if isinstance(record.body, Intent):
            tried, done, unsettled = True, None, True
        elif isinstance(record.body, Outcome):
            done = record.body if record.body.certainty == "APPLIED" else None
            unsettled = record.body.certainty == "UNKNOWN"
    return _Past(tried, done, unsettled)


def _settle(
    context: Context,
    write: Write,
    certainty: Literal["APPLIED", "NOT_APPLIED"],
    standing: Sequence[str | None],
    error: str | None = None,
) -> None:
    outcome = Outcome(certainty=certainty, ids=_ids(standing), settled_by="read-back", error=error)
    context.record("outcome", write.key, outcome)


def _not_confirmed(
    context: Context,
    write: Write,
    answers: Sequence[Answer],
    refused: Sequence[tuple[Row, ApiError]],
    look: Look,
) -> tuple[str, ...]:
    """Settle what the org did not plainly confirm: by reading back where the answer does not say what happened."""
    first = str(refused[0][1]) if refused else "the org did not say what became of it"
    doubtful = any(answer.certainty == "UNKNOWN" for answer in answers)
    if doubtful or any(error.code.startswith(_DUPLICATE) for _, error in refused):
        try:
            standing = list(look())
        except OrgUnreachable:
            context.record("outcome", write.key, Outcome(certainty="UNKNOWN", error=first))
            raise
        if all(standing):
            context.rows_written += len(answers)
            _settle(context, write, "APPLIED", standing, first)
            return _ids(standing)
        _settle(context, write, "NOT_APPLIED", standing, first)
    else:
        written = tuple(answer.id for answer in answers if answer.ok and answer.id)
        context.rows_written += len(written)
        status = next((answer.status for answer in answers if not answer.ok), None)
        outcome = Outcome(certainty="NOT_APPLIED", status=status, ids=written, error=first)
        context.record("outcome", write.key, outcome)
    raise _error(context, write, refused, first)


def _error(
    context: Context, write: Write, refused: Sequence[tuple[Row, ApiError]], first: str
) -> WriteRefused | OrgUnreachable:
    if refused and all(error.code in _NOBODY_ANSWERED for _, error in refused):
        return OrgUnreachable(
            f"the org did not answer when asked to {write.summary}; read back, it was not done",
            asked=write.summary,
            may_have_happened=False,
            remedy="when the org answers again, take the run up with `rehearse resume`",
        )
    many = f" ({len(refused)} rows refused)" if len(refused) > 1 else ""
    message = f"the org refused to {write.summary}{many}: {first}"
    return WriteRefused(message, stage=context.stage, refused=refused, remedy=write.remedy)


def _ids(standing: Sequence[str | None]) -> tuple[str, ...]:
    return tuple(one for one in standing if one)
