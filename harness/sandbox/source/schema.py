"""Build an org's schema: the standard objects, and what a project adds to them."""

from __future__ import annotations

import itertools
import string
from collections.abc import Iterable, Iterator
from dataclasses import replace

from harness.sandbox.objects import apply_terms, standard_licenses, standard_schema
from harness.sandbox.objects.notation import label_of, owner_field, system_field
from harness.sandbox.schema import Field, LicenseTerms, Schema, SObject, SystemPermission
from harness.sandbox.source.dx_duplicates import standard_matching_rule
from harness.sandbox.source.fields import make_fields
from harness.sandbox.source.metadata import FieldMetadata, ObjectMetadata, PermissionsMetadata, Project

_AUDIT = ("IsDeleted", "CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById", "SystemModstamp")
_FAMILIES = {"__c": "a", "__mdt": "m", "__e": "e", "__x": "x", "__b": "b"}
"""First character of the key prefix of a custom object, by the ending of its name."""
_UNKNOWN_FAMILY = "Z"
"""First character for standard objects whose real prefix is not known here."""
_PREFIX_DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase
_ACTIVITY = "Activity"
_ACTIVITIES = ("Task", "Event")


def build_schema(project: Project) -> Schema:
    """The schema of the org that a project describes, with everything its permissions mention."""
    builder = _Builder(project)
    builder.add_objects()
    builder.add_what_is_mentioned()
    builder.schema.sharing_rules = {name.lower(): rules for name, rules in project.sharing_rules.items() if rules}
    builder.add_duplicate_rules()
    apply_terms(builder.schema, standard_licenses())
    for container in project.containers:
        if container.license and container.license not in builder.schema.permission_set_licenses:
            builder.schema.user_licenses.setdefault(container.license, LicenseTerms(container.license))
    return builder.schema


def extend_schema(schema: Schema, project: Project) -> None:
    """Add to a schema the objects and fields of a project, which may be no more than one field."""
    _Builder(project, schema).add_objects()


class _Builder:
    def __init__(self, project: Project, schema: Schema | None = None) -> None:
        self.schema = schema or standard_schema()
        self._project = project
        self._prefixes: dict[str, Iterator[str]] = {}
        self._all_fields = {
            f"{sobject.name}.{one.name}": one for sobject in project.objects.values() for one in sobject.fields
        }

    def add_objects(self) -> None:
        for name in sorted(self._project.objects):
            metadata = self._project.objects[name]
            for target in _ACTIVITIES if name == _ACTIVITY else (name,):
                sobject = self.schema.get(target) or self._new_object(target, metadata)
                self._extend(sobject, metadata)

    def add_duplicate_rules(self) -> None:
        """The rules whose matching rules are known, in the order of their names."""
        for one in sorted(self._project.duplicate_rules, key=lambda one: one.rule.name):
            own = self._project.matching_rules.get(one.sobject, {})
            found = [own.get(name) or standard_matching_rule(one.sobject, name) for name in one.matching]
            matching = tuple(rule for rule in found if rule is not None)
            rules = self.schema.duplicate_rules.setdefault(one.sobject.lower(), [])
            rules.append(replace(one.rule, matching=matching))

    def add_what_is_mentioned(self) -> None:
        """Add plain objects, fields and system permissions for those that only permissions name."""
        for container in self._project.containers:
            self._add_system_permissions(container)
            for name in container.objects:
                self._object(name)
            for name in container.fields:
                sobject, _, field = name.partition(".")
                for target in _ACTIVITIES if sobject == _ACTIVITY else (sobject,):
                    self._make_permissionable(self._object(target), field)

    def _add_system_permissions(self, container: PermissionsMetadata) -> None:
        for name in sorted(container.system - self.schema.system_permissions.keys()):
            one = self.schema.system_permissions[name] = SystemPermission(name, label_of(name))
            for holder in ("Profile", "PermissionSet", "MutingPermissionSet", "PermissionSetLicense"):
                self._add_permission_column(holder, one)
            self._add_permission_column("UserPermissionAccess", one)

    def _add_permission_column(self, holder: str, one: SystemPermission) -> None:
        prefix = "MaximumPermissions" if holder == "PermissionSetLicense" else "Permissions"
        found = self.schema.get(holder)
        if found is not None:
            found.add(replace(_flag(prefix + one.name), label=one.label))

    def _object(self, name: str) -> SObject:
        return self.schema.get(name) or self._new_object(name, ObjectMetadata(name))

    def _new_object(self, name: str, metadata: ObjectMetadata) -> SObject:
        ending = next((one for one in _FAMILIES if name.endswith(one)), "")
        label = metadata.label or label_of(name.removesuffix(ending).replace("_", " "))
        sobject = SObject(
            name,
            label,
            metadata.plural or f"{label}s",
            self._prefix(_FAMILIES.get(ending, _UNKNOWN_FAMILY)),
            custom=bool(ending),
            custom_setting=metadata.custom_setting,
            queryable=ending != "__e",
        )
        if ending == "__mdt":
            sobject.createable = sobject.updateable = sobject.deletable = False
        for one in _own_fields(sobject, metadata):
            sobject.add(one)
        self.schema.add(sobject)
        return sobject

    def _prefix(self, family: str) -> str:
        pairs = self._prefixes.setdefault(family, map("".join, itertools.product(_PREFIX_DIGITS, repeat=2)))
        return next(prefix for pair in pairs if self.schema.of_prefix(prefix := family + pair) is None)

    def _extend(self, sobject: SObject, metadata: ObjectMetadata) -> None:
        if metadata.sharing:
            sobject.sharing = metadata.sharing
        sobject.external_sharing = metadata.external_sharing or sobject.external_sharing
        for one in metadata.fields:
            if one.name.endswith("__c") or sobject.get(one.name) is None:
                self._add_field(sobject, one)
            elif one.picklist:
                self._replace_values(sobject, one)
        if metadata.record_types and sobject.get("RecordTypeId") is None:
            sobject.add(_record_type_field())
        sobject.record_types.update({one.name: one.label for one in metadata.record_types})

    def _add_field(self, sobject: SObject, one: FieldMetadata) -> None:
        for field in make_fields(one, on=sobject.name, values=self._project.value_sets, summed=self._all_fields):
            sobject.add(replace(field, permissionable=False) if sobject.setup and not field.custom else field)

    def _replace_values(self, sobject: SObject, one: FieldMetadata) -> None:
        known = sobject.get(one.name)
        if known is not None:
            sobject.add(replace(known, picklist=one.picklist, restricted=one.restricted))

    def _make_permissionable(self, sobject: SObject, name: str) -> None:
        field = sobject.get(name) or sobject.get(f"{name}Id")
        if field is None:
            self._add_field(sobject, FieldMetadata(name, type="Text", length=255))
        elif not field.permissionable and field.compound is None:
            sobject.add(replace(field, permissionable=True))


def _own_fields(sobject: SObject, metadata: ObjectMetadata) -> Iterable[Field]:
    """The fields that a custom object has by itself (Object Reference, "Custom Objects")."""
    yield system_field("Id", "Record")
    if sobject.custom_setting:
        yield replace(
            owner_field(("Organization", "Profile", "User")), name="SetupOwnerId", relationship_name="SetupOwner"
        )
    elif not any(one.type == "MasterDetail" for one in metadata.fields) and not sobject.name.endswith("__mdt"):
        yield owner_field(("User", "Group"))
    if not any(one.name == "Name" for one in metadata.fields) or sobject.custom:
        yield Field(
            "Name",
            "string",
            metadata.name_label or "Name",
            length=80,
            nillable=True,
            createable=not metadata.name_auto_number,
            updateable=not metadata.name_auto_number,
            permissionable=False,
            name_field=True,
            auto_number=metadata.name_auto_number,
        )
    if sobject.name.endswith("__mdt"):
        for name, label in (("DeveloperName", "Custom Metadata Record Name"), ("MasterLabel", "Label")):
            yield Field(name, "string", label, length=40, createable=False, updateable=False, permissionable=False)
    for name in _AUDIT:
        yield system_field(name)
    for name in ("LastActivityDate",) if metadata.activities else ():
        yield Field(name, "date", label_of(name), createable=False, updateable=False, permissionable=False)
    for name in ("LastViewedDate", "LastReferencedDate"):
        yield Field(name, "datetime", label_of(name), createable=False, updateable=False, permissionable=False)


def _record_type_field() -> Field:
    return Field(
        "RecordTypeId",
        "reference",
        "Record Type ID",
        length=18,
        permissionable=False,
        reference_to=("RecordType",),
        relationship_name="RecordType",
    )


def _flag(name: str) -> Field:
    return Field(name, "boolean", label_of(name), nillable=False, permissionable=False, default=False)
