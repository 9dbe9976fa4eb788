"""What may leave the process while a cassette is open: nothing in a replay, one thread's requests in a recording."""

from __future__ import annotations

import _socket
import asyncio
import http.client
import importlib
import os
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
import urllib3

from harness.errors import RecordingError
from harness.recording import network
from harness.recording.cassettes import CONTROL, Cassettes
from harness.recording.network import no_network, one_thread
from tests.unit.fake_org import FakeOrg, StillClock, Told

connect_of_before, create_connection_of_before = socket.socket.connect, socket.create_connection
PATH = "/services/data"


class Way:
    """One thread's ways out: some that it opens now, and connections that it opened before."""

    def __init__(self, org: FakeOrg) -> None:
        self.url = org.url
        self.host, self.port = str(urlsplit(org.url).hostname), urlsplit(org.url).port or 0
        self.kept = http.client.HTTPConnection(self.host, self.port, timeout=5)
        self.session = requests.Session()
        self.raw = socket.create_connection((self.host, self.port), timeout=5)
        self.send_of_before = self.raw.sendall
        self.kept.request("GET", PATH)
        self.kept.getresponse().read()
        self.session.get(self.url + PATH, timeout=5)

    def close(self) -> None:
        for each in (self.kept, self.session, self.raw):
            each.close()

    def all(self) -> dict[str, Callable[[], object]]:
        return {
            "requests": lambda: requests.get(self.url + PATH, timeout=5),
            "a session with a connection": lambda: self.session.get(self.url + PATH, timeout=5),
            "urllib3": lambda: urllib3.PoolManager().request("GET", self.url + PATH, retries=False),
            "http.client": self._ask,
            "http.client that is connected": self._ask_again,
            "socket.connect": lambda: self._connect(socket.socket.connect),
            "socket.connect_ex": lambda: self._connect(socket.socket.connect_ex),
            "a saved socket.connect": lambda: self._connect(connect_of_before),
            "the C type's connect": lambda: self._connect(_socket.socket.connect),
            "a saved create_connection": lambda: create_connection_of_before((self.host, self.port), 5).close(),
            "a datagram": self._send_datagram,
            "a message": self._send_message,
            "asyncio": lambda: asyncio.run(self._ask_later()),
            "a name": lambda: socket.getaddrinfo("localhost", self.port),
            "an old name": lambda: socket.gethostbyname("localhost"),
            "a connected socket": lambda: self.raw.sendall(self._request),
            "a saved sendall": lambda: self.send_of_before(self._request),
            "the number of a socket": lambda: os.write(self.raw.fileno(), self._request),
            "a program": lambda: subprocess.run(["curl", "-s", self.url], check=False, capture_output=True),
        }

    @property
    def _request(self) -> bytes:
        return f"GET {PATH} HTTP/1.1\r\nHost: {self.host}\r\n\r\n".encode()

    def _ask(self) -> None:
        with closing(http.client.HTTPConnection(self.host, self.port, timeout=5)) as connection:
            connection.request("GET", PATH)
            connection.getresponse().read()

    def _ask_again(self) -> None:
        self.kept.request("GET", PATH)
        self.kept.getresponse().read()

    def _connect(self, connect: Any) -> None:
        with socket.socket() as plain:
            connect(plain, (self.host, self.port))
            plain.sendall(self._request)

    def _send_datagram(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plain:
            plain.sendto(b"x", (self.host, self.port))

    def _send_message(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plain:
            plain.sendmsg([b"x"], [], 0, (self.host, self.port))

    async def _ask_later(self) -> None:
        _, writer = await asyncio.open_connection(self.host, self.port)
        writer.close()
        await writer.wait_closed()


OPEN_BEFORE = frozenset({"a connected socket", "a saved sendall", "the number of a socket"})
"""No event tells of these: they are answered as by a host that has hung up."""

NO_REQUEST = OPEN_BEFORE | {"a name", "an old name", "a program"}
"""What is not refused while a cassette is recorded: a simulated sandbox may serve in another thread."""


@pytest.fixture
def org(fake_org: FakeOrg) -> FakeOrg:
    fake_org.on("GET", PATH, Told(200, []))
    return fake_org


@pytest.fixture
def ways(org: FakeOrg) -> Iterator[list[Way]]:
    opened = [Way(org) for _ in range(8)]
    yield opened
    for way in opened:
        way.close()


@pytest.fixture
def cassettes(tmp_path: Path, org: FakeOrg) -> Callable[[Any], Cassettes]:
    def made(mode: Any) -> Cassettes:
        return Cassettes(tmp_path / "erp", mode, clock=StillClock(), hosts=[org.url])

    with made("record").stage("verify"):
        pass
    return made


def in_threads(ways: list[Way], but: frozenset[str] = frozenset()) -> list[dict[str, BaseException | None]]:
    """What each way out came to, in a thread for each."""
    results: list[dict[str, BaseException | None]] = [{} for _ in ways]

    def go(way: Way, result: dict[str, BaseException | None]) -> None:
        for name, leave in way.all().items():
            if name not in but:
                result[name] = _error_of(leave)

    threads = [threading.Thread(target=go, args=pair) for pair in zip(ways, results, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
        assert not thread.is_alive(), "a thread still waits for an answer"
    return results


def _error_of(leave: Callable[[], object]) -> BaseException | None:
    try:
        leave()
    except Exception as error:
        return error
    return None


def test_eight_threads_send_nothing_while_a_cassette_is_replayed(
    org: FakeOrg, ways: list[Way], cassettes: Callable[[Any], Cassettes]
) -> None:
    asked, connections = len(org.asked), org.connections
    results: list[dict[str, BaseException | None]] = []
    with (
        pytest.raises(RecordingError, match=r"(?s)is not the thread that opened.*tried to reach"),
        cassettes("replay").stage("verify"),
    ):
        results = in_threads(ways)
    assert (len(org.asked), org.connections) == (asked, connections)
    for result in results:
        assert result.keys() == ways[0].all().keys()
        for name, error in result.items():
            assert isinstance(error, BrokenPipeError if name in OPEN_BEFORE else RecordingError), (name, error)


def test_these_ways_lead_out_where_nothing_is_replayed(org: FakeOrg, ways: list[Way]) -> None:
    results = in_threads(ways[:1])
    errors = {name: error for name, error in results[0].items() if error is not None}
    assert set(errors) <= {"a program"}, errors  # there may be no curl
    assert len(org.asked) >= 2 + 9


def test_connections_are_as_they_were_after_a_replay(
    org: FakeOrg, ways: list[Way], cassettes: Callable[[Any], Cassettes]
) -> None:
    with cassettes("replay").stage("verify"):
        pass
    connections = org.connections
    for way in ways:
        way.kept.request("GET", PATH)
        assert way.kept.getresponse().read() == b"[]"
        way.raw.sendall(f"GET {PATH} HTTP/1.1\r\n\r\n".encode())
        assert way.raw.recv(12) == b"HTTP/1.1 200"
    assert org.connections == connections
    assert socket.getaddrinfo("127.0.0.1", 80)


def test_a_refusal_that_was_swallowed_fails_the_stage(org: FakeOrg, cassettes: Callable[[Any], Cassettes]) -> None:
    with (
        pytest.raises(RecordingError, match="tried to reach"),
        cassettes("replay").stage("verify"),
        suppress(Exception),
    ):
        socket.create_connection((str(urlsplit(org.url).hostname), urlsplit(org.url).port), 5)


def test_the_guard_cannot_be_taken_away(org: FakeOrg, ways: list[Way], monkeypatch: pytest.MonkeyPatch) -> None:
    asked, leave = len(org.asked), ways[0].all()["a saved socket.connect"]
    with pytest.raises(RecordingError, match="tried to reach"), no_network():
        take_away(monkeypatch, leave)
    assert len(org.asked) == asked


def take_away(monkeypatch: pytest.MonkeyPatch, leave: Callable[[], object]) -> None:
    """Exchange whatever the guard's module has, load it anew, and end another guard: each time `leave` is refused."""
    for name, value in vars(network).items():
        if callable(value) and value not in (Callable, Any):
            monkeypatch.setattr(network, name, lambda *_, **__: None)
    assert isinstance(_error_of(leave), RecordingError)
    monkeypatch.undo()
    importlib.reload(network)
    assert isinstance(_error_of(leave), RecordingError)
    with network.no_network():
        pass
    assert isinstance(_error_of(leave), RecordingError)


def test_unix_sockets_and_pipes_still_work_in_a_replay(tmp_path: Path) -> None:
    with no_network(), socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind(str(tmp_path / "s"))
        server.listen()
        client.connect(str(tmp_path / "s"))
        client.sendall(b"x")
        with server.accept()[0] as accepted:
            assert accepted.recv(1) == b"x"


def test_a_connection_that_is_closed_meanwhile_leaves_its_number_to_others(tmp_path: Path, ways: list[Way]) -> None:
    path = tmp_path / "text"
    with no_network():
        number = ways[0].raw.fileno()
        ways[0].raw.close()
        file = os.open(path, os.O_WRONLY | os.O_CREAT)
        if file != number:
            os.dup2(file, number)
            os.close(file)
    os.write(number, b"still the file")
    os.close(number)
    assert path.read_bytes() == b"still the file"


@contextmanager
def recorded(cassettes: Callable[[Any], Cassettes], org: FakeOrg, **options: Any) -> Iterator[requests.Session]:
    with cassettes("record").stage("plan", **options), requests.Session() as session:
        session.get(org.url + PATH, timeout=5)
        yield session


def test_another_thread_sends_nothing_while_a_cassette_is_recorded(
    org: FakeOrg, ways: list[Way], cassettes: Callable[[Any], Cassettes], tmp_path: Path
) -> None:
    before = len(org.asked)
    results: list[dict[str, BaseException | None]] = []
    refused = r"(?s)is not the thread that opened.*from another thread than"
    with pytest.raises(RecordingError, match=refused), recorded(cassettes, org):
        results = in_threads(ways[:2], but=NO_REQUEST)
    assert len(org.asked) == before + 1
    for result in results:
        assert result.keys() == ways[0].all().keys() - NO_REQUEST
        for name, error in result.items():
            assert isinstance(error, RecordingError), (name, error)
    assert not (tmp_path / "erp" / "plan.yaml").exists()


def test_a_recording_in_one_thread_is_written(
    org: FakeOrg, cassettes: Callable[[Any], Cassettes], tmp_path: Path
) -> None:
    with recorded(cassettes, org, calls=iter([5, 7]).__next__) as session:
        session.get(org.url + PATH, timeout=5)
        session.get(f"{org.url}{CONTROL}clock", timeout=5)
    assert (tmp_path / "erp" / "plan.yaml").is_file()


def by_another_library(org: FakeOrg, _: requests.Session) -> None:
    connection = http.client.HTTPConnection(urlsplit(org.url).netloc, timeout=5)
    connection.request("GET", PATH)
    connection.getresponse().read()
    connection.close()


def by_the_network(org: FakeOrg, session: requests.Session) -> None:
    org.on("GET", "/services/hang-up", Told(200, hang_up=True))
    with suppress(requests.ConnectionError):
        session.get(org.url + "/services/hang-up", timeout=5)


def by_another_transport(_: FakeOrg, __: requests.Session) -> None:
    """The engine's meter has counted it, and nothing else has."""


@pytest.mark.parametrize("lose", [by_another_library, by_the_network, by_another_transport])
def test_a_recording_that_lost_a_request_is_refused(
    lose: Callable[[FakeOrg, requests.Session], None],
    org: FakeOrg,
    cassettes: Callable[[Any], Cassettes],
    tmp_path: Path,
) -> None:
    calls = iter([0, 2 if lose is by_another_transport else 1])
    recording = recorded(cassettes, org, calls=calls.__next__)
    lost = r"plan\.yaml was not written: 2 requests were sent to the org, and 1 are"
    with pytest.raises(RecordingError, match=lost), recording as session:
        lose(org, session)
    assert not (tmp_path / "erp" / "plan.yaml").exists()


def test_what_the_recording_thread_sends_elsewhere_does_not_count(org: FakeOrg) -> None:
    host = urlsplit(org.url).netloc
    with one_thread(lambda asked, path: asked == host and path == "/counts") as watch:
        for path in ("/counts", "/does-not", "/counts?q=1"):
            requests.get(org.url + path, timeout=5)
    assert watch.sent == 2
