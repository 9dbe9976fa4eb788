"""The Salesforce CLI as a user runs it, in a home of its own."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.conformance.clients.node_packages import NodePackages

_QUIET = {
    "SF_DISABLE_TELEMETRY": "true",
    "SF_AUTOUPDATE_DISABLE": "true",
    "SF_USE_GENERIC_UNIX_KEYCHAIN": "true",
    "SF_DISABLE_DNS_CHECK": "true",
    "SF_SKIP_NEW_VERSION_CHECK": "true",
    "SF_HIDE_RELEASE_NOTES": "true",
    "SF_DISABLE_LOG_FILE": "true",
    "NODE_NO_WARNINGS": "1",
    "NO_COLOR": "1",
    "NO_PROXY": "127.0.0.1",
    "CI": "true",
}
_MOST_SECONDS = 90


@dataclass(frozen=True)
class Ran:
    """How a command ended. `json` is what it printed with `--json`."""

    code: int
    output: str
    errors: str

    @property
    def json(self) -> Any:
        return json.loads(self.output)

    @property
    def result(self) -> Any:
        """What a command that went well has to say."""
        assert self.code == 0, self.output + self.errors
        return self.json["result"]


class SalesforceCli:
    """`sf`, with its own home directory and a project to work in."""

    def __init__(self, packages: NodePackages, folder: Path) -> None:
        self._command = (str(packages.node), str(packages.salesforce_cli))
        self.project = folder / "project"
        self._home = folder / "home"
        self._home.mkdir()
        (self.project / "force-app").mkdir(parents=True)
        content = {"packageDirectories": [{"path": "force-app", "default": True}], "sourceApiVersion": "67.0"}
        (self.project / "sfdx-project.json").write_text(json.dumps(content), encoding="utf-8")

    def __call__(self, *arguments: str, environ: Mapping[str, str] | None = None) -> Ran:
        """Run one command, with these settings in its environment, and wait for its end."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("SF_", "SFDX_"))}
        ran = subprocess.run(
            (*self._command, *arguments),
            cwd=self.project,
            env=inherited | _QUIET | {"HOME": str(self._home)} | dict(environ or {}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_MOST_SECONDS,
            check=False,
        )
        return Ran(ran.returncode, ran.stdout, ran.stderr)

    def json(self, *arguments: str) -> Any:
        """What a command that must go well answers with `--json`."""
        return self(*arguments, "--json").result
