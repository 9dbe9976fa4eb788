"""Dates in conditions: literals, and names such as TODAY or LAST_N_DAYS:7 (SOQL reference, "Date Literals").

Days begin at midnight in the running user's time zone; weeks begin on Sunday. The fiscal year is the calendar year
unless the organization's row says otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo

from harness.sandbox.clock import wire_datetime

Range = tuple[date, date]
"""From the first day to the day after the last."""

_UNITS = ("DAY", "WEEK", "MONTH", "QUARTER", "YEAR", "FISCAL_QUARTER", "FISCAL_YEAR")
_PLURALS = {f"{unit}S": unit for unit in _UNITS}
_FIXED = {"TODAY": (0, 1), "YESTERDAY": (-1, 0), "TOMORROW": (1, 2), "LAST_90_DAYS": (-90, 1), "NEXT_90_DAYS": (1, 91)}
"""Days from today on: the first, and the one after the last."""

_LARGEST = 100_000
_FAR = (date(2000, 1, 1), date(4000, 1, 1))
"""A name that means something on both days does so on every day in between."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """What the meaning of a date depends on: the time, the user's time zone, and the organization's fiscal year."""

    now: datetime
    zone: tzinfo = UTC
    fiscal_start: int = 1
    """The month in which the fiscal year begins."""
    named_by_start: bool = False
    """Whether a fiscal year is named after the calendar year in which it starts, and not that in which it ends."""

    @property
    def today(self) -> date:
        """The day it is for the user."""
        return self.now.astimezone(self.zone).date()

    def begin(self, day: date) -> str:
        """When a day begins for the user, as times are stored."""
        try:
            return wire_datetime(datetime(day.year, day.month, day.day, tzinfo=self.zone))
        except OverflowError:
            return f"{day.isoformat()}T00:00:00.000+0000"


@dataclass(frozen=True, slots=True)
class DateBound:
    """A parameter that depends on the day: one end of what a date literal stands for."""

    name: str
    end: bool
    with_time: bool

    def value(self, calendar: Calendar) -> str:
        """As it is stored."""
        day = date_range(self.name, calendar.today, calendar.fiscal_start)[self.end]
        return calendar.begin(day) if self.with_time else day.isoformat()


@dataclass(frozen=True, slots=True)
class ZoneName:
    """A parameter that is the name of the user's time zone."""

    def value(self, calendar: Calendar) -> str:
        """As time zones are named."""
        return str(calendar.zone)


@dataclass(frozen=True, slots=True)
class FiscalStart:
    """A parameter that is the month in which the fiscal year begins, negative where its name is that of its start."""

    def value(self, calendar: Calendar) -> int:
        """The month."""
        return -calendar.fiscal_start if calendar.named_by_start else calendar.fiscal_start


Dated = DateBound | ZoneName | FiscalStart
"""Parameters that are known when the query runs."""


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
    return all(_days(name, day, 1) is not None for day in _FAR)


def date_range(name: str, today: date, fiscal_start: int = 1) -> Range:
    """The days a date literal stands for."""
    found = _days(name, today, fiscal_start)
    assert found is not None
    return found


def _days(name: str, today: date, fiscal_start: int) -> Range | None:
    if ":" in name:
        word, _, number = name.partition(":")
        if len(number) > 6 or int(number) > _LARGEST:
            return None
        return _relative(word, int(number), today, fiscal_start)
    if name in _FIXED:
        first, last = _FIXED[name]
        return today + timedelta(days=first), today + timedelta(days=last)
    which, _, unit = name.partition("_")
    offset = {"LAST": -1, "THIS": 0, "NEXT": 1}.get(which)
    if offset is None or unit not in _UNITS[1:]:
        return None
    return _shift(unit, today, offset, fiscal_start), _shift(unit, today, offset + 1, fiscal_start)


def _relative(word: str, number: int, today: date, fiscal_start: int) -> Range | None:
    def shift(unit: str, count: int) -> date:
        return _shift(unit, today, count, fiscal_start)

    try:
        if word.startswith("LAST_N_") and (unit := _PLURALS.get(word[7:])):
            end = today + timedelta(days=1) if unit == "DAY" else shift(unit, 0)
            return shift(unit, -number), end
        if word.startswith("NEXT_N_") and (unit := _PLURALS.get(word[7:])):
            return shift(unit, 1), shift(unit, number + 1)
        if word.startswith("N_") and word.endswith("_AGO") and (unit := _PLURALS.get(word[2:-4])):
            return shift(unit, -number), shift(unit, 1 - number)
    except (OverflowError, ValueError):
        return None
    return None


def _shift(unit: str, today: date, count: int, fiscal_start: int) -> date:
    """The first day of the unit `count` units from now."""
    offset = fiscal_start - 1 if unit.startswith("FISCAL_") else 0
    unit = unit.removeprefix("FISCAL_")
    if unit == "DAY":
        return today + timedelta(days=count)
    if unit == "WEEK":
        return today - timedelta(days=(today.weekday() + 1) % 7) + timedelta(weeks=count)
    months = {"MONTH": 1, "QUARTER": 3, "YEAR": 12}[unit]
    first = (today.year * 12 + today.month - 1 - offset) // months * months + count * months + offset
    return date(first // 12, first % 12 + 1, 1)
