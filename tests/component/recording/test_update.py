"""One stage is recorded again: only its cassette is replaced, after the difference is shown, and only where it fits."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from harness.recording.facts import Facts
from harness.recording.filing.files import cassette_paths, head_of, path_of, stage_of, text_of
from tests.component.plugin.example import Example
from tests.component.recording.conftest import NAME
from tests.component.recording.live import Live, live_project

pytestmark = pytest.mark.xdist_group("recorded")  # one worker records what all of these look at

Make = Callable[[], Example]
ALL_OF_IT = f"pytest scenarios/{NAME}.scenario.yaml --org uat --cassettes record"


def texts(folder: Path) -> dict[str, str]:
    return {stage_of(path): text_of(path) for path in cassette_paths(folder)}


def facts_of(folder: Path, stage: str) -> Facts:
    path = path_of(folder, stage)
    return Facts.of_metadata(head_of(path), path)


def test_a_stage_that_the_scenario_has_outgrown_is_recorded_again_and_no_other(project: Make) -> None:
    made = project()
    folder = made.folder / "cassettes" / NAME
    before = texts(folder)
    made.change(made.scenario, "\nworkload:\n", "\nworkload:\n  - describe: Account\n")
    ran = made.pytest("scenarios", "--cassettes", "update", "plan")
    assert ran.code == 0, ran.output
    lines = ran.output.splitlines()
    shown = lines.index("plan: no request and no answer differs")
    assert shown < lines.index(f"cassettes/{NAME}/plan.json.gz was replaced")
    after = texts(folder)
    assert {stage for stage in after if after[stage] != before[stage]} == {"plan"}
    assert facts_of(folder, "plan").reads["workload[0]"] != facts_of(folder, "preflight").reads.get("workload[0]")
    replayed = made.pytest("scenarios", "-W", "error")
    assert replayed.code == 0, replayed.output
    assert "changed since" not in replayed.output


@pytest.mark.long
def test_a_stage_that_there_is_not_is_refused_with_those_there_are(project: Make) -> None:
    ran = project().pytest("scenarios", "--cassettes=update:dual-auht")
    assert ran.code == pytest.ExitCode.USAGE_ERROR
    assert "has no stage 'dual-auht' to record again; it has: preflight, snapshot, trial, plan" in ran.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--cassettes", "update"), "says not which stage"),
        (("--cassettes", "updat", "plan"), "is none of replay, record, off"),
        (("--cassettes", "update", "plan", "-n", "2"), "leave out -n"),
        (("--cassettes", "update", "plan", "-k", "preflight"), "a recording needs them all"),
    ],
    ids=["no stage", "a typo", "spread", "a part"],
)
@pytest.mark.long
def test_what_cannot_be_meant_is_refused(project: Make, words: tuple[str, ...], said: str) -> None:
    ran = project().pytest("scenarios", *words)
    assert ran.code == pytest.ExitCode.USAGE_ERROR, ran.output
    assert said in ran.output
    assert "Traceback" not in ran.output


# --- in real time -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with live_project(tmp_path_factory.mktemp("live")) as made:
        ran = made.project.pytest("scenarios", "--org", "uat", "--cassettes", "record")
        assert ran.code == 0, ran.output
        yield made


def update(live: Live, stage: str) -> str:
    live.now()
    return live.project.pytest("scenarios", "--org", "uat", "--cassettes", "update", stage).output


@pytest.mark.long
def test_a_stage_of_a_live_org_fits_the_others_though_every_id_and_time_is_another(live: Live) -> None:
    before, recorded = texts(live.folder), facts_of(live.folder, "plan")
    assert recorded.is_live
    said = update(live, "plan")
    assert f"cassettes/{NAME}/plan.json.gz was replaced" in said
    after = texts(live.folder)
    assert {stage for stage in after if after[stage] != before[stage]} <= {"plan"}
    assert facts_of(live.folder, "plan").starts_at == recorded.starts_at
    replayed = live.project.pytest("scenarios")
    assert replayed.code == 0, replayed.output


@pytest.mark.long
def test_where_the_scenario_would_not_replay_with_it_nothing_is_replaced(live: Live) -> None:
    """The user whom the first trial left is there now: the second one goes another way, which the plan knows not."""
    before = texts(live.folder)
    said = update(live, "trial")
    assert "stage trial was recorded again, and the scenario does not replay with it: nothing was replaced" in said
    assert f"remedy: record all of it: {ALL_OF_IT}" in said
    assert texts(live.folder) == before


@pytest.mark.long
def test_a_planted_misfit_is_noticed_before_anything_is_replaced(live: Live) -> None:
    """The other stages' recording is that of another run of ids: what is recorded again is about none of them."""
    plan, trial = path_of(live.folder, "plan"), path_of(live.folder, "trial")
    kept = trial.read_bytes(), plan.read_bytes()
    try:
        shutil.copyfile(path_of(live.folder, "snapshot"), trial)
        said = update(live, "plan")
        assert "the scenario does not replay with it: nothing was replaced" in said
        assert plan.read_bytes() == kept[1]
    finally:
        trial.write_bytes(kept[0])


# --- a whole migration ------------------------------------------------------------------------------------------------


@pytest.mark.long
def test_a_changed_denial_is_recorded_stage_by_stage_until_the_whole_replays(tmp_path: Path) -> None:
    made = Example(tmp_path, "mulesoft")
    shutil.rmtree(tmp_path / "cassettes", ignore_errors=True)
    assert made.pytest("scenarios", "--cassettes", "record").code == 0
    folder = tmp_path / "cassettes" / "mulesoft"
    before = texts(folder)
    made.change(made.scenario, "SELECT Id, LeadSource FROM Contact", "SELECT CreatedDate, Id, LeadSource FROM Contact")
    replayed = made.pytest("scenarios")
    assert "verify: the scenario changed since stage verify was recorded (expect.denials[2], line" in replayed.output
    assert "--cassettes update rollback-from-switch" in replayed.output
    first = made.pytest("scenarios", "--cassettes", "update", "verify")
    assert first.code == 0, first.output
    assert "+ GET /services/data/v67.0/query/?q=SELECT+CreatedDate,+Id,+LeadSource+FROM+Contact" in first.output
    second = made.pytest("scenarios", "--cassettes", "update", "rollback-from-switch")
    assert second.code == 0, second.output
    after = texts(folder)
    assert {stage for stage in after if after[stage] != before[stage]} == {"verify", "rollback-from-switch"}
    whole = made.pytest("scenarios", "-W", "error")
    assert whole.code == 0, whole.output
