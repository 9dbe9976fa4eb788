"""From rows of SQL to records as the REST API shows them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Value:
    """A column of the result."""

    index: int
    boolean: bool = False

    def read(self, row: Sequence[Any]) -> Any:
        """The value in a row."""
        value = row[self.index]
        return bool(value) if self.boolean and value is not None else value


@dataclass(frozen=True, slots=True)
class Compound:
    """A compound field made of its parts; null where all parts are."""

    parts: tuple[tuple[str, int], ...]

    def read(self, row: Sequence[Any]) -> Any:
        """The parts in a row, by name."""
        made = {name: row[index] for name, index in self.parts}
        return made if any(value is not None for value in made.values()) else None


@dataclass(frozen=True, slots=True)
class Children:
    """The answer to a query of children, by its number in the plan."""

    number: int


@dataclass(slots=True)
class Shape:
    """One record, or one parent inside a record."""

    type_name: str
    key: int
    """Column of the id."""
    type_of_prefix: Mapping[str, str] = field(default_factory=dict)
    """Of a polymorphic parent: object names by key prefix, for the address."""
    entries: dict[str, Value | Compound | Children | Shape] = field(default_factory=dict)

    def read(self, row: Sequence[Any], base: str, children: Sequence[Mapping[str, Any]]) -> Record | None:
        """The record in a row, or None where there is no parent."""
        record_id = row[self.key]
        if record_id is None:
            return None
        concrete = self.type_of_prefix.get(record_id[:3], self.type_name)
        url = f"{base}/sobjects/{concrete}/{record_id}"
        record: Record = {"attributes": {"type": self.type_name, "url": url}}
        for name, entry in self.entries.items():
            if isinstance(entry, Shape):
                record[name] = entry.read(row, base, children)
            elif isinstance(entry, Children):
                record[name] = children[entry.number].get(record_id)
            else:
                record[name] = entry.read(row)
        return record
