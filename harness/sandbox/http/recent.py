"""Rows that a user has used last (REST guide, "Recently Viewed Items", "sObject Basic Information").

Rows read, written or made by id count; those found by a query do not. `Sforce-Mru: updateMru=false` keeps a row out.
"""

from __future__ import annotations

import re
from typing import Any

from harness.sandbox.errors import ApiError
from harness.sandbox.http.call import Call
from harness.sandbox.http.wire import Answer
from harness.sandbox.ids import long_id
from harness.sandbox.schema import SObject

_OFF = re.compile(r"updateMru\s*=\s*false", re.IGNORECASE)
_MOST = 200


def touch(call: Call, name: str, record_id: str) -> None:
    """Remember a row of an object that shows in recent items."""
    sobject, key = call.org.schema.get(name), long_id(record_id)
    if sobject is None or key is None or sobject.setup or _OFF.search(call.headers.get("sforce-mru", "")):
        return
    call.desk.touch(call.user_id, sobject.name, key)


def recent(call: Call) -> Answer:
    """`GET recent?limit=N`: the rows, the last one first."""
    text = call.params.get("limit", str(_MOST))
    if not (text.isascii() and text.isdigit()) or not 1 <= int(text) <= _MOST:
        raise ApiError(400, "INVALID_PARAMETER_VALUE", f"limit must be a number from 1 to {_MOST}")
    return Answer(200, items(call)[: int(text)])


def items(call: Call, only: str | None = None) -> list[dict[str, Any]]:
    """The rows that are still there for the user, the last one first; of one object or of all."""
    by_object: dict[str, list[str]] = {}
    used = call.desk.recent[call.user_id]
    for record_id, name in used.items():
        if only is None or name == only:
            by_object.setdefault(name, []).append(record_id)
    found = {row["Id"]: row for name, ids in by_object.items() for row in _rows(call, name, ids)}
    return [found[record_id] for record_id in reversed(used) if record_id in found]


def _rows(call: Call, name: str, ids: list[str]) -> list[dict[str, Any]]:
    sobject = call.org.schema.get(name)
    if sobject is None or not call.org.permissions_of(call.user_id).can(sobject, "read"):
        return []
    listed = ", ".join(f"'{record_id}'" for record_id in ids)
    soql = f"SELECT {', '.join(_shown(sobject))} FROM {sobject.name} WHERE Id IN ({listed})"  # noqa: S608 - SOQL, ids of rows
    return call.org.query(soql, as_user=call.user_id, version=call.version).records


def _shown(sobject: SObject) -> list[str]:
    return ["Id", *(field.name for field in sobject.fields.values() if field.name_field)][:2]
