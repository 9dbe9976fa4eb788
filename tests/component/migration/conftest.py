"""A migration against the simulated org: an org from a small project, served on the loopback, and an engine for it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.credentials.store import open_store
from harness.migration.engine import Engine
from harness.migration.journal import Journal, Record
from harness.migration.records import RunStarted, StageFinished
from harness.org.connection import Connection, Principal
from harness.org.guard import WriteGuard
from harness.org.secret import Secret
from harness.org.sign_in import Credential, credential, sign_in
from harness.org.site import Site
from harness.org.transport import Transport
from harness.sandbox.org import SandboxOrg
from harness.sandbox.server import SandboxServer
from harness.sandbox.source import open_org
from harness.scenario.loader import ScenarioFile, load
from tests.org_clock import OrgClock

from .project import POPULATION, SCENARIO, write_project


class BenchClock(OrgClock):
    """The org's clock, with ids that are counted; unless it is `patient`, no long time passes."""

    def __init__(self, org: SandboxOrg) -> None:
        super().__init__(org)
        self._ids = 0
        self.patient = True

    def pass_until(self, moment: datetime) -> bool:
        return (self.patient or self.now() >= moment) and super().pass_until(moment)

    def new_id(self) -> str:
        self._ids += 1
        return f"{self._ids:012x}"


@dataclass
class Bench:
    """One org, one scenario, and whatever engines a test makes for it."""

    org: SandboxOrg
    server: SandboxServer
    folder: Path
    file: ScenarioFile
    journal: Journal
    clock: BenchClock
    secrets: dict[str, str]
    transports: list[Transport] = field(default_factory=list)

    def engine(self, *, run_id: str = "run1", stages: tuple[str, ...] | None = None, **options: Any) -> Engine:
        """A new engine, as a new process would make it."""
        ready = self.server.ready
        site = Site("simulated", ready.instance_url, ready.org_id, simulated=True)
        guard = WriteGuard()
        transport = Transport(site, guard=guard, clock=self.clock)
        self.transports.append(transport)
        scenario, connections = self.file.scenario, dict[str, Connection]()

        def resolve(reference: str) -> Secret:
            return Secret(self.secrets[reference.removeprefix("env:")])

        def credential_of(principal: Principal) -> Credential:
            if principal == "admin":
                user, app = ready.users["admin"], ready.apps["Rehearsal Admin"]
                parts = {name: Secret(value) for name, value in {**app, **user}.items() if name != "username"}
                return Credential("username-password", user["username"], "Rehearsal Admin", parts)
            if principal == "source":
                return credential(scenario.from_.sign_in, scenario.from_.username, resolve)
            return credential(scenario.to.sign_in, scenario.target_username, resolve)

        def connect(principal: Principal) -> Connection:
            if principal not in connections:
                connections[principal] = Connection(principal, credential_of(principal), site, transport, self.clock)
            return connections[principal]

        def try_sign_in(principal: Principal, flow: str) -> None:
            assert flow == credential_of(principal).flow
            sign_in(credential_of(principal), site, transport, self.clock)

        folder = self.folder / run_id
        store = open_store(scenario.credentials, base=self.folder, folder=folder, stand_in=True)
        header = RunStarted(
            run_id=run_id,
            tool_version="0",
            purpose=options.pop("purpose", "migration"),
            until=options.pop("until", None),
            system=scenario.system,
            scenario_purpose=scenario.purpose,
            scenario_file=self.file.shown,
            scenario_digest=self.file.digest,
            source_username=scenario.from_.username,
            target_username=scenario.target_username,
            strategy=scenario.to.strategy,
            stages=stages or scenario.stages,
            sign_off_expected="granted",
            org_name="simulated",
            cassettes="off",
            by="admin",
        )
        return Engine(
            file=self.file,
            journal=self.journal,
            run_id=run_id,
            header=header,
            site=site,
            guard=guard,
            meter=transport.meter,
            connect=connect,
            sign_in=try_sign_in,
            store=store,
            resolve=resolve,
            clock=self.clock,
            **options,
        )

    def row(self, sobject: str, **equals: Any) -> dict[str, Any]:
        """The one row of an object with these values."""
        [row] = self.org.rows(sobject, **equals)
        return row

    def close(self) -> None:
        for transport in self.transports:
            transport.close()
        self.journal.close()


def results(records: list[Record]) -> dict[str, str]:
    """How each stage ended."""
    return {record.stage: record.body.result for record in records if isinstance(record.body, StageFinished)}


def ending(records: list[Record]) -> StageFinished:
    """The last record, which is the end of a stage."""
    last = records[-1].body
    assert isinstance(last, StageFinished), last
    return last


MakeBench = Callable[..., Bench]


def open_bench(
    folder: Path,
    *,
    scenario: Mapping[str, Any] | None = None,
    population: Mapping[str, Any] | None = None,
    **project: Any,
) -> Bench:
    """A bench in a folder; `scenario` and `population` are merged over the defaults, the rest goes to the project."""
    source = write_project(folder / "org", **project)
    (source / "sandbox.yaml").write_text(yaml.safe_dump({**deepcopy(dict(POPULATION)), **(population or {})}))
    org = open_org(source)
    server = SandboxServer(org)
    ready = server.start()
    path = folder / "erp.scenario.yaml"
    path.write_text(json.dumps({**SCENARIO, **(scenario or {})}))
    return Bench(
        org=org,
        server=server,
        folder=folder,
        file=load(path),
        journal=Journal(folder / "journal.db"),
        clock=BenchClock(org),
        secrets={
            "OLD_KEY": ready.apps["ERP Legacy"]["consumer_key"],
            "OLD_SECRET": ready.apps["ERP Legacy"]["consumer_secret"],
            "OLD_PASSWORD": ready.users["erp"]["password"],
            "OLD_TOKEN": ready.users["erp"]["security_token"],
            "NEW_KEY": ready.apps["ERP Integration"]["consumer_key"],
            "NEW_SECRET": ready.apps["ERP Integration"]["consumer_secret"],
        },
    )


@pytest.fixture
def make_bench(tmp_path: Path) -> Iterator[MakeBench]:
    """Make a bench, as `open_bench` does; it is closed when the test ends."""
    made: list[Bench] = []

    def make(**options: Any) -> Bench:
        made.append(open_bench(tmp_path, **options))
        return made[-1]

    yield make
    for bench in made:
        bench.close()
        bench.server.stop()
