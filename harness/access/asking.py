"""Asking several queries in one call: a composite holds five (facts 5.5)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from harness.errors import RequestRefused

if TYPE_CHECKING:
    from harness.org.connection import Connection
    from harness.org.reply import Reply

QUERIES_PER_CALL = 5

Rows = list[dict[str, Any]]


def ask(connection: Connection, *queries: str) -> list[Rows]:
    """The rows of each query, without their `attributes`. Raises RequestRefused.

    A query whose rows do not fit on one page is asked again by itself, page by page.
    """
    if len(queries) == 1:
        return [connection.query(queries[0])]
    answers: list[Rows] = []
    for start in range(0, len(queries), QUERIES_PER_CALL):
        some = queries[start : start + QUERIES_PER_CALL]
        replies = connection.composite([_subrequest(each) for each in some], all_or_none=False)
        for soql, reply in zip(some, replies, strict=True):
            answers.append(_rows(connection, soql, reply))
    return answers


def try_ask(connection: Connection, queries: Sequence[str]) -> list[Rows | None]:
    """The first page of each query; None where the org refuses one."""
    found: list[Rows | None] = []
    for start in range(0, len(queries), QUERIES_PER_CALL):
        some = queries[start : start + QUERIES_PER_CALL]
        for reply in connection.composite([_subrequest(each) for each in some], all_or_none=False):
            found.append([_plain(row) for row in reply.body["records"]] if reply.ok else None)
    return found


def _subrequest(soql: str) -> dict[str, str]:
    return {"method": "GET", "url": f"query?{urlencode({'q': soql})}"}


def _rows(connection: Connection, soql: str, reply: Reply) -> Rows:
    if not reply.ok:
        error = reply.errors[0]
        raise RequestRefused(
            f"the org refused: {error}",
            asked=soql,
            status=reply.status,
            code=error.code,
            description=error.message,
            fields=error.fields,
        )
    if not reply.body.get("done", True):
        return connection.query(soql)
    return [_plain(row) for row in reply.body["records"]]


def _plain(row: Any) -> Any:
    """A row without `attributes`, and its parents likewise."""
    if not isinstance(row, dict):
        return row
    return {name: _plain(value) for name, value in row.items() if name != "attributes"}
