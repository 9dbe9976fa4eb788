"""Where a scenario's migration stands, as its journal tells. Nothing is asked of the org."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from harness.migration.journal import Journal, Record
from harness.migration.postponing import Postponement
from harness.migration.records import (
    CutOverState,
    Lock,
    Observation,
    Plan,
    Preflight,
    RollbackProof,
    RunStarted,
    StageFinished,
    StageStarted,
    TriedCeiling,
)
from harness.migration.time_box import STAGE as CUT_OVER
from harness.migration.time_box import TimeBox, time_box_in

_ROLLBACK = "rollback"


@dataclass(frozen=True, slots=True)
class Ahead:
    """A stage that is still to come."""

    stage: str
    writes: tuple[str, ...]
    """What it will write, as the plan says it; empty too before there is a plan."""


@dataclass(frozen=True, slots=True)
class Status:
    """One run: how far it came, what it waits for, what is in the way, and what would come next."""

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
    ahead: tuple[Ahead, ...] = ()
    """The stages that are still to come, in order; none where it can only go back."""
    in_the_way: tuple[str, ...] = ()
    """What keeps it from going on, or changes what that does, each in a sentence."""
    observed: Observation | None = None
    """The newest sample of who signed in."""
    samples: int = 0
    """How many there are."""


def status(journal: Journal, postponed: Postponement | None = None) -> list[Status]:
    """Where each run of the journal stands, the oldest first; `postponed` as the file beside the journal says."""
    return [_of(journal, header, postponed) for header in journal.runs()]


def _of(journal: Journal, header: RunStarted, postponed: Postponement | None) -> Status:
    records = list(journal.records(header.run_id))
    stage, finished = _where(records)
    proof = journal.find(header.run_id, RollbackProof)
    undone = stage == _ROLLBACK and finished is not None and finished.result == "passed"
    last = header.until or header.stages[-1]
    complete = undone or (stage == last and finished is not None and finished.result == "passed")
    samples = [record.body for record in records if isinstance(record.body, Observation)]
    seen = samples[-1] if samples else None
    goes_back = stage == _ROLLBACK or header.only_back is not None
    ahead = () if complete or goes_back else tuple(_ahead(journal, header, records))
    return Status(
        run_id=header.run_id,
        purpose=header.purpose,
        stage=stage,
        result=finished.result if finished else "running",
        message=finished.message if finished else f"{stage or 'the run'} began and did not end",
        until=finished.until if finished else None,
        complete=complete,
        undone=undone,
        next=_only_back(header)
        if header.only_back is not None and stage != _ROLLBACK
        else _next(stage, finished, complete=complete, undone=undone, proof=proof, left=_left(journal, header)),
        old_user_last=seen.old_user_last if seen else None,
        must_stay_free=None if undone else _must_stay_free(journal, header.run_id),
        ahead=ahead,
        in_the_way=() if complete else tuple(_in_the_way(records, ahead, postponed)),
        observed=seen,
        samples=len(samples),
    )


def _where(records: Sequence[Record]) -> tuple[str, StageFinished | None]:
    """The stage that the run is in, and how that ended, if it did."""
    stage, finished = "", None
    for record in records:
        if isinstance(record.body, StageStarted):
            stage, finished = record.stage, None
        elif isinstance(record.body, StageFinished):
            finished = record.body
    return stage, finished


def _ahead(journal: Journal, header: RunStarted, records: Sequence[Record]) -> Iterator[Ahead]:
    ends = ((record.stage, record.body) for record in records)
    passed = {stage for stage, body in ends if isinstance(body, StageFinished) and body.result == "passed"}
    plan = journal.find(header.run_id, Plan)
    stages = header.stages if header.until is None else header.stages[: header.stages.index(header.until) + 1]
    for stage in stages:
        if stage not in passed:
            writes = (write.summary for write in plan.writes if write.stage == stage) if plan else ()
            yield Ahead(stage, tuple(writes))


def _in_the_way(records: Sequence[Record], ahead: Sequence[Ahead], postponed: Postponement | None) -> Iterator[str]:
    locks = [record for record in records if isinstance(record.body, Lock)]
    if locks:
        yield from _of_lock(locks[-1], records)
    box = time_box_in(records) if any(each.stage == CUT_OVER for each in ahead) else None
    if box is not None:
        yield _of_box(box, records)
    elif postponed is not None and any(each.stage == CUT_OVER for each in ahead):
        yield str(postponed)


def _of_lock(last: Record, records: Sequence[Record]) -> Iterator[str]:
    """What the journal knows of the lock in the org; nothing when it was let go."""
    body = last.body
    if not isinstance(body, Lock):
        return
    if body.state in ("refused", "lost"):
        told = [each.body.message for each in records if isinstance(each.body, StageFinished) and each.seq > last.seq]
        yield f"the lock in the org was another run's at {last.at:%Y-%m-%d %H:%M} UTC{f': {told[-1]}' if told else ''}"
    elif body.state != "deleted":
        yield (
            f"this run's own lock was in the org at {last.at:%Y-%m-%d %H:%M} UTC: unless a process is at work, whoever "
            "takes the run up takes it over, from elsewhere ten minutes after its last sign of life"
        )


def _of_box(box: TimeBox, records: Sequence[Record]) -> str:
    stuck = [each.body for each in records if isinstance(each.body, CutOverState) and each.body.state == "stuck"]
    if box.falling_back is not None and stuck:
        return f"THE CUT-OVER COULD NOT FALL BACK: {'; '.join(stuck[-1].left)}; `rehearse resume` tries it again"
    if box.falling_back is not None:
        return f"the cut-over falls back ({box.falling_back}): `rehearse resume` finishes that first"
    return (
        f"the cut-over has begun at {box.began:%Y-%m-%d %H:%M} UTC: taken up after {box.ends:%Y-%m-%d %H:%M} UTC, it "
        "falls back first"
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


def _only_back(header: RunStarted) -> str:
    """What is next with a run that was adopted, and cannot go on."""
    return f"`rehearse rollback` undoes it; it cannot go on: {header.only_back}"


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
