"""What an answer of the simulated sandbox costs, with all its checks, against a bare Starlette endpoint of equal size.

Each server is a process of its own with the same uvicorn settings; the client is a loop over plain sockets that keeps
several requests on their way, so that it is the server that is measured.
"""

from __future__ import annotations

import itertools
import multiprocessing
import select
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any
from urllib.parse import quote

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from harness.sandbox import identity
from harness.sandbox.http.wire import JSON_TYPE
from harness.sandbox.server import SandboxServer
from harness.sandbox.source import open_org
from tests.bench.result import Result

CONNECTIONS = 4
SECONDS = 0.7
ROUNDS = 8
ACCOUNTS = 200
SOQL = "SELECT Id, Name, BillingCity, Phone FROM Account WHERE Name LIKE 'Bench 1%' AND Phone = '1' LIMIT 20"
UNSEEN = SOQL.replace("Phone = '1'", "Phone = '1' AND BillingCity != 'None {}'")
"""The same rows, by a text that no query before had: a value differs, as between clients' queries."""


def measure() -> list[Result]:
    with _process(_serve_org) as org, _process(_serve_bare) as bare:
        query = "/services/data/v67.0/query?q="
        paths: dict[str, Iterator[str]] = {
            "a row by id": itertools.repeat(f"/services/data/v67.0/sobjects/Account/{org['row']}"),
            "a filtered query": itertools.repeat(query + quote(SOQL)),
            "a filtered query with another value each time": (
                query + quote(UNSEEN.format(number)) for number in itertools.count()
            ),
        }
        results = []
        for name, path in paths.items():
            asked = (_request(org["port"], one, org["token"]) for one in path)
            size = _exchange(org["port"], next(asked))
            plain = itertools.repeat(_request(bare["port"], f"/?size={size}", "none"))
            assert _exchange(bare["port"], next(plain)) == size
            rounds = [(_cost(org["port"], asked), _cost(bare["port"], plain)) for _ in range(ROUNDS)]
            ours, rival = min(one for one, _ in rounds), min(other for _, other in rounds)
            results.append(Result(f"{name}, all checks; rival: bare starlette", ours, rival, "ms a request"))
        return results


def _serve_org(pipe: Connection) -> None:
    org = open_org("demo")
    with org.transaction():
        ids = [
            org.insert_row("Account", {"Name": f"Bench {number}", "Phone": str(number % 2), "BillingCity": "Ulm"})
            for number in range(ACCOUNTS)
        ]
    account = org.schema.get("Account")
    assert account is not None
    readers = (one for one in org.rows("User", IsActive=True) if org.permissions_of(one["Id"]).can(account, "read"))
    user = next(one for one in readers if not org.permissions_of(one["Id"]).has("ModifyAllData"))
    token = identity.sign_in(org, user, identity.Login(type="Bench", application="Bench")).token
    with SandboxServer(org) as server:
        pipe.send({"port": _port(server.ready.instance_url), "token": token, "row": ids[0]})
        pipe.recv()
    org.close()


def _serve_bare(pipe: Connection) -> None:
    async def answer(request: Request) -> Response:
        return Response(b"x" * int(request.query_params["size"]), media_type=JSON_TYPE)

    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # by name: no Nagle's delay
    listener.bind(("127.0.0.1", 0))
    app = Starlette(routes=[Route("/", answer)])
    config = uvicorn.Config(app, http="h11", ws="none", loop="asyncio", lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    pipe.send({"port": listener.getsockname()[1]})
    server.run(sockets=[listener])


@contextmanager
def _process(serve: Callable[[Connection], None]) -> Iterator[dict[str, Any]]:
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=serve, args=(there,), daemon=True)
    process.start()
    try:
        yield here.recv()
    finally:
        process.terminate()
        process.join()


def _port(url: str) -> int:
    return int(url.rpartition(":")[2])


def _request(port: int, path: str, token: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {token}\r\n\r\n".encode()


class _Client:
    """One connection that asks again and again."""

    def __init__(self, port: int, requests: Iterator[bytes]) -> None:
        self.connection = socket.create_connection(("127.0.0.1", port))
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._requests = requests
        self._received = b""

    def fileno(self) -> int:
        return self.connection.fileno()

    def ask(self) -> None:
        self._received = b""
        self.connection.sendall(next(self._requests))

    def answer(self) -> int | None:
        """Take what has come; the size of the body once the answer is whole."""
        self._received += self.connection.recv(1 << 20)
        head, end, body = self._received.partition(b"\r\n\r\n")
        if not end:
            return None
        assert head.startswith(b"HTTP/1.1 200"), self._received[:500]
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        return length if len(body) == length else None


def _exchange(port: int, request: bytes) -> int:
    """The size of the body of one answer."""
    client = _Client(port, iter([request]))
    with client.connection:
        client.ask()
        while (size := client.answer()) is None:
            pass
        return size


def _cost(port: int, requests: Iterator[bytes]) -> float:
    """Milliseconds an answer, with a request on its way over each of the connections."""
    clients = [_Client(port, requests) for _ in range(CONNECTIONS)]
    for client in clients:
        client.ask()
    answers, started = 0, time.perf_counter()
    while (now := time.perf_counter()) - started < SECONDS:
        for client in select.select(clients, [], [])[0]:
            if client.answer() is not None:
                answers += 1
                client.ask()
    for client in clients:
        client.connection.close()
    return (now - started) * 1000 / answers
