"""Asking several queries in one call: a composite holds five (facts 5.5)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

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
    answers: list[Rows] = []
    for start in range(0, len(queries), QUERIES_PER_CALL):
        some = queries[start : start + QUERIES_PER_CALL]
        replies = connection.composite([_subrequest(each) for each in some], all_or_none=False)
        answers += [connection.all_rows(reply, soql) for soql, reply in zip(some, replies, strict=True)]
    return answers


def try_ask(connection: Connection, queries: Sequence[str]) -> list[Rows | None]:
    """The rows of each query; None where the org refuses one."""
    return [None if isinstance(each, RequestRefused) else each for each in ask_each(connection, queries)]


def ask_each(connection: Connection, queries: Sequence[str]) -> list[Rows | RequestRefused]:
    """The rows of each query, or its refusal, for whoever says why something could not be read."""
    answers: list[Rows | RequestRefused] = []
    for start in range(0, len(queries), QUERIES_PER_CALL):
        some = queries[start : start + QUERIES_PER_CALL]
        replies = connection.composite([_subrequest(each) for each in some], all_or_none=False)
        answers += [_rows_or_refusal(connection, reply, soql) for reply, soql in zip(replies, some, strict=True)]
    return answers


def _rows_or_refusal(connection: Connection, reply: Reply, soql: str) -> Rows | RequestRefused:
    try:
        return connection.all_rows(reply, soql)
    except RequestRefused as refusal:
        return refusal


def _subrequest(soql: str) -> dict[str, str]:
    return {"method": "GET", "url": f"query?{urlencode({'q': soql})}"}
