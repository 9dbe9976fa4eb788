"""The laws of adding, subtracting and closing access."""

from __future__ import annotations

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
    tidy,
    union,
    walk,
    with_atoms,
)
from harness.access.model import Access

OBJECTS = st.sampled_from(["Account", "Contact", "Order", "Invoice__c"])
PERMISSIONS = st.sampled_from(["ApiEnabled", "ManageUsers", "ViewSetup", "RunReports"])
RIGHTS = st.frozensets(st.sampled_from(list(NEEDS)))
ACCESS = st.builds(
    Access,
    objects=st.dictionaries(OBJECTS, RIGHTS),
    fields=st.dictionaries(OBJECTS.map("{}.Name".format), st.frozensets(st.sampled_from(list(FIELD_NEEDS)))),
    system=st.frozensets(PERMISSIONS),
    setup=st.frozensets(st.sampled_from(["ApexClass:A", "CustomPermission:B"])),
)
ATOMS = st.one_of(st.builds(Atom, OBJECTS, st.sampled_from(list(NEEDS))), st.builds(Atom, st.just(""), PERMISSIONS))
DEPENDENCIES = st.dictionaries(ATOMS, st.frozensets(ATOMS, max_size=2), max_size=6)


def covers(left: Access, right: Access) -> bool:
    """Whether `left` gives everything that `right` gives."""
    return is_empty(minus(right, left))


@given(ACCESS, ACCESS, ACCESS)
def test_union_does_not_care_about_order_grouping_or_repetition(a: Access, b: Access, c: Access) -> None:
    assert union([a, b]) == union([b, a])
    assert union([union([a, b]), c]) == union([a, union([b, c])])
    assert union([a, a]) == tidy(a)
    assert union([a, Access()]) == tidy(a)


@given(ACCESS, ACCESS)
def test_a_union_covers_its_parts_and_nothing_else(a: Access, b: Access) -> None:
    both = union([a, b])
    assert covers(both, a)
    assert covers(both, b)
    assert is_empty(minus(minus(both, a), b))


@given(ACCESS, ACCESS)
def test_what_is_taken_away_and_given_back_is_the_whole(a: Access, b: Access) -> None:
    rest = minus(a, b)
    assert covers(a, rest)
    assert union([rest, minus(a, rest)]) == tidy(a)
    assert is_empty(minus(a, a))


@given(ACCESS, ACCESS)
def test_what_is_muted_is_gone_with_all_that_needs_it(granted: Access, muting: Access) -> None:
    left = mute(granted, muting)
    assert covers(granted, left)
    for name, rights in left.objects.items():
        assert not rights & muting.objects.get(name, frozenset())
        assert all(NEEDS[right] <= rights for right in rights)


def test_muting_edit_takes_delete_along() -> None:
    granted = Access(objects={"Account": frozenset({"read", "create", "edit", "delete"})})
    muting = Access(objects={"Account": frozenset({"edit"})})
    assert mute(granted, muting).objects == {"Account": {"read", "create"}}


@given(ACCESS)
def test_atoms_are_another_way_to_write_objects_and_system_permissions(access: Access) -> None:
    assert with_atoms(access, atoms(access)) == tidy(access)


@given(st.frozensets(ATOMS), DEPENDENCIES)
def test_closing_leaves_nothing_that_needs_something_missing(
    held: frozenset[Atom], dependencies: dict[Atom, frozenset[Atom]]
) -> None:
    closed = held | closure(held, dependencies).keys()
    assert all(requirements(atom, dependencies) <= closed for atom in closed)
    assert not closure(closed, dependencies)


@given(st.frozensets(ATOMS), st.frozensets(ATOMS), DEPENDENCIES)
def test_what_stands_needs_nothing_that_was_removed(
    held: frozenset[Atom], removed: frozenset[Atom], dependencies: dict[Atom, frozenset[Atom]]
) -> None:
    lost = fallen(held - removed, lambda atom: atom in removed, dependencies)
    standing = held - removed - lost.keys()
    assert not (standing | closure(standing, dependencies).keys()) & removed
    assert all(lacking in removed for lacking in lost.values())


@given(ACCESS)
def test_equal_access_is_equal_text(access: Access) -> None:
    shuffled = Access(
        objects=dict(reversed(access.objects.items())),
        fields=dict(reversed(access.fields.items())),
        system=access.system,
        setup=access.setup,
    )
    assert shuffled.model_dump_json() == access.model_dump_json()
    assert Access.model_validate_json(access.model_dump_json()) == access


def test_rights_are_told_in_the_order_people_read_them() -> None:
    access = Access(
        objects={"Order": frozenset({"edit", "read"}), "Account": frozenset({"read"})},
        fields={"Account.Name": frozenset({"edit", "read"})},
        system=frozenset({"ViewSetup", "ApiEnabled"}),
    )
    assert list(walk(access)) == [
        ("object", "Account", ("read",)),
        ("object", "Order", ("read", "edit")),
        ("field", "Account.Name", ("read", "edit")),
        ("system", "ApiEnabled", ()),
        ("system", "ViewSetup", ()),
    ]
