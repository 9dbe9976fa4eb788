"""What the README shows works as it stands there."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

from harness.sandbox.source import open_org

ROOT = Path(__file__).parents[2]


def block_after(heading: str) -> str:
    """The first YAML block after a heading of the README."""
    readme = (ROOT / "README.md").read_text("utf-8")
    found = re.search(r"```yaml\n(.*?)```", readme[readme.index(heading) :], re.DOTALL)
    assert found
    return found[1]


def test_the_fifth_system_of_the_readme_is_signed_off(tmp_path: Path) -> None:
    (tmp_path / "projects.scenario.yaml").write_text(block_after("### 1. Write the scenario"))
    command = [sys.executable, "-m", "pytest", "--color=no", "-p", "no:cacheprovider", "--cassettes", "off", "."]
    done = subprocess.run(command, cwd=tmp_path, text=True, capture_output=True, timeout=200, check=False)
    assert done.returncode == 0, done.stdout
    assert "✓ SIGNED OFF  Projects: Project Sync" in done.stdout


def test_the_population_of_the_readme_makes_an_org(tmp_path: Path) -> None:
    project = tmp_path / "project"
    shutil.copytree(ROOT / "harness" / "sandbox" / "demo", project)
    (project / "sandbox.yaml").write_text(block_after("### The `sandbox.yaml` of a simulated org"))
    org = open_org(project)
    try:
        assert len(org.rows("Account")) == 21
        assert {row["Username"] for row in org.rows("User")} >= {"admin@acme.example", "project.sync@acme.example"}
    finally:
        org.close()
