"""Texts out of a file, so that they can be printed: short, and without what a terminal would obey."""

from __future__ import annotations

import re
import textwrap

WIDTH = 110
LONGEST = 100
_OBEYED = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
"""Control characters but the line's end, and those that turn or hide the text behind them (Unicode TR 36)."""
_CLAUSE = re.compile(r"\s+(?=(?:FROM|WHERE|GROUP BY|HAVING|ORDER BY|LIMIT|OFFSET|FOR|ALL ROWS|USING SCOPE)\b)", re.I)


def printable(text: str) -> str:
    """A text of several lines."""
    return _OBEYED.sub("", text.replace("\r\n", "\n").replace("\t", " "))


def clipped(value: object, longest: int = LONGEST) -> str:
    """A text in one line, and not too long."""
    line = " ".join(printable("" if value is None else str(value)).split())
    return line if len(line) <= longest else f"{line[: longest - 3]}..."


def soql_lines(soql: str) -> list[str]:
    """A query, one clause a line, wrapped."""
    clauses = _CLAUSE.split(" ".join(printable(soql).split()))
    return [line for clause in clauses for line in textwrap.wrap(clause, WIDTH, subsequent_indent="  ")]
