"""How the reports say moments, spans, places and answers."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from harness.checks.results import Asked
from harness.report import words


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 ms"),
        (0.0851, "85 ms"),
        (4.21, "4.2 s"),
        (60, "1 min"),
        (200.4, "3 min 20 s"),
        (3_600, "1 h"),
        (7_261, "2 h 1 min"),
        (86_400 * 14 - 0.3, "14 d"),
        (86_400 * 14 + 7_200, "14 d 2 h"),
    ],
)
def test_a_span_is_said_in_two_units(seconds: float, said: str) -> None:
    assert words.span(seconds) == said


def test_moments() -> None:
    at = datetime(2026, 1, 5, 9, 0, 3, tzinfo=UTC)
    assert words.moment(at) == "5 January 2026, 09:00:03 UTC"
    assert words.clock(at) == "5 Jan 2026, 09:00:03"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("2026-01-05T09:01:20.000+0000", "5 Jan 2026, 09:01:20"),
        ("2026-01-05T10:01:20+01:00", "5 Jan 2026, 09:01:20"),
        ("yesterday", "yesterday"),
        ("", None),
        (None, None),
    ],
)
def test_login_times_are_said_in_utc(text: str | None, said: str | None) -> None:
    assert words.login_time(text) == said


def test_a_write_that_was_rolled_back_is_said_to_be_one() -> None:
    def answer(**values: object) -> str:
        return words.answer_words(
            Asked.model_validate({"principal": "target", "username": "u", "request": "r", **values})
        )

    assert answer(status=400, rows=1) == "accepted: 1 row, then rolled back"
    assert answer(status=400, rows=1, error_code="INVALID_FIELD") == "HTTP 400, 1 row"
    assert answer(status=200, rows=2_000) == "HTTP 200, 2,000 rows"
    assert answer() == ""


def test_names_and_places_are_said_without_what_is_known() -> None:
    assert (
        words.place("a/b/erp.scenario.yaml:40") == words.place("a\\b\\erp.scenario.yaml:40") == "erp.scenario.yaml:40"
    )
    assert words.without("Account.Name", "Account") == "Name"
    assert words.without("Account.Name", "Contact") == "Account.Name"
    assert words.without("Account", "Account") == "Account"


def test_every_mark_has_a_word_and_a_symbol() -> None:
    assert all(mark.word and len(mark.symbol) == 1 for mark in words.MARKS.values())
