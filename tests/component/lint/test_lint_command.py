"""`rehearse lint` on a project, on single files, on a simulated org, and on a real org's metadata."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from harness.cli import rehearse
from harness.errors import RequestRefused, UsageError
from harness.org.connection import Connection
from harness.sandbox.server import SandboxServer
from harness.sandbox.source import open_org

ROOT = Path(__file__).parents[3]
ERP = ROOT / "scenarios" / "orgs" / "erp"
GSA = ROOT.parent / "shared" / "orgs" / "gsa-workspace"
SETS = "force-app/main/default/permissionsets"
GONE = "<objectPermissions><allowRead>true</allowRead><object>Gone__c</object></objectPermissions>"


def lint(*arguments: str | Path) -> Result:
    return CliRunner().invoke(rehearse, ["lint", *map(str, arguments)], standalone_mode=False)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the ERP's project, without the license that one of its sets is bound to."""
    folder = shutil.copytree(ERP, tmp_path / "erp")
    change(folder / SETS / "ERP_Invoices.permissionset-meta.xml", "    <license>Salesforce</license>\n", "")
    monkeypatch.chdir(folder)
    return folder


def change(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times"
    file.write_text(text.replace(old, new))


def test_a_clean_project_ends_with_0(project: Path) -> None:
    done = lint()
    assert (done.return_value, done.output) == (0, "2 permission sets, 0 errors, 0 warnings\n")
    assert lint(project).return_value == 0


def test_an_error_ends_with_1_and_stands_at_its_line(project: Path) -> None:
    file = project / SETS / "ERP_Invoices.permissionset-meta.xml"
    name = "ERP_Invoices.permissionset-meta.xml"
    change(file, "    <label>", "    <license>Salesforce API Integration</license>\n    <label>")
    line = next(n for n, text in enumerate(file.read_text().splitlines(), 1) if "<license>" in text)
    done = lint()
    assert done.return_value == 1
    assert done.output.startswith(f"{SETS}/{name}:{line}: license-by-label: ERP Invoices: ")
    [found] = json.loads(lint("--json").output)
    assert (found["file"], found["line"], found["rule"], found["level"]) == (
        f"{SETS}/{name}",
        line,
        "license-by-label",
        "error",
    )
    assert lint(file).return_value == 1
    others = [each for each in (project / SETS).iterdir() if each != file]
    assert lint(*others).return_value == 0, "only what is named is judged"


def test_a_single_file_is_judged_with_the_project_around_it(project: Path) -> None:
    file = project / SETS / "ERP_Invoices.permissionset-meta.xml"
    change(file, "</PermissionSet>", f"{GONE}</PermissionSet>")
    done = lint(file)
    assert done.return_value == 0, "a project may hold a part of the org"
    assert "no-such-object: ERP Invoices: there is no object Gone__c in this project" in done.output


def test_what_is_no_xml_and_no_permission_set_is_said(project: Path, tmp_path: Path) -> None:
    (project / SETS / "Broken.permissionset-meta.xml").write_text("<PermissionSet>")
    found = lint().exception
    assert isinstance(found, UsageError)
    assert "Broken" in str(found)
    (tmp_path / "empty").mkdir()
    assert "no permission set" in str(lint(tmp_path / "empty").exception)


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    server = SandboxServer(open_org(ERP))
    server.start()
    path = tmp_path_factory.mktemp("lint") / "ready.json"
    server.ready.write(path)
    yield path
    server.stop()


def test_the_sets_of_an_org_are_judged(ready: Path) -> None:
    done = lint("--sandbox", ready)
    assert done.return_value == 0, done.output
    assert "permission set ERP_Invoices: license-not-assignable" in done.output


def test_an_admin_who_sees_no_permission_sets_is_told_what_it_needs(
    ready: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(admin: Connection) -> None:
        admin.query("SELECT Id FROM NoSuchThing")

    monkeypatch.setattr("harness.linting.read_linted_sets", refuse)
    refused = lint("--sandbox", ready).exception
    assert isinstance(refused, RequestRefused)
    assert refused.code == "INVALID_TYPE"
    assert "View Setup and Configuration" in (refused.remedy or "")


def test_files_are_held_against_an_org(project: Path, ready: Path) -> None:
    assert lint(project, "--sandbox", ready).return_value == 0
    file = project / SETS / "ERP_Invoices.permissionset-meta.xml"
    change(file, "</PermissionSet>", f"{GONE}</PermissionSet>")
    done = lint(project, "--sandbox", ready)
    assert done.return_value == 1, done.output
    assert "there is no object Gone__c in this org" in done.output


@pytest.mark.skipif(not GSA.is_dir(), reason="the real org's metadata is not beside this checkout")
def test_a_real_org_gives_seven_findings_and_no_false_alarm() -> None:
    """Each was looked up: five sets grant more than the letters in their names, two are bound to a license."""
    findings = json.loads(lint(GSA, "--json").output)
    assert Counter(each["rule"] for each in findings) == {"broader-than-its-name": 5, "license-not-assignable": 2}
    assert {Path(each["file"]).name.partition(".")[0] for each in findings} == {
        "AAAP_RlpRegionsMap_CRE",
        "AAAP_System_User_R",
        "GREX_System_User_CRE",
        "NCMT_Users_LVL2_CRE",
        "NCMT_Users_LVL3_CRE",
        "NCMT_Users_LVL5_CRE",
        "OrgWide_Security_Event_Logging_User_System",
    }
