"""Fill an org with licenses, profiles, permission sets and groups, and with everything these grant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from harness.sandbox.access.default_apps import choose_default_app
from harness.sandbox.objects import StandardProfile, standard_licenses
from harness.sandbox.schema import Field, SObject
from harness.sandbox.source.loading import Loading
from harness.sandbox.source.metadata import GroupMetadata, PermissionsMetadata

SYSTEM_ADMINISTRATOR = "System Administrator"
UNKNOWN_LICENSE_SEATS = 10
"""Seats of a user license that only a project names."""

_EVERY_RIGHT = ("Read", "Create", "Edit", "Delete", "ViewAllRecords", "ModifyAllRecords")


def load_licenses(loading: Loading) -> None:
    """User licenses and permission set licenses, with the seats the population gives them."""
    known = standard_licenses()
    seats = loading.population.licenses
    used_by_project = {one.license for one in loading.project.containers if one.license}
    for name in sorted(used_by_project - {one.name for one in (*known.user, *known.permission_set)}):
        _insert_user_license(loading, name, label=name, key=name, seats=seats.get(name, UNKNOWN_LICENSE_SEATS))
    for one in known.user:
        _insert_user_license(loading, one.name, label=one.label, key=one.key, seats=seats.get(one.name, one.seats))
    for one in known.permission_set:
        carried = one.permissions if one.permissions is not None else loading.org.schema.system_permissions
        values = {
            "DeveloperName": one.name,
            "MasterLabel": one.label,
            "PermissionSetLicenseKey": one.key,
            "TotalLicenses": seats.get(one.name, one.seats),
            "IsAvailableForIntegrations": "Integration" in one.name,
        }
        columns = {f"MaximumPermissions{name}": True for name in sorted(carried)}
        loading.insert("PermissionSetLicense", values | columns, name=one.name)
    for name in seats:
        if loading.find("UserLicense", name) is None:
            loading.id_of("PermissionSetLicense", name, asked_by="licenses")


def _insert_user_license(loading: Loading, name: str, *, label: str, key: str, seats: int) -> None:
    values = {"Name": name, "MasterLabel": label, "LicenseDefinitionKey": key, "TotalLicenses": seats}
    loading.insert("UserLicense", values, name=name)


def load_profiles(loading: Loading) -> None:
    """The profiles of the project and those every org has; each owns a permission set (facts of API version 25 on)."""
    standard = {one.name: one for one in standard_licenses().profiles}
    for name in sorted({*standard, *loading.project.profiles}):
        profile = loading.project.profiles.get(name) or _from_standard(standard[name])
        license_id = loading.id_of("UserLicense", profile.license or "Salesforce", asked_by=f"profile {name}")
        columns = _permission_columns(profile.system)
        values = {"Name": name, "UserLicenseId": license_id, "Description": profile.description}
        profile_id = loading.insert("Profile", values | columns, name=name)
        label = f"00ex{len(loading.ids['Profile']):011d}"
        owned = {
            "Name": f"X{label}",
            "Label": label,
            "LicenseId": license_id,
            "ProfileId": profile_id,
            "IsOwnedByProfile": True,
            "IsCustom": profile.custom and name not in standard,
            "Type": "Profile",
        }
        loading.insert("PermissionSet", owned | columns, name=_owned_by(name))


def _from_standard(one: StandardProfile) -> PermissionsMetadata:
    return PermissionsMetadata(one.name, one.name, license=one.license, custom=False, system=one.permissions)


def _owned_by(profile: str) -> str:
    return f"(profile) {profile}"


def set_of_profile(loading: Loading, profile: str, *, asked_by: str) -> str:
    """The id of the permission set that a profile owns."""
    loading.id_of("Profile", profile, asked_by=asked_by)
    return loading.id_of("PermissionSet", _owned_by(profile), asked_by=asked_by)


def load_permission_sets(loading: Loading) -> None:
    """Permission sets and muting permission sets, without what they grant on objects and fields."""
    for name, one in sorted(loading.project.permission_sets.items()):
        namespace, _, plain = name.rpartition("__")
        values = {
            "Name": plain,
            "Label": one.label,
            "NamespacePrefix": namespace or None,
            "Description": one.description,
            "LicenseId": _license_of(loading, one),
            "HasActivationRequired": one.session,
            "Type": "Session" if one.session else "Regular",
        }
        loading.insert("PermissionSet", values | _permission_columns(one.system), name=name)
    for name, one in sorted(loading.project.muting.items()):
        values = {"DeveloperName": name, "MasterLabel": one.label, "Description": one.description}
        loading.insert("MutingPermissionSet", values | _permission_columns(one.system), name=name)


def _license_of(loading: Loading, one: PermissionsMetadata) -> str | None:
    if one.license is None:
        return None
    bound = loading.find("PermissionSetLicense", one.license)
    return bound or loading.id_of("UserLicense", one.license, asked_by=f"permission set {one.name}")


def load_grants(loading: Loading) -> None:
    """What every profile, permission set and muting permission set grants on objects, fields and setup entities."""
    for name in sorted(loading.ids["Profile"]):
        one = loading.project.profiles.get(name) or PermissionsMetadata(name, name)
        parent = set_of_profile(loading, name, asked_by=name)
        _insert_grants(loading, parent, _with_everything(loading, one) if name == SYSTEM_ADMINISTRATOR else one)
    for name, one in sorted(loading.project.permission_sets.items()):
        _insert_grants(loading, loading.ids["PermissionSet"][name], one)
    for name, one in sorted(loading.project.muting.items()):
        _insert_grants(loading, loading.ids["MutingPermissionSet"][name], one)


def _with_everything(loading: Loading, one: PermissionsMetadata) -> PermissionsMetadata:
    """The administrator sees every field, as in a real org; a retrieved profile names only what came with it."""
    fields = {
        f"{sobject.name}.{column.name}": (True, _may_edit(column))
        for sobject in loading.org.schema
        if _is_data(sobject)
        for column in sobject.fields.values()
        if column.permissionable
    }
    objects = {
        sobject.name: frozenset(f"Permissions{right}" for right in _EVERY_RIGHT)
        for sobject in loading.org.schema
        if _is_data(sobject) and sobject.object_permissions and not sobject.governed_by and not sobject.custom_setting
    }
    return PermissionsMetadata(
        one.name,
        one.label,
        objects=objects | one.objects,
        fields=fields | one.fields,
        setup=one.setup,
        tabs=one.tabs,
    )


def _is_data(sobject: SObject) -> bool:
    return not (sobject.setup or sobject.tooling)


def _may_edit(column: Field) -> bool:
    return column.updateable or column.createable or column.type in ("address", "location")


def _insert_grants(loading: Loading, parent: str, one: PermissionsMetadata) -> None:
    for sobject, rights in sorted(one.objects.items()):
        values = {"ParentId": parent, "SobjectType": _api_name(loading, sobject)} | dict.fromkeys(sorted(rights), True)
        loading.insert("ObjectPermissions", values)
    for sobject, name, edit in sorted(_readable_fields(loading, one.fields)):
        loading.insert_field_permission(parent, sobject, name, edit=edit)
    for kind, name in one.setup:
        _insert_setup_access(loading, parent, kind, name)
    app = loading.find("TabSet", one.default_app) if one.default_app else None
    if app is not None:
        choose_default_app(loading.org, parent, app)
    for tab in one.tabs:
        if parent.startswith("0PS"):
            values = {"ParentId": parent, "Name": tab.tab, "Visibility": tab.visibility}
            loading.insert("PermissionSetTabSetting", values)


def _readable_fields(loading: Loading, fields: Mapping[str, tuple[bool, bool]]) -> Iterator[tuple[str, str, bool]]:
    for full_name, (readable, editable) in fields.items():
        sobject, _, name = full_name.partition(".")
        if readable:
            for target in ("Task", "Event") if sobject == "Activity" else (sobject,):
                yield _api_name(loading, target), _field_name(loading, target, name), editable


def _api_name(loading: Loading, sobject: str) -> str:
    known = loading.org.schema.get(sobject)
    return known.name if known else sobject


def _field_name(loading: Loading, sobject: str, name: str) -> str:
    """`Contact.Account` stands for `Contact.AccountId`; answers always have the API name."""
    known = loading.org.schema.get(sobject)
    column = (known.get(name) or known.get(f"{name}Id")) if known else None
    return column.name if column else name


def _insert_setup_access(loading: Loading, parent: str, kind: str, name: str) -> None:
    entity = loading.find(kind, name)
    if entity is None:
        column = {"ApexClass": "Name", "ApexPage": "Name"}.get(kind, "DeveloperName")
        label = {"ApexPage": "MasterLabel", "CustomPermission": "MasterLabel", "TabSet": "Label"}.get(kind)
        entity = loading.insert(kind, {column: name} | ({label: name} if label else {}), name=name)
    pre_authorize(loading, parent, kind, entity)


def pre_authorize(loading: Loading, parent: str, kind: str, entity: str) -> None:
    """Give a permission set access to a setup entity, once."""
    if not loading.org.rows("SetupEntityAccess", ParentId=parent, SetupEntityId=entity):
        values = {"ParentId": parent, "SetupEntityId": entity, "SetupEntityType": kind}
        loading.insert("SetupEntityAccess", values)


def load_groups(loading: Loading) -> None:
    """Permission set groups: components, muting, and the permission set that stands for the whole.

    A component that the project does not hold, as of a managed package, is left out.
    """
    for name, group in sorted(loading.project.groups.items()):
        values = {
            "DeveloperName": name.rpartition("__")[2],
            "MasterLabel": group.label,
            "NamespacePrefix": name.rpartition("__")[0] or None,
            "Description": group.description,
            "HasActivationRequired": group.session,
        }
        group_id = loading.insert("PermissionSetGroup", values, name=name)
        components = [loading.find("PermissionSet", one) for one in group.permission_sets]
        components += [loading.find("MutingPermissionSet", one) for one in group.muting]
        for component in components:
            if component is not None:
                values = {"PermissionSetGroupId": group_id, "PermissionSetId": component}
                loading.insert("PermissionSetGroupComponent", values)
        _insert_whole(loading, group_id, group)


def _insert_whole(loading: Loading, group_id: str, group: GroupMetadata) -> None:
    granted = [
        loading.project.permission_sets[one] for one in group.permission_sets if one in loading.project.permission_sets
    ]
    muted = [loading.project.muting[one] for one in group.muting if one in loading.project.muting]
    whole = _less(_together(group, granted), _together(group, muted))
    values = {
        "Name": group_id,
        "Label": group.label,
        "PermissionSetGroupId": group_id,
        "Type": "Group",
        "IsCustom": False,
    }
    set_id = loading.insert("PermissionSet", values | _permission_columns(whole.system), name=f"(group) {group.name}")
    _insert_grants(loading, set_id, whole)


def _together(group: GroupMetadata, parts: Iterable[PermissionsMetadata]) -> PermissionsMetadata:
    whole = PermissionsMetadata(group.name, group.label)
    for part in parts:
        whole.system |= part.system
        for sobject, rights in part.objects.items():
            whole.objects[sobject] = whole.objects.get(sobject, frozenset()) | rights
        for name, (read, edit) in part.fields.items():
            before = whole.fields.get(name, (False, False))
            whole.fields[name] = (before[0] or read, before[1] or edit)
        whole.setup = tuple(sorted({*whole.setup, *part.setup}))
    return whole


def _less(whole: PermissionsMetadata, muted: PermissionsMetadata) -> PermissionsMetadata:
    objects = {name: rights - muted.objects.get(name, frozenset()) for name, rights in whole.objects.items()}
    fields = {
        name: (read and not silenced[0], edit and not silenced[0] and not silenced[1])
        for name, (read, edit) in whole.fields.items()
        if (silenced := muted.fields.get(name, (False, False))) is not None
    }
    return PermissionsMetadata(
        whole.name,
        whole.label,
        system=whole.system - muted.system,
        objects={name: rights for name, rights in objects.items() if "PermissionsRead" in rights},
        fields=fields,
        setup=whole.setup,
    )


def _permission_columns(system: Iterable[str]) -> dict[str, bool]:
    return {f"Permissions{name}": True for name in sorted(system)}


def load_record_type_access(loading: Loading) -> None:
    """Which record types each profile and permission set makes available.

    An administrator whose profile the project does not hold has all that others have. Names that the project does not
    have are left out: a profile may name record types of managed packages.
    """
    for name, one in sorted(loading.project.profiles.items()):
        _give_record_types(loading, set_of_profile(loading, name, asked_by=name), one)
    if SYSTEM_ADMINISTRATOR not in loading.project.profiles:
        administrators = set_of_profile(loading, SYSTEM_ADMINISTRATOR, asked_by=SYSTEM_ADMINISTRATOR)
        everything = PermissionsMetadata(SYSTEM_ADMINISTRATOR, SYSTEM_ADMINISTRATOR)
        everything.record_types = {name: False for one in loading.project.containers for name in one.record_types}
        _give_record_types(loading, administrators, everything)
    for name, one in sorted(loading.project.permission_sets.items()):
        _give_record_types(loading, loading.ids["PermissionSet"][name], one)


def _give_record_types(loading: Loading, parent: str, one: PermissionsMetadata) -> None:
    found = {loading.find("RecordType", name): default for name, default in sorted(one.record_types.items())}
    given = {record_type: default for record_type, default in found.items() if record_type is not None}
    if given:
        loading.org.record_types.give(parent, given)
