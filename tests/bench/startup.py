"""What the unused plugin adds to pytest's start, against pytest without it; both without anybody else's plugins."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench.result import Result

RUNS = 25


def measure() -> list[Result]:
    with TemporaryDirectory() as folder:
        Path(folder, "test_nothing.py").write_text("def test_nothing():\n    pass\n")
        with_plugin, without = [], []
        for _ in range(RUNS):  # in turn, so that a drift of the machine hits both
            without.append(_seconds(folder))
            with_plugin.append(_seconds(folder, "-p", "harness.plugin"))
    ours, rival = statistics.median(with_plugin) * 1000, statistics.median(without) * 1000
    return [Result("start of pytest, plugin unused; rival: without it", ours, rival, "ms")]


def _seconds(folder: str, *options: str) -> float:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options, folder]
    started = time.perf_counter()
    environ = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    subprocess.run(command, check=True, capture_output=True, cwd=folder, env=environ)
    return time.perf_counter() - started
