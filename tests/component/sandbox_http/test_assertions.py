"""What passes for a signed assertion of the JWT bearer flow, and every trick that does not."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from harness.sandbox import apps
from harness.sandbox.apps import App
from harness.sandbox.http.oauth import JWT_GRANT
from harness.sandbox.org import SandboxOrg
from harness.sandbox.server import SandboxServer
from harness.sandbox.switches import Switches

from .conftest import USERNAMES
from .sign_in_desk import Browser, refusal, sign, statuses

INVALID = ("invalid_grant", "invalid assertion")


@pytest.fixture
def browser(server: SandboxServer) -> Iterator[Browser]:
    made = Browser(server)
    yield made
    made.close()


@pytest.fixture
def app(org: SandboxOrg, user_ids: dict[str, str]) -> App:
    return apps.add_app(org, name="Mule", flows={"jwt-bearer"}, consented={user_ids["erp"]})


def encoded(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def by_hand(header: Any, claims: Any, signature: bytes = b"x") -> str:
    parts = [one if isinstance(one, bytes) else json.dumps(one).encode() for one in (header, claims)]
    return ".".join(encoded(one) for one in (*parts, signature))


def certificate_of(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, until: datetime) -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Mule")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(until - timedelta(days=365))
        .not_valid_after(until)
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM).decode()


def claims_of(server: SandboxServer, app: App) -> dict[str, Any]:
    now = int(time.time())
    url = server.ready.instance_url
    return {"iss": app.consumer_key, "sub": USERNAMES["erp"], "aud": url, "exp": now + 180}


def test_other_algorithms_are_refused(org: SandboxOrg, server: SandboxServer, browser: Browser, app: App) -> None:
    claims = claims_of(server, app)
    public = apps.public_key(org, app)
    assert public is not None
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    padded = {"alg": "HS256", "typ": "JWT"}
    signing_input = f"{encoded(json.dumps(padded).encode())}.{encoded(json.dumps(claims).encode())}"
    shared = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(signing_input.encode(), pem)
    made = [
        jwt.encode(claims, None, algorithm="none"),
        f"{signing_input}.{encoded(shared)}",
        jwt.encode(claims, apps.private_key(org, app), algorithm="RS512"),
        jwt.encode(claims, apps.private_key(org, app), algorithm="PS256"),
        by_hand({"alg": "RS256"}, claims, b""),
        by_hand({"alg": "rs256"}, claims),
        by_hand({"alg": ["RS256"]}, claims),
    ]
    for one in made:
        assert refusal(browser.token(grant_type=JWT_GRANT, assertion=one)) == INVALID, one


@pytest.mark.parametrize(
    "header",
    [
        {"kid": "../../../dev/null"},
        {"kid": "' OR 1=1 --"},
        {"jku": "https://elsewhere.example/keys", "x5u": "https://elsewhere.example/cert"},
        {"jwk": {"kty": "RSA", "n": "AQAB", "e": "AQAB"}},
    ],
)
def test_a_header_chooses_no_key(
    org: SandboxOrg, server: SandboxServer, browser: Browser, app: App, header: dict[str, Any]
) -> None:
    stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    forged = jwt.encode(claims_of(server, app), stranger, algorithm="RS256", headers=header)
    assert refusal(browser.token(grant_type=JWT_GRANT, assertion=forged)) == INVALID
    honest = sign(org, server, app, header=header)
    assert browser.token(grant_type=JWT_GRANT, assertion=honest).status_code == 200


def test_critical_extensions_are_refused(org: SandboxOrg, server: SandboxServer, browser: Browser, app: App) -> None:
    given = sign(org, server, app, header={"crit": ["exp"]})
    assert refusal(browser.token(grant_type=JWT_GRANT, assertion=given)) == INVALID


@pytest.mark.parametrize(
    "given",
    [
        "x",
        "..",
        "a.b.c",
        "é.é.é",
        "x" * 20_000,
        by_hand({"alg": "RS256"}, b"[" * 5000 + b"]" * 5000),
        by_hand(b"{" * 3000, {}),
        by_hand({"alg": "RS256"}, b"\xff\xfe"),
        by_hand({"alg": "RS256"}, b'{"exp": ' + b"9" * 5000 + b"}"),
        by_hand({"alg": "RS256"}, []),
        by_hand({"alg": "RS256"}, None),
        by_hand([], {}),
        by_hand({"alg": "RS256", "b64": False, "crit": ["b64"]}, {}),
    ],
    ids=range(13),
)
def test_nonsense_is_refused_and_soon(browser: Browser, given: str) -> None:
    began = time.process_time()
    assert refusal(browser.token(grant_type=JWT_GRANT, assertion=given)) in (
        INVALID,
        ("invalid_client_id", "client identifier invalid"),
    )
    assert time.process_time() - began < 2


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({"exp": True}, INVALID),
        ({"exp": float("nan")}, INVALID),
        ({"exp": float("inf")}, INVALID),
        ({"exp": -1}, INVALID),
        ({"exp": "soon"}, INVALID),
        ({"exp": [1]}, INVALID),
        ({"exp": {}}, INVALID),
        ({"aud": None}, ("invalid_grant", "audience is invalid")),
        ({"aud": []}, ("invalid_grant", "audience is invalid")),
        ({"aud": {"a": 1}}, ("invalid_grant", "audience is invalid")),
        ({"aud": ["https://other.example", "https://login.salesforce.com/"]}, None),
        ({"sub": USERNAMES["erp"].upper()}, None),
        ({"nbf": 10**10, "iat": 10**10}, None),
        ({"jti": "once"}, None),
    ],
)
def test_claims_of_all_sorts(
    server: SandboxServer, browser: Browser, app: App, claims: dict[str, Any], expected: tuple[str, str] | None
) -> None:
    org = server.org
    whole = claims_of(server, app) | claims
    header = {"alg": "RS256", "typ": "JWT"}
    signing_input = f"{encoded(json.dumps(header).encode())}.{encoded(json.dumps(whole).encode())}"
    key = serialization.load_pem_private_key(apps.private_key(org, app).encode(), password=None)
    signature = jwt.algorithms.RSAAlgorithm(jwt.algorithms.RSAAlgorithm.SHA256).sign(signing_input.encode(), key)
    response = browser.token(grant_type=JWT_GRANT, assertion=f"{signing_input}.{encoded(signature)}")
    if expected is None:
        assert response.status_code == 200, response.text
    else:
        assert refusal(response) == expected


def test_how_long_an_assertion_may_be_good_is_a_switch(
    org: SandboxOrg, server: SandboxServer, browser: Browser, app: App
) -> None:
    far = sign(org, server, app, exp=int(time.time()) + 3600)
    assert browser.token(grant_type=JWT_GRANT, assertion=far).status_code == 200
    org.switches = Switches(long_lived_assertions="refuse")
    assert refusal(browser.token(grant_type=JWT_GRANT, assertion=far)) == INVALID
    for near in (int(time.time()) + 180, int((time.time() + 180) * 1000)):
        assert browser.token(grant_type=JWT_GRANT, assertion=sign(org, server, app, exp=near)).status_code == 200


def test_a_clock_that_was_set_is_a_clock_too(
    org: SandboxOrg, server: SandboxServer, browser: Browser, app: App
) -> None:
    past = datetime(2026, 1, 5, 12, tzinfo=UTC)
    org.clock.set(past)
    given = sign(org, server, app, exp=int(past.timestamp()) + 60)
    assert browser.token(grant_type=JWT_GRANT, assertion=given).status_code == 200
    org.clock.advance(120)
    assert refusal(browser.token(grant_type=JWT_GRANT, assertion=given)) == INVALID


def test_the_certificate_of_the_client(org: SandboxOrg, server: SandboxServer, browser: Browser, app: App) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    apps.set_certificate(org, app, certificate_of(key, org.clock.peek() + timedelta(days=1)))
    own = jwt.encode(claims_of(server, app), key, algorithm="RS256")
    assert browser.token(grant_type=JWT_GRANT, assertion=own).status_code == 200
    assert refusal(browser.token(grant_type=JWT_GRANT, assertion=sign(org, server, app))) == INVALID
    org.clock.advance(2 * 24 * 3600)
    assert refusal(browser.token(grant_type=JWT_GRANT, assertion=own)) == INVALID
    assert statuses(org) == ["Success", "Failed: Signature Invalid", "Failed: Signature Invalid"]
    for wrong in ("nonsense", certificate_of(ec.generate_private_key(ec.SECP256R1()), org.clock.peek())):
        with pytest.raises(ValueError, match=r"certificate|PEM"):
            apps.set_certificate(org, app, wrong)


def test_refused_assertions_of_known_users_are_in_the_history(
    org: SandboxOrg, server: SandboxServer, browser: Browser, app: App
) -> None:
    for claims in (
        {"exp": 1},
        {"aud": "x"},
        {"sub": "nobody@acme.example", "exp": 1},
        {"sub": USERNAMES["integration"]},
    ):
        browser.token(grant_type=JWT_GRANT, assertion=sign(org, server, app, **claims))
    assert statuses(org) == ["Failed: Invalid Token", "Failed: Invalid Token", "Failed: Not approved for access"]


def test_the_test_audience_of_external_client_apps_is_a_switch(
    org: SandboxOrg, server: SandboxServer, browser: Browser, user_ids: dict[str, str]
) -> None:
    app = apps.add_app(
        org, name="Eca", kind="ExternalClientApplication", flows={"jwt-bearer"}, consented={user_ids["erp"]}
    )
    given = sign(org, server, app, aud="https://test.salesforce.com")
    assert refusal(browser.token(grant_type=JWT_GRANT, assertion=given))[0] == "app_not_found"
    org.switches = Switches(external_app_test_audience="accept")
    assert browser.token(grant_type=JWT_GRANT, assertion=given).status_code == 200
