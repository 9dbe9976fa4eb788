"""Files that hold secrets: read whole, replaced in one step, never half written."""

from __future__ import annotations

import contextlib
import glob
import os
import tempfile
from pathlib import Path

from harness.errors import UsageError

PRIVATE = 0o600
_SUFFIX = ".rehearse"


def read_if_there(path: Path) -> bytes | None:
    """The file's bytes, or None when there is none. Raises UsageError when it cannot be read."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error


def replace(path: Path, content: bytes) -> None:
    """Replace the file at `path`, or make it with mode 0600. It keeps its mode and its owner.

    The bytes are on the disk, in a file beside it, before the one step that puts them in its place (rename(2) is
    atomic), and that step is on the disk when this returns. Raises UsageError, and then the file is as it was.
    """
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=_SUFFIX, dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                _like(descriptor, path)
                file.write(content)
                file.flush()
                os.fsync(descriptor)
            Path(name).replace(path)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                Path(name).unlink()
            raise
        _sync(path.parent)
    except OSError as error:
        raise UsageError(f"{path} cannot be replaced: {error.strerror}") from error


def clear_leftovers(path: Path) -> None:
    """Remove what a killed process left of a replacement of the file at `path`. Only for who holds the file's lock."""
    for left in path.parent.glob(f".{glob.escape(path.name)}.*{_SUFFIX}"):
        left.unlink(missing_ok=True)


def unlink(path: Path) -> None:
    """Remove the file, durably. Raises UsageError when that is not allowed."""
    try:
        path.unlink(missing_ok=True)
        _sync(path.parent)
    except OSError as error:
        raise UsageError(f"{path} cannot be removed: {error.strerror}") from error


def _like(descriptor: int, path: Path) -> None:
    """Give the open file the mode and the owner of the file at `path`, or mode 0600 when there is none."""
    try:
        there = path.stat()
    except FileNotFoundError:
        os.fchmod(descriptor, PRIVATE)
        return
    mine = os.fstat(descriptor)
    if (mine.st_uid, mine.st_gid) != (there.st_uid, there.st_gid):
        os.fchown(descriptor, there.st_uid, there.st_gid)
    os.fchmod(descriptor, there.st_mode & 0o7777)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
