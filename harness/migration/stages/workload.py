"""The workload and the looks at objects as a stage makes them: as the old user, as the old user again, as the new one.

Where one user is changed in place, the old user's answers are journaled before anything is written (`observe_old`),
and held against the new user's later (`compare_new`). Where there are two users, `compare_new` asks both, operation by
operation, so that nothing happens in between.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from harness.access.model import OBJECT_RIGHTS
from harness.access.reading.holdings import read_holdings
from harness.access.reading.people import read_user
from harness.access.soql import equals, select
from harness.checks.accepted import ALL_DATA, Agreed
from harness.checks.comparison import compare
from harness.checks.looking import look
from harness.checks.results import Comparison, Look, OldAnswer, OldLook, SideBySide
from harness.checks.scope import objects_in_scope
from harness.checks.side_by_side import alarms, side_by_side
from harness.checks.spec import OperationSpec, about, operation_specs
from harness.checks.values import Values
from harness.checks.workload import Workload
from harness.errors import StageFailed
from harness.migration.records import Usage
from harness.migration.strategies import strategy_of
from harness.words import SHOWN, few, several

if TYPE_CHECKING:
    from pydantic import BaseModel

    from harness.migration.context import Context
    from harness.org.connection import Principal


def workload_of(context: Context) -> Workload:
    """The workload of a run, its values bound to the scenario and the clock."""
    return Workload(Values(seed=context.world.file.name, clock=context.world.clock))


def observe_old(context: Context) -> Generator[None, None, None]:
    """Journal what the old user sees and gets, twice, before it is changed: to be called before the first write to it.

    Records of kind `old-look` (key: the object) and `old-answer` (key: the operation). The workload writes: the stage
    needs the capability to.
    """
    _must_be(context, "source", context.scenario.from_.username)
    seen = {} if context.only_to_be_undone else _look_twice(context, _scope(context))
    for name, looks in seen.items():
        context.record("old-look", name, looks)
    yield
    workload = workload_of(context)
    for spec in operation_specs(context.world.file):
        context.record("old-answer", spec.id, _answer_twice(context, workload, spec))
        yield
    note_rows_left(context, workload)
    if seen:
        _look_after_work(context, seen)
    yield


def _look_after_work(context: Context, seen: Mapping[str, OldLook]) -> None:
    """Read the sampled rows again: what the workload changed in them is not the new user's doing."""
    ids = _ids({name: each.first for name, each in seen.items()})
    now = look(context.world.connect("source"), tuple(seen), ids=ids)
    for name, looks in seen.items():
        if now[name].sample != looks.again.sample:
            rows = {"sample": now[name].sample}
            first, again = looks.first.model_copy(update=rows), looks.again.model_copy(update=rows)
            context.record("old-look", name, OldLook(first=first, again=again))


def compare_new(context: Context) -> Generator[None, None, str]:
    """Hold the new user against the old one: each object in scope, then each operation of the workload.

    What `observe_old` has journaled is not asked again; otherwise the old user is asked here. Records of kind
    `side-by-side` and `comparison`. Returns a line for people; raises StageFailed when anything differs that nothing
    accepts. A run that only rehearses a rollback does the work, which may have to be undone, and looks at nothing: rows
    that an earlier run left belong to the old user, and would alarm.
    """
    _must_be(context, "target", context.scenario.target_username)
    agreed = tuple(_agreed(context, _scope(context)))
    looked = [] if context.only_to_be_undone else (yield from _compare_looks(context, agreed, settle=True))
    alarming = [(name, result) for name, result in looked if alarms(result)]
    unlike = yield from _compare_answers(context, agreed)
    if alarming or unlike:
        raise _error(context, alarming, unlike)
    return f"{len(looked)} objects and {len(operation_specs(context.world.file))} operations alike for both users"


def looks_compared(context: Context) -> Generator[None, None, list[tuple[str, SideBySide]]]:
    """The first half of `compare_new` by itself: each object in scope, by name, and what differs."""
    return (yield from _compare_looks(context, tuple(_agreed(context, _scope(context))), settle=False))


def answers_compared(context: Context) -> Generator[None, None, list[tuple[str, Comparison]]]:
    """The second half by itself: the operations of the workload whose answers differ, by id."""
    return (yield from _compare_answers(context, tuple(_agreed(context, _scope(context)))))


def note_rows_left(context: Context, workload: Workload) -> None:
    """Note the rows that the workload made and did not delete."""
    if workload.left:
        rows = ", ".join(f"{count} {name}" for name, count in sorted(workload.left.items()))
        context.warn("rows left", f"The workload left rows in the sandbox: {rows}")


def unlike_error(context: Context, unlike: Sequence[tuple[str, Comparison]], how: str) -> StageFailed:
    """The failure of a stage whose operations went otherwise than they should."""
    names = few([name for name, _ in unlike])
    first_id, first = unlike[0]
    spec = next(each for each in operation_specs(context.world.file) if each.id == first_id)
    return StageFailed(
        f"{len(unlike)} operations {how}: {names}; {'; '.join(first.differences[:SHOWN])}",
        stage=context.stage,
        place=spec.place,
        remedy=first.remedy,
    )


def _must_be(context: Context, principal: Principal, username: str) -> None:
    """Whoever the sign-in lets in must be the user it is for: an app may have come to run as another. One call."""
    user_id = context.world.connect(principal).user_id
    rows = context.admin.query(select("User", ("Id", "Username"), where=equals("Id", user_id)))
    found = str(rows[0]["Username"]) if rows else user_id
    if found.casefold() != username.casefold():
        side = "from" if principal == "source" else "to"
        raise StageFailed(
            f"the sign-in of {username} lets in {found}: what it may do says nothing about {username}",
            stage=context.stage,
            place=context.world.file.place(side, "sign_in"),
            remedy="look at the run-as user in the app's policies, and at who else changes them",
        )


# --- the objects ------------------------------------------------------------------------------------------------------


def _scope(context: Context) -> list[str]:
    """The objects to look at."""
    return _objects(context)[0]


def _objects(context: Context) -> tuple[list[str], int]:
    usage = context.find(Usage)
    known = usage.permissions if usage else ()
    used = {each.name for each in known if each.kind == "object" and each.verdict != "never-used"}
    return objects_in_scope(context.scenario, context.snapshot.effective, used)


def _note_left_out(context: Context) -> None:
    if left_out := _objects(context)[1]:
        text = (
            f"{left_out} further objects that the old user may see were not looked at as both users: no operation and "
            "no evidence names them; `checks: exhaustive` looks at all"
        )
        context.not_tested("side by side", text)


def _look_twice(context: Context, names: Sequence[str]) -> dict[str, OldLook]:
    source = context.world.connect("source")
    first = look(source, names)
    again = look(source, names, ids=_ids(first))
    return {name: OldLook(first=first[name], again=again[name]) for name in names}


def _ids(looks: Mapping[str, Look]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(each.sample) for name, each in looks.items()}


def _compare_looks(
    context: Context, agreed: Sequence[Agreed], *, settle: bool
) -> Generator[None, None, list[tuple[str, SideBySide]]]:
    """Compare; with `settle` the old user looks once more at what alarms, since others may have changed rows since."""
    seen = {key: body for key, body in _observed(context, "old-look") if isinstance(body, OldLook)}
    if not seen:
        _must_be(context, "source", context.scenario.from_.username)
        seen = _look_twice(context, _scope(context))
    yield
    new = look(context.world.connect("target"), tuple(seen), ids=_ids({name: one.first for name, one in seen.items()}))
    made = _made_since(context)

    def compared(name: str, later: Look | None = None) -> SideBySide:
        first, again = seen[name].first, seen[name].again
        return side_by_side(first, again, new[name], agreed=agreed, made_since=made[name], later=later)

    found = [(name, compared(name)) for name in seen]
    if settle and (alarming := [name for name, result in found if alarms(result)]):
        later = _look_later(context, {name: seen[name].first for name in alarming})
        found = [(name, compared(name, later[name]) if name in later else result) for name, result in found]
    for name, result in found:
        context.record("side-by-side", name, result)
    _note_unread(context, seen)
    _note_left_out(context)
    yield
    return found


def _look_later(context: Context, seen: Mapping[str, Look]) -> dict[str, Look]:
    """Look again as the old user where something is otherwise: others may have changed rows since. Not in place."""
    if strategy_of(context.scenario).one_user:
        return {}
    return look(context.world.connect("source"), tuple(seen), ids=_ids(seen))


def _note_unread(context: Context, seen: Mapping[str, OldLook]) -> None:
    for name, old in sorted(seen.items()):
        if old.first.refused:
            text = f"The rows of {name} were not compared: the old user gets {old.first.refused}"
            context.not_tested(f"rows of {name}", text)
        elif not old.first.described:
            context.not_tested(f"look at {name}", f"{name} was not compared: the old user does not see it")


def _error(
    context: Context, alarming: Sequence[tuple[str, SideBySide]], unlike: Sequence[tuple[str, Comparison]]
) -> StageFailed:
    """The failure: the operations that differ, the objects that do, and which set gives nothing, if one does."""
    answers = unlike_error(context, unlike, "differ between the old and the new user") if unlike else None
    findings = [each for _, result in alarming for each in alarms(result)]
    shown = few([each.text for each in findings], between="; ")
    things = several(len(findings), "thing is", "things are")
    said = [
        *([answers.message] if answers else []),
        *([f"{things} otherwise for the new user: {shown}"] if findings else []),
        *_dormant(context),
    ]
    return StageFailed(
        "; ".join(said),
        stage=context.stage,
        place=answers.place if answers else context.world.file.place("permissions"),
        remedy=(answers.remedy if answers else None) or (findings[0].remedy if findings else None),
    )


def _dormant(context: Context) -> list[str]:
    """What is assigned to the new user and gives nothing: the likeliest cause of a loss all over."""
    user = read_user(context.admin, context.scenario.target_username)
    return [each.sentence for each in read_holdings(context.admin, user).dormant] if user else []


# --- the workload -----------------------------------------------------------------------------------------------------


def _answer_twice(context: Context, workload: Workload, spec: OperationSpec) -> OldAnswer:
    source, turn = context.world.connect("source"), f"{context.stage} {context.run_id}"
    first = workload.run(spec, source, round=turn)
    if context.only_to_be_undone:
        return OldAnswer(first=first)
    return OldAnswer(first=first, again=workload.run(spec, source, round=f"{turn} again"))


def _compare_answers(context: Context, agreed: Sequence[Agreed]) -> Generator[None, None, list[tuple[str, Comparison]]]:
    observed = {key: body for key, body in _observed(context, "old-answer") if isinstance(body, OldAnswer)}
    made = _made_since(context)
    workload, target = workload_of(context), context.world.connect("target")
    unlike = []
    for spec in operation_specs(context.world.file):
        old = observed.get(spec.id) or _answer_twice(context, workload, spec)
        new = workload.run(spec, target, round=f"{context.stage} {context.run_id}")
        since = made[about(spec.item) or ""]
        comparison = compare(spec, old.first, new, again=old.again, agreed=agreed, made_since=since)
        context.record("comparison", spec.id, comparison)
        if not comparison.equal:
            unlike.append((spec.id, comparison))
        yield
    note_rows_left(context, workload)
    return unlike


def _observed(context: Context, kind: str) -> Iterator[tuple[str, BaseModel]]:
    """What an earlier stage has journaled of the old user."""
    return ((each.key, each.body) for each in context.records(kind=kind) if each.stage != context.stage)


def _made_since(context: Context) -> Counter[str]:
    """How many rows of each object the workload has made since the old user was observed, in an earlier stage."""
    made: Counter[str] = Counter()
    specs = {spec.id: about(spec.item) or "" for spec in operation_specs(context.world.file)}
    for key, body in _observed(context, "old-answer"):
        if isinstance(body, OldAnswer) and key in specs:
            made[specs[key]] += body.first.made + (body.again.made if body.again else 0)
    return made


# --- what is agreed to ------------------------------------------------------------------------------------------------


def _agreed(context: Context, names: Sequence[str]) -> Iterator[Agreed]:
    """What the plan accepts to be lost, and what the scenario drops, each with its place."""
    for loss in context.plan.losses:
        if loss.accepted:
            place = loss.place or f"the plan ({loss.cause})"
            yield Agreed(loss.kind, loss.name, loss.access, place)
            if loss.name in ALL_DATA:
                yield from _opened_by_it_alone(context, names, place)
    for index, drop in enumerate(context.scenario.permissions.drop):
        kind = "object" if drop.object else "field"
        if name := drop.object or drop.field:
            yield Agreed(kind, name, drop.access, str(context.world.file.place("permissions", "drop", index)))


def _opened_by_it_alone(context: Context, names: Sequence[str], place: str) -> Iterator[Agreed]:
    """The rights that the old user has no row of its own for: they go with the permission that opens all data."""
    held = context.snapshot.effective.objects
    for name in names:
        rights = tuple(right for right in OBJECT_RIGHTS if right not in held.get(name, frozenset()))
        if rights:
            yield Agreed("object", name, rights, place)
