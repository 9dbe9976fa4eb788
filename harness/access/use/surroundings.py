"""What the org is asked beside describes: its defaults of sharing, what can be granted, and what needs what."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from harness.access.algebra import atoms
from harness.access.dependencies import read_dependencies
from harness.access.model import Access
from harness.access.reading.asking import try_ask
from harness.access.soql import among, batches, select
from harness.access.use.deeds import Seen
from harness.access.use.governed import SEE_USERS
from harness.access.use.needs import Need, Needs
from harness.access.use.table import OrgSays, access_of

if TYPE_CHECKING:
    from harness.org.connection import Connection


def read_surroundings(admin: Connection, granted: Access, needs: Needs, seen: Seen) -> OrgSays:
    """Ask the org. What it does not tell is named among the blind spots, and decided for the integration."""
    every = [*needs.firm, *needs.soft]
    users = {"User"} if any(need.name == SEE_USERS for need in every) else set[str]()
    objects = sorted(users | {need.name for need in every if need.kind == "object"})
    held = access_of(_held(every, granted))
    return OrgSays(
        sharing=_sharing(admin, objects, seen),
        grantable=_grantable(admin),
        dependencies=read_dependencies(admin, atoms(held), {}),
    )


def _held(needs: Iterable[Need], granted: Access) -> Iterable[Need]:
    """Those object rights and system permissions that the source user holds by themselves."""
    for need in needs:
        rights = granted.objects.get(need.name, ()) if need.kind == "object" else ()
        if need.access in rights or (need.kind == "system" and need.name in granted.system):
            yield need


def _sharing(admin: Connection, objects: list[str], seen: Seen) -> dict[str, str]:
    """The organization-wide default of each object, for internal users."""
    columns = ("QualifiedApiName", "InternalSharingModel")
    queries = [
        select("EntityDefinition", columns, where=among("QualifiedApiName", batch), order="QualifiedApiName")
        for batch in batches(objects)
    ]
    told: dict[str, str] = {}
    for rows in try_ask(admin, queries):
        if rows is None:
            seen.blind.add(
                "The org did not tell its organization-wide defaults: View All and Modify All stay wherever their "
                "object is used."
            )
        told |= {str(row["QualifiedApiName"]): str(row["InternalSharingModel"] or "") for row in rows or ()}
    return told


def _grantable(admin: Connection) -> frozenset[str] | None:
    """The objects that ObjectPermissions can name, from its describe."""
    for field in admin.fields_of("ObjectPermissions"):
        if field["name"] == "SobjectType" and field.get("picklistValues"):
            return frozenset(str(each["value"]) for each in field["picklistValues"])
    return None
