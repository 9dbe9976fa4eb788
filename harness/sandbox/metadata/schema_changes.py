"""Changes of an org's schema that can be taken back, and that a reopened or restored org makes again.

A transaction of rows takes back rows and tables; the schema itself is in memory, so each change leaves behind how to
undo it. What deploys did to the schema is also written into the org's state, as the XML of the components.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from harness.sandbox.schema import SharingRule, SObject
from harness.sandbox.source.metadata import ObjectMetadata, Project
from harness.sandbox.source.schema import extend_schema
from harness.sandbox.vault import Drawer

if TYPE_CHECKING:
    from harness.sandbox.metadata.work import Work
    from harness.sandbox.org import SandboxOrg

_RECORDED = "schema:"

# Changes


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
    forget_parts(work, sobject)
    work.schema_is_new = True


def set_sharing_rules(work: Work, sobject: SObject, rules: list[SharingRule]) -> None:
    """Give an object other sharing rules."""
    _remember(work, sobject.name)
    work.schema.sharing_rules[sobject.name.lower()] = rules
    work.schema_is_new = True


def add_sharing_rules(work: Work, sobject: SObject, given: list[SharingRule]) -> None:
    """Add sharing rules, in place of those of the same names."""
    named = {one.name for one in given}
    standing = [one for one in work.schema.sharing_rules.get(sobject.name.lower(), ()) if one.name not in named]
    set_sharing_rules(work, sobject, [*standing, *given])


def settle(work: Work) -> None:
    """Let the org work with the schema as it is now: dear, so that it is done once for many changes."""
    if work.schema_is_new:
        work.org.schema_changed()
        work.schema_is_new = False


def take_back(work: Work) -> None:
    """Undo every change that `work` remembers."""
    if work.undo:
        while work.undo:
            work.undo.pop()()
        work.schema_is_new = True
    settle(work)


def _remember(work: Work, name: str) -> None:
    """Before the first change of an object: how to put it back, for this work and for a restored org."""
    put_back = _as_it_is(work.org, name)
    work.undo.append(put_back)
    baseline = _BASELINES.get(work.org)
    if baseline is None:
        baseline = _BASELINES[work.org] = {}
        work.org.after_restore.append(lambda: _start_over(work.org))
    baseline.setdefault(name.lower(), put_back)


def _as_it_is(org: SandboxOrg, name: str) -> Callable[[], None]:
    found, rules = org.schema.get(name), org.schema.sharing_rules.get(name.lower())
    kept = copy(found) if found else None
    if kept is not None and found is not None:
        kept.fields, kept.record_types = dict(found.fields), dict(found.record_types)

    def put_back() -> None:
        present = org.schema.get(name)
        if kept is not None:
            again = copy(kept)
            again.fields, again.record_types = dict(kept.fields), dict(kept.record_types)
            org.schema.add(again)
        elif present is not None:
            _discard(org, present)
        if rules is None:
            org.schema.sharing_rules.pop(name.lower(), None)
        else:
            org.schema.sharing_rules[name.lower()] = rules

    return put_back


def _discard(org: SandboxOrg, sobject: SObject) -> None:
    share = org.schema.get(f"{sobject.name.removesuffix('__c')}__Share")
    for one in (sobject, share):
        if one is not None:
            org.schema.discard(one)


# What a state keeps

_BASELINES: WeakKeyDictionary[SandboxOrg, dict[str, Callable[[], None]]] = WeakKeyDictionary()
"""By org: how the objects that deploys changed were when it was opened."""
_AGAIN: list[Callable[[SandboxOrg], None]] = []
"""What makes the recorded changes again; set by the module that knows the component types."""


def record(work: Work, kind: str, name: str, content: str) -> None:
    """Note a change, so that it can be made again; an empty content says that the component is gone."""
    drawer = Drawer(work.org, "metadata")
    key = f"{_RECORDED}{kind}:{name}"
    drawer.remove(key)  # the latest comes last
    drawer.put(key, {"kind": kind, "name": name, "content": content})


def forget_parts(work: Work, sobject: SObject) -> None:
    """Drop what was noted of an object's fields and record types: they go with it."""
    for kind, name, _ in recorded(work.org):
        if name.lower().startswith(f"{sobject.name.lower()}."):
            Drawer(work.org, "metadata").remove(f"{_RECORDED}{kind}:{name}")


def recorded(org: SandboxOrg) -> list[tuple[str, str, str]]:
    """Type, full name and XML of every change, in their order."""
    kept = [value for key, value in Drawer(org, "metadata") if key.startswith(_RECORDED)]
    return [(one["kind"], one["name"], one["content"]) for one in kept]


def when_restored(make_again: Callable[[SandboxOrg], None]) -> None:
    """Say what makes the recorded changes again."""
    _AGAIN[:] = [make_again]


def _start_over(org: SandboxOrg) -> None:
    """The rows were restored: the schema becomes what it was when the org was opened, and what the rows' time knew."""
    for put_back in _BASELINES.get(org, {}).values():
        put_back()
    org.schema_changed()
    for make_again in _AGAIN:
        make_again(org)
