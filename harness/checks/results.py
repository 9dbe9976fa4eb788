"""What a check and a compared operation leave behind: plain data, journaled and reported."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict

NO_RECORD = "NO_RECORD"
"""Our own error code for an operation that found no record to work on."""


class Result(BaseModel):
    """The base of every result: immutable, unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Asked(Result):
    """A question put to the org, and its answer."""

    principal: Literal["admin", "source", "target"]
    username: str
    request: str
    """What was asked, in words or as the request line."""
    status: int | None = None
    """HTTP status."""
    error_code: str | None = None
    message: str | None = None
    rows: int | None = None


class CheckResult(Result):
    """A check and its answer. The record's key is the check's id, such as `grants[Account: read]`."""

    kind: Literal["grant", "denial"]
    title: str
    place: str
    """`file:line`."""
    expected: str
    """In words."""
    passed: bool
    made: bool = True
    """False when it could not be made: that is not a pass."""
    answer: Asked | None = None
    control: Asked | None = None
    """With a denial: the same asked as the admin."""
    reason: str | None = None
    """With a failure: why."""
    remedy: str | None = None


class Answered(Result):
    """What one user got when it ran one operation of the workload."""

    username: str
    error_code: str | None = None
    message: str | None = None
    rows: int | None = None
    fields: tuple[str, ...] = ()
    """The fields that came back, or that a describe shows: `Account.Name`, `Account.Name: edit`."""
    filled: Mapping[str, int] = {}
    """With a query: in how many rows each field held a value."""
    failed_rows: int = 0


class Comparison(Result):
    """One operation of the workload, as the old and as the new user.

    The record's key is its id, such as `workload[2: upsert Account]`.
    """

    title: str
    place: str
    old: Answered | None = None
    """None in cut-over, where only the new user works."""
    new: Answered
    equal: bool
    differences: tuple[str, ...] = ()
    """Each a sentence."""
    remedy: str | None = None
