"""Finding out three ways what a user may do: from its sets, by the platform's word, and by probes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.access.algebra import Atom, Dependencies
from harness.access.dependencies import read_dependencies
from harness.access.effective import FEATURES, ObjectFacts, effective, facts_of
from harness.access.model import Access
from harness.access.reading.people import read_features
from harness.access.reading.platform import ask_platform, objects_with_permissions
from harness.checks.proof.described import by_describe
from harness.checks.proof.impossible import by_errors, sample_rows
from harness.checks.proof.witnesses import Witnesses, disagreements, probes_of, stronger
from harness.checks.results import Disagreement, Probes
from harness.errors import RequestRefused

if TYPE_CHECKING:
    from harness.org.connection import Connection


@dataclass(frozen=True, slots=True)
class Derivation:
    """What was found out about one user, object by object, and where the three ways differ."""

    probes: tuple[Probes, ...]
    disagreements: tuple[Disagreement, ...]
    unread: tuple[str, ...] = ()
    """What could not be asked, each in a sentence."""
    described: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """The describes that the user itself got, of the objects that it sees."""

    @property
    def objects(self) -> int:
        """How many objects it is about."""
        return sum(1 for each in self.probes if not each.object.startswith("("))

    @property
    def fields(self) -> int:
        """How many fields."""
        return len(
            {cell.name for each in self.probes for cell in each.cells if "." in cell.name and ":" not in cell.name}
        )

    @property
    def cells(self) -> int:
        """How many cells."""
        return sum(len(each.cells) for each in self.probes)

    @property
    def agreed(self) -> int:
        """About how many cells all ways that could be gone say the same."""
        return self.cells - len(self.disagreements)


def derive(
    *,
    admin: Connection,
    person: Connection,
    held: Access,
    objects: Iterable[str],
    exhaustive: bool = False,
    reasons: Mapping[str, str] | None = None,
) -> Derivation:
    """Find out what `person` may do with `objects` and their fields, and beside objects.

    `admin` is a connection with View Setup; `person` is a connection of the user in question, whoever that is; `held`
    is what its sets give, as `read_holdings(admin, user).effective` reads it back. With `exhaustive` every object and
    field is probed by requests that the org must refuse, and deletes that it rolls back: the transport needs a
    capability for them. `reasons` explain disagreements in advance, by object or field.

    It takes one call for 25 objects for each of the two describes, one for some 1,000 fields, and some ten beside;
    exhaustive, three more for 25 objects. Raises OrgUnreachable and GuardRefused.
    """
    names, unread = sorted(set(objects)), list[str]()
    schema = _read_schema(admin, names, unread)
    computed = effective(
        held, schema, dependencies=_dependencies(admin, held, unread), features=_features(admin, person, schema, unread)
    )
    told = ask_platform(admin, person, {name: tuple(facts.fields) for name, facts in schema.items()})
    described = person.describe_many(names)
    unread += _unseen_fields(admin, schema, described)
    probed = by_describe(schema, described)
    if exhaustive:
        rows = sample_rows(person, schema, described)
        told.hear(rows)
        probed = stronger(probed, by_errors(person, schema, described, rows))
    probes = probes_of(schema, Witnesses(computed, told, probed))
    return Derivation(probes, disagreements(probes, reasons or {}), (*unread, *told.unread), described)


def _read_schema(admin: Connection, names: Sequence[str], unread: list[str]) -> dict[str, ObjectFacts]:
    """What the objects are by nature, as far as the administrator sees them."""
    described: dict[str, dict[str, Any]] = admin.describe_many(names)
    known = objects_with_permissions(admin)
    missing = [name for name in names if name not in described]
    unread += [f"{name} is not visible to {admin.username}: nothing is said about it" for name in missing]
    if known is None:
        unread.append("ObjectPermissions could not be read: which objects have permissions of their own is not known")
    return {name: facts_of(each, own=known is not None and name in known) for name, each in described.items()}


def _unseen_fields(
    admin: Connection, schema: Mapping[str, ObjectFacts], described: Mapping[str, Mapping[str, Any]]
) -> Iterator[str]:
    """The fields that the user is shown and the administrator is not."""
    for name, facts in schema.items():
        shown = {str(each["name"]) for each in described.get(name, {}).get("fields", ())}
        if unseen := sorted(shown - facts.fields.keys()):
            yield f"{', '.join(unseen)} of {name} not visible to {admin.username}: nothing is said about that"


def _dependencies(admin: Connection, held: Access, unread: list[str]) -> Dependencies:
    """What the system permissions bring along."""
    try:
        return read_dependencies(admin, [Atom("", name) for name in sorted(held.system)], {})
    except RequestRefused:
        unread.append("PermissionDependency could not be read: what permissions bring along is not worked out")
        return {}


def _features(
    admin: Connection, person: Connection, schema: Mapping[str, ObjectFacts], unread: list[str]
) -> frozenset[str]:
    """The feature licenses of the user, where an object of the schema needs one."""
    if not FEATURES.keys() & schema.keys():
        return frozenset()
    try:
        return read_features(admin, person.user_id)
    except RequestRefused:
        unread.append("The feature licenses of the user could not be read: they are taken for held")
        return frozenset(FEATURES.values())
