"""What the license can carry is tried on a throw-away user, and nothing but that inactive user stays."""

from __future__ import annotations

from typing import Any

import pytest

from harness.migration.journal import Record
from harness.migration.records import Plan, RollbackProof, TriedCeiling
from harness.migration.status import status

from .conftest import Bench, MakeBench, ending, results
from .project import AGREED, SCENARIO, permission, rights

TRIAL_USER = "trial.erp.integration@acme.example"
BEYOND = ("AuthorApex", "ViewEncryptedData", "BulkApiHardDelete")
FIELD_SERVICE = ("OperatingHours", "ServiceAppointment", "ServiceResource", "ServiceTerritory")
PERMISSIONS: dict[str, Any] = {"ceiling": "try", "accept": [AGREED]}
PROFILE = [
    *(permission(name) for name in BEYOND),
    *(rights(name, "Read", "Edit") for name in FIELD_SERVICE),
    permission("RunReports"),
]
EVERY_LICENSE = {"Salesforce": 10, "Salesforce Integration": 3, "SalesforceAPIIntegrationPsl": 3}


def tried(bench: Bench, run_id: str = "run1") -> TriedCeiling:
    found = bench.journal.find(run_id, TriedCeiling)
    assert found
    return found


def nothing_but_the_user_stays(bench: Bench) -> None:
    user = bench.row("User", Username=TRIAL_USER)
    assert not user["IsActive"]
    assert not bench.org.rows("PermissionSetLicenseAssign", AssigneeId=user["Id"])
    sets = {row["Id"]: row for row in bench.org.rows("PermissionSet")}
    assigned = bench.org.rows("PermissionSetAssignment", AssigneeId=user["Id"])
    assert all(sets[row["PermissionSetId"]]["IsOwnedByProfile"] for row in assigned)
    assert not [row["Name"] for row in sets.values() if row["Name"].startswith("Trial_of_")]


def test_one_run_yields_the_whole_list(make_bench: MakeBench) -> None:
    bench = make_bench(profile=PROFILE, scenario={"permissions": PERMISSIONS})
    records = list(bench.engine().stages())
    assert results(records) == {"preflight": "passed", "snapshot": "passed", "trial": "passed", "plan": "refused"}
    found = tried(bench)
    assert found.refused.system == {*BEYOND, "ViewHelpLink"}
    assert set(found.refused.objects) == {*FIELD_SERVICE}
    assert found.refused.objects["ServiceResource"] == {"read", "edit"}
    assert found.answers["AuthorApex"] == "The user license doesn't allow the permission: Author Apex"
    assert found.answers["ServiceResource: edit"].startswith("The user license doesn't allow the permission: Read")
    assert found.calls < 30
    [now] = status(bench.journal)
    assert f"nothing is left but the inactive user {TRIAL_USER}" in now.next
    nothing_but_the_user_stays(bench)


@pytest.mark.parametrize("strategy", ["in-place", "temporary-full-license"])
def test_the_other_strategies_try_it_alike(make_bench: MakeBench, strategy: str) -> None:
    to = {**SCENARIO["to"], "strategy": strategy}
    if strategy == "in-place":
        del to["username"]
    bench = make_bench(profile=PROFILE, scenario={"permissions": PERMISSIONS, "to": to, "finish": "freeze"})
    records = list(bench.engine().stages())
    assert results(records)["trial"] == "passed", ending(records)
    assert tried(bench).refused.system == {*BEYOND, "ViewHelpLink"}
    user = bench.row("User", Username=tried(bench).username)
    assert not user["IsActive"]
    undone = list(bench.engine().rollback())
    assert ending(undone).result == "passed", ending(undone)


def test_what_another_license_carries_is_told_with_its_name(make_bench: MakeBench) -> None:
    population = {"licenses": {**EVERY_LICENSE, "FieldServiceIntegrationPsl": 2}}
    bench = make_bench(profile=PROFILE, population={**population}, scenario={"permissions": PERMISSIONS})
    holder = bench.row("User", Username="erp.sync@acme.example")["Id"]
    license_id = bench.row("PermissionSetLicense", DeveloperName="FieldServiceIntegrationPsl")["Id"]
    admin = bench.row("User", Username="admin@acme.example")["Id"]
    keys = {"AssigneeId": holder, "PermissionSetLicenseId": license_id}
    bench.org.create("PermissionSetLicenseAssign", keys, as_user=admin)
    list(bench.engine().stages())
    assert set(tried(bench).carried_with["FieldServiceIntegrationPsl"].objects) == {*FIELD_SERVICE}
    plan = bench.journal.find("run1", Plan)
    assert plan
    causes = {loss.line: (loss.cause, loss.license) for loss in plan.losses if not loss.falls_with}
    assert causes["object ServiceResource: read, edit"] == ("other-license", "FieldServiceIntegrationPsl")
    assert causes["system AuthorApex"] == ("license-ceiling", None)
    nothing_but_the_user_stays(bench)


def test_a_listed_license_carries_it_and_is_assigned(make_bench: MakeBench) -> None:
    listed = {**PERMISSIONS, "licenses": ["FieldServiceIntegrationPsl"]}
    population = {"licenses": {**EVERY_LICENSE, "FieldServiceIntegrationPsl": 2}}
    profile = [rights(name, "Read", "Edit") for name in FIELD_SERVICE]
    bench = make_bench(profile=profile, population=population, scenario={"permissions": listed})
    records = list(bench.engine(stages=("preflight", "snapshot", "trial", "plan", "provision", "grant")).stages())
    assert ending(records).result == "passed", ending(records)
    assert not tried(bench).refused.objects
    target = bench.row("User", Username="erp.integration@acme.example")["Id"]
    licenses = {row["Id"]: row["DeveloperName"] for row in bench.org.rows("PermissionSetLicense")}
    held = {
        licenses[r["PermissionSetLicenseId"]] for r in bench.org.rows("PermissionSetLicenseAssign", AssigneeId=target)
    }
    assert held == {"SalesforceAPIIntegrationPsl", "FieldServiceIntegrationPsl"}
    undone = list(bench.engine(stages=("preflight", "snapshot", "trial", "plan", "provision", "grant")).rollback())
    assert ending(undone).result == "passed", ending(undone)


def test_within_the_ceiling_the_plan_is_that_without_a_trial(make_bench: MakeBench) -> None:
    asked = make_bench(profile=[permission("RunReports")])
    list(asked.engine(run_id="asked").stages())
    plain = asked.journal.find("asked", Plan)
    bench = make_bench(profile=[permission("RunReports")], scenario={"permissions": PERMISSIONS})
    records = list(bench.engine(run_id="tried").stages())
    assert ending(records).result == "passed", ending(records)
    assert results(records)["trial"] == "passed"
    found, plan = tried(bench, "tried"), bench.journal.find("tried", Plan)
    assert plain
    assert plan
    assert (found.refused.objects, found.refused.system, found.beyond) == ({}, {"ViewHelpLink"}, ())
    assert plan.carried == plain.carried


@pytest.mark.parametrize(
    "key", ["trial/user", "trial/license", "trial/permission-set", "trial/assignment", "trial/objects"]
)
def test_a_crash_in_the_middle_is_rolled_back(make_bench: MakeBench, key: str) -> None:
    bench = make_bench(profile=PROFILE, scenario={"permissions": PERMISSIONS})
    _until(bench, key)
    assert bench.row("User", Username=TRIAL_USER)["IsActive"]
    records = list(bench.engine().rollback())
    assert ending(records).result == "passed", ending(records)
    [proof] = [record.body for record in records if isinstance(record.body, RollbackProof)]
    assert proof.equal
    assert proof.residue == (f"the inactive user {TRIAL_USER}, on which the license was tried",)
    nothing_but_the_user_stays(bench)


@pytest.mark.parametrize("key", ["trial/user", "trial/permission-set", "trial/objects", "ceiling"])
def test_a_crash_in_the_middle_is_taken_up_again(make_bench: MakeBench, key: str) -> None:
    bench = make_bench(profile=PROFILE, scenario={"permissions": PERMISSIONS})
    _until(bench, key)
    records = list(bench.engine().stages())
    assert results(records)["plan"] == "refused", ending(records)
    assert tried(bench).refused.system == {*BEYOND, "ViewHelpLink"}
    assert set(tried(bench).refused.objects) == {*FIELD_SERVICE}
    nothing_but_the_user_stays(bench)


def test_the_next_trial_takes_up_the_user_of_the_last(make_bench: MakeBench) -> None:
    bench = make_bench(profile=PROFILE, scenario={"permissions": PERMISSIONS})
    list(bench.engine(run_id="first").stages())
    list(bench.engine(run_id="first").rollback())
    records = list(bench.engine(run_id="second").stages())
    assert results(records)["trial"] == "passed", ending(records)
    assert tried(bench, "first").refused == tried(bench, "second").refused
    nothing_but_the_user_stays(bench)
    records = list(bench.engine(run_id="second").rollback())
    assert ending(records).result == "passed", ending(records)


def test_somebody_elses_user_of_that_name_is_left_alone(make_bench: MakeBench) -> None:
    bench = make_bench(profile=PROFILE, scenario={"permissions": PERMISSIONS})
    admin = bench.row("User", Username="admin@acme.example")
    wanted = ("Email", "LocaleSidKey", "LanguageLocaleKey", "TimeZoneSidKey", "EmailEncodingKey", "ProfileId")
    row = {"Username": TRIAL_USER, "LastName": "Somebody", "Alias": "some", "CommunityNickname": "somebody"}
    bench.org.create("User", {**row, **{name: admin[name] for name in wanted}}, as_user=admin["Id"])
    records = list(bench.engine().stages())
    assert ending(records).result == "failed"
    assert TRIAL_USER in ending(records).message
    assert bench.row("User", Username=TRIAL_USER)["IsActive"]


def _until(bench: Bench, key: str) -> list[Record]:
    """Run until the outcome of one write is journaled, and die there."""
    seen = []
    steps = bench.engine().stages()
    for record in steps:
        seen.append(record)
        if record.key == key and record.kind in ("outcome", "ceiling"):
            return seen
    raise AssertionError(f"{key} was never written: {[record.key for record in seen]}")
