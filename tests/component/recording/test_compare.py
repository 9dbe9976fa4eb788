"""What an org answers today against what was recorded: drifts of each tier, and nothing written to the org."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.parse import urlsplit

import pytest
import requests

from harness.org import transport
from harness.recording.meaning import model
from harness.rehearsal.options import CassetteMode, Options
from harness.rehearsal.reasking import Reasking
from harness.rehearsal.rehearsal import Rehearsal
from harness.report.drift import OrgDrift
from harness.sandbox.control.state import difference, state_of
from harness.sandbox.org import SandboxOrg
from harness.sandbox.server import SandboxServer
from harness.sandbox.source import open_org
from harness.scenario.loader import ScenarioFile, load

ROOT = Path(__file__).parents[3]
SIGN_INS = {"LoginHistory", "AuthSession", "User", "OauthToken", "LoginGeo", "VerificationHistory", "UserLogin"}
"""What signing in leaves in an org."""


@dataclass
class Migrated:
    """A simulated org in which a recorded scenario was migrated after it was recorded."""

    file: ScenarioFile
    org: SandboxOrg
    folder: Path
    ready: Path
    snapshot: bytes

    def options(self, cassettes: CassetteMode) -> Options:
        return Options.build(
            root=self.folder,
            org=None,
            sandbox=self.ready,
            cassettes=cassettes,
            cassette_folder=self.folder / "cassettes",
            report_folder=self.folder / "reports",
            state_folder=self.folder / "state",
        )

    def compare(self) -> OrgDrift:
        return Reasking(self.file, self.options("compare")).run()


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Migrated]:
    folder = tmp_path_factory.mktemp("compare")
    (folder / "cassettes").mkdir()
    (folder / "cassettes" / "allow.yaml").write_bytes((ROOT / "cassettes" / "allow.yaml").read_bytes())
    org = open_org(ROOT / "scenarios" / "orgs" / "erp")
    with SandboxServer(org) as server:
        server.ready.write(folder / "ready.json")
        file = load(_with_one_rollback(folder))
        one = Migrated(file, org, folder, folder / "ready.json", b"")
        recording = Rehearsal(file, one.options("record"))
        recording.sign_off()
        recording.finish()
        running = Rehearsal(file, one.options("off"))
        running.reach(file.scenario.stages[-1])
        running.finish()
        one.snapshot = org.snapshot()
        yield one
    org.close()


def _with_one_rollback(folder: Path) -> Path:
    """The shipped scenario; each rollback that is rehearsed takes a second, and none is compared."""
    text = (ROOT / "scenarios" / "erp.scenario.yaml").read_text("utf-8")
    assert "rollback: from every stage" in text
    path = folder / "erp.scenario.yaml"
    path.write_text(text.replace("rollback: from every stage", "rollback: {from: [cut-over]}"), "utf-8")
    (folder / "orgs").symlink_to(ROOT / "scenarios" / "orgs")
    return path


@dataclass
class Asked:
    """A comparison, every request that was sent for it, and what changed in the org."""

    found: OrgDrift
    requests: list[tuple[str, str, str]]
    changed: set[str]


@pytest.fixture(scope="module")
def unchanged(migrated: Migrated) -> Asked:
    sent: list[tuple[str, str, str]] = []
    carry = transport.HTTPAdapter.send

    def noting(self: Any, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        body = request.body.decode() if isinstance(request.body, bytes) else request.body or ""
        sent.append((request.method or "", urlsplit(request.url or "").path, body))
        return carry(self, request, *args, **options)

    before = state_of(migrated.org)
    with mock.patch.object(transport.HTTPAdapter, "send", noting):
        found = migrated.compare()
    changes = difference(before, state_of(migrated.org))
    return Asked(found, sent, {change["object"] for change in changes if "object" in change})


def test_an_org_that_did_not_change_has_not_drifted(unchanged: Asked) -> None:
    assert unchanged.found.states == ("the new user works and the old one does not",)
    assert [str(each) for each in unchanged.found.from_tier("warning")] == []
    assert unchanged.found.total > 40
    assert {"verify", "dual-auth", "cut-over"} <= unchanged.found.asked.keys()


def test_what_was_not_asked_is_listed_with_its_reason(unchanged: Asked) -> None:
    reasons = {why for _, why, _ in unchanged.found.left_out()}
    assert "writes, or tries to" in reasons
    assert "recorded in another state of the migration than the org is in" in reasons
    assert all(each.reason for each in unchanged.found.not_asked)


def test_nothing_is_written_to_the_org(unchanged: Asked) -> None:
    assert unchanged.changed <= SIGN_INS
    for method, path, body in unchanged.requests:
        assert method == "GET" or _reads(path, body), (method, path, body)


def _reads(path: str, body: str) -> bool:
    if path.endswith("/composite"):
        return all(part["method"] == "GET" for part in json.loads(body)["compositeRequest"])
    if "/Soap/" in path:
        return "readMetadata" in body or "listMetadata" in body or "login>" in body
    return path in ("/services/oauth2/token", "/secur/frontdoor.jsp") or "/jobs/query" in path


@pytest.fixture(scope="module")
def drifted(migrated: Migrated, unchanged: Asked) -> Iterator[OrgDrift]:
    """An org in which permissions, rows and values were changed behind the recording's back."""
    assert unchanged.found.total
    org = migrated.org
    migrated.snapshot = org.snapshot()
    change(org)
    yield migrated.compare()
    org.restore(migrated.snapshot)


def change(org: SandboxOrg) -> None:
    own = org.rows("PermissionSet", Name="Integration_ERP_Order_Sync")[0]["Id"]
    fields = {row["Field"]: row for row in org.rows("FieldPermissions", ParentId=own)}
    org.update_row("FieldPermissions", fields["Account.Credit_Limit__c"]["Id"], {"PermissionsEdit": True})
    org.delete_row("FieldPermissions", fields["Account.Delivery_Block__c"]["Id"])
    org.delete_row("Contact", org.rows("Contact")[0]["Id"])
    account = org.rows("Account", ERP_Key__c="K-10001")[0]
    org.update_row("Account", account["Id"], {"BillingCity": "Elsewhere"})


@pytest.mark.parametrize(
    ("tier", "text", "principal"),
    [
        ("critical", "FieldPermissions Account.Credit_Limit__c: PermissionsEdit was given", "admin"),
        ("critical", "UserFieldAccess Account.Credit_Limit__c: IsCreatable, IsUpdatable were given", "admin"),
        ("critical", "Account.Credit_Limit__c became updateable", "erp.integration"),
        ("error", "FieldPermissions Account.Delivery_Block__c", "admin"),
        ("error", "what was granted is refused", "erp.integration"),
        ("error", "field Account.Delivery_Block__c vanished", "erp.integration"),
        ("warning", "1 Contact rows are gone", "erp.integration"),
        ("information", "Account BillingCity", "erp.integration"),
    ],
)
def test_a_drift_is_reported_at_its_tier_and_by_name(drifted: OrgDrift, tier: Any, text: str, principal: str) -> None:
    of_target = principal == "erp.integration"
    found = [each for each in drifted.of_tier(tier) if text in each.text]
    assert found, "\n".join(str(each) for each in drifted.found)
    assert all((each.principal == "erp.integration@nordwind.example") is of_target for each in found)


def test_nothing_else_is_graver_than_it_is(drifted: OrgDrift) -> None:
    critical = {each.text for each in drifted.of_tier("critical")}
    assert all("Account.Credit_Limit__c" in text for text in critical), critical


def test_a_comparison_that_is_blinded_turns_these_red(migrated: Migrated, drifted: OrgDrift) -> None:
    assert drifted.from_tier("warning")
    with mock.patch.object(model.Drift, "__init__", _as_information):
        assert not migrated.compare().from_tier("warning")


def _as_information(self: model.Drift, _tier: model.Tier, *rest: str) -> None:
    names = ("tier", "request", "text", "recorded", "now", "principal")
    for name, value in zip(names, (model.Tier.INFORMATION, *rest), strict=True):
        object.__setattr__(self, name, value)
