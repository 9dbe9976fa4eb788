"""Whatever is sent, the org answers with an error of its own and never with a bug of ours."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.sandbox.errors import ApiError
from harness.sandbox.http.call import Call
from harness.sandbox.http.desk import Desk
from harness.sandbox.http.dispatch import _PATHS, dispatch
from harness.sandbox.http.wire import Answer, encode, refusal
from harness.sandbox.org import SandboxOrg

from .conftest import API, Client

WORDS = st.sampled_from(
    "records attributes type Account Name id Id compositeRequest url method referenceId body POST GET object operation "
    "insert query state allOrNone Contacts ids fields batchRequests richInput @{a.b} httpHeaders NewPassword Aborted "
    f"{API}/sobjects/Account {API}/query?q=x".split()
)
SCALARS = WORDS | st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
BODIES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS | st.text(max_size=5), inner, max_size=5),
    max_leaves=25,
)
SEGMENTS = st.sampled_from(["Account", "User", "Id", "ERP_Key__c", "001000000000000AAA", "x", "0r8x-1"]) | st.text(
    st.characters(exclude_characters="/%"), min_size=1, max_size=6
)
ROUTES = st.sampled_from([(method, path) for path, methods in _PATHS.items() for method in methods])
RELAXED = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


def answer_to(call: Call) -> Answer:
    try:
        return dispatch(call)
    except ApiError as error:
        return refusal(error)


@settings(max_examples=400, deadline=None, derandomize=True, suppress_health_check=RELAXED)
@given(route=ROUTES, segments=st.lists(SEGMENTS, min_size=3, max_size=3), body=BODIES, query=SCALARS)
def test_every_route_takes_any_body(
    org: SandboxOrg, route: tuple[str, str], segments: list[str], body: Any, query: Any
) -> None:
    user_id = org.rows("User")[0]["Id"]
    method, path = route
    for segment in segments:
        path = path.replace("*", segment, 1)
    params = {name: str(query) for name in ("q", "ids", "fields", "locator", "maxRecords", "sObjects")}
    call = Call(org, Desk("http://x"), user_id, "67.0", method, path, params=params, body=json.dumps(body).encode())
    answer = answer_to(call)
    assert answer.status < 500
    encode(answer.body, pretty=True)
    encode(answer.body, pretty=False)


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
