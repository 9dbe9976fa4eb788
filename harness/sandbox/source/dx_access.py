"""Read what grants access: profiles, permission sets and groups, muting, roles, groups, queues, custom permissions.

Metadata API guide: Profile, PermissionSet, PermissionSetGroup, MutingPermissionSet, Role, Group, Queue and
CustomPermission.
"""

from __future__ import annotations

from harness.sandbox.identity.restrictions import DAYS
from harness.sandbox.source.document import Node
from harness.sandbox.source.metadata import (
    CustomPermissionMetadata,
    GroupMetadata,
    PermissionsMetadata,
    PublicGroupMetadata,
    QueueMetadata,
    RoleMetadata,
    TabSetting,
)

PROFILE_NAMES = {
    "Admin": "System Administrator",
    "ContractManager": "Contract Manager",
    "MarketingProfile": "Marketing User",
    "ReadOnly": "Read Only",
    "SolutionManager": "Solution Manager",
    "Standard": "Standard User",
    "StandardAul": "Standard Platform User",
}
"""File names of standard profiles that differ from Profile.Name."""

_OBJECT_RIGHTS = {
    "allowRead": "PermissionsRead",
    "allowCreate": "PermissionsCreate",
    "allowEdit": "PermissionsEdit",
    "allowDelete": "PermissionsDelete",
    "viewAllRecords": "PermissionsViewAllRecords",
    "modifyAllRecords": "PermissionsModifyAllRecords",
    "viewAllFields": "PermissionsViewAllFields",
}
_SETUP = (
    # element, its name, its switch, SetupEntityAccess.SetupEntityType
    ("classAccesses", "apexClass", "enabled", "ApexClass"),
    ("pageAccesses", "apexPage", "enabled", "ApexPage"),
    ("customPermissions", "name", "enabled", "CustomPermission"),
    ("flowAccesses", "flow", "enabled", "FlowDefinition"),
    ("applicationVisibilities", "application", "visible", "TabSet"),
    ("customMetadataTypeAccesses", "name", "enabled", "CustomEntityDefinition"),
    ("customSettingAccesses", "name", "enabled", "CustomEntityDefinition"),
)
_TABS = {"DefaultOn": "DefaultOn", "Visible": "DefaultOn", "DefaultOff": "DefaultOff", "Available": "DefaultOff"}


def read_permissions(name: str, root: Node) -> PermissionsMetadata:
    """A profile, permission set or muting permission set."""
    return PermissionsMetadata(
        name=name,
        label=root.text("label") or name,
        license=root.text("userLicense") or root.text("license"),
        description=root.text("description"),
        custom=root.text("custom") != "false",
        session=root.flag("hasActivationRequired"),
        system=frozenset(one.text("name") or "" for one in root.all("userPermissions") if one.flag("enabled")),
        objects=_objects(root),
        fields={
            one.text("field") or "": (one.flag("readable") or one.flag("editable"), one.flag("editable"))
            for one in root.all("fieldPermissions")
        },
        setup=_setup(root),
        default_app=next(
            (one.text("application") for one in root.all("applicationVisibilities") if one.flag("default")), None
        ),
        tabs=_tabs(root),
        login_ip_ranges=login_ip_ranges(root),
        login_hours=login_hours(root),
        record_types={
            one.text("recordType") or "": one.flag("default") if one.flag("visible") else None
            for one in root.all("recordTypeVisibilities")
        },
    )


def login_ip_ranges(root: Node) -> tuple[tuple[str, str], ...]:
    """First and last address of each login IP range of a profile."""
    found = [(one.text("startAddress"), one.text("endAddress")) for one in root.all("loginIpRanges")]
    return tuple((first, last or first) for first, last in found if first)


def login_hours(root: Node) -> dict[str, tuple[int, int]]:
    """Login hours of a profile in minutes since midnight; a day without them is free."""
    found = {}
    for one in root.all("loginHours"):
        for day in DAYS:
            first, last = one.text(f"{day}Start"), one.text(f"{day}End")
            if first is not None and last is not None and first.isdecimal() and last.isdecimal():
                found[day] = (int(first), int(last))
    return found


def _objects(root: Node) -> dict[str, frozenset[str]]:
    found = {}
    for one in root.all("objectPermissions"):
        rights = frozenset(column for element, column in _OBJECT_RIGHTS.items() if one.flag(element))
        if rights:
            found[one.text("object") or ""] = rights
    return found


def _setup(root: Node) -> tuple[tuple[str, str], ...]:
    found = {
        (kind, one.text(name) or "")
        for element, name, switch, kind in _SETUP
        for one in root.all(element)
        if one.flag(switch)
    }
    return tuple(sorted(found))


def _tabs(root: Node) -> tuple[TabSetting, ...]:
    found = [
        TabSetting(one.text("tab") or "", _TABS[visibility])
        for element in ("tabSettings", "tabVisibilities")
        for one in root.all(element)
        if (visibility := one.text("visibility") or "") in _TABS
    ]
    return tuple(sorted(found, key=lambda one: one.tab))


def read_group(name: str, root: Node) -> GroupMetadata:
    """A permission set group."""
    return GroupMetadata(
        name=name,
        label=root.text("label") or name,
        description=root.text("description"),
        permission_sets=tuple(sorted(root.texts("permissionSets"))),
        muting=tuple(sorted(root.texts("mutingPermissionSets"))),
        session=root.flag("hasActivationRequired"),
    )


def read_public_group(name: str, root: Node) -> PublicGroupMetadata:
    """A public group."""
    return PublicGroupMetadata(name, root.text("name") or name, root.flag("doesIncludeBosses"))


def read_queue(name: str, root: Node) -> QueueMetadata:
    """A queue with its objects and members."""
    return QueueMetadata(
        name=name,
        label=root.text("name") or name,
        objects=tuple(sorted(one.text("sobjectType") or "" for one in root.all("queueSobject"))),
        email=root.text("email"),
        users=_members(root, "users", "user"),
        groups=_members(root, "publicGroups", "publicGroup"),
        roles=_members(root, "roles", "role"),
        roles_and_subordinates=tuple(
            sorted(
                {
                    *_members(root, "roleAndSubordinates", "roleAndSubordinate"),
                    *_members(root, "roleAndSubordinatesInternal", "roleAndSubordinateInternal"),
                }
            )
        ),
        include_bosses=root.text("doesIncludeBosses") != "false",
    )


def _members(root: Node, kind: str, element: str) -> tuple[str, ...]:
    """The members of a queue of one kind."""
    found = [name for members in root.all("queueMembers") for one in members.all(kind) for name in one.texts(element)]
    return tuple(sorted(found))


def read_role(name: str, root: Node) -> RoleMetadata:
    """A role."""
    return RoleMetadata(
        name=name,
        label=root.text("name") or name,
        parent=root.text("parentRole"),
        description=root.text("description"),
        case_access=root.text("caseAccessLevel"),
        contact_access=root.text("contactAccessLevel"),
        opportunity_access=root.text("opportunityAccessLevel"),
    )


def read_custom_permission(name: str, root: Node) -> CustomPermissionMetadata:
    """A custom permission."""
    return CustomPermissionMetadata(name, root.text("label") or name, root.text("description"))
