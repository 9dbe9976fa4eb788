from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from harness.errors import GuardRefused
from harness.migration.journal import Record
from harness.migration.records import Note, StageFinished, StageStarted
from harness.rehearsal.progress import Progress

AT = datetime(2026, 1, 5, tzinfo=UTC)


def started(stage: str) -> Record:
    return Record(1, "run1", AT, "stage.started", stage, "", StageStarted())


def ended(stage: str, result: Any = "passed") -> Record:
    return Record(1, "run1", AT, "stage.finished", stage, "", StageFinished(result=result, calls=1, message=result))


def note(stage: str, key: str) -> Record:
    return Record(1, "run1", AT, "note", stage, key, Note(kind="warning", text=f"{stage} {key}"))


class Told:
    """Hands out records one by one, and knows how many were asked for and whether it was left."""

    def __init__(self, *records: Record, error: BaseException | None = None) -> None:
        self.count = 0
        self.left = False
        self._records = records
        self._error = error

    def stages(self) -> Iterator[Record]:
        try:
            for record in self._records:
                self.count += 1
                yield record
            if self._error is not None:
                raise self._error
        finally:
            self.left = True


def test_nothing_runs_further_than_what_is_asked_for() -> None:
    told = Told(started("plan"), note("plan", "a"), ended("plan"), started("grant"), ended("grant"))
    progress = Progress(told.stages(), ())
    assert told.count == 0
    found = progress.find("note", "plan", "a")
    assert isinstance(found, Note)
    assert told.count == 2
    end = progress.finished("plan")
    assert end
    assert end.result == "passed"
    assert told.count == 3
    assert progress.finished("plan") is end


def test_what_never_comes_is_none() -> None:
    progress = Progress(Told(started("plan"), ended("plan", "refused")).stages(), ())
    assert progress.finished("grant") is None
    assert progress.find("note", "plan", "a") is None
    ended_so = progress.ended_badly()
    assert ended_so
    assert (ended_so[0], ended_so[1].result) == ("plan", "refused")


def test_an_error_is_raised_once_and_remembered_with_its_stage() -> None:
    refused = GuardRefused("not a sandbox")
    progress = Progress(Told(started("preflight"), error=refused).stages(), ())
    with pytest.raises(GuardRefused):
        progress.finished("preflight")
    assert (progress.error, progress.error_stage) == (refused, "preflight")
    assert progress.finished("preflight") is None
    assert progress.ended_badly() is None


@pytest.mark.parametrize("result", ["stopped", "failed", "refused"])
def test_a_stage_that_did_not_pass_is_run_again_and_its_old_end_does_not_count(result: str) -> None:
    already = [started("plan"), ended("plan"), started("dual-auth"), note("dual-auth", "a"), ended("dual-auth", result)]
    told = Told(started("dual-auth"), ended("dual-auth"))
    progress = Progress(told.stages(), already)
    assert progress.finished("plan")
    assert told.count == 0
    assert progress.ended_badly() is None
    end = progress.finished("dual-auth")
    assert end
    assert end.result == "passed"
    assert progress.find("note", "dual-auth", "a") is None


def test_closing_leaves_the_run_at_once() -> None:
    told = Told(started("plan"), ended("plan"))
    progress = Progress(told.stages(), ())
    progress.find("stage.started", "plan")
    progress.close()
    assert told.left
    assert progress.finished("plan") is None
    Progress(iter(()), ()).close()
