"""A migrated simulated org to seed losses in: migrated once, put back for each seed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.credentials.store import open_store
from harness.migration.engine import Engine
from harness.migration.journal import Journal, Record
from harness.migration.records import Plan, RunStarted, StageFinished
from harness.migration.stages import Stage
from harness.migration.stages.order import STAGES
from harness.rehearsal.connections import Connections
from harness.rehearsal.worlds import World, open_simulated
from harness.sandbox.control.second_admin import Errand
from harness.sandbox.in_process import InProcess
from harness.sandbox.org import SandboxOrg
from harness.scenario.loader import ScenarioFile
from tests.org_clock import OrgClock

BEFORE = ("preflight", "snapshot", "plan", "provision", "grant", "authorize")
"""What is migrated once."""
RUN = "run1"


@dataclass
class Migrated:
    """One scenario whose org has been migrated up to `authorize`."""

    file: ScenarioFile
    folder: Path
    world: World
    runs: int = 0
    kept: bytes = b""
    journals: list[Journal] = field(default_factory=list)

    @property
    def org(self) -> SandboxOrg:
        assert self.world.org is not None
        return self.world.org

    def migrate(self) -> None:
        """Migrate it, once."""
        [*_, last] = self.stages(self.folder / "journal.db", BEFORE)
        assert isinstance(last.body, StageFinished)
        assert last.body.result == "passed", last.body
        self.kept = self.org.snapshot()

    def put_back(self) -> None:
        """Make the org as it was after the migration."""
        self.org.restore(self.kept)

    def go_on(self, *stages: str, table: Mapping[str, Stage] = STAGES, errands: Sequence[Errand] = ()) -> list[Record]:
        """Run further stages, with a journal and connections of their own; what they journaled.

        `errands` is what somebody else does in the org meanwhile.
        """
        self.runs += 1
        journal = self.folder / f"journal-{self.runs}.db"
        source = self.journals[0]
        assert source.path is not None
        shutil.copy(source.path, journal)
        return self.stages(journal, (*BEFORE, *stages), table=table, errands=errands)

    def close(self) -> None:
        for journal in self.journals:
            journal.close()
        self.world.close()

    def stages(
        self,
        path: Path,
        stages: tuple[str, ...],
        *,
        table: Mapping[str, Stage] = STAGES,
        errands: Sequence[Errand] = (),
    ) -> list[Record]:
        """Run these stages with the journal at `path`; what they journaled. The first journal stays open."""
        journal = Journal(path)
        if not self.journals:
            self.journals.append(journal)
        clock = OrgClock(self.org)
        self.world.wire = wire = InProcess(self.org, instance_url=self.world.site.url)
        for errand in errands:
            assert errand.at is not None
            wire.trouble.errands.add(errand.at, errand)
        connections = Connections(self.file, self.world, clock=clock)
        try:
            records = list(self._engine(journal, connections, clock, stages, table).stages())
            if journal is self.journals[0]:
                journal.seal()
            return records
        finally:
            connections.close()
            if journal is not self.journals[0]:
                journal.close()

    def _engine(
        self,
        journal: Journal,
        connections: Connections,
        clock: OrgClock,
        stages: tuple[str, ...],
        table: Mapping[str, Stage],
    ) -> Engine:
        scenario = self.file.scenario
        parts: dict[str, Any] = {"base": self.file.path.parent, "folder": self.folder / "credentials"}
        return Engine(
            file=self.file,
            journal=journal,
            run_id=RUN,
            header=RunStarted(
                run_id=RUN,
                tool_version="0",
                purpose="migration",
                system=scenario.system,
                scenario_purpose=scenario.purpose,
                scenario_file=self.file.shown,
                scenario_digest=self.file.digest,
                source_username=scenario.from_.username,
                target_username=scenario.target_username,
                strategy=scenario.to.strategy,
                stages=stages,
                sign_off_expected="granted",
                org_name="simulated",
                cassettes="off",
                by="admin",
            ),
            site=self.world.site,
            guard=connections.guard,
            meter=connections.meter,
            connect=connections.connect,
            sign_in=connections.try_sign_in,
            store=open_store(scenario.credentials, stand_in=True, old=connections.parts_of_source(), **parts),
            resolve=self.world.resolve,
            clock=clock,
            table=table,
        )


@contextmanager
def migrated(file: ScenarioFile, folder: Path) -> Iterator[Migrated]:
    """Open a scenario's own simulated org and migrate it up to `authorize`."""
    made = Migrated(file, folder, open_simulated(file, state=None))
    try:
        made.migrate()
        yield made
    finally:
        made.close()


def planned(file: ScenarioFile, folder: Path) -> Plan:
    """The plan of a scenario, executable or not, from an org of its own."""
    made = Migrated(file, folder, open_simulated(file, state=None))
    try:
        made.stages(folder / "planned.db", BEFORE[:3])
        plan = made.journals[0].find(RUN, Plan)
        assert plan is not None
        return plan
    finally:
        made.close()
