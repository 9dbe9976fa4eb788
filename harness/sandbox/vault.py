"""What an org knows and never tells: private tables beside the sObject tables, outside every query's reach.

Passwords, security tokens, consumer secrets, private keys and sessions live here, in the same database as the rows, so
that a state file carries them and a rolled back transaction takes them back.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.sandbox.org import SandboxOrg

_DRAWERS = ("apex_rest", "app", "metadata", "oauth_token", "one_time", "policy", "refresh_token", "session", "user")


class Drawer:
    """One private table: a key to a small JSON object, in the order of first insertion."""

    def __init__(self, org: SandboxOrg, name: str) -> None:
        if name not in _DRAWERS:
            raise ValueError(f"no private table {name!r}")
        self._execute = org.store.execute
        self._lock = org.lock
        self._table = f"private_{name}"
        with self._lock:
            org.store.ensure_private(self._table, "key TEXT PRIMARY KEY, value TEXT NOT NULL")

    def get(self, key: str) -> dict[str, Any] | None:
        """The object under that key, or None."""
        with self._lock:
            found = self._execute(
                f"SELECT value FROM {self._table} WHERE key = ?",  # noqa: S608 - one of _DRAWERS
                (key,),
            ).fetchone()
        return None if found is None else dict(json.loads(found[0]))

    def put(self, key: str, value: dict[str, Any]) -> None:
        """Store an object; one that is there keeps its place in the order."""
        with self._lock:
            self._execute(
                f"INSERT INTO {self._table} (key, value) VALUES (?, ?) "  # noqa: S608 - one of _DRAWERS
                "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                (key, json.dumps(value)),
            )

    def remove(self, key: str) -> None:
        """Forget a key; an unknown one is no error."""
        with self._lock:
            self._execute(f"DELETE FROM {self._table} WHERE key = ?", (key,))  # noqa: S608 - as above

    def __iter__(self) -> Iterator[tuple[str, dict[str, Any]]]:
        with self._lock:
            rows = self._execute(
                f"SELECT key, value FROM {self._table} ORDER BY rowid"  # noqa: S608 - one of _DRAWERS
            ).fetchall()
        return iter([(key, json.loads(value)) for key, value in rows])
