"""The loop: order, resume, and what each way of ending leaves in the journal. No org anywhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from harness.errors import GuardRefused, RequestRefused, StageFailed, UsageError
from harness.migration.context import Context
from harness.migration.journal import Journal, Record
from harness.migration.records import StageFinished
from harness.migration.stages import PlanRefused, Stage, Steps, Waiting
from harness.migration.stages.order import STAGES as ALL
from harness.migration.status import status
from harness.scenario.model import STAGES as DECLARED

from .fakes import STAGES, engine

Act = Callable[[], str]


@pytest.fixture
def journal() -> Iterator[Journal]:
    made = Journal(None)
    yield made
    made.close()


def table(ran: list[str], **acts: Act) -> Mapping[str, Stage]:
    """Stages that note that they ran, notes on the way and do what `acts` says."""

    def stage(name: str) -> Stage:
        def run(context: Context) -> Steps:
            ran.append(name)
            context.warn("begun", name)
            yield
            return acts[name]() if name in acts else f"{name} is done"

        return Stage(name=name, writes=False, run=run)

    return {name: stage(name) for name in STAGES}


def fail(error: BaseException) -> Act:
    def act() -> str:
        raise error

    return act


def last(journal: Journal) -> StageFinished:
    body = list(journal.records("run1"))[-1].body
    assert isinstance(body, StageFinished)
    return body


def test_the_stages_are_those_of_the_language_in_its_order() -> None:
    assert tuple(ALL) == DECLARED
    assert [name for name, stage in ALL.items() if not stage.writes] == ["preflight", "snapshot", "plan", "switch"]


def test_stages_run_in_order_and_are_journaled_inside_their_surroundings(journal: Journal) -> None:
    ran: list[str] = []
    around: list[str] = []

    @contextmanager
    def surroundings(name: str) -> Iterator[None]:
        around.append(f"+{name}")
        yield
        around.append(f"-{name}")

    records = list(engine(journal, table(ran), around=surroundings).stages())
    assert ran == list(STAGES)
    assert around == [f"{sign}{name}" for name in STAGES for sign in "+-"]
    assert [record.kind for record in records[:4]] == ["run.started", "stage.started", "note", "stage.finished"]
    assert records == list(journal.records("run1"))


def test_each_record_is_handed_over_before_the_next_step(journal: Journal) -> None:
    ran: list[str] = []
    stages = engine(journal, table(ran)).stages()
    kinds = []
    for record in stages:
        kinds.append(record.kind)
        if record.kind == "stage.started":
            assert ran == []
            break
    assert kinds == ["run.started", "stage.started"]


@pytest.mark.parametrize(
    ("error", "result", "answer"),
    [
        (StageFailed("it is red", stage="snapshot", remedy="grant it"), "failed", None),
        (
            RequestRefused("no", asked="q", status=400, code="INVALID_TYPE", description="x"),
            "failed",
            "INVALID_TYPE: x",
        ),
        (PlanRefused("too much is lost", stage="snapshot"), "refused", None),
        (Waiting("both work", until=datetime(2026, 2, 1, tzinfo=UTC), remedy="later"), "stopped", None),
    ],
)
def test_a_stage_that_does_not_pass_ends_the_run_and_says_why(
    journal: Journal, error: StageFailed, result: str, answer: str | None
) -> None:
    ran: list[str] = []
    list(engine(journal, table(ran, snapshot=fail(error))).stages())
    assert ran == ["preflight", "snapshot"]
    ended = last(journal)
    assert (ended.result, ended.message, ended.answer) == (result, error.message, answer)
    assert ended.remedy == error.remedy or "`rehearse resume`" in str(ended.remedy)


def test_a_message_is_one_line(journal: Journal) -> None:
    error = RequestRefused("the org refused:\n  SELECT x\n  ^", asked="q", status=400, code="X", description="y")
    list(engine(journal, table([], snapshot=fail(error))).stages())
    assert last(journal).message == "the org refused: SELECT x ^"


@pytest.mark.parametrize("error", [GuardRefused("not a sandbox"), UsageError("no such variable"), KeyboardInterrupt()])
def test_what_no_stage_answers_for_is_journaled_and_raised(journal: Journal, error: BaseException) -> None:
    ran: list[str] = []
    with pytest.raises(type(error)):
        list(engine(journal, table(ran, snapshot=fail(error))).stages())
    assert last(journal).result == ("stopped" if isinstance(error, KeyboardInterrupt) else "failed")


def test_a_bug_is_not_dressed_up(journal: Journal) -> None:
    with pytest.raises(ZeroDivisionError):
        list(engine(journal, table([], snapshot=fail(ZeroDivisionError()))).stages())
    assert next(iter(status(journal))).result == "running"


def test_a_caller_that_walks_away_leaves_a_stopped_run(journal: Journal) -> None:
    stages = engine(journal, table([])).stages()
    for record in stages:
        if record.kind == "note":
            break
    assert isinstance(stages, Iterator)
    stages.close()
    assert last(journal).result == "stopped"


def test_a_run_is_taken_up_at_the_first_stage_that_has_not_passed(journal: Journal) -> None:
    ran: list[str] = []
    list(engine(journal, table(ran, plan=fail(StageFailed("no", stage="plan")))).stages())
    again = engine(journal, table(ran))
    assert again.remaining == ("plan", "provision")
    records = list(again.stages())
    assert ran == ["preflight", "snapshot", "plan", "plan", "provision"]
    assert [record.kind for record in records].count("run.started") == 0
    assert status(journal)[0].complete
    assert list(engine(journal, table(ran)).stages()) == []


def test_a_rollback_rehearsal_goes_as_far_as_it_is_told_and_makes_no_plan_of_its_own(journal: Journal) -> None:
    ran: list[str] = []
    list(engine(journal, table(ran), until="plan").stages())
    assert ran == ["preflight", "snapshot", "plan"]
    ran.clear()
    list(engine(journal, table(ran), run_id="run2", plan_from="run1").stages())
    assert ran == ["preflight", "provision"]


def test_a_changed_scenario_is_not_taken_up(journal: Journal) -> None:
    list(engine(journal, table([]), until="preflight").stages())
    with pytest.raises(UsageError, match="was changed since run run1 began"):
        list(engine(journal, table([]), scenario_digest="b" * 64).stages())


def test_undoing_a_run_that_wrote_nothing_needs_no_org(journal: Journal) -> None:
    list(engine(journal, table([], preflight=fail(StageFailed("no", stage="preflight")))).stages())
    records: list[Record] = list(engine(journal, table([])).rollback())
    assert last(journal).result == "passed"
    assert records[-1].stage == "rollback"
    [now] = status(journal)
    assert now.undone
    with pytest.raises(UsageError, match="was rolled back"):
        list(engine(journal, table([])).stages())


def test_status_tells_until_when_a_run_waits(journal: Journal) -> None:
    until = datetime(2026, 2, 1, 9, tzinfo=UTC)
    waiting = fail(Waiting("both work", until=until, remedy="later"))
    list(engine(journal, table([], provision=waiting)).stages())
    [now] = status(journal)
    assert (now.stage, now.result, now.until, now.complete) == ("provision", "stopped", until, False)
    assert "2026-02-01 09:00 UTC" in now.next
