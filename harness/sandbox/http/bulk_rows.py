"""What both Bulk APIs do with rows: may the job be made, do the columns exist, and each row written for itself.

A batch is written in chunks of 200 rows, each chunk a transaction, each row a savepoint: a row that fails takes no
other with it (Bulk API 2.0 and Bulk API Developer Guide, "How Requests Are Processed").
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.sandbox.errors import ApiError, Refusal
from harness.sandbox.http import rows
from harness.sandbox.http.bulk_csv import BadBatch
from harness.sandbox.http.call import Call
from harness.sandbox.ids import long_id
from harness.sandbox.schema import Field, SObject

OPERATIONS = ("insert", "update", "upsert", "delete", "hardDelete")
_CHUNK = 200
_NULL = "#N/A"
_TRUE = frozenset({"yes", "y", "true", "on", "1"})
_FALSE = frozenset({"no", "n", "false", "off", "0"})
_NUMBERS = frozenset({"double", "currency", "percent"})
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,2})?")
_LONGEST_NUMBER = 40
_UNSUPPORTED = frozenset(
    {
        "AcceptedEventRelation",
        "CaseStatus",
        "ContractStatus",
        "DeclinedEventRelation",
        "EntityDefinition",
        "FieldDefinition",
        "MetadataComponentDependency",
        "OrderStatus",
        "PartnerRole",
        "RecentlyViewed",
        "SolutionStatus",
        "TaskPriority",
        "TaskStatus",
        "UndecidedEventRelation",
        "UserEntityAccess",
        "UserFieldAccess",
        "UserPermissionAccess",
        "UserRecordAccess",
    }
)
"""Objects that the Bulk APIs do not take (Salesforce Help, "Entity is not supported by the Bulk API")."""


class JobRefused(Exception):
    """A job that is not made; `code` is the name of Bulk API 1.0 (`InvalidJob`), which 2.0 writes in capitals."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one row."""

    id: str = ""
    created: bool = False
    errors: tuple[Refusal, ...] = ()

    @property
    def error(self) -> str:
        """The errors as CSV results word them: `CODE:message:fields --`, one after the other."""
        texts = (f"{one.code}:{one.message}:{','.join(one.fields or ())} --" for one in self.errors)
        return ";".join(text.replace(": --", ":--") for text in texts)


def check_job(call: Call, operation: str, name: str, external_id: str | None) -> tuple[SObject, str | None]:
    """The object of an ingest job and its external id field, as the schema spells it. Raises JobRefused."""
    sobject = visible_object(call, name)
    if operation == "hardDelete" and not call.may("BulkApiHardDelete"):
        text = "hardDelete operation requires special user profile permission, please contact your system administrator"
        raise JobRefused("FeatureNotEnabled", text)
    if operation != "upsert":
        return sobject, None
    key = sobject.get(external_id or "")
    if key is None or not (key.external_id or key.name == "Id"):
        text = f"InvalidJob : Field name provided, {external_id or ''} does not match an External ID for {sobject.name}"
        raise JobRefused("InvalidJob", text)
    dml, access = call.org.dml, call.org.permissions_of(call.user_id)
    if not (dml.may(sobject, "create", access) and dml.may(sobject, "edit", access)):
        raise JobRefused("InvalidJob", f"InvalidJob : No create/update access for object:{sobject.name}")
    return sobject, key.name


def visible_object(call: Call, name: str) -> SObject:
    """The object of a job. Raises JobRefused where the user does not see it or the Bulk APIs do not take it."""
    sobject = call.org.schema.get(name)
    access = call.org.permissions_of(call.user_id)
    if sobject is None or sobject.tooling or not access.can(sobject, "read"):
        raise JobRefused("InvalidJob", f"InvalidJob : Unable to find object: {name}")
    refuse_unsupported(sobject.name)
    return sobject


def refuse_unsupported(name: str) -> None:
    """Raises JobRefused for an object that the Bulk APIs do not take."""
    if name in _UNSUPPORTED:
        raise JobRefused("InvalidEntity", f"Entity '{name}' is not supported by the Bulk API.")


def check_columns(call: Call, sobject: SObject, columns: Sequence[str], operation: str) -> None:
    """Raises BadBatch for the first column that is no field the user sees, which fails the whole batch."""
    described = call.org.describe(sobject.name, as_user=call.user_id)
    known = {field["name"].lower() for field in described["fields"]}
    links = {one["relationshipName"].lower(): one for one in described["fields"] if one["relationshipName"]}
    for column in columns:
        head, dot, key = column.rpartition(".")
        target, colon, relationship = head.rpartition(":")
        if not dot and column.lower() in known:
            continue
        link = links.get(relationship.lower())
        if link is None or not key:
            raise BadBatch(f"InvalidBatch : Field name not found : {column}")
        if colon and len(link["referenceTo"]) == 1:
            text = f"type is not needed for non polymorphic foreign key references: {relationship}"
            raise BadBatch(f"InvalidBatch : {text}")
        targets = [one for one in link["referenceTo"] if not colon or one.lower() == target.lower()]
        if not any((parent := call.org.schema.get(one)) and parent.get(key) for one in targets):
            raise BadBatch(f"InvalidBatch : Field name not found : {column}")
    if operation in ("delete", "hardDelete") and [column.lower() for column in columns] != ["id"]:
        raise BadBatch(f"InvalidBatch : The '{operation}' batch must contain only ids")


def cells_as_values(sobject: SObject, cells: Mapping[str, str]) -> dict[str, Any]:
    """Cells as values: an empty one changes nothing, `#N/A` empties, `Account.Key__c` names a parent by its key.

    Raises ApiError for a cell that is no value of its field.
    """
    values: dict[str, Any] = {}
    for column, cell in cells.items():
        if cell == "":
            continue
        head, dot, key = column.rpartition(".")
        relationship = head.rpartition(":")[2]
        field = sobject.get(column)
        if field is not None:
            values[field.name] = None if cell == _NULL else _value(field, cell)
        elif dot:
            link = next(one for one in sobject.fields.values() if _same(one.relationship_name, relationship))
            if cell == _NULL:
                values[link.name] = None
            else:
                values[link.relationship_name or relationship] = {key: cell}
    return values


def write_rows(
    call: Call,
    operation: str,
    sobject: SObject,
    external_id: str | None,
    records: Sequence[Mapping[str, Any] | ApiError],
) -> list[Outcome]:
    """Write rows as the caller; a row that could not be read stands as its error. One outcome for each, in order."""
    outcomes = []
    for chunk in _chunks(records):
        with call.org.transaction():
            outcomes += [_written(call, operation, sobject, external_id, record) for record in chunk]
    return outcomes


def _written(
    call: Call, operation: str, sobject: SObject, external_id: str | None, record: Mapping[str, Any] | ApiError
) -> Outcome:
    record_id = ""
    try:
        if isinstance(record, ApiError):
            raise record
        values = rows.without_attributes(record)
        record_id = str(next((value for name, value in values.items() if name.lower() == "id"), None) or "")
        with call.org.transaction():
            record_id, created = _apply(call, operation, sobject, external_id, values)
    except ApiError as error:
        return Outcome(record_id, errors=tuple(error.errors))
    return Outcome(record_id, created)


def _apply(
    call: Call, operation: str, sobject: SObject, external_id: str | None, values: dict[str, Any]
) -> tuple[str, bool]:
    """Write one row; its id and whether it is new."""
    id_name = next((name for name in values if name.lower() == "id"), "Id")
    if operation == "insert":
        if values.get(id_name):
            text = "cannot specify Id in an insert call"
            raise ApiError(400, "INVALID_FIELD_FOR_INSERT_UPDATE", text, ["Id"])
        return rows.create(call, sobject.name, values), True
    if operation == "upsert" and external_id and external_id != "Id":
        name = next((one for one in values if one.lower() == external_id.lower()), None)
        if name is None or values[name] is None:
            raise ApiError(400, "MISSING_ARGUMENT", f"{external_id} not specified", [])
        return rows.upsert(call, sobject.name, external_id, str(values.pop(name)), values)
    record_id = str(values.pop(id_name, None) or "")
    if not record_id and operation == "upsert":
        return rows.create(call, sobject.name, values), True
    if not record_id:
        call_name = "an update" if operation in ("update", "upsert") else "a delete"
        raise ApiError(400, "MISSING_ARGUMENT", f"Id not specified in {call_name} call", [])
    if operation in ("update", "upsert"):
        rows.update(call, sobject.name, record_id, values)
    else:
        rows.remove(call, sobject.name, record_id)
        if operation == "hardDelete":
            call.org.purge(sobject.name, record_id)
    return long_id(record_id) or record_id, False


def _value(field: Field, cell: str) -> Any:
    if field.type == "boolean":
        if (word := cell.strip().lower()) in _TRUE | _FALSE:
            return word in _TRUE
        raise _not_of_type(field, cell)
    if field.type not in _NUMBERS and field.type != "int":
        return cell
    number = cell.strip()
    if not _NUMBER.fullmatch(number) or len(number) > _LONGEST_NUMBER:
        raise _not_of_type(field, cell)
    return int(number) if field.type == "int" and number.lstrip("+-").isdigit() else float(number)


def _not_of_type(field: Field, cell: str) -> ApiError:
    text = f"{field.label}: value not of required type: {cell}"
    return ApiError(400, "INVALID_TYPE_ON_FIELD_IN_RECORD", text, [field.name])


def _chunks(records: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(records), _CHUNK):
        yield records[start : start + _CHUNK]


def _same(one: str | None, other: str) -> bool:
    return one is not None and one.lower() == other.lower()
