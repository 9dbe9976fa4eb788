"""Real processes and a real network: the tool in one process, the simulated org in another, HTTP between them.

An `OrgProcess` serves the org and can kill a client at a call. A `Life` is one process of the tool, which really dies.
Both are forked from this process, in which everything is loaded already. The org's time is read from memory that they
share, so that looking at the clock costs no call.
"""

from __future__ import annotations

import json
import mmap
import multiprocessing
import os
import signal
import struct
import time
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection as Pipe
from typing import Any, Literal

from requests.adapters import HTTPAdapter
from starlette.types import ASGIApp, Message, Receive, Scope, Send

import harness.sandbox.server as serving
from harness.sandbox.control import PREFIX
from harness.sandbox.org import SandboxOrg

from .bench import World, _put_files
from .children import fork
from .damage import KeptJournal
from .points import Point, nothing

JOURNAL = "journal.db"
Effect = Literal["lost", "meanwhile", "done"]
"""What becomes of the call at which a client is killed: it never arrives, it is worked on when the client is dead
already, or it is done and the answer finds nobody."""


class SharedTime:
    """The org's time, in memory that forked processes share. In microseconds since 1970."""

    _FORMAT = "<q"
    _START = datetime(1970, 1, 1, tzinfo=UTC)

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, struct.calcsize(self._FORMAT))

    def set(self, now: datetime) -> None:
        struct.pack_into(self._FORMAT, self._memory, 0, (now - self._START) // timedelta(microseconds=1))

    def get(self) -> datetime:
        return self._START + timedelta(microseconds=struct.unpack_from(self._FORMAT, self._memory, 0)[0])


# --- the org's process ------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Trap:
    """Kills the client at its n-th writing call."""

    victim: int = 0
    number: int = 0
    effect: Effect = "done"
    seen: int = 0

    def next_is_it(self) -> bool:
        self.seen += 1
        return self.seen == self.number

    def kill(self) -> None:
        os.kill(self.victim, signal.SIGKILL)


class OrgProcess:
    """A simulated org, served on the loopback by a process of its own until `close`."""

    def __init__(self, org: SandboxOrg) -> None:
        self.time = SharedTime()
        self._pipe, theirs = multiprocessing.Pipe()
        self.pid = fork(lambda: _serve(org, theirs, self.time))
        theirs.close()
        self.url, self.control = self._pipe.recv()

    def snapshot(self) -> bytes:
        """The org as it is now, for `put_back` or for an org in this process."""
        return bytes(self._ask("snapshot"))

    def put_back(self, kept: bytes) -> None:
        """Make the org as it was."""
        self._ask("restore", kept)

    def trap(self, victim: int, number: int, effect: Effect) -> None:
        """Kill a process at its n-th writing call."""
        self._ask("trap", victim, number, effect)

    def writes_seen(self) -> int:
        """How many writing calls there were since the last trap."""
        return int(self._ask("seen"))

    def close(self) -> None:
        """End it."""
        self._pipe.send(("end",))
        self._pipe.close()
        os.waitpid(self.pid, 0)

    def _ask(self, *question: Any) -> Any:
        self._pipe.send(question)
        return self._pipe.recv()


def _serve(org: SandboxOrg, pipe: Pipe, now: SharedTime) -> None:
    """Serve the org until the other end of the pipe says that it is over."""
    trap = _Trap()
    make_app = serving.make_app

    def with_trap(*given: Any, **options: Any) -> ASGIApp:
        return _trapped(make_app(*given, **options), trap, lambda: now.set(org.clock.peek()))

    serving.make_app = with_trap  # type: ignore[assignment] # only in this process
    with serving.SandboxServer(org, daily_requests=1_000_000_000) as server:
        now.set(org.clock.peek())
        pipe.send((server.ready.instance_url, dict(server.ready.control)))
        while True:
            question, *values = pipe.recv()
            if question == "end":
                return
            with org.lock:
                pipe.send(_answer(org, trap, question, values))
                now.set(org.clock.peek())


def _answer(org: SandboxOrg, trap: _Trap, question: str, values: list[Any]) -> Any:
    match question:
        case "snapshot":
            return org.snapshot()
        case "restore":
            org.restore(*values)
        case "trap":
            trap.victim, trap.number, trap.effect = values
            trap.seen = 0
        case "seen":
            return trap.seen
    return None


def _trapped(app: ASGIApp, trap: _Trap, tick: Callable[[], None]) -> ASGIApp:
    async def respond(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not _is_writing(scope) or not trap.next_is_it():
            await app(scope, receive, send)
            tick()
            return
        if trap.effect != "done":
            trap.kill()

        async def send_to_the_dead(message: Message) -> None:
            if trap.effect == "done" and message["type"] == "http.response.start":
                trap.kill()
            await send(message)

        if trap.effect != "lost":
            await app(scope, receive, send_to_the_dead)
        tick()

    return respond


def _is_writing(scope: Scope) -> bool:
    """Whether a call may change the org: whatever is no GET, but for sign-ins and what only a simulated org has."""
    path = str(scope["path"])
    return scope["method"] != "GET" and "/oauth2/" not in path and not path.startswith(PREFIX)


# --- the tool's process -----------------------------------------------------------------------------------------------


class _Clock:
    """The org's time; only letting it pass takes a call."""

    def __init__(self, org: OrgProcess) -> None:
        self._time = org.time
        self._control = org.control

    def now(self) -> datetime:
        return self._time.get()

    def sleep(self, seconds: float) -> None:
        headers = {"Authorization": f"Bearer {self._control['token']}", "Content-Type": "application/json"}
        body = json.dumps({"advance": seconds}).encode()
        request = urllib.request.Request(f"{self._control['url']}/clock", data=body, headers=headers)
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30):
            pass

    def pass_until(self, moment: datetime) -> bool:
        self.sleep(max(0.0, (moment - self.now()).total_seconds()))
        return True

    def new_id(self) -> str:
        return os.urandom(6).hex()

    def random(self) -> float:
        return 0.5


class _Loopback(HTTPAdapter):
    """The network."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.instance_url = url


@dataclass(frozen=True, slots=True)
class End:
    """How a process of the tool ended: by itself with a result, or killed."""

    killed: bool
    said: str

    @property
    def passed(self) -> bool:
        return self.said.startswith(("passed", "nothing was left to do"))


class Life:
    """One process of the tool, which migrates (or goes on with that) or undoes."""

    def __init__(
        self, world: World, org: OrgProcess, *, back: bool, hook: Callable[[Point], None] = nothing, wait: bool = False
    ) -> None:
        """With `wait` it does nothing before `go`."""
        self._pipe, theirs = multiprocessing.Pipe()
        self._born = time.monotonic()

        def live() -> None:
            if wait:
                theirs.recv()
            theirs.send(_work(world, org, back=back, hook=hook))

        self.pid = fork(live)
        theirs.close()

    def go(self) -> None:
        self._pipe.send(None)

    def kill_after(self, seconds: float) -> None:
        """Kill it when it is so old, wherever it is then."""
        if not self._pipe.poll(max(0.0, self._born + seconds - time.monotonic())):
            os.kill(self.pid, signal.SIGKILL)

    def end(self) -> End:
        """Wait for its end."""
        _, status = os.waitpid(self.pid, 0)
        self.age = time.monotonic() - self._born
        code = os.waitstatus_to_exitcode(status)
        said = str(self._pipe.recv()) if code == 0 else ""
        self._pipe.close()
        if code not in {0, -signal.SIGKILL}:
            raise ChildProcessError(f"a process of the tool ended with {code}")
        return End(code != 0, said)


def _work(world: World, org: OrgProcess, *, back: bool, hook: Callable[[Point], None]) -> str:
    here = replace(world, wire=_Loopback(org.url), clock=_Clock(org))  # type: ignore[arg-type]
    journal = KeptJournal(world.folder / JOURNAL)
    process = here.process(hook, journal=journal)
    end = process.back() if back else process.forward()
    journal.close()
    return f"{end.result}: {end.message}" if end else "nothing was left to do"


def suicide(at: int) -> Callable[[Point], None]:
    """A hook that kills its own process at its n-th point, as really as anybody else can."""

    def hook(point: Point) -> None:
        if point.number == at:
            os.kill(os.getpid(), signal.SIGKILL)
            time.sleep(60)

    return hook


# --- where a run is cut into pieces -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Start:
    """Everything as it was when a stage was about to begin."""

    stage: str
    org: bytes
    files: Mapping[str, bytes]

    def put_back(self, world: World, org: OrgProcess) -> None:
        """Make everything so again."""
        org.put_back(self.org)
        _put_files(world.folder, self.files)


def starts(world: World) -> list[Start]:
    """Migrate a world and undo it, in this process; everything at the beginning of each stage, the rollback's too."""
    found: list[Start] = []

    def keep(stage: str) -> None:
        files = {
            str(file.relative_to(world.folder)): file.read_bytes()
            for file in sorted(world.folder.rglob("*"))
            if file.is_file() and not file.name.endswith("-shm")
        }
        found.append(Start(stage, world.org.snapshot(), files))

    def at_each_stage(point: Point) -> None:
        if point.medium == "journal" and point.moment == "before" and point.what.startswith("stage.started "):
            keep(point.what.removeprefix("stage.started "))

    for back in (False, True):
        journal = KeptJournal(world.folder / JOURNAL)
        process = world.process(at_each_stage, journal=journal)
        end = process.back() if back else process.forward()
        journal.close()
        assert end is not None
        assert end.result == "passed", end
    return found
