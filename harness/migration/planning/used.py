"""`copy: used`: what of the source user's access its traffic shows as used, and what it does not. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from harness.access.algebra import is_empty, minus, union
from harness.access.model import Access
from harness.migration.records import PermissionSource, Usage, UsedPermission

_NAMED = 8


def unused_access(usage: Usage) -> Access:
    """What is granted and was never seen in use. What the evidence says nothing about is not among it."""
    return _access(each for each in usage.permissions if each.verdict == "never-used")


def sources_in_use(sources: Sequence[PermissionSource], usage: Usage) -> tuple[PermissionSource, ...]:
    """The sources, and as one more what is used only because something wider gives it.

    Modify All Data, View All Data and View All Fields have no rows for what they open. Where they are left behind as
    wider than the use, the rows for the use itself must come from somewhere.
    """
    used = _access(each for each in usage.permissions if each.verdict == "used")
    implied = minus(used, union(source.access for source in sources))
    if is_empty(implied):
        return tuple(sources)
    name = "what wider permissions give"
    return (*sources, PermissionSource(kind="permission-set", name=name, label=name, id="", access=implied))


def warnings_of_use(usage: Usage) -> Iterator[str]:
    """What the integration needs and does not have, in a sentence each."""
    for each in usage.permissions:
        if each.verdict == "missing":
            what = each.name if each.access == "held" else f"{each.name} ({each.access})"
            seen = f": seen in {', '.join(each.seen_in[:_NAMED])}" if each.seen_in else ""
            yield f"needed and missing: {each.kind} {what}, which the old user does not hold either{seen}"


def _access(permissions: Iterable[UsedPermission]) -> Access:
    objects: dict[str, set[str]] = {}
    fields: dict[str, set[str]] = {}
    held: dict[str, set[str]] = {"system": set(), "setup": set(), "record-type": set()}
    for each in permissions:
        if each.kind == "object":
            objects.setdefault(each.name, set()).add(each.access)
        elif each.kind == "field":
            fields.setdefault(each.name, set()).add(each.access)
        else:
            held[each.kind].add(each.name)
    return Access.model_validate(
        {
            "objects": objects,
            "fields": fields,
            "system": held["system"],
            "setup": held["setup"],
            "record_types": held["record-type"],
        }
    )
