"""The schema told as rows: EntityDefinition, FieldDefinition and PermissionDependency (Tooling API guide)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from harness.sandbox.access.effective import has_object_permissions
from harness.sandbox.ids import make_id
from harness.sandbox.schema import Field, Schema, SObject
from harness.sandbox.store import Row

_PLAIN_TYPES = {
    "id": "Lookup()",
    "boolean": "Checkbox",
    "date": "Date",
    "datetime": "Date/Time",
    "time": "Time",
    "email": "Email",
    "phone": "Phone",
    "url": "URL",
    "picklist": "Picklist",
    "multipicklist": "Picklist (Multi-Select)",
    "address": "Address",
    "location": "Geolocation",
    "base64": "Base64",
    "combobox": "Picklist",
}
_VERBS = {
    "read": "read",
    "create": "create",
    "edit": "update",
    "delete": "delete",
    "view-all": "viewAllRecords",
    "modify-all": "modifyAllRecords",
    "view-all-fields": "viewAllFields",
}

TOLD_IN_FULL = frozenset({"PermissionSet", "Profile"})
TOOLING_FIELDS: Mapping[str, Field] = {
    name.lower(): Field(name, "complexvalue", label, permissionable=False, filterable=False)
    for name, label in (("Metadata", "Metadata"), ("FullName", "Full Name"))
}
"""Fields that these objects have in the Tooling API alone, by lower-case name: see `setup_metadata`."""
_COME_UNASKED = frozenset({"Profile"})
"""Whose rows have them whatever is asked for; the recorded row of a PermissionSet has not."""


def tooling_field(sobject: SObject, name: str) -> Field | None:
    """The field of that name which only the Tooling API has."""
    return TOOLING_FIELDS.get(name.lower()) if sobject.name in TOLD_IN_FULL else None


def unasked_tooling_fields(sobject: SObject) -> list[str]:
    """The names of the fields that only the Tooling API has, where a row read by its id comes with them."""
    return [one.name for one in TOOLING_FIELDS.values()] if sobject.name in _COME_UNASKED else []


def entity_rows(schema: Schema, setting_ids: Mapping[str, str]) -> Iterator[Row]:
    """One row for each object that may be queried.

    `setting_ids` are those of custom settings and custom metadata types, by developer name.
    """
    for sobject in sorted(schema, key=lambda one: one.name):
        if sobject.tooling:
            continue
        developer_name = sobject.name.removesuffix("__c")
        yield {
            "Id": sobject.name,
            "DurableId": setting_ids.get(developer_name, sobject.name) if _is_set_up(sobject) else sobject.name,
            "QualifiedApiName": sobject.name,
            "DeveloperName": developer_name,
            "MasterLabel": sobject.label,
            "Label": sobject.label,
            "PluralLabel": sobject.plural,
            "KeyPrefix": sobject.key_prefix or None,
            "InternalSharingModel": sobject.sharing,
            "ExternalSharingModel": sobject.external_sharing
            or (sobject.sharing if sobject.sharing.startswith("ControlledBy") else "Private"),
            "IsCustomizable": int(not sobject.setup),
            "IsCustomSetting": int(sobject.custom_setting),
            "IsApexTriggerable": int(not sobject.setup),
            "IsQueryable": int(sobject.queryable),
            "IsDeprecatedAndHidden": 0,
        }


def _is_set_up(sobject: SObject) -> bool:
    return sobject.custom_setting or sobject.name.endswith("__mdt")


def field_rows(schema: Schema) -> Iterator[Row]:
    """One row for each field."""
    for sobject in sorted(schema, key=lambda one: one.name):
        if sobject.tooling:
            continue
        for field in sobject.fields.values():
            yield {
                "Id": durable_id(sobject, field),
                "DurableId": durable_id(sobject, field),
                "EntityDefinitionId": sobject.name,
                "QualifiedApiName": field.name,
                "DeveloperName": field.name.removesuffix("__c"),
                "MasterLabel": field.label,
                "Label": field.label,
                "Length": field.length,
                "Precision": field.precision,
                "Scale": field.scale,
                "DataType": data_type(field),
                "IsCalculated": int(field.calculated),
                "IsNillable": int(field.nillable),
                "IsIndexed": int(bool(field.unique or field.external_id or field.reference_to or field.name == "Id")),
                "IsFlsEnabled": int(field.permissionable),
                "RelationshipName": field.relationship_name,
            }


def durable_id(sobject: SObject, field: Field) -> str:
    """How FieldDefinition names a field: a standard reference without `Id`, `Contact.Account` (recorded)."""
    name = field.name.removesuffix("Id") if field.reference_to and not field.custom else field.name
    return f"{sobject.name}.{name}"


def data_type(field: Field) -> str:
    """A field's type as Setup words it: `Text(80)`, `Lookup(Account)`, `Master-Detail(Account)`."""
    base = _base_type(field)
    if field.calculated:
        base = f"Formula ({base.partition('(')[0].strip()})"
    marks = [
        word
        for word, is_so in (
            ("External ID", field.external_id),
            (f"Unique Case {'Sensitive' if field.case_sensitive else 'Insensitive'}", field.unique),
        )
        if is_so
    ]
    return base + "".join(f" ({mark})" for mark in marks)


def _base_type(field: Field) -> str:
    if field.auto_number:
        return "Auto Number"
    if field.reference_to:
        return f"{'Master-Detail' if field.master_detail else 'Lookup'}({','.join(field.reference_to)})"
    if field.type in ("double", "currency", "percent", "int"):
        word = {"double": "Number", "int": "Number"}.get(field.type, field.type.capitalize())
        return f"{word}({(field.precision or 18) - field.scale}, {field.scale})"
    if field.type == "textarea":
        return f"Long Text Area({field.length})" if field.length > 255 else f"Text Area({field.length})"
    return _PLAIN_TYPES.get(field.type) or f"Text({field.length or 255})"


def dependency_rows(schema: Schema, needs: Mapping[str, Sequence[str]]) -> Iterator[Row]:
    """One row for each permission that another one needs. An object's right is written `Account<update>`."""
    for number, (permission, required) in enumerate(_dependencies(schema, needs), start=1):
        yield {
            "Id": make_id("4pd", number),
            "DurableId": f"{permission}-{required}",
            "Permission": permission,
            "PermissionType": _kind(permission),
            "RequiredPermission": required,
            "RequiredPermissionType": _kind(required),
        }


def _dependencies(schema: Schema, needs: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, str]]:
    for permission in schema.system_permissions.values():
        for implied in permission.implies:
            yield permission.name, implied
        for name, right in permission.grants:
            yield permission.name, f"{name}<{_VERBS[right]}>"
    for sobject in schema:
        if not has_object_permissions(sobject):
            continue
        for right, required in needs.items():
            for one in required:
                yield f"{sobject.name}<{_VERBS[right]}>", f"{sobject.name}<{_VERBS[one]}>"
        for master in _masters(schema, sobject):
            yield f"{sobject.name}<read>", f"{master.name}<read>"


def _masters(schema: Schema, sobject: SObject) -> Iterator[SObject]:
    for field in sobject.fields.values():
        master = schema.get(field.reference_to[0]) if field.master_detail and field.reference_to else None
        if master is not None and master is not sobject and has_object_permissions(master):
            yield master


def _kind(permission: str) -> str:
    return "Object Permission" if "<" in permission else "User Permission"
