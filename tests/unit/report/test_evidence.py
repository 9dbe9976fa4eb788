"""Evidence: gathered from the journal alone, sealed by a digest, and the fullest account wins."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from harness.errors import UsageError
from harness.migration.journal import Journal
from harness.migration.records import Intent, Outcome
from harness.report.evidence import Evidence, canonical, digest_of, gather, most_complete, to_json
from tests import report_journals as made

JOURNALS = (made.signed_off, made.refused_plan, made.failed_verify, made.partial, made.hostile)


@pytest.fixture
def journal() -> Iterator[Journal]:
    journal = Journal(None)
    yield journal
    journal.close()


@pytest.fixture(params=JOURNALS, ids=lambda build: build.__name__)
def evidence(request: pytest.FixtureRequest) -> Evidence:
    return read(request.param)


def read(build: Callable[[], Journal]) -> Evidence:
    journal = build()
    try:
        return gather(journal)
    finally:
        journal.close()


def test_it_holds_what_the_run_left() -> None:
    evidence = read(made.signed_off)
    assert evidence.name == "erp"
    assert [stage.name for stage in evidence.stages] == [*made.STAGES, "rollback"]
    assert {stage.result for stage in evidence.stages} == {"passed"}
    assert [check.id for check in evidence.checks] == [*made.GRANTS, *made.DENIALS]
    assert len(evidence.operations) == 2 * len(made.OPERATIONS)
    assert [rollback.from_stage for rollback in evidence.rollbacks] == list(made.ROLLBACK_STAGES)
    assert [rollback.own for rollback in evidence.rollbacks] == [False] * 6 + [True]
    assert all(rollback.proven for rollback in evidence.rollbacks)
    assert evidence.calls == sum(stage.calls for stage in evidence.stages) == 119
    assert evidence.snapshot is not None
    assert evidence.snapshot.effective == made.before()


def test_it_survives_json(evidence: Evidence) -> None:
    assert Evidence.model_validate_json(to_json(evidence)) == evidence


def test_the_digest_is_over_everything_else(evidence: Evidence) -> None:
    plain = json.loads(to_json(evidence))
    digest = plain.pop("digest")
    text = json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert text == canonical(evidence), "the file itself is enough to check the digest"
    assert digest == hashlib.sha256(text.encode()).hexdigest() == evidence.digest


def test_a_changed_evidence_shows(evidence: Evidence) -> None:
    words = "Not signed off" if evidence.verdict.signed_off else "Signed off"
    forged = evidence.model_copy(update={"verdict": evidence.verdict.model_copy(update={"words": words})})
    assert digest_of(forged) != evidence.digest


def test_the_same_journal_gives_the_same_digest() -> None:
    assert read(made.signed_off).digest == read(made.signed_off).digest


def test_an_empty_journal_is_a_usage_error(journal: Journal) -> None:
    with pytest.raises(UsageError, match="holds no migration run"):
        gather(journal)


def test_an_unknown_run_is_a_usage_error(journal: Journal) -> None:
    made.signed_off(journal)
    with pytest.raises(UsageError, match="no migration run nowhere"):
        gather(journal, "nowhere")


def test_the_newest_migration_is_taken_unless_one_is_named(journal: Journal) -> None:
    made.signed_off(journal)
    second = made.Writer(journal, run="222222222222", at=datetime(2026, 2, 1, tzinfo=UTC))
    second.begin(tool_version="0.2.0")
    assert gather(journal).header.tool_version == "0.2.0"
    assert gather(journal).rollbacks == ()
    assert gather(journal, "a1b2c3d4e5f6").header.tool_version == "0.1.0"
    assert len(gather(journal, "a1b2c3d4e5f6").rollbacks) == 7


def test_a_rehearsal_of_another_run_is_not_taken(journal: Journal) -> None:
    first = made.Writer(journal)
    first.begin()
    second = made.Writer(journal, run="222222222222", at=first.at + timedelta(days=1))
    second.begin()
    made.write_rehearsed_rollback(journal, "grant", of=first, at=second.at)
    assert gather(journal).rollbacks == ()
    assert [rollback.from_stage for rollback in gather(journal, first.run).rollbacks] == ["grant"]


def test_a_rehearsal_that_names_no_run_belongs_to_the_migration_before_it(journal: Journal) -> None:
    first = made.Writer(journal)
    first.begin()
    other = made.Writer(journal, run="333333333333", at=first.at)
    other.begin(purpose="rollback-rehearsal", until="grant")
    made.write_rollback(other, "grant")
    stranger = made.Writer(journal, run="444444444444", at=first.at)
    stranger.begin(purpose="rollback-rehearsal", until="grant", scenario_digest=made.sha("another scenario"))
    assert [rollback.run_id for rollback in gather(journal).rollbacks] == ["333333333333"]


def test_a_stage_taken_up_again_counts_once_with_all_its_calls(journal: Journal) -> None:
    w = made.Writer(journal)
    w.begin()
    w.start("dual-auth")
    w.write("comparison", made.compare(made.OPERATIONS[0], line=30, equal=False), key=made.OPERATIONS[0])
    w.finish("It waits.", calls=5, result="stopped")
    w.start("dual-auth")
    w.write("comparison", made.compare(made.OPERATIONS[0], line=30), key=made.OPERATIONS[0])
    w.finish("It went on.", calls=7)
    evidence = gather(journal)
    stage = evidence.stage("dual-auth")
    assert stage is not None
    assert (stage.result, stage.attempts, stage.calls, stage.message) == ("passed", 2, 12, "It went on.")
    assert [operation.result.equal for operation in evidence.operations] == [True]


def test_a_stage_that_left_no_end_was_interrupted(journal: Journal) -> None:
    w = made.Writer(journal)
    w.begin()
    w.start("grant")
    w.finish("It waits.", calls=5, result="stopped")
    w.start("grant")
    evidence = gather(journal)
    results = {stage.name: stage.result for stage in evidence.stages}
    assert results["grant"] == "interrupted"
    assert results["verify"] == "skipped"
    assert evidence.calls == 5


def test_a_write_keeps_its_last_outcome(journal: Journal) -> None:
    w = made.Writer(journal)
    w.begin()
    w.start("grant")
    intent = Intent(
        operation="create", sobject="PermissionSet", summary="create it", natural_key={}, inverse="delete it"
    )
    w.write("intent", intent, key="grant/1")
    w.write("outcome", Outcome(certainty="UNKNOWN"), key="grant/1")
    w.write("outcome", Outcome(certainty="APPLIED", settled_by="read-back"), key="grant/1")
    w.write("intent", intent, key="grant/2")
    first, second = gather(journal).writes
    assert (first.certainty, first.settled_by) == ("APPLIED", "read-back")
    assert second.certainty is None


def test_the_most_complete_evidence_of_each_scenario_is_kept() -> None:
    full, part, other = read(made.signed_off), read(made.partial), read(made.refused_plan)
    assert most_complete([part, other, full, part]) == [full, other]
    assert most_complete([]) == []


@pytest.mark.parametrize(
    ("file", "name"),
    [("a/b/erp.scenario.yaml", "erp"), ("C:\\x\\boomi.scenario.yml", "boomi"), ("plain", "plain"), ("", "scenario")],
)
def test_the_name_is_the_scenario_files(journal: Journal, file: str, name: str) -> None:
    made.Writer(journal).begin(scenario_file=file)
    assert gather(journal).name == name
