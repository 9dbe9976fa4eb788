"""The file that postpones the cut-over: what it may hold, and what it says of what it must not."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.migration.postponing import read_postponement


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "cut-over.postpone"


def test_no_file_postpones_nothing(file: Path) -> None:
    assert read_postponement(file) is None


@pytest.mark.parametrize("text", ["", "\n\n", "# until the freeze is over\n"], ids=["nothing", "lines", "comment"])
def test_an_empty_file_postpones_until_it_is_removed(file: Path, text: str) -> None:
    file.write_text(text)
    found = read_postponement(file, shown="here")
    assert found
    assert (found.until, found.because) == (None, None)
    assert str(found) == "the cut-over is postponed until here is removed"


@pytest.mark.parametrize("moment", ["2026-12-01T08:00Z", '"2026-12-01T09:00+01:00"', "2026-12-01 08:00:00+00:00"])
def test_a_moment_is_read_with_its_zone(file: Path, moment: str) -> None:
    file.write_text(f"until: {moment}\nbecause: The month is closed first.\n")
    found = read_postponement(file, shown="here")
    assert found
    assert found.until == datetime(2026, 12, 1, 8, tzinfo=UTC)
    assert str(found) == ("the cut-over is postponed until 2026-12-01 08:00 UTC by here: The month is closed first.")


def test_a_reason_alone_postpones_until_the_file_is_removed(file: Path) -> None:
    file.write_text("because: Ask Rosa first.\n")
    found = read_postponement(file, shown="here")
    assert str(found) == "the cut-over is postponed until here is removed: Ask Rosa first."


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("until: tomorrow\n", "here:1:8: 'tomorrow' is no moment"),
        ("because: x\nuntil: 2026-12-01T08:00\n", "here:2:8: '2026-12-01T08:00' does not say its time zone"),
        ("until: 2026-12-01\n", "here:1:8: '2026-12-01' does not say its time zone"),
        ("until:\n", "here:1:"),
        ("untill: 2026-12-01T08:00Z\n", "here:1:1: unknown key 'untill'; did you mean 'until'?"),
        ("because: 3\n", "here:1:10: `because` is not a text"),
        ("- until\n", "here:1:1: it holds neither"),
        ("until: 2026-12-01T08:00Z\nuntil: 2026-12-02T08:00Z\n", "here:2:1: the key 'until' is here twice"),
        ("until: [\n", "here:2"),
    ],
    ids=["word", "zone", "date", "empty", "typo", "number", "list", "twice", "broken"],
)
def test_what_it_must_not_hold_is_named_with_its_line(file: Path, text: str, said: str) -> None:
    file.write_text(text)
    with pytest.raises(UsageError) as refused:
        read_postponement(file, shown="here")
    assert str(refused.value).startswith(said)
    assert refused.value.remedy


def test_a_folder_or_a_file_of_bytes_is_refused(file: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        read_postponement(tmp_path)
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="not UTF-8"):
        read_postponement(file)
