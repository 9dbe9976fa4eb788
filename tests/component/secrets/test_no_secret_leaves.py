"""No secret of the org, of a scenario or of the external system is anywhere but where it belongs.

Each run is as talkative as it can be made; then every file below its folder, its temporary files among them, and all it
printed are searched for every secret that the org ever gave out.
"""

from __future__ import annotations

import base64
import re
import secrets
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.component.secrets.conftest import SCENARIO, Watched
from tests.component.secrets.scanner import Scanner

TALKATIVE = ("-vv", "-l", "-rA", "--tb=long", "--full-trace", "--log-level=DEBUG", "--show-capture=all")
IN_XML = ("--junitxml=junit.xml", "-o", "junit_logging=all")
JWT = re.compile(r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*")
FAILING = "    - query: SELECT Id, Salary__c FROM Employee__c\n"


def assert_nothing_leaked(watched: Watched, *outputs: str) -> None:
    assert watched.leaks() == {}
    for output in outputs:
        assert watched.scanner.in_text(output) == set()
        assert not JWT.search(output)
    for path in watched.project.folder.rglob("*"):
        if path.is_file() and path.suffix != ".pem":
            assert not JWT.search(path.read_bytes().decode("utf-8", "replace")), path
    left = [path.name for path in (watched.project.folder / "tmp").iterdir()]
    assert [name for name in left if not name.startswith("pytest-of-")] == []  # that one is pytest's, and is searched


def private(folder: Path) -> list[str]:
    """The names of a folder's files that nobody else may read."""
    return sorted({path.name for path in folder.rglob("*") if path.is_file() and path.stat().st_mode & 0o077 == 0})


def test_the_command_in_an_org_that_is_migrated_and_rolled_back(live: Watched) -> None:
    project = live.project
    project.change(project.scenario, "  denials:\n", f"{FAILING}  denials:\n")
    failed = project.rehearse("run", SCENARIO, "--org", "uat")
    assert failed.code == 1, failed.output
    assert "Salary__c" in failed.output
    back = project.rehearse("rollback", SCENARIO, "--org", "uat")
    assert back.code == 0, back.output
    project.change(project.scenario, FAILING, "")
    ran = project.rehearse("run", SCENARIO, "--org", "uat")
    assert ran.code == 3, ran.output
    status = project.rehearse("status", SCENARIO, "--org", "uat")
    again = project.rehearse("rollback", SCENARIO, "--org", "uat")
    assert again.code == 0, again.output
    assert_nothing_leaked(live, failed.output, back.output, ran.output, status.output, again.output)

    # it was looked for in the right places: the files that may hold a secret do
    found = live.scanner.in_folder(project.folder)
    assert "value of the old credential file" in found["scenarios/erp/.env"]
    assert any(name.endswith("/credential.before") for name in found)
    assert "consumer secret" in found["ready.json"]
    assert {"credential.before", "credential.key", "journal.db"} <= set(private(project.folder / ".rehearse"))


def test_the_plugin_in_an_org_with_checks_that_fail(live: Watched) -> None:
    project = live.project
    project.change(project.scenario, "  denials:\n", f"{FAILING}  denials:\n")
    ran = project.pytest("scenarios", "--org", "uat", "--cassettes", "record", *TALKATIVE, *IN_XML)
    assert ran.outcomes["failed"] >= 2, ran.output
    assert ran.outcomes["passed"] > 10
    assert "urllib3.connectionpool" in ran.output
    assert "oauth2/token" in (project.folder / "junit.xml").read_text()
    assert (project.folder / "cassettes" / "erp" / "provision.yaml").is_file()
    assert_nothing_leaked(live, ran.output)


def test_the_plugin_recording_with_workers(watched: Watched) -> None:
    project = watched.project
    xdist = ("-n", "2", "--dist", "loadgroup")
    ran = project.pytest("scenarios", "--sandbox", "ready.json", "--cassettes", "record", *xdist, *TALKATIVE, *IN_XML)
    assert ran.code == 0, ran.output
    assert "/services/oauth2/token" in "".join(
        path.read_text() for path in (project.folder / "cassettes").rglob("*.yaml")
    )
    assert (project.folder / "reports" / "erp.html").is_file()
    assert_nothing_leaked(watched, ran.output)


BUG = """
import harness.org.connection as connection

def with_a_bug(*arguments, signing_in=connection.sign_in, **others):
    session = signing_in(*arguments, **others)
    raise RuntimeError(f"a bug shows {session.access_token.reveal()}")

connection.sign_in = with_a_bug
"""


def test_a_bug_of_ours(live: Watched) -> None:
    project = live.project
    (project.folder / "conftest.py").write_text(BUG)
    ran = project.pytest("scenarios", "--org", "uat", "--cassettes", "record", "-x", *TALKATIVE, *IN_XML)
    assert ran.code == 1
    assert "RuntimeError: a bug shows REDACTED" in ran.output
    command = f"{BUG}\nfrom harness.cli import main\nmain({['run', SCENARIO, '--org', 'uat']!r})"
    from_command = project.python(command)
    assert from_command.code == 5
    assert "RuntimeError: a bug shows REDACTED" in from_command.output
    assert_nothing_leaked(live, ran.output, from_command.output)


def test_a_token_that_no_header_may_hold(live: Watched) -> None:
    project = live.project
    live.own["token"] = f"{secrets.token_hex(12)}\u2028{secrets.token_hex(12)}"
    project.environ["TOKEN"] = live.own["token"] + "\n"
    config = project.folder / "rehearse.toml"
    kept = config.read_text().partition("flow =")[0]
    config.write_text(f'{kept}flow = "access-token"\naccess_token = "env:TOKEN"\n')
    ran = project.rehearse("run", SCENARIO, "--org", "uat")
    assert ran.code == 2, ran.output
    assert "the access token of" in ran.output
    assert_nothing_leaked(live, ran.output)


def test_the_org_that_the_command_keeps(watched: Watched) -> None:
    project = watched.project
    ran = project.rehearse("run", SCENARIO)
    assert ran.code == 0, ran.output
    state = project.folder / ".rehearse"
    public = [
        str(path.relative_to(state))
        for path in state.rglob("*")
        if path.is_file() and path.stat().st_mode & 0o077 and path.stat().st_size
    ]
    assert public == []
    assert "org.db" in private(state)


@pytest.mark.parametrize(
    "written",
    [
        lambda secret: secret,
        lambda secret: quote(secret, safe=""),
        lambda secret: base64.b64encode(f"user:{secret}".encode()).decode(),
        lambda secret: base64.b64encode(f"{secret} and more".encode()).decode(),
        lambda secret: repr({"password": secret}),
        lambda secret: f"<password>{secret.replace('&', '&amp;').replace('<', '&lt;')}</password>",
        lambda secret: secret.encode().hex(),
    ],
)
def test_the_scanner_finds_what_is_there(tmp_path: Path, written: Callable[[str], str]) -> None:
    secret = f"Ä9 {secrets.token_hex(8)}&<\"'%+/{secrets.token_hex(4)}"
    scanner = Scanner({"password": [secret]})
    (tmp_path / "clean.txt").write_text(secrets.token_hex(40))
    assert scanner.in_folder(tmp_path) == {}
    (tmp_path / "found.txt").write_text(f"before {written(secret)} after")
    assert scanner.in_folder(tmp_path) == {"found.txt": {"password"}}
