"""What an org answers: to a request, to a write, to a bulk job. Answers are data; an org's refusal is one of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Certainty = Literal["APPLIED", "NOT_APPLIED", "UNKNOWN"]


@dataclass(frozen=True, slots=True)
class ApiError:
    """One error in the org's own words."""

    code: str
    message: str
    fields: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.code}: {self.message}" if self.message else self.code


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to a request: HTTP status, decoded body (None without one), errors, headers with lower-case names."""

    status: int
    body: Any = None
    errors: tuple[ApiError, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether the org did what was asked."""
        return self.status < 300 and not self.errors


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one written row. `created` tells the two outcomes of an upsert apart."""

    certainty: Certainty
    status: int | None = None
    id: str | None = None
    created: bool | None = None
    errors: tuple[ApiError, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether it is certain that the row was written."""
        return self.certainty == "APPLIED"


@dataclass(frozen=True, slots=True)
class BulkResult:
    """The end of a Bulk API 2.0 job.

    `rows` are the rows of a query, or the successful rows of an ingest (with `sf__Id` and `sf__Created`); `errors`
    holds one `CODE:text` for each failed row; `unprocessed` counts rows that the job never came to; `error` is set when
    the org refused the job itself.
    """

    job_id: str
    state: str
    processed: int = 0
    failed: int = 0
    rows: list[dict[str, str]] = field(default_factory=list)
    errors: tuple[str, ...] = ()
    error: ApiError | None = None
    unprocessed: int = 0


def reply_of(status: int, content: object, headers: Mapping[str, str] | None = None) -> Reply:
    """The Reply for a status and a body, decoded or as JSON text."""
    body = _decoded(content)
    lower = {name.lower(): value for name, value in (headers or {}).items()}
    return Reply(status, body, errors_in(body, status) if status >= 300 else (), lower)


def errors_in(body: object, status: int) -> tuple[ApiError, ...]:
    """The errors of a refusal, in any of the envelopes that the platform uses (facts sections 4.3, 5.1, 5.5)."""
    entries = body if isinstance(body, list) else [body]
    found = tuple(_error(entry) for entry in entries if isinstance(entry, Mapping))
    if found and all(error.code for error in found):
        return found
    text = body if isinstance(body, str) else ""
    return (ApiError(f"HTTP_{status}", " ".join(text.split())[:200]),)


def _error(entry: Mapping[str, Any]) -> ApiError:
    code = entry.get("errorCode") or entry.get("statusCode") or entry.get("error") or ""
    message = entry.get("message") or entry.get("error_description") or ""
    return ApiError(str(code), str(message), tuple(entry.get("fields") or ()))


def _decoded(content: object) -> object:
    if isinstance(content, bytes):
        content = content.decode("utf-8", "replace")
    if not isinstance(content, str):
        return content
    if not content.strip():
        return None
    try:
        return json.loads(content)
    except ValueError:
        return content
