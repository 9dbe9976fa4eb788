"""Up to 200 rows a call: `composite/sobjects` and its reading and upserting kin (REST guide, "sObject Collections").

Each row answers for itself; with `allOrNone` one failure takes all of them back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from harness.sandbox.errors import ApiError, Refusal
from harness.sandbox.http import rows
from harness.sandbox.http.call import Call, parser_error
from harness.sandbox.http.composite import flag
from harness.sandbox.http.parts import RollBack
from harness.sandbox.http.wire import Answer, row_error

MOST_WRITES = 200
MOST_READS = 2000
MOST_CHUNKS = 10
"""Runs of rows of the same object in one request."""
_ROLLED_BACK = Refusal(
    "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    "Record rolled back because not all records were valid and the request was using AllOrNone header",
)

Outcome = dict[str, Any]
Write = Callable[[Any], Outcome]


def create(call: Call) -> Answer:
    """`POST composite/sobjects`."""

    def write(record: Mapping[str, Any]) -> Outcome:
        return _success(rows.create(call, _type_of(record), record))

    records, all_or_none = _records(call)
    outcomes = _write_all(call, records, write, all_or_none=all_or_none)
    return Answer(200, [_without_id(one) if not one["success"] else one for one in outcomes])


def update(call: Call) -> Answer:
    """`PATCH composite/sobjects`: each record carries its `id`."""

    def write(record: Mapping[str, Any]) -> Outcome:
        values = dict(record)
        record_id = str(values.pop("Id", None) or values.pop("id", None) or "")
        if not record_id:
            raise ApiError(400, "MISSING_ARGUMENT", "Id not specified in an update call", [])
        rows.update(call, _type_of(record), record_id, values)
        return _success(record_id)

    records, all_or_none = _records(call)
    return Answer(200, _write_all(call, records, write, all_or_none=all_or_none))


def delete(call: Call) -> Answer:
    """`DELETE composite/sobjects?ids=A,B&allOrNone=`."""

    def write(record_id: str) -> Outcome:
        sobject = call.org.schema.of_prefix(record_id[:3])
        if sobject is None:
            raise ApiError(400, "MALFORMED_ID", f"malformed id {record_id}", [])
        rows.remove(call, sobject.name, record_id)
        return _success(record_id)

    ids = _ids(call.params.get("ids", ""))
    if not ids:
        raise ApiError(400, "MISSING_ARGUMENT", "ids not specified")
    _check_kinds(call, (one.name if (one := call.org.schema.of_prefix(key[:3])) else "" for key in ids), "delete")
    return Answer(200, _write_all(call, ids, write, all_or_none=call.all_or_none or flag(call.params, "allOrNone")))


def upsert(call: Call, sobject: str, field: str) -> Answer:
    """`PATCH composite/sobjects/X/FIELD`: each record carries the external id in that field."""

    def write(record: Mapping[str, Any]) -> Outcome:
        values = rows.without_attributes(record)
        name = next((one for one in values if one.lower() == field.lower()), None)
        if name is None or values[name] in (None, ""):
            raise ApiError(400, "MISSING_ARGUMENT", f"{field} not specified", [field])
        record_id, created = rows.upsert(call, sobject, field, values.pop(name), values)
        return _success(record_id) | {"created": created}

    records, all_or_none = _records(call)
    if any(_named_type(record).lower() not in ("", sobject.lower()) for record in records):
        raise ApiError(400, "INVALID_INPUT", f"All records of this request must be of type {sobject}")
    return Answer(200, _write_all(call, records, write, all_or_none=all_or_none))


def retrieve(call: Call, sobject: str) -> Answer:
    """`GET composite/sobjects/X?ids=&fields=`, or the same as a POST: rows, `null` for what cannot be read."""
    if call.method == "POST":
        asked = call.json_object()
        ids, fields = _texts(asked, "ids"), _texts(asked, "fields")
    else:
        ids, fields = _ids(call.params.get("ids", "")), _ids(call.params.get("fields", ""))
    for name, given in (("ids", ids), ("fields", fields)):
        if not given:
            raise ApiError(400, "MISSING_ARGUMENT", f"{name} not specified")
    if len(ids) > MOST_READS:
        raise _too_many(MOST_READS)
    return Answer(200, [_readable(call, sobject, one, fields) for one in ids])


def _write_all(call: Call, items: Sequence[Any], write: Write, *, all_or_none: bool) -> list[Outcome]:
    """Write row by row in one transaction; every row gets its outcome."""
    if len(items) > MOST_WRITES:
        raise _too_many(MOST_WRITES)
    outcomes: list[Outcome] = []
    try:
        with call.org.transaction():
            outcomes += [_attempt(call, item, write) for item in items]
            if all_or_none and not all(outcome["success"] for outcome in outcomes):
                raise RollBack
    except RollBack:
        return [_undone(outcome) if outcome["success"] else outcome for outcome in outcomes]
    return outcomes


def _attempt(call: Call, item: Any, write: Write) -> Outcome:
    try:
        with call.org.transaction():
            return write(item)
    except ApiError as error:
        return {"success": False, "errors": [row_error(one) for one in error.errors]}


def _undone(outcome: Outcome) -> Outcome:
    """What a good row says when others took it back: it keeps its id, unless it was to be made."""
    return {"id": outcome["id"], "success": False, "errors": [row_error(_ROLLED_BACK)]}


def _without_id(outcome: Outcome) -> Outcome:
    return {name: value for name, value in outcome.items() if name != "id"}


def _records(call: Call) -> tuple[list[dict[str, Any]], bool]:
    body = call.json_object()
    records = body.get("records")
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise parser_error("The request needs a list of objects named records")
    _check_kinds(call, (_named_type(record) for record in records), "create or update")
    return records, call.all_or_none or flag(body, "allOrNone")


def _check_kinds(call: Call, names: Iterable[str], verb: str) -> None:
    """Raises ApiError: too many runs of one object, or a setup object among others."""
    runs = [name for name, _ in groupby(name.lower() for name in names)]
    if len(runs) > MOST_CHUNKS:
        text = f"The request has more than {MOST_CHUNKS} chunks of records of one type"
        raise ApiError(400, "LIMIT_EXCEEDED", text)
    known = [call.org.schema.get(name) for name in set(runs)]
    if len(known) > 1 and any(kind is not None and kind.setup for kind in known):
        text = f"Can't {verb} records of several types in one call when one of them is a setup object"
        raise ApiError(400, "INVALID_INPUT", text)


def _named_type(record: Mapping[str, Any]) -> str:
    attributes = record.get("attributes")
    name = attributes.get("type") if isinstance(attributes, Mapping) else None
    return name if isinstance(name, str) else ""


def _type_of(record: Mapping[str, Any]) -> str:
    name = _named_type(record)
    if not name:
        raise ApiError(400, "INVALID_FIELD", "Include an entity type in the attributes of the record", [])
    return name


def _readable(call: Call, sobject: str, record_id: str, fields: list[str]) -> dict[str, Any] | None:
    try:
        return call.org.retrieve(sobject, record_id, as_user=call.user_id, fields=fields, version=call.version)
    except ApiError as error:
        if error.code in ("NOT_FOUND", "ENTITY_IS_DELETED", "MALFORMED_ID") and call.org.schema.get(sobject):
            return None
        raise


def _texts(body: Mapping[str, Any], name: str) -> list[str]:
    given = body.get(name) or []
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
        raise parser_error(f"The request needs a list of texts named {name}")
    return given


def _ids(text: str) -> list[str]:
    return [one.strip() for one in text.split(",") if one.strip()]


def _success(record_id: str) -> Outcome:
    return {"id": record_id, "success": True, "errors": []}


def _too_many(most: int) -> ApiError:
    return ApiError(
        400, "EXCEEDED_ID_LIMIT", f"record limit reached. cannot submit more than {most} records into this call"
    )
