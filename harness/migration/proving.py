"""The proof of what the new user may do: read back, derived three ways, and held against what was agreed to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.access.algebra import minus, union
from harness.access.compare import in_words
from harness.access.model import Access
from harness.access.reading.holdings import Holdings, read_holdings
from harness.access.reading.people import User, read_features, read_user
from harness.access.reading.record_types import of_describes, read_names
from harness.checks.proof.deriving import Derivation, derive
from harness.checks.proof.verdict import Agreed, Holder, Memberships, counterexamples
from harness.checks.results import AccessVerdict, Counterexample
from harness.checks.scope import named_objects
from harness.errors import RequestRefused, StageFailed
from harness.migration.records import AccessAfter, Intent, Loss, Person
from harness.migration.stages.snapshot import person_of

if TYPE_CHECKING:
    from harness.migration.context import Context

_MEMBERSHIPS = ("role", "group", "queue", "feature-license")
_TOLD_RECORD_TYPES = "its record types"


@dataclass(frozen=True, slots=True)
class _After:
    """What the target user holds now."""

    person: Person
    holdings: Holdings
    record_types: frozenset[str]
    features: frozenset[str]

    @property
    def holder(self) -> Holder:
        types = Access(record_types=self.record_types)
        sources = [(each.name, each.access) for each in self.holdings.sources]
        return Holder((*sources, (_TOLD_RECORD_TYPES, types)), memberships_of(self.person, self.features))


def prove(context: Context) -> AccessVerdict:
    """Read the target user's access back, derive it three ways, and journal all of it with the verdict.

    Records: `access-after`, one `probes` for each object, and `verdict`. Raises StageFailed when the user is gone.
    """
    before = context.world.meter.calls
    user = read_user(context.admin, context.scenario.target_username)
    if user is None:
        raise StageFailed(f"there is no user {context.scenario.target_username}", stage=context.stage)
    holdings = read_holdings(context.admin, user)
    derivation = _derive(context, holdings)
    after = _after(context, user, holdings, derivation)
    context.record("access-after", "access-after", AccessAfter(person=after.person, effective=after.holder.access))
    found = (
        *counterexamples(_old(context), after.holder, _agreed(context, after)),
        *not_for_good(holdings),
    )
    _note_other_sets(context, holdings)
    for probes in derivation.probes:
        context.record("probes", probes.object, probes)
    for text in derivation.unread:
        context.not_tested(f"unread {text[:40]}", text)
    verdict = _verdict(context, found, derivation, calls=context.world.meter.calls - before)
    context.record("verdict", "access", verdict)
    return verdict


def check_still_so(context: Context) -> None:
    """Hold what the target user has now against what was proven of it: days may lie between the two.

    Some seven calls. Raises StageFailed, naming what changed; does nothing in a run that only rehearses a rollback.
    """
    if context.only_to_be_undone:
        return
    proven, user = context.need(AccessAfter), read_user(context.admin, context.scenario.target_username)
    if user is None:
        raise StageFailed(f"there is no user {context.scenario.target_username}", stage=context.stage)
    holdings, person = read_holdings(context.admin, user), person_of(user)
    told = {"record_types": frozenset[str]()}  # those are known from describes alone, which are not asked for again
    before, now = proven.effective.model_copy(update=told), holdings.effective.model_copy(update=told)
    changed = [
        *(
            f"its {name} changed"
            for name in Person.model_fields
            if getattr(person, name) != getattr(proven.person, name)
        ),
        *(f"lost {each}" for each in [in_words(minus(before, now))] if each),
        *(f"gained {each}" for each in [in_words(minus(now, before))] if each),
        *(f"{each.name}: {', '.join(each.access)}" if each.access else each.name for each in not_for_good(holdings)),
    ]
    if changed:
        raise StageFailed(
            f"{user.username} is not what was verified any more: {'; '.join(changed)}",
            stage=context.stage,
            remedy="find out in the Setup Audit Trail who changed it; put it back and `rehearse resume`, or roll back",
        )


def _derive(context: Context, holdings: Holdings) -> Derivation:
    """All three ways, for the objects of both users' access and what the scenario names."""
    held = union([context.snapshot.effective, holdings.effective, context.carried])
    fields = {name.partition(".")[0] for name in held.fields}
    return derive(
        admin=context.admin,
        person=context.world.connect("target"),
        held=holdings.effective,
        objects={*held.objects, *fields, *named_objects(context.scenario)},
        exhaustive=context.scenario.checks == "exhaustive",
    )


def _note_other_sets(context: Context, holdings: Holdings) -> None:
    """Sets that give nothing more than was agreed to are no finding; what they will give one day is a reviewer's."""
    for each in holdings.assigned:
        if each.name != context.scenario.permission_set_name:
            text = (
                f"{each.label} is assigned to {context.scenario.target_username} too, and not by this run: whatever is "
                "put into it later comes to that user"
            )
            context.warn(f"also assigned {each.name}", text)


def not_for_good(holdings: Holdings) -> Iterator[Counterexample]:
    """What is assigned and does not give now what it will give, without anybody changing it.

    What expires is lost then; a session-based set, or one whose license is not held yet, may give all it holds at any
    time; a group that waits for its computation gives something else already. Nothing that a migration assigns is so.
    """
    for text in holdings.stale:
        yield Counterexample(direction="gained", kind="assignment", name=text)
    for each in holdings.assigned:
        if each.ended:
            continue
        if each.nothing_because:
            yield Counterexample(direction="gained", kind="assignment", name=each.name, access=(each.nothing_because,))
        if each.expires:
            until = f"it expires on {each.expires:%Y-%m-%d %H:%M} UTC"
            yield Counterexample(direction="lost", kind="assignment", name=each.name, access=(until,))


def _after(context: Context, user: User, holdings: Holdings, derivation: Derivation) -> _After:
    try:
        names = read_names(context.admin)
    except RequestRefused:
        names = {}
        context.not_tested("record types", "The record types of the org could not be read back")
    try:
        features = read_features(context.admin, user.id)
    except RequestRefused:
        features = frozenset(context.snapshot.beside.features)
        context.not_tested("feature licenses", "The feature licenses of the user could not be read back")
    return _After(person_of(user), holdings, of_describes(derivation.described, names).available, features)


def _old(context: Context) -> Holder:
    snapshot = context.snapshot
    return Holder(
        [(each.name, each.access) for each in snapshot.sources],
        memberships_of(snapshot.person, snapshot.beside.features),
    )


def _agreed(context: Context, after: _After) -> Agreed:
    """What the plan says, and what the target's profile gave when it was made, and its apps give anyway.

    Which record types a profile opens, no table tells: that the user has more of them is no finding.
    """
    losses = [loss for loss in context.plan.losses if loss.accepted]
    baseline = context.plan.baseline
    apps = _authorized(context)
    authorized = {name for name, entity in after.holdings.setup_ids.items() if entity in apps}
    beside = {"setup": baseline.setup | authorized, "record_types": baseline.record_types | after.record_types}
    return Agreed(
        lost=union([lost_access(losses, context.snapshot.effective), _apps_by_id(context)]),
        left=frozenset((loss.kind, loss.name) for loss in losses if loss.kind in _MEMBERSHIPS),
        added=context.carried,
        baseline=baseline.model_copy(update=beside),
    )


def _apps_by_id(context: Context) -> Access:
    """The old user's apps as its sets give them, by id, where the plan tells their loss by name."""
    snapshot = context.snapshot
    held = snapshot.effective.setup if snapshot.beside.apps else frozenset[str]()
    return Access(setup=frozenset(name for name in held if name.startswith("TabSet:")))


def _authorized(context: Context) -> set[str]:
    """The ids of the apps that the authorize stage let the new user use."""
    intents = [record.body for record in context.records(key="authorize/app")]
    return {str(each.natural_key["SetupEntityId"]) for each in intents if isinstance(each, Intent)}


def memberships_of(person: Person, features: Iterable[str] = ()) -> Memberships:
    """The role, the public groups, the queues and the feature licenses of a user."""
    role = [("role", person.role)] if person.role else []
    groups = [("group", name) for name in person.groups]
    queues = [("queue", name) for name in person.queues]
    return frozenset((*role, *groups, *queues, *(("feature-license", name) for name in features)))


def lost_access(losses: Iterable[Loss], held: Access) -> Access:
    """The access that losses name, as far as they are about permissions; one without rights is about all of them."""
    return union(_lost(loss, held) for loss in losses)


def _lost(loss: Loss, held: Access) -> Access:
    if loss.kind == "object":
        return Access.model_validate({"objects": {loss.name: loss.access or held.objects.get(loss.name, ())}})
    if loss.kind == "field":
        return Access.model_validate({"fields": {loss.name: loss.access or held.fields.get(loss.name, ())}})
    beside = {"system": "system", "setup": "setup", "record-type": "record_types"}.get(loss.kind)
    return Access.model_validate({beside: [loss.name]}) if beside else Access()


def _verdict(
    context: Context, found: tuple[Counterexample, ...], derivation: Derivation, *, calls: int
) -> AccessVerdict:
    unexplained = any(not each.explained for each in derivation.disagreements)
    return AccessVerdict(
        passed=not found and not unexplained,
        counterexamples=found,
        accepted=sum(loss.accepted for loss in context.plan.losses),
        disagreements=derivation.disagreements,
        objects=derivation.objects,
        fields=derivation.fields,
        cells=derivation.cells,
        agreed=derivation.agreed,
        calls=calls,
    )
