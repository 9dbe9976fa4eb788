"""Counts and lists in a sentence."""

from __future__ import annotations

from harness.words import few, several


def test_a_count_agrees_with_its_noun() -> None:
    assert [several(count, "loss", "losses") for count in (0, 1, 7000)] == ["0 losses", "1 loss", "7,000 losses"]
    assert several(2, "check") == "2 checks"


def test_of_a_long_list_the_first_few_are_named() -> None:
    assert few(list("abcde")) == "a, b, c, d, e"
    assert few(list("abcdefg")) == "a, b, c, d, e and 2 more"
    assert few(list("abcd"), 2, between="; ") == "a; b and 2 more"
    assert few([]) == ""
