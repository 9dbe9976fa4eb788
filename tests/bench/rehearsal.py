"""The replay of every shipped scenario, against twice pytest's bare start and the same with answers from memory.

Seconds of the processor, of whole processes, the least of several: the machine may have others to serve.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench.result import Result

ROOT = Path(__file__).parents[2]
RUNS = 5


def measure(cassettes: Path = ROOT / "cassettes") -> list[Result]:
    """The replay against what it may cost at most, then what that is made of."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "test_nothing.py").write_text("def test_nothing():\n    pass\n")
        options = ["scenarios", "-q", "-p", "no:cacheprovider", "--cassettes", "replay"]
        options += ["--cassette-folder", str(cassettes), "--report-folder", str(folder / "reports")]
        memory, kept = ["-m", "tests.bench.from_memory"], folder / "answers"
        _seconds([*memory, "keep", str(kept), *options])
        bare, from_memory, shipped = [], [], []
        for _ in range(RUNS):  # in turn, so that a drift of the machine hits all
            bare.append(_seconds(["-m", "pytest", "-q", "-p", "no:cacheprovider", str(folder)]))
            whole = _seconds([*memory, "play", str(kept), *options])
            from_memory.append(whole - float(kept.with_suffix(".seconds").read_text()))
            shipped.append(_seconds(["-m", "pytest", *options]))
    a, b, c = (min(each) for each in (bare, from_memory, shipped))
    return [
        Result("replay of the shipped scenarios; rival: two bare starts and the same from memory", c, 2 * a + b, "s"),
        Result("  of that, what the recordings cost; rival: two bare starts", c - b, 2 * a, "s"),
    ]


def _seconds(arguments: list[str]) -> float:
    """Of the processor, by a process of Python from its start to its end. Raises where it fails."""
    environ, before = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}, os.times()
    command = [sys.executable, *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    after = os.times()
    return after.children_user - before.children_user + after.children_system - before.children_system
