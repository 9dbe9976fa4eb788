"""Orgs that are not what they seem: what an org says of itself, and when it begins to say something else."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus, urlsplit

import requests

from harness.migration.records import StageFinished, StageStarted
from harness.org.ids import to_18
from harness.org.site import Site
from harness.org.transport import Transport
from harness.sandbox.in_process import InProcess

from .bench import Kept, Process, World
from .hearing import Ear, Told

SANDBOX = "acme--dev.sandbox.my.salesforce.com"
SCRATCH = "brave-otter-1234-dev-ed.scratch.my.salesforce.com"
LEGACY = "acme--dev.my.salesforce.com"
PRODUCTION = "acme.my.salesforce.com"
TEST, LOGIN = "test.salesforce.com", "login.salesforce.com"
HOSTS = (
    SANDBOX,
    SCRATCH,
    LEGACY,
    PRODUCTION,
    "acme-dev-ed.develop.my.salesforce.com",
    "clever-fox-5678.trailblaze.my.salesforce.com",
    "acme.demo.my.salesforce.com",
    "acme.free.my.salesforce.com",
    "acme.patch.my.salesforce.com",
    "acme--dev.unheard.my.salesforce.com",
    "sandbox.acme-proxy.com",
    "acme--dev.sandbox.my.salesforce.com.acme-proxy.com",
    "acme--dev.sandbox.my-salesforce.com",
)
LOOPBACK = ""
"""The server itself, as a simulated org is spoken to."""
OTHER = to_18("00D8b0000009xYz")
TRIAL = "2026-02-01T10:00:00.000+0000"

Row = Mapping[str, Any]
SAYS_SANDBOX: Row = {"IsSandbox": True, "OrganizationType": "Enterprise Edition", "TrialExpirationDate": None}
SAYS_SCRATCH: Row = {"IsSandbox": True, "OrganizationType": "Developer Edition", "TrialExpirationDate": TRIAL}
SAYS_PRODUCTION: Row = {"IsSandbox": False, "OrganizationType": "Enterprise Edition", "TrialExpirationDate": None}
SAYS_TRIAL: Row = {"IsSandbox": False, "OrganizationType": "Professional Edition", "TrialExpirationDate": TRIAL}
SAYS_DEVELOPER: Row = {"IsSandbox": False, "OrganizationType": "Developer Edition", "TrialExpirationDate": None}


@dataclass(frozen=True, slots=True)
class Says:
    """What an org says. `host` is where it is configured; the loopback where that is empty."""

    host: str = SANDBOX
    row: Row = field(default_factory=lambda: SAYS_SANDBOX)
    identity: str | None = TEST
    """The host of the identity URL; None: the one it is spoken to by."""
    instance: str | None = None
    """The host of the instance URL, likewise."""
    sign_in_id: str | None = None
    """Another org id in sign-ins, and in the row too unless that has its own."""
    organization: Told | None = None
    """Instead of the Organization row."""
    everything: Told | None = None
    """Instead of every answer."""
    pinned: str | None = None
    """The id in the configuration, where it is not the org's."""
    simulated: bool = False


@dataclass
class Hostile:
    """The simulated org behind a real socket, saying what it is told to say."""

    world: World
    ear: Ear
    authority: Path
    kept: Mapping[str, Kept]
    """The world as it was after each stage."""
    says: Says = field(default_factory=Says)
    dead: set[str] = field(default_factory=set)
    """Sessions, as their Authorization header is, that have expired."""
    _live: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._lines: dict[str, InProcess] = {}
        self.ear.answer = self._answer

    def process(self, says: Says) -> Process:
        """A process of the tool that is configured for such an org."""
        self.says = says
        url = f"https://{says.host}" if says.host else self.ear.url
        pinned = self.world.org.org_id if says.pinned is None else says.pinned
        process = self.world.process()
        process.site = Site("uat", url, pinned, ca_bundle=self.authority, simulated=says.simulated)
        process.transport = Transport(process.site, guard=process._guard, clock=self.world.clock)
        process.engine = process._make_engine(None, {})
        return process

    def shortly_before(self, stage: str) -> Process:
        """A process that has one stage to run before this one that asks the org, in an org that is as it should be."""
        stages = [name for name in self.world.file.scenario.stages if name != "switch"]
        self.world.put_back(self.kept[stages[stages.index(stage) - 2]])
        return self.process(Says())

    def becomes(self, says: Says, *, sessions_end: bool = True) -> None:
        """From now on the org says something else; what was signed in is not any more."""
        self.says = says
        if sessions_end:
            self.dead |= self._live

    def _answer(self, host: str, request: requests.PreparedRequest) -> Told:
        if self.says.everything is not None:
            return self.says.everything
        session = str(request.headers.get("Authorization", ""))
        if session and session in self.dead:
            return Told(401, b'[{"errorCode": "INVALID_SESSION_ID", "message": "Session expired or invalid"}]')
        self._live.add(session)
        told = self._of_org(host, request)
        path = urlsplit(str(request.url)).path
        if path == "/services/oauth2/token" and told.status == requests.codes.ok:
            return self._sign_in(host, told)
        if "FROM Organization" in unquote_plus(str(request.url)):
            return self.says.organization or self._organization(told)
        return told

    def _of_org(self, host: str, request: requests.PreparedRequest) -> Told:
        scheme = "https" if host in HOSTS else "http"
        line = self._lines.setdefault(host, InProcess(self.world.org, instance_url=f"{scheme}://{host}"))
        response = line.send(request)
        unpacked = ("content-length", "content-encoding")
        headers = [(name, value) for name, value in response.headers.items() if name.lower() not in unpacked]
        return Told(response.status_code, response.content, headers)

    def _sign_in(self, host: str, told: Told) -> Told:
        says, body = self.says, told.json()
        org_id, user_id = urlsplit(body["id"]).path.split("/")[-2:]
        identity = host if says.identity is None else says.identity
        body["id"] = f"https://{identity}/id/{says.sign_in_id or org_id}/{user_id}"
        body["instance_url"] = f"https://{says.instance}" if says.instance else body["instance_url"]
        return replace(told, body=json.dumps(body).encode())

    def _organization(self, told: Told) -> Told:
        body = told.json()
        own = {"Id": self.says.sign_in_id} if self.says.sign_in_id else {}
        body["records"] = [{**row, **own, **self.says.row} for row in body["records"]]
        return replace(told, body=json.dumps(body).encode())


def run_on(
    process: Process, at: str = "", then: Callable[[], None] = lambda: None, *, last: str = "retire"
) -> StageFinished:
    """Go forward through stage `last`; `then` is done when stage `at` begins. Raises what the engine raises."""
    ended = None
    for record in process.engine.stages():
        if record.stage == at and isinstance(record.body, StageStarted):
            then()
        if isinstance(record.body, StageFinished):
            ended = record.body
            if record.stage == last:
                break
    assert ended is not None
    return ended
