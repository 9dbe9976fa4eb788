"""Rows in SQLite: one table for each sObject, made when it is first touched, with savepoints and soft delete.

Values are kept as the API shows them: ids with 18 characters, dates and times as text that sorts; booleans are 0 and 1.
Text columns compare without regard to case, as SOQL does.
"""

# ruff: noqa: S608 - SQL is made of the schema's names, quoted; every value is bound

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from harness.sandbox.schema import Field, Schema, SObject

Row = dict[str, Any]

_AFFINITY = {"boolean": "INTEGER", "int": "INTEGER", "double": "REAL", "currency": "REAL", "percent": "REAL"}
COMPOUND_TYPES = frozenset({"address", "location"})
"""Types without a column of their own: the value is made of the parts."""
_KEYS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "FieldPermissions": (("ParentId", "Field"), ("SobjectType",)),
    "ObjectPermissions": (("ParentId", "SobjectType"), ("SobjectType",)),
    "PermissionSetAssignment": (("AssigneeId", "PermissionSetId"),),
    "PermissionSetLicenseAssign": (("AssigneeId", "PermissionSetLicenseId"),),
    "SetupEntityAccess": (("ParentId", "SetupEntityId"), ("SetupEntityId",)),
    "GroupMember": (("GroupId", "UserOrGroupId"), ("UserOrGroupId",)),
    "User": (("Username",),),
    "LoginHistory": (("UserId", "LoginTime"),),
    "PermissionSetTabSetting": (("ParentId", "Name"),),
}
"""Indexes beside those of references, unique fields and names."""
_ROLLBACK_JOURNAL = b"\1\1"
"""Bytes 18 and 19 of a database that has no WAL, which one in memory cannot have (SQLite, "Database File Format")."""


def quote(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


@dataclass(frozen=True, slots=True)
class _Table:
    columns: str
    read: Callable[[Sequence[Any]], Row]


class Store:
    """The tables of an org. Not thread-safe by itself: the org's lock guards it."""

    def __init__(self, schema: Schema, path: Path | None = None) -> None:
        self.schema = schema
        if path is not None:  # passwords and private keys are in it; what SQLite puts beside it gets the same mode
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            path.chmod(0o600)
        self._connection = sqlite3.connect(path or ":memory:", isolation_level=None, check_same_thread=False)
        if path is not None:
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.execute("CREATE TABLE IF NOT EXISTS _state (name TEXT PRIMARY KEY, value TEXT NOT NULL)")
        self._tables: dict[str, _Table] = {}
        self._private: set[str] = set()
        self._made_meanwhile: set[str] = set()
        """The tables that were made or changed in the open transaction: they are gone if it is not kept."""
        self.tables_lost = 0
        """How often tables went with a transaction: a statement made before may name one that is gone."""
        self._depth = 0
        self.before_commit: list[Callable[[], None]] = []
        """Called as the outermost transaction is about to be committed."""
        self.after_transaction: list[Callable[[bool], None]] = []
        """Called when a transaction or savepoint has ended, with whether it was kept."""

    def close(self) -> None:
        """Close the database."""
        self._connection.close()

    # Transactions

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""
        return self._depth > 0

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; inside another one, a savepoint of it."""
        name = f"level_{self._depth}"
        self._connection.execute(f"SAVEPOINT {name}" if self._depth else "BEGIN")
        self._depth += 1
        kept = False
        try:
            yield
            if self._depth == 1:
                for callback in self.before_commit:
                    callback()
            kept = True
        finally:
            self._depth -= 1
            self._end(name, kept=kept)
            for after in self.after_transaction:
                after(kept)

    def _end(self, name: str, *, kept: bool) -> None:
        if not kept:  # a table made in it is gone too
            self.tables_lost += bool(self._made_meanwhile)
            for made in self._made_meanwhile:
                self._tables.pop(made, None)
            self._private -= self._made_meanwhile
        if not self._depth:
            self._made_meanwhile.clear()
        if self._depth:
            if not kept:
                self._connection.execute(f"ROLLBACK TO {name}")
            self._connection.execute(f"RELEASE {name}")
        else:
            self._connection.execute("COMMIT" if kept else "ROLLBACK")

    @property
    def is_new(self) -> bool:
        """Whether nothing was ever put into it: a loading that was killed leaves it so."""
        tables = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name <> '_state'"
        return self._connection.execute(tables).fetchone() is None

    # Snapshots

    def snapshot(self) -> bytes:
        """All that is kept, as one SQLite database. Raises RuntimeError inside a transaction."""
        self._outside_a_transaction()
        return self._connection.serialize()

    def restore(self, snapshot: bytes) -> None:
        """Put back all that was kept when the snapshot was taken. Raises RuntimeError inside a transaction."""
        self._outside_a_transaction()
        self._tables.clear()
        self._private.clear()
        # Not deserialized into this connection: where it holds prepared statements, the next that runs one crashes.
        with closing(sqlite3.connect(":memory:")) as kept:
            kept.deserialize(snapshot[:18] + _ROLLBACK_JOURNAL + snapshot[20:])
            kept.backup(self._connection)

    def _outside_a_transaction(self) -> None:
        if self._depth:
            raise RuntimeError("a transaction is open")

    # State beside the rows

    def load_state(self, name: str) -> Any:
        """What was kept under a name, or None."""
        found = self._connection.execute("SELECT value FROM _state WHERE name = ?", (name,)).fetchone()
        return json.loads(found[0]) if found else None

    def save_state(self, name: str, value: Any) -> None:
        """Keep a JSON value under a name."""
        self._connection.execute("INSERT OR REPLACE INTO _state VALUES (?, ?)", (name, json.dumps(value)))

    # Tables

    def ensure(self, sobject: SObject) -> None:
        """Make the table, or the columns that it lacks."""
        if sobject.name in self._tables:
            return
        columns = stored_fields(sobject)
        present = {row[1] for row in self._connection.execute(f"PRAGMA table_info({quote(sobject.name)})")}
        self._made_meanwhile.add(sobject.name)
        if not present:
            body = ", ".join(_declare(column) for column in columns)
            deleted = "" if sobject.get("IsDeleted") else ', "IsDeleted" INTEGER NOT NULL DEFAULT 0'
            self._connection.execute(f"CREATE TABLE {quote(sobject.name)} ({body}{deleted})")
            self._make_indexes(sobject, columns)
        else:
            for column in columns:
                if column.name not in present:
                    self._connection.execute(f"ALTER TABLE {quote(sobject.name)} ADD COLUMN {_declare(column)}")
        names = [column.name for column in columns]
        self._tables[sobject.name] = _Table(", ".join(quote(name) for name in names), _reader(columns))

    def ensure_private(self, table: str, columns: str) -> None:
        """Make a table that is no object's."""
        if table not in self._private:
            self._connection.execute(f"CREATE TABLE IF NOT EXISTS {table} ({columns})")
            self._private.add(table)
            self._made_meanwhile.add(table)

    def schema_changed(self, sobject: SObject) -> None:
        """An object got new fields: make their columns when it is next touched."""
        self._tables.pop(sobject.name, None)

    def _make_indexes(self, sobject: SObject, columns: Sequence[Field]) -> None:
        keys: list[tuple[str, ...]] = [
            (column.name,)
            for column in columns
            if column.name not in ("Id", "CreatedById", "LastModifiedById")
            and (column.reference_to or column.unique or column.external_id or column.name_field)
        ]
        keys += [key for key in _KEYS.get(sobject.name, ()) if all(sobject.get(part) for part in key)]
        for key in keys:
            name = quote("_".join(("by", sobject.name, *key)))
            parts = ", ".join(quote(part) for part in key)
            self._connection.execute(f"CREATE INDEX IF NOT EXISTS {name} ON {quote(sobject.name)} ({parts})")

    # Rows

    def execute(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> sqlite3.Cursor:
        """Run a statement. The tables it names must have been made."""
        return self._connection.execute(sql, parameters)

    def teach(self, name: str, arguments: int, function: Callable[..., Any]) -> None:
        """Let statements call a function, which must answer the same to the same arguments."""
        self._connection.create_function(name, arguments, function, deterministic=True)

    def insert(self, sobject: SObject, row: Mapping[str, Any]) -> None:
        """Add a row whose keys are the schema's spelling of its fields."""
        self.ensure(sobject)
        self._connection.execute(_insertion(sobject.name, tuple(row)), tuple(row.values()))

    def update(self, sobject: SObject, record_id: str, values: Mapping[str, Any]) -> None:
        """Change columns of a row."""
        if not values:
            return
        self.ensure(sobject)
        parts = ", ".join(f"{quote(name)} = ?" for name in values)
        self._connection.execute(
            f'UPDATE {quote(sobject.name)} SET {parts} WHERE "Id" = ?',
            (*values.values(), record_id),
        )

    def remove(self, sobject: SObject, record_id: str) -> None:
        """Remove a row: to the recycle bin where the object has one (IsDeleted), for good otherwise."""
        self.ensure(sobject)
        if soft_deletes(sobject):
            self.update(sobject, record_id, {"IsDeleted": 1})
        else:
            self.erase(sobject, record_id)

    def erase(self, sobject: SObject, record_id: str) -> None:
        """Remove a row for good, from the recycle bin too."""
        self.ensure(sobject)
        self._connection.execute(f'DELETE FROM {quote(sobject.name)} WHERE "Id" = ?', (record_id,))

    def get(self, sobject: SObject, record_id: str, *, deleted: bool = False) -> Row | None:
        """One row with all its columns."""
        found = self.select(sobject, {"Id": record_id}, deleted=deleted)
        return found[0] if found else None

    def exists(self, sobject: SObject, record_id: str) -> bool:
        """Whether a row is there and not deleted."""
        self.ensure(sobject)
        sql = f'SELECT 1 FROM {quote(sobject.name)} WHERE "Id" = ? AND "IsDeleted" = 0'
        return self._connection.execute(sql, (record_id,)).fetchone() is not None

    def value(self, sobject: SObject, record_id: str, column: str) -> Any:
        """One column of a row, as it is stored."""
        self.ensure(sobject)
        sql = f'SELECT {quote(column)} FROM {quote(sobject.name)} WHERE "Id" = ?'
        found = self._connection.execute(sql, (record_id,)).fetchone()
        return found[0] if found else None

    def count(self, sobject: SObject) -> int:
        """How many rows there are that are not deleted."""
        self.ensure(sobject)
        sql = f'SELECT count(*) FROM {quote(sobject.name)} WHERE "IsDeleted" = 0'
        return int(self._connection.execute(sql).fetchone()[0])

    def select(self, sobject: SObject, equals: Mapping[str, Any], *, deleted: bool = False) -> list[Row]:
        """The rows whose columns have these values (None: is null; a list: any of them), by id."""
        self.ensure(sobject)
        clauses, parameters = [] if deleted else ['"IsDeleted" = 0'], []
        for name, value in equals.items():
            if value is None:
                clauses.append(f"{quote(name)} IS NULL")
            elif isinstance(value, (list, tuple, set, frozenset)):
                clauses.append(f"{quote(name)} IN (SELECT value FROM json_each(?))")
                parameters.append(json.dumps(sorted(value)))
            else:
                clauses.append(f"{quote(name)} = ?")
                parameters.append(value)
        where = " AND ".join(clauses) or "1"
        table = self._tables[sobject.name]
        sql = f'SELECT {table.columns} FROM {quote(sobject.name)} WHERE {where} ORDER BY "Id"'
        return [table.read(values) for values in self._connection.execute(sql, parameters)]


def soft_deletes(sobject: SObject) -> bool:
    """Whether a deleted row goes to the recycle bin."""
    return not sobject.setup and sobject.get("IsDeleted") is not None


def stored_fields(sobject: SObject) -> list[Field]:
    """The fields that have a column."""
    return [one for one in sobject.fields.values() if one.type not in COMPOUND_TYPES]


@lru_cache(maxsize=1024)
def _insertion(table: str, columns: tuple[str, ...]) -> str:
    names = ", ".join(quote(name) for name in columns)
    return f"INSERT INTO {quote(table)} ({names}) VALUES ({', '.join('?' * len(columns))})"


def as_read(sobject: SObject, row: Mapping[str, Any]) -> Row:
    """A row that was just stored, as reading it would give it."""
    fields = stored_fields(sobject)
    return {one.name: bool(row.get(one.name)) if one.type == "boolean" else row.get(one.name) for one in fields}


def _declare(column: Field) -> str:
    name = quote(column.name)
    if column.name == "Id":
        return f"{name} TEXT PRIMARY KEY"
    if column.type == "boolean":
        return f"{name} INTEGER NOT NULL DEFAULT 0"
    if column.type in ("id", "reference", "base64"):
        return f"{name} TEXT"
    return f"{name} {_AFFINITY.get(column.type, 'TEXT COLLATE NOCASE')}"


def _reader(columns: Sequence[Field]) -> Callable[[Sequence[Any]], Row]:
    names = [column.name for column in columns]
    booleans = [column.name for column in columns if column.type == "boolean"]

    def read(values: Sequence[Any]) -> Row:
        row = dict(zip(names, values, strict=True))
        for name in booleans:
            row[name] = bool(row[name])
        return row

    return read
