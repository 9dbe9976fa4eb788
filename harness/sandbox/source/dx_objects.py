"""Read objects, fields and record types of a project (Metadata API guide: CustomObject, CustomField, RecordType)."""

from __future__ import annotations

from typing import Any

from harness.sandbox.source.document import Node
from harness.sandbox.source.metadata import FieldMetadata, ObjectMetadata, RecordTypeMetadata, Summary


def read_object(name: str, root: Node) -> ObjectMetadata:
    """An object's own file; in the older format fields and record types are in it too."""
    return ObjectMetadata(
        name=name,
        label=root.text("label"),
        plural=root.text("pluralLabel"),
        name_label=root.text("nameField", "label"),
        name_auto_number=root.text("nameField", "type") == "AutoNumber",
        sharing=root.text("sharingModel"),
        external_sharing=root.text("externalSharingModel"),
        custom_setting=root.text("customSettingsType") is not None,
        activities=root.flag("enableActivities"),
        fields=[read_field(one) for one in root.all("fields")],
        record_types=[read_record_type(one) for one in root.all("recordTypes")],
    )


def read_field(root: Node) -> FieldMetadata:
    """One field."""
    return FieldMetadata(
        name=root.text("fullName") or "",
        type=root.text("type") or "",
        label=root.text("label"),
        length=root.number("length"),
        precision=root.number("precision"),
        scale=root.number("scale"),
        required=root.flag("required"),
        unique=root.flag("unique"),
        case_sensitive=root.flag("caseSensitive"),
        external_id=root.flag("externalId"),
        formula=root.text("formula") is not None,
        formula_text=root.text("formula"),
        default=root.text("defaultValue"),
        reference_to=root.texts("referenceTo"),
        relationship_name=root.text("relationshipName"),
        write_requires_master_read=root.flag("writeRequiresMasterRead"),
        summary=_summary(root),
        **_values(root),
    )


def read_record_type(root: Node) -> RecordTypeMetadata:
    """One record type."""
    name = root.text("fullName") or ""
    return RecordTypeMetadata(name, root.text("label") or name, root.flag("active"), root.text("description"))


def _summary(root: Node) -> Summary | None:
    operation = root.text("summaryOperation")
    return Summary(operation, root.text("summarizedField")) if operation else None


def _values(root: Node) -> dict[str, Any]:
    for value_set in root.all("valueSet"):
        values, default = [], None
        for definition in value_set.all("valueSetDefinition"):
            for value in definition.all("value"):
                name = value.text("fullName") or value.text("label") or ""
                values.append(name)
                default = name if value.flag("default") else default
        return {
            "picklist": tuple(values),
            "picklist_default": default,
            "restricted": value_set.flag("restricted"),
            "value_set": value_set.text("valueSetName"),
        }
    return {}
