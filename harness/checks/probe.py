"""Asking an org one question, as one principal, so that nothing stays behind, and what it said."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from harness.checks.committing import Diary, commit
from harness.checks.results import Asked
from harness.checks.soql import select
from harness.checks.values import NoRecord, Values
from harness.errors import RequestRefused, SignInRefused
from harness.scenario.model import (
    ApexCall,
    DeleteRows,
    Denial,
    FieldAccess,
    Grant,
    InsertRows,
    UpdateRows,
    UpsertRows,
)

if TYPE_CHECKING:
    from harness.org.connection import Connection, Reply

ROWS_AT_MOST = 24
"""A composite holds 25 subrequests (facts section 5.5), and the last one is ours."""
NEVER = "RehearsalRollsThisBack__c"
_HALTED = "PROCESSING_HALTED"

Ask = Callable[["Connection"], "Said"]


@dataclass(frozen=True, slots=True)
class Said:
    """What the org said: `done` when it did what was asked, or would have; else its error.

    `conflict` says why the answer cannot be trusted, as when describe and query contradict each other.
    """

    request: str
    done: bool
    status: int | None = None
    code: str | None = None
    message: str | None = None
    rows: int | None = None
    conflict: str | None = None

    def asked(self, connection: Connection) -> Asked:
        """As it is journaled."""
        return Asked(
            principal=connection.principal,
            username=connection.username,
            request=self.request,
            status=self.status,
            error_code=self.code,
            message=self.message,
            rows=self.rows,
        )


def question(
    item: Grant | Denial,
    *,
    spec_id: str,
    values: Values,
    seen_by: Sequence[Connection],
    sign_in: Callable[[str], None],
    cleaner: Connection,
    diary: Diary,
) -> Ask:
    """What to ask for an item, ready to be asked as anyone.

    `cleaner` undoes what is committed on request, and `diary` has it put down before it is sent.
    Rows are made, and records found, once: the same request goes out for each principal. Records are found as the first
    of `seen_by` that sees one. Raises NoRecord when there is none to try it on.
    """
    match getattr(item, item.kind):
        case FieldAccess() as field:
            return lambda connection: _field(connection, field, written=getattr(item, "error", None) is not None)
        case ApexCall() as call:
            return lambda connection: _apex(connection, call)
        case InsertRows() | UpdateRows() | UpsertRows() | DeleteRows() as rows:
            writes = _writes(rows, spec_id=spec_id, values=values, seen_by=seen_by)
            if getattr(item, "commit", False):
                return lambda connection: _commit(connection, writes, cleaner, diary)
            return lambda connection: write(connection, writes)
        case text if item.kind == "sign_in" and text != "ui":
            return lambda _: _sign_in(text, sign_in)
        case text:
            return _READS[item.kind](text)


def write(connection: Connection, writes: Sequence[Mapping[str, Any]]) -> Said:
    """Whether the writes would be done, without doing them.

    They go in one composite that is all or none, and whose last subrequest cannot work: the org rolls them back. A
    write that only says PROCESSING_HALTED would have been done (facts section 5.5).
    """
    undo = {"method": "GET", "url": "query?" + urlencode({"q": select("Id", NEVER, limit=1)})}
    *replies, last = connection.composite([*writes, undo], all_or_none=True)
    request = f"{_words(writes[0])} ({len(writes)} rows, rolled back)" if len(writes) > 1 else _words(writes[0])
    refused = next((reply for reply in replies if reply.errors and reply.errors[0].code != _HALTED), None)
    if refused is not None:
        return _said(request, refused)
    kept = [str(reply.body.get("id", "")) for reply in replies if reply.ok and isinstance(reply.body, Mapping)]
    conflict = None
    if last.ok or any(reply.ok for reply in replies):
        conflict = "the org did not roll the trial back" + (f": look for {', '.join(kept)}" if kept else "")
    return Said(request, done=True, status=replies[0].status, rows=len(writes), conflict=conflict)


def _commit(connection: Connection, writes: Sequence[Mapping[str, Any]], cleaner: Connection, diary: Diary) -> Said:
    request = f"{_words(writes[0])} ({len(writes)} rows, committed and cleaned up)"
    made = commit(connection, writes, cleaner, diary)
    if made.refused is not None:
        return _said(request, made.refused)
    return Said(request, done=True, status=made.status, rows=len(writes), conflict=made.conflict)


def _said(request: str, reply: Reply) -> Said:
    if reply.ok:
        rows = reply.body.get("totalSize") if isinstance(reply.body, Mapping) else None
        return Said(request, done=True, status=reply.status, rows=rows)
    error = reply.errors[0]
    return Said(request, done=False, status=reply.status, code=error.code, message=error.message.strip())


_READS: Mapping[str, Callable[[str], Ask]] = {
    "query": lambda soql: lambda connection: _said(soql, connection.try_query(soql)),
    "describe": lambda name: lambda connection: _said(f"GET sobjects/{name}/describe", connection.describe(name)),
    "sign_in": lambda _: lambda connection: _said("open the user interface", connection.user_interface_allowed()),
}


def _writes(
    rows: InsertRows | UpdateRows | UpsertRows | DeleteRows,
    *,
    spec_id: str,
    values: Values,
    seen_by: Sequence[Connection],
) -> list[dict[str, Any]]:
    count = min(rows.rows, ROWS_AT_MOST)
    ids: list[str] = []
    if isinstance(rows, UpdateRows | DeleteRows):
        ids = values.record_ids(rows.object, rows.where, count=count, seen_by=seen_by)
    if isinstance(rows, DeleteRows):
        return [{"method": "DELETE", "url": f"sobjects/{rows.object}/{record_id}"} for record_id in ids]
    made = values.rows(rows.fields, operation=spec_id, count=len(ids) or count, turn="verify", seen_by=seen_by)
    if isinstance(rows, InsertRows):
        return [{"method": "POST", "url": f"sobjects/{rows.object}", "body": row} for row in made]
    if isinstance(rows, UpdateRows):
        return [
            {"method": "PATCH", "url": f"sobjects/{rows.object}/{record_id}", "body": row}
            for record_id, row in zip(ids, made, strict=True)
        ]
    return [
        {
            "method": "PATCH",
            "url": f"sobjects/{rows.object}/{rows.by}/{quote(str(row[rows.by]), safe='')}",
            "body": {name: value for name, value in row.items() if name != rows.by},
        }
        for row in made
    ]


def _words(subrequest: Mapping[str, Any]) -> str:
    body = f" {json.dumps(subrequest['body'], ensure_ascii=False)}" if "body" in subrequest else ""
    return f"{subrequest['method']} {subrequest['url']}{body}"


def _apex(connection: Connection, call: ApexCall) -> Said:
    """Call it; as the admin with GET, which tells whether the resource exists and changes nothing."""
    method = "GET" if connection.principal == "admin" else call.method
    body = None if method == "GET" else call.body
    return _said(f"{method} /services/apexrest{call.path}", connection.apex_rest(method, call.path, body))


def _sign_in(flow: str, sign_in: Callable[[str], None]) -> Said:
    request = f"sign in with {flow}"
    try:
        sign_in(flow)
    except SignInRefused as refusal:
        return Said(request, done=False, code=refusal.code, message=refusal.description)
    return Said(request, done=True)


def _field(connection: Connection, field: FieldAccess, *, written: bool) -> Said:
    """Ask describe and a query, which must agree; where an error of a write is expected, try to write it too."""
    sobject, _, name = field.name.partition(".")
    request = f"describe {sobject}, and {(soql := select(name, sobject, limit=1))}"
    asked = (f"sobjects/{sobject}/describe", "query?" + urlencode({"q": soql}))
    described, queried = connection.composite([{"method": "GET", "url": each} for each in asked], all_or_none=False)
    entries = described.body["fields"] if described.ok else []
    entry = next((each for each in entries if each["name"].casefold() == name.casefold()), None)
    if (entry is not None) != queried.ok:
        seen = "shows the field" if entry is not None else "does not show the field"
        answered = "answers" if queried.ok else f"is refused with {queried.errors[0].code}"
        return Said(
            request, done=queried.ok, status=queried.status, conflict=f"describe {seen}, and a query {answered}"
        )
    if entry is None or field.access == "read":
        return _said(request, queried)
    if written:
        return _write_field(connection, sobject, name)
    editable = bool(entry["updateable"] or entry["createable"])
    message = None if editable else "describe says that it can be read, but not edited"
    return Said(request, done=editable, status=queried.status, message=message)


def _write_field(connection: Connection, sobject: str, name: str) -> Said:
    """Try to write a field with the value that it has."""
    fields = name if name.casefold() == "id" else f"Id, {name}"
    try:
        rows = connection.query(select(fields, sobject, order="Id", limit=1))
    except RequestRefused as refusal:
        return Said(
            f"read {sobject}.{name}", done=False, status=refusal.status, code=refusal.code, message=str(refusal)
        )
    if not rows:
        raise NoRecord(f"{connection.username} sees no {sobject} to try it on")
    url = f"sobjects/{sobject}/{rows[0]['Id']}"
    return write(connection, [{"method": "PATCH", "url": url, "body": {name: rows[0].get(name)}}])
