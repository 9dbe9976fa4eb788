"""Two recordings are compared by meaning, request by request."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.inspecting.differing import diff
from harness.recording.differing import difference
from harness.recording.filing.files import Loaded
from tests.unit.recording.meaning.asked import ADMIN, ask, query, refused, rows

ROOT = Path(__file__).parents[3]
ACCOUNTS, ORDERS = query("SELECT Id FROM Account"), query("SELECT Id FROM Order")
FOUND, DENIED = rows("Account", {"Id": "a"}), refused("INVALID_TYPE")


def loaded(*interactions: tuple[object, dict[str, object]]) -> Loaded:
    return Loaded(
        {"admin_username": ADMIN}, [request for request, _ in interactions], [answer for _, answer in interactions]
    )


def test_equal_requests_are_compared_one_by_one() -> None:
    found = difference(loaded((ACCOUNTS, DENIED), (ACCOUNTS, FOUND)), loaded((ACCOUNTS, DENIED), (ACCOUNTS, DENIED)))
    assert [drift.tier for drift in found.drifts] == ["error"]
    assert (found.gone, found.new, found.moved) == ((), (), 0)


def test_the_same_question_of_two_users_is_two_questions() -> None:
    by_admin = query("SELECT Id FROM Account", ADMIN)
    found = difference(loaded((ACCOUNTS, FOUND)), loaded((by_admin, FOUND)))
    assert [line.partition(":")[0] for line in (*found.gone, *found.new)] == ["erp.integration@acme.example", ADMIN]


def test_requests_that_come_go_and_move_are_told() -> None:
    first = loaded((ACCOUNTS, FOUND), (ORDERS, FOUND), (ask("/sobjects"), FOUND))
    second = loaded((ORDERS, FOUND), (ACCOUNTS, FOUND), (ask("/limits"), FOUND))
    found = difference(first, second)
    assert (found.gone, found.new, found.moved) == (
        ("erp.integration@acme.example: describe all objects",),
        ("erp.integration@acme.example: GET /limits",),
        1,
    )


def write(folder: Path, name: str, answer: dict[str, object]) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    request = {"method": "GET", "uri": ACCOUNTS.uri, "body": None, "headers": {"accept": ["*/*"]}}
    response = {**answer, "headers": {}}
    document = {"version": 1, "metadata": {}, "interactions": [{"request": request, "response": response}]}
    path.write_text(json.dumps(document))
    return path


@pytest.mark.parametrize(("fail_at", "code"), [("information", 1), ("critical", 1)])
def test_the_exit_code_says_that_two_folders_differ(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], fail_at: str, code: int
) -> None:
    write(tmp_path / "old", "erp/verify.yaml", DENIED)
    write(tmp_path / "new", "erp/verify.yaml", FOUND)
    assert diff(tmp_path / "old", tmp_path / "new", fail_at=fail_at, as_json=False) == code
    out = capsys.readouterr().out
    assert "erp/verify" in out
    assert "what was refused is granted" in " ".join(out.split())
    assert diff(tmp_path / "new", tmp_path / "new", fail_at="information", as_json=False) == 0


def test_a_lighter_difference_than_asked_for_ends_well(tmp_path: Path) -> None:
    one = write(tmp_path, "one.yaml", FOUND)
    other = write(tmp_path, "other.yaml", rows("Account"))
    assert diff(one, other, fail_at="warning", as_json=True) == 1
    assert diff(one, other, fail_at="error", as_json=True) == 0


def test_a_file_that_git_shows_as_added_is_all_new(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    added = write(tmp_path, "verify.yaml", FOUND)
    assert diff(Path("/dev/null"), added, fail_at="information", as_json=True) == 1
    assert json.loads(capsys.readouterr().out)["verify"]["new"] == ["SELECT Id FROM Account"]


def test_a_folder_and_a_file_are_not_compared(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="a folder cannot be compared with a file"):
        diff(tmp_path, write(tmp_path, "one.yaml", FOUND), fail_at="error", as_json=False)
