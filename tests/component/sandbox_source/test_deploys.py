"""A project that was loaded is retrieved, deployed again, kept and restored."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.sandbox.metadata.deployment import DeployMessage, DeployOptions, deploy
from harness.sandbox.metadata.kinds import BY_NAME, KINDS
from harness.sandbox.metadata.manifest import Manifest, write_manifest
from harness.sandbox.metadata.parts import Parts, by_name, document
from harness.sandbox.metadata.retrieval import retrieve
from harness.sandbox.metadata.work import Work
from harness.sandbox.org import SandboxOrg
from harness.sandbox.source import DEMO, open_org

ALL_OR_NOTHING = DeployOptions(rollback_on_error=True, single_package=True)
NAMESPACE = "http://soap.sforce.com/2006/04/metadata"


@pytest.fixture(scope="module")
def demo() -> Iterator[SandboxOrg]:
    org = open_org(DEMO)
    yield org
    org.close()


def work_on(org: SandboxOrg) -> Work:
    return Work(org, org.rows("User")[0]["Id"], 67.0)


def packed(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def run(org: SandboxOrg, files: dict[str, bytes]) -> list[DeployMessage]:
    outcome = deploy(work_on(org), packed(files), ALL_OR_NOTHING)
    assert outcome.error is None
    return [one for one in outcome.messages if one.kind]


def field_file(name: str) -> dict[str, bytes]:
    content = f'<CustomObject xmlns="{NAMESPACE}"><fields><fullName>{name}</fullName><label>L</label>'
    whole = f"{content}<length>9</length><type>Text</type></fields></CustomObject>"
    return {
        "package.xml": write_manifest({"CustomField": [f"Account.{name}"]}, 67.0),
        "objects/Account.object": whole.encode(),
    }


def test_a_whole_project_comes_back_unchanged() -> None:
    org = open_org(DEMO)
    types = {kind.name: ["*"] for kind in KINDS} | {"CustomObject": ["*", "Account", "Opportunity"]}
    first = retrieve(work_on(org), Manifest(types), single_package=True)
    assert first.messages == []
    outcome = deploy(work_on(org), first.content, ALL_OR_NOTHING)
    assert [one for one in outcome.messages if one.problem] == []
    assert [one.name for one in outcome.messages if one.changed and one.kind] == []
    assert len(outcome.messages) > 30
    second = retrieve(work_on(org), Manifest(types), single_package=True)
    assert second.content == first.content
    org.close()


def test_a_retrieved_set_is_the_project_s_file(demo: SandboxOrg) -> None:
    folder = Path(str(__import__("harness.sandbox").__path__[0])) / "sandbox/demo/force-app/main/default/permissionsets"
    for file in folder.glob("*.permissionset-meta.xml"):
        name = file.name.partition(".")[0]
        parts = BY_NAME["PermissionSet"].show(work_on(demo), name)
        assert parts is not None
        shown = document("PermissionSet", parts).decode()
        for line in file.read_text(encoding="utf-8").splitlines():
            assert line.strip() in shown, (name, line)


RIGHTS = ("allowRead", "allowEdit", "allowCreate", "allowDelete")
rights = st.integers(0, 4).map(lambda count: frozenset(RIGHTS[: 2 if count == 1 else count]))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    objects=st.dictionaries(st.sampled_from(["Account", "Contact", "Case", "Lead"]), rights, max_size=4),
    fields=st.dictionaries(st.sampled_from(["Account.Industry", "Account.ERP_Key__c", "Contact.Email"]), st.booleans()),
    system=st.sets(st.sampled_from(["ApiEnabled", "RunReports", "ViewRoles"])),
    label=st.text(
        st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zs", "Zl", "Zp", "Co", "Cn"]),
        min_size=1,
        max_size=40,
    ),
)
def test_every_permission_set_survives_its_retrieve(
    demo: SandboxOrg, objects: dict[str, frozenset[str]], fields: dict[str, bool], system: set[str], label: str
) -> None:
    parts: Parts = [("label", label), ("hasActivationRequired", False)]
    for name, granted in objects.items():
        if granted:
            flags: Parts = [
                (one, one in granted) for one in (*RIGHTS, "modifyAllRecords", "viewAllFields", "viewAllRecords")
            ]
            parts.append(("objectPermissions", by_name([*flags, ("object", name)])))
    for name, editable in fields.items():
        parts.append(("fieldPermissions", [("editable", editable), ("field", name), ("readable", True)]))
    parts += [("userPermissions", [("enabled", True), ("name", one)]) for one in system]
    files = {
        "package.xml": write_manifest({"PermissionSet": ["Any"]}, 67.0),
        "permissionsets/Any.permissionset": document("PermissionSet", parts),
    }
    assert [one.problem for one in run(demo, files)] == [None]
    shown = BY_NAME["PermissionSet"].show(work_on(demo), "Any")
    assert shown is not None
    assert sorted(map(str, shown)) == sorted(map(str, parts))
    again = run(demo, files | {"permissionsets/Any.permissionset": document("PermissionSet", shown)})
    assert [(one.changed, one.problem) for one in again] == [(False, None)]


def test_a_deployed_field_is_there_after_reopening(tmp_path: Path) -> None:
    state = tmp_path / "org.sqlite"
    org = open_org(DEMO, state=state)
    run(org, field_file("Kept__c"))
    run(org, field_file("Gone__c"))
    files = {
        "package.xml": write_manifest({}, 67.0),
        "destructiveChanges.xml": write_manifest({"CustomField": ["Account.Gone__c"]}, 67.0),
    }
    run(org, files)
    account = org.insert_row("Account", {"Name": "A", "Kept__c": "x"})
    org.close()
    again = open_org(DEMO, state=state)
    assert (again.row("Account", account) or {})["Kept__c"] == "x"
    described = again.schema.get("Account")
    assert described is not None
    assert described.get("Gone__c") is None
    assert BY_NAME["CustomField"].show(work_on(again), "Account.Kept__c") == [
        ("label", "L"),
        ("length", "9"),
        ("type", "Text"),
    ]
    again.close()


def test_a_restored_org_knows_the_schema_of_its_snapshot() -> None:
    org = open_org(DEMO)
    run(org, field_file("Before__c"))
    snapshot = org.snapshot()
    run(org, field_file("After__c"))
    org.restore(snapshot)
    account = org.schema.get("Account")
    assert account is not None
    assert account.get("After__c") is None
    assert account.get("Before__c") is not None
    run(org, field_file("After__c"))
    assert org.insert_row("Account", {"Name": "A", "Before__c": "b", "After__c": "a"})
    org.close()


def test_sharing_rules_are_added_and_stay(tmp_path: Path) -> None:
    org = open_org(DEMO, state=tmp_path / "org.sqlite")
    rule = (
        "<sharingCriteriaRules><fullName>Big</fullName><accessLevel>Read</accessLevel><label>Big</label>"
        "<sharedTo><group>Data_Feeds</group></sharedTo><criteriaItems><field>Name</field><operation>equals</operation>"
        "<value>Big</value></criteriaItems></sharingCriteriaRules>"
    )
    files = {
        "package.xml": write_manifest({"SharingRules": ["Project__c"]}, 67.0),
        "sharingRules/Project__c.sharingRules": f'<SharingRules xmlns="{NAMESPACE}">{rule}</SharingRules>'.encode(),
    }
    before = len(org.schema.sharing_rules.get("project__c", ()))
    assert [one.problem for one in run(org, files)] == [None]
    assert len(org.schema.sharing_rules["project__c"]) == before + 1
    assert [one.changed for one in run(org, files)] == [False]
    wrong = {name: content.replace(b"Data_Feeds", b"Nobody") for name, content in files.items()}
    assert [one.problem for one in run(org, wrong)] == ["In field: group - no Group named Nobody found"]
    files = {name: content.replace(b">Big</fullName>", b">Other</fullName>") for name, content in files.items()}
    assert [one.problem for one in run(org, files)] == [None]
    assert len(org.schema.sharing_rules["project__c"]) == before + 2
    org.close()
    again = open_org(DEMO, state=tmp_path / "org.sqlite")
    assert len(again.schema.sharing_rules["project__c"]) == before + 2
    again.close()


def test_record_types_are_made_available_by_sets() -> None:
    org = open_org(DEMO)
    name = "Opportunity.Renewal"
    parts: Parts = [("label", "RT"), ("recordTypeVisibilities", [("recordType", name), ("visible", True)])]
    files = {
        "package.xml": write_manifest({"PermissionSet": ["RT"]}, 67.0),
        "permissionsets/RT.permissionset": document("PermissionSet", parts),
    }
    assert [one.problem for one in run(org, files)] == [None]
    shown = BY_NAME["PermissionSet"].show(work_on(org), "RT") or []
    assert ("recordTypeVisibilities", [("recordType", name), ("visible", True)]) in shown
    files["permissionsets/RT.permissionset"] = document("PermissionSet", [("label", "RT")])
    run(org, files)
    assert "recordTypeVisibilities" not in dict(BY_NAME["PermissionSet"].show(work_on(org), "RT") or [])
    lost = document(
        "PermissionSet", [("label", "RT"), ("recordTypeVisibilities", [("recordType", "Case.No"), ("visible", True)])]
    )
    files["permissionsets/RT.permissionset"] = lost
    assert [one.problem for one in run(org, files)] == ["In field: recordType - no RecordType named Case.No found"]
    org.close()
