"""Effects that come after their client has given up: when they come, on which org, as whom, and what holds them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
import requests

from harness.sandbox import identity
from harness.sandbox.control.faults import Fault
from harness.sandbox.control.trigger import Trigger
from harness.sandbox.in_process import InProcess
from harness.sandbox.org import SandboxOrg
from harness.sandbox.server import SandboxServer

from .conftest import API, USERNAMES

PATIENCE = 5.0


@dataclass
class Wire:
    """A client in the process of the org, whose writes come late."""

    org: SandboxOrg
    adapter: InProcess
    http: requests.Session

    def ask(self, method: str, path: str, body: Any = None) -> requests.Response:
        return self.http.request(method, f"{self.adapter.instance_url}{API}/{path}", json=body, timeout=PATIENCE)

    def late(self, seconds: float, method: str, path: str, body: Any = None) -> None:
        """A request that its client gives up, and that takes effect so many seconds later."""
        at = Trigger(method=method, path=f"*/{path}")
        self.adapter.trouble.faults.add(at, Fault(kind="timeout", effect="late", late_by=seconds, at=at))
        with pytest.raises(requests.ReadTimeout):
            self.ask(method, path, body)

    def names(self) -> list[str]:
        return [row["Name"] for row in self.org.rows("Account")]


@pytest.fixture
def wire(org: SandboxOrg) -> Iterator[Wire]:
    with requests.Session() as http:
        http.headers["Authorization"] = f"Bearer {token_of(org, 'erp')}"
        adapter = InProcess(org)
        http.mount(adapter.instance_url, adapter)
        yield Wire(org, adapter, http)


def token_of(org: SandboxOrg, role: str) -> str:
    user = org.rows("User", Username=USERNAMES[role])[0]
    return identity.sign_in(org, user, identity.Login(type="Test", application="Test")).token


@pytest.mark.parametrize("seconds", [0, 0.1, 30, 599])
def test_it_comes_so_long_after_the_client_has_given_up(wire: Wire, seconds: float) -> None:
    begun = wire.org.clock.peek()
    wire.late(seconds, "POST", "sobjects/Account", {"Name": "A"})
    waited = (wire.org.clock.peek() - begun).total_seconds()
    assert PATIENCE <= waited < PATIENCE + 0.1
    if seconds:
        wire.org.clock.advance(seconds - 0.05)
        assert wire.names() == []
        wire.org.clock.advance(0.1)
    assert wire.names() == ["A"]


def test_it_bears_the_time_at_which_it_came(wire: Wire) -> None:
    wire.late(60, "POST", "sobjects/Account", {"Name": "A"})
    due = wire.org.clock.peek() + timedelta(seconds=60)
    wire.org.clock.advance(3600)
    created = wire.org.rows("Account")[0]["CreatedDate"]
    assert created.startswith(f"{due:%Y-%m-%dT%H:%M:%S}")
    assert wire.org.clock.peek() == due + timedelta(seconds=3540)


def test_a_call_that_comes_when_it_is_due_comes_after_it(wire: Wire) -> None:
    wire.late(0.01, "POST", "sobjects/Account", {"Name": "A"})
    for _ in range(20):
        wire.org.clock.now()
    answer = wire.ask("GET", "query?q=SELECT+Name+FROM+Account").json()
    assert [row["Name"] for row in answer["records"]] == ["A"]


def test_several_come_in_the_order_of_their_moments(wire: Wire) -> None:
    for name, seconds in (("third", 300), ("first", 100), ("second", 200)):
        wire.late(seconds, "POST", "sobjects/Account", {"Name": name})
    assert wire.adapter.settle() == 3
    assert [row["Name"] for row in sorted(wire.org.rows("Account"), key=lambda row: row["CreatedDate"])] == [
        "first",
        "second",
        "third",
    ]
    assert wire.adapter.settle() == 0


def test_it_meets_the_org_as_it_is_by_then(wire: Wire) -> None:
    account = wire.ask("POST", "sobjects/Account", {"Name": "A"}).json()["id"]
    wire.late(30, "PATCH", f"sobjects/Account/{account}", {"Name": "late"})
    wire.late(60, "PATCH", f"sobjects/Account/{account}", {"Name": "later"})
    wire.ask("PATCH", f"sobjects/Account/{account}", {"Name": "B"})
    assert wire.names() == ["B"]
    wire.org.clock.advance(31)
    assert wire.names() == ["late"]
    wire.ask("DELETE", f"sobjects/Account/{account}")
    assert wire.adapter.settle() == 1
    assert wire.names() == []


def test_the_end_of_the_session_does_not_stop_it(wire: Wire) -> None:
    wire.late(30, "POST", "sobjects/Account", {"Name": "A"})
    for row in wire.org.rows("AuthSession"):
        wire.org.delete_row("AuthSession", row["Id"])
    assert wire.ask("GET", "sobjects/Account").status_code == 401
    wire.adapter.settle()
    erp = wire.org.rows("User", Username=USERNAMES["erp"])[0]
    assert [row["CreatedById"] for row in wire.org.rows("Account")] == [erp["Id"]]
    assert wire.ask("GET", "sobjects/Account").status_code == 401


def test_a_request_without_a_session_stays_without(wire: Wire) -> None:
    wire.http.headers["Authorization"] = "Bearer nobody"
    wire.late(30, "POST", "sobjects/Account", {"Name": "A"})
    assert wire.adapter.settle() == 1
    assert wire.names() == []


def _freeze(org: SandboxOrg, user_id: str) -> None:
    org.update_row("UserLogin", org.rows("UserLogin", UserId=user_id)[0]["Id"], {"IsFrozen": True})


def _deactivate(org: SandboxOrg, user_id: str) -> None:
    org.update_row("User", user_id, {"IsActive": False})


def _take_the_right(org: SandboxOrg, user_id: str) -> None:
    [owned] = org.rows("PermissionSet", ProfileId=org.permissions_of(user_id).profile_id)
    [rights] = org.rows("ObjectPermissions", ParentId=owned["Id"], SobjectType="Account")
    org.update_row("ObjectPermissions", rights["Id"], {"PermissionsCreate": False})


@pytest.mark.parametrize("shut_out", [_freeze, _deactivate, _take_the_right])
def test_it_comes_to_nothing_where_its_user_may_no_longer(
    wire: Wire, shut_out: Callable[[SandboxOrg, str], None]
) -> None:
    wire.late(30, "POST", "sobjects/Account", {"Name": "A"})
    shut_out(wire.org, wire.org.rows("User", Username=USERNAMES["erp"])[0]["Id"])
    assert wire.adapter.settle() == 1
    assert wire.names() == []


def test_a_snapshot_holds_what_has_yet_to_come(wire: Wire) -> None:
    wire.late(30, "POST", "sobjects/Account", {"Name": "A"})
    kept = wire.org.snapshot()
    for _ in range(2):
        assert wire.names() == []
        wire.adapter.settle()
        assert wire.names() == ["A"]
        wire.org.restore(kept)
    wire.adapter.settle()
    wire.org.restore(wire.org.snapshot())
    assert wire.adapter.settle() == 0
    assert wire.names() == ["A"]


def test_one_of_another_future_does_not_come(wire: Wire) -> None:
    kept = wire.org.snapshot()
    wire.org.clock.advance(3600)
    wire.late(30, "POST", "sobjects/Account", {"Name": "A"})
    wire.org.restore(kept)
    wire.org.clock.advance(7200)
    assert wire.names() == []


def test_it_waits_for_the_end_of_a_transaction(wire: Wire) -> None:
    wire.late(30, "POST", "sobjects/Account", {"Name": "A"})
    with wire.org.transaction():
        wire.org.clock.advance(60)
        assert wire.names() == []
    wire.ask("GET", "limits")
    assert wire.names() == ["A"]


def test_two_clients_of_one_org_have_one_late_effect(wire: Wire) -> None:
    other = InProcess(wire.org)
    wire.late(30, "POST", "sobjects/Account", {"Name": "A"})
    assert (other.settle(), wire.adapter.settle()) == (1, 0)
    assert wire.names() == ["A"]


def test_over_a_socket_it_comes_as_the_clock_is_turned(org: SandboxOrg, server: SandboxServer) -> None:
    control = server.ready.control

    def order(method: str, path: str, body: Any = None) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {control['token']}"}
        answer = requests.request(method, f"{control['url']}/{path}", json=body, headers=headers, timeout=5)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    headers = {"Authorization": f"Bearer {token_of(org, 'erp')}"}

    def late(name: str) -> None:
        order("POST", "faults", {"kind": "timeout", "effect": "late", "late_by": 300, "at": {"contains": name}})
        with pytest.raises(requests.ReadTimeout):
            requests.post(
                f"{server.ready.instance_url}{API}/sobjects/Account", json={"Name": name}, headers=headers, timeout=0.2
            )
        give_up = time.monotonic() + 5
        while not order("GET", "late")["late"] and time.monotonic() < give_up:
            time.sleep(0.01)  # until the server has seen the client go

    late("turned")
    [waiting] = order("GET", "late")["late"]
    assert (waiting["method"], waiting["path"]) == ("POST", f"{API}/sobjects/Account")
    order("POST", "clock", {"advance": 299})
    assert org.rows("Account") == []
    order("POST", "clock", {"advance": 2})
    assert [row["Name"] for row in org.rows("Account")] == ["turned"]
    late("settled")
    before = org.clock.peek()
    assert order("POST", "late") == {"landed": 1}
    assert [row["Name"] for row in org.rows("Account")] == ["turned", "settled"]
    assert 299 < (org.clock.peek() - before).total_seconds() < 301
    assert order("GET", "late") == {"late": []}


def test_over_soap_the_session_is_in_the_body(wire: Wire) -> None:
    token = token_of(wire.org, "erp")
    body = (
        '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" xmlns="urn:partner.soap.sforce.com"'
        ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        f"<e:Header><SessionHeader><sessionId>{token}</sessionId></SessionHeader></e:Header>"
        '<e:Body><create><sObjects><type xmlns="urn:sobject.partner.soap.sforce.com">Account</type>'
        '<Name xmlns="urn:sobject.partner.soap.sforce.com">A</Name></sObjects></create></e:Body></e:Envelope>'
    )
    at = Trigger(path="*/Soap/*")
    wire.adapter.trouble.faults.add(at, Fault(kind="timeout", effect="late", late_by=30, at=at))
    del wire.http.headers["Authorization"]
    with pytest.raises(requests.ReadTimeout):
        wire.http.post(
            f"{wire.adapter.instance_url}/services/Soap/u/67.0",
            data=body,
            headers={"Content-Type": "text/xml", "SOAPAction": '""'},
            timeout=PATIENCE,
        )
    identity.end_session(wire.org, token)
    wire.adapter.settle()
    assert wire.names() == ["A"]


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "timeout", "late_by": 30},
        {"kind": "timeout", "effect": "done", "late_by": 30},
        {"kind": "timeout", "effect": "late", "late_by": 601},
        {"kind": "timeout", "effect": "late", "late_by": -1},
    ],
)
def test_what_could_not_happen_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        Fault.model_validate(body)
