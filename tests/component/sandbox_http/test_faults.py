"""Faults and the second admin, over a socket and in process: what the client meets, and what the org has done."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from harness.sandbox import identity
from harness.sandbox.control.faults import Fault
from harness.sandbox.control.interference import Trouble
from harness.sandbox.control.second_admin import Errand
from harness.sandbox.control.trigger import Asked
from harness.sandbox.in_process import InProcess
from harness.sandbox.org import SandboxOrg
from harness.sandbox.server import SandboxServer

from .conftest import API, USERNAMES

CREATE = {"path": "*/sobjects/Account"}


class Caller:
    """The admin's client, and a way to make trouble for it."""

    def __init__(self, org: SandboxOrg, http: requests.Session, url: str, trouble: Callable[[str, Any], None]) -> None:
        self.org = org
        self._http = http
        self._url = url
        self.trouble = trouble

    def ask(self, method: str, path: str, body: Any = None) -> requests.Response:
        return self._http.request(method, f"{self._url}{API}/{path}", json=body, timeout=0.4)

    def create(self, name: str) -> requests.Response:
        return self.ask("POST", "sobjects/Account", {"Name": name})

    def names(self) -> list[str]:
        return [row["Name"] for row in self.org.rows("Account")]


@pytest.fixture(params=["socket", "in process"])
def caller(request: pytest.FixtureRequest, org: SandboxOrg) -> Iterator[Caller]:
    admin = org.rows("User", Username=USERNAMES["admin"])[0]
    token = identity.sign_in(org, admin, identity.Login(type="Test", application="Test")).token
    with requests.Session() as http:
        http.trust_env = False
        http.headers["Authorization"] = f"Bearer {token}"
        if request.param == "in process":
            adapter = InProcess(org)
            http.mount(adapter.instance_url, adapter)
            yield Caller(org, http, adapter.instance_url, lambda kind, body: _tell(adapter.trouble, kind, body))
            return
        with SandboxServer(org) as server:
            control = server.ready.control

            def tell(kind: str, body: Any) -> None:
                headers = {"Authorization": f"Bearer {control['token']}"}
                answer = requests.post(f"{control['url']}/{kind}", json=body, headers=headers, timeout=5)
                assert answer.status_code == 200, answer.text

            yield Caller(org, http, server.ready.instance_url, tell)


def _tell(trouble: Trouble, kind: str, body: Any) -> None:
    if kind == "faults":
        fault = Fault.model_validate(body)
        trouble.faults.add(fault.at, fault)
        return
    errand = Errand.model_validate(body)
    if errand.at is None:
        trouble.run(errand)
    else:
        trouble.errands.add(errand.at, errand)


@pytest.mark.parametrize(("effect", "left"), [("none", []), ("done", ["A"]), ("late", ["A"])])
def test_a_timeout_before_after_and_long_before_the_effect(caller: Caller, effect: str, left: list[str]) -> None:
    caller.trouble("faults", {"kind": "timeout", "effect": effect, "at": CREATE})
    with pytest.raises(requests.ReadTimeout):
        caller.create("A")
    assert caller.create("B").status_code == 201
    give_up = time.monotonic() + 5
    while set(caller.names()) != {*left, "B"} and time.monotonic() < give_up:
        time.sleep(0.01)  # a late effect comes when the server has seen the client go
    assert set(caller.names()) == {*left, "B"}


@pytest.mark.parametrize(("effect", "left"), [("none", []), ("done", ["A"])])
def test_a_cut_connection(caller: Caller, effect: str, left: list[str]) -> None:
    caller.trouble("faults", {"kind": "drop", "effect": effect, "at": CREATE})
    with pytest.raises(requests.ConnectionError):
        caller.create("A")
    assert caller.create("B").status_code == 201
    assert caller.names() == [*left, "B"]


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("UNKNOWN_EXCEPTION", 500, "UNKNOWN_EXCEPTION"),
        ("SERVER_UNAVAILABLE", 503, "SERVER_UNAVAILABLE"),
        ("REQUEST_LIMIT_EXCEEDED", 403, "REQUEST_LIMIT_EXCEEDED"),
        ("UNABLE_TO_LOCK_ROW", 400, "UNABLE_TO_LOCK_ROW"),
    ],
)
def test_errors_of_the_platform(caller: Caller, kind: str, status: int, code: str) -> None:
    caller.trouble("faults", {"kind": kind, "at": {"method": "post", "nth": 2}})
    assert caller.create("A").status_code == 201
    refused = caller.create("B")
    assert (refused.status_code, refused.json()[0]["errorCode"]) == (status, code)
    assert caller.create("C").status_code == 201
    assert caller.names() == ["A", "C"]


def test_an_error_that_comes_after_the_effect(caller: Caller) -> None:
    caller.trouble("faults", {"kind": "UNKNOWN_EXCEPTION", "effect": "done", "at": CREATE})
    assert caller.create("A").status_code == 500
    assert caller.names() == ["A"]


def test_an_expired_session_stays_expired(caller: Caller) -> None:
    caller.trouble("faults", {"kind": "expired-session", "at": CREATE})
    refused = caller.create("A")
    assert (refused.status_code, refused.json()[0]["errorCode"]) == (401, "INVALID_SESSION_ID")
    assert caller.create("A").status_code == 401
    assert caller.names() == []


def test_half_an_answer(caller: Caller) -> None:
    caller.trouble("faults", {"kind": "truncate", "at": CREATE})
    with pytest.raises((requests.exceptions.ChunkedEncodingError, requests.ConnectionError)):
        caller.create("A")
    assert caller.names() == ["A"]


def test_a_slow_answer(caller: Caller) -> None:
    caller.trouble("faults", {"kind": "slow", "seconds": 0.1, "at": CREATE})
    assert caller.create("A").status_code == 201


def test_a_locked_row_of_a_collection(caller: Caller) -> None:
    at = {"object": "Account", "operation": "create", "nth": 2, "principal": USERNAMES["admin"]}
    caller.trouble("faults", {"kind": "UNABLE_TO_LOCK_ROW", "at": at})
    records = [{"attributes": {"type": "Account"}, "Name": name} for name in "ABC"]
    rows = caller.ask("POST", "composite/sobjects", {"allOrNone": False, "records": records}).json()
    assert [row["success"] for row in rows] == [True, False, True]
    assert rows[1]["errors"][0]["statusCode"] == "UNABLE_TO_LOCK_ROW"
    assert caller.names() == ["A", "C"]


def test_a_rule_is_for_one_principal_one_body_and_so_many_times(caller: Caller) -> None:
    caller.trouble("faults", {"kind": "drop", "at": {"principal": USERNAMES["erp"], "times": None}})
    caller.trouble("faults", {"kind": "SERVER_UNAVAILABLE", "at": {"contains": "fall", "times": 2}})
    statuses = [caller.create(name).status_code for name in ("A", "fall", "fall", "fall")]
    assert statuses == [201, 503, 503, 201]


def test_chance_is_repeatable(org: SandboxOrg) -> None:
    def met() -> list[bool]:
        trouble = Trouble(org)
        fault = Fault.model_validate({"kind": "drop", "at": {"probability": 0.5, "times": None}})
        trouble.faults.add(fault.at, fault)
        return [trouble.faults.at_call(Asked("GET", "/", None)) is not None for _ in range(200)]

    first = met()
    assert first == met()
    assert 70 < sum(first) < 130


def test_the_second_admin_acts_between_two_calls(caller: Caller) -> None:
    write = {"operation": "update", "object": "Account", "where": {"Name": "A"}, "fields": {"Name": "Theirs"}}
    caller.trouble("admin", {"writes": [write], "when": "after", "at": CREATE})
    assert caller.create("A").status_code == 201
    assert caller.names() == ["Theirs"]
    caller.trouble("admin", {"writes": [{"operation": "delete", "object": "Account", "where": {"Name": "Theirs"}}]})
    assert caller.names() == []
    made = {"operation": "create", "object": "Account", "fields": {"Name": "New"}}
    caller.trouble("admin", {"writes": [made], "username": USERNAMES["erp"], "at": {"method": "GET"}})
    assert caller.ask("GET", "query?q=SELECT+Name+FROM+Account").json()["records"][0]["Name"] == "New"
    erp = caller.org.rows("User", Username=USERNAMES["erp"])[0]
    assert caller.org.rows("Account")[0]["CreatedById"] == erp["Id"]


def test_the_second_admin_is_refused_like_anybody(org: SandboxOrg) -> None:
    trouble = Trouble(org)
    write = {"operation": "update", "object": "User", "where": {"Username": USERNAMES["admin"]}, "fields": {"X": 1}}
    assert "INVALID_FIELD" in trouble.run(Errand.model_validate({"writes": [write]}))["error"]
    unknown = trouble.run(Errand.model_validate({"writes": [write], "username": "nobody@acme.example"}))
    assert unknown == {"error": "there is no active user nobody@acme.example"}
    assert list(trouble.outcomes)[-1] == unknown


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "drop", "effect": "late"},
        {"kind": "slow", "effect": "none"},
        {"kind": "UNABLE_TO_LOCK_ROW", "effect": "done"},
        {"kind": "drop", "at": {"object": "Account"}},
        {"kind": "flood"},
        {"kind": "drop", "at": {"pathh": "*"}},
    ],
)
def test_what_could_not_happen_is_refused(body: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        Fault.model_validate(body)
