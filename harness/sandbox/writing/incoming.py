"""From the fields of a request to the columns of a row: which may be written, by whom, and what they come to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from harness.sandbox.access.effective import EffectiveAccess
from harness.sandbox.errors import ApiError, invalid
from harness.sandbox.schema import Field, SObject
from harness.sandbox.store import COMPOUND_TYPES
from harness.sandbox.writing.values import mismatch, to_column

if TYPE_CHECKING:
    from harness.sandbox.org import SandboxOrg

Columns = dict[str, Any]
Call = Literal["create", "update"]

AUDIT_FIELDS = frozenset({"CreatedById", "CreatedDate", "LastModifiedById", "LastModifiedDate", "SystemModstamp"})
_SETTABLE_AUDIT_FIELDS = AUDIT_FIELDS - {"SystemModstamp"}
_SETS_AUDIT_FIELDS = "CreateAuditFields"
_KEYS_OF_USERS = ("Id", "Username")


class Incoming:
    """Reads the bodies of writes to one org."""

    def __init__(self, org: SandboxOrg) -> None:
        self._org = org

    def columns(self, sobject: SObject, values: Mapping[str, Any], access: EffectiveAccess, call: Call) -> Columns:
        """The columns that the values of a body come to. Raises ApiError for the first that cannot be."""
        columns: Columns = {}
        refused: list[str] = []
        for name, value in values.items():
            if name == "attributes":
                continue
            if name.lower() == "id":
                raise ApiError(400, "INVALID_FIELD", "The Id field should not be specified in the sobject data.")
            field, is_reference = self._field(sobject, name, value, access)
            if not self._may_write(sobject, field, access, call):
                refused.append(field.name)
            elif is_reference:
                columns[field.name] = self._referenced(field, value, access)
            else:
                columns[field.name] = to_column(field, value)
        if refused:
            text = (
                f"Unable to create/update fields: {', '.join(refused)}. Please check the security settings of this "
                "field and verify that it is read/write for your profile or permission set."
            )
            raise invalid("INVALID_FIELD_FOR_INSERT_UPDATE", text, *refused)
        return columns

    def _field(self, sobject: SObject, name: str, value: Any, access: EffectiveAccess) -> tuple[Field, bool]:
        """The field that a key of the body means, and whether the value names a row by a key of its own."""
        field = sobject.get(name)
        if field is not None and access.can_read_field(sobject, field):
            if field.type in COMPOUND_TYPES and not isinstance(value, (Mapping, type(None))):
                raise mismatch(field.name, value)
            return field, False
        reference = self._org.relations.parent(sobject, name)
        if reference is not None and isinstance(value, Mapping) and access.can_read_field(sobject, reference):
            return reference, True
        raise ApiError(400, "INVALID_FIELD", f"No such column '{name}' on sobject of type {sobject.name}")

    def _may_write(self, sobject: SObject, field: Field, access: EffectiveAccess, call: Call) -> bool:
        if call == "create" and field.name in _SETTABLE_AUDIT_FIELDS:
            return not sobject.setup and access.has(_SETS_AUDIT_FIELDS)
        writable = field.createable if call == "create" else field.updateable
        derived = field.calculated or field.auto_number or field.type in COMPOUND_TYPES
        return writable and not derived and access.can_edit_field(sobject, field)

    def _referenced(self, reference: Field, value: Mapping[str, Any], access: EffectiveAccess) -> str:
        """The row named by a key: `"Account": {"ERP_Key__c": "7"}`."""
        keys = {name: one for name, one in value.items() if name not in ("attributes", "type")}
        for target_name in reference.reference_to:
            target = self._org.schema.get(target_name)
            if target is None or len(keys) != 1 or not access.can(target, "read"):
                continue
            name, key = next(iter(keys.items()))
            field = target.get(name)
            if field is None or not (field.external_id or field.unique or field.name in _KEYS_OF_USERS):
                continue
            column = to_column(field, key)
            found = self._org.select(target, {field.name: column}) if column is not None else []
            if len(found) == 1:
                return str(found[0]["Id"])
            if len(found) > 1:
                raise more_than_one(field, [str(row["Id"]) for row in found])
            text = f"Foreign key external ID: {key} not found for field {field.name} in entity {target.name}"
            raise invalid("INVALID_FIELD", text)
        raise invalid("INVALID_FIELD", f"invalid external ID reference for field {reference.name}")


def is_required(field: Field) -> bool:
    """Whether a row cannot be without a value here that the caller gives."""
    return (
        not field.nillable
        and field.createable
        and field.type != "boolean"
        and not (field.auto_number or field.calculated)
        and field.name not in AUDIT_FIELDS
        and field.name not in ("Id", "OwnerId")
    )


def check_complete(sobject: SObject, columns: Mapping[str, Any]) -> None:
    """Refuse a new row without a value that it needs."""
    _refuse_missing(
        [
            field.name
            for field in sobject.fields.values()
            if is_required(field)
            and columns.get(field.name) is None
            and (field.default is None or field.name in columns)
        ]
    )


def check_kept(sobject: SObject, columns: Mapping[str, Any]) -> None:
    """Refuse changes that take away a value that the row needs."""
    _refuse_missing(
        [
            name
            for name, value in columns.items()
            if value is None and (field := sobject.get(name)) is not None and is_required(field)
        ]
    )


def _refuse_missing(names: list[str]) -> None:
    if names:
        raise invalid("REQUIRED_FIELD_MISSING", f"Required fields are missing: [{', '.join(names)}]", *names)


def more_than_one(field: Field, record_ids: list[str]) -> ApiError:
    """The refusal of a key that several rows have."""
    text = f"{field.label}: more than one record found for external id field: [{', '.join(record_ids)}]"
    return ApiError(400, "DUPLICATE_EXTERNAL_ID", text, [])
