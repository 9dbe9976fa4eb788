"""Three witnesses beside each other: cells, grades, disagreements."""

from __future__ import annotations

from harness.access.effective import Key, facts_of
from harness.access.reading.platform import Told
from harness.checks.proof.witnesses import BESIDE, Probed, Witnesses, disagreements, probes_of, stronger
from harness.checks.results import Cell

ACCOUNT = facts_of(
    {
        "name": "Account",
        "createable": True,
        "updateable": True,
        "deletable": True,
        "fields": [
            {
                "name": "Phone",
                "permissionable": True,
                "createable": True,
                "updateable": True,
                "calculated": False,
                "autoNumber": False,
                "compoundFieldName": None,
            }
        ],
    },
    own=True,
)
READ: Key = ("Account", "read")


def cells(**parts: object) -> dict[Key, Cell]:
    witnesses = Witnesses(**{"computed": {}, "told": Told(), "probed": {}, **parts})  # type: ignore[arg-type]
    found = probes_of({"Account": ACCOUNT}, witnesses)
    return {(cell.name, cell.access): cell for each in found for cell in each.cells}


def test_a_cell_holds_what_each_witness_says_and_the_strongest_grade() -> None:
    made = cells(
        computed={READ: True},
        told=Told({READ: True, ("Account.Phone", "edit"): False}),
        probed={READ: Probed(True, "describe"), ("Account.Phone", "edit"): Probed(False, "error", "no")},
    )
    assert made[READ] == Cell(name="Account", access="read", computed=True, platform=True, probed=True, grade="tables")
    phone = made["Account.Phone", "edit"]
    assert (phone.computed, phone.platform, phone.probed, phone.grade, phone.answer) == (
        None,
        False,
        False,
        "error",
        "no",
    )
    assert set(made) == {READ, ("Account.Phone", "edit")}


def test_a_describe_alone_is_the_weakest_grade() -> None:
    assert cells(probed={READ: Probed(True, "describe")})[READ].grade == "describe"


def test_what_is_held_beside_objects_is_a_cell_when_anybody_says_that_it_is_held() -> None:
    made = cells(
        computed={("ApiEnabled", "held"): True},
        told=Told({("ApiEnabled", "held"): True, ("ViewSetup", "held"): True, ("ManageUsers", "held"): False}),
    )
    assert made["ApiEnabled", "held"].agreed
    assert made["ViewSetup", "held"].platform
    assert ("ManageUsers", "held") not in made
    found = probes_of({}, Witnesses({("ApiEnabled", "held"): True}, Told(), {}))
    assert [each.object for each in found] == [BESIDE]


def test_a_custom_permission_that_is_not_listed_is_not_held() -> None:
    key = ("CustomPermission:Skip", "held")
    assert cells(computed={key: True})[key].platform is None
    assert cells(computed={key: True}, told=Told(custom=True))[key].platform is False
    assert cells(computed={key: True}, told=Told({key: True}, custom=True))[key].platform is True


def test_of_two_probes_the_stronger_one_counts_and_one_that_tells_nothing_does_not() -> None:
    weak = {READ: Probed(True, "describe")}
    assert stronger(weak, {READ: Probed(False, "error", "no")})[READ] == Probed(False, "error", "no")
    assert stronger(weak, {READ: Probed(None, "error", "why")})[READ] == Probed(True, "describe", "why")
    assert stronger({}, {READ: Probed(None, "error", "why")})[READ] == Probed(None, "error", "why")


def test_witnesses_who_differ_are_told_and_explained_where_a_reason_is_known() -> None:
    witnesses = Witnesses({READ: True}, Told({READ: False}), {READ: Probed(False, "describe")})
    found = probes_of({"Account": ACCOUNT}, witnesses)
    [open_one] = disagreements(found, {})
    assert not open_one.explained
    assert "licenses carry" in open_one.explanation
    for name in ("Account", "*"):
        [explained] = disagreements(found, {name: "The group is being computed."})
        assert (explained.explained, explained.explanation) == (True, "The group is being computed.")
    [elsewhere] = disagreements(found, {"Contact": "Not about this."})
    assert not elsewhere.explained


def test_witnesses_who_agree_or_are_alone_are_no_finding() -> None:
    alike = Witnesses({READ: True}, Told({READ: True}), {READ: Probed(True, "describe")})
    alone = Witnesses({READ: True}, Told(), {})
    for witnesses in (alike, alone):
        assert disagreements(probes_of({"Account": ACCOUNT}, witnesses), {}) == ()


def test_a_right_that_no_set_grants_and_the_platform_tells_of_is_looked_for_elsewhere() -> None:
    witnesses = Witnesses({READ: False}, Told({READ: True}), {})
    [found] = disagreements(probes_of({"Account": ACCOUNT}, witnesses), {})
    assert "implies it" in found.explanation
