"""What the columns of an aggregate query hold: counts, the groups' own fields, or what was computed of a field."""

from __future__ import annotations

import re
from collections.abc import Iterator

_SELECT = re.compile(r"\s*SELECT\s+(.*?)\s+FROM\s+(\w+)", re.IGNORECASE | re.DOTALL)
_FUNCTION = re.compile(r"(\w+)\s*\((.*)\)(?:\s+(\w+))?", re.DOTALL)
_FIELD = re.compile(r"([\w.]+)(?:\s+(\w+))?")


def columns_of_aggregates(soql: str) -> dict[str, str | None]:
    """Each column of the rows: the field whose value it holds, or None where it is a count. Others are not told.

    `SELECT Status, COUNT(Id), MAX(Amount) m FROM Order GROUP BY Status`: `{Status: Status, expr0: None, m: Amount}`.
    """
    found = _SELECT.match(soql)
    if found is None:
        return {}
    columns: dict[str, str | None] = {}
    unnamed = 0
    for each in _parts(found[1]):
        if function := _FUNCTION.fullmatch(each):
            name = function[3] or f"expr{unnamed}"
            unnamed += not function[3]
            columns[name] = None if function[1].upper().startswith("COUNT") else function[2].strip()
        elif field := _FIELD.fullmatch(each):
            columns[field[2] or field[1].rpartition(".")[2]] = field[1]
    return columns


def _parts(text: str) -> Iterator[str]:
    """The items of a SELECT list: commas within parentheses divide nothing."""
    depth, start = 0, 0
    for place, char in enumerate(text):
        depth += (char == "(") - (char == ")")
        if char == "," and not depth:
            yield text[start:place].strip()
            start = place + 1
    yield text[start:].strip()
