"""Whatever is sent, the org answers with an error of its own and never with a bug of ours.

Requests go straight to the ASGI application: a client library would set right much of what is to be wrong here. Each
is taken back before the next, so what Hypothesis finds can be sent again.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote, urlencode

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from starlette.types import ASGIApp, Message

from harness.sandbox import identity
from harness.sandbox.http import dispatch, rows
from harness.sandbox.http.app import make_app
from harness.sandbox.http.call import Call, parser_error
from harness.sandbox.http.desk import Desk
from harness.sandbox.http.driving import drive
from harness.sandbox.http.wire import Answer
from harness.sandbox.org import SandboxOrg

from .conftest import API, USERNAMES, Client

WORDS = st.sampled_from(
    "records attributes type Account Contact Name id Id compositeRequest url method referenceId body POST GET PATCH "
    "DELETE object operation insert query state allOrNone Contacts ids fields batchRequests richInput @{a.b} @{a[0]} "
    "a httpHeaders If-Modified-Since NewPassword Aborted UploadComplete graphs graphId haltOnError contentUrl "
    "jobType externalIdFieldName Metadata FullName User sobjects VersionData PathOnClient true 9999999999999999999 "
    f"{API}/sobjects/Account {API}/query?q=x {API}/composite v67.0/sobjects/User".split()
)
SCALARS = (
    WORDS
    | st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS | st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
PART = st.fixed_dictionaries(
    {
        "method": st.sampled_from(["GET", "POST", "PATCH", "DELETE"]) | SCALARS,
        "url": st.sampled_from(
            ["sobjects/Account", "sobjects/Account/@{a.id}", "query?q=SELECT Id FROM User", "recent"]
        ).map(f"{API}/".__add__)
        | SCALARS,
        "referenceId": st.sampled_from(["a", "b", "c"]) | SCALARS,
    },
    optional={"body": VALUES, "richInput": VALUES, "httpHeaders": VALUES},
)
PARTS = st.lists(PART, max_size=3)
ROW = st.dictionaries(WORDS, VALUES, max_size=4) | st.fixed_dictionaries(
    {"attributes": st.fixed_dictionaries({"type": WORDS, "referenceId": SCALARS}), "Name": SCALARS, "Contacts": VALUES}
)
ROWS = st.fixed_dictionaries({"records": st.lists(ROW, max_size=3)}, optional={"allOrNone": SCALARS})
COMPOSITE = st.fixed_dictionaries({"compositeRequest": PARTS}, optional={"allOrNone": SCALARS})
BATCH = st.fixed_dictionaries({"batchRequests": PARTS}, optional={"haltOnError": SCALARS})
GRAPH = st.fixed_dictionaries({"graphId": WORDS, "compositeRequest": PARTS})
GRAPHS = st.fixed_dictionaries({"graphs": st.lists(GRAPH, max_size=3)})
SHAPES = {"composite": COMPOSITE, "batch": BATCH, "graph": GRAPHS, "sobjects": ROWS, "tree": ROWS}
"""What a resource expects, by the segments of its address."""
JSON = (VALUES | ROW).map(lambda value: json.dumps(value).encode())
NO_JSON = st.one_of(
    st.tuples(JSON, st.integers(0, 200)).map(lambda cut: cut[0][: cut[1]]),
    JSON.map(gzip.compress),
    st.binary(max_size=30),
    st.sampled_from(
        [
            b'{"a": 1, "a": 2}',
            b'{"Name": NaN, "Site": Infinity}',
            b'{"Name": "\\ud800"}',
            b"<Account><Name>A</Name></Account>",
            b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
            b"--x\r\nContent-Disposition: form-data; name=a\r\n\r\n{}\r\n--x--\r\n",
            b"--x\r\n\r\n--x--",
            b'"Id","Name"\n"1"\n',
            b"[" * 3000,
        ]
    ),
)
SEGMENTS = st.sampled_from(
    [
        *(
            "Account",
            "User",
            "Profile",
            "ApexClass",
            "ContentVersion",
            "AccountShare",
            "Id",
            "ERP_Key__c",
            "x",
            "Contacts",
        ),
        *("001000000000000AAA", "001000000000000", "0r8x-1", "0r8x", "ADMIN", "Body", "VersionData", "password"),
        *(
            "%",
            "%0",
            "%zz",
            "%00",
            "%ff",
            "%2F",
            "%2e%2e",
            "..",
            ".",
            ";a=b",
            "%C3%A9",
            "@%7Ba.b%7D",
            "a" * 300,
            "%ED%A0%80",
        ),
    ]
) | st.text(max_size=6).map(lambda text: quote(text, errors="surrogatepass") or "y")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "get", "X")
ROUTES = [(method, f"/services/data/v67.0/{path}") for path, known in dispatch._PATHS.items() for method in known] + [
    ("GET", "/services/data/v*/sobjects/Account"),
    ("POST", "/services/apexrest/*"),
    ("POST", "/services/async/67.0/job/*/batch"),
    ("POST", "/services/oauth2/token"),
    ("GET", "/services/data/*/*"),
    ("GET", "/*/*/*/*"),
]
PARAMETERS = ("q", "ids", "fields", "locator", "maxRecords", "sObjects", "start", "end", "allOrNone")
VALUES_OF_PARAMETERS = st.sampled_from(
    ["", "Id", "Name,Id", "SELECT Id FROM Account", "2026-01-01T00:00:00Z", "-1", "1e9", "PATCH", "Account", "x,,y"]
) | st.text(max_size=8).map(lambda text: text.encode(errors="replace").decode())
QUERIES = st.fixed_dictionaries({}, optional=dict.fromkeys(PARAMETERS, VALUES_OF_PARAMETERS)).map(
    lambda given: urlencode(given).encode()
)
HEADER_NAMES = (
    *("accept", "accept-encoding", "content-encoding", "content-type", "if-match", "if-none-match", "x-prettyprint"),
    *("if-modified-since", "if-unmodified-since", "sforce-call-options", "sforce-mru", "sforce-query-options"),
    *("sforce-auto-assign", "sforce-duplicate-rule-header", "content-length", "transfer-encoding", "accept-language"),
)
HEADER_VALUES = (
    *("application/json", "application/xml", "text/csv", "multipart/form-data;boundary=x", "multipart/form-data"),
    *("application/json;charset=latin-1", "application/json;charset=nonsense", "gzip", "deflate", "br", "identity"),
    *("*/*", '"x"', 'W/"x"', "*", "true", "7", "batchSize=200", "batchSize=x", "client=a;b="),
    *("Tue, 05 Aug 2025 12:00:00 GMT", "Tue, 99 Aug 99999 12:00:00 GMT"),
)
HEADERS = st.dictionaries(
    st.sampled_from([name.encode() for name in HEADER_NAMES]),
    st.sampled_from([value.encode() for value in HEADER_VALUES]) | st.binary(max_size=8),
    max_size=3,
)


@dataclass(frozen=True)
class Nonsense:
    """A request as the web server hands it on."""

    method: str
    path: str
    query: bytes
    headers: dict[bytes, bytes]
    body: bytes


@st.composite
def nonsense(draw: st.DrawFn, routes: Sequence[tuple[str, str]]) -> Nonsense:
    method, path = draw(st.sampled_from(routes))
    while "*" in path:
        path = path.replace("*", draw(SEGMENTS), 1)
    if draw(st.integers(0, 9)) == 0:
        method, path = draw(st.sampled_from(METHODS)), path + draw(SEGMENTS)
    version = draw(st.sampled_from(["67.0"] * 6 + ["43.0", "31.0", "52.0", "58.0"]))
    path = path.replace("v67.0", f"v{version}", 1)
    shape = next((SHAPES[one] for one in path.split("/")[::-1] if "composite" in path and one in SHAPES), ROW)
    fitting = shape.map(lambda value: json.dumps(value).encode())
    body = draw(draw(st.sampled_from([fitting, fitting, fitting, fitting, JSON, NO_JSON])))
    query = draw(
        draw(st.sampled_from([QUERIES, QUERIES, QUERIES, st.just(b"_HttpMethod=PATCH"), st.binary(max_size=10)]))
    )
    headers = draw(draw(st.sampled_from([st.just({}), st.just({}), HEADERS])))
    return Nonsense(method, path, query, headers, body)


class Undo(Exception):
    pass


class Wire:
    """The application with a session of the administrator, without a server."""

    def __init__(self, org: SandboxOrg) -> None:
        self.org = org
        self.app: ASGIApp = make_app(org, Desk("http://x"))
        [self.user] = org.rows("User", Username=USERNAMES["admin"])
        self.token = identity.sign_in(org, self.user, identity.Login(type="Test", application="Test")).token

    def status(self, asked: Nonsense) -> int:
        """What is answered to the request, which is undone."""
        raw = asked.path.replace("ADMIN", self.user["Id"])
        headers = {b"authorization": f"Bearer {self.token}".encode(), **asked.headers}
        scope = {
            "type": "http",
            "http_version": "1.1",
            "scheme": "http",
            "server": ("127.0.0.1", 80),
            "client": ("127.0.0.1", 1),
            "root_path": "",
            "method": asked.method,
            "path": unquote(raw),
            "raw_path": raw.encode("ascii"),
            "query_string": asked.query,
            "headers": list(headers.items()),
        }
        half = len(asked.body) // 2
        parts = iter([(asked.body[:half], True), (asked.body[half:], False)])
        sent: list[Message] = []

        async def receive() -> Message:
            content, more = next(parts)
            return {"type": "http.request", "body": content, "more_body": more}

        async def send(message: Message) -> None:
            sent.append(message)

        with undone(self.org):
            drive(self.app(scope, receive, send))
        assert sent[-1]["type"] == "http.response.body"
        return int(sent[0]["status"])


@contextmanager
def undone(org: SandboxOrg) -> Iterator[None]:
    try:
        with org.transaction():
            yield
            raise Undo
    except Undo:
        return


def search_for_crashes(wire: Wire, routes: Sequence[tuple[str, str]], *, examples: int) -> None:
    @settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(asked=nonsense(routes))
    def try_one(asked: Nonsense) -> None:
        assert wire.status(asked) < 500, asked

    try_one()


def test_nothing_crashes(org: SandboxOrg) -> None:
    search_for_crashes(Wire(org), ROUTES, examples=400)


def crash_on_contacts(call: Call, *_path: str) -> Answer:
    """Minds what is not a list of objects, and not that one may have something else for a list."""
    records = call.json_object().get("records")
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise parser_error("records")
    return Answer(200, [len(record["Contacts"]) for record in records if "Contacts" in record])


def crash_on_empty_starts(call: Call, *_path: str) -> Answer:
    return Answer(200, call.params.get("start", "2026")[0])


@pytest.mark.parametrize(
    ("path", "method", "crash"),
    [
        ("composite/tree/*", "POST", crash_on_contacts),
        ("sobjects/*/deleted", "GET", crash_on_empty_starts),
    ],
)
def test_a_crash_would_be_found(
    org: SandboxOrg, monkeypatch: pytest.MonkeyPatch, path: str, method: str, crash: Any
) -> None:
    """The search is worth something: bugs put in for it do not escape."""
    methods = dispatch._PATHS[path]
    assert isinstance(methods, dict)
    monkeypatch.setitem(methods, method, crash)
    with pytest.raises(AssertionError, match=method):
        search_for_crashes(Wire(org), [route for route in ROUTES if route[1].endswith(path)], examples=500)


def test_a_crash_below_the_routes_would_be_found(org: SandboxOrg, monkeypatch: pytest.MonkeyPatch) -> None:
    fields = rows.fields

    def crash(call: Call) -> list[str]:
        named = fields(call) or []
        return [] if len(named) < 2 else [named[len(named)]]

    monkeypatch.setattr(rows, "fields", crash)
    with pytest.raises(AssertionError, match="GET"):
        search_for_crashes(Wire(org), [("GET", f"{API}/sobjects/User/ADMIN")], examples=500)


@pytest.mark.parametrize(
    "body",
    [
        b'{"Name": NaN}',
        b'{"Name": "\\ud800"}',
        b'{"AnnualRevenue": 1e999}',
        b'{"NumberOfEmployees": ' + b"9" * 400 + b"}",
    ],
)
def test_json_that_no_row_can_hold(erp: Client, body: bytes) -> None:
    assert erp.ask("POST", "sobjects/Account", data=body).status_code == 400


@pytest.mark.parametrize("depth", [400, 900, 5000])
def test_a_body_nested_too_deeply(erp: Client, depth: int) -> None:
    body = b'{"compositeRequest": [{"method": "POST", "referenceId": "a", "url": "/x", "body": %s%s}]}'
    content = body % (b"[" * depth, b"]" * depth)
    assert erp.ask("POST", "composite", data=content).status_code in (200, 400)


@pytest.mark.parametrize(
    "path", ["%00", "sobjects/%ff", "sobjects/Account/%2F", "?q=%ff", f"query?{urlencode({'q': chr(0)})}"]
)
def test_addresses_that_lead_nowhere(erp: Client, path: str) -> None:
    assert erp.get(path).status_code in (200, 400, 404)
