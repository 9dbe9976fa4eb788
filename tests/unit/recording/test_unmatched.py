"""What is said of a request that is not on the cassette."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from vcr.request import Request

from harness.recording.hosts import CANONICAL_URL
from harness.recording.unmatched import difference, explain, nearest

DATA = f"{CANONICAL_URL}/services/data/v67.0"


def asked(method: str, path: str, body: Any = None, *, who: str = "admin") -> Request:
    headers = {"sforce-call-options": f"client=rehearse/{who}@acme.example"}
    return Request(method, DATA + path, None if body is None else json.dumps(body), headers)


def query(soql: str, **more: Any) -> Request:
    return asked("GET", f"/query/?q={soql.replace(' ', '+')}", **more)


def composite(**urls: str) -> Request:
    parts = [{"referenceId": name, "method": "GET", "url": url} for name, url in urls.items()]
    return asked("POST", "/composite", {"allOrNone": False, "compositeRequest": parts})


def shown(recorded: Request, request: Request) -> list[str]:
    return [line.strip() for line in difference(recorded, request)[2:]]


FIELDS = [f"Field{number}__c" for number in range(60)]


@pytest.mark.parametrize(
    ("request_", "near", "far", "lines"),
    [
        pytest.param(
            query("SELECT Id, Name FROM Account"),
            query("SELECT Id FROM Account"),
            [query("SELECT Id FROM Contact"), query("SELECT Id, Name FROM Contact WHERE Name = 'Account'")],
            ["-q=SELECT+Id+FROM+Account", "+q=SELECT+Id,+Name+FROM+Account"],
            id="a field of a query",
        ),
        pytest.param(
            query(f"SELECT {', '.join(FIELDS)} FROM Account"),
            query(f"SELECT {', '.join(FIELDS[:30] + FIELDS[31:])} FROM Account"),
            [query(f"SELECT {', '.join(FIELDS[:40])} FROM Account"), query(f"SELECT {', '.join(FIELDS)} FROM Case")],
            [
                "-q=...eld27__c,+Field28__c,+Field29__c,+Field31__c,+Field32__c,+Field33__c,+Field34__c...",
                "+q=...eld27__c,+Field28__c,+Field29__c,+Field30__c,+Field31__c,+Field32__c,+Field33__c,+Field34__c...",
            ],
            id="a field of a long query",
        ),
        pytest.param(
            composite(one="/a", two="/b?q=new", three="/c"),
            composite(one="/a", two="/b?q=old", three="/c"),
            [composite(one="/a", two="/z", three="/y"), composite(one="/a"), composite(two="/b?q=new")],
            ['-compositeRequest[two].url: "/b?q=old"', '+compositeRequest[two].url: "/b?q=new"'],
            id="one part of a composite",
        ),
        pytest.param(
            composite(new="/n", one="/a", two="/b", three="/c"),
            composite(one="/a", two="/b", three="/c"),
            [composite(new="/n"), composite(one="/1", two="/2", three="/3")],
            [
                '+compositeRequest[new].method: "GET"',
                '+compositeRequest[new].referenceId: "new"',
                '+compositeRequest[new].url: "/n"',
            ],
            id="a part more",
        ),
        pytest.param(
            asked("GET", "/sobjects/Account/001000000000002AAA"),
            asked("GET", "/sobjects/Account/001000000000001AAA"),
            [
                asked("DELETE", "/sobjects/Account/001000000000002AAA"),
                asked("GET", "/sobjects/Contact/003000000000002"),
            ],
            [
                "-GET /services/data/v67.0/sobjects/Account/001000000000001AAA",
                "+GET /services/data/v67.0/sobjects/Account/001000000000002AAA",
            ],
            id="an id",
        ),
        pytest.param(
            query("SELECT Id FROM Case", who="new"),
            query("SELECT Id FROM Case", who="old"),
            [query("SELECT Id, Name FROM Case", who="new"), query("SELECT Id FROM Case LIMIT 1", who="old")],
            ["-client=rehearse/old@acme.example", "+client=rehearse/new@acme.example"],
            id="who asks",
        ),
        pytest.param(
            asked("POST", "/sobjects/Account", {"Name": "b", "Phone": "1"}),
            asked("POST", "/sobjects/Account", {"Phone": "1", "Name": "a"}),
            [
                asked("POST", "/sobjects/Account", {"Name": "c", "Phone": "2"}),
                asked("PATCH", "/sobjects/Account/1", {}),
            ],
            ['-Name: "a"', '+Name: "b"'],
            id="a value of a row",
        ),
    ],
)
def test_the_nearest_is_named_and_only_what_differs_is_shown(
    request_: Request, near: Request, far: list[Request], lines: list[str]
) -> None:
    for recorded in ([*far, near], [near, *far]):
        assert nearest(request_, recorded) is near
    assert shown(near, request_) == lines
    message = explain(request_, [near], cassette="plan.yaml", times=0)
    assert message.startswith("the rehearsal asks ")
    assert "which is not on plan.yaml; the nearest there is " in message


def test_of_those_equally_near_the_first_is_named() -> None:
    recorded = [asked("GET", f"/sobjects/Account/00100000000000{number}") for number in (3, 4, 5)]
    assert nearest(asked("GET", "/sobjects/Account/001000000000009"), recorded) is recorded[0]


def test_much_that_differs_is_cut_short() -> None:
    lines = difference(composite(**{f"a{n}": "/a" for n in range(20)}), composite(**{f"b{n}": "/b" for n in range(20)}))
    assert len(lines) == 13
    assert lines[-1] == "  ... and 110 more lines"
    assert max(map(len, difference(query("SELECT " + "a" * 9000), query("SELECT " + "b" * 9000)))) < 500


def test_text_that_is_not_json_differs_by_its_lines() -> None:
    one, other = (Request("PUT", f"{DATA}/jobs/ingest/750/batches", f"Id,Name\n1,{name}\n", {}) for name in "ab")
    assert shown(one, other) == ["-1,a", "+1,b"]


def test_an_empty_cassette_has_nothing_near() -> None:
    assert explain(query("SELECT 1"), [], cassette="plan.yaml", times=0).endswith("plan.yaml; nothing is on it")


def test_among_5000_interactions_the_nearest_is_found_quickly() -> None:
    urls = {f"part{number}": f"/services/data/v67.0/query/?q=SELECT+Id+FROM+Object{number}__c" for number in range(20)}
    recorded = [composite(**urls, next=f"/sobjects/Case/{n}", last=f"/sobjects/Account/{n}") for n in range(5000)]
    request = composite(**urls, next="/sobjects/Case/3210", last="/sobjects/Account/new")
    started = time.process_time()
    message = explain(request, recorded, cassette="plan.yaml", times=0)
    taken = time.process_time() - started
    assert message.splitlines()[3:] == [
        '  -compositeRequest[last].url: "/sobjects/Account/3210"',
        '  +compositeRequest[last].url: "/sobjects/Account/new"',
    ]
    assert taken < 5, f"{taken:.2f} s"
