"""The org's own diary, SetupAuditTrail, held against the journal: what else was changed while this run was under way.

What somebody gave and took again between two looks at the org is seen here alone. An entry is in scope when its text
names a user, set, app, group or license of this run; which entries an org makes, and in what words, is its own matter,
so that an empty list proves little (facts: about 180 days are kept, and View Setup and Configuration is needed).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from harness.access.soql import select
from harness.errors import RequestRefused
from harness.migration.others.authorship import CLOCKS_APART, is_us
from harness.migration.others.meant import made
from harness.migration.others.three_way import creator
from harness.migration.records import AuditTrail, ForeignChange, Intent, Outcome, Preflight, Snapshot
from harness.migration.writing.waiting import GIVEN_UP, LATE

if TYPE_CHECKING:
    from harness.migration.context import Context

Row = Mapping[str, Any]

KEPT = timedelta(days=180)
"""How long an org keeps the entries."""
_COLUMNS = ("Id", "Action", "Section", "Display", "CreatedById", "CreatedBy.Username", "CreatedDate")
_SHORT_ID = 15


def compare_with_audit_trail(context: Context) -> AuditTrail | None:
    """Read what was changed since the snapshot, and journal and name what was not this run's doing. One call a page.

    None without a snapshot: then nothing says since when.
    """
    since = _since(context)
    if since is None:
        return None
    found = _read(context, since)
    told = [record.body for record in context.records(kind="audit") if isinstance(record.body, AuditTrail)]
    context.record("audit", context.stage, found)
    known = {each.id for one in told for each in one.foreign}
    for each in found.foreign:
        if each.id not in known:
            context.warn(f"audit {each.id}", f"Somebody else changed something in scope: {each}")
    said = {text for one in told for text in one.unread}
    for number, text in enumerate(found.unread, start=1):
        if text not in said:
            context.not_tested(f"audit {context.stage} {number}", text)
    return found


def _since(context: Context) -> datetime | None:
    """When the snapshot was taken, which holds all that was changed before."""
    records = context.records(kind="snapshot")
    return records[-1].at if records else None


def _read(context: Context, since: datetime) -> AuditTrail:
    now = context.world.clock.now()
    where = f"CreatedDate >= {since:%Y-%m-%dT%H:%M:%SZ}"
    try:
        rows = context.admin.query(select("SetupAuditTrail", _COLUMNS, where=where, order="CreatedDate, Id"))
    except RequestRefused as refusal:
        text = f"The Setup Audit Trail was not read, so changes by others are not known: {refusal.message}"
        return AuditTrail(since=since, until=now, entries=0, unread=(text,))
    windows = _windows(context)
    strange = [row for row in rows if not _is_own(context, row, windows)]
    scope = _scope(context)
    foreign = [row for row in strange if scope.search(str(row["Display"] or ""))]
    silent = sum(1 for row in strange if not row["Display"])
    return AuditTrail(
        since=since,
        until=now,
        entries=len(rows),
        own=len(rows) - len(strange),
        foreign=tuple(_change(context, row) for row in foreign),
        unread=tuple(_unread(context, since, now, silent)),
    )


def _change(context: Context, row: Row) -> ForeignChange:
    author = creator(row)
    return ForeignChange(
        id=str(row["Id"]),
        by=author.username or str(author.id),
        at=author.at or context.world.clock.now(),
        action=str(row["Action"]),
        section=str(row["Section"] or ""),
        display=str(row["Display"]),
        by_our_user=is_us(context, author),
    )


def _unread(context: Context, since: datetime, now: datetime, silent: int) -> Iterator[str]:
    if now - since > KEPT:
        yield f"The Setup Audit Trail keeps {KEPT.days} days: what was changed before is not in it any more"
    if silent:
        yield f"{silent} entries of the Setup Audit Trail do not say what was changed, so whether in scope is not known"
    yield (
        f"What {context.admin.username} changed within {CLOCKS_APART.seconds // 60} minutes of this run's own writes "
        "counts as this run's: where a person works as that user too, the Setup Audit Trail does not tell them apart"
    )


# --- whose ------------------------------------------------------------------------------------------------------------


def _is_own(context: Context, row: Row, windows: Sequence[tuple[datetime, datetime]]) -> bool:
    """Whether an entry may be of this run: by an admin of ours, in the minutes around a write of ours."""
    author = creator(row)
    if not is_us(context, author):
        return False
    return author.at is None or any(begin <= author.at <= end for begin, end in windows)


def _windows(context: Context) -> Sequence[tuple[datetime, datetime]]:
    """The times in which the journal says that this run wrote."""
    windows: list[tuple[datetime, datetime]] = []
    open_since: dict[str, datetime] = {}
    for record in context.records():
        if isinstance(record.body, Intent) and not record.body.found:
            open_since[record.key] = record.at
        elif isinstance(record.body, Outcome) and record.key in open_since:
            windows.append((open_since.pop(record.key) - CLOCKS_APART, record.at + CLOCKS_APART))
    return [*windows, *((since - CLOCKS_APART, since + GIVEN_UP + LATE) for since in open_since.values())]


# --- about what -------------------------------------------------------------------------------------------------------


def _scope(context: Context) -> re.Pattern[str]:
    """Finds the names of what this run is about."""
    names = sorted({name for name in _names(context) if name}, key=lambda name: (-len(name), name))
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, names))})(?!\w)")


def _names(context: Context) -> Iterator[str]:
    scenario, preflight, snapshot = context.scenario, context.find(Preflight), context.need(Snapshot)
    person, target_id = snapshot.person, made(context, "provision/user")
    yield from (person.username, person.name, person.id[:_SHORT_ID], person.profile)
    yield from (scenario.target_username, scenario.user_label, (target_id or "")[:_SHORT_ID])
    yield from (scenario.permission_set_name, scenario.permission_set_label)
    yield from (name for each in snapshot.sources for name in (each.name, each.label))
    yield from (*person.groups, *person.queues)
    yield from (str(getattr(each.sign_in, "app", None) or "") for each in (scenario.from_, scenario.to))
    if preflight is not None:
        yield from (preflight.user_license, preflight.permission_set_license)
