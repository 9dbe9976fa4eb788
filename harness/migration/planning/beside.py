"""What a user holds beside its permissions, and what of that the target user will not have. Pure.

A role, groups and queues are carried, so whatever reaches the user through them, as sharing rules do, is as it was.
With `in-place` the user stays, and so does all that hangs on the user and not on its profile or license.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from harness.access.model import Access
from harness.access.reading.set_metadata import SetMetadata
from harness.migration.planning import not_needed
from harness.migration.planning.losses import PlacedDrop
from harness.migration.records import Loss, Snapshot
from harness.scenario.model import LossKind

MASTER = "Master"
"""The record type of a row where there are none."""
_NOT_COPIED = "not-copyable"


@dataclass(frozen=True, slots=True)
class Beside:
    """What `losses_beside` looks at, next to the snapshot."""

    carried: Access
    drops: Sequence[PlacedDrop]
    licenses: frozenset[str]
    """The permission set licenses that the target user is assigned, by DeveloperName."""
    same_user: bool
    """Whether the target user is the source user (`in-place`)."""
    profile: SetMetadata = field(default_factory=SetMetadata)
    """What the target's own profile tells: where a new row gets another record type than `Master`, when and from where
    its users may sign in."""


def losses_beside(snapshot: Snapshot, facts: Beside) -> Iterator[Loss]:
    """What is lost of it, in the order of the kinds."""
    yield from _record_types(snapshot, facts)
    yield from _pages(snapshot)
    yield from _confinement(snapshot, facts.profile)
    if not facts.same_user:
        yield from _rows_about_the_user(snapshot)
    yield from _licenses(snapshot, facts)


def _record_types(snapshot: Snapshot, facts: Beside) -> Iterator[Loss]:
    """A default record type comes from a profile only; it decides what a row gets that names none."""
    for name, default in sorted(snapshot.beside.default_record_types.items()):
        after = facts.profile.default_record_types.get(name, MASTER)
        if default != after and "create" in facts.carried.objects.get(name, ()):
            because = (
                f"A new {name} gets the record type {default} today and {after} then, since only a profile names a "
                "default: let the integration write RecordTypeId."
            )
            yield _loss("default-record-type", name, because)


def _pages(snapshot: Snapshot) -> Iterator[Loss]:
    for name in snapshot.beside.tabs:
        yield _loss("tab", name, not_needed.TABS, cause="not-needed-api-only")
    for name in snapshot.beside.apps:
        yield _loss("app", name, not_needed.APPS, cause="not-needed-api-only")


def _confinement(snapshot: Snapshot, after: SetMetadata) -> Iterator[Loss]:
    """What the old profile keeps the user from: a loss of protection, not of access."""
    profile = snapshot.person.profile
    for name in snapshot.beside.login_hours:
        if name not in after.login_hours:
            because = f"The profile {profile} lets it sign in only then, and the new profile does not say so."
            yield _loss("login-hours", name, because)
    for name in snapshot.beside.login_ip_ranges:
        if name not in after.login_ip_ranges:
            because = f"The profile {profile} lets it sign in only from there, and the new profile does not say so."
            yield _loss("login-ip-ranges", name, because)


def _rows_about_the_user(snapshot: Snapshot) -> Iterator[Loss]:
    for line in snapshot.beside.teams:
        name, _, many = line.partition(": ")
        because = f"{many or 'Some rows'} name the old user; whoever keeps the records adds the new one."
        yield _loss("team", name, because)
    for name in snapshot.beside.territories:
        yield _loss("territory", name, "A user is put into a territory by whoever manages it.")
    for name, count in sorted(snapshot.beside.shares.items()):
        records = "1 record is" if count == 1 else f"{count:,} records are"
        yield _loss("share", name, f"{records} shared with the old user by hand, and with nobody else thereby.")


def _licenses(snapshot: Snapshot, facts: Beside) -> Iterator[Loss]:
    declared = {str(placed.drop.permission).removeprefix("UserPermissions"): placed for placed in facts.drops}
    for name in snapshot.beside.features:
        placed = declared.get(name)
        if placed is not None:
            loss = _loss("feature-license", name, placed.drop.because, cause="declared-drop")
            accepted = {"accepted": True, "accepted_because": placed.drop.because, "place": placed.place}
            yield loss.model_copy(update=accepted)
        elif name in not_needed.FEATURES:
            yield _loss("feature-license", name, not_needed.FEATURES[name], cause="not-needed-api-only")
        else:
            because = "A feature license is given user by user, if its user license allows it."
            yield _loss("feature-license", name, because)
    for name in snapshot.beside.packages:
        yield _loss("package-license", name, "A seat of a managed package is given user by user.")
    for name in snapshot.person.permission_set_licenses:
        if name not in facts.licenses:
            because = "The new user is not assigned it, and what it alone carries is refused: see permissions.licenses."
            yield _loss("permission-set-license", name, because, cause="other-license", license_=name)


def _loss(kind: LossKind, name: str, because: str, *, cause: str = _NOT_COPIED, license_: str | None = None) -> Loss:
    return Loss.model_validate(
        {"kind": kind, "name": name, "cause": cause, "because": because, "license": license_, "accepted": False}
    )


def told_twice(loss: Loss, snapshot: Snapshot) -> bool:
    """Whether a loss is that of an app by its id, where the apps are known by name."""
    return loss.kind == "setup" and loss.name.startswith("TabSet:") and bool(snapshot.beside.apps)


def warnings_beside(snapshot: Snapshot, profile: SetMetadata, *, same_user: bool) -> Iterator[str]:
    """What is no loss of access by itself, and yet changes what the target user sees, or when it may sign in."""
    for name in (*profile.login_hours, *profile.login_ip_ranges):
        if name not in (*snapshot.beside.login_hours, *snapshot.beside.login_ip_ranges):
            yield f"the new profile confines its users to {name}, which the old one does not"
    owned = sum(snapshot.beside.owned.values())
    if owned and not same_user:
        names = ", ".join(f"{count:,} {name}" for name, count in sorted(snapshot.beside.owned.items()))
        yield f"the old user owns {names}: where sharing is private, the new user sees them only by role or rule"
