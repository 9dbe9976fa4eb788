"""Replay per request and loading, from an indexed cassette, against plain vcrpy with the same interactions.

Three patterns: distinct requests, one URL with many bodies, and polling, where the same request is answered otherwise
each time. vcrpy needs hours for the largest of them: of those a share is asked, evenly spread over the cassette, and
each time what comes before it counts as played. Seconds are of the processor, of which there are few that others want.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any

import requests
import vcr
import yaml
from vcr.cassette import Cassette
from vcr.persisters.filesystem import FilesystemPersister
from vcr.serialize import serialize
from vcr.serializers import yamlserializer

from harness.org.clock import SystemClock
from harness.recording.cassettes import Cassettes
from harness.recording.filing import as_yaml, files
from harness.recording.hosts import CANONICAL_URL
from tests.bench.result import Result

SIZES = (100, 1_000, 5_000)
DATA = "/services/data/v67.0"
_POLL = "SELECT+Name,Phone+FROM+Account"


@dataclass(frozen=True)
class Pattern:
    """The requests of a conversation: the method, the path and the body of each, by its number."""

    name: str
    request: Callable[[int], tuple[str, str, Any]]
    match_on: tuple[str, ...]
    """What plain vcrpy must compare, so that it tells them apart."""
    shares: tuple[int, ...]
    """How many requests plain vcrpy is asked, of each size."""


PATTERNS = (
    Pattern("distinct GETs", lambda n: ("GET", _query(n), None), ("uri", "method"), (100, 50, 20)),
    Pattern(
        "one URL, many bodies", lambda n: ("POST", f"{DATA}/composite", _composite(n)), ("uri", "body"), (20, 5, 2)
    ),
    Pattern("polling", lambda _: ("GET", f"{DATA}/query/?q={_POLL}", None), ("uri", "method"), (100, 50, 20)),
)


def measure() -> list[Result]:
    """Milliseconds a request, their growth from the smallest to the largest, and the seconds of loading."""
    with TemporaryDirectory() as folder:
        results = [result for pattern in PATTERNS for result in _measure(pattern, Path(folder))]
        return results + _loading(Path(folder))


def _measure(pattern: Pattern, folder: Path) -> list[Result]:
    results = []
    for size, share in zip(SIZES, pattern.shares, strict=True):
        path = _record(pattern, folder, size)
        ours = min(_ours(pattern, path, size) for _ in range(2)) / size
        rival = _plain_vcrpy(pattern, path, size, share)
        part = "" if share == size else f", {share} of them asked"
        name = f"replay of {pattern.name}, {size:,}; rival: plain vcrpy{part}"
        results.append(Result(name, ours * 1000, rival * 1000, "ms a request"))
    first, last = results[0], results[-1]
    growth = f"growth of that from {SIZES[0]} to {SIZES[-1]:,}; rival: plain vcrpy"
    return [*results, Result(growth, last.ours / first.ours, last.rival / first.rival, "times")]


# --- the conversation -------------------------------------------------------------------------------------------------


def _query(number: int) -> str:
    return f"{DATA}/query/?q=SELECT+Name,Phone+FROM+Account+WHERE+NumberOfEmployees%3D{number}"


def _composite(number: int) -> Any:
    part = {"method": "GET", "url": _query(number), "referenceId": "rows"}
    return {"allOrNone": False, "compositeRequest": [part]}


def _rows(count: int) -> dict[str, Any]:
    """The first of so many rows."""
    attributes = {"type": "Account", "url": f"{DATA}/sobjects/Account/001000000000001AAA"}
    row = {"attributes": attributes, "Name": f"Account {count}", "Phone": f"+49 30 90{count:06d}"}
    return {"totalSize": count, "done": True, "records": [row]}


class _Org(BaseHTTPRequestHandler):
    """Answers any query, alone or as the part of a composite, with as many rows as it has a number."""

    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16  # head and body in one packet
    polls = -1

    def do_GET(self) -> None:
        if self.path.endswith(_POLL):
            type(self).polls += 1
            self._tell(_rows(self.polls))
        else:
            self._tell(_rows(_number(self.path)))

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        body = _rows(_number(asked["compositeRequest"][0]["url"]))
        part = {"body": body, "httpHeaders": {}, "httpStatusCode": 200, "referenceId": "rows"}
        self._tell({"compositeResponse": [part]})

    def _tell(self, answer: Any) -> None:
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json;charset=UTF-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the name http.server wants
        pass


def _number(url: str) -> int:
    return int(url.rpartition("%3D")[2])


@contextmanager
def _served() -> Iterator[str]:
    _Org.polls = -1
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Org)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _record(pattern: Pattern, folder: Path, size: int) -> Path:
    """A cassette, recorded like any other."""
    name = f"{pattern.name}-{size}".replace(" ", "-").replace(",", "")
    with _served() as url, _session() as session:
        cassettes = Cassettes(folder, "record", clock=SystemClock(), hosts=(url,))
        with cassettes.stage(name):
            for number in range(size):
                _ask(session, url, pattern, number)
        return cassettes.path(name)


def _session() -> requests.Session:
    """One that reads the environment no more than the transport's does."""
    session = requests.Session()
    session.trust_env = False
    return session


def _ask(session: requests.Session, url: str, pattern: Pattern, number: int) -> None:
    method, path, body = pattern.request(number)
    answer = session.request(method, url + path, json=body, timeout=10).json()
    rows = answer if body is None else answer["compositeResponse"][0]["body"]
    assert rows["totalSize"] == number


# --- replaying it -----------------------------------------------------------------------------------------------------


def _ours(pattern: Pattern, path: Path, size: int) -> float:
    """Seconds for all requests."""
    cassettes = Cassettes(path.parent, "replay", clock=SystemClock())
    with cassettes.stage(files.stage_of(path)), _session() as session:
        started = time.process_time()
        for number in range(size):
            _ask(session, CANONICAL_URL, pattern, number)
        return time.process_time() - started


def _plain_vcrpy(pattern: Pattern, path: Path, size: int, share: int) -> float:
    """Seconds for one request, the mean of `share` that are spread over the cassette."""
    recorder = vcr.VCR(record_mode="none", match_on=pattern.match_on)
    taken = 0.0
    with recorder.use_cassette(str(_as_vcrpy_keeps_it(path))) as cassette, _session() as session:
        for number in _spread(size, share):
            _played_until(cassette, number)
            started = time.process_time()
            _ask(session, CANONICAL_URL, pattern, number)
            taken += time.process_time() - started
    return taken / share


def _spread(size: int, share: int) -> list[int]:
    return [int((each + 0.5) * size / share) for each in range(share)]


def _played_until(cassette: Cassette, number: int) -> None:
    for each in range(number):
        cassette.play_counts[each] = 1


# --- loading it -------------------------------------------------------------------------------------------------------


def _as_vcrpy_keeps_it(path: Path) -> Path:
    """The same interactions in the file that vcrpy would have written."""
    plain = path.with_name(f".{files.stage_of(path)}.vcrpy")
    if not plain.exists():
        loaded = files.load(path)
        cassette = {"requests": loaded.requests, "responses": loaded.responses}
        plain.write_text(serialize(cassette, yamlserializer), "utf-8")
    return plain


def _loading(folder: Path) -> list[Result]:
    """Seconds until all interactions of the largest cassette are there, in both formats."""
    path = files.path_of(folder, f"distinct-GETs-{SIZES[-1]}")
    plain = _as_vcrpy_keeps_it(path)
    rival = _seconds(lambda: FilesystemPersister.load_cassette(str(plain), yamlserializer))
    readable = folder / "readable.yaml"
    readable.write_text(as_yaml.write(json.loads(files.text_of(path))), "utf-8")
    libyaml = "libyaml" if yaml.__with_libyaml__ else "no libyaml"
    name = f"loading {SIZES[-1]:,} interactions as {{}}; rival: plain vcrpy, YAML by {libyaml}"
    return [
        Result(name.format("packed JSON"), _seconds(lambda: files.load(path)), rival, "s"),
        Result(name.format("YAML"), _seconds(lambda: files.load(readable)), rival, "s"),
    ]


def _seconds(work: Callable[[], object]) -> float:
    """The best of three."""

    def once() -> float:
        started = time.process_time()
        work()
        return time.process_time() - started

    return min(once() for _ in range(3))
