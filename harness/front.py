"""What the commands do, and how they say it: progress while it runs, verdict and report at the end."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.checks.results import CheckResult, Comparison
from harness.errors import EXIT_AS_EXPECTED, GuardRefused, RehearseError, StageFailed, Stopped, UsageError
from harness.migration.journal import Record
from harness.migration.planning.acceptance import to_paste
from harness.migration.planning.seal import check_approved
from harness.migration.records import Loss, Note, Plan, RollbackProof, RunStarted, StageFinished, StageStarted
from harness.migration.status import Status, status
from harness.rehearsal.approval import read_plan, write_plan
from harness.rehearsal.config import find_org
from harness.rehearsal.options import Options, shown
from harness.rehearsal.progress import leave
from harness.rehearsal.rehearsal import Rehearsal
from harness.report.evidence import Evidence
from harness.report.index import write_reports
from harness.report.text import summarize
from harness.scenario.loader import load

ROLLBACK = "rollback"
FEW = 6
"""So many names of a kind are shown in full."""
_MARKS = {"passed": ("✓", "green"), "failed": ("✗", "red"), "stopped": ("…", "yellow"), "refused": ("✗", "red")}


def open_rehearsal(
    file: Path,
    *,
    org: str | None,
    sandbox: Path | None,
    state: Path,
    reports: Path = Path("reports"),
    dry: bool = False,
) -> Rehearsal:
    """The rehearsal that a command is about. Raises ScenarioError and UsageError."""
    root = Path.cwd()
    options = Options.build(
        root=root,
        org=org,
        sandbox=sandbox,
        cassettes="off",
        cassette_folder=root / "cassettes",
        report_folder=root / reports,
        state_folder=root / state,
        keep_state=True,
        dry=dry,
    )
    rehearsal = Rehearsal(load(file), options)
    rehearsal.tell = tell
    return rehearsal


def tell(line: str) -> None:
    """Show on the side that the org is waited for."""
    Console(stderr=True, highlight=False).print(f"  {line}", style="yellow", markup=False, soft_wrap=True)


def run(rehearsal: Rehearsal, plan: Path | None = None) -> int:
    """Begin a migration, or go on with one that has written nothing yet, and run it as far as it goes.

    With the file of a plan, only where the run's own plan is that one. Raises PlanNotValid.
    """
    standing = rehearsal.standing()
    if standing is not None and rehearsal.wrote(standing.run_id):
        raise UsageError(
            f"run {standing.run_id} of {rehearsal.file.shown} is under way or done in {rehearsal.options.where}",
            remedy="see `rehearse status`; `rehearse resume` goes on, `rehearse rollback` undoes it",
        )
    try:
        approved = None if plan is None else read_plan(plan)
        rehearsal.approve(approved)
    except RehearseError:
        rehearsal.finish()
        raise
    return _forward(rehearsal, approved)


def resume(rehearsal: Rehearsal) -> int:
    """Take up the run that stands."""
    standing = standing_of(rehearsal)
    if _status_of(rehearsal, standing).stage == ROLLBACK:
        raise UsageError(
            f"run {standing.run_id} was being rolled back, so it goes back and not forward",
            remedy="finish that with `rehearse rollback`, then begin a new one",
        )
    return _forward(rehearsal)


def rollback(rehearsal: Rehearsal) -> int:
    """Undo the run that stands."""
    standing = standing_of(rehearsal, "undo", "see `rehearse status`: what was undone stays undone")
    with _reported(rehearsal, undone=True):
        end = _show(rehearsal.take_up(standing).engine.rollback())
        proof = rehearsal.journal.find(standing.run_id, RollbackProof)
        if proof is not None:
            _show_proof(proof)
    return _code(end)


def check_org(options: Options) -> None:
    """Tell a typo in an org's name from an org in which nothing was run. Raises UsageError."""
    if options.sandbox is None and options.org != "simulated":
        find_org(options.org, options.root)


def show_plan(rehearsal: Rehearsal, write: Path | None = None) -> int:
    """Plan, and show the plan; with `write`, also into a file that `rehearse run --plan` takes."""
    try:
        end = _show(_until_plan(rehearsal))
        plan = rehearsal.journal.find(rehearsal.run.id, Plan)
        if plan is not None:
            _print_plan(plan, _warnings(rehearsal))
        if plan is not None and write is not None:
            _write_plan(rehearsal, plan, write)
    finally:
        rehearsal.finish()
    return _forward_code(rehearsal, end)


def _write_plan(rehearsal: Rehearsal, plan: Plan, path: Path) -> None:
    write_plan(path, plan, scenario=rehearsal.file.shown, org=rehearsal.options.org)
    command = f"rehearse run {rehearsal.file.shown}{rehearsal.options.as_typed} --plan {shown(path)}"
    until = f" until {plan.expires:%Y-%m-%d %H:%M} UTC" if plan.expires else ""
    Console(highlight=False).print(f"written to {shown(path)}; once, and{until}: {command}", soft_wrap=True)


def _warnings(rehearsal: Rehearsal) -> list[str]:
    """What the stages warned of, up to the plan: acceptances that meet nothing, say."""
    notes = (record.body for record in rehearsal.journal.records(rehearsal.run.id, kind="note"))
    return [note.text for note in notes if isinstance(note, Note) and note.kind == "warning"]


def standing_of(rehearsal: Rehearsal, verb: str = "take up", remedy: str | None = None) -> RunStarted:
    """The run that stands. Raises UsageError where there is none."""
    known = (rehearsal.folder / "journal.db").is_file()  # asking must not leave an empty journal behind
    standing = rehearsal.standing() if known else None
    if standing is None:
        check_org(rehearsal.options)
        raise UsageError(
            f"{rehearsal.file.shown} has no run to {verb} in {rehearsal.options.where}",
            remedy=(remedy if known else None)
            or f"begin one: rehearse run {rehearsal.file.shown}{rehearsal.options.as_typed}; "
            f"where a run's journal is lost: rehearse adopt {rehearsal.file.shown}{rehearsal.options.as_typed}",
        )
    return standing


def _status_of(rehearsal: Rehearsal, run: RunStarted) -> Status:
    return next(one for one in status(rehearsal.journal) if one.run_id == run.run_id)


def _forward(rehearsal: Rehearsal, approved: Plan | None = None) -> int:
    with _reported(rehearsal):
        records = rehearsal.run.engine.stages()
        end = _show(records if approved is None else _as_approved(records, approved))
        if end is None:
            Console().print("every stage has passed already: nothing is left to do")
    return _forward_code(rehearsal, end)


def _forward_code(rehearsal: Rehearsal, end: StageFinished | None) -> int:
    """The exit code of going forward: a refusal that the scenario expects is as expected."""
    if end is not None and end.result == "refused" and rehearsal.file.scenario.expect.sign_off == "refused":
        return EXIT_AS_EXPECTED
    return _code(end)


def _as_approved(records: Iterator[Record], approved: Plan) -> Iterator[Record]:
    """The records up to the plan, and on only if it is the approved one: the engine asks too, and tells less."""
    plan: Plan | None = None
    with ExitStack() as leaving:
        leaving.callback(leave, records)
        for record in records:
            yield record
            plan = record.body if isinstance(record.body, Plan) else plan
            ended = record.body if record.stage == "plan" and isinstance(record.body, StageFinished) else None
            if plan is not None and ended is not None and ended.result == "passed":
                check_approved(approved.digest, plan, approved=approved)


def _until_plan(rehearsal: Rehearsal) -> Iterator[Record]:
    for record in rehearsal.run.engine.stages():
        yield record
        if record.stage == "plan" and isinstance(record.body, StageFinished):
            return


@contextmanager
def _reported(rehearsal: Rehearsal, *, undone: bool = False) -> Iterator[None]:
    """Whatever happens, write the report of what there is, and say where it is."""
    try:
        yield
    finally:
        evidence = rehearsal.finish()
        if evidence is not None:
            index = write_reports([evidence], rehearsal.options.report_folder)
            _say_verdict(rehearsal, evidence, undone)
            Console(highlight=False).print(f"report: {shown(index.parent) / (evidence.name + '.html')}", soft_wrap=True)


def _say_verdict(rehearsal: Rehearsal, evidence: Evidence, undone: bool) -> None:
    """The verdict; a command never rehearses the rollbacks, so it says where those are rehearsed."""
    reasons = evidence.verdict.reasons
    if reasons and all(reason.section == "rollback" and reason.kind == "not-made" for reason in reasons):
        test = f"pytest {rehearsal.file.shown} --cassettes off"
        begun = "What was run is undone." if undone else "All stages are through."
        line = f"{begun} For a sign-off the rollbacks must be rehearsed as well: {test}"
        Console(highlight=False).print(line, markup=False, soft_wrap=True)
    else:
        summarize([evidence], sys.stdout)


def _show(records: Iterator[Record]) -> StageFinished | None:
    """Print what happens as it happens; the end of the last stage."""
    console = Console(highlight=False)
    end: StageFinished | None = None
    with ExitStack() as leaving, console.status("starting") as spinner:
        leaving.callback(leave, records)
        for record in records:
            body = record.body
            if isinstance(body, StageStarted):
                spinner.update(record.stage)
            elif isinstance(body, CheckResult) and not body.passed:
                console.print(f"  ✗ {record.key}: {body.reason}", style="red", markup=False, soft_wrap=True)
            elif isinstance(body, Comparison) and not body.equal:
                text = f"  ✗ {record.key}: {'; '.join(body.differences)}"
                console.print(text, style="red", markup=False, soft_wrap=True)
            elif isinstance(body, StageFinished):
                end = body
                _print_end(console, record.stage, body)
    return end


def _print_end(console: Console, stage: str, end: StageFinished) -> None:
    mark, style = _MARKS[end.result]
    line = f"{mark} {stage:<10} {end.calls:>4} calls  {end.message}"
    console.print(line, style=style, markup=False, soft_wrap=True)
    for name, text in (("org", end.answer), ("at", end.place), ("remedy", end.remedy)):
        if text and end.result != "passed":
            console.print(f"    {name}: {text}", markup=False, soft_wrap=True)


def _show_proof(proof: RollbackProof) -> None:
    console = Console(highlight=False)
    equal = "equal" if proof.equal else "NOT equal"
    lines = [f"access fingerprint: {equal} to the snapshot ({proof.fingerprint_before[:16]}…)"]
    lines += [f"left behind: {text}" for text in proof.residue]
    lines += [f"changed by somebody else, left alone: {text}" for text in proof.drift]
    lines += [f"differs: {text}" for text in proof.differences]
    for line in lines:
        console.print(line, markup=False, soft_wrap=True)


def _print_plan(plan: Plan, warnings: Sequence[str]) -> None:
    console = Console(highlight=False)
    writes = Table("stage", "write", "rows", "calls", title="What would be written", title_justify="left")
    for write in plan.writes:
        writes.add_row(write.stage, Text(write.summary), f"{write.rows:,}", str(write.calls))
    console.print(writes)
    _print_losses(console, plan.losses)
    if plan.added:
        console.print("What would be added, because something carried depends on it", style="italic")
        for added in plan.added:
            console.print(f"  {added}", markup=False, soft_wrap=True)
    for warning in warnings:
        console.print(f"! {warning}", style="yellow", markup=False, soft_wrap=True)
    console.print(f"{plan.calls} API calls to write it; digest {plan.digest[:16]}…")
    if plan.refusal:
        console.print(f"Not executable: {plan.refusal}", style="red", markup=False, soft_wrap=True)


def _print_losses(console: Console, losses: Sequence[Loss]) -> None:
    """What would be lost: what nobody agreed to one by one, the rest by its reason."""
    console.print("What would be lost" if losses else "Nothing would be lost.", style="italic")
    refused = [loss for loss in losses if not loss.accepted]
    for loss in refused:
        line = f"✗ {loss.line}: {loss.cause}: {loss.because}"
        console.print(line, style="red", markup=False, soft_wrap=True)
    if refused:
        console.print("To agree to them, put these lines into the scenario, each group with your reason:")
        console.print(to_paste(refused), markup=False, soft_wrap=True)
    agreed: dict[tuple[str, str, str], list[str]] = {}
    for loss in losses:
        if loss.accepted:
            because = loss.accepted_because or loss.because
            agreed.setdefault((loss.cause, loss.kind, because), []).append(loss.name)
    for (cause, kind, because), names in sorted(agreed.items()):
        shown = ", ".join(names[:FEW]) + (f" and {len(names) - FEW} more" if len(names) > FEW else "")
        console.print(f"  {kind} {shown}: {cause}: {because}", markup=False, soft_wrap=True)


def _code(end: StageFinished | None) -> int:
    """The exit code for how the last stage ended."""
    results: dict[str, type[RehearseError]] = {
        "failed": StageFailed,
        "refused": GuardRefused,
        "stopped": Stopped,
    }
    return results[end.result].exit_code if end is not None and end.result in results else EXIT_AS_EXPECTED
