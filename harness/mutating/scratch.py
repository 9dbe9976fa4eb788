"""A journal that is read through and written to nowhere: what a stage says when it is tried out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import chain
from typing import TypeVar

from pydantic import BaseModel

from harness.migration.journal import Journal, Record

BodyType = TypeVar("BodyType", bound=BaseModel)


class Scratch(Journal):
    """The records of a journal as they are now, and on top of them whatever is written, until `clear`."""

    def __init__(self, base: Journal, more: Iterable[Record] = ()) -> None:
        """The records of `base`, and `more` that count as kept."""
        self.path = base.path
        self._kept = [*base.records(), *more]
        self.written: list[Record] = []

    def clear(self) -> None:
        """Forget what was written."""
        self.written.clear()

    def write(self, *, run: str, at: datetime, kind: str, stage: str, key: str, body: BaseModel) -> Record:
        """Remember one record."""
        record = Record(len(self._kept) + len(self.written) + 1, run, at, kind, stage, key, body)
        self.written.append(record)
        return record

    def records(self, run: str | None = None, *, kind: str = "", key: str = "") -> Iterator[Record]:
        """As a journal tells them."""
        for record in chain(self._kept, tuple(self.written)):
            if run in (None, record.run) and kind in ("", record.kind) and key in ("", record.key):
                yield record

    def find(self, run: str, body_type: type[BodyType]) -> BodyType | None:
        """The newest body of a type in a run, or None."""
        found: BodyType | None = None
        for record in self.records(run):
            if isinstance(record.body, body_type):
                found = record.body
        return found

    def close(self) -> None:
        """Nothing is open."""
