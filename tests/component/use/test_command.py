"""`rehearse used`: the table in words and as JSON, and the permission set as a file that deploys."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from harness import cli
from harness.migration.records import Usage
from harness.sandbox.source import open_org

SCENARIOS = Path(__file__).parents[3] / "scenarios"
SET = "Integration_Dell_Boomi_Inventory_Feed"


def run(*arguments: object, folder: Path) -> int:
    """The command, its journals in a folder of the test."""
    return cli._exit_code(["used", *map(str, arguments), "--state-folder", str(folder / "state")])


def test_the_table_is_said_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(SCENARIOS / "boomi.scenario.yaml", folder=tmp_path) == 0
    said = capsys.readouterr().out
    assert "✓ object Sales_Forecast__c: read, view-all  (workload[6: bulk query Sales_Forecast__c]" in said
    assert "- object Lead: read, create" in said
    assert "- system BulkApiHardDelete" in said
    assert "What the evidence cannot see" in said
    assert "View All and Modify All stay on every object" in said
    assert not list(tmp_path.glob("**/journal.db")), "nothing is left behind"


def test_the_permission_set_deploys_and_grants_what_is_used(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project = tmp_path / "boomi"
    shutil.copytree(SCENARIOS / "orgs" / "boomi", project)
    sets = project / "force-app" / "main" / "default" / "permissionsets"
    assert run(SCENARIOS / "boomi.scenario.yaml", "--json", "--output", sets, folder=tmp_path) == 0
    usage = Usage.model_validate_json(capsys.readouterr().out)
    written = (sets / f"{SET}.permissionset-meta.xml").read_text("utf-8")
    assert written == usage.permission_set
    org = open_org(project)
    [row] = org.rows("PermissionSet", Name=SET)
    objects = {
        f"{each['SobjectType']}: {right}"
        for each in org.rows("ObjectPermissions", ParentId=row["Id"])
        for right, column in (
            *(("read", "PermissionsRead"), ("create", "PermissionsCreate"), ("edit", "PermissionsEdit")),
            *(("delete", "PermissionsDelete"), ("view-all", "PermissionsViewAllRecords")),
        )
        if each[column]
    }
    fields = {
        f"{each['Field']}: {right}"
        for each in org.rows("FieldPermissions", ParentId=row["Id"])
        for right, column in (("read", "PermissionsRead"), ("edit", "PermissionsEdit"))
        if each[column]
    }
    used = [each for each in usage.permissions if each.verdict == "used"]
    assert objects == {f"{each.name}: {each.access}" for each in used if each.kind == "object"}
    assert fields == {f"{each.name}: {each.access}" for each in used if each.kind == "field"}
    system = {each.name for each in used if each.kind == "system"}
    assert {name for name, value in row.items() if name.startswith("Permissions") and value} == {
        f"Permissions{name}" for name in system
    }


def test_two_runs_write_the_same_bytes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("one", "two"):
        assert run(SCENARIOS / "mulesoft.scenario.yaml", "--output", tmp_path / name, folder=tmp_path) == 0
    [one], [two] = (list((tmp_path / name).iterdir()) for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()
    capsys.readouterr()


def test_what_is_missing_is_a_warning(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(SCENARIOS, tmp_path / "scenarios")
    file = tmp_path / "scenarios" / "boomi.scenario.yaml"
    text = file.read_text("utf-8")
    file.write_text(text.replace("workload:\n", "workload:\n  - query: SELECT Commission__c FROM Sales_Forecast__c\n"))
    assert run(file, folder=tmp_path) == 0
    said = capsys.readouterr().out
    assert "✗ field Sales_Forecast__c.Commission__c: read" in said
    assert "warning: needed and missing: field Sales_Forecast__c.Commission__c (read)" in said


def test_recordings_that_match_nothing_are_an_error_with_file_and_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(SCENARIOS, tmp_path / "scenarios")
    file = tmp_path / "scenarios" / "boomi.scenario.yaml"
    lines = file.read_text("utf-8").splitlines()
    at = lines.index("permissions:")
    lines.insert(at + 1, "  evidence: {recordings: [traffic/*.har]}")
    file.write_text("\n".join(lines))
    assert run(file, folder=tmp_path) == 2
    said = capsys.readouterr().err
    assert f"boomi.scenario.yaml:{at + 2}:" in said
    assert "no recording matches traffic/*.har" in said


def test_json_can_be_read_by_others(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(SCENARIOS / "warehouse.scenario.yaml", "--json", folder=tmp_path) == 0
    told = json.loads(capsys.readouterr().out)
    assert {each["verdict"] for each in told["permissions"]} <= {"used", "never-used", "missing"}
    assert told["requests"] > 0
