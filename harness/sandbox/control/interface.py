"""The control interface of a simulated org, over HTTP. No real org has one.

`/__control__/...` is not part of the platform's URL space; it needs its own bearer token, which is in the ready file.

| call | body | answer |
|---|---|---|
| `GET clock` | | `{"now": iso}` |
| `POST clock` | `{"advance": seconds}` or `{"set": iso}` | `{"now": iso}` |
| `GET requests` | | `{"requests": [{"method", "path", "principal", "status"}]}`, oldest first |
| `POST faults` | a `Fault` | `{"fault": number}` |
| `GET faults` | | `{"faults": [{"fault", "kind", "fitted", "happened"}]}` |
| `DELETE faults` | | `{"faults": []}` |
| `POST admin` | an `Errand` | `{"written": [ids]}`, or `{"errand": number}` where it waits for a call |
| `GET admin` | | `{"errands": [...], "outcomes": [...]}` |
| `DELETE admin` | | `{"errands": []}` |
| `GET late` | | `{"late": [{"due": iso, "method", "path"}]}`: the requests that have yet to take effect |
| `POST late` | | `{"landed": number}`, after all of them did, the clock turned as far as they need |
| `GET state` | | the state (`control.state`) |
| `POST state` | a state from before | `{"difference": [...]}` |
| `POST snapshots` | | `{"snapshot": number}` |
| `POST snapshots/NUMBER` | | `{"now": iso}` after putting it back |
"""

from __future__ import annotations

import json
import math
import secrets
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from harness.sandbox.control.faults import Fault
from harness.sandbox.control.interference import Trouble
from harness.sandbox.control.second_admin import Errand
from harness.sandbox.control.state import difference, state_of
from harness.sandbox.http.desk import Desk

if TYPE_CHECKING:
    from harness.sandbox.org import SandboxOrg

PREFIX = "/__control__"
_FARTHEST = 100 * 366 * 24 * 3600
_MOST_SNAPSHOTS = 20

Answer = Callable[[Any], dict[str, Any]]
"""What a resource answers to a body."""


def control_routes(org: SandboxOrg, desk: Desk, token: str, trouble: Trouble) -> list[Route]:
    """The routes of the control interface."""
    control = _Control(org, desk, trouble)

    def route(name: str, **answers: Answer) -> Route:
        async def respond(request: Request) -> Response:
            given = request.headers.get("authorization", "").removeprefix("Bearer ")
            if not secrets.compare_digest(given.encode(), token.encode()):
                return JSONResponse({"error": "the control token is missing or wrong"}, 401)
            try:
                body = _object(await request.body()) | request.path_params
                with org.lock:
                    return JSONResponse(answers[request.method](body))
            except ValidationError as error:
                problems = (f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
                return JSONResponse({"error": "; ".join(problems)}, 400)
            except (ValueError, RecursionError) as error:
                return JSONResponse({"error": str(error)}, 400)

        return Route(f"{PREFIX}/{name}", respond, methods=list(answers))

    return [
        route("clock", GET=control.clock, POST=control.turn_clock),
        route("requests", GET=control.requests),
        route("faults", GET=control.faults, POST=control.add_fault, DELETE=control.forget_faults),
        route("admin", GET=control.errands, POST=control.send_admin, DELETE=control.forget_errands),
        route("late", GET=control.late, POST=control.settle),
        route("state", GET=control.state, POST=control.compare),
        route("snapshots", POST=control.take_snapshot),
        route("snapshots/{number:int}", POST=control.restore),
    ]


class _Control:
    """The resources of one org. Each takes the body as JSON data and raises ValueError for one that is wrong."""

    def __init__(self, org: SandboxOrg, desk: Desk, trouble: Trouble) -> None:
        self.org = org
        self.desk = desk
        self.trouble = trouble
        self._snapshots: dict[int, bytes] = {}

    def clock(self, _body: Any) -> dict[str, Any]:
        return {"now": self.org.clock.peek().isoformat()}

    def turn_clock(self, body: Any) -> dict[str, Any]:
        return {"now": _turn(self.org, body).isoformat()}

    def requests(self, _body: Any) -> dict[str, Any]:
        names = {row["Id"]: row["Username"] for row in self.org.rows("User")}
        return {
            "requests": [
                {
                    "method": asked.method,
                    "path": asked.path,
                    "principal": names.get(asked.user_id or ""),
                    "status": asked.status,
                }
                for asked in self.desk.asked
            ]
        }

    def add_fault(self, body: Any) -> dict[str, Any]:
        fault = Fault.model_validate(body)
        return {"fault": self.trouble.faults.add(fault.at, fault).id}

    def faults(self, _body: Any) -> dict[str, Any]:
        return {
            "faults": [
                {"fault": rule.id, "kind": rule.deed.kind, "fitted": rule.fitted, "happened": rule.happened}
                for rule in self.trouble.faults.known
            ]
        }

    def forget_faults(self, body: Any) -> dict[str, Any]:
        self.trouble.faults.known.clear()
        return self.faults(body)

    def send_admin(self, body: Any) -> dict[str, Any]:
        errand = Errand.model_validate(body)
        if errand.at is not None:
            return {"errand": self.trouble.errands.add(errand.at, errand).id}
        outcome = self.trouble.run(errand)
        if "error" in outcome:
            raise ValueError(outcome["error"])
        return outcome

    def errands(self, _body: Any) -> dict[str, Any]:
        rules = self.trouble.errands.known
        waiting = [{"errand": one.id, "fitted": one.fitted, "happened": one.happened} for one in rules]
        return {"errands": waiting, "outcomes": list(self.trouble.outcomes)}

    def forget_errands(self, _body: Any) -> dict[str, Any]:
        self.trouble.errands.known.clear()
        return {"errands": []}

    def late(self, _body: Any) -> dict[str, Any]:
        waiting = self.org.late.waiting
        return {
            "late": [
                {"due": one.due.isoformat(), "method": one.line["method"], "path": one.line["path"]} for one in waiting
            ]
        }

    def settle(self, _body: Any) -> dict[str, Any]:
        return {"landed": self.org.late.settle()}

    def state(self, _body: Any) -> dict[str, Any]:
        return state_of(self.org)

    def compare(self, body: Any) -> dict[str, Any]:
        return {"difference": difference(body, state_of(self.org))}

    def take_snapshot(self, _body: Any) -> dict[str, Any]:
        number = max(self._snapshots, default=0) + 1
        self._snapshots[number] = self.org.snapshot()
        self._snapshots.pop(number - _MOST_SNAPSHOTS, None)
        return {"snapshot": number}

    def restore(self, body: Any) -> dict[str, Any]:
        kept = self._snapshots.get(body["number"])
        if kept is None:
            raise ValueError(f"there is no snapshot {body['number']}; the last {_MOST_SNAPSHOTS} are kept")
        self.org.restore(kept)
        return self.clock(body)


def _object(content: bytes) -> dict[str, Any]:
    body = json.loads(content or b"{}")
    if not isinstance(body, dict):
        raise ValueError("the body must be a JSON object")
    return body


def _turn(org: SandboxOrg, body: Any) -> datetime:
    """Advance or set the clock. Raises ValueError saying what the body must be."""
    if set(body) == {"advance"}:
        seconds = body["advance"]
        if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not math.isfinite(seconds):
            raise ValueError("advance takes a number of seconds")
        if not 0 <= seconds <= _FARTHEST:
            raise ValueError(f"advance takes between 0 and {_FARTHEST} seconds")
        return org.clock.advance(seconds)
    if set(body) == {"set"}:
        return org.clock.set(datetime.fromisoformat(str(body["set"])))
    raise ValueError('the body is {"advance": seconds} or {"set": an ISO 8601 moment with its time zone}')
