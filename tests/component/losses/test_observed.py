"""The old user observed before anything is changed, and the new one held against that later: one user, in place."""

from __future__ import annotations

from contextlib import ExitStack

import pytest

from harness.checks.results import OldLook, SideBySide
from harness.checks.side_by_side import alarms
from harness.migration.context import Context
from harness.migration.journal import Record
from harness.migration.records import StageFinished
from harness.migration.stages import Stage, Steps
from harness.migration.stages.order import STAGES
from harness.migration.stages.workload import observe_old
from tests.component.losses.migrated import Migrated
from tests.component.losses.seeds import LOSSES


def observed(bench: Migrated, kind: str | None = None) -> list[Record]:
    """Observe the old user, seed a loss of this kind, and compare."""
    with ExitStack() as seeding:

        def observe(context: Context) -> Steps:
            yield from observe_old(context)
            for each in LOSSES:
                if each.kind == kind:
                    seeding.enter_context(each.seed(bench.org))
            return "observed"

        bench.put_back()
        return bench.go_on("switch", "dual-auth", table={**STAGES, "switch": Stage("switch", writes=True, run=observe)})


def found(records: list[Record]) -> dict[str, str]:
    """The alarms of the looks, by their kind."""
    looks = [record.body for record in records if isinstance(record.body, SideBySide)]
    return {each.kind: each.text for look in looks for each in alarms(look)}


def ending(records: list[Record]) -> StageFinished:
    last = records[-1].body
    assert isinstance(last, StageFinished)
    return last


def test_rows_that_the_workload_made_meanwhile_are_no_alarm(bench: Migrated) -> None:
    before = len(bench.org.rows("Account"))
    records = observed(bench)
    assert found(records) == {}
    assert ending(records).result == "passed", ending(records)
    assert len(bench.org.rows("Account")) > before
    kinds = [record.kind for record in records if record.stage == "switch"]
    assert kinds.count("old-look") == kinds.count("old-answer") - 1 == 6


@pytest.mark.parametrize(
    ("loss", "kind"),
    [
        ("rows by role", "rows-missing"),
        ("picklist value", "picklist-value"),
        ("record type", "record-type"),
        ("field edit", "field-read-only"),
        ("object read", "object-vanished"),
    ],
)
def test_a_loss_after_the_observation_is_found(bench: Migrated, loss: str, kind: str) -> None:
    records = observed(bench, loss)
    assert kind in found(records)
    assert ending(records).result == "failed"


def test_what_is_kept_of_rows_is_which_fields_are_empty_and_no_value(bench: Migrated) -> None:
    looks = [record.body for record in observed(bench) if isinstance(record.body, OldLook)]
    [shipments] = [each for each in looks if each.first.object == "Shipment__c"]
    assert shipments.first.rows == 8
    assert any("Note__c" in row.empty for row in shipments.first.sample.values())
    assert any("Note__c" not in row.empty for row in shipments.first.sample.values())
    text = "".join(each.model_dump_json() for each in looks)
    assert "fragile" not in text
    assert "Kiel" not in text
    assert "K1" in text, "an external id is what people know the row by"
