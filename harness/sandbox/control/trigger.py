"""When a fault happens or the second admin acts: at which calls, at which rows, how often."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

Deed = TypeVar("Deed")


class Model(BaseModel):
    """The base of what the control interface is sent: immutable, and unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


@dataclass(frozen=True, slots=True)
class Asked:
    """A call as a trigger looks at it."""

    method: str
    path: str
    """With its query, decoded: `/services/data/v67.0/query?q=SELECT Id FROM Account`."""
    principal: str | None
    """The username of the session."""
    body: bytes = b""


class Trigger(Model):
    """Which calls. What is left out is no condition; a trigger without any condition is every call.

    With `object` or `operation` it is about rows that are written instead, in whatever call, and `method`, `path` and
    `contains` have no meaning.
    """

    method: str | None = None
    path: str | None = None
    """A pattern with `*` for the whole path and query: `*/sobjects/PermissionSetAssignment`."""
    contains: str | None = None
    """Text in the body."""
    principal: str | None = None
    """The username of the session."""
    object: str | None = None
    """The object whose row is written."""
    operation: str | None = Field(default=None, pattern="^(create|update|delete|upsert)$")
    nth: int = Field(default=1, ge=1)
    """The first of the fitting calls that counts: 3 lets two pass."""
    times: int | None = Field(default=1, ge=1)
    """How often it happens; null for ever."""
    probability: float = Field(default=1, ge=0, le=1)
    """With what probability it happens at a call that counts."""

    @property
    def about_rows(self) -> bool:
        """Whether it is about rows rather than calls."""
        return self.object is not None or self.operation is not None

    def fits_call(self, asked: Asked) -> bool:
        """Whether a call fulfils the conditions."""
        return (
            not self.about_rows
            and (self.method is None or self.method.upper() == asked.method)
            and (self.path is None or fnmatchcase(asked.path, self.path))
            and (self.contains is None or self.contains.encode() in asked.body)
            and (self.principal is None or self.principal == asked.principal)
        )

    def fits_row(self, sobject: str, operation: str, principal: str | None) -> bool:
        """Whether writing a row fulfils the conditions."""
        return (
            self.about_rows
            and (self.object is None or self.object.lower() == sobject.lower())
            and (self.operation is None or self.operation == operation)
            and (self.principal is None or self.principal == principal)
        )


@dataclass(slots=True)
class Rule(Generic[Deed]):
    """A trigger, what it sets off, and how often so far."""

    id: int
    trigger: Trigger
    deed: Deed
    fitted: int = 0
    happened: int = 0

    def happens(self, randomness: random.Random) -> bool:
        """Count a call that fits; whether the deed is due."""
        self.fitted += 1
        trigger = self.trigger
        spent = trigger.times is not None and self.happened >= trigger.times
        if spent or self.fitted < trigger.nth or randomness.random() >= trigger.probability:
            return False
        self.happened += 1
        return True


@dataclass(slots=True)
class Rules(Generic[Deed]):
    """Rules in the order of their making. One happens at most: those behind it do not see the call."""

    randomness: random.Random
    known: list[Rule[Deed]] = field(default_factory=list)

    def add(self, trigger: Trigger, deed: Deed) -> Rule[Deed]:
        """Add a rule."""
        rule = Rule(id=max((one.id for one in self.known), default=0) + 1, trigger=trigger, deed=deed)
        self.known.append(rule)
        return rule

    def at_call(self, asked: Asked) -> Deed | None:
        """What is due at a call."""
        for one in self.known:
            if one.trigger.fits_call(asked) and one.happens(self.randomness):
                return one.deed
        return None

    def at_row(self, sobject: str, operation: str, principal: str | None) -> Deed | None:
        """What is due as a row is written."""
        for one in self.known:
            if one.trigger.fits_row(sobject, operation, principal) and one.happens(self.randomness):
                return one.deed
        return None
