"""Writing the records of what a run did, as far as it was seen: what the ordinary resume and rollback work from.

An intent has the time at which its row was made, so that what is asked of the org later, whether this run made it, is
answered as ever. What is not seen counts as not done.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from harness.access.fingerprint import digest
from harness.access.model import Access
from harness.migration.adopting.audit_words import changed_by_others, nickname_before
from harness.migration.adopting.before import Names, listed
from harness.migration.adopting.judging import Judgement, is_own, own_licenses, run_as_value
from harness.migration.adopting.planned import planned_rows
from harness.migration.adopting.seen import Row, Seen, SeenSet, SeenUser
from harness.migration.licenses import license_key
from harness.migration.others.three_way import creator
from harness.migration.records import Beside, Intent, Outcome, Person, Snapshot, WriteOperation
from harness.migration.sign_ins import parse
from harness.migration.strategies import strategy_of
from harness.migration.target import PERMISSION_SET_LICENSE
from harness.migration.trial_user import trial_username

if TYPE_CHECKING:
    from harness.migration.context import Context

_FEATURE = "UserPermissions"
_MOMENT = "%Y-%m-%dT%H:%M:%S.000+0000"


@dataclass(frozen=True, slots=True)
class Work:
    """What the records are written from."""

    context: Context
    seen: Seen
    found: Judgement
    names: Names

    def done(
        self,
        key: str,
        operation: WriteOperation,
        sobject: str,
        ids: Sequence[str],
        *,
        at: datetime | None,
        natural_key: Row,
        before: Row | None = None,
        after: Row | None = None,
        whole: bool = True,
        was_there: bool = False,
    ) -> None:
        """Journal one write as it was seen; not `whole`: only some of its rows are there."""
        context = self.context
        intent = Intent(
            operation=operation,
            sobject=sobject,
            summary=f"{key.partition('/')[2]}, as found in the org",
            rows=len(ids),
            natural_key=natural_key,
            before=before,
            after=after,
            found=was_there,
            inverse=_INVERSES[operation],
        )
        outcome = Outcome(certainty="APPLIED" if whole else "NOT_APPLIED", ids=tuple(ids), settled_by="read-back")
        stage, context.stage = context.stage, _stage_of(context, key)
        try:
            context.record("intent", key, intent, at=at)
            context.record("outcome", key, outcome)
        finally:
            context.stage = stage


_INVERSES: Mapping[WriteOperation, str] = {
    "create": "delete the rows; users are deactivated",
    "update": "put the values back",
    "delete": "give them back",
    "file": "put the old file back",
}


def rebuild(work: Work) -> None:
    """Journal every write of the run that was seen, in the order of its stages."""
    seen, run_id = work.seen, work.context.run_id
    _trial(work)
    if seen.target and is_made_by(seen.target, run_id):
        _user(work, "provision/user", seen.target)
        _licenses(work, seen.target)
    own = own_set_of(seen, work.context)
    if own is not None:
        _set(work, "grant/permission-set", own)
        _rows(work, own)
    if work.found.converted:
        _conversion(work)
    if own is not None:
        _assignment(work, own)
    if seen.target and is_made_by(seen.target, run_id):
        _place(work, seen.target)
    _authorization(work, own)
    _ending(work)


def own_set_of(seen: Seen, context: Context) -> SeenSet | None:
    """The permission set of the run: one that bears its mark, and that its admin made."""
    return seen.own_set if is_own(seen.own_set, context.run_id, context.admin.user_id) else None


def is_made_by(user: SeenUser, run_id: str) -> bool:
    """Whether a user bears the run's mark."""
    return user.run_id == run_id


def snapshot_of(work: Work) -> Snapshot:
    """The snapshot as far as it is known: whose it is and what it is made of, not what the user might do."""
    found, user = work.found, work.seen.source
    value = _value(found, user.username)
    person = Person(
        id=user.id,
        username=user.username,
        name=str(user.row["Name"]),
        profile=value["profile"],
        user_license=value["user license"],
        is_active=value["active"] == "True",
        is_frozen=value["frozen"] == "True",
        role=None if value["role"] == "none" else value["role"],
        permission_set_licenses=tuple(sorted(listed(value["permission set licenses"]))),
        groups=tuple(sorted(listed(value["groups"]))),
        queues=tuple(sorted(listed(value["queues"]))),
    )
    packages = () if value["package licenses"] == "untold" else tuple(sorted(listed(value["package licenses"])))
    fingerprint = found.fingerprint or digest(found.before)
    return Snapshot(
        person=person,
        sources=(),
        effective=Access(),
        fingerprint=fingerprint,
        parts=found.before,
        beside=Beside(packages=packages, features=tuple(sorted(listed(value["feature licenses"])))),
        calls=0,
        rows_read=0,
    )


def _value(found: Judgement, username: str) -> dict[str, str]:
    prefix = f"user {username}: "
    return {name.removeprefix(prefix): text for name, text in found.before.items() if name.startswith(prefix)}


def _stage_of(context: Context, key: str) -> str:
    stage = key.partition("/")[0]
    one_user = strategy_of(context.scenario).one_user
    return "provision" if one_user and key.startswith("grant/") else stage


# --- users and their licenses -----------------------------------------------------------------------------------------


def _user(work: Work, key: str, user: SeenUser) -> None:
    """The user: one that it made, or took up from an earlier run and gave its mark."""
    row, audit = user.user.row, work.seen.audit or ()
    mark = str(row["CommunityNickname"])
    taken_up = nickname_before(audit, user.user)
    if taken_up is not None:
        after = {"IsActive": True, "CommunityNickname": mark, "ProfileId": row["ProfileId"]}
        before = {**after, "IsActive": False, "CommunityNickname": taken_up[0]}
        work.done(
            key,
            "update",
            "User",
            [user.user.id],
            at=taken_up[1],
            natural_key={"Id": user.user.id},
            before=before,
            after=after,
        )
        return
    names = {"Username": user.user.username, "CommunityNickname": mark}
    after = {**names, "ProfileId": row["ProfileId"]}
    work.done(key, "create", "User", [user.user.id], at=user.made.at, natural_key=names, after=after)


def _licenses(work: Work, user: SeenUser) -> None:
    """The permission set licenses of a user: those that a run assigns, and that were not there before."""
    wanted = {PERMISSION_SET_LICENSE: "provision/license"}
    wanted |= {name: license_key(name) for name in work.context.scenario.permissions.licenses}
    one_user = strategy_of(work.context.scenario).one_user
    held = own_licenses(work.found, user.user.username) if one_user else set[str]()
    for row in user.licenses:
        key = wanted.get(row["PermissionSetLicense"]["DeveloperName"])
        if key is None:
            continue
        names = {"AssigneeId": user.user.id, "PermissionSetLicenseId": row["PermissionSetLicenseId"]}
        there = row["PermissionSetLicense"]["DeveloperName"] in held
        work.done(
            key,
            "create",
            "PermissionSetLicenseAssign",
            [row["Id"]],
            at=creator(row).at,
            natural_key=names,
            after=names,
            was_there=there,
        )


def _place(work: Work, user: SeenUser) -> None:
    """Its role and memberships, as far as they are the old user's."""
    value = _value(work.found, work.seen.source.username)
    if user.user.role and user.user.role == value["role"]:
        after = {"UserRoleId": user.user.row["UserRoleId"]}
        work.done(
            "grant/role",
            "update",
            "User",
            [user.user.id],
            at=None,
            natural_key={"Id": user.user.id},
            before={"UserRoleId": None},
            after=after,
        )
    wanted = listed(value["groups"]) | listed(value["queues"])
    rows = [row for row in user.memberships if row["Group"]["DeveloperName"] in wanted]
    if rows:
        names = sorted(row["Group"]["DeveloperName"] for row in rows)
        work.done(
            "grant/memberships/1",
            "create",
            "GroupMember",
            [row["Id"] for row in rows],
            at=None,
            natural_key={"UserOrGroupId": user.user.id},
            after={"groups": ", ".join(names)},
            whole={*names} == wanted,
        )


# --- the permission set -----------------------------------------------------------------------------------------------


def _set(work: Work, key: str, one: SeenSet) -> None:
    names = {name: one.row[name] for name in ("Name", "Description")}
    work.done(
        key,
        "create",
        "PermissionSet",
        [one.id],
        at=one.made.at,
        natural_key=names,
        after={**names, "Label": one.row["Label"]},
    )


def _rows(work: Work, one: SeenSet) -> None:
    """What is in the set, by the keys under which a run writes it; with a plan, as far as that has it.

    Nothing says who made a row for a field or a setup entity. Where somebody else had a hand in the set, such rows are
    not told to be ours: a rollback then leaves the set alone and names them.
    """
    label, admin_id = str(one.row["Label"]), work.context.admin.user_id
    shared = bool(changed_by_others(work.seen.audit, label, admin_id))
    for key, sobject, rows, whole in chunks(work, one):
        if rows and not (shared and sobject in _UNSIGNED):
            work.done(
                key,
                "create",
                sobject,
                [row["Id"] for row in rows],
                at=one.made.at,
                natural_key={"ParentId": one.id},
                after={_about(row): _given(row) for row in rows},
                whole=whole,
            )


def chunks(work: Work, one: SeenSet) -> Iterator[tuple[str, str, list[Row], bool]]:
    """The rows under the set in the portions in which the plan writes them: key, object, rows there, whether all."""
    left = {name: {_about(row): row for row in rows} for name, rows in one.rows.items()}
    app = work.seen.app.id if work.seen.app else ""
    for key, sobject, wanted in planned_rows(work.context):
        rows = [left[sobject].pop(_about(row)) for row in wanted if _about(row) in left[sobject]]
        yield key, sobject, rows, len(rows) == len(wanted)
    for sobject, rows_left in left.items():
        extra = [row for about, row in rows_left.items() if about != app]
        yield f"{_UNPLANNED[sobject]}/1", sobject, extra, True


_UNSIGNED = ("FieldPermissions", "SetupEntityAccess")
_UNPLANNED = {
    "ObjectPermissions": "grant/object-permissions",
    "FieldPermissions": "grant/field-permissions",
    "SetupEntityAccess": "grant/setup-access",
}


def _about(row: Row) -> str:
    return str(row.get("Field") or row.get("SobjectType") or row.get("SetupEntityId"))


def _given(row: Row) -> str:
    return " ".join(name.removeprefix("Permissions") for name, value in row.items() if value is True) or "access"


def _assignment(work: Work, one: SeenSet) -> None:
    target = work.context.scenario.target_username.casefold()
    user = work.seen.target.user if work.seen.target else work.seen.source
    ids = [each for each, username in one.assignees.items() if username.casefold() == target]
    names = {"AssigneeId": user.id, "PermissionSetId": one.id}
    if ids:
        work.done("grant/assignment", "create", "PermissionSetAssignment", ids, at=None, natural_key=names, after=names)


# --- in place ---------------------------------------------------------------------------------------------------------


def _conversion(work: Work) -> None:
    """What was taken from the one user, to be given back; and its profile."""
    found, user, names = work.found, work.seen.source, work.names
    value = _value(found, user.username)
    licenses = [
        {"Id": "", "PermissionSetLicenseId": names.license_ids[each], "DeveloperName": each}
        for each in sorted(listed(value["permission set licenses"]))
        if each in names.license_ids
    ]
    assignments = [dict(_assignment_row(each)) for each in sorted(listed(value["assignments"]))]
    mine: dict[str, Any] = {"natural_key": {"AssigneeId": user.id}, "at": None}
    work.done(
        "provision/unassign",
        "delete",
        "PermissionSetAssignment",
        [],
        before={"assignments": assignments, "licenses": licenses},
        **mine,
    )
    profile = names.profiles[value["profile"]][0]
    if profile != user.row["ProfileId"]:
        features = {f"{_FEATURE}{each}": True for each in sorted(listed(value["feature licenses"]))}
        before = {"ProfileId": profile, **features}
        after = {**dict.fromkeys(features, False), "ProfileId": user.row["ProfileId"]}
        work.done(
            "provision/profile",
            "update",
            "User",
            [user.id],
            at=None,
            natural_key={"Id": user.id},
            before=before,
            after=after,
        )
    if work.seen.converted is not None:
        _licenses(work, work.seen.converted)


def _assignment_row(text: str) -> Iterator[tuple[str, str | None]]:
    given, _, until = text.partition(" until ")
    group = given.startswith("0PG")
    yield "Id", ""
    yield "PermissionSetId", None if group else given
    yield "PermissionSetGroupId", given if group else None
    yield "ExpirationDate", f"{parse(until):{_MOMENT}}" if until else None


# --- the app, the old user, the trial ---------------------------------------------------------------------------------


def _authorization(work: Work, own: SeenSet | None) -> None:
    app, target = work.seen.app, work.context.scenario.target_username
    if app is None:
        return
    for row in own.rows["SetupEntityAccess"] if own else ():
        if row["SetupEntityId"] == app.id:
            names = {"ParentId": row["ParentId"], "SetupEntityId": app.id}
            work.done(
                "authorize/app", "create", "SetupEntityAccess", [row["Id"]], at=None, natural_key=names, after=names
            )
    if work.found.runs_as_ours:
        work.done(
            "authorize/run-as",
            "update",
            app.policy_kind,
            [app.id],
            at=None,
            natural_key={"app": app.name},
            before={"run_as": run_as_value(work.found)},
            after={"run_as": app.run_as or target},
        )


def _ending(work: Work) -> None:
    user, login = work.seen.source, work.seen.source_login
    if work.found.froze:
        work.done(
            "cut-over/freeze",
            "update",
            "UserLogin",
            [str(login["Id"])],
            at=None,
            natural_key={"Id": str(login["Id"])},
            before={"IsFrozen": False},
            after={"IsFrozen": True},
        )
    if work.found.deactivated:
        work.done(
            "retire/deactivate",
            "update",
            "User",
            [user.id],
            at=None,
            natural_key={"Id": user.id},
            before={"IsActive": True},
            after={"IsActive": False},
        )


def _trial(work: Work) -> None:
    seen, run_id = work.seen, work.context.run_id
    user = seen.trial if seen.trial and is_made_by(seen.trial, run_id) and seen.trial.stands else None
    if user is not None:
        _user(work, "trial/user", user)
        ids = [row["Id"] for row in user.licenses]
        if ids:
            names = {"AssigneeId": user.user.id}
            at = min((at for row in user.licenses if (at := creator(row).at)), default=None)
            work.done("trial/license", "create", "PermissionSetLicenseAssign", ids, at=at, natural_key=names)
    one = seen.trial_set
    if one and is_own(one, run_id, work.context.admin.user_id):
        _set(work, "trial/permission-set", one)
        mine = trial_username(work.context.scenario).casefold()
        ids = [each for each, username in one.assignees.items() if username.casefold() == mine]
        if ids and user is not None:
            names = {"AssigneeId": user.user.id, "PermissionSetId": one.id}
            work.done("trial/assignment", "create", "PermissionSetAssignment", ids, at=None, natural_key=names)
