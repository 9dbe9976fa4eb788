"""A seeded loss of each kind turns something red, and what turns red names it."""

from __future__ import annotations

import re

import pytest

from harness.checks.results import AccessVerdict, CheckResult, Comparison, Probes, SideBySide
from harness.checks.side_by_side import alarms
from harness.migration.journal import Record
from harness.migration.records import StageFinished
from tests.component.losses.migrated import Migrated
from tests.component.losses.seeds import LOSSES, Loss


def red(record: Record) -> list[str]:
    """What a record has against the new user, in words."""
    said: list[str] = []
    match record.body:
        case StageFinished(result="failed") as end:
            said = [end.message, end.answer or ""]
        case CheckResult(passed=False) as check:
            said = [f"{record.key}: {check.reason}"]
        case Comparison(equal=False) as comparison:
            said = list(comparison.differences)
        case SideBySide() as looked:
            said = [each.text for each in alarms(looked)]
        case AccessVerdict(passed=False) as verdict:
            said = [f"{each.direction} {each.name} {each.access}" for each in verdict.counterexamples]
        case Probes() as probes:
            said = [f"{each.name}: {each.access}" for each in probes.cells if not each.agreed]
    return said


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.kind)
def test_a_seeded_loss_is_caught_by_name(bench: Migrated, loss: Loss) -> None:
    bench.put_back()
    with loss.seed(bench.org):
        said = [text for stage in ("verify", "dual-auth") for record in bench.go_on(stage) for text in red(record)]
    assert said, f"nothing noticed the loss of {loss.kind}"
    assert re.search(loss.named, "\n".join(said)), said


def test_there_are_many_kinds() -> None:
    assert len({loss.kind for loss in LOSSES}) == len(LOSSES) >= 25
