"""The checks of a small scenario, tested by taking grants away and giving forbidden ones."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.checks.results import Mutant, Mutation
from harness.errors import StageFailed, UsageError
from harness.mutating import mutate, to_json
from tests.component.migration.project import POPULATION, SCENARIO, write_project

ACCEPT = {
    "accept": [
        {
            "lost": ["system ViewHelpLink"],
            "because": "Nobody sees a page as this user.",
        }
    ]
}


def write(folder: Path, **scenario: Any) -> Path:
    project = write_project(folder / "org")
    (project / "sandbox.yaml").write_text(yaml.safe_dump(dict(POPULATION)))
    path = folder / "erp.scenario.yaml"
    text = {**SCENARIO, "org": {"simulated": "org"}, "permissions": ACCEPT, **scenario}
    path.write_text(json.dumps(text))
    return path


def run(folder: Path, file: Path, only: str | None = None) -> tuple[int, dict[str, Mutant], Mutation]:
    output = folder / "mutation.json"
    code = mutate(file, only=only, as_json=False, output=output, root=folder)
    found = Mutation.model_validate_json(output.read_text())
    return code, {f"{each.kind} {each.what}": each for each in found.mutants}, found


def test_every_change_is_noticed_and_what_the_own_checks_miss_comes_with_a_line_that_would(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, mutants, found = run(tmp_path, write(tmp_path))
    assert code == 0
    assert found.missed == ()
    assert 0 < found.caught_by_own < len(found.made)

    key = mutants["removed field Account.ERP_Key__c: read"]
    assert "grants[query Account]" in key.own
    assert "workload[1: query Account]" in key.own
    assert key.with_it == ("field Account.ERP_Key__c: edit",)

    phone = mutants["removed field Account.Phone: edit"]
    assert phone.own == ()
    assert phone.caught_by == ("verdict[access]",)
    assert phone.suggestion == "expect.grants: - {field: {name: Account.Phone, access: edit}}"

    assert mutants["removed object Account: read"].with_it[:1] == ("object Account: create",)
    assert any("Shipment__c" in one for one in mutants["removed object Account: read"].with_it)
    for name in ("group Integrations", "queue Orders", "role Back_Office"):
        mutant = mutants[f"removed {name}"]
        assert mutant.caught_by == ("verdict[access]",)
    assert mutants["added field Account.CreditLimit__c: edit"].own == (
        "denials[update Account: INVALID_FIELD_FOR_INSERT_UPDATE]",
    )
    assert mutants["added object Opportunity: read"].own == ("denials[query Opportunity: INVALID_TYPE]",)
    refused = mutants["added system ViewHelpLink"]
    assert refused.refused is not None
    assert "license doesn't allow" in refused.refused
    said = capsys.readouterr().out
    assert "noticed by anything" in said
    assert "a second" in said


def test_a_suggested_line_is_green_in_the_scenario_and_makes_its_own_checks_notice(tmp_path: Path) -> None:
    (tmp_path / "without").mkdir()
    _, before, _ = run(tmp_path, write(tmp_path / "without"), "removed *Account.Phone: edit")
    [mutant] = before.values()
    assert mutant.suggestion is not None
    key, _, line = mutant.suggestion.partition(": - ")
    assert key == "expect.grants"
    expect: Mapping[str, Any] = {**SCENARIO["expect"], "grants": [*SCENARIO["expect"]["grants"], yaml.safe_load(line)]}
    (tmp_path / "with").mkdir()
    code, after, found = run(tmp_path, write(tmp_path / "with", expect=expect), "removed *Account.Phone: edit")
    assert code == 0
    assert [each.own for each in after.values()] == [("grants[field Account.Phone: edit]",)]
    assert found.idle == ()


def test_the_same_scenario_gives_the_same_bytes(tmp_path: Path) -> None:
    file = write(tmp_path)
    texts = {to_json(run(tmp_path, file, "*Account.CreditLimit__c*")[2]) for _ in range(2)}
    assert len(texts) == 1
    assert "seconds" not in texts.pop()


def test_checks_that_are_red_anyway_test_nothing(tmp_path: Path) -> None:
    expect = {"grants": [{"query": "SELECT Id FROM Account", "at_least": 10_000}]}
    with pytest.raises(StageFailed):
        run(tmp_path, write(tmp_path, expect=expect), "object *")
    assert not (tmp_path / "mutation.json").exists()


def test_a_scenario_that_is_to_be_refused_has_nothing_to_take_away(tmp_path: Path) -> None:
    expect = {"sign_off": "refused", "because": "It is beyond the license."}
    with pytest.raises(UsageError, match="nothing to take away"):
        run(tmp_path, write(tmp_path, expect=expect, permissions={}))
