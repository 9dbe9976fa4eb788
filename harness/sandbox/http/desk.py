"""What the face of the org remembers between two requests and forgets when it stops: open cursors, bulk jobs, usage."""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.sandbox.ids import IdSequence

if TYPE_CHECKING:
    from harness.sandbox.http.jobs import Job

DAILY_API_REQUESTS = 100_000
_OPEN_CURSORS = 50
_REMEMBERED_REQUESTS = 50_000


@dataclass(frozen=True, slots=True)
class Cursor:
    """A query whose records did not fit one page."""

    user_id: str
    batch: int
    records: list[Any]
    tooling: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """One request that was answered. `user_id` is who it came from, as far as a session said so."""

    method: str
    path: str
    user_id: str | None
    status: int


@dataclass(slots=True)
class Desk:
    """The volatile half of a server. `instance_url` is where it can be reached; `wall` is real time in seconds."""

    instance_url: str
    wall: Callable[[], float] = time.time
    usage: int = 0
    """API requests so far."""
    ids: IdSequence = field(default_factory=IdSequence)
    cursors: OrderedDict[str, Cursor] = field(default_factory=OrderedDict)
    jobs: dict[str, Job] = field(default_factory=dict)
    asked: deque[Asked] = field(default_factory=lambda: deque(maxlen=_REMEMBERED_REQUESTS))
    """The last requests, oldest first."""

    def keep(self, cursor: Cursor) -> str:
        """Keep a cursor and return its id; the oldest are dropped when there are many."""
        cursor_id = self.ids.next("0r8")
        self.cursors[cursor_id] = cursor
        while len(self.cursors) > _OPEN_CURSORS:
            self.cursors.popitem(last=False)
        return cursor_id
