"""What is carried over and what is lost, and why. Pure: access in, a decision out.

In this order: what the scenario drops, what nothing uses where only what is used is copied, what a user without a user
interface does not need, what the license cannot carry, and what cannot stand without one of those. What the license
cannot carry is either carried by another permission set license of the org, or by none.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from harness.access.algebra import (
    FIELD_NEEDS,
    NEEDS,
    Atom,
    Dependencies,
    atoms,
    closure,
    fallen,
    is_empty,
    minus,
    supported,
    union,
    walk,
    with_atoms,
)
from harness.access.ceiling import Ceiling
from harness.access.model import Access, FieldRight, ObjectRight
from harness.migration.planning import not_needed
from harness.migration.records import Cause, Loss, PermissionSource
from harness.scenario.model import Drop

USED = "copy: used"
"""What accepts the loss of what nothing uses: the scenario's own words."""


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
    accepted: bool = False
    accepted_because: str | None = None
    place: str | None = None
    license: str | None = None
    """Another permission set license that would carry it."""
    falls_with: str | None = None
    """The object that it falls with, as `object NAME`."""


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
    record_types: dict[str, Reason] = field(default_factory=dict)

    def leave(self, access: Access, reason: Reason) -> None:
        for atom in atoms(access):
            self.atoms.setdefault(atom, reason)
        for name, rights in access.fields.items():
            for right in rights:
                self.fields.setdefault((name, right), reason)
        for name in access.setup:
            self.setup.setdefault(name, reason)
        for name in access.record_types:
            self.record_types.setdefault(name, reason)


def decide(
    sources: Sequence[PermissionSource],
    drops: Sequence[PlacedDrop],
    ceiling: Ceiling,
    dependencies: Dependencies,
    unused: Access = Access(),  # noqa: B008 - it is frozen
) -> Decision:
    """Decide what of the sources' access is carried over; `unused` is what is left behind because nothing uses it."""
    effective = union(source.access for source in sources)
    unused = minus(minus(effective, minus(effective, unused)), Access(system=ceiling.baseline.system))
    left = _Left()
    idle = _leave_dropped(left, drops, sources)
    declared = frozenset(left.atoms)
    for part, reason in _useless(effective, unused):
        left.leave(part, reason)
    for atom in sorted(atoms(effective)):
        if not ceiling.carries(atom):
            left.leave(with_atoms(Access(), [atom]), beyond(ceiling, atom))

    def gone(atom: Atom) -> bool:
        return atom in declared or not ceiling.carries(atom)

    baseline = atoms(Access(system=ceiling.baseline.system))
    held = atoms(effective) - left.atoms.keys() - baseline
    for atom, lacking in fallen(held, gone, dependencies).items():
        left.atoms[atom] = _because_of(lacking, left.atoms.get(lacking) or beyond(ceiling, lacking))
    held -= left.atoms.keys()
    added = {need: atom for need, atom in closure(held, dependencies).items() if need not in baseline}
    for need in added:
        left.atoms.pop(need, None)
    _leave_with_objects(left, effective)
    carried = with_atoms(_without(effective, left), held | added.keys())
    return Decision(
        carried=carried,
        losses=tuple(_losses(left, sources)),
        added=tuple(f"{need}, which {atom} needs" for need, atom in sorted(added.items())),
        idle_drops=tuple(idle),
    )


def _leave_dropped(left: _Left, drops: Sequence[PlacedDrop], sources: Sequence[PermissionSource]) -> list[PlacedDrop]:
    """Leave what the scenario drops; the drops that name nothing the source user holds."""
    idle = []
    for placed in drops:
        dropped = dropped_by(placed.drop, sources)
        if is_empty(dropped):
            idle.append(placed)
        because = placed.drop.because
        left.leave(dropped, Reason("declared-drop", because, True, accepted_because=because, place=placed.place))
    return idle


def _leave_with_objects(left: _Left, effective: Access) -> None:
    """The fields and record types of an object that can no longer be read go with it."""
    fields, record_types = _by_object(effective.fields), _by_object(effective.record_types)
    for atom, reason in list(left.atoms.items()):
        if atom.right != "read" or not atom.object or (reason.cause == "declared-drop" and reason.accepted):
            continue  # a drop says itself how far it goes
        because = reason if reason.accepted else _because_of(atom, reason)
        falling = replace(because, falls_with=f"object {atom.object}")
        own = {name: effective.fields[name] for name in fields.get(atom.object, ())}
        left.leave(Access(fields=own, record_types=frozenset(record_types.get(atom.object, ()))), falling)


def _by_object(names: Iterable[str]) -> dict[str, list[str]]:
    """Names such as `Account.Phone` under the object that each begins with."""
    found: dict[str, list[str]] = {}
    for name in names:
        found.setdefault(name.partition(".")[0], []).append(name)
    return found


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


def _useless(effective: Access, unused: Access) -> Iterator[tuple[Access, Reason]]:
    yield unused, Reason("not-used", "Nothing of its traffic uses it.", True, accepted_because=USED)
    for name in sorted(effective.system & not_needed.SYSTEM.keys()):
        yield Access(system=frozenset({name})), Reason("not-needed-api-only", not_needed.SYSTEM[name])
    for name in sorted(effective.setup):
        if because := not_needed.SETUP.get(name.split(":")[0]):
            yield Access(setup=frozenset({name})), Reason("not-needed-api-only", because)


def untried_objects(sources: Sequence[PermissionSource], ceiling: Ceiling) -> Iterator[str]:
    """The objects that only sets of another permission set license give: the org cannot be asked who carries them."""
    for source in sources:
        name = ceiling.names.get(source.license or "")
        if name is None or ceiling.license == source.license or name in {each.name for each in ceiling.further}:
            continue
        others = union(each.access for each in sources if each is not source)
        only = sorted(minus(source.access, others).objects)
        if only:
            yield (
                f"only {source.label}, bound to the license {source.license}, gives rights on {', '.join(only)}: "
                f"whether {ceiling.license} carries them shows when they are granted, or with permissions.ceiling: try"
            )


def beyond(ceiling: Ceiling, atom: Atom) -> Reason:
    """Why a right is beyond the license: another one carries it, or none of this org does."""
    other = ceiling.carrier(atom)
    if other is not None:
        because = f"The {ceiling.license} license cannot carry it, {other.label} can: see permissions.licenses."
        return Reason("other-license", because, license=other.name)
    answer = ceiling.answers.get(str(atom))
    if answer is not None and "license" not in answer.casefold():
        return Reason("license-ceiling", f"The org refused it to a trial user, who has that license: {answer}")
    seen = " A trial user was refused it." if atom.object or answer else ""
    return Reason("license-ceiling", f"The {ceiling.license} license cannot carry it.{seen}")


def _because_of(lacking: Atom, reason: Reason) -> Reason:
    cause = {"declared-drop": "it is dropped", "not-used": "nothing uses that"}.get(
        reason.cause, "the license cannot carry that"
    )
    return Reason(reason.cause, f"It needs {lacking}, and {cause}.", place=reason.place, license=reason.license)


def _without(access: Access, left: _Left) -> Access:
    """The fields and setup entities that stay; objects and system permissions are decided as atoms."""
    return Access(
        fields={
            name: frozenset(right for right in rights if (name, right) not in left.fields)
            for name, rights in access.fields.items()
        },
        setup=access.setup - left.setup.keys(),
        record_types=access.record_types - left.record_types.keys(),
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
    for name, reason in left.record_types.items():
        lost.setdefault(reason, []).append(Access(record_types=frozenset({name})))
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
                "accepted_because": reason.accepted_because,
                "place": reason.place,
                "license": reason.license,
                "falls_with": reason.falls_with,
            }
        )


_KINDS = ("object", "field", "system", "setup", "record-type")


def _givers(kind: str, name: str, rights: Iterable[str], sources: Sequence[PermissionSource]) -> Iterator[str]:
    """The names of the sets that give any of it."""
    for source in sources:
        access = source.access
        given: Iterable[str] = {
            "object": access.objects.get(name, frozenset[ObjectRight]()),
            "field": access.fields.get(name, frozenset[FieldRight]()),
        }.get(kind, ())
        named = {"system": access.system, "setup": access.setup, "record-type": access.record_types}.get(kind, ())
        if set(rights) & set(given) or name in named:
            yield source.name
