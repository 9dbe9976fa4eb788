"""What changed and what was deleted in a time (REST guide, "sObject Get Updated", "sObject Get Deleted").

Seconds are cut off both ends. A row is listed when its SystemModstamp lies between them.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from harness.sandbox.clock import wire_datetime
from harness.sandbox.errors import ApiError, not_found
from harness.sandbox.http.call import Call
from harness.sandbox.http.wire import Answer
from harness.sandbox.schema import SObject
from harness.sandbox.soql.plan import QueryResult

_LONGEST = timedelta(days=30)
_SHORTEST = timedelta(minutes=1)


def updated(call: Call, sobject: str) -> Answer:
    """`GET sobjects/X/updated?start=&end=`: the ids."""
    start, end = _times(call)
    rows = _rows(call, _replicated(call, sobject), start, end, deleted=False).records
    return Answer(200, {"ids": [row["Id"] for row in rows], "latestDateCovered": wire_datetime(end)})


def deleted(call: Call, sobject: str) -> Answer:
    """`GET sobjects/X/deleted?start=&end=`: ids, each with its time."""
    start, end = _times(call)
    described = _replicated(call, sobject)
    rows = _rows(call, described, start, end, deleted=True).records if described.get("IsDeleted") else []
    return Answer(
        200,
        {
            "deletedRecords": [{"id": row["Id"], "deletedDate": row["SystemModstamp"]} for row in rows],
            "earliestDateAvailable": wire_datetime(call.org.clock.peek() - _LONGEST),
            "latestDateCovered": wire_datetime(end),
        },
    )


def _rows(call: Call, sobject: SObject, start: datetime, end: datetime, *, deleted: bool) -> QueryResult:
    between = f"SystemModstamp >= {_literal(start)} AND SystemModstamp < {_literal(end)}"
    gone = " AND IsDeleted = true" if deleted else ""
    soql = f"SELECT Id, SystemModstamp FROM {sobject.name} WHERE {between}{gone} ORDER BY SystemModstamp, Id"  # noqa: S608 - SOQL, names of the schema
    return call.org.query(soql, as_user=call.user_id, all_rows=deleted, version=call.version)


def _replicated(call: Call, name: str) -> SObject:
    """An object whose changes can be followed: one with a SystemModstamp. Raises ApiError NOT_FOUND."""
    sobject = call.org.schema.get(name)
    if sobject is None or sobject.tooling or not call.org.permissions_of(call.user_id).can(sobject, "read"):
        raise not_found()
    if sobject.get("SystemModstamp") is None:
        raise not_found()
    return sobject


def _times(call: Call) -> tuple[datetime, datetime]:
    start, end = _time(call, "start"), _time(call, "end")
    if start < call.org.clock.peek().replace(second=0, microsecond=0) - _LONGEST:
        raise _invalid("startDate cannot be more than 30 days ago")
    if end - start < _SHORTEST:
        raise _invalid("endDate must be at least one minute greater than startDate")
    return start, end


def _time(call: Call, name: str) -> datetime:
    text = call.params.get(name, "")
    if not text:
        raise ApiError(400, "MISSING_ARGUMENT", f"{name} not specified")
    try:
        moment = datetime.fromisoformat(text.replace(" ", "+"))  # a plus that nobody encoded
        utc = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise _invalid(f"{name}Date is not a valid dateTime: {text}") from None
    return utc.replace(second=0, microsecond=0)


def _literal(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _invalid(text: str) -> ApiError:
    return ApiError(400, "INVALID_REPLICATION_DATE", text)
