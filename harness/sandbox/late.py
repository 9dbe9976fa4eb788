"""Requests that the org still works on after their client has given up: each takes effect at its moment.

A request that runs goes on whatever becomes of its client: it is carried out later, as the same user, on what the org
then is. It was let in when it came: that its session has ended meanwhile does not stop it, that its user was frozen
does. They are kept with the state, so that a snapshot holds them.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.sandbox.org import SandboxOrg

_STATE = "late"


@dataclass(frozen=True, slots=True)
class LateRequest:
    """One request and when it takes effect."""

    due: datetime
    line: Mapping[str, str]
    """The scheme, method, path and query, by the names of ASGI."""
    headers: tuple[tuple[str, str], ...]
    body: bytes
    session: Mapping[str, Any] | None
    """The session it came with, as it was then; None where it had none."""

    def kept(self) -> dict[str, Any]:
        """As JSON data."""
        return {
            "due": self.due.isoformat(),
            "line": dict(self.line),
            "headers": [list(one) for one in self.headers],
            "body": b64encode(self.body).decode("ascii"),
            "session": self.session,
        }

    @classmethod
    def read(cls, kept: Mapping[str, Any]) -> LateRequest:
        """From JSON data."""
        return cls(
            due=datetime.fromisoformat(kept["due"]),
            line=kept["line"],
            headers=tuple((name, value) for name, value in kept["headers"]),
            body=b64decode(kept["body"]),
            session=kept["session"],
        )


class LateRequests:
    """Those of one org, by when they are due. They land as its clock is turned, and before the next call at the latest.

    None lands inside a transaction.
    """

    def __init__(self, org: SandboxOrg) -> None:
        self._org = org
        self.waiting: list[LateRequest] = []
        self.carry_out: Callable[[LateRequest], None] = lambda _request: None
        """Lets the org answer one, which nobody hears."""
        self.session: ContextVar[Mapping[str, Any] | None] = ContextVar("late_session", default=None)
        """The session of the one that is being carried out."""
        org.clock.on_the_way = self.land

    def add(self, request: LateRequest) -> None:
        """Let one take effect at its moment."""
        with self._org.lock:
            self.waiting = sorted([*self.waiting, request], key=lambda one: one.due)
            self._keep()

    def land(self, until: datetime | None = None) -> int:
        """Carry out what is due until a moment, or until now, with the clock at that time; how many."""
        landed = 0
        if not self.waiting:
            return landed
        with self._org.lock:
            until = until or self._org.clock.peek()
            while self.waiting and self.waiting[0].due <= until and not self._org.store.in_transaction:
                self._land_first()
                landed += 1
        return landed

    def settle(self) -> int:
        """Carry out all of them, and turn the clock as far as they need; how many."""
        return self.land(self.waiting[-1].due) if self.waiting else 0

    def reload(self) -> None:
        """Take up those that were kept with the state."""
        self.waiting = [LateRequest.read(one) for one in self._org.store.load_state(_STATE) or ()]

    def _land_first(self) -> None:
        request = self.waiting.pop(0)
        self._keep()
        self._org.clock.reach(request.due)
        self.carry_out(request)

    def _keep(self) -> None:
        self._org.store.save_state(_STATE, [one.kept() for one in self.waiting])
