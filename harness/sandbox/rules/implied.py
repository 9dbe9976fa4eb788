"""Object permissions that come with system permissions of the same set, as rows that are stored.

View All Data makes rows for every object, Transfer Leads one for Lead, and while the system permission is there the
rows cannot fall below it (Object Reference, ObjectPermissions: "user permissions also imply object permissions").
Modify All Data stores nothing: see `derived`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from harness.sandbox.access.contents import NEEDS, OBJECT_RIGHTS, granted_permissions
from harness.sandbox.rules.base import Rules, depends, object_label
from harness.sandbox.schema import SObject
from harness.sandbox.store import Row

VIEW_ALL_DATA = "ViewAllData"
_EVERYWHERE = frozenset({"read", "view-all"})


def add_implied_rows(rules: Rules, permission_set: Row, before: Iterable[str] = ()) -> None:
    """Store the object permissions that the system permissions of a set bring, those of `before` left out."""
    granted = granted_permissions(permission_set)
    for sobject, rights in sorted(_implied(rules, granted - set(before)), key=lambda pair: pair[0].name):
        _add(rules, permission_set["Id"], sobject, rights)


def check_implied(rules: Rules, set_id: str, sobject: SObject, rights: set[str]) -> None:
    """Refuse rights on an object that are less than what a system permission of the set needs."""
    if not set_id.startswith("0PS"):
        return
    schema = rules.org.schema
    granted = granted_permissions(rules.one("PermissionSet", set_id))
    for name in sorted(granted):
        known = schema.system_permissions.get(name)
        needed = {right for object_name, right in (known.grants if known else ()) if object_name == sobject.name}
        if name == VIEW_ALL_DATA and "ModifyAllData" not in granted:
            needed |= _EVERYWHERE
        missing = [right for right in OBJECT_RIGHTS if right in needed - rights]
        if known and missing:
            raise depends(known.label, [object_label(sobject, one) for one in missing])


def _implied(rules: Rules, granted: frozenset[str]) -> Iterator[tuple[SObject, frozenset[str]]]:
    schema, names = rules.org.schema, rules.org.permission_names
    found: dict[str, frozenset[str]] = {}
    if VIEW_ALL_DATA in granted and "ModifyAllData" not in granted:
        found = dict.fromkeys(names.objects(), _EVERYWHERE)
    for name in granted & schema.system_permissions.keys():
        for object_name, right in schema.system_permissions[name].grants:
            found[object_name] = found.get(object_name, frozenset()) | {right, *NEEDS.get(right, ())}
    for object_name, rights in found.items():
        sobject = names.sobject(object_name)
        if sobject is not None:
            yield sobject, rights


def _add(rules: Rules, set_id: str, sobject: SObject, rights: frozenset[str]) -> None:
    table = rules.org.schema.get("ObjectPermissions")
    if table is None:
        return
    columns = {column: 1 for right, column in OBJECT_RIGHTS.items() if right in rights and table.get(column)}
    stored = [
        row
        for row in rules.rows("ObjectPermissions", ParentId=set_id, SobjectType=sobject.name)
        if not row["Id"].startswith("000")
    ]
    if not stored:
        rules.org.write_new(table, {"ParentId": set_id, "SobjectType": sobject.name, **columns}, None)
    elif any(not stored[0].get(column) for column in columns):
        rules.org.write_changes(table, stored[0], columns, None)
