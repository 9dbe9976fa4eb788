"""What the face of the org remembers between two requests and forgets when it stops: open cursors, bulk jobs, usage."""

from __future__ import annotations

import time
import weakref
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from harness.sandbox.http.usage import RollingCount, daily_requests, limit_exceeded
from harness.sandbox.ids import IdSequence
from harness.sandbox.metadata.jobs import MetadataJobs

if TYPE_CHECKING:
    from harness.sandbox.event_log import ApiRequest
    from harness.sandbox.http.jobs import Job
    from harness.sandbox.org import SandboxOrg

_OPEN_CURSORS = 50
_REMEMBERED_REQUESTS = 50_000
_RECENT_ROWS = 200


@dataclass(frozen=True, slots=True)
class Cursor:
    """A query whose records did not fit one page."""

    user_id: str
    batch: int
    records: list[Any]
    tooling: bool
    has_children: bool = False
    """Whether records hold the answers to queries of their children, which count for the size of a page."""


@dataclass(slots=True)
class Asked:
    """One request that was answered. `user_id` is who it came from, as far as a session said so."""

    method: str
    path: str
    user_id: str | None
    status: int
    event: ApiRequest | None = None
    """What Event Monitoring keeps of it."""


@dataclass(slots=True, weakref_slot=True)
class Desk:
    """The volatile half of a server. `instance_url` is where it can be reached; `wall` is real time in seconds."""

    instance_url: str
    wall: Callable[[], float] = time.time
    daily_requests: int | None = None
    """API requests that may be made in 24 hours; None: what edition and licenses give, once somebody asked."""
    requests: RollingCount = field(default_factory=RollingCount)
    """The API requests of the last 24 hours."""
    recent: defaultdict[str, OrderedDict[str, str]] = field(default_factory=lambda: defaultdict(OrderedDict))
    """By user: ids of rows last read or written, oldest first, each with its object."""
    ids: IdSequence = field(default_factory=IdSequence)
    cursors: OrderedDict[str, Cursor] = field(default_factory=OrderedDict)
    jobs: dict[str, Job] = field(default_factory=dict)
    """Bulk jobs of both APIs, oldest first."""
    at_work: list[Job] = field(default_factory=list)
    """Those of them that have something to do."""
    metadata_jobs: MetadataJobs = field(default_factory=MetadataJobs)
    """Deploys and retrieves of the Metadata API."""
    batches: RollingCount = field(default_factory=RollingCount)
    """Batches of bulk jobs in the last 24 hours."""
    query_jobs: RollingCount = field(default_factory=RollingCount)
    """Query jobs of Bulk API 2.0 in the last 24 hours."""
    asked: deque[Asked] = field(default_factory=lambda: deque(maxlen=_REMEMBERED_REQUESTS))
    """The last requests, oldest first."""

    def start_over_with(self, org: SandboxOrg) -> None:
        """Start over whenever a snapshot of the org is put back."""
        desk = weakref.ref(self)  # the org may outlive many desks

        def start_over() -> None:
            if (found := desk()) is not None:
                found.start_over(org.clock.peek())

        org.after_restore.append(start_over)

    def start_over(self, now: datetime) -> None:
        """Forget what a restored org has not had yet: cursors, jobs, rows last used, and usage later than now.

        Ids go on, so that a client which still has one is told that there is no such job, and never sees another's.
        The list of requests stays: it says what clients did, not what the org holds.
        """
        for kept in (self.cursors, self.jobs, self.at_work, self.recent):
            kept.clear()
        self.metadata_jobs.clear()
        for count in (self.requests, self.batches, self.query_jobs):
            count.forget_after(now)
        for one in self.asked:
            if one.event is not None and one.event.at > now:
                one.event = None

    def keep(self, cursor: Cursor) -> str:
        """Keep a cursor and return its id; the oldest are dropped when there are many."""
        cursor_id = self.ids.next("0r8")
        self.cursors[cursor_id] = cursor
        while len(self.cursors) > _OPEN_CURSORS:
            self.cursors.popitem(last=False)
        return cursor_id

    def allowed(self, org: SandboxOrg) -> int:
        """How many API requests may be made in 24 hours."""
        if self.daily_requests is None:
            self.daily_requests = daily_requests(org)
        return self.daily_requests

    def spent(self, org: SandboxOrg) -> int:
        """How many were made."""
        return self.requests.count(org.clock.peek())

    def spend(self, org: SandboxOrg) -> None:
        """Count one more. Raises ApiError REQUEST_LIMIT_EXCEEDED when no more may be made; that one does not count."""
        if self.spent(org) >= self.allowed(org):
            raise limit_exceeded()
        self.requests.add(org.clock.peek())

    def touch(self, user_id: str, sobject: str, record_id: str) -> None:
        """Remember a row as the one that a user has used last."""
        rows = self.recent[user_id]
        rows[record_id] = sobject
        rows.move_to_end(record_id)
        if len(rows) > _RECENT_ROWS:
            rows.popitem(last=False)
