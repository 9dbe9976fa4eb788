"""The server itself: starting, stopping, what it tells the ready file, and the control interface."""

from __future__ import annotations

import gc
import json
import socket
import stat
import threading
import time
import weakref
from pathlib import Path

import pytest
import requests
import trustme

from harness.sandbox import apps, identity
from harness.sandbox.http.desk import Desk
from harness.sandbox.identity import oauth_tokens
from harness.sandbox.org import SandboxOrg
from harness.sandbox.ready import Ready
from harness.sandbox.server import SandboxServer

from .conftest import USERNAMES, Client


def control(server: SandboxServer, method: str, path: str, body: object = None, token: str = "") -> requests.Response:
    known = server.ready.control
    headers = {"Authorization": f"Bearer {token or known['token']}"}
    with requests.Session() as http:
        http.trust_env = False
        return http.request(method, f"{known['url']}/{path}", json=body, headers=headers, timeout=10)


def test_ready_says_all_that_a_client_needs(org: SandboxOrg, server: SandboxServer) -> None:
    ready = server.ready
    assert ready.instance_url.startswith("http://127.0.0.1:")
    assert ready.org_id == org.org_id
    assert list(ready.users) == ["admin", "erp", "integration", "offline"]
    assert all(list(user) == ["username", "password", "security_token"] for user in ready.users.values())
    assert list(ready.apps) == ["Rehearsal Admin", "Rehearsal Admin JWT"]
    assert list(ready.apps["Rehearsal Admin"]) == ["consumer_key", "consumer_secret"]
    assert list(ready.apps["Rehearsal Admin JWT"]) == ["consumer_key", "private_key_file"]
    key = Path(ready.apps["Rehearsal Admin JWT"]["private_key_file"])
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert ready.users["admin"]["password"] not in repr(ready)


def test_the_ready_file_is_private_and_reads_back(server: SandboxServer, tmp_path: Path) -> None:
    path = tmp_path / "ready.json"
    path.write_text("an older one")
    server.ready.write(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert Ready.read(path) == server.ready
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("content", ["", "{", "{}", "[]", '{"instance_url": "x"}'])
def test_what_is_no_ready_file(tmp_path: Path, content: str) -> None:
    path = tmp_path / "ready.json"
    path.write_text(content)
    with pytest.raises(ValueError, match=r"is no ready file"):
        Ready.read(path)


def test_stopping_leaves_nothing_behind(org: SandboxOrg) -> None:
    server = SandboxServer(org)
    threads = threading.active_count()
    ready = server.start()
    key = Path(ready.apps["Rehearsal Admin JWT"]["private_key_file"])
    client = Client(ready.instance_url, "x")
    assert client.get("").status_code == 401
    with pytest.raises(RuntimeError, match="already"):
        server.start()
    server.stop()
    assert threading.active_count() == threads
    assert not key.parent.exists()
    with pytest.raises(RuntimeError):
        _ = server.ready
    with pytest.raises(requests.ConnectionError):
        client.get("")
    client.http.close()
    server.stop()


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "TLS"])
def test_a_client_that_stays_connected_delays_nothing(org: SandboxOrg, tmp_path: Path, *, secure: bool) -> None:
    authority = trustme.CA()
    pem, ca = tmp_path / "server.pem", tmp_path / "ca.pem"
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(pem)
    authority.cert_pem.write_to_path(ca)
    took = []
    for _ in range(3):  # the quickest counts: on a busy machine one may be late
        with requests.Session() as http:
            http.trust_env, http.verify = False, str(ca)
            with SandboxServer(org, tls=(pem, pem) if secure else None) as server:
                assert server.ready.instance_url.startswith("https://" if secure else "http://")
                assert http.get(f"{server.ready.instance_url}/services/data", timeout=10).status_code == 200
                began = time.monotonic()
            took.append(time.monotonic() - began)
            gc.collect()
        if took[-1] < 0.9:
            return
    raise AssertionError(f"stopping took {took} seconds")


def test_an_org_is_served_again_with_the_same_credentials(org: SandboxOrg, user_ids: dict[str, str]) -> None:
    identity.set_password(org, user_ids["erp"], "without-a-token")
    with SandboxServer(org) as first:
        users, app = first.ready.users, first.ready.apps["Rehearsal Admin"]
        key = Path(first.ready.apps["Rehearsal Admin JWT"]["private_key_file"]).read_text()
    assert users["erp"]["security_token"] == ""
    with SandboxServer(org) as second:
        assert (second.ready.users, second.ready.apps["Rehearsal Admin"]) == (users, app)
        assert Path(second.ready.apps["Rehearsal Admin JWT"]["private_key_file"]).read_text() == key


def test_a_taken_port_is_an_error(org: SandboxOrg) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        SandboxServer(org, port=taken.getsockname()[1]).start()


def test_a_client_that_offers_more_than_http_1_is_answered_without_a_word(
    server: SandboxServer, caplog: pytest.LogCaptureFixture
) -> None:
    headers = {"Connection": "Upgrade, HTTP2-Settings", "Upgrade": "h2c", "HTTP2-Settings": "AAMAAABkAAQAoAAA"}
    with requests.Session() as http:
        http.trust_env = False
        answer = http.get(f"{server.ready.instance_url}/services/data", headers=headers, timeout=10)
    assert answer.status_code == 200
    assert caplog.records == []


def test_it_listens_on_the_loopback_only(server: SandboxServer) -> None:
    port = int(server.ready.instance_url.rpartition(":")[2])
    addresses = {line.split()[1] for line in Path("/proc/net/tcp").read_text().splitlines()[1:]}
    listening = {one for one in addresses if one.endswith(f":{port:04X}")}
    assert all(one.startswith("0100007F:") for one in listening)


def test_an_org_without_an_admin_cannot_be_served(org: SandboxOrg, user_ids: dict[str, str]) -> None:
    org.update_row("User", user_ids["admin"], {"IsActive": False})
    with pytest.raises(ValueError, match="no admin"):
        SandboxServer(org).start()


def test_default_apps_are_added_where_they_are_missing(org: SandboxOrg) -> None:
    extra = apps.add_app(org, name="Another", flows={"jwt-bearer", "client-credentials"})
    with SandboxServer(org) as server:
        assert next(iter(server.ready.apps)) == "Rehearsal Admin"
        assert list(server.ready.apps[extra.name]) == ["consumer_key", "consumer_secret", "private_key_file"]


def test_the_clock_is_read_advanced_and_set(server: SandboxServer) -> None:
    before = control(server, "GET", "clock").json()["now"]
    assert before.startswith("2026-01-05T09:00:0")
    advanced = control(server, "POST", "clock", {"advance": 14 * 86400}).json()["now"]
    assert advanced.startswith("2026-01-19T09:00:0")
    assert control(server, "POST", "clock", {"set": "2026-03-01T00:00:00+00:00"}).json()["now"].startswith("2026-03-01")


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"advance": "x"},
        {"advance": -1},
        {"advance": 1e300},
        {"advance": True},
        {"set": "x"},
        {"set": "2026-01-01"},
    ],
)
def test_the_clock_takes_no_nonsense(server: SandboxServer, body: object) -> None:
    assert control(server, "POST", "clock", body).status_code == 400


def test_control_needs_its_token(server: SandboxServer) -> None:
    assert control(server, "GET", "clock", token="wrong").status_code == 401
    assert control(server, "POST", "clock", {"advance": 1}, token="wrong").status_code == 401


def test_requests_are_listed_with_who_asked(server: SandboxServer, erp: Client) -> None:
    erp.get("sobjects/Account/describe")
    nobody = Client(erp.url, "nobody")
    nobody.get("limits")
    nobody.http.close()
    asked = control(server, "GET", "requests").json()["requests"]
    assert asked == [
        {
            "method": "GET",
            "path": "/services/data/v67.0/sobjects/Account/describe",
            "principal": USERNAMES["erp"],
            "status": 200,
        },
        {"method": "GET", "path": "/services/data/v67.0/limits", "principal": None, "status": 401},
    ]
    assert erp.token not in json.dumps(asked)


def test_requests_from_many_threads_are_answered(org: SandboxOrg, erp: Client) -> None:
    def write(number: int) -> None:
        with requests.Session() as http:
            http.trust_env = False
            http.headers["Authorization"] = f"Bearer {erp.token}"
            for row in range(10):
                path = f"{erp.url}/services/data/v67.0/sobjects/Account"
                assert http.post(path, json={"Name": f"{number}-{row}"}, timeout=10).status_code == 201

    threads = [threading.Thread(target=write, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(org.rows("Account")) == 50


def test_identity_needs_a_known_object(org: SandboxOrg) -> None:
    with pytest.raises(ValueError, match="no object Nothing__c"):
        identity.known_columns(org, "Nothing__c", {})


def test_the_control_interface_plans_faults_and_sends_the_second_admin(server: SandboxServer) -> None:
    assert control(server, "POST", "faults", {"kind": "drop", "at": {"path": "*/never"}}).json() == {"fault": 1}
    assert control(server, "GET", "faults").json() == {
        "faults": [{"fault": 1, "kind": "drop", "fitted": 0, "happened": 0}]
    }
    assert control(server, "DELETE", "faults").json() == {"faults": []}
    write = {"operation": "create", "object": "Account", "fields": {"Name": "Acme"}}
    done = control(server, "POST", "admin", {"writes": [write]}).json()
    assert server.org.row("Account", done["written"][0]) is not None
    assert control(server, "POST", "admin", {"writes": [write], "at": {"method": "PATCH"}}).json() == {"errand": 1}
    assert control(server, "GET", "admin").json() == {
        "errands": [{"errand": 1, "fitted": 0, "happened": 0}],
        "outcomes": [done],
    }
    assert control(server, "DELETE", "admin").json() == {"errands": []}


@pytest.mark.parametrize(
    ("path", "body", "message"),
    [
        ("faults", {"kind": "drop", "effect": "late"}, "only a timeout has a late effect"),
        ("faults", {"kind": "flood"}, "kind: Input should be"),
        ("faults", [], "the body must be a JSON object"),
        ("admin", {"writes": []}, "writes: Tuple should have at least 1 item"),
        ("admin", {"writes": [{"operation": "delete", "object": "Account"}]}, "update and delete need `where`"),
        ("admin", {"writes": [{"operation": "create", "object": "X", "fields": {"Y": 1}}]}, "NOT_FOUND"),
        ("state", {"rows": 3}, "a state is"),
        ("snapshots/7", {}, "there is no snapshot 7"),
    ],
)
def test_a_wrong_order_to_the_control_interface(server: SandboxServer, path: str, body: object, message: str) -> None:
    answer = control(server, "POST", path, body)
    assert answer.status_code == 400
    assert message in answer.json()["error"]


def test_the_state_and_what_became_of_it(server: SandboxServer) -> None:
    before = control(server, "GET", "state").json()
    account = server.org.insert_row("Account", {"Name": "Acme"})
    created = control(server, "POST", "state", before).json()["difference"]
    assert [(row["object"], row["id"], row["change"]) for row in created] == [("Account", account, "created")]
    assert created[0]["fields"]["Name"] == [None, "Acme"]
    snapshot = control(server, "POST", "snapshots").json()["snapshot"]
    with_account = control(server, "GET", "state").json()
    server.org.update_row("Account", account, {"Name": "Other"})
    server.org.delete_row("User", server.org.rows("User")[-1]["Id"])
    changes = control(server, "POST", "state", with_account).json()["difference"]
    assert {(row["object"], row["change"]) for row in changes} >= {("Account", "changed"), ("User", "deleted")}
    assert control(server, "POST", f"snapshots/{snapshot}").status_code == 200
    assert control(server, "POST", "state", with_account).json() == {"difference": []}
    assert control(server, "GET", "state").json() == with_account


def test_the_state_tells_no_secret(server: SandboxServer) -> None:
    text = control(server, "GET", "state").text
    ready = server.ready
    for user in ready.users.values():
        assert user["password"] not in text
    assert ready.apps["Rehearsal Admin"]["consumer_secret"] not in text
    user = server.org.rows("User")[0]
    session = identity.sign_in(server.org, user, identity.Login(type="Test", application="Test"))
    refreshed = oauth_tokens.remember_app(server.org, session, app_name="Test", refresh=True)
    row = server.org.rows("OauthToken")[0]
    text = control(server, "GET", "state").text
    assert row["Id"] in text
    for secret in (session.token, refreshed, row["AccessToken"], row["DeleteToken"], row["RequestToken"]):
        assert secret
        assert secret not in text


def test_a_restored_org_has_no_jobs_of_a_time_that_is_gone(server: SandboxServer, admin: Client) -> None:
    """Cursors, bulk jobs and usage of after the snapshot are forgotten, and no id of them comes again."""
    admin.get("limits")
    snapshot = control(server, "POST", "snapshots").json()["snapshot"]
    control(server, "POST", "clock", {"advance": 3600})
    for number in range(3):
        server.org.insert_row("Account", {"Name": f"A{number}", "BillingCity": "X" * 20})
    rows = [{"attributes": {"type": "Account"}, "Name": f"Acme {number}"} for number in range(200)]
    assert admin.post("composite/sobjects", {"records": rows}).status_code == 200
    paged = admin.get(
        "query", params={"q": "SELECT Id FROM Account"}, headers={"Sforce-Query-Options": "batchSize=200"}
    )
    job = {"operation": "query", "query": "SELECT Id FROM Account"}
    made = admin.post("jobs/query", job).json()["id"]
    ingest = admin.post("jobs/ingest", {"object": "Account", "operation": "insert"}).json()["id"]
    later = paged.json()["nextRecordsUrl"]
    assert admin.get(later).status_code == 200
    assert control(server, "POST", f"snapshots/{snapshot}").status_code == 200
    usage = admin.get("recent").headers["Sforce-Limit-Info"]
    assert usage.startswith("api-usage=2/"), "the request before the snapshot and this one"
    assert admin.get("recent").json() == []
    for path in (later, f"jobs/query/{made}", f"jobs/query/{made}/results", f"jobs/ingest/{ingest}"):
        assert admin.get(path).status_code in (400, 404), path
    assert admin.get("jobs/query").json()["records"] == admin.get("jobs/ingest").json()["records"] == []
    assert admin.post("jobs/query", job).json()["id"] not in (made, ingest)


def test_an_org_keeps_no_desk_that_nobody_uses(org: SandboxOrg) -> None:
    desk = Desk("http://127.0.0.1")
    desk.start_over_with(org)
    kept = weakref.ref(desk)
    del desk
    gc.collect()
    assert kept() is None
    org.restore(org.snapshot())
