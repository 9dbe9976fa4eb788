"""Another admin works in the same org: what this run relies on is read again, what is theirs is left alone and told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from harness.migration.records import AuditTrail, Note, RollbackProof
from harness.sandbox.control.second_admin import Errand, Write
from harness.sandbox.control.second_admin import run as do_errand
from tests.simulation.bench import RUN, World, make_world
from tests.simulation.points import Point
from tests.simulation.scenarios import NEW, OLD, REFERENCE, SECOND_ADMIN, SET
from tests.simulation.second_admin import ACTIONS, act

STAGES = ("preflight", "snapshot", "plan", "provision", "grant", "authorize")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = make_world(tmp_path / "world", REFERENCE)
    yield made
    made.close()


def run_to(world: World, stage: str) -> None:
    stages = world.file.scenario.stages
    end = world.process(stages=stages[: stages.index(stage) + 1]).forward()
    assert end is not None
    assert end.result == "passed", end


def second(world: World, *writes: Write) -> None:
    world.org.clock.advance(1)
    assert do_errand(world.org, Errand(writes=writes, username=SECOND_ADMIN))


def row(world: World, sobject: str, **values: Any) -> dict[str, Any]:
    [found] = world.org.rows(sobject, **values)
    return found


def intents(world: World, stage: str) -> list[str]:
    return [each.key for each in world.journal.records(RUN, kind="intent") if each.stage == stage]


@pytest.mark.parametrize(
    ("after", "action", "stopped", "told"),
    [
        ("plan", "freeze-source", "provision", f"{OLD}: frozen: was off, ours off, now on"),
        ("plan", "deactivate-source", "provision", f"{OLD}: active: was on, ours on, now off"),
        ("plan", "rename-source", "provision", "now renamed.sync@acme.example"),
        ("plan", "change-profile-of-source", "provision", f"the profile of {OLD}: was ERP Sync"),
        ("plan", "assign-a-set-to-source", "provision", "now ERP Orders, Night_Shift"),
        ("plan", "unassign-a-set-of-source", "provision", "was ERP Orders, ours the same, now nothing"),
        ("plan", "take-the-last-seats", "provision", "no seat of Salesforce Integration is free"),
        ("provision", "deactivate-target", "grant", f"User.IsActive of {NEW}: was on, ours on, now off"),
        ("provision", "change-profile-of-target", "grant", f"User.ProfileId of {NEW}"),
        ("provision", "change-nickname-of-target", "grant", "now Sol's robot"),
        ("provision", "freeze-target", "grant", f"{NEW}: frozen: was off, ours off, now on"),
        ("grant", "change-role-of-target", "authorize", f"User.UserRoleId of {NEW}"),
        ("grant", "rename-our-set", "authorize", f"PermissionSet.Name of {SET}"),
        ("grant", "describe-our-set", "authorize", f"PermissionSet.Description of {SET}"),
        ("grant", "add-a-row-to-our-set", "authorize", "the rights on Contact"),
        ("grant", "add-a-field-to-our-set", "authorize", "was given Account.Fax (Read) by somebody else"),
        ("grant", "remove-a-row-of-our-set", "authorize", "now 1 fewer"),
        ("grant", "edit-a-row-of-our-set", "authorize", "the rights on Account"),
        ("grant", "unassign-our-set", "authorize", "now not assigned"),
        ("grant", "delete-our-set", "authorize", "now gone"),
        ("grant", "let-the-app-run-as-another", "authorize", f"runs as: was nobody, ours {NEW}, now {SECOND_ADMIN}"),
        ("cut-over", "unfreeze-source", "retire", f"{OLD}: frozen: was off, ours on, now off"),
    ],
)
def test_what_somebody_else_changed_stops_the_stage_before_it_writes(
    world: World, after: str, action: str, stopped: str, told: str
) -> None:
    run_to(world, after)
    assert act(world, next(each for each in ACTIONS if each.name == action)) is not None
    end = world.process().forward()
    assert end is not None
    assert end.result == "failed"
    assert told in end.message
    assert end.remedy
    assert [key for key in intents(world, stopped) if key != "authorize/app"] == []


def test_a_harmless_edit_stops_nothing(world: World) -> None:
    run_to(world, "plan")
    second(world, Write(operation="update", object="User", where={"Username": OLD}, fields={"Phone": "1"}))
    end = world.process().forward()
    assert end is not None
    assert end.result == "passed"


def test_what_is_read_again_takes_two_calls_a_stage(world: World) -> None:
    run_to(world, "provision")
    asked: list[str] = []

    def hook(point: Point) -> None:
        if point.medium == "call" and point.moment == "before":
            asked.append(point.what)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("harness.migration.engine.check_preconditions", lambda _context: None)
        kept = world.keep()
        world.process(hook, stages=STAGES[:5]).forward()
        without = len(asked)
    asked.clear()
    world.put_back(kept)
    world.process(hook, stages=STAGES[:5]).forward()
    assert len(asked) - without == 2


def test_a_frozen_user_whom_somebody_froze_anew_stays_frozen(world: World) -> None:
    run_to(world, "cut-over")
    login = row(world, "UserLogin", UserId=row(world, "User", Username=OLD)["Id"])["Id"]
    for frozen in (False, True):
        second(world, Write(operation="update", object="UserLogin", where={"Id": login}, fields={"IsFrozen": frozen}))
    end = world.process().back()
    assert end is not None
    assert end.result == "failed"
    assert f"UserLogin.IsFrozen (freeze {OLD}): was off, ours on, now on, last written by {SECOND_ADMIN}" in end.message
    assert row(world, "UserLogin", Id=login)["IsFrozen"]
    assert not row(world, "User", Username=NEW)["IsActive"], "everything else is undone"
    assert not world.org.rows("PermissionSet", Name=SET)


def test_what_our_own_user_wrote_long_after_us_is_not_ours(world: World) -> None:
    run_to(world, "cut-over")
    admin = row(world, "User", Username="admin@acme.example")["Id"]
    login = row(world, "UserLogin", UserId=row(world, "User", Username=OLD)["Id"])["Id"]
    world.org.clock.advance(timedelta(hours=1).total_seconds())
    for frozen in (False, True):
        world.org.update("UserLogin", login, {"IsFrozen": frozen}, as_user=admin)
    end = world.process().back()
    assert end is not None
    assert "left alone" in end.message
    assert row(world, "UserLogin", Id=login)["IsFrozen"]


def test_an_edit_between_the_look_and_the_undoing_is_noticed_by_the_org(world: World) -> None:
    """The row is looked at, changed by somebody else, and then the undoing is refused: PRECONDITION_FAILED."""
    run_to(world, "cut-over")
    login = row(world, "UserLogin", UserId=row(world, "User", Username=OLD)["Id"])["Id"]
    world.org.clock.advance(2)
    done: list[str] = []

    def hook(point: Point) -> None:
        if not done and point.medium == "journal" and point.what == "intent rollback/cut-over/freeze":
            done.append(point.what)
            for frozen in (False, True):
                fields = {"IsFrozen": frozen}
                second(world, Write(operation="update", object="UserLogin", where={"Id": login}, fields=fields))

    end = world.process(hook).back()
    assert done
    assert end is not None
    assert end.result == "failed"
    outcomes = world.journal.records(RUN, kind="outcome", key="rollback/cut-over/freeze")
    assert any("PRECONDITION_FAILED" in str(getattr(each.body, "error", "")) for each in outcomes)
    assert row(world, "UserLogin", Id=login)["IsFrozen"]


def test_a_right_that_was_given_and_taken_again_is_told_by_the_audit_trail(world: World) -> None:
    run_to(world, "authorize")
    parent = row(world, "PermissionSet", Name="ERP_Orders")["Id"]
    place = {"ParentId": parent, "SobjectType": "Contact"}
    second(
        world,
        Write(operation="create", object="ObjectPermissions", fields={**place, "PermissionsRead": True}),
        Write(operation="delete", object="ObjectPermissions", where=place),
        Write(operation="create", object="PermissionSet", fields={"Name": "Elsewhere", "Label": "Elsewhere"}),
    )
    end = world.process().back()
    assert end is not None
    assert end.result == "passed", "nothing is left of it"
    found = world.journal.find(RUN, AuditTrail)
    assert found is not None
    told = [each.display for each in found.foreign]
    assert told == [
        "Changed permission set ERP Orders: Contact object permissions were changed from No Access to Read",
        "Changed permission set ERP Orders: Contact object permissions were changed from Read to No Access",
    ]
    assert {each.by for each in found.foreign} == {SECOND_ADMIN}
    notes = [each.body.text for each in world.journal.records(RUN, kind="note") if isinstance(each.body, Note)]
    assert sum("Somebody else changed something in scope" in text for text in notes) == 2
    proof = world.journal.find(RUN, RollbackProof)
    assert proof is not None
    assert proof.drift == ()


def test_a_trail_that_may_not_be_read_is_told(world: World) -> None:
    """The entries of a calm run are all its own; where they cannot be read, that is no empty trail."""
    run_to(world, "cut-over")
    calm = world.journal.find(RUN, AuditTrail)
    assert calm is not None
    assert calm.entries > 0
    assert calm.own == calm.entries
    assert calm.foreign == ()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("harness.migration.others.audit._COLUMNS", ("Id", "NoSuchColumn"))
        world.process().back()
    unread = world.journal.find(RUN, AuditTrail)
    assert unread is not None
    assert unread.entries == 0
    assert "was not read" in unread.unread[0]
