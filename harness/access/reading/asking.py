"""Asking several queries in one call: a composite holds five (facts 5.5)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from harness.access.soql import batches
from harness.errors import RequestRefused

if TYPE_CHECKING:
    from harness.org.connection import Connection, Reply

QUERIES_PER_CALL = 5

Rows = list[dict[str, Any]]


def ask(connection: Connection, *queries: str) -> list[Rows]:
    """The rows of each query, without their `attributes`. Raises RequestRefused.

    Five queries a call, and one call for each further page of one that does not fit on a page.
    """
    if len(queries) == 1:
        return [connection.query(queries[0])]
    return [connection.all_rows(reply, soql) for soql, reply in zip(queries, replies(connection, queries), strict=True)]


def try_ask(connection: Connection, queries: Sequence[str]) -> list[Rows | None]:
    """The rows of each query; None where the org refuses one."""
    return [None if isinstance(each, RequestRefused) else each for each in ask_each(connection, queries)]


def ask_each(connection: Connection, queries: Sequence[str]) -> list[Rows | RequestRefused]:
    """The rows of each query, or its refusal, for whoever says why something could not be read."""
    answered = zip(replies(connection, queries), queries, strict=True)
    return [_rows_or_refusal(connection, reply, soql) for reply, soql in answered]


def replies(connection: Connection, queries: Sequence[str]) -> Iterator[Reply]:
    """The first page of each query as the org sends it; a refusal is a Reply."""
    for some in batches(queries, QUERIES_PER_CALL):
        yield from connection.composite([_subrequest(each) for each in some], all_or_none=False)


def _rows_or_refusal(connection: Connection, reply: Reply, soql: str) -> Rows | RequestRefused:
    try:
        return connection.all_rows(reply, soql)
    except RequestRefused as refusal:
        return refusal


def _subrequest(soql: str) -> dict[str, str]:
    return {"method": "GET", "url": f"query?{urlencode({'q': soql})}"}
