"""What was not tested is listed with the same weight."""

from __future__ import annotations

from collections.abc import Callable

from harness.migration.journal import Journal
from harness.report.evidence import Evidence, gather
from harness.report.untested import untested
from tests import report_journals as made


def read(build: Callable[[], Journal]) -> Evidence:
    journal = build()
    try:
        return gather(journal)
    finally:
        journal.close()


def listed(evidence: Evidence) -> dict[str, str]:
    return {item.what: item.because for item in untested(evidence)}


def test_a_signed_off_rehearsal_still_says_what_it_did_not_test() -> None:
    found = listed(read(made.signed_off))
    said = found["The org as it is today"]
    assert said.startswith("The rehearsal was replayed from a recording; no org was asked anything.")
    assert "stand-ins" in said
    assert "A real Salesforce org" in found
    assert found["Noted in cut-over"] == "The file of the real external system: a copy stood in for it."
    [unasked] = [what for what in found if what.startswith("6 objects the new user may use: ")]
    assert unasked.endswith("Contact, Contract, ERP_Log__c, Pricebook2, PricebookEntry and 1 more")


def test_a_partial_run_lists_each_thing_left_out() -> None:
    found = listed(read(made.partial))
    assert found["1 stage: cut-over"] == "Not run: stage dual-auth stopped before it."
    assert found[made.DENIALS[1]] == "No account is visible to ask about."
    assert found[made.DENIALS[2]] == "The check was not made in this run."
    assert found[made.OPERATIONS[2]] == "The operation was not run in dual-auth and cut-over."
    assert found[made.OPERATIONS[0]] == "The operation was not run in cut-over."
    assert found[f"The rollback from {', '.join(made.ROLLBACK_STAGES)}"] == "No rollback from there was proven."
    assert "The org as it is today" not in found, "it was asked live"


def test_a_sandbox_is_not_production() -> None:
    evidence = read(made.partial)
    assert evidence.preflight is not None
    org = evidence.preflight.org.model_copy(update={"kind": "sandbox"})
    live = evidence.model_copy(update={"preflight": evidence.preflight.model_copy(update={"org": org})})
    assert "The production org" in listed(live)


def test_a_scenario_without_denials_proves_no_denial() -> None:
    evidence = read(made.signed_off)
    header = evidence.header.model_copy(update={"checks": made.GRANTS})
    found = listed(evidence.model_copy(update={"header": header}))
    assert found["What the new user must not be able to do"] == "The scenario states no denials: nothing was asked."
