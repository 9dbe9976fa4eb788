"""What event logs show: files of type `ApiTotalUsage`, one line for each API request of each user.

They name objects and not fields, and of a composite only the request around it (Object Reference, "EventLogFile",
"API Total Usage").
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from harness.access.soql import equals, select
from harness.access.use.deeds import ApexCalled, Deed, NotUnderstood, Right, Seen, Touched
from harness.errors import RequestRefused
from harness.org.event_log import reduce_log

if TYPE_CHECKING:
    from harness.org.connection import Connection

_COLUMNS = ("USER_ID", "ENTITY_NAME", "HTTP_METHOD")
_REST: Mapping[str, frozenset[Right]] = {
    "GET": frozenset({"read"}),
    "HEAD": frozenset({"read"}),
    "POST": frozenset({"create"}),
    "PATCH": frozenset({"edit"}),
    "PUT": frozenset({"edit"}),
    "DELETE": frozenset({"delete"}),
}
_SOAP: Mapping[str, frozenset[Right]] = {
    "create": frozenset({"create"}),
    "update": frozenset({"edit"}),
    "upsert": frozenset({"create", "edit"}),
    "delete": frozenset({"delete"}),
    "undelete": frozenset({"delete"}),
    "merge": frozenset({"edit", "delete"}),
}
_READING = re.compile(r"/(query|queryAll|search|parameterizedSearch|jobs/query|describe)\b", re.IGNORECASE)
_DIGIT_GROUPS = 14


def read_event_logs(admin: Connection, days: int, user_id: str, seen: Seen) -> None:
    """Take up the lines of one user. What the org will not give is named among the blind spots.

    Where a day has its own file, its hourly files are left out: they hold the same lines.
    """
    files = _files(admin, days, seen)
    for row in files:
        reply = admin.send("GET", f"{admin.site.data_path}/sobjects/EventLogFile/{row['Id']}/LogFile")
        where = f"event log of {str(row['LogDate'])[:10]}"
        if reply.ok and isinstance(reply.body, str):
            take_up_log(reply.body, where, user_id, seen)
        else:
            seen.miss(where, "the org did not give the file")
    if not files:
        seen.blind.add(
            f"The org has no ApiTotalUsage event logs of the last {days} days: Event Monitoring may not be switched "
            "on, or its free files are of yesterday only."
        )


def is_log(content: bytes) -> bool:
    """Whether a file is an event log: its first column is always the type of event."""
    return re.match(rb'(\xef\xbb\xbf)?"?EVENT_TYPE"?,', content) is not None


def take_up_log(text: str, where: str, user_id: str, seen: Seen) -> None:
    """Take up the lines of one user in one file; one that is no log is counted and named."""
    try:
        read_log(reduce_log(text), where, user_id, seen)
    except csv.Error as error:
        seen.miss(where, f"it is not CSV: {error}")


def _files(admin: Connection, days: int, seen: Seen) -> list[Mapping[str, str]]:
    where = f"{equals('EventType', 'ApiTotalUsage')} AND LogDate >= LAST_N_DAYS:{days}"
    try:
        rows = admin.query(select("EventLogFile", ("Id", "LogDate", "Interval"), where=where, order="LogDate, Id"))
    except RequestRefused as refusal:
        seen.blind.add(f"The event logs were not read: {refusal.code}. They take View Event Log Files.")
        return []
    daily = {str(row["LogDate"])[:10] for row in rows if row.get("Interval") == "Daily"}
    return [row for row in rows if row.get("Interval") == "Daily" or str(row["LogDate"])[:10] not in daily]


def read_log(text: str, where: str, user_id: str, seen: Seen) -> None:
    """Take up the lines of one user in one file. Raises csv.Error."""
    lines = list(csv.DictReader(io.StringIO(text)))
    if lines and not set(_COLUMNS) <= lines[0].keys():
        seen.miss(where, f"it has no column {', '.join(name for name in _COLUMNS if name not in lines[0])}")
        return
    for line in lines:
        if str(line["USER_ID"])[:15] == user_id[:15]:
            _take(line, where, seen)


def _take(line: Mapping[str, str], where: str, seen: Seen) -> None:
    seen.requests += 1
    seen.observe(_moment(line))
    if str(line.get("STATUS_CODE") or "200")[:1] not in "23":
        return
    try:
        seen.add(where, _deeds(line))
    except NotUnderstood as error:
        seen.miss(where, str(error))


def _deeds(line: Mapping[str, str]) -> list[Deed]:
    resource, method = str(line.get("API_RESOURCE") or ""), str(line["HTTP_METHOD"] or "").upper()
    if str(line.get("API_FAMILY") or "").casefold() == "apexrest":
        return [ApexCalled(path=re.sub(r"^/(services/)?apexrest", "", resource))]
    names = [name for name in re.split(r"[;,\s]+", str(line["ENTITY_NAME"] or "")) if name]
    rights = _rights(str(line.get("API_FAMILY") or ""), resource, method)
    return [Touched(name, rights, log=True) for name in names]


def _rights(family: str, resource: str, method: str) -> frozenset[Right]:
    """What a request may have done; a bulk job is of a kind that the log does not tell, and counts as read."""
    if family.upper() == "SOAP" or not resource.startswith("/"):
        return _SOAP.get(resource.strip("/"), frozenset({"read"}))
    if _READING.search(resource) or family.upper() == "BULK":
        return frozenset({"read"})
    if method not in _REST:
        raise NotUnderstood("its HTTP method is none that REST has")
    return _REST[method]


def _moment(line: Mapping[str, str]) -> datetime | None:
    for name in ("TIMESTAMP_DERIVED", "TIMESTAMP"):
        try:
            text = str(line.get(name) or "")
            moment = datetime.strptime(text[:_DIGIT_GROUPS], "%Y%m%d%H%M%S") if name == "TIMESTAMP" else None  # noqa: DTZ007 - GMT, below
            return (moment or datetime.fromisoformat(text)).replace(tzinfo=UTC)
        except ValueError:
            continue
    return None
