"""The last look at a cassette: what is planted is found, in whatever encoding, and what is clean is let through."""

from __future__ import annotations

import base64
import gzip
import html
import json
import quopri
import string
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.org.secret import Secret
from harness.recording.filing import as_json, as_yaml
from harness.recording.filing.files import cassette_paths, load, text_of
from harness.recording.scanning.scan import Finding, by_shape, leaks, of_run

CASSETTES = Path(__file__).parents[3] / "cassettes"
WORDS = string.ascii_letters + string.digits
Encode = Callable[[str], str]


def b64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def wrapped(text: str, width: int = 40) -> str:
    return "\n".join(text[start : start + width] for start in range(0, len(text), width))


ENCODINGS: dict[str, Encode] = {
    "plain": str,
    "JSON in JSON": lambda text: json.dumps({"a": json.dumps({"b": json.dumps([text])})}),
    "\\u escapes": lambda text: "".join(f"\\u{ord(each):04X}" for each in text),
    "\\x escapes": lambda text: "".join(f"\\x{ord(each):02x}" for each in text),
    "URL": lambda text: f"/x?y={quote(text, safe='')}&z=1",
    "URL twice": lambda text: quote(f"/x?y={quote(text, safe='')}", safe=""),
    "every character in a URL": lambda text: "".join(f"%{ord(each):02x}" for each in text),
    "XML entities": lambda text: f"<a>{html.escape(text)}</a>",
    "numbered entities": lambda text: "".join(f"&#{ord(each)};" for each in text),
    "base64": lambda text: b64(text.encode()),
    "base64 behind one byte": lambda text: b64(b"\xff" + text.encode() + b"\xfe\xfd"),
    "base64 behind two bytes": lambda text: b64(b"\xff\xfe" + text.encode() + b"\xfd"),
    "base64url without padding": lambda text: (
        base64.urlsafe_b64encode(b"\xfb\xff" + text.encode()).decode().rstrip("=")
    ),
    "base64 twice": lambda text: b64(b64(text.encode()).encode()),
    "base64 in lines": lambda text: wrapped(b64(f"padding to fill more than a line {text}".encode())),
    "hex": lambda text: text.encode().hex(),
    "hex in capitals": lambda text: text.encode().hex().upper(),
    "hex in mixed case": lambda text: "".join(c.upper() if n % 3 else c for n, c in enumerate(text.encode().hex())),
    "hex with colons": lambda text: text.encode().hex(":"),
    "quoted-printable": lambda text: quopri.encodestring(f"{'x' * 60} {text}".encode(), quotetabs=True).decode(),
    "UTF-16 in base64": lambda text: b64(text.encode("utf-16")),
    "UTF-16 with NULs": lambda text: text.encode("utf-16-be").decode("latin-1"),
    "gzip in base64": lambda text: b64(gzip.compress(f"some content: {text}".encode(), mtime=0)),
    "a URL in JSON in base64": lambda text: b64(json.dumps({"url": f"/x?y={quote(text, safe='')}"}).encode()),
}


def session_id(chance: str) -> str:
    return f"00DRh0000000001!{chance}"


SHAPES: dict[str, tuple[Encode, str]] = {
    "session id": (session_id, "a session id"),
    "web token": (lambda chance: f"eyJhbGciOi{chance[:9]}.eyJpc3M{chance[9:18]}.{chance}", "a JSON Web Token"),
    "consumer key": (lambda chance: f"3MVG9{chance}", "a consumer key"),
    "refresh token": (lambda chance: f"5Aep{chance}", "a refresh token"),
    "bearer": (lambda chance: f"Bearer 7{chance}", "a bearer token"),
    "basic": (lambda chance: f"Authorization: Basic {b64(f'user:{chance}'.encode())}", "a bearer token"),
    "basic alone": (lambda chance: f"Basic {b64(f'user:{chance}'.encode())}", "a password"),
    "cookie": (lambda chance: f"Set-Cookie: sid={chance}; path=/", "a session cookie"),
    "front door": (lambda chance: f"https://x.example/secur/frontdoor.jsp?sid={chance}", "a session cookie"),
    "front door once": (lambda chance: f"https://x.example/secur/frontdoor.jsp?otp={chance}", "a login in a URL"),
    "proxy": (lambda chance: f"http://proxy-user:{chance}@proxy.example:3128", "a URL with a password"),
    "netrc": (lambda chance: f"machine h.example login user password {chance}", "a netrc entry"),
    "netrc in lines": (lambda chance: f"machine h.example\n  login user\n  password {chance}", "a netrc entry"),
    "SOAP password": (lambda chance: f"<n1:password>pass{chance}</n1:password>", "a secret by its name"),
    "SOAP session": (lambda chance: f"<sessionId>{chance}</sessionId>", "a secret by its name"),
    "client secret": (lambda chance: f'{{"client_secret": "{chance}"}}', "a secret by its name"),
    "password form": (lambda chance: f"grant_type=password&password={chance}", "a secret by its name"),
    "consumer secret": (lambda chance: "A" + chance.encode().hex().upper().ljust(63, "7")[:63], "a consumer secret"),
}

chances = st.text(WORDS, min_size=24, max_size=40)


def cassette(body: str, number: int = 2, *, of: int = 3) -> dict[str, Any]:
    """A cassette of a few interactions of which one has this answer."""
    answers = [body if each == number else '{\n "totalSize": 0,\n "done": true\n}' for each in range(1, of + 1)]
    return {
        "version": 1,
        "metadata": {"source": "simulated sandbox"},
        "interactions": [
            {
                "request": {
                    "method": "GET",
                    "uri": f"https://org.my.salesforce.example/q{n}?x",
                    "body": None,
                    "headers": {},
                },
                "response": {"status": {"code": 200}, "headers": {}, "body": {"string": answer}},
            }
            for n, answer in enumerate(answers, start=1)
        ],
    }


def whats(findings: list[Finding]) -> set[str]:
    return {finding.what for finding in findings}


# --- what is known ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ENCODINGS)
@given(
    value=st.text(string.printable[:94], min_size=10, max_size=40).filter(lambda text: len(set(text)) > 6),
    before=st.text(WORDS + " \n{}<>:,", max_size=40),
)
@settings(max_examples=12, deadline=None)
def test_a_secret_of_the_run_is_found_in_every_encoding(encoding: str, value: str, before: str) -> None:
    data = cassette(f"{before}\n{ENCODINGS[encoding](value)}\n{before}")
    found = of_run("", data, secrets=[Secret(value)])
    assert [(each.what, each.interaction) for each in found] == [("holds a secret of this run", 2)]
    assert value not in str(found[0])


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_no_encoding_of_another_value_is_taken_for_the_secret(encoding: str) -> None:
    data = cassette(ENCODINGS[encoding]("quite another value than 12345"))
    assert of_run("", data, secrets=[Secret("the-real-secret-1234")]) == []


def test_a_private_key_of_the_run_is_found_however_it_is_wrapped() -> None:
    key = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()
    )
    inner = "".join(key.decode().splitlines()[1:-1])
    for text in (key.decode(), key.decode().replace("\n", "\\n"), inner, wrapped(inner, 76), quote(inner, safe="")):
        assert of_run("", cassette(text), secrets=[Secret(key.decode())]), text


def test_hosts_ids_and_personal_values_are_found_and_nothing_like_them() -> None:
    def found(text: str) -> set[str]:
        return whats(
            of_run(
                "",
                cassette(text),
                hosts=["acme.my.salesforce.com"],
                ids=["005Do000001WSt2"],
                personal=["Anna Berg", "anna@acme.com", "+49 40 123456", "Bo"],
            )
        )

    assert found("https://acme.my.salesforce.com/x") == {"names the host acme.my.salesforce.com"}
    person, record = {"holds a personal value that is replaced elsewhere"}, {"holds a real record id"}
    for text in ("by ANNA Berg.", "Anna%20Berg", "xx anna@acme.com yy", "call +49 40 123456 now", "Anna&#32;Berg"):
        assert found(text) == person, text
    for text in ("/005Do000001WSt2IAG/", "%27005Do000001WSt2%27", b64(b"the id 005Do000001WSt2IAG is")):
        assert found(text) == record, text
    for text in ("Joanna Bergen", "Anna Bergmann", "Bo", "005Do000001WSt3", "005Do000001WSt2X", "+49 40 1234567"):
        assert found(text) == set(), text


# --- what is found by shape -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES)
@given(chance=chances, encoding=st.sampled_from(sorted(ENCODINGS)), before=st.text(string.ascii_letters, max_size=9))
@settings(max_examples=12, deadline=None)
def test_a_shape_is_found_in_every_encoding(shape: str, chance: str, encoding: str, before: str) -> None:
    make, what = SHAPES[shape]
    data = cassette(f"{before}\n{ENCODINGS[encoding](make(chance))}\n")
    found = by_shape("", data)
    assert f"holds what looks like {what}" in whats(found)
    assert all(each.interaction == 2 and chance not in str(each) for each in found)


@pytest.fixture(scope="module")
def keys() -> dict[str, bytes]:
    """Private keys as they are kept, each of its own format; PuTTY's is only its head."""
    one: rsa.RSAPrivateKey = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    curve = ec.generate_private_key(ec.SECP256R1())
    locked = serialization.BestAvailableEncryption(b"x")
    made = {
        "pkcs1": one.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()),
        "pkcs8": one.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        "encrypted": one.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, locked),
        "openssh": one.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()),
        "ec": curve.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()),
        "ec-pkcs8": curve.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    }
    return {**made, "putty": b"PuTTY-User-Key-File-3: ssh-rsa\nEncryption: none\nPrivate-Lines: 1\nAAAA\n"}


@pytest.mark.parametrize("name", ["pkcs1", "pkcs8", "encrypted", "openssh", "ec", "ec-pkcs8", "putty"])
def test_private_keys_are_found_with_their_frame_and_without(name: str, keys: dict[str, bytes]) -> None:
    text = keys[name].decode()
    inner = "".join(line for line in text.splitlines() if not line.startswith("-----"))
    ways = [text, json.dumps(text), b64(text.encode()), quote(text)]
    if name != "putty":
        der = base64.b64decode(inner)
        ways += [inner, wrapped(inner, 64), b64(b"some bytes" + der), base64.urlsafe_b64encode(der).decode(), der.hex()]
    for way in ways:
        assert "holds what looks like a private key" in whats(by_shape("", cassette(way))), way[:60]


def test_a_public_key_and_a_certificate_are_none(keys: dict[str, bytes]) -> None:
    key = serialization.load_pem_private_key(keys["pkcs8"], None).public_key()
    public = key.public_bytes(Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    assert by_shape("", cassette(b64(public))) == []


@pytest.mark.parametrize(
    "text",
    [
        "anna@acme.com",
        "anna%40acme.co.uk",
        "anna@myexample.com",
        "10.0.0.7",
        "from 85.3.17.4:443",
        "2a02:26f0:1700:1a5::356e",
        "fe80::1",
        "https://acme--uat.sandbox.my.salesforce.com/",
        "cs42.salesforce.com",
        "na139.salesforce.com",
    ],
)
def test_people_networks_and_orgs_are_found(text: str) -> None:
    assert by_shape("", cassette(text))
    assert by_shape("", cassette(b64(f"this is it: {text} indeed".encode())))


@pytest.mark.parametrize(
    "text",
    [
        "admin@nordwind.example x@example.com y@sub.example.org z@host.invalid t@a.test",
        "127.0.0.1 0.0.0.0 255.255.255.255 192.0.2.7 198.51.100.200 203.0.113.1 ::1 :: 2001:db8::5",
        "Chrome/120.0.0.0 1.2.3 1.2.3.4.5 09:00:00 2026-01-05T09:00:00.000+0000 Foo::bar",
        "http://soap.sforce.com/2006/04/metadata urn:partner.soap.sforce.com https://login.salesforce.com",
        "https://org.my.salesforce.example/services/oauth2/token",
        "access_token: REDACTED, password=REDACTED&client_secret=REDACTED sid=REDACTED",
        '{"access_token": "REDACTED", "token_type": "Bearer", "password": null, "passwordExpired": false}',
        "<password>REDACTED</password><sessionId/><n:sessionId></n:sessionId>",
        "Bearer authentication is required, Basic Authentication too; Authorization: REDACTED",
        "PermissionsPasswordNeverExpires PermissionsViewAllRecords/defaultRecordTypeMapping",
        "5f25494de87d35d47cfd72d764397c9f2ea71eb1d0986be3a686520bdee4d28e",
        "00DRh0000000001MAA 3MVG9 5Aep eyJ -----BEGIN PUBLIC KEY-----",
        "password: env:ERP_PASSWORD",
    ],
)
def test_what_is_harmless_stays(text: str) -> None:
    assert by_shape(text, cassette(text)) == []


def test_a_known_address_may_stay() -> None:
    data = cassette("the user ERP.Sync@acme.com and another%40acme.com")
    assert len(by_shape("", data)) == 1
    assert by_shape("", data, known=["erp.sync@acme.com", "another@acme.com"]) == []


# --- places -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", [as_yaml, as_json], ids=["yaml", "json"])
@given(number=st.integers(1, 5), chance=chances)
@settings(max_examples=10, deadline=None)
def test_a_finding_says_where(form: Any, number: int, chance: str) -> None:
    data = cassette(f"{{\n  'a': 1,\n  'b': '{session_id(chance)}'\n}}", number, of=5)
    raw = form.write(data)
    starts = [line for line, _ in form.parts(raw)][1:]
    (found,) = by_shape(raw, data, lines=starts)
    assert (found.interaction, found.request) == (number, f"GET https://org.my.salesforce.example/q{number}")
    assert found.line is not None
    assert chance in raw.split("\n")[found.line - 1]
    assert f"line {found.line}" in str(found)


def test_the_metadata_and_what_is_in_no_value_have_a_place_too() -> None:
    data = cassette("{}")
    data["metadata"]["note"] = session_id("x" * 20)
    raw = as_yaml.write(data) + f"# {b64(session_id('y' * 20).encode())}\n"
    starts = [line for line, _ in as_yaml.parts(raw)][1:]
    assert [(each.interaction, each.line) for each in by_shape(raw, data, lines=starts)] == [(0, 4)]
    data["metadata"]["note"] = ""
    (comment,) = by_shape(raw.replace("x" * 20, ""), data, lines=starts)
    assert (comment.interaction, comment.line) == (None, len(raw.split("\n")) - 1)


def test_leaks_are_sentences() -> None:
    data = cassette("the mail of anna@acme.com says tiger-tiger-tiger")
    assert leaks("", data, secrets=[Secret("tiger-tiger-tiger")], hosts=[], known=["anna@acme.com"]) == [
        "interaction 2 (GET https://org.my.salesforce.example/q2) holds a secret of this run"
    ]


def test_what_unpacks_to_very_much_is_not_unpacked_for_ever() -> None:
    bomb = gzip.compress(gzip.compress(bytes(50_000_000), mtime=0), mtime=0)
    start = time.process_time()
    by_shape("", cassette(b64(bomb)))
    assert time.process_time() - start < 5


# --- the committed ones -----------------------------------------------------------------------------------------------


def test_a_committed_cassette_is_clean_and_looked_through_quickly() -> None:
    """It takes half a second for a megabyte; all of them are looked through by `rehearse cassette verify`."""
    paths = sorted(cassette_paths(CASSETTES / "erp"), key=lambda path: path.stat().st_size)
    path = paths[-1]
    loaded, text = load(path), text_of(path)
    data = {"metadata": loaded.metadata, "interactions": loaded.interactions()}
    start = time.process_time()
    assert by_shape(text, data, lines=loaded.lines) == []
    assert time.process_time() - start < 1 + 5 * len(text) / 1_000_000
