"""The guard: what is a write, and that none leaves without a capability."""

from __future__ import annotations

import json
from io import BytesIO
from typing import Any

import pytest

from harness.errors import GuardRefused
from harness.org import soap
from harness.org.guard import SandboxProof, WriteCapability, WriteGuard, is_write, prove_sandbox
from harness.org.ids import to_18
from harness.org.site import Site
from tests.unit.fake_org import ORG_ID, Bench, FakeOrg, Told

BASE = "https://acme.example"
DATA = f"{BASE}/services/data/v67.0"
OTHER_ORG = to_18("00D000000000002")


def composite(*methods: str) -> str:
    parts = [{"method": method, "url": "/services/data/v67.0/query?q=x", "referenceId": "a"} for method in methods]
    return json.dumps({"allOrNone": False, "compositeRequest": parts})


def soap_call(operation: str) -> bytes:
    return soap.envelope(f'<{operation} xmlns="urn:x"/>')


READS: list[tuple[str, str, Any]] = [
    ("GET", f"{DATA}/query?q=SELECT", None),
    ("HEAD", f"{DATA}/sobjects", None),
    ("POST", f"{BASE}/services/oauth2/token", "grant_type=password"),
    ("POST", f"{BASE}/services/Soap/u/64.0", soap_call("login")),
    ("POST", f"{BASE}/services/Soap/m/67.0", soap_call("readMetadata")),
    ("POST", f"{BASE}/services/Soap/m/67.0/00D000000000001", soap_call("listMetadata")),
    ("POST", f"{DATA}/composite", composite("GET", "GET")),
    ("POST", f"{DATA}/composite/sobjects/Account", '{"ids": ["001"], "fields": ["Name"]}'),
    ("POST", f"{DATA}/jobs/query", '{"operation": "query"}'),
    ("DELETE", f"{DATA}/jobs/query/750", None),
    ("POST", f"{BASE}/secur/frontdoor.jsp", "sid=x"),
    ("GET", f"{BASE}/services/data", None),
    ("GET", f"{DATA}/sobjects/Account/ERP_Key__c/a%2Fb%20c", None),
    ("GET", f"{BASE}/services/oauth2/userinfo", None),
]
WRITES: list[tuple[str, str, Any]] = [
    ("POST", f"{DATA}/sobjects/Account", "{}"),
    ("PATCH", f"{DATA}/sobjects/Account/001", "{}"),
    ("DELETE", f"{DATA}/sobjects/Account/001", None),
    ("PUT", f"{DATA}/jobs/ingest/750/batches", "Name\nx"),
    ("POST", f"{DATA}/jobs/ingest", "{}"),
    ("POST", f"{DATA}/composite", composite("GET", "PATCH")),
    ("POST", f"{DATA}/composite", "not json"),
    ("POST", f"{DATA}/composite", None),
    ("POST", f"{DATA}/composite/sobjects", '{"records": []}'),
    ("POST", f"{DATA}/composite/sobjects/Account", '{"ids": ["001"], "fields": [], "records": []}'),
    ("POST", f"{DATA}/composite/tree/Account", '{"records": []}'),
    ("POST", f"{DATA}/composite/batch", '{"batchRequests": []}'),
    ("GET", f"{DATA}/tooling/executeAnonymous?anonymousBody=delete", None),
    ("GET", f"{BASE}/services/oauth2/revoke?token=x", None),
    ("POST", f"{BASE}/services/Soap/m/67.0", soap_call("updateMetadata")),
    ("POST", f"{BASE}/services/Soap/u/64.0", soap_call("delete")),
    ("POST", f"{BASE}/services/Soap/u/64.0", b"<not><xml"),
    ("POST", f"{BASE}//services/oauth2/token", ""),
    ("POST", f"{BASE}/services/oauth2/token/../../data/v67.0/sobjects/Account", "{}"),
    ("GET", f"{DATA}/sobjects/Account/001?_HttpMethod=DELETE", None),
    ("POST", f"{BASE}/services/apexrest/orders", "{}"),
    ("TRACE", f"{DATA}/query", None),
    ("MERGE", f"{DATA}/query", None),
    ("GET", f"{BASE}/services/apexrest/orders", None),
    ("GET", f"{BASE}/apex/Page", None),
    ("GET", f"{BASE}/secur/logout.jsp", None),
    ("GET", f"{DATA}/tooling/runTestsAsynchronous/?classids=01p", None),
    ("GET", f"{DATA}/tooling/EXECUTEanonymous?anonymousBody=delete", None),
    ("GET", f"{DATA}/tooling/execute%41nonymous?anonymousBody=delete", None),
    ("GET", f"{DATA}/../../oauth2/revoke?token=x", None),
    ("GET", f"{DATA}/%2e%2e/%2E%2e/apexrest/orders", None),
    ("GET", f"{BASE}/services/oauth2/./revoke?token=x", None),
    ("GET", f"{DATA}/..;/apexrest/orders", None),
    ("GET", f"{DATA}/..\\apexrest", None),
    ("GET", f"{DATA}//tooling//executeAnonymous", None),
    ("GET", f"{DATA}/sobjects/Account/001?%5fHTTPMethod=PATCH", None),
    ("GET", f"{DATA}/sobjects/Account/001?_HttpMethod", None),
    ("POST", f"{DATA}/jobs/query/%2e%2e/ingest", "{}"),
    ("POST", f"{DATA}/jobs/query/750/../../ingest", "{}"),
    ("POST", f"{DATA}/Composite", composite("GET")),
    ("POST", f"{DATA}/composite/graph", composite("GET")),
    ("POST", f"{DATA}/composite", composite("GET").replace('"method": "GET"', '"method": "DELETE", "method": "GET"')),
    ("POST", f"{DATA}/composite", composite("GET").replace("query?q=x", "tooling/executeAnonymous?anonymousBody=x")),
    ("POST", f"{DATA}/composite", composite("GET").replace("query?q=x", "../../apexrest/orders")),
    ("POST", f"{DATA}/composite", composite("GET").replace("query?q=x", "query?_HttpMethod=POST")),
    ("POST", f"{DATA}/composite/sobjects/Account?_HttpMethod=PATCH", '{"ids": ["001"], "fields": ["Name"]}'),
    ("POST", f"{BASE}/services/Soap/m/67.0", soap_call("login")),
    ("POST", f"{BASE}/services/Soap/u/64.0", soap.envelope('<login xmlns="urn:x"/><delete xmlns="urn:x"/>')),
    ("POST", f"{BASE}/services/Soap/u/64.0", soap_call("login").replace(b"<env:Body>", b"<env:Body/><env:Body>")),
    ("POST", f"{BASE}/services/Soap/s/67.0", soap_call("login")),
]


@pytest.mark.parametrize(("method", "url", "body"), READS)
def test_reads(method: str, url: str, body: Any) -> None:
    assert not is_write(method, url, {}, body)


@pytest.mark.parametrize(("method", "url", "body"), WRITES)
def test_what_is_not_known_to_be_a_read_is_a_write(method: str, url: str, body: Any) -> None:
    assert is_write(method, url, {}, body)


def test_a_method_cannot_be_smuggled_in_by_a_header() -> None:
    assert is_write("GET", f"{DATA}/sobjects/Account/001", {"X-HTTP-Method-Override": "DELETE"})
    inner = {"compositeRequest": [{"method": "GET", "url": "/x", "httpHeaders": {"X-HTTP-Method": "DELETE"}}]}
    assert is_write("POST", f"{DATA}/composite", {}, json.dumps(inner))


def test_a_write_without_capability_sends_no_byte(bench: Bench) -> None:
    before, connections = len(bench.org.asked), bench.org.connections
    for write in (
        lambda c: c.create("Account", {"Name": "x"}),
        lambda c: c.update("Account", "001", {"Name": "x"}),
        lambda c: c.delete("Account", "001"),
        lambda c: c.create_many("Account", [{"Name": "x"}]),
        lambda c: c.bulk_ingest("insert", "Account", [{"Name": "x"}]),
        lambda c: c.update_metadata("ConnectedApp", {"fullName": "x"}),
        lambda c: c.apex_rest("POST", "/x", {}),
        lambda c: c._sf.Account.create({"Name": "x"}),
    ):
        with pytest.raises(GuardRefused, match="writes, and no stage that may write is running"):
            write(bench.connection)
    assert len(bench.org.asked) == before
    assert bench.org.connections == connections
    assert bench.transport.meter.calls == before


def test_a_composite_of_reads_needs_no_capability(bench: Bench) -> None:
    bench.org.on(
        "POST", ".*/composite", Told(200, {"compositeResponse": [{"httpStatusCode": 200, "body": {"records": []}}]})
    )
    assert bench.connection.composite([{"method": "GET", "url": "query?q=x"}], all_or_none=False)[0].ok


def test_a_capability_is_for_one_org_and_ends_with_its_stage(bench: Bench) -> None:
    bench.org.on("POST", ".*/sobjects/Account", Told(201, {"id": "001", "success": True, "errors": []}))
    with bench.writing():
        assert bench.connection.create("Account", {}).ok
        assert bench.guard.granted == WriteCapability(ORG_ID, "0" * 12, "grant")
    with pytest.raises(GuardRefused):
        bench.connection.create("Account", {})
    other = SandboxProof(OTHER_ORG, "sandbox", "CS1", "Enterprise Edition")
    with bench.guard.grant(other, WriteCapability(OTHER_ORG, "0" * 12, "grant")), pytest.raises(GuardRefused):
        bench.connection.create("Account", {})


def test_a_capability_needs_a_proof_of_the_same_org_and_does_not_overlap() -> None:
    guard = WriteGuard()
    proof = SandboxProof(ORG_ID, "sandbox", "CS1", "Enterprise Edition")
    with (
        pytest.raises(GuardRefused, match="the proof is of org"),
        guard.grant(proof, WriteCapability(OTHER_ORG, "r", "s")),
    ):
        pytest.fail("it was granted")
    with (
        guard.grant(proof, WriteCapability(ORG_ID, "r", "grant")),
        pytest.raises(GuardRefused, match="grant of run r is still writing"),
        guard.grant(proof, WriteCapability(ORG_ID, "r", "switch")),
    ):
        pytest.fail("it was granted")


def test_a_request_to_another_host_is_refused(bench: Bench) -> None:
    url = bench.org.url
    port = url.rpartition(":")[2]
    asked = len(bench.org.asked)
    for other in (
        "https://elsewhere.example/services/data",
        "http://127.0.0.1:9/services/data",
        f"https://x@{BASE[8:]}/",
        f"http://x:y@127.0.0.1:{port}/services/data",
        f"http://localhost:{port}/services/data",
        f"http://127.0.0.1.:{port}/services/data",
        f"http://127.1:{port}/services/data",
    ):
        with pytest.raises(GuardRefused, match="is not org simulated"):
            bench.transport.session.get(other)
    with pytest.raises(GuardRefused, match=r"acme\.my\.salesforce\.com is not org simulated"):
        bench.transport.session.get(f"{url}/services/data", headers={"Host": "acme.my.salesforce.com"})
    assert len(bench.org.asked) == asked


def test_a_session_is_not_shown_to_an_org_without_tls() -> None:
    site = Site("uat", BASE, ORG_ID)
    with pytest.raises(GuardRefused, match="is not org uat"):
        WriteGuard().check(site=site, method="GET", url=f"http{BASE[5:]}/services/data")


def test_a_redirect_is_an_answer_and_is_not_followed(bench: Bench) -> None:
    bench.org.on("GET", ".*/limits", Told(307, None, {"Location": f"{bench.org.url}/services/apexrest/orders"}))
    bench.org.on("POST", ".*/composite", Told(308, None, {"Location": f"{bench.org.url}/services/data/v67.0/sobjects"}))
    before = len(bench.org.asked)
    assert bench.connection.request("GET", "limits").status == 307
    bench.connection.composite([{"method": "GET", "url": "query?q=x"}], all_or_none=False)
    assert [path.split("/")[-1] for path in bench.org.paths()[before:]] == ["limits", "composite"]


def test_a_body_that_cannot_be_read_beforehand_is_a_write(bench: Bench) -> None:
    before = len(bench.org.asked)
    for body in (iter([composite("GET").encode()]), BytesIO(composite("GET").encode())):
        with pytest.raises(GuardRefused, match="writes"):
            bench.transport.session.post(f"{bench.org.url}/services/data/v67.0/composite", data=body)
    assert len(bench.org.asked) == before


def organization(**changed: Any) -> dict[str, Any]:
    row = {
        "attributes": {"type": "Organization"},
        "Id": ORG_ID,
        "Name": "Acme",
        "InstanceName": "CS420",
        "IsSandbox": True,
        "OrganizationType": "Enterprise Edition",
        "TrialExpirationDate": None,
        **changed,
    }
    return {"totalSize": 1, "done": True, "records": [row]}


def prove(org: FakeOrg, bench: Bench, **changed: Any) -> SandboxProof:
    org.on("GET", r".*/query/\?q=SELECT\+Id.*Organization", Told(200, organization(**changed)))
    return prove_sandbox(bench.connection, org.site)


def test_what_an_org_is(fake_org: FakeOrg, bench: Bench) -> None:
    proof = prove(fake_org, bench)
    assert (proof.kind, proof.instance, proof.organization_type) == ("simulated", "CS420", "Enterprise Edition")
    assert prove(fake_org, bench, TrialExpirationDate="2026-02-01T10:00:00.000+0000").trial_expires is not None


def test_a_production_org_is_refused_and_gets_no_write(fake_org: FakeOrg, bench: Bench) -> None:
    with pytest.raises(GuardRefused, match="is not a sandbox") as caught:
        prove(fake_org, bench, IsSandbox=False)
    assert caught.value.exit_code == 4
    assert all(path.startswith(("GET ", "POST /services/oauth2/token")) for path in fake_org.paths())


def test_another_org_than_the_pinned_one_is_refused(fake_org: FakeOrg, bench: Bench) -> None:
    with pytest.raises(GuardRefused, match=f"pinned to {ORG_ID}, but the Organization row says {OTHER_ORG}"):
        prove(fake_org, bench, Id=OTHER_ORG)


def test_an_org_that_will_not_say_is_refused(fake_org: FakeOrg, bench: Bench) -> None:
    fake_org.on("GET", ".*", Told(400, [{"errorCode": "INVALID_TYPE", "message": "sObject type 'Organization'"}]))
    with pytest.raises(GuardRefused, match="cannot be proven to be a sandbox: INVALID_TYPE"):
        prove_sandbox(bench.connection, fake_org.site)
    fake_org.on("GET", ".*", Told(200, {"totalSize": 0, "done": True, "records": []}))
    with pytest.raises(GuardRefused, match="0 rows"):
        prove_sandbox(bench.connection, fake_org.site)


def test_after_a_new_sign_in_nothing_is_written_before_the_org_is_proven_again(fake_org: FakeOrg, bench: Bench) -> None:
    fake_org.on("POST", ".*/sobjects/Account", Told(201, {"id": "001", "success": True, "errors": []}))
    proof = prove(fake_org, bench)
    with bench.guard.grant(proof, WriteCapability(ORG_ID, "r", "grant")):
        assert bench.connection.create("Account", {}).ok
        bench.connection._session, bench.connection._sf = bench.connection._sign_in()
        asked = len(fake_org.asked)
        with pytest.raises(GuardRefused, match="was not read again since"):
            bench.connection.create("Account", {})
        assert len(fake_org.asked) == asked
        bench.guard.renew(lambda: prove(fake_org, bench))
        assert bench.connection.create("Account", {}).ok
    with (
        pytest.raises(GuardRefused, match="was not read again since"),
        bench.guard.grant(proof, WriteCapability(ORG_ID, "r", "switch")),
    ):
        pytest.fail("it was granted on an old proof")
