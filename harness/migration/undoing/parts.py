"""What the undoing of every kind of write has in common: what was done, and putting values back where ours stand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from harness.access.soql import among, equals, select
from harness.migration import writes
from harness.migration.records import Intent, WriteOperation
from harness.migration.writes import Write

if TYPE_CHECKING:
    from harness.migration.context import Context

STAGE = "rollback"
NO_INVERSE = "none: it is itself the undoing"
_SEAT = "a seat of the user's license must be free"
_NOT_OURS_TO_SAY = frozenset({"ProfileId"})
"""Of a user that this tool made and leaves behind inactive, the profile is of no account."""


@dataclass(frozen=True, slots=True)
class Done:
    """One write of the run, as the journal knows it. `ids` are empty where the answer was lost."""

    key: str
    stage: str
    intent: Intent
    ids: tuple[str, ...]
    certain: bool
    at: datetime
    """When its last intent was journaled."""


@dataclass(slots=True)
class Findings:
    """What a rollback leaves behind: what somebody else changed, and what cannot be undone."""

    drift: list[str] = field(default_factory=list)
    residue: list[str] = field(default_factory=list)


def put_back(context: Context, done: Done, findings: Findings) -> None:
    """Put the values of an update back where ours still stand; elsewhere, note the drift."""
    before, after = dict(done.intent.before or {}), dict(done.intent.after or {})
    record_id = str(done.intent.natural_key["Id"])
    rows = context.admin.query(select(done.intent.sobject, ("Id", *after), where=equals("Id", record_id)))
    if not rows:
        findings.drift.append(f"the {done.intent.sobject} row of '{done.intent.summary}' is gone")
        return
    skipped = _NOT_OURS_TO_SAY if done.key == "provision/user" else frozenset[str]()
    now = {name: rows[0][name] for name in after if name not in skipped}
    ours = {name: before[name] for name, value in now.items() if value == after[name] != before[name]}
    for name, value in now.items():
        if value not in (after[name], before[name]):
            findings.drift.append(f"{done.intent.sobject}.{name} is {value}, neither ours nor the old one: left alone")
    if ours:
        write = inverse_of(done, operation="update", summary=f"undo: {done.intent.summary}")
        restore(context, write, record_id, {name: now[name] for name in ours}, ours)
    if done.key == "provision/user":
        findings.residue.append(f"the inactive user {context.scenario.target_username}, there before this run")


def restore(
    context: Context, write: Write, record_id: str, before: Mapping[str, Any], after: Mapping[str, Any]
) -> None:
    """Update a row as the undoing of a write; nothing is sent where it is so already."""
    if any(before[name] != value for name, value in after.items()):
        whole = Write(
            key=write.key,
            operation="update",
            sobject=write.sobject,
            summary=write.summary,
            natural_key={"Id": record_id},
            inverse=write.inverse,
            before=before,
            after=after,
            undoes=write.undoes,
            remedy=_SEAT,
        )
        writes.update(context, whole, record_id)


def inverse_of(done: Done, *, operation: WriteOperation, summary: str) -> Write:
    """The write that undoes a write."""
    return Write(
        key=f"{STAGE}/{done.key}",
        operation=operation,
        sobject=done.intent.sobject,
        summary=summary,
        natural_key=done.intent.natural_key,
        inverse=NO_INVERSE,
        undoes=done.key,
    )


def standing_ids(context: Context, done: Done) -> list[str]:
    """The ids of a create's rows that are there now; found by their natural key where the answer was lost."""
    if done.ids:
        where = among("Id", done.ids)
    else:
        where = " AND ".join(equals(name, str(value)) for name, value in done.intent.natural_key.items())
    return [str(row["Id"]) for row in context.admin.query(select(done.intent.sobject, ("Id",), where=where))]
