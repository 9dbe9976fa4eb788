"""Differences in meaning as a table for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from io import StringIO
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.recording.meaning import Drift
from harness.report.drift import TIER_WORDS, TIERS, DriftFound, OrgDrift
from harness.words import several

if TYPE_CHECKING:
    import pytest

STYLES: Mapping[str, str] = {
    "critical": "bold white on red",
    "error": "red",
    "warning": "yellow",
    "information": "dim",
    "same": "green",
}


def drift_table(found: Iterable[Drift] | Iterable[DriftFound]) -> Table:
    """A row for each difference, in the order they are given: its tier, what differs, and who asked what."""
    table = Table(show_header=False, show_edge=False, pad_edge=False, show_lines=True)
    table.add_column(no_wrap=True)
    table.add_column(ratio=3, overflow="fold")
    table.add_column(ratio=2, overflow="fold")
    for each in found:
        tier = Text(str(each.tier).upper(), style=STYLES[str(each.tier)])
        differs = Text.assemble((each.text, "bold"), f"\nrecorded: {each.recorded}\nnow:      {each.now}")
        table.add_row(tier, differs, Text.assemble((each.principal or "nobody named", "italic"), f"\n{each.request}"))
    return table


def write_drift(drift: OrgDrift, terminal: pytest.TerminalReporter, name: str) -> None:
    """Print what a comparison found in pytest's summary: the counts, what differs, and what was not asked."""
    text = StringIO()
    console = Console(file=text, force_terminal=terminal.hasmarkup, no_color=not terminal.hasmarkup, highlight=False)
    asked = several(drift.total, "recorded request")
    console.print(f"{name}: {asked} asked again of the {drift.org} ({'; then: '.join(drift.states)})", markup=False)
    for tier in TIERS:
        found = drift.of_tier(tier)
        console.print(Text(f"  {len(found):>4} {tier}", style=STYLES[tier] if found else ""), f"({TIER_WORDS[tier]})")
    if drift.found:
        console.print(drift_table(drift.found))
    console.print(f"not asked again: {several(len(drift.not_asked), 'request')}", markup=False)
    for stage, why, count in drift.left_out():
        console.print(f"  {stage}: {count:,} {why}", markup=False, soft_wrap=True)
    terminal.section("recordings compared with an org")
    terminal.write(text.getvalue())
