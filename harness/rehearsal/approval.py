"""A plan as a file that a reviewer approves: `rehearse plan --write` makes it, `rehearse run --plan` asks for it.

A run makes its own plan all the same, and goes on only where that says what the approved one says. The file is JSON,
sorted, so that two of them can be compared line by line.
"""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from harness import __version__
from harness.errors import UsageError
from harness.migration.journal import Journal
from harness.migration.planning.seal import Moment, check_seal
from harness.migration.records import Approval, Plan
from harness.migration.writing.leave import Papers, check_unused
from harness.scenario.loader import ScenarioFile


class PlanFile(BaseModel):
    """What the file holds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rehearse_plan: Literal[1] = 1
    scenario: str
    """The scenario's file, for people."""
    org: str
    """The org's name in the configuration, for people."""
    plan: Plan


def write_plan(path: Path, plan: Plan, *, scenario: str, org: str) -> None:
    """Write a plan to a file."""
    told = PlanFile(scenario=scenario, org=org, plan=plan).model_dump(mode="json")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(told, indent=2, sort_keys=True, ensure_ascii=False) + "\n", "utf-8")


def read_plan(path: Path) -> Plan:
    """The plan in a file. Raises UsageError where there is none."""
    try:
        return PlanFile.model_validate_json(path.read_bytes()).plan
    except (OSError, ValidationError) as error:
        raise UsageError(
            f"{path} holds no plan of this version of rehearse",
            remedy="write one: rehearse plan FILE --write PLAN.json",
        ) from error


def approval_of(plan: Plan, file: ScenarioFile, journal: Journal, *, org_id: str, now: datetime) -> Approval:
    """What a run notes of the plan that was approved for it.

    Raises PlanNotValid for one that was changed, has expired, was used, or is for another org, scenario or version, and
    UsageError for a scenario whose plan nobody can know beforehand.
    """
    if "trial" in file.scenario.stages:
        raise UsageError(
            "this scenario tries what the license can carry (permissions.ceiling: try), so its plan is known only when "
            "the run has written something",
            place=file.place("permissions"),
            remedy="leave ceiling out (the org is asked), or run it without --plan",
        )
    check_seal(plan, Moment(org_id, file.digest, __version__, now))
    check_unused(Papers(journal, "", file), plan.seal)
    assert plan.expires is not None, "a plan that is valid has an end"
    return Approval(digest=plan.digest, seal=plan.seal, expires=plan.expires)
