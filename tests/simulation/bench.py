"""The production engine against the simulated org, all in one process and all of its surroundings in our hands.

A `World` is what outlives a process: the org with its clock, the journal, the files with the credential. A `Process` is
one run of the tool in it, and dies at a point if a hook says so. A world can be kept and put back as often as needed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from harness.credentials.store import open_store
from harness.migration.engine import Engine
from harness.migration.filing.chain import Row
from harness.migration.journal import Journal, Record
from harness.migration.records import RunStarted, StageFinished
from harness.org.connection import Connection, Principal
from harness.org.guard import WriteGuard, is_write
from harness.org.secret import Secret
from harness.org.sign_in import Credential, credential, sign_in
from harness.org.site import Site
from harness.org.transport import Transport
from harness.sandbox import apps, identity
from harness.sandbox.in_process import InProcess
from harness.sandbox.org import SandboxOrg
from harness.sandbox.source import open_org
from harness.scenario.loader import ScenarioFile, load
from tests.org_clock import OrgClock

from .checker import Checker, Finding, look
from .memory import Memory, revised
from .points import Hook, Killed, Medium, Moment, Point, nothing
from .scenarios import ADMIN, CREDENTIALS, NEW_APP, OLD, OLD_APP, SECOND_ADMIN, Case, write_org

RUN = "run1"
_OLD_CREDENTIAL = f"SF_USERNAME={OLD}\nSF_CLIENT_SECRET=old\n"


class SimulatedClock(OrgClock):
    """The org's clock; ids are counted. What was slept is added up."""

    def __init__(self, org: SandboxOrg) -> None:
        super().__init__(org)
        self._ids = 0
        self.slept = 0.0
        self.patient = True
        """Whether days pass at once; otherwise a run that has to wait stops."""

    def sleep(self, seconds: float) -> None:
        self.slept += seconds
        super().sleep(seconds)

    def pass_until(self, moment: Any) -> bool:
        return (self.patient or self.now() >= moment) and super().pass_until(moment)

    def new_id(self) -> str:
        self._ids += 1
        return f"{self._ids:012x}"


class WatchedJournal(Journal):
    """A journal in memory, each of whose records has its points."""

    def __init__(self) -> None:
        super().__init__(None)
        self.at: Callable[[Medium, Moment, str], None] = lambda _medium, _moment, _what: None
        self.asked: set[str] = set()
        """The kinds of records that were asked for."""

    def _numbers(self, run: str | None, kind: str, key: str) -> list[int]:
        self.asked.add(kind)
        return super()._numbers(run, kind, key)

    def write(self, **values: Any) -> Record:
        """Write one record, if the process lives to see it."""
        what = f"{values['kind']} {values['key'] or values['stage']}"
        self.at("journal", "before", what)
        self.at("journal", "torn", what)  # SQLite forgets a record that was not written whole
        record = super().write(**values)
        self.at("journal", "after", what)
        return record


class _Wire(HTTPAdapter):
    """Carries a request to the org, if the process lives to see it. Its answer may not arrive."""

    def __init__(self, world: World, at: Callable[..., None]) -> None:
        super().__init__()
        self._world = world
        self._at = at

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        what = f"{request.method} {request.path_url}"
        body = request.body if isinstance(request.body, (bytes, str)) else None
        writes = is_write(str(request.method), str(request.url), request.headers, body)
        self._at("call", "before", what, writes)
        response = self._carry(request, writes, *args, **options)
        self._at("call", "after", what, writes)
        return response

    def _carry(self, request: requests.PreparedRequest, writes: bool, *args: Any, **options: Any) -> requests.Response:
        world, memory = self._world, self._world.memory
        if writes:
            world.revision = revised(world.revision, request)
        key = None if writes or memory is None else memory.key(world.revision, request, world.clock.now())
        if key is None or memory is None:
            return world.wire.send(request, *args, **options)
        known = memory.recall(key, request)
        if known is None:
            known = world.wire.send(request, *args, **options)
            memory.keep(key, known)
        return known


@dataclass
class World:
    """What outlives a process. Made by `make_world`."""

    case: Case
    org: SandboxOrg
    folder: Path
    file: ScenarioFile
    journal: WatchedJournal
    clock: SimulatedClock
    wire: InProcess
    secrets: Mapping[str, str]
    sign_ins: Mapping[str, Credential]
    """The admin's credential, and the second admin's."""
    checker: Checker
    """Knows the org as it was before anything was done."""
    memory: Memory | None = None
    """Remembers answers to reads, where much is explored and nobody but the tool writes."""
    revision: str = "begun"
    """Names the state that the org's rows are in: what was written so far, one after the other."""

    def process(self, hook: Hook = nothing, *, run_id: str = RUN, **options: Any) -> Process:
        """A new process for a run; one that ran before in this world is over."""
        return Process(self, hook, run_id, **options)

    def close(self) -> None:
        """Close the org and the journal."""
        self.journal.close()
        self.org.close()

    def keep(self) -> Kept:
        """Everything, for `put_back`."""
        files = _files(self.folder)
        return Kept(self.org.snapshot(), self.journal.dump(), files, self.clock._ids, self.revision)

    def put_back(self, kept: Kept) -> None:
        """Make everything as it was."""
        self.org.restore(kept.org)
        self.journal.load(kept.journal)
        self.clock._ids = kept.ids
        self.revision = kept.revision
        _put_files(self.folder, kept.files)

    @property
    def is_switched(self) -> bool:
        """Whether the file that the external system reads its credential from is other than before."""
        return self.credential() != _OLD_CREDENTIAL

    def files(self) -> Mapping[str, bytes]:
        """What is in the files beside the scenario, the credential kept for a rollback among it."""
        return _files(self.folder)

    def credential(self) -> str:
        """What the external system reads."""
        return (self.folder / CREDENTIALS).read_text()

    def judge(self, foreign: Callable[[str], bool] = lambda _line: False) -> Finding:
        """How the org stands now."""
        return self.checker.judge(look(self.org), switched=self.is_switched, foreign=foreign)


@dataclass(frozen=True, slots=True)
class Kept:
    """A world as it was at a point."""

    org: bytes
    journal: Sequence[Row]
    files: Mapping[str, bytes]
    ids: int
    revision: str


class Process:
    """One process of the tool: what it knows dies with it."""

    def __init__(
        self,
        world: World,
        hook: Hook,
        run_id: str,
        *,
        stages: tuple[str, ...] | None = None,
        journal: WatchedJournal | None = None,
        admin: str = ADMIN,
        **options: Any,
    ) -> None:
        self.world = world
        self.hook = hook
        self.run_id = run_id
        self.points = 0
        self.is_dead = False
        self.journal = journal or world.journal
        self.journal.at = self._at
        self._admin = admin
        self._guard = WriteGuard()
        self._connections: dict[Principal, Connection] = {}
        self.site = Site("simulated", world.wire.instance_url, world.org.org_id, simulated=True)
        self.transport = Transport(self.site, guard=self._guard, clock=world.clock, wire=_Wire(world, self._at))
        self.engine = self._make_engine(stages, options)

    # --- what is done -------------------------------------------------------------------------------------------------

    def forward(self) -> StageFinished | None:
        """Run or resume; how the last stage ended, or None where nothing was left to do. Raises Killed."""
        return self._through(self.engine.stages())

    def back(self) -> StageFinished | None:
        """Roll back; how it ended. Raises Killed."""
        return self._through(self.engine.rollback())

    def _through(self, records: Iterator[Record]) -> StageFinished | None:
        last = None
        for record in records:
            if isinstance(record.body, StageFinished):
                last = record.body
        return last

    # --- what happens to it -------------------------------------------------------------------------------------------

    def _at(self, medium: Medium, moment: Moment, what: str, writes: bool = False) -> None:
        if self.is_dead:
            raise Killed
        self.points += 1
        try:
            self.hook(Point(self.points, medium, moment, what, writes))
        except Killed:
            self.is_dead = True
            raise

    # --- what it is made of -------------------------------------------------------------------------------------------

    def _credential_of(self, principal: Principal) -> Credential:
        scenario = self.world.file.scenario
        match principal:
            case "admin":
                return self.world.sign_ins[self._admin]
            case "source":
                return credential(scenario.from_.sign_in, scenario.from_.username, self._resolve)
            case "target":
                return credential(scenario.to.sign_in, scenario.target_username, self._resolve)

    def _resolve(self, reference: str) -> Secret:
        return Secret(self.world.secrets[reference.removeprefix("env:")])

    def _connect(self, principal: Principal) -> Connection:
        if principal not in self._connections:
            own = self._credential_of(principal)
            self._connections[principal] = Connection(principal, own, self.site, self.transport, self.world.clock)
        return self._connections[principal]

    def _try_sign_in(self, principal: Principal, flow: str) -> None:
        own = self._credential_of(principal)
        assert flow == own.flow
        sign_in(own, self.site, self.transport, self.world.clock)

    def _make_engine(self, stages: tuple[str, ...] | None, options: dict[str, Any]) -> Engine:
        world, scenario = self.world, self.world.file.scenario
        header = RunStarted(
            run_id=self.run_id,
            tool_version="0",
            purpose="migration",
            system=scenario.system,
            scenario_purpose=scenario.purpose,
            scenario_file=world.file.shown,
            scenario_digest=world.file.digest,
            source_username=scenario.from_.username,
            target_username=scenario.target_username,
            strategy=scenario.to.strategy,
            stages=stages or scenario.stages,
            sign_off_expected="granted",
            org_name="simulated",
            cassettes="off",
            by=self._admin,
        )
        return Engine(
            file=world.file,
            journal=self.journal,
            run_id=self.run_id,
            header=header,
            site=self.site,
            guard=self._guard,
            meter=self.transport.meter,
            connect=self._connect,
            sign_in=self._try_sign_in,
            store=open_store(
                scenario.credentials, base=world.folder, folder=world.folder / self.run_id, stand_in=False
            ),
            resolve=self._resolve,
            clock=world.clock,
            **options,
        )


def make_world(folder: Path, case: Case) -> World:
    """A world in which nothing was done yet; its files are in `folder`."""
    org = open_org(write_org(folder / "org"))
    desk = folder / "desk"
    desk.mkdir()
    path = desk / "erp.scenario.yaml"
    path.write_text(json.dumps(case.scenario))
    (desk / CREDENTIALS).write_text(_OLD_CREDENTIAL)
    if not any(app.name == apps.ADMIN_APP for app in apps.all_apps(org)):
        [admin] = org.rows("User", Username=ADMIN)
        apps.default_apps(org, admin["Id"])
    known = {app.name: app for app in apps.all_apps(org)}
    admins = {name: _admin_credential(org, name, known[apps.ADMIN_APP]) for name in (ADMIN, SECOND_ADMIN)}
    old = _password_of(org, OLD)
    return World(
        case=case,
        org=org,
        folder=desk,
        file=load(path),
        journal=WatchedJournal(),
        clock=SimulatedClock(org),
        wire=InProcess(org),
        secrets={
            "OLD_KEY": known[OLD_APP].consumer_key,
            "OLD_SECRET": known[OLD_APP].consumer_secret,
            "OLD_PASSWORD": old["password"],
            "OLD_TOKEN": old["security_token"],
            "NEW_KEY": known[NEW_APP].consumer_key,
            "NEW_SECRET": known[NEW_APP].consumer_secret,
        },
        sign_ins=admins,
        checker=Checker(case, look(org)),
    )


def _password_of(org: SandboxOrg, username: str) -> dict[str, str]:
    [user] = org.rows("User", Username=username)
    if "password" not in identity.secrets_of(org, user["Id"]):
        identity.set_password(org, user["Id"])
        identity.set_security_token(org, user["Id"])
    known = identity.secrets_of(org, user["Id"])
    return {"password": known["password"], "security_token": known.get("security_token", "")}


def _admin_credential(org: SandboxOrg, username: str, app: apps.App) -> Credential:
    parts = {"consumer_key": app.consumer_key, "consumer_secret": app.consumer_secret, **_password_of(org, username)}
    secrets = {name: Secret(value) for name, value in parts.items()}
    return Credential("username-password", username, app.name, secrets)


def _files(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("*")) if file.is_file()}


def _put_files(folder: Path, files: Mapping[str, bytes]) -> None:
    for name in set(_files(folder)) - set(files):
        (folder / name).unlink()
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_bytes() != content:
            path.write_bytes(content)
