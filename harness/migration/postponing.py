"""Postponing the cut-over by a file: while it is there, the run waits before the cut-over's first write.

The file may be empty, which postpones until it is removed, or say until when, and why:

    until: 2026-12-01T08:00Z
    because: The month is closed first.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

from harness.errors import Place, UsageError
from harness.scenario.document import Data, Document, parse

FILE_NAME = "cut-over.postpone"
"""The file's name in the folder in which the journal is."""
_KEYS = ("until", "because")
_REMEDY = "leave it empty, or write `until: 2026-12-01T08:00Z` and `because: ...` into it, or remove it"


@dataclass(frozen=True, slots=True)
class Postponement:
    """The cut-over is to wait: until a moment, or until the file is removed."""

    file: str
    until: datetime | None = None
    because: str | None = None

    def __str__(self) -> str:
        why = f": {self.because}" if self.because else ""
        if self.until is None:
            return f"the cut-over is postponed until {self.file} is removed{why}"
        return f"the cut-over is postponed until {self.until:%Y-%m-%d %H:%M} UTC by {self.file}{why}"


def read_postponement(path: Path, *, shown: str | None = None) -> Postponement | None:
    """What the file says; None where there is none. Raises UsageError with file and line for what it must not hold."""
    name = shown or str(path)
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise UsageError(f"it cannot be read: {why}", place=Place(name), remedy=_REMEDY) from error
    if not any(line.strip() and not line.lstrip().startswith("#") for line in text.splitlines()):
        return Postponement(name)
    return _read(parse(text), name)


def _read(document: Document, name: str) -> Postponement:
    for problem in document.problems:
        _refuse(problem.message, name, problem.mark)
    if not isinstance(document.data, dict):
        _refuse("it holds neither `until:` nor `because:`", name, document.values.get(()))
    for key in document.data:
        if key not in _KEYS:
            near = difflib.get_close_matches(key, _KEYS, n=1)
            said = f"unknown key {key!r}" + (f"; did you mean {near[0]!r}?" if near else "")
            _refuse(said, name, document.keys.get((key,)))
    because = document.data.get("because")
    if because is not None and not isinstance(because, str):
        _refuse("`because` is not a text", name, document.values.get(("because",)))
    return Postponement(name, _until(document, document.data.get("until"), name), because)


def _until(document: Document, value: Data, name: str) -> datetime | None:
    if "until" not in (document.data if isinstance(document.data, dict) else ()):
        return None
    try:
        until = datetime.fromisoformat(str(value))
    except ValueError:
        _refuse(f"{value!r} is no moment, such as 2026-12-01T08:00Z", name, document.values.get(("until",)))
    if until.tzinfo is None:
        _refuse(f"{value!r} does not say its time zone: add Z for UTC", name, document.values.get(("until",)))
    return until.astimezone(UTC)


def _refuse(message: str, name: str, mark: tuple[int, int] | None) -> NoReturn:
    raise UsageError(message, place=Place(name, *(mark or ())), remedy=_REMEDY)
