"""SOQL over HTTP: pages of 2,000, locators, the Tooling API's envelope, and the CLI's column metadata."""

from __future__ import annotations

import re
from typing import Any

from harness.sandbox.errors import ApiError
from harness.sandbox.http.call import Call
from harness.sandbox.http.columns import column_metadata
from harness.sandbox.http.desk import Cursor
from harness.sandbox.http.wire import Answer

PAGE = 2000
_SMALLEST_PAGE = 200


def query(call: Call) -> Answer:
    """`GET query?q=`."""
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
    if cursor is None or cursor.user_id != call.user_id or not start.isdigit():
        raise ApiError(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
    return _page(call, cursor, cursor_id, int(start), total=len(cursor.records))


def _run(call: Call, *, all_rows: bool, tooling: bool = False) -> Answer:
    soql = call.params.get("q")
    if soql is None:
        raise ApiError(400, "MALFORMED_QUERY", "A query string has to be specified")
    if call.params.get("columns", "").lower() == "true":
        call.org.query(soql, as_user=call.user_id, all_rows=all_rows, tooling=tooling, version=call.version)
        return Answer(200, column_metadata(call, soql))
    result = call.org.query(soql, as_user=call.user_id, all_rows=all_rows, tooling=tooling, version=call.version)
    cursor = Cursor(call.user_id, _batch(call), result.records, tooling)
    cursor_id = call.desk.keep(cursor) if len(result.records) > cursor.batch else ""
    return _page(call, cursor, cursor_id, 0, total=result.total_size)


def _page(call: Call, cursor: Cursor, cursor_id: str, start: int, *, total: int) -> Answer:
    end = start + cursor.batch
    records = cursor.records[start:end]
    more = end < len(cursor.records)
    resource = "tooling/query" if cursor.tooling else "query"
    following = f"{call.base}/{resource}/{cursor_id}-{end}"
    if not cursor.tooling:
        page: dict[str, Any] = {"totalSize": total, "done": not more}
        if more:
            page["nextRecordsUrl"] = following
        return Answer(200, page | {"records": records})
    return Answer(
        200,
        {
            "size": len(records),
            "totalSize": total,
            "done": not more,
            "queryLocator": f"{cursor_id}-{end}" if more else None,
            **({"nextRecordsUrl": following} if more else {}),
            "entityTypeName": records[0]["attributes"]["type"] if records else None,
            "records": records,
        },
    )


def _batch(call: Call) -> int:
    """The page size: `Sforce-Query-Options: batchSize=N`, from 200 to 2,000."""
    asked = re.search(r"batchSize\s*=\s*(\d+)", call.headers.get("sforce-query-options", ""))
    return min(max(int(asked[1]), _SMALLEST_PAGE), PAGE) if asked else PAGE
