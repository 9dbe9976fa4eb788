"""The file of a journal: one SQLite database (WAL, synchronous=FULL) and, beside it, its head.

When one is opened it is checked whole: SQLite's own structure, the schema, the chain of the digests, and that its end
is there. The end is there when the head agrees; or, without a head (a journal that was carried elsewhere), when the
database says that it was closed with just so many records. That number is its `user_version`: -1 from the first write
on, and the number of records again when it is closed.

What is damaged or cut is refused with what to do, and never read as a shorter history. Until the first write the
database is open for reading only: SQLite would bring what is left of a damaged WAL into the database, and throw the
rest away, when somebody closes it who could write.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from harness.errors import JournalRefused
from harness.migration.filing.chain import Row, first_broken
from harness.migration.filing.head import Head, Mark, sync_folder

_SCHEMA = """CREATE TABLE records (
    seq INTEGER PRIMARY KEY,
    run TEXT NOT NULL,
    at TEXT NOT NULL,
    kind TEXT NOT NULL,
    stage TEXT NOT NULL,
    key TEXT NOT NULL,
    body TEXT NOT NULL,
    digest TEXT NOT NULL
)"""
_STRUCTURE = [("table", "records", "records", _SCHEMA)]
_IN_USE = -1
RESTORE = "restore the journal from a copy, or rebuild what was done from the org: rehearse adopt FILE"


class JournalFile:
    """The open file of a journal. Making one raises JournalRefused for what cannot be trusted.

    `rows` are those that were there when it was opened. Everything else raises sqlite3.Error or OSError.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._head = Head(path.with_suffix(".head"))
        self._is_marked = False
        _make_if_missing(path)
        try:
            self._db = _connect(path, "ro")
        except sqlite3.Error as error:
            raise JournalRefused(f"{path} cannot be opened: {error}", remedy=RESTORE) from error
        try:
            self.rows = self._checked()
        except BaseException:
            self._db.close()
            raise

    def newer(self, count: int) -> list[Row]:
        """The rows after the first `count`."""
        return _rows(self._db, count)

    def append(self, row: Row, *, before: str) -> None:
        """Add a row, durably; `before` is the digest of the one before it."""
        self._mark(Mark(row.seq - 1, before))
        self._db.execute("INSERT INTO records VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
        self._head.write(Mark(row.seq, row.digest))

    def seal(self, count: int) -> None:
        """Bring everything into the one file, which may then be carried away alone."""
        if self._is_marked:
            self._db.execute(f"PRAGMA user_version = {count:d}")
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self._is_marked = False

    def close(self) -> None:
        """Close both files."""
        self._head.close()
        self._db.close()

    def _mark(self, mark: Mark) -> None:
        """Before the first row is written: see to it that a later loss of the WAL is noticed."""
        if self._is_marked:
            return
        self._head.begin(mark)
        reading, self._db = self._db, _connect(self.path, "rw")
        reading.close()
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.execute(f"PRAGMA user_version = {_IN_USE}")
        self._db.execute("PRAGMA wal_checkpoint(PASSIVE)")
        self._is_marked = True

    # --- opening -----------------------------------------------------------------------------------------------------

    def _checked(self) -> list[Row]:
        """Every row, once it is certain that these are all, and as they were written."""
        try:
            mark = self._head.read()  # first: whoever is at work on the journal moves it on
        except ValueError as error:
            raise JournalRefused(
                f"{self._head.path} is damaged: {error}",
                remedy="restore it from a copy; if no copy of the journal is newer than this one, remove this one file",
            ) from error
        try:
            closed_with, rows = self._read()
        except (sqlite3.Error, UnicodeDecodeError) as error:  # the latter: SQLite's message quotes what is no text
            raise self._refused(f"it cannot be read: {error}") from error
        self._check_chain(rows)
        self._check_end(rows, mark, closed_with)
        return rows

    def _read(self) -> tuple[int, list[Row]]:
        self._db.execute("BEGIN")  # what is read here belongs together, whoever writes meanwhile
        try:
            self._check_structure()
            return int(self._db.execute("PRAGMA user_version").fetchone()[0]), _rows(self._db, 0)
        finally:
            self._db.execute("ROLLBACK")

    def _check_structure(self) -> None:
        structure = self._db.execute("SELECT type, name, tbl_name, sql FROM sqlite_master").fetchall()
        if ("table", "sqlite_sequence") in [found[:2] for found in structure]:
            raise JournalRefused(
                f"{self.path} was written by an earlier version of rehearse, which did not chain its records",
                remedy="finish or roll back its runs with that version, then move the file away",
            )
        if structure != _STRUCTURE:
            raise JournalRefused(f"{self.path} is not a journal", remedy="move the file away, or name another")
        [mode] = self._db.execute("PRAGMA journal_mode").fetchone()
        [found] = self._db.execute("PRAGMA integrity_check(1)").fetchone()
        if (mode, found) != ("wal", "ok"):
            raise self._refused(f"journal mode {mode}, integrity {found}")

    def _check_chain(self, rows: Sequence[Row]) -> None:
        broken = first_broken(rows)
        if broken is not None:
            raise self._refused(f"record {broken} was altered, or one before it is missing")

    def _check_end(self, rows: Sequence[Row], mark: Mark | None, closed_with: int) -> None:
        if mark is None:
            if closed_with == _IN_USE:
                raise JournalRefused(
                    f"{self.path} was not closed when it was last written, and {self._head.path.name} is not beside "
                    "it: whether its last records are there cannot be told",
                    remedy=f"carry the whole folder {self.path.parent.name} along, or {RESTORE}",
                )
            if closed_with != len(rows):
                raise self._refused(f"it was closed with {closed_with} records and holds {len(rows)}")
        elif len(rows) < mark.records:
            raise self._refused(f"it was cut: it holds {len(rows)} records of at least {mark.records}")
        elif mark.records and rows[mark.records - 1].digest != mark.digest:
            raise self._refused(f"it is not the journal that {self._head.path.name} beside it belongs to")

    def _refused(self, why: str) -> JournalRefused:
        return JournalRefused(f"the journal {self.path} is damaged: {' '.join(why.split())}", remedy=RESTORE)


def files_of(path: Path) -> tuple[Path, ...]:
    """The files that a journal consists of, whether they are there or not."""
    return (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm"), path.with_suffix(".head"))


def set_aside(path: Path) -> tuple[Path, ...]:
    """Rename the files of a journal, so that another can be begun in its place; their new paths."""
    here = [file for file in files_of(path) if file.exists()]
    number = 1
    while any(_aside(file, number).exists() for file in files_of(path)):
        number += 1
    return tuple(file.rename(_aside(file, number)) for file in here)


def _aside(file: Path, number: int) -> Path:
    return file.with_name(f"{file.name}.set-aside-{number}")


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}", uri=True, isolation_level=None, check_same_thread=False
    )


def _rows(database: sqlite3.Connection, after: int) -> list[Row]:
    found = database.execute(
        "SELECT seq, run, at, kind, stage, key, body, digest FROM records WHERE seq > ? ORDER BY seq", (after,)
    )
    return [Row(*row) for row in found.fetchall()]


def _make_if_missing(path: Path) -> None:
    """Make an empty journal, whole or not at all: an existing file without content was emptied by somebody else."""
    path.parent.mkdir(parents=True, exist_ok=True)
    wal, head = files_of(path)[1], files_of(path)[3]
    left = [file.name for file in (wal, head) if file.exists() and file.stat().st_size]
    if path.exists():
        if path.stat().st_size == 0:
            raise JournalRefused(f"the journal {path} was emptied: the file holds nothing", remedy=RESTORE)
    elif left:
        raise JournalRefused(f"the journal {path} is gone, and {' and '.join(left)} is still there", remedy=RESTORE)
    else:
        _make(path)


def _make(path: Path) -> None:
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    # who may do what in an org is nobody else's business; what SQLite puts beside it gets the same mode
    os.close(os.open(new, os.O_RDWR | os.O_CREAT, 0o600))
    try:
        database = sqlite3.connect(new, isolation_level=None)
        database.execute("PRAGMA journal_mode = WAL")
        database.execute(_SCHEMA)
        database.close()
    except sqlite3.Error as error:
        raise JournalRefused(f"no journal can be made at {path}: {error}", remedy="name another folder") from error
    new.replace(path)
    sync_folder(path.parent)
