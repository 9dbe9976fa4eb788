"""Whether the set that the org computes for a permission set group is what the group's components come to.

The org goes by the computed set; it is computed some time after a component or the muting changed (Object Reference,
PermissionSetGroup, Status). We work out ourselves what the components come to, since only they say where a permission
comes from. Where the two differ, a reviewer must know. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from harness.access.reading.assignments import UPDATED, Assigned
from harness.access.reading.permission_rows import MUTING, PermissionRows

if TYPE_CHECKING:
    from harness.access.reading.holdings import Source


def stale_groups(
    assigned: Assigned, groups: Sequence[Source], sets: Mapping[str, Mapping[str, Any]], gathered: PermissionRows
) -> Iterator[str]:
    """The groups that differ, each in a sentence; `groups` are those that give anything."""
    for source in groups:
        row = assigned.groups[source.id]
        asleep = [one for one in assigned.components.get(source.id, ()) if _is_left_out(one, source)]
        if asleep:
            labels = ", ".join(sorted(str(sets[one]["Label"]) if one in sets else one for one in asleep))
            yield f"in the group {source.label}, {labels} gives nothing: it is bound to a license that is not held"
            continue
        status = (row.get("PermissionSetGroup") or {}).get("Status")
        if status != UPDATED:
            yield f"the group {source.label} is {status}: what it gives now may not be what its sets come to"
            continue
        for what, computed, ours in _counts(row, source, gathered):
            if computed != ours:
                yield (
                    f"the group {source.label} is {status}, yet the set that the org computed for it holds {computed} "
                    f"{what} permissions, and its sets come to {ours}"
                )


def _is_left_out(component: str, source: Source) -> bool:
    return component not in source.sets and not component.startswith(MUTING)


def _counts(row: Mapping[str, Any], source: Source, gathered: PermissionRows) -> Iterator[tuple[str, int, int]]:
    computed = str(row["PermissionSetId"])
    yield "object", gathered.counts.get(("ObjectPermissions", computed), 0), len(source.access.objects)
    yield "field", gathered.counts.get(("FieldPermissions", computed), 0), len(source.access.fields)
    yield "system", len(gathered.system.get(computed, ())), len(source.access.system)
