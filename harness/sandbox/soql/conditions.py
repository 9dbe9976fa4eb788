"""Conditions as SQL: operators, literals by the type of the field, semi-joins.

A condition never yields NULL where SOQL sees false: `!=` and NOT IN find rows without a value too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from harness.sandbox.clock import wire_datetime
from harness.sandbox.errors import ApiError
from harness.sandbox.ids import long_id
from harness.sandbox.soql import syntax
from harness.sandbox.soql.dates import date_range, is_date_name, normal_date, normal_datetime
from harness.sandbox.soql.messages import malformed, refusal
from harness.sandbox.soql.names import Column, Frame

_IDS = frozenset({"id", "reference"})
_UNORDERED = _IDS | {"boolean", "multipicklist"}
_NUMBERS = frozenset({"int", "double", "currency", "percent"})
_DATES = frozenset({"date", "datetime"})
_MOST_SEMI_JOINS = 2

Subquery = Callable[[syntax.Query, Frame], str]


@dataclass(frozen=True, slots=True)
class DateBound:
    """A parameter that depends on the day: one end of what a date literal stands for."""

    name: str
    end: bool
    with_time: bool

    def value(self, today: date) -> str:
        """As it is stored."""
        day = date_range(self.name, today)[self.end]
        if not self.with_time:
            return day.isoformat()
        return wire_datetime(datetime(day.year, day.month, day.day, tzinfo=UTC))


class Conditions:
    """Compiles the conditions of one frame."""

    def __init__(self, frame: Frame, operand: Callable[[syntax.Operand], Column], subquery: Subquery) -> None:
        self._frame = frame
        self._operand = operand
        self._subquery = subquery
        self._semi_joins = 0

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
        if not column.field.filterable:
            text = f"field '{column.field.name}' can not be filtered in a query call"
            raise self._refuse(operand.at, "INVALID_FIELD", text)
        return column

    def _refuse(self, at: int, code: str, text: str) -> ApiError:
        return refusal(self._frame.soql, at, code, text)

    def _bind(self, value: Any) -> str:
        return self._frame.binder.bind(value)

    # Comparisons

    def _comparison(self, condition: syntax.Comparison) -> str:
        column = self._column(condition.operand)
        operator = condition.operator
        kind = column.field.type
        if operator not in ("=", "!=") and kind in _UNORDERED:
            name = "id" if kind in _IDS else kind
            raise self._refuse(
                condition.operand.at, "INVALID_QUERY_FILTER_OPERATOR", f"invalid operator on {name} field"
            )
        if operator == "LIKE":
            return self._like(column, condition)
        if condition.value.kind == "date-name" and kind in _DATES:
            return self._in_days(column, operator, condition.value)
        value = self.value(column, condition.value)
        if value is None:
            return {"=": f"{column.sql} IS NULL", "!=": f"{column.sql} IS NOT NULL"}.get(operator, "0")
        mark = self._bind(value)
        return f"{column.sql} IS NOT {mark}" if operator == "!=" else f"{column.sql} {operator} {mark}"

    def _like(self, column: Column, condition: syntax.Comparison) -> str:
        if column.field.type in _NUMBERS | _DATES:
            text = f"invalid operator on {column.field.type} field"
            raise self._refuse(condition.operand.at, "INVALID_QUERY_FILTER_OPERATOR", text)
        value = self.value(column, condition.value)
        return "0" if value is None else f"{column.sql} LIKE {self._bind(value)} ESCAPE '\\'"

    def _in_days(self, column: Column, operator: str, literal: syntax.Literal) -> str:
        name = str(literal.value)
        if not is_date_name(name):
            raise malformed(self._frame.soql, literal.at, f"unexpected token: '{literal.raw}'")
        with_time = column.field.type == "datetime"
        start = self._bind(DateBound(name, False, with_time))
        end = self._bind(DateBound(name, True, with_time))
        within = f"({column.sql} >= {start} AND {column.sql} < {end})"
        return {
            "=": within,
            "!=": f"(NOT IFNULL({within}, 0))",
            "<": f"{column.sql} < {start}",
            "<=": f"{column.sql} < {end}",
            ">": f"{column.sql} >= {end}",
            ">=": f"{column.sql} >= {start}",
        }[operator]

    # Sets

    def _membership(self, condition: syntax.Membership) -> str:
        column = self._column(condition.operand)
        if isinstance(condition.members, syntax.Query):
            inner = self._semi_join(condition, column)
        else:
            days = [one for one in condition.members if one.kind == "date-name"]
            if days and column.field.type in _DATES:
                return self._any_day(condition)
            values = [self.value(column, literal) for literal in condition.members]
            if None in values:
                present = ", ".join(self._bind(value) for value in values if value is not None)
                found = f"({column.sql} IS NULL OR {column.sql} IN ({present}))"
                return f"(NOT IFNULL({found}, 0))" if condition.negated else found
            inner = ", ".join(self._bind(value) for value in values)
        if condition.negated:
            return f"(NOT IFNULL({column.sql} IN ({inner}), 0))"
        return f"{column.sql} IN ({inner})"

    def _any_day(self, condition: syntax.Membership) -> str:
        assert isinstance(condition.members, tuple)
        parts = [self._comparison(syntax.Comparison(condition.operand, "=", literal)) for literal in condition.members]
        found = _balanced("OR", parts)
        return f"(NOT IFNULL({found}, 0))" if condition.negated else found

    def _semi_join(self, condition: syntax.Membership, column: Column) -> str:
        assert isinstance(condition.members, syntax.Query)
        self._semi_joins += 1
        if self._semi_joins > _MOST_SEMI_JOINS:
            text = "Maximum 2 semi join sub-selects are allowed"
            raise malformed(self._frame.soql, condition.operand.at, text)
        if column.field.type not in _IDS:
            text = f"Invalid field: '{column.field.name}': semi join sub-selects need an ID or reference field"
            raise malformed(self._frame.soql, condition.operand.at, text)
        return self._subquery(condition.members, self._frame)

    def _chosen(self, condition: syntax.Chosen) -> str:
        column = self._column(condition.operand)
        if column.field.type != "multipicklist":
            word = "excludes" if condition.negated else "includes"
            text = f"{word} operator only valid on multipicklist field"
            raise self._refuse(condition.operand.at, "INVALID_QUERY_FILTER_OPERATOR", text)
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
        if kind == "boolean":
            return self._expect(literal, "boolean", column, "boolean")
        if kind in _NUMBERS:
            return self._expect(literal, "number", column, kind)
        if kind in _DATES:
            return self._moment(column, literal)
        if kind in _IDS:
            return self._id(column, literal)
        if literal.kind != "string":
            text = (
                f"value of filter criterion for field '{column.field.name}' must be of type string and should be "
                "enclosed in quotes"
            )
            raise self._refuse(literal.at, "INVALID_FIELD", text)
        return literal.value

    def _expect(self, literal: syntax.Literal, wanted: str, column: Column, kind: str) -> Any:
        if literal.kind != wanted:
            text = (
                f"value of filter criterion for field '{column.field.name}' must be of type {kind} and should not be "
                "enclosed in quotes"
            )
            raise self._refuse(literal.at, "INVALID_FIELD", text)
        return int(literal.value) if isinstance(literal.value, bool) else literal.value

    def _moment(self, column: Column, literal: syntax.Literal) -> str:
        wanted = column.field.type
        self._expect(literal, wanted, column, "dateTime" if wanted == "datetime" else "date")
        text = str(literal.value)
        value = normal_datetime(text) if wanted == "datetime" else normal_date(text)
        if value is None:
            raise malformed(self._frame.soql, literal.at, f"unexpected token: '{literal.raw}'")
        return value

    def _id(self, column: Column, literal: syntax.Literal) -> str:
        text = str(literal.value)
        if column.sobject.key_prefix == "" or "EntityDefinition" in column.field.reference_to:
            return text
        found = long_id(text) if literal.kind == "string" else None
        if found is None:
            raise self._refuse(literal.at, "INVALID_QUERY_FILTER_OPERATOR", f"invalid ID field: {text}")
        return found


def _balanced(word: str, parts: list[str]) -> str:
    """Conditions under one word, nested in halves: SQLite limits how deep an expression may be."""
    if len(parts) == 1:
        return parts[0]
    middle = len(parts) // 2
    return f"({_balanced(word, parts[:middle])} {word} {_balanced(word, parts[middle:])})"
