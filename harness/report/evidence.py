"""Gathering evidence from the records of a journal, and from nothing else.

What is not in the journal did not happen.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import PurePath
from typing import TypeVar

from pydantic import BaseModel

from harness.checks.results import AccessVerdict, CheckResult, Comparison, Mutation, Probes, SideBySide
from harness.errors import UsageError
from harness.migration.journal import Journal, Record
from harness.migration.records import (
    AccessAfter,
    Intent,
    Note,
    Observation,
    Outcome,
    Plan,
    Preflight,
    ReferenceScan,
    RollbackProof,
    RunStarted,
    Snapshot,
    StageFinished,
    StageStarted,
    TriedCeiling,
    Usage,
)
from harness.report.drift import OrgDrift
from harness.report.model import (
    CheckMade,
    Evidence,
    Facts,
    OperationRun,
    Remark,
    Rollback,
    SignIns,
    StageRun,
    Write,
)
from harness.report.untested import untested
from harness.report.verdict import judge

__all__ = ["Evidence", "canonical", "digest_of", "gather", "most_complete", "to_json"]

ROLLBACK = "rollback"
BodyType = TypeVar("BodyType", bound=BaseModel)


def gather(
    journal: Journal, run: str | None = None, *, mutation: Mutation | None = None, drift: OrgDrift | None = None
) -> Evidence:
    """The evidence of a migration run (the newest, unless one is named) and of the rollbacks rehearsed from its plan.

    `mutation` is the score of the scenario's checks and `drift` a comparison with an org, which no run makes by itself.
    Raises UsageError when the journal holds no such run.
    """
    runs = _by_run(journal.records())
    migrations = [run_id for run_id, records in runs.items() if _header(records).purpose == "migration"]
    if run is None and migrations:
        run = migrations[-1]
    if run is None or run not in migrations:
        wanted = f"migration run {run}" if run else "migration run"
        raise UsageError(
            f"{journal.path or 'the journal'} holds no {wanted}", remedy="run the scenario first: rehearse run FILE"
        )
    rehearsals = [runs[run_id] for run_id in runs if _rehearses(run_id, run, runs)]
    return seal(_facts(runs[run], rehearsals).model_copy(update={"mutation": mutation, "drift": drift}))


def seal(facts: Facts) -> Evidence:
    """Add to the facts what follows from them: the verdict, what was not tested, and the digest over it all."""
    parts = {name: getattr(facts, name) for name in Facts.model_fields}
    evidence = Evidence(**parts, verdict=judge(facts), untested=untested(facts), digest="")
    return evidence.model_copy(update={"digest": digest_of(evidence)})


def most_complete(evidences: Iterable[Evidence]) -> list[Evidence]:
    """One evidence for each scenario file, the one that tells most, in the order the scenarios first come.

    Under pytest-xdist several workers may report about one scenario; the controller keeps the fullest account.
    """
    best: dict[str, Evidence] = {}
    for evidence in evidences:
        known = best.get(evidence.header.scenario_file)
        if known is None or _completeness(evidence) > _completeness(known):
            best[evidence.header.scenario_file] = evidence
    return list(best.values())


def canonical(evidence: Evidence) -> str:
    """The evidence without its digest as canonical JSON: keys and sets sorted, no white space."""
    plain = evidence.model_dump(exclude={"digest"})
    return json.dumps(plain, default=_plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest_of(evidence: Evidence) -> str:
    """SHA-256, in hexadecimal digits, over the UTF-8 of the canonical JSON; the digest of an intact evidence."""
    return hashlib.sha256(canonical(evidence).encode()).hexdigest()


def to_json(evidence: Evidence) -> str:
    """The evidence as JSON for people and programs: `Evidence.model_validate_json` reads it back."""
    return json.dumps(evidence.model_dump(), default=_plain, indent=1, ensure_ascii=False) + "\n"


def _plain(value: object) -> object:
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"evidence cannot hold a {type(value).__name__}")


def _completeness(evidence: Evidence) -> tuple[int, ...]:
    finished = sum(stage.result not in ("skipped", "interrupted") for stage in evidence.stages)
    made = len(evidence.checks) + len(evidence.operations)
    proofs = sum(rollback.proof is not None for rollback in evidence.rollbacks)
    return finished, made, proofs, evidence.records


# --- which runs belong together ---------------------------------------------------------------------------------------


def _by_run(records: Iterable[Record]) -> dict[str, list[Record]]:
    runs: dict[str, list[Record]] = {}
    for record in records:
        runs.setdefault(record.run, []).append(record)
    return {run_id: found for run_id, found in runs.items() if isinstance(found[0].body, RunStarted)}


def _header(records: Sequence[Record]) -> RunStarted:
    body = records[0].body
    assert isinstance(body, RunStarted)
    return body


def _rehearses(run_id: str, migration: str, runs: dict[str, list[Record]]) -> bool:
    """Whether a run rehearses a rollback of that migration: it says so, or it follows it with the same scenario."""
    header = _header(runs[run_id])
    if header.purpose != "rollback-rehearsal":
        return False
    if header.plan_from is not None:
        return header.plan_from == migration
    before = [other for other in runs if runs[other][0].seq < runs[run_id][0].seq]
    earlier = [other for other in before if _header(runs[other]).purpose == "migration"]
    same_scenario = header.scenario_digest == _header(runs[migration]).scenario_digest
    return bool(earlier) and earlier[-1] == migration and same_scenario


# --- one run's facts --------------------------------------------------------------------------------------------------


def _facts(records: Sequence[Record], rehearsals: Sequence[Sequence[Record]]) -> Facts:
    header = _header(records)
    stages = _stage_runs(records, header.stages)
    own = [stage for stage in stages if stage.name == ROLLBACK]
    rollbacks = [_rehearsed(found) for found in rehearsals]
    if own:
        rollbacks.append(_own_rollback(records, header, stages, own[-1]))
    order = {name: place for place, name in enumerate(header.stages)}
    rollbacks.sort(key=lambda rollback: (order.get(rollback.from_stage, len(order)), rollback.at))
    return Facts(
        name=_scenario_name(header.scenario_file),
        header=header,
        started_at=records[0].at,
        ended_at=records[-1].at,
        records=len(records) + sum(len(found) for found in rehearsals),
        preflight=_newest(records, Preflight),
        snapshot=_newest(records, Snapshot),
        plan=_newest(records, Plan),
        after=_newest(records, AccessAfter),
        stages=stages,
        checks=tuple(
            CheckMade(id=record.key, stage=record.stage, at=record.at, result=body)
            for record, body in _last_of_each(records, CheckResult)
        ),
        operations=tuple(
            OperationRun(id=record.key, stage=record.stage, at=record.at, result=body)
            for record, body in _last_of_each(records, Comparison)
        ),
        sign_ins=tuple(
            SignIns(stage=record.stage, at=record.at, observation=body)
            for record, body in _last_of_each(records, Observation)
        ),
        writes=_writes(records),
        rollbacks=tuple(rollbacks),
        remarks=tuple(
            Remark(stage=record.stage, kind=record.body.kind, text=record.body.text)
            for record in records
            if isinstance(record.body, Note)
        ),
        ceiling=_newest(records, TriedCeiling),
        usage=_newest(records, Usage),
        references=_newest(records, ReferenceScan),
        access=_newest(records, AccessVerdict),
        probes=tuple(sorted(_newest_of_each(records, Probes), key=lambda each: each.object)),
        side_by_side=tuple(sorted(_newest_of_each(records, SideBySide), key=lambda each: each.object)),
    )


def _scenario_name(scenario_file: str) -> str:
    name = PurePath(scenario_file.replace("\\", "/")).name
    for suffix in (".yaml", ".yml", ".scenario"):
        name = name.removesuffix(suffix)
    return name or "scenario"


def _newest(records: Sequence[Record], body_type: type[BodyType]) -> BodyType | None:
    return next((record.body for record in reversed(records) if isinstance(record.body, body_type)), None)


def _last_of_each(records: Sequence[Record], body_type: type[BodyType]) -> list[tuple[Record, BodyType]]:
    """The newest record of each stage and key, in the order the keys first came: a stage that ran again counts once."""
    found: dict[tuple[str, str], tuple[Record, BodyType]] = {}
    for record in records:
        if isinstance(record.body, body_type):
            found[record.stage, record.key] = (record, record.body)
    return list(found.values())


def _newest_of_each(records: Sequence[Record], body_type: type[BodyType]) -> list[BodyType]:
    """The newest body of each key."""
    return list({record.key: record.body for record in records if isinstance(record.body, body_type)}.values())


def _stage_runs(records: Sequence[Record], names: Sequence[str]) -> tuple[StageRun, ...]:
    ran = [record.stage for record in records if isinstance(record.body, StageStarted | StageFinished)]
    others = [name for name in dict.fromkeys(ran) if name not in names]
    return tuple(_stage_run(name, records) for name in (*names, *others))


def _stage_run(name: str, records: Sequence[Record]) -> StageRun:
    own = [record for record in records if record.stage == name]
    started = [record for record in own if isinstance(record.body, StageStarted)]
    ended = [(record, record.body) for record in own if isinstance(record.body, StageFinished)]
    begun_at = started[0].at if started else ended[0][0].at if ended else None
    if not ended or (started and started[-1].seq > ended[-1][0].seq):
        return StageRun(
            name=name,
            result="interrupted" if started else "skipped",
            started_at=begun_at,
            attempts=len(started),
            calls=sum(body.calls for _, body in ended),
            writes=sum(body.writes for _, body in ended),
            message="It began and left no end." if started else "",
        )
    last, end = ended[-1]
    return StageRun(
        name=name,
        result=end.result,
        started_at=begun_at,
        finished_at=last.at,
        attempts=max(len(started), len(ended)),
        calls=sum(body.calls for _, body in ended),
        writes=sum(body.writes for _, body in ended),
        message=end.message,
        answer=end.answer,
        remedy=end.remedy,
        place=end.place,
        until=end.until,
    )


def _writes(records: Sequence[Record]) -> tuple[Write, ...]:
    outcomes = {(record.stage, record.key): body for record, body in _last_of_each(records, Outcome)}
    writes = []
    for record, intent in _last_of_each(records, Intent):
        outcome = outcomes.get((record.stage, record.key))
        writes.append(
            Write(
                stage=record.stage,
                key=record.key,
                operation=intent.operation,
                sobject=intent.sobject,
                summary=intent.summary,
                rows=intent.rows,
                found=intent.found,
                inverse=intent.inverse,
                undoes=intent.undoes,
                certainty=outcome.certainty if outcome else None,
                settled_by=outcome.settled_by if outcome else None,
                error=outcome.error if outcome else None,
            )
        )
    return tuple(writes)


def _rehearsed(records: Sequence[Record]) -> Rollback:
    header = _header(records)
    stages = _stage_runs(records, header.stages)
    ran = tuple(stage for stage in stages if stage.result != "skipped")
    proof = _newest(records, RollbackProof)
    return Rollback(
        run_id=header.run_id,
        from_stage=header.until or (proof.from_stage if proof else "?"),
        own=False,
        at=records[-1].at,
        stages=ran,
        proof=proof,
    )


def _own_rollback(
    records: Sequence[Record], header: RunStarted, stages: Sequence[StageRun], rollback: StageRun
) -> Rollback:
    proof = _newest(records, RollbackProof)
    begun = [stage.name for stage in stages if stage.result != "skipped" and stage.name != ROLLBACK]
    return Rollback(
        run_id=header.run_id,
        from_stage=proof.from_stage if proof else (begun[-1] if begun else "?"),
        own=True,
        at=rollback.finished_at or rollback.started_at or records[-1].at,
        stages=(rollback,),
        proof=proof,
    )
