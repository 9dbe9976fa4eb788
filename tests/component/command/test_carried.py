"""A run is left in dual-auth, carried to another machine, and taken up there by a fresh process days later."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from harness.sandbox.org import SandboxOrg
from harness.sandbox.ready import Ready
from harness.sandbox.server import SandboxServer
from harness.sandbox.source import open_org
from tests.component.plugin.example import Example, Ran

SCENARIO = "scenarios/mulesoft.scenario.yaml"
UAT = (SCENARIO, "--org", "uat")
CREDENTIALS = "scenarios/mulesoft/secure-properties.json"
DAYS_LATER = """
import sys
from datetime import UTC, datetime, timedelta
from harness.org import clock
later = timedelta(days=float(sys.argv[1]))
clock.SystemClock.now = lambda self: datetime.now(UTC) + later
import platform
platform.node = lambda: sys.argv[2]
from harness.cli import main
main(sys.argv[3:])
"""


@dataclass
class Machine:
    """A folder on a machine of its own, with a clock that is some days ahead of the real one."""

    folder: Path
    name: str
    environ: dict[str, str] = field(default_factory=dict)

    def rehearse(self, *arguments: str, days: float = 0) -> Ran:
        """Run the command there, in a process of its own."""
        environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")} | self.environ
        done = subprocess.run(
            [sys.executable, "-c", DAYS_LATER, str(days), self.name, *arguments],
            cwd=self.folder,
            env=environ,
            text=True,
            capture_output=True,
            timeout=300,
            check=False,
        )
        return Ran(done.returncode, done.stdout + done.stderr)

    @property
    def credentials(self) -> Path:
        return self.folder / CREDENTIALS


@dataclass
class Left:
    """A run that was left in dual-auth on one machine, and the org it is about."""

    org: SandboxOrg
    then: bytes
    first: Machine
    before: str
    """The credential file, before anything."""
    ran: Ran

    def another(self, folder: Path, name: str = "machine-b") -> Machine:
        """Another machine, with the project checked out and its secrets, and nothing of the run."""
        shutil.copytree(
            self.first.folder, folder, ignore=shutil.ignore_patterns(".rehearse", "reports", "mulesoft", "cassettes")
        )
        shutil.copytree(self.first.folder / "scenarios" / "orgs" / "mulesoft", folder / "scenarios/orgs/mulesoft")
        (folder / CREDENTIALS).parent.mkdir()
        return Machine(folder, name, self.first.environ)

    def pass_days(self, days: float) -> None:
        """Let time pass in the org."""
        self.org.clock.advance(days * 86400)


def configure(project: Example, ready: Ready) -> None:
    """Name the simulated sandbox as the org `uat`, with secrets by reference."""
    org = {"my_domain": ready.instance_url, "org_id": ready.org_id}
    admin = {
        "username": ready.users["admin"]["username"],
        "flow": "client-credentials",
        "app": "Rehearsal Admin",
        "consumer_key": "env:ADMIN_KEY",
        "consumer_secret": "env:ADMIN_SECRET",
    }
    lines = ["[orgs.uat]", *(f"{key} = {json.dumps(value)}" for key, value in org.items())]
    lines += ["[orgs.uat.admin]", *(f"{key} = {json.dumps(value)}" for key, value in admin.items())]
    (project.folder / "rehearse.toml").write_text("\n".join(lines) + "\n")
    old, new = ready.apps["MuleSoft Anypoint"], ready.apps["MuleSoft Integration"]
    project.environ = {
        "ADMIN_KEY": ready.apps["Rehearsal Admin"]["consumer_key"],
        "ADMIN_SECRET": ready.apps["Rehearsal Admin"]["consumer_secret"],
        "MULESOFT_OLD_CONSUMER_KEY": old["consumer_key"],
        "MULESOFT_CONSUMER_KEY": new["consumer_key"],
    }
    project.change(project.scenario, "file:~/keys/mulesoft-anypoint.pem", f"file:{old['private_key_file']}")
    project.change(project.scenario, "file:~/keys/mulesoft-integration.pem", f"file:{new['private_key_file']}")


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Left]:
    folder = tmp_path_factory.mktemp("machine-a")
    (folder / "scenarios").mkdir()
    project = Example(folder, "mulesoft")
    org = open_org(project.org)
    org.clock.set(datetime.now(UTC))
    with SandboxServer(org) as server:
        configure(project, server.ready)
        first = Machine(folder, "machine-a", project.environ)
        first.credentials.parent.mkdir()
        before = '{"salesforce": {"principal": "mulesoft.api@lumen.example"}, "other": 1}\n'
        first.credentials.write_text(before)
        left = first.rehearse("run", *UAT)
        assert left.code == 3, left.output
        yield Left(org, org.snapshot(), first, before, left)
    org.close()


@pytest.fixture
def left(ran: Left, tmp_path: Path) -> Left:
    """The run as it was left, with the first machine's folder in a copy that a test may spoil."""
    ran.org.restore(ran.then)
    here = tmp_path / "machine-a"
    shutil.copytree(ran.first.folder, here)
    first = Machine(here, "machine-a", ran.first.environ)
    return Left(ran.org, ran.then, first, ran.before, ran.ran)


def carried(left: Left, folder: Path) -> tuple[Machine, Ran]:
    """The run, carried to a second machine."""
    packed = left.first.rehearse("carry", *UAT, "--to", "run.pack")
    assert packed.code == 0, packed.output
    second = left.another(folder)
    shutil.move(left.first.folder / "run.pack", second.folder / "run.pack")
    shutil.copy(left.first.credentials, second.credentials)
    return second, second.rehearse("carry", *UAT, "--from", "run.pack")


@pytest.mark.long
def test_it_is_taken_up_elsewhere_days_later_goes_through_and_comes_home(left: Left, tmp_path: Path) -> None:
    second, taken = carried(left, tmp_path / "b")
    assert taken.code == 0, taken.output
    assert "machine-a:" in taken.output
    assert "!" not in taken.output, "nothing is missing"
    refused = left.first.rehearse("resume", *UAT, days=8)
    assert refused.code == 2, refused.output
    assert "were carried away" in refused.output
    assert "goes on there" in left.first.rehearse("status", *UAT).output

    early = second.rehearse("resume", *UAT)
    assert early.code == 3, early.output
    assert "both users work until" in early.output
    left.pass_days(8)
    seen = second.rehearse("observe", *UAT, days=8)
    assert seen.code == 0, seen.output
    through = second.rehearse("resume", *UAT, days=8)
    assert through.code == 0, through.output
    assert "✓ cut-over" in through.output
    assert "✓ preflight" not in through.output
    status = json.loads(second.rehearse("status", *UAT, "--json").output)
    assert [run["complete"] for run in status["runs"]] == [True]

    assert second.rehearse("carry", *UAT, "--to", "home.pack", days=8).code == 0
    home = left.first.rehearse("carry", *UAT, "--from", str(second.folder / "home.pack"), days=8)
    assert home.code == 0, home.output
    assert left.first.rehearse("rollback", *UAT, days=8).code == 0
    assert left.first.credentials.read_text() == left.before


def test_it_is_rolled_back_elsewhere_and_the_old_credential_comes_back(left: Left, tmp_path: Path) -> None:
    second, _ = carried(left, tmp_path / "b")
    assert second.credentials.read_text() != left.before
    left.pass_days(3)
    back = second.rehearse("rollback", *UAT, days=3)
    assert back.code == 0, back.output
    assert "access fingerprint: equal to the snapshot" in back.output
    assert second.credentials.read_text() == left.before


def test_what_does_not_belong_here_is_refused(left: Left, tmp_path: Path) -> None:
    assert left.first.rehearse("carry", *UAT, "--to", "run.pack").code == 0
    pack = left.first.folder / "run.pack"
    assert pack.stat().st_mode & 0o777 == 0o600
    _holds_what_it_says(pack)
    again = left.first.rehearse("carry", *UAT, "--to", "run.pack")
    assert (again.code, "is there already" in again.output) == (2, True), again.output

    second = left.another(tmp_path / "b")
    simulated = second.rehearse("carry", SCENARIO, "--from", str(pack))
    assert (simulated.code, "is of another org" in simulated.output) == (2, True), simulated.output
    assert not (second.folder / ".rehearse" / "uat" / "mulesoft" / "journal.db").exists()


def _holds_what_it_says(pack: Path) -> None:
    with zipfile.ZipFile(pack) as archive:
        names = archive.namelist()
        manifest = json.loads(archive.read("manifest.json"))
    assert sorted(manifest["files"]) == sorted(set(names) - {"manifest.json"})
    assert "journal.db" in names
    assert any(name.endswith("/credential.before") for name in names)
    assert not any("lock" in name for name in names)


def test_what_is_missing_there_is_said(left: Left, tmp_path: Path) -> None:
    assert left.first.rehearse("carry", *UAT, "--to", "run.pack").code == 0
    second = left.another(tmp_path / "b")
    second.environ = {name: value for name, value in second.environ.items() if name != "ADMIN_SECRET"}
    taken = second.rehearse("carry", *UAT, "--from", str(left.first.folder / "run.pack"))
    assert taken.code == 0, taken.output
    assert "secure-properties.json is not there, or does not hold what the run wrote" in taken.output
    assert "Copy it from machine-a" in taken.output
    assert "a secret is missing here: env:ADMIN_SECRET" in taken.output


def test_an_observation_adds_a_sample_and_sends_no_write(left: Left) -> None:
    told = left.first.rehearse("status", *UAT)
    assert "dual-auth stopped: both users work until" in told.output
    assert "kept in .rehearse/uat/mulesoft: to take it up elsewhere, `rehearse carry" in told.output
    assert "still to come: dual-auth; cut-over (freeze mulesoft.api@lumen.example)" in told.output
    assert "the cut-over waits while there is a file .rehearse/uat/mulesoft/cut-over.postpone" in told.output
    (left.first.folder / ".rehearse/uat/mulesoft/cut-over.postpone").write_text("because: Ask Rosa first.\n")
    before = left.org.snapshot()
    left.pass_days(1)
    old = left.org.rows("User", Username="mulesoft.api@lumen.example")[0]["Id"]
    calm = left.first.rehearse("observe", *UAT, "--json", days=1)
    assert calm.code == 0, calm.output
    assert json.loads(calm.output)["old_user_foreign_sign_ins"] == 0
    left.org.insert_row(
        "LoginHistory",
        {
            "UserId": old,
            "LoginTime": left.org.clock.now().strftime("%Y-%m-%dT%H:%M:%S.000+0000"),
            "LoginType": "Remote Access 2.0",
            "Status": "Success",
            "Application": "A forgotten job",
        },
    )
    written = {name: len(left.org.rows(name)) for name in ("User", "PermissionSet", "PermissionSetAssignment")}
    loud = left.first.rehearse("observe", *UAT, days=1)
    assert loud.code == 1, loud.output
    assert "NOT quiet" in loud.output
    assert "A forgotten job" in loud.output
    assert written == {name: len(left.org.rows(name)) for name in written}
    status = json.loads(left.first.rehearse("status", *UAT, "--json").output)
    assert status["runs"][0]["samples"] == 3
    assert status["runs"][0]["in_the_way"][0].endswith("is removed: Ask Rosa first.")
    assert left.org.snapshot() != before, "the admin's own sign-in is in LoginHistory"
