"""Writes that are sent behind the lock: all or none with a change of it, so that nothing lands once it is deleted.

A composite request holds 25 parts (facts 5.5): the lock's, and 24 rows. Its parts are one transaction.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

from harness.errors import OrgUnreachable, RehearseError
from harness.migration.writing.lock import LockLost, find_lock
from harness.org.errors import GONE
from harness.org.outcome import answer_of, lost, not_sent
from harness.org.reply import Answer, Reply

if TYPE_CHECKING:
    from harness.migration.context import Context

_ROWS = 24
_TOUCHES = 3
_HALTED = "PROCESSING_HALTED"
_MIXED = "MIXED_DML_OPERATION"


class CannotFence(RehearseError):
    """The org lets the lock and the object share no transaction (facts 5.7): nothing happened."""


@dataclass(frozen=True, slots=True)
class Request:
    """One row to be written, as a subrequest. `record_id` is its id where the answer does not tell it."""

    method: str
    url: str
    body: Mapping[str, Any] | None = None
    record_id: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def part(self) -> dict[str, Any]:
        """As a part of a composite."""
        body = {} if self.body is None else {"body": dict(self.body)}
        headers = {"httpHeaders": dict(self.headers)} if self.headers else {}
        return {"method": self.method, "url": self.url, **body, **headers}


def create_of(sobject: str, row: Mapping[str, Any]) -> Request:
    """The request that creates a row."""
    return Request("POST", f"sobjects/{sobject}", row)


def update_of(
    sobject: str, record_id: str, values: Mapping[str, Any], unmodified_since: datetime | None = None
) -> Request:
    """The request that updates a row; with `unmodified_since`, only if nobody changed it after that moment."""
    since = {"If-Unmodified-Since": format_datetime(unmodified_since, usegmt=True)} if unmodified_since else {}
    return Request("PATCH", f"sobjects/{sobject}/{record_id}", values, record_id, since)


def delete_of(sobject: str, record_id: str) -> Request:
    """The request that deletes a row."""
    return Request("DELETE", f"sobjects/{sobject}/{record_id}", None, record_id)


def send_fenced(context: Context, requests: Sequence[Request]) -> list[Answer]:
    """Send them behind the lock; one Answer for each, in order. A row that is to be deleted and is gone is deleted.

    Raises LockLost when the lock is not there any more, and CannotFence; either way nothing of that call has happened.
    """
    answers: list[Answer] = []
    for start in range(0, len(requests), _ROWS):
        some = _chunk(context, requests[start : start + _ROWS])
        answers += some
        if any(answer.certainty == "UNKNOWN" for answer in some):
            break
    return answers + not_sent(len(requests) - len(answers))


def make_sure(context: Context) -> None:
    """Touch the lock, unless that was done just now: before a write that cannot be sent behind it.

    A process that stood still until its lock went stale finds out here. Raises LockLost, and OrgUnreachable.
    """
    for _ in range(_TOUCHES):
        asked = context.world.clock.now()
        if not context.lock.is_doubtful(asked):
            return
        if context.world.guard.granted is None:  # a stage that writes nothing but a file may look, not touch
            standing = find_lock(context)
            if standing is None or standing.id != context.lock.id:
                raise _lost(context)
            context.lock.confirmed(asked)
            return
        [fence] = context.admin.composite([context.lock.touch(context)], all_or_none=True)
        _check(context, fence, ())
        if fence.ok:
            context.lock.confirmed(asked)
    raise OrgUnreachable(
        "the org did not confirm that the lock is still this run's; nothing was sent",
        asked="touch the lock",
        may_have_happened=False,
        remedy="when the org answers again, take the run up with `rehearse resume`",
    )


def send_plain(context: Context, requests: Sequence[Request]) -> list[Answer]:
    """Send them one by one, without the lock."""
    answers: list[Answer] = []
    for each in requests:
        try:
            reply = context.admin.request(each.method, each.url, json=each.body, headers=each.headers)
            answer = answer_of(reply, record_id=each.record_id)
            answers.append(gone_is_done(answer) if each.method == "DELETE" else answer)
        except OrgUnreachable as error:
            answers += lost(error.message, 1) if error.may_have_happened else not_sent(1)
            break
    return answers + not_sent(len(requests) - len(answers))


def _chunk(context: Context, requests: Sequence[Request]) -> list[Answer]:
    """One composite; where rows that are to be deleted are gone, another without them."""
    answers: dict[int, Answer] = {}
    left = list(enumerate(requests))
    while left:
        told = _call(context, [each for _, each in left])
        answers |= {place: answer for (place, _), answer in zip(left, told, strict=True)}
        gone = {place for place, each in left if each.method == "DELETE" and _is_gone(answers[place])}
        answers |= {place: gone_is_done(answers[place]) for place in gone}
        left = [(place, each) for place, each in left if place not in gone] if gone else []
    return [answers[place] for place in range(len(requests))]


def _call(context: Context, requests: Sequence[Request]) -> list[Answer]:
    parts = [context.lock.touch(context), *(each.part for each in requests)]
    asked = context.world.clock.now()
    try:
        fence, *replies = context.admin.composite(parts, all_or_none=True)
    except OrgUnreachable as error:
        return lost(error.message, len(requests)) if error.may_have_happened else not_sent(len(requests))
    _check(context, fence, replies)
    if fence.ok:
        context.lock.confirmed(asked)
    if not fence.ok and not any(_own_words(reply) for reply in replies):
        replies = [fence] * len(requests)  # the lock's row was not free: nothing else was tried
    return [answer_of(reply, record_id=each.record_id) for each, reply in zip(requests, replies, strict=True)]


def _check(context: Context, fence: Reply, replies: Sequence[Reply]) -> None:
    """Raise LockLost or CannotFence where the answers say so."""
    if any(error.code in GONE for error in fence.errors):
        raise _lost(context)
    if any(error.code == _MIXED for reply in (fence, *replies) for error in reply.errors):
        raise CannotFence("the org lets the lock and this object share no transaction")


def _lost(context: Context) -> LockLost:
    context.lock.forget(context)
    return LockLost(
        f"the lock of this run in the org is gone: another run has taken over {context.scenario.from_.username}",
        remedy="see which run it is (`rehearse status` where that one was started); only one may go on",
    )


def _own_words(reply: Reply) -> bool:
    """Whether a part was refused for itself, and not since another one was."""
    return any(error.code != _HALTED for error in reply.errors)


def gone_is_done(answer: Answer) -> Answer:
    """The answer to a deletion: what is not there is deleted."""
    return replace(answer, certainty="APPLIED", errors=()) if _is_gone(answer) else answer


def _is_gone(answer: Answer) -> bool:
    return bool(answer.errors) and all(each.code in GONE for each in answer.errors)


def first_reason(answers: Sequence[Answer]) -> Iterator[int]:
    """The places of the answers that say why, before those that only say that another failed."""
    for own in (True, False):
        for place, answer in enumerate(answers):
            if answer.errors and (answer.errors[0].code != _HALTED) is own:
                yield place
