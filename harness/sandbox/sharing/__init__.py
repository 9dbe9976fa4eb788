"""Which rows sharing shows to a user, and what it lets the user do with them.

`Sharing` answers for one org, with conditions in SQL that `rows.py` writes. Setup objects have no sharing, but for
those of which everybody sees the rows about themselves, and users where the org keeps them private.
"""

# ruff: noqa: S608 - SQL is made of the schema's names, quoted; every value is bound

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from harness.sandbox.access.effective import OWN_ROWS, EffectiveAccess, access_row_id
from harness.sandbox.schema import Schema, SharingRule, SObject
from harness.sandbox.sharing.circles import Circle, CircleBook
from harness.sandbox.sharing.criteria import Bind
from harness.sandbox.sharing.levels import Level, default_level
from harness.sandbox.sharing.rows import Asker, Rows
from harness.sandbox.store import Store, quote

__all__ = ["Bind", "Level", "Sharing"]

_TRANSFER_RIGHTS = {"Lead": "TransferAnyLead", "Case": "TransferAnyCase"}
_PERMISSIONS = frozenset({"FieldPermissions", "ObjectPermissions"})
_SEE_ALL_USERS = ("ViewAllUsers", "ManageUsers", "ViewAllData", "ModifyAllData")


class Sharing:
    """Sharing in one org."""

    def __init__(self, schema: Schema, store: Store) -> None:
        self._schema = schema
        self._store = store
        self._circles = CircleBook(schema, store)
        self._rows = Rows(schema, store, self._circles)
        self.hidden_names: Callable[[EffectiveAccess], tuple[list[str], list[str]]] | None = None
        """The objects and fields whose permission rows a user does not see; None: every row is seen."""

    def condition(
        self, sobject: SObject, alias: str, access: EffectiveAccess, bind: Bind, *, level: Level = "read"
    ) -> str | None:
        """An SQL condition on the table under `alias`, or None where every row is within reach."""
        asker = Asker(access, self._circles.of(access), bind)
        if sobject.setup:
            return self._own_rows(sobject, alias, asker)
        return self._rows.condition(sobject, alias, asker, level)

    def reaches(self, sobject: SObject, record_id: str, access: EffectiveAccess, *, level: Level) -> bool:
        """Whether one row, which is there, is within reach."""
        return bool(self.reached(sobject, [record_id], access, level=level))

    def reached(
        self, sobject: SObject, record_ids: Iterable[str], access: EffectiveAccess, *, level: Level
    ) -> frozenset[str]:
        """Which of these rows, which are there, are within reach."""
        asked = sorted(set(record_ids))
        parameters, bind = _parameters()
        among = f't0."Id" IN (SELECT value FROM json_each({bind(json.dumps(asked))}))'
        condition = self.condition(sobject, "t0", access, bind, level=level)
        if condition is None:
            return frozenset(asked)
        self._store.ensure(sobject)
        sql = f'SELECT t0."Id" FROM {quote(sobject.name)} t0 WHERE {among} AND {condition}'
        return frozenset(row[0] for row in self._store.execute(sql, parameters))

    def transfers(self, sobject: SObject, record_id: str, access: EffectiveAccess) -> bool:
        """Whether the user may give a row to another owner.

        That needs full access, or edit access and either the permission to transfer or an org-wide default that says so
        (Salesforce Help, "Permissions for Changing Record Owners").
        """
        if self.reaches(sobject, record_id, access, level="full"):
            return True
        may = sobject.sharing == "ReadWriteTransfer" or access.has(
            "TransferAnyEntity", *filter(None, [_TRANSFER_RIGHTS.get(sobject.name)])
        )
        return may and self.reaches(sobject, record_id, access, level="edit")

    def rows_of_rule(self, sobject: SObject, rule: SharingRule) -> list[str]:
        """The ids of the rows that a sharing rule shares."""
        parameters, bind = _parameters()
        condition = self._rows.rule(sobject, "t0", rule, bind)
        sql = f'SELECT t0."Id" FROM {quote(sobject.name)} t0 WHERE t0."IsDeleted" = 0 AND {condition} ORDER BY 1'
        return [row[0] for row in self._store.execute(sql, parameters)]

    def circle(self, sobject: SObject, access: EffectiveAccess) -> Circle:
        """As whom a user acts when rows of the object are shared."""
        return self._circles.of(access).of(hierarchies=sobject.hierarchies)

    def _permission_rows(self, sobject: SObject, alias: str, asker: Asker) -> str | None:
        """Rows about what the user does not see are left out (Object Reference, FieldPermissions)."""
        assert self.hidden_names is not None
        objects, fields = self.hidden_names(asker.access)
        conditions = []
        if objects:
            among = f"(SELECT value FROM json_each({asker.bind(json.dumps(objects))}))"
            conditions.append(f'{alias}."SobjectType" NOT IN {among}')
        if fields and sobject.name == "FieldPermissions":
            among = f"(SELECT value FROM json_each({asker.bind(json.dumps(fields))}))"
            conditions.append(f'{alias}."Field" NOT IN {among}')
        return " AND ".join(conditions) or None

    def _own_rows(self, sobject: SObject, alias: str, asker: Asker) -> str | None:
        access, bind = asker.access, asker.bind
        if sobject.name == "UserPermissionAccess":
            return f'{alias}."Id" = {bind(access_row_id(access.user_id))}'
        if sobject.name in _PERMISSIONS and self.hidden_names is not None:
            return self._permission_rows(sobject, alias, asker)
        if sobject.name == "EntityDefinition":
            seen = json.dumps([one.name for one in self._schema if access.can(one, "read")])
            return f'{alias}."QualifiedApiName" IN (SELECT value FROM json_each({bind(seen)}))'
        if sobject.name == "User" and default_level(sobject) is None and not access.has(*_SEE_ALL_USERS):
            return f'{alias}."Id" IN {asker.members(asker.circles.wide)}'
        column = OWN_ROWS.get(sobject.name)
        if column is None or (sobject.needs_any_of and access.has(*sobject.needs_any_of)):
            return None
        return f"{alias}.{quote(column)} = {bind(access.user_id)}"


def _parameters() -> tuple[dict[str, Any], Bind]:
    """Where parameters go, and what puts them there."""
    parameters: dict[str, Any] = {}

    def bind(value: Any) -> str:
        parameters[f"s{len(parameters)}"] = value
        return f":s{len(parameters) - 1}"

    return parameters, bind
