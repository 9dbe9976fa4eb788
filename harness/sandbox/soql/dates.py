"""Dates in conditions: literals, and names such as TODAY or LAST_N_DAYS:7 (SOQL reference, "Date Literals").

The running user's time zone is taken to be GMT and weeks begin on Sunday.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from harness.sandbox.clock import wire_datetime

Range = tuple[date, date]
"""From the first day to the day after the last."""

_UNITS = ("DAY", "WEEK", "MONTH", "QUARTER", "YEAR", "FISCAL_QUARTER", "FISCAL_YEAR")
_PLURALS = {f"{unit}S": unit for unit in _UNITS}
_LARGEST = 100_000
_FAR = (date(2000, 1, 1), date(4000, 1, 1))
"""A name that means something on both days does so on every day in between."""


def normal_datetime(text: str) -> str | None:
    """A date-time literal as it is stored, in UTC; None where there is no such moment."""
    try:
        moment = datetime.fromisoformat(text.replace("z", "Z"))
        return wire_datetime(moment.astimezone(UTC))
    except (ValueError, OverflowError):
        return None


def normal_date(text: str) -> str | None:
    """A date literal as it is stored; None where there is no such day."""
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        return None


def is_date_name(name: str) -> bool:
    """Whether there is such a date literal, with a number where it needs one."""
    return all(_days(name, day) is not None for day in _FAR)


def date_range(name: str, today: date) -> Range:
    """The days a date literal stands for."""
    found = _days(name, today)
    assert found is not None
    return found


def _days(name: str, today: date) -> Range | None:
    if ":" in name:
        word, _, number = name.partition(":")
        return _relative(word, int(number), today) if len(number) <= 6 and int(number) <= _LARGEST else None
    fixed = {"TODAY": 0, "YESTERDAY": -1, "TOMORROW": 1}
    if name in fixed:
        start = today + timedelta(days=fixed[name])
        return start, start + timedelta(days=1)
    if name == "LAST_90_DAYS":
        return today - timedelta(days=90), today + timedelta(days=1)
    if name == "NEXT_90_DAYS":
        return today + timedelta(days=1), today + timedelta(days=91)
    which, _, unit = name.partition("_")
    offset = {"LAST": -1, "THIS": 0, "NEXT": 1}.get(which)
    if offset is None or unit not in _UNITS[1:]:
        return None
    return _shift(unit, today, offset), _shift(unit, today, offset + 1)


def _relative(word: str, number: int, today: date) -> Range | None:
    try:
        if word.startswith("LAST_N_") and (unit := _PLURALS.get(word[7:])):
            end = today + timedelta(days=1) if unit == "DAY" else _shift(unit, today, 0)
            return _shift(unit, today, -number), end
        if word.startswith("NEXT_N_") and (unit := _PLURALS.get(word[7:])):
            return _shift(unit, today, 1), _shift(unit, today, number + 1)
        if word.startswith("N_") and word.endswith("_AGO") and (unit := _PLURALS.get(word[2:-4])):
            return _shift(unit, today, -number), _shift(unit, today, 1 - number)
    except (OverflowError, ValueError):
        return None
    return None


def _shift(unit: str, today: date, count: int) -> date:
    """The first day of the unit `count` units from now."""
    unit = unit.removeprefix("FISCAL_")
    if unit == "DAY":
        return today + timedelta(days=count)
    if unit == "WEEK":
        return today - timedelta(days=(today.weekday() + 1) % 7) + timedelta(weeks=count)
    months = {"MONTH": 1, "QUARTER": 3, "YEAR": 12}[unit]
    first = (today.year * 12 + today.month - 1) // months * months + count * months
    return date(first // 12, first % 12 + 1, 1)
