"""What is carried over and what is lost, and why. Pure: access in, a decision out.

In this order: what the scenario drops, what a user without a user interface does not need, what the license cannot
carry, and what cannot stand without one of those.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from harness.access.algebra import (
    FIELD_NEEDS,
    NEEDS,
    Atom,
    Dependencies,
    atoms,
    closure,
    fallen,
    minus,
    supported,
    union,
    walk,
    with_atoms,
)
from harness.access.ceiling import Ceiling
from harness.access.model import Access, FieldRight, ObjectRight
from harness.migration import not_needed
from harness.migration.records import Loss, PermissionSource
from harness.scenario.model import Drop

Cause = Literal["license-ceiling", "declared-drop", "not-needed-api-only", "not-copyable"]


@dataclass(frozen=True, slots=True)
class PlacedDrop:
    """A drop, and where the scenario declares it, as `file:line`."""

    drop: Drop
    place: str


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something is left behind."""

    cause: Cause
    because: str
    accepted: bool
    place: str | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What the permission set will hold, and everything it will not."""

    carried: Access
    losses: tuple[Loss, ...]
    added: tuple[str, ...]
    idle_drops: tuple[PlacedDrop, ...]
    """Drops that name nothing the source user holds."""


@dataclass(slots=True)
class _Left:
    """What is left behind so far; the first reason for a thing stands."""

    atoms: dict[Atom, Reason] = field(default_factory=dict)
    fields: dict[tuple[str, FieldRight], Reason] = field(default_factory=dict)
    setup: dict[str, Reason] = field(default_factory=dict)

    def leave(self, access: Access, reason: Reason) -> None:
        for atom in atoms(access):
            self.atoms.setdefault(atom, reason)
        for name, rights in access.fields.items():
            for right in rights:
                self.fields.setdefault((name, right), reason)
        for name in access.setup:
            self.setup.setdefault(name, reason)


def decide(
    sources: Sequence[PermissionSource], drops: Sequence[PlacedDrop], ceiling: Ceiling, dependencies: Dependencies
) -> Decision:
    """Decide what of the sources' access is carried over."""
    effective = union(source.access for source in sources)
    left = _Left()
    idle = []
    for placed in drops:
        dropped = dropped_by(placed.drop, sources)
        if dropped == Access():
            idle.append(placed)
        left.leave(dropped, Reason("declared-drop", placed.drop.because, accepted=True, place=placed.place))
    declared = frozenset(left.atoms)
    for part, reason in _useless(effective):
        left.leave(part, reason)
    for permission in sorted(effective.system):
        if not ceiling.allows(permission):
            left.leave(Access(system=frozenset({permission})), _beyond(ceiling))

    def gone(atom: Atom) -> bool:
        return atom in declared or not (atom.object or ceiling.allows(atom.right))

    baseline = atoms(Access(system=ceiling.baseline.system))
    held = atoms(effective) - left.atoms.keys() - baseline
    for atom, lacking in fallen(held, gone, dependencies).items():
        left.atoms[atom] = _because_of(lacking, left.atoms.get(lacking) or _beyond(ceiling))
    held -= left.atoms.keys()
    added = {need: atom for need, atom in closure(held, dependencies).items() if need not in baseline}
    for need in added:
        left.atoms.pop(need, None)
    carried = with_atoms(_without(effective, left), held | added.keys())
    return Decision(
        carried=carried,
        losses=tuple(_losses(left, sources)),
        added=tuple(f"{need}, which {atom} needs" for need, atom in sorted(added.items())),
        idle_drops=tuple(idle),
    )


def dropped_by(drop: Drop, sources: Sequence[PermissionSource]) -> Access:
    """What one declared drop takes from the sources' access."""
    effective = union(source.access for source in sources)
    if drop.permission is not None:
        name = drop.permission.removeprefix("Permissions")
        return Access(system=effective.system & {name})
    if drop.setup is not None:
        return Access(setup=effective.setup & {drop.setup})
    if drop.permission_set is not None:
        others = union(source.access for source in sources if source.name != drop.permission_set)
        return minus(effective, others)
    if drop.field is not None:
        rights = effective.fields.get(drop.field, frozenset())
        return Access(fields={drop.field: rights - _kept(rights, drop.access, FIELD_NEEDS)} if rights else {})
    return _dropped_object(drop, effective)


def _dropped_object(drop: Drop, effective: Access) -> Access:
    name = str(drop.object)
    rights = effective.objects.get(name, frozenset())
    kept = _kept(rights, drop.access, NEEDS)
    fields = {key: held for key, held in effective.fields.items() if key.split(".")[0] == name and not kept}
    return Access(objects={name: rights - kept} if rights - kept else {}, fields=fields)


def _kept(rights: frozenset[Any], dropped: Sequence[str], needs: Mapping[Any, frozenset[Any]]) -> frozenset[Any]:
    """The rights that stay when some are dropped, without those that need a dropped one. Nothing named drops all."""
    return supported(rights - frozenset(dropped), needs) if dropped else frozenset()


def _useless(effective: Access) -> Iterator[tuple[Access, Reason]]:
    for name in sorted(effective.system & not_needed.SYSTEM.keys()):
        reason = Reason("not-needed-api-only", not_needed.SYSTEM[name], accepted=True)
        yield Access(system=frozenset({name})), reason
    for name in sorted(effective.setup):
        if because := not_needed.SETUP.get(name.split(":")[0]):
            yield Access(setup=frozenset({name})), Reason("not-needed-api-only", because, accepted=True)


def _beyond(ceiling: Ceiling) -> Reason:
    return Reason("license-ceiling", f"The {ceiling.license} license cannot carry it.", accepted=False)


def _because_of(lacking: Atom, reason: Reason) -> Reason:
    cause = "it is dropped" if reason.cause == "declared-drop" else "the license cannot carry that"
    return Reason(reason.cause, f"It needs {lacking}, and {cause}.", accepted=False, place=reason.place)


def _without(access: Access, left: _Left) -> Access:
    """The fields and setup entities that stay; objects and system permissions are decided as atoms."""
    return Access(
        fields={
            name: frozenset(right for right in rights if (name, right) not in left.fields)
            for name, rights in access.fields.items()
        },
        setup=access.setup - left.setup.keys(),
    )


def _losses(left: _Left, sources: Sequence[PermissionSource]) -> Iterator[Loss]:
    """One loss for each thing and reason, in order of kind and name."""
    lost: dict[Reason, list[Access]] = {}
    for atom, reason in left.atoms.items():
        lost.setdefault(reason, []).append(with_atoms(Access(), [atom]))
    for (name, right), reason in left.fields.items():
        lost.setdefault(reason, []).append(Access(fields={name: frozenset({right})}))
    for name, reason in left.setup.items():
        lost.setdefault(reason, []).append(Access(setup=frozenset({name})))
    found = [
        (kind, name, rights, reason) for reason, parts in lost.items() for kind, name, rights in walk(union(parts))
    ]
    for kind, name, rights, reason in sorted(found, key=lambda each: (_KINDS.index(each[0]), each[1], each[2])):
        yield Loss.model_validate(
            {
                "kind": kind,
                "name": name,
                "access": rights,
                "cause": reason.cause,
                "because": reason.because,
                "sources": tuple(_givers(kind, name, rights, sources)),
                "accepted": reason.accepted,
                "place": reason.place,
            }
        )


_KINDS = ("object", "field", "system", "setup")


def _givers(kind: str, name: str, rights: Iterable[str], sources: Sequence[PermissionSource]) -> Iterator[str]:
    """The names of the sets that give any of it."""
    for source in sources:
        access = source.access
        given: Iterable[str] = {
            "object": access.objects.get(name, frozenset[ObjectRight]()),
            "field": access.fields.get(name, frozenset[FieldRight]()),
        }.get(kind, ())
        if set(rights) & set(given) or name in (access.system if kind == "system" else access.setup):
            yield source.name


def losses_of_features(
    features: Iterable[str], licenses: Iterable[str], tabs: Iterable[str], drops: Sequence[PlacedDrop]
) -> Iterator[Loss]:
    """What a user holds beside its permissions: feature licenses, permission set licenses and tabs."""
    declared = {str(placed.drop.permission).removeprefix("UserPermissions"): placed for placed in drops}
    for name in sorted(features):
        placed = declared.get(name)
        if placed:
            reason = Reason("declared-drop", placed.drop.because, accepted=True, place=placed.place)
        elif name in not_needed.FEATURES:
            reason = Reason("not-needed-api-only", not_needed.FEATURES[name], accepted=True)
        else:
            reason = Reason("not-copyable", "A feature license is given user by user, if its license allows it.", False)
        yield _loss("feature-license", name, reason)
    for name in sorted(licenses):
        because = "What this license alone allows is refused by the org when it is granted."
        yield _loss("feature-license", name, Reason("not-copyable", because, accepted=True))
    for name in sorted(tabs):
        yield _loss("tab", name, Reason("not-needed-api-only", not_needed.TABS, accepted=True))


def _loss(kind: Literal["feature-license", "tab"], name: str, reason: Reason) -> Loss:
    return Loss(
        kind=kind,
        name=name,
        cause=reason.cause,
        because=reason.because,
        accepted=reason.accepted,
        place=reason.place,
    )
