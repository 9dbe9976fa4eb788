"""Which rows sharing shows to a user, and which it lets the user change, as conditions in SQL.

Owner, queue and group ownership, the role hierarchy, the org-wide default, Controlled by Parent, and the View All and
Modify All rights. Setup objects have no sharing, but for those of which everybody sees the rows about themselves.
"""

# ruff: noqa: S608 - SQL is made of the schema's names, quoted; every value is bound

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Literal

from harness.sandbox.access import OWN_ROWS, EffectiveAccess, access_row_id
from harness.sandbox.schema import Field, Schema, SObject
from harness.sandbox.store import Store, quote

Level = Literal["read", "edit"]
Bind = Callable[[Any], str]
"""Keeps a parameter and gives its placeholder."""

_DEEPEST = 4


class Sharing:
    """Conditions on the rows of one org."""

    def __init__(self, schema: Schema, store: Store) -> None:
        self._schema = schema
        self._store = store

    def condition(
        self,
        sobject: SObject,
        alias: str,
        access: EffectiveAccess,
        bind: Bind,
        *,
        level: Level = "read",
        depth: int = 0,
    ) -> str | None:
        """An SQL condition on the table under `alias`, or None where every row is within reach."""
        if sobject.setup:
            return self._own_rows(sobject, alias, access, bind)
        if access.edits_all_rows(sobject) or (level == "read" and access.sees_all_rows(sobject)):
            return None
        if sobject.sharing == "ControlledByParent" or sobject.governed_by:
            return self._by_parents(sobject, alias, access, bind, level=level, depth=depth)
        if sobject.sharing.startswith("ReadWrite") or sobject.sharing == "FullAccess":
            return None
        if sobject.get("OwnerId") is None or (sobject.sharing == "Read" and level == "read"):
            return None
        owners = json.dumps(sorted({access.user_id} | access.groups | access.subordinates))
        return f'{alias}."OwnerId" IN (SELECT value FROM json_each({bind(owners)}))'

    def reaches(self, sobject: SObject, record_id: str, access: EffectiveAccess, *, level: Level) -> bool:
        """Whether one row, which is there, is within reach."""
        parameters: dict[str, Any] = {"id": record_id}

        def bind(value: Any) -> str:
            parameters[f"s{len(parameters)}"] = value
            return f":s{len(parameters) - 1}"

        condition = self.condition(sobject, "t0", access, bind, level=level)
        if condition is None:
            return True
        self._store.ensure(sobject)
        sql = f'SELECT 1 FROM {quote(sobject.name)} t0 WHERE t0."Id" = :id AND {condition}'
        return self._store.execute(sql, parameters).fetchone() is not None

    def _own_rows(self, sobject: SObject, alias: str, access: EffectiveAccess, bind: Bind) -> str | None:
        if sobject.name == "UserPermissionAccess":
            return f'{alias}."Id" = {bind(access_row_id(access.user_id))}'
        if sobject.name == "EntityDefinition":
            seen = json.dumps([one.name for one in self._schema if access.can(one, "read")])
            return f'{alias}."QualifiedApiName" IN (SELECT value FROM json_each({bind(seen)}))'
        column = OWN_ROWS.get(sobject.name)
        if column is None or (sobject.needs_any_of and access.has(*sobject.needs_any_of)):
            return None
        return f"{alias}.{quote(column)} = {bind(access.user_id)}"

    def _by_parents(
        self, sobject: SObject, alias: str, access: EffectiveAccess, bind: Bind, *, level: Level, depth: int
    ) -> str | None:
        conditions = []
        for field, parent in self._controlling(sobject) if depth < _DEEPEST else ():
            self._store.ensure(parent)
            inner = f"{alias}_{depth}"
            condition = self.condition(parent, inner, access, bind, level=level, depth=depth + 1)
            if condition is not None:
                column = f"{alias}.{quote(field.name)}"
                within = f'{column} IN (SELECT {inner}."Id" FROM {quote(parent.name)} {inner} WHERE {condition})'
                conditions.append(f"({column} IS NULL OR {within})")
        return " AND ".join(conditions) or None

    def _controlling(self, sobject: SObject) -> list[tuple[Field, SObject]]:
        candidates = [
            (field, parent)
            for field in sobject.fields.values()
            if field.reference_to
            and (parent := self._schema.get(field.reference_to[0]))
            and not parent.setup
            and parent is not sobject
        ]
        masters = [pair for pair in candidates if pair[0].master_detail]
        governing = [pair for pair in candidates if pair[1].name == sobject.governed_by]
        return (
            masters or governing[:1] or [pair for pair in candidates if pair[1].name == "Account"][:1] or candidates[:1]
        )
