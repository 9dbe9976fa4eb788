"""The mark that a run puts on the permission sets it makes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.migration.planning.marks import mark_of

if TYPE_CHECKING:
    from harness.migration.context import Context


def set_mark(context: Context) -> str:
    """The description of the run's permission sets: the same whenever the run comes by again."""
    file, snapshot = context.world.file, context.snapshot
    told = {"file_digest": file.digest, "fingerprint": snapshot.fingerprint}
    return context.world.said(str(mark_of(file.name, context.run_id, parts=snapshot.parts, **told)))
