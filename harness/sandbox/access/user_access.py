"""What users may do, told as rows: UserPermissionAccess, UserSetupEntityAccess, UserEntityAccess, UserFieldAccess.

The first two are about the running user and need no permission at all; the others are about the users that the query
names, and about the running user where it names none (Object Reference; Tooling API guide).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from harness.sandbox.access.effective import EffectiveAccess, access_row_id
from harness.sandbox.clock import wire_datetime
from harness.sandbox.describing.definitions import durable_id
from harness.sandbox.ids import long_id, make_id
from harness.sandbox.schema import SObject
from harness.sandbox.store import Row, quote

if TYPE_CHECKING:
    from harness.sandbox.org import SandboxOrg

TABLES = frozenset({"UserPermissionAccess", "UserSetupEntityAccess", "UserEntityAccess", "UserFieldAccess"})

REIFIED: Mapping[str, tuple[str, ...]] = {
    "FieldDefinition": ("EntityDefinitionId", "DurableId"),
    "UserEntityAccess": ("UserId", "DurableId"),
    "UserFieldAccess": ("DurableId",),
}
"""Objects of which no query may ask for all rows: one of these fields must be in its filter."""

_PREFIX = "Permissions"
_USER_ID = re.compile(r"005[0-9A-Za-z]{15}|005[0-9A-Za-z]{12}")
_NAME = re.compile(r"\w+")


class UserAccess:
    """Keeps these tables of one org. Each holds what the last query asked for, and is written anew for another one."""

    def __init__(self, org: SandboxOrg) -> None:
        self._org = org
        self._made: dict[str, tuple[object, ...]] = {}

    def forget_everything(self) -> None:
        """After a rollback, or a change of the schema."""
        self._made.clear()

    def prepare(self, sobject: SObject, access: EffectiveAccess, asked: Iterable[Any]) -> None:
        """Bring a table up to date for a query of a user; `asked` are the values that the query compares with."""
        texts = [str(value) for value in asked]
        if sobject.name == "UserPermissionAccess":
            self._replace(sobject, (access.serial,), self._permissions(sobject, access))
        elif sobject.name == "UserSetupEntityAccess":
            self._replace(sobject, (access.serial,), self._setup_entities(access))
        elif sobject.name == "UserEntityAccess":
            users = self._users(access, texts)
            rows = (row for one in users for row in self._entities(one))
            self._replace(sobject, tuple(one.serial for one in users), rows)
        else:
            users, targets = self._users(access, texts), self._objects(texts)
            rows = (row for one in users for target in targets for row in self._fields(one, target))
            names = tuple(target.name for target in targets)
            self._replace(sobject, (*(one.serial for one in users), *names), rows)

    def _replace(self, sobject: SObject, key: tuple[object, ...], rows: Iterable[Row]) -> None:
        if self._made.get(sobject.name) == key:
            return
        store = self._org.store
        with self._org.transaction():
            store.ensure(sobject)
            store.execute(f"DELETE FROM {quote(sobject.name)}")  # noqa: S608 - a name of the schema, quoted
            for row in rows:
                store.insert(sobject, row)
        self._made[sobject.name] = key

    def _users(self, access: EffectiveAccess, texts: Iterable[str]) -> list[EffectiveAccess]:
        """The users that a query names. Others than oneself are shown to whoever may view setup."""
        named = {long_id(found) for text in texts for found in _USER_ID.findall(text)} - {None}
        if not named or not access.has("ViewSetup"):
            return [access]
        user = self._org.schema.get("User")
        known = [one for one in sorted(filter(None, named)) if user and self._org.store.exists(user, one)]
        return [self._org.book.of(one) for one in known]

    def _objects(self, texts: Iterable[str]) -> list[SObject]:
        """The objects that a query names, each once: a field may have the name of an object in other letters."""
        words = {word for text in texts for word in _NAME.findall(text)}
        named = {one.name: one for word in words if (one := self._org.schema.get(word)) is not None}
        return [named[name] for name in sorted(named)]

    # Rows

    def _permissions(self, sobject: SObject, access: EffectiveAccess) -> Iterator[Row]:
        columns = {
            field.name: int(field.name.removeprefix(_PREFIX) in access.system)
            for field in sobject.fields.values()
            if field.name.startswith(_PREFIX)
        }
        yield {"Id": access_row_id(access.user_id), "LastCacheUpdate": self._now(), **columns}

    def _setup_entities(self, access: EffectiveAccess) -> Iterator[Row]:
        custom = self._org.rows("CustomPermission", Id=access.setup) if access.setup else []
        for number, row in enumerate(custom, start=1):
            yield {
                "Id": make_id("0g2", number),
                "SetupEntityId": row["Id"],
                "KeyPrefix": row["Id"][:3],
                "DeveloperName": row["DeveloperName"],
                "NamespacePrefix": row.get("NamespacePrefix"),
                "LastCacheUpdate": self._now(),
            }

    def _entities(self, access: EffectiveAccess) -> Iterator[Row]:
        may = self._org.dml.may
        for sobject in self._org.schema:
            if sobject.tooling:
                continue
            readable = access.can(sobject, "read")
            edits, deletes = (readable and may(sobject, right, access) for right in ("edit", "delete"))
            yield {
                "Id": f"{sobject.name}.{access.user_id}",
                "DurableId": f"{sobject.name}.{access.user_id}",
                "EntityDefinitionId": sobject.name,
                "UserId": access.user_id,
                "IsReadable": int(readable),
                "IsCreatable": int(readable and may(sobject, "create", access)),
                "IsEditable": int(edits),
                "IsUpdatable": int(edits),
                "IsDeletable": int(deletes),
                "IsUndeletable": int(deletes and not sobject.setup),
                "IsMergeable": int(deletes and sobject.name in ("Account", "Case", "Contact", "Lead")),
                "IsActivateable": 0,
                "IsFlsUpdatable": int(access.has("CustomizeApplication", "ManageProfilesPermissionsets")),
            }

    def _fields(self, access: EffectiveAccess, sobject: SObject) -> Iterator[Row]:
        readable = access.can(sobject, "read")
        may = {right: readable and self._org.dml.may(sobject, right, access) for right in ("create", "edit")}
        for field in sobject.fields.values():
            seen = readable and access.can_read_field(sobject, field)
            edited = seen and access.can_edit_field(sobject, field) and not (field.calculated or field.auto_number)
            durable = durable_id(sobject, field)
            yield {
                "Id": f"{durable}.{access.user_id}",
                "DurableId": f"{durable}.{access.user_id}",
                "EntityDefinitionId": sobject.name,
                "FieldDefinitionId": durable,
                "UserId": access.user_id,
                "IsAccessible": int(seen),
                "IsCreatable": int(edited and field.createable and may["create"]),
                "IsUpdatable": int(edited and field.updateable and may["edit"]),
            }

    def _now(self) -> str:
        return wire_datetime(self._org.clock.peek())
