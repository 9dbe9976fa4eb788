"""What the snapshot reads of the source user, from the simulated org: its permissions, and what it holds beside them."""

from __future__ import annotations

from harness.migration.records import Snapshot

from .conftest import Bench, MakeBench, ending


def snapshot_of(bench: Bench, run_id: str = "run1") -> Snapshot:
    """Run until the snapshot is journaled."""
    for record in bench.engine(run_id=run_id).stages():
        if isinstance(record.body, Snapshot):
            return record.body
    raise AssertionError(ending(list(bench.journal.records(run_id))))


def test_what_the_user_owns_is_counted_and_little_is_asked(make_bench: MakeBench) -> None:
    found = snapshot_of(make_bench())
    assert found.beside.owned == {"Account": 12}
    assert found.calls <= found.calls_floor + 5
    assert found.idle == ()
