"""The pure parts of reading: dependencies, fingerprints, comparisons, SOQL."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.access.algebra import Atom
from harness.access.compare import compare, in_words
from harness.access.dependencies import decode, encode, masters_of
from harness.access.fingerprint import canonical, differences, digest
from harness.access.model import OBJECT_RIGHTS, Access
from harness.access.soql import among, batches, equals, select


@pytest.mark.parametrize("right", list(OBJECT_RIGHTS))
def test_object_rights_are_named_as_the_platform_names_them(right: str) -> None:
    atom = Atom("Account", right)
    assert decode(encode(atom), "Object Permission") == atom


@pytest.mark.parametrize(
    ("name", "atom"),
    [("Account<update>", Atom("Account", "edit")), ("Account<viewAllRecords>", Atom("Account", "view-all"))],
)
def test_observed_names_are_understood(name: str, atom: Atom) -> None:
    assert decode(name, "Object Permission") == atom


def test_system_permissions_are_named_by_themselves_and_the_unknown_is_left_out() -> None:
    assert decode("ManageUsers", "User Permission") == Atom("", "ManageUsers")
    assert decode("Account<levitate>", "Object Permission") is None
    assert decode("Account", "Object Permission") is None


def test_a_detail_has_the_masters_its_describe_tells() -> None:
    lookup = {"name": "OwnerId", "referenceTo": ["User"], "relationshipOrder": None}
    master = {"name": "Account__c", "referenceTo": ["Account"], "relationshipOrder": 0}
    describes = {"Shipment__c": {"fields": [lookup, master]}, "Account": {"fields": [lookup]}}
    assert masters_of(describes) == {"Shipment__c": ("Account",)}


@given(st.dictionaries(st.text(max_size=5), st.dictionaries(st.text(max_size=5), st.integers()), max_size=5))
def test_a_digest_does_not_depend_on_the_order_of_keys(value: dict[str, dict[str, int]]) -> None:
    assert digest(dict(reversed(value.items()))) == digest(value)


@given(st.dictionaries(st.text(), st.text()), st.dictionaries(st.text(), st.text()))
def test_two_fingerprints_are_equal_exactly_when_nothing_differs(a: dict[str, str], b: dict[str, str]) -> None:
    assert (digest(a) == digest(b)) == (not differences(a, b))


def test_a_difference_is_a_sentence() -> None:
    assert differences({"user x: frozen": "False"}, {"user x: frozen": "True", "new": "1"}) == (
        "new: was not there, is 1",
        "user x: frozen: was False, is True",
    )


def test_canonical_text_is_not_escaped() -> None:
    assert canonical({"b": "ü", "a": [1]}) == '{"a":[1],"b":"ü"}'


def test_comparing_tells_what_is_missing_and_what_is_beyond() -> None:
    expected = Access(objects={"Account": frozenset({"read", "edit"})}, system=frozenset({"ViewSetup"}))
    actual = Access(
        objects={"Account": frozenset({"read"})}, system=frozenset({"ViewSetup", "ApiEnabled", "ManageUsers"})
    )
    found = compare(expected=expected, baseline=Access(system=frozenset({"ApiEnabled"})), actual=actual)
    assert (in_words(found.missing), in_words(found.extra)) == ("Account (edit)", "ManageUsers")
    same = compare(expected=actual, baseline=Access(), actual=actual)
    assert (same.missing, same.extra) == (Access(), Access())


def test_soql_quotes_every_value() -> None:
    assert equals("Name", "O'Hara\\") == "Name = 'O\\'Hara\\\\'"
    query = select("User", ("Id", "Name"), where=among("Id", ["a", "b'"]), order="Id")
    assert query == "SELECT Id, Name FROM User WHERE Id IN ('a', 'b\\'') ORDER BY Id"
    assert [list(batch) for batch in batches(["1", "2", "3"], 2)] == [["1", "2"], ["3"]]
