"""`rehearse references`: what it prints, what it returns, and what a run journals."""

from __future__ import annotations

import json
import re
from contextlib import closing
from pathlib import Path

import pytest

from harness.migration.journal import Journal
from harness.migration.records import Note, ReferenceScan
from tests.component.plugin.example import Example

SCENARIO = "scenarios/mulesoft.scenario.yaml"
RULE = """<?xml version="1.0" encoding="UTF-8"?>
<ValidationRule xmlns="http://soap.sforce.com/2006/04/metadata">
    <fullName>Portal_Only</fullName>
    <active>true</active>
    <errorConditionFormula>
      NOT($Profile.Name = &quot;MuleSoft API&quot;) /* $Profile.Name */
    </errorConditionFormula>
</ValidationRule>
"""
PATH = "force-app/main/default/objects/Case/validationRules/Portal_Only.validationRule-meta.xml"
ACCEPTED = """references:
  accept:
    - {named: [ValidationRule Case.Portal_Only], because: It is rewritten in March.}
    - {named: [Flow Gone], because: It was there last year.}
"""


def write_rule(folder: Path) -> None:
    (folder / PATH).parent.mkdir(parents=True, exist_ok=True)
    (folder / PATH).write_text(RULE, "utf-8")


@pytest.fixture
def project(tmp_path: Path) -> Example:
    return Example(tmp_path, "mulesoft")


@pytest.fixture
def ruled(project: Example) -> Example:
    """The project whose org has a rule that only the old profile passes."""
    write_rule(project.org)
    return project


def accept(project: Example) -> None:
    project.scenario.write_text(project.scenario.read_text("utf-8") + ACCEPTED, "utf-8")


def test_without_anything_that_breaks_it_is_as_expected(project: Example) -> None:
    ran = project.rehearse("references", SCENARIO)
    assert ran.code == 0, ran.output
    assert "Nothing breaks that nobody agreed to." in ran.output
    assert "QueueMembership Field_Faults" in ran.output
    assert re.search(r"Looked at .*; \d+ API calls, nothing written\.", ran.output)
    assert "not searched: No API tells the default owner of leads" in ran.output
    assert not (project.folder / ".rehearse").exists(), "it leaves nothing behind"


def test_what_breaks_is_told_with_what_to_do_and_how_to_agree(ruled: Example) -> None:
    ran = ruled.rehearse("references", SCENARIO)
    assert ran.code == 1, ran.output
    assert '✗ ValidationRule Case.Portal_Only: $Profile.Name = "MuleSoft API"' in ran.output
    assert "at org: ValidationRule Case.Portal_Only" in ran.output
    assert "(new-user, profile-change)" in ran.output
    assert "to do: ask for a custom permission" in ran.output
    assert '- {named: ["ValidationRule Case.Portal_Only"], because: ...}' in ran.output


def test_what_the_scenario_agrees_to_is_as_expected_and_what_it_agrees_to_in_vain_is_told(ruled: Example) -> None:
    accept(ruled)
    ran = ruled.rehearse("references", SCENARIO)
    assert ran.code == 0, ran.output
    assert "It is rewritten in March." in ran.output
    line = len(ruled.scenario.read_text("utf-8").splitlines())
    assert f"warning: {SCENARIO}:{line}: references.accept names 'Flow Gone', which was not found" in ran.output


def test_a_project_gives_the_line_also_of_what_the_org_does_not_have(project: Example) -> None:
    write_rule(project.folder / "dx")
    ran = project.rehearse("references", SCENARIO, "--project", "dx", "--json")
    assert ran.code == 1, ran.output
    found = json.loads(ran.output[ran.output.index("{") :])
    [hit] = [hit for hit in found["hits"] if hit["kind"] == "ValidationRule"]
    assert hit["where"] == f"dx/{PATH}:6"
    assert found["open"] == ["ValidationRule Case.Portal_Only"]
    assert found["looked_at"]["project: ValidationRule"] == 1


def test_a_formula_field_of_an_object_in_scope_is_found_in_the_org(project: Example) -> None:
    field = project.org / "force-app/main/default/objects/Case/fields/Mine__c.field-meta.xml"
    inner = "<fullName>Mine__c</fullName><formula>$User.Id = OwnerId</formula><label>Mine</label><type>Checkbox</type>"
    field.write_text(f'<CustomField xmlns="http://soap.sforce.com/2006/04/metadata">{inner}</CustomField>', "utf-8")
    ran = project.rehearse("references", SCENARIO)
    assert ran.code == 1, ran.output
    assert "✗ CustomField Case.Mine__c: $User.Id" in ran.output


def test_a_project_that_is_none_is_a_mistake_of_usage(project: Example) -> None:
    (project.folder / "empty").mkdir()
    ran = project.rehearse("references", SCENARIO, "--project", "empty")
    assert ran.code == 2, ran.output
    assert "holds no metadata" in ran.output
    assert "Traceback" not in ran.output


def test_a_run_journals_the_search_and_warns_of_what_breaks(ruled: Example) -> None:
    ran = ruled.rehearse("run", SCENARIO)
    assert "✓ snapshot" in ran.output, ran.output
    path = ruled.folder / ".rehearse" / "simulated" / "mulesoft" / "journal.db"
    with closing(Journal(path)) as journal:
        [run] = journal.runs()
        scan = journal.find(run.run_id, ReferenceScan)
        notes = {record.key: record.body for record in journal.records(run.run_id, kind="note")}
    assert scan is not None
    assert [hit.line for hit in scan.open] == ["ValidationRule Case.Portal_Only"]
    assert scan.calls > 0
    note = notes["reference ValidationRule Case.Portal_Only"]
    assert isinstance(note, Note)
    assert note.kind == "warning"
    assert "with another profile it lets through or stops other rows" in note.text


def test_the_help_shows_how(project: Example) -> None:
    ran = project.rehearse("references", "--help")
    assert ran.code == 0
    assert "rehearse references erp.scenario.yaml --org uat --project ../my-dx-project" in ran.output
    assert "Exit code 1" in ran.output
