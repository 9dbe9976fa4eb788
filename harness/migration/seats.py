"""The seats of the full license that the source user holds: the way back of an in-place migration needs one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.access.soql import equals, select
from harness.migration.records import Intent

if TYPE_CHECKING:
    from harness.migration.context import Context
    from harness.org.connection import Connection


@dataclass(frozen=True, slots=True)
class Seats:
    """One license of the org and its seats."""

    id: str
    label: str
    total: int
    used: int

    @property
    def free(self) -> int:
        """How many are free."""
        return self.total - self.used


def seats_of(admin: Connection, *, where: str) -> Seats | None:
    """The user license that meets a condition, or None. One call."""
    rows = admin.query(select("UserLicense", ("Id", "MasterLabel", "TotalLicenses", "UsedLicenses"), where=where))
    if not rows:
        return None
    row = rows[0]
    return Seats(str(row["Id"]), str(row["MasterLabel"]), int(row["TotalLicenses"]), int(row["UsedLicenses"]))


def seats_named(admin: Connection, name: str) -> Seats | None:
    """The user license of that name, or None."""
    return seats_of(admin, where=equals("Name", name))


def seats_of_profile(admin: Connection, profile_id: str) -> Seats | None:
    """The license of a profile, or None where the profile is gone. Two calls."""
    rows = admin.query(select("Profile", ("UserLicenseId",), where=equals("Id", profile_id)))
    return seats_of(admin, where=equals("Id", str(rows[0]["UserLicenseId"]))) if rows else None


def way_back_profile(context: Context) -> str:
    """The profile that an in-place migration left, as its journal has it; empty where it did not come so far."""
    for record in context.records(kind="intent", key="provision/profile"):
        if isinstance(record.body, Intent) and record.body.before:
            return str(record.body.before["ProfileId"])
    return ""
