"""A simulated sandbox with an admin and a standard user, and connections of ours to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from harness.org.clock import Clock
from harness.org.connection import Connection
from harness.org.guard import WriteCapability, WriteGuard, prove_sandbox
from harness.org.secret import Secret
from harness.org.sign_in import Credential
from harness.org.site import Site
from harness.org.transport import Transport
from harness.sandbox.org import SandboxOrg
from harness.sandbox.ready import Ready
from harness.sandbox.server import SandboxServer
from tests.component.sandbox_http import conftest as sandbox

small_org = sandbox.org
server = sandbox.server
key_pool = sandbox.key_pool
_pooled_keys = sandbox._pooled_keys
user_ids = sandbox.user_ids


@pytest.fixture
def org(small_org: SandboxOrg) -> SandboxOrg:
    """The small org, whose admin may see the external id as well."""
    admins = small_org.rows("Profile", Name="System Administrator")[0]["Id"]
    sandbox.give_objects(small_org, admins, fields=("Account.ERP_Key__c",))
    return small_org


class OrgClock:
    """The simulated org's own clock, for the engine's side."""

    def __init__(self, server: SandboxServer) -> None:
        self._clock = server.org.clock

    def now(self) -> Any:
        return self._clock.now()

    def sleep(self, seconds: float) -> None:
        self._clock.advance(seconds)

    def pass_until(self, moment: Any) -> bool:
        self._clock.advance(max(0.0, (moment - self.now()).total_seconds()))
        return True

    def new_id(self) -> str:
        return "0" * 12

    def random(self) -> float:
        return 0.5


@dataclass
class Office:
    """Makes connections to the served org."""

    server: SandboxServer
    guard: WriteGuard = field(default_factory=WriteGuard)
    transports: list[Transport] = field(default_factory=list)
    clock: Clock | None = None
    ca_bundle: Path | None = None

    @property
    def ready(self) -> Ready:
        return self.server.ready

    @property
    def site(self) -> Site:
        return Site("simulated", self.ready.instance_url, self.ready.org_id, simulated=True, ca_bundle=self.ca_bundle)

    def credential(self, flow: Any, role: str = "admin", app: str | None = None, **changed: str) -> Credential:
        user = self.ready.users[role]
        known = self.ready.apps[app or next(iter(self.ready.apps))]
        parts = {name: value for name, value in {**user, **known}.items() if name not in ("username",)}
        if "private_key_file" in parts:
            parts["private_key"] = Path(parts.pop("private_key_file")).read_text("utf-8")
        secrets = {name: Secret(value) for name, value in {**parts, **changed}.items()}
        return Credential(flow, user["username"], app, secrets)

    def connect(self, credential: Credential | None = None, *, site: Site | None = None) -> Connection:
        clock = self.clock or OrgClock(self.server)
        transport = Transport(site or self.site, guard=self.guard, clock=clock)
        self.transports.append(transport)
        credential = credential or self.credential("username-password")
        return Connection("admin", credential, site or self.site, transport, clock)

    def writing(self, admin: Connection) -> Any:
        proof = prove_sandbox(admin, self.site)
        return self.guard.grant(proof, WriteCapability(proof.org_id, "0" * 12, "grant"))

    def close(self) -> None:
        for transport in self.transports:
            transport.close()


@pytest.fixture
def office(server: SandboxServer) -> Iterator[Office]:
    made = Office(server)
    yield made
    made.close()


@pytest.fixture
def admin(office: Office) -> Connection:
    return office.connect()


@pytest.fixture
def make_office() -> Iterator[Callable[..., Office]]:
    made: list[Office] = []

    def make(server: SandboxServer, **more: Any) -> Office:
        made.append(Office(server, **more))
        return made[-1]

    yield make
    for office in made:
        office.close()
