"""The engine: one loop over one durable journal takes a migration forward, stage by stage, and back again."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from harness.errors import OrgError, OrgUnreachable, RehearseError, StageFailed, Stopped, UsageError
from harness.migration.context import Context, World
from harness.migration.journal import Journal, Record
from harness.migration.observing import take_sample
from harness.migration.others.preconditions import check_preconditions
from harness.migration.records import Observation, RunStarted, StageFinished, StageStarted
from harness.migration.stages import PlanRefused, Stage
from harness.migration.stages.dual_auth import DUAL_AUTH
from harness.migration.stages.order import STAGES
from harness.migration.undoing.rollback import ROLLBACK
from harness.migration.writing.leave import Papers, capability
from harness.migration.writing.limits import check_calls_left, watched
from harness.migration.writing.lock import OrgLock
from harness.org.clock import Clock
from harness.org.guard import SandboxProof, WriteGuard, prove_sandbox

if TYPE_CHECKING:
    from harness.credentials.store import CredentialStore
    from harness.migration.postponing import Postponement
    from harness.org.connection import Connection, Principal
    from harness.org.meter import Meter
    from harness.org.secret import Resolve
    from harness.org.site import Site
    from harness.scenario.loader import ScenarioFile


class Engine:
    """Carries out one run of one scenario.

    `stages` goes forward from the first stage of `header.stages` that has not passed, up to `header.until` where that
    is given; `rollback` undoes whatever the run wrote. Both journal each record before they yield it, so the caller may
    look at one at a time and stop between two. They end after a stage that failed, stopped or was refused: the last
    record is then its `stage.finished`. What no stage can answer for is journaled too and raised: GuardRefused,
    UsageError, KeyboardInterrupt. Anything else that is raised is a bug.

    A new Engine with the same `run_id` takes the run up where it was left. `plan_from` names another run of the same
    journal whose snapshot and plan this one follows: a rollback rehearsal skips those two stages. `table` holds the
    stages by name. `host` names the place where this process runs: where two may run at once, two names. `postponed`
    says whether the cut-over is to wait.

    The lock in the org is taken before the first stage that writes, and deleted when none is left or one did not pass.
    """

    def __init__(
        self,
        *,
        file: ScenarioFile,
        journal: Journal,
        run_id: str,
        header: RunStarted,
        site: Site,
        guard: WriteGuard,
        meter: Meter,
        connect: Callable[[Principal], Connection],
        sign_in: Callable[[Principal, str], None],
        store: CredentialStore,
        resolve: Resolve,
        clock: Clock,
        around: Callable[[str], AbstractContextManager[None]] = lambda _stage: nullcontext(),
        plan_from: str | None = None,
        table: Mapping[str, Stage] = STAGES,
        host: str = "here",
        postponed: Callable[[], Postponement | None] = lambda: None,
        said: Callable[[str], str] = str,
    ) -> None:
        self._world = World(
            file=file,
            site=site,
            guard=guard,
            meter=meter,
            connect=connect,
            sign_in=sign_in,
            store=store,
            resolve=resolve,
            clock=clock,
            postponed=postponed,
            said=said,
        )
        self._journal = journal
        self.run_id = run_id
        self._header = header
        self._around = around
        self._plan_from = plan_from
        self._table = table
        self._proof: SandboxProof | None = None
        self._lock = OrgLock(host=host)

    @property
    def remaining(self) -> tuple[str, ...]:
        """The stages still to run, in order."""
        passed = self._passed()
        return tuple(name for name in self._planned() if name not in passed)

    def stages(self) -> Iterator[Record]:
        """Run what has not passed yet. Raises UsageError when the scenario changed or the run was rolled back."""
        self._check_resumable()
        for name in self.remaining:
            if (yield from self._run(self._table[name])) != "passed":
                return

    def rollback(self) -> Iterator[Record]:
        """Undo everything this run wrote, in reverse, and prove it."""
        wrote = any(any(self._journal.records(self.run_id, kind=kind)) for kind in ("intent", "lock"))
        # a run that wrote nothing, perhaps because it could not, needs no leave to write
        yield from self._run(ROLLBACK if wrote else replace(ROLLBACK, writes=False))

    def aside(self, stage: Stage) -> Iterator[Record]:
        """Run a stage that is none of the scenario's, such as taking up what a lost journal knew."""
        yield from self._run(stage)

    def observe(self) -> Observation:
        """Add a sample of who signed in while both users work. No capability is granted: nothing can be written.

        Raises UsageError at any other time, and GuardRefused in another org.
        """
        self._check_resumable()
        return take_sample(self._context(DUAL_AUTH.name))

    def _planned(self) -> tuple[str, ...]:
        names = self._header.stages
        if self._header.until is not None:
            names = names[: names.index(self._header.until) + 1]
        if self._plan_from is not None:
            names = tuple(name for name in names if name not in self._follows or name == self._header.until)
        return names

    _follows = ("snapshot", "trial", "plan")
    """The stages whose results a run that follows another's plan takes from there."""

    def _passed(self) -> set[str]:
        return {
            record.stage
            for record in self._journal.records(self.run_id, kind="stage.finished")
            if isinstance(record.body, StageFinished) and record.body.result == "passed"
        }

    def _check_resumable(self) -> None:
        begun = self._journal.find(self.run_id, RunStarted)
        if begun is None:
            return
        if begun.scenario_digest != self._header.scenario_digest:
            raise UsageError(
                f"{self._header.scenario_file} was changed since run {self.run_id} began",
                remedy="roll that run back (rehearse rollback), then begin a new one",
            )
        if begun.only_back is not None:
            raise UsageError(
                f"run {self.run_id} was adopted, and cannot go on: {begun.only_back}",
                remedy="undo it (rehearse rollback), then begin a new one",
            )
        if any(record.stage == ROLLBACK.name for record in self._journal.records(self.run_id, kind="stage.started")):
            raise UsageError(f"run {self.run_id} was rolled back", remedy="begin a new run (rehearse run)")

    def _context(self, stage: str) -> Context:
        return Context(
            world=self._world,
            journal=self._journal,
            run_id=self.run_id,
            stage=stage,
            plan_from=self._plan_from,
            prove=self._prove,
            lock=self._lock,
            before_writing=check_preconditions,
        )

    def _run(self, stage: Stage) -> Generator[Record, None, str]:
        """Run one stage inside its journal records; its result."""
        context = self._context(stage.name)
        calls = self._world.meter.calls

        def finish(result: StageFinished) -> None:
            used = {"calls": self._world.meter.calls - calls, "writes": context.rows_written}
            context.record("stage.finished", "", result.model_copy(update=used))

        forward = stage.name != ROLLBACK.name
        with self._around(stage.name), watched(self._world.meter, forward=forward):
            if self._journal.find(self.run_id, RunStarted) is None:
                context.record("run.started", "", self._header)
            context.record("stage.started", "", StageStarted())
            result = "failed"
            try:
                message = yield from self._steps(stage, context)
                result = "passed"
                finish(StageFinished(result="passed", calls=0, message=message))
            except PlanRefused as refused:
                result = "refused"
                finish(_finished("refused", refused, stage))
            except Stopped as stopped:
                result = "stopped"
                finish(_finished("stopped", stopped, stage))
            except (OrgError, StageFailed) as error:
                finish(_finished("failed", error, stage))
            except RehearseError as error:
                finish(_finished("failed", error, stage))
                raise
            except (KeyboardInterrupt, GeneratorExit):
                message = f"interrupted in {stage.name}"
                remedy = "take it up again with `rehearse resume`, or undo it with `rehearse rollback`"
                finish(StageFinished(result="stopped", calls=0, message=message, remedy=remedy))
                raise
        yield from context.drain()  # the end is only told when whatever stood around the stage is closed
        return result

    def _steps(self, stage: Stage, context: Context) -> Generator[Record, None, str]:
        """Advance a stage step by step, handing over what it journaled at each."""
        yield from context.drain()
        with self._capability(stage):
            try:
                if stage.writes:
                    check_calls_left(context)
                    self._lock.take(context)
                message = yield from self._advance(stage, context)
            except OrgUnreachable:
                raise  # it would not hear of the lock either: that goes stale, or is taken over by the resume
            except (RehearseError, KeyboardInterrupt, GeneratorExit):
                self._leave(context)
                raise
            if stage.writes and self._is_last_to_write(stage):
                self._lock.release(context)
        return message

    def _advance(self, stage: Stage, context: Context) -> Generator[Record, None, str]:
        steps = stage.run(context)
        while True:
            try:
                next(steps)
            except StopIteration as end:
                return str(end.value)
            yield from context.drain()

    def _is_last_to_write(self, stage: Stage) -> bool:
        """Whether no stage after this one writes, as far as this process goes."""
        after = self.remaining if stage.name in self._table else ()
        return not any(self._table[name].writes for name in after if name != stage.name)

    def _leave(self, context: Context) -> None:
        """Delete the lock where the org lets us; what is left of it goes stale."""
        if self._lock.id is None:
            return
        with suppress(RehearseError), self._leave_to_write(context.stage):
            self._lock.release(context)

    def _leave_to_write(self, stage: str) -> AbstractContextManager[object]:
        """The permission to delete the lock, also in a stage that writes nothing else."""
        return nullcontext() if self._world.guard.granted else self._capability(replace(ROLLBACK, name=stage))

    def _capability(self, stage: Stage) -> AbstractContextManager[object]:
        """The permission to write that a stage needs: bound to the org, the run and the stage."""
        if not stage.writes:
            return nullcontext()
        world, proof = self._world, self._prove(anew=True)
        papers = Papers(self._journal, self.run_id, world.file, self._plan_from)
        leave = capability(papers, stage.name, proof, world.connect("admin"), world.clock.now())
        return world.guard.grant(proof, leave)

    def _prove(self, *, anew: bool = False) -> SandboxProof:
        """What the org is: asked after each sign-in of the admin, and anew before a stage that writes."""
        admin = self._world.connect("admin")
        if anew or self._proof is None or not self._world.guard.still_proves(self._proof):
            self._proof = prove_sandbox(admin, self._world.site)
        return self._proof


_GO_ON = "when that is settled, `rehearse resume` goes on from here, and `rehearse rollback` undoes what was written"
_UNDO_AGAIN = "when that is settled, `rehearse rollback` goes on with the undoing"


def _finished(result: str, error: RehearseError, stage: Stage) -> StageFinished:
    return StageFinished.model_validate(
        {
            "result": result,
            "calls": 0,
            "message": " ".join(error.message.split()),
            "answer": _answer(error),
            "remedy": error.remedy or (_UNDO_AGAIN if stage.name == ROLLBACK.name else _GO_ON),
            "place": str(error.place) if error.place else None,
            "until": getattr(error, "until", None),
        }
    )


def _answer(error: RehearseError) -> str | None:
    """The org's own words, where the error carries them."""
    code = getattr(error, "code", None)
    return f"{code}: {getattr(error, 'description', '')}" if code else getattr(error, "answer", None)
