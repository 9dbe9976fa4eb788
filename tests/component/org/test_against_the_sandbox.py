"""Our side of the wire against the simulated sandbox, which shares no code with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import trustme

from harness.errors import GuardRefused, RequestRefused, SignInRefused
from harness.org.connection import Connection
from harness.org.guard import prove_sandbox
from harness.org.ids import to_18
from harness.org.secret import Secret
from harness.org.sign_in import Credential
from harness.recording.cassettes import Cassettes
from harness.recording.hosts import CANONICAL_URL
from harness.sandbox.org import SandboxOrg
from harness.sandbox.server import SandboxServer
from tests.component.org.conftest import Office, OrgClock

JWT_APP = "Rehearsal Admin JWT"


def test_every_flow_signs_in(office: Office, user_ids: dict[str, str]) -> None:
    first = office.connect()
    assert (first.user_id, first.org_id) == (user_ids["admin"], office.ready.org_id)
    for credential in (
        office.credential("client-credentials"),
        office.credential("jwt-bearer", app=JWT_APP),
        office.credential("soap-login"),
        office.credential("access-token", access_token=first._session.access_token.reveal()),
    ):
        connection = office.connect(credential)
        assert connection.user_id == user_ids["admin"], credential.flow
        assert connection.query("SELECT Id FROM User WHERE Username = 'admin@acme.example'") == [
            {"Id": user_ids["admin"]}
        ]


@pytest.mark.parametrize(
    ("flow", "changed", "code"),
    [
        ("username-password", {"password": "wrong"}, "invalid_grant"),
        ("username-password", {"consumer_key": "wrong"}, "invalid_client_id"),
        ("client-credentials", {"consumer_secret": "wrong"}, "invalid_client"),
        ("soap-login", {"password": "wrong"}, "INVALID_LOGIN"),
        ("access-token", {"access_token": "wrong"}, "Bad_OAuth_Token"),
    ],
)
def test_a_refused_sign_in_says_what_to_do(office: Office, flow: str, changed: dict[str, str], code: str) -> None:
    with pytest.raises(SignInRefused) as caught:
        office.connect(office.credential(flow, **changed))
    assert (caught.value.code, bool(caught.value.remedy)) == (code, True)


def test_the_org_proves_itself_a_sandbox(admin: Connection, office: Office) -> None:
    proof = prove_sandbox(admin, office.site)
    assert (proof.org_id, proof.kind, proof.instance) == (office.ready.org_id, "simulated", "CS1")


def test_a_production_org_gets_no_write(admin: Connection, office: Office, org: SandboxOrg) -> None:
    org.update_row("Organization", org.org_id, {"IsSandbox": False})
    before = len(org.rows("Account"))
    with pytest.raises(GuardRefused, match="is not a sandbox"), office.writing(admin):
        admin.create("Account", {"Name": "x"})
    with pytest.raises(GuardRefused, match="writes, and no stage"):
        admin.create("Account", {"Name": "x"})
    assert len(org.rows("Account")) == before


def test_another_pinned_org_is_refused(office: Office) -> None:
    with pytest.raises(GuardRefused, match="is pinned to"):
        office.connect(site=replace(office.site, org_id=to_18("00D000000000009")))


def test_a_session_that_ended_is_renewed(admin: Connection, org: SandboxOrg) -> None:
    from harness.sandbox import identity

    identity.end_session(org, admin._session.access_token.reveal())
    assert len(admin.query("SELECT Id FROM User")) == 4


def test_rows_in_every_way(admin: Connection, office: Office) -> None:
    with office.writing(admin):
        made = admin.create("Account", {"Name": "One", "ERP_Key__c": "k1"})
        assert made.ok
        assert made.id is not None
        assert admin.update("Account", made.id, {"Name": "Uno"}).ok
        assert admin.upsert("Account", "ERP_Key__c", "k1", {"Name": "Eins"}).created is False
        assert admin.upsert("Account", "ERP_Key__c", "k2", {"Name": "Two"}).created is True
        many = admin.create_many("Account", [{"Name": f"n{n}"} for n in range(450)])
        assert all(each.ok for each in many)
        renamed = [{"Id": each.id, "Name": "all alike"} for each in many]
        assert all(each.ok for each in admin.update_many("Account", renamed))
        assert len(admin.query("SELECT Id FROM Account WHERE Name = 'all alike'")) == 450
        assert all(each.ok for each in admin.delete_many([str(each.id) for each in many]))
        refused = admin.create("Account", {"Nmae": "x"})
        assert (refused.certainty, refused.errors[0].code) == ("NOT_APPLIED", "INVALID_FIELD")
        assert admin.create("Nothing__c", {}).errors[0].code == "NOT_FOUND"
        assert admin.delete("Account", made.id).ok
        assert admin.delete("Account", made.id).certainty == "NOT_APPLIED"
    assert [row["Name"] for row in admin.query("SELECT Name FROM Account")] == ["Two"]


def test_refused_queries_and_long_ones(admin: Connection) -> None:
    with pytest.raises(RequestRefused) as caught:
        admin.query("SELECT Id FROM Nothing__c")
    assert caught.value.code == "INVALID_TYPE"
    names = ", ".join(f"'some account of number {number}'" for number in range(600))
    assert admin.query(f"SELECT Id FROM Account WHERE Name IN ({names})") == []


def test_more_rows_than_fit_on_a_page(admin: Connection, office: Office) -> None:
    with office.writing(admin):
        admin.create_many("Account", [{"Name": f"n{n}"} for n in range(2100)])
    calls = admin._transport.meter.calls
    assert len(admin.query("SELECT Name FROM Account")) == 2100
    assert admin._transport.meter.calls - calls == 2


def test_describes(admin: Connection) -> None:
    found = admin.describe_many(["Account", "Nothing__c", "Contact"])
    assert set(found) == {"Account", "Contact"}
    assert {"name", "type", "createable"} <= set(found["Account"]["fields"][0])
    assert admin.describe("Account").body == found["Account"]
    [in_one_call] = admin.composite([{"method": "GET", "url": "sobjects/Account/describe"}], all_or_none=False)
    assert in_one_call.body == found["Account"]  # nothing else of it would be there in a replay
    assert "Account" in {each["name"] for each in admin.describe_global()}


def test_bulk_jobs(admin: Connection, office: Office) -> None:
    with office.writing(admin):
        rows = [{"Name": f"bulk {n}", "ERP_Key__c": f"b{n}"} for n in range(300)]
        made = admin.bulk_ingest("upsert", "Account", rows, external_id="ERP_Key__c")
    assert (made.state, made.processed, made.failed, made.error) == ("JobComplete", 300, 0, None)
    assert len(made.rows) == 300
    read = admin.bulk_query("SELECT Id, Name FROM Account WHERE Name LIKE 'bulk%'")
    assert (read.state, len(read.rows)) == ("JobComplete", 300)
    assert admin.bulk_query("SELECT Id FROM Nothing__c").error is not None


def test_the_user_interface_is_open_to_the_admin_and_closed_to_an_api_only_user(
    admin: Connection, office: Office, org: SandboxOrg, user_ids: dict[str, str]
) -> None:
    from harness.sandbox import apps

    assert admin.user_interface_allowed().ok
    app = apps.add_app(org, name="ERP", flows={"client-credentials"}, run_as=user_ids["integration"])
    parts = {"consumer_key": Secret(app.consumer_key), "consumer_secret": Secret(app.consumer_secret)}
    target = office.connect(Credential("client-credentials", "erp.integration@acme.example", "ERP", parts))
    closed = target.user_interface_allowed()
    assert closed.errors[0].code == "API_ONLY_USER"


def test_it_speaks_over_tls(org: SandboxOrg, tmp_path: Path, make_office: Callable[..., Office]) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    chain, key, bundle = tmp_path / "chain.pem", tmp_path / "key.pem", tmp_path / "ca.pem"
    chain.write_bytes(b"".join(each.bytes() for each in certificate.cert_chain_pems))
    key.write_bytes(certificate.private_key_pem.bytes())
    authority.cert_pem.write_to_path(str(bundle))
    with SandboxServer(org, tls=(chain, key)) as served:
        trusting = make_office(served, ca_bundle=bundle)
        assert trusting.ready.instance_url.startswith("https://127.0.0.1")
        assert len(trusting.connect().query("SELECT Id FROM User")) == 4
        trusting.close()


def test_a_conversation_is_recorded_and_replayed_without_the_org(office: Office, tmp_path: Path) -> None:
    known: list[Secret] = []

    def cassettes(mode: Any) -> Cassettes:
        clock = OrgClock(office.server)
        hosts = [office.ready.instance_url]
        own = {"org_id": office.site.org_id, "known": usernames} if mode == "record" else {}
        return Cassettes(tmp_path / "erp", mode, clock=clock, hosts=hosts, secrets=lambda: known, **own)

    def talk(made: Cassettes, site: Any, credentials: list[Credential]) -> list[Any]:
        office.clock = made.clock
        said: list[Any] = []
        with made.stage("verify"):
            for credential in credentials:
                connection = office.connect(credential, site=site)
                said.append(connection.query("SELECT Id, Username FROM User ORDER BY Username"))
            with office.guard.grant(prove_sandbox(connection, site), writing(site)):
                said.append(connection.create_many("Account", [{"Name": "a"}, {"Nmae": "b"}]))
                said.append(connection.bulk_ingest("insert", "Account", [{"Name": "c"}]))
            said.append(connection.describe_many(["Account", "Nothing__c"]))
            said.append(connection.user_interface_allowed().ok)
            said.append(made.clock.now())
        return said

    def writing(site: Any) -> Any:
        from harness.org.guard import WriteCapability

        return WriteCapability(site.org_id, "0" * 12, "verify")

    flows = [("username-password", None), ("client-credentials", None), ("jwt-bearer", JWT_APP), ("soap-login", None)]
    real = [office.credential(flow, app=app) for flow, app in flows]
    known += [secret for each in real for secret in each.parts.values()]
    usernames = [each.username for each in real]
    recorder = cassettes("record")
    recorded = talk(recorder, office.site, real)
    key = office.credential("jwt-bearer", app=JWT_APP).parts["private_key"]
    names = ("consumer_key", "consumer_secret", "password", "security_token")
    dummies = {**dict.fromkeys(names, Secret("anything")), "private_key": key}
    replayed = talk(
        cassettes("replay"),
        replace(office.site, url=CANONICAL_URL, org_id=recorder.pseudonyms.identifier(office.site.org_id)),
        [replace(each, parts=dummies) for each in real],
    )
    assert repr(replayed) == recorder.pseudonyms.in_message(repr(recorded))  # the same, with stand-ins
    assert repr(replayed) != repr(recorded)
    text = (tmp_path / "erp" / "verify.yaml").read_text("utf-8")
    assert "REDACTED" in text
    assert all(secret.reveal() not in text for secret in known)
