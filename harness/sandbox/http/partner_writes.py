"""create, update, upsert and delete of the SOAP API: up to 200 rows a call, each with its own outcome.

One call is one transaction; with AllOrNoneHeader one failure takes all rows back (SOAP API guide, "AllOrNoneHeader").
An object or a field that there is not fails the whole call, as a fault.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar
from xml.etree.ElementTree import Element

from harness.sandbox.errors import ApiError, Refusal
from harness.sandbox.http import rows
from harness.sandbox.http.call import Call
from harness.sandbox.http.envelope import Request, children, element, is_nil, local_name, text_of, texts_of
from harness.sandbox.http.partner_errors import invalid_type, no_external_id, too_many, unknown_field
from harness.sandbox.http.partner_rows import RowWriter, read_row, type_name
from harness.sandbox.ids import long_id
from harness.sandbox.writing import recycle_bin

MOST_WRITES = 200
_ROLLED_BACK = Refusal(
    "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    "Record rolled back because not all records were valid and the request was using AllOrNone header",
)


Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class _Outcome:
    id: str | None = None
    created: bool = False
    errors: Sequence[Refusal] = ()


class _RollBack(Exception):
    """Thrown through the transaction to undo it."""


def create(call: Call, request: Request, _writer: RowWriter) -> str:
    """`create(sObjects)`."""

    def write(given: Element) -> _Outcome:
        row = read_row(call.org.schema, given)
        if row.key is not None:
            raise ApiError(400, "INVALID_FIELD_FOR_INSERT_UPDATE", "cannot specify Id in an insert call", ["Id"])
        return _Outcome(rows.create(call, row.type, row.values), created=True)

    return _results(_write_all(call, request, _given(call, request), write))


def update(call: Call, request: Request, _writer: RowWriter) -> str:
    """`update(sObjects)`."""

    def write(given: Element) -> _Outcome:
        row = read_row(call.org.schema, given)
        if row.key is None:
            raise ApiError(400, "MISSING_ARGUMENT", "Id not specified in an update call", [])
        rows.update(call, row.type, row.key, row.values)
        return _Outcome(long_id(row.key))

    return _results(_write_all(call, request, _given(call, request), write))


def upsert(call: Call, request: Request, _writer: RowWriter) -> str:
    """`upsert(externalIDFieldName, sObjects)`: by Id or by an external id."""
    key_name = text_of(request.call, "externalIDFieldName").strip()

    def write(given: Element) -> _Outcome:
        row = read_row(call.org.schema, given)
        values = dict(row.values)
        if key_name.lower() == "id":
            if row.key is None:
                return _Outcome(rows.create(call, row.type, values), created=True)
            rows.update(call, row.type, row.key, values)
            return _Outcome(long_id(row.key))
        name = next((one for one in values if one.lower() == key_name.lower()), None)
        if name is None or values[name] in (None, ""):
            raise ApiError(400, "MISSING_ARGUMENT", f"{key_name} not specified", [])
        record_id, created = rows.upsert(call, row.type, key_name, values.pop(name), values)
        return _Outcome(record_id, created=created)

    given = _given(call, request)
    for one in given:
        _check_key(call, type_name(one), key_name)
    return _results(_write_all(call, request, given, write), upsert=True)


def delete(call: Call, request: Request, _writer: RowWriter) -> str:
    """`delete(ids)`."""

    def write(record_id: str) -> _Outcome:
        known = long_id(record_id)
        sobject = call.org.schema.of_prefix(record_id[:3])
        if known is None or sobject is None:
            raise ApiError(400, "MALFORMED_ID", f"bad id {record_id}")
        rows.remove(call, sobject.name, known)
        return _Outcome(known)

    return _results(_write_all(call, request, texts_of(request.call, "ids"), write))


def undelete(call: Call, request: Request, _writer: RowWriter) -> str:
    """`undelete(ids)`: out of the recycle bin."""

    def write(record_id: str) -> _Outcome:
        return _Outcome(recycle_bin.undelete(call.org, record_id, as_user=call.user_id))

    return _results(_write_all(call, request, texts_of(request.call, "ids"), write))


def empty_recycle_bin(call: Call, request: Request, _writer: RowWriter) -> str:
    """`emptyRecycleBin(ids)`: deleted rows are gone for good."""

    def write(record_id: str) -> _Outcome:
        return _Outcome(recycle_bin.throw_away(call.org, record_id, as_user=call.user_id))

    return _results(_write_all(call, request, texts_of(request.call, "ids"), write))


def _given(call: Call, request: Request) -> list[Element]:
    """The sObjects of a request. Raises ApiError INVALID_TYPE or INVALID_FIELD for names that the user does not see."""
    given = children(request.call, "sObjects")
    if len(given) > MOST_WRITES:
        raise too_many(MOST_WRITES)
    for one in given:
        _check_names(call, one)
    return given


def _check_names(call: Call, given: Element) -> None:
    name = type_name(given)
    if not name:
        raise ApiError(400, "INVALID_TYPE", "Must send a concrete entity type.")
    sobject = call.org.schema.get(name)
    access = call.org.permissions_of(call.user_id)
    if sobject is None or sobject.tooling or not access.can(sobject, "read"):
        raise invalid_type(name)
    written = [local_name(one) for one in given if not is_nil(one)] + texts_of(given, "fieldsToNull")
    for one in written:
        column = sobject.get(one) or call.org.relations.parent(sobject, one)
        if one not in ("type", "fieldsToNull") and (column is None or not access.can_read_field(sobject, column)):
            raise unknown_field(one, sobject.name)


def _check_key(call: Call, name: str, key: str) -> None:
    sobject = call.org.schema.get(name)
    column = sobject.get(key) if sobject else None
    if column is None or not (column.external_id or column.name == "Id"):
        raise no_external_id(key, name)


def _write_all(
    call: Call, request: Request, items: Sequence[Item], write: Callable[[Item], _Outcome]
) -> list[_Outcome]:
    if len(items) > MOST_WRITES:
        raise too_many(MOST_WRITES)
    all_or_none = request.header("AllOrNoneHeader", "allOrNone").lower() in ("true", "1")
    outcomes: list[_Outcome] = []
    try:
        with call.org.transaction():
            outcomes += [_attempt(call, item, write) for item in items]
            if all_or_none and any(one.errors for one in outcomes):
                raise _RollBack
    except _RollBack:
        return [one if one.errors else _Outcome(errors=[_ROLLED_BACK]) for one in outcomes]
    return outcomes


def _attempt(call: Call, item: Item, write: Callable[[Item], _Outcome]) -> _Outcome:
    try:
        with call.org.transaction():
            return write(item)
    except ApiError as error:
        return _Outcome(errors=[_as_row_error(one) for one in error.errors])


def _as_row_error(error: Refusal) -> Refusal:
    """REST says of a row that there is not, or not for this user, that its address does not exist."""
    if error.code == "NOT_FOUND":
        return Refusal("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
    return error


def _results(outcomes: Sequence[_Outcome], *, upsert: bool = False) -> str:
    return "".join(f"<result>{_result(one, upsert=upsert)}</result>" for one in outcomes)


def _result(outcome: _Outcome, *, upsert: bool) -> str:
    parts = [element("created", outcome.created)] if upsert else []
    for error in outcome.errors:
        fields = "".join(element("fields", name) for name in error.fields or ())
        parts.append(f"<errors>{fields}{element('message', error.message)}{element('statusCode', error.code)}</errors>")
    parts += [element("id", outcome.id), element("success", not outcome.errors)]
    return "".join(parts)
