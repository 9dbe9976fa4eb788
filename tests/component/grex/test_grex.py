"""A real org's metadata as the simulated sandbox, and the whole migration of one of its integration users."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
ORG = HERE.parents[3] / "shared" / "orgs" / "gsa-workspace"

pytestmark = pytest.mark.skipif(not ORG.is_dir(), reason="the real org's metadata is not beside this checkout")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    scenario = (HERE / "grex.yaml").read_text().replace("ORG", str(ORG))
    (tmp_path / "grex.scenario.yaml").write_text(scenario)
    shutil.copy(HERE / "sandbox.yaml", tmp_path)
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = -p no:cacheprovider\n")
    return tmp_path


def run(project: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "pytest", "--color=no", "grex.scenario.yaml", *arguments]
    done = subprocess.run(command, cwd=project, text=True, capture_output=True, timeout=500, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def evidence(project: Path) -> dict[str, Any]:
    return dict(json.loads((project / "reports" / "grex.json").read_text()))


@pytest.mark.long
def test_the_g_rex_user_moves_is_recorded_replayed_and_rolled_back(project: Path) -> None:
    run(project, "--cassettes", "record")
    recorded = evidence(project)
    assert recorded["verdict"]["signed_off"]

    snapshot, plan = recorded["snapshot"], recorded["plan"]
    assert {source["name"] for source in snapshot["sources"] if source["kind"] == "permission-set"} == {
        "GREX_System_User_CRE",
        "AAAP_System_User_R",
        "RET_System_User_CRED",
    }
    assert len(snapshot["effective"]["objects"]) == 25
    assert len(snapshot["effective"]["fields"]) == 1_112
    assert plan["carried"]["fields"] == snapshot["effective"]["fields"]
    assert recorded["after"]["effective"]["fields"] == snapshot["effective"]["fields"]
    losses = Counter(loss["cause"] for loss in plan["losses"])
    assert losses["license-ceiling"] == 0
    assert losses["declared-drop"] == 34
    assert {rollback["from_stage"] for rollback in recorded["rollbacks"] if rollback["proof"]["equal"]} == {
        "grant",
        "dual-auth",
        "cut-over",
    }

    run(project)
    replayed = evidence(project)
    assert replayed["header"]["cassettes"] == "replay"
    for part in ("snapshot", "plan", "after", "checks", "operations"):
        assert replayed[part] == recorded[part]
