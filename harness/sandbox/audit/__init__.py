"""SetupAuditTrail: a row for each change of setup that a user makes, kept for 180 days.

What loaders and the org itself write leaves no rows: only what happens while somebody acts, see `acting`. The words are
those of lists that administrators of real orgs have published; a change that these lists lack leaves no row.
"""

# ruff: noqa: S608 - SQL is made of the schema's names; every value is bound

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, timedelta
from typing import TYPE_CHECKING

from harness.sandbox.audit.assignments import WRITERS as _ASSIGNMENTS
from harness.sandbox.audit.entry import Change, Entry, Names, Writer
from harness.sandbox.audit.people import WRITERS as _PEOPLE
from harness.sandbox.audit.permissions import WRITERS as _PERMISSIONS
from harness.sandbox.clock import wire_datetime
from harness.sandbox.store import Row

if TYPE_CHECKING:
    from harness.sandbox.org import SandboxOrg
    from harness.sandbox.schema import SObject

_WRITERS: Mapping[str, Writer] = {**_PEOPLE, **_PERMISSIONS, **_ASSIGNMENTS}
_TABLE = "SetupAuditTrail"
_KEPT = timedelta(days=180)


class AuditTrail:
    """The trail of one org. The caller holds the org's lock."""

    def __init__(self, org: SandboxOrg) -> None:
        self._org = org
        self._actor: str | None = None
        self._cleared: date | None = None

    @contextmanager
    def acting(self, user_id: str | None) -> Iterator[None]:
        """Changes of setup in here are this user's; with None they are nobody's and leave no rows."""
        before, self._actor = self._actor, user_id
        try:
            yield
        finally:
            self._actor = before

    def changed(self, sobject: SObject, before: Row | None, after: Row | None) -> None:
        """A row was created (no `before`), changed, or removed (no `after`)."""
        write = None if self._actor is None else _WRITERS.get(sobject.name)
        for entry in write(Names(self._org), Change(before, after)) if write else ():
            self._record(entry)

    def note(self, user_id: str, entry: Entry) -> None:
        """Add a row for what a user did that is no change of a row, such as setting a password."""
        with self._org.transaction(), self.acting(user_id):
            self._record(entry)

    def _record(self, entry: Entry) -> None:
        table = self._org.schema.get(_TABLE)
        if table is None:
            return
        row = {
            "Id": self._org.ids.next(table.key_prefix),
            "Action": entry.action,
            "Section": entry.section,
            "Display": entry.display,
            "CreatedById": self._actor,
            "CreatedDate": wire_datetime(self._org.clock.now()),
        }
        self._org.store.insert(table, row)
        self._clear()

    def _clear(self) -> None:
        """Drop what is too old, once a day."""
        today = self._org.clock.peek().date()
        if self._cleared != today:
            self._cleared = today
            oldest = wire_datetime(self._org.clock.peek() - _KEPT)
            self._org.store.execute(f'DELETE FROM "{_TABLE}" WHERE "CreatedDate" < ?', (oldest,))
