"""Permission set groups are computed some time after the change that calls for it.

A change of a group's components, or of what these or its muting set hold, makes the group Outdated; then it is
Updating, and Updated once its computed permission set, which is what its users get, has been written anew (Object
Reference, PermissionSetGroup, `Status`). How long that takes is a switch. The simulated clock hardly moves alone, so a
query of PermissionSetGroup counts as a second of it: whoever polls gets there.
"""

# ruff: noqa: S608 - SQL is made of the schema's names, quoted; every value is bound

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from harness.sandbox.access.contents import OBJECT_RIGHTS, Content
from harness.sandbox.rules.base import Rules
from harness.sandbox.rules.groups import complete_group
from harness.sandbox.store import Row, quote

if TYPE_CHECKING:
    from harness.sandbox.org import SandboxOrg

POLL = timedelta(seconds=1)
"""How much of the waiting a query of the groups takes off."""

_STATE = "recalculations"
_PERMISSIONS = ("ObjectPermissions", "FieldPermissions", "SetupEntityAccess")
_PREFIX = "Permissions"


class Recalculation:
    """The groups of one org that wait for their computation, with the moment it is done."""

    def __init__(self, org: SandboxOrg) -> None:
        self._org = org
        self._waiting: dict[str, datetime] = {}
        self._groups_of: dict[str, set[str]] | None = None
        self.reload()

    def reload(self) -> None:
        """Read again what is kept with the rows, after a rollback or a restore."""
        kept = self._org.store.load_state(_STATE) or {}
        self._waiting = {group_id: datetime.fromisoformat(moment) for group_id, moment in kept.items()}
        self._groups_of = None

    def row_changed(self, name: str, *rows: Row) -> None:
        """A row of an object was written: `rows` are its states before and after."""
        if name == "PermissionSetGroupComponent":
            self._groups_of = None
            for row in rows:
                self._mark(str(row["PermissionSetGroupId"]))
        elif name in _PERMISSIONS:
            self._mark_groups_of({str(row["ParentId"]) for row in rows})
        elif name in ("PermissionSet", "MutingPermissionSet"):
            self._mark_groups_of({str(row["Id"]) for row in rows})

    def _mark_groups_of(self, set_ids: set[str]) -> None:
        if self._groups_of is None:
            self._groups_of = {}
            for row in self._rows("PermissionSetGroupComponent"):
                self._groups_of.setdefault(str(row["PermissionSetId"]), set()).add(str(row["PermissionSetGroupId"]))
        for set_id in set_ids:
            for group_id in sorted(self._groups_of.get(set_id, ())):
                self._mark(group_id)

    def _mark(self, group_id: str) -> None:
        """What somebody does through the API takes its time; what a loader does is there at once."""
        now = self._org.clock.peek()
        seconds = self._org.switches.group_recalculation_seconds if self._org.dml.acting else 0
        due = now + timedelta(seconds=seconds)
        before = self._waiting.get(group_id)
        if before is not None and due - before < POLL / 2:
            return
        self._waiting[group_id] = due
        self._keep()
        self._set_status(group_id, "Outdated")

    # As time goes by

    def settle(self) -> None:
        """Compute the groups whose time has come."""
        if not self._waiting:
            return
        now = self._org.clock.peek()
        half = timedelta(seconds=self._org.switches.group_recalculation_seconds / 2)
        done = sorted(group_id for group_id, due in self._waiting.items() if due <= now)
        for group_id, due in self._waiting.items():
            if group_id not in done and due - half <= now:
                self._set_status(group_id, "Updating")
        if done:
            for group_id in done:
                del self._waiting[group_id]
            with self._org.transaction():
                self._keep()
                for group_id in done:
                    self._compute(group_id)

    def looked_at(self) -> None:
        """A query of the groups takes something off the waiting of them all."""
        if self._waiting:
            self._waiting = {group_id: due - POLL for group_id, due in self._waiting.items()}
            self._keep()

    def _keep(self) -> None:
        state = {group_id: due.isoformat() for group_id, due in self._waiting.items()}
        self._org.store.save_state(_STATE, state)

    def _set_status(self, group_id: str, status: str) -> None:
        sobject = self._org.schema.get("PermissionSetGroup")
        if sobject is not None and sobject.get("Status"):
            self._org.store.update(sobject, group_id, {"Status": status})

    # Computing

    def _compute(self, group_id: str) -> None:
        org = self._org
        group = org.row("PermissionSetGroup", group_id)
        if group is None:
            return
        complete_group(Rules(org), group)
        computed = self._rows("PermissionSet", PermissionSetGroupId=group_id)
        if computed:
            self._write(computed[0], org.book.group_content(group_id))
            org.book.forget_sets({str(computed[0]["Id"])})
            for name in ("PermissionSet", *_PERMISSIONS):
                org.derived.row_changed(name)
        self._set_status(group_id, "Updated")

    def _write(self, computed: Row, content: Content) -> None:
        org, set_id = self._org, computed["Id"]
        permission_set = org.schema.get("PermissionSet")
        assert permission_set is not None
        granted = {name: int(name[len(_PREFIX) :] in content.system) for name in computed if name.startswith(_PREFIX)}
        org.store.update(permission_set, set_id, granted)
        for name, rows in zip(_PERMISSIONS, self._rows_of(content), strict=True):
            sobject = org.schema.get(name)
            if sobject is not None:
                org.store.ensure(sobject)
                org.store.execute(f'DELETE FROM {quote(name)} WHERE "ParentId" = ?', (set_id,))
                for row in rows:
                    org.store.insert(sobject, {"Id": org.ids.next(sobject.key_prefix), "ParentId": set_id, **row})

    def _rows_of(self, content: Content) -> tuple[list[Row], list[Row], list[Row]]:
        objects = [
            {"SobjectType": sobject.name, **{column: int(right in rights) for right, column in self._rights()}}
            for name, rights in sorted(content.objects.items())
            if (sobject := self._org.schema.get(name)) is not None
        ]
        fields = []
        for name in sorted(content.readable):
            found = self._org.permission_names.field(name)
            if found:
                named = {"SobjectType": found[0].name, "Field": f"{found[0].name}.{found[1].name}"}
                fields.append({**named, "PermissionsRead": 1, "PermissionsEdit": int(name in content.editable)})
        entities = [
            {
                "SetupEntityId": one,
                "SetupEntityType": target.name if (target := self._org.schema.of_prefix(one[:3])) else None,
            }
            for one in sorted(content.setup)
        ]
        return objects, fields, entities

    def _rights(self) -> Iterator[tuple[str, str]]:
        sobject = self._org.schema.get("ObjectPermissions")
        for right, column in OBJECT_RIGHTS.items():
            if sobject and sobject.get(column):
                yield right, column

    def _rows(self, name: str, **equals: str) -> list[Row]:
        return self._org.rows(name, **equals) if self._org.schema.get(name) else []
