"""Up to 200 rows a call: `composite/sobjects`, its reading and upserting kin, and `composite/tree`.

Each row answers for itself; with `allOrNone` one failure takes all of them back (REST guide, "sObject Collections").
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from harness.sandbox.errors import ApiError, Refusal
from harness.sandbox.http import rows
from harness.sandbox.http.call import Call, parser_error
from harness.sandbox.http.wire import Answer, row_error

MOST_WRITES = 200
MOST_READS = 2000
_ROLLED_BACK = Refusal(
    "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    "Record rolled back because not all records were valid and the request was using AllOrNone header",
)

Outcome = dict[str, Any]
Write = Callable[[Any], Outcome]


class _RollBack(Exception):
    """Thrown through the transaction to undo it."""


def create(call: Call) -> Answer:
    """`POST composite/sobjects`."""

    def write(record: Mapping[str, Any]) -> Outcome:
        return _success(rows.create(call, _type_of(record), record))

    records, all_or_none = _records(call)
    return Answer(200, _write_all(call, records, write, all_or_none=all_or_none))


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
    all_or_none = call.params.get("allOrNone", "false").lower() == "true"
    return Answer(200, _write_all(call, ids, write, all_or_none=all_or_none))


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
    return Answer(200, _write_all(call, records, write, all_or_none=all_or_none))


def retrieve(call: Call, sobject: str) -> Answer:
    """`GET composite/sobjects/X?ids=&fields=`, or the same as a POST: rows, `null` for what cannot be read."""
    if call.method == "POST":
        asked = call.json_object()
        ids, fields = [str(one) for one in asked.get("ids", ())], [str(one) for one in asked.get("fields", ())]
    else:
        ids, fields = _ids(call.params.get("ids", "")), _ids(call.params.get("fields", ""))
    if len(ids) > MOST_READS:
        raise _too_many(MOST_READS)
    return Answer(200, [_readable(call, sobject, one, fields) for one in ids])


def tree(call: Call, sobject: str) -> Answer:
    """`POST composite/tree/X`: parents with children below them, all of them or none."""
    results: list[Outcome] = []
    failures: list[Outcome] = []

    def plant(name: str, record: Mapping[str, Any], parent: dict[str, Any]) -> None:
        children = {key: value["records"] for key, value in record.items() if _is_branch(value)}
        values = {key: value for key, value in record.items() if key not in children and key != "attributes"}
        reference = str(_attributes(record).get("referenceId", ""))
        try:
            record_id = rows.create(call, name, values | parent)
        except ApiError as error:
            failures.append({"referenceId": reference, "errors": [row_error(one) for one in error.errors]})
            return
        results.append({"referenceId": reference, "id": record_id})
        for relationship, below in children.items():
            for child in below:
                link = _link(call, name, relationship, child)
                plant(_type_of(child), child, {link: record_id})

    records = call.json_object().get("records")
    if not isinstance(records, list):
        raise parser_error("The request needs a list named records")
    if len(records) > MOST_WRITES:
        raise _too_many(MOST_WRITES)
    try:
        with call.org.transaction():
            for record in records:
                plant(sobject, record, {})
            if failures:
                raise _RollBack
    except _RollBack:
        return Answer(400, {"hasErrors": True, "results": failures})
    return Answer(201, {"hasErrors": False, "results": results})


def _write_all(call: Call, items: Sequence[Any], write: Write, *, all_or_none: bool) -> list[Outcome]:
    """Write row by row in one transaction; every row gets its outcome."""
    if len(items) > MOST_WRITES:
        raise _too_many(MOST_WRITES)
    outcomes: list[Outcome] = []
    try:
        with call.org.transaction():
            outcomes += [_attempt(call, item, write) for item in items]
            if all_or_none and not all(outcome["success"] for outcome in outcomes):
                raise _RollBack
    except _RollBack:
        return [_failure([_ROLLED_BACK]) if outcome["success"] else outcome for outcome in outcomes]
    return outcomes


def _attempt(call: Call, item: Any, write: Write) -> Outcome:
    try:
        with call.org.transaction():
            return write(item)
    except ApiError as error:
        return _failure(error.errors)


def _records(call: Call) -> tuple[list[dict[str, Any]], bool]:
    body = call.json_object()
    records = body.get("records")
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise parser_error("The request needs a list of objects named records")
    _refuse_mixed_setup(call, records)
    return records, body.get("allOrNone") is True


def _refuse_mixed_setup(call: Call, records: Sequence[Mapping[str, Any]]) -> None:
    """Rows of several objects cannot share a call when one of the objects is a setup object."""
    names = {str(_attributes(record).get("type", "")) for record in records}
    known = [call.org.schema.get(name) for name in names]
    if len(names) > 1 and any(sobject is not None and sobject.setup for sobject in known):
        mixed = ", ".join(sorted(names))
        raise ApiError(400, "INVALID_INPUT", f"Cannot mix setup objects with other objects in one request: {mixed}")


def _type_of(record: Mapping[str, Any]) -> str:
    name = _attributes(record).get("type")
    if not isinstance(name, str):
        raise ApiError(400, "INVALID_FIELD", "Include an entity type in the attributes of the record", [])
    return name


def _attributes(record: Mapping[str, Any]) -> Mapping[str, Any]:
    given = record.get("attributes")
    return given if isinstance(given, Mapping) else {}


def _readable(call: Call, sobject: str, record_id: str, fields: list[str]) -> dict[str, Any] | None:
    try:
        return rows.retrieve(call, sobject, record_id, fields or None)
    except ApiError as error:
        if error.code in ("NOT_FOUND", "ENTITY_IS_DELETED", "MALFORMED_ID") and call.org.schema.get(sobject):
            return None
        raise


def _is_branch(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("records"), list)


def _link(call: Call, parent: str, relationship: str, child: Mapping[str, Any]) -> str:
    """The child's field that leads to the parent by that relationship."""
    described = call.org.schema.get(_type_of(child))
    for field in described.fields.values() if described else ():
        if (field.child_relationship or "").lower() == relationship.lower() and parent in field.reference_to:
            return field.name
    raise ApiError(400, "INVALID_FIELD", f"No such relation '{relationship}' on entity '{parent}'")


def _ids(text: str) -> list[str]:
    return [one.strip() for one in text.split(",") if one.strip()]


def _success(record_id: str) -> Outcome:
    return {"id": record_id, "success": True, "errors": []}


def _failure(errors: Sequence[Refusal]) -> Outcome:
    return {"success": False, "errors": [row_error(error) for error in errors]}


def _too_many(most: int) -> ApiError:
    return ApiError(
        400, "EXCEEDED_ID_LIMIT", f"record limit reached. cannot submit more than {most} records into this call"
    )
