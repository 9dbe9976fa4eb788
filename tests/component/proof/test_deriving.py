"""What users of the demo org may do, found out three ways that must agree, and without a trace in the org."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from harness.checks.proof.deriving import derive
from harness.checks.proof.witnesses import BESIDE
from harness.checks.results import Cell
from harness.errors import GuardRefused
from harness.sandbox.control.state import difference, state_of
from harness.sandbox.source import open_org

from .desk import Desk

USERS = (
    "admin@acme.example",
    "sam.seller@acme.example",
    "project.sync@acme.example",
    "reporting.feed@acme.example",
)
DELETING = ("admin@acme.example", "sam.seller@acme.example")
"""Who may delete rows that are there."""
GSA = Path(__file__).parents[4] / "shared" / "orgs" / "gsa-workspace"
GREX = Path(__file__).parents[1] / "grex" / "sandbox.yaml"


def cells(found: object) -> dict[tuple[str, str], Cell]:
    return {(cell.name, cell.access): cell for each in found.probes for cell in each.cells}  # type: ignore[attr-defined]


@pytest.mark.parametrize("username", USERS)
def test_three_witnesses_agree_on_every_object_of_the_org(demo: Desk, username: str) -> None:
    names = [each["name"] for each in demo.admin.describe_global()]
    found = demo.derive(username, names, exhaustive=True)
    assert found.disagreements == ()
    assert found.unread == ()
    assert found.objects > 100
    assert found.fields > 3000
    assert found.cells == found.agreed > 10_000


@pytest.mark.parametrize("username", USERS)
def test_probing_leaves_no_trace(demo: Desk, username: str) -> None:
    demo.connect("target", username)
    before = state_of(demo.org)
    found = demo.derive(username, exhaustive=True)
    assert difference(before, state_of(demo.org)) == []
    grades = Counter(cell.grade for cell in cells(found).values())
    assert grades["error"] > 100
    assert grades["rolled-back"] or username not in DELETING


def test_probing_needs_a_capability_to_write(demo: Desk) -> None:
    username = "project.sync@acme.example"
    held = demo.holdings(username).effective
    person = demo.connect("target", username)
    with pytest.raises(GuardRefused, match="writes"):
        derive(admin=demo.admin, person=person, held=held, objects=["Account"], exhaustive=True)
    quiet = derive(admin=demo.admin, person=person, held=held, objects=["Account"])
    assert quiet.disagreements == ()
    assert {cell.grade for cell in cells(quiet).values()} == {"tables"}


def test_probes_take_few_calls(demo: Desk) -> None:
    username = "sam.seller@acme.example"
    names = [each["name"] for each in demo.admin.describe_global()]
    demo.connect("target", username)
    before = demo.calls
    demo.derive(username, names)
    listed = demo.calls - before
    demo.derive(username, names, exhaustive=True)
    exhaustive = demo.calls - before - listed
    assert exhaustive - listed < len(names) / 5, "the probes themselves"
    assert exhaustive < len(names) / 3, "with the access tables, both describes, and reading the sets back"


def test_what_is_held_beside_objects_is_told_by_the_user_itself(demo: Desk) -> None:
    found = demo.derive("sam.seller@acme.example")
    [beside] = [each for each in found.probes if each.object == BESIDE]
    known = {cell.name: (cell.computed, cell.platform) for cell in beside.cells}
    assert known["ApiEnabled"] == (True, True)
    assert "ModifyAllData" not in known


@pytest.mark.parametrize("right", ["Create", "Edit", "Delete"])
def test_a_right_that_is_given_turns_the_cells_of_all_witnesses(desk: Desk, right: str) -> None:
    username, key = "project.sync@acme.example", ("Lead", right.lower())
    before = cells(desk.derive(username, ["Lead"], exhaustive=True))[key]
    assert (before.computed, before.platform, before.probed) == (False, False, False)
    rights = {"PermissionsRead": True, "PermissionsEdit": right != "Create", f"Permissions{right}": True}
    desk.org.insert_row("ObjectPermissions", {"ParentId": desk.set_of(username), "SobjectType": "Lead", **rights})
    after = desk.derive(username, ["Lead"], exhaustive=True)
    cell = cells(after)[key]
    assert (cell.computed, cell.platform, cell.probed) == (True, True, True)
    assert after.disagreements == ()


@pytest.mark.parametrize(("edit", "expected"), [(False, [True, False, False]), (True, [True, True, True])])
def test_a_field_that_is_given_turns_the_cells_of_all_witnesses(desk: Desk, edit: bool, expected: list[bool]) -> None:
    username = "project.sync@acme.example"
    rights = {"PermissionsRead": True, "PermissionsCreate": True, "PermissionsEdit": True}
    parent = desk.set_of(username)
    desk.org.insert_row("ObjectPermissions", {"ParentId": parent, "SobjectType": "Lead", **rights})
    hidden = cells(desk.derive(username, ["Lead"], exhaustive=True))
    keys = [("Lead.Website", kind) for kind in ("read", "create", "edit")]
    assert [hidden[key].probed for key in keys] == [False, False, False]
    row = {"ParentId": parent, "SobjectType": "Lead", "Field": "Lead.Website", "PermissionsRead": True}
    desk.org.insert_row("FieldPermissions", {**row, "PermissionsEdit": edit})
    desk.org.insert_row("Lead", {"LastName": "Probe", "Company": "Probe", "OwnerId": desk.user(username)["Id"]})
    found = desk.derive(username, ["Lead"], exhaustive=True)
    shown = cells(found)
    for witness in ("computed", "platform", "probed"):
        assert [getattr(shown[key], witness) for key in keys] == expected
    assert [shown[key].grade for key in keys[1:]] == ["error", "error"]
    assert found.disagreements == ()


def test_witnesses_that_were_asked_at_different_times_are_caught(desk: Desk) -> None:
    username = "project.sync@acme.example"
    held = desk.holdings(username).effective
    parent = desk.set_of(username)
    desk.org.insert_row("ObjectPermissions", {"ParentId": parent, "SobjectType": "Campaign", "PermissionsRead": True})
    person = desk.connect("target", username)
    found = derive(admin=desk.admin, person=person, held=held, objects=["Campaign"])
    assert ("Campaign", "read") in {(each.cell.name, each.cell.access) for each in found.disagreements}
    assert not any(each.explained for each in found.disagreements)
    explained = derive(
        admin=desk.admin, person=person, held=held, objects=["Campaign"], reasons={"Campaign": "It was given just now."}
    )
    assert all(each.explained for each in explained.disagreements)


def test_tables_that_cannot_be_read_are_told_and_taken_for_nothing(desk: Desk) -> None:
    """As an administrator without View Setup, who is told of its own access only."""
    username = "project.sync@acme.example"
    held = desk.holdings(username).effective
    other = desk.connect("admin", "sam.seller@acme.example")
    desk.take_permission("sam.seller@acme.example", "ViewSetup")
    found = derive(admin=other, person=desk.connect("target", username), held=held, objects=["Account", "Nowhere__c"])
    assert any("Nowhere__c is not visible" in text for text in found.unread)
    assert any("ObjectPermissions could not be read" in text for text in found.unread)
    assert cells(found)["Account", "read"].platform is None


def test_a_field_that_the_administrator_does_not_see_is_told(desk: Desk) -> None:
    username = "project.sync@acme.example"
    parent = desk.set_of(username)
    row = {"ParentId": parent, "SobjectType": "Lead", "Field": "Lead.Website", "PermissionsRead": True}
    desk.org.insert_row("FieldPermissions", row)
    assert desk.derive(username, ["Lead"]).unread == ()
    profile = desk.user(desk.admin.username)["ProfileId"]
    [owned] = desk.org.rows("PermissionSet", ProfileId=profile)
    for mine in desk.org.rows("FieldPermissions", ParentId=owned["Id"], Field="Lead.Website"):
        desk.org.delete_row("FieldPermissions", str(mine["Id"]))
    found = desk.derive(username, ["Lead"])
    assert found.unread == ("Website of Lead not visible to admin@acme.example: nothing is said about that",)
    assert ("Lead.Website", "read") not in cells(found)


@pytest.mark.skipif(not GSA.is_dir(), reason="the real org's metadata is not beside this checkout")
def test_three_witnesses_agree_about_a_real_system() -> None:
    org = open_org(GSA, population=GREX)
    desk = Desk(org, "admin@gsa-workspace.example")
    found = desk.derive("grex.system@gsa-workspace.example", exhaustive=True)
    assert found.disagreements == ()
    assert found.unread == ()
    assert (found.objects, found.fields > 1500) == (25, True)
    desk.close()
    org.close()
