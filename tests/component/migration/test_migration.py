"""The whole migration against the simulated org, and its way back."""

from __future__ import annotations

from harness.migration.records import AccessAfter, Plan, RollbackProof, Snapshot

from .conftest import MakeBench, ending, results


def test_a_migration_runs_through_every_stage_and_back(make_bench: MakeBench) -> None:
    bench = make_bench()
    engine = bench.engine()
    records = list(engine.stages())
    for r in records: print(r.stage, r.kind, r.key, r.body.model_dump_json(exclude_none=True)[:600])
    assert results(records) == dict.fromkeys(bench.file.scenario.stages, "passed"), ending(records)
    records = list(engine.rollback())
    for r in records: print(r.stage, r.kind, r.key, r.body.model_dump_json(exclude_none=True)[:600])
    assert ending(records).result == "passed", ending(records)
