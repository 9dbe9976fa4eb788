"""The calendar of a running user: time zone from the user's row, fiscal year from the organization's."""

from __future__ import annotations

from datetime import datetime

from harness.sandbox.schema import Schema
from harness.sandbox.soql.dates import Calendar
from harness.sandbox.soql.functions import zone_of
from harness.sandbox.store import Store


def calendar_of(store: Store, schema: Schema, now: datetime, user_id: str) -> Calendar:
    """What dates mean to a user at a moment."""
    user, organization = schema.get("User"), schema.get("Organization")
    zone = store.value(user, user_id, "TimeZoneSidKey") if user and user.get("TimeZoneSidKey") else None
    rows = store.select(organization, {}) if organization else []
    row = rows[0] if rows else {}
    start = row.get("FiscalYearStartMonth") or 1
    return Calendar(
        now, zone_of(zone), start if start in range(1, 13) else 1, bool(row.get("UsesStartDateAsFiscalYearName"))
    )
