"""The calendar of a running user: time zone from the user's row, fiscal year from the organization's."""

# ruff: noqa: S608 - SQL is made of the schema's names, quoted; every value is bound

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from harness.sandbox.schema import Schema, SObject
from harness.sandbox.soql.dates import Calendar
from harness.sandbox.soql.functions import zone_of
from harness.sandbox.store import Store, quote

_FISCAL = ("FiscalYearStartMonth", "UsesStartDateAsFiscalYearName")


def calendar_of(store: Store, schema: Schema, now: datetime, user_id: str) -> Calendar:
    """What dates mean to a user at a moment."""
    user = schema.get("User")
    zone = store.value(user, user_id, "TimeZoneSidKey") if user and user.get("TimeZoneSidKey") else None
    start, named_by_start = _fiscal_year(store, schema.get("Organization"))
    return Calendar(now, zone_of(zone), start if start in range(1, 13) else 1, bool(named_by_start))


def _fiscal_year(store: Store, organization: SObject | None) -> Sequence[Any]:
    """The month in which the organization's fiscal year begins, and whether it is named by its start."""
    if organization is None or not all(organization.get(name) for name in _FISCAL):
        return 1, False
    store.ensure(organization)
    columns = ", ".join(quote(name) for name in _FISCAL)
    found = store.execute(f"SELECT {columns} FROM {quote(organization.name)} LIMIT 1").fetchone()
    return found or (1, False)
