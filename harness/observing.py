"""The `observe` command: one more sample of who signs in, while both users work."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import click
from rich.console import Console
from rich.table import Table

from harness.errors import EXIT_AS_EXPECTED, StageFailed
from harness.front import standing_of
from harness.migration.observing import is_quiet
from harness.migration.records import Observation, RunStarted
from harness.rehearsal.rehearsal import Rehearsal


def observe(rehearsal: Rehearsal, *, as_json: bool = False) -> int:
    """Add the sample, and say what it saw. Raises UsageError when no run is in the time in which both users work."""
    standing = standing_of(rehearsal, "observe")
    try:
        with Console(stderr=True).status("reading LoginHistory"):
            before = rehearsal.journal.find(standing.run_id, Observation)
            sample = rehearsal.take_up(standing).engine.observe()
        quiet = is_quiet(sample, rehearsal.file.scenario.dual_auth.old_user_quiet_for)
        if as_json:
            click.echo(sample.model_dump_json(exclude={"counted"}))
        else:
            _print(rehearsal, standing, before, sample)
    finally:
        rehearsal.finish()
    return EXIT_AS_EXPECTED if quiet else StageFailed.exit_code


def _print(rehearsal: Rehearsal, run: RunStarted, before: Observation | None, sample: Observation) -> None:
    console = Console(highlight=False)
    console.print(_table(run, before, sample))
    for row in _of_old(run, before, sample):
        console.print(f"  {row}", markup=False, soft_wrap=True)
    style, line = _verdict(run, sample, rehearsal.file.scenario.dual_auth.old_user_quiet_for)
    console.print(line, style=style, markup=False, soft_wrap=True)


def _table(run: RunStarted, before: Observation | None, sample: Observation) -> Table:
    """The sign-ins of both users: since the sample before, and in all."""
    since = f"since {before.until:%Y-%m-%d %H:%M} UTC" if before else "since it began"
    table = Table(
        "sign-ins of", since, "in all", title=f"Sample at {sample.until:%Y-%m-%d %H:%M} UTC", title_justify="left"
    )
    for name, column in (
        (f"{run.source_username} (old)", "old_user_sign_ins"),
        ("  of them not by this run", "old_user_foreign_sign_ins"),
        (f"{run.target_username} (new)", "new_user_sign_ins"),
    ):
        now, earlier = getattr(sample, column), getattr(before, column) if before else 0
        table.add_row(name, f"{now - earlier:,}", f"{now:,}")
    return table


def _of_old(run: RunStarted, before: Observation | None, sample: Observation) -> Iterator[str]:
    """The newest sign-ins of the old user since the sample before: when, through what, and how it went."""
    known = before.rows if before else ()
    for row in sample.rows:
        if row not in known and str(row["Username"]).casefold() == run.source_username.casefold():
            kind = row["LoginSubType"] or row["LoginType"]
            yield f"{row['LoginTime']}  {row['Application'] or 'an unknown application'}  {kind}  {row['Status']}"


def _verdict(run: RunStarted, sample: Observation, asked: timedelta) -> tuple[str, str]:
    who, for_ = run.source_username, _span(timedelta(seconds=sample.quiet_for_seconds or 0))
    if is_quiet(sample, asked):
        return "green", f"quiet: no sign-in of {who} for {for_} that this run did not make (asked for: {_span(asked)})"
    last = sample.old_user_foreign_last or sample.until
    return (
        "red",
        f"NOT quiet: {who} signed in at {last:%Y-%m-%d %H:%M} UTC, {for_} ago, and this run did not do it: something "
        f"still uses the old credential. The cut-over wants {_span(asked)} of quiet, so not before "
        f"{last + asked:%Y-%m-%d %H:%M} UTC",
    )


def _span(span: timedelta) -> str:
    """Such as `3 d 4 h`, `4 h 10 min` or `12 s`."""
    seconds = round(span.total_seconds())
    parts = ((seconds // 86400, "d"), (seconds // 3600 % 24, "h"), (seconds // 60 % 60, "min"), (seconds % 60, "s"))
    shown = [f"{count} {unit}" for count, unit in parts if count]
    return " ".join(shown[:2]) or "0 s"
