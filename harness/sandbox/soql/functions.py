"""Functions of a field: parts of dates, distances, labels and formats (SOQL reference, "Date Functions" and others)."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, tzinfo
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from harness.sandbox.errors import ApiError
from harness.sandbox.schema import Field
from harness.sandbox.soql import syntax
from harness.sandbox.soql.dates import FiscalStart, ZoneName
from harness.sandbox.soql.like import matches
from harness.sandbox.soql.messages import malformed, refusal, unexpected_token
from harness.sandbox.soql.names import Column, Frame
from harness.sandbox.soql.traits import DATES
from harness.sandbox.store import Store, quote

DATE_FUNCTIONS: Mapping[str, str] = {
    "calendar_month": "int",
    "calendar_quarter": "int",
    "calendar_year": "int",
    "day_in_month": "int",
    "day_in_week": "int",
    "day_in_year": "int",
    "day_only": "date",
    "fiscal_month": "int",
    "fiscal_quarter": "int",
    "fiscal_year": "int",
    "hour_in_day": "int",
    "week_in_month": "int",
    "week_in_year": "int",
}
"""Names in lower case, and the type of the answer."""

_RADIUS = {"mi": 3958.7613, "km": 6371.0088}
_SQL_DATE_PART = "soql_date_part"
_SQL_DISTANCE = "soql_distance"


def install(store: Store) -> None:
    """Teach SQLite the functions that it lacks."""
    store.teach(_SQL_DATE_PART, 4, _date_part)
    store.teach(_SQL_DISTANCE, 5, _distance)
    store.teach("soql_like", 2, matches)


def date_column(call: syntax.Call, frame: Frame) -> Column:
    """A date function as SQL; its argument is a date, or a date-time, which may be converted to the user's zone."""
    inner = call.arguments[0] if len(call.arguments) == 1 else None
    zone: object = ""
    if isinstance(inner, syntax.Call) and inner.name == "converttimezone" and inner.path is not None:
        inner, zone = inner.path, ZoneName()
    if not isinstance(inner, syntax.Path):
        raise unexpected_token(frame.soql, call.at, call.written)
    column = frame.column(inner)
    timed = column.field.type == "datetime"
    if column.field.type not in DATES or (not timed and (zone or call.name in ("day_only", "hour_in_day"))):
        text = f"{call.written} is not supported on a field of type {column.field.type}: {column.field.name}"
        raise malformed(frame.soql, call.at, text)
    bind = frame.binder.bind
    sql = f"{_SQL_DATE_PART}({column.sql}, {bind(call.name)}, {bind(zone)}, {bind(FiscalStart())})"
    return Column(sql, Field(name=call.written, type=DATE_FUNCTIONS[call.name], label=call.written), column.sobject)


def distance_column(call: syntax.Call, frame: Frame) -> Column:
    """`DISTANCE(Place__c, GEOLOCATION(37.7, -122.4), 'mi')` as SQL."""
    path, place, unit = call.arguments if len(call.arguments) == 3 else (None, None, None)
    if not (
        isinstance(path, syntax.Path)
        and isinstance(place, syntax.Call)
        and place.name == "geolocation"
        and len(place.arguments) == 2
        and all(isinstance(one, syntax.Literal) and one.kind == "number" for one in place.arguments)
        and isinstance(unit, syntax.Literal)
        and unit.value in _RADIUS
    ):
        raise unexpected_token(frame.soql, call.at, call.written)
    node, _ = frame.place(path)
    column = frame.column(path)
    parts = {
        suffix: one.name
        for suffix in ("latitude", "longitude")
        for one in column.sobject.fields.values()
        if one.compound == column.field.name and one.name.lower().removesuffix("__s").endswith(suffix)
    }
    if len(parts) != 2:
        text = f"field '{column.field.name}' can not be used in a DISTANCE expression"
        raise refusal(frame.soql, path.at, "INVALID_FIELD", text)
    alias = node.targets[0][1]
    numbers = [one.value for one in place.arguments if isinstance(one, syntax.Literal)]
    arguments = [f"{alias}.{quote(name)}" for name in parts.values()]
    arguments += [frame.binder.bind(one) for one in (*numbers, _RADIUS[str(unit.value)])]
    kind = Field(name=call.written, type="double", label=call.written)
    return Column(f"{_SQL_DISTANCE}({', '.join(arguments)})", kind, column.sobject)


def refuse_function(call: syntax.Call, frame: Frame) -> ApiError:
    """The refusal of a function that there is not, or not here."""
    return unexpected_token(frame.soql, call.at, call.written)


def formatter(field: Field) -> Callable[[Any], Any]:
    """What FORMAT() makes of a value: as a user of the locale en_US sees it."""
    if field.type == "date":
        return lambda value: f"{int(value[5:7])}/{int(value[8:10])}/{value[:4]}"
    if field.type == "datetime":
        return _us_datetime
    if field.type == "currency":
        return lambda value: f"${value:,.{field.scale}f}"
    if field.type in ("double", "percent", "int"):
        sign = "%" if field.type == "percent" else ""
        return lambda value: f"{value:,.{field.scale}f}{sign}"
    return lambda value: value


def _us_datetime(value: str) -> str:
    moment = datetime.fromisoformat(value)
    hour = moment.hour % 12 or 12
    return f"{moment.month}/{moment.day}/{moment.year}, {hour}:{moment:%M} {'AM' if moment.hour < 12 else 'PM'}"


@lru_cache(maxsize=64)
def zone_of(name: str | None) -> tzinfo:
    """The time zone of that name; UTC where there is none."""
    try:
        return ZoneInfo(name) if name else UTC
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def _date_part(value: str | None, part: str, zone: str, fiscal_start: int) -> int | str | None:
    if value is None:
        return None
    if len(value) > 10:
        moment = datetime.fromisoformat(value).astimezone(zone_of(zone))
        if part == "hour_in_day":
            return moment.hour
        day = moment.date()
    else:
        day = date.fromisoformat(value)
    return day.isoformat() if part == "day_only" else _PARTS[part](day, fiscal_start)


def _fiscal_month(day: date, start: int) -> int:
    return (day.month - abs(start)) % 12 + 1


def _fiscal_year(day: date, start: int) -> int:
    """A fiscal year is named after the year in which it ends, or starts where `start` is negative."""
    first = abs(start)
    began = day.year if day.month >= first else day.year - 1
    return began if start < 0 or first == 1 else began + 1


_PARTS: Mapping[str, Callable[[date, int], int]] = {
    "calendar_month": lambda day, _: day.month,
    "calendar_quarter": lambda day, _: (day.month + 2) // 3,
    "calendar_year": lambda day, _: day.year,
    "day_in_month": lambda day, _: day.day,
    "day_in_week": lambda day, _: (day.weekday() + 1) % 7 + 1,
    "day_in_year": lambda day, _: day.timetuple().tm_yday,
    "fiscal_month": _fiscal_month,
    "fiscal_quarter": lambda day, start: (_fiscal_month(day, start) + 2) // 3,
    "fiscal_year": _fiscal_year,
    "week_in_month": lambda day, _: (day.day + 6) // 7,
    "week_in_year": lambda day, _: (day.timetuple().tm_yday + 6) // 7,
}


def _distance(
    latitude: float | None, longitude: float | None, to_latitude: float, to_longitude: float, radius: float
) -> float | None:
    """The great-circle distance of two places."""
    if latitude is None or longitude is None:
        return None
    here, there = math.radians(latitude), math.radians(to_latitude)
    turn = math.radians(to_longitude - longitude)
    half = math.sin((there - here) / 2) ** 2 + math.cos(here) * math.cos(there) * math.sin(turn / 2) ** 2
    return 2 * radius * math.asin(min(1.0, math.sqrt(half)))
