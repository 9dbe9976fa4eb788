"""An org in which nothing was changed: not one alarm, whichever scenario it is."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.checks.results import Comparison, SideBySide
from harness.checks.side_by_side import alarms
from harness.migration.journal import Record
from harness.migration.records import Plan, StageFinished
from harness.scenario.loader import ScenarioFile, load
from tests.component.losses.migrated import Migrated, migrated, planned
from tests.component.losses.org import MIGRATION, write_org
from tests.component.migration.project import permission

SCENARIOS = Path(__file__).parents[3] / "scenarios"
SHIPPED = sorted(path for path in SCENARIOS.glob("*.scenario.yaml") if path.name != "warehouse.scenario.yaml")
BEYOND = ("OperatingHours", "ServiceAppointment", "ServiceResource", "ServiceTerritory")
DEMO: Mapping[str, Any] = {
    **MIGRATION,
    "org": {"simulated": "demo"},
    "from": {
        "username": "project.sync@acme.example",
        "sign_in": {**MIGRATION["from"]["sign_in"], "app": "Legacy Loader"},
    },
    "to": {
        "username": "project.integration@acme.example",
        "sign_in": {**MIGRATION["to"]["sign_in"], "app": "Data Sync"},
    },
    "workload": [
        {"query": "SELECT Id, Name, Status__c, Account__r.Name FROM Project__c ORDER BY Name"},
        {"query": "SELECT Id, Name, Customer_Tier__c FROM Account ORDER BY Name"},
        {"insert": {"object": "Project__c", "fields": {"Name": "{{company}}", "Project_Key__c": "{{unique}}"}}},
    ],
    "expect": {"denials": [{"sign_in": "ui"}]},
}


def told(records: list[Record]) -> list[str]:
    """Every alarm of the two users' comparison, in words."""
    found = [each.text for record in records if isinstance(record.body, SideBySide) for each in alarms(record.body)]
    unlike = [record.body for record in records if isinstance(record.body, Comparison) and not record.body.equal]
    return found + [text for each in unlike for text in each.differences]


def accepting(document: Mapping[str, Any], folder: Path) -> ScenarioFile:
    """A scenario that also accepts whatever its plan would refuse."""
    path = folder / "accepting.scenario.yaml"
    path.write_text(json.dumps(document))
    plan = planned(load(path), folder)
    lines = [loss.line for loss in plan.losses if not loss.accepted]
    permissions = dict(document.get("permissions") or {"copy": "everything"})
    accept = [*permissions.get("accept", ()), {"lost": lines, "because": "It is what this test is about."}]
    path.write_text(json.dumps({**document, "permissions": {**permissions, "accept": accept}} if lines else document))
    return load(path)


def quiet(bench: Migrated) -> list[SideBySide]:
    """Nothing is said, and something was looked at; what was seen of each object."""
    records = bench.go_on("verify", "dual-auth")
    assert told(records) == []
    ends = {each.stage: each.body for each in records if isinstance(each.body, StageFinished)}
    assert {each.result for each in ends.values()} == {"passed"}, [each.message for each in ends.values()]
    assert list(ends) == ["verify", "dual-auth"]
    looked = [record.body for record in records if isinstance(record.body, SideBySide)]
    assert any(each.sampled for each in looked)
    assert not [text for each in looked for text in each.noise]
    return looked


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name.partition(".")[0])
def test_a_shipped_scenario_gives_no_alarm(path: Path, tmp_path: Path) -> None:
    with migrated(load(path), tmp_path) as bench:
        assert quiet(bench)


def test_the_demo_org_gives_no_alarm(tmp_path: Path) -> None:
    with migrated(accepting(DEMO, tmp_path), tmp_path) as bench:
        assert {each.object for each in quiet(bench)} >= {"Account", "Project__c", "Timesheet__c"}


def test_what_a_refused_scenario_would_lose_is_no_alarm_once_it_is_accepted(tmp_path: Path) -> None:
    document = yaml.safe_load((SCENARIOS / "warehouse.scenario.yaml").read_text())
    document["org"] = {"simulated": str(SCENARIOS / "orgs" / "warehouse")}
    document["workload"] = [item for item in document["workload"] if "ServiceAppointment" not in str(item)]
    document["permissions"]["ceiling"] = "ask"
    document["permissions"]["drop"] += [
        {"object": name, "because": "The license has no field service."} for name in BEYOND
    ]
    document["expect"] = {"denials": [{"sign_in": "ui"}]}
    with migrated(accepting(document, tmp_path), tmp_path) as bench:
        accepted = {each.name: each.accepted for looked in quiet(bench) for each in looked.findings}
    assert accepted.keys() >= set(BEYOND)
    assert all("accepting.scenario.yaml:" in (place or "") for place in accepted.values()), accepted


def test_rows_that_a_dropped_view_all_data_showed_are_no_alarm_and_have_its_place(tmp_path: Path) -> None:
    """Of the two users only the old one sees the row that nobody shares."""
    write_org(tmp_path / "org", permission("ViewAllData"))
    drop = [{"permission": "ViewAllData", "because": "It was for a report."}]
    document = {**MIGRATION, "org": {"simulated": "org"}, "permissions": {"drop": drop}}
    with migrated(accepting(document, tmp_path), tmp_path) as bench:
        admin = bench.org.rows("User", Username="admin@acme.example")[0]["Id"]
        bench.org.insert_row("Shipment__c", {"Name": "Hidden", "OwnerId": admin})
        records = bench.go_on("dual-auth")
    last = records[-1].body
    assert isinstance(last, StageFinished)
    assert last.result == "passed", last.message
    looks = {each.key: each.body for each in records if isinstance(each.body, SideBySide)}
    [finding] = looks["Shipment__c"].findings
    assert finding.kind == "rows-missing"
    assert "accepting.scenario.yaml:" in (finding.accepted or "")
    query = next(each.body for each in records if isinstance(each.body, Comparison) and "Shipment" in each.key)
    assert query.differences == (f"rows: old 9, new 8, as {finding.accepted} accepts",)


def test_the_org_that_losses_are_seeded_in_gives_no_alarm(bench: Migrated) -> None:
    bench.put_back()
    quiet(bench)
    plan = bench.journals[0].find("run1", Plan)
    assert plan
    assert plan.losses == ()
