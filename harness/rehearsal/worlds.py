"""The world a scenario is rehearsed in: which org, whose clock, whose secrets.

There are four: a simulated sandbox of our own, a simulated sandbox that already runs, a configured org, and none at
all, where cassettes are replayed.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import os
import sqlite3
import time
import urllib.request
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import OrgUnreachable, Place, UsageError
from harness.org.clock import Clock, SystemClock
from harness.org.secret import Resolve, Secret, resolve_reference
from harness.org.sign_in import Credential, credential
from harness.org.site import Site
from harness.rehearsal.config import find_org
from harness.scenario.loader import ScenarioFile
from harness.scenario.model import SignIn, SimulatedOrg

if TYPE_CHECKING:
    from requests.adapters import HTTPAdapter

    from harness.recording.facts import Facts
    from harness.sandbox.org import SandboxOrg
    from harness.sandbox.ready import Ready


@dataclass
class World:
    """Where a scenario is rehearsed. `simulated` says that a stand-in takes the credential file's place."""

    site: Site
    admin: Credential
    clock: Clock
    resolve: Resolve
    simulated: bool
    in_words: str
    """What kind of org it is: `simulated sandbox` or `sandbox`."""
    org: SandboxOrg | None = None
    """The simulated org itself, where it is one of our own in this process."""
    wire: HTTPAdapter | None = None
    """What answers in place of the network, for an org in this process."""
    closing: ExitStack = field(default_factory=ExitStack)
    _revealed: list[Secret] = field(default_factory=list)

    def __post_init__(self) -> None:
        resolve, revealed = self.resolve, self._revealed
        revealed.extend(self.admin.parts.values())

        def noting(reference: str) -> Secret:
            revealed.append(secret := resolve(reference))
            return secret

        self.resolve = noting

    def secrets(self) -> tuple[Secret, ...]:
        """Every secret that was used so far: no cassette may hold one."""
        return tuple(self._revealed)

    def close(self) -> None:
        """Stop what was started."""
        self.closing.close()


_OWN_APPS = ("Rehearsal Admin", "Rehearsal Admin JWT")
"""The apps that every simulated sandbox has for its admin."""
_GONE = "is `rehearse sandbox` still running? start it again and name its new ready file"
_UNTRUSTED = "a sandbox that is served with --tls is configured as an org in rehearse.toml, with its ca_bundle"


def open_simulated(file: ScenarioFile, *, state: Path | None) -> World:
    """A simulated sandbox of our own, serving for as long as the world is open; kept in `state` when one is given.

    Raises UsageError when the scenario's org, or what was kept of it, cannot be read.
    """
    from harness.sandbox.server import SandboxServer
    from harness.sandbox.source import open_org
    from harness.sandbox.source.errors import SourceError

    source, population = _source_of(file)
    with ExitStack() as closing:
        try:
            org = open_org(source, population=population, state=state)
            closing.callback(org.close)
            ready = closing.enter_context(SandboxServer(org)).ready
        except (SourceError, ValueError) as error:
            raise UsageError(str(error), place=file.place("org")) from error
        except sqlite3.Error as error:
            remedy = "delete it and its journal to begin with a new org, or name another --state-folder"
            raise UsageError(f"{state} holds no simulated org: {error}", remedy=remedy) from error
        world = _of_ready(file, ready, clock=_EmbeddedClock(org, file.digest), closing=ExitStack())
        world.org = org
        world.closing = closing.pop_all()
    return world


def open_ready(file: ScenarioFile, path: Path) -> World:
    """A simulated sandbox that already runs and wrote this ready file. Raises UsageError when it is not one."""
    ready = _read_ready(path)
    return _of_ready(file, ready, clock=_RemoteClock(ready.control), closing=ExitStack())


def identity_of(path: Path) -> str:
    """What tells the simulated sandbox of a ready file from any other: 8 digits. Raises UsageError like `open_ready`.

    Its first app's consumer key is made with the org and kept in its state.
    """
    key = next(iter(_read_ready(path).apps.values()))["consumer_key"]
    return hashlib.sha256(key.encode()).hexdigest()[:8]


def _read_ready(path: Path) -> Ready:
    from harness.sandbox.ready import Ready

    try:
        return Ready.read(path)
    except OSError as error:
        remedy = f"start one: rehearse sandbox --ready {path}"
        raise UsageError(f"{path} cannot be read: {error.strerror}", remedy=remedy) from error
    except ValueError as error:
        raise UsageError(str(error), remedy="name the file that `rehearse sandbox --ready` wrote") from error


def open_configured(name: str, root: Path, scenario_folder: Path) -> World:
    """A configured org, in real time, with secrets from where the references say. Raises UsageError."""
    site, admin = admin_of_configured(name, root)

    def of_scenario(reference: str) -> Secret:
        return resolve_reference(reference, base=scenario_folder, environ=os.environ)

    return World(site=site, admin=admin, clock=SystemClock(), resolve=of_scenario, simulated=False, in_words="sandbox")


def admin_of_configured(name: str, root: Path) -> tuple[Site, Credential]:
    """Where a configured org is, and what its admin signs in with. Raises UsageError."""
    configured = find_org(name, root)
    site = Site(
        name=name,
        url=configured.org.my_domain,
        org_id=configured.org.org_id,
        api_version=configured.org.api_version,
        ca_bundle=configured.ca_bundle,
    )

    def of_configuration(reference: str) -> Secret:
        return resolve_reference(reference, base=configured.folder, environ=os.environ)

    return site, credential(configured.admin_sign_in, configured.admin_username, of_configuration)


def admin_of_ready(path: Path) -> tuple[Site, Credential]:
    """Where the simulated sandbox of a ready file is, and what its admin signs in with. Raises UsageError."""
    return _admin_of(_read_ready(path))


def open_replay(file: ScenarioFile, *, url: str, facts: Facts, clock: Clock) -> World:
    """No org at all: cassettes answer. Any secret will do, since recordings hold none."""
    site = Site(
        name=facts.org_name,
        url=url,
        org_id=facts.org_id,
        api_version=facts.api_version,
        simulated=not facts.is_live,
    )
    keys = {reference for reference, part in _references(file) if part == "private_key"}
    any_key = _ThrowAwayKey()

    def resolve(reference: str) -> Secret:
        # two references are two secrets: else a switch of credentials would find the new ones where the old ones are
        return Secret(any_key.pem() if reference in keys else f"replayed {reference}")

    flow: Any = facts.admin_flow
    parts = {name: Secret("(replayed)") for name in ("consumer_key", "consumer_secret", "password", "access_token")}
    if flow == "jwt-bearer":
        parts["private_key"] = Secret(any_key.pem())
    admin = Credential(flow, facts.admin_username, None, parts)
    return World(site=site, admin=admin, clock=clock, resolve=resolve, simulated=True, in_words=facts.source)


def _source_of(file: ScenarioFile) -> tuple[str | Path, Path | None]:
    org = file.scenario.org
    folder = file.path.parent
    if not isinstance(org, SimulatedOrg) or org.simulated == "demo":
        return "demo", None
    return folder / org.simulated, None if org.population is None else folder / org.population


def _admin_of(ready: Ready) -> tuple[Site, Credential]:
    site = Site(name="simulated", url=ready.instance_url, org_id=ready.org_id, simulated=True)
    user, (app_name, app) = ready.users["admin"], next(iter(ready.apps.items()))
    parts = {"consumer_key": app["consumer_key"], "consumer_secret": app["consumer_secret"]}
    parts |= {name: user[name] for name in ("password", "security_token") if user.get(name)}
    secrets = {name: Secret(value) for name, value in parts.items()}
    return site, Credential("username-password", user["username"], app_name, secrets)


def _of_ready(file: ScenarioFile, ready: Ready, *, clock: Clock, closing: ExitStack) -> World:
    site, admin = _admin_of(ready)
    return World(
        site=site,
        admin=admin,
        clock=clock,
        resolve=_resolve_from(file, ready),
        simulated=True,
        in_words="simulated sandbox",
        closing=closing,
    )


def _references(file: ScenarioFile) -> Iterator[tuple[str, str]]:
    """Every secret reference of a scenario, with the part of a credential that it stands for."""
    for sign_in in (file.scenario.from_.sign_in, file.scenario.to.sign_in):
        for part, reference in sign_in.model_dump().items():
            if part not in ("flow", "app") and reference is not None:
                yield reference, part


def _resolve_from(file: ScenarioFile, ready: Ready) -> Resolve:
    """In a simulated sandbox the references mean that org's own secrets, so that nothing need be set.

    A password of the new user, who is not there yet, is made up.
    """
    users = {user["username"].casefold(): user for user in ready.users.values()}
    known: dict[str, str] = {}

    def learn(side: str, username: str, sign_in: SignIn) -> None:
        name = getattr(sign_in, "app", None)
        if name is not None and name not in ready.apps:
            raise _no_such_app(name, ready, file.place(side, "sign_in", "app"))
        app = ready.apps[name] if name is not None else {}
        user = users.get(username.casefold(), {"password": "", "security_token": ""})
        for part, reference in sign_in.model_dump().items():
            if part in ("flow", "app") or reference is None:
                continue
            if part == "private_key" and "private_key_file" in app:
                known[reference] = _read_key(Path(app["private_key_file"]))
            elif part in app:
                known[reference] = app[part]
            elif part in user:
                known[reference] = user[part] or _made_up(reference)

    learn("from", file.scenario.from_.username, file.scenario.from_.sign_in)
    learn("to", file.scenario.target_username, file.scenario.to.sign_in)

    def resolve(reference: str) -> Secret:
        if reference not in known:
            raise UsageError(
                f"the simulated sandbox has nothing for {reference}",
                place=file.place("from"),
                remedy="name a user and an app that it has; they stand in the org's sandbox.yaml",
            )
        return Secret(known[reference])

    return resolve


def _no_such_app(name: str, ready: Ready, place: Place) -> UsageError:
    others = [known for known in ready.apps if known not in _OWN_APPS]
    near = difflib.get_close_matches(name, others, n=1)
    remedy = f"its apps are: {', '.join(others)}" if others else "give it users and apps in a sandbox.yaml"
    remedy = f"did you mean {near[0]!r}?" if near else remedy
    return UsageError(f"the simulated sandbox has no app {name!r}", place=place, remedy=remedy)


def _read_key(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except OSError as error:
        raise UsageError(
            f"{file}, a private key of the simulated sandbox, cannot be read: {error.strerror}", remedy=_GONE
        ) from error


def _made_up(reference: str) -> str:
    return "Rehearsal-1-" + hashlib.sha256(os.urandom(16) + reference.encode()).hexdigest()[:20]


class _ThrowAwayKey:
    """A private key to sign assertions with that nobody will check; made when it is first needed."""

    def __init__(self) -> None:
        self._pem = ""

    def pem(self) -> str:
        if not self._pem:
            from cryptography.hazmat.primitives import serialization
            from cryptography.hazmat.primitives.asymmetric import rsa

            key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
            self._pem = key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            ).decode()
        return self._pem


class _Advancing(ABC):
    """What both clocks of a simulated sandbox share: time passes because we say so."""

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._ids = 0
        self._chances = 0

    @abstractmethod
    def _advance(self, seconds: float) -> None:
        """Let time pass in the org."""

    @abstractmethod
    def now(self) -> datetime:
        """The org's time."""

    def sleep(self, seconds: float) -> None:
        """Let a short while pass in the org."""
        self._advance(seconds)

    def pass_until(self, moment: datetime) -> bool:
        """Advance the org's clock to `moment`."""
        remaining = moment - self.now()
        if remaining > timedelta(0):
            self._advance(remaining.total_seconds())
        return True

    def new_id(self) -> str:
        """The next of a fixed sequence, so that two recordings are alike."""
        self._ids += 1
        return hashlib.sha256(f"{self._seed}:{self._ids}:{self.now():%Y%m%d%H}".encode()).hexdigest()[:12]

    def random(self) -> float:
        """The next of a fixed sequence, so that pauses are the same every time."""
        self._chances += 1
        return int(hashlib.sha256(f"{self._seed}~{self._chances}".encode()).hexdigest()[:8], 16) / 16**8


class _EmbeddedClock(_Advancing):
    def __init__(self, org: SandboxOrg, seed: str) -> None:
        super().__init__(seed)
        self._clock = org.clock

    def now(self) -> datetime:
        return self._clock.now()

    def _advance(self, seconds: float) -> None:
        self._clock.advance(seconds)


class _RemoteClock(_Advancing):
    """The clock of a simulated sandbox in another process, through its control interface.

    When that stops answering, its last time goes on being told, so that what happened can still be written down.
    """

    def __init__(self, control: Mapping[str, str], *, wait: Callable[[float], None] = time.sleep) -> None:
        super().__init__(os.urandom(8).hex())
        self._control = control
        self._wait = wait
        self._last: datetime | None = None
        self._open: Callable[..., Any] = urllib.request.build_opener(urllib.request.ProxyHandler({})).open

    def now(self) -> datetime:
        """The org's time; raises OrgUnreachable when it never answered."""
        try:
            self._last = datetime.fromisoformat(self._ask(None)["now"])
        except OrgUnreachable:
            if self._last is None:
                raise
        return self._last

    def sleep(self, seconds: float) -> None:
        """Let a short while pass in the org, or, while that does not answer, here."""
        try:
            self._advance(seconds)
        except OrgUnreachable:
            self._wait(seconds)

    def _advance(self, seconds: float) -> None:
        self._ask({"advance": seconds})

    def _ask(self, change: Mapping[str, float] | None) -> dict[str, str]:
        url = self._control["url"].rstrip("/") + "/clock"
        request = urllib.request.Request(  # noqa: S310 - the loopback, from a file the user named
            url,
            data=None if change is None else json.dumps(change).encode(),
            headers={"Authorization": f"Bearer {self._control['token']}", "Content-Type": "application/json"},
        )
        try:
            with self._open(request, timeout=10) as answer:
                return dict(json.load(answer))
        except (OSError, HTTPException, ValueError) as error:
            raise OrgUnreachable(
                f"the simulated sandbox at {self._control['url']} does not answer: {error}",
                asked="its clock",
                may_have_happened=change is not None,
                remedy=_UNTRUSTED if "CERTIFICATE_VERIFY_FAILED" in str(error) else _GONE,
            ) from error
