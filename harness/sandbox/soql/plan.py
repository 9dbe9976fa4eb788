"""A query made ready to run: SQL, parameters and the shape of its records; kept while access stays the same."""

# ruff: noqa: S608 - SQL is made of the schema's names, quoted; every value is bound

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from harness.sandbox.clock import wire_datetime
from harness.sandbox.errors import ApiError
from harness.sandbox.schema import SObject
from harness.sandbox.soql.dates import Calendar, Dated
from harness.sandbox.soql.shape import Record, Shape
from harness.sandbox.store import Store, quote

MOST_GROUPS = 2000
"""Groups that an aggregate query answers with; it has no second page."""

_TOO_MUCH = re.compile(r"too (large|many|complex|deep|big|long)|at most|overflow")
_TOO_COMPLICATED = (
    "Query is either selecting too many fields or the filter conditions are too complicated. Please reduce the number "
    "of fields or conditions."
)
_ONE_BATCH = "Aggregate query does not support queryMore(), use LIMIT to restrict the results to a single batch"

PlanKind = Literal["rows", "count", "aggregate"]


@dataclass(frozen=True, slots=True)
class QueryResult:
    """All records of a query, in wire shape with `attributes`."""

    records: list[Record]
    total_size: int
    sobject: str
    """The object of the FROM."""
    has_children: bool = False
    """Whether records hold the answers to queries of their children."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A parameter that is a long list of values."""

    values: tuple[Any, ...]
    json: str


@dataclass(frozen=True, slots=True)
class AggregateColumn:
    """One key of an AggregateResult."""

    name: str
    boolean: bool
    show: Callable[[Any], Any] | None = None

    def read(self, value: Any) -> Any:
        """The value as it is answered."""
        if value is None:
            return None
        if self.show is not None:
            return self.show(value)
        return bool(value) if self.boolean else value


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run and how to read it. `parents` names the parameter of a query of children that lists the parents."""

    kind: PlanKind
    sobject: SObject
    sql: str
    parameters: Mapping[str, Any]
    dated: bool
    """Whether it depends on the user's time zone."""
    tables: tuple[SObject, ...]
    touches: tuple[str, ...] = ()
    """Columns that are set to the time of the query in the rows found."""
    shape: Shape | None = None
    columns: tuple[AggregateColumn, ...] = ()
    children: tuple[Plan, ...] = ()

    @property
    def reads(self) -> tuple[SObject, ...]:
        """Every table that it reads, those of its children too."""
        return self.tables + tuple(one for child in self.children for one in child.reads)

    @property
    def compared(self) -> Iterator[Any]:
        """The values that its conditions compare with."""
        for value in self.parameters.values():
            if isinstance(value, Listed):
                yield from value.values
            else:
                yield value

    def with_value(self, placeholder: str, value: str) -> Plan:
        """The same plan with a value in the place of another."""
        parameters = {name: value if one == placeholder else one for name, one in self.parameters.items()}
        return replace(self, parameters=parameters)

    def run(self, store: Store, calendar: Calendar, base: str) -> QueryResult:
        """Run it; dates such as TODAY are taken from the calendar, addresses of records start with `base`."""
        rows = self._fetch(store, calendar, {})
        if self.kind == "count":
            return QueryResult([], rows[0][0], self.sobject.name)
        if self.kind == "aggregate":
            records = self._aggregates(rows)
            return QueryResult(records, len(records), self.sobject.name)
        records = self._records(rows, store, calendar, base)
        self._touch(rows, store, calendar)
        return QueryResult(records, len(records), self.sobject.name, bool(self.children))

    def _fetch(self, store: Store, calendar: Calendar, more: Mapping[str, Any]) -> list[Sequence[Any]]:
        for sobject in self.tables:
            store.ensure(sobject)
        parameters = {name: _bound(value, calendar) for name, value in self.parameters.items()}
        try:
            return store.execute(self.sql, {**parameters, **more}).fetchall()
        except sqlite3.OperationalError as error:
            if _TOO_MUCH.search(str(error)) is None:
                raise
            raise ApiError(400, "QUERY_TOO_COMPLICATED", _TOO_COMPLICATED) from None

    def _aggregates(self, rows: Sequence[Sequence[Any]]) -> list[Record]:
        if len(rows) > MOST_GROUPS:
            raise ApiError(400, "EXCEEDED_ID_LIMIT", _ONE_BATCH)
        return [
            {"attributes": {"type": "AggregateResult"}}
            | {column.name: column.read(row[place]) for place, column in enumerate(self.columns)}
            for row in rows
        ]

    def _records(self, rows: Sequence[Sequence[Any]], store: Store, calendar: Calendar, base: str) -> list[Record]:
        assert self.shape is not None
        keys = [row[self.shape.key] for row in rows]
        children = [child.by_parent(store, calendar, base, keys) for child in self.children]
        return [record for row in rows if (record := self.shape.read(row, base, children)) is not None]

    def by_parent(self, store: Store, calendar: Calendar, base: str, parents: Sequence[str]) -> dict[str, Record]:
        """Of a query of children: the envelope for each parent that has any."""
        rows = self._fetch(store, calendar, {"parents": json.dumps(parents)})
        found: dict[str, list[Record]] = {}
        for row, record in zip(rows, self._records(rows, store, calendar, base), strict=True):
            found.setdefault(row[0], []).append(record)
        return {
            parent: {"totalSize": len(records), "done": True, "records": records} for parent, records in found.items()
        }

    def _touch(self, rows: Sequence[Sequence[Any]], store: Store, calendar: Calendar) -> None:
        if not (self.touches and rows and self.shape):
            return
        changes = ", ".join(f"{quote(name)} = :now" for name in self.touches)
        keys = json.dumps([row[self.shape.key] for row in rows])
        sql = f'UPDATE {quote(self.sobject.name)} SET {changes} WHERE "Id" IN (SELECT value FROM json_each(:keys))'
        with store.transaction():
            store.execute(sql, {"now": wire_datetime(calendar.now), "keys": keys})


def _bound(value: Any, calendar: Calendar) -> Any:
    if isinstance(value, Dated):
        return value.value(calendar)
    return value.json if isinstance(value, Listed) else value
