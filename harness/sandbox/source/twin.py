"""Make an org of a twin: a file that holds the shape of a live org, as `rehearse capture` writes it.

Ids are kept. What a twin does not say, because no API tells it, is filled in: what a user license may carry (as every
simulated org has it, where the license is known; everything, where it is not), the flows of apps (all), and secrets.
The org is always a sandbox.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from harness.sandbox import apps, identity
from harness.sandbox import schema as schemas
from harness.sandbox.objects import apply_terms, standard_licenses, standard_schema
from harness.sandbox.org import SandboxOrg
from harness.sandbox.schema import LicenseTerms, Schema, SObject, SystemPermission
from harness.sandbox.source.errors import SourceError
from harness.sandbox.source.loading import ADMIN, Loading
from harness.sandbox.source.metadata import Project
from harness.sandbox.source.population import Contents, Population

_PERMISSION, _MAXIMUM = "Permissions", "MaximumPermissions"
_PERMISSION_HOLDERS = ("Profile", "PermissionSet", "MutingPermissionSet", "UserPermissionAccess")
_NAMES = {
    "User": "Username",
    "Profile": "Name",
    "PermissionSet": "Name",
    "UserLicense": "Name",
    "PermissionSetLicense": "DeveloperName",
    "UserRole": "DeveloperName",
}
"""By what the contents file calls a row."""

Row = Mapping[str, Any]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class TwinField(_Model):
    """One field: the keys of a describe; what is left out is false, zero or empty."""

    name: str
    type: str
    label: str = ""
    length: int = 0
    precision: int = 0
    scale: int = 0
    nillable: bool = False
    createable: bool = False
    updateable: bool = False
    filterable: bool = False
    permissionable: bool = False
    custom: bool = False
    externalId: bool = False  # noqa: N815 - the describe's names
    unique: bool = False
    calculated: bool = False
    autoNumber: bool = False  # noqa: N815
    nameField: bool = False  # noqa: N815
    referenceTo: tuple[str, ...] = ()  # noqa: N815
    relationshipName: str | None = None  # noqa: N815
    relationshipOrder: int | None = None  # noqa: N815
    childRelationship: str | None = None  # noqa: N815
    writeRequiresMasterRead: bool = False  # noqa: N815
    restrictedPicklist: bool = False  # noqa: N815
    defaultValue: str | bool | int | float | None = None  # noqa: N815
    compoundFieldName: str | None = None  # noqa: N815
    picklist: tuple[str, ...] = ()


class TwinObject(_Model):
    """One object."""

    label: str
    labelPlural: str  # noqa: N815
    keyPrefix: str | None  # noqa: N815
    custom: bool
    customSetting: bool  # noqa: N815
    createable: bool
    updateable: bool
    deletable: bool
    queryable: bool
    sharing: str | None
    rows: int | None
    fields: tuple[TwinField, ...]


class Twin(_Model):
    """The whole file."""

    twin: Literal[1]
    taken: str
    api_version: str
    admin: str
    organization: Mapping[str, Any]
    objects: Mapping[str, TwinObject]
    rows: Mapping[str, tuple[Mapping[str, Any], ...]] = Field(default_factory=dict)
    dependencies: tuple[Mapping[str, Any], ...] = ()


def read_twin(path: Path) -> Twin:
    """Read a twin, packed or not. Raises SourceError naming the file and what is wrong with it."""
    try:
        content = path.read_bytes()
        data = json.loads(gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content)
        return Twin.model_validate(data)
    except OSError as error:
        raise SourceError(f"{path}: the twin cannot be read: {error.strerror or error}") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise SourceError(f"{path}: {where}: {first['msg']}; capture it again with `rehearse capture`") from error
    except (ValueError, EOFError, RecursionError) as error:
        raise SourceError(f"{path}: no twin of an org: {error}") from error


# The schema


def twin_schema(twin: Twin) -> Schema:
    """The schema of a twin: what every org has, with the org's own objects, fields, permissions and licenses."""
    schema = standard_schema()
    _add_permissions(schema, twin)
    _add_dependencies(schema, twin)
    for name, one in twin.objects.items():
        standard = schema.get(name)
        if standard is None or not standard.setup:
            schema.add(_object(name, one, standard))
    apply_terms(schema, standard_licenses())
    for row in twin.rows.get("PermissionSetLicense", ()):
        known = schema.permission_set_licenses.get(row["DeveloperName"])
        carried = frozenset(name.removeprefix(_MAXIMUM) for name in row if name.startswith(_MAXIMUM))
        terms = LicenseTerms(row["DeveloperName"], carried or None, known.objects if known else None)
        schema.permission_set_licenses[terms.name] = terms
    return schema


def _add_permissions(schema: Schema, twin: Twin) -> None:
    """The system permissions that the standard schema lacks."""
    rows = (row for name in ("Profile", "PermissionSet") for row in twin.rows.get(name, ()))
    names = {column.removeprefix(_PERMISSION) for row in rows for column in row if column.startswith(_PERMISSION)}
    licenses = twin.rows.get("PermissionSetLicense", ())
    names |= {column.removeprefix(_MAXIMUM) for row in licenses for column in row if column.startswith(_MAXIMUM)}
    for name in sorted(names - set(schema.system_permissions)):
        schema.system_permissions[name] = SystemPermission(name, name)
        holders = [(holder, _PERMISSION) for holder in _PERMISSION_HOLDERS]
        for holder, prefix in (*holders, ("PermissionSetLicense", _MAXIMUM)):
            sobject = schema.get(holder)
            if sobject is not None:
                writable = holder in ("PermissionSet", "MutingPermissionSet")
                sobject.add(
                    schemas.Field(
                        f"{prefix}{name}",
                        "boolean",
                        name,
                        nillable=False,
                        createable=writable,
                        updateable=writable,
                        permissionable=False,
                    )
                )


def _add_dependencies(schema: Schema, twin: Twin) -> None:
    """What system permissions need, as the org has it in place of what the standard schema says."""
    needs: dict[str, list[str]] = {}
    for row in twin.dependencies:
        if row.get("PermissionType") == row.get("RequiredPermissionType") == "User Permission":
            needs.setdefault(row["Permission"], []).append(row["RequiredPermission"])
    for name, one in schema.system_permissions.items():
        if name in needs:
            schema.system_permissions[name] = replace(one, implies=tuple(sorted(needs[name])))


def _object(name: str, one: TwinObject, standard: SObject | None) -> SObject:
    made = standard or SObject(name, one.label, one.labelPlural, one.keyPrefix or "", custom=one.custom)
    made.custom_setting = one.customSetting
    made.createable, made.updateable, made.deletable = one.createable, one.updateable, one.deletable
    made.queryable = one.queryable
    made.sharing = one.sharing or made.sharing
    kept = {field.name.lower() for field in one.fields}
    made.fields = {key: field for key, field in made.fields.items() if key in kept or field.name == "IsDeleted"}
    for field in one.fields:
        made.add(_field(field, made.get(field.name)))
    return made


def _field(one: TwinField, standard: schemas.Field | None) -> schemas.Field:
    """A field as the describe has it; where the standard schema has it too, its type stays."""
    made = standard or schemas.Field(one.name, one.type, one.label)
    return replace(
        made,
        label=one.label,
        length=one.length,
        precision=one.precision,
        scale=one.scale,
        nillable=one.nillable,
        createable=one.createable,
        updateable=one.updateable,
        filterable=one.filterable,
        permissionable=one.permissionable,
        custom=one.custom,
        external_id=one.externalId,
        unique=one.unique,
        calculated=one.calculated,
        auto_number=one.autoNumber,
        name_field=one.nameField,
        reference_to=one.referenceTo,
        relationship_name=one.relationshipName,
        child_relationship=one.childRelationship,
        master_detail=one.relationshipOrder is not None,
        write_requires_master_read=one.writeRequiresMasterRead,
        picklist=one.picklist,
        restricted=one.restrictedPicklist,
        default=one.defaultValue,
        compound=one.compoundFieldName,
    )


# The rows


def fill(org: SandboxOrg, twin: Twin, contents: Contents, origin: str) -> Loading:
    """Put the rows of a twin into an org; what comes back is ready to load apps and records from `contents`."""
    organization = {**twin.organization, "Id": org.org_id, "Name": "Twin", "IsSandbox": True}
    org.insert_row("Organization", _columns(org, "Organization", organization))
    ids: dict[str, dict[str, str]] = {}
    own_apps = {apps.ADMIN_APP, apps.ADMIN_JWT_APP}
    for name, rows in twin.rows.items():
        if org.schema.get(name) is None:
            continue
        for row in rows:
            if name in ("ConnectedApplication", "ExternalClientApplication"):
                _add_app(org, name, row, own_apps)
                continue
            if name == "UserLogin":
                continue  # made with its user, below
            org.insert_row(name, _columns(org, name, row))
            if name in _NAMES:
                ids.setdefault(name, {})[_called(row, name)] = row["Id"]
    org.complete()
    _freeze(org, twin)
    identity.set_role(org, twin.admin, ADMIN)
    return Loading(org, Project("twin"), _people(twin, contents), origin, ids, admin_id=twin.admin)


def _columns(org: SandboxOrg, name: str, row: Row) -> dict[str, Any]:
    """What the schema has of a row."""
    sobject = org.schema.get(name)
    assert sobject is not None
    return {column: value for column, value in row.items() if sobject.get(column) is not None}


def _called(row: Row, name: str) -> str:
    if name == "PermissionSet" and row.get("NamespacePrefix"):
        return f"{row['NamespacePrefix']}__{row['Name']}"
    return str(row.get(_NAMES[name], row["Id"]))


def _add_app(org: SandboxOrg, name: str, row: Row, own_apps: set[str]) -> None:
    label = str(row.get("Name") or row.get("MasterLabel") or row.get("DeveloperName"))
    if label not in own_apps:
        apps.add_app(
            org,
            name=label,
            kind="ConnectedApplication" if name == "ConnectedApplication" else "ExternalClientApplication",
            flows=apps.FLOWS,
            admin_approved_only=bool(row.get("OptionsAllowAdminApprovedUsersOnly")),
            columns={"Id": row["Id"]},
        )


def _freeze(org: SandboxOrg, twin: Twin) -> None:
    for row in twin.rows.get("UserLogin", ()):
        for login in org.rows("UserLogin", UserId=row["UserId"]) if row.get("IsFrozen") else ():
            org.update_row("UserLogin", login["Id"], {"IsFrozen": True})


def _people(twin: Twin, contents: Contents) -> Population:
    """The contents with the twin's admin, so that they can be loaded like a population's."""
    admin = next(_users(twin, twin.admin), {"Username": "admin@twin.example"})
    person = {"username": admin["Username"], "name": "Twin Admin", "profile": "-", "as": ADMIN}
    return Population.model_validate({"users": [person]}).model_copy(
        update={name: getattr(contents, name) for name in Contents.model_fields}
    )


def _users(twin: Twin, user_id: str) -> Iterator[Row]:
    return (row for row in twin.rows.get("User", ()) if row["Id"] == user_id)
