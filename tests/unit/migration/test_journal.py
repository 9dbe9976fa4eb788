"""The journal: what was written is there, whole and in order, or the journal is refused."""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from harness.errors import JournalFailed, JournalRefused, Stopped, UsageError
from harness.migration.filing.chain import GENESIS, Row, digest_of, first_broken
from harness.migration.filing.head import Head, Mark
from harness.migration.filing.journal_file import files_of, set_aside
from harness.migration.journal import Journal, Record
from harness.migration.records import Note, StageFinished, StageStarted

AT = datetime(2026, 5, 4, 9, 30, 0, 123456, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


def note(journal: Journal, text: str, *, run: str = "run1", key: str = "k") -> Record:
    return journal.write(run=run, at=AT, kind="note", stage="plan", key=key, body=Note(kind="warning", text=text))


def fill(path: Path, count: int = 5) -> None:
    with closing(Journal(path)) as journal:
        for number in range(count):
            note(journal, f"text {number}", key=f"k{number}")


def texts(journal: Journal, **wanted: str) -> list[str]:
    return [record.body.text for record in journal.records(**wanted) if isinstance(record.body, Note)]


def in_another_process(path: Path, changes: str, *values: Any) -> None:
    """Change a closed journal as somebody with an SQLite shell would."""
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(changes, values)


def killed(path: Path, act: Callable[[Journal], object]) -> None:
    """Let another process open the journal, act, and die without closing it."""
    child = os.fork()
    if child == 0:
        try:
            act(Journal(path))
        finally:
            os._exit(0)
    os.waitpid(child, 0)


# --- what it is for ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kept", [True, False], ids=["file", "memory"])
def test_what_was_written_is_read_back(path: Path, *, kept: bool) -> None:
    with closing(Journal(path if kept else None)) as journal:
        written = [note(journal, "a", key="x"), note(journal, "b\x00\x1f ü", key="y"), note(journal, "c", run="run2")]
        assert list(journal.records()) == written
        assert list(journal.records("run1")) == written[:2]
        assert list(journal.records("run1", key="y")) == written[1:2]
        assert list(journal.records(kind="note", key="k")) == written[2:]
        assert list(journal.records("run1", kind="plan")) == []
        assert journal.find("run1", Note) == written[1].body
        assert journal.find("run1", StageStarted) is None
    if kept:
        with closing(Journal(path)) as journal:
            assert list(journal.records()) == written


def test_two_open_journals_see_each_others_records(path: Path) -> None:
    with closing(Journal(path)) as one, closing(Journal(path)) as other:
        note(one, "a")
        assert texts(other) == ["a"]
        note(other, "b")
        note(one, "c")
        assert texts(one) == texts(other) == ["a", "b", "c"]
    with closing(Journal(path)) as journal:
        assert texts(journal) == ["a", "b", "c"]


def test_a_body_of_another_kind_is_a_bug(path: Path) -> None:
    with closing(Journal(path)) as journal, pytest.raises(TypeError, match="a note record holds a Note"):
        journal.write(run="r", at=AT, kind="note", stage="s", key="k", body=StageStarted())


def test_only_its_owner_may_read_it(path: Path) -> None:
    with closing(Journal(path)) as journal:
        note(journal, "a")
        assert {file.stat().st_mode & 0o777 for file in path.parent.iterdir()} == {0o600}
        assert {file.name for file in path.parent.iterdir()} == {file.name for file in files_of(path)}


def test_a_copy_in_memory_is_equal_and_goes_its_own_way() -> None:
    journal, copy = Journal(None), Journal(None)
    note(journal, "a")
    kept = journal.dump()
    copy.load(kept)
    note(copy, "b")
    assert (texts(journal), texts(copy)) == (["a"], ["a", "b"])
    assert first_broken(copy.dump()) is None
    copy.load(kept)
    assert texts(copy, key="k") == ["a"]


def test_a_file_is_never_replaced_by_a_copy(path: Path) -> None:
    with closing(Journal(path)) as journal, pytest.raises(ValueError, match="never replaced"):
        journal.load(())


def test_a_copy_whose_record_was_altered_is_refused_when_it_is_read() -> None:
    journal = Journal(None)
    note(journal, "a")
    [row] = journal.dump()
    journal.load([row._replace(body=row.body.replace('"a"', '"b"'))])
    with pytest.raises(JournalRefused, match="record 1 of None was altered"):
        texts(journal)


# --- the chain --------------------------------------------------------------------------------------------------------


def chained(count: int) -> list[Row]:
    rows: list[Row] = []
    before = GENESIS
    for seq in range(1, count + 1):
        row = Row(seq, "r", "at", "note", "s", f"k{seq}", "{}", "")
        rows.append(row._replace(digest=digest_of(before, row)))
        before = rows[-1].digest
    return rows


def test_a_chain_tells_where_it_is_broken() -> None:
    rows = chained(5)
    assert first_broken(rows) is None
    assert first_broken(rows[3:], before=rows[2].digest, count=3) is None
    for number, changed in (
        (2, [*rows[:1], *rows[2:]]),
        (2, [rows[0], rows[2], rows[1], *rows[3:]]),
        (1, rows[1:]),
        (4, [*rows[:3], rows[3]._replace(key="k9"), rows[4]]),
        (3, [*rows[:2], rows[2]._replace(run="ra", at="t"), *rows[3:]]),
        (6, [*rows, rows[4]]),
    ):
        assert first_broken(changed) == number


@pytest.mark.parametrize("column", range(1, 8), ids=Row._fields[1:])
def test_what_is_no_text_breaks_the_chain(column: int) -> None:
    rows = chained(2)
    values: list[Any] = [*rows[1]]
    values[column] = b"x"
    assert first_broken([rows[0], Row(*values)]) == 2


# --- what is damaged or cut is refused --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("UPDATE records SET body = replace(body, 'text 1', 'text 9') WHERE seq = 2", "record 2 was altered"),
        ("UPDATE records SET run = 'run2' WHERE seq = 5", "record 5 was altered"),
        ("DELETE FROM records WHERE seq = 3", "record 3 was altered, or one before it is missing"),
        ("DELETE FROM records WHERE seq = 5", "it was cut: it holds 4 records of at least 5"),
        ("DELETE FROM records", "it was cut: it holds 0 records of at least 5"),
        ("UPDATE records SET seq = 6 WHERE seq = 5", "record 5 was altered"),
        ("CREATE INDEX quick ON records (run)", "is not a journal"),
        ("DROP TABLE records", "is not a journal"),
    ],
)
def test_what_was_changed_is_refused(path: Path, change: str, says: str) -> None:
    fill(path)
    in_another_process(path, change)
    with pytest.raises(JournalRefused, match=says) as refused:
        Journal(path)
    assert refused.value.remedy
    assert isinstance(refused.value, UsageError)


def test_a_record_cut_from_a_journal_without_its_head_is_noticed(path: Path) -> None:
    fill(path)
    path.with_suffix(".head").unlink()
    in_another_process(path, "DELETE FROM records WHERE seq = 5")
    with pytest.raises(JournalRefused, match="it was closed with 5 records and holds 4"):
        Journal(path)


def test_an_emptied_file_is_refused(path: Path) -> None:
    fill(path)
    path.write_bytes(b"")
    with pytest.raises(JournalRefused, match=r"was emptied.*\n.*rehearse adopt FILE"):
        Journal(path)


def test_a_file_that_is_gone_is_not_begun_anew(path: Path) -> None:
    fill(path)
    path.unlink()
    with pytest.raises(JournalRefused, match=r"is gone, and journal\.head is still there"):
        Journal(path)


def test_a_lost_wal_is_noticed(path: Path) -> None:
    fill(path, 3)
    killed(path, lambda journal: note(journal, "the last"))
    wal = files_of(path)[1]
    assert wal.stat().st_size > 0
    wal.unlink()
    with pytest.raises(JournalRefused, match="it holds 3 records of at least 4"):
        Journal(path)
    path.with_suffix(".head").unlink()
    with pytest.raises(JournalRefused, match="was not closed when it was last written"):
        Journal(path)


def test_a_journal_ahead_of_its_head_is_fine(path: Path) -> None:
    fill(path, 3)
    head = path.with_suffix(".head").read_bytes()
    killed(path, lambda journal: [note(journal, "d"), note(journal, "e")])
    path.with_suffix(".head").write_bytes(head)
    with closing(Journal(path)) as journal:
        assert len(texts(journal)) == 5
        note(journal, "f")
    with closing(Journal(path)) as journal:
        assert len(texts(journal)) == 6


def test_a_journal_of_another_history_does_not_fit_the_head(tmp_path: Path, path: Path) -> None:
    fill(path)
    other = tmp_path / "other.db"
    with closing(Journal(other)) as journal:
        for number in range(9):
            note(journal, f"of another {number}")
    shutil.copy(other, path)
    with pytest.raises(JournalRefused, match="it is not the journal that"):
        Journal(path)


def test_an_older_copy_of_it_does_not_fit_the_head_either(tmp_path: Path, path: Path) -> None:
    fill(path, 3)
    shutil.copy(path, tmp_path / "backup")
    with closing(Journal(path)) as journal:
        note(journal, "later")
    shutil.copy(tmp_path / "backup", path)
    with pytest.raises(JournalRefused, match="it holds 3 records of at least 4"):
        Journal(path)


def test_a_closed_or_sealed_journal_is_carried_in_one_file(tmp_path: Path, path: Path) -> None:
    fill(path, 3)
    with closing(Journal(path)) as journal:
        note(journal, "d")
        journal.seal()
        shutil.copy(path, tmp_path / "sealed.db")
        note(journal, "e")
        journal.seal()
        note(journal, "f")
        shutil.copy(path, tmp_path / "open.db")
    shutil.copy(path, tmp_path / "closed.db")
    with closing(Journal(tmp_path / "sealed.db")) as sealed, closing(Journal(tmp_path / "closed.db")) as closed:
        assert (len(texts(sealed)), len(texts(closed))) == (4, 6)
        note(sealed, "elsewhere")
    with closing(Journal(tmp_path / "sealed.db")) as sealed:
        assert texts(sealed)[-1] == "elsewhere"
    with pytest.raises(JournalRefused, match=r"open\.head is not beside it.*\n.*carry the whole folder"):
        Journal(tmp_path / "open.db")


@pytest.mark.parametrize("content", [b"", b"\0" * 200, b"000000000003 abc"], ids=["empty", "zeros", "torn"])
def test_a_damaged_head_is_told_and_may_be_removed(path: Path, content: bytes) -> None:
    fill(path, 3)
    head = path.with_suffix(".head")
    head.write_bytes(content)
    with pytest.raises(JournalRefused, match=r"journal\.head is damaged.*\n.*remove this one file"):
        Journal(path)
    head.unlink()
    with closing(Journal(path)) as journal:
        assert len(texts(journal)) == 3


def test_of_a_torn_head_the_line_that_is_whole_counts(tmp_path: Path) -> None:
    head = Head(tmp_path / "journal.head")
    head.begin(Mark(0, GENESIS))
    for count in range(1, 8):
        head.write(Mark(count, f"{count:064x}"))
        assert head.read() == Mark(count, f"{count:064x}")
    head.close()
    content = head.path.read_bytes()
    for place in range(len(content)):
        head.path.write_bytes(content[:place] + bytes([content[place] ^ 0x20]) + content[place + 1 :])
        newest = place >= len(content) // 2  # 7 is odd: it is in the second line
        assert head.read() == (Mark(6, f"{6:064x}") if newest else Mark(7, f"{7:064x}"))


def test_a_journal_of_the_first_format_is_refused_with_what_to_do(path: Path) -> None:
    columns = "run TEXT, at TEXT, kind TEXT, stage TEXT, key TEXT, body TEXT, digest TEXT"
    in_another_process(path, f"CREATE TABLE records (seq INTEGER PRIMARY KEY AUTOINCREMENT, {columns})")
    with pytest.raises(
        JournalRefused, match=r"an earlier version of rehearse.*\n.*roll back its runs with that version"
    ):
        Journal(path)


def test_a_text_file_is_no_journal(path: Path) -> None:
    path.write_text("not a database, and longer than a page header" * 100)
    with pytest.raises(JournalRefused, match="file is not a database"):
        Journal(path)


def test_a_record_of_another_version_is_refused_when_it_is_read(path: Path) -> None:
    row = Row(1, "run1", AT.isoformat(), "note", "plan", "k", '{"kind": "warning", "tone": "loud"}', "")
    with closing(Journal(path)) as journal:
        journal._append(row)
        journal._append(row._replace(kind="omen"))
        for kind in ("note", "omen"):
            with pytest.raises(JournalRefused, match="a kind or shape that this version does not know"):
                list(journal.records(kind=kind))


def test_a_journal_that_was_set_aside_makes_room_for_another(path: Path) -> None:
    fill(path)
    path.write_bytes(b"")
    assert sorted(file.name for file in set_aside(path)) == ["journal.db.set-aside-1", "journal.head.set-aside-1"]
    fill(path, 2)
    assert len(set_aside(path)) == 2
    assert (path.parent / "journal.db.set-aside-2").is_file()
    assert set_aside(path) == ()


# --- interrupted, killed, and not to be written -----------------------------------------------------------------------


def test_an_interrupt_in_the_middle_of_a_record_loses_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_args: object) -> None:
        raise KeyboardInterrupt

    with closing(Journal(path)) as journal:
        note(journal, "a")
        with monkeypatch.context() as patch:
            patch.setattr(Head, "write", interrupt)
            with pytest.raises(KeyboardInterrupt):
                note(journal, "b")
        note(journal, "c")
        assert texts(journal) == ["a", "b", "c"]
    with closing(Journal(path)) as journal:
        assert texts(journal) == ["a", "b", "c"]


def test_what_was_written_before_a_kill_is_there(path: Path) -> None:
    for count in range(1, 4):
        killed(path, lambda journal: note(journal, "x"))
        with closing(Journal(path)) as journal:
            assert len(texts(journal)) == count


@pytest.fixture
def full(path: Path) -> Iterator[Journal]:
    """A journal that may not grow any more: SQLite then says that the disk is full."""
    journal = Journal(path)
    note(journal, "a")
    assert journal._file is not None
    [pages] = journal._file._db.execute("PRAGMA page_count").fetchone()
    journal._file._db.execute(f"PRAGMA max_page_count = {pages}")
    yield journal
    journal.close()


def test_a_full_disk_ends_the_journal_and_it_can_be_opened_again(full: Journal, path: Path) -> None:
    with pytest.raises(JournalFailed, match=r"could not be written \(database or disk is full\)") as failed:
        note(full, "x" * 100_000)
    assert isinstance(failed.value, Stopped)
    assert (failed.value.exit_code, bool(failed.value.remedy)) == (3, True)
    with pytest.raises(JournalFailed, match="nothing more is sent"):
        note(full, "a short one, which would fit")
    assert texts(full) == ["a"]
    full.close()
    with closing(Journal(path)) as journal:
        assert texts(journal) == ["a"]
        note(journal, "b")


def test_a_closed_journal_is_not_written_to(path: Path) -> None:
    journal = Journal(path)
    note(journal, "a")
    journal.close()
    journal.close()
    with pytest.raises(JournalFailed, match="it is closed"):
        note(journal, "b")
    assert texts(journal) == ["a"]


def test_a_head_that_cannot_be_written_ends_the_journal(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: object) -> None:
        raise OSError("Input/output error")

    with closing(Journal(path)) as journal:
        note(journal, "a")
        with monkeypatch.context() as patch:
            patch.setattr(Head, "write", refuse)
            with pytest.raises(JournalFailed, match="Input/output error"):
                note(journal, "b")
        with pytest.raises(JournalFailed):
            note(journal, "c")
    with closing(Journal(path)) as journal:
        assert texts(journal) == ["a", "b"], "it was in the file already; the head is behind, which is fine"


# --- what it costs ----------------------------------------------------------------------------------------------------


def test_two_thousand_records_are_verified_in_no_time(path: Path) -> None:
    journal = Journal(None)
    end = StageFinished(result="passed", calls=1, message="x" * 900)
    for number in range(2_000):
        journal.write(run="run1", at=AT, kind="stage.finished", stage="plan", key=f"k{number}", body=end)
    Journal(path).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("BEGIN")
        database.executemany("INSERT INTO records VALUES (?, ?, ?, ?, ?, ?, ?, ?)", journal.dump())
        database.execute("PRAGMA user_version = 2000")
        database.execute("COMMIT")
    began = time.process_time()
    with closing(Journal(path)) as opened:
        assert time.process_time() - began < 1
        assert opened.dump() == journal.dump()
