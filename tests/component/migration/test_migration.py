"""The whole migration against the simulated org, and its way back."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

import pytest

from harness.errors import UsageError
from harness.migration.records import AccessAfter, Intent, Observation, Plan, RollbackProof, Snapshot
from harness.migration.status import status
from harness.scenario.model import STAGES

from .conftest import Bench, MakeBench, ending, results
from .project import AGREED, SCENARIO, permission, rights

DOTENV = {"store": "dotenv", "path": "erp.env", "keys": {"SF_USERNAME": "username", "SF_PASSWORD": "password"}}


def through(bench: Bench, **options: object) -> list[str]:
    """Run a whole migration; the summaries of its writes."""
    records = list(bench.engine(**options).stages())
    assert results(records) == dict.fromkeys(bench.file.scenario.stages, "passed"), ending(records)
    return [record.body.summary for record in records if isinstance(record.body, Intent)]


def test_a_migration_runs_through_every_stage(make_bench: MakeBench) -> None:
    bench = make_bench()
    through(bench)
    snapshot, plan = bench.journal.find("run1", Snapshot), bench.journal.find("run1", Plan)
    after = bench.journal.find("run1", AccessAfter)
    assert snapshot
    assert plan
    assert after
    assert [source.kind for source in snapshot.sources] == ["profile", "permission-set", "permission-set-group"]
    assert snapshot.effective.objects["Contact"] == {"read", "create"}, "edit is muted, and delete needs it"
    assert [loss.name for loss in plan.losses] == ["ViewHelpLink"]
    assert snapshot.masters == {"Shipment__c": ("Account",)}
    assert after.effective.objects == snapshot.effective.objects
    assert after.effective.fields == snapshot.effective.fields
    assert after.person.role == "Back_Office"
    assert (after.person.groups, after.person.queues) == (("Integrations",), ("Orders",))
    assert bench.row("User", Username="erp.sync@acme.example")["IsActive"] is False
    [now] = status(bench.journal)
    assert now.complete
    assert now.stage == "retire"


def test_the_plan_names_exactly_the_writes_that_are_made(make_bench: MakeBench) -> None:
    bench = make_bench()
    through(bench)
    plan = bench.journal.find("run1", Plan)
    assert plan
    made = [record.key for record in bench.journal.records("run1", kind="intent")]
    assert made == [write.key for write in plan.writes]


def test_a_rollback_undoes_everything_but_the_one_inactive_user(make_bench: MakeBench) -> None:
    bench = make_bench()
    through(bench)
    records = list(bench.engine().rollback())
    assert ending(records).result == "passed", ending(records)
    proof = bench.journal.find("run1", RollbackProof)
    assert proof
    assert proof.equal
    assert proof.residue == ("the inactive user erp.integration@acme.example, with nothing assigned",)
    residue = bench.row("User", Username="erp.integration@acme.example")
    assert residue["IsActive"] is False
    assigned = bench.row("PermissionSetAssignment", AssigneeId=residue["Id"])
    assert bench.row("PermissionSet", Id=assigned["PermissionSetId"])["IsOwnedByProfile"] is True
    assert not bench.org.rows("PermissionSet", Name="Integration_ERP_Order_Sync")
    old = bench.row("User", Username="erp.sync@acme.example")
    assert old["IsActive"] is True
    assert len(bench.org.rows("GroupMember", UserOrGroupId=old["Id"])) == 2
    [now] = status(bench.journal)
    assert now.undone
    assert now.complete


def test_rollback_is_proven_from_every_stage_and_the_residue_is_taken_up_again(make_bench: MakeBench) -> None:
    bench = make_bench()
    through(bench)
    assert ending(list(bench.engine().rollback())).result == "passed"
    for stage in STAGES[STAGES.index("provision") :]:
        options = {"run_id": f"from-{stage}", "purpose": "rollback-rehearsal", "until": stage, "plan_from": "run1"}
        records = list(bench.engine(**options).stages())
        assert ending(records).result == "passed", ending(records)
        assert "plan" not in results(records)
        records = list(bench.engine(**options).rollback())
        assert ending(records).result == "passed", (stage, ending(records))
        proof = bench.journal.find(f"from-{stage}", RollbackProof)
        assert proof
        assert proof.from_stage == stage


def test_a_permission_beyond_the_license_is_refused_at_the_plan_and_nothing_is_written(make_bench: MakeBench) -> None:
    bench = make_bench(profile=[permission("AuthorApex"), permission("ViewSetup"), permission("ModifyAllData")])
    before = [dict(row) for row in bench.org.rows("User")]
    records = list(bench.engine().stages())
    last = ending(records)
    assert results(records) == {"preflight": "passed", "snapshot": "passed", "plan": "refused"}
    assert "AuthorApex" in last.message
    assert last.remedy
    plan = bench.journal.find("run1", Plan)
    assert plan
    assert not plan.executable
    assert [loss.cause for loss in plan.losses if loss.name == "AuthorApex"] == ["license-ceiling"]
    assert [row["Username"] for row in bench.org.rows("User")] == [row["Username"] for row in before]
    [now] = status(bench.journal)
    assert now.result == "refused"


def test_a_declared_drop_makes_the_same_plan_executable(make_bench: MakeBench) -> None:
    drop = {"permission": "AuthorApex", "because": "The sync deploys no code."}
    permissions = {"drop": [drop], "accept": [AGREED]}
    bench = make_bench(profile=[permission("AuthorApex")], scenario={"permissions": permissions})
    through(bench)
    plan = bench.journal.find("run1", Plan)
    assert plan
    [loss] = [loss for loss in plan.losses if loss.name == "AuthorApex"]
    assert (loss.cause, loss.because, loss.accepted) == ("declared-drop", "The sync deploys no code.", True)
    assert loss.place


def test_objects_beyond_the_license_are_all_named_when_they_are_granted(make_bench: MakeBench) -> None:
    bench = make_bench(profile=[rights("ServiceAppointment", "Read"), rights("ServiceResource", "Read", "Edit")])
    records = list(bench.engine().stages())
    last = ending(records)
    assert results(records)["grant"] == "failed"
    assert "ServiceAppointment" in last.message
    assert "ServiceResource" in last.message
    assert "license" in last.message
    assert last.remedy
    assert "permissions.drop" in last.remedy
    records = list(bench.engine().rollback())
    assert ending(records).result == "passed", ending(records)


def test_a_live_run_waits_and_is_taken_up_later(make_bench: MakeBench) -> None:
    bench = make_bench()
    bench.clock.patient = False
    records = list(bench.engine().stages())
    last = ending(records)
    assert last.result == "stopped"
    assert last.until
    [now] = status(bench.journal)
    assert now.until == last.until
    assert not now.complete
    again = list(bench.engine().stages())
    assert ending(again).result == "stopped", "it is still too early"
    assert not [record for record in again if record.kind == "comparison"], "the workload is not run twice"
    bench.clock.patient = True
    records = list(bench.engine().stages())
    assert results(records) == dict.fromkeys(("dual-auth", "cut-over", "retire"), "passed")


def test_a_client_that_still_uses_the_old_credential_stops_the_cut_over(make_bench: MakeBench) -> None:
    bench = make_bench()
    bench.clock.patient = False
    list(bench.engine().stages())
    bench.clock.patient = True
    bench.org.clock.advance(13 * 24 * 3600 + 12 * 3600)
    bench.engine()._world.sign_in("source", "username-password")
    records = list(bench.engine().stages())
    last = ending(records)
    assert last.result == "failed"
    assert "signed in 1 times that this run did not make" in last.message
    bench.org.clock.advance(3 * 24 * 3600)
    records = list(bench.engine().stages())
    assert results(records) == dict.fromkeys(("dual-auth", "cut-over", "retire"), "passed")
    seen = bench.journal.find("run1", Observation)
    assert seen
    assert seen.old_user_foreign_sign_ins == 1


def test_a_plan_that_has_waited_is_held_against_the_org_again(make_bench: MakeBench) -> None:
    bench = make_bench()
    assert ending(list(bench.engine(stages=("preflight", "snapshot", "plan")).stages())).result == "passed"
    bench.org.clock.advance(7200)
    user = bench.row("User", Username="erp.sync@acme.example")
    member = bench.org.rows("GroupMember", UserOrGroupId=user["Id"])[0]
    bench.org.delete_row("GroupMember", member["Id"])
    last = ending(list(bench.engine().stages()))
    assert last.result == "failed"
    assert "the org is not as it was when the plan was made" in last.message
    assert "groups: was Integrations, is none" in last.message
    assert not bench.org.rows("User", Username="erp.integration@acme.example")


def test_a_new_user_that_signs_in_with_a_password_is_given_one(make_bench: MakeBench) -> None:
    old = deepcopy(dict(SCENARIO["from"]["sign_in"]))
    old.pop("security_token")
    to = {"username": "erp.integration@acme.example", "sign_in": {**old, "password": "env:NEW_PASSWORD"}}
    expect = {"denials": [{"sign_in": "ui"}]}
    bench = make_bench(scenario={"to": to, "credentials": DOTENV, "expect": expect})
    bench.secrets["NEW_PASSWORD"] = f"{bench.secrets['OLD_PASSWORD']}x1"
    records = list(bench.engine(stages=("preflight", "snapshot", "plan", "provision")).stages())
    assert ending(records).result == "passed", ending(records)
    keys = [record.key for record in records if record.kind == "intent"]
    assert keys == ["provision/user", "provision/password", "provision/license"]
    text = " ".join(record.body.model_dump_json() for record in bench.journal.records())
    assert bench.secrets["NEW_PASSWORD"] not in text


def test_a_run_that_was_rolled_back_is_not_taken_up(make_bench: MakeBench) -> None:
    bench = make_bench()
    list(bench.engine(stages=("preflight", "snapshot")).stages())
    records = list(bench.engine().rollback())
    assert ending(records).result == "passed"
    assert ending(records).writes == 0
    with pytest.raises(UsageError, match="was rolled back"):
        list(bench.engine().stages())


def test_a_run_whose_scenario_was_changed_is_not_taken_up(make_bench: MakeBench) -> None:
    bench = make_bench()
    list(bench.engine(stages=("preflight",)).stages())
    bench.file = replace(bench.file, digest="0" * 64)
    with pytest.raises(UsageError, match="was changed since run run1 began"):
        list(bench.engine().stages())
