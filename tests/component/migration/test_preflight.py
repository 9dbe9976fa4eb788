"""What preflight finds before anything is written, each with a remedy."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import pytest

from harness.errors import GuardRefused
from harness.migration.records import Preflight, StageFinished

from .conftest import Bench, MakeBench, ending, results
from .project import POPULATION, SCENARIO


def preflight(bench: Bench) -> StageFinished:
    return ending(list(bench.engine(stages=("preflight",)).stages()))


def population(**changes: Any) -> Mapping[str, Any]:
    return {**deepcopy(dict(POPULATION)), **changes}


def users(**changes: Any) -> Mapping[str, Any]:
    """The population with the source user changed."""
    admin, source = deepcopy(POPULATION["users"])
    return population(users=[admin, {**source, **changes}])


def side(name: str, **changes: Any) -> Mapping[str, Any]:
    """The scenario with `from` or `to` changed."""
    return {name: {**deepcopy(SCENARIO[name]), **changes}}


def test_it_finds_license_profile_seats_and_app(make_bench: MakeBench) -> None:
    bench = make_bench()
    assert preflight(bench).result == "passed"
    found = bench.journal.find("run1", Preflight)
    assert found
    assert found.is_sandbox
    assert (found.user_license, found.seats_total) == ("Salesforce Integration", 3)
    assert found.profile == "Minimum Access - API Only Integrations"
    assert (found.target_app_kind, found.target_app_admin_approved_only) == ("ExternalClientApplication", True)


@pytest.mark.parametrize("license_name", ["Salesforce Integration", "SalesforceAPIIntegrationPsl"])
def test_no_free_seat(make_bench: MakeBench, license_name: str) -> None:
    seats = {"Salesforce": 10, "Salesforce Integration": 3, "SalesforceAPIIntegrationPsl": 3, license_name: 0}
    last = preflight(make_bench(population=population(licenses=seats)))
    assert last.result == "failed"
    assert "no seat of" in last.message
    assert last.remedy


def test_a_wrong_password_is_found_before_anything_is_written(make_bench: MakeBench) -> None:
    bench = make_bench()
    bench.secrets["OLD_PASSWORD"] = "wrong"
    last = preflight(bench)
    assert last.result == "failed"
    assert "authentication failure" in last.message
    assert last.place
    assert last.remedy


def test_an_app_that_is_not_there(make_bench: MakeBench) -> None:
    sign_in = {**SCENARIO["to"]["sign_in"], "app": "No Such App"}
    last = preflight(make_bench(scenario=side("to", sign_in=sign_in)))
    assert "the org has no app No Such App" in last.message


def test_a_source_user_that_is_not_there(make_bench: MakeBench) -> None:
    last = preflight(make_bench(scenario=side("from", username="nobody@acme.example")))
    assert "there is no user nobody@acme.example" in last.message


def test_a_frozen_source_user(make_bench: MakeBench) -> None:
    bench = make_bench()
    user = bench.row("User", Username="erp.sync@acme.example")
    bench.org.update_row("UserLogin", bench.row("UserLogin", UserId=user["Id"])["Id"], {"IsFrozen": True})
    assert "is frozen" in preflight(bench).message


def test_a_target_username_that_somebody_else_has(make_bench: MakeBench) -> None:
    last = preflight(make_bench(scenario=side("to", username="admin@acme.example")))
    assert "this scenario did not make it" in last.message


def test_an_earlier_run_that_still_stands(make_bench: MakeBench) -> None:
    bench = make_bench()
    records = list(bench.engine(stages=("preflight", "snapshot", "plan", "provision", "grant")).stages())
    assert results(records)["grant"] == "passed"
    last = ending(list(bench.engine(run_id="run2", stages=("preflight",)).stages()))
    assert "run run1 of this scenario still stands" in last.message
    assert "there is a permission set Integration_ERP_Order_Sync already" in last.message
    assert "rehearse rollback" in (last.remedy or "")


def test_an_admin_who_may_not(make_bench: MakeBench) -> None:
    bench = make_bench()
    profile = bench.row("Profile", Name="System Administrator")
    owned = bench.row("PermissionSet", ProfileId=profile["Id"])
    bench.org.update_row("PermissionSet", owned["Id"], {"PermissionsManageUsers": False})
    last = preflight(bench)
    assert "lacks ManageUsers" in last.message


def test_a_production_org_is_refused_by_the_guard(make_bench: MakeBench) -> None:
    bench = make_bench(population=population(org={"name": "Acme", "sandbox": False}))
    with pytest.raises(GuardRefused, match="is not a sandbox"):
        preflight(bench)
    [finished] = [record.body for record in bench.journal.records("run1", kind="stage.finished")]
    assert isinstance(finished, StageFinished)
    assert finished.result == "failed"


def test_an_app_that_would_cut_the_old_user_off(make_bench: MakeBench) -> None:
    sign_in = SCENARIO["to"]["sign_in"]
    apps = deepcopy(list(POPULATION["apps"]))
    apps[1]["run_as"] = "erp.sync@acme.example"
    bench = make_bench(scenario=side("from", sign_in=sign_in), population=population(apps=apps))
    assert "would cut the old user off at once" in preflight(bench).message


def test_all_problems_are_told_together(make_bench: MakeBench) -> None:
    seats = {"Salesforce": 10, "Salesforce Integration": 0, "SalesforceAPIIntegrationPsl": 0}
    bench = make_bench(population=population(licenses=seats), scenario=side("from", username="nobody@acme.example"))
    last = preflight(bench)
    assert last.message.startswith("4 problems: (1) ")
    assert (last.remedy or "").count("(") >= 4
