"""LIKE by hand agrees with SQLite, and does not take long."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from hypothesis import given, settings
from hypothesis import strategies as st

from harness.sandbox.soql.like import is_simple, like_pattern, matches


@settings(max_examples=300, deadline=None)
@given(st.text("abAB%_\\.", max_size=12), st.text("abAB%_\\", max_size=8))
def test_it_agrees_with_sqlite(text: str, wanted: str) -> None:
    pattern = like_pattern("'" + wanted.replace("\\", "\\\\") + "'")
    with closing(sqlite3.connect(":memory:")) as connection:
        found = connection.execute("SELECT ? LIKE ? ESCAPE '\\'", (text, pattern)).fetchone()[0]
    assert matches(text, pattern) == found


def test_escapes_make_wildcards_plain() -> None:
    assert like_pattern(r"'50\% \%x\_y_%'") == r"50\% \%x\_y_%"
    assert matches("50\\ off", like_pattern(r"'50\\%'")) == 1
    assert matches("50%", like_pattern(r"'50\%'")) == 1
    assert matches("505", like_pattern(r"'50\%'")) == 0
    assert matches(None, "%") is None


def test_many_wildcards_are_left_to_the_quick_way() -> None:
    pattern = "%" + "a%" * 200 + "b"
    assert not is_simple(pattern)
    assert matches("a" * 2000, pattern) == 0
