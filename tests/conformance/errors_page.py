"""Writes docs/errors.md from the table of errors. A test holds the page to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from harness.org.errors import OURS, REQUEST, ROW, SIGN_IN, STATUS, Known
from harness.org.meter import RESERVE
from harness.org.patience import LONG, Patience

PAGE = Path(__file__).parents[2] / "docs" / "errors.md"

_PARTS = (
    ("Of a whole call", REQUEST),
    ("Of a row, alone, in a collection or in a part of a composite", ROW),
    ("Of a sign-in", SIGN_IN),
    ("A status without a code", STATUS),
    ("Codes of our own", OURS),
)


def page() -> str:
    """The whole page."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    patience = Patience()
    yield from f"""# What errors mean

<!-- written by `make docs` from harness/org/errors.py -->

Every error is looked up in one table. It says whether it is certain that nothing was written, whether the same is
asked again, and what to do. An error that is not listed proves nothing: a write that met it is settled by reading the
org back, and it is not asked again. With a status of 500 or more nothing is certain either, whatever the code.

*With backoff* means: after a pause that grows from {patience.first_pause} to {patience.longest_pause:.0f} seconds and
varies by half, up to {patience.tries} tries and {patience.seconds_a_call:.0f} seconds a call, and up to
{patience.seconds_a_stage:.0f} seconds a stage, time-outs included. That is done where nothing was written, for certain,
or where the call only reads. A write that may have happened is never sent again. A pause of more than {LONG:.0f}
seconds is told, and Ctrl-C ends it.

A session that ended is renewed once a call, and the call made again, be it a write: an ended session does nothing.

Of the calls that an org may have in 24 hours (header `Sforce-Limit-Info`) a run going forward leaves {RESERVE:.0%}:
it stops with exit code 3 and can be resumed. A rollback may use them.""".splitlines()
    for title, entries in _PARTS:
        yield from ("", f"## {title}", "", "| Error | Nothing was written | Again | What to do |", "|---|---|---|---|")
        yield from (_row(one) for one in entries)


def _row(one: Known) -> str:
    text = f" … {one.text}" if one.text else ""
    return f"| `{one.code}`{text} | {'certain' if one.is_certain else 'not known'} | {one.again} | {one.remedy} |"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
