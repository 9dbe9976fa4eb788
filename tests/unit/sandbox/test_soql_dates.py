from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.sandbox.soql.dates import date_range, is_date_name, normal_date, normal_datetime

WEDNESDAY = date(2026, 2, 18)


@pytest.mark.parametrize(
    ("name", "start", "end"),
    [
        ("TODAY", "2026-02-18", "2026-02-19"),
        ("YESTERDAY", "2026-02-17", "2026-02-18"),
        ("TOMORROW", "2026-02-19", "2026-02-20"),
        ("THIS_WEEK", "2026-02-15", "2026-02-22"),
        ("LAST_WEEK", "2026-02-08", "2026-02-15"),
        ("THIS_MONTH", "2026-02-01", "2026-03-01"),
        ("LAST_MONTH", "2026-01-01", "2026-02-01"),
        ("NEXT_MONTH", "2026-03-01", "2026-04-01"),
        ("THIS_QUARTER", "2026-01-01", "2026-04-01"),
        ("LAST_QUARTER", "2025-10-01", "2026-01-01"),
        ("THIS_YEAR", "2026-01-01", "2027-01-01"),
        ("LAST_FISCAL_YEAR", "2025-01-01", "2026-01-01"),
        ("LAST_90_DAYS", "2025-11-20", "2026-02-19"),
        ("NEXT_90_DAYS", "2026-02-19", "2026-05-20"),
        ("LAST_N_DAYS:7", "2026-02-11", "2026-02-19"),
        ("NEXT_N_DAYS:7", "2026-02-19", "2026-02-26"),
        ("LAST_N_MONTHS:2", "2025-12-01", "2026-02-01"),
        ("NEXT_N_WEEKS:1", "2026-02-22", "2026-03-01"),
        ("N_DAYS_AGO:3", "2026-02-15", "2026-02-16"),
        ("N_YEARS_AGO:1", "2025-01-01", "2026-01-01"),
    ],
)
def test_what_a_name_stands_for(name: str, start: str, end: str) -> None:
    found = date_range(name, WEDNESDAY)
    assert tuple(day.isoformat() for day in found) == (start, end)


@pytest.mark.parametrize(
    "name", ["SOMEDAY", "LAST_N_DAYS", "LAST_N_DAYS:9999999", "N_DAYS:3", "THIS_DAY", "LAST_N_EONS:1"]
)
def test_what_is_no_name(name: str) -> None:
    assert not is_date_name(name)


@given(st.dates(date(1700, 1, 1), date(4000, 12, 31)), st.integers(0, 3000))
def test_ranges_are_never_empty(today: date, number: int) -> None:
    for name in ("THIS_WEEK", "LAST_QUARTER", f"N_DAYS_AGO:{number}", f"N_WEEKS_AGO:{number}"):
        start, end = date_range(name, today)
        assert start < end


def test_literals_are_made_comparable() -> None:
    assert normal_datetime("2026-01-05T10:00:00+02:00") == "2026-01-05T08:00:00.000+0000"
    assert normal_datetime("2026-01-05T10:00:00.5Z") == "2026-01-05T10:00:00.500+0000"
    assert normal_datetime("2026-13-05T10:00:00Z") is None
    assert normal_date("2026-02-30") is None
