"""An org in which nothing was changed: not one alarm, whichever scenario it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.checks.results import Comparison, SideBySide
from harness.checks.side_by_side import alarms
from harness.migration.journal import Record
from harness.migration.records import StageFinished
from harness.scenario.loader import load
from tests.component.losses.migrated import Migrated, migrated

SCENARIOS = sorted((Path(__file__).parents[3] / "scenarios").glob("*.scenario.yaml"))


def told(records: list[Record]) -> list[str]:
    """Every alarm of the two users' comparison, in words."""
    found = [each.text for record in records if isinstance(record.body, SideBySide) for each in alarms(record.body)]
    unlike = [record.body for record in records if isinstance(record.body, Comparison) and not record.body.equal]
    return found + [text for each in unlike for text in each.differences]


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.name.partition(".")[0])
def test_a_shipped_scenario_gives_no_alarm(path: Path, tmp_path: Path) -> None:
    file = load(path)
    if file.scenario.expect.sign_off == "refused":
        pytest.skip("its plan is refused: nobody is migrated")
    with migrated(file, tmp_path) as bench:
        records = bench.go_on("verify", "dual-auth")
        assert told(records) == []
        ends = {each.stage: each.body for each in records if isinstance(each.body, StageFinished)}
        assert {stage: end.result for stage, end in ends.items()} == {"verify": "passed", "dual-auth": "passed"}, ends
        looked = [record.body for record in records if isinstance(record.body, SideBySide)]
        assert looked
        assert any(each.sampled for each in looked)


def test_the_org_that_losses_are_seeded_in_gives_no_alarm(bench: Migrated) -> None:
    bench.put_back()
    records = bench.go_on("verify", "dual-auth")
    assert told(records) == []
    last = records[-1].body
    assert isinstance(last, StageFinished)
    assert last.result == "passed", last
