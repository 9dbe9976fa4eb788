"""Where a scenario's migration stands, as its journal tells. Nothing is asked of the org."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from harness.migration.journal import Journal
from harness.migration.records import (
    Observation,
    Preflight,
    RollbackProof,
    RunStarted,
    StageFinished,
    StageStarted,
    TriedCeiling,
)

_ROLLBACK = "rollback"


@dataclass(frozen=True, slots=True)
class Status:
    """One run: how far it came, and what is to be done next."""

    run_id: str
    purpose: str
    stage: str
    """The stage it is in, or ended in."""
    result: str
    """`running` (or interrupted without a word), `passed`, `failed`, `stopped` or `refused`."""
    message: str
    until: datetime | None
    """Until when it waits."""
    complete: bool
    """Whether there is nothing left to do: the last stage passed, or everything was undone."""
    undone: bool
    next: str
    """What comes next, in a sentence."""
    old_user_last: datetime | None
    """When the old user last signed in, as far as the run looked."""
    must_stay_free: str | None = None
    """What the way back needs: `one seat of Salesforce`. A rollback asks the org for it before it undoes anything."""


def status(journal: Journal) -> list[Status]:
    """Where each run of the journal stands, the oldest first."""
    return [_of(journal, header) for header in journal.runs()]


def _of(journal: Journal, header: RunStarted) -> Status:
    stage, finished = "", None
    for record in journal.records(header.run_id):
        if isinstance(record.body, StageStarted):
            stage, finished = record.stage, None
        elif isinstance(record.body, StageFinished):
            finished = record.body
    proof = journal.find(header.run_id, RollbackProof)
    undone = stage == _ROLLBACK and finished is not None and finished.result == "passed"
    last = header.until or header.stages[-1]
    complete = undone or (stage == last and finished is not None and finished.result == "passed")
    seen = journal.find(header.run_id, Observation)
    return Status(
        run_id=header.run_id,
        purpose=header.purpose,
        stage=stage,
        result=finished.result if finished else "running",
        message=finished.message if finished else f"{stage or 'the run'} began and did not end",
        until=finished.until if finished else None,
        complete=complete,
        undone=undone,
        next=_next(stage, finished, complete=complete, undone=undone, proof=proof, left=_left(journal, header)),
        old_user_last=seen.old_user_last if seen else None,
        must_stay_free=None if undone else _must_stay_free(journal, header.run_id),
    )


def _must_stay_free(journal: Journal, run_id: str) -> str | None:
    """The seat that a user who was converted in place left, and must find again to come back."""
    preflight = journal.find(run_id, Preflight)
    converted = any(journal.records(run_id, kind="intent", key="provision/profile"))
    return f"one seat of {preflight.full_license}" if converted and preflight else None


def _left(journal: Journal, header: RunStarted) -> str:
    """What a run whose plan was refused leaves in the org."""
    trial = journal.find(header.run_id, TriedCeiling)
    return f"nothing is left but the inactive user {trial.username}" if trial else "nothing was written"


def _next(
    stage: str,
    finished: StageFinished | None,
    *,
    complete: bool,
    undone: bool,
    proof: RollbackProof | None,
    left: str,
) -> str:
    if undone:
        behind = f"; left behind: {', '.join(proof.residue)}" if proof and proof.residue else ""
        return f"nothing: everything was undone{behind}"
    if complete:
        return "nothing: the migration is through. `rehearse rollback` undoes it"
    if stage == _ROLLBACK:
        return "`rehearse rollback` goes on with the undoing"
    result = finished.result if finished else "passed"
    if finished and finished.until:
        return f"`rehearse resume` after {finished.until:%Y-%m-%d %H:%M} UTC, or `rehearse rollback`"
    return _AFTER[result].format(left=left)


_AFTER: Mapping[str, str] = {
    "passed": "`rehearse resume` takes it up where it was interrupted, `rehearse rollback` undoes it",
    "stopped": "`rehearse resume` takes it up where it was interrupted, `rehearse rollback` undoes it",
    "failed": "do what the remedy says, then `rehearse resume`, or undo it with `rehearse rollback`",
    "refused": "{left}; change the scenario as the remedy says, then `rehearse run`",
}
