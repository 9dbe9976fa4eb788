"""What a cassette says about itself: strictly read, the same for all of a scenario, and dated where it has an age."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.errors import RecordingError
from harness.recording.facts import Facts, age_in_days, changed, check_agreement, in_words, oldest
from tests.unit.recording.some_facts import facts

MOMENT = datetime(2026, 1, 5, 9, tzinfo=UTC)


def write(path: Path, metadata: dict[str, Any]) -> Path:
    path.write_text(yaml.safe_dump({"version": 1, "metadata": metadata}, sort_keys=False))
    return path


@pytest.mark.parametrize("recorded_at", [None, MOMENT], ids=["simulated", "live"])
def test_what_is_written_is_what_is_read(tmp_path: Path, recorded_at: datetime | None) -> None:
    told = facts(recorded_at=recorded_at, live="yes" if recorded_at else "no", release="Winter '27", access="a" * 64)
    metadata = told.as_metadata() | {"before": ["id 0123456789ab"], "tape": ["now 2026-01-05T09:00:00+00:00"]}
    read = Facts.of_metadata(metadata, tmp_path / "verify.yaml")
    assert read.model_copy(update={"before": (), "tape": ()}) == told
    assert read.starts_at == MOMENT


@pytest.mark.parametrize(
    ("key", "value", "what"),
    [
        ("org_id", "00Dx", "org_id is not what it must be"),
        ("api_version", 67.0, "api_version is not what it must be"),
        ("live", True, "live is not what it must be"),
        ("kind", "production", "kind is not what it must be"),
        ("recorded_at", "yesterday", "recorded_at is not what it must be"),
        ("recorded_at", "2026-01-05T09:00:00", "recorded_at is not what it must be"),
        ("scenario", "../../etc", "scenario is not what it must be"),
        ("reads", ["a"], "reads is not what it must be"),
        ("tape", ["now and then"], "tape is not what it must be"),
        ("colour", "blue", "nothing is known of its colour"),
        ("scenario", None, "it does not say its scenario"),
        ("api_version", datetime(2026, 1, 5, tzinfo=UTC), "neither text nor number"),
    ],
)
def test_anything_else_is_refused_with_file_and_line(tmp_path: Path, key: str, value: object, what: str) -> None:
    metadata = facts().as_metadata() | {key: value}
    if value is None:
        del metadata[key]
    path = write(tmp_path / "verify.yaml", metadata)
    with pytest.raises(RecordingError, match=what) as caught:
        Facts.of_metadata(metadata, path)
    place, lines = caught.value.place, path.read_text().splitlines()
    assert place is not None
    assert place.file == str(path)
    assert place.line is not None
    wanted = key if "must be" in what or "known" in what else "metadata"
    assert lines[place.line - 1].strip().startswith(f"{wanted}:")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("org_id", "00DRh0000000002MAA"),
        ("api_version", "66.0"),
        ("scenario", "0" * 64),
        ("kind", "scratch"),
        ("live", "yes"),
    ],
)
def test_the_odd_one_of_a_scenario_is_named(tmp_path: Path, name: str, value: str) -> None:
    all_of_them = {tmp_path / f"{stage}.yaml": facts(access="a" * 64) for stage in ("snapshot", "grant", "verify")}
    check_agreement(all_of_them)
    odd = all_of_them | {tmp_path / "grant.yaml": facts(**{"access": "a" * 64, name: value})}
    with pytest.raises(RecordingError, match=f"its {name} is {value}") as caught:
        check_agreement(odd)
    assert caught.value.place is not None
    assert Path(caught.value.place.file).name == "grant.yaml"


def test_what_was_not_known_yet_agrees_with_all(tmp_path: Path) -> None:
    early = {tmp_path / "preflight.yaml": facts(), tmp_path / "verify.yaml": facts(access="a" * 64, kind=None)}
    check_agreement(early)
    check_agreement({path: each.model_copy(update={"tool_version": path.stem}) for path, each in early.items()})


def test_only_what_a_live_org_answered_has_an_age() -> None:
    now = MOMENT + timedelta(days=60, hours=3)
    live = facts(live="yes", recorded_at=MOMENT)
    assert age_in_days(live, now) == 60
    assert age_in_days(live, MOMENT - timedelta(days=1)) == 0
    assert age_in_days(facts(), now) is None
    older = facts(live="yes", recorded_at=MOMENT - timedelta(days=1))
    assert oldest([live, older, facts()]) == older
    assert oldest([facts()]) is None


def test_what_changed_is_what_differs_then_what_is_new_then_what_is_gone() -> None:
    then = {"expect.denials[0]": "a", "expect.denials[1]": "b", "workload[0]": "c"}
    now = {"workload[0]": "c", "expect.denials[0]": "x", "expect.grants[0]": "d"}
    assert changed(then, then) == []
    assert changed(then, now) == ["expect.denials[0]", "expect.grants[0]", "expect.denials[1]"]
    assert in_words(changed(then, now), most=2) == "expect.denials[0], expect.grants[0] and 1 more"
