"""The verdict: silence is a failure, and a refusal must be the expected one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from harness.checks.results import Answered
from harness.migration.journal import Journal
from harness.migration.records import AccessAfter
from harness.report.evidence import Evidence, gather
from harness.report.verdict import judge
from tests import report_journals as made


def read(build: Callable[[], Journal]) -> Evidence:
    journal = build()
    try:
        return gather(journal)
    finally:
        journal.close()


@pytest.fixture(scope="module")
def good() -> Evidence:
    return read(made.signed_off)


def changed(evidence: Evidence, **values: Any) -> Evidence:
    return evidence.model_copy(update=values)


def with_header(evidence: Evidence, **values: Any) -> Evidence:
    return changed(evidence, header=evidence.header.model_copy(update=values))


def kinds(evidence: Evidence) -> list[str]:
    verdict = judge(evidence)
    assert verdict.signed_off is (not verdict.reasons)
    return [reason.kind for reason in verdict.reasons]


def texts(evidence: Evidence) -> str:
    return "\n".join(reason.text for reason in judge(evidence).reasons)


def test_a_full_rehearsal_is_signed_off(good: Evidence) -> None:
    assert good.verdict.words == "Signed off"
    assert good.verdict.as_expected
    assert good.verdict.summary == (
        "All that the scenario owes was done and came out right: "
        "10 stages, 6 checks, 4 operations of the workload and 7 rollbacks."
    )


def test_a_refused_plan_is_not_signed_off_and_says_why() -> None:
    verdict = read(made.refused_plan).verdict
    assert verdict.words == "Not signed off"
    assert verdict.as_expected, "the scenario expects a refusal"
    assert verdict.reasons[0].kind == "plan-refused"
    assert verdict.summary == (
        "The plan was refused: two permissions are beyond the license, and the scenario does not drop them "
        "(AuthorApex, ManageUsers)."
    )


def test_a_red_check_names_its_line_and_remedy() -> None:
    verdict = read(made.failed_verify).verdict
    first = verdict.reasons[0]
    assert not verdict.as_expected
    assert str(first) == (
        "scenarios/erp.scenario.yaml:40: grants[Account: read] failed: The field is not visible to the new user."
    )
    assert first.remedy == "Grant read on Account.ERP_Key__c to the permission set."
    said = [reason.kind for reason in verdict.reasons]
    assert said.count("access-missing") == 2, "promised by the plan, and lost without a word"
    assert "stage-failed" not in said, "the check tells it better than its stage"


def test_a_partial_run_names_all_that_is_missing() -> None:
    evidence = read(made.partial)
    said = texts(evidence)
    assert "workload[2: upsert Account] differs in dual-auth: The new user gets 47 rows, the old one 50; " in said
    assert "It is not known whether 1 write took effect: switch: replace the credential." in said
    assert "Stage dual-auth stopped and waits until 07 January 2026 09:00 UTC" in said
    assert "1 stage was not run: cut-over." in said
    assert f"2 checks were not made: {made.DENIALS[1]}, {made.DENIALS[2]}." in said
    assert "2 operations were not compared in dual-auth" in said
    assert "4 operations were not run by the new user alone in cut-over" in said
    assert "The rollback is not proven from: provision, grant, " in said


def test_every_stage_counts(good: Evidence) -> None:
    for place, stage in enumerate(good.stages):
        for result, kind in (("failed", "stage-failed"), ("stopped", "not-finished"), ("interrupted", "not-finished")):
            stages = list(good.stages)
            stages[place] = stage.model_copy(update={"result": result})
            expected = "rollback-failed" if (stage.name, result) == ("rollback", "failed") else kind
            assert expected in kinds(changed(good, stages=tuple(stages))), (stage.name, result)
    stages = tuple(stage.model_copy(update={"result": "skipped"}) for stage in good.stages)
    assert kinds(changed(good, stages=stages)) == ["not-finished"]


def test_every_check_counts(good: Evidence) -> None:
    for place, check in enumerate(good.checks):
        others = good.checks[:place] + good.checks[place + 1 :]
        assert kinds(changed(good, checks=others)) == ["not-made"]
        unmade = check.model_copy(update={"result": check.result.model_copy(update={"made": False})})
        assert kinds(changed(good, checks=(*others, unmade))) == ["not-made"]
        red = check.model_copy(update={"result": check.result.model_copy(update={"passed": False})})
        assert kinds(changed(good, checks=(*others, red))) == ["check-failed"]


def test_every_operation_counts_in_both_stages(good: Evidence) -> None:
    for place, operation in enumerate(good.operations):
        others = good.operations[:place] + good.operations[place + 1 :]
        assert kinds(changed(good, operations=others)) == ["not-made"]
        unequal = operation.model_copy(update={"result": operation.result.model_copy(update={"equal": False})})
        assert kinds(changed(good, operations=(*others, unequal))) == ["workload-differs"]


def test_every_rollback_counts(good: Evidence) -> None:
    for place, rollback in enumerate(good.rollbacks):
        others = good.rollbacks[:place] + good.rollbacks[place + 1 :]
        assert kinds(changed(good, rollbacks=others)) == ["not-made"]
        assert rollback.proof is not None
        for wrong in ({"equal": False}, {"credential_restored": False}, {"old_user_signs_in": False}):
            bad = rollback.model_copy(update={"proof": rollback.proof.model_copy(update=wrong)})
            assert kinds(changed(good, rollbacks=(*others, bad))) == ["rollback-failed"], wrong
        unproven = rollback.model_copy(update={"proof": None})
        assert kinds(changed(good, rollbacks=(*others, unproven))) == ["not-made"]


def test_a_rollback_whose_stage_failed_is_not_proven(good: Evidence) -> None:
    rollback = good.rollbacks[0]
    stages = (*rollback.stages[:-1], rollback.stages[-1].model_copy(update={"result": "failed", "message": "No."}))
    bad = rollback.model_copy(update={"stages": stages})
    assert not bad.proven
    assert "back: rollback failed: No." in texts(changed(good, rollbacks=(bad, *good.rollbacks[1:])))


@pytest.mark.parametrize("document", ["preflight", "snapshot", "plan", "after"])
def test_a_document_that_is_missing_counts(good: Evidence, document: str) -> None:
    assert kinds(changed(good, **{document: None})) == ["not-recorded"]


@pytest.mark.parametrize("owed", ["checks", "operations", "rollback_stages"])
def test_a_run_that_does_not_say_what_it_owes_counts(good: Evidence, owed: str) -> None:
    assert kinds(with_header(good, **{owed: None})) == ["not-recorded"]


def test_access_that_was_only_promised_counts(good: Evidence) -> None:
    held = made.carried().model_copy(update={"system": frozenset({"ApiEnabled"})})
    after = AccessAfter(person=made.new_person(), effective=held)
    assert "does not have: EditTask, RunReports." in texts(changed(good, after=after))


def test_access_lost_without_a_word_counts(good: Evidence) -> None:
    assert good.plan is not None
    plan = good.plan.model_copy(update={"losses": good.plan.losses[1:]})
    assert "lacks what the plan does not list as lost: Opportunity, " in texts(changed(good, plan=plan))


def test_an_expected_refusal_is_not_met_by_bad_luck(good: Evidence) -> None:
    expecting = with_header(good, sign_off_expected="refused", sign_off_because="Too much.")
    assert not judge(expecting).as_expected, "it was signed off"
    broken = changed(expecting, stages=(good.stages[0].model_copy(update={"result": "failed"}), *good.stages[1:]))
    assert not judge(broken).as_expected, "the run broke off: nobody refused the migration"
    assert "ended before the org or the plan refused anything" in judge(broken).expectation
    red = good.checks[0].model_copy(update={"result": good.checks[0].result.model_copy(update={"passed": False})})
    refused = judge(changed(expecting, checks=(red, *good.checks[1:])))
    assert refused.as_expected
    assert refused.expectation == "The scenario expects a refusal: Too much."


def test_an_unequal_operation_without_words_still_says_something(good: Evidence) -> None:
    result = good.operations[0].result.model_copy(
        update={"equal": False, "new": Answered(username=made.NEW, error_code="INVALID_FIELD")}
    )
    operation = good.operations[0].model_copy(update={"result": result})
    assert "the new user got another answer than the old one." in texts(
        changed(good, operations=(operation, *good.operations[1:]))
    )
