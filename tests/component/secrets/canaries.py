"""Secrets to recognise: each holds a mark that nothing else holds, and behind it the number of its kind.

What cannot hold a mark, a private key or a signature, is recognised by pieces of itself.
"""

from __future__ import annotations

import base64
import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

OPAQUE, JWT, REFRESH = "opaque access token", "JWT access token", "refresh token"
CONSUMER_KEY, CONSUMER_SECRET = "consumer key", "consumer secret"
PKCS1, PKCS8, ENCRYPTED, OPENSSH, EC = (
    f"private key, {form}" for form in ("PKCS#1", "PKCS#8", "encrypted PKCS#8", "OpenSSH", "EC")
)
PASSPHRASE, ASSERTION = "passphrase", "assertion"
PASSWORD, SECURITY_TOKEN = "password", "security token"
COOKIE, FRONT_DOOR, SOAP = "session cookie", "frontdoor sid", "SOAP sessionId"
PROXY, NETRC, FILED = "proxy password", "netrc password", "value of the old credential file"

MARKED = (
    *(OPAQUE, JWT, REFRESH, CONSUMER_KEY, CONSUMER_SECRET, PASSPHRASE, PASSWORD, SECURITY_TOKEN, COOKIE),
    *(FRONT_DOOR, SOAP, PROXY, NETRC, FILED),
)
"""The kinds whose values hold the mark."""
KEYS = (PKCS1, PKCS8, ENCRYPTED, OPENSSH, EC)
KINDS = (*MARKED, ASSERTION, *KEYS)
_AWKWARD = "Ä9&<\"'%+/\\=?# $x"
"""Everything that is written differently in a URL, in XML, in HTML, in JSON, in a shell."""
_FORMS = {
    **dict.fromkeys((OPAQUE, SOAP, FRONT_DOOR, COOKIE), f"00DRh0000000001!{{}}{'k' * 50}._"),
    REFRESH: f"5Aep861{{}}{'r' * 40}",
    CONSUMER_KEY: f"3MVG9{{}}{'c' * 53}",
    PASSWORD: f"{_AWKWARD}{{}}{_AWKWARD}",
}


@dataclass(frozen=True)
class Canaries:
    """The canaries of one world. `pieces` are what to look for, by kind: letters and digits alone."""

    mark: str = field(default_factory=lambda: _random(10))
    assertions: list[str] = field(default_factory=list)
    """The assertions that were sent, which the tool signs."""

    @property
    def pieces(self) -> Mapping[str, tuple[str, ...]]:
        """What tells each kind."""
        found = {kind: (self.piece(kind),) for kind in MARKED}
        found |= {kind: pieces_of_key(text) for kind, text in self.keys.items()}
        return found | {ASSERTION: tuple(_longest(each.rpartition(".")[2]) for each in self.assertions)}

    def piece(self, kind: str) -> str:
        """The mark of a kind."""
        return f"{self.mark}{MARKED.index(kind):02d}Q"  # the last one is not whole in base64

    def one(self, kind: str) -> str:
        """A new value of a kind, as it looks in life; of a private key the one there is."""
        if kind in KEYS:
            return self.keys[kind]
        if kind == ASSERTION:
            return self.assertions[0]
        core = self.piece(kind) + _random(14)
        return self._jwt(core) if kind == JWT else _FORMS.get(kind, "{}").format(core)

    @property
    def keys(self) -> Mapping[str, str]:
        """A private key in each format; PEM."""
        return _keys(self.mark, self.piece(PASSPHRASE))

    @staticmethod
    def _jwt(core: str) -> str:
        parts = ({"alg": "RS256", "typ": "JWT", "tty": "sfdc-core-token"}, {"scp": "api", "jti": core})
        header, claims = (base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)
        return f"{header}.{claims}.{core}{_random(200)}"


def pieces_of_key(pem: str) -> tuple[str, ...]:
    """Two pieces from the body of a private key, from inside their lines and without signs."""
    _, *lines, _ = pem.strip().splitlines()
    body = "".join(lines)[48:]  # what comes first is the same in every key of the format
    runs = [run for run in re.findall(r"[A-Za-z0-9]{10,}", body) if any(run in line for line in lines)]
    return tuple(run[:24] for run in sorted(runs[-6:], key=len, reverse=True)[:2])


def _longest(signature: str) -> str:
    return max(re.findall(r"[A-Za-z0-9]+", signature), key=len)[:24]


@cache
def _keys(mark: str, passphrase: str) -> Mapping[str, str]:  # noqa: ARG001 - one set for a mark
    one = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    curve = next(key for key in iter(_new_ec_key, None) if len(pieces_of_key(_pem(key))) == 2)
    plain = serialization.NoEncryption()
    locked = serialization.BestAvailableEncryption(passphrase.encode())
    form = serialization.PrivateFormat
    made = {
        PKCS1: (one, form.TraditionalOpenSSL, plain),
        PKCS8: (one, form.PKCS8, plain),
        ENCRYPTED: (one, form.PKCS8, locked),
        OPENSSH: (one, form.OpenSSH, plain),
        EC: (curve, form.PKCS8, plain),
    }
    return {kind: _pem(key, how, lock) for kind, (key, how, lock) in made.items()}


def _new_ec_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _pem(
    key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey,
    form: serialization.PrivateFormat = serialization.PrivateFormat.PKCS8,
    lock: serialization.KeySerializationEncryption | None = None,
) -> str:
    return key.private_bytes(serialization.Encoding.PEM, form, lock or serialization.NoEncryption()).decode()


def _random(length: int) -> str:
    """Letters and digits."""
    return "".join(secrets.choice("ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789") for _ in range(length))
