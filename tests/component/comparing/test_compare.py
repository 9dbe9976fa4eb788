"""`rehearse compare`: what each strategy keeps and loses, measured in the simulated org."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.cli import main
from harness.comparing.command import ROWS, rehearse_all, show
from harness.comparing.measured import Column, Comparison, Kept
from harness.comparing.strategy import rehearse
from harness.comparing.variants import variant
from harness.rehearsal.options import Options
from harness.scenario.loader import load
from tests.component.migration.project import POPULATION, SCENARIO, write_project

ROLLBACK = {"rollback": {"from": ["provision"]}}


def write_scenario(folder: Path, **changes: Any) -> Path:
    """A scenario and its org, small enough to be rehearsed three times in a test."""
    project = write_project(folder / "org")
    population: Mapping[str, Any] = {**POPULATION, **changes.pop("population", {})}
    (project / "sandbox.yaml").write_text(yaml.safe_dump(dict(population)))
    path = folder / "erp.scenario.yaml"
    path.write_text(json.dumps({**SCENARIO, **ROLLBACK, "org": {"simulated": "org"}, **changes}))
    return path


def _quiet(_words: str) -> None:
    """Nobody looks on."""


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    folder = tmp_path_factory.mktemp("compare")
    said: list[str] = []
    found = rehearse_all(load(write_scenario(folder)), Options.simulated(folder), say=said.append)
    assert "in-place: rollback from provision" in said
    return found


@pytest.fixture(scope="module")
def columns(compared: Comparison) -> dict[str, Column]:
    return {column.strategy: column for column in compared.columns}


def test_each_strategy_goes_through_and_comes_back(columns: Mapping[str, Column]) -> None:
    assert list(columns) == ["new-user", "in-place", "temporary-full-license"]
    assert {name: column.ended for name, column in columns.items()} == dict.fromkeys(columns, "through")
    assert all(column.good for column in columns.values())
    assert [each.stage for each in columns["in-place"].rollbacks] == ["cut-over", "provision"]
    assert [each.stage for each in columns["new-user"].rollbacks] == ["retire", "provision"]


def test_in_place_keeps_the_id_the_rows_and_the_history(columns: Mapping[str, Column]) -> None:
    in_place, new = columns["in-place"], columns["new-user"]
    assert (in_place.same_user, new.same_user) == (True, False)
    assert in_place.rows_owned == Kept(before=12, kept=12)
    assert new.rows_owned == Kept(before=12, kept=0)
    assert in_place.sign_ins
    assert new.sign_ins
    assert (in_place.sign_ins.kept, new.sign_ins.kept) == (in_place.sign_ins.before, 0)
    assert in_place.sign_ins.before > 0


def test_tokens_live_on_in_place_and_end_with_the_old_user(columns: Mapping[str, Column]) -> None:
    in_place, new = columns["in-place"], columns["new-user"]
    assert (in_place.session, in_place.refresh_token, in_place.refresh_token_at_end) == (True, True, True)
    assert (new.session, new.refresh_token, new.refresh_token_at_end) == (True, True, False)
    assert (in_place.old_credential_at_end, new.old_credential_at_end) == (True, False)


def test_seats_are_counted_before_during_and_after(columns: Mapping[str, Column]) -> None:
    def seats(name: str) -> dict[str, tuple[int, int, int]]:
        return {each.license: (each.before, each.most, each.after) for each in columns[name].seats}

    assert seats("new-user")["Salesforce"] == (2, 2, 1), "the old user is retired"
    assert seats("in-place")["Salesforce"] == (2, 2, 1), "converted, it frees its seat at once"
    assert seats("temporary-full-license")["Salesforce"] == (2, 3, 1), "one more for minutes"
    assert {seats(name)["Salesforce Integration"] for name in columns} == {(0, 1, 1)}


def test_only_in_place_is_there_a_time_without_a_working_credential(columns: Mapping[str, Column]) -> None:
    assert columns["new-user"].gaps == ()
    assert columns["temporary-full-license"].gaps == ()
    gaps = columns["in-place"].gaps
    assert gaps
    [gap] = gaps
    assert (gap.stage, gap.ended) == ("provision", True)
    assert 3 <= gap.calls <= 12, "unassign, profile, license, assign, and what is read between"


def test_what_a_rollback_leaves_behind(columns: Mapping[str, Column]) -> None:
    assert columns["in-place"].residue == ()
    assert len(columns["new-user"].residue) == 1


def test_what_had_to_be_changed_beside_the_strategy_is_told(columns: Mapping[str, Column]) -> None:
    assert columns["new-user"].changed == ()
    assert columns["in-place"].changed == (
        "to.username left out",
        "finish: retire left out, since the user goes on",
    )


def test_every_row_says_something_of_what_was_measured(compared: Comparison) -> None:
    for title, words in ROWS.items():
        assert all(words(column) for column in compared.columns), title
    empty = Column(strategy="new-user", ended="cannot be run: why")
    measured = {"rehearsal", "changed beside the strategy"}
    assert {title for title, words in ROWS.items() if words(empty)} == measured


def test_a_strategy_that_cannot_be_run_says_why(tmp_path: Path) -> None:
    seats = {**POPULATION["licenses"], "Salesforce": 2}
    path = write_scenario(tmp_path, population={"licenses": seats}, rollback={"from": ["retire"]})
    found = {
        column.strategy: column for column in rehearse_all(load(path), Options.simulated(tmp_path), say=_quiet).columns
    }
    full_first = found["temporary-full-license"]
    assert "failed in preflight: no seat of Salesforce is free" in full_first.ended
    assert not full_first.good
    assert full_first.rollbacks == (), "nothing was written"
    assert full_first.same_user is None
    assert found["in-place"].through


def test_a_strategy_that_cannot_be_written_says_why(tmp_path: Path) -> None:
    sign_in = {**SCENARIO["from"]["sign_in"], "password": "env:NEW_PASSWORD"}
    path = write_scenario(tmp_path, to={"username": "erp.integration@acme.example", "sign_in": sign_in})
    file = load(path)
    column = rehearse(file, "in-place", Options.simulated(tmp_path), say=_quiet)
    assert column.ended.startswith("cannot be run: strategy in-place cannot move to username-password")
    assert variant(file, "temporary-full-license").file.scenario.to.strategy == "temporary-full-license"


def test_the_table_has_a_column_for_each_strategy(compared: Comparison, capsys: pytest.CaptureFixture[str]) -> None:
    show(compared)
    told = capsys.readouterr().out
    assert all(name[:10] in told for name in ("new-user", "in-place", "temporary-full-license"))
    assert all(title.split()[0] in told for title in ROWS)
    assert "\x1b[" not in told, "colour is for a terminal"


def test_the_command_prints_json_and_its_exit_code_tells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seats = {**POPULATION["licenses"], "Salesforce": 2}
    path = write_scenario(tmp_path, population={"licenses": seats}, rollback={"from": ["retire"]})
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(["compare", str(path), "--json"])
    assert ended.value.code == 1, "one strategy cannot be run"
    told = Comparison.model_validate_json(capsys.readouterr().out)
    assert [column.through for column in told.columns] == [True, True, False]


def test_a_scenario_whose_plan_is_refused_is_not_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    expect = {**SCENARIO["expect"], "sign_off": "refused", "because": "AuthorApex is beyond the license."}
    with pytest.raises(SystemExit) as ended:
        main(["compare", str(write_scenario(tmp_path, expect=expect))])
    assert ended.value.code == 2
    assert "expects its plan to be refused" in capsys.readouterr().err
