"""Checks that write for real: what they wrote is journaled before it is sent, and undone where nobody came to it.

A check cleans up after itself. Where the run breaks off in between, the next try of the check cleans up first, and so
does a rollback. Rows whose ids nobody heard are known by who made them, since when, and by every value in them.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from harness.access.soql import equals, select
from harness.checks.spec import CheckSpec, about
from harness.migration.records import Intent, Outcome
from harness.migration.undoing.parts import NO_INVERSE, Done, Findings, inverse_of, restore, standing_ids
from harness.migration.writing import writes
from harness.migration.writing.writes import Write

if TYPE_CHECKING:
    from harness.migration.context import Context
    from harness.org.connection import Connection

COMMITTED = "verify/committed/"
"""How the keys of such writes begin; the id of the check follows."""
_UNDOING = "undoing/"
_CLOCKS_APART = timedelta(minutes=5)
_DATETIME = 19
"""How much of a date and time is told alike in a request and in an answer: up to the seconds."""


class Committing:
    """The diary of one check (`harness.checks.committing`): it goes into the journal."""

    def __init__(self, context: Context, spec: CheckSpec) -> None:
        self._context = context
        self._key = f"{COMMITTED}{spec.id}"
        self._sobject = str(about(spec.item))

    def intend(
        self, connection: Connection, writes: Sequence[Mapping[str, Any]], before: Sequence[Mapping[str, Any]]
    ) -> None:
        """Journal what is about to be sent, with the values that it replaces."""
        creates = writes[0]["method"] == "POST"
        since = self._context.world.clock.now() - _CLOCKS_APART
        names = [str(n) if creates else str(w["url"]).rpartition("/")[2] for n, w in enumerate(writes, start=1)]
        intent = Intent(
            operation="create" if creates else "update",
            sobject=self._sobject,
            summary=f"{'create' if creates else 'change'} {len(writes)} {self._sobject} rows for a check",
            rows=len(writes),
            natural_key={"CreatedById": connection.user_id, "since": f"{since:%Y-%m-%dT%H:%M:%SZ}"},
            before={
                name: {field: row.get(field) for field in write["body"]}
                for name, write, row in zip(names, writes, before, strict=True)
            }
            if not creates
            else None,
            after={name: dict(write["body"]) for name, write in zip(names, writes, strict=True)},
            inverse="delete the rows" if creates else "put the values back",
        )
        self._context.record("intent", self._key, intent)

    def refused(self) -> None:
        """Nothing stayed."""
        self._context.record("outcome", self._key, Outcome(certainty="NOT_APPLIED"))

    def written(self, ids: Sequence[str]) -> None:
        """They stand, until they are undone."""
        self._context.record("outcome", self._key, Outcome(certainty="APPLIED", ids=tuple(ids)))

    def undone(self) -> None:
        """The check came to its end."""
        _note_undone(self._context, self._key)


def undo_committed(context: Context, spec_id: str) -> Generator[None, None, None]:
    """Undo what an earlier try of a check wrote and did not undo. Raises StageFailed where that is refused."""
    done = _pending(context, f"{COMMITTED}{spec_id}")
    if done is None:
        return
    findings = Findings()
    undo_committed_write(context, done, findings)
    for number, text in enumerate(findings.drift, start=1):
        context.warn(f"committed {spec_id} {number}", text)
    yield


def undo_committed_write(context: Context, done: Done, findings: Findings) -> None:
    """Undo one such write where its check did not; what somebody else changed since is left alone and told."""
    if _is_undone(context, done.key):
        return
    if done.intent.operation == "create":
        _delete(context, done, findings)
    else:
        _put_back(context, done, findings)
    if not done.certain:
        context.record("outcome", done.key, Outcome(certainty="NOT_APPLIED", settled_by="read-back"))
    _note_undone(context, done.key)


def _pending(context: Context, key: str) -> Done | None:
    """The last try of a write that was not undone."""
    intent: Intent | None = None
    ids: tuple[str, ...] = ()
    certain, at = False, context.world.clock.now()
    for record in context.records(key=key):
        if isinstance(record.body, Intent):
            intent, ids, certain, at = record.body, (), False, record.at
        elif isinstance(record.body, Outcome):
            intent = None if record.body.certainty == "NOT_APPLIED" else intent
            ids, certain = record.body.ids, True
    if intent is None or _is_undone(context, key):
        return None
    return Done(key, context.stage, intent, ids, certain=certain, at=at)


def _is_undone(context: Context, key: str) -> bool:
    """Whether the undoing was journaled after the last try."""
    last = max((record.seq for record in context.records(kind="intent", key=key)), default=0)
    return any(record.seq > last for record in context.records(kind="outcome", key=f"{_UNDOING}{key}"))


def _note_undone(context: Context, key: str) -> None:
    context.record("outcome", f"{_UNDOING}{key}", Outcome(certainty="APPLIED"))


def _delete(context: Context, done: Done, findings: Findings) -> None:
    ids = standing_ids(context, done, findings) if done.ids else _like_ours(context, done.intent)
    if len(ids) > done.intent.rows:
        findings.drift.append(
            f"{len(ids)} {done.intent.sobject} rows are like the {done.intent.rows} of '{done.intent.summary}', whose "
            f"answer was lost: they are left alone ({', '.join(ids)})"
        )
    elif ids:
        writes.delete(context, inverse_of(done, operation="delete", summary=f"undo: {done.intent.summary}"), ids)


def _like_ours(context: Context, intent: Intent) -> list[str]:
    """The ids of the rows that the same user made since, and that hold exactly what we sent."""
    sent = [dict(values) for values in (intent.after or {}).values()]
    fields = sorted({name for values in sent for name in values})
    where = f"{equals('CreatedById', str(intent.natural_key['CreatedById']))} AND CreatedDate >= "
    where += str(intent.natural_key["since"])
    rows = context.admin.query(select(intent.sobject, ("Id", *fields), where=where, order="Id"))
    return [
        str(row["Id"])
        for row in rows
        if any(all(_same(row.get(name), value) for name, value in values.items()) for values in sent)
    ]


def _same(stands: Any, sent: Any) -> bool:
    if stands == sent:
        return True
    both = isinstance(stands, str) and isinstance(sent, str)
    return both and sent[10:11] == "T" and _moment(stands) == _moment(sent)


def _moment(text: str) -> str:
    try:
        return datetime.fromisoformat(text).isoformat()[:_DATETIME]
    except ValueError:
        return text


def _put_back(context: Context, done: Done, findings: Findings) -> None:
    for record_id, values in (done.intent.after or {}).items():
        before = dict((done.intent.before or {})[record_id])
        sobject = done.intent.sobject
        rows = context.admin.query(select(sobject, ("Id", *values), where=equals("Id", record_id)))
        if not rows:
            findings.drift.append(f"the {sobject} row {record_id} of '{done.intent.summary}' is gone")
            continue
        now = {name: rows[0][name] for name in values}
        strange = [name for name in now if not (_same(now[name], values[name]) or _same(now[name], before[name]))]
        if strange:
            names = ", ".join(strange)
            findings.drift.append(f"{names} of the {sobject} {record_id} is neither ours nor the old one: left alone")
        ours = {name: before[name] for name in now if name not in strange}
        write = Write(
            key=f"{inverse_of(done, operation='update', summary='').key}/{record_id}",
            operation="update",
            sobject=sobject,
            summary=f"undo: {done.intent.summary}",
            natural_key={"Id": record_id},
            inverse=NO_INVERSE,
            undoes=done.key,
        )
        restore(context, write, record_id, {name: now[name] for name in ours}, ours)
