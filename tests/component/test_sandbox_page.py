"""The programs of docs/sandbox.md run as they stand there, one after another, against a sandbox that is served."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from harness.sandbox.server import SandboxServer
from harness.sandbox.source import open_org

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
