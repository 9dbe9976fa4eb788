"""Texts out of a file, so that they can be printed: short, and without what a terminal would obey."""

from __future__ import annotations

import re
import textwrap

from harness.recording.hosts import CANONICAL_URL

WIDTH = 110
LONGEST = 100
_OBEYED = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")
"""Control characters but the line's end, and those that turn or hide the text behind them (Unicode TR 36)."""
_CLAUSE = re.compile(r"\s+(?=(?:FROM|WHERE|GROUP BY|HAVING|ORDER BY|LIMIT|OFFSET|FOR|ALL ROWS|USING SCOPE)\b)", re.I)

_SEGMENT = re.compile(r"|[A-Za-z_][A-Za-z0-9_-]{0,40}(?:\.jsp)?|[0-9a-zA-Z]{15}(?:[0-9a-zA-Z]{3})?|v?[0-9]{1,3}\.0")
"""Of a path: a name, an id, a version."""


def printable(text: str) -> str:
    """A text of several lines."""
    return _OBEYED.sub("", text.replace("\r\n", "\n").replace("\t", " "))


def clipped(value: object, longest: int = LONGEST) -> str:
    """A text in one line, and not too long."""
    line = " ".join(printable("" if value is None else str(value)).split())
    return line if len(line) <= longest else f"{line[: longest - 3]}..."


def path_of_names(url: str) -> str:
    """The path of a URL without what is no name in it: a segment may hold a value, such as somebody's address."""
    segments = url.partition("?")[0].removeprefix(CANONICAL_URL).split("/")
    return "/".join(each if _SEGMENT.fullmatch(each) else "..." for each in segments)


def soql_lines(soql: str) -> list[str]:
    """A query, one clause a line, wrapped."""
    clauses = _CLAUSE.split(" ".join(printable(soql).split()))
    return [line for clause in clauses for line in textwrap.wrap(clause, WIDTH, subsequent_indent="  ")]
