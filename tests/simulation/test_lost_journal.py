"""The journal is lost at every write of a run: adopted from the org alone, the run is undone, or goes on."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from .bench import World, make_world
from .conftest import MakeWorld
from .lost import Left, Ran, adopt, left_behind, lose_journal, marked
from .scenarios import NEW, REFERENCE, SET

REFERENCE_WRITES = 14
"""At least so many the reference scenario makes."""


def back(world: World, left: Left) -> list[str]:
    """Adopt and roll back; what is wrong."""
    lose_journal(world, left.kept)
    adoption, end = adopt(world)
    if end.result != "passed" or adoption.unknown:
        return [f"{left.what}: not adopted: {end.message}"]
    undone = world.process().back()
    finding = world.judge()
    if undone is None or undone.result != "passed" or finding.standing != "as before":
        return [f"{left.what}: not undone: {finding}: {undone}"]
    return []


def forward(world: World, left: Left) -> tuple[list[str], bool]:
    """Adopt and resume; what is wrong, and whether it could go on."""
    lose_journal(world, left.kept)
    adoption, end = adopt(world)
    if adoption.only_back is not None:
        return [], False
    done = world.process().forward()
    finding = world.judge()
    if end.result != "passed" or done is None or done.result != "passed" or finding.standing != "migrated":
        return [f"{left.what}: did not go on: {finding}: {done}"], True
    return [], True


def test_at_every_write_of_the_reference_scenario_it_is_undone(ran: Ran) -> None:
    world, left = ran("reference")
    assert len(left) > REFERENCE_WRITES
    every = 1 if os.environ.get("SIMULATE") == "all" else 2
    assert [text for each in left[::every] for text in back(world, each)] == []


def test_as_long_as_the_old_user_can_sign_in_it_goes_on(ran: Ran) -> None:
    world, left = ran("reference")
    went_on = 0
    wrong = []
    for each in left[1:-3:4]:
        found, could = forward(world, each)
        wrong += found
        went_on += could
    assert wrong == []
    assert went_on >= 2


def test_what_a_conversion_took_is_proven_and_given_back(ran: Ran) -> None:
    world, left = ran("in-place")
    assert [text for each in left[4::2] for text in back(world, each)] == []
    lose_journal(world, left[-1].kept)
    adoption, _ = adopt(world)
    assert adoption.only_back == "what erp.sync@acme.example might do before its conversion is not known any more"


def test_before_it_took_anything_a_conversion_goes_on(ran: Ran) -> None:
    world, left = ran("in-place")
    assert forward(world, left[3]) == ([], True)


def test_a_user_that_began_on_a_full_license(ran: Ran) -> None:
    world, left = ran("temporary-full-license")
    assert [text for each in (left[1], left[2], left[-1]) for text in back(world, each)] == []
    assert forward(world, left[2]) == ([], True)


def test_a_user_taken_up_from_an_earlier_run(world_of: MakeWorld) -> None:
    world = world_of("reference")
    world.process(run_id="run0").forward()
    world.process(run_id="run0").back()
    world.journal.load(())
    end = world.process().forward()
    assert end is not None
    assert end.result == "passed", end
    assert back(world, Left("end", world.keep())) == []


def test_when_nothing_stands_nothing_is_there_to_adopt(world_of: MakeWorld) -> None:
    world = world_of("reference")
    assert marked(world).runs == {}
    world.process().forward()
    assert list(marked(world).runs) == ["run1"]
    world.process().back()
    assert marked(world).runs == {}, "an inactive user with nothing assigned is what every undone run leaves"


def test_a_trial_that_broke_off_is_undone_and_its_user_left_inactive(tmp_path: Path) -> None:
    tried = replace(REFERENCE, scenario={**REFERENCE.scenario, "permissions": {"ceiling": "try"}})
    world = make_world(tmp_path / "tried", tried)
    left = left_behind(world)
    for each in left[2:6:3]:
        lose_journal(world, each.kept)
        adoption, end = adopt(world)
        assert end.result == "passed", end
        assert adoption.only_back == "what the license refused in its trial is not known any more"
        undone = world.process().back()
        assert undone is not None
        assert undone.result == "passed", undone
        [user] = world.org.rows("User", Username=f"trial.{NEW}")
        assert not user["IsActive"]
        assert not world.org.rows("PermissionSetLicenseAssign", AssigneeId=user["Id"])
        assert not world.org.rows("PermissionSet", Name=f"Trial_of_{SET}")
    world.close()
