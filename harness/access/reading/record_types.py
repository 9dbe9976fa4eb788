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
_PERSON = "IsPersonType"
_PERSON_ACCOUNT = "PersonAccount"


@dataclass(frozen=True, slots=True)
class RecordTypes:
    """The record types of a user, in the objects that were asked about."""

    available: frozenset[str] = frozenset()
    """As `Object.DeveloperName`, Master not among them."""
    defaults: Mapping[str, str] = field(default_factory=dict)
    """For each object that has record types, the one a new row gets: its DeveloperName, or `Master`."""


def read_names(admin: Connection) -> dict[str, str]:
    """Every active record type of the org: `Object.DeveloperName` by id, as metadata name it. Two calls.

    Those of person accounts are told apart as `PersonAccount.DeveloperName`; only an org that has them has the column.
    Raises RequestRefused.
    """
    known = {str(each["name"]) for each in admin.fields_of("RecordType")}
    columns = ("Id", "SobjectType", "DeveloperName", "NamespacePrefix", *(name for name in (_PERSON,) if name in known))
    rows = admin.query(select("RecordType", columns, where="IsActive = true", order="Id"))
    return {str(row["Id"]): _full_name(row) for row in rows}


def _full_name(row: Mapping[str, Any]) -> str:
    owner = _PERSON_ACCOUNT if row.get(_PERSON) else row["SobjectType"]
    namespace = f"{row['NamespacePrefix']}__" if row["NamespacePrefix"] else ""
    return f"{owner}.{namespace}{row['DeveloperName']}"


def object_of(name: str) -> str:
    """The object whose rows have a record type of this full name."""
    owner = name.partition(".")[0]
    return "Account" if owner == _PERSON_ACCOUNT else owner


def objects_with(names: Mapping[str, str], objects: Iterable[str]) -> list[str]:
    """Which of some objects have record types."""
    return sorted({object_of(name) for name in names.values()}.intersection(objects))


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
                defaults[sobject] = name.rpartition(".")[2]
    return RecordTypes(frozenset(available), defaults)


def of_metadata(
    given: Iterable[frozenset[str]], defaults: Mapping[str, str], names: Mapping[str, str], objects: Sequence[str]
) -> RecordTypes:
    """The record types that profile and permission sets make visible, where their user cannot be asked."""
    active = frozenset(names.values())
    available = frozenset(name for each in given for name in each if name in active and object_of(name) in objects)
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
