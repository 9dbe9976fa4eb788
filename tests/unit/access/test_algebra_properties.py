"""The algebra of access against a second, naive one: sets of tuples, and loops that run until nothing changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import product
from typing import TypeVar

from hypothesis import given
from hypothesis import strategies as st

from harness.access.algebra import (
    FIELD_NEEDS,
    NEEDS,
    Atom,
    atoms,
    closure,
    fallen,
    is_empty,
    minus,
    mute,
    requirements,
    supported,
    tidy,
    union,
    walk,
    with_atoms,
)
from harness.access.ceiling import Ceiling
from harness.access.compare import compare
from harness.access.effective import closed, on_own
from harness.access.model import Access, ObjectRight
from harness.checks.proof.verdict import Agreed, Holder, counterexamples
from harness.migration.planning.losses import decide
from harness.migration.records import PermissionSource

Node = TypeVar("Node")
Fact = tuple[str, str, str]
"""(kind, name, kind of access): one thing that is held. The naive access is a set of them."""

OBJECTS = ("Account", "Contact", "Invoice__c", "Order")
FIELDS = ("Account.Name", "Account.Rating", "Invoice__c.Total__c", "Order.Status")
SYSTEM = ("ApiEnabled", "ManageUsers", "ModifyAllData", "RunReports", "ViewAllData", "ViewSetup")
SETUP = ("ApexClass:Sync", "ApexClass:Orders", "CustomPermission:Bypass")
RECORD_TYPES = ("Account.Partner", "Order.Return")

STEPS = {
    ("create", "read"),
    ("edit", "read"),
    ("delete", "edit"),
    ("view-all", "read"),
    ("modify-all", "delete"),
    ("modify-all", "view-all"),
    ("view-all-fields", "read"),
}
"""Each right with what it needs next, as the check boxes of an object in Setup tick one another."""
FIELD_STEPS = {("edit", "read")}

rights_held = st.frozensets(st.sampled_from(list(NEEDS)))
accesses = st.builds(
    Access,
    objects=st.dictionaries(st.sampled_from(OBJECTS), rights_held),
    fields=st.dictionaries(st.sampled_from(FIELDS), st.frozensets(st.sampled_from(list(FIELD_NEEDS)))),
    system=st.frozensets(st.sampled_from(SYSTEM)),
    setup=st.frozensets(st.sampled_from(SETUP)),
    record_types=st.frozensets(st.sampled_from(RECORD_TYPES)),
)
any_atom = st.one_of(
    st.builds(Atom, st.sampled_from(OBJECTS), st.sampled_from(list(NEEDS))),
    st.builds(Atom, st.just(""), st.sampled_from(SYSTEM)),
)
some_atoms = st.frozensets(any_atom, max_size=10)
dependencies_told = st.dictionaries(any_atom, st.frozensets(any_atom, max_size=3), max_size=8)


# --- the naive algebra ------------------------------------------------------------------------------------------------


def facts(access: Access) -> set[Fact]:
    """Every single thing an access gives."""
    return {
        *(("object", name, right) for name, rights in access.objects.items() for right in rights),
        *(("field", name, right) for name, rights in access.fields.items() for right in rights),
        *(("system", name, "") for name in access.system),
        *(("setup", name, "") for name in access.setup),
        *(("record-type", name, "") for name in access.record_types),
    }


def chains(steps: Iterable[tuple[Node, Node]]) -> set[tuple[Node, Node]]:
    """Every pair that steps lead to, by joining pairs until there are no new ones."""
    pairs, first = set(steps), set(steps)
    while new := {(a, d) for (a, b), (c, d) in product(pairs, first) if b == c} - pairs:
        pairs |= new
    return pairs


def steps_between_atoms(told: Mapping[Atom, frozenset[Atom]]) -> set[tuple[Atom, Atom]]:
    """What needs what, as pairs: what is told, and what the rights of each object need of each other."""
    return {
        *((atom, need) for atom, needs in told.items() for need in needs),
        *((Atom(name, right), Atom(name, need)) for name in OBJECTS for right, need in STEPS),
    }


def naive_needs(wanted: Iterable[Atom], told: Mapping[Atom, frozenset[Atom]]) -> dict[Atom, set[Atom]]:
    """All that each atom needs, itself left out."""
    pairs = chains(steps_between_atoms(told))
    return {atom: {need for one, need in pairs if one == atom} - {atom} for atom in wanted}


def naive_mute(granted: set[Fact], muting: set[Fact]) -> set[Fact]:
    """Take away what is muted; then, again and again, whatever lacks the next thing it needs."""
    left = granted - muting
    steps = {"object": chains(STEPS), "field": chains(FIELD_STEPS)}
    while unsupported := {
        (kind, name, right)
        for kind, name, right in left
        for one, need in steps.get(kind, ())
        if one == right and (kind, name, need) not in left
    }:
        left -= unsupported
    return left


# --- the algebra against it -------------------------------------------------------------------------------------------


@given(st.lists(accesses, max_size=4))
def test_union_gives_what_any_part_gives(parts: list[Access]) -> None:
    assert facts(union(parts)) == {fact for part in parts for fact in facts(part)}


@given(accesses, accesses)
def test_difference_is_the_difference_of_the_single_facts(left: Access, right: Access) -> None:
    assert facts(minus(left, right)) == facts(left) - facts(right)
    assert is_empty(minus(left, right)) == (facts(left) <= facts(right))


@given(accesses, accesses, accesses)
def test_a_comparison_names_each_fact_that_is_missing_or_beyond(
    expected: Access, baseline: Access, actual: Access
) -> None:
    difference = compare(expected=expected, baseline=baseline, actual=actual)
    assert facts(difference.missing) == facts(expected) - facts(actual)
    assert facts(difference.extra) == facts(actual) - facts(expected) - facts(baseline)


@given(accesses, accesses)
def test_muting_takes_what_is_muted_and_what_no_longer_stands(granted: Access, muting: Access) -> None:
    assert facts(mute(granted, muting)) == naive_mute(facts(granted), facts(muting))


@given(st.lists(accesses, max_size=3), st.lists(accesses, max_size=3))
def test_a_group_mutes_what_all_its_sets_give_together(sets: list[Access], muting: list[Access]) -> None:
    """Muting counts once for the group: a set outside of it still gives what the group has muted."""
    group = mute(union(sets), union(muting))
    together = {fact for each in sets for fact in facts(each)}
    assert facts(group) == naive_mute(together, {fact for each in muting for fact in facts(each)})
    for each in sets:
        assert facts(union([group, each])) == facts(group) | facts(each)


@given(accesses.map(tidy))
def test_every_fact_is_told_once_on_a_walk(access: Access) -> None:
    told = [(kind, name, right) for kind, name, rights in walk(access) for right in rights or ("",)]
    assert len(told) == len(set(told))
    assert set(told) == facts(access)


@given(accesses, some_atoms)
def test_atoms_take_the_place_of_objects_and_system_permissions_only(access: Access, held: frozenset[Atom]) -> None:
    others = {fact for fact in facts(access) if fact[0] not in ("object", "system")}
    wanted = {("object", *atom) if atom.object else ("system", atom.right, "") for atom in held}
    assert facts(with_atoms(access, held)) == others | wanted
    assert len(atoms(access)) == len(facts(access)) - len(others)


# --- what needs what --------------------------------------------------------------------------------------------------


def test_the_table_of_rights_is_complete() -> None:
    """View All needs Read; Modify All needs everything but Create and View All Fields (Object Reference)."""
    assert {(right, need) for right, needs in NEEDS.items() for need in needs} == chains(STEPS)
    assert {(right, need) for right, needs in FIELD_NEEDS.items() for need in needs} == chains(FIELD_STEPS)


@given(rights_held)
def test_rights_stand_that_have_all_they_need(held: frozenset[ObjectRight]) -> None:
    before = facts(Access(objects={"Account": held}))
    assert facts(Access(objects={"Account": supported(held, NEEDS)})) == naive_mute(before, set())


@given(any_atom, dependencies_told)
def test_requirements_follow_every_chain(atom: Atom, told: dict[Atom, frozenset[Atom]]) -> None:
    assert requirements(atom, told) == naive_needs([atom], told)[atom]


@given(some_atoms, dependencies_told)
def test_closing_adds_what_is_needed_and_nothing_else(held: frozenset[Atom], told: dict[Atom, frozenset[Atom]]) -> None:
    needs = naive_needs(held, told)
    missing = closure(held, told)
    assert missing.keys() == {need for each in needs.values() for need in each} - held
    for need, first in missing.items():
        assert first == min(atom for atom in held if need in needs[atom])


@given(some_atoms, some_atoms, dependencies_told)
def test_what_falls_is_what_leads_to_something_that_cannot_be_had(
    held: frozenset[Atom], removed: frozenset[Atom], told: dict[Atom, frozenset[Atom]]
) -> None:
    lacking = {atom: needs & removed for atom, needs in naive_needs(held, told).items()}
    lost = fallen(held, lambda atom: atom in removed, told)
    assert lost == {atom: min(needs) for atom, needs in lacking.items() if needs}


@given(some_atoms, some_atoms, dependencies_told)
def test_falling_one_after_the_other_ends_where_falling_at_once_does(
    held: frozenset[Atom], removed: frozenset[Atom], told: dict[Atom, frozenset[Atom]]
) -> None:
    """Where everything needed is held, taking away atom by atom what lacks its next need leaves the same."""
    whole = held | closure(held, told).keys()
    left = whole - removed
    while unsupported := {one for one, need in steps_between_atoms(told) if one in left and need not in left}:
        left -= unsupported
    assert left == whole - removed - fallen(whole, lambda atom: atom in removed, told).keys()


# --- what brings what along, and what a license carries ---------------------------------------------------------------


EVERYTHING = {"read", "create", "edit", "delete", "view-all", "modify-all"}
BY_SYSTEM = {"ViewAllData": {"read", "view-all"}, "ModifyAllData": EVERYTHING}
"""What View All Data and Modify All Data do to each object, as their descriptions in Setup put it."""


@given(accesses)
def test_view_all_and_modify_all_bring_along_what_they_say(access: Access) -> None:
    for name in OBJECTS:
        naive = {right for kind, one, right in facts(access) if (kind, one) == ("object", name)}
        naive |= {need for right, need in chains(STEPS) if right in naive}
        for permission, rights in BY_SYSTEM.items():
            naive |= rights if ("system", permission, "") in facts(access) else set()
        assert on_own(name, access) == naive


@given(accesses.map(tidy), dependencies_told)
def test_what_is_held_is_held_with_all_it_needs(access: Access, told: dict[Atom, frozenset[Atom]]) -> None:
    whole = closed(access, told)
    brought = {need for needs in naive_needs(atoms(access), told).values() for need in needs}
    as_facts = {("object", *atom) if atom.object else ("system", atom.right, "") for atom in brought}
    assert facts(whole) == facts(access) | as_facts


@given(accesses, st.frozensets(st.sampled_from(SYSTEM)), accesses, dependencies_told)
def test_a_license_carries_what_it_allows_and_nothing_that_leads_beyond(
    access: Access, allowed: frozenset[str], refused: Access, told: dict[Atom, frozenset[Atom]]
) -> None:
    """The plan without drops: lost is what the license cannot carry, and whatever leads to such a thing."""
    access = Access(objects=access.objects, system=access.system)
    refused = Access(objects=refused.objects)
    held = atoms(access)
    needs = naive_needs(held, told)
    named = held | {need for each in needs.values() for need in each}
    beyond = {atom for atom in named if atom in atoms(refused) or (not atom.object and atom.right not in allowed)}
    lost = {atom for atom in held if atom in beyond or needs[atom] & beyond}
    kept = held - lost
    source = PermissionSource(kind="profile", name="Old", label="Old", id="0", access=access)
    decision = decide([source], (), Ceiling("License", allowed, Access(), refused=refused), told)
    assert atoms(decision.carried) == kept | {need for atom in kept for need in needs[atom]}
    told_lost = {
        Atom(loss.name, right) if loss.kind == "object" else Atom("", loss.name)
        for loss in decision.losses
        for right in loss.access or ("",)
    }
    assert told_lost == lost - atoms(decision.carried)
    assert not any(loss.accepted for loss in decision.losses)


# --- the verdict ------------------------------------------------------------------------------------------------------


@given(accesses, accesses)
def test_a_verdict_names_each_single_thing_that_is_lost_or_gained(before: Access, after: Access) -> None:
    """On access that brings nothing along, the verdict is the difference of two sets both ways."""
    before, after = (tidy(mute(each, BRINGS)) for each in (before, after))
    found = counterexamples(Holder([("Old", before)]), Holder([("New", after)]), Agreed())
    told = {(one.direction, one.kind, one.name, right) for one in found for right in one.access or ("",)}
    assert told == {
        *(("lost", *fact) for fact in facts(before) - facts(after)),
        *(("gained", *fact) for fact in facts(after) - facts(before)),
    }


@given(accesses, accesses)
def test_what_was_agreed_to_be_lost_must_be_gone(before: Access, agreed: Access) -> None:
    before, agreed = (tidy(mute(each, BRINGS)) for each in (before, agreed))
    old, lost = Holder([("Old", before)]), Agreed(lost=agreed)
    assert counterexamples(old, Holder([("New", minus(before, agreed))]), lost) == ()
    kept = counterexamples(old, Holder([("New", before)]), lost)
    told = {(one.direction, one.kind, one.name, right) for one in kept for right in one.access or ("",)}
    assert told == {("gained", *fact) for fact in facts(before) & facts(agreed)}


BRINGS = Access(
    objects={
        name: frozenset({"create", "edit", "delete", "view-all", "modify-all", "view-all-fields"}) for name in OBJECTS
    },
    system=frozenset(BY_SYSTEM),
)
"""What brings other rights along: muted, so that the naive verdict is a plain difference."""
