"""The sign-in flows: what is sent, and what an answer or a refusal becomes."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from harness.errors import GuardRefused, OrgUnreachable, SignInRefused, UsageError
from harness.org import soap
from harness.org.errors import SIGN_IN
from harness.org.guard import WriteGuard
from harness.org.ids import to_18
from harness.org.refusals import remedy_for
from harness.org.secret import Secret
from harness.org.sign_in import Credential, Session, credential, sign_in
from harness.org.transport import Transport
from harness.scenario.model import ClientCredentials, SoapLogin, UsernamePassword
from tests.unit.fake_org import ORG_ID, USER_ID, FakeOrg, StillClock, Told

USERNAME = "erp.sync@acme.example"


@pytest.fixture(scope="module")
def private_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return key.private_bytes(encoding, form, serialization.NoEncryption()).decode()


def attempt(org: FakeOrg, flow: Any, **parts: str) -> Session:
    clock = StillClock()
    transport = Transport(org.site, guard=WriteGuard(), clock=clock)
    secrets = {name: Secret(value) for name, value in parts.items()}
    try:
        return sign_in(Credential(flow, USERNAME, "ERP Legacy", secrets), org.site, transport, clock)
    finally:
        transport.close()


def test_client_credentials_send_no_scope_and_no_user(fake_org: FakeOrg) -> None:
    session = attempt(fake_org, "client-credentials", consumer_key="key", consumer_secret="hidden")
    assert fake_org.asked[0].form == {"grant_type": "client_credentials", "client_id": "key", "client_secret": "hidden"}
    assert (session.org_id, session.user_id) == (ORG_ID, USER_ID)
    assert session.access_token.reveal() == fake_org.tokens[0]
    assert fake_org.tokens[0] not in repr(session)


def test_username_and_password_with_the_security_token_behind(fake_org: FakeOrg) -> None:
    parts = {"consumer_key": "key", "consumer_secret": "hidden", "password": "pass", "security_token": "word"}
    attempt(fake_org, "username-password", **parts)
    form = fake_org.asked[0].form
    assert (form["grant_type"], form["username"], form["password"]) == ("password", USERNAME, "password")


@pytest.mark.parametrize("written", ["as a file has it", "as a variable has it"])
def test_jwt_bearer_signs_for_the_user_at_the_my_domain(fake_org: FakeOrg, private_key: str, written: str) -> None:
    key = private_key if written == "as a file has it" else private_key.replace("\n", "\\n")
    attempt(fake_org, "jwt-bearer", consumer_key="key", private_key=key)
    form = fake_org.asked[0].form
    head, claims, _ = form["assertion"].split(".")
    decoded = json.loads(base64.urlsafe_b64decode(claims + "=="))
    assert json.loads(base64.urlsafe_b64decode(head + "=="))["alg"] == "RS256"
    assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    assert (decoded["iss"], decoded["sub"], decoded["aud"]) == ("key", USERNAME, fake_org.url)
    assert 170 <= decoded["exp"] - StillClock().time.timestamp() <= 180


def test_a_private_key_that_is_none(fake_org: FakeOrg) -> None:
    with pytest.raises(UsageError, match="private key of ERP Legacy is not an RSA private key"):
        attempt(fake_org, "jwt-bearer", consumer_key="key", private_key="rubbish")
    assert fake_org.asked == []


SOAP_LOGIN = (
    "<result><metadataServerUrl>{url}/services/Soap/m/64.0/00D000000000001</metadataServerUrl>"
    "<serverUrl>{url}/services/Soap/u/64.0/00D000000000001</serverUrl><sessionId>{token}</sessionId>"
    "<userId>005000000000001</userId><userInfo><organizationId>00D000000000001</organizationId></userInfo></result>"
)


def test_soap_login_is_asked_of_the_last_version_that_has_it(fake_org: FakeOrg) -> None:
    result = SOAP_LOGIN.format(url=fake_org.url, token="session")
    body = soap.envelope(f"<loginResponse>{result}</loginResponse>")
    fake_org.on("POST", "/services/Soap/u/64.0", Told(200, body, {"Content-Type": "text/xml"}))
    session = attempt(fake_org, "soap-login", password="a<b", security_token="&c")
    assert b"<username>erp.sync@acme.example</username><password>a&lt;b&amp;c</password>" in fake_org.asked[0].body
    assert fake_org.asked[0].headers["soapaction"] == "login"
    assert (session.org_id, session.user_id, session.instance_url) == (ORG_ID, USER_ID, fake_org.url)


def test_a_given_token_is_asked_whose_it_is(fake_org: FakeOrg) -> None:
    told = Told(200, {"user_id": "005000000000001", "organization_id": ORG_ID})
    fake_org.on("GET", "/services/oauth2/userinfo", told)
    session = attempt(fake_org, "access-token", access_token="given")
    assert fake_org.asked[0].headers["authorization"] == "Bearer given"
    assert (session.user_id, session.org_id) == (USER_ID, ORG_ID)


def test_a_given_token_that_is_refused(fake_org: FakeOrg) -> None:
    fake_org.on("GET", "/services/oauth2/userinfo", Told(403, "Bad_OAuth_Token"))
    with pytest.raises(SignInRefused, match="Bad_OAuth_Token") as caught:
        attempt(fake_org, "access-token", access_token="given")
    assert caught.value.remedy == remedy_for("Bad_OAuth_Token", "")


REFUSED = [
    ("invalid_app_access", "user is not admin approved to access this app", "pre-authorize the app"),
    ("invalid_grant", "user hasn't approved this consumer", "pre-authorize the app"),
    ("invalid_grant", "no client credentials user enabled", "run-as user"),
    ("invalid_grant", "request not supported on this domain", "My Domain URL"),
    ("invalid_grant", "audience is invalid", "My Domain URL"),
    ("invalid_grant", "Audience validation failed", "My Domain URL"),
    ("invalid_grant", "invalid assertion", "certificate"),
    ("invalid_grant", "authentication failure", "username-password flow"),
    ("invalid_grant", "inactive user", "activate the user"),
    ("invalid_grant", "ip restricted or invalid login hours", "login IP ranges"),
    ("app_not_found", "External client app is not installed in this org", "install"),
    ("invalid_client_id", "client identifier invalid", "consumer key"),
    ("invalid_client", "invalid client credentials", "consumer secret"),
    ("invalid_client", "app must be installed into org", "install"),
    ("unsupported_grant_type", "grant type not supported", "enable this flow"),
]


def test_a_refusal_that_repeats_what_was_sent_is_kept_without_it(fake_org: FakeOrg) -> None:
    told = Told(400, {"error": "invalid_client", "error_description": "no app has open-sesame"})
    fake_org.on("POST", "/services/oauth2/token", told)
    with pytest.raises(SignInRefused, match="no app has \\*\\*\\*") as caught:
        attempt(fake_org, "client-credentials", consumer_key="key", consumer_secret="open-sesame")
    assert "sesame" not in f"{caught.value} {caught.value.code} {caught.value.description}"


@pytest.mark.parametrize(("code", "words", "remedy"), REFUSED)
def test_a_refusal_keeps_the_words_of_the_org(fake_org: FakeOrg, code: str, words: str, remedy: str) -> None:
    told = Told(400, {"error": code, "error_description": words})
    fake_org.on("POST", "/services/oauth2/token", told)
    with pytest.raises(SignInRefused) as caught:
        attempt(fake_org, "client-credentials", consumer_key="key", consumer_secret="hidden")
    assert (caught.value.code, caught.value.description) == (code, words)
    assert (caught.value.flow, caught.value.username) == ("client-credentials", USERNAME)
    assert remedy in (caught.value.remedy or "")
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize(
    ("code", "words", "remedy"),
    [
        ("INVALID_LOGIN", "Invalid username, password, security token; or user locked out.", "locked or frozen"),
        ("INVALID_OPERATION", "SOAP API login() is disabled by default in this org.", "use an OAuth flow"),
        ("LOGIN_MUST_USE_SECURITY_TOKEN", "Invalid username, password, security token.", "security token"),
        ("INSUFFICIENT_ACCESS", "", "Use Any API Auth"),
    ],
)
def test_a_soap_fault_is_a_refusal_in_its_words(fake_org: FakeOrg, code: str, words: str, remedy: str) -> None:
    fault = (
        f"<env:Fault><faultcode>sf:{code}</faultcode><faultstring>{code}: {words}</faultstring><detail><LoginFault>"
        f"<exceptionCode>{code}</exceptionCode><exceptionMessage>{words}</exceptionMessage></LoginFault></detail></env:Fault>"
    )
    fake_org.on("POST", "/services/Soap/u/64.0", Told(500, soap.envelope(fault), {"Content-Type": "text/xml"}))
    with pytest.raises(SignInRefused) as caught:
        attempt(fake_org, "soap-login", password="x")
    assert (caught.value.code, caught.value.description) == (code, words)
    assert remedy in (caught.value.remedy or "")


def test_every_known_refusal_has_its_remedy_reachable() -> None:
    for refusal in SIGN_IN:
        assert remedy_for(refusal.code.upper(), f"some {refusal.text} words") == refusal.remedy, refusal
    assert remedy_for("no_such_error", "") is None


def test_another_org_than_the_pinned_one(fake_org: FakeOrg) -> None:
    other = to_18("00D000000000002")
    answer = {"access_token": "t", "instance_url": fake_org.url, "id": f"{fake_org.url}/id/{other}/{USER_ID}"}
    fake_org.on("POST", "/services/oauth2/token", Told(200, answer))
    with pytest.raises(GuardRefused, match=f"signed in to org {other}, but simulated is pinned to {ORG_ID}"):
        attempt(fake_org, "client-credentials", consumer_key="key", consumer_secret="hidden")


@pytest.mark.parametrize(
    "told", [Told(200, "<html>Log in</html>"), Told(302, None, {"Location": "/login"}), Told(500, {}), Told(404, "x y")]
)
def test_what_is_no_answer_to_a_sign_in(fake_org: FakeOrg, told: Told) -> None:
    fake_org.on("POST", "/services/oauth2/token", told)
    with pytest.raises(OrgUnreachable, match="which is no answer to a sign-in"):
        attempt(fake_org, "client-credentials", consumer_key="key", consumer_secret="hidden")
    fake_org.on("POST", "/services/Soap/u/64.0", told)
    with pytest.raises(OrgUnreachable):
        attempt(fake_org, "soap-login", password="x")


def test_a_credential_resolves_the_references_of_its_flow() -> None:
    asked: list[str] = []

    def resolve(reference: str) -> Secret:
        asked.append(reference)
        return Secret(reference.upper())

    app = {"app": "ERP", "consumer_key": "env:A", "consumer_secret": "env:B"}
    made = credential(ClientCredentials(flow="client-credentials", **app), USERNAME, resolve)
    assert made.parts == {"consumer_key": Secret("ENV:A"), "consumer_secret": Secret("ENV:B")}
    assert (made.flow, made.app, made.username, made.renewable) == ("client-credentials", "ERP", USERNAME, True)
    with_password = UsernamePassword(flow="username-password", **app, password="env:C")
    assert set(credential(with_password, USERNAME, resolve).parts) == {"consumer_key", "consumer_secret", "password"}
    assert credential(SoapLogin(flow="soap-login", password="env:D"), USERNAME, resolve).app is None
    assert asked == ["env:A", "env:B", "env:A", "env:B", "env:C", "env:D"]
