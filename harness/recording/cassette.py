# mypy: disallow-subclassing-any=False
"""vcrpy's cassette with an index: exact replay, in order, that costs the same per request at any size.

vcrpy looks through all interactions for each request, four times; here a dictionary leads from a request to those that
equal it, and each of them is played once. What is not asked costs nothing: only of requests with the same method, URI
and principal are the bodies brought into the form in which they compare.
"""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

from urllib3.connectionpool import HTTPConnectionPool
from vcr.cassette import Cassette
from vcr.record_mode import RecordMode

from harness.errors import RecordingError
from harness.recording.network import Watch
from harness.recording.text import as_text, canonical, readable_query, sorted_query
from harness.recording.unmatched import describe, explain

Line = tuple[str, str, str]
"""Method, URI, and who asks."""
Key = tuple[str, str, str, str]
"""These, and the body."""


class Index:
    """The way from a request to the interactions that equal it, by their number."""

    def __init__(self) -> None:
        self._by_line: dict[Line, list[tuple[int, Any]]] = {}
        self._unplayed: dict[Key, deque[int]] = {}
        self._times: dict[Key, int] = {}

    def add(self, number: int, request: Any) -> None:
        """Add an interaction, the next in order."""
        self._by_line.setdefault(_line(request), []).append((number, request))

    def unplayed(self, line: Line, body: str) -> deque[int]:
        """The interactions that equal a request and were not played, in order; the first is the one to play.

        `body` is in the form in which it compares.
        """
        for number, recorded in self._by_line.pop(line, ()):
            key = *line, _body(recorded)
            self._unplayed.setdefault(key, deque()).append(number)
            self._times[key] = self._times.get(key, 0) + 1
        return self._unplayed.get((*line, body), deque())

    def times(self, request: Any) -> int:
        """How often the cassette holds a request that was looked for."""
        return self._times.get((*_line(request), _body(request)), 0)


class IndexedCassette(Cassette):
    """A cassette for one stage and one thread. With record mode `all` it starts empty; with `none` it replays."""

    def __init__(
        self, *args: Any, remedy: str, watch: Watch, answer: Callable[[Any, Any], Any] | None = None, **kwargs: Any
    ) -> None:
        """`answer` gives what is kept of an answer to a request, which is given as it is kept."""
        super().__init__(*args, **kwargs)
        self._remedy = remedy
        self._answer = answer or (lambda _, response: copy.deepcopy(response))
        self._watch = watch
        self._index = Index()
        self._asked: tuple[Any, deque[int]] = (None, deque())
        """The request that was looked for last, and what answers it: vcrpy looks for it, and then plays it."""

    @property
    def metadata(self) -> dict[str, Any]:
        """What is kept beside the interactions."""
        return dict(self._metadata)

    def append(self, request: Any, response: Any) -> None:
        """Add an interaction, and the way to it."""
        if self.record_mode == RecordMode.NONE:  # it comes from the file, where it is as it is kept
            self._index.add(len(self.data), request)
        else:  # vcrpy's own `append` would log the answer with the tokens in it
            request = self.filter_request(request)
            # an answer is cleaned before the next request is: what was answered first is told from what was asked first
            response = None if request is None else self._answer(request, self._before_record_response(response))
        if request is not None:
            self.data.append((request, response))

    def can_play_response_for(self, request: Any) -> bool:
        """Whether there is an answer. Raises RecordingError when there is none and none may be recorded."""
        self._watch.only_own_thread(f"asks {request.method} {urlsplit(request.uri).path}")
        if self.record_mode == RecordMode.ALL:
            self.filter_request(request)  # refuses what may not be recorded, before it is sent
            return False
        self._asked = (request, self._answers_of(request))
        return bool(self._asked[1])

    def play_response(self, request: Any) -> Any:
        """The answer of the next interaction that equals the request."""
        asked, left = self._asked
        number = (left if asked is request else self._answers_of(request)).popleft()
        self.play_counts[number] += 1
        return self.data[number][1]

    def _answers_of(self, request: Any) -> deque[int]:
        """The interactions left that equal a request: none for one that no cassette holds. Raises RecordingError."""
        left = self._index.unplayed(*_as_sent(request))
        known = None if left else self.filter_request(request)
        if known is None:
            return left
        left = self._index.unplayed(_line(known), _body(known))
        if not left:
            times, nearest_first = self._index.times(known), [*self._left(), *self._played()]
            message = explain(known, nearest_first, cassette=str(self.path), times=times)
            raise RecordingError(message, remedy=self._remedy)
        return left

    def unused(self) -> list[str]:
        """The requests that were never asked, each in one line."""
        return [describe(request) for request in self._left()]

    def keep(self) -> None:
        """Write it, all of it."""
        super()._save(force=True)

    def _left(self) -> Iterator[Any]:
        return (request for number, (request, _) in enumerate(self.data) if not self.play_counts[number])

    def _played(self) -> Iterator[Any]:
        return (request for number, (request, _) in enumerate(self.data) if self.play_counts[number])

    def _save(self, force: bool = False) -> None:
        """Nothing: vcrpy saves while its patches are still in place, and would leave them there if saving failed."""

    def _load(self) -> None:
        if self.record_mode != RecordMode.ALL:
            super()._load()


def _line(request: Any) -> Line:
    return request.method, request.uri, request.headers.get("sforce-call-options", "")


def _as_sent(request: Any) -> tuple[Line, str]:
    """The line and the body of a request that is kept as it is sent, but for the order of its query.

    Most are; and of those that are, nothing need be blanked, since what is kept is kept again as it is.
    """
    path, mark, query = request.uri.partition("?")
    method, _, who = _line(request)
    return (method, path + mark + readable_query(sorted_query(query)), who), _body(request)


def _body(request: Any) -> str:
    text = as_text(request.body)
    return "\0" if text is None else canonical(text)  # what is no text is on no cassette


def for_own_thread(watch: Watch) -> tuple[tuple[type, str, Any], ...]:
    """A patch, as vcrpy takes them, by which other threads are refused before they come to vcrpy, which they break."""
    real = HTTPConnectionPool.urlopen

    def urlopen(pool: HTTPConnectionPool, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        watch.only_own_thread(f"asks {method} {urlsplit(url).path}")
        return real(pool, method, url, *args, **kwargs)

    return ((HTTPConnectionPool, "urlopen", urlopen),)
