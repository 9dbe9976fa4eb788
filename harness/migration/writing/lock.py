"""The lock in the org: at most one run writes, and what a process sent before it died or gave up cannot land later.

It is an empty permission set whose name follows from the user who is moved: a name is unique in an org, so that of two
runs one is refused. Its description holds who has it and a heartbeat. Every write that can be is sent together with a
change of this row, all or none, the change first (`harness.migration.writing.fenced`): once the row is deleted, what
was sent under it comes to nothing. A lock that is taken again is another row with another id.

What cannot be sent so (metadata, passwords, rows written as the integration users) is waited out: an org works on a
call for ten minutes at most after its client has given up.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

from harness.access.soql import equals, select
from harness.errors import OrgUnreachable, StageFailed, Stopped
from harness.migration.records import Lock
from harness.migration.writing.waiting import wait_out
from harness.org.errors import GONE, find
from harness.org.meter import LimitReached

if TYPE_CHECKING:
    from harness.migration.context import Context

STALE_AFTER = timedelta(minutes=10)
"""Without a heartbeat for so long, a lock of another run may be taken over."""
SURE_FOR = timedelta(minutes=5)
"""For so long after the org confirmed the lock, something may be written that cannot be sent behind it."""
KEY = "lock"
_PREFIX = "Rehearsal_Lock_"
_LABEL = "Rehearsal Lock"
_DUPLICATE = "DUPLICATE"
_TRIES = 3
_PROBE = 5.0
"""Seconds between two looks at a lock that seems to be stale: a holder that lives may have been about to touch it."""
_TEXT = re.compile(r"rehearse run=(\S+) host=(\S+) since=(\S+) heartbeat=(\S+)")
_MOMENT = "%Y-%m-%dT%H:%M:%S.%fZ"
_SECOND = "%Y-%m-%dT%H:%M:%SZ"


class LockHeld(Stopped):
    """Another run holds the lock; `until` is when it may be taken over, if nothing is heard of it by then."""

    def __init__(self, message: str, *, until: datetime | None, remedy: str) -> None:
        super().__init__(message, remedy=remedy)
        self.until = until


class LockLost(Stopped):
    """The lock was taken over or deleted: nothing of what was just sent has happened, and nothing more is sent."""


def lock_name(source_username: str) -> str:
    """The developer name of the lock of whoever moves this user."""
    return _PREFIX + hashlib.sha256(source_username.casefold().encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds a lock, as its description says. `since` tells two locks of one run from each other."""

    run_id: str
    host: str
    since: str
    heartbeat: str

    @classmethod
    def read(cls, text: str) -> Self | None:
        """The holder in a description, or None where it is none of ours."""
        found = _TEXT.fullmatch(text)
        return cls(*found.groups()) if found else None

    def __str__(self) -> str:
        return f"rehearse run={self.run_id} host={self.host} since={self.since} heartbeat={self.heartbeat}"


@dataclass(frozen=True, slots=True)
class Standing:
    """A lock as it stands in the org. `touched` is when it was last changed, by the org's clock."""

    id: str
    text: str
    touched: datetime

    @property
    def holder(self) -> Holder | None:
        """Who holds it."""
        return Holder.read(self.text)


def find_lock(context: Context) -> Standing | None:
    """The lock of this scenario's source user, or None. One call."""
    name = lock_name(context.scenario.from_.username)
    rows = context.admin.query(
        select("PermissionSet", ("Id", "Description", "LastModifiedDate"), where=equals("Name", name))
    )
    if not rows:
        return None
    touched = datetime.strptime(str(rows[0]["LastModifiedDate"]), "%Y-%m-%dT%H:%M:%S.%f%z")
    return Standing(str(rows[0]["Id"]), str(rows[0]["Description"] or ""), touched)


class OrgLock:
    """The lock of one run in one process."""

    def __init__(self, *, host: str) -> None:
        """`host` names the place this process runs at; no other process of the same run may run there (a file lock)."""
        self.host = re.sub(r"[^\w.:-]", "-", host)[:60] or "unknown"
        self.id: str | None = None
        self.cannot_fence: set[str] = set()
        """The objects that this org lets share no transaction with the lock."""
        self._since = ""
        self._sure_at: datetime | None = None

    def take(self, context: Context) -> None:
        """Take the lock, unless it is held already. Raises LockHeld, and what writing raises."""
        if self.id is not None:
            return
        self._wait_for_the_last(context)
        for _ in range(_TRIES):
            if self._create(context):
                return
            standing = find_lock(context)
            if standing is not None:
                self._take_over(context, standing)
        raise StageFailed(
            "the lock in the org was taken by one run after the other, and never by this one",
            stage=context.stage,
            remedy="find out who else rehearses this migration, then `rehearse resume`",
        )

    def release(self, context: Context) -> None:
        """Delete the lock. Raises OrgUnreachable where the org does not say that it is gone."""
        if self.id is None:
            return
        lock_id, self.id = self.id, None
        self._delete(context, lock_id, "released")

    def renew(self, context: Context) -> None:
        """Put a new lock in the place of the held one: what was sent under that one is now done, or never will be."""
        if self.id is None:
            return
        lock_id, self.id = self.id, None
        self._delete(context, lock_id, "renewed")
        self.take(context)

    def is_doubtful(self, now: datetime) -> bool:
        """Whether the org has not confirmed for a while that the lock is ours: this process may have stood still."""
        return self.id is not None and (self._sure_at is None or now - self._sure_at > SURE_FOR)

    def confirmed(self, asked: datetime) -> None:
        """The lock stood when the org was asked at that moment."""
        self._sure_at = asked

    def forget(self, context: Context) -> None:
        """Note that the lock is somebody else's now."""
        if self.id is not None:
            context.record("lock", KEY, Lock(state="lost", id=self.id))
            self.id = None

    def touch(self, context: Context) -> dict[str, Any]:
        """The subrequest that goes before a write: it fails when the lock is not there any more."""
        return {
            "method": "PATCH",
            "url": f"sobjects/PermissionSet/{self.id}",
            "body": {"Description": str(self._holder(context))},
        }

    def _holder(self, context: Context) -> Holder:
        now = context.world.clock.now()
        self._since = self._since or now.strftime(_MOMENT)
        return Holder(context.run_id, self.host, self._since, now.strftime(_SECOND))

    def _create(self, context: Context) -> bool:
        """Ask for the lock; whether it is ours now. Raises OrgUnreachable, and StageFailed where the org refuses."""
        self._since, asked = "", context.world.clock.now()
        name, holder = lock_name(context.scenario.from_.username), self._holder(context)
        context.record("lock", KEY, Lock(state="asked", name=name, holder=str(holder)))
        row = {"Name": name, "Label": _LABEL, "Description": str(holder)}
        answer = context.admin.create("PermissionSet", row)
        if answer.certainty == "UNKNOWN":
            return self._settle(context, holder)
        if answer.ok and answer.id:
            self._hold(context, answer.id)
            self.confirmed(asked)
            return True
        error = answer.errors[0]
        context.record("lock", KEY, Lock(state="refused", error=str(error)))
        if error.code.startswith(_DUPLICATE):
            return False
        if not _said(error.code):
            raise OrgUnreachable(
                f"the org did not answer when asked for the lock {name}; nothing was done",
                asked=f"create the permission set {name}",
                may_have_happened=False,
                remedy="when the org answers again, take the run up with `rehearse resume`",
            )
        LimitReached.where_used_up(answer.errors)
        known = find(error.code, error.message)
        later = known.remedy if known and known.again != "never" else None
        raise StageFailed(
            f"the org refused the lock {name}: {error}",
            stage=context.stage,
            remedy=later or "the admin must be able to create permission sets: the lock is an empty one",
        )

    def _settle(self, context: Context, holder: Holder) -> bool:
        """Whether the lock whose answer was lost stands. Raises OrgUnreachable when it does not, after a wait."""
        for waits in (False, True):
            if waits:
                wait_out(context, "the lock, which the org did not confirm")
            standing = find_lock(context)
            if standing is not None and standing.text == str(holder):
                self._hold(context, standing.id)
                return True
            if standing is not None:
                context.record("lock", KEY, Lock(state="refused", error="it is another's"))
                return False
        context.record("lock", KEY, Lock(state="refused", error="the org did not answer, and it was not done"))
        raise OrgUnreachable(
            "the org did not answer when asked for the lock; read back, it was not done",
            asked="create the lock",
            may_have_happened=False,
            remedy="when the org answers again, take the run up with `rehearse resume`",
        )

    def _hold(self, context: Context, lock_id: str) -> None:
        self.id, self._sure_at = lock_id, None
        context.record("lock", KEY, Lock(state="held", id=lock_id))

    @staticmethod
    def _wait_for_the_last(context: Context) -> None:
        """Wait until a lock that a dead process asked for, and that does not stand, cannot come any more."""
        records = context.records(kind="lock")
        last = records[-1].body if records else None
        if isinstance(last, Lock) and last.state == "asked":
            standing = find_lock(context)
            if standing is None or standing.text != last.holder:
                wait_out(context, "a lock that was asked for", since=records[-1].at)

    def _is_own(self, context: Context, standing: Standing) -> bool:
        """Whether a process of this run at this place took it, which then is dead."""
        holder = standing.holder
        return holder is not None and (holder.run_id, holder.host) == (context.run_id, self.host)

    def _take_over(self, context: Context, standing: Standing) -> None:
        """Delete a lock whose holder is dead. Raises LockHeld while it may live."""
        if not self._is_own(context, standing):
            self._must_be_stale(context, standing)
        self._delete(context, standing.id, "taken over")

    def _must_be_stale(self, context: Context, standing: Standing) -> None:
        """Raise LockHeld unless nothing was heard of the holder for ten minutes, nor while it is looked at again."""
        until = standing.touched + STALE_AFTER
        if context.world.clock.now() >= until:
            context.world.clock.sleep(_PROBE)
            if find_lock(context) == standing:
                context.warn("lock", f"The lock of a run that was not heard of was taken over: {standing.text}")
                return
        raise LockHeld(
            f"another run is at work on {context.scenario.from_.username}: {_in_words(standing)}",
            until=until,
            remedy="wait for it to end; a run that died leaves the lock behind, and after ten minutes without a "
            "heartbeat `rehearse resume` takes it over",
        )

    def _delete(self, context: Context, lock_id: str, why: str) -> None:
        """Delete a lock by its id, which no other will ever have. Raises OrgUnreachable where that stays unknown."""
        context.record("lock", KEY, Lock(state="deleting", id=lock_id, why=why))
        for _ in range(_TRIES):
            answer = context.admin.delete("PermissionSet", lock_id)
            gone = bool(answer.errors) and all(error.code in GONE for error in answer.errors)
            if answer.ok or gone or not self._stands(context, lock_id):
                context.record("lock", KEY, Lock(state="deleted", id=lock_id, why=why))
                return
        LimitReached.where_used_up(answer.errors)
        error = answer.errors[0] if answer.errors else "no answer"
        raise OrgUnreachable(
            f"the org did not delete the lock {lock_id}: {error}",
            asked=f"delete the permission set {lock_id}",
            may_have_happened=True,
            remedy="when the org answers again, take the run up with `rehearse resume` or `rehearse rollback`",
        )

    @staticmethod
    def _stands(context: Context, lock_id: str) -> bool:
        return bool(context.admin.query(select("PermissionSet", ("Id",), where=equals("Id", lock_id))))


def _said(code: str) -> bool:
    """Whether the org said it, and not our own transport."""
    return code not in ("NO_ANSWER", "NOT_SENT")


def _in_words(standing: Standing) -> str:
    holder = standing.holder
    if holder is None:
        return f"the permission set {standing.id} has the lock's name, and its description is {standing.text!r}"
    return f"run {holder.run_id} on {holder.host}, heard of at {standing.touched:%Y-%m-%d %H:%M:%S} UTC"
