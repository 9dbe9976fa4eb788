"""Which record types the rows that an integration creates have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from harness.access.model import Access
from harness.access.reading.asking import try_ask
from harness.access.soql import among, batches, select
from harness.access.use.needs import Need, Needs

if TYPE_CHECKING:
    from harness.org.connection import Connection

UNSAID = "~"
"""A row created without a record type."""


def used_record_types(admin: Connection, needs: Needs, granted: Access, defaults: Mapping[str, str]) -> None:
    """Add the record types that are written, and the default one where none was written.

    `defaults` are the source user's, by object; where the default is not known, every one it may use is kept.
    """
    names = _names(admin, {each for ids in needs.record_types.values() for each in ids if each != UNSAID})
    for sobject, ids in sorted(needs.record_types.items()):
        for record_type, places in sorted(ids.items()):
            for name in _meant(sobject, record_type, names, granted, defaults):
                needs.soft.setdefault(Need("record-type", name, "held"), {}).update(places)


def _meant(
    sobject: str, record_type: str, names: Mapping[str, str], granted: Access, defaults: Mapping[str, str]
) -> list[str]:
    if record_type[:15] in names:
        return [names[record_type[:15]]]
    default = defaults.get(sobject)
    if record_type == UNSAID and default is not None:
        return [f"{sobject}.{default}"] if default != "Master" else []
    return sorted(name for name in granted.record_types if name.startswith(f"{sobject}."))


def _names(admin: Connection, ids: set[str]) -> dict[str, str]:
    """Record types as `Object.DeveloperName`, by the first 15 characters of their ids."""
    columns = ("Id", "SobjectType", "DeveloperName")
    queries = [select("RecordType", columns, where=among("Id", batch), order="Id") for batch in batches(sorted(ids))]
    return {
        str(row["Id"])[:15]: f"{row['SobjectType']}.{row['DeveloperName']}"
        for rows in (try_ask(admin, queries) if ids else ())
        for row in rows or ()
    }
