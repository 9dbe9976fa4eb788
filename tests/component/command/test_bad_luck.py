"""Interrupted, killed, or left without an org: the command says so, and the next one goes on or undoes."""

from __future__ import annotations

import re
import signal
import sqlite3
import time
from contextlib import closing, suppress
from pathlib import Path

import pytest

from harness.sandbox.server import SandboxServer
from harness.sandbox.source import open_org
from tests.component.command.process import running
from tests.component.plugin.example import Example

SCENARIO = "scenarios/mulesoft.scenario.yaml"


def wait_until_in(project: Example, stage: str) -> None:
    """Wait until the journal says that a stage has begun."""
    journal = project.folder / ".rehearse" / "simulated" / "mulesoft" / "journal.db"
    began = "SELECT 1 FROM records WHERE kind = 'stage.started' AND stage = ?"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with suppress(sqlite3.OperationalError), closing(sqlite3.connect(f"file:{journal}?mode=ro", uri=True)) as db:
            if db.execute(began, (stage,)).fetchone():
                return
        time.sleep(0.01)
    raise AssertionError(f"{stage} did not begin")


@pytest.mark.parametrize(
    ("stage", "goes_on"),
    [
        pytest.param("grant", True, marks=pytest.mark.long),
        pytest.param("verify", False, marks=pytest.mark.long),
        ("dual-auth", True),
    ],
)
def test_ctrl_c_stops_and_everything_can_go_on_or_be_undone(project: Example, stage: str, goes_on: bool) -> None:
    with running(project, "run", SCENARIO) as process:
        wait_until_in(project, stage)
        stopped = process.end(by=signal.SIGINT)
    assert stopped.code == 3, stopped.output
    assert "interrupted: nothing is lost; `rehearse status` says where things stand" in stopped.output
    assert "Traceback" not in stopped.output

    status = project.rehearse("status", SCENARIO)
    assert status.code == 0
    between_two_steps = f"{stage} running: {stage} began and did not end"
    assert f"{stage} stopped: interrupted in {stage}" in status.output or between_two_steps in status.output
    assert "rehearse resume" in status.output

    end = project.rehearse("resume" if goes_on else "rollback", SCENARIO)
    assert end.code == 0, end.output
    if goes_on:
        assert "✓ preflight" not in end.output
        assert "✓ cut-over" in end.output
    else:
        assert "access fingerprint: equal to the snapshot" in end.output


def wait_for_a_rehearsal(temporary: Path) -> None:
    """Wait until a rehearsal that leaves nothing has begun: its files are in the temporary folder."""
    deadline = time.monotonic() + 60
    while not any(temporary.glob("rehearse-*")):
        assert time.monotonic() < deadline, "no rehearsal began"
        time.sleep(0.01)


def test_ctrl_c_in_what_leaves_no_run_promises_none(project: Example, tmp_path: Path) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    project.environ["TMPDIR"] = str(temporary)
    with running(project, "compare", SCENARIO) as process:
        wait_for_a_rehearsal(temporary)
        stopped = process.end(by=signal.SIGINT)
    assert stopped.code == 3, stopped.output
    assert "interrupted: nothing was changed; give the command again" in stopped.output
    assert "rehearse status" not in stopped.output
    assert project.rehearse("status", SCENARIO).output.startswith(f"{SCENARIO}: nothing was run")


@pytest.mark.long
def test_a_process_that_was_killed_is_taken_up_and_then_undone(project: Example) -> None:
    with running(project, "run", SCENARIO) as process:
        wait_until_in(project, "grant")
        killed = process.end(by=signal.SIGKILL)
    assert killed.code == -signal.SIGKILL
    assert "running: grant began and did not end" in project.rehearse("status", SCENARIO).output
    resumed = project.rehearse("resume", SCENARIO)
    assert resumed.code == 0, resumed.output
    undone = project.rehearse("rollback", SCENARIO)
    assert undone.code == 0, undone.output
    assert "access fingerprint: equal to the snapshot" in undone.output


@pytest.mark.long
def test_an_org_that_falls_silent_half_way_is_named_and_undone_when_it_is_back(
    project: Example, tmp_path: Path
) -> None:
    org, ready = open_org(project.org), tmp_path / "ready.json"
    sandbox = ("--sandbox", str(ready))
    try:
        with SandboxServer(org) as server:
            server.ready.write(ready)
            port = int(server.ready.instance_url.rpartition(":")[2])
            with running(project, "run", SCENARIO, *sandbox) as process:
                process.read_until("✓ provision")
                server.stop()
                ended = process.end()
        assert ended.code == 1, ended.output
        assert "did not answer" in ended.output
        assert "remedy:" in ended.output
        assert "Traceback" not in ended.output
        status = project.rehearse("status", SCENARIO, *sandbox)
        assert re.search(r"(grant|authorize|verify) failed", status.output), status.output
        still = project.rehearse("rollback", SCENARIO, *sandbox)
        assert still.code in (1, 2), still.output
        assert "Traceback" not in still.output

        with SandboxServer(org, port=port) as server:
            server.ready.write(ready)
            undone = project.rehearse("rollback", SCENARIO, *sandbox)
        assert undone.code == 0, undone.output
        assert "access fingerprint: equal to the snapshot" in undone.output
    finally:
        org.close()


def test_two_processes_do_not_work_on_one_migration(project: Example) -> None:
    with running(project, "run", SCENARIO) as process:
        process.read_until("✓ preflight")
        second = project.rehearse("resume", SCENARIO)
        process.end(by=signal.SIGINT)
    assert second.code == 2, second.output
    assert "another process is at work" in second.output
