"""in-place: the same user changes profile and license (facts section 2).

Nobody knows for certain what an org does with assignments that the new license cannot hold: it may refuse the change,
or drop them. So nothing is left for it to decide: the new permission set is made and filled first, while nobody holds
it; then every assignment and permission set license of the user is taken away, each journaled with what is needed to
give it back; then profile and license change; and the licenses and the new set are assigned. Between the first and the
last of these the user can do nothing.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.access.reading.asking import ask
from harness.access.reading.people import User, read_features, read_user
from harness.access.soql import equals, select
from harness.errors import StageFailed
from harness.migration.place import give_back_place
from harness.migration.records import Intent, Preflight
from harness.migration.stages.grant import assign_set, fill_set, make_set
from harness.migration.stages.licensing import SEATS, license_user
from harness.migration.stages.workload import observe_old
from harness.migration.strategies import wanted_licenses
from harness.migration.writing import writes
from harness.migration.writing.writes import Write

if TYPE_CHECKING:
    from harness.migration.context import Context

Row = Mapping[str, Any]

_FEATURE = "UserPermissions"
_NEVER_BEFORE = ("provision/unassign", "provision/unlicense", "provision/profile")
"""The writes from whose first one on the old user is no more: what it gets must have been seen before."""


@dataclass(frozen=True, slots=True)
class _Held:
    """What is taken from the user. Assignments have their ExpirationDate, by which they are given back."""

    assignments: Sequence[Row]
    licenses: Sequence[Row]
    """All of them: taking a set away may take the license that only it needed (facts 1.2)."""


def convert(context: Context, preflight: Preflight) -> Generator[None, None, None]:
    """Convert the source user. Raises StageFailed and what writing raises."""
    if not any(context.records(kind="intent", key=key) for key in _NEVER_BEFORE):
        yield from observe_old(context)
    set_id = make_set(context)
    yield
    yield from fill_set(context, set_id)
    user = read_user(context.admin, context.scenario.from_.username)
    if user is None:
        raise StageFailed(f"{context.scenario.from_.username} is gone", stage=context.stage)
    held = _held(context, user, set_id)
    yield from _take_away(context, user, held)
    _change_profile(context, user, preflight)
    yield
    give_back_place(context, undoes=None)
    license_user(context, user.id, preflight)
    yield
    assign_set(context, set_id, user.id)
    yield


def _held(context: Context, user: User, set_id: str) -> _Held:
    """What the user held when this run first came by: from the journal, where it was written down there."""
    for key in _NEVER_BEFORE[:2]:
        if (before := _journaled(context, key)) is not None:
            return _Held(before.get("assignments", ()), before["licenses"])
    assignments, licenses = ask(
        context.admin,
        select(
            "PermissionSetAssignment",
            ("Id", "PermissionSetId", "PermissionSetGroupId", "ExpirationDate"),
            where=f"{equals('AssigneeId', user.id)} AND PermissionSet.IsOwnedByProfile = false",
            order="Id",
        ),
        select(
            "PermissionSetLicenseAssign",
            ("Id", "PermissionSetLicenseId", "PermissionSetLicense.DeveloperName"),
            where=equals("AssigneeId", user.id),
            order="Id",
        ),
    )
    return _Held(
        [dict(row) for row in assignments if row["PermissionSetId"] != set_id],
        [
            {
                "Id": row["Id"],
                "PermissionSetLicenseId": row["PermissionSetLicenseId"],
                "DeveloperName": row["PermissionSetLicense"]["DeveloperName"],
            }
            for row in licenses
        ],
    )


def _journaled(context: Context, key: str) -> Mapping[str, Any] | None:
    """What stood before a write, as its first intent has it."""
    intents = [record.body for record in context.records(kind="intent", key=key)]
    return intents[0].before if intents and isinstance(intents[0], Intent) else None


def _take_away(context: Context, user: User, held: _Held) -> Generator[None, None, None]:
    wanted = wanted_licenses(context.scenario)
    licenses = [row for row in held.licenses if row["DeveloperName"] not in wanted]
    if held.assignments:
        write = _removal(
            "provision/unassign",
            "PermissionSetAssignment",
            f"take {len(held.assignments)} permission sets and groups from {user.username}",
            user,
            {"assignments": list(held.assignments), "licenses": list(held.licenses)},
        )
        writes.delete(context, write, [str(row["Id"]) for row in held.assignments])
        yield
    if licenses:
        names = ", ".join(sorted(str(row["DeveloperName"]) for row in licenses))
        write = _removal(
            "provision/unlicense",
            "PermissionSetLicenseAssign",
            f"take {names} from {user.username}",
            user,
            {"licenses": list(held.licenses)},
        )
        writes.delete(context, write, [str(row["Id"]) for row in licenses])
        yield


def _removal(key: str, sobject: str, summary: str, user: User, before: Mapping[str, Any]) -> Write:
    return Write(
        key=key,
        operation="delete",
        sobject=sobject,
        summary=summary,
        natural_key={"AssigneeId": user.id},
        before=before,
        inverse="give them back, each with its expiration date",
    )


def _change_profile(context: Context, user: User, preflight: Preflight) -> None:
    """Change the profile, and with it the license. Feature licenses that the new one has not go in the same write."""
    key = "provision/profile"
    before = _journaled(context, key)
    if before is None:
        features = sorted(read_features(context.admin, user.id))
        before = {"ProfileId": user.row["ProfileId"], **{f"{_FEATURE}{name}": True for name in features}}
    write = Write(
        key=key,
        operation="update",
        sobject="User",
        summary=f"move {user.username} to profile {preflight.profile}",
        natural_key={"Id": user.id},
        before=before,
        after={**dict.fromkeys(before, False), "ProfileId": preflight.profile_id},
        inverse=f"move the user back, for which a seat of {preflight.full_license} must be free",
        remedy=SEATS,
    )
    writes.update(context, write, user.id)
