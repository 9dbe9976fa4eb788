"""Differences in meaning as a table for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rich.table import Table
from rich.text import Text

from harness.recording.meaning import Drift
from harness.report.drift import DriftFound

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
