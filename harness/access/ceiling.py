"""What the target license can carry at most: asked from the org, never kept as a list.

A permission set license has one `MaximumPermissions*` column for each system permission it may carry (Object Reference,
PermissionSetLicense); the user license gives what its own profile holds. The platform has no such columns for objects:
whether the license may carry an object shows when the permission is written to a set that is assigned.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.access.asking import ask
from harness.access.model import Access
from harness.access.reading import permission_columns
from harness.access.soql import batches, equals, select

if TYPE_CHECKING:
    from harness.org.connection import Connection

_PREFIX = "MaximumPermissions"
_COLUMNS_PER_QUERY = 150


@dataclass(frozen=True, slots=True)
class Ceiling:
    """The system permissions that the target user may hold, and the access its profile gives it anyway."""

    license: str
    """The permission set license, by its label."""
    system: frozenset[str]
    baseline: Access

    def allows(self, permission: str) -> bool:
        """Whether the target user may hold a system permission."""
        return permission in self.system or permission in self.baseline.system


def read_ceiling(admin: Connection, *, developer_name: str, baseline: Access) -> Ceiling:
    """Ask the org what the permission set license may carry. Two calls, as a rule."""
    carried: set[str] = set()
    label, where = developer_name, equals("DeveloperName", developer_name)
    columns = batches(permission_columns(admin, "PermissionSetLicense", _PREFIX), _COLUMNS_PER_QUERY)
    for rows in ask(admin, *(select("PermissionSetLicense", ("MasterLabel", *some), where=where) for some in columns)):
        for row in rows:
            label = str(row["MasterLabel"])
            carried |= {name.removeprefix(_PREFIX) for name, value in row.items() if value is True}
    return Ceiling(license=label, system=frozenset(carried), baseline=baseline)
