"""Scenario files as pytest items: one for each stage, each check inside a verifying stage, and each rollback.

    scenarios/erp.scenario.yaml::erp::preflight
    scenarios/erp.scenario.yaml::erp::verify::grants[query Account]
    scenarios/erp.scenario.yaml::erp::verify::access
    scenarios/erp.scenario.yaml::erp::dual-auth::what both users see
    scenarios/erp.scenario.yaml::erp::rollback[from cut-over]
    scenarios/erp.scenario.yaml::erp::sign-off
    scenarios/erp.scenario.yaml::erp::compare[verify]         with --cassettes compare

An item asks the rehearsal for its result; the rehearsal runs whatever must have run before. pytest's fixtures do not
reach custom items, so nothing here relies on them.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from harness.checks.results import AccessVerdict, CheckResult, Comparison
from harness.checks.spec import CheckSpec, OperationSpec, check_specs, operation_specs
from harness.errors import CassetteWarning, Place, RehearseError, ScenarioError, StageFailed
from harness.plugin import rehearsals_of
from harness.recording.network import no_network
from harness.recording.scanning.discretion import discreet
from harness.rehearsal.progress import NotReached
from harness.report.drift import DriftFound, OrgDrift
from harness.scenario.loader import ScenarioFile, load

COMPARED = ("preflight", "snapshot", "plan", "verify", "dual-auth", "cut-over")
"""The stages whose reads an org can be asked again: each of them was recorded in a state that lasts."""
CHECKED = ("verify", "dual-auth", "cut-over")
"""The stages that put checks to the org, each an item of its own."""
MOST_TOLD = 20
"""Differences that a failed item tells."""


class ScenarioPath(pytest.File):
    """A scenario file."""

    def collect(self) -> Iterator[pytest.Collector]:
        """The scenario in the file; raises CollectError naming file, line and column."""
        try:
            file = load(self.path)
        except ScenarioError as error:
            raise self.CollectError(discreet(str(error))) from None
        compared = compared_stages(file) if rehearsals_of(self.config).options.compares else ()
        rehearsals_of(self.config).add(file, items=item_count(file) + len(compared))
        yield ScenarioNode.from_parent(self, name=file.name, file=file)


class ScenarioNode(pytest.Collector):
    """One scenario: its stages in order, then the rollbacks, then the verdict."""

    def __init__(self, *, file: ScenarioFile, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.file = file

    def collect(self) -> Iterator[pytest.Item | pytest.Collector]:
        """The stages, the rollbacks and the verdict."""
        for stage in self.file.scenario.stages:
            if stage in CHECKED:
                yield CheckedStageNode.from_parent(self, name=stage, file=self.file)
            else:
                yield StageItem.from_parent(self, name=stage, file=self.file, stage=stage)
        last, *others = reversed(self.file.scenario.rollback_stages)
        for stage in (last, *reversed(others)):
            yield RollbackItem.from_parent(self, name=f"rollback[from {stage}]", file=self.file, stage=stage)
        yield SignOffItem.from_parent(self, name="sign-off", file=self.file, stage="sign-off")
        if rehearsals_of(self.config).options.compares:
            for stage in compared_stages(self.file):
                yield CompareItem.from_parent(self, name=f"compare[{stage}]", file=self.file, stage=stage)


class CheckedStageNode(pytest.Collector):
    """A stage that puts checks to the org."""

    def __init__(self, *, file: ScenarioFile, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.file = file

    def collect(self) -> Iterator[pytest.Item]:
        """The checks of the stage, and whether it completed."""
        specs: Iterable[CheckSpec | OperationSpec] = (
            check_specs(self.file) if self.name == "verify" else operation_specs(self.file)
        )
        for spec in specs:
            yield CheckItem.from_parent(self, name=spec.id, file=self.file, stage=self.name, place=spec.place)
        if self.name == "verify":
            yield AccessItem.from_parent(self, name="access", file=self.file, stage=self.name)
        if self.name == "dual-auth":
            yield LooksItem.from_parent(self, name="what both users see", file=self.file, stage=self.name)
        yield StageItem.from_parent(self, name="completed", file=self.file, stage=self.name)


class RehearsalItem(pytest.Item):
    """An item of a rehearsal: it belongs to a scenario and a stage of it."""

    asks_an_org = False
    """Whether it needs the network although cassettes are replayed."""

    def __init__(self, *, file: ScenarioFile, stage: str, place: Place | None = None, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.file = file
        self.stage = stage
        self.place = place or file.place()

    @abstractmethod
    def ask(self) -> None:
        """Get this item's result; raises RehearseError for a failure."""

    def runtest(self) -> None:
        """Ask, and skip when something before it was in the way."""
        replays = rehearsals_of(self.config).options.replays
        try:
            with no_network() if replays and not self.asks_an_org else nullcontext():  # between stages, too
                self.ask()
        except NotReached as reason:
            pytest.skip(discreet(str(reason)))
        except KeyboardInterrupt:  # without the frames below, whose arguments --full-trace would show
            raise KeyboardInterrupt from None
        finally:
            for text in rehearsals_of(self.config).of(self.file).take_warnings():
                self.warn(CassetteWarning(text))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:  # noqa: ARG002
        """One line and the org's answer for what is the org's or the user's doing; a traceback for a bug of ours."""
        error = excinfo.value
        if not isinstance(error, RehearseError):
            # without arguments and locals, in which there are secrets, whatever --tb and --showlocals ask for
            return discreet(str(excinfo.getrepr(style="short", funcargs=False, showlocals=False)))
        stage = error.stage if isinstance(error, StageFailed) else self.stage
        first, *rest = error.message.splitlines()
        lines = [f"{error.place or self.place}: {stage}: {first}", *(f"  {line}" for line in rest)]
        if error.remedy:
            lines.append(f"  remedy: {error.remedy}")
        return discreet("\n".join(lines))

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Where the item is written: the scenario's line."""
        line = self.place.line
        return self.path, None if line is None else line - 1, self.nodeid.partition("::")[2]


class StageItem(RehearsalItem):
    """A stage did what it must."""

    def ask(self) -> None:
        """Run through the stage."""
        rehearsals_of(self.config).of(self.file).reach(self.stage)


class CheckItem(RehearsalItem):
    """A check of a stage was answered as expected."""

    def ask(self) -> None:
        """Get the answer, and judge it."""
        result = rehearsals_of(self.config).of(self.file).result(self.stage, self.name)
        if isinstance(result, CheckResult) and not result.passed:
            raise _failed_check(self.stage, self.name, result, self.place)
        if isinstance(result, Comparison) and not result.equal:
            raise _failed_comparison(self.stage, self.name, result, self.place)


class AccessItem(RehearsalItem):
    """The new user holds neither less nor more than was agreed to, however it is found out."""

    def ask(self) -> None:
        """Get the verdict, and its counterexamples."""
        verdict = rehearsals_of(self.config).of(self.file).access()
        if not verdict.passed:
            raise _failed_access(self.stage, verdict, self.file.place("permissions"))


class LooksItem(RehearsalItem):
    """The new user sees what the old one sees."""

    def ask(self) -> None:
        """Get what differs, and was not agreed to."""
        looks = rehearsals_of(self.config).of(self.file).looks()
        found = [finding for look in looks for finding in look.findings if finding.accepted is None]
        if found:
            lines = ["the new user sees otherwise what no error reports", *(finding.text for finding in found)]
            place = self.file.place("permissions")
            raise StageFailed("\n".join(lines), stage=self.stage, place=place, remedy=found[0].remedy)


class RollbackItem(RehearsalItem):
    """From this stage, everything can be undone."""

    def ask(self) -> None:
        """Roll back from the stage."""
        rehearsals_of(self.config).of(self.file).roll_back(self.stage)


class SignOffItem(RehearsalItem):
    """The verdict is the one the scenario expects."""

    def ask(self) -> None:
        """Finish the rehearsal, and judge it."""
        rehearsals_of(self.config).of(self.file).sign_off()


class CompareItem(RehearsalItem):
    """What a stage's recording asked is answered by the org today as it was then."""

    asks_an_org = True

    def ask(self) -> None:
        """Get what differs in this stage, and judge it: warn of what is not grave enough to fail."""
        rehearsals = rehearsals_of(self.config)
        drift, failing = rehearsals.drift(self.file), rehearsals.options.fail_at
        if not drift.total:
            raise _nothing_compared(self.stage, drift, self.file.place())
        found = [each for each in drift.found if each.stage == self.stage]
        grave = [each for each in drift.from_tier(failing) if each.stage == self.stage]
        if grave:
            raise _drifted(self.stage, grave, self.file.place())
        for each in found:
            if each.tier != "information":
                self.warn(CassetteWarning(f"{self.stage}: {each}"))
        if not drift.asked.get(self.stage):
            raise NotReached(next((why for stage, why, _ in drift.left_out() if stage == self.stage), "not recorded"))


def compared_stages(file: ScenarioFile) -> tuple[str, ...]:
    """The stages of a scenario whose reads can be asked again."""
    return tuple(stage for stage in file.scenario.stages if stage in COMPARED)


def item_count(file: ScenarioFile) -> int:
    """How many items a scenario has."""
    scenario = file.scenario
    checks, operations = len(check_specs(file)), len(operation_specs(file))
    in_stages = sum({"verify": checks}.get(stage, operations) for stage in scenario.stages if stage in CHECKED)
    proofs = sum(stage in scenario.stages for stage in ("verify", "dual-auth"))
    return len(scenario.stages) + in_stages + proofs + len(scenario.rollback_stages) + 1


def _nothing_compared(stage: str, drift: OrgDrift, place: Place) -> StageFailed:
    reasons = [f"{where}: {why} ({count})" for where, why, count in drift.left_out()]
    lines = [f"nothing that was recorded could be asked of {drift.org}, so nothing is known", *reasons]
    return StageFailed("\n".join(lines), stage=stage, place=place, remedy="name the org that was recorded")


def _drifted(stage: str, grave: Sequence[DriftFound], place: Place) -> StageFailed:
    told = [line for each in grave[:MOST_TOLD] for line in (str(each), f"  {each.request}")]
    more = [f"and {len(grave) - MOST_TOLD} more"] if len(grave) > MOST_TOLD else []
    lines = ["the org no longer answers as it was recorded", *told, *more]
    remedy = "undo what changed in the org, or, where it is meant, record again: --cassettes record"
    return StageFailed("\n".join(lines), stage=stage, place=place, remedy=remedy)


def _failed_check(stage: str, key: str, result: CheckResult, place: Place) -> StageFailed:
    lines = [f"{key}: {result.reason or 'not answered as expected'}", f"expected: {result.expected}"]
    for who, asked in (("answered", result.answer), ("as the admin", result.control)):
        if asked is not None:
            said = " ".join(str(part) for part in (asked.error_code, asked.message) if part)
            rows = "" if asked.rows is None else f", {asked.rows} rows"
            lines.append(f"{who}: {asked.request} as {asked.username}: {asked.status or '-'}{rows} {said}".rstrip())
    return StageFailed("\n".join(lines), stage=stage, place=place, remedy=result.remedy)


def _failed_access(stage: str, verdict: AccessVerdict, place: Place) -> StageFailed:
    lines = ["the new user's access is not what was agreed to"]
    for each in verdict.counterexamples:
        rights, given = f" ({', '.join(each.access)})" if each.access else "", ", ".join(each.given_by)
        lines.append(f"{each.direction}: {each.kind} {each.name}{rights}" + (f", given by {given}" if given else ""))
    for apart in verdict.disagreements:
        if not apart.explained:
            lines.append(f"not agreed: {apart.cell.name} ({apart.cell.access}): {apart.explanation}")
    return StageFailed("\n".join(lines), stage=stage, place=place)


def _failed_comparison(stage: str, key: str, result: Comparison, place: Place) -> StageFailed:
    lines = [f"{key}: the new user does not get what the old one gets", *result.differences]
    if result.new.error_code:
        lines.append(f"answered: {result.new.error_code} {result.new.message or ''}".rstrip())
    return StageFailed("\n".join(lines), stage=stage, place=place, remedy=result.remedy)
