"""The journal: the durable record of every intent and outcome of a run, one SQLite file for each scenario.

Every record is committed (WAL, synchronous=FULL) before `write` returns, so that what was about to be sent is known
even if the process dies while sending it. Records are chained (`chain`), and the file with its head is checked whole
when it is opened (`journal_file`). After that every question is answered from memory, and costs next to nothing.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from harness.errors import JournalFailed, JournalRefused
from harness.migration.filing.chain import GENESIS, Row, digest_of, first_broken
from harness.migration.filing.journal_file import RESTORE, JournalFile
from harness.migration.records import BODIES, RunStarted

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
        """Open the journal at `path`, or make it; None keeps it in memory.

        Raises JournalRefused for what is damaged, was cut, or is no journal.
        """
        self.path = path
        self._file = JournalFile(path) if path is not None else None
        self._rows: list[Row] = self._file.rows if self._file is not None else []
        self._failure: str | None = None
        self._index = _Index()

    def write(self, *, run: str, at: datetime, kind: str, stage: str, key: str, body: BaseModel) -> Record:
        """Write one record durably and return it.

        Raises JournalFailed when that cannot be done; from then on for every further record.
        """
        if BODIES[kind] is not type(body):
            raise TypeError(f"a {kind} record holds a {BODIES[kind].__name__}, not a {type(body).__name__}")
        if self._failure is not None:
            raise self._failed(self._failure)
        try:
            row = self._append(Row(0, run, at.isoformat(), kind, stage, key, body.model_dump_json(), ""))
        except (sqlite3.Error, OSError) as error:
            self._failure = str(error) or type(error).__name__
            raise self._failed(self._failure) from error
        return Record(row.seq, run, at, kind, stage, key, body)

    def records(self, run: str | None = None, *, kind: str = "", key: str = "") -> Iterator[Record]:
        """The records of one run, or of all, oldest first; only those of a kind or a key where these are given.

        Raises JournalRefused for one that was altered or that another version wrote.
        """
        for number in self._numbers(run, kind, key):
            yield self._record(number)

    def runs(self) -> list[RunStarted]:
        """The first record of each run, oldest first."""
        return [record.body for record in self.records(kind="run.started") if isinstance(record.body, RunStarted)]

    def find(self, run: str, body_type: type[BodyType]) -> BodyType | None:
        """The newest body of a type in a run, or None."""
        kind = next(kind for kind, body in BODIES.items() if body is body_type)
        numbers = self._numbers(run, kind, "")
        body = self._record(numbers[-1]).body if numbers else None
        return body if isinstance(body, body_type) else None

    def seal(self) -> None:
        """Bring everything into the one file, which may then be carried away alone. Raises JournalFailed."""
        if self._file is None or self._failure is not None:
            return
        try:
            self._file.seal(len(self._rows))
        except (sqlite3.Error, OSError) as error:
            self._failure = str(error)
            raise self._failed(self._failure) from error

    def close(self) -> None:
        """Seal the journal and close it. One that could not be written is closed as it is: no record is lost by it."""
        if self._file is None:
            return
        with suppress(JournalFailed):
            self.seal()
        self._file.close()
        self._file, self._failure = None, self._failure or "it is closed"

    # --- copies of a journal in memory -------------------------------------------------------------------------------

    def dump(self) -> tuple[Row, ...]:
        """Every record as it is kept, for `load`."""
        self._catch_up()
        return tuple(self._rows)

    def copy(self, path: Path) -> None:
        """Write every record to a new file, sealed: it may be carried away alone. Raises sqlite3.Error and OSError."""
        file, before = JournalFile(path), GENESIS
        try:
            for row in self.dump():
                file.append(row, before=before)
                before = row.digest
            file.seal(len(self._rows))
        finally:
            file.close()

    def load(self, rows: Sequence[Row]) -> None:
        """Put what `dump` gave in place of all there is. Only a journal in memory can do that."""
        if self.path is not None:
            raise ValueError(f"{self.path} is a file: what it holds is never replaced")
        self._rows, self._failure, self._index = list(rows), None, _Index()

    # --- keeping -----------------------------------------------------------------------------------------------------

    def _append(self, new: Row) -> Row:
        self._catch_up()
        before = self._last_digest
        numbered = new._replace(seq=len(self._rows) + 1)
        row = numbered._replace(digest=digest_of(before, numbered))
        if self._file is not None:
            self._file.append(row, before=before)
        self._rows.append(row)
        return row

    @property
    def _last_digest(self) -> str:
        return self._rows[-1].digest if self._rows else GENESIS

    def _catch_up(self) -> None:
        """Take in what another process wrote meanwhile, or this one when it was interrupted in the middle of it."""
        if self._file is None or self._failure is not None:
            return
        newer = self._file.newer(len(self._rows))
        broken = first_broken(newer, before=self._last_digest, count=len(self._rows))
        if broken is not None:
            raise self._altered(broken)
        self._rows += newer

    def _numbers(self, run: str | None, kind: str, key: str) -> list[int]:
        """Which rows are of a run, a kind and a key, counted from 0."""
        try:
            self._catch_up()
        except sqlite3.Error as error:
            raise JournalRefused(f"the journal {self.path} cannot be read: {error}", remedy=RESTORE) from error
        rows = self._rows
        return [
            number
            for number in self._index.of(rows, kind, key)
            if (run or rows[number].run) == rows[number].run and kind in ("", rows[number].kind)
        ]

    def _record(self, number: int) -> Record:
        row = self._rows[number]
        body = _PARSED.of(row)
        if body is None:
            if row.digest != digest_of(self._rows[number - 1].digest if number else GENESIS, row):
                raise self._altered(row.seq)
            try:
                body = _PARSED.add(row)
            except (KeyError, ValidationError) as error:
                raise JournalRefused(
                    f"record {row.seq} of {self.path} is of a kind or shape that this version does not know",
                    remedy="use the version of rehearse that wrote it",
                ) from error
        return Record(row.seq, row.run, datetime.fromisoformat(row.at), row.kind, row.stage, row.key, body)

    def _altered(self, number: int) -> JournalRefused:
        return JournalRefused(f"record {number} of {self.path} was altered", remedy=RESTORE)

    def _failed(self, why: str) -> JournalFailed:
        return JournalFailed(
            f"the journal {self.path} could not be written ({why}): nothing more is sent to the org",
            remedy="see to it that it can be written, then take the run up: rehearse resume, or rehearse rollback",
        )


class _Index:
    """Which rows are of a kind, and of a key; grows with the rows."""

    def __init__(self) -> None:
        self._known = 0
        self._by_kind: dict[str, list[int]] = {}
        self._by_key: dict[str, list[int]] = {}

    def of(self, rows: Sequence[Row], kind: str, key: str) -> Sequence[int]:
        """The numbers of the rows of a key, or else of a kind, or else of all."""
        for number in range(self._known, len(rows)):
            self._by_kind.setdefault(rows[number].kind, []).append(number)
            self._by_key.setdefault(rows[number].key, []).append(number)
        self._known = len(rows)
        if key:
            return self._by_key.get(key, ())
        return self._by_kind.get(kind, ()) if kind else range(len(rows))


class _Parsed:
    """The bodies that were read lately, by digest: the same record is not parsed again, in whichever journal it is."""

    _MOST = 32_000_000
    """How many characters the texts of the kept bodies may have together."""

    def __init__(self) -> None:
        self._bodies: dict[str, tuple[Row, BaseModel]] = {}
        self._size = 0

    def of(self, row: Row) -> BaseModel | None:
        """The body of a row, if it is known and the row is still the one it was read from."""
        known, body = self._bodies.get(row.digest, (None, None))
        return body if known == row else None

    def add(self, row: Row) -> BaseModel:
        """Read the body of a row. Raises KeyError for an unknown kind and ValidationError for an unknown shape."""
        body = BODIES[row.kind].model_validate_json(row.body)
        if self._size > self._MOST:
            self._bodies.clear()
            self._size = 0
        self._size += len(row.body)
        self._bodies[row.digest] = (row, body)
        return body


_PARSED = _Parsed()
