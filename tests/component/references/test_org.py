"""Searching a simulated org: what was seeded is found by name, what was not is not, and what is refused is told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.references.model import ReferenceHit, ReferenceScan
from harness.references.org import UNREADABLE, Known, OrgSearch
from harness.references.scan import with_project
from harness.sandbox.org import SandboxOrg
from tests.component.references.seeded import admin_of, opened, seed_rows, subject_in, write_project

KNOWN = Known(
    objects=("Account", "Case", "Lead", "Opportunity", "Project__c"),
    formulas={"Account.Mine__c": "$User.Id = OwnerId", "Account.Other__c": "Name"},
    owned={"Account": 3, "Project__c": 0},
    confined=("10.0.0.0 - 10.0.0.255",),
    apps=("ConnectedApplication:Legacy Loader",),
)


def search(org: SandboxOrg, known: Known = KNOWN) -> tuple[OrgSearch, int]:
    with admin_of(org) as (admin, transport):
        before = transport.meter.calls
        found = OrgSearch(admin, subject_in(org), known)
        found.run()
        return found, transport.meter.calls - before


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxOrg]:
    with opened(write_project(tmp_path_factory.mktemp("seeded"))) as org:
        seed_rows(org)
        yield org


EXPECTED = {
    "ValidationRule Account.Sync_Only": ("new-user", "profile-change"),
    "ValidationRule Account.Sellers": (),
    "CustomField Account.Mine__c": ("new-user",),
    "Flow Route": ("new-user",),
    "WorkflowAlert Account.Tell": ("deactivate",),
    "WorkflowOutboundMessage Account.Send": ("freeze", "deactivate"),
    "AssignmentRules Case": ("deactivate",),
    "EscalationRules Case": ("deactivate",),
    "AutoResponseRules Lead": ("deactivate",),
    "ApprovalProcess Opportunity.Big": ("freeze", "deactivate"),
    "NamedCredential Billing": ("freeze", "deactivate"),
    "CaseSettings Case": ("deactivate",),
    "ApexClass Owners": ("new-user", "freeze", "deactivate"),
    "ApexTrigger OnAccount": ("new-user", "profile-change"),
    "CronTrigger Nightly sync": ("deactivate",),
    "AsyncApexJob": ("deactivate",),
    "Dashboard Pipeline": ("deactivate",),
    "PendingApproval waiting for the user": ("freeze", "deactivate"),
    "Manager sam.seller@acme.example": ("freeze", "deactivate"),
    "DelegatedApprover sam.seller@acme.example": ("freeze", "deactivate"),
    "QueueEmail Support": ("deactivate",),
    "OauthToken Old Loader": ("freeze", "deactivate"),
    "EmailServicesAddress orders": ("deactivate",),
    "AuthProvider Portal": ("deactivate",),
    "SamlSsoConfig Okta": ("deactivate",),
    "ApiCredential": ("new-user",),
    "CustomSetting Sync__c": ("new-user",),
    "RecordOwner Account": ("deactivate",),
    "GroupMembership Data_Feeds": (),
    "LoginRestriction 10.0.0.0 - 10.0.0.255": (),
    "AppPolicy ConnectedApplication:Legacy Loader": (),
    "ConnectedApp Legacy_Loader": (),
}


def told(hits: list[ReferenceHit]) -> dict[str, tuple[str, ...]]:
    """Each line of a hit and when it breaks; two kinds go by ids."""
    return {hit.kind if hit.kind in ("AsyncApexJob", "ApiCredential") else hit.line: hit.when for hit in hits}


def test_everything_that_names_the_user_is_found_and_nothing_else(seeded: SandboxOrg) -> None:
    found, calls = search(seeded)
    assert told(found.hits) == EXPECTED
    assert tuple(found.not_read) == UNREADABLE
    assert found.looked_at["ValidationRule"] == 2
    assert found.looked_at["CustomSetting"] == 2
    assert found.looked_at["CronTrigger"] == 1, "a job that is over is not asked for"
    assert calls <= 30, calls


def test_rules_of_objects_out_of_scope_are_not_read(seeded: SandboxOrg) -> None:
    found, _ = search(seeded, Known(objects=("Contact",)))
    assert found.looked_at["ValidationRule"] == 0
    assert "ValidationRule Account.Sync_Only" not in told(found.hits)


def test_an_org_in_which_nothing_names_the_user_has_no_hit_that_breaks() -> None:
    with opened(None) as org:
        found, _ = search(org, Known(objects=("Account", "Project__c")))
    assert [hit.line for hit in found.hits if hit.when] == []
    assert found.looked_at["CronTrigger"] == 0
    assert tuple(found.not_read) == UNREADABLE


def test_rows_that_only_their_owner_sees_matter_to_a_new_user(seeded: SandboxOrg) -> None:
    private = next(one.name for one in seeded.schema if one.sharing == "Private" and not one.setup)
    found, _ = search(seeded, Known(objects=(private,), owned={private: 7}))
    [hit] = [hit for hit in found.hits if hit.kind == "RecordOwner"]
    assert hit.says == "7 rows, sharing Private"
    assert hit.when == ("new-user", "deactivate")


def test_what_an_org_should_have_and_refuses_is_told_and_a_feature_it_lacks_is_not() -> None:
    with opened(None) as org:
        gone = org.schema.get("CronTrigger")
        assert gone is not None
        org.schema.discard(gone)
        found, _ = search(org, Known(objects=("Account",)))
    texts = [text for text in found.not_read if text not in UNREADABLE]
    assert len(texts) == 1
    assert texts[0].startswith("CronTrigger: the org answers INVALID_TYPE")
    assert "CronTrigger" not in found.looked_at
    assert "DefaultTeam" not in found.looked_at, "the org has no default teams, and need not have them"


def test_the_project_and_the_org_tell_the_same_of_the_same(seeded: SandboxOrg, tmp_path: Path) -> None:
    found, _ = search(seeded)
    scan = ReferenceScan(hits=tuple(found.hits), looked_at=found.looked_at)
    both = with_project(scan, subject_in(seeded), write_project(tmp_path / "dx"), shown="dx")
    rules = [hit for hit in both.hits if hit.line == "ValidationRule Account.Sync_Only"]
    assert [hit.where.rpartition("/")[2] for hit in rules] == ["Sync_Only.validationRule-meta.xml:2"]
    assert both.looked_at["project: ValidationRule"] == 2
