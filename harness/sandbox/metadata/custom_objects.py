"""CustomObject, CustomField and RecordType (Metadata API guide): what they change is the schema.

As on the platform, a field that is deployed is visible to nobody until a profile or a permission set grants it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from xml.etree.ElementTree import Element, tostring

from defusedxml.ElementTree import fromstring

from harness.sandbox.metadata import schema_changes, shelf
from harness.sandbox.metadata.errors import ComponentError, not_named
from harness.sandbox.metadata.field_rules import check_field
from harness.sandbox.metadata.kind import Kind, Listed, Scope
from harness.sandbox.metadata.parts import Parts, by_name, present
from harness.sandbox.metadata.reading import as_node, as_parts, local
from harness.sandbox.metadata.work import Work
from harness.sandbox.org import SandboxOrg
from harness.sandbox.schema import Field, SObject
from harness.sandbox.source.dx_objects import read_field, read_object, read_record_type
from harness.sandbox.source.dx_sharing import read_sharing_rules
from harness.sandbox.source.metadata import ObjectMetadata

_CHILDREN = {"fields": "CustomField", "recordTypes": "RecordType"}
_TYPES: Mapping[str, str] = {
    "base64": "File",
    "boolean": "Checkbox",
    "currency": "Currency",
    "date": "Date",
    "datetime": "DateTime",
    "double": "Number",
    "email": "Email",
    "encryptedstring": "EncryptedText",
    "location": "Location",
    "multipicklist": "MultiselectPicklist",
    "percent": "Percent",
    "phone": "Phone",
    "picklist": "Picklist",
    "reference": "Lookup",
    "string": "Text",
    "textarea": "TextArea",
    "time": "Time",
    "url": "Url",
}
_SHORT_TEXT = 255


class CustomObjects(Kind):
    """CustomObject: custom objects, and what there is to say about standard ones."""

    name = "CustomObject"
    directory = "objects"
    suffix = "object"
    children = ("CustomField", "RecordType")
    elements = frozenset(
        {
            *("actionOverrides", "allowInChatterGroups", "businessProcesses", "compactLayoutAssignment"),
            *("compactLayouts", "customHelp", "customHelpPage", "customSettingsType", "dataStewardGroup"),
            *("dataStewardUser", "deploymentStatus", "deprecated", "description", "enableActivities", "enableBulkApi"),
            *("enableDataLossPrevention", "enableDivisions", "enableEnhancedLookup", "enableFeeds", "enableHistory"),
            *("enableLicensing", "enableReports", "enableSearch", "enableSharing", "enableStreamingApi"),
            *("eventType", "externalSharingModel", "fieldSets", "fields", "fullName", "gender", "household", "indexes"),
            *("label", "listViews", "mktDataLakeAttributes", "nameField", "pluralLabel", "publishBehavior"),
            *("profileSearchLayouts", "recordTypeTrackFeedHistory", "recordTypeTrackHistory", "recordTypes"),
            *("searchLayouts", "sharingModel", "sharingReasons", "sharingRecalculations", "startsWith"),
            *("validationRules", "visibility", "webLinks"),
        }
    )

    def list(self, work: Work) -> Iterable[Listed]:
        """Custom objects, and standard ones that can be customised."""
        for sobject in sorted(work.schema, key=lambda one: one.name):
            if not (sobject.setup or sobject.tooling or sobject.name.endswith("Share")) and (
                sobject.custom or sobject.object_permissions
            ):
                yield Listed(sobject.name)

    def show(self, work: Work, name: str, scope: Scope | None = None) -> Parts | None:  # noqa: ARG002 - a profile's
        """The object with its custom fields and record types."""
        sobject = _listed_object(self, work, name)
        if sobject is None:
            return None
        parts = shelf.kept(work.org, self.name, sobject.name) or _object_parts(sobject)
        return by_name([*parts, *child_parts(work, sobject.name)])

    def write(self, work: Work, name: str, root: Element) -> None:
        """Create the object, or change its sharing."""
        node, found = as_node(root), work.schema.get(name)
        if found is None and not name.endswith(("__c", "__mdt", "__e", "__b", "__x")):
            raise not_named("fullName", "CustomObject", name)
        if name.endswith("__c") and not node.text("label"):
            raise ComponentError("FIELD_INTEGRITY_EXCEPTION", "Must specify a non-empty label for the CustomObject")
        metadata = read_object(name, node)
        metadata.record_types = []
        metadata.fields = [one for one in metadata.fields if one.type == "MasterDetail"] if found is None else []
        sobject = schema_changes.extend(work, metadata)
        if node.text("label"):
            sobject.label, sobject.plural = node.text("label") or name, node.text("pluralLabel") or sobject.plural
        own = [one for one in as_parts(root) if one[0] not in (*_CHILDREN, "fullName")]
        shelf.keep(work.org, self.name, sobject.name, own)
        schema_changes.record(work, self.name, sobject.name, _bare(root))

    def remove(self, work: Work, name: str) -> None:
        """Delete a custom object."""
        sobject = work.schema.get(name)
        if sobject is None or not sobject.custom:
            raise ComponentError("INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights on object id")
        schema_changes.remove_object(work, sobject)
        shelf.forget(work.org, self.name, name)
        schema_changes.record(work, self.name, sobject.name, "")


class CustomFields(Kind):
    """CustomField: `Account.Key__c`."""

    name = "CustomField"
    directory = "objects"
    suffix = "field"
    elements = frozenset({"fullName", "label", "type"})

    def list(self, work: Work) -> Iterable[Listed]:
        """All custom fields."""
        for sobject in sorted(work.schema, key=lambda one: one.name):
            for field in sorted(sobject.fields.values(), key=lambda one: one.name):
                if field.custom and field.compound is None:
                    yield Listed(f"{sobject.name}.{field.name}")

    def find(self, work: Work, name: str) -> Listed | None:
        """The field of that name."""
        sobject, field = _field(work, name)
        return Listed(f"{sobject.name}.{field.name}") if sobject and field and field.custom else None

    def show(self, work: Work, name: str, scope: Scope | None = None) -> Parts | None:  # noqa: ARG002 - a profile's
        """The field as it was deployed, or as the schema has it."""
        sobject, field = _field(work, name)
        if sobject is None or field is None or not field.custom:
            return None
        return shelf.kept(work.org, self.name, f"{sobject.name}.{field.name}") or _field_parts(field)

    def write(self, work: Work, name: str, root: Element) -> None:
        """Create or change the field."""
        object_name, _, plain = name.partition(".")
        sobject, node = work.schema.get(object_name), as_node(root)
        if sobject is None:
            text = f"Entity Enumeration Or ID: bad value for restricted picklist field: {object_name}"
            raise ComponentError("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", text)
        if not plain.endswith("__c"):
            if sobject.get(plain) is None and sobject.get(f"{plain}Id") is None:
                raise not_named("fullName", "CustomField", name)
            return
        check_field(work.schema, node)
        field = replace(read_field(node), name=plain)
        schema_changes.extend(work, ObjectMetadata(sobject.name, fields=[field]))
        shelf.keep(work.org, self.name, name, [part for part in as_parts(root) if part[0] != "fullName"])
        schema_changes.record(work, self.name, f"{sobject.name}.{plain}", _bare(root))

    def remove(self, work: Work, name: str) -> None:
        """Delete a custom field."""
        sobject, field = _field(work, name)
        if sobject is None or field is None or not field.custom:
            raise ComponentError("INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights on object id")
        schema_changes.remove_field(work, sobject, field.name)
        shelf.forget(work.org, self.name, name)
        schema_changes.record(work, self.name, f"{sobject.name}.{field.name}", "")


class RecordTypes(Kind):
    """RecordType: `Opportunity.Renewal`."""

    name = "RecordType"
    directory = "objects"
    suffix = "recordType"
    elements = frozenset({"active", "businessProcess", "description", "fullName", "label", "picklistValues"})
    kept = ("businessProcess", "compactLayoutAssignment", "picklistValues")
    """Elements that rows do not keep."""

    def list(self, work: Work) -> Iterable[Listed]:
        """All record types."""
        return [Listed(f"{row['SobjectType']}.{row['DeveloperName']}", row) for row in work.org.rows("RecordType")]

    def find(self, work: Work, name: str) -> Listed | None:
        """The record type of that name."""
        sobject, _, plain = name.partition(".")
        row = work.one("RecordType", SobjectType=sobject, DeveloperName=plain)
        return Listed(f"{row['SobjectType']}.{row['DeveloperName']}", row) if row else None

    def show(self, work: Work, name: str, scope: Scope | None = None) -> Parts | None:  # noqa: ARG002 - a profile's
        """The record type."""
        found = self.find(work, name)
        if found is None:
            return None
        own = (
            ("active", bool(found.row["IsActive"])),
            ("description", found.row.get("Description")),
            ("label", found.row["Name"]),
        )
        return by_name(present(own) + shelf.kept(work.org, self.name, found.name))

    def write(self, work: Work, name: str, root: Element) -> None:
        """Create or change the record type."""
        object_name, _, plain = name.partition(".")
        sobject, found = work.schema.get(object_name), self.find(work, name)
        if sobject is None:
            raise not_named("fullName", "CustomObject", object_name)
        one = replace(read_record_type(as_node(root)), name=plain)
        if sobject.record_types.get(plain) != one.label:
            schema_changes.extend(work, ObjectMetadata(sobject.name, record_types=[one]))
            schema_changes.settle(work)
        values = {"Name": one.label, "IsActive": one.active, "Description": one.description}
        keys = {} if found else {"DeveloperName": plain, "SobjectType": sobject.name}
        work.save("RecordType", found.row if found else None, keys | values)
        shelf.keep(work.org, self.name, name, [part for part in as_parts(root) if part[0] in self.kept])
        schema_changes.record(work, self.name, name, _bare(root))

    def remove(self, work: Work, name: str) -> None:  # noqa: ARG002 - refused whatever its name
        """Record types cannot be deleted with the Metadata API."""
        raise ComponentError("INSUFFICIENT_ACCESS_OR_READONLY", "Cannot delete record type through API")


def child_parts(work: Work, sobject: str, wanted: Mapping[str, frozenset[str]] | None = None) -> Parts:
    """The `fields` and `recordTypes` of an object; with `wanted`, those with these full names by type."""
    described = work.schema.get(sobject)
    fields = [one.name for one in described.fields.values() if one.custom and one.compound is None] if described else []
    types = [str(row["DeveloperName"]) for row in work.org.rows("RecordType", SobjectType=sobject)]
    found: Parts = []
    for element, kind, names in (("fields", CustomFields(), fields), ("recordTypes", RecordTypes(), types)):
        for plain in sorted(names):
            name = f"{sobject}.{plain}"
            if wanted is None or name in wanted.get(kind.name, ()):
                found.append((element, [("fullName", plain), *(kind.show(work, name) or [])]))
    return found


def children_of(name: str, root: Element) -> Iterable[tuple[str, str, Element]]:
    """Type, full name and element of the fields and record types in an object's file."""
    for child in root:
        if local(child) in _CHILDREN:
            yield _CHILDREN[local(child)], f"{name}.{as_node(child).text('fullName') or ''}", child


def reapply(org: SandboxOrg) -> None:
    """Make the schema of a reopened org again what deploys had made of it; its rows are there already."""
    work = Work(org, "", 0)
    for kind, name, content in schema_changes.recorded(org):
        object_name, _, plain = name.partition(".")
        sobject = work.schema.get(object_name)
        if not content:
            _remove_again(work, kind, sobject, plain)
            continue
        node = as_node(fromstring(content))
        if kind == "SharingRules" and sobject is not None:
            schema_changes.add_sharing_rules(work, sobject, read_sharing_rules(node))
            continue
        metadata = read_object(object_name, node) if kind == "CustomObject" else ObjectMetadata(object_name)
        if kind == "CustomField":
            metadata.fields = [replace(read_field(node), name=plain)]
        elif kind == "RecordType":
            metadata.record_types = [replace(read_record_type(node), name=plain)]
        schema_changes.extend(work, metadata)
    schema_changes.settle(work)


schema_changes.when_restored(reapply)


def _remove_again(work: Work, kind: str, sobject: SObject | None, field: str) -> None:
    if sobject is not None and kind == "SharingRules":
        schema_changes.set_sharing_rules(work, sobject, [])
    elif sobject is not None and field:
        schema_changes.remove_field(work, sobject, field)
    elif sobject is not None:
        schema_changes.remove_object(work, sobject)


def _bare(root: Element) -> str:
    """An element as text, without the children that are components of their own."""
    kept = Element(root.tag)
    kept.extend(child for child in root if local(child) not in _CHILDREN or _is_master_detail(child))
    return tostring(kept, encoding="unicode")


def _is_master_detail(element: Element) -> bool:
    return as_node(element).text("type") == "MasterDetail"


def _listed_object(kind: CustomObjects, work: Work, name: str) -> SObject | None:
    found = kind.find(work, name)
    return work.schema.get(found.name) if found else None


def _field(work: Work, name: str) -> tuple[SObject | None, Field | None]:
    object_name, _, plain = name.partition(".")
    sobject = work.schema.get(object_name)
    return sobject, sobject.get(plain) if sobject else None


def _object_parts(sobject: SObject) -> Parts:
    if not sobject.custom:
        return [("sharingModel", sobject.sharing)]
    name = sobject.get("Name")
    name_field: Parts = [("label", name.label if name else "Name")]
    name_field.append(("type", "AutoNumber" if name and name.auto_number else "Text"))
    return [
        ("deploymentStatus", "Deployed"),
        ("label", sobject.label),
        ("nameField", name_field),
        ("pluralLabel", sobject.plural),
        ("sharingModel", sobject.sharing),
    ]


def _field_parts(field: Field) -> Parts:
    kind = _TYPES.get(field.type, "Text")
    if field.auto_number:
        kind = "AutoNumber"
    elif field.master_detail:
        kind = "MasterDetail"
    elif kind == "TextArea" and field.length > _SHORT_TEXT:
        kind = "LongTextArea"
    numeric = kind in ("Number", "Currency", "Percent")
    sized = kind in ("Text", "LongTextArea")
    relation = (field.child_relationship or "").removesuffix("__r") or None
    pairs = [
        ("defaultValue", bool(field.default) if kind == "Checkbox" else None),
        ("externalId", field.external_id),
        ("label", field.label),
        ("length", field.length if sized else None),
        ("precision", field.precision if numeric else None),
        ("referenceTo", field.reference_to[0] if field.reference_to else None),
        ("relationshipLabel", None),
        ("relationshipName", relation if field.reference_to else None),
        ("required", None if kind in ("Checkbox", "MasterDetail", "AutoNumber") else not field.nillable),
        ("scale", field.scale if numeric else None),
        ("type", kind),
        ("unique", field.unique if kind in ("Text", "Number", "Email") else None),
        ("valueSet", _value_set(field) if field.picklist else None),
        ("visibleLines", 3 if kind == "LongTextArea" else 4 if kind == "MultiselectPicklist" else None),
    ]
    return present(pairs)


def _value_set(field: Field) -> Parts:
    values: Parts = [
        ("value", [("fullName", one), ("default", one == field.default), ("label", one)]) for one in field.picklist
    ]
    return [("restricted", field.restricted), ("valueSetDefinition", [("sorted", False), *values])]
