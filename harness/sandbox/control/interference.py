"""Faults and the second admin between a client and the org, as a layer around the ASGI application."""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import unquote_plus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from harness.sandbox import identity
from harness.sandbox.control import second_admin
from harness.sandbox.control.faults import Fault
from harness.sandbox.control.second_admin import Errand
from harness.sandbox.control.trigger import Asked, Rules
from harness.sandbox.errors import ApiError
from harness.sandbox.http.wire import BASE_HEADERS, encode, refusal

if TYPE_CHECKING:
    from harness.sandbox.org import SandboxOrg

_REMEMBERED_OUTCOMES = 1000


class Line(Protocol):
    """The connection to a client, as far as a fault can play with it."""

    async def pause(self, seconds: float) -> None:
        """Let time pass."""

    async def until_gone(self, receive: Receive, seconds: float) -> None:
        """Wait until the client has given up, or that long."""

    async def cut(self, scope: Scope) -> None:
        """Cut the connection; what was sent before arrives."""


@dataclass(slots=True)
class Trouble:
    """What is in store for the clients of an org. `randomness` decides about probabilities."""

    org: SandboxOrg
    randomness: random.Random = field(default_factory=lambda: random.Random(0))  # noqa: S311 - must be repeatable
    faults: Rules[Fault] = field(init=False)
    errands: Rules[Errand] = field(init=False)
    outcomes: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=_REMEMBERED_OUTCOMES))
    """What came of the second admin's errands: `{"written": [ids]}` or `{"error": text}`, oldest first."""

    def __post_init__(self) -> None:
        self.faults = Rules(self.randomness)
        self.errands = Rules(self.randomness)
        self.org.before_row = self._before_row

    def run(self, errand: Errand) -> dict[str, Any]:
        """Let the second admin do it; what came of it."""
        try:
            with self.org.lock:
                outcome: dict[str, Any] = {"written": second_admin.run(self.org, errand)}
        except (ApiError, ValueError) as error:
            outcome = {"error": str(error)}
        self.outcomes.append(outcome)
        return outcome

    def _before_row(self, sobject: str, operation: str, user_id: str) -> None:
        if not self.faults.known:
            return
        fault = self.faults.at_row(sobject, operation, self.org.peek("User", user_id, "Username"))
        if fault is not None and fault.error is not None:
            raise fault.error


@dataclass(frozen=True, slots=True)
class _Call:
    """A call whose body has been read already."""

    scope: Scope
    receive: Receive
    body: bytes

    def replay(self) -> Receive:
        """A `receive` that gives the body once more."""
        messages: list[Message] = [{"type": "http.request", "body": self.body}]

        async def again() -> Message:
            return messages.pop() if messages else await self.receive()

        return again


class Interference:
    """The layer: a call that no rule is about passes through untouched."""

    def __init__(self, app: ASGIApp, trouble: Trouble, line: Line, *, spared: str) -> None:
        self._app = app
        self._trouble = trouble
        self._line = line
        self._spared = spared
        """The path of the control interface, which nothing happens to."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a call, or do not."""
        trouble = self._trouble
        idle = not trouble.faults.known and not trouble.errands.known
        if idle or scope["type"] != "http" or scope["path"].startswith(self._spared):
            await self._app(scope, receive, send)
            return
        call = _Call(scope, receive, await _read(receive))
        asked = Asked(scope["method"], _path(scope), self._principal(_bearer(scope)), call.body)
        errand, fault = trouble.errands.at_call(asked), trouble.faults.at_call(asked)
        if errand is not None and errand.when == "before":
            trouble.run(errand)
        if fault is not None:
            await self._fail(fault, call, send)
            answer = []
        else:
            answer = await self._answer(call)
        if errand is not None and errand.when == "after":
            trouble.run(errand)  # before the client can do anything with the answer
        for message in answer:
            await send(message)

    async def _fail(self, fault: Fault, call: _Call, send: Send) -> None:
        answer = await self._answer(call) if fault.done_first else []
        if fault.kind == "slow":
            await self._line.pause(fault.seconds)
            for message in answer:
                await send(message)
        elif fault.kind == "truncate":
            await self._send_half(answer, send)
            await self._line.cut(call.scope)
        elif fault.kind in ("timeout", "drop"):
            if fault.kind == "timeout":
                await self._line.until_gone(call.receive, fault.seconds)
            if fault.effect == "late":
                await self._answer(call)
            await self._line.cut(call.scope)
        elif fault.error is not None:
            if fault.kind == "expired-session":
                with self._trouble.org.lock:
                    identity.end_session(self._trouble.org, _bearer(call.scope))
            await _refuse(fault.error, send)

    async def _answer(self, call: _Call) -> list[Message]:
        """Let the org do what it was asked, and keep the answer."""
        kept: list[Message] = []

        async def keep(message: Message) -> None:
            kept.append(message)

        await self._app(call.scope, call.replay(), keep)
        return kept

    async def _send_half(self, answer: list[Message], send: Send) -> None:
        body = b"".join(message.get("body", b"") for message in answer)
        await send(answer[0])
        await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})

    def _principal(self, token: str) -> str | None:
        org = self._trouble.org
        with org.lock:
            session = identity.session_of(org, token) if token else None
            return org.peek("User", session.user_id, "Username") if session else None


async def _refuse(error: ApiError, send: Send) -> None:
    answer = refusal(error)
    body = encode(answer.body, pretty=False)
    headers = {**BASE_HEADERS, **answer.headers, "Content-Type": answer.media_type, "Content-Length": str(len(body))}
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": raw})
    await send({"type": "http.response.body", "body": body})


async def _read(receive: Receive) -> bytes:
    parts: list[bytes] = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


def _path(scope: Scope) -> str:
    query = scope.get("query_string", b"").decode("latin-1")
    return str(scope["path"]) + (f"?{unquote_plus(query)}" if query else "")


def _bearer(scope: Scope) -> str:
    given = next((value for name, value in scope["headers"] if name == b"authorization"), b"").decode("latin-1")
    return given.partition(" ")[2].strip()
