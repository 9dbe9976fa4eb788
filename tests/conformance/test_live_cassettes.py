"""Every committed recording of a live org is a conformance case, and one that the simulated org fails turns red."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.org.clock import SystemClock
from harness.recording.cassettes import Cassettes
from harness.recording.facts import Facts
from harness.recording.filing.files import Loaded, load
from tests.component.recording.live import live_project
from tests.conformance import live_cassettes
from tests.conformance.live_cassettes import compared, found, lines, questions, unexpected
from tests.conformance.world import World, served

LIVE = found()


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with served() as made:
        yield made


@pytest.mark.parametrize("cassette", LIVE or [pytest.param("none", marks=pytest.mark.skip(reason="none is committed"))])
def test_the_simulated_org_answers_in_the_shape_of_a_live_one(world: World, tmp_path: Path, cassette: str) -> None:
    wrong = unexpected(cassette, compared(world, questions(load(LIVE[cassette])), tmp_path))
    if wrong:
        pytest.fail("\n".join([f"{cassette} was answered otherwise by the org it was recorded from:", *wrong]), False)


def test_accepted_differences_are_those_of_recordings_that_there_are() -> None:
    assert set(live_cassettes.DIFFERS) <= set(LIVE)


# --- the machinery, on what is recorded here --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def recorded(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recording of a served sandbox in real time, whose facts say that it is of a live org."""
    folder = tmp_path_factory.mktemp("cassettes")
    cassettes = Cassettes(
        folder / "acme",
        "record",
        clock=SystemClock(),
        record_facts=lambda _: facts(world),
        hosts=(world.url,),
        org_id=world.org.org_id,
    )
    data = "/services/data/v67.0"
    part = {"method": "GET", "url": f"{data}/query?q=SELECT+Id+FROM+Profile", "referenceId": "profiles"}
    with cassettes.stage("snapshot"):
        world.ask("GET", f"{data}/sobjects/Account/describe")
        world.ask("GET", f"{data}/query/?q=SELECT+Id,+Username,+IsActive+FROM+User")
        world.ask("GET", f"{data}/query/?q=SELECT+Id+FROM+Nothing")
        world.ask("POST", f"{data}/composite", json={"compositeRequest": [part]})
        world.ask("GET", f"{data}/query/?q=SELECT+Id+FROM+Nothing__c")
    return folder


def facts(world: World) -> Facts:
    return Facts(
        live="yes",
        kind="simulated",
        api_version="67.0",
        tool_version="0.1.0",
        scenario="0" * 64,
        org_name="uat",
        org_id=world.org.org_id,
        admin_flow="client-credentials",
        admin_username=world.admin["username"],
    )


def test_a_live_recording_is_found_and_its_questions_are_answered_alike(
    world: World, recorded: Path, tmp_path: Path
) -> None:
    [(name, path)] = found(recorded).items()
    assert name == "acme/snapshot"
    asked = questions(load(path))
    assert [each.label for each in asked] == ["describe Account", "query User", "query Nothing", "composite"]
    by_question = compared(world, asked, tmp_path)
    assert unexpected(name, by_question) == []
    assert len(by_question) == len(asked)


def planted(path: Path, old: str, new: str) -> Loaded:
    """The recording, as an org would have answered that says something in another way."""
    loaded = load(path)
    for response in loaded.responses:
        body: Any = response["body"]
        text = body["string"].decode() if isinstance(body["string"], bytes) else body["string"]
        body["string"] = text.replace(old, new)
    return loaded


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (('"done": true', '"done": "yes"'), "query User: done: bool, recorded string"),
        (('"totalSize"', '"total_size"'), "query User: total_size: missing"),
        (('"errorCode"', '"code"'), "query Nothing: [].errorCode: not recorded"),
        (('"httpStatusCode"', '"status"'), "composite: compositeResponse[].status: missing"),
    ],
    ids=["another type", "another key", "another error", "another envelope"],
)
def test_a_planted_difference_turns_red(
    world: World, recorded: Path, tmp_path: Path, change: tuple[str, str], said: str
) -> None:
    loaded = planted(found(recorded)["acme/snapshot"], *change)
    assert said in unexpected("acme/snapshot", compared(world, questions(loaded), tmp_path))


def test_an_accepted_difference_is_accepted_as_long_as_it_occurs(
    world: World, recorded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = planted(found(recorded)["acme/snapshot"], '"totalSize"', '"total_size"')
    by_question = compared(world, questions(loaded), tmp_path)
    listed = {f"{what}: {key}": "a live org says so" for what in ("query User",) for key in ("totalSize", "total_size")}
    monkeypatch.setattr(live_cassettes, "DIFFERS", {"acme/snapshot": listed})
    assert not [line for line in unexpected("acme/snapshot", by_question) if line.startswith("query User")]
    assert unexpected("acme/snapshot", {}) == [f"{one}: listed, but as recorded" for one in listed]


def test_the_page_counts_them(recorded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert json.dumps(list(lines())).count("No recording of a live org") == (0 if LIVE else 1)
    known = found(recorded)
    monkeypatch.setattr(live_cassettes, "found", lambda: known)
    assert "| `acme/snapshot` | 4 | 0 |" in list(lines())


@pytest.mark.long
def test_a_rehearsal_in_a_configured_org_becomes_a_case(world: World, tmp_path: Path) -> None:
    (tmp_path / "live").mkdir()
    with live_project(tmp_path / "live") as live:
        ran = live.project.pytest("scenarios", "--org", "uat", "--cassettes", "record")
        assert ran.code == 0, ran.output
        cassettes = found(live.folder.parent)
    assert set(cassettes) == {f"warehouse/{stage}" for stage in ("preflight", "snapshot", "trial", "plan")}
    for name, path in cassettes.items():
        asked = questions(load(path))
        assert asked, name
        (tmp_path / name).mkdir(parents=True)
        wrong = unexpected(name, compared(world, asked, tmp_path / name))
        assert not wrong, "\n".join(wrong)
