"""What is said of a recording's age and of the tool that made it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from harness import __version__
from harness.errors import RecordingError
from harness.rehearsal.options import Options
from harness.rehearsal.recorded import check_age, other_tool
from harness.scenario.loader import load
from tests.unit.recording.some_facts import facts

ERP = load(Path(__file__).parents[3] / "scenarios" / "erp.scenario.yaml", shown="erp.scenario.yaml")
MOMENT = datetime(2026, 1, 5, 9, tzinfo=UTC)
LIVE = facts(live="yes", kind="sandbox", org_name="uat", recorded_at=MOMENT)


def options(**chosen: Any) -> Options:
    return replace(Options.simulated(Path()), **chosen)


def said(days: int, **chosen: int) -> str | None:
    return check_age(ERP, [LIVE, facts()], MOMENT + timedelta(days=days), options(**chosen))


def test_it_is_warned_of_from_60_days_on_and_refused_from_120() -> None:
    assert said(59) is None
    assert said(60) == (
        "the recording of org uat is 60 days old (2026-01-05), and the org may have changed: record it again: "
        "pytest erp.scenario.yaml --org uat --cassettes record"
    )
    assert said(119)
    with pytest.raises(RecordingError, match="120 days old") as caught:
        said(120)
    assert caught.value.remedy is not None
    assert "--org uat --cassettes record" in caught.value.remedy


def test_nought_is_never() -> None:
    assert said(5000, warn_days=0, max_days=0) is None
    assert said(5000, max_days=0)
    assert said(119, warn_days=0) is None
    with pytest.raises(RecordingError):
        said(1, warn_days=0, max_days=1)


def test_a_simulated_org_has_no_age() -> None:
    assert check_age(ERP, [facts()], MOMENT + timedelta(days=5000), options()) is None


def test_the_oldest_of_them_counts() -> None:
    older = LIVE.model_copy(update={"recorded_at": MOMENT - timedelta(days=30)})
    assert check_age(ERP, [LIVE, older], MOMENT + timedelta(days=30), options())


def test_another_version_of_the_tool_is_noted() -> None:
    assert other_tool([facts(tool_version=__version__)]) is None
    note = other_tool([facts(tool_version="0.0.9"), facts(tool_version=__version__)])
    assert note == f"it was recorded by rehearse 0.0.9, and this is {__version__}"
