"""`rehearse sandbox` as somebody who starts and stops it meets it."""

from __future__ import annotations

import json
import signal
import socket
import stat
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
import trustme

from harness.sandbox.ready import Ready
from tests.component.command.process import Process, running
from tests.component.plugin.example import Example

ORG = "scenarios/orgs/mulesoft"
SCENARIO = "scenarios/mulesoft.scenario.yaml"


@contextmanager
def served(project: Example, *arguments: str) -> Iterator[tuple[Process, Ready]]:
    with running(project, "sandbox", "--source", ORG, "--ready", "ready.json", *arguments) as process:
        process.read_until("simulated sandbox at")
        yield process, Ready.read(project.folder / "ready.json")


def sandbox_time(ready: Ready) -> str:
    request = urllib.request.Request(
        ready.control["url"] + "/clock", headers={"Authorization": f"Bearer {ready.control['token']}"}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return str(json.load(answer)["now"])


def test_it_serves_the_loopback_alone_and_sigterm_ends_it(project: Example) -> None:
    file = project.folder / "ready.json"
    with served(project) as (process, ready):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert next(iter(ready.users)) == "admin"
        host, port = ready.instance_url.removeprefix("http://").split(":")
        assert host == "127.0.0.1"
        with socket.create_connection((host, int(port)), timeout=5):
            pass
        with pytest.raises(OSError), socket.create_connection(("127.0.0.2", int(port)), timeout=1):  # noqa: PT011
            pass
        second = project.rehearse("sandbox", "--port", port, "--ready", "ready.json")
        assert second.code == 2
        assert f"port {port} of 127.0.0.1 cannot be served: Address already in use" in second.output
        assert "choose another --port" in second.output
        assert Ready.read(file) == ready, "the file of the one that runs is not another's to remove"
        keys = [Path(app["private_key_file"]) for app in ready.apps.values() if "private_key_file" in app]
        assert keys
        ended = process.end(by=signal.SIGTERM)
    assert ended.code == 0, ended.output
    assert "Traceback" not in ended.output
    assert not file.exists()
    assert not any(key.exists() for key in keys)


def test_a_migration_in_a_sandbox_that_runs_advances_its_clock(project: Example) -> None:
    with served(project) as (process, ready):
        before = sandbox_time(ready)
        ran = project.rehearse("run", SCENARIO, "--sandbox", "ready.json")
        assert ran.code == 0, ran.output
        assert "✓ cut-over" in ran.output
        assert before.startswith("2026-01-05")
        assert sandbox_time(ready).startswith("2026-01-12"), "seven days of dual-auth went by"
        assert process.end(by=signal.SIGINT).code == 0
    gone = project.rehearse("status", SCENARIO, "--sandbox", "ready.json")
    assert gone.code == 2


def test_it_keeps_its_org_in_a_file_and_serves_tls(project: Example) -> None:
    certificate = trustme.CA().issue_cert("127.0.0.1")
    certificate.private_key_pem.write_to_path(str(project.folder / "key.pem"))
    certificate.cert_chain_pems[0].write_to_path(str(project.folder / "cert.pem"))
    with served(project, "--state", "org.db", "--tls", "cert.pem", "key.pem") as (process, first):
        assert first.instance_url.startswith("https://127.0.0.1:")
        ran = project.rehearse("run", SCENARIO, "--sandbox", "ready.json")
        assert ran.code == 1
        assert "configured as an org in rehearse.toml" in ran.output
        assert process.end(by=signal.SIGTERM).code == 0
    with served(project, "--state", "org.db") as (process, again):
        assert again.users == first.users
        assert process.end(by=signal.SIGTERM).code == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--source", "scenarios"), "sfdx-project.json"),
        (("--tls", "pytest.ini", "pytest.ini"), "are no certificate and its key"),
        (("--state", "pytest.ini"), "cannot be opened as the state of a simulated org"),
        (("--ready", "pytest.ini/ready.json"), "the ready file pytest.ini/ready.json cannot be written"),
    ],
    ids=["source", "tls", "state", "ready"],
)
def test_what_it_cannot_use_is_named(project: Example, arguments: tuple[str, ...], words: str) -> None:
    ran = project.rehearse("sandbox", *arguments)
    assert ran.code == 2, ran.output
    assert words in ran.output
    assert "Traceback" not in ran.output


def test_a_stale_or_wrong_ready_file_is_told_from_an_org(example: Callable[[str], Example]) -> None:
    project = example("mulesoft")
    (project.folder / "ready.json").write_text("{}")
    ran = project.rehearse("plan", SCENARIO, "--sandbox", "ready.json")
    assert ran.code == 2
    assert "no ready file" in ran.output


def test_it_answers_no_more_requests_than_it_was_told(project: Example) -> None:
    with served(project, "--daily-requests", "1") as (process, ready):
        app, user = ready.apps["Rehearsal Admin"], ready.users["admin"]
        form = {
            "grant_type": "password",
            "client_id": app["consumer_key"],
            "client_secret": app["consumer_secret"],
            "username": user["username"],
            "password": user["password"] + user["security_token"],
        }
        with requests.Session() as http:
            http.trust_env = False
            token = http.post(f"{ready.instance_url}/services/oauth2/token", data=form, timeout=10).json()
            http.headers["Authorization"] = f"Bearer {token['access_token']}"
            first, second = (http.get(f"{ready.instance_url}/services/data/v67.0", timeout=10) for _ in range(2))
        assert (first.status_code, first.headers["Sforce-Limit-Info"]) == (200, "api-usage=1/1")
        assert (second.status_code, second.json()[0]["errorCode"]) == (403, "REQUEST_LIMIT_EXCEEDED")
        assert process.end(by=signal.SIGINT).code == 0
