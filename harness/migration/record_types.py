"""Making record types visible to the run's permission set: the one thing that only its metadata can say.

`updateMetadata` makes a set what the component says, so it comes first, while the set holds nothing but its system
permissions, and these are said again. A set makes record types visible; which one is the default, only a profile says.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from harness.migration.marking import set_mark
from harness.migration.writing import writes
from harness.migration.writing.writes import Write

if TYPE_CHECKING:
    from harness.access.model import Access
    from harness.migration.context import Context

KIND = "PermissionSet metadata"
"""What the journal calls what is written."""


def show_record_types(context: Context) -> None:
    """Make the record types that are carried visible to the permission set. One call, or none."""
    carried, scenario = context.carried, context.scenario
    if not carried.record_types:
        return
    name, component = scenario.permission_set_name, _component(context, carried)
    write = Write(
        key="grant/record-types",
        operation="update",
        sobject=KIND,
        summary=f"make {len(carried.record_types)} record types visible to {scenario.permission_set_label}",
        natural_key={"fullName": name},
        after=dict.fromkeys(sorted(carried.record_types), "visible"),
        inverse="goes with the permission set",
        remedy="drop what the org names under permissions.drop: an object's record types go with the object",
    )

    def look() -> Sequence[str | None]:
        [standing] = context.admin.read_metadata("PermissionSet", [name]) or [{}]
        return [name if carried.record_types <= set(_visible(standing)) else None]

    writes.perform(
        context,
        write,
        [component],
        send=lambda _: [context.admin.update_metadata("PermissionSet", component)],
        look=look,
    )


def _component(context: Context, carried: Access) -> dict[str, Any]:
    """The set as it is, and the record types: elements in the order of the Metadata API's WSDL."""
    return {
        "fullName": context.scenario.permission_set_name,
        "description": set_mark(context),
        "hasActivationRequired": False,
        "label": context.scenario.permission_set_label,
        "recordTypeVisibilities": [{"recordType": name, "visible": True} for name in sorted(carried.record_types)],
        "userPermissions": [{"enabled": True, "name": name} for name in sorted(carried.system)],
    }


def _visible(component: dict[str, Any]) -> Iterator[str]:
    """The record types that a set shows, from its metadata; one of them alone is no list."""
    found = component.get("recordTypeVisibilities") or []
    for each in found if isinstance(found, list) else [found]:
        if str(each.get("visible")).lower() == "true":
            yield str(each["recordType"])
