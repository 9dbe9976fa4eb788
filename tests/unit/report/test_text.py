"""The verdicts for a terminal."""

from __future__ import annotations

import io
from collections.abc import Callable

from harness.migration.journal import Journal
from harness.report.evidence import Evidence, gather
from harness.report.text import summarize, summary
from tests import report_journals as made


def read(build: Callable[[], Journal]) -> Evidence:
    journal = build()
    try:
        return gather(journal)
    finally:
        journal.close()


def test_a_signed_off_scenario_takes_three_lines() -> None:
    assert summary([read(made.signed_off)]).splitlines() == [
        "✓ SIGNED OFF  ERP: Order Sync  (erp, as expected)",
        "  6 of 6 checks passed, 4 operations run, 8 losses, 7 rollbacks proven, 5 things not tested, 119 API calls",
        "  replayed; recorded 5 January 2026, 09:00:00 UTC from a simulated sandbox",
    ]


def test_a_failure_says_what_where_and_what_to_do() -> None:
    lines = summary([read(made.failed_verify)]).splitlines()
    assert lines[0] == "✕ NOT SIGNED OFF  ERP: Order Sync  (erp, NOT AS EXPECTED)"
    assert lines[2] == (
        "  scenarios/erp.scenario.yaml:40: grants[Account: read] failed: The field is not visible to the new user."
    )
    assert lines[3] == "    remedy: Grant read on Account.ERP_Key__c to the permission set."
    assert "  and 4 reasons more in the report" in lines
    assert "  The scenario expects it to be signed off." in lines


def test_an_expected_refusal_is_said_to_be_one() -> None:
    lines = summary([read(made.refused_plan)]).splitlines()
    assert lines[0] == "✕ NOT SIGNED OFF  Legacy BI: Nightly Extract  (legacy-bi, as expected)"
    assert not any("expects" in line for line in lines)


def test_colour_only_where_it_is_wanted() -> None:
    evidence = read(made.failed_verify)
    plain, coloured = io.StringIO(), io.StringIO()
    summarize([evidence], plain)
    summarize([evidence], coloured, colour=True)
    assert "\x1b[" not in plain.getvalue()
    assert "\x1b[" in coloured.getvalue()


def test_markup_in_names_is_text() -> None:
    evidence = read(made.signed_off)
    header = evidence.header.model_copy(update={"system": "[bold]ERP[/bold]"})
    assert "[bold]ERP[/bold]: Order Sync" in summary([evidence.model_copy(update={"header": header})])
