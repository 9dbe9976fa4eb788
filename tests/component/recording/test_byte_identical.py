"""A recording of the simulated sandbox is the same, byte for byte, whenever and wherever it is made."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from harness.recording.filing.files import cassette_paths, text_of
from tests.component.plugin.example import ROOT, Example
from tests.component.recording.conftest import NAME

pytestmark = pytest.mark.xdist_group("recorded")  # one worker records what all of these look at

ANOTHER_DAY = """
import time
from datetime import UTC, datetime, timedelta
from harness.org.clock import SystemClock

real = time.time
time.time = lambda: real() + 5 * 365.25 * 86400 + 12345.678
SystemClock.now = lambda _: datetime.now(UTC) + timedelta(days=1826, hours=7)
"""
ELSEWHERE = {"TZ": "Pacific/Chatham", "PYTHONHASHSEED": "4711", "LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8"}


def contents(folder: Path) -> dict[str, str]:
    """What each cassette of a folder holds, unpacked: another zlib packs the same text otherwise."""
    return {str(path.relative_to(folder)): text_of(path) for path in cassette_paths(folder)}


def record(folder: Path, name: str, *options: str, environ: dict[str, str] | None = None) -> Path:
    """Record a scenario in a folder of its own, at another time; the folder of its cassettes."""
    folder.mkdir(exist_ok=True)
    org = name if (ROOT / "scenarios" / "orgs" / name).is_dir() else NAME  # one is rehearsed in the demo's org
    project = Example(folder, org)
    project.scenario.unlink()
    shutil.copy(ROOT / "scenarios" / f"{name}.scenario.yaml", folder / "scenarios")
    shutil.rmtree(folder / "cassettes", ignore_errors=True)
    (folder / "cassettes").mkdir()
    shutil.copy(ROOT / "cassettes" / "allow.yaml", folder / "cassettes")
    project.environ = environ or {}
    (folder / "conftest.py").write_text(ANOTHER_DAY)
    ran = project.pytest("scenarios", "--cassettes", "record", *options)
    assert ran.code == 0, ran.output
    return folder / "cassettes" / name


def test_the_same_on_another_day_in_another_zone_and_folder(recorded: Path, tmp_path: Path) -> None:
    again = record(tmp_path / "a folder elsewhere", NAME, environ=ELSEWHERE)
    assert contents(again) == contents(recorded)
    assert {path.name: path.read_bytes() for path in cassette_paths(again)} == {
        path.name: path.read_bytes() for path in cassette_paths(recorded)
    }


def test_the_committed_recording_is_what_would_be_recorded_now(recorded: Path) -> None:
    assert contents(recorded) == contents(ROOT / "cassettes" / NAME), "make record"


@pytest.mark.long
@pytest.mark.parametrize("name", ["boomi", "erp", "mulesoft", "reporting", "warehouse"])
def test_every_shipped_recording_is_what_would_be_recorded_elsewhere(name: str, tmp_path: Path) -> None:
    options = ("-n", "2", "--dist", "loadgroup") if name == "erp" else ()
    again = record(tmp_path, name, *options, environ=ELSEWHERE)
    assert contents(again) == contents(ROOT / "cassettes" / name), "make record"
