"""The verdict on access: what is lost, what is gained, and which set gave it."""

from __future__ import annotations

from typing import Any

import pytest

from harness.access.algebra import minus
from harness.access.model import Access
from harness.checks.proof.verdict import Agreed, Holder, counterexamples, in_words
from harness.checks.results import Counterexample


def access(**parts: Any) -> Access:
    return Access.model_validate(parts)


PROFILE = access(objects={"Account": ["read", "edit"]}, fields={"Account.Phone": ["read", "edit"]})
SET = access(objects={"Contact": ["read"]}, system=["ApiEnabled"], setup=["ApexClass:Sync"])
OLD = Holder((("Profile", PROFILE), ("Sync", SET)), frozenset({("queue", "Orders")}))


def new(*more: Access, memberships: frozenset[tuple[str, str]] = OLD.memberships) -> Holder:
    return Holder((("Integration", OLD.access), *(("Extra", each) for each in more)), memberships)


def shown(found: tuple[Counterexample, ...]) -> list[tuple[str, str, str, tuple[str, ...], tuple[str, ...]]]:
    return [(each.direction, each.kind, each.name, each.access, each.given_by) for each in found]


def test_the_same_access_passes() -> None:
    assert counterexamples(OLD, new(), Agreed()) == ()


@pytest.mark.parametrize(
    ("part", "kind", "name", "rights", "giver"),
    [
        ({"objects": {"Account": ["edit"]}}, "object", "Account", ("edit",), "Profile"),
        ({"objects": {"Contact": ["read"]}}, "object", "Contact", ("read",), "Sync"),
        ({"fields": {"Account.Phone": ["edit"]}}, "field", "Account.Phone", ("edit",), "Profile"),
        ({"fields": {"Account.Phone": ["read", "edit"]}}, "field", "Account.Phone", ("read", "edit"), "Profile"),
        ({"system": ["ApiEnabled"]}, "system", "ApiEnabled", (), "Sync"),
        ({"setup": ["ApexClass:Sync"]}, "setup", "ApexClass:Sync", (), "Sync"),
    ],
)
def test_each_loss_is_told_with_the_set_that_gave_it_unless_it_is_accepted(
    part: dict[str, Any], kind: str, name: str, rights: tuple[str, ...], giver: str
) -> None:
    left = Holder((("Integration", minus(OLD.access, access(**part))),), OLD.memberships)
    assert shown(counterexamples(OLD, left, Agreed())) == [("lost", kind, name, rights, (giver,))]
    assert counterexamples(OLD, left, Agreed(lost=access(**part))) == ()


@pytest.mark.parametrize(
    ("part", "kind", "name", "rights"),
    [
        ({"objects": {"Account": ["read", "delete", "edit"]}}, "object", "Account", ("delete",)),
        ({"objects": {"Lead": ["read"]}}, "object", "Lead", ("read",)),
        ({"objects": {"Contact": ["read", "view-all-fields"]}}, "object", "Contact", ("view-all-fields",)),
        ({"fields": {"Account.Fax": ["read"]}}, "field", "Account.Fax", ("read",)),
        ({"system": ["ViewSetup"]}, "system", "ViewSetup", ()),
        ({"setup": ["CustomPermission:Skip"]}, "setup", "CustomPermission:Skip", ()),
        ({"record_types": ["Account.Customer"]}, "record-type", "Account.Customer", ()),
    ],
)
def test_each_gain_is_told_with_the_set_that_gives_it_unless_it_was_added_or_is_the_baseline(
    part: dict[str, Any], kind: str, name: str, rights: tuple[str, ...]
) -> None:
    more = new(access(**part))
    assert shown(counterexamples(OLD, more, Agreed())) == [("gained", kind, name, rights, ("Extra",))]
    assert counterexamples(OLD, more, Agreed(added=access(**part))) == ()
    assert counterexamples(OLD, more, Agreed(baseline=access(**part))) == ()


@pytest.mark.parametrize(
    ("part", "name"),
    [
        ({"objects": {"Account": ["edit"]}}, "Account"),
        ({"fields": {"Account.Phone": ["edit"]}}, "Account.Phone"),
        ({"system": ["ApiEnabled"]}, "ApiEnabled"),
        ({"setup": ["ApexClass:Sync"]}, "ApexClass:Sync"),
    ],
)
def test_what_was_agreed_to_be_lost_and_is_there_all_the_same_is_a_gain(part: dict[str, Any], name: str) -> None:
    [found] = counterexamples(OLD, new(), Agreed(lost=access(**part)))
    assert (found.direction, found.name, found.given_by) == ("gained", name, ("Integration",))
    assert counterexamples(OLD, new(), Agreed(lost=access(**part), baseline=access(**part))) == ()
    assert counterexamples(OLD, new(), Agreed(lost=access(**part), added=access(**part))) == ()


def test_what_the_plan_adds_must_be_held_and_what_the_profile_gives_need_not() -> None:
    extra = access(objects={"Product2": ["read"]})
    assert shown(counterexamples(OLD, new(), Agreed(added=extra))) == [("lost", "object", "Product2", ("read",), ())]
    assert counterexamples(OLD, new(), Agreed(baseline=extra)) == ()


def test_what_was_held_through_modify_all_data_is_no_gain_and_losing_that_with_it_no_loss() -> None:
    administrator = Holder((("Profile", access(system=["ModifyAllData"])),))
    reader = Holder((("Integration", access(objects={"Account": ["read"]})),))
    everything = Agreed(lost=access(system=["ModifyAllData"]))
    assert counterexamples(administrator, reader, everything) == ()
    lost = counterexamples(administrator, reader, Agreed())
    assert ("lost", "system", "ModifyAllData", (), ("Profile",)) in shown(lost)
    assert any(each.kind == "object" and "delete" in each.access for each in lost)


def test_modify_all_data_is_a_gain_on_every_object_that_is_named() -> None:
    found = counterexamples(OLD, new(access(system=["ModifyAllData"])), Agreed())
    names = {(each.kind, each.name) for each in found}
    assert names == {("object", "Account"), ("object", "Contact"), ("system", "ModifyAllData")}
    assert all(each.given_by == ("Extra",) for each in found)


def test_view_all_fields_reads_the_fields_that_are_named() -> None:
    everything = Holder((("Profile", access(objects={"Account": ["read", "view-all-fields"]})),))
    some = Holder((("Integration", access(objects={"Account": ["read"]}, fields={"Account.Fax": ["read"]})),))
    agreed = Agreed(lost=access(objects={"Account": ["view-all-fields"]}))
    assert counterexamples(everything, some, agreed) == ()
    edits = Holder((("Integration", access(objects={"Account": ["read"]}, fields={"Account.Fax": ["read", "edit"]})),))
    assert shown(counterexamples(everything, edits, agreed)) == [
        ("gained", "field", "Account.Fax", ("edit",), ("Integration",))
    ]


def test_groups_queues_and_the_role_count() -> None:
    found = counterexamples(OLD, new(memberships=frozenset({("role", "Boss")})), Agreed())
    assert [(each.direction, each.kind, each.name) for each in found] == [
        ("lost", "queue", "Orders"),
        ("gained", "role", "Boss"),
    ]
    gone = Agreed(left=OLD.memberships)
    assert [(each.direction, each.name) for each in counterexamples(OLD, new(), gone)] == [("gained", "Orders")]
    assert counterexamples(OLD, new(memberships=frozenset()), gone) == ()


def test_the_counterexamples_in_a_line() -> None:
    found = counterexamples(OLD, new(access(system=["ViewSetup"]), memberships=frozenset()), Agreed())
    assert in_words(found) == "lost queue Orders; gained system ViewSetup, which Extra gives"
    assert in_words(found, shown=1) == "lost queue Orders; and 1 more"
