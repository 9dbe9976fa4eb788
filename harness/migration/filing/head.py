"""The head beside a journal: how many records it holds at least, so that one that was cut is not read as a shorter one.

A small file of two lines, written in turn: the number of records, the digest of the last, and a checksum of both. It is
made durable once, when it is made; after that it is overwritten in place after each commit and never waited for. After
a power loss it may therefore be behind the journal, which is fine, and one line may be torn, for which there is the
other; ahead of the journal it cannot be, because a record is on the disk before the head names it.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import NamedTuple

_LINES = 2
_CHECK = 16
_WIDTH = 12 + 1 + 64 + 1 + _CHECK + 1


class Mark(NamedTuple):
    """That a journal holds so many `records`, the last with this digest."""

    records: int
    digest: str


class Head:
    """The head of one journal; `path` need not exist."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: int | None = None

    def read(self) -> Mark | None:
        """The newest mark, or None where there is no head. Raises ValueError where no line of it is whole."""
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return None
        lines = (content[start : start + _WIDTH] for start in range(0, _LINES * _WIDTH, _WIDTH))
        marks = [mark for line in lines if (mark := _parsed(line)) is not None]
        if not marks:
            raise ValueError("no line of it is whole")
        return max(marks)

    def begin(self, mark: Mark) -> None:
        """Open the head for writing; where it says nothing yet, make it, durably. Raises OSError."""
        if self._file is not None:
            return
        self._file = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        if os.fstat(self._file).st_size == 0:
            os.pwrite(self._file, _line(mark) * _LINES, 0)
            os.fsync(self._file)
            sync_folder(self.path.parent)

    def write(self, mark: Mark) -> None:
        """Put a newer mark in place of the older of the two. Raises OSError."""
        assert self._file is not None, "a head is begun before it is written"
        os.pwrite(self._file, _line(mark), mark.records % _LINES * _WIDTH)

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable, where the system lets a folder be opened."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _line(mark: Mark) -> bytes:
    text = f"{mark.records:012d} {mark.digest}"
    return f"{text} {_check(text)}\n".encode("ascii")


def _parsed(line: bytes) -> Mark | None:
    """The mark of a line, or None where it is not whole."""
    count, _, rest = line.decode("latin-1").partition(" ")
    digest, _, _ = rest.partition(" ")
    if not count.isdecimal() or not count.isascii():
        return None
    mark = Mark(int(count), digest)
    return mark if digest.isascii() and _line(mark) == line else None


def _check(text: str) -> str:
    return hashlib.sha256(text.encode("ascii")).hexdigest()[:_CHECK]
