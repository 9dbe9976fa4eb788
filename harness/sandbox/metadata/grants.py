"""What a permission set, muting permission set or profile grants: its rows as elements, and elements as its rows.

Metadata API guide: PermissionSet and Profile. A set is taken as a whole: what its file leaves out is taken away. A
profile is changed in what its file names. Either way rows are written under the rules that hold for them in REST.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from harness.sandbox.access.default_apps import choose_default_app, default_app
from harness.sandbox.metadata.errors import ComponentError, not_named
from harness.sandbox.metadata.parts import Parts
from harness.sandbox.metadata.work import Work
from harness.sandbox.schema import SObject
from harness.sandbox.source.document import Node
from harness.sandbox.store import Row

OBJECT_ELEMENTS: Mapping[str, str] = {
    "allowCreate": "PermissionsCreate",
    "allowDelete": "PermissionsDelete",
    "allowEdit": "PermissionsEdit",
    "allowRead": "PermissionsRead",
    "modifyAllRecords": "PermissionsModifyAllRecords",
    "viewAllFields": "PermissionsViewAllFields",
    "viewAllRecords": "PermissionsViewAllRecords",
}
VIEW_ALL_FIELDS_SINCE = 63.0


@dataclass(frozen=True, slots=True)
class SetupElement:
    """How a file gives access to a sort of setup entity, and what a missing one is called."""

    element: str
    name: str
    switch: str
    entity: str
    """SetupEntityAccess.SetupEntityType."""
    kind: str
    column: str = "DeveloperName"


SETUP_ELEMENTS = (
    SetupElement("applicationVisibilities", "application", "visible", "TabSet", "CustomApplication"),
    SetupElement("classAccesses", "apexClass", "enabled", "ApexClass", "ApexClass", "Name"),
    SetupElement("customMetadataTypeAccesses", "name", "enabled", "CustomEntityDefinition", "CustomObject"),
    SetupElement("customPermissions", "name", "enabled", "CustomPermission", "CustomPermission"),
    SetupElement("customSettingAccesses", "name", "enabled", "CustomEntityDefinition", "CustomObject"),
    SetupElement("flowAccesses", "flow", "enabled", "FlowDefinition", "FlowDefinition"),
    SetupElement("pageAccesses", "apexPage", "enabled", "ApexPage", "ApexPage", "Name"),
)
GRANT_ELEMENTS = frozenset(
    {one.element for one in SETUP_ELEMENTS} | {"fieldPermissions", "objectPermissions", "recordTypeVisibilities"}
)
_LOOSE = frozenset({"TabSet", "FlowDefinition"})
"""Entities that the simulated org makes as they are named: it has no apps or flows of its own."""

# Rows as elements


def object_parts(work: Work, parent: str, wanted: Callable[[str], bool] | None = None) -> Parts:
    """`objectPermissions`, by object."""
    rows = [row for row in work.org.rows("ObjectPermissions", ParentId=parent) if not row["Id"].startswith("000")]
    found: Parts = []
    for row in sorted(rows, key=lambda one: str(one["SobjectType"])):
        if wanted is None or wanted(row["SobjectType"]):
            rights: Parts = [
                (element, bool(row.get(column)))
                for element, column in OBJECT_ELEMENTS.items()
                if element != "viewAllFields" or work.version >= VIEW_ALL_FIELDS_SINCE
            ]
            parts = [*rights, ("object", str(row["SobjectType"]))]
            found.append(("objectPermissions", sorted(parts, key=lambda one: one[0])))
    return found


def field_parts(work: Work, parent: str, wanted: Callable[[str], bool] | None = None) -> Parts:
    """`fieldPermissions`, by field."""
    rows = sorted(work.org.rows("FieldPermissions", ParentId=parent), key=lambda one: str(one["Field"]))
    return [
        (
            "fieldPermissions",
            [("editable", bool(row["PermissionsEdit"])), ("field", row["Field"]), ("readable", True)],
        )
        for row in rows
        if wanted is None or wanted(row["Field"])
    ]


def setup_parts(
    work: Work, parent: str, wanted: Callable[[SetupElement, str], bool] | None = None, *, of_profile: bool = False
) -> Parts:
    """Access to apps, classes, pages, flows, custom permissions, custom metadata types and custom settings.

    A profile says of each app whether it is the default.
    """
    found: Parts = []
    default = default_app(work.org, parent)
    for row in work.org.rows("SetupEntityAccess", ParentId=parent):
        named = _named(work, row)
        if named is not None and (wanted is None or wanted(*named)):
            one, name = named
            told: Parts = [(one.name, name), (one.switch, True)]
            if of_profile and one.entity == "TabSet":
                told.append(("default", row["SetupEntityId"] == default))
            found.append((one.element, sorted(told, key=lambda pair: pair[0])))
    return sorted(found, key=lambda one: (one[0], str(one[1])))


def _named(work: Work, row: Row) -> tuple[SetupElement, str] | None:
    for one in SETUP_ELEMENTS:
        if one.entity == row["SetupEntityType"]:
            entity = work.org.row(one.entity, row["SetupEntityId"]) or {}
            name = str(entity.get(one.column))
            if one.entity != "CustomEntityDefinition" or (one.element == _entity_element(name)):
                return one, name
    return None


def _entity_element(name: str) -> str:
    return "customMetadataTypeAccesses" if name.endswith("__mdt") else "customSettingAccesses"


# Elements as rows


def write_objects(work: Work, parent: str, root: Node, *, whole: bool) -> None:
    """ObjectPermissions rows as the file wants them; `whole`: and no others."""
    wanted = {
        _object(work, one.text("object") or "").name: {
            column: one.flag(element) for element, column in OBJECT_ELEMENTS.items()
        }
        for one in root.all("objectPermissions")
    }
    stored = {
        str(row["SobjectType"]): row
        for row in work.org.rows("ObjectPermissions", ParentId=parent)
        if not row["Id"].startswith("000")
    }
    gone = [name for name in stored if not any(wanted.get(name, {}).values()) and (whole or name in wanted)]
    for name in sorted(gone, key=lambda one: _depth(work, one), reverse=True):
        work.delete("ObjectPermissions", stored[name]["Id"])
    kept = [name for name, rights in wanted.items() if any(rights.values())]
    for name in sorted(kept, key=lambda one: (_depth(work, one), one)):
        keys = {"ParentId": parent, "SobjectType": name} if name not in stored else {}
        work.save("ObjectPermissions", stored.get(name), keys | wanted[name])


def _object(work: Work, name: str) -> SObject:
    found = work.org.permission_names.sobject(name)
    if found is None:
        raise not_named("object", "CustomObject", name)
    return found


def _depth(work: Work, name: str) -> int:
    """How many masters are above an object: their permissions come first and go last."""
    depth, seen = 0, set()
    sobject = work.schema.get(name)
    while sobject is not None and sobject.name not in seen:
        seen.add(sobject.name)
        master = next((one for one in sobject.fields.values() if one.master_detail and one.reference_to), None)
        sobject = work.schema.get(master.reference_to[0]) if master else None
        depth += 1
    return depth


def remove_fields(work: Work, parent: str, root: Node) -> None:
    """Take away the FieldPermissions rows of fields that a set's file leaves out."""
    wanted = {name for name, (readable, _) in _fields(work, root).items() if readable}
    for row in work.org.rows("FieldPermissions", ParentId=parent):
        if row["Field"] not in wanted:
            work.delete("FieldPermissions", row["Id"])


def write_fields(work: Work, parent: str, root: Node) -> None:
    """FieldPermissions rows of the fields that a file names."""
    stored = {str(row["Field"]): row for row in work.org.rows("FieldPermissions", ParentId=parent)}
    for name, (readable, editable) in _fields(work, root).items():
        row = stored.get(name)
        if not readable:
            if row is not None:
                work.delete("FieldPermissions", row["Id"])
            continue
        keys = {} if row else {"ParentId": parent, "SobjectType": name.partition(".")[0], "Field": name}
        work.save("FieldPermissions", row, {**keys, "PermissionsRead": True, "PermissionsEdit": editable})


def _fields(work: Work, root: Node) -> dict[str, tuple[bool, bool]]:
    """Field to readable and editable; a field that can be edited can be read."""
    found = {}
    for one in root.all("fieldPermissions"):
        editable = one.flag("editable")
        for name in _field_names(work, one.text("field") or ""):
            found[name] = (editable or one.flag("readable"), editable)
    return found


def _field_names(work: Work, name: str) -> Iterator[str]:
    """The fields that a name stands for: `Activity` fields are those of tasks and of events."""
    sobject, _, plain = name.partition(".")
    for target in ("Task", "Event") if sobject == "Activity" else (sobject,):
        found = work.org.permission_names.field(f"{target}.{plain}")
        if found is None:
            described = work.schema.get(target)
            if described is not None and described.get(plain) is not None:
                raise ComponentError("FIELD_INTEGRITY_EXCEPTION", f"You cannot deploy to a required field: {name}")
            raise not_named("field", "CustomField", name)
        yield f"{found[0].name}.{found[1].name}"


def write_setup(work: Work, parent: str, root: Node, *, whole: bool) -> None:
    """SetupEntityAccess rows as the file wants them; `whole`: and no others, but for those that files cannot name."""
    wanted = {
        _entity(work, one, named.text(one.name) or ""): named.flag(one.switch)
        for one in SETUP_ELEMENTS
        for named in root.all(one.element)
    }
    stored = {str(row["SetupEntityId"]): row for row in work.org.rows("SetupEntityAccess", ParentId=parent)}
    for entity, row in stored.items():
        if _named(work, row) is not None and not wanted.get(entity, not whole):
            work.delete("SetupEntityAccess", row["Id"])
    for entity, enabled in wanted.items():
        if enabled and entity not in stored:
            work.create("SetupEntityAccess", {"ParentId": parent, "SetupEntityId": entity})


def write_default_app(work: Work, parent: str, root: Node) -> None:
    """The app that a profile's file calls the default."""
    for named in root.all("applicationVisibilities"):
        found = work.one("TabSet", DeveloperName=named.text("application") or "")
        if found is not None and named.flag("default"):
            choose_default_app(work.org, parent, str(found["Id"]))


def _entity(work: Work, one: SetupElement, name: str) -> str:
    found = work.one(one.entity, **{one.column: name})
    if found is not None:
        return str(found["Id"])
    known_object = one.kind == "CustomObject" and work.schema.get(name) is not None
    if not known_object and one.entity not in _LOOSE:
        raise not_named(one.name, one.kind, name)
    described = work.schema.get(one.entity)
    labels = {"Label": name, "MasterLabel": name, one.column: name}
    return work.org.insert_row(
        one.entity, {key: value for key, value in labels.items() if described and described.get(key)}
    )


def record_type_parts(
    work: Work, parent: str, *, of_profile: bool = False, wanted: Callable[[str], bool] | None = None
) -> Parts:
    """`recordTypeVisibilities`: those that are visible; a profile says which one is the default."""
    names = {str(row["Id"]): f"{row['SobjectType']}.{row['DeveloperName']}" for row in work.org.rows("RecordType")}
    found: Parts = []
    for record_type, default in work.org.record_types.given_by(parent).items():
        name = names.get(record_type)
        if name is None or (wanted is not None and not wanted(name)) or (default is None and not of_profile):
            continue
        told: Parts = [("default", bool(default))] if of_profile else []
        found.append(("recordTypeVisibilities", [*told, ("recordType", name), ("visible", default is not None)]))
    return sorted(found, key=lambda one: str(one[1]))


def write_record_types(work: Work, parent: str, root: Node, *, whole: bool) -> None:
    """What `recordTypeVisibilities` say; `whole`: and nothing else is visible."""
    said: dict[str, bool | None] = dict.fromkeys(work.org.record_types.given_by(parent)) if whole else {}
    for one in root.all("recordTypeVisibilities"):
        record_type = _record_type(work, one.text("recordType") or "")
        said[record_type] = one.flag("default") if one.flag("visible") else None
    if said:
        work.org.record_types.give(parent, said, source=False)


def _record_type(work: Work, name: str) -> str:
    sobject, _, plain = name.partition(".")
    found = work.one("RecordType", SobjectType=sobject, DeveloperName=plain)
    if found is None:
        raise not_named("recordType", "RecordType", name)
    return str(found["Id"])


def system_columns(work: Work, holder: str, root: Node, *, whole: bool) -> dict[str, bool]:
    """The columns of the system permissions that a file names; `whole`: of all there are, the others being false."""
    sobject = work.schema.get(holder)
    known = [name for name in sobject.fields.values() if name.name.startswith("Permissions")] if sobject else []
    columns = dict.fromkeys((one.name for one in known), False) if whole else {}
    names = {one.name for one in known}
    for one in root.all("userPermissions"):
        column = f"Permissions{one.text('name')}"
        if column not in names:
            raise ComponentError("INVALID_FIELD", f"Unknown user permission: {one.text('name')}")
        columns[column] = one.flag("enabled")
    return columns


def system_parts(row: Row) -> Parts:
    """`userPermissions`: those that are on."""
    names = sorted(name.removeprefix("Permissions") for name, value in row.items() if _is_on(name, value))
    return [("userPermissions", [("enabled", True), ("name", name)]) for name in names]


def _is_on(name: str, value: object) -> bool:
    return name.startswith("Permissions") and value is True
