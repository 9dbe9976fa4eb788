"""The little SOQL that checks write and read."""

from __future__ import annotations

import re


def select(fields: str, sobject: str, *, where: str | None = None, order: str | None = None, limit: int) -> str:
    """A query for `fields` of at most `limit` rows of an object."""
    parts = ["SELECT", fields, "FROM", sobject]
    parts += ["WHERE", where] if where else []
    parts += ["ORDER BY", order] if order else []
    return " ".join([*parts, "LIMIT", str(limit)])


def from_object(soql: str) -> str:
    """The object a SOQL query is about: that of its outermost FROM."""
    text = re.sub(r"'(?:\\.|[^'\\])*'", "''", soql)
    while "(" in text:
        inner = re.sub(r"\([^()]*\)", " ", text)
        if inner == text:
            break
        text = inner
    match = re.search(r"\bFROM\s+(\w+)", text, re.IGNORECASE)
    return match[1] if match else "?"
