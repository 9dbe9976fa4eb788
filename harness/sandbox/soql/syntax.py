"""The syntax tree of a query. `at` is the offset of the token in the text, for error messages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal as OneOf

LiteralKind = OneOf["string", "datetime", "date", "time", "number", "boolean", "null", "date-name"]
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
class Literal:
    """A value in a condition. A string is without its quotes; `raw` is as written."""

    kind: LiteralKind
    value: Scalar
    raw: str
    at: int


@dataclass(frozen=True, slots=True)
class Call:
    """A function: `count()`, `max(Amount)`, `CALENDAR_YEAR(convertTimezone(CreatedDate))`, `FIELDS(ALL)`."""

    name: str
    """In lower case."""
    arguments: tuple[Path | Call | Literal, ...]
    at: int
    written: str
    """The name as written."""

    @property
    def path(self) -> Path | None:
        """The field it is about, where it has exactly one argument, which is a field."""
        first = self.arguments[0] if len(self.arguments) == 1 else None
        return first if isinstance(first, Path) else None


Operand = Path | Call


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
class When:
    """`WHEN Account THEN Phone, Name`."""

    sobject: str
    at: int
    paths: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class TypeOf:
    """`TYPEOF What WHEN ... ELSE ... END`: fields that depend on what a polymorphic reference leads to."""

    path: Path
    cases: tuple[When, ...]
    otherwise: tuple[Path, ...]
    at: int


SelectItem = Selected | ChildQuery | TypeOf


@dataclass(frozen=True, slots=True)
class Source:
    """An object of the FROM, or a way from it to a parent: `c.Account a`."""

    path: Path
    alias: str | None


@dataclass(frozen=True, slots=True)
class Grouping:
    """GROUP BY: plain, or with subtotals."""

    kind: OneOf["plain", "rollup", "cube"]
    operands: tuple[Operand, ...]
    at: int


@dataclass(frozen=True, slots=True)
class OrderItem:
    """One key of the order."""

    operand: Operand
    descending: bool
    nulls_first: bool
    """The platform's default is first, also in descending order."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word or number of a clause, and where it stands; of LIMIT and OFFSET, where these words stand."""

    text: str
    at: int


@dataclass(frozen=True, slots=True)
class Query:
    """A whole query, or one inside another."""

    select: tuple[SelectItem, ...]
    sources: tuple[Source, ...]
    scope: Word | None
    where: Condition | None
    filter_mode: Word | None
    """The word after WITH."""
    grouping: Grouping | None
    having: Condition | None
    order_by: tuple[OrderItem, ...]
    order_at: int
    limit: Word | None
    offset: Word | None
    purpose: frozenset[str]
    """The words after FOR and UPDATE, in upper case."""

    @property
    def source(self) -> str:
        """The object of the FROM, or the children's relationship."""
        return self.sources[0].path.text

    @property
    def source_at(self) -> int:
        """Where that stands."""
        return self.sources[0].path.at

    @property
    def alias(self) -> str | None:
        """Its alias."""
        return self.sources[0].alias

    @property
    def most(self) -> int | None:
        """The number of LIMIT."""
        return None if self.limit is None else int(self.limit.text)

    @property
    def skipped(self) -> int:
        """The number of OFFSET."""
        return 0 if self.offset is None else int(self.offset.text)

    @property
    def groups(self) -> tuple[Operand, ...]:
        """What is grouped by."""
        return self.grouping.operands if self.grouping else ()


@dataclass(frozen=True, slots=True)
class Search:
    """SOSL: what to find, in which group of fields, and a query for each object of RETURNING."""

    text: str
    """Without its braces."""
    group: Word | None
    queries: tuple[Query, ...]
    limit: Word | None
