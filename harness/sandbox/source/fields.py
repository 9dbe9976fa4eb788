"""Turn a field of the Metadata API into a field of the schema (Metadata API guide, CustomField)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from harness.sandbox.objects.notation import label_of
from harness.sandbox.schema import Field
from harness.sandbox.source.metadata import FieldMetadata

_TYPES = {
    "AutoNumber": "string",
    "Checkbox": "boolean",
    "Currency": "currency",
    "Date": "date",
    "DateTime": "datetime",
    "Email": "email",
    "EncryptedText": "encryptedstring",
    "ExternalLookup": "reference",
    "File": "base64",
    "Hierarchy": "reference",
    "Html": "textarea",
    "IndirectLookup": "reference",
    "Location": "location",
    "LongTextArea": "textarea",
    "Lookup": "reference",
    "MasterDetail": "reference",
    "MetadataRelationship": "reference",
    "MultiselectPicklist": "multipicklist",
    "Number": "double",
    "Percent": "percent",
    "Phone": "phone",
    "Picklist": "picklist",
    "Summary": "double",
    "Text": "string",
    "TextArea": "textarea",
    "Time": "time",
    "Url": "url",
}
_LENGTHS = {
    "email": 80,
    "phone": 40,
    "url": 255,
    "picklist": 255,
    "multipicklist": 4099,
    "reference": 18,
    "string": 255,
}
_NUMBERS = frozenset({"double", "currency", "percent"})
_UNFILTERED = frozenset({"Html", "LongTextArea", "EncryptedText"})


def make_fields(
    one: FieldMetadata, *, on: str, values: Mapping[str, tuple[str, ...]], summed: Mapping[str, FieldMetadata]
) -> Iterator[Field]:
    """The schema's fields for one custom field: itself, and for a geolocation its two parts.

    `on` is its object, `values` are the global value sets, `summed` the project's fields by `Object.Field`.
    """
    kind = _TYPES.get(one.type, "string")
    source = summed.get(one.summary.field or "") if one.summary else None
    if source is not None:
        kind = _TYPES.get(source.type, "double")
    fixed = one.formula or one.summary is not None or one.type == "AutoNumber"
    needed = one.type == "MasterDetail" or (one.required and not fixed)
    base = Field(
        one.name,
        kind,
        one.label or label_of(one.name.removesuffix("__c").replace("_", " ")),
        **_size(one if source is None else source, kind),
        nillable=not needed and kind != "boolean",
        createable=not fixed and kind != "location",
        updateable=not fixed and kind != "location",
        filterable=one.type not in _UNFILTERED,
        permissionable=not needed,
        custom=one.name.endswith("__c"),
        external_id=one.external_id,
        unique=one.unique,
        case_sensitive=one.case_sensitive,
        calculated=one.formula or one.summary is not None,
        formula=one.formula_text,
        auto_number=one.type == "AutoNumber",
        picklist=one.picklist or values.get(one.value_set or "", ()),
        restricted=one.restricted or one.value_set is not None,
        default=_default(one, kind),
        **_relation(one, kind, on),
    )
    yield base
    if kind == "location":
        yield from _location_parts(base)


def _size(one: FieldMetadata, kind: str) -> dict[str, Any]:
    if kind in _NUMBERS:
        return {"precision": one.precision or 18, "scale": one.scale}
    if kind == "textarea":
        return {"length": one.length or 255}
    return {"length": one.length or _LENGTHS.get(kind, 0)}


def _relation(one: FieldMetadata, kind: str, on: str) -> dict[str, Any]:
    if kind != "reference":
        return {}
    own = f"{one.name[:-3]}__r" if one.name.endswith("__c") else one.name.removesuffix("Id")
    children = one.relationship_name
    return {
        "reference_to": one.reference_to or (("User",) if one.type == "Hierarchy" and on == "User" else (on,)),
        "relationship_name": own,
        "child_relationship": f"{children}__r" if children and one.name.endswith("__c") else children,
        "master_detail": one.type == "MasterDetail",
        "write_requires_master_read": one.write_requires_master_read,
    }


def _default(one: FieldMetadata, kind: str) -> str | bool | None:
    if kind == "boolean":
        return (one.default or "").lower() == "true"
    return one.picklist_default if one.picklist_default else None


def _location_parts(whole: Field) -> Iterator[Field]:
    for part in ("Latitude", "Longitude"):
        yield replace(
            whole,
            name=f"{whole.name.removesuffix('__c')}__{part}__s",
            type="double",
            label=f"{whole.label} ({part})",
            precision=18,
            scale=15,
            createable=True,
            updateable=True,
            permissionable=False,
            compound=whole.name,
        )
