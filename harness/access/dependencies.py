"""Which permission needs which other, asked from the org: PermissionDependency, and the masters of detail objects.

PermissionDependency names a system permission by its API name and a right on an object as `Account<read>`. It has many
thousands of rows and serves some of them several times over, so only the permissions in question are asked about.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from harness.access.algebra import NEEDS, Atom, Dependencies
from harness.access.soql import among, batches, select

if TYPE_CHECKING:
    from harness.org.connection import Connection

_COLUMNS = ("Permission", "PermissionType", "RequiredPermission", "RequiredPermissionType")
_OBJECT_PERMISSION = "Object Permission"
_VERBS: Mapping[str, str] = {
    "read": "read",
    "create": "create",
    "edit": "update",
    "delete": "delete",
    "view-all": "viewAllRecords",
    "modify-all": "modifyAllRecords",
    "view-all-fields": "viewAllFields",
}
_RIGHTS = {verb: right for right, verb in _VERBS.items()} | {"edit": "edit"}
_ENCODED = re.compile(r"^(\w+)<(\w+)>$")
_AT_ONCE = 100


def encode(atom: Atom) -> str:
    """An atom as PermissionDependency names it."""
    return f"{atom.object}<{_VERBS[atom.right]}>" if atom.object else atom.right


def decode(name: str, kind: str) -> Atom | None:
    """The atom that PermissionDependency names, or None for a right this tool does not know."""
    if kind != _OBJECT_PERMISSION:
        return Atom("", name)
    match = _ENCODED.match(name)
    right = _RIGHTS.get(match[2]) if match else None
    return Atom(match[1], right) if match and right else None


def read_dependencies(admin: Connection, held: Iterable[Atom], masters: Mapping[str, Iterable[str]]) -> Dependencies:
    """What each of `held` needs, and what that needs, until nothing new turns up.

    `masters` are the master objects of each detail: any right on a detail needs read on its masters (facts 3.5).
    """
    found: dict[Atom, set[Atom]] = {}
    asked: set[Atom] = set()
    fresh = set(held)
    while fresh:
        asked |= fresh
        names = sorted(encode(atom) for atom in fresh)
        for batch in batches(names, _AT_ONCE):
            for row in admin.tooling_query(select("PermissionDependency", _COLUMNS, where=among("Permission", batch))):
                _take(row, found)
        for atom in fresh:
            found.setdefault(atom, set()).update(Atom(master, "read") for master in masters.get(atom.object, ()))
        fresh = {need for needs in found.values() for need in needs} - asked
    return {atom: frozenset(needs) for atom, needs in found.items() if needs}


def _take(row: Mapping[str, Any], found: dict[Atom, set[Atom]]) -> None:
    atom = decode(str(row["Permission"]), str(row["PermissionType"]))
    need = decode(str(row["RequiredPermission"]), str(row["RequiredPermissionType"]))
    if atom and need and atom != need and need.right not in NEEDS.get(_right(atom, need), ()):
        found.setdefault(atom, set()).add(need)


def _right(atom: Atom, need: Atom) -> Any:
    """The atom's right where both are on one object: what those need of each other is known without asking."""
    return atom.right if atom.object and atom.object == need.object else None


def masters_of(describes: Mapping[str, Mapping[str, Any]]) -> dict[str, tuple[str, ...]]:
    """The masters of each detail object: the objects its master-detail fields refer to, from describes."""
    masters = {
        name: tuple(
            sorted(
                {
                    str(parent)
                    for each in described.get("fields", ())
                    if each.get("relationshipOrder") is not None
                    for parent in each.get("referenceTo") or ()
                }
            )
        )
        for name, described in sorted(describes.items())
    }
    return {name: found for name, found in masters.items() if found}
