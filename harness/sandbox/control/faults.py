"""What can go wrong with a call: silence, a cut connection, an error of the platform, a slow or broken answer."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from harness.sandbox.control.trigger import Model, Trigger
from harness.sandbox.errors import ApiError

Kind = Literal[
    "timeout",
    "drop",
    "slow",
    "truncate",
    "expired-session",
    "UNKNOWN_EXCEPTION",
    "SERVER_UNAVAILABLE",
    "REQUEST_LIMIT_EXCEEDED",
    "UNABLE_TO_LOCK_ROW",
]
"""`timeout`: no answer, until the client gives up. `drop`: the connection is cut. `slow`: the answer comes late.
`truncate`: half the answer comes, then the connection is cut. `expired-session`: the session ends, the call gets 401.
The others are errors of that code."""

_ERRORS: dict[str, ApiError] = {
    "expired-session": ApiError(401, "INVALID_SESSION_ID", "Session expired or invalid"),
    "UNKNOWN_EXCEPTION": ApiError(
        500,
        "UNKNOWN_EXCEPTION",
        "An unexpected error occurred. Please include this ErrorId if you contact support: 1-1 (1)",
    ),
    "SERVER_UNAVAILABLE": ApiError(503, "SERVER_UNAVAILABLE", "The server is temporarily unavailable."),
    "REQUEST_LIMIT_EXCEEDED": ApiError(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."),
    "UNABLE_TO_LOCK_ROW": ApiError(
        400, "UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record or 1 records: 005000000000000", []
    ),
}
_ALWAYS_DONE = ("slow", "truncate")
_NEVER_DONE = ("expired-session", "REQUEST_LIMIT_EXCEEDED", "UNABLE_TO_LOCK_ROW")


class Fault(Model):
    """One fault and when it happens.

    Raises ValueError (pydantic's) for a combination that the platform could not show.
    """

    kind: Kind
    effect: Literal["none", "done", "late"] | None = None
    """Whether the org does what it was asked: not at all, before the fault, or (`timeout` only) once the client has
    given up. By default nothing is done, but for `slow` and `truncate`."""
    late_by: float = Field(default=0, ge=0, le=600)
    """Of a late effect: how many seconds of the org's clock after the client has given up (an org works on a request
    for ten minutes at most). It is then what the request does to the org as it is by that time."""
    seconds: float = Field(default=600, ge=0, le=3600)
    """Of `timeout`: when the connection is cut, if the client waits longer; of `slow`: how long the answer takes."""
    at: Trigger = Trigger()

    @model_validator(mode="after")
    def _possible(self) -> Fault:
        if self.at.about_rows and self.kind != "UNABLE_TO_LOCK_ROW":
            raise ValueError("as a row is written only UNABLE_TO_LOCK_ROW can happen; name a call instead")
        if self.effect == "late" and self.kind != "timeout":
            raise ValueError("only a timeout has a late effect")
        if self.late_by and self.effect != "late":
            raise ValueError("late_by says when a late effect comes")
        if self.effect == "none" and self.kind in _ALWAYS_DONE:
            raise ValueError(f"{self.kind} is about the answer: what was asked is done")
        if self.effect == "done" and self.kind in _NEVER_DONE:
            raise ValueError(f"{self.kind} says that nothing was done")
        return self

    @property
    def done_first(self) -> bool:
        """Whether the org does what it was asked before the fault."""
        return self.kind in _ALWAYS_DONE or self.effect == "done"

    @property
    def error(self) -> ApiError | None:
        """The platform's error; None where no error is answered."""
        return _ERRORS.get(self.kind)
