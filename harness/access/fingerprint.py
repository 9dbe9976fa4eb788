"""A canonical digest of the part of an org's access state that a migration may touch.

The state is kept as named parts, each a short text or itself a digest: two fingerprints are compared by one value, and
when they differ the parts say where.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from harness.access.reading.assignments import Assignment
from harness.access.reading.holdings import Holdings
from harness.access.reading.people import ExtraLicenses, User

CLEAN = "absent, or inactive with nothing assigned"


def canonical(value: Any) -> str:
    """A value as JSON that is the same for equal values: keys in order, no blanks."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest(value: Any) -> str:
    """The SHA-256 of a value's canonical JSON, in hexadecimal."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def source_parts(user: User, holdings: Holdings, licenses: ExtraLicenses) -> dict[str, str]:
    """The parts that describe the source user: itself, what is assigned to it, and what each set holds.

    What no stage of a migration writes and no change of a user takes along, such as the tabs of a set, is not in it.
    """
    whole = f"user {user.username}"
    parts = {
        f"{whole}: active": str(user.is_active),
        f"{whole}: frozen": str(user.is_frozen),
        f"{whole}: profile": user.profile,
        f"{whole}: user license": user.user_license,
        f"{whole}: role": user.role or "none",
        f"{whole}: groups": ", ".join(user.names("Regular")) or "none",
        f"{whole}: queues": ", ".join(user.names("Queue")) or "none",
        f"{whole}: permission set licenses": ", ".join(sorted(each.name for each in user.licenses)) or "none",
        f"{whole}: feature licenses": ", ".join(sorted(licenses.features)) or "none",
        f"{whole}: package licenses": "untold" if licenses.packages is None else ", ".join(licenses.packages) or "none",
        f"{whole}: assignments": ", ".join(map(_assigned, holdings.assigned)) or "none",
    }
    for source in holdings.sources:
        parts[f"{source.kind} {source.name}"] = digest(source.access.model_dump(mode="json"))
    return parts


def _assigned(assignment: Assignment) -> str:
    """An assignment by what it gives, since its own id is another one after it was put back."""
    until = f" until {assignment.expires.isoformat()}" if assignment.expires else ""
    return f"{assignment.given_id}{until}"


def target_parts(username: str, user: User | None, assigned: tuple[str, ...]) -> dict[str, str]:
    """The part that describes the target user. Absent, and inactive with nothing assigned, are the same: `CLEAN`."""
    return {f"user {username}": "; ".join(_traces(user, assigned)) or CLEAN}


def _traces(user: User | None, assigned: tuple[str, ...]) -> Iterator[str]:
    if user is None:
        return
    if user.is_active:
        yield "active"
    if assigned:
        yield f"assigned {', '.join(assigned)}"
    if user.licenses:
        yield f"licensed {', '.join(sorted(each.name for each in user.licenses))}"
    if user.memberships:
        yield f"member of {', '.join(sorted(each.name for each in user.memberships))}"
    if user.role:
        yield f"in role {user.role}"


def differences(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[str, ...]:
    """What differs between two fingerprints, each in a sentence."""
    names = sorted({*before, *after})
    return tuple(
        f"{name}: was {before.get(name, 'not there')}, is {after.get(name, 'not there')}"
        for name in names
        if before.get(name) != after.get(name)
    )
