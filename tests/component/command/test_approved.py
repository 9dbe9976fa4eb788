"""A plan is written, approved, and run once: `rehearse plan --write`, `rehearse run --plan`."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from harness import cli
from harness.migration.planning.seal import LIFETIME, seal
from harness.migration.records import Plan
from tests.component.plugin.example import Example

from .test_refusals import NEW_USER, SCENARIO, wrote_nothing

PLAN = "mulesoft.plan.json"


@dataclass(frozen=True)
class Ended:
    code: int
    output: str


Rehearse = Callable[..., Ended]


@pytest.fixture
def rehearse(project: Example, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Rehearse:
    """The command in this process, in the project's folder."""
    monkeypatch.chdir(project.folder)

    def run(*arguments: str) -> Ended:
        capfd.readouterr()
        code = cli._exit_code(list(arguments))
        return Ended(code, "".join(capfd.readouterr()))

    return run


def written(project: Example, rehearse: Rehearse) -> dict[str, Any]:
    ran = rehearse("plan", SCENARIO, "--write", PLAN)
    assert ran.code == 0, ran.output
    assert f"--plan {PLAN}" in ran.output
    told: dict[str, Any] = json.loads((project.folder / PLAN).read_text("utf-8"))
    return told


def clear(ended: Ended) -> bool:
    return "Traceback" not in ended.output and "remedy:" in ended.output


def rewritten(project: Example, told: dict[str, Any]) -> None:
    (project.folder / PLAN).write_text(json.dumps(told), "utf-8")


def test_an_approved_plan_is_run_and_then_used_up(project: Example, rehearse: Rehearse) -> None:
    first, second = written(project, rehearse), written(project, rehearse)
    assert first["plan"]["digest"] == second["plan"]["digest"], "two plans of an unchanged org say the same"
    ran = rehearse("run", SCENARIO, "--plan", PLAN)
    assert ran.code == 0, ran.output
    assert not wrote_nothing(project)
    assert rehearse("rollback", SCENARIO).code == 0
    again = rehearse("run", SCENARIO, "--plan", PLAN)
    assert again.code == 4, again.output
    assert clear(again)


def test_a_changed_a_foreign_and_an_unreadable_plan_are_refused_before_anything_is_written(
    project: Example, rehearse: Rehearse
) -> None:
    told = written(project, rehearse)
    told["plan"]["losses"] = []
    rewritten(project, told)
    changed = rehearse("run", SCENARIO, "--plan", PLAN)
    assert changed.code == 4, changed.output
    assert "was changed after it was sealed" in changed.output
    assert clear(changed)
    rewritten(project, {"rehearse_plan": 1})
    unreadable = rehearse("run", SCENARIO, "--plan", PLAN)
    assert unreadable.code == 2, unreadable.output
    assert clear(unreadable)
    written(project, rehearse)
    project.change(project.folder / SCENARIO, "finish: freeze", "finish: retire")
    foreign = rehearse("run", SCENARIO, "--plan", PLAN)
    assert foreign.code == 4, foreign.output
    assert "another scenario" in foreign.output
    assert wrote_nothing(project)


def test_a_plan_that_is_not_the_approved_one_is_not_carried_out(project: Example, rehearse: Rehearse) -> None:
    """Somebody seals a plan anew, with other contents: the run makes its own, and sees that it is another."""
    told = written(project, rehearse)
    plan = Plan.model_validate(told["plan"])
    assert plan.expires is not None
    other = seal(plan.model_copy(update={"writes": plan.writes[:-1]}), made=plan.expires - LIFETIME)
    rewritten(project, {**told, "plan": other.model_dump(mode="json")})
    ran = rehearse("run", SCENARIO, "--plan", PLAN)
    assert ran.code == 4, ran.output
    assert "is not the one that was approved" in ran.output
    assert f"new write: {plan.writes[-1].summary}" in ran.output
    assert wrote_nothing(project)
    resumed = rehearse("resume", SCENARIO)
    assert resumed.code == 4, "a run that was begun with an approval keeps it"
    assert wrote_nothing(project)
    anew = rehearse("run", SCENARIO)
    assert anew.code == 0, "without an approval, a new run makes its own plan"
    assert NEW_USER in anew.output
