"""The programs of docs/sandbox.md run as they stand there, one after another, against a sandbox that is served."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from harness.sandbox.server import SandboxServer
from harness.sandbox.source import open_org
from harness.sandbox.source.population import read_population

PAGE = Path(__file__).parents[2] / "docs" / "sandbox.md"


def test_the_programs_of_the_page_run(tmp_path: Path) -> None:
    programs = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert len(programs) > 5
    org = open_org("demo")
    try:
        with SandboxServer(org) as server:
            server.ready.write(tmp_path / "ready.json")
            done = subprocess.run(
                [sys.executable, "-c", "\n".join(programs)],
                cwd=tmp_path,
                text=True,
                capture_output=True,
                timeout=60,
                check=False,
            )
    finally:
        org.close()
    assert done.returncode == 0, done.stderr


def test_the_keys_of_the_page_are_keys_of_a_population(tmp_path: Path) -> None:
    parts = re.findall(r"```yaml\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    file = tmp_path / "sandbox.yaml"
    users = "users: [{username: a@b.example, name: A B, profile: System Administrator, as: admin}]\n"
    file.write_text(users + "".join(parts))
    read = read_population(file)
    assert read.security.trusts_forwarded_for
    assert [one.path for one in read.apex_rest] == ["/orders/{number}", "/orders"]
