"""Faults and the second admin between a client and the org, as a layer around the ASGI application."""

from __future__ import annotations

import random
import re
from collections import deque
from collections.abc import Iterator
from contextvars import copy_context
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import unquote_plus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from harness.sandbox import identity
from harness.sandbox.control import second_admin
from harness.sandbox.control.faults import Fault
from harness.sandbox.control.second_admin import Errand
from harness.sandbox.control.trigger import Asked, Rules
from harness.sandbox.errors import ApiError
from harness.sandbox.http.driving import drive
from harness.sandbox.http.wire import BASE_HEADERS, encode, refusal
from harness.sandbox.late import LateRequest

if TYPE_CHECKING:
    from harness.sandbox.org import SandboxOrg

_LINE = ("scheme", "method", "path")
_SOAP_SESSION = re.compile(rb"<(?:\w+:)?sessionId>\s*([^<\s]+)\s*</")
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
        trouble.org.late.carry_out = self._carry_out

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a call, or do not."""
        trouble = self._trouble
        trouble.org.late.land()
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
                await self._be_silent(fault, call)
            await self._line.cut(call.scope)
        elif fault.error is not None:
            if fault.kind == "expired-session":
                with self._trouble.org.lock:
                    identity.end_session(self._trouble.org, _bearer(call.scope))
            await _refuse(fault.error, send)

    async def _be_silent(self, fault: Fault, call: _Call) -> None:
        """Say nothing until the client has given up; a late effect then comes at once, or at its moment."""
        session = self._session(call) if fault.effect == "late" else None
        await self._line.until_gone(call.receive, fault.seconds)
        if fault.effect == "late":
            org = self._trouble.org
            org.late.add(_late(call, session, org.clock.peek() + timedelta(seconds=fault.late_by)))
            org.late.land()

    def _session(self, call: _Call) -> identity.Session | None:
        """The session that a call came with, in whatever way."""
        org = self._trouble.org
        with org.lock:
            found = (copy_context().run(identity.session_of, org, token) for token in _tokens(call))
            return next((session for session in found if session is not None), None)

    def _carry_out(self, request: LateRequest) -> None:
        """Do what a request asked that nobody waits for any more."""

        def carry_out() -> None:
            self._trouble.org.late.session.set(request.session)
            drive(self._answer(_Call(_scope(request), _nobody, request.body)))

        copy_context().run(carry_out)

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


def _late(call: _Call, session: identity.Session | None, due: datetime) -> LateRequest:
    """A call as it is kept until it takes effect."""
    raw = {name: call.scope[name].decode("latin-1") for name in ("raw_path", "query_string")}
    headers = ((name.decode("latin-1"), value.decode("latin-1")) for name, value in call.scope["headers"])
    return LateRequest(
        due=due,
        line={name: call.scope[name] for name in _LINE} | raw,
        headers=tuple(headers),
        body=call.body,
        session=asdict(session) if session else None,
    )


def _scope(request: LateRequest) -> Scope:
    """A request that was kept, as it came."""
    raw = {name: request.line[name].encode("latin-1") for name in ("raw_path", "query_string")}
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in request.headers]
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        **{name: request.line[name] for name in _LINE},
        **raw,
        "root_path": "",
        "headers": headers,
        "client": ("127.0.0.1", 0),
        "server": None,
    }


async def _nobody() -> Message:
    return {"type": "http.disconnect"}


def _tokens(call: _Call) -> Iterator[str]:
    """Where a call may name its session: REST, Bulk API 1.0, SOAP."""
    yield _bearer(call.scope)
    yield next((value for name, value in call.scope["headers"] if name == b"x-sfdc-session"), b"").decode("latin-1")
    yield from (found.decode("latin-1") for found in _SOAP_SESSION.findall(call.body[:100_000]))


def _path(scope: Scope) -> str:
    query = scope.get("query_string", b"").decode("latin-1")
    return str(scope["path"]) + (f"?{unquote_plus(query)}" if query else "")


def _bearer(scope: Scope) -> str:
    given = next((value for name, value in scope["headers"] if name == b"authorization"), b"").decode("latin-1")
    return given.partition(" ")[2].strip()
