"""adopt: with the journal lost, what a run did is told anew from what the org shows. Nothing but the lock is written.

The lock is taken first, so that what a process that died sent behind it comes to nothing; what cannot be fenced is
waited out from the newest sign of life. Then everything is read, judged, and journaled. What a person must tell is
asked all at once. Whether the run may go on, or can only be rolled back, is found out last.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import OrgError, StageFailed
from harness.migration.adopting.audit_words import by, taken_from
from harness.migration.adopting.before import HELD, Names, joined, listed
from harness.migration.adopting.judging import Case, Judgement, Thing, Unknown, judge, mark_of_run, sentences
from harness.migration.adopting.names import read_names
from harness.migration.adopting.planned import beyond_the_plan
from harness.migration.adopting.reading import read_marked, read_seen
from harness.migration.adopting.rebuilding import Work, own_set_of, rebuild, snapshot_of
from harness.migration.adopting.seen import Seen
from harness.migration.records import Snapshot, StageFinished, StageStarted
from harness.migration.stages import Stage, Steps
from harness.migration.stages.plan import PLAN
from harness.migration.stages.preflight import PREFLIGHT
from harness.migration.stages.snapshot import SNAPSHOT
from harness.migration.stages.switch import new_values
from harness.migration.strategies import strategy_of, wanted_licenses
from harness.migration.trial_user import trial_set_name, trial_username
from harness.migration.writing.waiting import GIVEN_UP, LATE, wait_out
from harness.scenario.model import Grant

if TYPE_CHECKING:
    from harness.migration.context import Context

NAME = "adopt"
CREDENTIAL = "credential"
UNCHANGED = "unchanged"
TOLD = (*HELD, "runs-as", "deactivated", CREDENTIAL)
"""What a person may tell."""


@dataclass(slots=True)
class Adoption:
    """What is given to the stage, and what comes of it."""

    told: Mapping[str, str] = field(default_factory=dict)
    heard: datetime | None = None
    """When the run's lock was touched last, before it was taken over."""
    tell: Callable[[str], None] = lambda _line: None
    """Shows a line while something is waited for."""
    dry: bool = False
    """Whether nothing is to be taken, waited for or kept."""
    things: list[Thing] = field(default_factory=list)
    unknown: list[Unknown] = field(default_factory=list)
    strays: tuple[str, ...] = ()
    proven: bool = False
    """Whether the fingerprint in the run's mark is that of what was found to have been before."""
    marked: bool = False
    """Whether there is such a mark."""
    only_back: str | None = None
    """Why the run can only be rolled back, if so."""

    @property
    def stage(self) -> Stage:
        """The stage that does it."""
        return Stage(name=NAME, writes=not self.dry, run=self._run)

    def _run(self, context: Context) -> Steps:
        return (yield from _adopt(context, self))


def _adopt(context: Context, adoption: Adoption) -> Steps:
    seen = yield from _read_when_quiet(context, adoption)
    names, case = _names(context, seen, adoption.told), _case(context, adoption.told)
    case = _with_ids(case, names)
    found = judge(seen, case, names)
    adoption.strays, adoption.marked = seen.strays, found.fingerprint is not None
    adoption.things, adoption.unknown, adoption.proven = found.things, found.unknown, found.proven
    switched = _credential(context, adoption, found)
    yield
    _must_be_known(context, found)
    work = Work(context, seen, found, names)
    adoption.only_back = _only_back(work)
    if adoption.only_back is None:
        adoption.only_back = yield from _forward(work)
    if context.find(Snapshot) is None:
        context.record("snapshot", "snapshot", snapshot_of(work))
    rebuild(work)
    if switched:
        work.done(
            "switch/credential",
            "file",
            context.world.store.name,
            [context.world.store.name],
            at=None,
            natural_key={"file": context.world.store.name},
        )
    _note(work, adoption)
    yield
    ours = sum(thing.whose == "ours" for thing in found.things)
    then = "`rehearse rollback` undoes it" if adoption.only_back else "`rehearse resume` goes on, `rollback` undoes it"
    return f"run {context.run_id}: {ours} things are its own; {then}"


def _read_when_quiet(context: Context, adoption: Adoption) -> Generator[None, None, Seen]:
    """Read all of it when nothing that a dead process sent can land any more."""
    marked = read_marked(context.admin, context.world.file)
    yield
    signs = [at for at in (marked.newest(context.run_id), adoption.heard) if at]
    if signs and not adoption.dry:
        until = max(signs) + GIVEN_UP + LATE
        if until > context.world.clock.now():
            adoption.tell(f"waiting until {until:%H:%M:%S} UTC for what the lost run may have sent last")
        wait_out(context, "what the lost run sent last", since=max(signs))
        yield
    return read_seen(context)


def _case(context: Context, told: Mapping[str, str]) -> Case:
    scenario = context.scenario
    return Case(
        run_id=context.run_id,
        admin_id=context.admin.user_id,
        source=scenario.from_.username,
        target=scenario.target_username,
        trial=trial_username(scenario),
        own_set=scenario.permission_set_name,
        trial_set=trial_set_name(scenario),
        one_user=strategy_of(scenario).one_user,
        licenses=wanted_licenses(scenario),
        told=told,
    )


def _names(context: Context, seen: Seen, told: Mapping[str, str]) -> Names:
    taken = taken_from(by(seen.audit or (), context.admin.user_id, None), seen.source)
    said = {each.partition(" until ")[0] for each in listed(told.get("assignments", ""))}
    return read_names(context.admin, {*taken.sets, *said}, {*taken.groups, *said})


def _with_ids(case: Case, names: Names) -> Case:
    """The same with what a person told in the words of the fingerprint: lists in order, assignments by their ids."""
    told = {key: text if key not in _LISTS else joined(listed(text)) for key, text in case.told.items()}
    if "assignments" in told:
        told["assignments"] = joined(_assignment(each, names) for each in listed(told["assignments"]))
    return Case(**{**{name: getattr(case, name) for name in Case.__dataclass_fields__}, "told": told})


_LISTS = ("groups", "queues", "licenses", "features", "packages", "assignments")


def _assignment(text: str, names: Names) -> str:
    name, until, moment = text.partition(" until ")
    ids = [*names.sets.get(name, ()), *names.groups.get(name, ())]
    if len(ids) != 1:
        raise StageFailed(
            f"--before 'assignments={text}': {'no' if not ids else 'more than one'} permission set or group is {name}",
            stage=NAME,
            remedy="write its API name",
        )
    when = f"{datetime.fromisoformat(moment).isoformat()}" if until else ""
    return f"{ids[0]}{until}{when}"


def _credential(context: Context, adoption: Adoption, found: Judgement) -> bool:
    """Whether the run switched the credential file, and what is known of the file before."""
    store, told = context.world.store, adoption.told.get(CREDENTIAL)
    if store.is_switched:
        found.say(store.name, "ours", "it holds the new credential, and the old file was kept")
        return True
    values = new_values(context)
    if not store.holds(values):
        return False
    if told == UNCHANGED:
        found.say(store.name, "not ours", "it held the new credential before, as you say")
        return False
    if told is not None:
        before = Path(told).read_bytes()
        if not adoption.dry:
            store.remember(before, values)
        found.say(store.name, "ours", f"it holds the new credential; {told} is what it was, as you say")
        return True
    found.say(store.name, "not known", "it holds the new credential, and the old file that the run kept is lost")
    found.ask(
        CREDENTIAL,
        f"a file that is what {store.name} was before",
        f"Take it from a backup or from the external system; `{UNCHANGED}` if it held the new credential before",
    )
    return False


def _must_be_known(context: Context, found: Judgement) -> None:
    if found.contradicted:
        raise StageFailed(
            f"what you say that {context.scenario.from_.username} held is not what the digest in the run's mark was "
            "made of: one of the values is another",
            stage=NAME,
            remedy="look again, above all for expiration dates and licenses; nothing is taken that is not proven",
        )
    if found.unknown:
        raise StageFailed(
            f"{len(found.unknown)} values before are not known, and none is guessed",
            stage=NAME,
            remedy="; ".join(map(str, found.unknown)),
        )


# --- forward, or back only --------------------------------------------------------------------------------------------


def _only_back(work: Work) -> str | None:
    """Why a run cannot go on, as far as its marks tell: the first of the reasons."""
    return next(_reasons(work), None)


def _reasons(work: Work) -> Iterator[str]:
    context, seen, found = work.context, work.seen, work.found
    mark = mark_of_run(seen, context.run_id)
    if mark is not None and mark.file is None:
        yield "its mark is one of an earlier version, which says nothing of the org as it was"
    elif mark is not None and not context.world.file.digest.startswith(str(mark.file)):
        yield "the scenario file was changed since it began"
    if context.scenario.permissions.ceiling == "try":
        yield "what the license refused in its trial is not known any more"
    if found.converted:
        yield f"what {seen.source.username} might do before its conversion is not known any more"
    if not seen.source.is_active or seen.source.is_frozen:
        yield f"{seen.source.username} signs in no more, and both users' answers cannot be compared again"
    if mark is not None and not found.proven:
        yield "the org is not as it was at the snapshot, whose fingerprint is in the run's mark: somebody changed it"
    others = [each for each in found.things if each.what.startswith("in ") and each.whose == "not ours"]
    if others:
        yield f"somebody else had a hand in its permission set: {others[0].why}"
    if seen.own_set is not None and own_set_of(seen, context) is None:
        yield f"the permission set {seen.own_set.name} is not its own"


def _forward(work: Work) -> Generator[None, None, str | None]:
    """Make preflight, snapshot and plan anew; why the run cannot go on, if so."""
    context = work.context
    for stage in (PREFLIGHT, SNAPSHOT, PLAN):
        calls, context.stage = context.world.meter.calls, stage.name
        try:
            context.record("stage.started", "", StageStarted())
            message = yield from stage.run(context)
            if stage is SNAPSHOT:
                _mend(work)
            used = context.world.meter.calls - calls
            context.record("stage.finished", "", StageFinished(result="passed", calls=used, message=message))
        except (StageFailed, OrgError) as error:
            context.record("stage.finished", "", StageFinished(result="failed", calls=0, message=error.message))
            return f"{stage.name} cannot be made anew: {error.message}"
        finally:
            context.stage = NAME
    own = own_set_of(work.seen, context)
    beyond = beyond_the_plan(context, own, work.seen.app.id if work.seen.app else "") if own else []
    return f"its permission set holds {beyond[0]}" if beyond else None


def _mend(work: Work) -> None:
    """The snapshot is that of the org before the run: what the run made is taken out of its fingerprint."""
    context, before = work.context, snapshot_of(work)
    mended = {"fingerprint": before.fingerprint, "parts": before.parts}
    context.record("snapshot", "snapshot", context.need(Snapshot).model_copy(update=mended))


def _note(work: Work, adoption: Adoption) -> None:
    """What a reviewer must know of a journal that was made anew."""
    context = work.context
    context.warn("adopted", f"The journal of run {context.run_id} was lost, and made anew from what the org shows")
    for number, text in enumerate((*sentences(work.found), *adoption.strays), start=1):
        context.warn(f"not adopted {number}", f"Left alone: {text}")
    for number, text in enumerate(_not_known(work, adoption), start=1):
        context.not_tested(f"not known {number}", text)


def _not_known(work: Work, adoption: Adoption) -> Iterator[str]:
    if not adoption.marked:
        yield "Whether anybody changed the org since the run's snapshot: the run left no fingerprint of it yet"
    elif not adoption.proven and not work.found.converted:
        yield "What changed since the run's snapshot: its fingerprint is another, and does not say where"
    if work.seen.audit is None:
        yield "Who changed what since: the admin may not read the Setup Audit Trail"
    expect = work.context.scenario.expect
    if any(isinstance(item, Grant) and item.commit for item in expect.grants):
        yield "Whether rows are left that checks with `commit` wrote: nothing in the org tells them from others"
