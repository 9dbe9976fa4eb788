"""What stands in the braces of FIND: words, phrases, wildcards, AND, OR and NOT (SOSL reference, "FIND {SearchQuery}").

Text is taken apart at blanks and punctuation, as the search index of the platform does; case does not matter. A word is
found as a whole, a word with `*` or `?` as a pattern. Words beside each other must all be there.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from harness.sandbox.errors import ApiError
from harness.sandbox.soql.like import matches

LONGEST = 10_000
"""Characters of a search text; a longer one finds nothing."""
LONGEST_LOGICAL = 4000
"""Characters up to which AND, OR and NOT mean something."""

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[()]|(?:[^\s()"\\]|\\.)+', re.DOTALL)
_WORD = re.compile(r"\w+")
_PATTERN_WORD = re.compile(r"[\w*?]+")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_AS_LIKE = str.maketrans({"*": "%", "?": "_", "_": "\\_"})
_DEEPEST = 40

Words = Sequence[str]
"""The words of one field, in lower case."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words, or patterns of words, one after the other in one field."""

    patterns: tuple[str, ...]

    def found(self, fields: Sequence[Words]) -> bool:
        """Whether any field has it."""
        return any(self._in(words) for words in fields)

    def _in(self, words: Words) -> bool:
        size = len(self.patterns)
        return any(
            all(_fits(pattern, words[start + place]) for place, pattern in enumerate(self.patterns))
            for start in range(len(words) - size + 1)
        )


@dataclass(frozen=True, slots=True)
class All:
    """Everything must be found, and nothing of `but_not`."""

    items: tuple[Term, ...]
    but_not: tuple[Term, ...] = ()

    def found(self, fields: Sequence[Words]) -> bool:
        """Whether the fields of a row have it."""
        return all(one.found(fields) for one in self.items) and not any(one.found(fields) for one in self.but_not)


@dataclass(frozen=True, slots=True)
class Either:
    """One of these must be found."""

    items: tuple[Term, ...]

    def found(self, fields: Sequence[Words]) -> bool:
        """Whether the fields of a row have it."""
        return any(one.found(fields) for one in self.items)


Term = Phrase | All | Either


def words_of(text: object) -> list[str]:
    """The words of a text."""
    return _WORD.findall(str(text).lower())


def read_terms(text: str) -> Term:
    """What to find. Raises ApiError: INVALID_SEARCH for less than two characters, MALFORMED_SEARCH."""
    if sum(len(word) for word in _WORD.findall(text)) < 2:
        raise ApiError(400, "INVALID_SEARCH", f"search term must be longer than one character: {text}")
    if len(text) > LONGEST:
        return Either(())
    tokens = _TOKEN.findall(text)
    if len(text) > LONGEST_LOGICAL:
        tokens = [one for one in tokens if one.upper() not in ("AND", "OR", "NOT", "(", ")")]
    return _Reader(tokens).whole()


class _Reader:
    """NOT binds closer than AND, AND closer than OR."""

    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens
        self._place = 0
        self._depth = 0

    def whole(self) -> Term:
        found = self._either()
        if self._place < len(self._tokens):
            raise self._refuse()
        return found

    def _next(self) -> str:
        return self._tokens[self._place] if self._place < len(self._tokens) else ""

    def _takes(self, word: str) -> bool:
        if self._next().upper() != word:
            return False
        self._place += 1
        return True

    def _refuse(self) -> ApiError:
        return ApiError(400, "MALFORMED_SEARCH", f"unexpected token: '{self._next() or '<EOF>'}'")

    def _either(self) -> Term:
        items = [self._every()]
        while self._takes("OR"):
            items.append(self._every())
        return items[0] if len(items) == 1 else Either(tuple(items))

    def _every(self) -> Term:
        items, but_not = [self._one()], []
        while self._next() not in ("", ")") and self._next().upper() != "OR":
            self._takes("AND")
            if self._takes("NOT"):
                but_not.append(self._one())
            else:
                items.append(self._one())
        return items[0] if len(items) == 1 and not but_not else All(tuple(items), tuple(but_not))

    def _one(self) -> Term:
        token = self._next()
        if token in ("", ")") or token.upper() in ("AND", "OR", "NOT"):
            raise self._refuse()
        self._place += 1
        if token != "(":  # noqa: S105 - a token of a language
            return _phrase(token)
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self._refuse()
        found = self._either()
        if not self._takes(")"):
            raise self._refuse()
        self._depth -= 1
        return found


def _phrase(token: str) -> Term:
    quoted = token.startswith('"')
    text = token[1:-1] if quoted else token
    if quoted or "\\" in text:
        return Phrase(tuple(words_of(_ESCAPED.sub(r"\1", text))))
    return Phrase(tuple(_PATTERN_WORD.findall(text.lower())))


def _fits(pattern: str, word: str) -> bool:
    if "*" not in pattern and "?" not in pattern:
        return pattern == word
    return bool(matches(word, pattern.translate(_AS_LIKE)))
