"""One strategy, rehearsed in a simulated sandbox of its own, there and back, and measured on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

from harness.access.model import Access
from harness.comparing.measured import Column, Kept, Rollback
from harness.comparing.variants import Variant, variant
from harness.comparing.witness import Witness
from harness.errors import RehearseError, ScenarioError
from harness.migration.journal import Record
from harness.migration.records import AccessAfter, Intent, Person, RollbackProof, Snapshot, StageFinished
from harness.rehearsal.options import Options
from harness.rehearsal.progress import NotReached
from harness.rehearsal.rehearsal import Rehearsal
from harness.sandbox.in_process import InProcess
from harness.scenario.loader import ScenarioFile
from harness.scenario.model import Strategy

_WATCHED = frozenset({"provision", "grant", "authorize", "verify", "switch", "cut-over", "retire"})
"""The stages in which a credential may stop working: all but those that write nothing, and the long wait."""
_SETTLED = "verify"
Say = Callable[[str], None]


def rehearse(file: ScenarioFile, strategy: Strategy, options: Options, *, say: Say) -> Column:
    """Rehearse a scenario by a strategy. What cannot be run says why in its column; bugs are raised."""
    try:
        chosen = variant(file, strategy)
    except ScenarioError as error:
        return Column(strategy=strategy, ended=f"cannot be run: {error.message}")
    with ExitStack() as closing:
        rehearsal = Rehearsal(chosen.file, options)
        closing.callback(rehearsal.finish)
        return _Run(rehearsal, chosen, say).column()


class _Run:
    """One run and what is measured of it."""

    def __init__(self, rehearsal: Rehearsal, chosen: Variant, say: Say) -> None:
        world = rehearsal.world
        assert world.org is not None, "a simulated org of our own was asked for"
        world.wire = InProcess(world.org, instance_url=world.site.url)
        self._rehearsal = rehearsal
        self._chosen = chosen
        self._say = say
        self._witness = Witness(world.org, chosen.file, world)
        self._found: dict[str, Any] = {}
        self._ends: dict[str, StageFinished] = {}

    def column(self) -> Column:
        """Run it, there and back."""
        self._witness.begin()
        ended = self._forward()
        if ended is None:
            self._measure_end()
        rollbacks = tuple(self._back(through=ended is None))
        return Column(
            strategy=self._chosen.strategy,
            changed=self._chosen.changed,
            ended=ended or "through",
            through=ended is None,
            rollbacks=rollbacks,
            **{**self._of_journal(), **self._found},
        )

    # --- there --------------------------------------------------------------------------------------------------------

    def _forward(self) -> str | None:
        """Run every stage, looking at the org between two steps; why it ended early, or None."""
        run = self._rehearsal.run
        meter, probed = run.connections.meter, -1
        try:
            for record in run.engine.stages():
                self._say(f"{self._chosen.strategy}: {record.stage}")
                if record.stage in _WATCHED and meter.calls != probed:
                    probed = meter.calls
                    self._witness.step(record.stage, probed)
                self._note(record)
        except RehearseError as error:
            return f"cannot be run: {error.message}"
        self._witness.end(meter.calls)
        return self._why_not_through()

    def _note(self, record: Record) -> None:
        if not isinstance(record.body, StageFinished):
            return
        self._ends[record.stage] = record.body
        if record.stage == "plan":
            self._witness.note_sign_ins()
        if record.stage == _SETTLED:
            self._found |= {
                "session": self._witness.session_lives(),
                "refresh_token": self._witness.refresh_token_works(),
            }

    def _why_not_through(self) -> str | None:
        for stage, end in self._ends.items():
            if end.result != "passed":
                return f"{end.result} in {stage}: {end.message}"
        return None

    def _measure_end(self) -> None:
        witness = self._witness
        self._found |= {
            "same_user": witness.target_id() == witness.old_id,
            "rows_owned": witness.owned(),
            "rows_created": witness.created(),
            "sign_ins": witness.sign_ins(),
            "refresh_token_at_end": witness.refresh_token_works(),
            "old_credential_at_end": witness.works("source"),
        }

    def _of_journal(self) -> dict[str, Any]:
        """What the journal tells, and what the witness noted on the way."""
        journal, run_id = self._rehearsal.journal, self._rehearsal.run.id
        before, after = journal.find(run_id, Snapshot), journal.find(run_id, AccessAfter)
        intents = [each for each in journal.records(run_id, kind="intent") if each.stage != "rollback"]
        made = [each for each in intents if isinstance(each.body, Intent) and not each.body.found]
        found: dict[str, Any] = {
            "writes": len({each.key for each in made}),
            "rows_written": sum(end.writes for end in self._ends.values()),
            "calls": sum(end.calls for end in self._ends.values()),
            "gaps": tuple(self._witness.gaps),
            "probes": self._witness.probes,
            "seats": self._witness.seats(),
        }
        if before and after:
            held, holds = set(_things(before.effective)), set(_things(after.effective))
            found |= {
                "access": Kept(before=len(held), kept=len(held & holds)),
                "gained": len(holds - held),
                "place": _place(before.person, after.person),
            }
        return found

    # --- and back -----------------------------------------------------------------------------------------------------

    def _back(self, *, through: bool) -> Iterator[Rollback]:
        """Undo it; where it went through, from every stage that the scenario asks for."""
        rehearsal, run_id = self._rehearsal, self._rehearsal.run.id
        if not rehearsal.wrote(run_id):
            return
        if not through:
            self._say(f"{self._chosen.strategy}: rollback")
            yield self._undo_what_there_is(run_id)
            return
        last = self._chosen.file.scenario.rollback_stages[-1]
        stages = (last, *self._chosen.file.scenario.rollback_stages[:-1])
        for stage in stages:
            self._say(f"{self._chosen.strategy}: rollback from {stage}")
            try:
                proof = rehearsal.roll_back(stage)
            except (RehearseError, NotReached) as error:
                yield Rollback(stage=stage, proven=False, because=str(getattr(error, "message", error)))
                continue
            if stage == last:
                self._found |= {"residue": proof.residue, "calls_back": self._calls_back(run_id)}
            yield Rollback(stage=stage, proven=True)

    def _undo_what_there_is(self, run_id: str) -> Rollback:
        stage = next(reversed(self._ends), "preflight")
        for _ in self._rehearsal.run.engine.rollback():
            pass
        proof = self._rehearsal.journal.find(run_id, RollbackProof)
        if proof is None:
            return Rollback(stage=stage, proven=False, because="it left no proof")
        self._found |= {"residue": proof.residue, "calls_back": self._calls_back(run_id)}
        proven = proof.equal and proof.credential_restored and proof.old_user_signs_in
        return Rollback(stage=stage, proven=proven, because=None if proven else "; ".join(proof.differences))

    def _calls_back(self, run_id: str) -> int | None:
        records = self._rehearsal.journal.records(run_id, kind="stage.finished")
        ends = [each.body for each in records if each.stage == "rollback"]
        return next((end.calls for end in reversed(ends) if isinstance(end, StageFinished)), None)


def _things(access: Access) -> Iterator[str]:
    """Everything that is held, one by one."""
    for name, rights in access.objects.items():
        yield from (f"{name}: {right}" for right in rights)
    for name, held in access.fields.items():
        yield from (f"{name}: {right}" for right in held)
    yield from (f"system {name}" for name in access.system)
    yield from (f"setup {name}" for name in access.setup)


def _place(before: Person, after: Person) -> Kept:
    held = {f"role {before.role}"} if before.role else set[str]()
    held |= {f"group {name}" for name in before.groups} | {f"queue {name}" for name in before.queues}
    holds = {f"role {after.role}", *(f"group {name}" for name in after.groups)}
    holds |= {f"queue {name}" for name in after.queues}
    return Kept(before=len(held), kept=len(held & holds))
