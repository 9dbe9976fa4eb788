"""The permission set licenses that a migration assigns: that of the integration license, then any further."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.migration.licenses import assign_further_licenses
from harness.migration.records import Preflight
from harness.migration.writing import writes
from harness.migration.writing.writes import Write

if TYPE_CHECKING:
    from harness.migration.context import Context

SEATS = "free a seat of the license, or buy one"
"""What to do when the org has no seat left."""


def license_user(context: Context, user_id: str, preflight: Preflight) -> None:
    """Assign each to the target user; one that it holds already is found, and left alone by a rollback."""
    username = context.scenario.target_username
    row = {"AssigneeId": user_id, "PermissionSetLicenseId": preflight.permission_set_license_id}
    write = Write(
        key="provision/license",
        operation="create",
        sobject="PermissionSetLicenseAssign",
        summary=f"assign {preflight.permission_set_license} to {username}",
        natural_key=row,
        after=row,
        inverse="remove the license",
        remedy=SEATS,
    )
    writes.create_or_find(context, write)
    assign_further_licenses(context, user_id, username)
