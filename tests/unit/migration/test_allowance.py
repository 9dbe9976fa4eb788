"""How many writes a stage may send: what is planned and expected of it, three times, and room for the lock."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.migration.planning.allowance import REPEATS, ROOM, Allowance, Expected, allowance
from harness.migration.records import Plan, PlannedWrite
from harness.scenario.loader import load

FILE = load(Path(__file__).parents[3] / "scenarios" / "erp.scenario.yaml")
WRITES = (
    PlannedWrite.of("provision/user", "create", "User", "create"),
    PlannedWrite.of("provision/license", "create", "PermissionSetLicenseAssign", "assign"),
    PlannedWrite.of("grant/field-permissions", "create", "FieldPermissions", "fill", rows=410, calls=1),
    PlannedWrite.of("cut-over/freeze", "update", "UserLogin", "freeze"),
)


def plan(*writes: PlannedWrite) -> Plan:
    """A plan of which nothing but the writes is looked at."""
    values: dict[str, Any] = {"writes": writes}
    return Plan.model_construct(**values)


PLAN = plan(*WRITES)


def of(stage: str, **known: object) -> Allowance:
    return allowance(stage, Expected(FILE.scenario, PLAN, **known))  # type: ignore[arg-type]


def test_a_stage_gets_what_is_planned_for_it_and_only_provision_a_user() -> None:
    assert of("provision") == Allowance(ROOM + REPEATS * 2, users=1)
    assert of("grant") == Allowance(ROOM + REPEATS * 21, users=0)
    assert of("authorize") == Allowance(ROOM, users=0)


def test_a_user_that_is_taken_up_again_is_not_created() -> None:
    again = plan(PlannedWrite.of("provision/user", "update", "User", "reactivate"))
    assert allowance("provision", Expected(FILE.scenario, again)).users == 0


def test_the_workload_counts_where_it_runs() -> None:
    assert of("cut-over").requests > of("dual-auth").requests > ROOM + REPEATS * len(FILE.scenario.workload)
    in_place = FILE.scenario.model_copy(update={"to": FILE.scenario.to.model_copy(update={"strategy": "in-place"})})
    assert allowance("provision", Expected(in_place, PLAN)).requests > of("provision").requests


@pytest.mark.parametrize(("rows", "calls"), [((), 0), ((1,), 2), ((1, 20, 21), 2 + 2 + 3)])
def test_a_rollback_gets_what_was_intended(rows: tuple[int, ...], calls: int) -> None:
    assert of("rollback", intended=rows) == Allowance(ROOM + REPEATS * calls, users=0)


def test_a_trial_has_a_user_of_its_own_and_grows_with_what_is_tried() -> None:
    assert of("trial").users == 1
    assert of("trial", rights=100).requests - of("trial").requests == REPEATS * 100


def test_verify_grows_with_the_objects_that_are_probed() -> None:
    assert of("verify", objects=100).requests - of("verify").requests == REPEATS * 100
    assert of("verify").users == 0
