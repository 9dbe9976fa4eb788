"""What `rehearse adopt` does: a journal that is lost is made anew from what the run left in the org."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness import front
from harness.errors import EXIT_AS_EXPECTED, GuardRefused, JournalRefused, StageFailed, Stopped, UsageError
from harness.migration.adopting.adopt import TOLD, Adoption
from harness.migration.adopting.reading import Marked, read_marked
from harness.migration.filing.journal_file import files_of, set_aside
from harness.migration.journal import Journal, Record
from harness.migration.records import RunStarted, StageFinished
from harness.rehearsal.rehearsal import Rehearsal

_STYLES = {"ours": "green", "not ours": "yellow", "not known": "red"}
_CODES = {"failed": StageFailed.exit_code, "stopped": Stopped.exit_code, "refused": GuardRefused.exit_code}


def adopt(
    rehearsal: Rehearsal, *, before: Sequence[str] = (), run: str | None = None, aside: bool = False, dry: bool = False
) -> int:
    """Adopt, and show what was found; an exit code.

    `before` are values of which each says KEY=VALUE; `run` names one of several runs; `aside`: a damaged journal is
    moved aside. Raises UsageError for a journal that knows the run, several runs, and values that are none.
    """
    told = _told(before)
    console = Console(highlight=False)
    with rehearsal.held():
        known = _known(rehearsal, aside=aside)
        with Console(stderr=True).status("reading what stands in the org"):
            marked = read_marked(rehearsal.look().connect("admin"), rehearsal.file)
        run_id = _which(rehearsal, marked, run)
        if run_id is None:
            _say_nothing_there(console, rehearsal, marked)
            return EXIT_AS_EXPECTED
        _must_be_unknown(rehearsal, run_id, known)
        adoption = Adoption(told=told, heard=_heard(marked, run_id), tell=front.tell, dry=dry)
        end = _carry_out(rehearsal, run_id, adoption)
        _print(console, adoption)
        if end.result == "passed" and not dry:
            _keep(rehearsal, run_id, adoption, aside=aside)
        _say_end(console, end, dry=dry)
    return _CODES.get(end.result, EXIT_AS_EXPECTED)


def _told(before: Sequence[str]) -> dict[str, str]:
    """What was said with --before. Raises UsageError."""
    told = {}
    for each in before:
        key, separator, value = each.partition("=")
        if not separator or key.strip() not in TOLD:
            remedy = f"write --before 'KEY=VALUE', with a key among {', '.join(TOLD)}"
            raise UsageError(f"--before {each!r} says nothing that is asked", remedy=remedy)
        told[key.strip()] = value.strip()
    return told


def _known(rehearsal: Rehearsal, *, aside: bool) -> frozenset[str]:
    """The runs that the journal here knows. Raises JournalRefused for a damaged one that is not to be moved aside."""
    path = rehearsal.folder / "journal.db"
    if not any(file.exists() for file in files_of(path)):
        return frozenset()
    try:
        journal = Journal(path)
        try:
            return frozenset(record.run for record in journal.records(kind="run.started"))
        finally:
            journal.close()
    except JournalRefused as refused:
        if aside:
            return frozenset()
        raise JournalRefused(
            refused.message,
            remedy=f"restore it from a copy; where there is none, rehearse adopt {rehearsal.file.shown}"
            f"{rehearsal.options.as_typed} --set-aside moves it aside and makes one anew from what stands in the org",
        ) from refused


def _which(rehearsal: Rehearsal, marked: Marked, run: str | None) -> str | None:
    """The run to adopt; None where no mark stands. Raises UsageError for several."""
    runs = marked.runs
    if run is not None and run not in runs:
        raise UsageError(
            f"nothing in {rehearsal.options.where} bears the mark of run {run}",
            remedy=f"the marks that stand are of {', '.join(sorted(runs)) or 'no run'}",
        )
    if run is None and len(runs) > 1:
        told = "; ".join(f"run {each}: {', '.join(what)}" for each, what in sorted(runs.items()))
        raise UsageError(
            f"the marks of {len(runs)} runs stand in {rehearsal.options.where}: {told}",
            remedy="adopt and roll back one after the other: --run ID; what the others made is left alone",
        )
    return run or next(iter(runs), None)


def _must_be_unknown(rehearsal: Rehearsal, run_id: str, known: frozenset[str]) -> None:
    if run_id in known:
        raise UsageError(
            f"the journal of {rehearsal.file.shown} knows run {run_id}: there is nothing to adopt",
            remedy="see `rehearse status`; `rehearse resume` goes on, `rehearse rollback` undoes it",
        )


def _heard(marked: Marked, run_id: str) -> datetime | None:
    return marked.lock[1] if marked.lock and marked.lock[0] == run_id else None


def _carry_out(rehearsal: Rehearsal, run_id: str, adoption: Adoption) -> StageFinished:
    end: StageFinished | None = None
    with Console(stderr=True).status(f"reading what run {run_id} left"):
        for record in rehearsal.rebuild(run_id).engine.aside(adoption.stage):
            end = record.body if isinstance(record.body, StageFinished) else end
    assert end is not None
    return end


def _keep(rehearsal: Rehearsal, run_id: str, adoption: Adoption, *, aside: bool) -> None:
    """Put a journal with the run in it in the place of the one that does not know it: whole, or not at all."""
    path = rehearsal.folder / "journal.db"
    new, there = path.with_name("adopted.db"), any(file.exists() for file in files_of(path))
    _clear(files_of(new))
    _fill(new, path if there and not aside else None, rehearsal.journal.records(run_id), adoption.only_back)
    if aside:
        set_aside(path)
    _clear(files_of(path)[1:])  # what a journal that was closed has beside it says nothing that is not in it
    new.replace(path)
    _clear(files_of(new))


def _fill(new: Path, old: Path | None, records: Iterable[Record], only_back: str | None) -> None:
    journal = Journal(new)
    try:
        if old is not None:
            known = Journal(old)
            try:
                _copy(journal, known.records())
            finally:
                known.close()
        _copy(journal, records, only_back)
    finally:
        journal.close()


def _copy(journal: Journal, records: Iterable[Record], only_back: str | None = None) -> None:
    for each in records:
        body = each.body
        if only_back is not None and isinstance(body, RunStarted):
            body = body.model_copy(update={"only_back": only_back})
        journal.write(run=each.run, at=each.at, kind=each.kind, stage=each.stage, key=each.key, body=body)


def _clear(files: Iterable[Path]) -> None:
    for file in files:
        file.unlink(missing_ok=True)


# --- printing ---------------------------------------------------------------------------------------------------------


def _print(console: Console, adoption: Adoption) -> None:
    table = Table("what", "whose", "why", title="What stands in the org", title_justify="left")
    for thing in adoption.things:
        table.add_row(Text(thing.what), Text(thing.whose, style=_STYLES[thing.whose]), Text(thing.why))
    if adoption.things:
        console.print(table)
    for text in adoption.strays:
        _say(console, f"left alone: {text}", style="yellow")
    for line in _proof(adoption):
        _say(console, line)
    for unknown in adoption.unknown:
        _say(console, f"not known: {unknown}", style="red")
    if adoption.only_back:
        _say(console, f"It can only be rolled back: {adoption.only_back}", style="yellow")


def _proof(adoption: Adoption) -> Sequence[str]:
    if adoption.proven:
        return ("Without what is ours, the org has the fingerprint of the run's snapshot: nothing else has changed.",)
    if not adoption.marked:
        return ("No mark holds the fingerprint of the snapshot yet: whether anything else has changed cannot be told.",)
    return ()


def _say_nothing_there(console: Console, rehearsal: Rehearsal, marked: Marked) -> None:
    _say(console, f"No mark of {rehearsal.file.shown} stands in {rehearsal.options.where}: there is nothing to adopt.")
    for text in (*marked.foreign, *marked.strays):
        _say(console, f"left alone, not of this scenario's making: {text}", style="yellow")
    if marked.lock:
        run, touched = marked.lock
        _say(console, f"The lock of run {run} stands since {touched:%Y-%m-%d %H:%M} UTC: the next run takes it over.")


def _say_end(console: Console, end: StageFinished, *, dry: bool) -> None:
    if end.result == "passed":
        _say(console, f"{end.message}{' (nothing was kept: --dry-run)' if dry else ''}", style="green")
        return
    _say(console, f"✗ {end.message}", style="red")
    told: Mapping[str, str | None] = {"org": end.answer, "remedy": end.remedy}
    for name, text in told.items():
        if text:
            _say(console, f"    {name}: {text}")
    if end.until:
        _say(console, f"    until: {end.until:%Y-%m-%d %H:%M} UTC")


def _say(console: Console, text: str, *, style: str | None = None) -> None:
    console.print(text, style=style, markup=False, soft_wrap=True)
