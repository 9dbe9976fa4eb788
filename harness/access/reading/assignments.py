"""Which permission sets and groups are assigned to a user, and of each whether it gives anything, and until when.

An assignment gives nothing once it has expired or was revoked, while the license that the set is bound to is not held,
and, where the set or group is session-based, in every session that has not switched it on (Object Reference,
PermissionSetAssignment and PermissionSet).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from harness.access.reading.asking import try_ask
from harness.access.reading.people import User
from harness.access.soql import equals, select

if TYPE_CHECKING:
    from harness.org.connection import Connection

DESCRIBED = ("PermissionSetAssignment", "PermissionSetGroup")
_COLUMNS = ("Id", "PermissionSetId", "PermissionSetGroupId", "PermissionSet.IsOwnedByProfile")
_LATER = ("ExpirationDate", "IsRevoked")
_GROUP_COLUMNS = ("DeveloperName", "MasterLabel", "Status", "HasActivationRequired")
"""Columns that came with API 52, 57 and 53 are asked for where the org has them."""
UPDATED = "Updated"
"""The status of a group whose own set holds what its components come to."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """One permission set or group that is assigned, the profile's own set not among them."""

    id: str
    """Of the PermissionSetAssignment."""
    given_id: str
    """Of the permission set, or of the group."""
    name: str
    label: str
    expires: datetime | None = None
    nothing_because: str | None = None
    """Why it gives nothing, in words; None where it gives what it holds."""
    ended: bool = False
    """Whether it expired or was revoked: then it gives nothing for good, and not just for now."""

    @property
    def sentence(self) -> str:
        """What a reviewer should know of it; empty where it gives what it holds for good."""
        if self.nothing_because:
            return f"{self.label} is assigned and gives nothing: {self.nothing_because}"
        if self.expires:
            return f"{self.label} gives what it holds until {self.expires:%Y-%m-%d %H:%M} UTC: its assignment expires"
        return ""


@dataclass(frozen=True, slots=True)
class Assigned:
    """The rows of what is assigned."""

    own_set: str | None
    """The id of the set that the profile owns."""
    sets: Mapping[str, Mapping[str, Any]]
    """The assignments of permission sets, by the id of the set."""
    groups: Mapping[str, Mapping[str, Any]]
    """The assignments of groups, by the id of the group; `PermissionSetId` is the set the org computes for it."""
    components: Mapping[str, tuple[str, ...]]
    """The ids of each group's permission sets and muting permission sets."""
    activated: Mapping[str, int]
    """In how many sessions of the user each session-based set is switched on."""
    rows: int


def read_assigned(admin: Connection, user: User) -> Assigned:
    """Read what is assigned. One call, once the objects of `DESCRIBED` are known. Raises RequestRefused."""
    mine = equals("AssigneeId", user.id)
    groups = select("PermissionSetAssignment", ("PermissionSetGroupId",), where=mine)
    own = f"IsOwnedByProfile = true AND {equals('ProfileId', str(user.row['ProfileId']))}"
    queries = [
        select("PermissionSetAssignment", (*_COLUMNS, *_optional(admin)), where=mine, order="Id"),
        select(
            "PermissionSetGroupComponent",
            ("PermissionSetGroupId", "PermissionSetId"),
            where=f"PermissionSetGroupId IN ({groups})",
            order="Id",
        ),
        select("PermissionSet", ("Id",), where=own, order="Id"),
        select("SessionPermSetActivation", ("PermissionSetId",), where=equals("UserId", user.id), order="Id"),
    ]
    *needed, sessions = try_ask(admin, queries)
    told = [found if found is not None else admin.query(soql) for soql, found in zip(queries, needed, strict=False)]
    rows, components, owned = told
    return Assigned(
        own_set=str(owned[0]["Id"]) if owned else None,
        sets={
            str(row["PermissionSetId"]): row
            for row in rows
            if not row["PermissionSetGroupId"] and not (row["PermissionSet"] or {}).get("IsOwnedByProfile")
        },
        groups={str(row["PermissionSetGroupId"]): row for row in rows if row["PermissionSetGroupId"]},
        components=_by_group(components),
        activated=_counted(sessions or ()),
        rows=len(rows) + len(components),
    )


def _optional(admin: Connection) -> Iterator[str]:
    of_row, of_group = ({str(each["name"]) for each in admin.fields_of(name)} for name in DESCRIBED)
    yield from (name for name in _LATER if name in of_row)
    yield from (f"PermissionSetGroup.{name}" for name in _GROUP_COLUMNS if name in of_group)


def _by_group(rows: Sequence[Mapping[str, Any]]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for row in rows:
        group = str(row["PermissionSetGroupId"])
        found[group] = (*found.get(group, ()), str(row["PermissionSetId"]))
    return found


def _counted(rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for row in rows:
        found[str(row["PermissionSetId"])] = found.get(str(row["PermissionSetId"]), 0) + 1
    return found


def assignments_of(
    assigned: Assigned, sets: Mapping[str, Mapping[str, Any]], user: User, now: Callable[[], datetime]
) -> tuple[Assignment, ...]:
    """What is assigned, one by one, in the order of ids. The time is asked for only where something expires."""
    found = [*_of_sets(assigned, sets, user), *_of_groups(assigned)]
    expiring = any(each.expires for each in found)
    told = (_expired(each, now()) if each.expires else each for each in found) if expiring else found
    return tuple(sorted(told, key=lambda each: each.given_id))


def _of_sets(assigned: Assigned, sets: Mapping[str, Mapping[str, Any]], user: User) -> Iterator[Assignment]:
    for set_id, row in assigned.sets.items():
        if set_id in sets:
            names = str(sets[set_id]["Name"]), str(sets[set_id]["Label"])
            why = _asleep(sets[set_id], user, assigned.activated.get(set_id, 0))
            yield _assignment(row, set_id, names, why)


def _of_groups(assigned: Assigned) -> Iterator[Assignment]:
    for group_id, row in assigned.groups.items():
        group = row.get("PermissionSetGroup") or {}
        names = str(group.get("DeveloperName")), str(group.get("MasterLabel"))
        sessions = assigned.activated.get(str(row["PermissionSetId"]), 0)
        yield _assignment(row, group_id, names, _session(sessions) if group.get("HasActivationRequired") else None)


def _assignment(row: Mapping[str, Any], given_id: str, names: tuple[str, str], asleep: str | None) -> Assignment:
    revoked = bool(row.get("IsRevoked"))
    why = "the assignment was revoked" if revoked else asleep
    return Assignment(str(row["Id"]), given_id, *names, _moment(row.get("ExpirationDate")), why, revoked)


def _expired(assignment: Assignment, now: datetime) -> Assignment:
    if assignment.expires is None or assignment.expires > now:
        return assignment
    return replace(assignment, nothing_because=f"the assignment expired on {assignment.expires:%Y-%m-%d}", ended=True)


def _asleep(row: Mapping[str, Any], user: User, sessions: int) -> str | None:
    if row["LicenseId"] not in (None, *user.license_ids):
        name = (row["License"] or {}).get("Name") or row["LicenseId"]
        return f"it is bound to the license {name}, which the user does not hold"
    return _session(sessions) if row["HasActivationRequired"] else None


def _session(sessions: int) -> str:
    where = f"in {sessions} of the user's sessions alone" if sessions else "in no session of the user"
    return f"it is session-based, and switched on {where}"


def _moment(text: Any) -> datetime | None:
    return datetime.fromisoformat(str(text)) if text else None
