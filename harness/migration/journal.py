"""The journal: the durable record of every intent and outcome of a run, one SQLite file for each scenario.

Every record is committed (WAL, synchronous=FULL) before `write` returns, so that what was about to be sent is known
even if the process dies while sending it.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel

from harness.errors import UsageError
from harness.migration.records import BODIES, RunStarted

_SCHEMA = """
CREATE TABLE IF NOT EXISTS records (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    run TEXT NOT NULL,
    at TEXT NOT NULL,
    kind TEXT NOT NULL,
    stage TEXT NOT NULL,
    key TEXT NOT NULL,
    body TEXT NOT NULL,
    digest TEXT NOT NULL
)
"""

BodyType = TypeVar("BodyType", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Record:
    """One record: which run and stage it belongs to, when it was written (UTC), its kind, key and body."""

    seq: int
    run: str
    at: datetime
    kind: str
    stage: str
    key: str
    body: BaseModel


class Journal:
    """The records of all runs of one scenario, in the order they were written."""

    def __init__(self, path: Path | None) -> None:
        """Open the journal at `path`, or make it; None keeps it in memory. Raises UsageError for what is no journal."""
        self.path = path
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            # who may do what in an org is nobody else's business; what SQLite puts beside it gets the same mode
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        self._db = sqlite3.connect(path or ":memory:", isolation_level=None, check_same_thread=False)
        try:
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.execute(_SCHEMA)
        except sqlite3.DatabaseError as error:
            raise UsageError(
                f"{path} is not a journal: {error}", remedy="move the file away, or name another"
            ) from error

    def write(self, *, run: str, at: datetime, kind: str, stage: str, key: str, body: BaseModel) -> Record:
        """Write one record durably and return it."""
        if BODIES[kind] is not type(body):
            raise TypeError(f"a {kind} record holds a {BODIES[kind].__name__}, not a {type(body).__name__}")
        text = body.model_dump_json()
        digest = _digest(run, at.isoformat(), kind, stage, key, text)
        cursor = self._db.execute(
            "INSERT INTO records (run, at, kind, stage, key, body, digest) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (run, at.isoformat(), kind, stage, key, text, digest),
        )
        return Record(cursor.lastrowid or 0, run, at, kind, stage, key, body)

    def records(self, run: str | None = None, *, kind: str = "", key: str = "") -> Iterator[Record]:
        """The records of one run, or of all, oldest first; only those of a kind or a key where these are given.

        Raises UsageError for one that was altered.
        """
        rows = self._db.execute(
            "SELECT seq, run, at, kind, stage, key, body, digest FROM records "
            "WHERE ? IN ('', run) AND ? IN ('', kind) AND ? IN ('', key) ORDER BY seq",
            (run or "", kind, key),
        )
        for seq, run_id, at, kind_, stage, key_, text, digest in rows.fetchall():
            if digest != _digest(run_id, at, kind_, stage, key_, text) or kind_ not in BODIES:
                raise UsageError(f"record {seq} of {self.path} was altered", remedy="restore the journal from a copy")
            body = BODIES[kind_].model_validate_json(text)
            yield Record(seq, run_id, datetime.fromisoformat(at), kind_, stage, key_, body)

    def runs(self) -> list[RunStarted]:
        """The first record of each run, oldest first."""
        return [record.body for record in self.records(kind="run.started") if isinstance(record.body, RunStarted)]

    def find(self, run: str, body_type: type[BodyType]) -> BodyType | None:
        """The newest body of a type in a run, or None."""
        kind = next(kind for kind, body in BODIES.items() if body is body_type)
        bodies = [record.body for record in self.records(run, kind=kind) if isinstance(record.body, body_type)]
        return bodies[-1] if bodies else None

    def close(self) -> None:
        """Close the file."""
        self._db.close()


def _digest(*parts: str) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
