"""A journal with any byte flipped or cut anywhere is read as it was written, or refused; it is never misread.

The journal is that of a real small run, migrated and undone again. Here every byte that is used in the first two pages
of the database is flipped, every 1,499th of the rest (of database, WAL and head), and each file is cut
at every page and frame, beside it, and at every 1,499th byte. `make simulate-long` takes every byte.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import pytest

from harness.migration.filing.chain import Row

from .bench import make_world
from .damage import State, cut, every_damage, flipped, quick_folder, record, sample, try_all, with_and_without_head
from .scenarios import CASES

EVERY = 1 if os.environ.get("SIMULATE") == "all" else 1499
STATES = ("killed in the first session", "closed", "killed in the second session", "closed after a rollback")


@pytest.fixture(scope="module")
def states(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, State]]:
    folder = tmp_path_factory.mktemp("recorded")
    world = make_world(folder / "world", CASES["reference"])
    yield {state.name: state for state in record(world, folder / "journal")}
    world.close()


def test_the_recorded_run_is_a_real_one(states: dict[str, State]) -> None:
    assert tuple(states) == STATES
    rows = states["closed after a rollback"].rows
    assert {"intent", "outcome", "snapshot", "plan", "proof"} <= {row.kind for row in rows}
    assert len(rows) > 80
    assert states["closed"].rows == states["killed in the first session"].rows == rows[: len(states["closed"].rows)]


@pytest.mark.parametrize("name", STATES)
def test_undamaged_it_is_read_unless_its_head_is_missing_and_nobody_closed_it(
    states: dict[str, State], tmp_path: Path, name: str
) -> None:
    state = states[name]
    here, carried = with_and_without_head(state.files)
    assert try_all(state, [("as it is", here)], tmp_path / "j").whole == 1
    alone = try_all(state, [("alone", carried)], tmp_path / "j")
    assert (alone.whole, alone.refused.total()) == ((0, 1) if "wal" in state.files else (1, 0))


@pytest.mark.parametrize("name", STATES)
def test_damage_is_survived_or_told(states: dict[str, State], tmp_path: Path, name: str) -> None:
    tally = every_damage(states[name], quick_folder(tmp_path / "j"), every=EVERY)
    assert tally.wrong == []
    assert tally.whole > 100, "what is not used, and what the WAL has anew, does no harm"
    assert tally.refused.total() > 300
    assert set(tally.refused) <= {"JournalRefused", "JournalFailed"}


def trusting(path: Path) -> Sequence[Row]:
    """A reader that believes whatever SQLite gives it."""
    with closing(sqlite3.connect(path)) as database:
        return tuple(Row(*row) for row in database.execute("SELECT * FROM records ORDER BY seq"))


def test_a_reader_without_a_chain_and_a_head_is_caught(states: dict[str, State], tmp_path: Path) -> None:
    closed, killed = states["closed"], states["killed in the second session"]
    flips = flipped(closed.files, "db", sample(closed.files, "db", every=499))
    found = try_all(closed, flips, tmp_path / "j", trusting).wrong
    assert any("records read" in line for line in found), "a changed record, or one that is missing"
    assert any("Error: " in line for line in found), "an exception that is none of ours"
    short = cut(killed.files, "wal", [len(killed.files["wal"]) // 2])
    found = try_all(killed, short, tmp_path / "j", trusting).wrong
    assert any("records read" in line for line in found), "a shorter history"
