"""SOQL over HTTP: pages of 2,000, locators, the Tooling API's envelope, the CLI's column metadata, and `explain`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from harness.sandbox.errors import ApiError
from harness.sandbox.http.call import Call
from harness.sandbox.http.columns import column_metadata
from harness.sandbox.http.desk import Cursor
from harness.sandbox.http.wire import Answer
from harness.sandbox.soql.plan import QueryResult

PAGE = 2000
_SMALLEST_PAGE = 200

Record = dict[str, Any]


def query(call: Call) -> Answer:
    """`GET query?q=`, or `GET query?explain=`."""
    if "explain" in call.params and "q" not in call.params:
        return _explain(call, call.params["explain"])
    return _run(call, all_rows=False)


def query_all(call: Call) -> Answer:
    """`GET queryAll?q=`: deleted rows too."""
    return _run(call, all_rows=True)


def tooling_query(call: Call) -> Answer:
    """`GET tooling/query?q=`."""
    return _run(call, all_rows=False, tooling=True)


def next_page(call: Call, locator: str) -> Answer:
    """`GET query/LOCATOR`: the records after those already sent. Raises ApiError INVALID_QUERY_LOCATOR."""
    cursor_id, _, start = locator.partition("-")
    cursor = call.desk.cursors.get(cursor_id)
    known = re.fullmatch(r"[0-9]{1,9}", start)
    if cursor is None or cursor.user_id != call.user_id or not known or int(start) > len(cursor.records):
        raise ApiError(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
    return _page(call, cursor, cursor_id, int(start), total=len(cursor.records))


def _run(call: Call, *, all_rows: bool, tooling: bool = False) -> Answer:
    soql = call.params.get("q")
    if soql is None:
        raise ApiError(400, "MALFORMED_QUERY", "A query string has to be specified")
    result = call.org.query(soql, as_user=call.user_id, all_rows=all_rows, tooling=tooling, version=call.version)
    if call.params.get("columns", "").lower() == "true":
        return Answer(200, column_metadata(call, soql))
    batch = _batch(call)
    if result.has_children:
        _page_children(call, result, batch)
    cursor = Cursor(call.user_id, batch, result.records, tooling, result.has_children)
    fits = _end(cursor, 0) >= len(result.records)
    return _page(call, cursor, "" if fits else call.desk.keep(cursor), 0, total=result.total_size)


def _page(call: Call, cursor: Cursor, cursor_id: str, start: int, *, total: int) -> Answer:
    end = _end(cursor, start)
    records = cursor.records[start:end]
    more = end < len(cursor.records)
    following = {"nextRecordsUrl": _address(call, cursor, cursor_id, end)} if more else {}
    if not cursor.tooling:
        return Answer(200, {"totalSize": total, "done": not more, **following, "records": records})
    return Answer(
        200,
        {
            "size": len(records),
            "totalSize": total,
            "done": not more,
            "queryLocator": f"{cursor_id}-{end}" if more else None,
            **following,
            "entityTypeName": records[0]["attributes"]["type"] if records else None,
            "records": records,
        },
    )


def _address(call: Call, cursor: Cursor, cursor_id: str, start: int) -> str:
    return f"{call.base}/{'tooling/query' if cursor.tooling else 'query'}/{cursor_id}-{start}"


def _batch(call: Call) -> int:
    """The page size: `Sforce-Query-Options: batchSize=N`, from 200 to 2,000."""
    asked = re.search(r"batchSize\s*=\s*([0-9]{1,9})", call.headers.get("sforce-query-options", ""), re.IGNORECASE)
    return min(max(int(asked[1]), _SMALLEST_PAGE), PAGE) if asked else PAGE


# Queries of children: their rows count for the page of their parents, and have pages of their own


def _end(cursor: Cursor, start: int) -> int:
    """Where the page ends that begins at `start`; at least one record is on it."""
    if not cursor.has_children:
        return start + cursor.batch
    room = cursor.batch
    for place in range(start, len(cursor.records)):
        room -= 1 + sum(len(answer["records"]) for answer in _children(cursor.records[place]))
        if room < 0:
            return max(place, start + 1)
    return len(cursor.records)


def _page_children(call: Call, result: QueryResult, batch: int) -> None:
    """Cut answers that are longer than a page, and keep their rest for `nextRecordsUrl`."""
    for record in result.records:
        for answer in _children(record):
            records = answer.pop("records")
            if len(records) > batch:
                cursor = Cursor(call.user_id, batch, records, tooling=False)
                answer["done"] = False
                answer["nextRecordsUrl"] = _address(call, cursor, call.desk.keep(cursor), batch)
            answer["records"] = records[:batch]


def _children(record: Record) -> Iterator[Record]:
    """The answers to queries of children in a record."""
    for name, value in record.items():
        if isinstance(value, dict) and name != "attributes" and "totalSize" in value and "records" in value:
            yield value


# Query performance feedback


def _explain(call: Call, soql: str) -> Answer:
    """The plan of a query (REST API Developer Guide, "Query Performance Feedback"): always a scan of the table."""
    result = call.org.query(soql, as_user=call.user_id, version=call.version)
    everything = call.org.query(f"SELECT count() FROM {result.sobject}", as_user=call.user_id).total_size  # noqa: S608 - SOQL
    share = result.total_size / everything if everything else 0.0
    plan = {
        "cardinality": result.total_size,
        "fields": [],
        "leadingOperationType": "TableScan",
        "notes": [],
        "relativeCost": round(share, 3),
        "sobjectCardinality": everything,
        "sobjectType": result.sobject,
    }
    return Answer(200, {"plans": [plan], "sourceQuery": soql})
