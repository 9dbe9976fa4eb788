"""The seal of a plan: what it is bound to, until when it holds, and whether it is still what was sealed. Pure.

A plan has two digests over canonical JSON. `digest` is over what it says: the writes, the losses, the org, the
snapshot, the scenario and the version of this tool; two plans of an unchanged org have the same one, so that one that a
reviewer approved can be told from another. `seal` is over all of that and the moment it ends, and so is another one
each time. Both show a change; neither is a signature.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from harness.access.fingerprint import digest
from harness.errors import GuardRefused
from harness.migration.records import Plan

LIFETIME = timedelta(hours=24)
"""How long a plan may wait for its first write: long enough to be read and approved, too short to be forgotten."""
Reason = Literal["changed", "org", "scenario", "snapshot", "version", "expired", "used", "not-approved"]
_NEW = "make a new one: rehearse plan FILE, or rehearse run FILE, which makes its own"
_SHOWN = 8


class PlanNotValid(GuardRefused):
    """A plan that is not to be carried out: changed, expired, used already, or made for something else."""

    def __init__(self, reason: Reason, message: str, remedy: str = _NEW) -> None:
        super().__init__(f"the plan {message}: nothing was written", remedy=remedy)
        self.reason: Reason = reason


@dataclass(frozen=True, slots=True)
class Moment:
    """Where and when a plan is to be carried out. What is not known yet is None."""

    org_id: str
    scenario_digest: str
    tool_version: str
    now: datetime
    fingerprint: str | None = None
    """Of the snapshot."""


def digest_of(plan: Plan) -> str:
    """The digest of what a plan says."""
    return digest(plan.model_dump(mode="json", exclude={"digest", "expires", "seal"}))


def seal_of(plan: Plan) -> str:
    """The digest of everything in it but the seal itself."""
    return digest(plan.model_dump(mode="json", exclude={"seal"}))


def seal(plan: Plan, *, made: datetime) -> Plan:
    """The plan with its digest, the end of its lifetime and its seal."""
    said = plan.model_copy(update={"digest": digest_of(plan), "expires": made + LIFETIME})
    return said.model_copy(update={"seal": seal_of(said)})


def check_seal(plan: Plan, moment: Moment, *, begun: bool = False) -> None:
    """Raise PlanNotValid unless this is the plan that was sealed, for this org, scenario and snapshot, and in time.

    One that `begun` to be carried out goes on for days, and by a newer version of this tool; it does not change.
    """
    if not plan.seal:
        raise PlanNotValid("changed", "bears no seal")
    if plan.digest != digest_of(plan) or plan.seal != seal_of(plan):
        raise PlanNotValid("changed", "was changed after it was sealed")
    _same("org", "org", plan.org_id, moment.org_id)
    _same("scenario", "scenario", plan.scenario_digest, moment.scenario_digest)
    if moment.fingerprint is not None:
        _same("snapshot", "snapshot", plan.snapshot_fingerprint, moment.fingerprint)
    if begun:
        return
    _same("version", "version of rehearse", plan.tool_version, moment.tool_version)
    if plan.expires is None or moment.now >= plan.expires:
        ended = f"{plan.expires:%Y-%m-%d %H:%M} UTC" if plan.expires else "no moment"
        raise PlanNotValid("expired", f"held until {ended}, and it is {moment.now:%Y-%m-%d %H:%M} UTC")


def _same(reason: Reason, what: str, planned: str, now: str) -> None:
    if planned != now:
        raise PlanNotValid(reason, f"was made for another {what} ({_short(planned)}, and this is {_short(now)})")


def check_approved(digest_approved: str, plan: Plan, *, approved: Plan | None = None) -> None:
    """Raise PlanNotValid unless the plan says what was approved; with `approved`, the message says what differs."""
    if plan.digest == digest_approved:
        return
    found = list(differences(approved, plan)) if approved is not None else []
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    told = f": {'; '.join(found[:_SHOWN])}{more}" if found else ""
    raise PlanNotValid(
        "not-approved",
        f"is not the one that was approved ({_short(plan.digest)}, and that is {_short(digest_approved)}){told}",
        "the org or the scenario changed since: read the new plan (rehearse plan FILE --write PLAN), approve that one",
    )


def differences(before: Plan, now: Plan) -> Iterator[str]:
    """In what two plans differ: each write and loss that only one has, and the names of all else."""
    for name in ("writes", "losses"):
        yield from _of_rows(name, getattr(before, name), getattr(now, name))
    told = {"writes", "losses", "digest", "expires", "seal", "calls"}
    for name in Plan.model_fields:
        if name not in told and getattr(before, name) != getattr(now, name):
            yield f"{name.replace('_', ' ')} differs"


def _of_rows(name: str, before: tuple[Any, ...], now: tuple[Any, ...]) -> Iterator[str]:
    one = name.removesuffix("es") if name == "losses" else name.removesuffix("s")
    yield from (f"new {one}: {_line(row)}" for row in now if row not in before)
    yield from (f"no {one} any more: {_line(row)}" for row in before if row not in now)


def _line(row: Any) -> str:
    return str(getattr(row, "summary", None) or getattr(row, "line", row))


def _short(value: str) -> str:
    return f"{value[:18]}…" if len(value) > 18 else value or "none"
