"""`Metadata` and `FullName` of a profile or permission set, as the Tooling API tells them: of one row at a time.

(Tooling API guide, Profile, PermissionSet; Metadata API guide, Profile, PermissionSet for what is in it.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.sandbox.access.contents import granted_permissions
from harness.sandbox.describing.definitions import TOLD_IN_FULL, TOOLING_FIELDS
from harness.sandbox.errors import ApiError
from harness.sandbox.schema import SObject
from harness.sandbox.soql.plan import QueryResult
from harness.sandbox.store import Row

if TYPE_CHECKING:
    from harness.sandbox.org import SandboxOrg

_STANDARD_NAMES = {"System Administrator": "Admin", "Standard User": "Standard"}
"""Profiles whose name in metadata is another one."""
_OBJECT_RIGHTS = {
    "allowCreate": "PermissionsCreate",
    "allowDelete": "PermissionsDelete",
    "allowEdit": "PermissionsEdit",
    "allowRead": "PermissionsRead",
    "modifyAllRecords": "PermissionsModifyAllRecords",
    "viewAllFields": "PermissionsViewAllFields",
    "viewAllRecords": "PermissionsViewAllRecords",
}
_SETUP = {
    "ApexClass": ("classAccesses", "apexClass", "Name"),
    "ApexPage": ("pageAccesses", "apexPage", "Name"),
    "CustomPermission": ("customPermissions", "name", "DeveloperName"),
    "FlowDefinition": ("flowAccesses", "flow", "DeveloperName"),
}
"""By SetupEntityType: the list in the metadata, the key of its name there, and the column that has the name."""


def with_metadata(org: SandboxOrg, sobject: SObject, result: QueryResult) -> QueryResult:
    """The result with these fields filled in. Raises ApiError MALFORMED_QUERY for several rows."""
    names = {one.name for one in TOOLING_FIELDS.values()}
    if sobject.name not in TOLD_IN_FULL or not result.records or names.isdisjoint(result.records[0]):
        return result
    if len(result.records) > 1:
        text = (
            "When retrieving results with Metadata or FullName fields, the query qualifications must specify no more "
            f"than one row for retrieval. Result size: {len(result.records)}"
        )
        raise ApiError(400, "MALFORMED_QUERY", text)
    [record] = result.records
    for name in names & record.keys():
        row = org.row(sobject.name, record[name]) or {}
        record[name] = _full_name(sobject, row) if name == "FullName" else _metadata(org, sobject, row)
    return result


def _full_name(sobject: SObject, row: Row) -> str:
    name = str(row.get("Name"))
    return _STANDARD_NAMES.get(name, name) if sobject.name == "Profile" else name


def _metadata(org: SandboxOrg, sobject: SObject, row: Row) -> dict[str, Any]:
    of_profile = sobject.name == "Profile"
    holder = org.rows("PermissionSet", ProfileId=row["Id"])[0] if of_profile else row
    set_id = holder["Id"]
    body: dict[str, Any] = {
        "applicationVisibilities": [],
        "customMetadataTypeAccesses": [],
        "customSettingAccesses": [],
        "description": row.get("Description"),
        "fieldPermissions": _field_permissions(org, set_id),
        "objectPermissions": _object_permissions(org, set_id),
        "recordTypeVisibilities": [],
        "userPermissions": [{"enabled": True, "name": name} for name in sorted(granted_permissions(row))],
        **{name: [] for name, _, _ in _SETUP.values()},
    }
    for one in org.rows("SetupEntityAccess", ParentId=set_id):
        place = _SETUP.get(str(one.get("SetupEntityType")))
        if place is not None:
            name = (org.row(str(one["SetupEntityType"]), one["SetupEntityId"]) or {}).get(place[2])
            body[place[0]].append({place[1]: name, "enabled": True})
    if of_profile:
        license_row = org.row("UserLicense", str(row.get("UserLicenseId"))) or {}
        return body | {
            "custom": bool(holder.get("IsCustom")),
            "layoutAssignments": [],
            "userLicense": license_row.get("Name"),
        }
    return body | {
        "hasActivationRequired": bool(row.get("HasActivationRequired")),
        "label": row.get("Label"),
        "license": _license(org, row.get("LicenseId")),
        "tabSettings": [
            {"tab": tab["Name"], "visibility": "Visible" if tab["Visibility"] == "DefaultOn" else "Available"}
            for tab in org.rows("PermissionSetTabSetting", ParentId=set_id)
        ],
    }


def _field_permissions(org: SandboxOrg, set_id: str) -> list[dict[str, Any]]:
    rows = sorted(org.rows("FieldPermissions", ParentId=set_id), key=lambda row: str(row["Field"]))
    return [
        {"editable": bool(row["PermissionsEdit"]), "field": row["Field"], "readable": bool(row["PermissionsRead"])}
        for row in rows
        if not row["Id"].startswith("000")
    ]


def _object_permissions(org: SandboxOrg, set_id: str) -> list[dict[str, Any]]:
    rows = sorted(org.rows("ObjectPermissions", ParentId=set_id), key=lambda row: str(row["SobjectType"]))
    return [
        {"object": row["SobjectType"], **{name: bool(row.get(column)) for name, column in _OBJECT_RIGHTS.items()}}
        for row in rows
        if not row["Id"].startswith("000")
    ]


def _license(org: SandboxOrg, license_id: str | None) -> str | None:
    """The developer name of a permission set license, or the name of a user license."""
    if not license_id:
        return None
    sobject, column = (
        ("PermissionSetLicense", "DeveloperName") if license_id.startswith("0PL") else ("UserLicense", "Name")
    )
    return (org.row(sobject, license_id) or {}).get(column)
