"""With the journal lost: what the org does not tell is asked and never filled in; what is not ours is left alone."""

from __future__ import annotations

import shutil
from collections.abc import Mapping

import pytest

from harness.migration.records import Intent
from harness.org.guard import is_write

from .bench import RUN, World
from .lost import Ran, adopt, intents, lose_journal, marked
from .points import Killed, Point, die_at
from .scenarios import ADMIN, CREDENTIALS, NEW, OLD, SECOND_ADMIN, SET
from .second_admin import ACTIONS, act

HELD = {
    "profile": "ERP Sync",
    "role": "Back_Office",
    "groups": "Integrations",
    "queues": "none",
    "licenses": "none",
    "features": "none",
    "packages": "none",
    "assignments": "ERP_Orders",
}
"""What the user of the in-place case held before."""


def migrated(ran: Ran, case: str) -> World:
    """A world after a whole migration, whose journal is thrown away."""
    world, _ = ran(case)
    lose_journal(world)
    return world


def change(world: World, sobject: str, where: Mapping[str, object], **values: object) -> None:
    """Change a row of the org behind everybody's back."""
    table = world.org.schema.get(sobject)
    assert table is not None
    with world.org.transaction():
        [row] = world.org.rows(sobject, **where)
        world.org.store.update(table, row["Id"], values)
    world.revision += f" {sobject} {values}"


def forget_audit(world: World) -> None:
    """The audit trail tells nothing, as after 180 days."""
    with world.org.transaction():
        world.org.store.execute('DELETE FROM "SetupAuditTrail"')
    world.revision += " no audit"


def writes_of(world: World) -> list[Point]:
    """The mutating calls that an adoption sends."""
    sent: list[Point] = []
    adopt(world, hook=lambda point: sent.append(point) if point.writes and point.moment == "before" else None)
    return sent


# --- what nothing tells -----------------------------------------------------------------------------------------------


def test_what_was_taken_is_asked_for_all_at_once_and_never_filled_in(ran: Ran) -> None:
    world = migrated(ran, "in-place")
    forget_audit(world)
    adoption, end = adopt(world)
    assert end.result == "failed"
    assert {each.key for each in adoption.unknown} == set(HELD)
    assert all(each.how for each in adoption.unknown)
    assert intents(world) == {}, "nothing is journaled of which the value before is not known"


@pytest.mark.parametrize("key", ["assignments", "role", "groups"])
def test_one_wrong_value_among_those_told_is_noticed(ran: Ran, key: str) -> None:
    world = migrated(ran, "in-place")
    forget_audit(world)
    adoption, end = adopt(world, {**HELD, key: "none"})
    assert end.result == "failed"
    assert "is not what the digest in the run's mark was made of" in end.message
    assert not adoption.proven
    assert intents(world) == {}


def test_with_the_right_values_told_it_is_undone(ran: Ran) -> None:
    world = migrated(ran, "in-place")
    forget_audit(world)
    _, end = adopt(world, HELD)
    assert end.result == "passed", end
    undone = world.process().back()
    assert undone is not None
    assert undone.result == "passed", undone
    assert world.judge().standing == "as before"


def test_whom_the_app_ran_as_is_asked_where_no_mark_tells(ran: Ran) -> None:
    world = migrated(ran, "temporary-full-license")
    change(world, "PermissionSet", {"Name": SET}, Description=f"rehearse erp run {RUN}")
    adoption, end = adopt(world)
    assert (end.result, [each.key for each in adoption.unknown]) == ("failed", ["runs-as"])
    assert intents(world) == {}
    lose_journal(world)
    _, end = adopt(world, {"runs-as": "nobody"})
    assert end.result == "passed", end
    assert intents(world)["authorize/run-as"].before == {"run_as": None}


def test_the_old_credential_file_is_asked_for_where_the_runs_folder_is_lost(ran: Ran) -> None:
    world = migrated(ran, "temporary-full-license")
    before = world.folder / "before.env"
    before.write_bytes(world.files()[f"{RUN}/credential.before"])
    shutil.rmtree(world.folder / RUN)
    adoption, end = adopt(world)
    assert (end.result, [each.key for each in adoption.unknown]) == ("failed", ["credential"])
    lose_journal(world)
    _, end = adopt(world, {"credential": str(before)})
    assert end.result == "passed", end
    undone = world.process().back()
    assert undone is not None
    assert undone.result == "passed", undone
    assert (world.folder / CREDENTIALS).read_text() == before.read_text()
    assert world.judge().standing == "as before"


# --- what is not ours -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "description", ["made by hand", f"rehearse another run {RUN}", f"rehearse erp-two run {RUN}", ""]
)
def test_a_set_of_our_name_with_another_mark_is_left_alone(ran: Ran, description: str) -> None:
    world, left = ran("reference")
    lose_journal(world, left[4].kept)
    change(world, "PermissionSet", {"Name": SET}, Description=description)
    adoption, end = adopt(world)
    assert end.result == "passed", end
    assert [each.whose for each in adoption.things if each.what == f"permission set {SET}"] == ["not ours"]
    assert "grant/permission-set" not in intents(world)
    assert adoption.only_back == f"the permission set {SET} is not its own"
    world.process().back()
    assert world.org.rows("PermissionSet", Name=SET), "it stands"


def test_a_set_with_our_mark_that_somebody_else_made_is_left_alone(ran: Ran) -> None:
    world, left = ran("reference")
    lose_journal(world, left[4].kept)
    [second] = world.org.rows("User", Username=SECOND_ADMIN)
    change(world, "PermissionSet", {"Name": SET}, CreatedById=second["Id"])
    adoption, _ = adopt(world)
    [why] = [each.why for each in adoption.things if each.what == f"permission set {SET}"]
    assert SECOND_ADMIN in why
    assert "grant/permission-set" not in intents(world)


def test_a_user_of_our_name_without_a_mark_is_nobodys_run(ran: Ran) -> None:
    world = migrated(ran, "reference")
    change(world, "User", {"Username": NEW}, CommunityNickname="a person")
    change(world, "PermissionSet", {"Name": SET}, Description="a set")
    found = marked(world)
    assert found.runs == {}
    assert len(found.foreign) == 2


def test_the_marks_of_two_runs_are_told_apart(ran: Ran) -> None:
    world = migrated(ran, "reference")
    [row] = world.org.rows("PermissionSet", Name=SET)
    other = row["Description"].replace(f"run {RUN}", "run run2")
    change(world, "PermissionSet", {"Name": SET}, Description=other)
    assert sorted(marked(world).runs) == ["run1", "run2"]
    adoption, _ = adopt(world)
    whose = {each.what: each.whose for each in adoption.things}
    assert whose[f"permission set {SET}"] == "not ours"
    assert whose[f"user {NEW}"] == "ours"
    assert "grant/permission-set" not in intents(world)


CHANGED = ("freeze-target", "add-a-field-to-our-set", "edit-a-row-of-our-set", "assign-our-set-to-another",
           "let-the-app-run-as-another", "assign-a-set-to-source", "rename-our-set", "freeze-source-anew",
           "change-role-of-target", "remove-a-row-of-our-set")  # fmt: skip


@pytest.mark.parametrize("name", CHANGED)
def test_what_another_admin_changed_meanwhile_stands(ran: Ran, name: str) -> None:
    world, _ = ran("reference")
    edit = act(world, next(each for each in ACTIONS if each.name == name))
    assert edit is not None
    lose_journal(world)
    _, end = adopt(world)
    if end.result == "passed":
        end = world.process().back() or end
    assert list(edit.overwritten(world.org)) == []
    finding = world.judge(edit.is_own)
    strange = [line for line in finding.left if not edit.is_about(line)]
    assert strange == [] or end.result == "failed", (finding, end)
    assert end.result == "failed" or finding.standing == "as before", "what is left is told"


# --- how it is done ---------------------------------------------------------------------------------------------------


def test_nothing_but_the_lock_is_written(ran: Ran) -> None:
    world = migrated(ran, "reference")
    sent = writes_of(world)
    assert [each.what.split("/")[-1].partition("?")[0][:3] for each in sent] == ["Per", "0PS"]
    assert is_write("POST", "http://org/services/data/v67.0/sobjects/PermissionSet", {}, b"{}")


def test_a_dry_run_writes_nothing_and_waits_for_nothing(ran: Ran) -> None:
    world = migrated(ran, "reference")
    before, sent = world.clock.now(), list[Point]()
    _, end = adopt(world, dry=True, hook=lambda point: sent.append(point) if point.writes else None)
    assert end.result == "passed", end
    assert sent == []
    assert (world.clock.now() - before).total_seconds() < 60


def test_what_may_still_land_is_waited_out(ran: Ran) -> None:
    world, left = ran("reference")
    lose_journal(world, left[5].kept)
    before = world.clock.now()
    adopt(world)
    assert (world.clock.now() - before).total_seconds() >= 600


def test_an_adoption_that_dies_is_done_again(ran: Ran) -> None:
    world = migrated(ran, "reference")
    kept, points = world.keep(), list[int]()
    adopt(world, hook=lambda point: points.append(point.number))
    for number in points[:: len(points) // 5]:
        lose_journal(world, kept)
        with pytest.raises(Killed):
            adopt(world, hook=die_at(number))
        lose_journal(world)
        assert adopt(world)[1].result == "passed"
        assert not world.org.rows("PermissionSet", Label="Rehearsal Lock")
    undone = world.process().back()
    assert undone is not None
    assert undone.result == "passed", undone
    assert world.judge().standing == "as before"


def test_every_intent_that_is_journaled_names_a_value_before(ran: Ran) -> None:
    world = migrated(ran, "reference")
    adopt(world)
    updates = {key: each for key, each in intents(world).items() if each.operation == "update"}
    assert {"authorize/run-as", "cut-over/freeze", "retire/deactivate", "grant/role"} <= set(updates)
    assert all(isinstance(each, Intent) and each.before is not None for each in updates.values())
    assert {ADMIN, OLD}
