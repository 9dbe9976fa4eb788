"""The table of errors agrees with itself, and its page with the table."""

from __future__ import annotations

from itertools import combinations

from harness.org.errors import TABLE, find, passes
from harness.org.reply import ApiError

from .errors_page import PAGE, page


def test_the_page_is_what_the_table_says() -> None:
    assert PAGE.read_text("utf-8") == page(), "write it anew: make docs"


def test_every_entry_is_reached() -> None:
    for one in TABLE:
        assert find(one.code, f"some {one.text} words", at=one.at) is one, one


def test_a_code_proves_the_same_wherever_it_is_met() -> None:
    for one, other in combinations(TABLE, 2):
        if one.code.casefold() == other.code.casefold():
            assert one.certainty == other.certainty, (one, other)


def test_every_entry_says_what_to_do() -> None:
    assert [one.code for one in TABLE if len(one.remedy) < 15] == []


def test_what_is_asked_again_is_only_what_passes() -> None:
    lock, halted = ApiError("UNABLE_TO_LOCK_ROW", ""), ApiError("PROCESSING_HALTED", "")
    assert passes([lock])
    assert passes([halted, lock])
    assert not passes([])
    assert not passes([halted])
    assert not passes([lock, ApiError("DUPLICATE_VALUE", "")])
    assert not passes([ApiError("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")])
    assert passes([ApiError("REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests (Concurrent API Requests) Limit exceeded.")])
