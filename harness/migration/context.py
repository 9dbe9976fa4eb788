"""What a stage is given: the outside world, and its own part of the journal."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel

from harness.access.model import Access
from harness.errors import StageFailed
from harness.migration.journal import Journal, Record
from harness.migration.records import Note, Plan, Snapshot
from harness.org.clock import Clock
from harness.scenario.model import Scenario

if TYPE_CHECKING:
    from harness.credentials.store import CredentialStore
    from harness.migration.postponing import Postponement
    from harness.migration.writing.lock import OrgLock
    from harness.org.connection import Connection, Principal
    from harness.org.guard import SandboxProof, WriteGuard
    from harness.org.meter import Meter
    from harness.org.secret import Resolve
    from harness.org.site import Site
    from harness.scenario.loader import ScenarioFile

BodyType = TypeVar("BodyType", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class World:
    """Everything a migration touches that is not its journal."""

    file: ScenarioFile
    site: Site
    guard: WriteGuard
    meter: Meter
    connect: Callable[[Principal], Connection]
    """The one connection of a principal, signed in when it is first asked for."""
    sign_in: Callable[[Principal, str], None]
    """Try a fresh sign-in of a principal with a flow (or `ui`), and forget it. Raises SignInRefused."""
    store: CredentialStore
    resolve: Resolve
    clock: Clock
    postponed: Callable[[], Postponement | None] = lambda: None
    """Whether the cut-over is to wait, and until when. Raises UsageError for a file that does not say it rightly."""
    said: Callable[[str], str] = str
    """Notes a text that holds a digest of ids, and gives back what is to be sent: in a replay, what was sent then."""


class Context:
    """One stage of one run, at work."""

    def __init__(
        self,
        *,
        world: World,
        journal: Journal,
        run_id: str,
        stage: str,
        plan_from: str | None,
        prove: Callable[[], SandboxProof],
        lock: OrgLock,
        before_writing: Callable[[Context], None] | None = None,
    ) -> None:
        self.world = world
        self.run_id = run_id
        self.stage = stage
        self.prove = prove
        """Prove that the org is a sandbox, once in the life of an engine. Raises GuardRefused."""
        self.follows = plan_from
        """The run whose snapshot and plan this one follows, if any."""
        self._journal = journal
        self._pending: deque[Record] = deque()
        self.lock = lock
        """This process's lock in the org: held while a stage writes."""
        self.rows_written = 0
        self._before_writing: Callable[[Context], None] | None = before_writing

    @property
    def only_to_be_undone(self) -> bool:
        """Whether this run is made to be rolled back: what the access is like was proven by the one it follows."""
        return self.follows is not None

    @property
    def scenario(self) -> Scenario:
        """The scenario of this run."""
        return self.world.file.scenario

    @property
    def admin(self) -> Connection:
        """The admin's connection."""
        return self.world.connect("admin")

    def record(self, kind: str, key: str, body: BaseModel, *, at: datetime | None = None) -> Record:
        """Write one record of this stage, durably; `at` is when what is made known again happened, if not now."""
        record = self._journal.write(
            run=self.run_id, at=at or self.world.clock.now(), kind=kind, stage=self.stage, key=key, body=body
        )
        self._pending.append(record)
        return record

    def warn(self, key: str, text: str) -> None:
        """Note something that a reviewer must know."""
        self.record("note", key, Note(kind="warning", text=text))

    def not_tested(self, key: str, text: str) -> None:
        """Note something that this run says nothing about."""
        self.record("note", key, Note(kind="not-tested", text=text))

    def about_to_write(self) -> None:
        """Look, before the first write since this stage was taken up, whether what the run relies on is still so."""
        look, self._before_writing = self._before_writing, None
        if look is not None:
            look(self)

    def drain(self) -> Iterator[Record]:
        """The records written since the last call."""
        while self._pending:
            yield self._pending.popleft()

    def records(self, *, kind: str = "", key: str = "") -> list[Record]:
        """What this run has journaled so far, of one kind or key where these are given."""
        return list(self._journal.records(self.run_id, kind=kind, key=key))

    def find(self, body_type: type[BodyType]) -> BodyType | None:
        """The newest body of a type in this run, or in the run whose plan it follows."""
        found = self._journal.find(self.run_id, body_type)
        if found is None and self.follows is not None:
            found = self._journal.find(self.follows, body_type)
        return found

    def need(self, body_type: type[BodyType]) -> BodyType:
        """The same, where the stage cannot go on without. Raises StageFailed."""
        found = self.find(body_type)
        if found is None:
            raise StageFailed(
                f"the journal holds no {body_type.__name__.lower()} of this run",
                stage=self.stage,
                remedy="run the stages in order, from preflight on",
            )
        return found

    @property
    def snapshot(self) -> Snapshot:
        """What the source user may do, as the snapshot stage read it."""
        return self.need(Snapshot)

    @property
    def plan(self) -> Plan:
        """The plan this run carries out."""
        return self.need(Plan)

    @property
    def carried(self) -> Access:
        """What the target user will hold through the permission set."""
        return self.plan.carried
