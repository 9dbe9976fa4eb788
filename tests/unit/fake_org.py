"""A few lines of an org on the loopback: each test says what it answers, and sees what it was asked."""

from __future__ import annotations

import gzip
import json
import re
import secrets
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from harness.org.connection import Connection
from harness.org.guard import SandboxProof, WriteCapability, WriteGuard
from harness.org.ids import to_18
from harness.org.secret import Secret
from harness.org.sign_in import Credential
from harness.org.site import Site
from harness.org.transport import Transport

ORG_ID = to_18("00D0000000" + "00001")
USER_ID = to_18("005000000000001")


@dataclass
class Asked:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def form(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(self.body.decode()).items()}

    @property
    def query(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}


@dataclass
class Told:
    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    hang_up: bool = False
    """Read the request and close the connection without an answer."""
    cut_off: bool = False
    """Close the connection in the middle of the body."""
    zipped: bool = False


Answering = Callable[[Asked], Told] | Told


class FakeOrg:
    """Answers what it was told to; the newest matching rule wins. Signs in anybody with a random token."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.asked: list[Asked] = []
        self.connections = 0
        self.tokens: list[str] = []
        self._rules: list[tuple[str, re.Pattern[str], Answering]] = []
        self.on("POST", r"/services/oauth2/token", self._token)
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = 1 << 16  # head and body in one packet

            def handle_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                asked = Asked(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body)
                owner.asked.append(asked)
                self._tell(owner._answer(asked))

            def _tell(self, told: Told) -> None:
                if told.hang_up:
                    self.close_connection = True
                    return
                content = owner._encoded(told)
                self.send_response(told.status)
                kind = "text/html" if isinstance(told.body, str) else "application/json;charset=UTF-8"
                for name, value in {"Content-Type": kind, **told.headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                if told.cut_off:
                    self.close_connection = True
                    content = content[: len(content) // 2]
                self.wfile.write(content)

            do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = handle_any  # noqa: N815

            def setup(self) -> None:
                owner.connections += 1
                super().setup()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]
        self._scheme = "http"
        if tls is not None:
            self._scheme = "https"
            server_side = {"server_side": True, "do_handshake_on_connect": False}
            self._server.socket = tls.wrap_socket(self._server.socket, **server_side)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self._server.server_port}"

    @property
    def site(self) -> Site:
        return Site("simulated", self.url, ORG_ID, simulated=True)

    def on(self, method: str, path: str, answer: Answering) -> None:
        """From now on answer requests of this method whose path and query match the whole pattern."""
        self._rules.insert(0, (method, re.compile(path), answer))

    def paths(self) -> list[str]:
        return [f"{each.method} {each.path}" for each in self.asked]

    def _answer(self, asked: Asked) -> Told:
        for method, path, answer in self._rules:
            if method == asked.method and path.fullmatch(asked.path):
                return answer if isinstance(answer, Told) else answer(asked)
        return Told(404, [{"errorCode": "NOT_FOUND", "message": "The requested resource does not exist"}])

    @staticmethod
    def _encoded(told: Told) -> bytes:
        content = told.body if isinstance(told.body, bytes) else b""
        if isinstance(told.body, str):
            content = told.body.encode()
        elif told.body is not None and not isinstance(told.body, bytes):
            content = json.dumps(told.body).encode()
        if told.zipped:
            told.headers["Content-Encoding"] = "gzip"
            content = gzip.compress(content, mtime=0)
        return content

    def _token(self, _: Asked) -> Told:
        self.tokens.append(f"00D000000000001!{secrets.token_hex(20)}")
        return Told(
            200,
            {
                "access_token": self.tokens[-1],
                "signature": secrets.token_hex(16),
                "instance_url": self.url,
                "id": f"{self.url}/id/{ORG_ID}/{USER_ID}",
                "token_type": "Bearer",
                "issued_at": "1767603600000",
            },
        )


class StillClock:
    """A clock that stands still but for what is slept."""

    def __init__(self) -> None:
        self.time = datetime(2026, 1, 5, 9, tzinfo=UTC)
        self.slept: list[float] = []
        self.ids = 0

    def now(self) -> datetime:
        self.time += timedelta(milliseconds=1)
        return self.time

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    def pass_until(self, moment: datetime) -> bool:
        self.time = max(self.time, moment)
        return True

    def new_id(self) -> str:
        self.ids += 1
        return f"{self.ids:012x}"

    def random(self) -> float:
        return 0.5


def app_credential(username: str = "admin@acme.example") -> Credential:
    parts = {"consumer_key": Secret(secrets.token_hex(12)), "consumer_secret": Secret(secrets.token_hex(12))}
    return Credential("client-credentials", username, "Rehearsal Admin", parts)


@dataclass
class Bench:
    """A connection to a fake org with all that belongs to it."""

    org: FakeOrg
    guard: WriteGuard
    clock: StillClock
    transport: Transport
    connection: Connection

    @classmethod
    def of(
        cls, org: FakeOrg, credential: Credential | None = None, *, site: Site | None = None, **timeouts: float
    ) -> Self:
        guard, clock, site = WriteGuard(), StillClock(), site or org.site
        transport = Transport(site, guard=guard, clock=clock, **timeouts)
        connection = Connection("admin", credential or app_credential(), site, transport, clock)
        return cls(org, guard, clock, transport, connection)

    def writing(self) -> Any:
        proof = SandboxProof(ORG_ID, "simulated", "SIM1", "Developer Edition")
        return self.guard.grant(proof, WriteCapability(ORG_ID, "0" * 12, "grant"))

    def close(self) -> None:
        self.transport.close()
