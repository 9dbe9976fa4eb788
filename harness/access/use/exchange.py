"""One request and its answer, as recordings of every format hold them. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit

from harness.access.use.deeds import Deed, NotUnderstood

SETUP_APIS: Mapping[str, str] = {
    "m": "The Metadata API was used: it takes Modify Metadata Through Metadata API Functions or more.",
    "T": "The Tooling API was used: it takes View Setup, Author Apex or more, by what it does.",
    "s": "Apex was run by the SOAP API for Apex: it takes Author Apex.",
}
"""What the APIs for setup take: from the outside it cannot be said more closely."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its answer. Header names are in lower case; `status` is 0 where there was no answer."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    status: int = 0
    answer: bytes = field(default=b"", repr=False)
    at: datetime | None = None

    @property
    def path(self) -> str:
        """The path of the URL."""
        return urlsplit(self.url).path

    @property
    def query(self) -> dict[str, str]:
        """The parameters of the URL; of a repeated one, the first."""
        return {name: values[0] for name, values in parse_qs(urlsplit(self.url).query, keep_blank_values=True).items()}

    @property
    def kind(self) -> str:
        """The media type of the request's body."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def json(self) -> Any:
        """The body as JSON. Raises NotUnderstood."""
        return load_json(self.body)

    def answered(self) -> Any:
        """The answer as JSON; None where it is none."""
        try:
            return load_json(self.answer)
        except NotUnderstood:
            return None


@dataclass(frozen=True, slots=True)
class Job:
    """A bulk job, as it was created."""

    object: str
    operation: str
    key: str | None = None
    delimiter: str = ","
    kind: str = "csv"


class Reading(Protocol):
    """What is remembered from one request to the next, and who reads the requests within a request."""

    jobs: dict[str, Job]
    """The bulk jobs, by the first 15 characters of their ids."""

    def inner(self, exchange: Exchange) -> list[Deed]:
        """What a request within a composite did; one that is not understood does not take the others with it."""

    def cannot_see(self, what: str) -> None:
        """Note a blind spot, a sentence."""


def load_json(body: bytes) -> Any:
    """A body as JSON. Raises NotUnderstood."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise NotUnderstood("its body is not JSON") from None


def subrequest(outer: Exchange, part: Any, answer: Any, *, body: str = "body") -> Exchange:
    """A request within a composite, as if it had been sent by itself. Raises NotUnderstood."""
    if not isinstance(part, Mapping) or not isinstance(part.get("url"), str):
        raise NotUnderstood("a part of the composite has no URL")
    url = part["url"] if part["url"].startswith("/services/") else f"/services/data/{part['url'].lstrip('/')}"
    inner = part.get(body)
    return replace(
        outer,
        method=str(part.get("method", "GET")).upper(),
        url=url,
        headers={"content-type": "application/json"},
        body=b"" if inner is None else json.dumps(inner).encode(),
        answer=b"" if answer is None else json.dumps(answer).encode(),
    )
