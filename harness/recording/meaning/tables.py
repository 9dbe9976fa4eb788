"""What the rows of Salesforce's setup objects mean for access: which columns tell rows apart, and which are rights.

Sources: the Object Reference's ObjectPermissions, FieldPermissions, SetupEntityAccess, PermissionSetAssignment,
UserEntityAccess, UserFieldAccess, UserRecordAccess, and MutingPermissionSet, whose rights are taken away.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Row = Mapping[str, Any]
Turn = Literal["given", "taken"]


@dataclass(frozen=True, slots=True)
class Table:
    """One kind of rows: `keys` tell them apart, as far as they were asked for; `about` is the column of the user."""

    keys: tuple[str, ...] = ()
    grants: bool = False
    """Whether a row is a right by being there."""
    about: str = ""
    own: bool = False
    """Whether it speaks of the user who asks."""


_TABLES: Mapping[str, Table] = {
    "ObjectPermissions": Table(("ParentId", "SobjectType"), grants=True),
    "FieldPermissions": Table(("ParentId", "Field"), grants=True),
    "SetupEntityAccess": Table(("ParentId", "SetupEntityId"), grants=True),
    "PermissionSetTabSetting": Table(("ParentId", "Name"), grants=True),
    "PermissionSetAssignment": Table(
        ("AssigneeId", "PermissionSetId", "PermissionSetGroupId"), grants=True, about="AssigneeId"
    ),
    "PermissionSetLicenseAssign": Table(("AssigneeId", "PermissionSetLicenseId"), grants=True, about="AssigneeId"),
    "PermissionSetGroupComponent": Table(("PermissionSetGroupId", "PermissionSetId"), grants=True),
    "GroupMember": Table(("GroupId", "UserOrGroupId"), grants=True, about="UserOrGroupId"),
    "UserEntityAccess": Table(("EntityDefinition.QualifiedApiName",), grants=True, about="UserId"),
    "UserFieldAccess": Table(("DurableId",), grants=True),
    "UserRecordAccess": Table(("RecordId",), grants=True, about="UserId"),
    "UserPermissionAccess": Table(own=True),
    "UserSetupEntityAccess": Table(("DeveloperName",), grants=True, own=True),
    "PermissionDependency": Table(("Permission", "PermissionType", "RequiredPermission", "RequiredPermissionType")),
    "User": Table(about="Id"),
    "UserLogin": Table(("UserId",), about="UserId"),
    "FieldDefinition": Table(("DurableId",)),
    "EntityDefinition": Table(("QualifiedApiName",)),
    "PermissionSet": Table(),
    "MutingPermissionSet": Table(),
    "PermissionSetLicense": Table(),
    "Profile": Table(),
    "ConnectedApplication": Table(),
}
_SHARE = Table(grants=True, about="UserOrGroupId")
_OTHER = Table()
_SHARES = re.compile(r"\w+(?:__|\b|[a-z])Share")

_RIGHT = re.compile(
    r"(?:User)?Permissions\w+|Is(?:Readable|Creatable|Editable|Updatable|Deletable|Accessible)|Has\w+Access|IsActive"
)
_LIMIT = re.compile(
    r"IsFrozen|HasActivationRequired|OptionsAllowAdminApprovedUsersOnly"
    r"|Permissions(?:ApiUserOnly|ForceTwoFactor|TwoFactorApi)|IsRevoked"
)
"""Rights the other way round: what is true here takes something away."""
_CEILING = re.compile(r"MaximumPermissions\w+")
"""What a license could carry: no right yet, but without it the right cannot be given."""
_NAMES = (
    "Field",
    "SobjectType",
    "EntityDefinition.QualifiedApiName",
    "DurableId",
    "QualifiedApiName",
    "FullName",
    "DeveloperName",
    "Username",
    "PermissionSet.Name",
    "PermissionSet.Label",
    "PermissionSetLicense.DeveloperName",
    "Permission",
    "SetupEntityId",
    "Name",
    "Label",
    "MasterLabel",
    "RecordId",
    "UserId",
    "Id",
)
_OF_USER = re.compile(r"\.005\w{12,15}$")
_MUTING = ("0QM",)

_NOISE = re.compile(
    r"(?:\w+\.)?(?:LastModifiedDate|SystemModstamp|CreatedDate|LastViewedDate|LastReferencedDate|LastLoginDate"
    r"|LastPasswordChangeDate|LastCacheUpdate|LastActivityDate|LastModifiedById|LastModifiedBy\.\w+)"
)
"""What differs in every run by nature: when a row was touched last, and by whom."""


def table_of(kind: str) -> Table:
    """What is known of the rows of an object; of a business object nothing but that its rows have an Id."""
    return _TABLES.get(kind) or (_SHARE if _SHARES.fullmatch(kind) else _OTHER)


def is_noise(column: str) -> bool:
    """Whether a column differs in every run by nature."""
    return _NOISE.fullmatch(column) is not None


def is_ceiling(column: str) -> bool:
    """Whether a column says what a license could carry."""
    return _CEILING.fullmatch(column) is not None


def is_right(kind: str, column: str) -> bool:
    """Whether a column of these rows is a right, or the limit of one: in a business object none is."""
    known = kind in _TABLES or _SHARES.fullmatch(kind)
    return bool(known and (_RIGHT.fullmatch(column) or _LIMIT.fullmatch(column)))


def turn_of(column: str, *, now: bool, kind: str, row: Row) -> Turn:
    """Whether a right was given or taken when a column became `now`."""
    turned = bool(_LIMIT.fullmatch(column)) ^ mutes(kind, row)
    return "given" if now ^ turned else "taken"


def mutes(kind: str, row: Row) -> bool:
    """Whether a row takes away what it names."""
    parent = row.get("ParentId")
    return kind == "MutingPermissionSet" or (isinstance(parent, str) and parent.startswith(_MUTING))


def holds_something(row: Row) -> bool:
    """Whether a row gives any right: one that says no to everything does not."""
    rights = [value for column, value in row.items() if _RIGHT.fullmatch(column) and isinstance(value, bool)]
    return any(rights) or not rights


def key_of(kind: str, row: Row) -> tuple[Any, ...]:
    """What tells a row from the others of an answer."""
    keys = [key for key in table_of(kind).keys if key in row]
    if keys:
        return tuple(row[key] for key in keys)
    if row.get("Id") is not None:
        return (row["Id"],)
    known = {column: value for column, value in row.items() if not re.fullmatch(r"expr\d+", column)}
    return tuple(sorted((column, repr(value)) for column, value in known.items() if not is_right(kind, column)))


def name_of(row: Row) -> str:
    """A row by name, for people; by its id where it has none; empty where it has neither."""
    for column in _NAMES:
        if isinstance(row.get(column), str):
            return _OF_USER.sub("", row[column])
    return ", ".join(value for value in row.values() if isinstance(value, str))[:60]
