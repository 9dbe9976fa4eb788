"""The permission set licenses that a scenario lists beside the integration license: their seats, and their assignment.

What the integration license cannot carry, another one may: Field Service objects need that of Field Service too.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from harness.access.soql import among, select
from harness.errors import Place, StageFailed
from harness.migration.target import PERMISSION_SET_LICENSE
from harness.migration.writing import writes
from harness.migration.writing.writes import Write

if TYPE_CHECKING:
    from harness.migration.context import Context

_COLUMNS = ("Id", "DeveloperName", "MasterLabel", "Status", "TotalLicenses", "UsedLicenses")


def license_key(name: str) -> str:
    """The key of the write that assigns a further license."""
    return f"provision/license/{name}"


def further_problems(context: Context) -> Iterator[tuple[str, str, Place]]:
    """What stands in the way of the further licenses: message, remedy and place of each. One call, or none."""
    rows = {str(row["DeveloperName"]): row for row in _licenses(context)}
    for number, name in enumerate(context.scenario.permissions.licenses):
        place = context.world.file.place("permissions", "licenses", number)
        row = rows.get(name)
        if name == PERMISSION_SET_LICENSE:
            yield f"{name} is assigned in any case", "take it out of permissions.licenses", place
        elif row is None:
            remedy = "write the DeveloperName of an active permission set license, or take it out"
            yield f"the org has no active permission set license {name}", remedy, place
        elif int(row["UsedLicenses"]) >= int(row["TotalLicenses"]):
            seats = f"{row['UsedLicenses']} of {row['TotalLicenses']} are used"
            remedy = "free a seat, buy one, or accept what only this license carries as lost"
            yield f"no seat of {row['MasterLabel']} is free: {seats}", remedy, place


def assign_further_licenses(context: Context, user_id: str, username: str) -> None:
    """Assign a user the further licenses of the scenario. One that it holds already is found, not ours."""
    rows = {str(row["DeveloperName"]): row for row in _licenses(context)}
    for name in context.scenario.permissions.licenses:
        row = rows.get(name)
        if row is None:
            raise StageFailed(f"the org has no active permission set license {name}", stage=context.stage)
        assign_license(
            context, license_key(name), user_id, username, license_id=str(row["Id"]), label=str(row["MasterLabel"])
        )


def assign_license(context: Context, key: str, user_id: str, username: str, *, license_id: str, label: str) -> None:
    """Assign a user one permission set license, unless it was assigned before this run came by."""
    keys = {"AssigneeId": user_id, "PermissionSetLicenseId": license_id}
    write = Write(
        key=key,
        operation="create",
        sobject="PermissionSetLicenseAssign",
        summary=f"assign {label} to {username}",
        natural_key=keys,
        after=keys,
        inverse="remove the license",
        remedy="free a seat of the license, or buy one",
    )
    writes.create_or_find(context, write)


def _licenses(context: Context) -> list[dict[str, Any]]:
    names = context.scenario.permissions.licenses
    if not names:
        return []
    where = f"{among('DeveloperName', names)} AND Status = 'Active'"
    return context.admin.query(select("PermissionSetLicense", _COLUMNS, where=where, order="DeveloperName"))
