"""The syntax tree of a query. `at` is the offset of the token in the text, for error messages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal as OneOf

LiteralKind = OneOf["string", "datetime", "date", "number", "boolean", "null", "date-name"]
Scalar = str | float | int | bool | None


@dataclass(frozen=True, slots=True)
class Path:
    """A field, or a field reached through parents: `Account.Owner.Name`."""

    parts: tuple[str, ...]
    at: int

    @property
    def text(self) -> str:
        """As written."""
        return ".".join(self.parts)


@dataclass(frozen=True, slots=True)
class Call:
    """A function: `count()`, `max(Amount)`, `FIELDS(ALL)`."""

    name: str
    """In lower case."""
    argument: Path | None
    at: int


Operand = Path | Call


@dataclass(frozen=True, slots=True)
class Literal:
    """A value in a condition. A string is without its quotes; `raw` is as written."""

    kind: LiteralKind
    value: Scalar
    raw: str
    at: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """`Name = 'x'`: the operator in upper case, one literal."""

    operand: Operand
    operator: str
    value: Literal


@dataclass(frozen=True, slots=True)
class Membership:
    """`Id IN (...)`, with literals or a query inside; `negated` for NOT IN."""

    operand: Operand
    members: tuple[Literal, ...] | Query
    negated: bool


@dataclass(frozen=True, slots=True)
class Chosen:
    """INCLUDES or, negated, EXCLUDES of a multi-select picklist."""

    operand: Operand
    members: tuple[Literal, ...]
    negated: bool


@dataclass(frozen=True, slots=True)
class Joined:
    """Conditions under one AND or OR."""

    word: OneOf["AND", "OR"]
    items: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Negated:
    """NOT."""

    item: Condition


Condition = Comparison | Membership | Chosen | Joined | Negated


@dataclass(frozen=True, slots=True)
class Selected:
    """An operand of the field list, with its alias."""

    operand: Operand
    alias: str | None


@dataclass(frozen=True, slots=True)
class ChildQuery:
    """A query of children in the field list."""

    query: Query


@dataclass(frozen=True, slots=True)
class OrderItem:
    """One key of the order."""

    operand: Operand
    descending: bool
    nulls_first: bool
    """The platform's default is first, also in descending order."""


@dataclass(frozen=True, slots=True)
class Query:
    """A whole query, or one inside another."""

    select: tuple[Selected | ChildQuery, ...]
    source: str
    source_at: int
    alias: str | None
    where: Condition | None
    group_by: tuple[Operand, ...]
    having: Condition | None
    order_by: tuple[OrderItem, ...]
    limit: int | None
    offset: int | None
