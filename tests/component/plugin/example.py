"""Example projects for plugin tests: copy a shipped scenario, change it, run pytest or the command on it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Self

ROOT = Path(__file__).parents[3]
_COUNT = re.compile(r"(\d+) (passed|failed|skipped|error|errors|deselected)")


@dataclass(frozen=True)
class Ran:
    """What a run left: its exit code, what it printed, and how many items ended how."""

    code: int
    output: str

    @property
    def outcomes(self) -> dict[str, int]:
        """The counts of pytest's last line."""
        last = self.output.rstrip().splitlines()[-1] if self.output.strip() else ""
        return {word.rstrip("s") if word == "errors" else word: int(count) for count, word in _COUNT.findall(last)}


class Example:
    """A project folder with one shipped scenario, the org it runs in and its cassettes."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder
        self.environ: dict[str, str] = {}
        self.scenario = folder / "scenarios" / f"{name}.scenario.yaml"
        self.org = folder / "scenarios" / "orgs" / name
        (folder / "pytest.ini").write_text("[pytest]\naddopts = -p no:cacheprovider\n")
        shutil.copytree(ROOT / "scenarios" / "orgs" / name, self.org)
        shutil.copy(ROOT / "scenarios" / self.scenario.name, self.scenario)
        if (ROOT / "cassettes" / name).is_dir():
            shutil.copytree(ROOT / "cassettes" / name, folder / "cassettes" / name)

    def change(self, file: Path, old: str, new: str) -> Self:
        """Replace a text that stands in a file exactly once."""
        text = file.read_text()
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {file.name}"
        file.write_text(text.replace(old, new))
        return self

    def pytest(self, *arguments: str) -> Ran:
        """Run pytest in the project, as a user would."""
        return self._run(sys.executable, "-m", "pytest", "--color=no", *arguments)

    def rehearse(self, *arguments: str) -> Ran:
        """Run the command in the project."""
        return self._run(sys.executable, "-m", "harness.cli", *arguments)

    def python(self, program: str) -> Ran:
        """Run a program in the project."""
        return self._run(sys.executable, "-c", program)

    def _run(self, *command: str) -> Ran:
        environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")} | self.environ
        done = subprocess.run(
            command, cwd=self.folder, env=environ, text=True, capture_output=True, timeout=300, check=False
        )
        return Ran(done.returncode, done.stdout + done.stderr)
