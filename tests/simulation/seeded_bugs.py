"""Bugs to plant into recovery, one at a time, and the short schedules that must notice each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from harness.access.soql import equals
from harness.migration import engine
from harness.migration.apps import find_app, set_run_as
from harness.migration.context import Context
from harness.migration.undoing import own_things, parts, rollback
from harness.migration.writing import fenced, lock, waiting, writes
from harness.org.outcome import not_sent
from harness.org.reply import Answer
from harness.org.sandbox_proof import SandboxProof

from .ground import (
    LOST_FOR,
    Complaints,
    Ground,
    crash,
    crash_after_write,
    edited,
    edited_at_write,
    late,
    lost,
    not_a_sandbox,
    two_runs,
)

Plant = Callable[[pytest.MonkeyPatch], None]
Play = Callable[[Ground], Complaints]

SET, ROLE, FREEZE = "grant/permission-set", "grant/role", "cut-over/freeze"

SCHEDULES: Mapping[str, Play] = {
    "crash before a set is made, then rollback": lambda g: crash(g, f"intent {SET}", "rollback"),
    "crash when a set was made, then resume": lambda g: crash(g, f"effect {SET}", "resume"),
    "crash when a set was made, then rollback": lambda g: crash(g, f"effect {SET}", "rollback"),
    "crash before a set is assigned, then resume": lambda g: crash(g, "intent grant/assignment", "resume"),
    "crash when the user was made, then rollback": lambda g: crash_after_write(g, 2, "rollback"),
    "crash in the middle of a stage, then resume": lambda g: crash(g, f"outcome {ROLE}", "resume"),
    "crash when the old user was deactivated, then rollback": lambda g: crash(
        g, "effect retire/deactivate", "rollback"
    ),
    "crash when the file was written, then rollback": lambda g: crash(g, "effect switch/credential", "rollback"),
    "rollback of it all": lambda g: crash(g, "end", "rollback"),
    "a deactivation lost on its way, then resume": lambda g: lost(
        g, f"outcome {FREEZE}", "intent retire/deactivate", "resume", done=False
    ),
    "the answer about a set lost, then rollback": lambda g: lost(
        g, "outcome provision/license", f"intent {SET}", "rollback", done=True
    ),
    "a late change of metadata, then rollback": lambda g: late(
        g.in_place, "outcome authorize/app", "intent authorize/run-as", dies=False
    ),
    "another admin froze the old user just before": lambda g: edited(g, f"intent {FREEZE}", "freeze-source"),
    "a late write of a process that died, then rollback": lambda g: late(
        g, "outcome grant/setup-access/1", f"intent {ROLE}", dies=True
    ),
    "another admin changed the role": lambda g: edited(g, "end", "change-role-of-target"),
    "another admin made the app run as another": lambda g: edited(g, "end", "let-the-app-run-as-another"),
    "another admin put a row into the set": lambda g: edited(g, "end", "add-a-row-to-our-set"),
    "another admin takes the name of the set at the last moment": lambda g: edited_at_write(
        g, "outcome provision/license", f"intent {SET}", "make-a-set-of-our-name"
    ),
    "another admin took the name of the set, then rollback": lambda g: edited(
        g, f"intent {SET}", "make-a-set-of-our-name"
    ),
    "another run comes": lambda g: two_runs(g, "intent provision/user", pause=0),
    "another run comes when the lock is stale": lambda g: two_runs(g, f"intent {SET}", pause=LOST_FOR),
    "the org is no sandbox any more": lambda g: not_a_sandbox(g, f"outcome {ROLE}"),
}
"""Each plays in a moment, and is well in the engine as it is."""


@dataclass(frozen=True, slots=True)
class Bug:
    """What is planted, and which schedules are played: one of them at least must notice."""

    plant: Plant
    schedules: tuple[str, ...]


# --- journaling -------------------------------------------------------------------------------------------------------


def _without_intents(patch: pytest.MonkeyPatch) -> None:
    original = Context.record

    def record(self: Context, kind: str, key: str, body: Any) -> Any:
        return None if kind == "intent" else original(self, kind, key, body)

    patch.setattr(Context, "record", record)


def _intents_after_effect(patch: pytest.MonkeyPatch) -> None:
    original, held = Context.record, list[tuple[str, str, Any]]()

    def record(self: Context, kind: str, key: str, body: Any) -> Any:
        if kind == "intent":
            held.append((kind, key, body))
            return None
        while held:
            original(self, *held.pop(0))
        return original(self, kind, key, body)

    patch.setattr(Context, "record", record)


def _refusals_forget(patch: pytest.MonkeyPatch) -> None:
    """What is unknown is journaled as not applied."""
    original = Context.record

    def record(self: Context, kind: str, key: str, body: Any) -> Any:
        if kind == "outcome" and body.settled_by == "read-back":
            body = body.model_copy(update={"certainty": "NOT_APPLIED", "ids": ()})
        return original(self, kind, key, body)

    patch.setattr(Context, "record", record)


# --- answers ----------------------------------------------------------------------------------------------------------


def _lost_is(certainty: str) -> Plant:
    def plant(patch: pytest.MonkeyPatch) -> None:
        def lost_answers(_message: str, count: int) -> list[Answer]:
            answer = Answer("APPLIED", 200, "") if certainty == "APPLIED" else None
            return [answer] * count if answer else not_sent(count)

        patch.setattr(fenced, "lost", lost_answers)

    return plant


def _without_probe(patch: pytest.MonkeyPatch) -> None:
    original = writes.perform_rows

    def perform_rows(*args: Any, **options: Any) -> Any:
        return original(*args, **{**options, "look": lambda: [None] * len(args[2])})

    patch.setattr(writes, "perform_rows", perform_rows)


def _by_any_row(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(writes, "_where", lambda _write: "Id != null")


def _by_name_alone(patch: pytest.MonkeyPatch) -> None:
    def where(write: writes.Write) -> str:
        name, value = next(iter(write.natural_key.items()))
        return equals(name, str(value))

    patch.setattr(writes, "_where", where)


def _duplicates_are_ours(patch: pytest.MonkeyPatch) -> None:
    original = writes._not_confirmed

    def not_confirmed(context: Context, write: Any, answers: Any, refused: Any, look: Any) -> Any:
        with pytest.MonkeyPatch.context() as inner:
            if any(error.code.startswith("DUPLICATE") for _, error in refused):
                _by_name_alone(inner)
            return original(context, write, answers, refused, look)

    patch.setattr(writes, "_not_confirmed", not_confirmed)


# --- going on ---------------------------------------------------------------------------------------------------------


def _begun_is_passed(patch: pytest.MonkeyPatch) -> None:
    original = engine.Engine._passed

    def passed(self: engine.Engine) -> set[str]:
        begun = {record.stage for record in self._journal.records(self.run_id, kind="stage.started")}
        return original(self) | begun

    patch.setattr(engine.Engine, "_passed", passed)


def _believes_any_org(patch: pytest.MonkeyPatch) -> None:
    def believe(admin: Any, site: Any) -> SandboxProof:
        return SandboxProof(site.org_id, "sandbox", "", "", admin_id=admin.user_id, sign_in=admin.session.number)

    patch.setattr(engine, "prove_sandbox", believe)


# --- locks and late writes --------------------------------------------------------------------------------------------


def _without_fence(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(writes, "send_fenced", fenced.send_plain)


def _not_waited_out(patch: pytest.MonkeyPatch) -> None:
    for module in (writes, rollback, lock, waiting):
        patch.setattr(module, "wait_out", lambda *_args, **_options: None)


def _lock_of_ones_own(patch: pytest.MonkeyPatch) -> None:
    """Each run has a lock of another name, so that none is refused."""
    original, asked = lock.lock_name, lock.OrgLock._create

    def create(self: lock.OrgLock, context: Context) -> bool:
        with pytest.MonkeyPatch.context() as inner:
            inner.setattr(lock, "lock_name", lambda username: f"{original(username)[:-4]}{context.run_id[-4:]}")
            return asked(self, context)

    patch.setattr(lock.OrgLock, "_create", create)


def _taken_over_at_once(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(lock.OrgLock, "_must_be_stale", lambda *_args: None)


def _lock_left(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(lock.OrgLock, "release", lambda *_args: None)


# --- undoing ----------------------------------------------------------------------------------------------------------


def _only_known_successes(patch: pytest.MonkeyPatch) -> None:
    original = rollback.writes_of

    def writes_of(context: Context) -> list[parts.Done]:
        return [done for done in original(context) if done.certain and done.ids]

    patch.setattr(rollback, "writes_of", writes_of)


def _forward_order(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(rollback, "reversed", list, raising=False)


def _overwrites(patch: pytest.MonkeyPatch) -> None:
    def put_back(context: Context, done: parts.Done, _findings: Any) -> bool:
        record_id = str(done.intent.natural_key["Id"])
        before, after = dict(done.intent.before or {}), dict(done.intent.after or {})
        write = parts.inverse_of(done, operation="update", summary="overwrite")
        parts.restore(context, write, record_id, after, before)
        return True

    patch.setattr(parts, "_put_back", put_back)


def _deletes_by_name(patch: pytest.MonkeyPatch) -> None:
    def found_by(done: parts.Done) -> str:
        name, value = next(iter(done.intent.natural_key.items()))
        return equals(name, str(value))

    patch.setattr(own_things, "_found_by", found_by)
    patch.setattr(own_things, "_is_ours", lambda *_args, **_options: True)
    patch.setattr(own_things, "_is_alone", lambda *_args: True)


def _deletes_with_others_rows(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(own_things, "_is_alone", lambda *_args: True)


def _not_undone(operation: str, sobject: str) -> Plant:
    def plant(patch: pytest.MonkeyPatch) -> None:
        original = rollback._undo

        def undo(context: Context, done: parts.Done, findings: Any) -> None:
            if done.intent.operation != operation or not done.intent.sobject.startswith(sobject):
                original(context, done, findings)

        patch.setattr(rollback, "_undo", undo)

    return plant


def _file_not_restored(patch: pytest.MonkeyPatch) -> None:
    _not_undone("file", "")(patch)
    patch.setattr(rollback, "_credential_restored", lambda *_args: True)  # which would do it again


def _place_not_given_back(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(rollback, "give_back_place", lambda *_args, **_options: None)


def _app_overwritten(patch: pytest.MonkeyPatch) -> None:
    """Whoever the app runs as now, it is let run as before."""

    def run_as_before(context: Context, done: parts.Done, _findings: Any) -> None:
        app = find_app(context.admin, str(done.intent.natural_key["app"]), policy=True)
        before = dict(done.intent.before or {})["run_as"]
        write = parts.inverse_of(done, operation="update", summary="let it run as before")
        send = [set_run_as(context.admin, app, before)] if app else []
        writes.perform(context, write, [{}], send=lambda _rows: send, look=lambda: [None])

    patch.setitem(rollback._INVERSES, ("update", "ExtlClntAppOauthConfigurablePolicies"), run_as_before)


def _found_is_claimed(patch: pytest.MonkeyPatch) -> None:
    """A value that is as this run wanted it counts as written by this run."""
    patch.setattr(parts, "may_undo", lambda *_args: True)


BUGS: Mapping[str, Bug] = {
    "no intent is journaled": Bug(_without_intents, ("crash when the user was made, then rollback",)),
    "the intent is journaled after the effect": Bug(
        _intents_after_effect, ("crash when the user was made, then rollback",)
    ),
    "what was read back counts as not done": Bug(
        _refusals_forget, ("the answer about a set lost, then rollback", "crash when a set was made, then rollback")
    ),
    "no answer counts as done": Bug(_lost_is("APPLIED"), ("a deactivation lost on its way, then resume",)),
    "no answer counts as not done": Bug(_lost_is("NOT_APPLIED"), ("the answer about a set lost, then rollback",)),
    "nothing is read back": Bug(_without_probe, ("crash when a set was made, then resume",)),
    "any row counts when it is read back": Bug(_by_any_row, ("crash before a set is assigned, then resume",)),
    "a row of that name is adopted": Bug(
        _by_name_alone, ("another admin takes the name of the set at the last moment",)
    ),
    "a duplicate counts as ours": Bug(
        _duplicates_are_ours, ("another admin takes the name of the set at the last moment",)
    ),
    "a stage that began counts as passed": Bug(_begun_is_passed, ("crash in the middle of a stage, then resume",)),
    "the org is not proven again": Bug(_believes_any_org, ("the org is no sandbox any more",)),
    "writes go without the lock": Bug(
        _without_fence,
        ("another run comes when the lock is stale", "a late write of a process that died, then rollback"),
    ),
    "late writes are not waited out": Bug(_not_waited_out, ("a late change of metadata, then rollback",)),
    "the lock of another run does not count": Bug(_lock_of_ones_own, ("another run comes",)),
    "a lock is taken over at once": Bug(_taken_over_at_once, ("another run comes",)),
    "the lock is left behind": Bug(_lock_left, ("rollback of it all",)),
    "only what is known to be done is undone": Bug(
        _only_known_successes, ("crash when a set was made, then rollback",)
    ),
    "undone in the order of doing": Bug(_forward_order, ("rollback of it all", "another admin put a row into the set")),
    "values are overwritten whoever wrote them": Bug(_overwrites, ("another admin changed the role",)),
    "the app is overwritten whoever changed it": Bug(_app_overwritten, ("another admin made the app run as another",)),
    "a set is deleted by its name": Bug(_deletes_by_name, ("another admin took the name of the set, then rollback",)),
    "a set is deleted with the rows of others": Bug(
        _deletes_with_others_rows, ("another admin put a row into the set",)
    ),
    "what was found is claimed": Bug(_found_is_claimed, ("another admin froze the old user just before",)),
    "the freeze is not undone": Bug(_not_undone("update", "UserLogin"), ("rollback of it all",)),
    "the app goes on running as the new user": Bug(
        _not_undone("update", "ExtlClntAppOauthConfigurablePolicies"), ("rollback of it all",)
    ),
    "the credential file is not restored": Bug(_file_not_restored, ("crash when the file was written, then rollback",)),
    "memberships are not given back": Bug(
        _place_not_given_back, ("crash when the old user was deactivated, then rollback",)
    ),
}
