"""From rows of SQL to records as the REST API shows them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Value:
    """A column of the result; `show` turns a value that is not null into what is answered."""

    index: int
    boolean: bool = False
    show: Callable[[Any], Any] | None = None
    blob: bool = False
    """Whether an address is answered, where the bytes can be had."""

    def read(self, row: Sequence[Any]) -> Any:
        """The value in a row."""
        value = row[self.index]
        if value is None:
            return None
        if self.show is not None:
            return self.show(value)
        return bool(value) if self.boolean else value


@dataclass(frozen=True, slots=True)
class Compound:
    """A compound field made of its parts; null where all parts are."""

    parts: tuple[tuple[str, int], ...]
    blob: ClassVar[bool] = False

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
    entries: dict[str, Entry] = field(default_factory=dict)
    _steps: list[tuple[str, int, Callable[[Any], Any] | None, Entry | None]] = field(default_factory=list, init=False)
    """The entries as they are read once the shape is complete: of plain columns, where they are and how they show."""

    def read(self, row: Sequence[Any], base: str, children: Sequence[Mapping[str, Any]]) -> Record | None:
        """The record in a row, or None where there is no parent."""
        record_id = row[self.key]
        if record_id is None:
            return None
        concrete = self.type_of_prefix.get(record_id[:3], self.type_name)
        url = f"{base}/sobjects/{concrete}/{record_id}"
        record: Record = {"attributes": {"type": self.type_name, "url": url}}
        for name, index, show, entry in self._steps or self._made_steps():
            if entry is None:
                value = row[index]
                record[name] = value if show is None or value is None else show(value)
            elif isinstance(entry, (Value, Compound)):
                value = entry.read(row)
                record[name] = f"{url}/{name}" if value is not None and entry.blob else value
            elif isinstance(entry, Children):
                record[name] = children[entry.number].get(record_id)
            else:
                record[name] = entry.read(row, base, children)
        return record

    def _made_steps(self) -> list[tuple[str, int, Callable[[Any], Any] | None, Entry | None]]:
        for name, entry in self.entries.items():
            if isinstance(entry, Value) and not entry.blob:
                self._steps.append((name, entry.index, entry.show or (bool if entry.boolean else None), None))
            else:
                self._steps.append((name, 0, None, entry))
        return self._steps


@dataclass(frozen=True, slots=True)
class Variants:
    """A polymorphic parent that is shown as its type asks for."""

    key: int
    type_of_prefix: Mapping[str, str]
    cases: Mapping[str, Shape]
    """By the object's name."""
    otherwise: Shape | None

    def read(self, row: Sequence[Any], base: str, children: Sequence[Mapping[str, Any]]) -> Record | None:
        """The parent in a row, or None where there is none or nothing is asked of its type."""
        record_id = row[self.key]
        if record_id is None:
            return None
        shape = self.cases.get(self.type_of_prefix.get(record_id[:3], ""), self.otherwise)
        return shape.read(row, base, children) if shape else None


Entry = Value | Compound | Children | Shape | Variants
