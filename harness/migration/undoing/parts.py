"""What the undoing of every kind of write has in common: what was done, and putting values back where ours stand."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from harness.access.soql import among, equals, select
from harness.migration.others.authorship import first_intended, made_by_run, wrote_last
from harness.migration.others.three_way import CREATOR, LAST_WRITER, Author, Difference, creator, last_writer
from harness.migration.records import Intent, Outcome, WriteOperation
from harness.migration.writing import writes
from harness.migration.writing.writes import Write, WriteRefused

if TYPE_CHECKING:
    from harness.migration.context import Context

STAGE = "rollback"
NO_INVERSE = "none: it is itself the undoing"
STAMPED = frozenset({"User", "UserLogin", "PermissionSet"})
"""Objects whose rows say who wrote them last, and when (wire.md)."""
MADE = frozenset({"User", "PermissionSet", "PermissionSetLicenseAssign", "ObjectPermissions"})
"""Objects whose rows say who made them, and when."""
OWN_USERS = ("provision/user", "trial/user")
"""The writes that make a user, or take up one that an earlier run of the scenario made."""
MARK = "CommunityNickname"
"""What tells such a user from anybody else's."""
CHANGED_MEANWHILE = "PRECONDITION_FAILED"
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

    def leave(self, difference: Difference) -> None:
        """Note something that somebody else changed, and that is left alone."""
        self.drift.append(f"{difference}: left alone")


def put_back(context: Context, done: Done, findings: Findings) -> bool:
    """Put the values of an update back where ours still stand and nobody wrote the row since; else note the drift.

    Returns whether all is as it was before the write.
    """
    try:
        return _put_back(context, done, findings)
    except WriteRefused as refused:
        if all(error.code != CHANGED_MEANWHILE for _, error in refused.refused):
            raise
    return _put_back(context, done, findings)  # somebody came between reading and writing: decide again, once


def _put_back(context: Context, done: Done, findings: Findings) -> bool:
    before, after = dict(done.intent.before or {}), dict(done.intent.after or {})
    sobject, record_id = done.intent.sobject, str(done.intent.natural_key["Id"])
    stamps = LAST_WRITER if sobject in STAMPED else ()
    rows = context.admin.query(select(sobject, ("Id", *after, *stamps), where=equals("Id", record_id)))
    if not rows:
        findings.drift.append(f"the {sobject} row of '{done.intent.summary}' is gone")
        return False
    author = last_writer(rows[0]) if stamps else None
    skipped = _NOT_OURS_TO_SAY if done.key == "provision/user" else frozenset[str]()
    now = {name: rows[0][name] for name in after if name not in skipped}
    standing = {name: before[name] for name, value in now.items() if value == after[name] != before[name]}
    strange = {name for name, value in now.items() if value not in (after[name], before[name])}
    if standing and not may_undo(context, author, record_id, strange):
        strange |= standing.keys()
    for name in sorted(strange):
        findings.leave(
            Difference(f"{sobject}.{name} ({done.intent.summary})", before[name], after[name], now[name], author)
        )
    ours = {name: value for name, value in standing.items() if name not in strange}
    if ours:
        write = inverse_of(done, operation="update", summary=f"undo: {done.intent.summary}")
        restore(context, write, record_id, {name: now[name] for name in ours}, ours, author=author)
    if done.key == "provision/user":
        findings.residue.append(f"the inactive user {context.scenario.target_username}, there before this run")
    return not strange


def may_undo(context: Context, author: Author | None, record_id: str, strange: Set[str] = frozenset()) -> bool:
    """Whether a row is ours to put back: nobody wrote it since, or it is a user of our own that still has our mark."""
    if author is None or wrote_last(context, author, record_id):
        return True
    return MARK not in strange and record_id in own_users(context)


def own_users(context: Context) -> set[str]:
    """The ids of the users that this run made, or took up from an earlier run of the same scenario."""
    return {
        one
        for key in OWN_USERS
        for record in context.records(kind="outcome", key=key)
        if isinstance(record.body, Outcome)
        for one in record.body.ids
    }


def restore(
    context: Context,
    write: Write,
    record_id: str,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    *,
    author: Author | None = None,
) -> None:
    """Update a row as the undoing of a write; nothing is sent where it is so already.

    With the `author` it was last written by, the org refuses it where somebody wrote it after that (REST guide,
    "Conditional Request Headers").
    """
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
        writes.update(context, whole, record_id, unmodified_since=author.at if author else None)


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


def standing_ids(context: Context, done: Done, findings: Findings) -> list[str]:
    """The ids of a create's rows that are there now; found by their natural key where the answer was lost.

    A row that an admin of this run did not make is left alone: it has our id or our name, and is somebody else's.
    """
    stamps = CREATOR if done.intent.sobject in MADE else ()
    if done.ids:
        where = among("Id", done.ids)
    else:
        where = " AND ".join(equals(name, str(value)) for name, value in done.intent.natural_key.items())
    rows = context.admin.query(select(done.intent.sobject, ("Id", *stamps), where=where, order="Id"))
    return [str(row["Id"]) for row in rows if not stamps or _is_made_by_us(context, done, row, findings)]


def _is_made_by_us(context: Context, done: Done, row: Mapping[str, Any], findings: Findings) -> bool:
    author = creator(row)
    if made_by_run(context, author, since=first_intended(context, done.key)):
        return True
    findings.drift.append(
        f"the {done.intent.sobject} {row['Id']} of '{done.intent.summary}' was made by {author}, not by this run: "
        "left alone"
    )
    return False
