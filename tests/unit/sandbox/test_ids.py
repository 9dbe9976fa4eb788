"""Record ids: the checksum, both lengths, sequences."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.sandbox.ids import IdSequence, checksum, long_id, make_id, number_of

ALNUM = string.ascii_letters + string.digits


@pytest.mark.parametrize(
    "recorded",
    ["0PaDo000001VJV0KAO", "005Do000000PVvJIAW", "0PSDo000000HgIgOAK", "0Yw0m000002T4lqCAC", "001Da00000xnAk6IAE"],
)
def test_the_checksum_is_that_of_recorded_ids(recorded: str) -> None:
    assert long_id(recorded[:15]) == recorded
    assert long_id(recorded) == recorded
    assert long_id(recorded.lower()) == recorded


@pytest.mark.parametrize(
    "bad", ["", "001", "001000000000000AA!", "0010000000000000", "00100000000000é", "001000000000001AAB"]
)
def test_what_is_no_id(bad: str) -> None:
    assert long_id(bad) is None


@given(st.text(ALNUM, min_size=15, max_size=15))
def test_a_long_id_survives_a_change_of_case(id15: str) -> None:
    id18 = id15 + checksum(id15)
    assert long_id(id15) == long_id(id18) == long_id(id18.upper()) == long_id(id18.swapcase()) == id18


@given(st.text(max_size=20))
def test_any_text_is_an_id_or_none(text: str) -> None:
    found = long_id(text)
    assert found is None or (len(found) == 18 and long_id(found) == found)


@given(st.integers(min_value=0, max_value=62**9 - 1))
def test_the_number_of_an_id_is_found_again(number: int) -> None:
    made = make_id("001", number)
    assert made.startswith("001")
    assert len(made) == 18
    assert number_of(made) == number


def test_a_sequence_counts_for_each_prefix_and_can_be_taken_up() -> None:
    ids = IdSequence()
    first, second, other = ids.next("001"), ids.next("001"), ids.next("003")
    assert (number_of(first), number_of(second), number_of(other)) == (1, 2, 1)
    assert IdSequence(ids.counters).next("001") == make_id("001", 3)
    assert ids.was_given(second)
    assert not ids.was_given(make_id("001", 3))
    ids.keep_clear_of(make_id("001", 40))
    assert ids.next("001") == make_id("001", 41)
