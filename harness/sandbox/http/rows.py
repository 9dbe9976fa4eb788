"""sObject rows: read, create, change, delete, and all of it by external id."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.sandbox import identity
from harness.sandbox.errors import ApiError, not_found
from harness.sandbox.http.call import Call
from harness.sandbox.http.wire import Answer

_SHUT_OUT_BY = frozenset({"user", "userlogin"})


def get(call: Call, sobject: str, record_id: str) -> Answer:
    """`GET sobjects/X/ID?fields=`."""
    return Answer(200, retrieve(call, sobject, record_id, _fields(call)))


def post(call: Call, sobject: str) -> Answer:
    """`POST sobjects/X`: 201, the id, and where the row is."""
    record_id = create(call, sobject, call.json_object())
    return _created(call, sobject, {"id": record_id, "success": True, "errors": []})


def patch(call: Call, sobject: str, record_id: str) -> Answer:
    """`PATCH sobjects/X/ID`: 204."""
    update(call, sobject, record_id, call.json_object())
    return Answer(204)


def delete(call: Call, sobject: str, record_id: str) -> Answer:
    """`DELETE sobjects/X/ID`: 204."""
    remove(call, sobject, record_id)
    return Answer(204)


def get_by_key(call: Call, sobject: str, field: str, value: str) -> Answer:
    """`GET sobjects/X/FIELD/VALUE`: the row with that external id."""
    return Answer(200, retrieve(call, sobject, _id_of_key(call, sobject, field, value), _fields(call)))


def delete_by_key(call: Call, sobject: str, field: str, value: str) -> Answer:
    """`DELETE sobjects/X/FIELD/VALUE`: 204."""
    remove(call, sobject, _id_of_key(call, sobject, field, value))
    return Answer(204)


def upsert_by_key(call: Call, sobject: str, field: str, value: str) -> Answer:
    """`PATCH sobjects/X/FIELD/VALUE`: 201 when a row was made, 200 when one was changed."""
    record_id, created = upsert(call, sobject, field, value, call.json_object())
    body = {"id": record_id, "success": True, "errors": [], "created": created}
    return _created(call, sobject, body) if created else Answer(200, body)


def retrieve(call: Call, sobject: str, record_id: str, fields: list[str] | None) -> dict[str, Any]:
    """One row in wire shape. Raises ApiError."""
    return call.org.retrieve(sobject, record_id, as_user=call.user_id, fields=fields, version=call.version)


def create(call: Call, sobject: str, values: Mapping[str, Any]) -> str:
    """Create a row as the caller and return its id. Raises ApiError."""
    return call.org.create(sobject, without_attributes(values), as_user=call.user_id)


def update(call: Call, sobject: str, record_id: str, values: Mapping[str, Any]) -> None:
    """Change a row as the caller. Raises ApiError."""
    call.org.update(sobject, record_id, without_attributes(values), as_user=call.user_id)
    _end_sessions(call, sobject)


def remove(call: Call, sobject: str, record_id: str) -> None:
    """Delete a row as the caller. Raises ApiError."""
    call.org.delete(sobject, record_id, as_user=call.user_id)


def upsert(call: Call, sobject: str, field: str, value: Any, values: Mapping[str, Any]) -> tuple[str, bool]:
    """Create or change the row with that external id; returns its id and whether it is new. Raises ApiError."""
    outcome = call.org.upsert(sobject, field, value, without_attributes(values), as_user=call.user_id)
    _end_sessions(call, sobject)
    return outcome


def without_attributes(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values to write: `attributes` only say of which type they are."""
    return {name: value for name, value in values.items() if name != "attributes"}


def _end_sessions(call: Call, sobject: str) -> None:
    """Freezing and deactivating are updates of these objects."""
    if sobject.lower() in _SHUT_OUT_BY:
        identity.end_sessions_of_shut_out_users(call.org)


def _fields(call: Call) -> list[str] | None:
    names = [name.strip() for name in call.params.get("fields", "").split(",")]
    return [name for name in names if name] or None


def _id_of_key(call: Call, sobject: str, field: str, value: str) -> str:
    described = call.org.schema.get(sobject)
    key = described.get(field) if described else None
    if described is None:
        raise not_found()
    if key is None or not (key.external_id or key.name == "Id"):
        raise ApiError(404, "NOT_FOUND", f"Provided external ID field does not exist or is not accessible: {field}")
    found = call.org.rows(described.name, **{key.name: value})
    if not found:
        raise not_found()
    return str(found[0]["Id"])


def _created(call: Call, sobject: str, body: dict[str, Any]) -> Answer:
    described = call.org.schema.get(sobject)
    name = described.name if described else sobject
    return Answer(201, body, {"Location": f"{call.base}/sobjects/{name}/{body['id']}"})
