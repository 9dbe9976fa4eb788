"""EventLogFile: what users did, as CSV files for each hour and each day of simulated time (Event Monitoring).

A file appears once its hour or day is over: `ApiTotalUsage` of the API requests, `Login` of the LoginHistory. Columns:
Object Reference, "EventLogFile Supported Event Types"; their order is that of files of real orgs.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from harness.sandbox.clock import wire_datetime

if TYPE_CHECKING:
    from harness.sandbox.org import SandboxOrg

_API_COLUMNS = (
    *("EVENT_TYPE", "TIMESTAMP", "REQUEST_ID", "ORGANIZATION_ID", "USER_ID", "API_FAMILY", "API_VERSION"),
    *("API_RESOURCE", "CLIENT_NAME", "HTTP_METHOD", "CLIENT_IP", "COUNTS_AGAINST_API_LIMIT", "CONNECTED_APP_ID"),
    *("ENTITY_NAME", "STATUS_CODE", "CONNECTED_APP_NAME", "USER_NAME", "TIMESTAMP_DERIVED"),
)
_LOGIN_COLUMNS = (
    *("EVENT_TYPE", "TIMESTAMP", "REQUEST_ID", "ORGANIZATION_ID", "USER_ID", "RUN_TIME", "CPU_TIME", "URI"),
    *("SESSION_KEY", "LOGIN_KEY", "USER_TYPE", "REQUEST_STATUS", "DB_TOTAL_TIME", "LOGIN_TYPE", "BROWSER_TYPE"),
    *("API_TYPE", "API_VERSION", "USER_NAME", "TLS_PROTOCOL", "CIPHER_SUITE", "AUTHENTICATION_METHOD_REFERENCE"),
    *("LOGIN_SUB_TYPE", "TIMESTAMP_DERIVED", "USER_ID_DERIVED", "CLIENT_IP", "URI_ID_DERIVED", "LOGIN_STATUS"),
    "SOURCE_IP",
)
_LOGIN_STATUS = {
    "Success": "LOGIN_NO_ERROR",
    "Invalid Password": "LOGIN_ERROR_INVALID_PASSWORD",
    "User is inactive": "LOGIN_ERROR_USER_INACTIVE",
    "User is frozen": "LOGIN_ERROR_USER_FROZEN",
    "Failed: API security token required": "LOGIN_ERROR_MUST_USE_API_TOKEN",
    "Failed: OAuth API access disabled": "LOGIN_OAUTH_API_DISABLED",
    "Password Lockout": "LOGIN_ERROR_PASSWORD_LOCKOUT",
    "Restricted IP": "LOGIN_ERROR_RESTRICTED_DOMAIN",
    "Restricted Time": "LOGIN_ERROR_RESTRICTED_TIME",
}
"""EventLogFile LOGIN_STATUS of a LoginHistory status; another status stands as it is."""
_TYPES = {
    "TIMESTAMP_DERIVED": "DateTime",
    "USER_ID": "Id",
    "ORGANIZATION_ID": "Id",
    "COUNTS_AGAINST_API_LIMIT": "Boolean",
}
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
_TABLE = "EventLogFile"


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """One API request. `at` is simulated time; ids have 18 characters."""

    at: datetime
    user_id: str
    family: str
    """`REST`, `SOAP`, `Bulk` or `ApexREST`."""
    version: str
    """`67.0`, or nothing."""
    resource: str
    """`/v67.0/sobjects/Account`, or the name of a SOAP call."""
    method: str
    status: int
    client: str = ""
    app_id: str | None = None
    entity: str = ""


class EventLog:
    """Makes the files of one org. The caller holds the org's lock."""

    def __init__(self, org: SandboxOrg) -> None:
        self._org = org
        self._done = {length: _start_of(org.clock.peek(), length) for length in (_HOUR, _DAY)}
        """Up to when there are files."""

    def close_files(self, requests: Iterable[ApiRequest]) -> None:
        """Make the files of the hours and days that are over. `requests` are the latest, oldest first."""
        now = self._org.clock.peek()
        for length, interval in ((_HOUR, "Hourly"), (_DAY, "Daily")):
            over, since = _start_of(now, length), self._done[length]
            self._done[length] = over  # which is before `since` where somebody put the clock back
            if since >= over:
                continue
            known = [one for one in requests if since <= one.at < over]
            self._make(interval, length, since, over, known)

    def is_due(self) -> bool:
        """Whether it is another hour than when this was last asked."""
        now, done = self._org.clock.peek(), self._done[_HOUR]
        return not done <= now < done + _HOUR

    def _make(
        self, interval: str, length: timedelta, since: datetime, over: datetime, requests: Sequence[ApiRequest]
    ) -> None:
        if self._org.schema.get(_TABLE) is None:
            return
        lines: dict[tuple[datetime, str], list[Mapping[str, str]]] = {}
        for number, one in enumerate(requests):
            lines.setdefault((_start_of(one.at, length), "ApiTotalUsage"), []).append(self._api_line(number, one))
        for moment, line in self._logins(since, over):
            lines.setdefault((_start_of(moment, length), "Login"), []).append(line)
        for (start, kind), found in sorted(lines.items(), key=lambda item: item[0]):
            self._keep(kind, interval, start, found)

    def _keep(self, kind: str, interval: str, start: datetime, lines: Sequence[Mapping[str, str]]) -> None:
        columns = _API_COLUMNS if kind == "ApiTotalUsage" else _LOGIN_COLUMNS
        text = io.StringIO()
        writer = csv.DictWriter(text, columns, restval="", lineterminator="\n", quoting=csv.QUOTE_ALL)
        writer.writeheader()
        writer.writerows(lines)
        content = text.getvalue().encode()
        values = {
            "EventType": kind,
            "LogDate": wire_datetime(start),
            "Interval": interval,
            "Sequence": 1 if interval == "Hourly" else 0,
            "LogFileLength": len(content),
            "LogFileFieldNames": ",".join(columns),
            "LogFileFieldTypes": ",".join(_TYPES.get(one, "String") for one in columns),
            "LogFile": base64.b64encode(content).decode(),
        }
        self._org.insert_row(_TABLE, values)

    def _api_line(self, number: int, one: ApiRequest) -> Mapping[str, str]:
        app = self._org.schema.of_prefix((one.app_id or "")[:3])
        label = "MasterLabel" if app and app.get("MasterLabel") else "Name"
        return {
            **self._common("ApiTotalUsage", one.at, one.user_id, f"{number}"),
            "API_FAMILY": one.family,
            "API_VERSION": one.version,
            "API_RESOURCE": one.resource,
            "CLIENT_NAME": one.client,
            "HTTP_METHOD": one.method,
            "COUNTS_AGAINST_API_LIMIT": "1",
            "CONNECTED_APP_ID": (one.app_id or "")[:15],
            "ENTITY_NAME": one.entity,
            "STATUS_CODE": str(one.status),
            "CONNECTED_APP_NAME": str((app and self._org.peek(app.name, str(one.app_id), label)) or ""),
        }

    def _logins(self, since: datetime, over: datetime) -> Iterable[tuple[datetime, Mapping[str, str]]]:
        for row in self._org.rows("LoginHistory") if self._org.schema.get("LoginHistory") else ():
            moment = datetime.fromisoformat(str(row["LoginTime"]))
            if not since <= moment < over:
                continue
            yield (
                moment,
                {
                    **self._common("Login", moment, str(row["UserId"]), row["Id"]),
                    "URI": str(row.get("LoginUrl") or ""),
                    "USER_TYPE": "Standard",
                    "LOGIN_TYPE": str(row.get("LoginType") or ""),
                    "BROWSER_TYPE": str(row.get("Browser") or ""),
                    "API_TYPE": str(row.get("ApiType") or ""),
                    "API_VERSION": str(row.get("ApiVersion") or ""),
                    "LOGIN_SUB_TYPE": str(row.get("LoginSubType") or ""),
                    "USER_ID_DERIVED": str(row["UserId"]),
                    "LOGIN_STATUS": _LOGIN_STATUS.get(str(row["Status"]), str(row["Status"])),
                    "SOURCE_IP": str(row.get("SourceIp") or ""),
                },
            )

    def _common(self, kind: str, at: datetime, user_id: str, seed: str) -> Mapping[str, str]:
        utc = at.astimezone(UTC)
        digest = hashlib.sha256(f"{at.isoformat()} {user_id} {seed}".encode()).digest()
        return {
            "EVENT_TYPE": kind,
            "TIMESTAMP": f"{utc:%Y%m%d%H%M%S}.{utc.microsecond // 1000:03d}",
            "REQUEST_ID": base64.urlsafe_b64encode(digest).decode()[:22],
            "ORGANIZATION_ID": self._org.org_id[:15],
            "USER_ID": user_id[:15],
            "CLIENT_IP": "127.0.0.1",
            "USER_NAME": str(self._org.peek("User", user_id, "Username") or ""),
            "TIMESTAMP_DERIVED": f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z",
        }


def _start_of(moment: datetime, length: timedelta) -> datetime:
    """The beginning of the hour or day that a moment is in."""
    midnight = moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return midnight if length == _DAY else midnight + timedelta(hours=moment.astimezone(UTC).hour)
