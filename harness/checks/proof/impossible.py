"""Probing rights by requests that no org can carry out, and by deletes that the org rolls back.

A create or an update that names a field which nobody may write (SystemModstamp, IsDeleted) always fails. The platform
looks at the right on the object first (CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY), then refuses in one error all the fields
that the user may not write (INVALID_FIELD_FOR_INSERT_UPDATE; facts 5.3): so one request tells about an object and its
fields. A delete has no such field: it goes into a composite that is all or none and made to fail.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from harness.access.effective import Key, ObjectFacts
from harness.access.reading.platform import RowAccess, ask_rows
from harness.checks.probe import NEVER, ROWS_AT_MOST
from harness.checks.proof.witnesses import Probed
from harness.checks.soql import select
from harness.errors import OrgError
from harness.org.connection import SUBREQUESTS_PER_COMPOSITE
from harness.org.ids import to_18

if TYPE_CHECKING:
    from harness.org.connection import Connection
    from harness.org.reply import Reply

GUARDS = ("IsDeleted", "SystemModstamp")
"""Fields that nobody may write in any org: not even whoever may set audit fields (Object Reference, system fields)."""
_RECYCLED = "IsDeleted"
_UNWRITTEN_TYPES = ("id", "address", "location")
_ENTITY_REFUSED = "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"
_FIELDS_REFUSED = "INVALID_FIELD_FOR_INSERT_UPDATE"
_HALTED = "PROCESSING_HALTED"
_RIGHT_REFUSED = (_ENTITY_REFUSED, "INSUFFICIENT_ACCESS_OR_READONLY")
_ROWS_LOOKED_AT = 3
_NEVER_GIVEN = "0" * 12
"""What follows the key prefix in the id of a row that no org has."""

Described = Mapping[str, Mapping[str, Any]]
Rows = Mapping[str, Sequence[RowAccess]]


@dataclass(frozen=True, slots=True)
class _Impossible:
    """A write that cannot be done: the right it asks about, and the fields it names beside the guards."""

    object: str
    right: str
    fields: tuple[str, ...]
    request: Mapping[str, Any]


def by_errors(
    person: Connection, schema: Mapping[str, ObjectFacts], described: Described, rows: Rows
) -> dict[Key, Probed]:
    """What the org answers to writes that cannot be done, and to deletes that it rolls back.

    `rows` are those of `sample_rows`; an object without any is asked about a row that is not there. Nothing is sent but
    about `probed_objects`. Raises GuardRefused where no capability to write is in force, OrgUnreachable, and OrgError
    when the org carries one of them out all the same.
    """
    asked = [
        probe
        for name in probed_objects(schema, described)
        for probe in _impossible(schema[name], described[name], rows.get(name, ()))
    ]
    found: dict[Key, Probed] = {}
    for start in range(0, len(asked), SUBREQUESTS_PER_COMPOSITE):
        some = asked[start : start + SUBREQUESTS_PER_COMPOSITE]
        replies = person.composite([each.request for each in some], all_or_none=False)
        for each, reply in zip(some, replies, strict=True):
            found |= dict(_read(each, reply))
    return found | _deletes(person, rows)


def probed_objects(schema: Mapping[str, ObjectFacts], described: Described) -> list[str]:
    """The objects that are probed: the user sees them, permissions govern them, and a transaction can be taken back.

    Platform events, big objects and external objects are not: they have no recycle bin, and so no IsDeleted.
    """
    kinds = ("own", "follows", "activity")
    return [
        name
        for name in sorted(described)
        if name in schema and schema[name].kind in kinds and _RECYCLED in _guards(schema[name], described[name])
    ]


def sample_rows(person: Connection, schema: Mapping[str, ObjectFacts], described: Described) -> Rows:
    """A few rows of each object that is probed and has any that the user sees, and what it may do with them."""
    names = [name for name in probed_objects(schema, described) if described[name].get("queryable", True)]
    objects: dict[str, str] = {}
    version = person.site.data_path.rpartition("/")[2]
    for start in range(0, len(names), SUBREQUESTS_PER_COMPOSITE):
        some = names[start : start + SUBREQUESTS_PER_COMPOSITE]
        parts = [{"method": "GET", "url": f"{version}/query?{urlencode({'q': _rows_of(name)})}"} for name in some]
        reply = person.request("POST", "composite/batch", json={"batchRequests": parts})
        results = reply.body["results"] if reply.ok else []
        for name, result in zip(some, results, strict=False):
            if result["statusCode"] == 200:
                objects |= {str(row["Id"]): name for row in result["result"]["records"]}
    found: dict[str, list[RowAccess]] = {}
    for row in ask_rows(person, sorted(objects)) if objects else ():
        found.setdefault(objects[row.id], []).append(row)
    return found


def _rows_of(name: str) -> str:
    return select("Id", name, order="Id", limit=_ROWS_LOOKED_AT)


def _impossible(facts: ObjectFacts, shown: Mapping[str, Any], rows: Sequence[RowAccess]) -> Iterator[_Impossible]:
    """The create and the update of an object that cannot be done."""
    seen = {str(each["name"]): str(each["type"]) for each in shown["fields"]}
    guards = _guards(facts, shown)
    fields = tuple(
        name
        for name, kind in seen.items()
        if kind not in _UNWRITTEN_TYPES and name not in guards and name in facts.fields
    )
    body = {name: False if seen[name] == "boolean" else None for name in (*guards, *fields)}
    address = f"sobjects/{facts.name}"
    yield _Impossible(facts.name, "create", fields, {"method": "POST", "url": address, "body": body})
    row = next((one for one in rows if one.edit), None) or next(iter(rows), None)
    absent = to_18(f"{shown['keyPrefix']}{_NEVER_GIVEN}") if shown.get("keyPrefix") else None
    if row is not None or absent is not None:
        url = f"{address}/{row.id if row is not None else absent}"
        yield _Impossible(facts.name, "edit", fields, {"method": "PATCH", "url": url, "body": body})
    if row is None and absent is not None:
        yield _Impossible(facts.name, "delete", (), {"method": "DELETE", "url": f"{address}/{absent}"})


def _guards(facts: ObjectFacts, shown: Mapping[str, Any]) -> tuple[str, ...]:
    """The fields that keep a write from having any effect."""
    seen = {str(each["name"]) for each in shown["fields"]}
    return tuple(name for name in GUARDS if name in seen and _unwritable(facts, name))


def _unwritable(facts: ObjectFacts, name: str) -> bool:
    field = facts.fields.get(name)
    return field is not None and not (field.createable or field.updateable)


def _read(asked: _Impossible, reply: Reply) -> Iterator[tuple[Key, Probed]]:
    """What an answer says about the right on the object, and about each field."""
    names = [f"{asked.object}.{name}" for name in asked.fields]
    if reply.ok:
        raise OrgError(
            f"the org did what cannot be done: {asked.request['method']} {asked.request['url']} with a value for "
            f"{' and '.join(GUARDS)} (answer: {reply.body})",
            remedy="look for that row and put it back by hand; then probe this org with checks: listed only",
        )
    error = reply.errors[0]
    said = str(error)
    if error.code == _ENTITY_REFUSED or (asked.right == "delete" and error.code in _RIGHT_REFUSED):
        yield (asked.object, asked.right), Probed(False, "error", said)
        yield from (((name, asked.right), Probed(False, "error")) for name in names)
        return
    refused = set(error.fields)
    if error.code != _FIELDS_REFUSED:
        yield (asked.object, asked.right), Probed(None, "error", said)
        return
    # A field that the user does not see would have been called unknown, and nothing else.
    yield from (((name, "read"), Probed(True, "error")) for name in (asked.object, *names))
    if refused.issuperset(asked.fields):
        yield (asked.object, asked.right), Probed(None, "error", said)
        return
    yield (asked.object, asked.right), Probed(True, "error")
    for name, field in zip(names, asked.fields, strict=True):
        yield (name, asked.right), Probed(field not in refused, "error")


def _deletes(person: Connection, rows: Rows) -> dict[Key, Probed]:
    """Whether one row of each object could be deleted; only rows that sharing lets the user delete are tried.

    The first refusal of a composite hides what becomes of the others: they are tried again without it. A refusal that
    is not about the right may come of the deletes before it: what was refused so is tried once more by itself.
    """
    found: dict[Key, Probed] = {}
    ids = [(name, row.id) for name, some in sorted(rows.items()) for row in some if row.delete]
    one_each = list({name: (name, row_id) for name, row_id in reversed(ids)}.values())[::-1]
    waiting = [dict(one_each[start : start + ROWS_AT_MOST]) for start in range(0, len(one_each), ROWS_AT_MOST)]
    while waiting:
        some = waiting.pop(0)
        refused = _refused(person, some)
        for name, probe in refused.items():
            if probe.may is None and len(some) > 1:
                waiting.append({name: some[name]})
            else:
                found[name, "delete"] = probe
        rest = {name: row_id for name, row_id in some.items() if name not in refused}
        if not refused:
            found |= {(name, "delete"): Probed(True, "rolled-back") for name in rest}
        elif rest:
            waiting.append(rest)
    return found


def _refused(person: Connection, ids: Mapping[str, str]) -> dict[str, Probed]:
    """The objects whose row the org would not delete: none when it would delete them all."""
    never = {"method": "GET", "url": "query?" + urlencode({"q": select("Id", NEVER, limit=1)})}
    deletes = [{"method": "DELETE", "url": f"sobjects/{name}/{row_id}"} for name, row_id in ids.items()]
    replies = person.composite([*deletes, never], all_or_none=True)
    found: dict[str, Probed] = {}
    for name, reply in zip(ids, replies[:-1], strict=True):
        if reply.ok:
            found[name] = Probed(None, "rolled-back", "the org did not roll the trial back")
        elif reply.errors[0].code in _RIGHT_REFUSED:
            found[name] = Probed(False, "rolled-back", str(reply.errors[0]))
        elif reply.errors[0].code != _HALTED:
            found[name] = Probed(None, "rolled-back", str(reply.errors[0]))
    return found
