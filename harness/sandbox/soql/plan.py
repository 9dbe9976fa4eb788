"""A query made ready to run: SQL, parameters and the shape of its records; kept while access stays the same."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from harness.sandbox.errors import ApiError
from harness.sandbox.schema import SObject
from harness.sandbox.soql.conditions import DateBound
from harness.sandbox.soql.shape import Record, Shape
from harness.sandbox.store import Store

_TOO_MUCH = re.compile(r"too (large|many|complex|deep|big|long)|at most|overflow")
_TOO_COMPLICATED = (
    "Query is either selecting too many fields or the filter conditions are too complicated. Please reduce the number "
    "of fields or conditions."
)

PlanKind = Literal["rows", "count", "aggregate"]


@dataclass(frozen=True, slots=True)
class QueryResult:
    """All records of a query, in wire shape with `attributes`."""

    records: list[Record]
    total_size: int
    sobject: str
    """The object of the FROM."""


@dataclass(frozen=True, slots=True)
class AggregateColumn:
    """One key of an AggregateResult."""

    name: str
    boolean: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run and how to read it. `parents` names the parameter of a query of children that lists the parents."""

    kind: PlanKind
    sobject: SObject
    sql: str
    parameters: Mapping[str, Any]
    tables: tuple[SObject, ...]
    shape: Shape | None = None
    columns: tuple[AggregateColumn, ...] = ()
    children: tuple[Plan, ...] = ()

    @property
    def reads(self) -> tuple[SObject, ...]:
        """Every table that it reads, those of its children too."""
        return self.tables + tuple(one for child in self.children for one in child.reads)

    def run(self, store: Store, today: date, base: str) -> QueryResult:
        """Run it; dates such as TODAY are taken from `today`, addresses of records start with `base`."""
        rows = self._fetch(store, today, {})
        if self.kind == "count":
            return QueryResult([], rows[0][0], self.sobject.name)
        records = self._aggregates(rows) if self.kind == "aggregate" else self._records(rows, store, today, base)
        return QueryResult(records, len(records), self.sobject.name)

    def _fetch(self, store: Store, today: date, more: Mapping[str, Any]) -> list[Sequence[Any]]:
        for sobject in self.tables:
            store.ensure(sobject)
        parameters = {
            name: value.value(today) if isinstance(value, DateBound) else value
            for name, value in self.parameters.items()
        }
        try:
            return store.execute(self.sql, {**parameters, **more}).fetchall()
        except sqlite3.OperationalError as error:
            if _TOO_MUCH.search(str(error)) is None:
                raise
            raise ApiError(400, "QUERY_TOO_COMPLICATED", _TOO_COMPLICATED) from None

    def _aggregates(self, rows: Sequence[Sequence[Any]]) -> list[Record]:
        return [
            {"attributes": {"type": "AggregateResult"}}
            | {
                column.name: bool(value) if column.boolean and value is not None else value
                for column, value in zip(self.columns, row, strict=True)
            }
            for row in rows
        ]

    def _records(self, rows: Sequence[Sequence[Any]], store: Store, today: date, base: str) -> list[Record]:
        assert self.shape is not None
        keys = [row[self.shape.key] for row in rows]
        children = [child.by_parent(store, today, base, keys) for child in self.children]
        return [record for row in rows if (record := self.shape.read(row, base, children)) is not None]

    def by_parent(self, store: Store, today: date, base: str, parents: Sequence[str]) -> dict[str, Record]:
        """Of a query of children: the envelope for each parent that has any."""
        rows = self._fetch(store, today, {"parents": json.dumps(parents)})
        found: dict[str, list[Record]] = {}
        for row, record in zip(rows, self._records(rows, store, today, base), strict=True):
            found.setdefault(row[0], []).append(record)
        return {
            parent: {"totalSize": len(records), "done": True, "records": records} for parent, records in found.items()
        }
