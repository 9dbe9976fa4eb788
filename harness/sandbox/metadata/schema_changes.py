"""Changes of an org's schema that can be taken back, and that a reopened org makes again.

A transaction of rows takes back rows and tables; the schema itself is in memory, so the objects that change are kept as
they were until the end is known.
"""

from __future__ import annotations

from copy import copy
from typing import TYPE_CHECKING

from harness.sandbox.schema import SObject
from harness.sandbox.source.metadata import ObjectMetadata, Project
from harness.sandbox.source.schema import extend_schema

if TYPE_CHECKING:
    from harness.sandbox.metadata.work import Work
    from harness.sandbox.org import SandboxOrg

_STATE = "deployed_schema"


def extend(work: Work, metadata: ObjectMetadata) -> SObject:
    """Add an object, or what is new in one."""
    _remember(work, metadata.name)
    extend_schema(work.schema, Project("deployed", objects={metadata.name: metadata}))
    work.schema_is_new = True
    found = work.schema.get(metadata.name)
    assert found is not None
    return found


def remove_field(work: Work, sobject: SObject, name: str) -> None:
    """Take a field away. Its permissions go with it."""
    _remember(work, sobject.name)
    for row in work.org.rows("FieldPermissions", Field=f"{sobject.name}.{name}"):
        work.org.delete_row("FieldPermissions", row["Id"])
    sobject.fields.pop(name.lower(), None)
    work.schema_is_new = True


def remove_object(work: Work, sobject: SObject) -> None:
    """Take an object away. Its permissions go with it."""
    _remember(work, sobject.name)
    for holder in ("ObjectPermissions", "FieldPermissions"):
        for row in work.org.rows(holder, SobjectType=sobject.name):
            work.org.delete_row(holder, row["Id"])
    _discard(work.org, sobject)
    work.schema_is_new = True


def settle(work: Work) -> None:
    """Let the org work with the schema as it is now: dear, so that it is done once for many changes."""
    if work.schema_is_new:
        work.org.schema_changed()
        work.schema_is_new = False


def take_back(work: Work) -> None:
    """Undo every change."""
    if not work.before:
        return
    for name, before in work.before.items():
        present = work.schema.get(name)
        if before is not None:
            work.schema.add(before)
        elif present is not None:
            _discard(work.org, present)
    work.before.clear()
    work.schema_is_new = True
    settle(work)


def _remember(work: Work, name: str) -> None:
    if name not in work.before:
        found = work.schema.get(name)
        work.before[name] = _copied(found) if found else None


def _copied(sobject: SObject) -> SObject:
    kept = copy(sobject)
    kept.fields, kept.record_types = dict(sobject.fields), dict(sobject.record_types)
    return kept


def _discard(org: SandboxOrg, sobject: SObject) -> None:
    share = org.schema.get(f"{sobject.name.removesuffix('__c')}__Share")
    for one in (sobject, share):
        if one is not None:
            org.schema.discard(one)


def record(work: Work, kind: str, name: str, content: str) -> None:
    """Note a change, so that `reapply` can make it again; an empty content says that the component is gone."""
    changes = [one for one in _recorded(work.org) if one[:2] != [kind, name]]
    work.org.store.save_state(_STATE, [*changes, [kind, name, content]])


def _recorded(org: SandboxOrg) -> list[list[str]]:
    return org.store.load_state(_STATE) or []


def recorded(org: SandboxOrg) -> list[tuple[str, str, str]]:
    """Type, full name and XML of every change, in their order."""
    return [(kind, name, content) for kind, name, content in _recorded(org)]
