"""Looking up what the names stand for that the audit trail or a person tells. Some four calls."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from harness.access.reading.asking import ask
from harness.access.soql import among, select
from harness.migration.adopting.before import Names

if TYPE_CHECKING:
    from harness.migration.adopting.seen import Row
    from harness.org.connection import Connection

_NOTHING = ("",)


def read_names(admin: Connection, sets: Iterable[str], groups: Iterable[str]) -> Names:
    """Look up permission sets and groups by label or API name, and all profiles, licenses, roles, groups and queues."""
    sets, groups = sorted({*sets}) or _NOTHING, sorted({*groups}) or _NOTHING
    own = "IsOwnedByProfile = false"
    profiles, licenses, roles, circles, found_sets, found_groups = ask(
        admin,
        select("Profile", ("Id", "Name", "UserLicense.Name"), order="Id"),
        select("PermissionSetLicense", ("Id", "DeveloperName", "MasterLabel"), order="Id"),
        select("UserRole", ("Id", "Name", "DeveloperName"), order="Id"),
        select("Group", ("Id", "Name", "DeveloperName", "Type"), where="Type IN ('Regular', 'Queue')", order="Id"),
        select(
            "PermissionSet",
            ("Id", "Name", "Label"),
            where=f"{own} AND ({among('Label', sets)} OR {among('Name', sets)})",
            order="Id",
        ),
        select(
            "PermissionSetGroup",
            ("Id", "DeveloperName", "MasterLabel"),
            where=f"{among('MasterLabel', groups)} OR {among('DeveloperName', groups)}",
            order="Id",
        ),
    )
    by_label = {row["MasterLabel"]: row["DeveloperName"] for row in licenses}
    return Names(
        profiles={row["Name"]: (row["Id"], (row.get("UserLicense") or {}).get("Name", "")) for row in profiles},
        sets=_ids(found_sets, "Label", "Name"),
        groups=_ids(found_groups, "MasterLabel", "DeveloperName"),
        licenses={**by_label, **{row["DeveloperName"]: row["DeveloperName"] for row in licenses}},
        license_ids={row["DeveloperName"]: row["Id"] for row in licenses},
        roles={row["Name"]: row["DeveloperName"] for row in roles},
        public_groups={row["Name"]: row["DeveloperName"] for row in circles if row["Type"] == "Regular"},
        queues={row["Name"]: row["DeveloperName"] for row in circles if row["Type"] == "Queue"},
    )


def _ids(rows: Iterable[Row], *columns: str) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for row in rows:
        for name in {row[column] for column in columns}:
            found[name] = (*found.get(name, ()), str(row["Id"]))
    return found
