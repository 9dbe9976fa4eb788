"""Reading what a user may do from the org: every set that gives it something, and the union of them.

Only an admin with View Setup sees all of it: rows that are hidden from the reader are left out without an error (facts
3.1, 3.6).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from harness.access.algebra import mute, union
from harness.access.model import Access, ObjectRight
from harness.access.reading.assignments import DESCRIBED, Assigned, Assignment, assignments_of, read_assigned
from harness.access.reading.group_sets import stale_groups
from harness.access.reading.people import User
from harness.access.reading.permission_rows import (
    MUTING,
    PermissionRows,
    merged,
    permission_columns,
    read_rows,
    read_sets,
)
from harness.access.soql import equals, select

if TYPE_CHECKING:
    from harness.org.connection import Connection

__all__ = ["HOLDING_OBJECTS", "Holdings", "Kind", "Source", "permission_columns", "read_holdings", "read_profile"]

HOLDING_OBJECTS = ("PermissionSet", "MutingPermissionSet", "ObjectPermissions", *DESCRIBED)
"""The setup objects whose columns `read_holdings` has to know."""

Kind = Literal["profile", "permission-set", "permission-set-group"]


@dataclass(frozen=True, slots=True)
class Source:
    """One set that gives a user permissions. `id` is that of the permission set, or of the group."""

    kind: Kind
    id: str
    name: str
    label: str
    license: str | None
    access: Access
    implied: Mapping[str, frozenset[ObjectRight]] = field(default_factory=dict)
    """The rights on objects that it opens without a row of their own, as Modify All Data does (ids that begin 000)."""
    assignment: Assignment | None = None
    """None with the profile's own set."""
    sets: Mapping[str, str] = field(default_factory=dict)
    """The names of the permission sets behind it, by id: itself, or the components of a group. None of a profile."""


@dataclass(frozen=True, slots=True)
class Holdings:
    """Everything a user holds."""

    sources: tuple[Source, ...]
    setup_ids: Mapping[str, str]
    """The id of each setup entity, by `TYPE:NAME`."""
    assigned: tuple[Assignment, ...]
    """All sets and groups that are assigned, those that give nothing among them."""
    rows: int
    """How many rows were read."""
    pages: int = 0
    """The fewest calls in which the rows of object, field and setup permissions can be paged through."""
    unnamed: Mapping[str, int] = field(default_factory=dict)
    """How many setup entities of each type go by their ids, since their names cannot be looked up."""
    stale: tuple[str, ...] = ()
    """The groups whose own set, which is what the org goes by, is not what their components come to, in a sentence."""

    @property
    def effective(self) -> Access:
        """The union of the sources."""
        return union(source.access for source in self.sources)

    @property
    def implied(self) -> dict[str, frozenset[ObjectRight]]:
        """The rights on objects that a system permission of some source implies."""
        return merged(source.implied for source in self.sources)

    @property
    def assignments(self) -> tuple[str, ...]:
        """The ids of the sets and groups that are assigned, the profile's own set not among them."""
        return tuple(each.given_id for each in self.assigned)

    @property
    def dormant(self) -> tuple[Assignment, ...]:
        """What is assigned and gives nothing."""
        return tuple(each for each in self.assigned if each.nothing_because)


def read_holdings(admin: Connection, user: User) -> Holdings:
    """Read everything a user holds: assigned sets and groups (muting applied), and the profile's own set.

    Five calls as a rule, and one for each further page of rows. Raises RequestRefused.
    """
    admin.learn_fields(*HOLDING_OBJECTS)
    assigned = read_assigned(admin, user)
    gathered = PermissionRows(rows=assigned.rows)
    sets = read_sets(admin, _all_sets(assigned), gathered)
    assignments = assignments_of(assigned, sets, user, lambda: admin.now)
    giving = {each.given_id: each for each in assignments if not each.nothing_because}
    members = {
        group: [one for one in assigned.components.get(group, ()) if _counts(sets.get(one), user)]
        for group in assigned.groups
        if group in giving
    }
    own = [assigned.own_set] if assigned.own_set in sets else []
    direct = [one for one in sorted(assigned.sets) if one in giving]
    parents = sorted({*own, *direct, *(one for each in members.values() for one in each)})
    computed = sorted(str(row["PermissionSetId"]) for row in assigned.groups.values())
    read_rows(admin, parents, gathered, counted=computed)
    singles = [_single(sets[one], giving.get(one), gathered) for one in (*own, *direct)]
    groups = [_group(giving[one], members[one], sets, gathered) for one in sorted(members)]
    return Holdings(
        sources=(*singles, *groups),
        setup_ids=gathered.names.ids,
        assigned=assignments,
        rows=gathered.rows,
        pages=gathered.pages,
        unnamed=gathered.names.unnamed,
        stale=tuple(stale_groups(assigned, groups, sets, gathered)),
    )


def read_profile(admin: Connection, profile_id: str) -> Access:
    """What a profile gives by itself."""
    admin.learn_fields("PermissionSet", "ObjectPermissions")
    own = f"IsOwnedByProfile = true AND {equals('ProfileId', profile_id)}"
    ids = sorted(str(row["Id"]) for row in admin.query(select("PermissionSet", ("Id",), where=own, order="Id")))
    gathered = PermissionRows()
    read_sets(admin, ids, gathered)
    read_rows(admin, ids, gathered)
    return union(map(gathered.access, ids))


def _all_sets(assigned: Assigned) -> list[str]:
    members = {one for each in assigned.components.values() for one in each}
    computed = {str(row["PermissionSetId"]) for row in assigned.groups.values()}
    return sorted({*assigned.sets, *members, *computed, *([assigned.own_set] if assigned.own_set else [])})


def _counts(row: Mapping[str, Any] | None, user: User) -> bool:
    """Whether a component of a group gives or mutes anything: a set bound to a license that is not held does not."""
    return row is not None and row.get("LicenseId") in (None, *user.license_ids)


def _single(row: Mapping[str, Any], assignment: Assignment | None, gathered: PermissionRows) -> Source:
    owned = bool(row["IsOwnedByProfile"])
    profile = str((row["Profile"] or {}).get("Name", row["Label"]))
    return Source(
        kind="profile" if owned else "permission-set",
        id=str(row["Id"]),
        name=profile if owned else str(row["Name"]),
        label=profile if owned else str(row["Label"]),
        license=(row["License"] or {}).get("Name"),
        access=gathered.access(str(row["Id"])),
        implied=gathered.implied.get(str(row["Id"]), {}),
        assignment=assignment,
        sets={} if owned else {str(row["Id"]): _full_name(row)},
    )


def _group(
    assignment: Assignment,
    members: Sequence[str],
    sets: Mapping[str, Mapping[str, Any]],
    gathered: PermissionRows,
) -> Source:
    given = [one for one in members if not one.startswith(MUTING)]
    muting = [one for one in members if one.startswith(MUTING)]
    return Source(
        kind="permission-set-group",
        id=assignment.given_id,
        name=assignment.name,
        label=assignment.label,
        license=None,
        access=mute(union(map(gathered.access, given)), union(map(gathered.access, muting))),
        implied=merged(gathered.implied.get(one, {}) for one in given),
        assignment=assignment,
        sets={one: _full_name(sets[one]) for one in given},
    )


def _full_name(row: Mapping[str, Any]) -> str:
    """As metadata call it."""
    namespace = row["NamespacePrefix"]
    return f"{namespace}__{row['Name']}" if namespace else str(row["Name"])
