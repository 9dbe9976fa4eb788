"""SetupAuditTrail on permission sets and profiles, and on what is in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from harness.sandbox.access.contents import OBJECT_RIGHTS
from harness.sandbox.audit.entry import STANDARD_PROFILES, Change, Entry, Names, Writer
from harness.sandbox.store import Row

_USERS = "Manage Users"
_PERMISSION = "Permissions"
_RIGHT_LABELS = {
    "read": "Read",
    "create": "Create",
    "edit": "Edit",
    "delete": "Delete",
    "view-all": "View All",
    "modify-all": "Modify All",
    "view-all-fields": "View All Fields",
}
_ENTITY_ACCESS = {
    "ApexClass": "{name} Apex class access was {word}",
    "ApexPage": "{name} Visualforce page access was {word}",
    "ConnectedApplication": "{name} connected app is {word}",
    "ExternalClientApplication": "{name} external client app is {word}",
    "CustomEntityDefinition": "{name} Custom Metadata Type was {word}",
    "CustomPermission": "{name} Custom Permission was {word}",
    "TabSet": "{name} application was {word}",
}
_TAB_WORDS = {None: "None", "DefaultOff": "Available", "DefaultOn": "Visible"}


def _permission_set(names: Names, change: Change) -> Iterator[Entry]:
    if change.row.get("IsOwnedByProfile") or change.row.get("PermissionSetGroupId"):
        return
    label = (change.before or change.row).get("Label")
    if change.gone:
        yield Entry("PermSetDelete", _USERS, f"Deleted permission set {label}")
        return
    if change.made:
        yield _created_set(names, change.row)
    else:
        yield from _renamed_set(str(label), change)
    for field, permission in _permissions(names, change):
        action, words = ("PermSetEnableUserPerm", "disabled to enabled")
        if not change.row.get(field):
            action, words = ("PermSetDisableUserPerm", "enabled to disabled")
        text = f"Changed permission set {change.row.get('Label')}: {permission} permission was changed from {words}"
        yield Entry(action, _USERS, text)


def _created_set(names: Names, row: Row) -> Entry:
    license_id = str(row.get("LicenseId") or "")
    created = f"Created permission set {row.get('Label')}: with"
    if license_id.startswith("0PL"):
        license_name = names.of("PermissionSetLicense", license_id, "MasterLabel")
        return Entry("PermSetCreate", _USERS, f"{created} permission set license {license_name}")
    if license_id:
        return Entry("PermSetCreate", _USERS, f"{created} user license {names.of('UserLicense', license_id)}")
    return Entry("PermSetCreateNoLicense", _USERS, f"{created} no license")


def _renamed_set(label: str, change: Change) -> Iterator[Entry]:
    start = f"Changed permission set {change.row.get('Label')}:"
    if labels := change.pair("Label"):
        yield Entry("PermSetLabelChange", _USERS, f"{start} Master Label was changed from {labels[0]} to {labels[1]}")
    if change.pair("Description"):
        yield Entry("PermSetDescriptionChange", _USERS, f"{start} description was changed")
    if developer := change.pair("Name"):
        text = f"{start} API name was changed from {developer[0]} to {developer[1]}"
        yield Entry("PermSetDeveloperNameChange", _USERS, text)
    if session := change.pair("HasActivationRequired"):
        old, new = ("enabled" if one else "disabled" for one in session)
        text = f"Changed Permission Set {label}: Session Activation Required has changed from {old} to {new}"
        yield Entry("PermSetHasActivationRequiredChange", _USERS, text)


def _profile(names: Names, change: Change) -> Iterator[Entry]:
    name = change.row.get("Name")
    if change.made or change.gone:
        return
    suffix = "Standard" if name in STANDARD_PROFILES else "Custom"
    for field, permission in _permissions(names, change):
        words = "disabled to enabled" if change.row.get(field) else "enabled to disabled"
        text = f"Changed profile {name}: general user permission {permission} was changed from {words}"
        yield Entry(f"profilePermChanged{suffix}", _USERS, text)


def _permissions(names: Names, change: Change) -> Iterator[tuple[str, str]]:
    """The system permissions that changed: the field, and the label."""
    for field in change.row:
        if field.startswith(_PERMISSION) and change.pair(field):
            known = names.org.schema.system_permissions.get(field.removeprefix(_PERMISSION))
            yield field, known.label if known else field.removeprefix(_PERMISSION)


def _object_permissions(names: Names, change: Change) -> Iterator[Entry]:
    def words(row: Row | None) -> str:
        held = [label for right, label in _RIGHT_LABELS.items() if (row or {}).get(OBJECT_RIGHTS[right])]
        return ", ".join(held) or "No Access"

    old, new = words(change.before), words(change.after)
    if old == new:
        return
    owner, suffix = names.owner(change.row.get("ParentId"))
    label = names.label(str(change.row.get("SobjectType")))
    action = f"profileOlpChanged{suffix}" if suffix else "PermSetEntityPermChanged"
    text = f"Changed {owner}: {label} object permissions were changed from {old} to {new}"
    yield Entry(action, _USERS, text)


def _field_permissions(names: Names, change: Change) -> Iterator[Entry]:
    owner, suffix = names.owner(change.row.get("ParentId"))

    def words(row: Row | None) -> str:
        if (row or {}).get("PermissionsEdit"):
            return "Read/Write" if suffix else "Edit"
        return ("Read Only" if suffix else "Read") if (row or {}).get("PermissionsRead") else "No Access"

    old, new = words(change.before), words(change.after)
    if old == new:
        return
    sobject, _, field_name = str(change.row.get("Field")).partition(".")
    found = names.org.schema.get(sobject)
    field = found.get(field_name) if found else None
    where = f"{names.label(sobject)}: {field.label if field else field_name}"
    action = f"profileFlsChanged{suffix}" if suffix else "PermSetFlsChanged"
    yield Entry(action, _USERS, f"Changed {owner}: field-level security for {where} was changed from {old} to {new}")


def _entity_access(names: Names, change: Change) -> Iterator[Entry]:
    entity_id = str(change.row.get("SetupEntityId"))
    target = names.org.schema.of_prefix(entity_id[:3])
    kind = target.name if target else str(change.row.get("SetupEntityType"))
    text = _ENTITY_ACCESS.get(kind)
    if target is None or text is None:
        return
    name = next((one for field in ("Name", "MasterLabel") if (one := names.of(kind, entity_id, field))), entity_id)
    owner, suffix = names.owner(change.row.get("ParentId"))
    word = "disabled" if change.gone else "enabled"
    holder = "Profile" if suffix else "PermissionSet"
    action = f"SetupEntityAccessAudit_{holder}_{kind}_{word.title()}{suffix}"
    yield Entry(action, _USERS, f"Changed {owner}: {text.format(name=name, word=word)}")


def _tab_setting(names: Names, change: Change) -> Iterator[Entry]:
    if visible := change.pair("Visibility"):
        owner, suffix = names.owner(change.row.get("ParentId"))
        old, new = (_TAB_WORDS.get(one, str(one)) for one in visible)
        tab = str(change.row.get("Name")).removeprefix("standard-")
        action = f"profileTabsetChanged{suffix}" if suffix else "PermSetTabSettingsChangedNew"
        yield Entry(action, _USERS, f"Changed {owner}: {tab} tab was changed from {old} to {new}")


WRITERS: Mapping[str, Writer] = {
    "FieldPermissions": _field_permissions,
    "ObjectPermissions": _object_permissions,
    "PermissionSet": _permission_set,
    "PermissionSetTabSetting": _tab_setting,
    "Profile": _profile,
    "SetupEntityAccess": _entity_access,
}
