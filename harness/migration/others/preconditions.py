"""What a run relies on, read again right before the first write of each stage, in two calls.

Days may lie between two stages, and other admins work in the same org. What somebody else changed stops the stage
before it writes anything: each change is named with what it was at the snapshot, what this run meant, and what it is.
What the org would not tell is a note: it is not taken for unchanged.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.access.reading.asking import ask_each
from harness.access.soql import among, equals, select
from harness.errors import RequestRefused, StageFailed
from harness.migration.apps import app_queries
from harness.migration.others.meant import intended, made, meant
from harness.migration.others.own_set import (
    ASSIGNED,
    assigned_to_others,
    children,
    missing_rows,
    others_work,
    set_query,
)
from harness.migration.others.three_way import LAST_WRITER, Author, Difference, last_writer, said
from harness.migration.records import Intent, Preflight, Snapshot
from harness.migration.strategies import strategy_of

if TYPE_CHECKING:
    from harness.migration.context import Context

Row = Mapping[str, Any]
Rows = Sequence[Row]

_USER = ("Id", "Username", "IsActive", "CommunityNickname", "ProfileId", "Profile.Name", "UserRoleId", *LAST_WRITER)
_TAKES_SEATS = "provision"
_NONE = "none"


@dataclass(frozen=True, slots=True)
class _Now:
    """What was read. None: the org would not tell, which is noted."""

    users: Rows | None
    logins: Rows | None
    assignments: Rows | None
    licenses: Rows | None
    sets: Rows | None
    connected_apps: Rows | None = None
    client_apps: Rows | None = None
    user_licenses: Rows | None = None
    set_licenses: Rows | None = None


@dataclass(frozen=True, slots=True)
class _Ids:
    """The rows of this run's own, as far as it has made them."""

    source: str
    target: str | None
    set: str | None

    @property
    def users(self) -> tuple[str, ...]:
        """Of both users."""
        return (self.source, self.target) if self.target else (self.source,)


def check_preconditions(context: Context) -> None:
    """Read it again, and raise StageFailed, naming every change. One or two calls.

    Without a snapshot there is nothing to hold it against, and nothing is asked.
    """
    snapshot = context.find(Snapshot)
    if snapshot is None:
        return
    ids = _ids(context, snapshot)
    now = _read(context, ids)
    changed = [str(each) for each in _changes(context, snapshot, ids, now)]
    if changed:
        raise StageFailed(
            f"somebody else changed what this run relies on, and nothing was written: {'; '.join(changed)}",
            stage=context.stage,
            remedy="find out why in the Setup Audit Trail; where it may be so, `rehearse rollback` undoes this run and "
            "a new one plans with it; otherwise put it back, and `rehearse resume` goes on",
        )


def _ids(context: Context, snapshot: Snapshot) -> _Ids:
    source = snapshot.person.id
    one_user = strategy_of(context.scenario).one_user
    return _Ids(source, source if one_user else made(context, "provision/user"), made(context, "grant/permission-set"))


# --- reading ----------------------------------------------------------------------------------------------------------


def _read(context: Context, ids: _Ids) -> _Now:
    of_users = among("AssigneeId", sorted(set(ids.users)))
    queries = {
        "users": select("User", _USER, where=among("Id", sorted(set(ids.users))), order="Id"),
        "logins": select(
            "UserLogin", ("Id", "UserId", "IsFrozen", *LAST_WRITER), where=among("UserId", sorted(set(ids.users)))
        ),
        "assignments": select(
            "PermissionSetAssignment",
            ("Id", "AssigneeId", "PermissionSetId", "PermissionSetGroupId", "PermissionSet.Name"),
            where=f"{of_users} AND PermissionSet.IsOwnedByProfile = false",
            order="Id",
        ),
        "licenses": select(
            "PermissionSetLicenseAssign",
            ("Id", "AssigneeId", "PermissionSetLicenseId", "PermissionSetLicense.DeveloperName"),
            where=of_users,
            order="Id",
        ),
        "sets": set_query(equals("Id", ids.set)) if ids.set else "",
        **_surroundings(context),
    }
    asked = {name: soql for name, soql in queries.items() if soql}
    answers = dict(zip(asked, ask_each(context.admin, list(asked.values())), strict=True))
    return _Now(**{name: _told(context, name, answers.get(name, ())) for name in queries})


def _surroundings(context: Context) -> dict[str, str]:
    """The queries for the app, and for the seats that the stage takes."""
    preflight, app = context.find(Preflight), getattr(context.scenario.to.sign_in, "app", None)
    queries = dict(zip(("connected_apps", "client_apps"), app_queries(app), strict=True)) if app else {}
    if preflight is not None and context.stage == _TAKES_SEATS:
        begins_full = strategy_of(context.scenario).begins_full
        names = sorted({preflight.user_license, *([preflight.full_license] if begins_full else [])})
        columns = ("Id", "MasterLabel", "Name", "TotalLicenses", "UsedLicenses")
        queries["user_licenses"] = select("UserLicense", columns, where=among("Name", names), order="Id")
        queries["set_licenses"] = select(
            "PermissionSetLicense",
            ("Id", "MasterLabel", "TotalLicenses", "UsedLicenses"),
            where=equals("Id", preflight.permission_set_license_id),
        )
    return queries


def _told(context: Context, name: str, answer: Rows | RequestRefused) -> Rows | None:
    if not isinstance(answer, RequestRefused):
        return answer
    if name != "client_apps":  # an org without External Client Apps knows no such object
        text = f"Before {context.stage}, the org would not tell its {name.replace('_', ' ')}: {answer.message}"
        context.not_tested(f"unread {context.stage} {name}", text)
    return None


# --- comparing --------------------------------------------------------------------------------------------------------


def _changes(context: Context, snapshot: Snapshot, ids: _Ids, now: _Now) -> Iterator[Difference | str]:
    yield from _of_source(context, snapshot, ids, now)
    if not strategy_of(context.scenario).one_user:
        yield from _of_target(context, ids, now)
    yield from _of_set(context, ids, now)
    yield from _of_app(context, now)
    yield from _of_seats(context, now)


def _of_source(context: Context, snapshot: Snapshot, ids: _Ids, now: _Now) -> Iterator[Difference | str]:
    person, user = snapshot.person, _row(now.users, "Id", ids.source)
    if now.users is not None and user is None:
        yield Difference(f"the user {person.username}", "there", "there", "gone")
    if user is not None:
        author = last_writer(user)
        yield from _other(f"the username of {person.username}", person.username, user["Username"], author)
        active = meant(context, "User", ids.source, "IsActive", person.is_active)
        yield from _given(active.difference(f"{person.username}: active", user["IsActive"], author))
        yield from _profile_of_source(context, snapshot, user)
    yield from _frozen(context, ids.source, person.username, person.is_frozen, now)
    if not any(intended(context, key) for key in _TAKES_FROM_SOURCE):
        yield from _holdings_of_source(snapshot, ids, now)


_TAKES_FROM_SOURCE = ("provision/unassign", "provision/unlicense", "provision/profile", "retire/deactivate")
"""The writes from which on the source user holds other sets and licenses than at the snapshot."""


def _profile_of_source(context: Context, snapshot: Snapshot, user: Row) -> Iterator[Difference]:
    person, now = snapshot.person, (user.get("Profile") or {}).get("Name")
    if not intended(context, "provision/profile"):
        yield from _other(f"the profile of {person.username}", person.profile, now, last_writer(user))
        return
    profiles = meant(context, "User", str(user["Id"]), "ProfileId", None)
    if None in profiles.ours and now == person.profile:
        return
    yield from _given(profiles.difference(f"the profile of {person.username}", user["ProfileId"], last_writer(user)))


def _holdings_of_source(snapshot: Snapshot, ids: _Ids, now: _Now) -> Iterator[Difference]:
    person = snapshot.person
    if now.assignments is not None:
        part = snapshot.parts.get(f"user {person.username}: assignments", _NONE)
        before = {each.partition(" until ")[0] for each in part.split(", ")} - {_NONE}
        rows = [row for row in now.assignments if row["AssigneeId"] == ids.source and row["PermissionSetId"] != ids.set]
        names = {str(row["PermissionSetGroupId"] or row["PermissionSetId"]): _set_name(row) for row in rows}
        names |= {each.id: each.label for each in snapshot.sources}
        held = {str(row["PermissionSetGroupId"] or row["PermissionSetId"]) for row in rows}
        yield from _sets(f"what is assigned to {person.username}", before, held, names)
    if now.licenses is not None:
        rows = [row for row in now.licenses if row["AssigneeId"] == ids.source]
        held = {str((row.get("PermissionSetLicense") or {}).get("DeveloperName")) for row in rows}
        yield from _sets(f"the permission set licenses of {person.username}", set(person.permission_set_licenses), held)


def _of_target(context: Context, ids: _Ids, now: _Now) -> Iterator[Difference | str]:
    """The user this run made is ours by its mark and as we left it; before it is made, making it looks by itself."""
    if ids.target is None or now.users is None:
        return
    username, user = context.scenario.target_username, _row(now.users, "Id", ids.target)
    if user is None:
        yield Difference(f"the user {username}", None, "there", "gone")
        return
    before = {"Username": username, "IsActive": True, **_before(context, "provision/user")}
    for column in ("Username", "CommunityNickname", "IsActive", "ProfileId", "UserRoleId"):
        wanted = meant(context, "User", ids.target, column, before.get(column))
        yield from _given(wanted.difference(f"User.{column} of {username}", user[column], last_writer(user)))
    yield from _frozen(context, ids.target, username, False, now)
    license_id = _license_row(context)
    if license_id and now.licenses is not None:
        held = {(row["AssigneeId"], row["PermissionSetLicenseId"]) for row in now.licenses}
        if (ids.target, license_id) not in held:
            yield Difference(f"the permission set license of {username}", None, "assigned", "taken away")


def _before(context: Context, key: str) -> Mapping[str, Any]:
    """What stood before a write, where it is an update."""
    intents = [record.body for record in context.records(kind="intent", key=key)]
    first = intents[0] if intents else None
    return dict(first.before or {}) if isinstance(first, Intent) else {}


def _license_row(context: Context) -> str | None:
    """The permission set license that this run has assigned, where it is certain that it has."""
    preflight = context.find(Preflight)
    return preflight.permission_set_license_id if preflight and made(context, "provision/license") else None


def _of_set(context: Context, ids: _Ids, now: _Now) -> Iterator[Difference | str]:
    if ids.set is None or now.sets is None:
        return
    label, intent = context.scenario.permission_set_label, _intent(context, "grant/permission-set")
    if not now.sets or intent is None:
        yield Difference(f"the permission set {label}", None, "there", "gone")
        return
    yield from others_work(context, now.sets[0], intent)
    if lost := missing_rows(context, now.sets[0]):
        yield Difference(f"rows in {label}", None, "all that were written", f"{lost} fewer")
    assigned = {row["AssigneeId"] for row in children(now.sets[0], ASSIGNED)}
    if made(context, "grant/assignment") and ids.target not in assigned:
        yield Difference(f"{label} and {context.scenario.target_username}", None, "assigned", "not assigned")
    if others := assigned_to_others(now.sets[0], ids.users):
        text = f"{label} was assigned to {', '.join(others)} too: a rollback will leave it alone"
        context.warn(f"also given {context.stage}", text)


def _of_app(context: Context, now: _Now) -> Iterator[Difference]:
    app, preflight = getattr(context.scenario.to.sign_in, "app", None), context.find(Preflight)
    if app is None or preflight is None or preflight.target_app_kind is None or now.connected_apps is None:
        return
    connected = preflight.target_app_kind == "ConnectedApplication"
    rows = now.connected_apps if connected else now.client_apps
    if rows is None:
        return
    if not rows:
        yield Difference(f"the app {app}", "there", "there", "gone")
    elif connected:
        approved = bool(rows[0]["OptionsAllowAdminApprovedUsersOnly"])
        yield from _other(
            f"{app}: admin-approved users alone", preflight.target_app_admin_approved_only, approved, None
        )


def _of_seats(context: Context, now: _Now) -> Iterator[str]:
    if context.stage != _TAKES_SEATS:
        return
    one_user = strategy_of(context.scenario).one_user
    if not intended(context, "provision/profile" if one_user else "provision/user"):
        yield from _without_seat(now.user_licenses)
    if not intended(context, "provision/license"):
        yield from _without_seat(now.set_licenses)


def _without_seat(rows: Rows | None) -> Iterator[str]:
    for row in rows or ():
        if int(row["UsedLicenses"]) >= int(row["TotalLicenses"]):
            yield f"no seat of {row['MasterLabel']} is free: {row['UsedLicenses']} of {row['TotalLicenses']} are used"


def _frozen(context: Context, user_id: str, username: str, before: bool, now: _Now) -> Iterator[Difference]:
    login = _row(now.logins, "UserId", user_id)
    if login is not None:
        wanted = meant(context, "UserLogin", str(login["Id"]), "IsFrozen", before)
        yield from _given(wanted.difference(f"{username}: frozen", login["IsFrozen"], last_writer(login)))


def _intent(context: Context, key: str) -> Intent | None:
    intents = [record.body for record in context.records(kind="intent", key=key)]
    return intents[-1] if intents and isinstance(intents[-1], Intent) else None


def _row(rows: Rows | None, column: str, value: str) -> Row | None:
    return next((row for row in rows or () if row[column] == value), None)


def _set_name(row: Row) -> str:
    return str((row.get("PermissionSet") or {}).get("Name"))


def _other(what: str, before: Any, now: Any, author: Author | None) -> Iterator[Difference]:
    if now != before:
        yield Difference(what, before, before, now, author)


def _sets(what: str, before: set[str], now: set[str], names: Mapping[str, str] | None = None) -> Iterator[Difference]:
    if before != now:
        was, is_ = (", ".join(sorted((names or {}).get(one, one) for one in some)) for some in (before, now))
        yield Difference(what, said(was), "the same", said(is_))


def _given(difference: Difference | None) -> Iterator[Difference]:
    if difference is not None:
        yield difference
