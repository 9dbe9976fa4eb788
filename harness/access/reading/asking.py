"""Asking several queries in one call: a composite holds five (facts 5.5)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

if TYPE_CHECKING:
    from harness.org.connection import Connection

QUERIES_PER_CALL = 5

Rows = list[dict[str, Any]]


def ask(connection: Connection, *queries: str) -> list[Rows]:
    """The rows of each query, without their `attributes`. Raises RequestRefused.

    Five queries a call, and one call for each further page of one that does not fit on a page.
    """
    if len(queries) == 1:
        return [connection.query(queries[0])]
    answers: list[Rows] = []
    for start in range(0, len(queries), QUERIES_PER_CALL):
        some = queries[start : start + QUERIES_PER_CALL]
        replies = connection.composite([_subrequest(each) for each in some], all_or_none=False)
        answers += [connection.all_rows(reply, soql) for soql, reply in zip(some, replies, strict=True)]
    return answers


def try_ask(connection: Connection, queries: Sequence[str]) -> list[Rows | None]:
    """The rows of each query; None where the org refuses one."""
    found: list[Rows | None] = []
    for start in range(0, len(queries), QUERIES_PER_CALL):
        some = queries[start : start + QUERIES_PER_CALL]
        replies = connection.composite([_subrequest(each) for each in some], all_or_none=False)
        for soql, reply in zip(some, replies, strict=True):
            found.append(connection.all_rows(reply, soql) if reply.ok else None)
    return found


def _subrequest(soql: str) -> dict[str, str]:
    return {"method": "GET", "url": f"query?{urlencode({'q': soql})}"}
