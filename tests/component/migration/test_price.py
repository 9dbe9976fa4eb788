"""What a whole migration of 500 object and 20,000 field permissions costs, in calls, as its own report tells."""

from __future__ import annotations

import pytest

from harness.migration.records import Plan, Snapshot, StageFinished
from tests.bench.wide import wide_access, wide_files

from .conftest import Bench, MakeBench, ending
from .project import field, rights


def stages(bench: Bench, until: str) -> dict[str, StageFinished]:
    """Run up to a stage; how each one ended."""
    found: dict[str, StageFinished] = {}
    for record in bench.engine().stages():
        if isinstance(record.body, StageFinished):
            found[record.stage] = record.body
            assert record.body.result == "passed", ending(list(bench.journal.records("run1")))
        if until in found:
            break
    return found


@pytest.mark.long
def test_20_500_permissions_are_read_planned_and_written_in_few_calls(make_bench: MakeBench) -> None:
    access = wide_access()
    held = [*(rights(name, "Read", "Create", "Edit") for name in access.objects), *map(field, access.fields)]
    bench = make_bench(extra_set=held, objects=wide_files())
    stages(bench, "grant")
    snapshot, plan = bench.journal.find("run1", Snapshot), bench.journal.find("run1", Plan)
    assert snapshot
    assert plan
    assert access.fields.items() <= plan.carried.fields.items()
    assert snapshot.calls <= snapshot.calls_floor + 5
    assert snapshot.calls <= 20
    rows = [write for write in plan.writes if write.sobject in ("ObjectPermissions", "FieldPermissions")]
    assert sum(write.rows for write in rows) >= 20_500
    assert sum(write.calls for write in rows) <= 25
