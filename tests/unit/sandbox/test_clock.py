from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from harness.sandbox.clock import SandboxClock, wire_datetime


def test_it_starts_at_a_fixed_date_and_each_reading_is_later() -> None:
    clock = SandboxClock()
    first, second = clock.now(), clock.now()
    assert first == datetime(2026, 1, 5, 9, 0, 0, 1000, tzinfo=UTC)
    assert second - first == timedelta(milliseconds=1)
    assert clock.peek() == second


def test_it_is_moved_and_set() -> None:
    clock = SandboxClock()
    assert clock.advance(3600) == datetime(2026, 1, 5, 10, tzinfo=UTC)
    assert clock.set(datetime(2026, 2, 1, 12, tzinfo=timezone(timedelta(hours=2)))).hour == 10
    with pytest.raises(ValueError, match="time zone"):
        clock.set(datetime(2026, 2, 1))  # noqa: DTZ001 - that is the point


def test_moments_are_written_as_the_platform_does() -> None:
    assert wire_datetime(datetime(2022, 3, 17, 15, 37, 35, 120_000, tzinfo=UTC)) == "2022-03-17T15:37:35.120+0000"
