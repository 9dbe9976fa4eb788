"""The criteria of sharing rules as conditions in SQL (Metadata API guide, SharingCriteriaRule and FilterItem).

A criterion on a field that the object does not have, or whose value does not fit the field, is met by no row.
"""

# ruff: noqa: S608 - SQL is made of the schema's names, quoted; every value is bound

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from harness.sandbox.schema import Criterion, Field, SObject
from harness.sandbox.store import COMPOUND_TYPES, quote

Bind = Callable[[Any], str]
"""Keeps a parameter and gives its placeholder."""
Joined = int | tuple[str, tuple["Joined", ...]]
"""A criterion by its number, from 1, or several under AND, OR or NOT."""

_TOKEN = re.compile(r"\s*(\d+|\(|\)|and\b|or\b|not\b)", re.IGNORECASE)
_DEEPEST = 50
_NUMBERS = frozenset({"int", "double", "currency", "percent"})
_COMPARED = {"lessThan": "<", "greaterThan": ">", "lessOrEqual": "<=", "greaterOrEqual": ">="}
OPERATIONS = frozenset(
    {*_COMPARED, "equals", "notEqual", "contains", "notContain", "startsWith", "includes", "excludes"}
)
_NEVER = "0"


def parse_filter(text: str | None, count: int) -> Joined:
    """How that many criteria are joined. Raises ValueError for a filter that cannot be read or names others."""
    if not text:
        return ("AND", tuple(range(1, count + 1)))
    return _Filter(text, count).read()


class _Filter:
    """Reads `1 AND (2 OR NOT 3)`."""

    def __init__(self, text: str, count: int) -> None:
        self._text = text
        self._count = count
        self._tokens = self._split()
        self._depth = 0

    def read(self) -> Joined:
        found = self._any()
        if self._tokens:
            raise self._wrong()
        return found

    def _split(self) -> list[str]:
        tokens, place = [], 0
        while self._text[place:].strip():
            match = _TOKEN.match(self._text, place)
            if match is None:
                raise self._wrong()
            tokens.append(match[1].upper())
            place = match.end()
        return tokens

    def _any(self) -> Joined:
        return self._chain("OR", lambda: self._chain("AND", self._one))

    def _chain(self, word: str, part: Callable[[], Joined]) -> Joined:
        parts = [part()]
        while self._tokens and self._tokens[0] == word:
            self._tokens.pop(0)
            parts.append(part())
        return parts[0] if len(parts) == 1 else (word, tuple(parts))

    def _one(self) -> Joined:
        word = self._tokens.pop(0) if self._tokens else ""
        if word.isdigit() and 1 <= int(word) <= self._count:
            return int(word)
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self._wrong()
        if word == "NOT":
            inner: Joined = ("NOT", (self._one(),))
        elif word == "(":
            inner = self._any()
            if not self._tokens or self._tokens.pop(0) != ")":
                raise self._wrong()
        else:
            raise self._wrong()
        self._depth -= 1
        return inner

    def _wrong(self) -> ValueError:
        return ValueError(f"the filter {self._text!r} does not join criteria 1 to {self._count}")


class Criteria:
    """Compiles the criteria on one object's table; `named_types` says whether there is a table of record types."""

    def __init__(self, sobject: SObject, alias: str, bind: Bind, *, named_types: bool) -> None:
        self._sobject = sobject
        self._alias = alias
        self._bind = bind
        self._named_types = named_types

    def sql(self, criteria: Sequence[Criterion], joined: Joined) -> str:
        """The condition, joined as `parse_filter` says."""
        if isinstance(joined, int):
            return self._criterion(criteria[joined - 1])
        word, parts = joined
        inner = [self.sql(criteria, one) for one in parts]
        if word == "NOT":
            return f"(NOT IFNULL({inner[0]}, 0))"
        return f"({f' {word} '.join(inner)})" if inner else _NEVER

    def _criterion(self, one: Criterion) -> str:
        field = self._sobject.get(one.field)
        if field is None or field.type in COMPOUND_TYPES:
            return _NEVER
        column = f"{self._alias}.{quote(field.name)}"
        if field.name == "RecordTypeId":
            column = self._record_type(column)
        if field.type == "multipicklist" and one.operation in ("includes", "excludes"):
            return self._chosen(column, one)
        values = [_value(field, text) for text in _split(one.value)]
        if one.operation in ("equals", "notEqual"):
            return self._equal(column, values, negated=one.operation == "notEqual")
        if one.operation in _COMPARED:
            usable = values and values[0] is not None
            return f"{column} {_COMPARED[one.operation]} {self._bind(values[0])}" if usable else _NEVER
        return self._like(column, one)

    def _record_type(self, column: str) -> str:
        """Criteria give record types by name."""
        if not self._named_types:
            return "NULL"
        return f'(SELECT r."Name" FROM "RecordType" r WHERE r."Id" = {column}) COLLATE NOCASE'

    def _equal(self, column: str, values: Sequence[Any], *, negated: bool) -> str:
        present = ", ".join(self._bind(value) for value in values if value is not None)
        found = f"({column} IN ({present}))" if present else _NEVER
        if not values:
            found = f"({column} IS NULL)"
        return f"(NOT IFNULL({found}, 0))" if negated else found

    def _like(self, column: str, one: Criterion) -> str:
        options = []
        for text in _split(one.value):
            escaped = re.sub(r"([\\%_])", r"\\\1", text)
            pattern = f"{escaped}%" if one.operation == "startsWith" else f"%{escaped}%"
            options.append(f"{column} LIKE {self._bind(pattern)} ESCAPE '\\'")
        found = f"({' OR '.join(options)})" if options else _NEVER
        return f"(NOT IFNULL({found}, 0))" if one.operation == "notContain" else found

    def _chosen(self, column: str, one: Criterion) -> str:
        marks = [self._bind(f";{text.strip().lower()};") for text in re.split(r"[;,]", one.value) if text.strip()]
        found = " OR ".join(f"instr(lower(';' || {column} || ';'), {mark}) > 0" for mark in marks) or _NEVER
        return f"(NOT IFNULL(({found}), 0))" if one.operation == "excludes" else f"({found})"


def _split(text: str) -> list[str]:
    """The values of a list; a value with a comma is in double quotes."""
    parts = re.findall(r'"([^"]*)"|([^,]+)', text)
    return [(quoted or plain).strip() for quoted, plain in parts]


def _value(field: Field, text: str) -> Any:
    if field.type == "boolean":
        return {"true": 1, "1": 1, "false": 0, "0": 0}.get(text.lower())
    if field.type in _NUMBERS:
        try:
            return float(text)
        except ValueError:
            return None
    return text
