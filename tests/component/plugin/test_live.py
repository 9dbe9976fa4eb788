"""Live mode: the simulated sandbox, configured as an org, over TLS and in real time, with secrets by reference."""

from __future__ import annotations

import json
import ssl
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme

from harness.sandbox.ready import Ready
from harness.sandbox.server import SandboxServer
from harness.sandbox.source import open_org
from tests.component.plugin.example import Example

SCENARIO = "scenarios/mulesoft.scenario.yaml"


@dataclass
class Live:
    """A project whose `rehearse.toml` names a simulated sandbox that is served over TLS."""

    project: Example
    ready: Ready

    def configure(self, **changes: str) -> None:
        """Write `rehearse.toml`, with other values than the right ones where some are given."""
        right = {"my_domain": self.ready.instance_url, "org_id": self.ready.org_id, "ca_bundle": "ca.pem"}
        lines = [f"{key} = {json.dumps(value)}" for key, value in (right | changes).items()]
        admin = {
            "username": self.ready.users["admin"]["username"],
            "flow": "client-credentials",
            "app": "Rehearsal Admin",
            "consumer_key": "env:ADMIN_KEY",
            "consumer_secret": "env:ADMIN_SECRET",
        }
        lines += ["[orgs.uat.admin]", *(f"{key} = {json.dumps(value)}" for key, value in admin.items())]
        (self.project.folder / "rehearse.toml").write_text("\n".join(["[orgs.uat]", *lines]) + "\n")

    def turn_clock(self, **change: object) -> None:
        """Set or advance the sandbox's clock."""
        request = urllib.request.Request(
            self.ready.control["url"] + "/clock",
            data=json.dumps(change).encode(),
            headers={"Authorization": f"Bearer {self.ready.control['token']}"},
        )
        context = ssl.create_default_context(cafile=str(self.project.folder / "ca.pem"))
        with urllib.request.urlopen(request, context=context, timeout=10) as answer:
            assert answer.status == 200


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    project = Example(tmp_path, "mulesoft")
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    certificate.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    for number, blob in enumerate(certificate.cert_chain_pems):
        blob.write_to_path(str(tmp_path / "cert.pem"), append=number > 0)
    org = open_org(project.org)
    with SandboxServer(org, tls=(tmp_path / "cert.pem", tmp_path / "key.pem")) as server:
        ready = server.ready
        old, new = ready.apps["MuleSoft Anypoint"], ready.apps["MuleSoft Integration"]
        project.environ = {
            "ADMIN_KEY": ready.apps["Rehearsal Admin"]["consumer_key"],
            "ADMIN_SECRET": ready.apps["Rehearsal Admin"]["consumer_secret"],
            "MULESOFT_OLD_CONSUMER_KEY": old["consumer_key"],
            "MULESOFT_CONSUMER_KEY": new["consumer_key"],
        }
        project.change(project.scenario, "file:~/keys/mulesoft-anypoint.pem", f"file:{old['private_key_file']}")
        project.change(project.scenario, "file:~/keys/mulesoft-integration.pem", f"file:{new['private_key_file']}")
        credentials = project.scenario.parent / "mulesoft" / "secure-properties.json"
        credentials.parent.mkdir()
        credentials.write_text('{"salesforce": {"principal": "mulesoft.api@lumen.example"}, "other": 1}\n')
        one = Live(project, ready)
        one.configure()
        one.turn_clock(set=datetime.now(UTC).isoformat())
        yield one
    org.close()


def credential_file(live: Live) -> dict[str, object]:
    return dict(json.loads((live.project.scenario.parent / "mulesoft" / "secure-properties.json").read_text()))


def test_a_migration_waits_for_days_and_is_rolled_back(live: Live) -> None:
    before = credential_file(live)
    ran = live.project.rehearse("run", SCENARIO, "--org", "uat")
    assert ran.code == 3, ran.output
    assert credential_file(live) != before
    assert "other" in credential_file(live)

    status = live.project.rehearse("status", SCENARIO, "--org", "uat")
    assert status.code == 0
    assert "dual-auth stopped" in status.output
    assert "waits until" in status.output

    again = live.project.rehearse("run", SCENARIO, "--org", "uat")
    assert again.code == 2
    assert "rehearse resume" in again.output

    back = live.project.rehearse("rollback", SCENARIO, "--org", "uat")
    assert back.code == 0, back.output
    assert "equal to the snapshot" in back.output
    assert credential_file(live) == before


@pytest.mark.long
def test_a_migration_is_taken_up_when_its_time_has_come(live: Live) -> None:
    live.project.change(
        live.project.scenario, "{for: 7d, old_user_quiet_for: 24h}", "{for: 2s, old_user_quiet_for: 1s}"
    )
    first = live.project.rehearse("run", SCENARIO, "--org", "uat")
    assert first.code in (0, 3), first.output
    time.sleep(3)
    live.turn_clock(advance=3)
    second = live.project.rehearse("resume", SCENARIO, "--org", "uat")
    assert second.code == 0, second.output
    assert "cut-over" in live.project.rehearse("status", SCENARIO, "--org", "uat").output


def test_pytest_goes_as_far_as_the_wait_and_says_until_when(live: Live) -> None:
    ran = live.project.pytest("scenarios", "--org", "uat", "--cassettes", "off", "-rs")
    assert "Traceback" not in ran.output
    assert ran.outcomes["passed"] > 20
    assert "stage dual-auth is not finished" in ran.output
    assert "`rehearse status` says where it stands" in ran.output


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"org_id": "00D000000000001EAA"}, 4, "pinned to 00D000000000001EAA"),
        ({"my_domain": "https://127.0.0.1:1"}, 1, "127.0.0.1:1"),
        ({"ca_bundle": "cert.pem"}, 1, "certificate"),
        ({"my_domin": "https://x.my.salesforce.com"}, 2, "did you mean 'my_domain'?"),
    ],
    ids=["another-org", "no-answer", "untrusted", "typo"],
)
def test_a_wrong_configuration_is_one_clear_message(live: Live, changes: dict[str, str], code: int, words: str) -> None:
    if "ca_bundle" in changes:  # a certificate of somebody else
        trustme.CA().cert_pem.write_to_path(str(live.project.folder / "cert.pem"))
    live.configure(**changes)
    ran = live.project.rehearse("run", SCENARIO, "--org", "uat")
    assert ran.code == code, ran.output
    assert words in ran.output
    assert "Traceback" not in ran.output


def test_a_missing_secret_names_its_reference(live: Live) -> None:
    del live.project.environ["MULESOFT_CONSUMER_KEY"]
    ran = live.project.rehearse("run", SCENARIO, "--org", "uat")
    assert ran.code == 2
    assert "MULESOFT_CONSUMER_KEY" in ran.output
    assert "Traceback" not in ran.output


def test_an_unknown_org_is_named_with_the_ones_there_are(live: Live) -> None:
    ran = live.project.rehearse("plan", SCENARIO, "--org", "uta")
    assert ran.code == 2
    assert "did you mean 'uat'?" in ran.output


def test_a_plan_writes_nothing_at_all(live: Live) -> None:
    ran = live.project.rehearse("plan", SCENARIO, "--org", "uat")
    assert ran.code == 0, ran.output
    assert "What would be written" in ran.output
    assert not (live.project.folder / ".rehearse").exists()
    assert not (live.project.folder / "reports").exists()
