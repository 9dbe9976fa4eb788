"""The transport: timeouts, retries only where nothing can have happened, no netrc, no cookies, no redirects."""

from __future__ import annotations

import socket
import ssl
import threading
from dataclasses import replace
from pathlib import Path

import pytest
import trustme

from harness.errors import OrgUnreachable, UsageError
from harness.org.guard import WriteGuard
from harness.org.ids import to_18
from harness.org.site import Site
from harness.org.transport import Transport
from tests.unit.fake_org import Bench, FakeOrg, StillClock, Told

CREATED = Told(201, {"id": "001", "success": True, "errors": []})
EMPTY = Told(200, {"totalSize": 0, "done": True, "records": []})


def in_turn(*told: Told) -> object:
    left = list(told)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]


def test_a_read_is_tried_again_and_every_try_is_counted(bench: Bench) -> None:
    before = bench.transport.meter.calls
    bench.org.on("GET", ".*", in_turn(Told(503, [{"errorCode": "SERVER_UNAVAILABLE"}]), Told(200, hang_up=True), EMPTY))
    assert bench.connection.query("SELECT Id FROM Account") == []
    assert bench.transport.meter.calls - before == 3
    assert bench.clock.slept == [0.5, 1.0]


def test_an_answer_that_breaks_off_is_no_answer(bench: Bench) -> None:
    bench.org.on("GET", ".*", in_turn(Told(200, {"records": ["x" * 1000]}, cut_off=True), EMPTY))
    assert bench.connection.query("SELECT Id FROM Account") == []


def test_an_org_that_stays_down_has_not_answered(bench: Bench) -> None:
    bench.org.on("GET", ".*", Told(503, [{"errorCode": "SERVER_UNAVAILABLE", "message": "down"}]))
    with pytest.raises(OrgUnreachable, match=r"did not answer GET .*: SERVER_UNAVAILABLE: down") as caught:
        bench.connection.try_query("SELECT Id FROM Account")
    assert not caught.value.may_have_happened
    assert bench.clock.slept == [0.5, 1.0, 2.0, 4.0, 8.0]


@pytest.mark.parametrize("told", [Told(201, hang_up=True), Told(201, {"id": "x" * 1000}, cut_off=True)])
def test_a_write_whose_answer_is_lost_is_unknown_and_sent_once(bench: Bench, told: Told) -> None:
    bench.org.on("POST", ".*/sobjects/Account", told)
    with bench.writing():
        answer = bench.connection.create("Account", {"Name": "x"})
    assert (answer.certainty, answer.status, answer.errors[0].code) == ("UNKNOWN", None, "NO_ANSWER")
    assert bench.org.paths().count("POST /services/data/v67.0/sobjects/Account") == 1
    assert bench.clock.slept == []


def test_an_answer_that_takes_too_long_is_lost(fake_org: FakeOrg) -> None:
    enough = threading.Event()

    def never(_: object) -> Told:
        enough.wait(2)
        return CREATED

    bench = Bench.of(fake_org, read_timeout=0.1)
    fake_org.on("POST", ".*/sobjects/Account", never)
    with bench.writing():
        answer = bench.connection.create("Account", {})
    enough.set()
    bench.close()
    assert answer.certainty == "UNKNOWN"
    assert "no answer in time; it may have taken effect" in answer.errors[0].message


def closed_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


def test_a_refused_connection_is_tried_again_even_for_a_write_and_nothing_has_happened() -> None:
    clock = StillClock()
    site = Site("simulated", f"http://127.0.0.1:{closed_port()}", to_18("00D000000000001"))
    transport = Transport(site, guard=WriteGuard(), clock=clock)
    with pytest.raises(OrgUnreachable, match="did not answer POST /services/oauth2/token: no connection") as caught:
        transport.session.post(f"{site.url}/services/oauth2/token")
    assert not caught.value.may_have_happened
    assert caught.value.asked == "POST /services/oauth2/token"
    assert (transport.meter.calls, clock.slept) == (6, [0.5, 1.0, 2.0, 4.0, 8.0])


def test_a_write_that_never_left_was_not_applied(fake_org: FakeOrg, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench.of(fake_org)
    bench.close()

    def refuse(*_: object, **__: object) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr("urllib3.util.connection.create_connection", refuse)
    with bench.writing():
        answer = bench.connection.create("Account", {})
    assert (answer.certainty, answer.errors[0].code) == ("NOT_APPLIED", "NOT_SENT")


def test_a_netrc_file_does_not_replace_the_token(
    fake_org: FakeOrg, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    bench = Bench.of(fake_org)
    fake_org.on("GET", ".*", EMPTY)
    bench.connection.query("SELECT Id FROM Account")
    bench.close()
    assert fake_org.asked[-1].headers["authorization"] == f"Bearer {fake_org.tokens[0]}"
    assert "authorization" not in fake_org.asked[0].headers


def test_cookies_are_not_kept(bench: Bench) -> None:
    bench.org.on("GET", ".*", Told(200, EMPTY.body, {"Set-Cookie": "sid=tasty; Path=/"}))
    bench.connection.query("SELECT 1")
    bench.connection.query("SELECT 2")
    assert "cookie" not in bench.org.asked[-1].headers


def test_redirects_are_not_followed(bench: Bench) -> None:
    bench.org.on("GET", ".*/limits", Told(302, None, {"Location": "/elsewhere"}))
    assert bench.connection.request("GET", "limits").status == 302
    assert bench.org.paths()[-1].endswith("/limits")


def test_the_proxies_of_the_environment_are_for_real_orgs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "env.pem"))
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    org_id = to_18("00D000000000001")

    def session(url: str, **more: Path) -> object:
        return Transport(Site("x", url, org_id, **more), guard=WriteGuard(), clock=StillClock()).session

    real = "https://acme--dev.sandbox.my.salesforce.com"
    assert session(real).proxies["https"] == "http://proxy.example:3128"
    assert session(real).verify == str(tmp_path / "env.pem")
    assert session(real, ca_bundle=tmp_path / "own.pem").verify == str(tmp_path / "own.pem")
    assert session("http://127.0.0.1:8080").proxies == {}
    monkeypatch.setenv("NO_PROXY", "salesforce.com")
    assert "https" not in session(real).proxies


@pytest.mark.parametrize(
    "proxy",
    ["http://me:sesa/me@127.0.0.1:9", "http://me:sesa[me]@127.0.0.1:9", "me:sesa me@host:x", "http://me:sesame@:9"],
)
def test_a_proxy_that_is_no_url_is_refused_without_its_password(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    site = Site("x", "https://acme--dev.sandbox.my.salesforce.com", to_18("00D000000000001"))
    with pytest.raises(UsageError, match="proxy for https is no URL") as caught:
        Transport(site, guard=WriteGuard(), clock=StillClock())
    assert "sesa" not in str(caught.value)
    assert caught.value.__suppress_context__


def test_a_certificate_of_ones_own_authority_needs_its_bundle(tmp_path: Path) -> None:
    authority = trustme.CA()
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    bundle = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(bundle))
    with FakeOrg(tls) as org:
        bench = Bench.of(org, site=replace(org.site, ca_bundle=bundle))
        bench.close()
        assert bench.connection.site.url.startswith("https://127.0.0.1")
        with pytest.raises(OrgUnreachable, match="its certificate is not trusted \\(set ca_bundle") as caught:
            Bench.of(org)
        assert not caught.value.may_have_happened
    assert len(org.asked) == 1


def test_every_request_names_its_user(bench: Bench) -> None:
    bench.org.on("GET", ".*", EMPTY)
    bench.connection.query("SELECT 1")
    bench.connection.user_interface_allowed()
    bench.connection.send("GET", "/services/data")
    assert {each.headers["sforce-call-options"] for each in bench.org.asked} == {"client=rehearse/admin@acme.example"}
