"""A recorded journal, damaged in every way that one place allows, and what became of it: whole, refused, or misread.

The states are those in which a journal's files are found: closed; with its WAL, as a killed process leaves it, after
its first session and after its second; each with its head and without.
"""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from harness.errors import RehearseError
from harness.migration.filing.chain import Row
from harness.migration.filing.journal_file import files_of
from harness.migration.journal import Journal
from harness.migration.records import Note

from .bench import RUN, WatchedJournal, World

PAGE = 4096
_AT = datetime(2026, 5, 4, tzinfo=UTC)
_LATER = Note(kind="warning", text="written afterwards")
Files = Mapping[str, bytes]
"""The files of a journal by their ending: `db`, `wal`, `head`."""
Read = Callable[[Path], Sequence[Row]]
"""Opens the journal at a path and gives every record in it. Raises RehearseError where it refuses it."""


class KeptJournal(WatchedJournal):
    """A watched journal in a file."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        Journal.__init__(self, path)


def read(path: Path) -> Sequence[Row]:
    """Open a journal as every command does, read every record in it, and go on with it."""
    with closing(Journal(path)) as journal:
        list(journal.records())
        rows = journal.dump()
        journal.write(run=RUN, at=_AT, kind="note", stage="plan", key="later", body=_LATER)
    with closing(Journal(path)) as journal:
        *others, last = journal.dump()
        assert last.key == "later"
        assert tuple(others) == rows
    return rows


# --- recording --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class State:
    """The files of a journal as they are found, and the records that must be read from them."""

    name: str
    files: Files
    rows: Sequence[Row]


def record(world: World, folder: Path) -> list[State]:
    """Migrate a world and undo it again with a journal in a file; its files at four moments."""
    folder.mkdir()
    path = folder / "journal.db"
    states = []

    def keep(name: str, journal: Journal) -> None:
        states.append(State(name, _files(path), journal.dump()))

    journal = KeptJournal(path)
    world.process(journal=journal).forward()
    keep("killed in the first session", journal)
    journal.close()
    keep("closed", journal)
    journal = KeptJournal(path)
    world.process(journal=journal).back()
    keep("killed in the second session", journal)
    journal.close()
    keep("closed after a rollback", journal)
    return states


def _files(path: Path) -> Files:
    names = dict(zip(("db", "wal", "shm", "head"), files_of(path), strict=True))
    return {name: file.read_bytes() for name, file in names.items() if name != "shm" and file.exists()}


# --- damaging ---------------------------------------------------------------------------------------------------------


@dataclass
class Tally:
    """What became of the damaged journals."""

    whole: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    """Misread, or another exception than ours: a line each."""

    def __iadd__(self, other: Tally) -> Tally:
        self.whole += other.whole
        self.refused += other.refused
        self.wrong += other.wrong
        return self

    @property
    def tried(self) -> int:
        return self.whole + self.refused.total() + len(self.wrong)


def try_all(state: State, damaged: Iterable[tuple[str, Files]], folder: Path, read: Read = read) -> Tally:
    """Read each of the damaged journals in turn; `folder` is where they are put."""
    tally, path = Tally(), folder / "journal.db"
    folder.mkdir(exist_ok=True)
    for what, files in damaged:
        _put(path, files)
        try:
            rows = read(path)
        except RehearseError as error:
            tally.refused[type(error).__name__] += 1
            if not error.remedy:
                tally.wrong.append(f"{state.name}, {what}: refused without saying what to do: {error}")
        except Exception as error:
            tally.wrong.append(f"{state.name}, {what}: {type(error).__name__}: {error}")
        else:
            if rows == state.rows:
                tally.whole += 1
            else:
                tally.wrong.append(f"{state.name}, {what}: {len(rows)} records read, {len(state.rows)} were written")
    shutil.rmtree(folder)
    return tally


def _put(path: Path, files: Files) -> None:
    for name, file in zip(("db", "wal", "shm", "head"), files_of(path), strict=True):
        if name in files:
            file.write_bytes(files[name])
        else:
            file.unlink(missing_ok=True)


def flipped(files: Files, name: str, places: Iterable[int]) -> Iterator[tuple[str, Files]]:
    """One byte of a file other than it was: a single bit, a different one from place to place."""
    content = files[name]
    for place in places:
        changed = bytearray(content)
        changed[place] ^= 1 << place % 8
        yield f"{name} with bit {place % 8} of byte {place} flipped", {**files, name: bytes(changed)}


def replaced(files: Files, name: str, places: Iterable[int]) -> Iterator[tuple[str, Files]]:
    """One byte of a file with every bit of it other than it was."""
    content = files[name]
    for place in places:
        changed = bytearray(content)
        changed[place] ^= 0xFF
        yield f"{name} with byte {place} turned round", {**files, name: bytes(changed)}


def cut(files: Files, name: str, places: Iterable[int]) -> Iterator[tuple[str, Files]]:
    """A file that ends early; and, at every fourth place, one that is as long as before but empty from there on."""
    content = files[name]
    for number, place in enumerate(places):
        yield f"{name} cut at {place}", {**files, name: content[:place]}
        if number % 4 == 0:
            zeros = content[:place] + bytes(len(content) - place)
            if zeros != content:
                yield f"{name} nothing but zeros from {place}", {**files, name: zeros}


def gone(files: Files) -> Iterator[tuple[str, Files]]:
    """A file that is not there any more."""
    for name in files:
        if name != "head" and len(files) > 1:  # without its head it is a state of its own, without anything it is new
            yield f"{name} gone", {key: value for key, value in files.items() if key != name}


def with_and_without_head(files: Files) -> tuple[Files, Files]:
    """A journal where it was made, and one that was carried elsewhere without its head."""
    return files, {name: content for name, content in files.items() if name != "head"}


def sample(files: Files, name: str, *, every: int) -> list[int]:
    """The places of a file to damage: every n-th, and whatever is used of its first two pages and its last bytes."""
    content = files[name]
    size, first = len(content), 2 * PAGE if name == "db" else 256
    used = (place for place in range(min(first, size)) if any(content[max(0, place - 4) : place + 5]))
    return sorted({*used, *range(0, size, every), *range(max(0, size - 16), size)})


def ends(files: Files, name: str, *, every: int) -> list[int]:
    """The places of a file to cut it at: every boundary of a page or of a frame of the WAL, beside it, and others."""
    size = len(files[name])
    boundaries = range(0, size, PAGE) if name == "db" else range(32, size, PAGE + 24)
    beside = {place + step for place in boundaries for step in (-1, 0, 1, 24)}
    return sorted(place for place in {*beside, *range(0, size, every)} if 0 <= place < size)


def every_damage(state: State, folder: Path, *, every: int = 1, read: Read = read) -> Tally:
    """All of it: every n-th byte of every file flipped and turned round, and every cut.

    `every=1` is really all: that takes half an hour for the four states of a small run.
    """
    tally = Tally()
    for files in with_and_without_head(state.files):
        # one that was not closed is refused for its missing head alone, whatever else is wrong with it
        step = every if every == 1 or "head" in files or "wal" not in files else every * 10
        tally += try_all(state, gone(files), folder, read)
        for name in files:
            places = sample(files, name, every=step)
            tally += try_all(state, flipped(files, name, places), folder, read)
            tally += try_all(state, replaced(files, name, places[:: 1 if every == 1 else 8]), folder, read)
            tally += try_all(state, cut(files, name, ends(files, name, every=step)), folder, read)
    return tally


def quick_folder(otherwise: Path) -> Path:
    """Where files are written without a disk, if there is such a place."""
    memory = Path("/dev/shm")
    return memory / f"rehearse-damage-{os.getpid()}" if os.access(memory, os.W_OK) else otherwise
