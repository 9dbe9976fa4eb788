"""SetupAuditTrail on who gets which permission set, group or license, and what a group is made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from harness.sandbox.audit.entry import Change, Entry, Names, Writer

_USERS, _SET_GROUPS = "Manage Users", "Permission Set Group"


def _assignment(names: Names, change: Change) -> Iterator[Entry]:
    row, who = change.row, names.user(change.row.get("AssigneeId"))
    group_id, set_id = row.get("PermissionSetGroupId"), row.get("PermissionSetId")
    if not group_id and names.of("PermissionSet", set_id, "IsOwnedByProfile"):
        return
    if group_id:
        what, action = f"Permission set group {names.of('PermissionSetGroup', group_id, 'MasterLabel')}", "PermSetGroup"
    else:
        what, action = f"Permission set {names.of('PermissionSet', set_id, 'Label')}", "PermSet"
    expires = row.get("ExpirationDate")
    suffix = "_HasExpiration" if expires and not group_id else ""
    if change.gone:
        yield Entry(f"{action}Unassign{suffix}", _USERS, f"{what}: unassigned from {who}")
    elif change.made:
        until = f", expiring on {_java_date(expires)}" if expires else ""
        yield Entry(f"{action}Assign{suffix}", _USERS, f"{what}: assigned to {who}{until}")
    elif dates := change.pair("ExpirationDate"):
        old, new = (_java_date(one) for one in dates)
        text = f"{what} assigned to {who}: expiration was changed from {old} to {new}"
        yield Entry("PermSetAssignmentExpirationChange", _USERS, text)


def _license_assignment(names: Names, change: Change) -> Iterator[Entry]:
    who = names.user(change.row.get("AssigneeId"))
    label = names.of("PermissionSetLicense", change.row.get("PermissionSetLicenseId"), "MasterLabel")
    if change.made:
        yield Entry("PermSetLicenseAssign", _USERS, f"Permission set license {label}: assigned to {who}")
    elif change.gone:
        yield Entry("PermSetLicenseUnassign", _USERS, f"Permission set license {label} removed from {who}")


def _set_group(_names: Names, change: Change) -> Iterator[Entry]:
    name = change.row.get("DeveloperName")
    if change.made:
        yield Entry("PermissionSetGroupCreate", _SET_GROUPS, f"Created permission set group {name}")
    elif change.gone:
        yield Entry("PermissionSetGroupDelete", _SET_GROUPS, f"Deleted permission set group {name}")


def _set_group_component(names: Names, change: Change) -> Iterator[Entry]:
    group = names.of("PermissionSetGroup", change.row.get("PermissionSetGroupId"), "DeveloperName")
    member = names.of("PermissionSet", change.row.get("PermissionSetId"), "Label") or names.of(
        "MutingPermissionSet", change.row.get("PermissionSetId"), "MasterLabel"
    )
    action, word = (
        ("PermissionSetGroupComponentRemoved", "removed")
        if change.gone
        else ("PermissionSetGroupComponentAdd", "added")
    )
    if change.made or change.gone:
        yield Entry(action, _SET_GROUPS, f"Changed permission set group {group}: group member {member} was {word}")


def _java_date(value: Any) -> str:
    """`Sat May 20 06:59:59 GMT 2023`."""
    if not value:
        return "null"
    return f"{datetime.fromisoformat(str(value)):%a %b %d %H:%M:%S GMT %Y}"


WRITERS: Mapping[str, Writer] = {
    "PermissionSetAssignment": _assignment,
    "PermissionSetGroup": _set_group,
    "PermissionSetGroupComponent": _set_group_component,
    "PermissionSetLicenseAssign": _license_assignment,
}
