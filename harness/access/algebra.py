"""Adding and subtracting access, and which permission needs which. Pure: data in, data out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple, TypeVar

from harness.access.model import Access, FieldRight, ObjectRight

Right = TypeVar("Right", bound=str)

NEEDS: Mapping[ObjectRight, frozenset[ObjectRight]] = {
    "read": frozenset(),
    "create": frozenset({"read"}),
    "edit": frozenset({"read"}),
    "delete": frozenset({"read", "edit"}),
    "view-all": frozenset({"read"}),
    "modify-all": frozenset({"read", "edit", "delete", "view-all"}),
    "view-all-fields": frozenset({"read"}),
}
"""Which rights on an object each right needs on the same object (Object Reference, ObjectPermissions)."""

FIELD_NEEDS: Mapping[FieldRight, frozenset[FieldRight]] = {"read": frozenset(), "edit": frozenset({"read"})}
"""The same for fields (Object Reference, FieldPermissions)."""


class Atom(NamedTuple):
    """One thing that can be held or not: a right on an object, or with no object a system permission."""

    object: str
    right: str

    def __str__(self) -> str:
        return f"{self.object}: {self.right}" if self.object else self.right


Dependencies = Mapping[Atom, frozenset[Atom]]
"""What each atom needs, beside the rights of one object among themselves: that is `NEEDS`."""


def union(parts: Iterable[Access]) -> Access:
    """Everything that any of the parts gives."""
    objects: dict[str, frozenset[ObjectRight]] = {}
    fields: dict[str, frozenset[FieldRight]] = {}
    system: frozenset[str] = frozenset()
    setup: frozenset[str] = frozenset()
    record_types: frozenset[str] = frozenset()
    for part in parts:
        for name, rights in part.objects.items():
            objects[name] = objects.get(name, frozenset()) | rights
        for name, field_rights in part.fields.items():
            fields[name] = fields.get(name, frozenset()) | field_rights
        system |= part.system
        setup |= part.setup
        record_types |= part.record_types
    return tidy(Access(objects=objects, fields=fields, system=system, setup=setup, record_types=record_types))


def minus(left: Access, right: Access) -> Access:
    """What `left` gives and `right` does not."""
    return tidy(
        Access(
            objects={name: rights - right.objects.get(name, frozenset()) for name, rights in left.objects.items()},
            fields={name: rights - right.fields.get(name, frozenset()) for name, rights in left.fields.items()},
            system=left.system - right.system,
            setup=left.setup - right.setup,
            record_types=left.record_types - right.record_types,
        )
    )


def mute(access: Access, muting: Access) -> Access:
    """What a permission set group gives: what is muted is gone, and whatever needs it."""
    rest = minus(access, muting)
    return tidy(
        Access(
            objects={name: supported(rights, NEEDS) for name, rights in rest.objects.items()},
            fields={name: supported(rights, FIELD_NEEDS) for name, rights in rest.fields.items()},
            system=rest.system,
            setup=rest.setup,
            record_types=rest.record_types,
        )
    )


def supported(rights: frozenset[Right], needs: Mapping[Right, frozenset[Right]]) -> frozenset[Right]:
    """The rights that have all they need among `rights`."""
    return frozenset(right for right in rights if needs[right] <= rights)


def is_empty(access: Access) -> bool:
    """Whether it gives nothing."""
    return access == Access()


def tidy(access: Access) -> Access:
    """The same, in order of names and without objects and fields that have no rights."""
    return Access(
        objects={name: rights for name, rights in sorted(access.objects.items()) if rights},
        fields={name: rights for name, rights in sorted(access.fields.items()) if rights},
        system=access.system,
        setup=access.setup,
        record_types=access.record_types,
    )


def atoms(access: Access) -> frozenset[Atom]:
    """The object rights and system permissions of an access, one by one."""
    rights = {Atom(name, right) for name, held in access.objects.items() for right in held}
    return frozenset(rights | {Atom("", name) for name in access.system})


def with_atoms(access: Access, held: Iterable[Atom]) -> Access:
    """The same fields, setup entities and record types, with these object rights and system permissions."""
    objects: dict[str, set[str]] = {}
    for atom in held:
        if atom.object:
            objects.setdefault(atom.object, set()).add(atom.right)
    system = [atom.right for atom in held if not atom.object]
    changed = {"objects": objects, "system": system}
    kept = {"fields": access.fields, "setup": access.setup, "record_types": access.record_types}
    return tidy(Access.model_validate({**changed, **kept}))


def needed_by(atom: Atom, dependencies: Dependencies) -> frozenset[Atom]:
    """What one atom needs directly."""
    told = dependencies.get(atom, frozenset())
    if not atom.object:
        return told
    return told | {Atom(atom.object, need) for right, needs in NEEDS.items() if right == atom.right for need in needs}


def requirements(atom: Atom, dependencies: Dependencies) -> frozenset[Atom]:
    """What one atom needs, and what that needs, and so on."""
    found: set[Atom] = set()
    todo = [atom]
    while todo:
        fresh = needed_by(todo.pop(), dependencies) - found
        found |= fresh
        todo.extend(fresh)
    return frozenset(found - {atom})


def closure(held: Iterable[Atom], dependencies: Dependencies) -> dict[Atom, Atom]:
    """What is missing from `held` for its dependencies, each with the first atom that needs it."""
    have = set(held)
    missing: dict[Atom, Atom] = {}
    for atom in sorted(have):
        for need in sorted(requirements(atom, dependencies) - have):
            missing.setdefault(need, atom)
    return missing


def fallen(held: Iterable[Atom], removed: Callable[[Atom], bool], dependencies: Dependencies) -> dict[Atom, Atom]:
    """Which of `held` cannot stand, because something they need cannot be had; each with what it lacks."""
    lacking = {atom: [n for n in requirements(atom, dependencies) if removed(n)] for atom in held}
    return {atom: min(needs) for atom, needs in sorted(lacking.items()) if needs}


def walk(access: Access) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Every entry of an access as (kind, name, kinds of access), in the order of kinds and names."""
    for name, rights in sorted(access.objects.items()):
        yield "object", name, tuple(right for right in NEEDS if right in rights)
    for name, field_rights in sorted(access.fields.items()):
        yield "field", name, tuple(right for right in FIELD_NEEDS if right in field_rights)
    for name in sorted(access.system):
        yield "system", name, ()
    for name in sorted(access.setup):
        yield "setup", name, ()
    for name in sorted(access.record_types):
        yield "record-type", name, ()
