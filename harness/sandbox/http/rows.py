"""sObject rows: read, create, change, delete, and all of it by external id.

REST guide, "sObject Rows", "sObject Rows by External ID", "sObject Basic Information".
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.sandbox.errors import ApiError, not_found
from harness.sandbox.http import blobs, conditional
from harness.sandbox.http.call import Call
from harness.sandbox.http.recent import touch
from harness.sandbox.http.wire import Answer
from harness.sandbox.writing.values import to_column

_TELLS_CREATED = 46
"""Since this version an upsert says whether the row is new."""


def get(call: Call, sobject: str, record_id: str) -> Answer:
    """`GET sobjects/X/ID?fields=`."""
    row = retrieve(call, sobject, record_id, fields(call))
    return shown(call, row)


def shown(call: Call, row: dict[str, Any]) -> Answer:
    """A row as the answer, or 304 where the client has it already."""
    name, record_id = row["attributes"]["type"], row["Id"]
    touch(call, name, record_id)
    state = conditional.row_state(name, record_id, _modified(call, name, record_id, row))
    if conditional.asked(call) and conditional.unchanged(call, state):
        return Answer(304, None, state.headers())
    return Answer(200, row, state.headers())


def post(call: Call, sobject: str) -> Answer:
    """`POST sobjects/X`: 201, the id, and where the row is."""
    record_id = create(call, sobject, blobs.row_values(call))
    return created(call, sobject, record_id, {})


def post_with_id(call: Call, sobject: str) -> Answer:
    """`POST sobjects/X/Id`: as `POST sobjects/X`, for clients that treat the id as an external id."""
    record_id = create(call, sobject, blobs.row_values(call))
    return created(call, sobject, record_id, _told(call, new=True))


def patch(call: Call, sobject: str, record_id: str) -> Answer:
    """`PATCH sobjects/X/ID`: 204."""
    values = blobs.row_values(call)
    if conditional.asked(call):
        check_conditions(call, sobject, record_id)
    update(call, sobject, record_id, values)
    touch(call, sobject, record_id)
    return Answer(204)


def delete(call: Call, sobject: str, record_id: str) -> Answer:
    """`DELETE sobjects/X/ID`: 204."""
    remove(call, sobject, record_id)
    return Answer(204)


def get_by_key(call: Call, sobject: str, field: str, value: str) -> Answer:
    """`GET sobjects/X/FIELD/VALUE`: the row with that external id; 300 and the rows where there are several."""
    ids = ids_of_key(call, sobject, field, value)
    if len(ids) != 1:
        return _several(call, sobject, ids)
    return shown(call, retrieve(call, sobject, ids[0], fields(call)))


def delete_by_key(call: Call, sobject: str, field: str, value: str) -> Answer:
    """`DELETE sobjects/X/FIELD/VALUE`: 204."""
    ids = ids_of_key(call, sobject, field, value)
    if len(ids) != 1:
        return _several(call, sobject, ids)
    remove(call, sobject, ids[0])
    return Answer(204)


def upsert_by_key(call: Call, sobject: str, field: str, value: str) -> Answer:
    """`PATCH sobjects/X/FIELD/VALUE`: 201 when a row was made, 200 (204 before v46) when one was changed."""
    values = blobs.row_values(call)
    ids = ids_of_key(call, sobject, field, value)
    if len(ids) > 1:
        return _several(call, sobject, ids)
    record_id, new = upsert(call, sobject, field, value, values)
    touch(call, sobject, record_id)
    if new:
        return created(call, sobject, record_id, _told(call, new=True))
    if call.number < _TELLS_CREATED:
        return Answer(204)
    return Answer(200, {"id": record_id, "success": True, "errors": [], "created": False})


def retrieve(call: Call, sobject: str, record_id: str, names: list[str] | None) -> dict[str, Any]:
    """One row in wire shape, with these fields or all; its Id last where nobody asked for it. Raises ApiError."""
    asked = [*names, "Id"] if names and "id" not in (name.lower() for name in names) else names
    return call.org.retrieve(sobject, record_id, as_user=call.user_id, fields=asked, version=call.version)


def create(call: Call, sobject: str, values: Mapping[str, Any]) -> str:
    """Create a row as the caller and return its id. Raises ApiError."""
    return call.org.create(sobject, without_attributes(values), as_user=call.user_id)


def update(call: Call, sobject: str, record_id: str, values: Mapping[str, Any]) -> None:
    """Change a row as the caller. Raises ApiError."""
    call.org.update(sobject, record_id, without_attributes(values), as_user=call.user_id)


def remove(call: Call, sobject: str, record_id: str) -> None:
    """Delete a row as the caller. Raises ApiError."""
    call.org.delete(sobject, record_id, as_user=call.user_id)


def upsert(call: Call, sobject: str, field: str, value: Any, values: Mapping[str, Any]) -> tuple[str, bool]:
    """Create or change the row with that external id; returns its id and whether it is new. Raises ApiError."""
    return call.org.upsert(sobject, field, value, without_attributes(values), as_user=call.user_id)


def without_attributes(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values to write: `attributes` only say of which type they are."""
    return {name: value for name, value in values.items() if name != "attributes"}


def created(call: Call, sobject: str, record_id: str, more: Mapping[str, Any]) -> Answer:
    """The answer to a row that was made, and where it is."""
    touch(call, sobject, record_id)
    described = call.org.schema.get(sobject)
    name = described.name if described else sobject
    body = {"id": record_id, "success": True, "errors": [], **more}
    return Answer(201, body, {"Location": f"{call.base}/sobjects/{name}/{record_id}"})


def fields(call: Call) -> list[str] | None:
    """The names in `?fields=`; None where nothing is asked for."""
    names = [name.strip() for name in call.params.get("fields", "").split(",")]
    return [name for name in names if name] or None


def ids_of_key(call: Call, sobject: str, field: str, value: str) -> list[str]:
    """The rows with a value in a field that is an external id, or the Id. Raises ApiError NOT_FOUND."""
    described = call.org.schema.get(sobject)
    access = call.org.permissions_of(call.user_id)
    if described is None or described.tooling or not access.can(described, "read"):
        raise not_found()
    key = described.get(field)
    if key is None or not (key.external_id or key.name == "Id") or not access.can_read_field(described, key):
        raise ApiError(404, "NOT_FOUND", f"Provided external ID field does not exist or is not accessible: {field}")
    return [str(row["Id"]) for row in call.org.select(described, {key.name: to_column(key, value)})]


def check_conditions(call: Call, sobject: str, record_id: str) -> None:
    """Whether a row is as the headers want it. Raises ApiError PRECONDITION_FAILED."""
    row = call.org.retrieve(sobject, record_id, as_user=call.user_id, fields=["Id"], version=call.version)
    name = row["attributes"]["type"]
    conditional.check_write(call, conditional.row_state(name, row["Id"], _modified(call, name, row["Id"], row)))


def _modified(call: Call, name: str, record_id: str, row: Mapping[str, Any]) -> str | None:
    found = row.get("LastModifiedDate") or call.org.peek(name, record_id, "LastModifiedDate")
    return str(found) if found else None


def _several(call: Call, sobject: str, ids: list[str]) -> Answer:
    """No row, or the addresses of all (REST guide, "Status Codes", 300)."""
    if not ids:
        raise not_found()
    described = call.org.schema.get(sobject)
    name = described.name if described else sobject
    return Answer(300, [f"{call.base}/sobjects/{name}/{record_id}" for record_id in ids])


def _told(call: Call, *, new: bool) -> dict[str, Any]:
    return {"created": new} if call.number >= _TELLS_CREATED else {}
