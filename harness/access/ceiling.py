"""What the target license can carry at most: asked from the org, never kept as a list.

A permission set license has one `MaximumPermissions*` column for each system permission it may carry (Object Reference,
PermissionSetLicense); the user license gives what its own profile holds. The platform has no such columns for objects:
whether a license may carry an object shows when the permission is written to a set that is assigned. That is what a
trial does (`Ceiling.tried`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from harness.access.algebra import Atom, atoms
from harness.access.model import Access
from harness.access.reading.asking import ask
from harness.access.reading.holdings import permission_columns
from harness.access.soql import batches, equals, select

if TYPE_CHECKING:
    from harness.org.connection import Connection

_PREFIX = "MaximumPermissions"
_COLUMNS_PER_QUERY = 150
_ABOUT = ("Id", "DeveloperName", "MasterLabel", "TotalLicenses", "UsedLicenses")


@dataclass(frozen=True, slots=True)
class License:
    """One active permission set license of the org, and what it may carry."""

    name: str
    """The DeveloperName."""
    label: str
    id: str
    free: int
    """Seats that nobody holds."""
    system: frozenset[str]


@dataclass(frozen=True, slots=True)
class Ceiling:
    """What the target user may hold, and the access its profile gives it anyway."""

    license: str
    """The permission set license, by its label."""
    system: frozenset[str]
    """The system permissions that it and the further licenses may carry."""
    baseline: Access
    further: tuple[License, ...] = ()
    """The licenses that the target user is assigned beside it."""
    others: tuple[License, ...] = ()
    """Every other license with a free seat: what only one of these carries could be had with it."""
    names: Mapping[str, str] = field(default_factory=dict)
    """The DeveloperName of each active permission set license, by its label."""
    refused: Access = field(default_factory=Access)
    """What the org would not let a trial user hold. Empty where nothing was tried."""
    answers: Mapping[str, str] = field(default_factory=dict)
    """The org's own words for each right it refused the trial user, by the right as text."""
    carried_with: Mapping[str, Access] = field(default_factory=dict)
    """What of it the trial user could hold with another license, by that license's DeveloperName."""

    def allows(self, permission: str) -> bool:
        """Whether the target user may hold a system permission."""
        return permission in self.system or permission in self.baseline.system

    def carries(self, atom: Atom) -> bool:
        """Whether it may hold one right. What nobody told is taken as carried: the org says so when it is written."""
        if not atom.object:
            return self.allows(atom.right)
        return atom.right not in self.refused.objects.get(atom.object, ())

    def carrier(self, atom: Atom) -> License | None:
        """The first other license with a free seat that would carry what this one does not."""
        for other in self.others:
            told = not atom.object and atom.right in other.system
            if told or atom in atoms(self.carried_with.get(other.name, Access())):
                return other
        return None

    def tried(
        self,
        *,
        refused: Access,
        beyond: Iterable[str],
        carried_with: Mapping[str, Access],
        answers: Mapping[str, str] | None = None,
    ) -> Ceiling:
        """The same, mended by a trial: the org's own behaviour goes before what its columns say."""
        system = (self.system | frozenset(beyond)) - refused.system
        return replace(self, system=system, refused=refused, answers=answers or {}, carried_with=carried_with)


def read_ceiling(admin: Connection, *, developer_name: str, baseline: Access, further: Iterable[str] = ()) -> Ceiling:
    """Ask the org what its permission set licenses may carry. Two calls, as a rule.

    `developer_name` is the license the migration moves to; `further` are those the target user is assigned as well.
    """
    licenses = read_licenses(admin)
    own = [licenses[name] for name in (developer_name, *further) if name in licenses]
    given = {each.name for each in own}
    return Ceiling(
        license=own[0].label if own else developer_name,
        system=frozenset[str]().union(*(each.system for each in own)),
        baseline=baseline,
        further=tuple(own[1:]),
        names={each.label: name for name, each in licenses.items()},
        others=tuple(each for name, each in sorted(licenses.items()) if each.free > 0 and name not in given),
    )


def read_licenses(admin: Connection) -> dict[str, License]:
    """The active permission set licenses, by DeveloperName."""
    found: dict[str, dict[str, Any]] = {}
    columns = list(batches(permission_columns(admin, "PermissionSetLicense", _PREFIX), _COLUMNS_PER_QUERY)) or [()]
    where = equals("Status", "Active")
    queries = [select("PermissionSetLicense", (*_ABOUT, *some), where=where, order="DeveloperName") for some in columns]
    for rows in ask(admin, *queries):
        for row in rows:
            found.setdefault(str(row["DeveloperName"]), {}).update(row)
    return {name: _license(row) for name, row in sorted(found.items())}


def _license(row: Mapping[str, Any]) -> License:
    return License(
        name=str(row["DeveloperName"]),
        label=str(row["MasterLabel"]),
        id=str(row["Id"]),
        free=int(row["TotalLicenses"] or 0) - int(row["UsedLicenses"] or 0),
        system=frozenset(name.removeprefix(_PREFIX) for name, value in row.items() if value is True),
    )
