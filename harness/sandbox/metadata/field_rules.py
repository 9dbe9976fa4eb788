"""What a custom field's file must say and may not say, by type (Metadata API guide, CustomField)."""

from __future__ import annotations

from collections.abc import Mapping

from harness.sandbox.metadata.errors import ComponentError
from harness.sandbox.schema import Schema
from harness.sandbox.source.document import Node

_NUMBER = ("precision", "scale")
_MUST: Mapping[str, tuple[str, ...]] = {
    "AutoNumber": (),
    "Checkbox": ("defaultValue",),
    "Currency": _NUMBER,
    "Date": (),
    "DateTime": (),
    "Email": (),
    "EncryptedText": ("length", "maskChar", "maskType"),
    "ExternalLookup": ("referenceTo",),
    "File": (),
    "Hierarchy": (),
    "Html": ("length", "visibleLines"),
    "IndirectLookup": ("referenceTo", "referenceTargetField"),
    "Location": ("scale",),
    "LongTextArea": ("length", "visibleLines"),
    "Lookup": ("referenceTo",),
    "MasterDetail": ("referenceTo",),
    "MetadataRelationship": ("referenceTo",),
    "MultiselectPicklist": ("visibleLines",),
    "Number": _NUMBER,
    "Percent": _NUMBER,
    "Phone": (),
    "Picklist": (),
    "Summary": ("summaryOperation",),
    "Text": ("length",),
    "TextArea": (),
    "Time": (),
    "Url": (),
}
"""Elements that each type needs, unless the field is a formula."""
_MAY_NOT: Mapping[str, tuple[str, ...]] = {
    "MasterDetail": ("deleteConstraint", "required"),
    "TextArea": ("length",),
    "Html": ("required",),
    "LongTextArea": ("required",),
    "Hierarchy": ("referenceTo",),
}


def check_field(schema: Schema, node: Node) -> None:
    """Raises ComponentError for what the platform refuses."""
    kind = node.text("type") or ""
    if kind not in _MUST:
        raise ComponentError("INVALID_INPUT", f"'{kind}' is not a valid value for the enum 'FieldType'")
    if not node.text("label"):
        raise _refused("Must specify a non-empty label for the CustomField")
    if node.text("formula") is None:
        for name in _MUST[kind]:
            if node.text(name) is None:
                raise _refused(f"Must specify '{name}' for a CustomField of type {kind}")
    for name in _MAY_NOT.get(kind, ()):
        if node.text(name) not in (None, "false"):
            raise _refused(f"Can not specify '{name}' for a CustomField of type {kind}")
    for name in ("length", "precision", "scale", "visibleLines"):
        check_whole_number(name, node.text(name))
    for target in node.texts("referenceTo"):
        if schema.get(target) is None:
            raise _refused(f"referenceTo value of '{target}' does not resolve to a valid sObject type")


def check_whole_number(name: str, text: str | None) -> None:
    """Raises ComponentError for what is none."""
    if text is not None and not (text.isascii() and text.isdigit() and len(text) < 10):
        raise ComponentError("INVALID_INPUT", f"'{text}' is not a valid value for the type xsd:int of {name}")


def _refused(text: str) -> ComponentError:
    return ComponentError("FIELD_INTEGRITY_EXCEPTION", text)
