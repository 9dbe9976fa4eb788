# mypy: disallow-subclassing-any=False
"""vcrpy's cassette with an index: exact replay, in order, that costs the same per request at any size.

vcrpy looks through all interactions for each request, four times; here a dictionary leads from a request to those that
equal it, and each of them is played once.
"""

from __future__ import annotations

import copy
from collections import defaultdict, deque
from typing import Any

from vcr.cassette import Cassette
from vcr.record_mode import RecordMode

from harness.errors import RecordingError
from harness.recording.text import as_text, canonical
from harness.recording.unmatched import describe, explain

Key = tuple[str, str, str, str]
"""Method, URI, who asks, and the body."""


class IndexedCassette(Cassette):
    """A cassette for one stage. With record mode `all` it starts empty; with `none` it replays."""

    def __init__(self, *args: Any, remedy: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._remedy = remedy
        self._asked: tuple[Any, Key] = (None, ("", "", "", ""))
        """The request that was looked for last, and its key: vcrpy looks for it, and then plays it."""
        self._unplayed: dict[Key, deque[int]] = defaultdict(deque)
        self._recorded: dict[Key, int] = defaultdict(int)

    @property
    def metadata(self) -> dict[str, Any]:
        """What is kept beside the interactions."""
        return dict(self._metadata)

    def append(self, request: Any, response: Any) -> None:
        """Add an interaction, and the way to it."""
        if self.record_mode != RecordMode.NONE:  # else it comes from the file, where it is as it is kept
            # vcrpy's own `append` would log the answer with the tokens in it
            request, response = self.filter_request(request), copy.deepcopy(response)
        if request is None:
            return
        key = _key(request)
        self._unplayed[key].append(len(self.data))
        self._recorded[key] += 1
        self.data.append((request, response))

    def can_play_response_for(self, request: Any) -> bool:
        """Whether there is an answer. Raises RecordingError when there is none and none may be recorded."""
        known = self.filter_request(request)  # refuses what may not be recorded, before it is sent
        if known is None or self.record_mode == RecordMode.ALL:
            return False
        key = _key(known)
        self._asked = (request, key)
        if not self._unplayed.get(key):
            times = self._recorded.get(key, 0)
            message = explain(known, self.requests, cassette=str(self.path), times=times)
            raise RecordingError(message, remedy=self._remedy)
        return True

    def play_response(self, request: Any) -> Any:
        """The answer of the next interaction that equals the request."""
        known = self._asked[1] if self._asked[0] is request else _key(self.filter_request(request))
        index = self._unplayed[known].popleft()
        self.play_counts[index] += 1
        return self.data[index][1]

    def unused(self) -> list[str]:
        """The requests that were never asked, each in one line."""
        return [describe(request) for index, request in enumerate(self.requests) if not self.play_counts[index]]

    def keep(self) -> None:
        """Write it, all of it."""
        super()._save(force=True)

    def _save(self, force: bool = False) -> None:
        """Nothing: vcrpy saves while its patches are still in place, and would leave them there if saving failed."""

    def _load(self) -> None:
        if self.record_mode != RecordMode.ALL:
            super()._load()


def _key(request: Any) -> Key:
    who = request.headers.get("sforce-call-options", "")
    return request.method, request.uri, who, canonical(as_text(request.body) or "")
