"""Waiting out what may still land: an org may work on a call for ten minutes after its client has given up."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.migration.context import Context

LATE = timedelta(minutes=10, seconds=30)
"""For how long a call whose client has given up may still take effect, and a little more."""
GIVEN_UP = timedelta(minutes=2, seconds=30)
"""From an intent until its client has given up at the latest: the time-outs of the transport, and a little more."""


def wait_out(context: Context, what: str, *, since: datetime | None = None) -> None:
    """Sleep until a call that got no answer cannot land any more.

    `since` is when its intent was journaled, by a process that may have died; left out, it was given up just now.
    """
    clock = context.world.clock
    now = clock.now()
    until = now + LATE if since is None else since + GIVEN_UP + LATE
    if until > now:
        context.warn("waited", f"Waited until {until:%H:%M:%S} UTC, since {what} might still have taken effect")
        clock.sleep((until - now).total_seconds())
