"""`rehearse adopt`: the journal of a migration is lost, damaged or there, in the simulated org of the command."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness import cli

SCENARIO = Path(__file__).parents[3] / "scenarios" / "reporting.scenario.yaml"
Command = Callable[..., int]


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the state of a whole migration in place."""
    folder = tmp_path_factory.mktemp("adopting") / "migrated"
    options = ["--state-folder", str(folder / "state"), "--report-folder", str(folder / "reports")]
    assert cli._exit_code(["run", str(SCENARIO), *options]) == 0
    return folder


@pytest.fixture
def state(migrated: Path, tmp_path: Path) -> Iterator[Path]:
    """The same state for each test, at the place where it was made: the run's own folder knows that place."""
    kept = tmp_path / "kept"
    shutil.copytree(migrated, kept)
    yield migrated / "state" / "simulated" / "reporting"
    shutil.rmtree(migrated)
    shutil.copytree(kept, migrated)


@pytest.fixture
def rehearse(migrated: Path) -> Command:
    """The command, about this scenario and state."""

    def run(command: str, *options: str) -> int:
        reports = ["--report-folder", str(migrated / "reports")] if command in ("rollback", "resume", "run") else []
        return cli._exit_code([command, str(SCENARIO), "--state-folder", str(migrated / "state"), *reports, *options])

    return run


def lose(state: Path) -> None:
    for file in state.glob("journal.*"):
        file.unlink()


def test_lost_adopted_and_undone(state: Path, rehearse: Command, capsys: pytest.CaptureFixture[str]) -> None:
    lose(state)
    assert rehearse("rollback") == 2
    assert "rehearse adopt" in capsys.readouterr().err
    assert rehearse("adopt", "--dry-run") == 0
    assert not (state / "journal.db").exists(), "a dry run keeps nothing"
    assert rehearse("adopt") == 0
    said = capsys.readouterr().out
    assert "It can only be rolled back" in said
    assert "taken by the run; the digest in" in said
    assert rehearse("resume") == 2
    assert "was adopted, and cannot go on" in capsys.readouterr().err
    assert rehearse("rollback") == 0
    assert "access fingerprint: equal to the snapshot" in capsys.readouterr().out
    assert rehearse("status") == 0
    assert "everything was undone" in capsys.readouterr().out
    lose(state)
    assert rehearse("adopt") == 0
    assert "there is nothing to adopt" in capsys.readouterr().out
    assert not (state / "journal.db").exists(), "where nothing is, nothing is written"


def test_a_journal_that_knows_the_run_is_never_replaced(
    state: Path, rehearse: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (state / "journal.db").read_bytes()
    assert rehearse("adopt") == 2
    assert "knows run" in capsys.readouterr().err
    assert rehearse("adopt", "--set-aside") == 2
    assert (state / "journal.db").read_bytes() == before


def test_a_damaged_journal_is_moved_aside_only_when_told_so(
    state: Path, rehearse: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    journal = state / "journal.db"
    content = bytearray(journal.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 64] = b"x" * 64
    journal.write_bytes(content)
    assert rehearse("adopt") == 2
    assert "--set-aside" in capsys.readouterr().err
    assert journal.read_bytes() == bytes(content)
    assert rehearse("adopt", "--set-aside") == 0
    [aside] = state.glob("journal.db.set-aside-*")
    assert aside.read_bytes() == bytes(content)
    assert rehearse("rollback") == 0


@pytest.mark.parametrize("options", [("--before", "nonsense"), ("--before", "colour=blue"), ("--run", "another")])
def test_what_makes_no_sense_is_a_matter_of_usage(state: Path, rehearse: Command, options: tuple[str, str]) -> None:
    lose(state)
    assert rehearse("adopt", *options) == 2
    assert not (state / "journal.db").exists()
