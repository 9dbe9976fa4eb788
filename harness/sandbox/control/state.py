"""The whole state of a simulated org as canonical JSON, and what is different in another one.

`{"time": iso, "rows": {object: {id: {field: value}}}}`, sorted. What is null or false is left out, as are tables that
follow from others. Secrets do not appear: most are no rows, and columns that hold some are left out.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from harness.sandbox.objects.sharing import DERIVED_CAUSES

if TYPE_CHECKING:
    from harness.sandbox.org import SandboxOrg
    from harness.sandbox.schema import SObject
    from harness.sandbox.store import Row

State = Mapping[str, Any]

_SECRETS = {"OauthToken": frozenset({"AccessToken", "DeleteToken", "RequestToken"})}
"""Columns of rows that are good for something, and other ones in every run."""


def state_of(org: SandboxOrg) -> dict[str, Any]:
    """The state now."""
    with org.lock:
        org.derived.prepare_stored()
        rows = {
            sobject.name: {row["Id"]: _shown(row, _SECRETS.get(sobject.name, frozenset())) for row in found}
            for sobject in sorted(org.schema, key=lambda one: one.name)
            if sobject.name not in org.derived.computed and (found := _kept_rows(org, sobject))
        }
        return {"time": org.clock.peek().isoformat(), "rows": rows}


def _kept_rows(org: SandboxOrg, sobject: SObject) -> list[Row]:
    """All rows but the shares that follow from owners and rules."""
    return [
        row
        for row in org.store.select(sobject, {}, deleted=True)
        if not sobject.share_of or row["RowCause"] not in DERIVED_CAUSES
    ]


def _shown(row: Row, secret: Collection[str]) -> dict[str, Any]:
    return {name: row[name] for name in sorted(row) if row[name] not in (None, False) and name not in secret}


def difference(before: State, after: State) -> list[dict[str, Any]]:
    """What became of the rows: `{"object", "id", "change": "created", "fields": {name: [before, after]}}`, each.

    Raises ValueError for what is no state.
    """
    old, new = _rows(before), _rows(after)
    return [
        {"object": name, "id": record_id, "change": _change(one, other), "fields": fields}
        for name in sorted({*old, *new})
        for record_id in sorted({*old.get(name, {}), *new.get(name, {})})
        if (fields := _fields(one := old.get(name, {}).get(record_id), other := new.get(name, {}).get(record_id)))
    ]


def _rows(state: State) -> Mapping[str, Mapping[str, Mapping[str, Any]]]:
    rows = state.get("rows") if isinstance(state, Mapping) else None
    if not isinstance(rows, Mapping) or not all(
        isinstance(table, Mapping) and all(isinstance(row, Mapping) for row in table.values())
        for table in rows.values()
    ):
        raise ValueError('a state is {"time": iso, "rows": {object: {id: {field: value}}}}')
    return rows


def _change(one: object, other: object) -> str:
    if one is None:
        return "created"
    return "deleted" if other is None else "changed"


def _fields(one: Mapping[str, Any] | None, other: Mapping[str, Any] | None) -> dict[str, list[Any]]:
    old, new = one or {}, other or {}
    return {name: [old.get(name), new.get(name)] for name in sorted({*old, *new}) if old.get(name) != new.get(name)}
