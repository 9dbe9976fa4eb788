"""The evidence of a rehearsal as plain data: what a journal holds about one migration, put in a reader's order.

`Facts` are what the journal says; `Evidence` adds what follows from them: the verdict, what was not tested, the digest.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from harness.checks.results import AccessVerdict, CheckResult, Comparison, Mutation, Probes, SideBySide
from harness.migration.records import (
    AccessAfter,
    Certainty,
    Observation,
    Plan,
    Preflight,
    ReferenceScan,
    RollbackProof,
    RunStarted,
    Snapshot,
    TriedCeiling,
    Usage,
)
from harness.report.drift import OrgDrift


class Model(BaseModel):
    """The base of every part of the evidence: immutable, unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


StageResult = Literal["passed", "failed", "stopped", "refused", "interrupted", "skipped"]
"""How a stage ended: `interrupted` began and left no end, `skipped` never began."""


class StageRun(Model):
    """One stage of a run, all its attempts together."""

    name: str
    result: StageResult
    started_at: datetime | None = None
    finished_at: datetime | None = None
    attempts: int = 0
    calls: int = 0
    writes: int = 0
    message: str = ""
    answer: str | None = None
    remedy: str | None = None
    place: str | None = None
    until: datetime | None = None


class CheckMade(Model):
    """A check and its answer; `id` is such as `grants[Account: read]`."""

    id: str
    stage: str
    at: datetime
    result: CheckResult


class OperationRun(Model):
    """An operation of the workload and what the users got; `id` is such as `workload[2: upsert Account]`."""

    id: str
    stage: str
    at: datetime
    result: Comparison


class SignIns(Model):
    """The sign-ins that one stage saw."""

    stage: str
    at: datetime
    observation: Observation


class Write(Model):
    """One write: what was intended, and what became of it."""

    stage: str
    key: str
    operation: str
    sobject: str
    summary: str
    rows: int
    found: bool
    """It was already so: nothing was sent."""
    inverse: str
    undoes: str | None = None
    certainty: Certainty | None = None
    """None when the journal holds no outcome."""
    settled_by: str | None = None
    error: str | None = None


class Rollback(Model):
    """Everything undone from one stage, and the proof."""

    run_id: str
    from_stage: str
    own: bool
    """True for the migration's own rollback, false for a rehearsed one."""
    at: datetime
    stages: tuple[StageRun, ...]
    """What the run did before and in the rollback; the migration's own holds the rollback alone."""
    proof: RollbackProof | None = None

    @property
    def proven(self) -> bool:
        """Whether the org is as it was: equal fingerprints, the old credential active, the old user signing in."""
        ended = self.stages[-1] if self.stages else None
        return (
            self.proof is not None
            and self.proof.equal
            and self.proof.credential_restored
            and self.proof.old_user_signs_in
            and ended is not None
            and ended.name == "rollback"
            and ended.result == "passed"
        )

    @property
    def calls(self) -> int:
        """API calls of all its stages."""
        return sum(stage.calls for stage in self.stages)


class Remark(Model):
    """Something a stage noted for the reviewer."""

    stage: str
    kind: Literal["not-tested", "warning"]
    text: str


class Facts(Model):
    """What the journal holds about one migration run and the rollbacks rehearsed for it."""

    format: Literal[1] = 1
    name: str
    """`erp` of `erp.scenario.yaml`."""
    header: RunStarted
    started_at: datetime
    ended_at: datetime
    records: int
    """How many records of the journal this was gathered from."""
    preflight: Preflight | None = None
    snapshot: Snapshot | None = None
    plan: Plan | None = None
    after: AccessAfter | None = None
    stages: tuple[StageRun, ...] = ()
    """The stages of the scenario in order, then `rollback` if there was one."""
    checks: tuple[CheckMade, ...] = ()
    operations: tuple[OperationRun, ...] = ()
    sign_ins: tuple[SignIns, ...] = ()
    writes: tuple[Write, ...] = ()
    rollbacks: tuple[Rollback, ...] = ()
    remarks: tuple[Remark, ...] = ()
    ceiling: TriedCeiling | None = None
    usage: Usage | None = None
    references: ReferenceScan | None = None
    access: AccessVerdict | None = None
    """Whether the new user holds neither less nor more than it should, derived three ways."""
    probes: tuple[Probes, ...] = ()
    """What the three ways say, object by object, in order of names."""
    side_by_side: tuple[SideBySide, ...] = ()
    """What both users see of each object, in order of names."""
    mutation: Mutation | None = None
    """How well the checks notice a change of access: measured apart from the run, and kept beside its recordings."""

    drift: OrgDrift | None = None
    """How an org answers today what the recording asked; None unless it was compared."""

    @property
    def calls(self) -> int:
        """API calls of the migration's own stages; rehearsed rollbacks have their own."""
        return sum(stage.calls for stage in self.stages)

    @property
    def rows_written(self) -> int:
        """Rows the migration's own stages wrote."""
        return sum(stage.writes for stage in self.stages)

    def stage(self, name: str) -> StageRun | None:
        """The stage of that name, if the run has it."""
        return next((stage for stage in self.stages if stage.name == name), None)


ReasonKind = Literal[
    "plan-refused",
    "check-failed",
    "workload-differs",
    "stage-failed",
    "access-missing",
    "access-differs",
    "derivations-disagree",
    "silent-loss",
    "reference-open",
    "write-unknown",
    "rollback-failed",
    "not-finished",
    "not-made",
    "not-recorded",
    "drifted",
]


class Reason(Model):
    """Why a migration is not signed off: one sentence, where to read on, and what to do."""

    kind: ReasonKind
    text: str
    section: str
    """The part of the report that shows it, such as `checks`."""
    place: str | None = None
    remedy: str | None = None

    def __str__(self) -> str:
        return f"{self.place}: {self.text}" if self.place else self.text


class Verdict(Model):
    """Whether the migration may be signed off, in words and with reasons."""

    signed_off: bool
    words: Literal["Signed off", "Not signed off"]
    summary: str
    """One sentence: what it rests on, or the first reason."""
    as_expected: bool
    """Whether that is what the scenario expects."""
    expectation: str
    """The same in a sentence."""
    reasons: tuple[Reason, ...] = ()
    """Empty when it is signed off; else the gravest first."""


class Untested(Model):
    """Something this rehearsal says nothing about."""

    what: str
    because: str


class Evidence(Facts):
    """Everything a report is rendered from."""

    verdict: Verdict
    untested: tuple[Untested, ...]
    digest: str
    """SHA-256, in hexadecimal digits, over the canonical JSON of everything else here."""
