"""What a SOSL search brings back: its RETURNING clause. Pure."""

from __future__ import annotations

import re

from harness.access.use.deeds import NotUnderstood, Selected
from harness.access.use.soql import Reader, parts_of, selected

_SOUGHT = re.compile(r"^\s*FIND\s*(\{(?:\\.|[^}\\])*\}|'(?:\\.|[^'\\])*')", re.IGNORECASE)
_RETURNING = re.compile(r"\bRETURNING\b", re.IGNORECASE)


def read_sosl(sosl: str) -> list[Selected]:
    """The queries a search amounts to, one for each object it returns. Raises NotUnderstood."""
    rest = _SOUGHT.sub("", sosl, count=1)
    match = _RETURNING.search(rest)
    if rest == sosl or match is None:
        raise NotUnderstood("a search without RETURNING brings rows of any object")
    reader = Reader(rest[match.end() :])
    found = [_returned(reader)]
    while reader.skip(","):
        found.append(_returned(reader))
    return found


def _returned(reader: Reader) -> Selected:
    source = reader.name()
    parts = parts_of(source)
    parts.paths.add(("Id",))
    if reader.skip("("):
        reader.fields(parts)
        reader.clauses(parts)
        reader.expect(")")
    return selected(source, parts)
