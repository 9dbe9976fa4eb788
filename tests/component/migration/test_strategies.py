"""The same user converted in place, and a new one that begins on a full license: there, back, and through bad luck."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from harness.migration.records import AccessAfter, Note, Plan, Preflight, RollbackProof, Snapshot
from harness.migration.status import status
from harness.sandbox import apps, identity
from harness.sandbox.identity import Login
from harness.sandbox.switches import set_switches

from .conftest import Bench, MakeBench, ending, results
from .project import AGREED, POPULATION, SCENARIO

WRITING = ("preflight", "snapshot", "plan", "provision", "grant", "authorize")
ERP = "erp.sync@acme.example"
NEW = "erp.integration@acme.example"
SET = "Integration_ERP_Order_Sync"

IN_PLACE: Mapping[str, Any] = {
    "to": {"strategy": "in-place", "sign_in": SCENARIO["to"]["sign_in"]},
    "finish": "freeze",
}
FULL_FIRST: Mapping[str, Any] = {
    "to": {**SCENARIO["to"], "strategy": "temporary-full-license"},
    "finish": "freeze",
}


def through(bench: Bench, **options: Any) -> None:
    """Run a whole migration."""
    records = list(bench.engine(**options).stages())
    assert results(records) == dict.fromkeys(bench.file.scenario.stages, "passed"), ending(records)


def only_until(stage: str) -> dict[str, Any]:
    """The options of a rehearsed rollback that follows the plan of the first run."""
    return {"run_id": f"from-{stage}", "purpose": "rollback-rehearsal", "until": stage, "plan_from": "run1"}


def user(bench: Bench, username: str = ERP) -> dict[str, Any]:
    return bench.row("User", Username=username)


def license_of(bench: Bench, username: str) -> str:
    profile = bench.row("Profile", Id=user(bench, username)["ProfileId"])
    return str(bench.row("UserLicense", Id=profile["UserLicenseId"])["Name"])


def assigned(bench: Bench, username: str = ERP) -> dict[str, str | None]:
    """The names of the sets a user holds, that of its profile not among them, each with its expiration."""
    found = {}
    for row in bench.org.rows("PermissionSetAssignment", AssigneeId=user(bench, username)["Id"]):
        held = bench.row("PermissionSet", Id=row["PermissionSetId"])
        if not held["IsOwnedByProfile"]:
            found[str(held["Name"])] = row["ExpirationDate"]
    return found


def licenses(bench: Bench, username: str = ERP) -> set[str]:
    rows = bench.org.rows("PermissionSetLicenseAssign", AssigneeId=user(bench, username)["Id"])
    return {str(bench.row("PermissionSetLicense", Id=row["PermissionSetLicenseId"])["DeveloperName"]) for row in rows}


def notes(bench: Bench, kind: str, run_id: str = "run1") -> list[str]:
    bodies = [record.body for record in bench.journal.records(run_id, kind="note")]
    return [body.text for body in bodies if isinstance(body, Note) and body.kind == kind]


# --- in place ---------------------------------------------------------------------------------------------------------


def test_in_place_the_same_user_goes_on_with_the_new_license(make_bench: MakeBench) -> None:
    bench = make_bench(scenario=IN_PLACE)
    before = user(bench)["Id"]
    through(bench)
    plan, after = bench.journal.find("run1", Plan), bench.journal.find("run1", AccessAfter)
    snapshot = bench.journal.find("run1", Snapshot)
    assert plan
    assert after
    assert snapshot
    assert user(bench)["Id"] == before
    assert license_of(bench, ERP) == "Salesforce Integration"
    assert assigned(bench) == {SET: None}
    assert after.effective.objects == snapshot.effective.objects
    assert (after.person.role, after.person.groups, after.person.queues) == (
        "Back_Office",
        ("Integrations",),
        ("Orders",),
    )
    assert len(bench.org.rows("User")) == 2, "nobody was made"
    made = [record.key for record in bench.journal.records("run1", kind="intent")]
    assert made == [write.key for write in plan.writes]


def test_in_place_takes_access_away_only_when_the_new_set_is_ready(make_bench: MakeBench) -> None:
    bench = make_bench(scenario=IN_PLACE)
    through(bench)
    made = [record.key for record in bench.journal.records("run1", kind="intent")]
    taken, given = made.index("provision/unassign"), made.index("grant/assignment")
    assert all(made.index(key) < taken for key in made if key.startswith("grant/") and key != "grant/assignment")
    assert made[taken:given] == ["provision/unassign", "provision/profile", "provision/license"]


def test_in_place_what_the_old_user_got_is_seen_before_anything_is_written(make_bench: MakeBench) -> None:
    bench = make_bench(scenario=IN_PLACE)
    through(bench)
    records = list(bench.journal.records("run1"))
    answers = [each.seq for each in records if each.kind == "old-answer"]
    intents = [each.seq for each in records if each.kind == "intent"]
    compared = [each for each in records if each.kind == "comparison" and each.stage == "dual-auth"]
    assert len(answers) == len(SCENARIO["workload"]) == len(compared)
    assert max(answers) < min(intents)


@pytest.mark.parametrize(
    "switches",
    [
        ("profile-change=refuse",),
        ("profile-change=strip",),
        ("license-change-drops-place=on",),
        ("automatic-license-removal=off",),
        ("integration-feature-licenses=on", "bound-set-assigns-license=on"),
        ("run-as-needs-api-only=on", "psa-duplicate-text=sentence"),
    ],
    ids=" ".join,
)
def test_in_place_comes_right_under_every_behaviour_of_an_org(make_bench: MakeBench, switches: tuple[str, ...]) -> None:
    bench = make_bench(scenario=IN_PLACE)
    bench.org.switches = set_switches(bench.org.switches, switches)
    through(bench)
    after = bench.journal.find("run1", AccessAfter)
    assert after
    assert (after.person.role, after.person.groups) == ("Back_Office", ("Integrations",))
    assert ending(list(bench.engine().rollback())).result == "passed"
    assert license_of(bench, ERP) == "Salesforce"
    assert len(assigned(bench)) == 2
    assert len(bench.org.rows("GroupMember", UserOrGroupId=user(bench)["Id"])) == 2


@pytest.mark.long
def test_in_place_is_undone_from_every_stage_with_nothing_left_behind(make_bench: MakeBench) -> None:
    bench = make_bench(scenario=IN_PLACE)
    before = assigned(bench)
    through(bench)
    assert ending(list(bench.engine().rollback())).result == "passed"
    stages = bench.file.scenario.stages
    for stage in stages[stages.index("provision") :]:
        options = only_until(stage)
        assert ending(list(bench.engine(**options).stages())).result == "passed"
        records = list(bench.engine(**options).rollback())
        assert ending(records).result == "passed", (stage, ending(records))
        proof = bench.journal.find(f"from-{stage}", RollbackProof)
        assert proof
        assert (proof.equal, proof.residue, proof.old_user_signs_in) == (True, (), True)
        assert assigned(bench) == before
        assert license_of(bench, ERP) == "Salesforce"


def test_in_place_gives_back_licenses_features_and_expiration_dates(make_bench: MakeBench) -> None:
    people = [dict(each) for each in POPULATION["users"]]
    people[1] |= {"features": ["MarketingUser"]}
    bench = make_bench(scenario={**IN_PLACE, "permissions": ACCEPTING}, population={"users": people})
    admin = user(bench, "admin@acme.example")["Id"]
    rows = bench.org.rows("PermissionSetAssignment", AssigneeId=user(bench)["Id"])
    [group] = [row for row in rows if row["PermissionSetGroupId"]]
    bench.org.update(
        "PermissionSetAssignment", group["Id"], {"ExpirationDate": "2027-06-30T00:00:00.000+0000"}, as_user=admin
    )
    before = assigned(bench)
    assert [each for each in before.values() if each]
    through(bench)
    assert user(bench)["UserPermissionsMarketingUser"] is False
    assert ending(list(bench.engine().rollback())).result == "passed"
    assert assigned(bench) == before
    assert user(bench)["UserPermissionsMarketingUser"] is True


ACCEPTING = {
    "accept": [AGREED, {"lost": ["feature-license MarketingUser"], "because": "The sync makes no campaigns."}],
}


def test_without_a_free_seat_of_the_old_license_nothing_is_undone(make_bench: MakeBench) -> None:
    bench = make_bench(scenario=IN_PLACE)
    assert ending(list(bench.engine(stages=WRITING).stages())).result == "passed"
    [now] = status(bench.journal)
    assert now.must_stay_free == "one seat of Salesforce"
    seats = bench.row("UserLicense", Name="Salesforce")
    bench.org.update_row("UserLicense", seats["Id"], {"TotalLicenses": 1})
    records = list(bench.engine().rollback())
    assert ending(records).result == "failed"
    assert "no seat of Salesforce is free: 1 of 1 are used; nothing was undone" in ending(records).message
    assert not [record for record in records if record.kind == "intent"]
    assert assigned(bench) == {SET: None}
    bench.org.update_row("UserLicense", seats["Id"], {"TotalLicenses": 2})
    assert ending(list(bench.engine().rollback())).result == "passed"
    [now] = status(bench.journal)
    assert now.must_stay_free is None


def test_in_place_an_old_credential_that_nothing_can_end_is_said_to_work(make_bench: MakeBench) -> None:
    bench = make_bench(scenario=IN_PLACE)
    through(bench)
    [told] = [text for text in notes(bench, "not-tested") if "old credential" in text]
    assert "still works" in told
    assert "every user may use ERP Legacy" in told


def test_in_place_an_app_that_needs_leave_ends_the_old_credential_and_gives_it_back(make_bench: MakeBench) -> None:
    bench = in_place_with_approved_app(make_bench)
    through(bench)
    assert [text for text in notes(bench, "warning") if "was refused" in text]
    assert not [text for text in notes(bench, "not-tested") if "still works" in text]
    records = list(bench.engine().rollback())
    assert ending(records).result == "passed", ending(records)
    proof = bench.journal.find("run1", RollbackProof)
    assert proof
    assert proof.old_user_signs_in


def test_an_old_credential_that_works_in_spite_of_it_turns_cut_over_red(
    make_bench: MakeBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = in_place_with_approved_app(make_bench)
    app = apps.app_named(bench.org, "ERP Legacy", kind="ConnectedApplication")
    assert app
    stages = bench.file.scenario.stages
    assert ending(list(bench.engine(stages=stages[:-1]).stages())).result == "passed"
    profile = bench.row("PermissionSet", ProfileId=user(bench)["ProfileId"])
    bench.org.insert_row("SetupEntityAccess", {"ParentId": profile["Id"], "SetupEntityId": app.id})
    told = ending(list(bench.engine().stages()))
    assert (told.result, "is not what was verified any more" in told.message) == ("failed", True), told
    monkeypatch.setattr("harness.migration.stages.cut_over.check_still_so", lambda _: None)  # had it come just after
    records = list(bench.engine().stages())
    assert ending(records).result == "failed"
    assert "still works, though what it uses was taken away" in ending(records).message


def in_place_with_approved_app(make_bench: MakeBench) -> Bench:
    people = [dict(each) for each in POPULATION["apps"]]
    people[0] |= {"permitted_users": "admin-approved", "profiles": ["ERP Sync"]}
    return make_bench(scenario=IN_PLACE, population={"apps": people})


# --- first on a full license ------------------------------------------------------------------------------------------


def test_the_new_user_begins_with_the_least_standard_profile_of_the_full_license(make_bench: MakeBench) -> None:
    bench = make_bench(scenario=FULL_FIRST)
    through(bench)
    plan, preflight = bench.journal.find("run1", Plan), bench.journal.find("run1", Preflight)
    assert plan
    assert preflight
    assert preflight.full_profile == "Minimum Access - Salesforce"
    made = [record.key for record in bench.journal.records("run1", kind="intent")]
    assert made == [write.key for write in plan.writes]
    assert made[:3] == ["provision/user", "provision/move", "provision/license"]
    assert license_of(bench, NEW) == "Salesforce Integration"
    assert [text for text in notes(bench, "warning") if "needed the full license" in text]


def test_without_a_free_full_seat_the_new_user_cannot_begin(make_bench: MakeBench) -> None:
    seats = {**POPULATION["licenses"], "Salesforce": 2}
    bench = make_bench(scenario=FULL_FIRST, population={"licenses": seats})
    records = list(bench.engine().stages())
    assert ending(records).result == "failed"
    assert "no seat of Salesforce is free" in ending(records).message
    assert "2 of 2 are used" in ending(records).message


def test_it_stops_for_what_only_the_user_can_do_and_goes_on_when_that_was_done(make_bench: MakeBench) -> None:
    policy = [dict(each) for each in POPULATION["apps"]]
    policy[2] |= {"permitted_users": "self-authorized"}
    sign_in = {"flow": "jwt-bearer", "app": "ERP JWT", "consumer_key": "env:NEW_KEY", "private_key": "env:NEW_SECRET"}
    scenario = {**FULL_FIRST, "to": {**FULL_FIRST["to"], "sign_in": sign_in}}
    bench = make_bench(scenario=scenario, population={"apps": policy})
    records = list(bench.engine(stages=WRITING[:4]).stages())
    assert ending(records).result == "stopped"
    assert "approve ERP JWT" in ending(records).message
    assert license_of(bench, NEW) == "Salesforce"
    app = apps.app_named(bench.org, "ERP JWT", kind="ExternalClientApplication")
    assert app
    bench.org.insert_row("OauthToken", {"UserId": user(bench, NEW)["Id"], "AppName": app.name})
    records = list(bench.engine(stages=WRITING[:4]).stages())
    assert ending(records).result == "passed", ending(records)
    assert license_of(bench, NEW) == "Salesforce Integration"


def test_a_security_token_is_waited_for_until_the_user_was_in_a_browser(make_bench: MakeBench) -> None:
    policy = [dict(each) for each in POPULATION["apps"]]
    policy[0] |= {"permitted_users": "admin-approved", "profiles": ["ERP Sync"]}
    sign_in = {**SCENARIO["from"]["sign_in"], "password": "env:NEW_PASSWORD", "security_token": "env:NEW_TOKEN"}
    bench = make_bench(
        scenario={**FULL_FIRST, "to": {**FULL_FIRST["to"], "sign_in": sign_in}}, population={"apps": policy}
    )
    bench.secrets["NEW_PASSWORD"] = "Another-1-password"
    records = list(bench.engine(stages=WRITING).stages())
    assert ending(records).result == "stopped", "the token is not known yet, and nobody asked for it"
    assert "reset its security token, and put the new one where env:NEW_TOKEN names" in ending(records).message
    new = user(bench, NEW)["Id"]
    identity.record_login(bench.org, new, Login(type="Application", application="Browser"), status="Success")
    bench.secrets["NEW_TOKEN"] = identity.set_security_token(bench.org, new)
    assert ending(list(bench.engine().stages())).result == "passed"
    assert license_of(bench, NEW) == "Salesforce Integration"


def test_what_only_the_user_could_do_is_undone_from_the_middle_too(make_bench: MakeBench) -> None:
    policy = [dict(each) for each in POPULATION["apps"]]
    policy[2] |= {"permitted_users": "self-authorized"}
    sign_in = {"flow": "jwt-bearer", "app": "ERP JWT", "consumer_key": "env:NEW_KEY", "private_key": "env:NEW_SECRET"}
    scenario = {**FULL_FIRST, "to": {**FULL_FIRST["to"], "sign_in": sign_in}}
    bench = make_bench(scenario=scenario, population={"apps": policy})
    assert ending(list(bench.engine(stages=WRITING[:4]).stages())).result == "stopped"
    assert ending(list(bench.engine().rollback())).result == "passed"
    assert user(bench, NEW)["IsActive"] is False
    again = list(bench.engine(run_id="run2", stages=WRITING[:4]).stages())
    assert ending(again).result == "stopped", "the inactive user is taken up again"
    assert ending(list(bench.engine(run_id="run2").rollback())).result == "passed"


@pytest.mark.long
def test_full_first_is_undone_from_every_stage(make_bench: MakeBench) -> None:
    bench = make_bench(scenario=FULL_FIRST)
    through(bench)
    assert ending(list(bench.engine().rollback())).result == "passed"
    stages = bench.file.scenario.stages
    for stage in stages[stages.index("provision") :]:
        options = only_until(stage)
        assert ending(list(bench.engine(**options).stages())).result == "passed"
        records = list(bench.engine(**options).rollback())
        assert ending(records).result == "passed", (stage, ending(records))


@pytest.mark.parametrize("strategy", [IN_PLACE, FULL_FIRST], ids=["in-place", "temporary-full-license"])
def test_a_trial_of_the_license_goes_before_and_comes_back(make_bench: MakeBench, strategy: Mapping[str, Any]) -> None:
    permissions = {"accept": [AGREED], "ceiling": "try"}
    bench = make_bench(scenario={**strategy, "permissions": permissions})
    through(bench)
    records = list(bench.engine().rollback())
    assert ending(records).result == "passed", ending(records)
    proof = bench.journal.find("run1", RollbackProof)
    assert proof
    assert proof.equal
