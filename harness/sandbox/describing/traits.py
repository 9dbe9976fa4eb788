"""What describe answers say of standard objects beside what the schema knows: flags, addresses, kinds of text.

Recorded describes of real orgs decide. The rules here are those that all of them follow; what follows no rule stands in
a table. Objects that no recording tells of are taken for ordinary ones, or for setup objects as most are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from harness.sandbox.schema import Field, SObject

_JUNCTIONS = frozenset({"CampaignMember", "OpportunityContactRole"})
_ACTIVITIES = frozenset({"Event", "Task"})
_FEEDS = frozenset(
    {"Account", "Case", "Contact", "Event", "Lead", "Opportunity", "Task", "User", "WorkOrder", "WorkOrderLineItem"}
)
_SETUP_WITH: Mapping[str, frozenset[str]] = {
    "compactLayoutable": frozenset({"User", "UserRole"}),
    "layoutable": frozenset({"User"}),
    "mruEnabled": frozenset({"PermissionSet", "Profile", "User"}),
    "replicateable": frozenset({"Group", "GroupMember", "Organization", "Profile", "User", "UserRole"}),
    "searchLayoutable": frozenset({"User"}),
    "searchable": frozenset({"Group", "PermissionSet", "Profile", "User", "UserRole"}),
    "triggerable": frozenset({"User"}),
}
_ORDINARY_WITHOUT: Mapping[str, frozenset[str]] = {
    "mruEnabled": _JUNCTIONS,
    "searchLayoutable": _JUNCTIONS,
    "searchable": _JUNCTIONS,
    "undeletable": _JUNCTIONS,
}
_ONLY: Mapping[str, frozenset[str]] = {
    "deepCloneable": frozenset({"Campaign", "Opportunity"}),
    "feedEnabled": _FEEDS,
    "mergeable": frozenset({"Account", "Contact", "Lead"}),
}
_NOT_RETRIEVEABLE = frozenset(
    {"UserEntityAccess", "UserFieldAccess", "UserPermissionAccess", "UserRecordAccess", "UserSetupEntityAccess"}
)
_ID_LOOKUPS = frozenset(
    {
        *("Contact.Email", "Lead.Email"),
        *("User.Email", "User.EmployeeNumber", "User.FederationIdentifier", "User.Username"),
    }
)
"""Standard fields with the property idLookup that are no names (Object Reference)."""
_NO_ID_LOOKUPS = frozenset({"PermissionSet.Name", "Event.Subject", "Task.Subject"})
_IMAGES = frozenset({"PhotoUrl", "SmallPhotoUrl", "MediumPhotoUrl"})
_PERSON_NAMES = frozenset({"FirstName", "LastName", "Name", "Salutation"})
_BITS = ("Permissions", "MaximumPermissions", "UserPermissions", "UserPreferences", "EmailPreferences")
_SYSTEM = frozenset({"Id", "CreatedById", "CreatedDate", "LastModifiedById", "LastModifiedDate", "SystemModstamp"})
_LONGEST_AGGREGATABLE = 4000
_LONGEST_GROUPABLE = 255
_UNGROUPABLE = frozenset(
    {
        *("address", "anyType", "base64", "combobox", "currency", "datetime", "double", "encryptedstring"),
        *("location", "multipicklist", "percent", "time"),
    }
)
_OWN_LISTS = (
    "CleanStatus",
    "GeocodeAccuracy",
    "RecurrenceInstance",
    "RecurrenceMonthOfYear",
    "RecurrenceType",
    "SidKey",
)
_RESTRICTED = frozenset({"Event.EventSubtype", "Event.GroupEventType", "Event.ShowAs"})


def has(sobject: SObject, flag: str) -> bool:
    """A flag of an object that does not depend on who asks: `searchable`, `layoutable`, `feedEnabled`."""
    if flag in _ONLY:
        return sobject.name in _ONLY[flag]
    if flag == "retrieveable":
        return sobject.queryable and sobject.name not in _NOT_RETRIEVEABLE
    if sobject.setup or sobject.share_of:
        return sobject.name in _SETUP_WITH.get(flag, ())
    return sobject.name not in _ORDINARY_WITHOUT.get(flag, ())


def addresses(sobject: SObject, base: str) -> dict[str, str]:
    """`urls` of an object whose path is `base`. The pages of the user interface are not simulated, so not named."""
    found = {"compactLayouts": f"{base}/describe/compactLayouts"} if has(sobject, "compactLayoutable") else {}
    found |= {"rowTemplate": f"{base}/{{ID}}", "describe": f"{base}/describe", "sobject": base}
    if has(sobject, "layoutable"):
        found["layouts"] = f"{base}/describe/layouts"
        if sobject.name != "CampaignMember":
            found["quickActions"] = f"{base}/quickActions"
        if not sobject.setup and sobject.name not in _JUNCTIONS | _ACTIVITIES:
            found["approvalLayouts"] = f"{base}/describe/approvalLayouts"
            if sobject.name != "WorkOrderLineItem":
                found["listviews"] = f"{base}/listviews"
    if sobject.name == "User":
        found["namedLayouts"] = f"{base}/describe/namedLayouts/{{LayoutName}}"
        found["passwordUtilities"] = f"{base}/{{ID}}/password"
    return {name: found[name] for name in in_map_order(found)}


def in_map_order(names: Iterable[str]) -> list[str]:
    """Names in the order of the platform's hash maps, in which every recorded `urls` object is written."""
    known = list(names)
    buckets = 16
    while len(known) > buckets * 3 // 4:
        buckets *= 2
    return sorted(known, key=lambda name: _spread(name) % buckets)


def _spread(name: str) -> int:
    """What Java's HashMap makes of a text's hash code."""
    code = 0
    for character in name:
        code = (31 * code + ord(character)) & 0xFFFFFFFF
    return code ^ (code >> 16)


def is_bit(field: Field) -> bool:
    """Whether a field is one of the many switches of a user, profile or permission set, kept as bits of a number."""
    return field.type == "boolean" and field.name.startswith(_BITS)


def is_filled_by_the_platform(field: Field) -> bool:
    """Whether a new row has a value in this field that nobody gave it."""
    if field.name in _SYSTEM or field.auto_number or field.name == "OwnerId":
        return True
    if field.default is not None:
        return not is_bit(field) and field.name != "UserType"
    return field.type == "boolean" and not is_bit(field)


def is_id_lookup(sobject: SObject, field: Field) -> bool:
    """Whether a row can be found by this field in an upsert or a bulk job."""
    whole = f"{sobject.name}.{field.name}"
    if field.name == "Id" or field.external_id or whole in _ID_LOOKUPS:
        return True
    if not field.name_field or field.reference_to or whole in _NO_ID_LOOKUPS:
        return False
    return sobject.get("LastName") is None


def is_search_prefilter(sobject: SObject, field: Field) -> bool:
    """Whether a search may be narrowed by this field: ordinary lookups, not owners, system fields and setup rows."""
    if not field.reference_to or field.name in _SYSTEM or field.name in ("OwnerId", "MasterRecordId"):
        return False
    searched = not sobject.setup and sobject.name not in _JUNCTIONS
    return (searched or sobject.name == "User") and field.relationship_name is not None


def can_be_grouped(field: Field) -> bool:
    """Whether GROUP BY takes this field."""
    if not field.filterable or field.auto_number or is_bit(field) or field.length > _LONGEST_GROUPABLE:
        return False
    return field.type not in _UNGROUPABLE


def is_restricted(sobject: SObject, field: Field) -> bool:
    """Whether a picklist takes its values only: the platform's own lists do."""
    own = sobject.setup or field.name.endswith(_OWN_LISTS) or f"{sobject.name}.{field.name}" in _RESTRICTED
    return field.restricted or (field.type == "picklist" and own)


def can_be_aggregated(field: Field) -> bool:
    """Whether COUNT, MIN and MAX take this field."""
    if field.type == "textarea":
        return field.length <= _LONGEST_AGGREGATABLE
    return field.type not in ("address", "location", "base64", "encryptedstring", "multipicklist", "boolean")


def kind_of_text(sobject: SObject, field: Field) -> str | None:
    """`extraTypeInfo`."""
    if field.type == "textarea":
        return "plaintextarea"
    if field.name in _PERSON_NAMES and sobject.get("LastName") is not None:
        return "personname"
    return "imageurl" if field.name in _IMAGES else None
