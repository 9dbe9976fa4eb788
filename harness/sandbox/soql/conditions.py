"""Conditions as SQL: operators, literals by the type of the field, sets.

A condition never yields NULL where SOQL sees false: `!=` and NOT IN find rows without a value too.
"""

# ruff: noqa: S608 - SQL is made of the schema's names, quoted; every value is bound

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from harness.sandbox.errors import ApiError
from harness.sandbox.ids import long_id
from harness.sandbox.soql import syntax
from harness.sandbox.soql.dates import DateBound, is_date_name, normal_date, normal_datetime
from harness.sandbox.soql.like import is_simple, like_pattern
from harness.sandbox.soql.messages import refusal, unexpected_token
from harness.sandbox.soql.names import Column, Frame
from harness.sandbox.soql.plan import Listed
from harness.sandbox.soql.traits import COMPOUNDS, DATES, IDS, NUMBERS

_UNORDERED = IDS | {"boolean", "multipicklist"}
_FEW = 50
"""So many values of a list are parameters of their own; longer lists are one."""

_WANTED = {"boolean": ("boolean", "boolean"), "time": ("time", "time"), **{one: ("number", one) for one in NUMBERS}}
"""By type of field: the kind of literal it takes, where that is no string, and how refusals name it."""

Operand = Callable[[syntax.Operand], Column]
SemiJoin = Callable[[syntax.Membership, Column], str]


class Conditions:
    """Compiles the conditions of one frame. `semi_join` gives the SELECT of a query inside IN."""

    def __init__(self, frame: Frame, operand: Operand, semi_join: SemiJoin) -> None:
        self._frame = frame
        self._operand = operand
        self._semi_join = semi_join

    def sql(self, condition: syntax.Condition) -> str:
        """The condition as SQL."""
        match condition:
            case syntax.Joined(word, items):
                return _balanced(word, [self.sql(item) for item in items])
            case syntax.Negated(item):
                return f"(NOT IFNULL({self.sql(item)}, 0))"
            case syntax.Comparison():
                return self._comparison(condition)
            case syntax.Membership():
                return self._membership(condition)
            case syntax.Chosen():
                return self._chosen(condition)

    def _column(self, operand: syntax.Operand) -> Column:
        column = self._operand(operand)
        if column.field.type in COMPOUNDS:
            word = "Address" if column.field.type == "address" else "Geolocation"
            text = f"{word} fields can only be filtered using Distance expressions"
            raise self._refuse(operand.at, "INVALID_FIELD", text)
        if not column.field.filterable:
            text = f"field '{column.field.name}' can not be filtered in a query call"
            raise self._refuse(operand.at, "INVALID_FIELD", text)
        return column

    def _refuse(self, at: int, code: str, text: str) -> ApiError:
        return refusal(self._frame.soql, at, code, text)

    def _refuse_operator(self, at: int, text: str) -> ApiError:
        return self._refuse(at, "INVALID_QUERY_FILTER_OPERATOR", text)

    def _bind(self, value: Any) -> str:
        return self._frame.binder.bind(value)

    # Comparisons

    def _comparison(self, condition: syntax.Comparison) -> str:
        column = self._column(condition.operand)
        operator = condition.operator
        kind = column.field.type
        if operator not in ("=", "!=") and kind in _UNORDERED:
            name = "id" if kind in IDS else kind
            raise self._refuse_operator(condition.operand.at, f"invalid operator on {name} field")
        self._check_name(condition.value)
        if operator == "LIKE":
            return self._like(column, condition)
        if condition.value.kind == "date-name" and kind in DATES:
            return self._in_days(column, operator, condition.value)
        value = self.value(column, condition.value)
        if value is None:
            return {"=": f"{column.sql} IS NULL", "!=": f"{column.sql} IS NOT NULL"}.get(operator, "0")
        mark = self._bind(value)
        return f"{column.sql} IS NOT {mark}" if operator == "!=" else f"{column.sql} {operator} {mark}"

    def _check_name(self, literal: syntax.Literal) -> None:
        if literal.kind == "date-name" and not is_date_name(str(literal.value)):
            raise unexpected_token(self._frame.soql, literal.at, literal.raw)

    def _like(self, column: Column, condition: syntax.Comparison) -> str:
        if column.field.type in NUMBERS | DATES | {"time"}:
            raise self._refuse_operator(condition.operand.at, f"invalid operator on {column.field.type} field")
        if self.value(column, condition.value) is None:
            return "0"
        pattern = like_pattern(condition.value.raw)
        if is_simple(pattern):
            return f"{column.sql} LIKE {self._bind(pattern)} ESCAPE '\\'"
        return f"soql_like({column.sql}, {self._bind(pattern)})"

    def _in_days(self, column: Column, operator: str, literal: syntax.Literal) -> str:
        name, with_time = str(literal.value), column.field.type == "datetime"
        start = self._bind(DateBound(name, False, with_time))
        end = self._bind(DateBound(name, True, with_time))
        return _between(column.sql, operator, start, end)

    # Sets

    def _membership(self, condition: syntax.Membership) -> str:
        column = self._column(condition.operand)
        if isinstance(condition.members, syntax.Query):
            return _within(column.sql, self._semi_join(condition, column), negated=condition.negated)
        for literal in condition.members:
            self._check_name(literal)
        if column.field.type in DATES and any(one.kind == "date-name" for one in condition.members):
            return self._any_day(condition)
        values = [self.value(column, literal) for literal in condition.members]
        present = [value for value in values if value is not None]
        if len(present) > _FEW:
            inner = f"SELECT value FROM json_each({self._bind(Listed(tuple(present), json.dumps(present)))})"
        else:
            inner = ", ".join(self._bind(value) for value in present)
        if len(present) == len(values):
            return _within(column.sql, inner, negated=condition.negated)
        found = f"({column.sql} IS NULL OR {column.sql} IN ({inner}))"
        return f"(NOT IFNULL({found}, 0))" if condition.negated else found

    def _any_day(self, condition: syntax.Membership) -> str:
        assert isinstance(condition.members, tuple)
        parts = [self._comparison(syntax.Comparison(condition.operand, "=", literal)) for literal in condition.members]
        found = _balanced("OR", parts)
        return f"(NOT IFNULL({found}, 0))" if condition.negated else found

    def _chosen(self, condition: syntax.Chosen) -> str:
        column = self._column(condition.operand)
        if column.field.type != "multipicklist":
            word = "excludes" if condition.negated else "includes"
            text = f"{word} operator only valid on multipicklist field"
            raise self._refuse_operator(condition.operand.at, text)
        options = []
        for literal in condition.members:
            text = str(self.value(column, literal) or "")
            parts = [self._bind(f";{part.strip().lower()};") for part in text.split(";")]
            options.append(
                "(" + " AND ".join(f"instr(lower(';' || {column.sql} || ';'), {part}) > 0" for part in parts) + ")"
            )
        found = _balanced("OR", options)
        return f"(NOT IFNULL({found}, 0))" if condition.negated else found

    # Literals

    def value(self, column: Column, literal: syntax.Literal) -> Any:
        """A literal as the column keeps it; None for null and the empty string."""
        if literal.kind == "null" or (literal.kind == "string" and literal.value == ""):
            return None
        kind = column.field.type
        if kind in DATES:
            return self._moment(column, literal)
        if kind in IDS:
            return self._id(column, literal)
        wanted, shown = _WANTED.get(kind, ("string", "string"))
        if literal.kind != wanted:
            raise self._mismatch(column, literal, shown)
        if kind == "time":
            return _time(literal.raw)
        return int(literal.value) if isinstance(literal.value, bool) else literal.value

    def _mismatch(self, column: Column, literal: syntax.Literal, kind: str) -> ApiError:
        quoted = "should be" if kind == "string" else "should not be"
        text = (
            f"value of filter criterion for field '{column.field.name}' must be of type {kind} and {quoted} "
            "enclosed in quotes"
        )
        return self._refuse(literal.at, "INVALID_FIELD", text)

    def _moment(self, column: Column, literal: syntax.Literal) -> str:
        wanted = column.field.type
        if literal.kind != wanted:
            raise self._mismatch(column, literal, "dateTime" if wanted == "datetime" else "date")
        text = str(literal.value)
        value = normal_datetime(text) if wanted == "datetime" else normal_date(text)
        if value is None:
            raise unexpected_token(self._frame.soql, literal.at, literal.raw)
        return value

    def _id(self, column: Column, literal: syntax.Literal) -> str:
        text = str(literal.value)
        if column.sobject.key_prefix == "" or "EntityDefinition" in column.field.reference_to:
            return text
        found = long_id(text) if literal.kind == "string" else None
        if found is None:
            raise self._refuse_operator(literal.at, f"invalid ID field: {text}")
        return found


def _within(sql: str, inner: str, *, negated: bool) -> str:
    return f"(NOT IFNULL({sql} IN ({inner}), 0))" if negated else f"{sql} IN ({inner})"


def _between(sql: str, operator: str, start: str, end: str) -> str:
    """A comparison with everything from `start` to just before `end`."""
    within = f"({sql} >= {start} AND {sql} < {end})"
    return {
        "=": within,
        "!=": f"(NOT IFNULL({within}, 0))",
        "<": f"{sql} < {start}",
        "<=": f"{sql} < {end}",
        ">": f"{sql} >= {end}",
        ">=": f"{sql} >= {start}",
    }[operator]


def _time(text: str) -> str:
    """A time as it is stored: `12:30:00.000Z`."""
    return f"{text[:8]}.{(text[8:].lstrip('.').rstrip('Zz') + '000')[:3]}Z"


def _balanced(word: str, parts: list[str]) -> str:
    """Conditions under one word, nested in halves: SQLite limits how deep an expression may be."""
    if len(parts) == 1:
        return parts[0]
    middle = len(parts) // 2
    return f"({_balanced(word, parts[:middle])} {word} {_balanced(word, parts[middle:])})"
