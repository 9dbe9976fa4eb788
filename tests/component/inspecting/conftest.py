"""A small conversation with the simulated sandbox, recorded as every other is."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from harness.cli import rehearse
from harness.errors import RequestRefused
from harness.org.connection import Connection
from harness.org.guard import WriteCapability, prove_sandbox
from harness.recording.cassettes import Cassettes
from tests.component.org import conftest as org_side
from tests.component.org.conftest import Office, OrgClock
from tests.unit.recording.some_facts import facts

small_org = org_side.small_org
org = org_side.org
server = org_side.server
key_pool = org_side.key_pool
_pooled_keys = org_side._pooled_keys
user_ids = org_side.user_ids
office = org_side.office


def talk(office: Office, connection: Connection) -> None:
    """Something of each kind: rows, an error, saved rows and one that was refused, a composite."""
    connection.query("SELECT Id, Username FROM User WHERE IsActive = true ORDER BY Username LIMIT 2")
    with pytest.raises(RequestRefused):
        connection.query("SELECT Nmae FROM Account")
    with office.guard.grant(prove_sandbox(connection, office.site), WriteCapability(office.site.org_id, "0" * 12, "x")):
        connection.create_many("Account", [{"Name": "Weber Steel"}, {"Nmae": "Weber Steel"}])
    connection.describe_many(["Account", "Nothing__c"])


_RECORDED: list[str] = []
"""The recording, once it was made: it is the same for every test."""


@pytest.fixture
def folder(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of cassettes, `cassettes`, with one recording: `erp/verify.yaml`."""
    monkeypatch.chdir(tmp_path)
    path = Path("cassettes") / "erp" / "verify.yaml"
    if _RECORDED:
        path.parent.mkdir(parents=True)
        path.write_text(_RECORDED[0], "utf-8")
    else:
        record(request.getfixturevalue("office"), path)
        _RECORDED.append(path.read_text("utf-8"))
    return Path("cassettes")


def record(office: Office, path: Path) -> None:
    credential = office.credential("username-password")
    made = Cassettes(
        path.parent,
        "record",
        clock=OrgClock(office.server),
        org_id=office.ready.org_id,
        known=["admin@acme.example", "Weber Steel"],
        hosts=[office.ready.instance_url],
        secrets=credential.parts.values,
        record_facts=lambda _: facts(org_id=office.ready.org_id, admin_username="admin@acme.example"),
    )
    office.clock = made.clock
    with made.stage("verify"):
        talk(office, office.connect(credential))


def cassette(*arguments: str | Path) -> Result:
    """What `rehearse cassette` says and ends with."""
    return CliRunner().invoke(rehearse, ["cassette", *map(str, arguments)], standalone_mode=False)
