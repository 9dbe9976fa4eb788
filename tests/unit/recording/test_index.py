"""The index of a cassette: which interaction answers which request, and what that costs."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from vcr.record_mode import RecordMode
from vcr.request import Request

from harness.errors import RecordingError
from harness.recording import cassette as module
from harness.recording.cassette import IndexedCassette
from harness.recording.hosts import CANONICAL_URL
from harness.recording.network import Watch
from harness.recording.text import canonical


def asked(path: str, body: Any = None, *, who: str = "admin") -> Request:
    content = body if body is None or isinstance(body, bytes) else json.dumps(body)
    return Request("POST", CANONICAL_URL + path, content, {"Sforce-Call-Options": who})


class Filter:
    """Counts how often a request is brought into the form in which it is kept; what asks for /blank loses its body."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, request: Request) -> Request:
        self.calls += 1
        body = None if "/blank" in request.uri else request.body
        return Request(request.method, request.uri, body, request.headers)


@pytest.fixture
def keep() -> Filter:
    return Filter()


@pytest.fixture
def tape(tmp_path: Path, keep: Filter) -> Callable[..., IndexedCassette]:
    def of(*requests: Request) -> IndexedCassette:
        watch = Watch(replays=True, counted=lambda *_: False)
        options = {"record_mode": RecordMode.NONE, "before_record_request": keep}
        made = IndexedCassette(str(tmp_path / "plan.yaml"), remedy="record it", watch=watch, **options)
        for number, request in enumerate(requests):
            made.append(request, {"number": number})
        return made

    return of


def play(cassette: IndexedCassette, request: Request) -> int:
    assert cassette.can_play_response_for(request)
    return int(cassette.play_response(request)["number"])


def test_equal_requests_are_played_once_each_and_in_order(tape: Callable[..., IndexedCassette], keep: Filter) -> None:
    same, other = {"a": 1, "b": [2]}, {"a": 1, "b": [3]}
    cassette = tape(asked("/x", same), asked("/x", other), asked("/x", same), asked("/x", same, who="new"))
    turned = {"b": [2], "a": 1}
    assert [play(cassette, asked("/x", turned)) for _ in range(2)] == [0, 2]
    assert play(cassette, asked("/x", same, who="new")) == 3
    assert keep.calls == 0
    assert cassette.unused() == ["POST /x"]
    with pytest.raises(RecordingError, match="holds it 2 times, and it was played"):
        cassette.can_play_response_for(asked("/x", same))


def test_what_is_kept_otherwise_than_it_is_sent_is_found_as_it_is_kept(
    tape: Callable[..., IndexedCassette], keep: Filter
) -> None:
    cassette = tape(asked("/blank"), asked("/query?q=a,b&z=1"))
    assert play(cassette, asked("/blank", {"password": "x"})) == 0
    assert keep.calls == 1
    assert play(cassette, asked("/query?z=1&q=a%2Cb")) == 1
    assert keep.calls == 1


def test_a_body_that_is_no_text_equals_none(tape: Callable[..., IndexedCassette]) -> None:
    with pytest.raises(RecordingError, match="which is not on"):
        tape(asked("/x"), asked("/x", "")).can_play_response_for(asked("/x", b"\xff\xfe"))


def test_bodies_that_are_not_asked_for_are_not_looked_at(
    tape: Callable[..., IndexedCassette], monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[str] = []
    monkeypatch.setattr(module, "canonical", lambda body: compared.append(body) or canonical(body))
    cassette = tape(*(asked(f"/{url}", {"n": n}) for url in range(10) for n in range(10)))
    assert compared == []
    assert [play(cassette, asked("/3", {"n": n})) for n in range(10)] == list(range(30, 40))
    assert len(compared) == 20  # each once: ten that are on the cassette, ten that are asked


def distinct(number: int) -> Request:
    return asked(f"/query?q=SELECT+Id+FROM+Account+LIMIT+{number}")


def one_url(number: int) -> Request:
    return asked("/composite", {"compositeRequest": [{"url": f"/sobjects/Account/{number}"}]})


def poll(_: int) -> Request:
    return asked("/jobs/query/750")


@pytest.mark.parametrize("pattern", [distinct, one_url, poll])
def test_a_request_costs_the_same_among_100_and_among_5000(
    pattern: Callable[[int], Request], tape: Callable[..., IndexedCassette]
) -> None:
    def milliseconds(size: int) -> float:
        requests = [pattern(number) for number in range(size)]
        cassette, started = tape(*requests), time.process_time()
        assert [play(cassette, request) for request in requests] == list(range(size))
        return (time.process_time() - started) / size * 1000

    few, many = min(milliseconds(100) for _ in range(5)), min(milliseconds(5000) for _ in range(2))
    assert many < 3 * few + 0.1, f"{few:.3f} ms among 100, {many:.3f} ms among 5,000"
    assert many < 1, "it takes a tenth of a millisecond; make bench measures a whole request"


def test_another_thread_is_refused_and_that_is_not_forgotten(tape: Callable[..., IndexedCassette]) -> None:
    cassette, errors = tape(asked("/x")), []

    def ask() -> None:
        try:
            cassette.can_play_response_for(asked("/x"))
        except RecordingError as error:
            errors.append(error.message)

    thread = threading.Thread(target=ask, name="second")
    thread.start()
    thread.join()
    assert errors == ["thread second asks POST /x, and is not the thread that opened the cassette"]
    with pytest.raises(RecordingError, match="thread second asks"):
        cassette._watch.check()
    assert play(cassette, asked("/x")) == 0
