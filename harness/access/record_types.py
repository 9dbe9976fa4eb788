"""Record types: which ones a user may give to a row, and which one a new row gets by itself.

No table tells it. The user's own describe does, in `recordTypeInfos`; which set gives a record type is told by
metadata. Where the user cannot be asked, metadata alone must do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.access.soql import select

if TYPE_CHECKING:
    from harness.org.connection import Connection

MASTER = "Master"
"""The record type of objects that have no others; it has no row."""
_MASTER_ID = "012000000000000"


@dataclass(frozen=True, slots=True)
class RecordTypes:
    """The record types of a user, in the objects that were asked about."""

    available: frozenset[str] = frozenset()
    """As `Object.DeveloperName`, Master not among them."""
    defaults: Mapping[str, str] = field(default_factory=dict)
    """For each object that has record types, the one a new row gets: its DeveloperName, or `Master`."""


def read_names(admin: Connection) -> dict[str, str]:
    """Every active record type of the org: `Object.DeveloperName` by id. One call. Raises RequestRefused."""
    columns = ("Id", "SobjectType", "DeveloperName", "NamespacePrefix")
    rows = admin.query(select("RecordType", columns, where="IsActive = true", order="Id"))
    return {str(row["Id"]): f"{row['SobjectType']}.{_name(row)}" for row in rows}


def _name(row: Mapping[str, Any]) -> str:
    namespace = row["NamespacePrefix"]
    return f"{namespace}__{row['DeveloperName']}" if namespace else str(row["DeveloperName"])


def objects_with(names: Mapping[str, str], objects: Iterable[str]) -> list[str]:
    """Which of some objects have record types."""
    having = {name.partition(".")[0] for name in names.values()}
    return sorted(having.intersection(objects))


def read_as(user: Connection, names: Mapping[str, str], objects: Sequence[str]) -> RecordTypes:
    """What the user itself is told of its record types, 25 objects a call. Raises RequestRefused."""
    return of_describes(user.describe_many(objects), names)


def of_describes(describes: Mapping[str, Mapping[str, Any]], names: Mapping[str, str]) -> RecordTypes:
    """The record types in describes; `names` are those of `read_names`."""
    available: set[str] = set()
    defaults: dict[str, str] = {}
    for sobject, described in sorted(describes.items()):
        for info in described.get("recordTypeInfos") or ():
            master = str(info["recordTypeId"]).startswith(_MASTER_ID)
            name = MASTER if master else names.get(str(info["recordTypeId"]))
            if name and info["available"] and not master:
                available.add(name)
            if name and info["defaultRecordTypeMapping"]:
                defaults[sobject] = name.removeprefix(f"{sobject}.")
    return RecordTypes(frozenset(available), defaults)


def of_metadata(
    given: Iterable[frozenset[str]], defaults: Mapping[str, str], names: Mapping[str, str], objects: Sequence[str]
) -> RecordTypes:
    """The record types that profile and permission sets make visible, where their user cannot be asked."""
    active = frozenset(names.values())
    available = frozenset(name for each in given for name in each if name in active and name.split(".")[0] in objects)
    told = {sobject: defaults.get(sobject, MASTER) for sobject in objects}
    return RecordTypes(available, told)


def attributed(
    available: frozenset[str], profile: str, given: Mapping[str, frozenset[str]]
) -> dict[str, frozenset[str]]:
    """Which source gives which of them: `given` by source as metadata tell; what none tells is the profile's."""
    found = {source: names & available for source, names in given.items()}
    told = frozenset(name for names in found.values() for name in names)
    found[profile] = found.get(profile, frozenset()) | (available - told)
    return found
