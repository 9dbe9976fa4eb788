"""What a cassette may hold. Planted secrets never survive, wherever they are put."""

from __future__ import annotations

import json
import secrets
import string
from typing import Any
from urllib.parse import quote, urlencode

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.errors import RecordingError
from harness.org import soap
from harness.org.front_door import API_ONLY_PAGE
from harness.org.secret import Secret
from harness.recording import redaction
from harness.recording.cleaning.allowlist import built_in
from harness.recording.cleaning.answers import Asked
from harness.recording.cleaning.cleaner import Cleaner
from harness.recording.filing import as_json, as_yaml
from harness.recording.hosts import CANONICAL_HOST, CANONICAL_URL, Hosts
from harness.recording.scanning.scan import leaks
from harness.recording.standing_in.pseudonyms import Pseudonyms
from harness.recording.text import pretty_json
from tests.unit.fake_org import Told
from tests.unit.recording.test_cassettes import Studio, ask, studio

__all__ = ["studio"]

TOKEN_PATH = "/services/oauth2/token"
FORM = "application/x-www-form-urlencoded"


def session_id() -> str:
    return f"00D000000000001!{secrets.token_hex(20)}"


def consumer_key() -> str:
    return f"3MVG9{secrets.token_hex(30)}"


def web_token() -> str:
    return ".".join(("eyJ" + secrets.token_hex(9), secrets.token_hex(9), secrets.token_hex(9)))


def test_headers_are_an_allow_list() -> None:
    found = {
        "Authorization": "Bearer x",
        "Cookie": "sid=x",
        "Content-Type": b"application/json",
        "Sforce-Call-Options": "client=rehearse/a",
        "X-SFDC-Session": "x",
        "User-Agent": "python",
        "Accept": ["a", "b"],
    }
    kept = redaction.headers(found, redaction.REQUEST_HEADERS)
    expected = {"accept": "a, b", "content-type": "application/json", "sforce-call-options": "client=rehearse/a"}
    assert kept == expected
    answered = {"Set-Cookie": "sid=x", "Date": "now", "Location": "/x", "Sforce-Locator": "MTA"}
    assert redaction.headers(answered, redaction.RESPONSE_HEADERS) == {"location": "/x", "sforce-locator": "MTA"}


def test_a_sign_in_form_keeps_what_is_on_the_list_only() -> None:
    form = urlencode({"grant_type": "password", "username": "a@b.c", "password": "x", "client_id": "y", "new": "z"})
    kept = redaction.request_body(TOKEN_PATH, FORM, form)
    assert kept == "client_id=REDACTED&grant_type=password&new=REDACTED&password=REDACTED&username=a%40b.c"
    assert redaction.request_body(TOKEN_PATH, FORM, kept) == kept


def answered(path: str, content_type: str, body: str, *, asked: str = "", status: int = 200) -> str:
    """What is kept of an answer."""
    cleaner = Cleaner(built_in(), Pseudonyms(org_id="", scenario="erp"))
    kept = cleaner.answer(Asked("GET", path, body=asked), status, content_type, body)
    assert not cleaner.unknown
    return kept


def test_the_answer_of_the_token_endpoint_keeps_what_is_on_the_list_only() -> None:
    answer = {
        "access_token": session_id(),
        "id": "https://h/id/o/u",
        "signature": "s",
        "refresh_token": "r",
        "new": "n",
    }
    kept = json.loads(answered(TOKEN_PATH, "application/json", json.dumps(answer)))
    assert kept == {"access_token": "REDACTED", "id": "https://h/id/o/u"}
    refused = json.dumps({"error": "invalid_grant", "error_description": "inactive user"})
    assert json.loads(answered(TOKEN_PATH, "application/json", refused, status=400))["error"] == "invalid_grant"
    userinfo = json.dumps({"user_id": "005000000000000AAA", "email": "ada@acme.example", "active": True})
    kept = json.loads(answered("/services/oauth2/userinfo", "application/json", userinfo))
    assert kept == {"user_id": "005000000000000AAA", "active": True}
    assert answered("/services/oauth2/userinfo", "text/html", "Bad_OAuth_Token", status=403) == "Bad_OAuth_Token"


def test_a_soap_login_keeps_what_is_on_the_list_only() -> None:
    path, token = "/services/Soap/u/64.0", session_id()
    asked = soap.envelope("<login><username>a@b.c</username><password>x y</password></login>").decode()
    kept = redaction.request_body(path, "text/xml; charset=UTF-8", asked)
    assert "<username>a@b.c</username><password>REDACTED</password>" in kept
    result = f"<result><sessionId>{token}</sessionId><userType>Standard</userType><userEmail>e@f.g</userEmail></result>"
    answer = soap.envelope(f"<loginResponse>{result}</loginResponse>").decode()
    told = answered(path, "text/xml", answer, asked=kept)
    assert "<sessionId>REDACTED</sessionId><userType>Standard</userType><userEmail>REDACTED</userEmail>" in told


def test_other_bodies_lose_secrets_by_name_and_shape() -> None:
    body = {"NewPassword": "x", "consumerKey": "y", "note": f"see {session_id()} and {web_token()}", "Name": "Ada"}
    kept = json.loads(redaction.request_body("/services/data/v67.0/x", "application/json", json.dumps(body)))
    assert kept == {
        "NewPassword": "REDACTED",
        "consumerKey": "REDACTED",
        "note": "see REDACTED and REDACTED",
        "Name": "Ada",
    }
    xml = soap.envelope("<a><sessionId>x</sessionId><consumerSecret>y</consumerSecret><label>z</label></a>").decode()
    kept_xml = redaction.request_body("/services/Soap/m/67.0", "text/xml", xml)
    assert "<sessionId>REDACTED</sessionId><consumerSecret>REDACTED</consumerSecret><label>z</label>" in kept_xml
    assert redaction.query(f"sid={session_id()}&q=SELECT+Id") == "q=SELECT+Id&sid=REDACTED"
    assert redaction.request_body("/x", "text/csv", f"Id,Key\n1,{consumer_key()}\n") == "Id,Key\n1,REDACTED\n"


def test_pages_are_kept_as_what_they_say() -> None:
    page = f"<html><body>{API_ONLY_PAGE} {session_id()}</body></html>"
    assert answered("/secur/frontdoor.jsp", "text/html", page) == f"<h1>{API_ONLY_PAGE}</h1>"
    assert answered("/secur/frontdoor.jsp", "text/html; charset=UTF-8", "<p>home</p>") == ""


def test_describes_are_reduced_also_within_composites() -> None:
    field = {"name": "Id", "type": "id", "length": 18, "updateable": False, "createable": True}
    describe = {"name": "Account", "keyPrefix": "001", "fields": [field], "urls": [{}]}
    composite = {"compositeResponse": [{"body": describe, "httpStatusCode": 200, "referenceId": "r0"}]}
    path = "/services/data/v67.0/sobjects/Account/describe"
    parts = json.dumps({"compositeRequest": [{"method": "GET", "url": path, "referenceId": "r0"}]})
    for where, body, asked in ((path, describe, ""), ("/services/data/v67.0/composite", composite, parts)):
        kept = answered(where, "application/json", json.dumps(body), asked=asked)
        assert "length" not in kept
        assert "urls" not in kept
        assert '{"name": "Id", "type": "id", "createable": true}' in kept  # what goes without saying is left out


def test_of_picklists_and_record_types_a_describe_keeps_what_users_may_differ_in() -> None:
    values = [{"value": "a", "label": "A", "active": True, "defaultValue": True}, {"value": "b", "active": False}]
    types = [{"developerName": "Trade", "name": "Trade", "available": True, "active": True, "master": False}]
    field = {"name": "Kind", "type": "picklist", "picklistValues": values}
    describe = {"name": "Account", "keyPrefix": "001", "fields": [field], "recordTypeInfos": types}
    kept = json.loads(answered("/services/data/v67.0/sobjects/A/describe", "application/json", json.dumps(describe)))
    assert kept["fields"][0]["picklistValues"] == [
        {"value": "a", "defaultValue": True},
        {"value": "b", "active": False},
    ]
    assert kept["recordTypeInfos"] == [{"developerName": "Trade", "available": True}]


def test_hosts_of_the_same_my_domain_become_one() -> None:
    hosts = Hosts(["https://acme--dev.sandbox.my.salesforce.com", "http://127.0.0.1:8080"])
    said = (
        "https://acme--dev.sandbox.my.salesforce.com/id http://127.0.0.1:8080/id 127.0.0.1%3A8080 "
        "https://acme--dev.sandbox.lightning.force.com/x acme--dev.my.salesforce.com 127.0.0.1"
    )
    kept = hosts.normalise(said)
    assert kept.startswith(f"{CANONICAL_URL}/id {CANONICAL_URL}/id {CANONICAL_HOST} {CANONICAL_URL}/x")
    assert "acme--dev" not in kept
    assert kept.endswith(" 127.0.0.1")
    assert hosts.normalise(kept) == kept
    assert Hosts([]).normalise(said) == said


# --- planted secrets ---

SECRET = st.text(
    st.sampled_from(string.ascii_letters + string.digits + "!@#$%^&*()_+-= \"'\\<>&é"), min_size=8, max_size=40
)


@given(value=SECRET.filter(lambda text: text.strip() == text and len(set(text)) > 4))
@settings(max_examples=150, deadline=None)
def test_the_scan_finds_a_secret_however_it_is_written(value: str) -> None:
    ways = [
        value,
        json.dumps({"deep": [{"x": f"before {value} after"}]}),
        pretty_json({"a": "b" * 120, "c": value}),
        urlencode({"x": value}),
        quote(value, safe=""),
        soap.element("x", value),
        f"line\nline {value}\n",
    ]
    for body in ways:
        interactions = [{"request": {"method": "GET", "uri": "https://h/p", "body": body}, "response": {}}]
        text = as_yaml.write({"version": 1, "metadata": {}, "interactions": interactions})
        found = leaks(text, {"interactions": interactions}, secrets=[Secret(value)], hosts=[])
        assert any("holds a secret of this run" in each for each in found), body
        assert not any(value in each for each in found)


@st.composite
def conversations(draw: st.DrawFn) -> tuple[list[str], dict[str, Any]]:
    """Secrets, and where each is planted: a place that the platform puts secrets into."""
    alphabet = st.sampled_from(string.ascii_letters + string.digits + "!#$%&()*+-./:;<=>?@[]^_{|}~")
    password = st.text(alphabet, min_size=12, max_size=30).filter(lambda text: len(set(text)) > 6).map("7!".__add__)
    passwords = draw(st.lists(password, min_size=3, max_size=3, unique=True))
    planted = {
        "password": passwords[0],
        "consumerSecret": passwords[1],
        "NewPassword": passwords[2],
        "shaped": draw(st.sampled_from([session_id, consumer_key, web_token]))(),
    }
    return list(planted.values()), planted


ALLOWING = """
allow: 1
resources:
  - path: /services/data/{version}/limits
    json: {consumerSecret: keep, note: keep, url: keep}
  - path: /services/data/{version}/composite/sobjects/User
    json: [{NewPassword: keep}]
"""


@given(conversation=conversations())
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_planted_secrets_never_survive_in_the_file(
    studio: Studio, conversation: tuple[list[str], dict[str, Any]]
) -> None:
    values, planted = conversation
    (studio.folder.parent / "allow.yaml").write_text(ALLOWING)
    row = {
        "consumerSecret": planted["consumerSecret"],
        "note": f"'{planted['shaped']}'",
        "url": f"/x?sid={planted['shaped']}",
    }
    studio.org.on("GET", ".*/limits.*", Told(200, row, {"Set-Cookie": f"sid={planted['shaped']}"}))
    studio.org.on("POST", ".*/composite/sobjects/User", Told(200, [{"NewPassword": planted["NewPassword"]}]))
    studio.secrets = [Secret(value) for value in values]

    def talk(connection: Any) -> None:
        connection.request("GET", f"limits?token={quote(planted['password'], safe='')}")
        connection.request(
            "POST",
            "composite/sobjects/User",
            json={
                "ids": [],
                "fields": [],
            },
        )
        form = urlencode({"grant_type": "password", "password": planted["password"], "assertion": planted["shaped"]})
        connection.send("POST", "/services/oauth2/token", body=form.encode(), headers={"Content-Type": FORM})
        login = soap.envelope(f"<login>{soap.element('password', planted['password'])}</login>")
        connection.send("POST", "/services/Soap/u/64.0", body=login, headers=soap.HEADERS)
        connection.user_interface_allowed()

    studio.record(talk)
    data = yaml.safe_load(studio.text())
    for value in [*values, *studio.org.tokens]:
        assert value not in studio.text()
        assert value not in json.dumps(data, ensure_ascii=False)
    assert data["interactions"]


def test_a_secret_where_no_rule_looks_keeps_the_file_from_being_written(studio: Studio) -> None:
    password = secrets.token_hex(10)
    studio.secrets = [Secret(password)]
    with pytest.raises(
        RecordingError, match=r"(?s)was not written.*interaction 2 \(GET .*/query/\) holds a secret"
    ) as caught:
        studio.record(ask(f"SELECT Id FROM Account WHERE Name = '{password}'"))
    assert password not in str(caught.value)
    assert not list(studio.folder.rglob("*")) if studio.folder.exists() else True


def test_short_secrets_are_found_as_whole_words_only() -> None:
    def found(text: str) -> list[str]:
        data = {"interactions": [], "metadata": {"x": text}}
        return leaks(text, data, secrets=[Secret("tiger"), Secret("abc"), Secret("")], hosts=["127.0.0.1:80"])

    assert found("the tiger sleeps") == ["the metadata holds a secret of this run"]
    assert found("tigers; abc") == []
    assert found("http://127.0.0.1:80/") == ["the metadata names the host 127.0.0.1:80"]


@pytest.mark.parametrize("make", [session_id, consumer_key, web_token])
def test_what_looks_like_a_secret_is_found(make: Any) -> None:
    value = make()
    text = yaml.safe_dump({"x": value})
    assert leaks(text, {"interactions": [], "metadata": value}, secrets=[], hosts=[])
    assert (
        leaks("x", {"interactions": [], "metadata": quote(value, safe="")}, secrets=[], hosts=[])
        or make is not session_id
    )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(value=JSON)
@settings(max_examples=150, deadline=None)
def test_readable_json_is_the_same_json_and_survives_the_file(value: Any) -> None:
    text = pretty_json(value)
    assert json.loads(text) == value
    for form in (as_yaml, as_json):
        written = form.write({"version": 1, "metadata": {}, "interactions": [{"body": text}]})
        assert [part for _, part in form.parts(written)][1:] == [{"body": text}]
