"""How much of what an org may use was used: requests, batches and jobs of the last 24 hours.

Salesforce Help, "API Request Limits and Allocations": what editions and licenses give, counted over 24 hours that roll.
"""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from harness.sandbox.errors import ApiError

if TYPE_CHECKING:
    from harness.sandbox.org import SandboxOrg

_DAY = timedelta(hours=24)
_MINUTE = timedelta(minutes=1)
_BASE = 100_000
_DEVELOPER = 15_000
_PER_LICENSE = {
    "Enterprise Edition": 1_000,
    "Professional Edition": 1_000,
    "Unlimited Edition": 5_000,
    "Performance Edition": 5_000,
}
_COUNTED_LICENSES = ("Salesforce", "Salesforce Platform")
_INTEGRATION_LICENSE = "Salesforce Integration"


class RollingCount:
    """Counts what happened in the last 24 hours, by the minute."""

    def __init__(self) -> None:
        self._minutes: deque[tuple[datetime, int]] = deque()
        self._sum = 0

    def add(self, now: datetime, number: int = 1) -> None:
        """Something happened."""
        minute = now.replace(second=0, microsecond=0)
        if self._minutes and self._minutes[-1][0] >= minute:
            last, before = self._minutes.pop()
            self._minutes.append((last, before + number))
        else:
            self._minutes.append((minute, number))
        self._sum += number

    def count(self, now: datetime) -> int:
        """How often, in the 24 hours until now."""
        while self._minutes and self._minutes[0][0] + _MINUTE <= now - _DAY:
            self._sum -= self._minutes.popleft()[1]
        return self._sum

    def forget_after(self, now: datetime) -> None:
        """Forget what happened later than now, where the time was put back."""
        while self._minutes and self._minutes[-1][0] > now:
            self._sum -= self._minutes.pop()[1]


def daily_requests(org: SandboxOrg) -> int:
    """The API requests that an org may make in 24 hours: by its edition, and more for each license of some kinds."""
    organization = (org.row("Organization", org.org_id) if org.schema.get("Organization") else None) or {}
    edition = str(organization.get("OrganizationType"))
    if edition == "Developer Edition":
        return _DEVELOPER
    counted = {*_COUNTED_LICENSES}
    if org.switches.integration_licenses_add_requests:
        counted.add(_INTEGRATION_LICENSE)
    licenses = org.rows("UserLicense", Name=counted) if org.schema.get("UserLicense") else []
    return _BASE + _PER_LICENSE.get(edition, 0) * sum(int(row["TotalLicenses"] or 0) for row in licenses)


def limit_exceeded() -> ApiError:
    """What the API answers when no request is left."""
    return ApiError(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
