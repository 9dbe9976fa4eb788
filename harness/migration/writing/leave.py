"""Leave to write: what a stage must show before it gets a capability, and what that one is good for.

The plan must be the one that was sealed, and must not have been carried out before; then the stage gets as many writes
as are expected of it, with room for repeats, and a list of users it must not lock out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel

from harness import __version__
from harness.access.algebra import atoms
from harness.migration.planning.allowance import Expected, allowance
from harness.migration.planning.seal import Moment, PlanNotValid, check_approved, check_seal
from harness.migration.protected import ENDING, RUNNING, read_keepers
from harness.migration.records import Intent, Plan, RunStarted, Snapshot
from harness.org.guard import Protected, SandboxProof, WriteCapability

if TYPE_CHECKING:
    from harness.migration.journal import Journal
    from harness.org.connection import Connection
    from harness.scenario.loader import ScenarioFile

BodyType = TypeVar("BodyType", bound=BaseModel)

_BEFORE_THE_PLAN = "trial"
_UNDOING = "rollback"


@dataclass(frozen=True, slots=True)
class Papers:
    """What a run has to show, as its journal holds it."""

    journal: Journal
    run_id: str
    file: ScenarioFile
    plan_from: str | None = None
    """The run whose snapshot and plan this one follows."""

    def find(self, body_type: type[BodyType]) -> BodyType | None:
        """The newest body of a type in this run, or in the one whose plan it follows."""
        found = self.journal.find(self.run_id, body_type)
        if found is None and self.plan_from is not None:
            found = self.journal.find(self.plan_from, body_type)
        return found

    def intents(self, run_id: str | None = None) -> Iterator[tuple[str, Intent]]:
        """The stage and body of every write a run intended, but for what it found as it should be."""
        for record in self.journal.records(run_id or self.run_id, kind="intent"):
            if isinstance(record.body, Intent) and not record.body.found:
                yield record.stage, record.body

    def carried_out(self, run_id: str) -> bool:
        """Whether a run began to carry its plan out: a trial comes before the plan."""
        return any(stage != _BEFORE_THE_PLAN for stage, _ in self.intents(run_id))


def capability(papers: Papers, stage: str, proof: SandboxProof, admin: Connection, now: datetime) -> WriteCapability:
    """The capability of a stage. Raises PlanNotValid before anything is written, and what reading raises."""
    if stage not in (_BEFORE_THE_PLAN, _UNDOING):
        check_plan(papers, proof.org_id, now)
    may = allowance(stage, _expected(papers))
    return WriteCapability(
        org_id=proof.org_id,
        run_id=papers.run_id,
        stage=stage,
        requests=may.requests,
        users=may.users,
        protected=_protected(papers, stage, admin),
    )


def check_plan(papers: Papers, org_id: str, now: datetime) -> None:
    """Raise PlanNotValid unless the run's plan may be carried out here and now; a run without one has none to show."""
    plan = papers.find(Plan)
    if plan is None:
        return
    # a rehearsed rollback follows the plan of a migration that carried it out, and declares so
    begun = papers.plan_from is not None or papers.carried_out(papers.run_id)
    snapshot = papers.find(Snapshot)
    moment = Moment(
        org_id=org_id,
        scenario_digest=papers.file.digest,
        tool_version=__version__,
        now=now,
        fingerprint=snapshot.fingerprint if snapshot else None,
    )
    check_seal(plan, moment, begun=begun)
    check_unused(papers, plan.seal)
    head = papers.journal.find(papers.run_id, RunStarted)
    if head is not None and head.approved is not None:
        check_approved(head.approved.digest, plan)
        check_unused(papers, head.approved.seal)
        if not begun and now >= head.approved.expires:
            raise PlanNotValid("expired", f"that was approved held until {head.approved.expires:%Y-%m-%d %H:%M} UTC")


def check_unused(papers: Papers, seal: str) -> None:
    """Raise PlanNotValid where another run of the journal began to carry out the plan with this seal.

    One that declares whose plan it follows has none of its own, and is none of these.
    """
    for head in papers.journal.runs():
        if head.run_id in (papers.run_id, papers.plan_from):
            continue
        own = papers.journal.find(head.run_id, Plan)
        seals = {own.seal if own else "", head.approved.seal if head.approved else ""}
        if seal in seals and papers.carried_out(head.run_id):
            raise PlanNotValid("used", f"was used by run {head.run_id}, and a plan is used once")


def _expected(papers: Papers) -> Expected:
    plan, snapshot = papers.find(Plan), papers.find(Snapshot)
    return Expected(
        scenario=papers.file.scenario,
        plan=plan,
        objects=len(snapshot.effective.objects) if snapshot else 0,
        rights=sum(1 for _ in atoms(snapshot.effective)) if snapshot else 0,
        intended=[intent.rows for _, intent in papers.intents()],
    )


def _protected(papers: Papers, stage: str, admin: Connection) -> Protected:
    """Whom a stage must not lock out: read from the org where it ends a user's sign-in."""
    snapshot = papers.find(Snapshot)
    if stage not in ENDING or snapshot is None:
        return Protected(users={admin.user_id: RUNNING})
    return read_keepers(admin, snapshot.person.id).protected(snapshot.person.id)
