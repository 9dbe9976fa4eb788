"""Looking at objects as one user: describes, row counts and a sample of rows, in few calls."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from harness.access.reading.asking import replies
from harness.access.soql import among, batches, equals, select
from harness.checks.results import Look, SampledRow

if TYPE_CHECKING:
    from harness.org.connection import Connection
    from harness.org.reply import Reply

SAMPLED = 5
"""Rows of each object that are compared field by field."""
_UNTRIED = frozenset({"address", "location", "base64", "complexvalue", "anyType"})
"""Types of fields that are made of others, or whose values are too large to be fetched for a look."""
PER_USER = frozenset({"LastViewedDate", "LastReferencedDate"})
"""Fields that say when the user who asks last saw the row (Object Reference): they differ between any two users."""
_PERSONAL = frozenset({"email", "encryptedstring", "phone"})
"""Types of fields whose values are not kept to call a row by, even where they are external ids."""
_RIGHTS = {"create": "createable", "edit": "updateable", "delete": "deletable"}
_ROW_RIGHTS = {"edit": "HasEditAccess", "delete": "HasDeleteAccess"}
MASTER = "Master"

Described = Mapping[str, Any]
Samples = Mapping[str, Sequence[str]]


def look(connection: Connection, names: Sequence[str], *, ids: Samples | None = None) -> dict[str, Look]:
    """Look at each of the objects; `ids` says which rows of each to sample, else the first ones by id.

    One call for the list of all objects, one for 25 describes, one for 5 queries: two of these for each object that can
    be queried, and one for every 200 rows that are sampled. That is 0.45 calls an object, and two more. What the org
    refuses is part of the look. Raises RequestRefused when the list itself is refused.
    """
    listed = {each["name"] for each in connection.describe_global()}
    described = connection.describe_many(names)
    asked = [name for name in names if name in described and described[name]["queryable"]]
    counted = replies(connection, [select(name, ("COUNT()",)) for name in asked])
    counts = dict(zip(asked, counted, strict=True))
    wanted = [name for name in asked if counts[name].ok and (ids is None or ids.get(name))]
    wanted = [name for name in wanted if counts[name].body["totalSize"] or ids is not None]
    sample_queries = [_sample_query(name, described[name], (ids or {}).get(name, ())) for name in wanted]
    sampled = list(replies(connection, sample_queries))
    samples = dict(zip(wanted, sampled, strict=True))
    may = _may(connection, [str(row["Id"]) for reply in sampled if reply.ok for row in reply.body["records"]])
    seen = {
        name: _look(name, name in listed, described.get(name), counts.get(name), samples.get(name)) for name in names
    }
    return {name: _with_rights(each, may) for name, each in seen.items()}


def _sample_query(name: str, described: Described, ids: Sequence[str]) -> str:
    left = {"Id", *PER_USER}
    columns = (
        each["name"] for each in described["fields"] if each["type"] not in _UNTRIED and each["name"] not in left
    )
    soql = select(name, ("Id", *columns), where=among("Id", ids) if ids else "", order="Id")
    return soql if ids else f"{soql} LIMIT {SAMPLED}"


def _may(connection: Connection, ids: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """What the org says the user may do with each row (Object Reference, UserRecordAccess: 200 rows in a query).

    Rows that it does not tell about are left out.
    """
    columns = ("RecordId", *_ROW_RIGHTS.values())
    own = equals("UserId", connection.user_id)
    queries = [
        select("UserRecordAccess", columns, where=f"{own} AND {among('RecordId', some)}") for some in batches(ids)
    ]
    told = [row for reply in replies(connection, queries) if reply.ok for row in reply.body["records"]]
    return {str(row["RecordId"]): tuple(right for right, column in _ROW_RIGHTS.items() if row[column]) for row in told}


def _with_rights(seen: Look, may: Mapping[str, tuple[str, ...]]) -> Look:
    sample = {one: row.model_copy(update={"may": may.get(one)}) for one, row in seen.sample.items()}
    return seen.model_copy(update={"sample": sample})


def _look(name: str, listed: bool, described: Described | None, count: Reply | None, sample: Reply | None) -> Look:
    if described is None:
        return Look(object=name, listed=listed, described=False)
    fields = described["fields"]
    types = [each for each in described["recordTypeInfos"] if each["active"]]
    return Look(
        object=name,
        listed=listed,
        described=True,
        rights=tuple(right for right, flag in _RIGHTS.items() if described[flag]),
        fields={each["name"]: tuple(right for right in ("create", "edit") if each[_RIGHTS[right]]) for each in fields},
        picklists={each["name"]: _active(each) for each in fields if each["picklistValues"]},
        defaults={each["name"]: default for each in fields if (default := _default(each)) is not None},
        record_types=tuple(sorted(each["developerName"] or MASTER for each in types if each["available"])),
        default_record_type=next(
            (each["developerName"] or MASTER for each in types if each["defaultRecordTypeMapping"]), None
        ),
        rows=count.body["totalSize"] if count and count.ok else None,
        refused=next((str(each.errors[0]) for each in (count, sample) if each and not each.ok), None),
        sample=_sampled(described, sample.body["records"]) if sample and sample.ok else {},
    )


def _active(field: Described) -> tuple[str, ...]:
    return tuple(each["value"] for each in field["picklistValues"] if each["active"])


def _default(field: Described) -> str | None:
    """The default of a field, in words; that a checkbox starts unchecked says nothing."""
    chosen = next((each["value"] for each in field["picklistValues"] if each["defaultValue"]), None)
    value = field["defaultValue"] if chosen is None else chosen
    return None if value is None or value is False else str(value)


def _sampled(described: Described, rows: Iterable[Mapping[str, Any]]) -> dict[str, SampledRow]:
    keys = sorted(each["name"] for each in described["fields"] if each["externalId"] and each["type"] not in _PERSONAL)
    types = {str(each["recordTypeId"]): each["developerName"] or MASTER for each in described["recordTypeInfos"]}
    return {str(row["Id"]): _row(row, keys, types) for row in rows}


def _row(row: Mapping[str, Any], keys: Sequence[str], types: Mapping[str, str]) -> SampledRow:
    key = next((f"{name} {row[name]}" for name in keys if row.get(name) is not None), f"Id {row['Id']}")
    record_type = row.get("RecordTypeId")
    return SampledRow(
        key=key,
        owner=row.get("OwnerId"),
        record_type=None if record_type is None else types.get(str(record_type), str(record_type)),
        empty=frozenset(name for name, value in row.items() if value is None),
    )
