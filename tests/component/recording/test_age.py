"""The recording of a live org grows old: first it is warned of, then it is not replayed; a simulated one never does."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from harness.recording.filing.files import JSON, cassette_paths, pack, text_of
from tests.component.plugin.example import Example

pytestmark = pytest.mark.xdist_group("recorded")  # one worker records what all of these look at

Make = Callable[[], Example]


def make_live(project: Example, *, days: int, tool: str | None = None) -> None:
    """Let the recording say that it is of a live org, and so many days old."""
    at = (datetime.now(UTC) - timedelta(days=days, minutes=5)).isoformat(timespec="seconds")
    for path in cassette_paths(project.folder / "cassettes"):
        text = text_of(path)
        packed = path.name.endswith(JSON)
        new = f'"recorded_at": "{at}", "live": "yes"' if packed else f"recorded_at: '{at}'\n  live: 'yes'"
        text, count = re.subn(r'"live": ?"no"' if packed else "live: 'no'", new, text, count=1)
        assert count == 1
        if tool:
            text, count = re.subn(r'(tool_version"?: ?"?)[^\s",]+', rf"\g<1>{tool}", text, count=1)
            assert count == 1
        path.write_bytes(pack(text) if packed else text.encode())


def test_from_60_days_on_it_is_warned_of(project: Make) -> None:
    made = project()
    make_live(made, days=60, tool="0.0.9")
    ran = made.pytest("scenarios")
    assert ran.code == 0, ran.output
    summary = ran.output.partition("migration rehearsals")[2]
    assert "CassetteWarning: the recording of org simulated is 60 days old" in ran.output
    assert "60 days old" in summary
    assert "pytest scenarios/warehouse.scenario.yaml --org simulated --cassettes record" in summary
    assert "it was recorded by rehearse 0.0.9, and this is" in summary
    assert ran.output.count("CassetteWarning:") == 1
    assert "60 days old" in (made.folder / "reports" / "warehouse.html").read_text()


@pytest.mark.long
def test_from_120_days_on_it_is_not_replayed(project: Make) -> None:
    made = project()
    make_live(made, days=120)
    ran = made.pytest("scenarios")
    assert ran.code == pytest.ExitCode.TESTS_FAILED
    assert ran.outcomes["failed"] == 1
    assert "passed" not in ran.outcomes
    assert "120 days old" in ran.output
    assert "remedy: record it again: pytest scenarios/warehouse.scenario.yaml" in ran.output
    assert "Traceback" not in ran.output


@pytest.mark.long
def test_the_days_are_an_option_and_a_setting(project: Make) -> None:
    made = project()
    make_live(made, days=500)
    (made.folder / "pytest.ini").write_text("[pytest]\ncassette_max_days = 501\ncassette_warn_days = 0\n")
    ran = made.pytest("scenarios", "-p", "no:cacheprovider")
    assert ran.code == 0, ran.output
    assert "days old" not in ran.output
    refused = made.pytest("scenarios", "--cassette-max-days", "499", "-k", "preflight")
    assert refused.code == pytest.ExitCode.TESTS_FAILED
    odd = made.pytest("scenarios", "--cassette-max-days", "-3")
    assert odd.code == pytest.ExitCode.USAGE_ERROR
