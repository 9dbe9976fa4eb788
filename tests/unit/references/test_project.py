"""Projects in both formats, and the files in them that must not be taken for what they are not."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.references.project import scan_project
from tests.unit.references.people import SYNC

RULE = "<active>true</active><errorConditionFormula>\n$Profile.Name = &quot;ERP Interface&quot;</errorConditionFormula>"
FIELD = "<formula>IF($User.Id = Owner__c, 1, 2)</formula>"
NAMESPACE = 'xmlns="http://soap.sforce.com/2006/04/metadata"'


def write(folder: Path, path: str, text: str) -> None:
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, "utf-8")


def document(kind: str, inner: str) -> str:
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<{kind} {NAMESPACE}>\n{inner}\n</{kind}>\n'


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """The format of a Salesforce DX project."""
    objects = "force-app/main/default/objects/Account"
    rule = document("ValidationRule", f"<fullName>Sync</fullName>{RULE}")
    write(tmp_path, f"{objects}/validationRules/Sync.validationRule-meta.xml", rule)
    write(tmp_path, f"{objects}/fields/Mine__c.field-meta.xml", document("CustomField", FIELD))
    workflow = (
        "<alerts><fullName>Tell</fullName><recipients><recipient>sync@acme.example</recipient></recipients></alerts>"
    )
    write(tmp_path, "force-app/main/default/workflows/Account.workflow-meta.xml", document("Workflow", workflow))
    return tmp_path


@pytest.fixture
def retrieved(tmp_path: Path) -> Path:
    """The Metadata API's own format, in which an object's rules and fields stand in its file."""
    inner = (
        f"<fields><fullName>Mine__c</fullName>{FIELD}</fields>\n"
        f"<validationRules><fullName>Sync</fullName>{RULE}</validationRules>"
    )
    write(tmp_path, "objects/Account.object", document("CustomObject", inner))
    workflow = (
        "<alerts><fullName>Tell</fullName><recipients><recipient>sync@acme.example</recipient></recipients></alerts>"
    )
    write(tmp_path, "workflows/Account.workflow", document("Workflow", workflow))
    return tmp_path


EXPECTED = {"ValidationRule Account.Sync", "CustomField Account.Mine__c", "WorkflowAlert Account.Tell"}


def test_a_project_in_source_format_is_searched(source: Path) -> None:
    found = scan_project(source, SYNC, shown="dx")
    assert {hit.line for hit in found.hits} == EXPECTED
    [rule] = [hit for hit in found.hits if hit.kind == "ValidationRule"]
    path = "force-app/main/default/objects/Account/validationRules/Sync.validationRule-meta.xml"
    assert rule.where == f"dx/{path}:4"
    assert rule.says == '$Profile.Name = "ERP Interface"'
    assert found.looked_at == {"CustomField": 1, "ValidationRule": 1, "Workflow": 1}


def test_metadata_as_it_is_retrieved_is_searched(retrieved: Path) -> None:
    found = scan_project(retrieved, SYNC, shown="meta")
    assert {hit.line for hit in found.hits} == EXPECTED
    [rule] = [hit for hit in found.hits if hit.kind == "ValidationRule"]
    assert rule.where == "meta/objects/Account.object:5"


def test_only_the_old_profile_tells_of_login_hours_and_ranges(source: Path) -> None:
    ranges = "<loginIpRanges><startAddress>10.0.0.1</startAddress><endAddress>10.0.0.9</endAddress></loginIpRanges>"
    write(source, "profiles/ERP Interface.profile-meta.xml", document("Profile", ranges))
    write(source, "profiles/Sales.profile-meta.xml", document("Profile", ranges))
    [hit] = [hit for hit in scan_project(source, SYNC).hits if hit.kind == "Profile"]
    assert hit.says == "IP range 10.0.0.1 - 10.0.0.9"
    assert hit.where.endswith("profiles/ERP Interface.profile-meta.xml:3")


def test_settings_go_by_their_own_type(source: Path) -> None:
    settings = document("CaseSettings", "<defaultCaseOwner>sync@acme.example</defaultCaseOwner>")
    write(source, "settings/Case.settings-meta.xml", settings)
    assert "CaseSettings Case" in {hit.line for hit in scan_project(source, SYNC).hits}


def test_a_readme_is_no_custom_metadata(source: Path) -> None:
    write(source, "README.md", "sync@acme.example & $Profile.Name")
    record = document("CustomMetadata", "<values><value>sync@acme.example</value></values>")
    write(source, "customMetadata/Job.Nightly.md-meta.xml", record)
    found = scan_project(source, SYNC)
    assert found.not_read == ()
    assert "CustomMetadata Job.Nightly" in {hit.line for hit in found.hits}


def test_a_file_that_cannot_be_read_is_told_and_the_rest_is_searched(source: Path) -> None:
    write(source, "flows/Broken.flow-meta.xml", "<Flow>$Profile.Name")
    write(source, "flows/Evil.flow-meta.xml", "<!DOCTYPE x [<!ENTITY e '$Profile.Name'>]><Flow>&e;</Flow>")
    found = scan_project(source, SYNC, shown="dx")
    assert [text.partition(":")[0] for text in found.not_read] == [
        "dx/flows/Broken.flow-meta.xml could not be read",
        "dx/flows/Evil.flow-meta.xml could not be read",
    ]
    assert {hit.line for hit in found.hits} == EXPECTED


@pytest.mark.parametrize("there", [True, False])
def test_a_folder_without_metadata_is_a_mistake(tmp_path: Path, there: bool) -> None:
    with pytest.raises(UsageError, match="holds no metadata" if there else "is no folder"):
        scan_project(tmp_path if there else tmp_path / "nowhere", SYNC)
