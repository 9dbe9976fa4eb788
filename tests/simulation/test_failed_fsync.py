"""The disk fails under the journal: the kernel refuses an fsync. The run stops at once and sends nothing more.

The fsync is a real one and fails in the kernel, in a process of its own. The requests that reach the org after it are
counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from harness.errors import JournalFailed
from harness.migration.journal import Journal, Record

from .bench import World, make_world
from .children import CAN_FAIL_TO_SYNC, in_child, let_syncing_fail
from .damage import KeptJournal
from .points import Point
from .scenarios import CASES

pytestmark = pytest.mark.skipif(not CAN_FAIL_TO_SYNC, reason="needs a filter of system calls, which Linux has")

DISK_FAILED = re.compile(
    r"could not be written \((disk I/O|\[Errno 5\] Input/output) error\): nothing more is sent to the"
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = make_world(tmp_path_factory.mktemp("failing"), CASES["reference"])
    yield made
    made.close()


@dataclass(frozen=True, slots=True)
class Seen:
    """What a run did whose journal failed."""

    records: int
    """How many records it wrote."""
    ended_with: str
    calls_before: int
    calls_after: int


class FailingJournal(KeptJournal):
    """A journal whose disk fails for good when its n-th record is to be written."""

    def __init__(self, path: Path, fails_at: int) -> None:
        super().__init__(path)
        self._fails_at = fails_at
        self.written = 0
        self.has_failed = False

    def write(self, **values: Any) -> Record:
        if self.written + 1 == self._fails_at:
            let_syncing_fail()
        try:
            record = super().write(**values)
        except JournalFailed:
            self.has_failed = True
            raise
        self.written += 1
        return record


def run_until_the_disk_fails(world: World, path: Path, fails_at: int, *, undo: bool = False) -> Seen:
    """Migrate, or undo what was migrated, in a world that nobody else sees."""
    if undo:
        with closing(KeptJournal(path)) as journal:
            world.process(journal=journal).forward()
    journal = FailingJournal(path, fails_at)
    calls = {True: 0, False: 0}

    def count(point: Point) -> None:
        if point.medium == "call" and point.moment == "before":
            calls[journal.has_failed] += 1

    process = world.process(count, journal=journal)
    try:
        end = process.back() if undo else process.forward()
        ended = f"{end and end.result}"
    except JournalFailed as error:
        ended = str(error)
    return Seen(journal.written, ended, calls[False], calls[True])


@pytest.mark.parametrize("fails_at", [1, 2, 5, 12, 23, 36, 51, 68])
def test_after_a_failed_fsync_nothing_is_sent(world: World, tmp_path: Path, fails_at: int) -> None:
    path = tmp_path / "journal.db"
    seen = in_child(lambda: run_until_the_disk_fails(world, path, fails_at))
    assert seen.records == fails_at - 1
    assert DISK_FAILED.search(seen.ended_with), seen.ended_with
    assert seen.calls_after == 0
    assert seen.calls_before > 0 or fails_at < 4
    with closing(Journal(path)) as journal:
        # the record that failed may be in the file all the same: it was never acted upon
        assert len(journal.dump()) in {fails_at - 1, fails_at}


@pytest.mark.parametrize("fails_at", [1, 4, 13])
def test_nor_in_a_rollback(world: World, tmp_path: Path, fails_at: int) -> None:
    path = tmp_path / "journal.db"
    seen = in_child(lambda: run_until_the_disk_fails(world, path, fails_at, undo=True))
    assert seen.records == fails_at - 1
    assert DISK_FAILED.search(seen.ended_with), seen.ended_with
    assert seen.calls_after == 0


def test_a_run_whose_disk_is_well_goes_through(world: World, tmp_path: Path) -> None:
    seen = in_child(lambda: run_until_the_disk_fails(world, tmp_path / "journal.db", 10_000))
    assert seen.ended_with == "passed"
    assert seen.records > 70
    assert seen.calls_before > 100
