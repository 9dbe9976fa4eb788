"""The three-way table: used and granted, granted and never used, needed and missing. Pure.

What the evidence cannot decide is decided for the integration: a row that vanishes makes no error, so a right to see
the rows of others stays where it is held and may count.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from harness.access.algebra import Dependencies, atoms, closure, union
from harness.access.effective import FOLLOWS
from harness.access.model import Access
from harness.access.use.governed import SEE_USERS
from harness.access.use.needs import Need, Needs

Verdict = Literal["used", "never-used", "missing"]

OPEN_TO_READ = frozenset({"Read", "ReadWrite", "ReadWriteTransfer", "FullAccess"})
OPEN_TO_EDIT = frozenset({"ReadWrite", "ReadWriteTransfer", "FullAccess"})
"""Defaults of an org (EntityDefinition.InternalSharingModel) under which everybody reads, or edits, all rows."""


class Row(NamedTuple):
    """One permission, and what became of it; `places` are where its use was seen, in the order seen."""

    need: Need
    verdict: Verdict
    places: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OrgSays:
    """What the org was asked beside describes."""

    sharing: Mapping[str, str] = field(default_factory=dict)
    """The organization-wide default of each object; what is not there is not known."""
    grantable: frozenset[str] | None = None
    """The objects that object permissions can be held on; None where the org did not tell."""
    dependencies: Dependencies = field(default_factory=dict)


def table(granted: Access, needs: Needs, says: OrgSays) -> tuple[Row, ...]:
    """The table, in order of kinds and names. `granted` is what the source user holds."""
    held = set(_needs(granted))
    used: dict[Need, dict[str, None]] = {}
    missing: dict[Need, dict[str, None]] = {}
    for need, places in _governed(needs.firm, granted):
        if not _can_be_held(need, granted, says):
            continue
        (used if need in held or _implied(need, granted) else missing).setdefault(need, {}).update(places)
    for need, places in _governed(needs.soft, granted):
        if (need in held or _implied(need, granted)) and _counts(need, used, says):
            used.setdefault(need, {}).update(places)
    _whole(needs, granted, used)
    _complete(used, held, says)
    idle = held - used.keys()
    rows = [
        *(Row(need, "used", tuple(places)) for need, places in used.items()),
        *(Row(need, "never-used", ()) for need in idle),
        *(Row(need, "missing", tuple(places)) for need, places in missing.items()),
    ]
    return tuple(sorted(rows, key=lambda row: (_KINDS.index(row.need.kind), row.need.name, _order(row.need))))


_KINDS = ("object", "field", "system", "setup", "record-type")
_RIGHTS = ("read", "create", "edit", "delete", "view-all", "modify-all", "view-all-fields", "held")


def _order(need: Need) -> int:
    return _RIGHTS.index(need.access)


def access_of(needs: Iterable[Need]) -> Access:
    """Some needs as an access."""
    return union(_one(need) for need in needs)


def _one(need: Need) -> Access:
    match need.kind:
        case "object":
            return Access.model_validate({"objects": {need.name: [need.access]}})
        case "field":
            return Access.model_validate({"fields": {need.name: [need.access]}})
        case "system":
            return Access(system=frozenset({need.name}))
        case "setup":
            return Access(setup=frozenset({need.name}))
        case _:
            return Access(record_types=frozenset({need.name}))


def _needs(access: Access) -> Iterator[Need]:
    for name, rights in access.objects.items():
        yield from (Need("object", name, right) for right in rights)
    for name, held in access.fields.items():
        yield from (Need("field", name, right) for right in held)
    yield from (Need("system", name, "held") for name in access.system)
    yield from (Need("setup", name, "held") for name in access.setup)
    yield from (Need("record-type", name, "held") for name in access.record_types)


def _governed(needs: Mapping[Need, dict[str, None]], granted: Access) -> Iterator[tuple[Need, dict[str, None]]]:
    """The needs, with those on an object that has no object permissions turned into needs on the one it follows."""
    for need, places in needs.items():
        if need.kind == "object" and need.name in FOLLOWS and need.name not in granted.objects:
            right = {"read": "read", "view-all": "view-all", "modify-all": "modify-all"}.get(need.access, "edit")
            yield Need("object", FOLLOWS[need.name], right), places
        else:
            yield need, places


def _implied(need: Need, granted: Access) -> bool:
    """Whether something wider gives it: Modify All Data, View All Data, or View All Fields of the object."""
    if need.kind == "object":
        if "ModifyAllData" in granted.system:
            return need.access != "view-all-fields"
        return "ViewAllData" in granted.system and need.access in ("read", "view-all")
    if need.kind == "field" and need.access == "read":
        return "view-all-fields" in granted.objects.get(need.name.partition(".")[0], ())
    return False


def _can_be_held(need: Need, granted: Access, says: OrgSays) -> bool:
    """Whether it is a permission at all: some objects have none, since a parent or the platform decides."""
    if need.kind != "object" or need.name in granted.objects:
        return True
    return says.grantable is not None and need.name in says.grantable


def _counts(need: Need, used: Mapping[Need, object], says: OrgSays) -> bool:
    """Whether something of use where it is held really is: sharing may open all rows to everybody anyway."""
    if need.kind == "object" and need.name not in {each.name for each in used if each.kind == "object"}:
        return need.access not in ("view-all", "modify-all")
    default = says.sharing.get("User" if need.name == SEE_USERS else need.name, "")
    if need.access == "view-all" or need.name == SEE_USERS:
        return default not in OPEN_TO_READ
    if need.access == "modify-all":
        return default not in OPEN_TO_EDIT
    return True


def _whole(needs: Needs, granted: Access, used: dict[Need, dict[str, None]]) -> None:
    """Keep every field held on the objects of which the evidence tells no fields."""
    for name, places in needs.whole.items():
        writes = {Need("object", name, "create"), Need("object", name, "edit")} & used.keys()
        seen = places or next((found for need, found in used.items() if need.name == name), {})
        if "view-all-fields" in granted.objects.get(name, ()):
            used.setdefault(Need("object", name, "view-all-fields"), {}).update(seen)
        for field_name, rights in granted.fields.items():
            if field_name.partition(".")[0] == name:
                for right in sorted(rights, reverse=True):
                    if right == "read" or (writes and name in needs.logged):
                        used.setdefault(Need("field", field_name, right), {}).update(seen)


def _complete(used: dict[Need, dict[str, None]], held: set[Need], says: OrgSays) -> None:
    """Add what the used permissions need of each other, as far as it is held."""
    for need, by in closure(atoms(access_of(used)), says.dependencies).items():
        wanted = Need("object", need.object, need.right) if need.object else Need("system", need.right, "held")
        if wanted in held:
            used.setdefault(wanted, {})[f"needed by {by}"] = None
