"""The same user converted in place, where orgs, licenses and old sign-ins are awkward."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import pytest

from harness.errors import ScenarioError
from harness.migration.records import Intent, RollbackProof
from harness.sandbox import apps, identity
from harness.sandbox.errors import ApiError
from harness.sandbox.rules.assignments import AssignmentRules
from harness.sandbox.switches import set_switches
from harness.scenario.loader import load

from .conftest import Bench, MakeBench, ending
from .project import AGREED, POPULATION, SCENARIO, permission
from .test_bad_luck import FAULTS, at_write
from .test_strategies import ERP, IN_PLACE, WRITING, assigned, license_of, licenses, notes, through, user

FIELD_SERVICE = "FieldServiceIntegrationPsl"


def admin_of(bench: Bench) -> str:
    return str(user(bench, "admin@acme.example")["Id"])


def give_field_service(bench: Bench) -> None:
    """A permission set bound to a license of its own, and that license."""
    psl = bench.row("PermissionSetLicense", DeveloperName=FIELD_SERVICE)["Id"]
    made = {"Name": "Field_Service", "Label": "Field Service", "LicenseId": psl}
    set_id = bench.org.create("PermissionSet", made, as_user=admin_of(bench))
    row = {"AssigneeId": user(bench)["Id"]}
    bench.org.create("PermissionSetLicenseAssign", {**row, "PermissionSetLicenseId": psl}, as_user=admin_of(bench))
    bench.org.create("PermissionSetAssignment", {**row, "PermissionSetId": set_id}, as_user=admin_of(bench))


@pytest.mark.parametrize("removal", ["on", "off"])
def test_a_license_that_went_with_its_set_is_given_back(make_bench: MakeBench, removal: str) -> None:
    lost = {"lost": [f"permission-set-license {FIELD_SERVICE}"], "because": "Field service has a user of its own."}
    bench = make_bench(
        scenario={**IN_PLACE, "permissions": {"accept": [AGREED, lost]}},
        population={"licenses": {**POPULATION["licenses"], FIELD_SERVICE: 1}},
    )
    bench.org.switches = set_switches(bench.org.switches, [f"automatic-license-removal={removal}"])
    give_field_service(bench)
    before = assigned(bench)
    through(bench)
    assert licenses(bench) == {"SalesforceAPIIntegrationPsl"}
    assert ending(list(bench.engine().rollback())).result == "passed"
    assert licenses(bench) == {FIELD_SERVICE}
    assert assigned(bench) == before


@pytest.mark.parametrize("removal", ["on", "off"])
def test_a_license_that_is_wanted_further_on_is_kept_or_assigned_again(make_bench: MakeBench, removal: str) -> None:
    bench = make_bench(
        scenario={**IN_PLACE, "permissions": {"accept": [AGREED], "licenses": [FIELD_SERVICE]}},
        population={"licenses": {**POPULATION["licenses"], FIELD_SERVICE: 2}},
    )
    bench.org.switches = set_switches(bench.org.switches, [f"automatic-license-removal={removal}"])
    give_field_service(bench)
    through(bench)
    assert licenses(bench) == {"SalesforceAPIIntegrationPsl", FIELD_SERVICE}
    assert ending(list(bench.engine().rollback())).result == "passed"
    assert licenses(bench) == {FIELD_SERVICE}


def test_fifty_sets_and_more_are_taken_and_given_back(make_bench: MakeBench) -> None:
    bench = make_bench(scenario=IN_PLACE)
    for number in range(55):
        made = {"Name": f"Set_{number}", "Label": f"Set {number}"}
        set_id = bench.org.create("PermissionSet", made, as_user=admin_of(bench))
        row = {"AssigneeId": user(bench)["Id"], "PermissionSetId": set_id}
        bench.org.create("PermissionSetAssignment", row, as_user=admin_of(bench))
    before = assigned(bench)
    through(bench)
    assert len(assigned(bench)) == 1
    assert ending(list(bench.engine().rollback())).result == "passed"
    assert assigned(bench) == before
    assert len(before) == 57


@pytest.mark.parametrize("refused", [False, True], ids=["taken", "refused"])
def test_an_assignment_that_had_expired_is_given_back_or_told(
    make_bench: MakeBench, monkeypatch: pytest.MonkeyPatch, refused: bool
) -> None:
    bench = make_bench(scenario=IN_PLACE)
    rows = bench.org.rows("PermissionSetAssignment", AssigneeId=user(bench)["Id"])
    [group] = [row for row in rows if row["PermissionSetGroupId"]]
    bench.org.update_row("PermissionSetAssignment", group["Id"], {"ExpirationDate": "2020-01-01T00:00:00.000+0000"})
    before = assigned(bench)
    through(bench)
    if refused:
        monkeypatch.setattr(AssignmentRules, "before_create", _refuse_what_is_over)
    result = ending(list(bench.engine().rollback())).result
    proof = bench.journal.find("run1", RollbackProof)
    assert proof
    if refused:
        assert (result, proof.equal) == ("failed", False), "what is not as it was is not called so"
        [left] = proof.residue
        assert "1 assignments that had expired were not given back: INVALID_DATE: it is over" in left
    else:
        assert (result, proof.equal, proof.residue) == ("passed", True, ())
        assert assigned(bench) == before


def _refuse_what_is_over(_rules: AssignmentRules, values: dict[str, Any]) -> None:
    """An org that makes no assignment that is over."""
    if values.get("ExpirationDate"):
        raise ApiError(400, "INVALID_DATE", "it is over", [])


def test_a_fault_in_any_write_of_the_way_back_is_survived(
    make_bench: MakeBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = make_bench(scenario=IN_PLACE)
    before = assigned(bench)
    for number in range(1, 6):
        fault, run_id = FAULTS[number % len(FAULTS)], f"run-{number}"
        assert ending(list(bench.engine(run_id=run_id, stages=WRITING).stages())).result == "passed"
        with at_write(monkeypatch, number, fault) as seen, suppress(KeyboardInterrupt):
            list(bench.engine(run_id=run_id).rollback())
        assert len(seen) >= number
        records = list(bench.engine(run_id=run_id).rollback())
        assert ending(records).result == "passed", (fault.__name__, seen[-1], ending(records))
        assert assigned(bench) == before


def test_a_profile_that_another_admin_chose_meanwhile_is_left_alone(make_bench: MakeBench) -> None:
    bench = make_bench(scenario=IN_PLACE)
    assert ending(list(bench.engine(stages=WRITING).stages())).result == "passed"
    other = bench.row("Profile", Name="Minimum Access - Salesforce")["Id"]
    bench.org.update_row("User", user(bench)["Id"], {"ProfileId": other})
    records = list(bench.engine().rollback())
    assert ending(records).result == "failed"
    assert f"User.ProfileId (move {ERP} to profile" in ending(records).message
    assert f"now {other}" in ending(records).message
    assert "left alone" in ending(records).message


def test_without_a_seat_of_the_new_license_nothing_is_written(make_bench: MakeBench) -> None:
    seats = {**POPULATION["licenses"], "Salesforce Integration": 0}
    bench = make_bench(scenario=IN_PLACE, population={"licenses": seats})
    records = list(bench.engine().stages())
    assert "no seat of Salesforce Integration is free" in ending(records).message
    assert not [record for record in records if record.kind == "intent"]


def test_a_seat_that_somebody_took_meanwhile_is_told_at_cut_over(make_bench: MakeBench) -> None:
    bench = make_bench(scenario=IN_PLACE)
    stages = bench.file.scenario.stages
    assert ending(list(bench.engine(stages=stages[:-1]).stages())).result == "passed"
    bench.org.update_row("UserLicense", bench.row("UserLicense", Name="Salesforce")["Id"], {"TotalLicenses": 1})
    assert ending(list(bench.engine().stages())).result == "passed"
    assert [text for text in notes(bench, "warning") if "cannot be rolled back" in text]


# --- the old sign-in --------------------------------------------------------------------------------------------------


def old_client_credentials(make_bench: MakeBench) -> Bench:
    policy = [dict(each) for each in POPULATION["apps"]]
    policy[0] |= {"flows": ["client-credentials"], "run_as": ERP}
    old = {"flow": "client-credentials", "app": "ERP Legacy"}
    old |= {"consumer_key": "env:OLD_KEY", "consumer_secret": "env:OLD_SECRET"}
    scenario = {**IN_PLACE, "from": {"username": ERP, "sign_in": old}}
    return make_bench(scenario=scenario, population={"apps": policy})


def run_as(bench: Bench) -> str | None:
    app = apps.app_named(bench.org, "ERP Legacy", kind="ConnectedApplication")
    assert app
    return app.run_as


def test_the_old_app_runs_as_nobody_after_cut_over_and_as_the_user_again_after_a_rollback(
    make_bench: MakeBench,
) -> None:
    bench = old_client_credentials(make_bench)
    through(bench)
    assert run_as(bench) is None
    assert [text for text in notes(bench, "warning") if "was refused: invalid_grant" in text]
    assert ending(list(bench.engine().rollback())).result == "passed"
    assert run_as(bench) == user(bench)["Id"]


def soap(make_bench: MakeBench, *accepted: Mapping[str, Any]) -> Bench:
    old = {"flow": "soap-login", "password": "env:OLD_PASSWORD", "security_token": "env:OLD_TOKEN"}
    scenario = {
        **IN_PLACE,
        "from": {"username": ERP, "sign_in": old},
        "permissions": {"accept": [AGREED, *accepted]},
    }
    return make_bench(scenario=scenario, profile=[permission("UseAnyApiAuth")])


ANY_API_AUTH = {"lost": ["system UseAnyApiAuth"], "because": "The license has it not."}


def test_a_soap_login_that_the_conversion_ends_turns_dual_auth_red(make_bench: MakeBench) -> None:
    bench = soap(make_bench, ANY_API_AUTH)
    records = list(bench.engine().stages())
    last = ending(records)
    assert (records[-1].stage, last.result) == ("dual-auth", "failed")
    assert "works no more since the conversion" in last.message
    assert [text for text in notes(bench, "warning") if "dual-auth will fail" in text], "the plan has said so"
    assert ending(list(bench.engine().rollback())).result == "passed"


def test_a_soap_login_that_needs_no_permission_is_said_to_work_still(make_bench: MakeBench) -> None:
    bench = soap(make_bench, ANY_API_AUTH)
    bench.org.switches = set_switches(bench.org.switches, ["use-any-api-auth=off"])
    through(bench)
    assert [text for text in notes(bench, "not-tested") if "SOAP login() needs no more than the password" in text]


# --- what the scenario language refuses -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"finish": "retire"}, "finish: retire deactivates the old user, which in-place goes on using"),
        (
            {"to": {"strategy": "in-place", "sign_in": SCENARIO["from"]["sign_in"]}},
            "strategy in-place cannot move to username-password: the user has one password",
        ),
    ],
    ids=["retire", "password"],
)
def test_what_makes_no_sense_in_place_is_refused_with_its_reason(
    make_bench: MakeBench, changes: Mapping[str, Any], words: str
) -> None:
    with pytest.raises(ScenarioError, match=words):
        make_bench(scenario={**IN_PLACE, **changes})


def test_what_is_journaled_is_enough_to_give_it_back(make_bench: MakeBench) -> None:
    bench = make_bench(scenario=IN_PLACE)
    assert ending(list(bench.engine(stages=WRITING).stages())).result == "passed"
    [intent] = [record.body for record in bench.journal.records("run1", kind="intent", key="provision/unassign")]
    assert isinstance(intent, Intent)
    assert intent.before
    taken = intent.before["assignments"]
    assert {"PermissionSetId", "PermissionSetGroupId", "ExpirationDate"} < set(taken[0])
    assert len(taken) == 2
    assert license_of(bench, ERP) == "Salesforce Integration"
    assert load(bench.file.path).scenario == bench.file.scenario


@pytest.mark.parametrize(
    ("app", "sub_type", "quiet"),
    [("ERP Integration", "OauthClientCredentials", True), ("ERP Legacy", "OauthUsernamePassword", False)],
    ids=["new credential", "old credential"],
)
def test_only_sign_ins_by_the_old_credential_of_the_one_user_count(
    make_bench: MakeBench, app: str, sub_type: str, *, quiet: bool
) -> None:
    bench = make_bench(scenario=IN_PLACE)
    bench.clock.patient = False
    assert ending(list(bench.engine().stages())).result == "stopped"
    bench.org.clock.advance(13.5 * 86400)
    login = identity.Login(type=identity.OAUTH_LOGIN, application=app, sub_type=sub_type)
    identity.record_login(bench.org, user(bench)["Id"], login, status="Success")
    bench.clock.patient = True
    records = list(bench.engine().stages())
    assert (ending(records).result == "passed") is quiet, ending(records)
    assert ("something still uses the old credential" in ending(records).message) is not quiet
