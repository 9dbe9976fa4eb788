"""The org of a migrated scenario, to be changed, asked and put back as often as needed."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from pydantic import BaseModel

from harness.access.algebra import atoms
from harness.access.dependencies import read_dependencies
from harness.checks import mutation
from harness.checks.check import make_check
from harness.checks.mutation import Change, Held
from harness.checks.results import AccessVerdict, CheckResult, Comparison, Mutant, SideBySide
from harness.checks.side_by_side import alarms
from harness.checks.soql import select
from harness.checks.spec import CheckSpec, check_specs
from harness.checks.suggestions import Candidate, candidates
from harness.checks.values import Values
from harness.credentials.store import open_store
from harness.errors import OrgError, SignInRefused, StageFailed, UsageError
from harness.migration.context import Context
from harness.migration.context import World as StageWorld
from harness.migration.journal import Record
from harness.migration.proving import prove
from harness.migration.records import Plan, Preflight, Snapshot
from harness.migration.stages.workload import answers_compared, looks_compared, observe_old
from harness.migration.writing.lock import OrgLock
from harness.mutating.admin import Admin, Refused
from harness.mutating.scratch import Scratch
from harness.org.guard import SandboxProof, WriteCapability, prove_sandbox
from harness.rehearsal.connections import Connections
from harness.rehearsal.options import Options
from harness.rehearsal.rehearsal import Rehearsal
from harness.sandbox.in_process import InProcess
from harness.sandbox.org import SandboxOrg
from harness.scenario.loader import ScenarioFile
from harness.scenario.model import Denial, Grant

_UP_TO = "verify"
_WRITES = 10_000
"""How many writes one question may take: probes of every object, in an org of this process."""
_SIGN_IN = "sign-in of the new user"
_CLASS_NAMED = re.compile(r"Apex class named: (\w+)")

BodyType = TypeVar("BodyType", bound=BaseModel)
Red = dict[str, bool]
"""The ids of what went red; True for the scenario's own grants, denials and operations."""


class Bench:
    """The org of a migrated scenario, to be changed, asked and put back as often as needed."""

    def __init__(self, rehearsal: Rehearsal, org: SandboxOrg, connections: Connections, folder: Path) -> None:
        self.file = rehearsal.file
        self.org = org
        self._rehearsal = rehearsal
        self._connections = connections
        self._folder = folder
        self._proof: SandboxProof | None = None
        self._journal = self._looks = Scratch(rehearsal.journal)
        """What the parts of stages read and write; of looks at objects, one that knows no answers to the workload."""
        self._values = Values(seed=self.file.name, clock=rehearsal.world.clock)
        self._state = b""
        self._seen: dict[str, int | None] = {}
        self._red_anyway: dict[str, bool] = {}

    def migrate(self) -> None:
        """Migrate the scenario up to verify, and keep the org as it is then.

        Raises StageFailed where a stage fails, or a check is red before anything is changed.
        """
        _reach(self._rehearsal, _UP_TO)
        self._connections.connect("admin")
        self._remember_old()
        self._back()
        if red := self._ask(None):
            raise StageFailed(
                f"{len(red)} checks are red before anything is changed: {', '.join(red)}",
                stage=_UP_TO,
                place=self.file.place("expect"),
                remedy="a check that is red anyway notices nothing: see `rehearse run`",
            )

    def _remember_old(self) -> None:
        """Keep what the old user gets and sees: no change of the new user's access alters that.

        Its workload is run here, and its rows stay, unless they alone make a check red: then both users run it each
        time. Where one user is changed in place, the journal has it all.
        """
        kept = self._rehearsal.journal
        self._state, self._journal = self.org.snapshot(), Scratch(kept)
        self._looks = self._journal
        if self.file.scenario.to.strategy == "in-place":
            return
        without = self._state
        self._play("observe", observe_old)
        answers = [record for record in self._journal.written if record.kind == "old-answer"]
        self._state, self._journal = self.org.snapshot(), Scratch(kept, answers)
        self._remember_looks()
        self._back()
        if self._ask(None):
            self._state, self._journal = without, Scratch(kept)
            self._remember_looks()

    def _remember_looks(self) -> None:
        """Keep what the old user sees of each object, as the org is in between."""
        self._back()
        journal = Scratch(self._rehearsal.journal)
        with self._writing():
            next(observe_old(self._context("observe", journal)))  # it looks at objects first, and works only then
        self._looks = Scratch(self._rehearsal.journal, journal.written)

    # --- what is changed ---------------------------------------------------------------------------------------------

    def changes(self, only: str | None) -> list[Change]:
        """Every change to be made, in order."""
        carried = self._plan.carried
        lost = [(loss.kind, loss.name, loss.access, loss.cause) for loss in self._plan.losses]
        found = [
            *mutation.required(carried, self._held()),
            *(Change("removed", "setup", name, because="authorize") for name in self._authorized),
            *mutation.forbidden_by_denials(self.file.scenario.expect.denials, self._apex_class),
            *mutation.forbidden_by_losses(lost),
            *mutation.neighbours(carried, self._permissionable()),
        ]
        return mutation.in_order(found, carried, only=only)

    def _held(self) -> Held:
        person, preflight = self._find(Snapshot).person, self._find(Preflight)
        return Held(
            groups=person.groups,
            queues=person.queues,
            roles=(person.role,) if person.role else (),
            permission_sets=(self.file.scenario.permission_set_name,),
            permission_set_licenses=(preflight.permission_set_license,),
        )

    def _permissionable(self) -> dict[str, list[str]]:
        """The fields of each carried object that have permissions of their own."""
        return {
            name: [str(one["name"]) for one in self._described(name)["fields"] if one.get("permissionable")]
            for name in self._plan.carried.objects
        }

    def _described(self, sobject: str) -> dict[str, Any]:
        return self.org.describe(sobject, as_user=self._admin_id)

    def _apex_class(self, method: str, path: str) -> str | None:
        """The class behind an address of Apex REST, which the org names when it refuses the call."""
        with self._writing():
            reply = self._connections.connect("target").apex_rest(method, path)
        found = None if reply.ok else _CLASS_NAMED.search(reply.errors[0].message)
        return found[1] if found else None

    @property
    def _plan(self) -> Plan:
        return self._find(Plan)

    def _find(self, body_type: type[BodyType]) -> BodyType:
        found = self._journal.find(self._rehearsal.run.id, body_type)
        assert found is not None, f"the migration left no {body_type.__name__}"
        return found

    @cached_property
    def _admin_id(self) -> str:
        return self._connections.connect("admin").user_id

    @cached_property
    def _set_id(self) -> str:
        [row] = self.org.rows("PermissionSet", Name=self.file.scenario.permission_set_name)
        return str(row["Id"])

    @cached_property
    def _authorized(self) -> dict[str, str]:
        """The app that the authorize stage let the new user use, as TYPE:NAME, with its id."""
        setup_ids, carried = self._find(Snapshot).setup_ids, self._plan.carried
        known = {setup_ids[name] for name in carried.setup if name in setup_ids}
        app = getattr(self.file.scenario.to.sign_in, "app", None)
        rows = self.org.rows("SetupEntityAccess", ParentId=self._set_id)
        return {
            f"{row['SetupEntityType']}:{app}": str(row["SetupEntityId"])
            for row in rows
            if row["SetupEntityId"] not in known
        }

    @cached_property
    def _admin(self) -> Admin:
        """Who changes the access."""
        snapshot, carried = self._find(Snapshot), self._plan.carried
        [user] = self.org.rows("User", Username=self.file.scenario.target_username)
        asked = {*atoms(carried), *(change.atom for change in self.changes(None) if change.atom)}
        return Admin(
            self.org,
            admin_id=self._admin_id,
            user_id=str(user["Id"]),
            set_id=self._set_id,
            carried=carried,
            dependencies=read_dependencies(self._connections.connect("admin"), asked, snapshot.masters),
            masters=snapshot.masters,
            setup_ids={**snapshot.setup_ids, **self._authorized},
        )

    # --- what is asked -----------------------------------------------------------------------------------------------

    def try_change(self, change: Change) -> Mutant:
        """Make a change, ask everything, and put the org back as it was."""
        told: dict[str, Any] = {"kind": change.direction, "what": change.what, "because": change.because}
        try:
            told["with_it"] = self._make(change)
        except Refused as refused:
            return Mutant(**told, refused=str(refused))
        red = self._ask(change)
        own = tuple(name for name, is_own in red.items() if is_own)
        others = tuple(name for name, is_own in red.items() if not is_own)
        return Mutant(**told, own=own, caught_by=(*own, *others), suggestion=None if own else self._suggest(change))

    def _make(self, change: Change | None) -> tuple[str, ...]:
        """The org as it was, and then with a change."""
        if change is None:
            self._back()
            return ()
        admin = self._admin  # who reads what needs what when it is first asked for
        self._back()
        return admin.make(change)

    def _ask(self, change: Change | None) -> Red:
        """What is red, with a change that is made: the scenario's own checks; where those are green, the rest.

        A change that the scenario's own checks notice is noticed: the rest is spared. The workload leaves rows, so the
        org is put back, and the change made again, before both users' looks are compared.
        """
        if red := {**self._play(_UP_TO, _checks), **self._play("dual-auth", answers_compared)}:
            return red
        if red := self._play(_UP_TO, _verdict):
            return red
        self._make(change)
        return self._play("dual-auth", looks_compared, self._looks)

    def _play(
        self, stage: str, steps: Callable[[Context], Generator[None, None, object]], journal: Scratch | None = None
    ) -> Red:
        """Run a part of a stage, and see what is red in what it records."""
        journal = journal or self._journal
        journal.clear()
        red: Red = {}
        with self._writing():
            try:
                for _ in steps(self._context(stage, journal)):
                    pass
            except SignInRefused:
                return {_SIGN_IN: True}
            except (OrgError, StageFailed) as error:
                red[f"{stage}: {type(error).__name__}"] = False
        records = [record for record in journal.written if record.stage == stage]
        found = {_id(record): own for record in records if (own := _is_red(record.body)) is not None}
        return found or red

    def _context(self, stage: str, journal: Scratch) -> Context:
        world, connections, scenario = self._rehearsal.world, self._connections, self.file.scenario
        return Context(
            world=StageWorld(
                file=self.file,
                site=world.site,
                guard=connections.guard,
                meter=connections.meter,
                connect=connections.connect,
                sign_in=connections.try_sign_in,
                store=open_store(scenario.credentials, base=self._folder, folder=self._folder, stand_in=True),
                resolve=world.resolve,
                clock=world.clock,
            ),
            journal=journal,
            run_id=self._rehearsal.run.id,
            stage=stage,
            plan_from=None,
            prove=self._prove,
            lock=OrgLock(host="bench"),
        )

    def _prove(self) -> SandboxProof:
        if self._proof is None:
            self._proof = prove_sandbox(self._connections.connect("admin"), self._rehearsal.world.site)
        return self._proof

    @contextmanager
    def _writing(self) -> Iterator[None]:
        proof = self._prove()
        capability = WriteCapability(org_id=proof.org_id, run_id=self._rehearsal.run.id, stage=_UP_TO, requests=_WRITES)
        with self._connections.guard.grant(proof, capability):
            yield

    def _back(self) -> None:
        """The org as it was; the new user signs in anew."""
        self.org.restore(self._state)
        self._connections.forget("target")

    # --- what would notice -------------------------------------------------------------------------------------------

    def _suggest(self, change: Change) -> str | None:
        """The first line that is green as things are and red with the change."""
        for candidate in self._candidates(change):
            if self._is_red_with(candidate, change) and not self._is_red_anyway(candidate):
                return candidate.yaml
        return None

    def _candidates(self, change: Change) -> Iterator[Candidate]:
        describe = rows = None
        if change.kind in ("object", "field"):
            sobject = change.name.partition(".")[0]
            describe, rows = self._described(sobject), self._rows_seen(sobject)
        return candidates(change, describe, username=self.file.scenario.target_username, rows=rows)

    def _rows_seen(self, sobject: str) -> int | None:
        """How many rows of an object the new user sees as things are."""
        if sobject not in self._seen:
            self._back()
            reply = self._connections.connect("target").try_query(select("count()", sobject, limit=50_000))
            self._seen[sobject] = int(reply.body["totalSize"]) if reply.ok else None
        return self._seen[sobject]

    def _is_red_anyway(self, candidate: Candidate) -> bool:
        if candidate.yaml not in self._red_anyway:
            self._red_anyway[candidate.yaml] = self._is_red_with(candidate, None)
        return self._red_anyway[candidate.yaml]

    def _as_spec(self, candidate: Candidate) -> CheckSpec:
        place = self.file.place("expect")
        if candidate.key == "grants":
            return CheckSpec("suggested", "grant", Grant.model_validate(candidate.item), place)
        return CheckSpec("suggested", "denial", Denial.model_validate(candidate.item), place)

    def _is_red_with(self, candidate: Candidate, change: Change | None) -> bool:
        spec = self._as_spec(candidate)
        self._make(change)
        with self._writing():
            result = make_check(
                spec,
                target=self._connections.connect("target"),
                admin=self._connections.connect("admin"),
                values=self._values,
                sign_in=lambda flow: self._connections.try_sign_in("target", flow),
            )
        return not result.passed


@contextmanager
def migrated(file: ScenarioFile, options: Options) -> Iterator[Bench]:
    """Migrate a scenario in a simulated sandbox of its own, up to verify.

    Raises StageFailed, and UsageError for a scenario that is not to be migrated.
    """
    if file.scenario.expect.sign_off == "refused":
        raise UsageError(
            "the scenario expects its plan to be refused: nothing is granted, so there is nothing to take away",
            place=file.place("expect", "sign_off"),
        )
    rehearsal = Rehearsal(file, options)
    with ExitStack() as closing:
        closing.callback(rehearsal.finish)
        world = rehearsal.world
        assert world.org is not None, "a simulated org of our own was asked for"
        world.wire = InProcess(world.org, instance_url=world.site.url)
        connections = Connections(file, world, clock=world.clock)
        closing.callback(connections.close)
        folder = Path(closing.enter_context(TemporaryDirectory(prefix="rehearse-")))
        bench = Bench(rehearsal, world.org, connections, folder)
        bench.migrate()
        yield bench


def _reach(rehearsal: Rehearsal, last: str) -> None:
    """Run the stages up to one, each by itself, so that the one that fails says why."""
    stages: Sequence[str] = rehearsal.file.scenario.stages
    for stage in stages[: stages.index(last) + 1]:
        rehearsal.reach(stage)


def _checks(context: Context) -> Generator[None, None, None]:
    """The scenario's own grants and denials, as verify makes them."""
    world = context.world
    values = Values(seed=world.file.name, clock=world.clock)
    target = world.connect("target")
    for spec in check_specs(world.file):
        result = make_check(
            spec, target=target, admin=context.admin, values=values, sign_in=lambda flow: world.sign_in("target", flow)
        )
        context.record("check", spec.id, result)
        yield


def _verdict(context: Context) -> Generator[None, None, None]:
    """The verdict over the whole access, as verify finds it."""
    prove(context)
    yield


def _id(record: Record) -> str:
    """What went red, by the kind of record where its key alone does not say."""
    return record.key if isinstance(record.body, CheckResult | Comparison) else f"{record.kind}[{record.key}]"


def _is_red(body: BaseModel) -> bool | None:
    """Whether what is red is the scenario's own; None where it is green, or no answer at all."""
    match body:
        case CheckResult():
            return None if body.passed else True
        case Comparison():
            return None if body.equal else True
        case AccessVerdict():
            return None if body.passed else False
        case SideBySide():
            return False if alarms(body) else None
        case _:
            return None
