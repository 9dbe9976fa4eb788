"""Replay per request from an indexed cassette, against plain vcrpy with the same interactions."""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory

import requests
import vcr

from harness.org.clock import SystemClock
from harness.recording.cassettes import Cassettes
from harness.recording.hosts import CANONICAL_URL
from tests.bench.result import Result

SIZES = (100, 1_000)


def measure() -> list[Result]:
    results = []
    for size in SIZES:
        with TemporaryDirectory() as folder:
            path = _record(Path(folder), size)
            ours = _ours(path, size) / size * 1000
            rival = _plain_vcrpy(path, size) / size * 1000
        results.append(Result(f"replay of one request of {size:,}; rival: plain vcrpy", ours, rival, "ms"))
    return results


class _Accounts(BaseHTTPRequestHandler):
    """Answers any row by its id."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        record_id = self.path.rpartition("/")[2]
        body = json.dumps({"Id": record_id, "Name": f"Account {int(record_id[3:15])}"}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json;charset=UTF-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the name http.server wants
        pass


def _record(folder: Path, size: int) -> Path:
    """A cassette of distinct requests, recorded like any other."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Accounts)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}"
    try:
        cassettes = Cassettes(folder, "record", clock=SystemClock(), hosts=(url,))
        with cassettes.stage("verify"):
            _ask_all(url, size)
        return cassettes.path("verify")
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _ask_all(url: str, size: int) -> float:
    with requests.Session() as session:
        started = time.perf_counter()
        for number in range(size):
            asked = f"{url}/services/data/v67.0/sobjects/Account/001{number:012d}AAA"
            assert session.get(asked, timeout=10).json()["Name"] == f"Account {number}"
        return time.perf_counter() - started


def _ours(path: Path, size: int) -> float:
    cassettes = Cassettes(path.parent, "replay", clock=SystemClock())
    cassettes.require(["verify"])
    with cassettes.stage("verify"):
        return _ask_all(CANONICAL_URL, size)


def _plain_vcrpy(path: Path, size: int) -> float:
    with vcr.VCR(record_mode="none").use_cassette(str(path)):
        return _ask_all(CANONICAL_URL, size)
