"""The control interface of a simulated org: its clock, and what was asked of it. No real org has one.

`/__control__/...` is not part of the platform's URL space; it needs its own bearer token, which is in the ready file.
"""

from __future__ import annotations

import json
import math
import secrets
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from harness.sandbox.http.desk import Desk

if TYPE_CHECKING:
    from harness.sandbox.org import SandboxOrg

PREFIX = "/__control__"
_FARTHEST = 100 * 366 * 24 * 3600


def control_routes(org: SandboxOrg, desk: Desk, token: str) -> list[Route]:
    """The routes of the control interface.

    `GET clock` answers `{"now": iso}`; `POST clock` takes `{"advance": seconds}` or `{"set": iso}`, and answers alike.
    `GET requests` answers `{"requests": [{"method", "path", "principal", "status"}]}`, oldest first; the principal is
    the username of the session, or null.
    """

    def clock(body: Any, method: str) -> dict[str, Any]:
        if method == "GET":
            return {"now": org.clock.peek().isoformat()}
        return {"now": _turn(org, body).isoformat()}

    def requests(_body: Any, _method: str) -> dict[str, Any]:
        names = {row["Id"]: row["Username"] for row in org.rows("User")}
        return {
            "requests": [
                {
                    "method": asked.method,
                    "path": asked.path,
                    "principal": names.get(asked.user_id or ""),
                    "status": asked.status,
                }
                for asked in desk.asked
            ]
        }

    def guarded(answer: Callable[[Any, str], dict[str, Any]]) -> Callable[[Request], Any]:
        async def respond(request: Request) -> Response:
            given = request.headers.get("authorization", "").removeprefix("Bearer ")
            if not secrets.compare_digest(given.encode(), token.encode()):
                return JSONResponse({"error": "the control token is missing or wrong"}, 401)
            try:
                body = json.loads(await request.body() or b"{}")
                with org.lock:
                    return JSONResponse(answer(body, request.method))
            except ValueError as error:
                return JSONResponse({"error": str(error)}, 400)

        return respond

    return [
        Route(f"{PREFIX}/clock", guarded(clock), methods=["GET", "POST"]),
        Route(f"{PREFIX}/requests", guarded(requests), methods=["GET"]),
    ]


def _turn(org: SandboxOrg, body: Any) -> datetime:
    """Advance or set the clock. Raises ValueError saying what the body must be."""
    if isinstance(body, dict) and set(body) == {"advance"}:
        seconds = body["advance"]
        if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not math.isfinite(seconds):
            raise ValueError("advance takes a number of seconds")
        if not 0 <= seconds <= _FARTHEST:
            raise ValueError(f"advance takes between 0 and {_FARTHEST} seconds")
        return org.clock.advance(seconds)
    if isinstance(body, dict) and set(body) == {"set"}:
        return org.clock.set(datetime.fromisoformat(str(body["set"])))
    raise ValueError('the body is {"advance": seconds} or {"set": an ISO 8601 moment with its time zone}')
