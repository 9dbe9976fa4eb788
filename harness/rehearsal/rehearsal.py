"""One scenario's rehearsal: the plugin asks it for one result at a time, the command runs it through."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path

from pydantic import ValidationError

from harness import __version__
from harness.checks.results import AccessVerdict, CheckResult, Comparison, Mutation, SideBySide
from harness.checks.spec import check_specs, operation_specs
from harness.credentials.store import open_store
from harness.errors import Place, RecordingError, RehearseError, StageFailed, UsageError
from harness.migration.engine import Engine
from harness.migration.journal import Journal
from harness.migration.records import Approval, Intent, Plan, RollbackProof, RunStarted, StageFinished
from harness.org.clock import Clock, SystemClock
from harness.org.patience import Tell, silent
from harness.recording.cassettes import Cassettes, Mode
from harness.recording.hosts import CANONICAL_URL
from harness.rehearsal.approval import approval_of
from harness.rehearsal.connections import Connections
from harness.rehearsal.keeping import Keeping
from harness.rehearsal.options import MUTATION, Options, shown
from harness.rehearsal.progress import NotReached, Progress
from harness.rehearsal.public_words import words_of
from harness.rehearsal.reads import cassette_names, rollback_order
from harness.rehearsal.recorded import Recorded, check_age, other_tool, stale
from harness.rehearsal.updating import Update
from harness.rehearsal.worlds import (
    World,
    open_configured,
    open_ready,
    open_replay,
    open_simulated,
)
from harness.report.drift import OrgDrift
from harness.report.evidence import Evidence, gather
from harness.scenario.loader import ScenarioFile


@dataclass
class Run:
    """One run of the engine."""

    id: str
    engine: Engine
    connections: Connections
    plan_from: str | None = None
    """Of a rollback rehearsal: the migration whose plan it follows."""
    rolled_back: bool = False


class Rehearsal:
    """One scenario's rehearsal. Nothing is opened before the first question."""

    def __init__(self, file: ScenarioFile, options: Options, *, wall: Clock | None = None) -> None:
        """`wall` is the time of people, by which recordings grow old."""
        self.file = file
        self.options = options
        self._wall = wall or SystemClock()
        self._world: World | None = None
        self._cassettes: Cassettes | None = None
        self._journal: Journal | None = None
        self._run: Run | None = None
        self._progress: Progress | None = None
        self._proofs: dict[str, RollbackProof] = {}
        self._closing = ExitStack()
        self.keeping = Keeping(file, options, self._closing)
        self.tell: Tell = silent
        """Shows a line while the org is waited for."""
        self.drift: OrgDrift | None = None
        """How an org answers today what the recording asked, once that was asked."""
        self._approval: Approval | None = None
        self._as_begun = True
        self._could_not_begin = ""
        self.show: Tell = silent
        """Shows a line of what a recording changes."""
        self._notes: list[str] = []
        self._warnings: list[str] = []

    # --- what a front may ask ----------------------------------------------------------------------------------------

    def reach(self, stage: str) -> StageFinished:
        """Run through a stage. Raises StageFailed or what it failed with, and NotReached when an earlier one did."""
        finished = self.progress.finished(stage)
        if finished is None:
            raise NotReached(self._why_not_reached())
        if finished.result == "refused" and self.file.scenario.expect.sign_off == "refused":
            self._replace_recording(stage)
            return finished
        if finished.result == "stopped":
            later = finished.until and f"run it again after {finished.until}, or see `rehearse status`"
            raise NotReached(f"{finished.message}; {later or finished.remedy}")
        if finished.result != "passed":
            raise self._failure(stage, finished)
        self._replace_recording(stage)
        return finished

    def result(self, stage: str, key: str) -> CheckResult | Comparison:
        """The result of one check or compared operation of a stage; raises NotReached when it was not made.

        The stage is run to its end: only then is its cassette closed, and another scenario may open one.
        """
        self.progress.finished(stage)
        kind = "check" if stage == "verify" else "comparison"
        found = self.progress.find(kind, stage, key)
        if not isinstance(found, CheckResult | Comparison):
            raise NotReached(self._why_not_reached())
        return found

    def access(self) -> AccessVerdict:
        """The verdict on the new user's access; raises NotReached when none was reached."""
        self.progress.finished("verify")
        for body in self.progress.found("verdict", "verify"):
            if isinstance(body, AccessVerdict):
                return body
        raise NotReached(self._why_not_reached())

    def looks(self) -> list[SideBySide]:
        """What both users see of each object; raises NotReached when nobody looked."""
        self.progress.finished("dual-auth")
        found = [body for body in self.progress.found("side-by-side", "dual-auth") if isinstance(body, SideBySide)]
        if not found:
            raise NotReached(self._why_not_reached())
        return found

    def roll_back(self, stage: str) -> RollbackProof:
        """Prove the rollback from a stage: of the migration from its last one, of a run of its own from others."""
        if stage not in self._proofs:
            own = stage == self._rollback_order()[0]
            self._proofs[stage] = self._roll_the_migration_back() if own else self._rehearse_rollback(stage)
        proof = self._judge_proof(self._proofs[stage])
        self._replace_recording(f"rollback-from-{stage}")
        return proof

    def sign_off(self) -> Evidence:
        """Run whatever has not run yet; raises StageFailed when the verdict is not the one the scenario expects."""
        questions: list[Callable[[], object]] = [self._run_through]
        questions += [partial(self.roll_back, stage) for stage in self._rollback_order()]
        for question in questions:
            with suppress(NotReached, RehearseError):  # each of these is a reason in the verdict
                question()
        evidence = self.evidence()
        if evidence is None:
            raise NotReached(self._why_not_reached())
        verdict = evidence.verdict
        if not verdict.as_expected:
            lines = [f"{verdict.words}: {verdict.summary}", *(reason.text for reason in verdict.reasons[1:])]
            raise StageFailed("\n".join(lines), stage="sign-off", place=self.file.place())
        return evidence

    def evidence(self) -> Evidence | None:
        """The evidence so far; None when nothing was begun."""
        if self._run is None:
            return None
        migration = self._run.plan_from or self._run.id
        if self.journal.find(migration, RunStarted) is None:
            return None
        return gather(self.journal, migration, mutation=self._mutation(), drift=self.drift)

    def _mutation(self) -> Mutation | None:
        """The score of the scenario's checks, which `rehearse mutate` keeps beside the recordings."""
        path = self.options.cassette_folder / self.file.name / MUTATION
        if not path.is_file():
            return None
        try:
            return Mutation.model_validate_json(path.read_bytes())
        except ValidationError as error:
            remedy = "write it again: rehearse mutate FILE"
            raise UsageError(f"{shown(path)} is no score of checks", remedy=remedy) from error

    def take_warnings(self) -> list[str]:
        """What is to be warned of about the recordings that are replayed, once."""
        told, self._warnings = self._warnings, []
        return told

    def left_behind(self) -> str | None:
        """What somebody must still do, in a line; None when nothing is left in an org."""
        if not self.options.durable or self._run is None or self._run.rolled_back:
            return None
        return f"{self.file.shown}: `rehearse status` says where it stands; `resume` goes on, `rollback` undoes it"

    def finish(self) -> Evidence | None:
        """Leave the run where it is, close everything, and give the evidence there is."""
        with self._closing:
            if self._progress is not None:
                self._progress.close()
            return self.evidence()

    # --- the pieces, opened when they are needed ---------------------------------------------------------------------

    @property
    def world(self) -> World:
        """The org and everything around it."""
        if self._world is None:
            self._world = self._open_world()
            self._closing.callback(self._world.close)
        return self._world

    def _open_world(self) -> World:
        options = self.options
        if options.replays:
            return open_replay(self.file, url=CANONICAL_URL, facts=self.cassettes.facts, clock=self.cassettes.clock)
        if options.sandbox is not None:
            return open_ready(self.file, options.sandbox)
        if options.org != "simulated":
            return open_configured(options.org, options.root, self.file.path.parent)
        return open_simulated(self._as_recorded, state=self.keeping.org_state())

    @property
    def journal(self) -> Journal:
        """The scenario's journal: a file where the org outlives this process, in memory otherwise."""
        if self._journal is None:
            self._journal = Journal(self.keeping.journal)
            self._closing.callback(self._journal.close)
        return self._journal

    @property
    def folder(self) -> Path:
        """Where what belongs to this scenario and org is kept between processes."""
        return self.keeping.folder

    @property
    def cassettes(self) -> Cassettes:
        """The cassettes of this scenario."""
        if self._cassettes is None:
            self._cassettes = self._open_cassettes()
        return self._cassettes

    @property
    def run(self) -> Run:
        """The migration itself: the unfinished run of the journal, or a new one."""
        if self._run is None:
            standing = self.standing()
            if standing is not None and standing.purpose != "migration":
                raise UsageError(
                    f"run {standing.run_id}, which rehearsed a rollback in {self.options.where}, broke off half-way",
                    remedy="undo it first: rehearse rollback " + self.file.shown,
                )
            self._run = self._begin(standing if standing and self._may_go_on(standing) else None)
        return self._run

    def approve(self, plan: Plan | None) -> None:
        """Carry out this plan and no other, or whichever the run makes. Raises PlanNotValid and UsageError.

        A run that stands, and has written nothing, then goes on only if it began so.
        """
        self._as_begun = False
        if plan is not None:
            org_id, now = self.world.site.org_id, self.cassettes.clock.now()
            self._approval = approval_of(plan, self.file, self.journal, org_id=org_id, now=now)

    def _may_go_on(self, standing: RunStarted) -> bool:
        """Whether a run is taken up: not one that wrote nothing, and whose plan cannot be carried out any more."""
        if self._as_begun or self.wrote(standing.run_id):
            return True
        plan = self.journal.find(standing.run_id, Plan)
        now = self.cassettes.clock.now()
        fresh = plan is None or (plan.expires and now < plan.expires and plan.tool_version == __version__)
        return bool(fresh) and standing.approved == self._approval

    def take_up(self, standing: RunStarted) -> Run:
        """The run that stands, whatever it was for, to be undone."""
        self._run = self._begin(standing)
        return self._run

    def rebuild(self, run_id: str) -> Run:
        """A run of which only the org knows: its journal is made anew in memory, apart from the scenario's own."""
        self._journal = Journal(None)
        return self._begin(self._header(run_id, until=None, plan_from=None))

    def look(self) -> Connections:
        """Connections to read with, before it is known which run they are about."""
        self.keeping.must_be_here()
        connections = Connections(self.file, self.world, clock=self.cassettes.clock, tell=self.tell)
        self._closing.callback(connections.close)
        return connections

    @property
    def progress(self) -> Progress:
        """The migration's progress."""
        if self._progress is None:
            if self._could_not_begin:
                raise NotReached(f"it could not begin: {self._could_not_begin}")
            try:
                self._progress = Progress(self.run.engine.stages(), self.journal.records(self.run.id))
            except RehearseError as error:
                self._could_not_begin = error.message
                raise
        return self._progress

    # --- runs --------------------------------------------------------------------------------------------------------

    def _begin(
        self,
        begun: RunStarted | None = None,
        *,
        until: str | None = None,
        plan_from: str | None = None,
        first: str = "preflight",
    ) -> Run:
        """A run of the engine: of the migration, or, with `until`, of a rollback rehearsal that follows its plan.

        It is one that has begun already, or a new one.
        """
        self.keeping.lock()
        self.keeping.must_be_here()
        self.cassettes.ahead(first)
        if begun is not None:
            run_id, until, plan_from = begun.run_id, begun.until, begun.plan_from
        else:
            run_id = self._new_id()
            if self._update is not None and until is None:
                self._update.begin()
        folder = self.keeping.run_folder(run_id)
        connections = Connections(self.file, self.world, clock=self.cassettes.clock, tell=self.tell)
        self._closing.callback(connections.close)
        store = open_store(
            self.file.scenario.credentials,
            base=self.file.path.parent,
            folder=folder,
            stand_in=self.world.simulated,
            old=connections.parts_of_source(),
        )

        def around(stage: str) -> AbstractContextManager[None]:
            if until is not None:
                return nullcontext()  # one cassette holds the whole rehearsal of a rollback
            name = stage if stage != "rollback" else f"rollback-from-{self._rollback_order()[0]}"
            return self._recorded(name, connections, run_id=run_id, stage=stage)

        engine = Engine(
            file=self._as_recorded,
            journal=self.journal,
            run_id=run_id,
            header=self._header(run_id, until=until, plan_from=plan_from),
            site=self.world.site,
            guard=connections.guard,
            meter=connections.meter,
            connect=connections.connect,
            sign_in=connections.try_sign_in,
            store=store,
            resolve=self.world.resolve,
            clock=self.cassettes.clock,
            around=around,
            plan_from=plan_from,
            host=self._host(),
            postponed=self.keeping.postponed,
            said=self.cassettes.said,
        )
        return Run(run_id, engine, connections, plan_from=plan_from)

    def _host(self) -> str:
        """The name of the place where this run is kept, as others are told it; no recording holds one of a machine."""
        if self.world.simulated or self.options.cassettes != "off":
            return "rehearsal"
        return self.keeping.host

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold off every other process while the folder itself is carried. Raises UsageError when one is at work."""
        try:
            self.keeping.lock()
            yield
        finally:
            self.finish()

    def _new_id(self) -> str:
        """An id that no run of the journal has: a simulated org's clock may give the same one again."""
        taken = {begun.run_id for begun in self.journal.runs()}
        while (run_id := self.cassettes.clock.new_id()) in taken:
            pass
        return run_id

    def _header(self, run_id: str, *, until: str | None, plan_from: str | None) -> RunStarted:
        scenario = self.file.scenario
        return RunStarted(
            run_id=run_id,
            tool_version=__version__,
            purpose="migration" if until is None else "rollback-rehearsal",
            until=until,
            system=scenario.system,
            scenario_purpose=scenario.purpose,
            scenario_file=self.file.shown,
            scenario_digest=self.file.digest,
            source_username=scenario.from_.username,
            target_username=scenario.target_username,
            strategy=scenario.to.strategy,
            stages=tuple(stage for stage in scenario.stages if not (self.options.dry and stage == "trial")),
            sign_off_expected=scenario.expect.sign_off,
            sign_off_because=scenario.expect.because,
            org_name=self.world.site.name,
            cassettes="replay" if self.options.cassettes == "compare" else self.options.cassettes,
            recorded_at=self.cassettes.facts.recorded_at if self.options.replays else None,
            recorded_from=self.cassettes.facts.source if self.options.replays else None,
            recording_notes=tuple(self._notes),
            by=self.world.admin.username,
            checks=tuple(spec.id for spec in check_specs(self.file)),
            operations=tuple(spec.id for spec in operation_specs(self.file)),
            rollback_stages=scenario.rollback_stages,
            plan_from=plan_from,
            approved=self._approval if until is None else None,
        )

    def standing(self) -> RunStarted | None:
        """The newest run of the journal that is not over: a migration, or a rehearsed rollback that broke off."""
        for begun in reversed(self.journal.runs()):
            if not self._is_over(begun):
                return begun
            if begun.purpose == "migration":
                return None
        return None

    def _is_over(self, begun: RunStarted) -> bool:
        """Whether nothing of a run is left in the org, and it cannot or need not be taken up."""
        undone = self._end_of(begun.run_id, "rollback")
        if undone is not None and undone.result == "passed":
            return True
        planned = self._end_of(begun.run_id, "plan")
        cannot_go_on = (
            begun.purpose != "migration"
            or begun.scenario_digest != self.file.digest
            or (planned is not None and planned.result == "refused")
        )
        return cannot_go_on and not self.wrote(begun.run_id)

    # --- rolling back ------------------------------------------------------------------------------------------------

    def _rollback_order(self) -> tuple[str, ...]:
        return rollback_order(self.file.scenario)

    def _run_through(self) -> None:
        self.progress.finished(self.file.scenario.stages[-1])

    def wrote(self, run_id: str) -> bool:
        """Whether a run wrote, or may have written, anything that it did not undo by itself, as a trial does."""
        tried = self._end_of(run_id, "trial")
        undone = "trial" if tried is not None and tried.result == "passed" else None
        return any(
            isinstance(record.body, Intent) and not record.body.found and record.stage != undone
            for record in self.journal.records(run_id)
        )

    def _end_of(self, run_id: str, stage: str) -> StageFinished | None:
        ends = [
            record.body
            for record in self.journal.records(run_id)
            if record.stage == stage and isinstance(record.body, StageFinished)
        ]
        return ends[-1] if ends else None

    def _roll_the_migration_back(self) -> RollbackProof:
        with suppress(RehearseError):  # the stage's own item says so; what was written must be undone all the same
            self._run_through()
        if isinstance(self.progress.error, RecordingError):
            raise NotReached(f"the replay broke off in stage {self.progress.error_stage} and cannot go on")
        ended = self.progress.ended_badly()
        if ended is not None and ended[1].result == "stopped":
            raise NotReached(f"{ended[0]} waits: {ended[1].message}")
        if not self.wrote(self.run.id):
            raise NotReached("nothing was written, so there is nothing to undo")
        return self._undo(self.run)

    def _rehearse_rollback(self, stage: str) -> RollbackProof:
        plan = self.progress.finished("plan")
        ended = self.progress.ended_badly()
        if plan is None or ended is not None:
            raise NotReached(self._why_not_reached())
        if self.wrote(self.run.id) and not self.run.rolled_back:
            self.roll_back(self._rollback_order()[0])
        name = f"rollback-from-{stage}"
        run = self._begin(until=stage, plan_from=self.run.id, first=name)
        with self._recorded(name, run.connections, run_id=run.id):
            forward = Progress(run.engine.stages(), iter(()))
            forward.finished(stage)
            proof = self._undo(run)
        failed = forward.ended_badly()
        if failed is not None:
            raise self._failure(*failed)
        return proof

    def _undo(self, run: Run) -> RollbackProof:
        for _ in run.engine.rollback():
            pass
        end = self._end_of(run.id, "rollback")
        if end is None or end.result != "passed":
            raise self._failure("rollback", end)
        run.rolled_back = True
        proof = self.journal.find(run.id, RollbackProof)
        if proof is None:
            raise StageFailed("the rollback left no proof", stage="rollback", place=self.file.place("rollback"))
        return proof

    def _judge_proof(self, proof: RollbackProof) -> RollbackProof:
        wrong = [*proof.differences] if not proof.equal else []
        if not proof.equal and not wrong:
            wrong.append("the access fingerprints differ")
        if not proof.credential_restored:
            wrong.append("the old credential is not active again")
        if not proof.old_user_signs_in:
            wrong.append("the old user does not sign in")
        if wrong:
            message = f"from {proof.from_stage}, not everything came back: {wrong[0]}"
            raise StageFailed("\n".join([message, *wrong[1:]]), stage="rollback", place=self.file.place("rollback"))
        return proof

    # --- cassettes ---------------------------------------------------------------------------------------------------

    def _open_cassettes(self) -> Cassettes:
        folder = shown(self.options.cassette_folder / self.file.name)
        mode: Mode = "replay" if self.options.cassettes == "compare" else self.options.cassettes
        command = f"pytest {self.file.shown} --cassettes record"
        if mode == "replay":
            cassettes = Cassettes(folder, mode, clock=SystemClock(), command=command)
            cassettes.require(self._cassette_names())
            self._look_at(cassettes)
            return cassettes
        world = self.world
        recorded = Recorded(self.file, world, digest=self._as_recorded.digest)
        return Cassettes(
            folder,
            mode,
            clock=world.clock,
            record_facts=lambda name: recorded.facts(name, self.journal, self.run.id),
            org_id=world.site.org_id,
            admin=world.admin.username,
            known=words_of(self.file, world.clock) if mode == "record" else (),
            hosts=(world.site.url,),
            secrets=world.secrets,
            command=command,
            wall=self._wall,
            into=self._update.folder if self._update else None,
        )

    def _look_at(self, cassettes: Cassettes) -> None:
        """Note what speaks against the recordings. Raises RecordingError where they are too old."""
        by_stage = {name: cassettes.facts_of(name) for name in self._cassette_names()}
        found = [*by_stage.values()]
        warning = check_age(self.file, found, self._wall.now(), self.options)
        self._warnings += [warning] if warning else []
        for outgrown in stale(self.file, by_stage):
            cassettes.stale(outgrown.cassette, outgrown.why, outgrown.remedy)
            self._warnings.append(f"{outgrown.why}: {outgrown.remedy}")
        note = other_tool(found)
        self._notes = [*self._warnings, *([note] if note else [])]

    @property
    def _as_recorded(self) -> ScenarioFile:
        """The scenario, with the digest that the marks of a replayed run hold: a comment is no reason to differ."""
        if self._update is not None:
            return replace(self.file, digest=self._update.facts.scenario)
        return replace(self.file, digest=self.cassettes.facts.scenario) if self.options.replays else self.file

    @cached_property
    def _update(self) -> Update | None:
        """The one stage that is recorded again, where no other is."""
        if self.options.update is None:
            return None
        folder = self.keeping.update_folder()
        return Update(self.file, self.options, self.options.update, folder=folder, rehearse=Rehearsal)

    def _replace_recording(self, stage: str) -> None:
        """Where this stage is the one that is recorded again: replace its cassette, if the scenario replays with it."""
        if self._update is not None and not self._update.done and stage == self._update.stage:
            self._update.finish(self.cassettes.write, self.show)

    def _cassette_names(self) -> list[str]:
        return cassette_names(self.file.scenario)

    @contextmanager
    def _recorded(
        self, name: str, connections: Connections, *, run_id: str, stage: str | None = None
    ) -> Iterator[None]:
        """One cassette, of one stage or of a whole run; none is kept of a failure.

        Whoever acts in it signs in in it, so that it can be played, or recorded again, by itself.
        """
        if self.options.cassettes != "off":
            connections.forget()
        with self.cassettes.stage(name, calls=lambda: connections.meter.calls):
            yield
            if self._failed(run_id, stage):
                self.cassettes.spoil()

    def _failed(self, run_id: str, stage: str | None) -> bool:
        return any(
            isinstance(record.body, StageFinished) and record.body.result == "failed"
            for record in self.journal.records(run_id)
            if stage in (None, record.stage)
        )

    # --- saying why --------------------------------------------------------------------------------------------------

    def _failure(self, stage: str, finished: StageFinished | None) -> StageFailed:
        if finished is None:
            return StageFailed("it ended without saying how", stage=stage, place=self.file.place())
        message = finished.message if not finished.answer else f"{finished.message}\norg: {finished.answer}"
        place = self.file.place()
        if finished.place:
            name, _, line = finished.place.partition(":")
            place = Place(name, int(line.partition(":")[0] or 1))
        return StageFailed(message, stage=stage, place=place, remedy=finished.remedy)

    def _why_not_reached(self) -> str:
        ended = self.progress.ended_badly()
        if ended is None:
            return f"stage {self.progress.error_stage or 'preflight'} failed"
        stage, finished = ended
        if finished.result == "stopped":
            return f"stage {stage} is not finished: {finished.message}"
        if finished.result == "refused":
            expected = " as the scenario expects" if self.file.scenario.expect.sign_off == "refused" else ""
            return f"the plan was refused{expected}"
        return f"stage {stage} failed"
