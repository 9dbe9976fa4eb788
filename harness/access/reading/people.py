"""Reading a user of the org: who it is, its license, role, groups, queues and permission set licenses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from harness.access.reading.asking import ask, try_ask
from harness.access.soql import equals, select

if TYPE_CHECKING:
    from harness.org.connection import Connection

_COLUMNS = (
    "Id",
    "Username",
    "Name",
    "Email",
    "IsActive",
    "CommunityNickname",
    "ProfileId",
    "Profile.Name",
    "Profile.UserLicenseId",
    "Profile.UserLicense.Name",
    "UserRoleId",
    "UserRole.DeveloperName",
    "LocaleSidKey",
    "LanguageLocaleKey",
    "TimeZoneSidKey",
    "EmailEncodingKey",
    "LastModifiedDate",
)


_FEATURE = "UserPermissions"
"""How the columns of User that stand for feature licenses begin."""


@dataclass(frozen=True, slots=True)
class Membership:
    """One direct membership in a public group (`Regular`) or a queue (`Queue`)."""

    id: str
    group_id: str
    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class LicenseAssignment:
    """One permission set license assigned to a user."""

    id: str
    license_id: str
    name: str


@dataclass(frozen=True, slots=True)
class User:
    """One user, with what hangs on it. `row` holds the columns of the User row by API name, parents nested."""

    row: Mapping[str, Any]
    login_id: str | None
    is_frozen: bool
    memberships: tuple[Membership, ...] = ()
    licenses: tuple[LicenseAssignment, ...] = ()
    login_changed: datetime | None = None
    """When its UserLogin row was written last."""

    @property
    def id(self) -> str:
        """The 18-character id."""
        return str(self.row["Id"])

    @property
    def username(self) -> str:
        """The username, as the org spells it."""
        return str(self.row["Username"])

    @property
    def is_active(self) -> bool:
        """Whether it is active."""
        return bool(self.row["IsActive"])

    @property
    def changed(self) -> datetime | None:
        """When its row was written last."""
        return _moment(self.row.get("LastModifiedDate"))

    @property
    def profile(self) -> str:
        """The name of its profile."""
        return str((self.row.get("Profile") or {}).get("Name", ""))

    @property
    def user_license(self) -> str:
        """The name of its user license."""
        return str(((self.row.get("Profile") or {}).get("UserLicense") or {}).get("Name", ""))

    @property
    def license_ids(self) -> frozenset[str]:
        """The ids of its user license and of its permission set licenses."""
        own = (self.row.get("Profile") or {}).get("UserLicenseId")
        return frozenset({str(own), *(each.license_id for each in self.licenses)})

    @property
    def role(self) -> str | None:
        """The developer name of its role."""
        return (self.row.get("UserRole") or {}).get("DeveloperName")

    def names(self, kind: str) -> tuple[str, ...]:
        """The developer names of its groups of a kind, in order."""
        return tuple(sorted(each.name for each in self.memberships if each.kind == kind))


def read_user(admin: Connection, username: str) -> User | None:
    """Read the user of that username, or None. Two calls; a missing UserLogin row counts as not frozen."""
    row = find_user(admin, username)
    if row is None:
        return None
    user_id = str(row["Id"])
    logins, members, licenses = ask(
        admin,
        select("UserLogin", ("Id", "IsFrozen", "LastModifiedDate"), where=equals("UserId", user_id)),
        select(
            "GroupMember",
            ("Id", "GroupId", "Group.DeveloperName", "Group.Type"),
            where=f"{equals('UserOrGroupId', user_id)} AND Group.Type IN ('Regular', 'Queue')",
            order="Id",
        ),
        select(
            "PermissionSetLicenseAssign",
            ("Id", "PermissionSetLicenseId", "PermissionSetLicense.DeveloperName"),
            where=equals("AssigneeId", user_id),
            order="Id",
        ),
    )
    return User(
        row=row,
        login_id=str(logins[0]["Id"]) if logins else None,
        is_frozen=bool(logins and logins[0]["IsFrozen"]),
        login_changed=_moment(logins[0].get("LastModifiedDate")) if logins else None,
        memberships=tuple(
            Membership(row["Id"], row["GroupId"], row["Group"]["DeveloperName"], row["Group"]["Type"])
            for row in members
        ),
        licenses=tuple(
            LicenseAssignment(row["Id"], row["PermissionSetLicenseId"], row["PermissionSetLicense"]["DeveloperName"])
            for row in licenses
        ),
    )


def _moment(text: Any) -> datetime | None:
    return datetime.fromisoformat(str(text)) if text else None


def find_user(admin: Connection, username: str) -> Mapping[str, Any] | None:
    """The User row of that username alone, parents nested, or None. One call."""
    rows = admin.query(select("User", _COLUMNS, where=equals("Username", username)))
    return rows[0] if rows else None


def read_features(admin: Connection, user_id: str) -> frozenset[str]:
    """The feature licenses of a user: the `UserPermissions*` columns that are on, without that prefix. Two calls."""
    return read_extra_licenses(admin, user_id).features


@dataclass(frozen=True, slots=True)
class ExtraLicenses:
    """The licenses of a user beside its user license and its permission set licenses."""

    features: frozenset[str] = frozenset()
    """Feature licenses, as `MarketingUser` of UserPermissionsMarketingUser."""
    packages: tuple[str, ...] | None = ()
    """The namespaces of the managed packages it has a seat of; None: the org would not tell."""


def read_extra_licenses(admin: Connection, user_id: str) -> ExtraLicenses:
    """Read them. One call, once the columns of User are known."""
    columns = [each["name"] for each in admin.fields_of("User") if each["name"].startswith(_FEATURE)]
    seats = ("Id", "PackageLicense.NamespacePrefix")
    users, packages = try_ask(
        admin,
        [
            select("User", ("Id", *columns), where=equals("Id", user_id)),
            select("UserPackageLicense", seats, where=equals("UserId", user_id), order="Id"),
        ],
    )
    row = users[0] if users else {}
    held = frozenset(name.removeprefix(_FEATURE) for name in columns if row.get(name))
    if packages is None:
        return ExtraLicenses(held, None)
    names = {(each.get("PackageLicense") or {}).get("NamespacePrefix") for each in packages}
    return ExtraLicenses(held, tuple(sorted(str(name) for name in names if name)))
