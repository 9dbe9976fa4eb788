"""The stages of a migration: values with a name, whether they write to the org, and what they do.

A stage's `run` is a generator. Between two steps it yields, so that whoever drives the engine sees each record as it
is journaled; it returns one line for people. What a stage writes goes through `harness.migration.writing.writes`, which
journals the intent first: the inverse of a stage is the inverse of its intents, carried out
by `harness.migration.undoing.rollback`.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from harness.errors import StageFailed, Stopped

if TYPE_CHECKING:
    from harness.migration.context import Context

Steps = Generator[None, None, str]


class PlanRefused(StageFailed):
    """The plan is not executable: nothing was written, and nothing will be."""


class Waiting(Stopped):
    """The stage waits until a moment that only real time brings about; None where somebody must do something."""

    def __init__(self, message: str, *, until: datetime | None, remedy: str) -> None:
        super().__init__(message, remedy=remedy)
        self.until = until


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage."""

    name: str
    writes: bool
    """Whether it sends writes to the org, and needs a capability for it."""
    run: Callable[[Context], Steps]
