"""A server at a real socket, in front of the simulated org: it keeps every byte that it hears, and lies as it is told.

It is an origin on the loopback, and an HTTPS proxy that leads every host to itself, with a certificate for all of them:
so that an org is spoken to by its real name, and nothing leaves this machine.
"""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_READING_SOAP = (b"<readMetadata", b"<listMetadata", b"<describeMetadata", b"<login ", b"<getUserInfo")


@dataclass(frozen=True, slots=True)
class Heard:
    """One request as it came off the wire."""

    host: str
    """Whom the client meant to speak to."""
    raw: bytes

    @property
    def line(self) -> str:
        """Method and path."""
        return self.raw.split(b" HTTP/", 1)[0].decode("ascii", "replace")

    @property
    def body(self) -> bytes:
        """What follows the headers."""
        return self.raw.partition(b"\r\n\r\n")[2]

    @property
    def mutates(self) -> bool:
        """Whether it may change an org: judged here anew, by the bytes, and not by what the guard thinks of it."""
        method, _, target = self.line.partition(" ")
        path = target.partition("?")[0]
        if method in ("GET", "HEAD"):
            return False
        if method == "POST" and path == "/services/oauth2/token":
            return False
        if method == "POST" and "/services/Soap/" in path:
            return not any(each in self.body for each in _READING_SOAP)
        if method == "POST" and (path.endswith("/composite") or "/jobs/query" in path):
            return _changes(self.body) if path.endswith("/composite") else False
        return not (path == "/secur/frontdoor.jsp" and method == "POST")


def _changes(body: bytes) -> bool:
    parts = json.loads(body)["compositeRequest"]
    return any(part["method"] != "GET" for part in parts)


@dataclass(frozen=True, slots=True)
class Told:
    """An answer."""

    status: int
    body: bytes
    headers: Sequence[tuple[str, str]] = (("Content-Type", "application/json"),)

    def json(self) -> Any:
        """The body, where it is JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


Answer = Callable[[str, requests.PreparedRequest], Told]
"""Answers a request for a host."""


@dataclass
class Ear:
    """The server. `heard` is every request, in order."""

    certificate: Path
    key: Path
    answer: Answer = lambda _host, _request: Told(500, b"")
    heard: list[Heard] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(self.certificate, self.key)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def mutating(self) -> list[str]:
        """The requests heard that may change an org."""
        return [f"{each.host}: {each.line}" for each in self.heard if each.mutates]

    def close(self) -> None:
        """Stop listening."""
        self._listener.close()
        for each in self._open:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        host = urlsplit(self.url).netloc
        with suppress(OSError, ValueError):
            stream = connection.makefile("rb")
            first = _request(stream)
            if first is not None and first.startswith(b"CONNECT "):
                host = first.split(b" ")[1].decode().removesuffix(":443")
                connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                connection = self._tls.wrap_socket(connection, server_side=True)
                self._open.append(connection)
                stream = connection.makefile("rb")
                first = _request(stream)
            while first is not None:
                self.heard.append(Heard(host, first))
                connection.sendall(_bytes(self.answer(host, _prepared(host, first))))
                first = _request(stream)


def _request(stream: Any) -> bytes | None:
    """The bytes of the next request; None when the client is gone."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        line = stream.readline()
        if not line:
            return None
        head += line
    sizes = [line.partition(b":")[2] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
    body: bytes = stream.read(int(sizes[0])) if sizes else b""
    return head + body


def _prepared(host: str, raw: bytes) -> requests.PreparedRequest:
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ")
    headers = dict(line.split(": ", 1) for line in lines)
    return requests.Request(method, f"http://{host}{target}", headers=headers, data=body).prepare()


def _bytes(told: Told) -> bytes:
    lines = [f"HTTP/1.1 {told.status} Told", *(f"{name}: {value}" for name, value in told.headers)]
    lines += [f"Content-Length: {len(told.body)}"] if told.status != 204 else []
    return "\r\n".join((*lines, "", "")).encode() + told.body


def write_certificate(folder: Path, hosts: Sequence[str]) -> tuple[Path, Path]:
    """A certificate for these hosts that is its own authority, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "hostile orgs")])
    begin = datetime.now(UTC) - timedelta(days=1)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate, private = folder / "hosts.pem", folder / "hosts.key"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    private.write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    return certificate, private
