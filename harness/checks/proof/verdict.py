"""The verdict: no access lost beyond the accepted losses, and none gained. Set algebra; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.access.algebra import minus, union, walk
from harness.access.compare import compare
from harness.access.effective import on_own
from harness.access.model import Access, FieldRight
from harness.checks.results import Counterexample

NOTHING = Access()
Memberships = frozenset[tuple[str, str]]
"""What a user belongs to, as kind and name: (`role`, `Back_Office`), (`queue`, `Orders`)."""


@dataclass(frozen=True, slots=True)
class Holder:
    """What one user has: its sets by name, each with its access, and what it belongs to."""

    sources: Sequence[tuple[str, Access]]
    memberships: Memberships = frozenset()

    @property
    def access(self) -> Access:
        """The union of the sets."""
        return union(access for _, access in self.sources)


@dataclass(frozen=True, slots=True)
class Agreed:
    """What was agreed to: the accepted losses, and what may be held beyond what the old user had."""

    lost: Access = NOTHING
    left: Memberships = frozenset()
    added: Access = NOTHING
    """What the plan adds: it must be held."""
    baseline: Access = NOTHING
    """What the target profile gives anyway, and the apps that were authorized: it may be held."""


def counterexamples(old: Holder, new: Holder, agreed: Agreed) -> tuple[Counterexample, ...]:
    """Everything that makes the verdict FAIL; nothing when it passes.

    Access is compared as it takes effect: View All Data opens every object, Modify All Data writes it, View All Fields
    opens every field. What was lost with an accepted loss is no loss; what was agreed to be lost and is there all the
    same is a gain.
    """
    everything = union([old.access, new.access, agreed.lost, agreed.added, agreed.baseline])
    wanted = union([minus(old.access, agreed.lost), agreed.added])
    difference = compare(
        expected=in_effect(wanted, everything),
        baseline=union([minus(in_effect(old.access, everything), agreed.lost), in_effect(agreed.baseline, everything)]),
        actual=in_effect(new.access, everything),
    )
    return (
        *_told("lost", difference.missing, old, everything),
        *_memberships("lost", old.memberships - agreed.left - new.memberships),
        *_told("gained", difference.extra, new, everything),
        *_memberships("gained", new.memberships - (old.memberships - agreed.left)),
    )


def in_effect(access: Access, named: Access) -> Access:
    """The access with what its rights bring along, on the objects and fields that `named` names."""
    objects = {name: frozenset(on_own(name, access)) for name in {*named.objects, *access.objects}}
    fields: dict[str, frozenset[FieldRight]] = dict(access.fields)
    for name in named.fields:
        if "view-all-fields" in access.objects.get(name.partition(".")[0], ()):
            fields[name] = fields.get(name, frozenset()) | {"read"}
    return access.model_copy(update={"objects": objects, "fields": fields})


def _told(direction: str, access: Access, holder: Holder, named: Access) -> Iterator[Counterexample]:
    giving = [(name, in_effect(each, named)) for name, each in holder.sources]
    for kind, name, rights in walk(access):
        given_by = tuple(source for source, each in giving if _gives(each, kind, name, rights))
        yield Counterexample.model_validate(
            {"direction": direction, "kind": kind, "name": name, "access": rights, "given_by": given_by}
        )


def _gives(access: Access, kind: str, name: str, rights: Sequence[str]) -> bool:
    """Whether a set gives any of it."""
    held: Mapping[str, frozenset[str]] = access.objects if kind == "object" else access.fields
    if kind in ("object", "field"):
        return not held.get(name, frozenset()).isdisjoint(rights)
    return name in {"system": access.system, "setup": access.setup, "record-type": access.record_types}[kind]


def _memberships(direction: str, memberships: Memberships) -> Iterator[Counterexample]:
    for kind, name in sorted(memberships):
        yield Counterexample.model_validate({"direction": direction, "kind": kind, "name": name})


def in_words(found: Sequence[Counterexample], shown: int = 5) -> str:
    """The first few counterexamples in a line: `lost Account.Phone (edit), which ERP Sync gave; ...`."""
    more = f"; and {len(found) - shown} more" if len(found) > shown else ""
    return "; ".join(map(_sentence, found[:shown])) + more


def _sentence(one: Counterexample) -> str:
    what = f"{one.direction} {one.kind} {one.name}" + (f" ({', '.join(one.access)})" if one.access else "")
    if not one.given_by:
        return what
    return f"{what}, which {' and '.join(one.given_by)} {'gave' if one.direction == 'lost' else 'gives'}"
