"""Share objects: one for each object whose rows can be shared, made of the schema.

Object Reference: AccountShare, StandardObjectNameShare, CustomObject__Share.
"""

from __future__ import annotations

from collections.abc import Iterator

from harness.sandbox.objects.notation import system_field
from harness.sandbox.schema import Field, Schema, SObject

MANUAL = "Manual"
DERIVED_CAUSES = ("Owner", "Rule", "ImplicitParent", "ImplicitChild")
"""Why a share row is there that follows from other rows and rules; nobody writes it."""

_PREFIXES = {
    "Account": "00r",
    "Campaign": "08s",
    "Case": "01n",
    "Contact": "03s",
    "Lead": "01o",
    "Opportunity": "00t",
}
"""Standard objects with fields named after them (ContactId, ContactAccessLevel) and a known key prefix."""
_OWN_NAMES = frozenset({*_PREFIXES, "Asset", "Individual", "Order"})
_PLAIN_NAMES = frozenset({"ServiceAppointment", "ServiceContract", "ServiceResource", "ServiceTerritory", "WorkOrder"})
"""Standard objects whose share object has ParentId and AccessLevel, as those of custom objects."""
CUSTOM_PREFIX = "02c"
"""The key prefix of all shares of custom objects."""
UNTOLD_PREFIXES = frozenset({CUSTOM_PREFIX, "0UR"})
"""Key prefixes that a describe does not tell, as describes of real orgs show; the second is UserRecordAccess's."""
_CHILD_LEVELS = ("Opportunity", "Case", "Contact")


def add_share_objects(schema: Schema) -> None:
    """Add the share objects that are missing."""
    for sobject in list(schema):
        if is_shareable(sobject) and schema.get(share_name(sobject)) is None:
            schema.add(_share_object(sobject))


def is_shareable(sobject: SObject) -> bool:
    """Whether an object has a share object: owned rows, of which not everybody may change all."""
    if sobject.setup or sobject.governed_by or sobject.custom_setting or sobject.get("OwnerId") is None:
        return False
    if sobject.name.endswith("__c"):
        return sobject.sharing in ("Private", "Read")
    return sobject.name in _OWN_NAMES | _PLAIN_NAMES


def share_of(schema: Schema, sobject: SObject) -> SObject | None:
    """The share object of an object, where it has one."""
    return schema.get(share_name(sobject)) if is_shareable(sobject) else None


def share_name(sobject: SObject) -> str:
    """AccountShare of Account, Project__Share of Project__c."""
    stem, custom, _ = sobject.name.partition("__c")
    return f"{stem}__Share" if custom else f"{sobject.name}Share"


def parent_column(sobject: SObject) -> str:
    """The field of the share object that names the shared row."""
    return f"{sobject.name}Id" if sobject.name in _OWN_NAMES else "ParentId"


def level_column(sobject: SObject) -> str:
    """The field of the share object that says how far the access goes."""
    return f"{sobject.name}AccessLevel" if sobject.name in _OWN_NAMES else "AccessLevel"


def _share_object(sobject: SObject) -> SObject:
    label = f"{sobject.label} Share"
    made = SObject(
        share_name(sobject),
        label,
        label,
        _PREFIXES.get(sobject.name, CUSTOM_PREFIX),
        custom=sobject.custom,
        object_permissions=False,
        governed_by=sobject.name,
        createable=not sobject.sharing.startswith("ControlledBy"),
        updateable=not sobject.sharing.startswith("ControlledBy"),
        deletable=not sobject.sharing.startswith("ControlledBy"),
        sharing="ControlledByParent",
        share_of=sobject.name,
    )
    for one in _fields(sobject):
        made.add(one)
    return made


def _fields(sobject: SObject) -> Iterator[Field]:
    yield system_field("Id", f"{sobject.label} Share")
    yield Field(
        parent_column(sobject),
        "reference",
        f"{sobject.label} ID" if sobject.name in _OWN_NAMES else "Parent ID",
        length=18,
        nillable=False,
        updateable=False,
        permissionable=False,
        reference_to=(sobject.name,),
        relationship_name=parent_column(sobject).removesuffix("Id"),
        child_relationship="Shares",
        master_detail=True,
    )
    yield Field(
        "UserOrGroupId",
        "reference",
        "User/Group ID",
        length=18,
        nillable=False,
        updateable=False,
        permissionable=False,
        reference_to=("Group", "User"),
        relationship_name="UserOrGroup",
    )
    yield _level(level_column(sobject), f"{sobject.label} Access" if sobject.name in _OWN_NAMES else "Access Level")
    if sobject.name == "Account":
        for child in _CHILD_LEVELS:
            yield _level(f"{child}AccessLevel", f"{child} Access", none=True, writable=child != "Contact")
    yield Field(
        "RowCause",
        "picklist",
        "Row Cause",
        length=40,
        nillable=True,
        updateable=False,
        permissionable=False,
        picklist=(MANUAL, *DERIVED_CAUSES),
    )
    yield system_field("LastModifiedDate")
    yield system_field("LastModifiedById")
    yield system_field("IsDeleted")


def _level(name: str, label: str, *, none: bool = False, writable: bool = True) -> Field:
    return Field(
        name,
        "picklist",
        label,
        length=40,
        nillable=not writable,
        createable=writable,
        updateable=writable,
        permissionable=False,
        picklist=("None", "Read", "Edit", "All") if none else ("Read", "Edit", "All"),
        restricted=True,
    )
