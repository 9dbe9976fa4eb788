"""The outcomes in which canaries are looked for: one process each, as talkative as it can be made."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tests.component.secrets.looking import Looking
from tests.component.secrets.places import Left, collect
from tests.component.secrets.world import Ran, World

TALKATIVE = (
    *("-vv", "-l", "-rA", "--tb=long", "--full-trace", "--show-capture=all", "-W", "default"),
    *("--junitxml=junit.xml", "-o", "junit_logging=all"),
    *("--log-level=DEBUG", "--log-file=debug.log", "--log-file-level=DEBUG"),
)
_EACH = 16
"""The processes are looked at with each so-manieth request."""


@dataclass
class Outcome:
    """One way in which things end: what was run, what it left, and what is found in that."""

    world: World
    ran: Ran
    left: Left

    @cached_property
    def looking(self) -> Looking:
        """What looks for the canaries of this world."""
        return Looking(self.world.canaries.pieces)

    @cached_property
    def sent(self) -> frozenset[str]:
        """The kinds that went over the wire."""
        return self.looking.kinds_in(b"\n".join([*self.world.witness.traffic, *self.world.proxy.heard]))

    @cached_property
    def hits(self) -> dict[str, frozenset[str]]:
        """The kinds that are found, by where."""
        found = {f"{place}: {name}": self.looking.kinds_in(content) for place, name, content in self.left.pieces()}
        return {where: kinds for where, kinds in found.items() if kinds}


class Observer:
    """Looks at the processes and at the temporary files while they are there, driven by the requests of the run."""

    def __init__(self, world: World, left: Left) -> None:
        self.world, self.left = world, left
        self._asked = 0

    def __call__(self, _path: str) -> None:
        """Look, with some of the requests."""
        self._asked += 1
        if self._asked % _EACH == 1:
            self.look()

    def look(self) -> None:
        """The command line of each process below this one, and the environment of those that nobody set up by hand."""
        for process in descendants(os.getpid()):
            with contextlib.suppress(OSError):
                self._note("process list", f"{process.name} cmdline", (process / "cmdline").read_bytes())
                environ = dict(
                    pair.partition(b"=")[::2] for pair in (process / "environ").read_bytes().split(b"\0") if pair
                )
                given = {name.encode(): value.encode() for name, value in self.world.environ.items()}
                more = [name + b"=" + value for name, value in environ.items() if given.get(name) != value]
                self._note("process list", f"{process.name} environ", b"\n".join(more))
        for path in (self.world.folder / "tmp").rglob("*"):
            with contextlib.suppress(OSError):
                if path.is_file() and path.stat().st_mode & 0o077:
                    self._note("temporary files while it runs", path.name, path.read_bytes())

    def _note(self, place: str, name: str, content: bytes) -> None:
        self.left.add(place, f"{name} {self._asked}", content)


def descendants(process: int) -> list[Path]:
    """The folders in /proc of every process that this one started, and of those that they did."""
    parents: dict[int, int] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError):
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
    found, new = set[int](), {process}
    while new:
        new = {one for one, parent in parents.items() if parent in new} - found
        found |= new
    return [Path("/proc") / str(one) for one in sorted(found)]


def pytest_in(world: World, *arguments: str, signal_at: str = "", **environ: str) -> Outcome:
    """Run the plugin, and collect."""
    shutil.copy(Path(__file__).with_name("overhear.py"), world.folder / "conftest.py")
    world.write("pytest.ini", "[pytest]\n")
    world.environ |= environ
    command = ("-m", "pytest", "--color=no", "scenarios", "--org", "uat", *arguments, *TALKATIVE)
    return observed(world, *command, signal_at=signal_at)


def observed(world: World, *command: str, signal_at: str = "") -> Outcome:
    """Run a process, look while it runs, and collect."""
    seen = Left()
    observer = Observer(world, seen)
    process = world.start(*command)

    def act(path: str) -> None:
        observer(path)
        if signal_at and path == signal_at:
            process.send_signal(signal.SIGINT)

    world.witness.acts = act
    out, err = process.communicate(timeout=300)
    world.witness.acts = lambda _: None
    left = collect(world.folder.parent)
    for place, name, content in seen.pieces():
        left.add(place, name, content)
    left.add("terminal", "stdout", out)
    left.add("errors", "stderr", err)
    return Outcome(world, Ran(process.returncode, out, err), left)
