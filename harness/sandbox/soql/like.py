"""LIKE: patterns as SQL wants them, and matching that stays quick with many wildcards."""

from __future__ import annotations

import re
from functools import lru_cache

from harness.sandbox.soql.tree import unescape_character

_ESCAPED = re.compile(r"\\(u[0-9a-f]{4}|.)", re.DOTALL | re.IGNORECASE)
_ANY, _ONE = object(), object()
_FEW_WILDCARDS = 2


def like_pattern(raw: str) -> str:
    """A string literal as a pattern in which a backslash makes wildcards and itself plain."""

    def plain(found: re.Match[str]) -> str:
        code = found[1]
        letter = code if code in "%_\\" else unescape_character(code) or ""
        return "\\" + letter if letter in "%_\\" else letter

    return _ESCAPED.sub(plain, raw[1:-1])


def is_simple(pattern: str) -> bool:
    """Whether SQLite, which tries every place for each `%`, is quick with a pattern."""
    return pattern.count("%") <= _FEW_WILDCARDS


def matches(value: object, pattern: str) -> int | None:
    """LIKE without regard to case, in time linear in both for each `%`."""
    if value is None:
        return None
    text, wanted = str(value).lower(), _tokens(pattern)
    at, place, star, resume = 0, 0, -1, 0
    while at < len(text):
        if place < len(wanted) and wanted[place] is _ANY:
            star, resume, place = place, at, place + 1
        elif place < len(wanted) and (wanted[place] is _ONE or wanted[place] == text[at]):
            at, place = at + 1, place + 1
        elif star >= 0:
            resume += 1
            at, place = resume, star + 1
        else:
            return 0
    return int(all(one is _ANY for one in wanted[place:]))


@lru_cache(maxsize=256)
def _tokens(pattern: str) -> tuple[object, ...]:
    found: list[object] = []
    letters = iter(pattern.lower())
    for letter in letters:
        if letter == "\\":
            found.append(next(letters, "\\"))
        elif letter == "%":
            if not found or found[-1] is not _ANY:
                found.append(_ANY)
        else:
            found.append(_ONE if letter == "_" else letter)
    return tuple(found)
