"""Recordings of real traffic, by path or pattern: HAR files, vcrpy cassettes, and event logs saved from another org.

A sandbox has no event logs of what runs in production: those are saved there and given as files.
"""

from __future__ import annotations

from pathlib import Path

from harness.access.use.deeds import Seen
from harness.access.use.event_log import is_log, take_up_log
from harness.access.use.exchange import Exchange
from harness.access.use.formats import exchanges
from harness.access.use.session import Session
from harness.errors import Place, ScenarioError, UsageError

MAX_BYTES = 512 * 1024 * 1024


def read_recordings(folder: Path, pattern: str, place: Place, seen: Seen, *, user_id: str = "") -> None:
    """Take up every exchange of the files that a pattern matches, beside the scenario.

    Of saved event logs, the lines of one user are taken: a sandbox keeps the ids of production's users.
    Raises ScenarioError, at `place`, for a pattern that matches nothing, and UsageError for a file that is no
    recording. An exchange that is not understood is counted and named.
    """
    for file in matching(folder, pattern, place):
        read_file(
            file,
            file.relative_to(folder).as_posix() if file.is_relative_to(folder) else file.name,
            seen,
            user_id=user_id,
        )


def matching(folder: Path, pattern: str, place: Place) -> list[Path]:
    """The files, in order of their names. Raises ScenarioError."""
    path = Path(pattern)
    try:
        found = sorted(each for each in _glob(folder, path) if each.is_file())
    except (ValueError, NotImplementedError, OSError) as error:
        raise ScenarioError(f"{pattern} is no pattern of files: {error}", place=place) from None
    if not found:
        raise ScenarioError(
            f"no recording matches {pattern}",
            place=place,
            remedy="patterns are relative to this file; without the recordings, leave permissions.evidence out",
        )
    return found


def _glob(folder: Path, path: Path) -> list[Path]:
    base, parts = (Path(path.anchor), path.parts[1:]) if path.is_absolute() else (folder, path.parts)
    if (base / Path(*parts)).is_file():
        return [base / Path(*parts)]
    while parts and parts[0] == "..":
        base, parts = base.parent, parts[1:]
    return list(base.glob(str(Path(*parts)))) if parts else []


def read_file(file: Path, shown: str, seen: Seen, *, user_id: str = "") -> None:
    """Take up one recording. Raises UsageError when it is none."""
    try:
        if file.stat().st_size > MAX_BYTES:
            raise UsageError(f"the recording is larger than {MAX_BYTES >> 20} MiB", place=Place(shown))
        content = file.read_bytes()
    except OSError as error:
        raise UsageError(f"the recording cannot be read: {error.strerror}", place=Place(shown)) from error
    if is_log(content):
        before = seen.requests
        take_up_log(content.decode("utf-8-sig", "replace"), shown, user_id, seen)
        if seen.requests == before:
            seen.blind.add(f"{shown} has no line of the old user.")
        return
    session = Session(seen)
    for number, exchange in enumerate(exchanges(content, shown), start=1):
        where = f"{shown}:{number}"
        seen.requests += 1
        if isinstance(exchange, Exchange):
            session.take(exchange, where)
        else:
            seen.miss(where, exchange)
