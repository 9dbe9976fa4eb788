"""What the snapshot reads of the source user, from the simulated org."""

from __future__ import annotations

from harness.migration.records import Snapshot

from .conftest import Bench, MakeBench, ending
from .project import permission


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


def test_what_modify_all_data_opens_is_kept_apart_from_what_has_rows(make_bench: MakeBench) -> None:
    found = snapshot_of(make_bench(profile=[permission("ModifyAllData")]))
    assert "Case" not in found.effective.objects
    assert set(found.implied["Case"]) >= {"read", "edit", "delete", "modify-all"}
    assert "Case" in found.labels
    assert "Lead" in found.effective.objects, "a row of its own"
