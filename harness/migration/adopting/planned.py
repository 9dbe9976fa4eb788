"""The rows of the permission set as a plan has them, in the portions and under the keys in which a run writes them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from harness.access.reading.permission_rows import object_rights
from harness.migration.planning import grants
from harness.migration.records import Plan

if TYPE_CHECKING:
    from harness.migration.adopting.seen import SeenSet
    from harness.migration.context import Context


def planned_rows(context: Context) -> Iterator[tuple[str, str, Sequence[grants.Row]]]:
    """Key, object and rows of each portion; nothing without a plan."""
    plan = context.find(Plan)
    if plan is None:
        return
    snapshot = context.snapshot
    for key, sobject, rows in (
        (
            "grant/object-permissions",
            "ObjectPermissions",
            grants.object_permissions(plan.carried, snapshot.masters, object_rights(context.admin)),
        ),
        ("grant/field-permissions", "FieldPermissions", grants.field_permissions(plan.carried)),
        ("grant/setup-access", "SetupEntityAccess", grants.setup_access(plan.carried, snapshot.setup_ids)),
    ):
        for each, some in grants.numbered(key, rows):
            yield each, sobject, some


def beyond_the_plan(context: Context, one: SeenSet, app: str) -> list[str]:
    """What is in a set otherwise than the plan has it; `app` is the id of the app it is authorized for."""
    wanted: dict[tuple[str, str], grants.Row] = {}
    for _, sobject, rows in planned_rows(context):
        wanted |= {(sobject, _about(row)): row for row in rows}
    found = []
    for sobject, there in one.rows.items():
        for row in there:
            about = _about(dict(row))
            planned = wanted.get((sobject, about))
            if planned is None and about != app:
                found.append(f"{sobject} of {about}, which the plan does not have")
            elif planned is not None and any(
                row[name] != planned.get(name, False) for name in row if name.startswith("Permissions")
            ):
                found.append(f"{sobject} of {about}, which the plan has otherwise")
    return found


def _about(row: grants.Row) -> str:
    return str(row.get("Field") or row.get("SobjectType") or row.get("SetupEntityId"))
