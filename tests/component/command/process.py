"""A command that runs while the test goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests.component.plugin.example import Example, Ran


class Process:
    """A running command, whose output is read as it comes."""

    def __init__(self, popen: subprocess.Popen[str]) -> None:
        self._popen = popen
        self._seen = ""

    def read_until(self, words: str) -> None:
        """Read until a line holds these words; they must come."""
        assert self._popen.stdout is not None
        for line in self._popen.stdout:
            self._seen += line
            if words in line:
                return
        raise AssertionError(f"{words!r} did not come:\n{self._seen}")

    def end(self, by: signal.Signals | None = None) -> Ran:
        """Send it a signal, if one is given, and wait for its end."""
        if by is not None:
            self._popen.send_signal(by)
        rest, _ = self._popen.communicate(timeout=60)
        return Ran(self._popen.returncode, self._seen + rest)


@contextmanager
def running(project: Example, *arguments: str) -> Iterator[Process]:
    """The command, running in the project; whatever happens, it does not outlive the test."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")} | project.environ
    with subprocess.Popen(
        (sys.executable, "-m", "harness.cli", *arguments),
        cwd=project.folder,
        env=environ,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as popen:
        try:
            yield Process(popen)
        finally:
            if popen.poll() is None:
                popen.kill()
