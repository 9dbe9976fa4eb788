"""The state file of a simulated sandbox that is killed while it is being written to."""

from __future__ import annotations

import random
import signal
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import requests

from harness.sandbox.ready import Ready
from tests.component.command.process import Process, running
from tests.component.plugin.example import Example

KILLS = 3
AT_LEAST = 6
"""So many pairs are acknowledged before each kill."""
API = "/services/data/v67.0"


@contextmanager
def served(project: Example) -> Iterator[tuple[Process, Ready]]:
    arguments = ("sandbox", "--state", "org.db", "--ready", "ready.json")
    with running(project, *arguments) as process:
        process.read_until("simulated sandbox at")
        yield process, Ready.read(project.folder / "ready.json")


def signed_in(ready: Ready) -> requests.Session:
    user, app = ready.users["admin"], ready.apps["Rehearsal Admin"]
    form = {
        "grant_type": "password",
        "client_id": app["consumer_key"],
        "client_secret": app["consumer_secret"],
        "username": user["username"],
        "password": user["password"] + user["security_token"],
    }
    http = requests.Session()
    http.trust_env = False
    token = http.post(f"{ready.instance_url}/services/oauth2/token", data=form, timeout=10).json()["access_token"]
    http.headers["Authorization"] = f"Bearer {token}"
    return http


def create_until_it_dies(http: requests.Session, url: str, prefix: str, acknowledged: dict[str, str]) -> None:
    """Create pairs of accounts, both or none, and note those that were acknowledged."""
    for number in range(100_000):
        names = [f"{prefix} {number} {half}" for half in "ab"]
        records = [{"attributes": {"type": "Account"}, "Name": name} for name in names]
        body = {"allOrNone": True, "records": records}
        try:
            answer = http.post(f"{url}{API}/composite/sobjects", json=body, timeout=5)
        except requests.RequestException:
            return
        acknowledged.update({row["id"]: name for row, name in zip(answer.json(), names, strict=True)})


def wait_for(acknowledged: dict[str, str], count: int) -> None:
    """Wait until so many accounts were acknowledged."""
    deadline = time.monotonic() + 60
    while len(acknowledged) < count:
        assert time.monotonic() < deadline, f"only {len(acknowledged)} accounts, {count} wanted"
        time.sleep(0.01)


def test_a_kill_loses_nothing_that_was_acknowledged_and_leaves_nothing_half_done(project: Example) -> None:
    chance = random.Random(4711)
    acknowledged: dict[str, str] = {}
    for kill in range(KILLS):
        with served(project) as (process, ready), signed_in(ready) as http:
            writer = threading.Thread(
                target=create_until_it_dies, args=(http, ready.instance_url, f"Kill {kill}", acknowledged)
            )
            writer.start()
            wait_for(acknowledged, len(acknowledged) + 2 * AT_LEAST)
            time.sleep(chance.random() / 2)
            process.end(by=signal.SIGKILL)
            writer.join()
    assert len(acknowledged) >= KILLS * 2 * AT_LEAST
    with closing(sqlite3.connect(project.folder / "org.db")) as kept:
        assert kept.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        rows = dict(kept.execute("SELECT Id, Name FROM Account WHERE Name LIKE 'Kill %'"))
    assert acknowledged.items() <= rows.items()
    assert len(rows) - len(acknowledged) <= 2 * KILLS, "at most the pair that was under way"
    assert len(rows) % 2 == 0
    with served(project) as (process, ready), signed_in(ready) as http:
        made = http.post(f"{ready.instance_url}{API}/sobjects/Account", json={"Name": "After"}, timeout=10).json()
        assert made["id"] not in rows


def test_a_kill_while_it_loads_leaves_a_file_that_can_be_loaded(project: Example) -> None:
    for wait in (0.5, 0.8, 1.1):
        with running(project, "sandbox", "--state", "org.db", "--ready", "ready.json") as process:
            time.sleep(wait)
            process.end(by=signal.SIGKILL)
    with served(project) as (_, ready), signed_in(ready) as http:
        found = http.get(f"{ready.instance_url}{API}/query?q=SELECT+Id+FROM+Account", timeout=10).json()
        assert found["totalSize"] > 0
