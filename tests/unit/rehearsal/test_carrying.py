"""Packing what is kept of a run, and taking it up in another folder."""

from __future__ import annotations

import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.migration.journal import Journal
from harness.migration.records import Note
from harness.rehearsal.carrying import About, mark_of, pack, unpack
from tests.unit.migration.fakes import header

AT = datetime(2026, 1, 5, 9, tzinfo=UTC)
ABOUT = About(scenario="erp.scenario.yaml", scenario_digest="a" * 64, org="configured", org_id="00D")


def write(folder: Path, *texts: str) -> None:
    """Write notes into the folder's journal, after the run's first record."""
    journal = Journal(folder / "journal.db")
    if not journal.dump():
        journal.write(run="run1", at=AT, kind="run.started", stage="", key="", body=header())
    for text in texts:
        note = Note(kind="warning", text=text)
        journal.write(run="run1", at=AT, kind="note", stage="dual-auth", key="k", body=note)
    journal.close()


def texts(folder: Path) -> list[str]:
    journal = Journal(folder / "journal.db")
    bodies = [record.body for record in journal.records(kind="note")]
    journal.close()
    return [body.text for body in bodies if isinstance(body, Note)]


def packed(folder: Path, name: str = "run.pack") -> Path:
    target = folder.parent / name
    pack(folder, target, about=ABOUT, tool_version="1", at=AT, host="a")
    return target


@pytest.fixture
def here(tmp_path: Path) -> Path:
    folder = tmp_path / "here"
    (folder / "runs" / "run1").mkdir(parents=True)
    (folder / "runs" / "run1" / "credential.before").write_bytes(b"SECRET=old\n")
    (folder / "lock").touch()
    write(folder, "one", "two")
    return folder


def test_everything_arrives_and_a_mark_is_left(here: Path, tmp_path: Path) -> None:
    (here / "cut-over.postpone").write_text("because: Rosa.\n")
    source, there = packed(here), tmp_path / "there"
    manifest = unpack(source, there, about=ABOUT)
    assert (manifest.runs, manifest.records) == (("run1",), 3)
    assert texts(there) == ["one", "two"]
    assert (there / "runs" / "run1" / "credential.before").read_bytes() == b"SECRET=old\n"
    assert (there / "cut-over.postpone").read_text() == "because: Rosa.\n"
    assert not (there / "lock").exists()
    assert mark_of(there) is None
    mark = mark_of(here)
    assert mark
    assert (mark.to, mark.at) == (str(source), AT)
    assert source.stat().st_mode & 0o777 == 0o600


def test_a_journal_that_nobody_closed_is_packed_whole(here: Path, tmp_path: Path) -> None:
    killed = Journal(here / "journal.db")
    killed.write(run="run1", at=AT, kind="note", stage="", key="", body=Note(kind="warning", text="three"))
    unpack(packed(here), tmp_path / "there", about=ABOUT)
    assert texts(tmp_path / "there") == ["one", "two", "three"]
    killed.close()


def test_what_was_done_away_comes_home_and_the_older_pack_does_not(here: Path, tmp_path: Path) -> None:
    first, there = packed(here), tmp_path / "there"
    unpack(first, there, about=ABOUT)
    write(there, "three")
    unpack(packed(there, "home.pack"), here, about=ABOUT)
    assert texts(here) == ["one", "two", "three"]
    assert mark_of(here) is None
    with pytest.raises(UsageError, match="is older than what is here: 3 records of 4"):
        unpack(first, here, about=ABOUT)
    assert texts(here) == ["one", "two", "three"]


def test_two_histories_are_not_mixed(here: Path, tmp_path: Path) -> None:
    source, there = packed(here), tmp_path / "there"
    unpack(source, there, about=ABOUT)
    write(there, "there")
    write(here, "here")
    with pytest.raises(UsageError, match="are two histories"):
        unpack(packed(there, "home.pack"), here, about=ABOUT)
    assert texts(here) == ["one", "two", "here"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"scenario_digest": "b" * 64}, "as it was when the run began"),
        ({"org_id": "00E"}, "is of another org: configured 00D, and here it is configured 00E"),
        ({"org": "simulated", "org_id": None}, "is of another org"),
    ],
    ids=["scenario", "org", "kind"],
)
def test_what_is_about_something_else_is_refused(
    here: Path, tmp_path: Path, change: dict[str, str | None], said: str
) -> None:
    source = packed(here)
    with pytest.raises(UsageError, match=said):
        unpack(source, tmp_path / "there", about=ABOUT.model_copy(update=change))
    assert not (tmp_path / "there" / "journal.db").exists()


def test_a_pack_with_any_byte_changed_is_refused_or_the_same(here: Path, tmp_path: Path) -> None:
    content = packed(here).read_bytes()
    there = tmp_path / "there"
    refused = 0
    for place in range(0, len(content), max(1, len(content) // 97)):
        damaged = tmp_path / "damaged.pack"
        damaged.write_bytes(content[:place] + bytes([content[place] ^ 0x41]) + content[place + 1 :])
        try:
            unpack(damaged, there / str(place), about=ABOUT)
        except UsageError:
            refused += 1
            assert not (there / str(place) / "journal.db").exists()
        else:
            assert texts(there / str(place)) == ["one", "two"], "what zip does not need may change"
    assert refused > 60


@pytest.mark.parametrize("name", ["../evil", "runs/../../evil", "/evil", "runs/x/..", "lock"])
def test_a_name_that_leads_elsewhere_is_refused(here: Path, tmp_path: Path, name: str) -> None:
    source, forged = packed(here), tmp_path / "forged.pack"
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(forged, "w") as new:
        manifest = old.read("manifest.json").decode()
        digest = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"  # of b"x"
        new.writestr("manifest.json", manifest.replace('"files": {', f'"files": {{"{name}":"{digest}",', 1))
        for each in old.namelist():
            if each != "manifest.json":
                new.writestr(each, old.read(each))
        new.writestr(name, b"x")
    with pytest.raises(UsageError, match="is not what was packed"):
        unpack(forged, tmp_path / "deep" / "there", about=ABOUT)


def test_a_target_that_is_there_is_not_overwritten(here: Path, tmp_path: Path) -> None:
    (tmp_path / "run.pack").write_text("mine")
    with pytest.raises(UsageError, match="is there already"):
        packed(here)
    assert (tmp_path / "run.pack").read_text() == "mine"
    assert mark_of(here) is None
