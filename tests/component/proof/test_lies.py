"""What the new user has and the sets do not plainly show, or has not for long: the verdict is red all the same."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness.migration.records import Note, StageFinished
from harness.sandbox.org import SandboxOrg
from tests.component.migration.conftest import Bench, MakeBench, ending, results
from tests.component.proof.test_tampering import SET, USERNAME, granted, make_bench, set_id, verdict_of

__all__ = ["granted", "make_bench"]


def user_id(org: SandboxOrg) -> str:
    return str(org.rows("User", Username=USERNAME)[0]["Id"])


def expiring(org: SandboxOrg) -> None:
    [row] = org.rows("PermissionSetAssignment", AssigneeId=user_id(org), PermissionSetId=set_id(org))
    org.update_row("PermissionSetAssignment", row["Id"], {"ExpirationDate": "2099-01-01T00:00:00.000+0000"})


def session_based(org: SandboxOrg) -> None:
    made = org.insert_row("PermissionSet", {"Name": "Later", "Label": "Later", "HasActivationRequired": True})
    values = {"ParentId": made, "SobjectType": "Lead", "PermissionsRead": True, "PermissionsEdit": True}
    org.insert_row("ObjectPermissions", {**values, "PermissionsDelete": True})
    org.insert_row("PermissionSetAssignment", {"AssigneeId": user_id(org), "PermissionSetId": made})


def profile_set(org: SandboxOrg) -> None:
    [user] = org.rows("User", Username=USERNAME)
    [own] = org.rows("PermissionSet", ProfileId=user["ProfileId"])
    values = {"ParentId": own["Id"], "SobjectType": "Opportunity", "PermissionsRead": True}
    org.insert_row("ObjectPermissions", values)


def other_profile(org: SandboxOrg) -> None:
    [user] = org.rows("User", Username=USERNAME)
    [license_] = org.rows("UserLicense", Name="Salesforce Integration")
    made = org.insert_row("Profile", {"Name": "Other API Profile", "UserLicenseId": license_["Id"]})
    org.update_row("User", user["Id"], {"ProfileId": made})


def stale_group(org: SandboxOrg) -> None:
    """A group whose set still gives what its components gave before: Outdated."""
    [group] = org.rows("PermissionSetGroup", DeveloperName="ERP_People")
    [computed] = org.rows("PermissionSet", PermissionSetGroupId=group["Id"])
    assigned = {"AssigneeId": user_id(org), "PermissionSetId": computed["Id"], "PermissionSetGroupId": group["Id"]}
    org.insert_row("PermissionSetAssignment", assigned)
    for row in org.rows("PermissionSetGroupComponent", PermissionSetGroupId=group["Id"]):
        org.delete_row("PermissionSetGroupComponent", row["Id"])
    vars(org.recalculation)["_compute"] = lambda _group_id: None  # it takes long
    org.update_row("PermissionSetGroup", group["Id"], {"Status": "Outdated"})


def feature_license(org: SandboxOrg) -> None:
    org.update_row("User", user_id(org), {"UserPermissionsMarketingUser": True})


ASLEEP = "it is session-based, and switched on in no session of the user"
LIES = {
    expiring: ("lost", "assignment", SET, ("it expires on 2099-01-01 00:00 UTC",)),
    session_based: ("gained", "assignment", "Later", (ASLEEP,)),
    profile_set: ("gained", "object", "Opportunity", ("read",)),
    other_profile: ("lost", "system", "ApiEnabled", ()),
    feature_license: ("gained", "feature-license", "MarketingUser", ()),
    stale_group: ("gained", "assignment", "the group ERP People is Outdated", ()),
}


@pytest.mark.parametrize("lie", LIES, ids=lambda each: each.__name__)
def test_what_will_not_stay_as_it_is_fails_the_verdict(granted: Bench, lie: Callable[[SandboxOrg], None]) -> None:
    lie(granted.org)
    verdict, end = verdict_of(granted)
    found = [(one.direction, one.kind, one.name.partition(":")[0], one.access) for one in verdict.counterexamples]
    assert LIES[lie] in found
    assert (verdict.passed, end.result) == (False, "failed")


def more_rights(org: SandboxOrg) -> None:
    values = {"ParentId": set_id(org), "SobjectType": "Opportunity", "PermissionsRead": True}
    org.insert_row("ObjectPermissions", values)


def fewer_fields(org: SandboxOrg) -> None:
    for row in org.rows("FieldPermissions", ParentId=set_id(org), Field="Account.Phone"):
        org.delete_row("FieldPermissions", row["Id"])


def no_role(org: SandboxOrg) -> None:
    org.update_row("User", user_id(org), {"UserRoleId": None})


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (more_rights, "gained Opportunity (read)"),
        (fewer_fields, "lost Account.Phone (read, edit)"),
        (no_role, "its role changed"),
        (expiring, f"{SET}: it expires on 2099-01-01 00:00 UTC"),
        (session_based, f"Later: {ASLEEP}"),
        (None, ""),
    ],
    ids=("more rights", "fewer fields", "no role", "expiring", "session-based", "nothing"),
)
def test_what_changes_after_the_proof_stops_the_cut_over(
    make_bench: MakeBench, change: Callable[[SandboxOrg], None] | None, said: str
) -> None:
    bench = make_bench()
    records = []
    for record in bench.engine().stages():
        records.append(record)
        if isinstance(record.body, StageFinished) and record.stage == "dual-auth" and change is not None:
            change(bench.org)
    end = ending(records)
    assert said in end.message
    assert results(records)["cut-over"] == ("passed" if change is None else "failed")
    frozen = bench.org.rows("UserLogin", UserId=bench.row("User", Username="erp.sync@acme.example")["Id"])[0]
    assert frozen["IsFrozen"] is (change is None)


def test_a_set_that_gives_nothing_more_is_told(granted: Bench) -> None:
    org = granted.org
    made = org.insert_row("PermissionSet", {"Name": "Empty_Yet", "Label": "Empty Yet"})
    org.insert_row("PermissionSetAssignment", {"AssigneeId": user_id(org), "PermissionSetId": made})
    records = list(granted.engine().stages())
    assert results(records)["verify"] == "passed"
    told = [record.body.text for record in records if isinstance(record.body, Note) and "Empty Yet" in record.body.text]
    [text] = told
    assert text.startswith(f"Empty Yet is assigned to {USERNAME} too, and not by this run")
