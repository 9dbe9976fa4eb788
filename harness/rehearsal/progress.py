"""What one run of the engine has produced so far; more is produced when somebody asks for it."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator

from pydantic import BaseModel

from harness.migration.journal import Record
from harness.migration.records import StageFinished


class NotReached(Exception):
    """Something was not run because of something before it; the message says what."""


def leave(records: Iterator[Record]) -> None:
    """Let a run of the engine note that it is left where it is, now and not when somebody collects the garbage."""
    if isinstance(records, Generator):
        records.close()


class Progress:
    """What one run of the engine has produced so far; more is produced when somebody asks for it."""

    def __init__(self, records: Iterator[Record], already: Iterable[Record]) -> None:
        self._records = records
        self._by_key: dict[tuple[str, str, str], BaseModel] = {}
        self.error: BaseException | None = None
        self.error_stage = ""
        self._stage = ""
        for record in already:
            self._take(record)
        self._forget_unfinished()

    def _forget_unfinished(self) -> None:
        """Of what is there already only the stages that passed count: the others are run again."""
        ends = {stage: body for (kind, stage, _), body in self._by_key.items() if kind == "stage.finished"}
        passed = {stage for stage, end in ends.items() if isinstance(end, StageFinished) and end.result == "passed"}
        self._by_key = {key: body for key, body in self._by_key.items() if key[1] in passed}

    def _take(self, record: Record) -> None:
        self._stage = record.stage
        self._by_key[record.kind, record.stage, record.key] = record.body

    def _advance(self) -> bool:
        if self.error is not None:
            return False
        try:
            record = next(self._records, None)
        except BaseException as error:
            self.error, self.error_stage = error, self._stage
            raise
        if record is not None:
            self._take(record)
        return record is not None

    def find(self, kind: str, stage: str, key: str = "") -> BaseModel | None:
        """The body of a record, running on until it is there or nothing more comes; None then."""
        while (found := self._by_key.get((kind, stage, key))) is None:
            if not self._advance():
                return None
        return found

    def found(self, kind: str, stage: str) -> list[BaseModel]:
        """The bodies of all records of a kind that a stage has left so far, in order."""
        return [body for (each, where, _), body in self._by_key.items() if (each, where) == (kind, stage)]

    def finished(self, stage: str) -> StageFinished | None:
        """How a stage ended, running on until it has and its cassette is closed; None when the run ended before it."""
        found = self.find("stage.finished", stage)
        return found if isinstance(found, StageFinished) else None

    def close(self) -> None:
        """Leave the run where it is."""
        leave(self._records)

    def ended_badly(self) -> tuple[str, StageFinished] | None:
        """The stage that ended the run, and how, among what is known so far."""
        for (kind, stage, _), body in self._by_key.items():
            if kind == "stage.finished" and isinstance(body, StageFinished) and body.result != "passed":
                return stage, body
        return None
