"""The values that rows are made of: Faker with a fixed seed, templates, and records that are already there.

The same scenario, operation, row, user and round give the same values each time, so that a recording replays: nothing
here reads a clock of its own or draws a random number.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any

from harness.checks.soql import select
from harness.checks.templates import TEMPLATE, make_faker, provider
from harness.errors import RequestRefused
from harness.org.clock import Clock
from harness.scenario.model import AnyRecord, Scalar, Value

if TYPE_CHECKING:
    from faker import Faker

    from harness.org.connection import Connection


_MARK = "\0"
"""Stands for what is unique."""


class NoRecord(Exception):
    """There is no record to take: the acting user sees none that meets the condition."""


class Values:
    """Makes the values of rows. `seed` is the scenario's name; `clock` says what today is."""

    def __init__(self, *, seed: str, clock: Clock) -> None:
        self._seed = seed
        self._clock = clock

    @cached_property
    def _faker(self) -> Faker:
        return make_faker()

    def rows(
        self, fields: Mapping[str, Value], *, operation: str, count: int, turn: str, seen_by: Sequence[Connection]
    ) -> list[dict[str, Any]]:
        """The values of `count` rows, by field.

        `operation` is the id of the check or operation, `turn` the round of the workload. The first of `seen_by` is the
        acting user; a record asked for with `any` is taken as the first of them that sees one, the same for all rows.
        Raises NoRecord when none does.
        """
        records = {
            name: self.record_ids(value.any, value.where, count=1, seen_by=seen_by)[0]
            for name, value in fields.items()
            if isinstance(value, AnyRecord)
        }
        rows = []
        for number in range(1, count + 1):
            unique = _short_hash(self._seed, operation, str(number), seen_by[0].username, turn)
            made = self._row(fields, operation, number, unique)
            rows.append({name: records.get(name) or value for name, value in made.items()})
        return rows

    def words(self, fields: Mapping[str, Value], *, operation: str, count: int) -> Iterator[str]:
        """What `rows` would make whoever asks and whenever: all but records and what is unique."""
        for number in range(1, count + 1):
            for value in self._row(fields, operation, number, _MARK).values():
                if not isinstance(value, AnyRecord) and _MARK not in str(value):
                    yield str(value)

    def _row(self, fields: Mapping[str, Value], operation: str, number: int, unique: str) -> dict[str, Value]:
        """The values of one row, records apart."""
        if any(isinstance(value, str) and TEMPLATE.search(value) for value in fields.values()):
            self._faker.seed_instance(f"{self._seed}/{operation}/{number}")
        own: dict[str, str | int] = {"row": number, "unique": unique}
        return {name: self._value(value, own) for name, value in fields.items()}

    def record_ids(self, sobject: str, where: str | None, *, count: int, seen_by: Sequence[Connection]) -> list[str]:
        """The ids of the first `count` records that meet `where`, as the first of `seen_by` that sees any.

        Raises NoRecord when none of them does, with the org's refusal where there was one.
        """
        refused = ""
        for connection in seen_by:
            try:
                found = connection.query(select("Id", sobject, where=where, order="Id", limit=count))
            except RequestRefused as refusal:
                refused = refused or f" ({refusal.code})"
                continue
            if found:
                return [str(row["Id"]) for row in found]
        condition = f" with {where}" if where else ""
        raise NoRecord(f"{seen_by[0].username} sees no {sobject}{condition}{refused}")

    def _value(self, value: Value, own: Mapping[str, str | int]) -> Value:
        if not isinstance(value, str):
            return value
        whole = TEMPLATE.fullmatch(value)
        if whole:
            return self._named(whole[1], own)
        return TEMPLATE.sub(lambda match: str(self._named(match[1], own)), value)

    def _named(self, name: str, own: Mapping[str, str | int]) -> Scalar:
        if name in own:
            return own[name]
        if name == "today":
            return _plain(self._clock.now().date())
        if name == "now":
            return _plain(self._clock.now())
        return _plain(provider(self._faker, name)())


def _plain(value: object) -> Scalar:
    """A value as JSON has it."""
    match value:
        case bool() | int() | float() | str():
            return value
        case Decimal():
            return float(value)
        case datetime():
            return value.strftime("%Y-%m-%dT%H:%M:%SZ")
        case date():
            return value.isoformat()
        case _:
            return str(value)


def _short_hash(*parts: str) -> str:
    """12 letters and digits that stand for `parts`."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:12]
