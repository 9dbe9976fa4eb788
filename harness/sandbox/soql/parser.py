"""From text to syntax tree. Whatever the text, the only exception is an ApiError with MALFORMED_QUERY."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from importlib import resources
from typing import Any

from lark import Lark
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from harness.sandbox.errors import ApiError
from harness.sandbox.soql import syntax
from harness.sandbox.soql.messages import lexical, malformed, unexpected_token
from harness.sandbox.soql.tree import STRING, BadToken, tree_builder
from harness.sandbox.writing.values import is_encodable

LONGEST_QUERY = 100_000
"""Characters (SOQL reference, "SOQL and SOSL Limits")."""
DEEPEST = 150
"""Parentheses inside each other that are followed; deeper ones are refused, and so are 20 NOTs in a row."""
LONGEST_KEPT = 5000
"""Characters of a query up to which its tree and its plan are kept for the next time: long lists make large ones."""

_FIRST = re.compile(r"\s*(\w+|\S|$)")
_NESTING = re.compile(r"'(?:[^'\\]|\\.)*'|[()]|(?:\bnot\s+){20}", re.DOTALL | re.IGNORECASE)
_WORD = re.compile(r"\w[\w.]*|\S")
_KNOWN = re.compile(r"[\w\s.,()<>=!+:'*/%-]")
"""Characters that some token may begin with or that the platform calls a token of its own."""


def parse(soql: str) -> syntax.Query:
    """The query as a tree, or MALFORMED_QUERY."""
    if not soql.strip():
        raise ApiError(400, "MALFORMED_QUERY", "SOQL statements cannot be empty or null")
    if len(soql) > LONGEST_QUERY:
        raise ApiError(400, "MALFORMED_QUERY", "SOQL statements cannot be longer than 100000 characters.")
    if not is_encodable(soql):
        raise ApiError(400, "MALFORMED_QUERY", "unexpected token: a character that is half of another one")
    return _kept(soql) if len(soql) <= LONGEST_KEPT else _parse(soql)


@lru_cache(maxsize=1024)
def _kept(soql: str) -> syntax.Query:
    return _parse(soql)


def _parse(soql: str) -> syntax.Query:
    first = _FIRST.match(soql)
    if first is None or first[1].lower() != "select":
        raise ApiError(400, "MALFORMED_QUERY", f"unexpected token: {first[1] if first else '<EOF>'}")
    query = read(soql, "start")
    assert isinstance(query, syntax.Query)
    return query


def read(text: str, rule: str) -> Any:
    """A text as a rule of the grammar has it. Raises ApiError MALFORMED_QUERY."""
    _refuse_depth(text)
    try:
        return _lark().parse(text, rule)
    except BadToken as bad:
        raise malformed(text, bad.at, bad.text) from None
    except UnexpectedInput as stumbled:
        raise _unexpected(text, stumbled) from None


def _refuse_depth(soql: str) -> None:
    depth = 0
    for found in _NESTING.finditer(soql):
        word = found[0]
        if word[0] in "nN":
            raise unexpected_token(soql, found.start(), word[:3])
        if word == "(":
            depth += 1
        elif word == ")":
            depth -= 1
        if depth > DEEPEST:
            raise unexpected_token(soql, found.start(), "(")


def _unexpected(soql: str, error: UnexpectedInput) -> ApiError:
    if isinstance(error, UnexpectedToken) and error.token.type != "$END":
        return _unexpected_word(soql, error.token.start_pos or 0)
    if isinstance(error, UnexpectedCharacters) and error.pos_in_stream is not None:
        return _unexpected_word(soql, error.pos_in_stream)
    return unexpected_token(soql, len(soql.rstrip()), "<EOF>")


def _unexpected_word(soql: str, at: int) -> ApiError:
    letter = soql[at : at + 1]
    if letter == ":":
        return malformed(soql, at, "Bind variables only allowed in Apex code")
    if letter == "'" and not STRING.match(soql, at):
        return lexical(soql, len(soql.rstrip()), "mismatched character '<EOF>' expecting '''")
    if not _KNOWN.match(letter):
        return lexical(soql, at, f"no viable alternative at character '{letter}'")
    found = _WORD.match(soql, at)
    return unexpected_token(soql, at, found[0] if found else "<EOF>")


@cache
def _lark() -> Lark:
    grammar = resources.files(__package__).joinpath("grammar.lark").read_text("utf-8")
    return Lark(
        grammar,
        start=["start", "search"],
        parser="lalr",
        lexer="contextual",
        transformer=tree_builder(),
        maybe_placeholders=True,
    )
