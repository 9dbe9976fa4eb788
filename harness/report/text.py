"""The verdicts for a terminal: a few lines for each scenario. A renderer of the same evidence as the HTML report."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import TextIO

from rich.console import Console
from rich.text import Text

from harness.report.model import Evidence
from harness.report.words import MARKS, recording_words
from harness.words import several

SHOWN = 3
"""So many reasons of an unexpected verdict are told in full, and one of an expected one; the report has the rest."""


def summarize(evidences: Sequence[Evidence], file: TextIO, *, colour: bool | None = None) -> None:
    """Print the verdicts to a file; in colour when it is a terminal that has some, or as `colour` says."""
    console = Console(file=file, highlight=False, soft_wrap=True, force_terminal=colour, no_color=colour is False)
    for evidence in evidences:
        for line in _lines(evidence):
            console.print(line)


def summary(evidences: Sequence[Evidence]) -> str:
    """The verdicts as plain text."""
    buffer = io.StringIO()
    summarize(evidences, buffer, colour=False)
    return buffer.getvalue()


def _lines(evidence: Evidence) -> Iterator[Text]:
    verdict, header = evidence.verdict, evidence.header
    colour = "green" if verdict.signed_off else "red"
    sign = MARKS["passed" if verdict.signed_off else "failed"].symbol
    yield Text.assemble(
        (f"{sign} {verdict.words.upper()}", f"bold {colour}"),
        "  ",
        (f"{header.system}: {header.scenario_purpose}", "bold"),
        f"  ({evidence.name}, ",
        ("as expected" if verdict.as_expected else "NOT AS EXPECTED", "" if verdict.as_expected else "bold red"),
        ")",
    )
    yield Text(f"  {_figures(evidence)}")
    shown = 1 if verdict.as_expected else SHOWN
    for reason in verdict.reasons[:shown]:
        yield Text(f"  {reason}", style="" if verdict.as_expected else "red")
        if reason.remedy and not verdict.as_expected:
            yield Text(f"    remedy: {reason.remedy}")
    more = len(verdict.reasons) - shown
    if more > 0:
        yield Text(f"  and {several(more, 'reason')} more in the report", style="dim")
    if not verdict.as_expected:
        yield Text(f"  {verdict.expectation}")
    yield Text(f"  {recording_words(evidence)}", style="dim")
    for note in header.recording_notes:
        yield Text(f"  {note}", style="yellow")


def _figures(evidence: Evidence) -> str:
    owed = evidence.header.checks
    passed = sum(check.result.passed and check.result.made for check in evidence.checks)
    losses = evidence.plan.losses if evidence.plan else ()
    proven = {rollback.from_stage for rollback in evidence.rollbacks if rollback.proven}
    return ", ".join(
        (
            f"{passed} of {several(len(evidence.checks if owed is None else owed), 'check')} passed",
            f"{several(len({operation.id for operation in evidence.operations}), 'operation')} run",
            f"{several(len(losses), 'loss', 'losses')}",
            f"{several(len(proven), 'rollback')} proven",
            f"{several(len(evidence.untested), 'thing')} not tested",
            several(evidence.calls, "API call"),
        )
    )
