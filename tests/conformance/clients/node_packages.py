"""The clients that npm has: installed once, in the user's cache, shared by all runs.

Nothing of this is needed to work on the project: where npm is missing, or cannot reach its registry, the tests that
need these clients skip and say why.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from filelock import FileLock, Timeout

PACKAGES = {"@salesforce/cli": "2.146.3", "jsforce": "3.10.16"}
NODE = "22.23.3"
"""The Salesforce CLI needs 22 or later; `node-OS-CPU` is Node itself as a package, without an install script."""

MOST_SECONDS = 480


class NotInstalled(Exception):
    """A client cannot be had here, and why."""


@dataclass(frozen=True)
class NodePackages:
    """Where Node and the packages are."""

    node: Path
    modules: Path

    @property
    def salesforce_cli(self) -> Path:
        return self.modules / "@salesforce" / "cli" / "bin" / "run.js"


@cache
def node_packages() -> NodePackages:
    """Install what is not there yet. Raises NotInstalled."""
    folder = _cache() / "-".join(["node", NODE, *PACKAGES.values()])
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_suffix(".lock"), timeout=MOST_SECONDS):
            done = folder / "installed.json"
            if not done.is_file():
                _install(folder)
                done.write_text(json.dumps(PACKAGES), encoding="utf-8")
    except (OSError, Timeout) as error:
        raise NotInstalled(f"{folder} cannot be used: {error}") from error
    modules = folder / "node_modules"
    packages = NodePackages(modules / _node_package() / "bin" / "node", modules)
    if not packages.node.is_file() or not packages.salesforce_cli.is_file():
        raise NotInstalled(f"npm installed something else than expected in {folder}")
    return packages


def _install(folder: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise NotInstalled("npm is not installed")
    wanted = [f"{name}@{version}" for name, version in {_node_package(): NODE, **PACKAGES}.items()]
    options = ["--no-audit", "--no-fund", "--ignore-scripts", "--no-save", "--fetch-retries=1", "--loglevel=error"]
    (folder / "package.json").write_text("{}", encoding="utf-8")
    try:
        command = [npm, "install", "--prefix", str(folder), *options, *wanted]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=MOST_SECONDS, check=False, cwd=folder)
    except subprocess.TimeoutExpired as error:
        raise NotInstalled(f"npm install did not end within {MOST_SECONDS} seconds") from error
    if ran.returncode != 0:
        raise NotInstalled(f"npm install failed: {' '.join(ran.stderr.split()[:30])}")


def _node_package() -> str:
    system = {"Linux": "linux", "Darwin": "darwin", "Windows": "win"}.get(platform.system(), "unknown")
    cpu = {"x86_64": "x64", "AMD64": "x64", "aarch64": "arm64", "arm64": "arm64"}.get(platform.machine(), "unknown")
    return f"node-{system}-{cpu}"


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "rehearse"
