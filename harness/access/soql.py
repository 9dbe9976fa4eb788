"""Writing SOQL: every value is quoted, and no list grows without bound."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

Item = TypeVar("Item")

IDS_PER_QUERY = 200
"""Ids in one IN list: a URL holds 16,384 bytes (facts 5.1)."""


def select(sobject: str, columns: Iterable[str], *, where: str = "", order: str = "") -> str:
    """A SOQL query."""
    parts = ["SELECT", ", ".join(columns), "FROM", sobject]
    parts += ["WHERE", where] if where else []
    parts += ["ORDER BY", order] if order else []
    return " ".join(parts)


def quote(text: str) -> str:
    """A SOQL string literal."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def equals(column: str, value: str) -> str:
    """A condition: the column has this value."""
    return f"{column} = {quote(value)}"


def among(column: str, values: Iterable[str]) -> str:
    """A condition: the column has one of these values."""
    return f"{column} IN ({', '.join(quote(one) for one in values)})"


def batches(values: Sequence[Item], size: int = IDS_PER_QUERY) -> Iterator[Sequence[Item]]:
    """The values in runs of at most `size`."""
    for start in range(0, len(values), size):
        yield values[start : start + size]
