"""The command's exit codes, for errors that no test can bring about from outside."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import NoReturn

import pytest
from pydantic import BaseModel, field_serializer

from harness import cli, front
from harness.errors import GuardRefused, OrgUnreachable, RehearseError, ScenarioError, StageFailed, Stopped


@pytest.fixture
def scenario(tmp_path: Path) -> str:
    file = tmp_path / "x.scenario.yaml"
    file.write_text("")
    return str(file)


def fail_with(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    def open_rehearsal(*_arguments: object, **_options: object) -> NoReturn:
        raise error

    monkeypatch.setattr(front, "open_rehearsal", open_rehearsal)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (OrgUnreachable("gone", asked="x", may_have_happened=False), 1),
        (StageFailed("gone", stage="grant"), 1),
        (ScenarioError("gone"), 2),
        (OSError(errno.ENOSPC, "gone", "reports/x.html"), 2),
        (Stopped("gone"), 3),
        (GuardRefused("gone"), 4),
        (RehearseError("gone"), 5),
    ],
)
def test_what_was_foreseen_is_a_message(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], scenario: str, error: Exception, code: int
) -> None:
    fail_with(monkeypatch, error)
    assert cli._exit_code(["run", scenario]) == code
    said = capsys.readouterr().err
    assert "gone" in said
    assert "Traceback" not in said


def test_a_bug_of_ours_is_5_with_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], scenario: str
) -> None:
    fail_with(monkeypatch, ZeroDivisionError("a bug"))
    assert cli._exit_code(["run", scenario]) == 5
    said = capsys.readouterr().err
    assert "ZeroDivisionError: a bug" in said
    assert "this is a bug in rehearse; the run's journal is intact" in said


def test_an_interrupt_is_3_and_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], scenario: str
) -> None:
    fail_with(monkeypatch, KeyboardInterrupt())
    assert cli._exit_code(["resume", scenario]) == 3
    assert "rehearse status" in capsys.readouterr().err


@pytest.mark.parametrize("as_json", [False, True])
def test_an_interrupt_inside_a_serializer_is_one_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], scenario: str, *, as_json: bool
) -> None:
    class Interrupted(BaseModel):
        number: int

        @field_serializer("number", when_used="json")
        def _dump(self, _number: int) -> int:
            raise KeyboardInterrupt

    def open_rehearsal(*_arguments: object, **_options: object) -> object:
        one = Interrupted(number=1)
        return one.model_dump_json() if as_json else one.model_dump(mode="json")

    monkeypatch.setattr(front, "open_rehearsal", open_rehearsal)
    assert cli._exit_code(["resume", scenario]) == 3
    assert "rehearse status" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [["run"], ["run", "absent.yaml"], ["fly"], ["sandbox", "--port", "99999"], ["sandbox", "--host", "x"]]
)
def test_a_command_typed_wrong_is_2(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    assert cli._exit_code(arguments) == 2
    assert "Usage: rehearse" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["rollback", "--help"]])
def test_help_is_0(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    assert cli._exit_code(arguments) == 0
    assert capsys.readouterr().out
