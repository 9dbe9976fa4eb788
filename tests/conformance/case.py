"""One recording and the request that must be answered like it.

A case asks what the recording asked: its method, path and body, with the recorded ids replaced by those of rows that
`given` has made. `differs` lists accepted differences by path, `*` standing for any one name; one that no longer occurs
fails the test, so that the list stays honest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.conformance.compare import Level
from tests.conformance.world import World

Given = Callable[[World], Mapping[str, str]]
"""Makes what the request needs; returns recorded texts of path and body with what to ask instead."""

Shaping = Callable[[Any], Any]

PRETTY = {"X-PrettyPrint": "1"}
NO_SESSION = {"Authorization": None}
NEWER = "came after the recorded version"


def _nothing(_world: World) -> Mapping[str, str]:
    return {}


def _as_it_is(body: Any) -> Any:
    return body


@dataclass(frozen=True)
class Case:
    """One recording and the request that must be answered like it."""

    recording: str
    level: Level = Level.EXACT
    given: Given = _nothing
    method: str | None = None
    path: str | None = None
    """Where it is not the recorded one."""
    body: str | Callable[[World], str] | None = None
    headers: Mapping[str, str | None] = field(default_factory=dict)
    """Beside the session's own; None takes one away."""
    ours: Shaping = _as_it_is
    """Takes the part of our answer that was recorded: its records."""
    theirs: Shaping = _as_it_is
    """Takes what was done to the answer after it was recorded back."""
    differs: Mapping[str, str] = field(default_factory=dict)
