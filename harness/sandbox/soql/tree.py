"""Makes the syntax tree while the parser reduces; each method of the builder is named after its rule."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from lark import Token, Transformer, v_args

from harness.sandbox.soql import syntax

LONGEST_STRING = 4000
"""Characters of a string in a condition (SOQL reference, "SOQL and SOSL Limits")."""

STRING = re.compile(r"'(?:[^'\\]|\\.)*'", re.DOTALL)
"""A string as it is written."""
_ESCAPES = {
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "b": "\b",
    "f": "\f",
    '"': '"',
    "'": "'",
    "\\": "\\",
    "_": "_",
    "%": "%",
}
_ESCAPED = re.compile(r"\\(u[0-9a-f]{4}|.)", re.DOTALL | re.IGNORECASE)

Literals = tuple[syntax.Literal, ...]


class BadToken(Exception):
    """A token that the grammar takes and that is wrong in itself."""

    def __init__(self, at: int, text: str) -> None:
        super().__init__(text)
        self.at = at
        self.text = text


def _at(token: Token) -> int:
    return token.start_pos or 0


def unescape_character(code: str) -> str | None:
    """The character that stands behind a backslash and these letters; None where there is none."""
    if len(code) == 5:
        letter = chr(int(code[1:], 16))
        return None if "\ud800" <= letter <= "\udfff" else letter
    return _ESCAPES.get(code.lower())


def _string(written: str, at: int) -> syntax.Literal:
    def character(found: re.Match[str]) -> str:
        letter = unescape_character(found[1])
        if letter is None:
            text = f"Invalid string literal {written}. Illegal character sequence '{found[0]}' in string literal."
            raise BadToken(at, text)
        return letter

    text = written[1:-1]
    value = _ESCAPED.sub(character, text) if "\\" in text else text
    if len(value) > LONGEST_STRING:
        raise BadToken(at, "string literal exceeds the maximum length of 4000 characters")
    return syntax.Literal("string", value, written, at)


def _whole(token: Token) -> int | float:
    return int(token) if len(token) < 19 else float(token)


_OTHERS: Mapping[str, tuple[syntax.LiteralKind, Callable[[Token], syntax.Scalar]]] = {
    "NUMBER": ("number", float),
    "INTEGER": ("number", _whole),
    "TRUE": ("boolean", lambda _: True),
    "FALSE": ("boolean", lambda _: False),
    "NULL": ("null", lambda _: None),
    "DATE": ("date", str),
    "DATETIME": ("datetime", str),
    "TIME": ("time", str),
    "DATE_NAME": ("date-name", lambda token: token.upper()),
}


def _number(word: Token, number: Token) -> syntax.Word:
    if len(number) > 9:
        raise BadToken(_at(number), f"unexpected token: '{number}'")
    return syntax.Word(str(number), _at(word))


def tree_builder() -> Transformer[Token, syntax.Query]:
    """What the parser gives the children of each rule to."""
    return _Builder()


@v_args(inline=True)
class _Builder(Transformer[Token, syntax.Query]):
    """From the tokens of a rule to its node."""

    def start(self, query: syntax.Query) -> syntax.Query:
        return query

    # Operands

    def path(self, token: Token) -> syntax.Path:
        return syntax.Path(tuple(part.strip() for part in token.split(".")), _at(token))

    def call(self, token: Token, *arguments: syntax.Path | syntax.Call | syntax.Literal | None) -> syntax.Call:
        name = token[:-1].strip()
        given = tuple(one for one in arguments if one is not None)
        return syntax.Call(name.lower(), given, _at(token), name)

    def operands(self, *items: syntax.Operand) -> tuple[syntax.Operand, ...]:
        return items

    # The field list

    def selection(self, *items: syntax.SelectItem) -> tuple[syntax.SelectItem, ...]:
        return items

    def selected(self, operand: syntax.Operand, alias: Token | None) -> syntax.Selected:
        return syntax.Selected(operand, str(alias) if alias is not None else None)

    def child_query(self, query: syntax.Query) -> syntax.ChildQuery:
        return syntax.ChildQuery(query)

    def path_list(self, *paths: Token) -> tuple[syntax.Path, ...]:
        return tuple(self.path(one) for one in paths)

    def when(self, _when: Token, name: Token, _then: Token, paths: tuple[syntax.Path, ...]) -> syntax.When:
        return syntax.When(str(name), _at(name), paths)

    def type_of(self, word: Token, path: Token, *rest: Any) -> syntax.TypeOf:
        *cases, _else, otherwise, _end = rest
        return syntax.TypeOf(self.path(path), tuple(cases), otherwise or (), _at(word))

    # Sources

    def source(self, path: Token, alias: Token | None) -> syntax.Source:
        return syntax.Source(self.path(path), str(alias) if alias is not None else None)

    def sources(self, *items: syntax.Source) -> tuple[syntax.Source, ...]:
        return items

    # Conditions

    def literal(self, token: Token) -> syntax.Literal:
        if token.type == "STRING":
            return _string(str(token), _at(token))
        kind, convert = _OTHERS[token.type]
        return syntax.Literal(kind, convert(token), str(token), _at(token))

    def literals(self, *items: syntax.Literal | Token) -> Literals:
        found: list[syntax.Literal] = []
        for item in items:
            if isinstance(item, syntax.Literal):
                found.append(item)
            else:
                found += [_string(one[0], _at(item) + one.start()) for one in STRING.finditer(item)]
        return tuple(found)

    def compared(self, operand: syntax.Operand, operator: Token, value: syntax.Literal) -> syntax.Comparison:
        return syntax.Comparison(operand, "!=" if operator == "<>" else operator.upper(), value)

    def member(self, operand: syntax.Operand, _in: Token, members: Literals | syntax.Query) -> syntax.Membership:
        return syntax.Membership(operand, members, negated=False)

    def not_member(
        self, operand: syntax.Operand, _not: Token, _in: Token, members: Literals | syntax.Query
    ) -> syntax.Membership:
        return syntax.Membership(operand, members, negated=True)

    def chosen(self, operand: syntax.Operand, word: Token, members: Literals) -> syntax.Chosen:
        return syntax.Chosen(operand, members, negated=word.type == "EXCLUDES")

    def all_of(self, *items: Any) -> syntax.Joined:
        return syntax.Joined("AND", tuple(item for item in items if not isinstance(item, Token)))

    def any_of(self, *items: Any) -> syntax.Joined:
        return syntax.Joined("OR", tuple(item for item in items if not isinstance(item, Token)))

    def negated(self, _not: Token, item: syntax.Condition) -> syntax.Negated:
        return syntax.Negated(item)

    # Clauses

    def scope(self, _using: Token | None, _scope: Token | None, name: Token | None) -> syntax.Word | None:
        return None if name is None else syntax.Word(str(name), _at(name))

    def where(self, _where: Token | None, condition: syntax.Condition | None) -> syntax.Condition | None:
        return condition

    def filter_mode(self, _with: Token | None, name: Token | None) -> syntax.Word | None:
        return None if name is None else syntax.Word(str(name), _at(name))

    def having(self, _having: Token | None, condition: syntax.Condition | None) -> syntax.Condition | None:
        return condition

    def plain(self, operands: tuple[syntax.Operand, ...]) -> tuple[str, tuple[syntax.Operand, ...]]:
        return "plain", operands

    def rollup(self, _rollup: Token, operands: tuple[syntax.Operand, ...]) -> tuple[str, tuple[syntax.Operand, ...]]:
        return "rollup", operands

    def cube(self, _cube: Token, operands: tuple[syntax.Operand, ...]) -> tuple[str, tuple[syntax.Operand, ...]]:
        return "cube", operands

    def group_by(
        self, group: Token | None, _by: Token | None, grouping: Any, having: syntax.Condition | None
    ) -> tuple[syntax.Grouping | None, syntax.Condition | None]:
        if group is None:
            return None, None
        kind, operands = grouping
        return syntax.Grouping(kind, operands, _at(group)), having

    def order_item(self, operand: syntax.Operand, *words: Token | None) -> syntax.OrderItem:
        kinds = {word.type for word in words if word is not None}
        return syntax.OrderItem(operand, "DESC" in kinds, nulls_first="LAST" not in kinds)

    def order_by(
        self, order: Token | None, _by: Token | None, *items: syntax.OrderItem | None
    ) -> tuple[tuple[syntax.OrderItem, ...], int]:
        return tuple(one for one in items if one is not None), _at(order) if order is not None else 0

    def limit(self, word: Token | None, number: Token | None) -> syntax.Word | None:
        return None if word is None or number is None else _number(word, number)

    def offset(self, word: Token | None, number: Token | None) -> syntax.Word | None:
        return None if word is None or number is None else _number(word, number)

    def purpose(self, *words: Token) -> frozenset[str]:
        return frozenset(word.type for word in words) - {"FOR"}

    def query(self, *parts: Any) -> syntax.Query:
        _select, selection, _from, sources, scope, where, filter_mode, grouped, ordered, limit, offset, purpose = parts
        return syntax.Query(
            select=selection,
            sources=sources,
            scope=scope,
            where=where,
            filter_mode=filter_mode,
            grouping=grouped[0],
            having=grouped[1],
            order_by=ordered[0],
            order_at=ordered[1],
            limit=limit,
            offset=offset,
            purpose=purpose,
        )

    # SOSL

    def search_group(self, _in: Token | None, name: Token | None, _fields: Token | None) -> syntax.Word | None:
        return None if name is None else syntax.Word(str(name), _at(name))

    def found_fields(self, *operands: syntax.Operand | None) -> tuple[syntax.SelectItem, ...]:
        return tuple(syntax.Selected(one, None) for one in operands if one is not None)

    def found(self, name: Token, *clauses: Any) -> syntax.Query:
        selection, where, ordered, limit, offset = (
            clauses if clauses[0] is not None else ((), None, ((), 0), None, None)
        )
        by_id = syntax.Selected(syntax.Path(("Id",), _at(name)), None)
        return syntax.Query(
            select=selection or (by_id,),
            sources=(syntax.Source(self.path(name), None),),
            scope=None,
            where=where,
            filter_mode=None,
            grouping=None,
            having=None,
            order_by=ordered[0],
            order_at=ordered[1],
            limit=limit,
            offset=offset,
            purpose=frozenset(),
        )

    def returning(self, _returning: Token | None, *queries: syntax.Query | None) -> tuple[syntax.Query, ...]:
        return tuple(one for one in queries if one is not None)

    def search(self, _find: Token, text: Token, *clauses: Any) -> syntax.Search:
        group, queries, limit = clauses
        return syntax.Search(str(text)[1:-1], group, queries, limit)
