"""The replay of scenarios with answers from a dictionary in memory: no vcrpy, no files, no guard on sockets.

    python -m tests.bench.from_memory keep ANSWERS PYTEST-ARGUMENT...     replay as shipped, and keep what was answered
    python -m tests.bench.from_memory play ANSWERS PYTEST-ARGUMENT...     the same from memory

`play` writes the seconds of the processor that it took to read the answers to `ANSWERS.seconds`.
"""

from __future__ import annotations

import pickle
import sys
import time
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

Key = tuple[str, str, str, str, object]
"""Stage, method, URL, who asks, and the body."""


@dataclass
class Answers:
    """What was answered, in order, and what was read on the way."""

    told: dict[Key, deque[tuple[int, str, dict[str, str], bytes]]] = field(default_factory=lambda: defaultdict(deque))
    heads: dict[str, dict[str, Any]] = field(default_factory=dict)
    stage: str = ""

    def key(self, request: Any) -> Key:
        """Of a prepared request; the key that signs an assertion is another in every process."""
        body = None if request.url.endswith("/services/oauth2/token") else request.body
        return self.stage, request.method, request.url, request.headers.get("Sforce-Call-Options", ""), body


class Keeping:
    """A wire that goes on to vcrpy, and keeps what comes back."""

    def __init__(self, answers: Answers) -> None:
        from requests.adapters import HTTPAdapter

        self._answers, self._adapter = answers, HTTPAdapter()

    def send(self, request: Any, **options: Any) -> Any:
        response = self._adapter.send(request, **options)
        told = response.status_code, response.reason, dict(response.headers), response.content
        self._answers.told[self._answers.key(request)].append(told)
        return response


class Playing:
    """A wire that answers from memory."""

    def __init__(self, answers: Answers) -> None:
        from requests.adapters import HTTPAdapter
        from urllib3 import HTTPResponse

        self._answers, self._adapter, self._response = answers, HTTPAdapter(), HTTPResponse

    def send(self, request: Any, **_: Any) -> Any:
        status, reason, headers, body = self._answers.told[self._answers.key(request)].popleft()
        raw = self._response(BytesIO(body), headers, status, reason=reason, preload_content=False)
        return self._adapter.build_response(request, raw)


class Plugin:
    """Puts the wire in, once everything is imported that a replay imports."""

    def __init__(self, answers: Answers, *, plays: bool) -> None:
        self._answers = answers
        self._plays = plays

    def pytest_collection_modifyitems(self) -> None:
        from harness import collection
        from harness.recording import cassettes
        from harness.rehearsal import rehearsal

        answers, plays = self._answers, self._plays
        open_replay, head_of, played = rehearsal.open_replay, cassettes.head_of, cassettes.Cassettes._played

        def open_with_wire(*args: Any, **options: Any) -> Any:
            world = open_replay(*args, **options)
            world.wire = Playing(answers) if plays else Keeping(answers)  # type: ignore[assignment]
            return world

        def head(path: Path) -> dict[str, Any]:
            if not plays:
                answers.heads[str(path)] = head_of(path)
            return answers.heads[str(path)]

        @contextmanager
        def stage(self: cassettes.Cassettes, name: str) -> Iterator[None]:
            answers.stage = f"{self.directory}/{name}"
            if not plays:
                head(self.path(name))
                with played(self, name):
                    yield
                return
            clock: Any = self.clock
            clock.load(head(self.path(name)).get("tape", ()))
            yield
            clock.load(())
            self._ahead = None
            self._order = self._order[self._order.index(name) + 1 :] if name in self._order else self._order

        rehearsal.open_replay = open_with_wire  # type: ignore[assignment]
        cassettes.head_of = head  # type: ignore[assignment]
        cassettes.Cassettes._played = stage  # type: ignore[method-assign,assignment]
        if plays:
            collection.no_network = nullcontext  # type: ignore[assignment]


def main(deed: str, kept: Path, arguments: list[str]) -> int:
    """Run pytest with these arguments, and give its exit code."""
    answers = Answers()
    if deed == "play":
        started = time.process_time()
        answers.told, answers.heads = pickle.loads(kept.read_bytes())
        kept.with_suffix(".seconds").write_text(str(time.process_time() - started))
    code = pytest.main(arguments, plugins=[Plugin(answers, plays=deed == "play")])
    if deed == "keep":
        kept.write_bytes(pickle.dumps((dict(answers.told), answers.heads)))
    elif any(answers.told.values()):
        sys.exit(f"{sum(map(len, answers.told.values()))} answers were not asked for")
    return int(code)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2]), sys.argv[3:]))
