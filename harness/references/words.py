"""Text that may name a user: merge fields, string literals, and comments in which nothing counts.

What is blanked keeps its length, so that offsets stay those of the original.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_QUOTED = r'"(?:\\.|[^"\\])*"' + r"|'(?:\\.|[^'\\])*'"
_IN_FORMULA = re.compile(rf"(?P<string>{_QUOTED})|(?P<comment>/\*.*?\*/)", re.DOTALL)
_IN_APEX = re.compile(r"(?P<string>'(?:\\.|[^'\\\n])*')|(?P<comment>/\*.*?\*/|//[^\n]*)", re.DOTALL)
_HTML_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_MERGE_FIELD = re.compile(r"\$(Profile|UserRole|User|Permission)\.([A-Za-z]\w*(?:\.\w+)*)", re.IGNORECASE)
_COMPARED_AFTER = re.compile(rf"\s*\}}?\s*(==|=|<>|!=)\s*({_QUOTED})", re.DOTALL)
_COMPARED_BEFORE = re.compile(rf"({_QUOTED})\s*(==|=|<>|!=)\s*(?:\{{!)?\s*\Z", re.DOTALL)


@dataclass(frozen=True, slots=True)
class MergeField:
    """`$Profile.Name` at an offset, and what it is compared with, where that is a literal."""

    offset: int
    of: str
    """`Profile`, `User`, `UserRole` or `Permission`."""
    name: str
    says: str
    literal: str | None = None


@dataclass(frozen=True, slots=True)
class Literal:
    """A quoted string and where it begins."""

    offset: int
    value: str


def without_comments(text: str, *, apex: bool = False) -> str:
    """A formula or Apex with blanks for its comments."""
    return (_IN_APEX if apex else _IN_FORMULA).sub(
        lambda found: _blank(found[0]) if found["comment"] else found[0], text
    )


def without_html_comments(text: str) -> str:
    """A page or template with blanks for its HTML comments."""
    return _HTML_COMMENT.sub(lambda found: _blank(found[0]), text)


def literals(text: str, *, apex: bool = False) -> Iterator[Literal]:
    """The quoted strings of a formula or of Apex."""
    for found in (_IN_APEX if apex else _IN_FORMULA).finditer(text):
        if found["string"]:
            yield Literal(found.start(), found["string"][1:-1])


def merge_fields(text: str, *, formula: bool) -> Iterator[MergeField]:
    """The merge fields of a text. In a formula those in quoted strings and in comments are none."""
    searched = _IN_FORMULA.sub(lambda found: _blank(found[0]), text) if formula else without_html_comments(text)
    for found in _MERGE_FIELD.finditer(searched):
        says, literal = _compared(text, found)
        of = {"profile": "Profile", "user": "User", "userrole": "UserRole", "permission": "Permission"}
        yield MergeField(found.start(), of[found[1].casefold()], found[2], says, literal)


def _compared(text: str, found: re.Match[str]) -> tuple[str, str | None]:
    """The comparison around a merge field in one line, and the literal in it."""
    if after := _COMPARED_AFTER.match(text, found.end()):
        return f"{found[0]} {after[1]} {after[2]}", after[2][1:-1]
    if before := _COMPARED_BEFORE.search(text, 0, found.start()):
        return f"{before[1]} {before[2]} {found[0]}", before[1][1:-1]
    return found[0], None


def _blank(text: str) -> str:
    return re.sub(r"[^\n]", " ", text)
