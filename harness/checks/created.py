"""A created row, read back: what the org gave it unasked."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.org.connection import Connection

ITSELF = "the user itself"
"""In place of the acting user's own id: each user owns what it makes."""
ALWAYS = ("OwnerId", "RecordTypeId")
MASTER = "Master"


def read_back(connection: Connection, sobject: str, record_id: str, sent: Collection[str]) -> dict[str, str]:
    """What a row holds that was not sent, read as the user who created it: its owner, its record type, its defaults.

    Only what could have been sent: audit fields and formulas are the org's own. Nothing when the row cannot be read.
    One call.
    """
    asked = [{"method": "GET", "url": f"sobjects/{sobject}/{what}"} for what in (record_id, "describe")]
    reply, described = connection.composite(asked, all_or_none=False)
    if not (reply.ok and described.ok):
        return {}
    given = {name.casefold() for name in sent}
    fields = {each["name"] for each in described.body["fields"] if each["createable"] or each["name"] in ALWAYS}
    record_types = {str(each["recordTypeId"]): each["developerName"] for each in described.body["recordTypeInfos"]}
    row: Mapping[str, Any] = reply.body
    return {
        name: _word(name, row[name], connection.user_id, record_types)
        for name in sorted(fields & row.keys())
        if name.casefold() not in given and (row[name] is not None or name in ALWAYS)
    }


def _word(name: str, value: Any, user_id: str, record_types: Mapping[str, str]) -> str:
    if value == user_id:
        return ITSELF
    if name == "RecordTypeId":
        return MASTER if value is None else record_types.get(str(value), str(value))
    return str(value)
