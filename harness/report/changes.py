"""Before and after: what the old user may do against what the new user may do, object by object and field by field."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from harness.access.model import FIELD_RIGHTS, OBJECT_RIGHTS, Access
from harness.migration.records import Loss, PermissionSource, Plan
from harness.report.model import Facts

HELD = "held"
APP_ENTITY = "TabSet:"
"""How an app stands among the setup entities."""
Status = Literal["lost", "gained", "lost and gained", "kept"]
Basis = Literal["read-back", "planned", "unknown"]

_ORDER = {right: place for place, right in enumerate(dict.fromkeys((*OBJECT_RIGHTS, *FIELD_RIGHTS, HELD)))}


@dataclass(frozen=True, slots=True)
class Change:
    """The rights on one thing before and after; rights are in the order of `OBJECT_RIGHTS`, system ones are `held`."""

    name: str
    label: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    losses: tuple[Loss, ...] = ()
    """What the plan says about the rights lost here."""

    @property
    def lost(self) -> tuple[str, ...]:
        """Rights held before and not after."""
        return tuple(right for right in self.before if right not in self.after)

    @property
    def gained(self) -> tuple[str, ...]:
        """Rights held after and not before."""
        return tuple(right for right in self.after if right not in self.before)

    @property
    def status(self) -> Status:
        """What happened to it, in words."""
        if self.before == self.after:
            return "kept"
        if self.lost and self.gained:
            return "lost and gained"
        return "lost" if self.lost else "gained"


@dataclass(frozen=True, slots=True)
class ObjectChange:
    """One object with its fields."""

    own: Change
    changed: tuple[Change, ...]
    """Fields that changed, lost ones first."""
    kept: tuple[tuple[tuple[str, ...], tuple[Change, ...]], ...]
    """Fields that did not, grouped by the rights they have."""
    sources: tuple[str, ...] = ()
    """The labels of the sets that give the old user the object."""

    @property
    def name(self) -> str:
        """The object's API name."""
        return self.own.name

    @property
    def is_changed(self) -> bool:
        """Whether anything about the object or a field of it changed."""
        return self.own.status != "kept" or bool(self.changed)

    @property
    def counts(self) -> Mapping[str, int]:
        """How many fields were lost, gained and kept; a field that lost one right and gained another counts as lost."""
        lost = sum(bool(change.lost) for change in self.changed)
        kept = sum(len(changes) for _, changes in self.kept)
        return {"lost": lost, "gained": len(self.changed) - lost, "kept": kept}

    @property
    def status(self) -> Status:
        """The gravest thing that happened to the object or a field of it."""
        if not self.is_changed:
            return "kept"
        if self.own.lost or any(change.lost for change in self.changed):
            return "lost"
        return "gained"


@dataclass(frozen=True, slots=True)
class Listing:
    """System permissions, or one type of setup entity."""

    title: str
    changed: tuple[Change, ...]
    kept: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class AccessChanges:
    """Everything before and after."""

    basis: Basis
    """Whether `after` was read back from the org, is only planned, or is not known (then it repeats `before`)."""
    objects: tuple[ObjectChange, ...] = ()
    """Changed ones first (lost, then gained), each by name."""
    system: Listing = Listing("System permissions", (), ())
    setup: tuple[Listing, ...] = ()

    @property
    def things(self) -> Mapping[str, int]:
        """How many objects, fields, system permissions and setup entities lose something, and how many gain."""
        others = [*self.system.changed, *(change for listing in self.setup for change in listing.changed)]
        changes = [*(item.own for item in self.objects), *(field for item in self.objects for field in item.changed)]
        changes += others
        return {
            "lost": sum(bool(change.lost) for change in changes),
            "gained": sum(bool(change.gained) for change in changes),
        }

    @property
    def totals(self) -> Mapping[str, int]:
        """How many fields there are, and how many were lost, gained and kept."""
        sums = {key: sum(item.counts[key] for item in self.objects) for key in ("lost", "gained", "kept")}
        return {"fields": sum(sums.values()), **sums}


def access_changes(facts: Facts) -> AccessChanges:
    """What changes for the integration, as far as the evidence tells."""
    if facts.snapshot is None:
        return AccessChanges(basis="unknown")
    before = facts.snapshot.effective
    basis, after = _after(facts, before)
    losses = _Losses(facts.plan)
    labels = facts.snapshot.labels
    return AccessChanges(
        basis=basis,
        objects=_objects(before, after, losses, labels, facts.snapshot.sources),
        system=_listing("System permissions", "system", before.system, after.system, losses),
        setup=_setup(before, after, losses),
    )


def promised_but_missing(facts: Facts) -> list[str]:
    """What the plan carries over and the org, read back, does not show: access granted in words only."""
    if facts.plan is None or facts.after is None:
        return []
    return _beyond(facts.plan.carried, facts.after.effective)


def lost_without_word(facts: Facts) -> list[str]:
    """What the old user may do and the new user, read back, may not, with no loss in the plan that says so."""
    if facts.snapshot is None or facts.plan is None or facts.after is None:
        return []
    losses = _Losses(facts.plan)
    before, after = facts.snapshot.effective, facts.after.effective
    said = [
        *(change for change in _changes("object", before.objects, after.objects, losses, {}) if change.lost),
        *(change for change in _changes("field", before.fields, after.fields, losses, {}) if change.lost),
        *(change for change in _held("system", before.system, after.system, losses) if change.lost),
        *(change for change in _held("setup", before.setup, after.setup, losses) if change.lost),
    ]
    return [change.name for change in said if not change.losses]


def _after(facts: Facts, before: Access) -> tuple[Basis, Access]:
    if facts.after is not None:
        return "read-back", facts.after.effective
    if facts.plan is not None:
        # what the plan does not name as lost comes with the new user's profile and license
        lost = {loss.name for loss in facts.plan.losses if loss.kind == "system"}
        carried = facts.plan.carried
        return "planned", carried.model_copy(update={"system": carried.system | (before.system - lost)})
    return "unknown", before


def _beyond(promised: Access, held: Access) -> list[str]:
    missing = []
    for name, rights in sorted({**promised.objects, **promised.fields}.items()):
        lacking = rights - (held.objects.get(name) or held.fields.get(name) or frozenset())
        if lacking:
            missing.append(f"{name} ({', '.join(_in_order(lacking))})")
    return [*missing, *sorted(promised.system - held.system), *sorted(promised.setup - held.setup)]


def _in_order(rights: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(rights, key=lambda right: (_ORDER.get(right, len(_ORDER)), right)))


@dataclass(slots=True)
class _Losses:
    """The plan's losses, to be found by what they are about."""

    plan: Plan | None
    _found: dict[tuple[str, str], list[Loss]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for loss in self.plan.losses if self.plan else ():
            self._found.setdefault((loss.kind, loss.name), []).append(loss)

    def about(self, kind: str, name: str, rights: Iterable[str]) -> tuple[Loss, ...]:
        """The losses that speak of these rights; a field's loss may be said of its object, and an app's by its name."""
        lost = set(rights)
        if name.startswith(APP_ENTITY):  # which an org may show by id alone
            return tuple(loss for (each, _), losses in self._found.items() for loss in losses if each == "app")
        own = [loss for loss in self._found.get((kind, name), ()) if not loss.access or lost & set(loss.access)]
        if own or kind != "field":
            return tuple(own)
        return tuple(
            loss
            for loss in self._found.get(("object", name.partition(".")[0]), ())
            if not loss.access or {"read", "edit"} & set(loss.access)
        )


def _changes(
    kind: str,
    before: Mapping[str, Iterable[str]],
    after: Mapping[str, Iterable[str]],
    losses: _Losses,
    labels: Mapping[str, str],
) -> list[Change]:
    changes = []
    for name in sorted(before.keys() | after.keys(), key=lambda name: (name.casefold(), name)):
        old, new = _in_order(before.get(name, ())), _in_order(after.get(name, ()))
        lost = [right for right in old if right not in new]
        said = losses.about(kind, name, lost) if lost else ()
        changes.append(Change(name, labels.get(name, ""), old, new, said))
    return changes


def _held(kind: str, before: frozenset[str], after: frozenset[str], losses: _Losses) -> list[Change]:
    return _changes(kind, dict.fromkeys(before, (HELD,)), dict.fromkeys(after, (HELD,)), losses, {})


def _objects(
    before: Access,
    after: Access,
    losses: _Losses,
    labels: Mapping[str, str],
    sources: tuple[PermissionSource, ...],
) -> tuple[ObjectChange, ...]:
    fields: dict[str, list[Change]] = {}
    for change in _changes("field", before.fields, after.fields, losses, labels):
        fields.setdefault(change.name.partition(".")[0], []).append(change)
    nothing: dict[str, frozenset[str]] = dict.fromkeys(fields, frozenset())
    own = _changes("object", {**nothing, **before.objects}, {**nothing, **after.objects}, losses, labels)
    objects = [_object(change, fields.get(change.name, []), sources) for change in own]
    grave = {"lost": 0, "gained": 1, "kept": 2}
    return tuple(sorted(objects, key=lambda item: grave[item.status]))


def _object(own: Change, fields: list[Change], sources: tuple[PermissionSource, ...]) -> ObjectChange:
    kept: dict[tuple[str, ...], list[Change]] = {}
    for change in fields:
        if change.status == "kept":
            kept.setdefault(change.before, []).append(change)
    changed = sorted((change for change in fields if change.status != "kept"), key=lambda change: not change.lost)
    return ObjectChange(
        own=own,
        changed=tuple(changed),
        kept=tuple((rights, tuple(kept[rights])) for rights in sorted(kept, key=lambda rights: (-len(rights), rights))),
        sources=tuple(source.label or source.name for source in sources if own.name in source.access.objects),
    )


def _listing(title: str, kind: str, before: frozenset[str], after: frozenset[str], losses: _Losses) -> Listing:
    changes = _held(kind, before, after, losses)
    changed = sorted((change for change in changes if change.status != "kept"), key=lambda change: not change.lost)
    return Listing(title, tuple(changed), tuple(change for change in changes if change.status == "kept"))


def _setup(before: Access, after: Access, losses: _Losses) -> tuple[Listing, ...]:
    types = sorted({name.partition(":")[0] for name in before.setup | after.setup})
    return tuple(
        _listing(
            kind,
            "setup",
            frozenset(name for name in before.setup if name.partition(":")[0] == kind),
            frozenset(name for name in after.setup if name.partition(":")[0] == kind),
            losses,
        )
        for kind in types
    )
