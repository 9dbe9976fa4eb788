"""Writing with intent before effect: the one way in which a stage changes anything.

Each write has a key that is the same whenever the run comes by again. A write that is known to be done is not sent
twice; one whose answer was lost is settled by reading the org back, and only what is not there is sent again. What was
already as it should be is journaled as found: it is not ours, and is never undone. What was undone is as if it had
never been done.

Reading back settles nothing while the write may still land. So it is sent behind the lock where that can be, and the
lock is renewed before it is looked for the last time; otherwise it is waited out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from harness.access.soql import among, equals, select
from harness.errors import OrgUnreachable, StageFailed
from harness.migration.context import Context
from harness.migration.records import Intent, Outcome, WriteOperation
from harness.migration.writing.fenced import (
    CannotFence,
    Request,
    create_of,
    delete_of,
    first_reason,
    gone_is_done,
    make_sure,
    send_fenced,
    send_plain,
    update_of,
)
from harness.migration.writing.waiting import wait_out
from harness.org.errors import find
from harness.org.meter import LimitReached
from harness.org.reply import Answer, ApiError

if TYPE_CHECKING:
    from harness.org.connection import Connection

Row = Mapping[str, Any]

FENCED = frozenset(
    {
        "GroupMember",
        "PermissionSet",
        "PermissionSetAssignment",
        "PermissionSetLicenseAssign",
        "SetupEntityAccess",
        "User",
        "UserLogin",
        "UserPackageLicense",
    }
)
"""The setup objects whose rows are written one by one, each behind the lock. Ordinary objects may not share its
transaction (facts 5.7); the rows of a permission set come by the thousand, and go with it."""
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

    def intent(self, rows: int, *, found: bool = False, fenced: bool = False) -> Intent:
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
            fenced=fenced,
        )


Send = Callable[[Sequence[Row]], Sequence[Answer]]
"""Send some of the rows; one answer for each, in order."""
Look = Callable[[], Sequence[str | None]]
"""Read the org back: for each row the id under which it stands as meant, or None."""


def perform(context: Context, write: Write, rows: Sequence[Row], *, send: Send, look: Look) -> tuple[str, ...]:
    """Make a write that cannot be sent behind the lock and was not made yet; return the ids of its rows.

    Raises WriteRefused when the org refuses a row, and OrgUnreachable when it does not answer and nothing was written.
    """

    def intend_and_send(some: Sequence[Row]) -> Sequence[Answer]:
        make_sure(context)
        context.record("intent", write.key, write.intent(len(some)))
        return send(some)

    return _perform(context, write, rows, look, intend_and_send)


def perform_rows(
    context: Context, write: Write, rows: Sequence[Row], *, request: Callable[[Row], Request], look: Look
) -> tuple[str, ...]:
    """The same for rows that are written one by one, behind the lock where this org lets them; raises LockLost, too."""

    def send(some: Sequence[Row]) -> Sequence[Answer]:
        requests = [request(row) for row in some]
        if write.sobject in FENCED and write.sobject not in context.lock.cannot_fence:
            context.record("intent", write.key, write.intent(len(some), fenced=True))
            try:
                return send_fenced(context, requests)
            except CannotFence:
                context.lock.cannot_fence.add(write.sobject)
        make_sure(context)
        context.record("intent", write.key, write.intent(len(some)))
        return send_plain(context, requests)

    return _perform(context, write, rows, look, send)


def _perform(context: Context, write: Write, rows: Sequence[Row], look: Look, send: Send) -> tuple[str, ...]:
    """`send` journals the intent, then sends."""
    past = _past(context, write)
    if past.done is not None:
        return past.done.ids
    if write.undoes is None and write.operation != "file":
        context.world.meter.check()  # an undoing may use the last calls
        context.about_to_write()  # and looks for itself
    standing: list[str | None] = [None] * len(rows)
    if past.tried is not None:
        if past.unsettled and may_land_late(past.tried):
            wait_out(context, write.summary, since=past.at)
        standing = list(look())
        if all(standing) or past.unsettled:
            _settle(context, write, "APPLIED" if all(standing) else "NOT_APPLIED", standing)
        if all(standing):
            return _ids(standing)
    missing = [index for index, one in enumerate(standing) if one is None]
    answers = list(send([rows[index] for index in missing]))
    if all(answer.ok for answer in answers):
        for index, answer in zip(missing, answers, strict=True):
            standing[index] = answer.id or ""
        context.rows_written += len(missing)
        outcome = Outcome(certainty="APPLIED", status=answers[0].status if answers else None, ids=_ids(standing))
        context.record("outcome", write.key, outcome)
        return outcome.ids
    refused = [(rows[missing[place]], answers[place].errors[0]) for place in first_reason(answers)]
    return _not_confirmed(context, write, answers, refused, look)


def may_land_late(intent: Intent) -> bool:
    """Whether a write whose answer was lost may land after it was looked for, for all that the lock can do."""
    return not intent.fenced and intent.operation != "file"


def found(context: Context, write: Write, ids: Sequence[str]) -> tuple[str, ...]:
    """Journal that something was already as it should be: nothing is sent, and nothing will be undone."""
    if _past(context, write).done is None:
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

    def look() -> Sequence[str | None]:
        standing = admin.query(
            select(write.sobject, dict.fromkeys(("Id", *by, *rest)), where=_where(write), order="Id")
        )
        ids = {tuple(row[name] for name in (*own, *rest)): str(row["Id"]) for row in standing}
        return [ids.get(tuple(row[name] for name in (*own, *rest))) for row in rows]

    return create_rows(context, write, rows, look=look)


def create_rows(context: Context, write: Write, rows: Sequence[Row], *, look: Look) -> tuple[str, ...]:
    """Create rows that `look` finds again: those of a permission set, which may be many, 1,000 to a call."""
    if "ParentId" in rows[0] and len(rows) > 1:
        return perform(
            context, write, rows, send=lambda some: context.admin.create_many(write.sobject, some), look=look
        )
    return perform_rows(context, write, rows, request=lambda row: create_of(write.sobject, row), look=look)


def create_or_find(context: Context, write: Write) -> None:
    """Create the row that `write.after` and its natural key are, unless it was there before this run came by."""
    standing = context.admin.query(select(write.sobject, ("Id",), where=_where(write)))
    if standing and not context.records(key=write.key):
        found(context, write, [str(standing[0]["Id"])])
    else:
        create(context, write, [write.natural_key])


def update(context: Context, write: Write, record_id: str, *, unmodified_since: datetime | None = None) -> None:
    """Update one row from `write.before` to `write.after`; where it was so before this run came by, it is found.

    With `unmodified_since`, the org refuses it (PRECONDITION_FAILED) where somebody changed the row after that moment.
    """
    before, after = dict(write.before or {}), dict(write.after or {})
    if all(before.get(name) == value for name, value in after.items()) and not context.records(key=write.key):
        found(context, write, (record_id,))
        return

    def look() -> Sequence[str | None]:
        rows = context.admin.query(select(write.sobject, ("Id", *after), where=equals("Id", record_id)))
        return [record_id if rows and all(rows[0][name] == value for name, value in after.items()) else None]

    perform_rows(
        context,
        write,
        [after],
        request=lambda _: update_of(write.sobject, record_id, after, unmodified_since),
        look=look,
    )


def delete(context: Context, write: Write, ids: Sequence[str]) -> None:
    """Delete rows by id. One that is already gone counts as deleted."""
    rows = [{"Id": one} for one in ids]

    def look() -> Sequence[str | None]:
        left = context.admin.query(select(write.sobject, ("Id",), where=among("Id", ids)))
        standing = {str(row["Id"]) for row in left}
        return [None if one in standing else one for one in ids]

    if write.sobject in FENCED:
        perform_rows(context, write, rows, request=lambda row: delete_of(write.sobject, row["Id"]), look=look)
        return

    def send(some: Sequence[Row]) -> Sequence[Answer]:
        return [gone_is_done(answer) for answer in context.admin.delete_many([row["Id"] for row in some])]

    perform(context, write, rows, send=send, look=look)


def _where(write: Write) -> str:
    return " AND ".join(equals(name, str(value)) for name, value in write.natural_key.items())


def _identifies(column: str) -> bool:
    """Whether a column of a permission row is part of what it is about, and not of what it gives."""
    return not column.startswith("Permissions")


@dataclass(frozen=True, slots=True)
class _Past:
    """What the journal knows of a write: the last try that was not undone since, and what became of it."""

    tried: Intent | None = None
    at: datetime | None = None
    done: Outcome | None = None
    unsettled: bool = False


def _past(context: Context, write: Write) -> _Past:
    past, fresh_since = _Past(), _fresh_since(context, write)
    for record in context.records(key=write.key):
        if record.seq <= fresh_since:
            continue
        if isinstance(record.body, Intent):
            past = _Past(record.body, record.at, unsettled=True)
        elif isinstance(record.body, Outcome):
            done = record.body if record.body.certainty == "APPLIED" else None
            past = replace(past, done=done, unsettled=record.body.certainty == "UNKNOWN")
    return past


def _fresh_since(context: Context, write: Write) -> int:
    """The record up to which the past of a write is of no account: it was undone there, or what it undoes done anew."""
    if write.undoes is not None:
        return max((record.seq for record in context.records(kind="intent", key=write.undoes)), default=0)
    undoing = {
        record.key
        for record in context.records(kind="intent")
        if isinstance(record.body, Intent) and record.body.undoes == write.key
    }
    outcomes = (
        record
        for key in sorted(undoing)
        for record in context.records(kind="outcome", key=key)
        if isinstance(record.body, Outcome) and record.body.certainty == "APPLIED"
    )
    return max((record.seq for record in outcomes), default=0)


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
            standing = _look_for_certain(context, write, look) if doubtful else list(look())
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


def _look_for_certain(context: Context, write: Write, look: Look) -> list[str | None]:
    """Look for rows whose answer was lost; for those that are not there, once more when they cannot land any more."""
    standing = list(look())
    if all(standing):
        return standing
    tried = _past(context, write).tried
    if tried is not None and tried.fenced:
        context.lock.renew(context)
    elif tried is None or may_land_late(tried):
        wait_out(context, write.summary)
    return list(look())


def _error(
    context: Context, write: Write, refused: Sequence[tuple[Row, ApiError]], first: str
) -> WriteRefused | OrgUnreachable:
    LimitReached.where_used_up(error for _, error in refused)
    if refused and all(error.code in _NOBODY_ANSWERED for _, error in refused):
        return OrgUnreachable(
            f"the org did not answer when asked to {write.summary}; read back, it was not done",
            asked=write.summary,
            may_have_happened=False,
            remedy="when the org answers again, take the run up with `rehearse resume`",
        )
    many = f" ({len(refused)} rows refused)" if len(refused) > 1 else ""
    message = f"the org refused to {write.summary}{many}: {first}"
    known = find(refused[0][1].code, refused[0][1].message) if refused else None
    remedy = write.remedy or (known.remedy if known else None)
    return WriteRefused(message, stage=context.stage, refused=refused, remedy=remedy)


def _ids(standing: Sequence[str | None]) -> tuple[str, ...]:
    return tuple(one for one in standing if one)
