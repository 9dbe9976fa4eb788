"""From text to syntax tree. Whatever the text, the only exception is an ApiError with MALFORMED_QUERY."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from importlib import resources
from typing import Any

from lark import Lark, Token, Transformer, v_args
from lark.exceptions import UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from harness.sandbox.errors import ApiError
from harness.sandbox.soql import syntax
from harness.sandbox.soql.messages import malformed
from harness.sandbox.values import is_encodable

LONGEST_QUERY = 100_000
"""Characters (SOQL reference, "SOQL and SOSL Limits")."""
DEEPEST = 150
"""Parentheses inside each other that are followed; deeper ones are refused, and so are 20 NOTs in a row."""

_STRING = re.compile(r"'(?:[^'\\]|\\.)*'", re.DOTALL)
_NEGATIONS = re.compile(r"(?:\bnot\s+){20}", re.IGNORECASE)
_ESCAPES = {
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "b": "\b",
    "f": "\f",
    '"': '"',
    "'": "'",
    "\\": "\\",
    "_": "\\_",
    "%": "\\%",
}


class _BadLiteral(Exception):
    def __init__(self, at: int, text: str) -> None:
        super().__init__(text)
        self.at = at
        self.text = text


def parse(soql: str) -> syntax.Query:
    """The query as a tree, or MALFORMED_QUERY."""
    if len(soql) > LONGEST_QUERY:
        raise ApiError(400, "MALFORMED_QUERY", "SOQL statements cannot be longer than 100000 characters.")
    if not is_encodable(soql):
        raise ApiError(400, "MALFORMED_QUERY", "unexpected token: a character that is half of another one")
    return _parse(soql)


@lru_cache(maxsize=1024)
def _parse(soql: str) -> syntax.Query:
    first = re.match(r"\s*(\S+)", soql)
    if first is None or first[1].lower() != "select":
        raise ApiError(400, "MALFORMED_QUERY", f"unexpected token: {first[1] if first else '<EOF>'}")
    _refuse_depth(soql)
    try:
        query: Any = _lark().parse(soql)
    except _BadLiteral as bad:
        raise malformed(soql, bad.at, bad.text) from None
    except UnexpectedInput as unexpected:
        raise _unexpected(soql, unexpected) from None
    assert isinstance(query, syntax.Query)
    return query


def _refuse_depth(soql: str) -> None:
    bare = _STRING.sub(lambda found: " " * len(found[0]), soql)
    depth = 0
    for found in re.finditer(r"[()]", bare):
        depth += 1 if found[0] == "(" else -1
        if depth > DEEPEST:
            raise malformed(soql, found.start(), "unexpected token: '('")
    negations = _NEGATIONS.search(bare)
    if negations:
        raise malformed(soql, negations.start(), "unexpected token: 'NOT'")


def _unexpected(soql: str, error: UnexpectedInput) -> ApiError:
    at = error.pos_in_stream
    if isinstance(error, UnexpectedToken) and error.token.type != "$END":
        word = str(error.token).partition("(")[0].strip() or str(error.token)
        return malformed(soql, error.token.start_pos or 0, f"unexpected token: '{word}'")
    if isinstance(error, UnexpectedCharacters) and at is not None:
        found = re.compile(r"\w[\w.]*|\S").match(soql, at)
        return malformed(soql, at, f"unexpected token: '{found[0] if found else '<EOF>'}'")
    return malformed(soql, len(soql.rstrip()), "unexpected token: '<EOF>'")


@cache
def _lark() -> Lark:
    grammar = resources.files(__package__).joinpath("grammar.lark").read_text("utf-8")
    return Lark(grammar, parser="lalr", lexer="contextual", transformer=_Builder(), maybe_placeholders=True)


def _unescape(token: Token) -> str:
    def character(found: re.Match[str]) -> str:
        if found[1] not in _ESCAPES:
            text = f"Invalid string literal {token}. Illegal character sequence '{found[0]}' in string literal."
            raise _BadLiteral(token.start_pos or 0, text)
        return _ESCAPES[found[1]]

    return re.sub(r"\\(.)", character, str(token)[1:-1], flags=re.DOTALL)


def _literal(token: Token) -> syntax.Literal:
    kind, convert = _LITERALS[token.type]
    return syntax.Literal(kind, convert(token), str(token), token.start_pos or 0)


def _whole(token: Token) -> int | float:
    return int(token) if len(token) < 19 else float(token)


_LITERALS: Mapping[str, tuple[syntax.LiteralKind, Callable[[Token], syntax.Scalar]]] = {
    "STRING": ("string", _unescape),
    "NUMBER": ("number", float),
    "INTEGER": ("number", _whole),
    "TRUE": ("boolean", lambda _: True),
    "FALSE": ("boolean", lambda _: False),
    "NULL": ("null", lambda _: None),
    "DATE": ("date", str),
    "DATETIME": ("datetime", str),
    "DATE_NAME": ("date-name", lambda token: token.upper()),
}


@v_args(inline=True)
class _Builder(Transformer[Token, syntax.Query]):
    """Makes the tree while the parser reduces; each method is named after its rule."""

    def start(self, query: syntax.Query) -> syntax.Query:
        return query

    def path(self, token: Token) -> syntax.Path:
        return syntax.Path(tuple(token.split(".")), token.start_pos or 0)

    def call(self, token: Token, argument: Token | None) -> syntax.Call:
        name = token[:-1].strip().lower()
        return syntax.Call(name, self.path(argument) if argument is not None else None, token.start_pos or 0)

    def selected(self, operand: syntax.Operand, alias: Token | None) -> syntax.Selected:
        return syntax.Selected(operand, str(alias) if alias is not None else None)

    def child_query(self, query: syntax.Query) -> syntax.ChildQuery:
        return syntax.ChildQuery(query)

    def literal(self, token: Token) -> syntax.Literal:
        return _literal(token)

    def literals(self, *items: syntax.Literal) -> tuple[syntax.Literal, ...]:
        return items

    def compared(self, operand: syntax.Operand, operator: Token, value: syntax.Literal) -> syntax.Comparison:
        return syntax.Comparison(operand, "!=" if operator == "<>" else operator.upper(), value)

    def member(
        self, operand: syntax.Operand, _in: Token, members: tuple[syntax.Literal, ...] | syntax.Query
    ) -> syntax.Membership:
        return syntax.Membership(operand, members, negated=False)

    def not_member(
        self, operand: syntax.Operand, _not: Token, _in: Token, members: tuple[syntax.Literal, ...] | syntax.Query
    ) -> syntax.Membership:
        return syntax.Membership(operand, members, negated=True)

    def chosen(self, operand: syntax.Operand, word: Token, members: tuple[syntax.Literal, ...]) -> syntax.Chosen:
        return syntax.Chosen(operand, members, negated=word.type == "EXCLUDES")

    def all_of(self, *items: Any) -> syntax.Joined:
        return syntax.Joined("AND", tuple(item for item in items if not isinstance(item, Token)))

    def any_of(self, *items: Any) -> syntax.Joined:
        return syntax.Joined("OR", tuple(item for item in items if not isinstance(item, Token)))

    def negated(self, _not: Token, item: syntax.Condition) -> syntax.Negated:
        return syntax.Negated(item)

    def source(self, name: Token, alias: Token | None) -> tuple[Token, str | None]:
        return name, str(alias) if alias is not None else None

    def selection(self, *items: syntax.Selected | syntax.ChildQuery) -> tuple[syntax.Selected | syntax.ChildQuery, ...]:
        return items

    def where(self, _where: Token | None, condition: syntax.Condition | None) -> syntax.Condition | None:
        return condition

    def having(self, _having: Token | None, condition: syntax.Condition | None) -> syntax.Condition | None:
        return condition

    def operands(self, *items: syntax.Operand) -> tuple[syntax.Operand, ...]:
        return items

    def order_items(self, *items: syntax.OrderItem) -> tuple[syntax.OrderItem, ...]:
        return items

    def group_by(
        self, _group: Token | None, _by: Token | None, items: tuple[syntax.Operand, ...] | None
    ) -> tuple[syntax.Operand, ...]:
        return items or ()

    def order_by(
        self, _order: Token | None, _by: Token | None, items: tuple[syntax.OrderItem, ...] | None
    ) -> tuple[syntax.OrderItem, ...]:
        return items or ()

    def order_item(self, operand: syntax.Operand, *words: Token | None) -> syntax.OrderItem:
        kinds = {word.type for word in words if word is not None}
        return syntax.OrderItem(operand, "DESC" in kinds, nulls_first="LAST" not in kinds)

    def limit(self, _limit: Token | None, number: Token | None) -> int | None:
        return _small(number) if number is not None else None

    def offset(self, _offset: Token | None, number: Token | None) -> int | None:
        return _small(number) if number is not None else None

    def purpose(self, *_words: Token | None) -> None:
        return None

    def query(self, *parts: Any) -> syntax.Query:
        _select, selection, _from, (name, alias), where, group_by, having, order_by, limit, offset, _purpose = parts
        return syntax.Query(
            select=selection,
            source=str(name),
            source_at=name.start_pos or 0,
            alias=alias,
            where=where,
            group_by=group_by,
            having=having,
            order_by=order_by,
            limit=limit,
            offset=offset,
        )


def _small(number: Token) -> int:
    if len(number) > 9:
        raise _BadLiteral(number.start_pos or 0, f"unexpected token: '{number}'")
    return int(number)
