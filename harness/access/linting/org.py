"""Reading every permission set of an org, with the groups and muting sets, as the linter sees them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from harness.access.linting.rules import LintedGroup, LintedSet
from harness.access.reading.asking import ask
from harness.access.reading.permission_rows import MUTING, PermissionRows, read_rows, read_sets
from harness.access.soql import select

if TYPE_CHECKING:
    from harness.org.connection import Connection

Row = Mapping[str, Any]

_OWN = "NamespacePrefix = null"
_QUERIES = (
    select(
        "PermissionSet",
        ("Id",),
        where=f"{_OWN} AND IsOwnedByProfile = false AND PermissionSetGroupId = null",
        order="Id",
    ),
    select("MutingPermissionSet", ("Id", "DeveloperName", "MasterLabel"), where=_OWN, order="Id"),
    select("PermissionSetGroup", ("Id", "DeveloperName"), where=_OWN, order="Id"),
    select("PermissionSetGroupComponent", ("PermissionSetGroupId", "PermissionSetId"), order="Id"),
)
_USER_LICENSE = "100"
"""How the id of a user license begins. What a set may be bound to besides is a permission set license, by its id."""


def read_linted_sets(admin: Connection) -> tuple[dict[str, LintedSet], tuple[LintedGroup, ...]]:
    """The org's own permission sets and muting sets by name, and its groups. Those of packages are left out.

    Raises RequestRefused.
    """
    sets, muting, groups, components = ask(admin, *_QUERIES)
    ids = [str(row["Id"]) for row in (*sets, *muting)]
    gathered = PermissionRows()
    admin.learn_fields("PermissionSet", "MutingPermissionSet", "ObjectPermissions")
    rows = read_sets(admin, ids, gathered)
    read_rows(admin, ids, gathered)
    named = {str(row["Id"]): (str(row["DeveloperName"]), str(row["MasterLabel"])) for row in muting}
    named |= {one: (str(row["Name"]), str(row["Label"])) for one, row in rows.items() if not one.startswith(MUTING)}
    linted = {
        name: _set(one, name, label, rows.get(one, {}), gathered)
        for one, (name, label) in sorted(named.items(), key=lambda each: each[1])
    }
    return linted, tuple(_groups(groups, components, {one: name for one, (name, _) in named.items()}))


def _set(one: str, name: str, label: str, row: Row, gathered: PermissionRows) -> LintedSet:
    muting = one.startswith(MUTING)
    return LintedSet(
        name=name,
        label=label,
        file=f"{'muting permission set' if muting else 'permission set'} {name}",
        access=gathered.access(one),
        license=_user_license(row),
        muting=muting,
    )


def _groups(groups: Sequence[Row], components: Sequence[Row], names: Mapping[str, str]) -> Iterator[LintedGroup]:
    members: dict[str, list[str]] = {str(row["Id"]): [] for row in groups}
    for row in components:
        members.setdefault(str(row["PermissionSetGroupId"]), []).append(str(row["PermissionSetId"]))
    for row in groups:
        own = members[str(row["Id"])]
        yield LintedGroup(
            name=str(row["DeveloperName"]),
            sets=tuple(names.get(one, one) for one in own if not one.startswith(MUTING)),
            muting=tuple(names.get(one, one) for one in own if one.startswith(MUTING)),
        )


def _user_license(row: Row) -> str | None:
    """The user license a set is bound to. An org cannot name a permission set license wrongly."""
    bound = str(row.get("LicenseId") or "").startswith(_USER_LICENSE)
    return str((row.get("License") or {}).get("Name")) if bound else None
