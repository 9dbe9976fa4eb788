"""Reading what the runs of a scenario left in an org: some fifteen calls, nothing written.

Things are known by their mark, never by their name alone: a user by its nickname, a permission set by its description.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from harness.access.model import OBJECT_RIGHTS
from harness.access.reading.asking import ask, try_ask
from harness.access.reading.people import read_user
from harness.access.soql import among, equals, quote, select
from harness.errors import StageFailed
from harness.migration.adopting.seen import AuditEntry, Row, Seen, SeenSet, SeenUser, first
from harness.migration.apps import App
from harness.migration.old_sign_in import find_old_app
from harness.migration.others.three_way import CREATOR, LAST_WRITER, last_writer
from harness.migration.planning.marks import Mark
from harness.migration.state import find_scenario_app, read_state
from harness.migration.strategies import strategy_of
from harness.migration.target import stem_of
from harness.migration.trial_user import trial_of, trial_set_name, trial_username
from harness.migration.writing.lock import Holder, lock_name

if TYPE_CHECKING:
    from harness.migration.context import Context
    from harness.org.connection import Connection
    from harness.scenario.loader import ScenarioFile

_STAMPS = (*CREATOR, *LAST_WRITER)
_CLOCKS_APART = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Marked:
    """What has our names or bears our marks."""

    target: SeenUser | None
    trial: SeenUser | None
    own_set: SeenSet | None
    trial_set: SeenSet | None
    strays: tuple[str, ...]
    lock: tuple[str, datetime] | None
    """The run that holds the lock in the org, and when it was touched last."""

    @property
    def runs(self) -> Mapping[str, list[str]]:
        """The runs whose marks stand, each with what bears its mark, in words."""
        found: dict[str, list[str]] = {}
        for user in (self.target, self.trial):
            if user and user.run_id and user.stands:
                found.setdefault(user.run_id, []).append(f"the user {user.user.username}")
        for one in (self.own_set, self.trial_set):
            if one and one.mark:
                found.setdefault(one.mark.run_id, []).append(f"the permission set {one.name}")
        return found

    def newest(self, run_id: str) -> datetime | None:
        """When what bears a run's mark was written last."""
        rows: list[Row] = []
        for user in (self.target, self.trial):
            if user and user.run_id == run_id:
                rows += [user.row, *user.licenses]
        for one in (self.own_set, self.trial_set):
            if one and one.mark and one.mark.run_id == run_id:
                rows += [one.row, *one.rows.get("ObjectPermissions", ())]
        return max((at for at in map(_written, rows) if at), default=None)

    @property
    def foreign(self) -> list[str]:
        """What has our names and bears no mark of this scenario, in words."""
        users = [each for each in (self.target, self.trial) if each and each.run_id is None]
        sets = [each for each in (self.own_set, self.trial_set) if each and each.mark is None]
        return [
            *(f"the user {each.user.username}" for each in users),
            *(f"the permission set {each.name} ({each.row['Description'] or 'no description'})" for each in sets),
        ]


def _written(row: Row) -> datetime | None:
    return last_writer(row).at


def read_marked(admin: Connection, file: ScenarioFile) -> Marked:
    """Read it."""
    scenario, name = file.scenario, file.name
    users = _users(admin, {scenario.target_username: name, trial_username(scenario): trial_of(name)})
    sets, strays = _sets(admin, file)
    one_user = scenario.target_username.casefold() == scenario.from_.username.casefold()
    return Marked(
        target=None if one_user else users.get(scenario.target_username.casefold()),
        trial=users.get(trial_username(scenario).casefold()),
        own_set=sets.get(scenario.permission_set_name),
        trial_set=sets.get(trial_set_name(scenario)),
        strays=(*_stray_users(admin, file), *strays),
        lock=_lock(admin, scenario.from_.username),
    )


def _lock(admin: Connection, source: str) -> tuple[str, datetime] | None:
    columns = ("Id", "Description", "LastModifiedDate")
    rows = admin.query(select("PermissionSet", columns, where=equals("Name", lock_name(source))))
    if not rows:
        return None
    holder = Holder.read(str(rows[0]["Description"] or ""))
    return holder.run_id if holder else "", datetime.fromisoformat(str(rows[0]["LastModifiedDate"]))


def read_seen(context: Context) -> Seen:
    """Read all that a run of this scenario may have changed. Raises StageFailed when the source user is gone."""
    admin, scenario = context.admin, context.scenario
    marked, state = read_marked(admin, context.world.file), read_state(context)
    source = read_user(admin, scenario.from_.username)
    if source is None:
        raise StageFailed(f"there is no user {scenario.from_.username}", stage=context.stage)
    logins, users = ask(
        admin,
        select("UserLogin", ("Id", "IsFrozen", *LAST_WRITER), where=equals("UserId", source.id)),
        select("User", ("Id", *_STAMPS), where=equals("Id", source.id)),
    )
    app = find_scenario_app(context)
    return Seen(
        source=source,
        source_login=logins[0] if logins else {},
        source_row=users[0],
        converted=_converted(context),
        target=marked.target,
        trial=marked.trial,
        own_set=marked.own_set,
        trial_set=marked.trial_set,
        strays=marked.strays,
        app=app,
        app_access=_app_access(admin, app),
        old_app=find_old_app(context),
        audit=_audit(admin, marked),
        parts=state.parts,
    )


def _converted(context: Context) -> SeenUser | None:
    if not strategy_of(context.scenario).one_user:
        return None
    username = context.scenario.from_.username
    return _users(context.admin, {username: context.world.file.name}).get(username.casefold())


def _users(admin: Connection, wanted: Mapping[str, str]) -> dict[str, SeenUser]:
    """The users of these usernames, by username in lower case; each with the run of its mark."""
    found = {}
    for username, scenario in wanted.items():
        user = read_user(admin, username)
        if user is None:
            continue
        rows, assigned, licenses, members = ask(
            admin,
            select("User", ("Id", *_STAMPS), where=equals("Id", user.id)),
            select(
                "PermissionSetAssignment",
                ("Id", "PermissionSetId", "PermissionSet.Name"),
                where=f"{equals('AssigneeId', user.id)} AND PermissionSet.IsOwnedByProfile = false",
                order="Id",
            ),
            select(
                "PermissionSetLicenseAssign",
                ("Id", "PermissionSetLicenseId", "PermissionSetLicense.DeveloperName", *_STAMPS),
                where=equals("AssigneeId", user.id),
                order="Id",
            ),
            select(
                "GroupMember",
                ("Id", "GroupId", "Group.DeveloperName"),
                where=f"{equals('UserOrGroupId', user.id)} AND Group.Type IN ('Regular', 'Queue')",
                order="Id",
            ),
        )
        nickname, stem = str(user.row["CommunityNickname"]), stem_of(scenario)
        run_id = nickname.removeprefix(stem) if nickname.startswith(stem) else None
        found[username.casefold()] = SeenUser(user, run_id, rows[0], tuple(assigned), tuple(licenses), tuple(members))
    return found


def _stray_users(admin: Connection, file: ScenarioFile) -> list[str]:
    """Users that bear a mark of this scenario under another username."""
    scenario, stems = file.scenario, (stem_of(file.name), stem_of(trial_of(file.name)))
    where = " OR ".join(f"CommunityNickname LIKE {quote(f'{stem}%')}" for stem in stems)
    rows = admin.query(select("User", ("Id", "Username", "IsActive"), where=where, order="Id"))
    ours = {scenario.target_username.casefold(), trial_username(scenario).casefold()}
    return [
        f"the user {row['Username']} bears a mark of this scenario, which names another user now"
        for row in rows
        if row["Username"].casefold() not in ours and row["IsActive"]
    ]


def _sets(admin: Connection, file: ScenarioFile) -> tuple[dict[str, SeenSet], list[str]]:
    """The permission sets of our names, by name, and what bears our mark under other names."""
    names = (file.scenario.permission_set_name, trial_set_name(file.scenario))
    mine = f"{among('Name', names)} OR Description LIKE {quote(f'rehearse {file.name[:40]}%')}"
    columns = ("Id", "Name", "Label", "Description", *_STAMPS)
    found: dict[str, SeenSet] = {}
    strays = []
    for row in admin.query(select("PermissionSet", columns, where=mine, order="Id")):
        mark = Mark.read(str(row["Description"] or ""))
        mark = mark if mark and mark.is_of(file.name) else None
        if row["Name"] in names:
            found[str(row["Name"])] = _with_rows(admin, row, mark)
        elif mark:
            strays.append(f"the permission set {row['Name']} bears the mark of run {mark.run_id} under another name")
    return found, strays


def _with_rows(admin: Connection, row: Row, mark: Mark | None) -> SeenSet:
    under = equals("ParentId", str(row["Id"]))
    objects, fields, entities, assigned = ask(
        admin,
        select("ObjectPermissions", ("Id", "SobjectType", *_rights(admin), *_STAMPS), where=under, order="Id"),
        select("FieldPermissions", ("Id", "Field", "PermissionsRead", "PermissionsEdit"), where=under, order="Id"),
        select("SetupEntityAccess", ("Id", "ParentId", "SetupEntityId"), where=under, order="Id"),
        select(
            "PermissionSetAssignment",
            ("Id", "AssigneeId", "Assignee.Username"),
            where=equals("PermissionSetId", str(row["Id"])),
            order="Id",
        ),
    )
    rows = {
        "ObjectPermissions": tuple(objects),
        "FieldPermissions": tuple(fields),
        "SetupEntityAccess": tuple(entities),
    }
    assignees = {str(each["Id"]): str(each["Assignee"]["Username"]) for each in assigned}
    return SeenSet(row, mark, rows, assignees)


def _rights(admin: Connection) -> tuple[str, ...]:
    """The columns of rights that this org has."""
    there = {each["name"] for each in admin.fields_of("ObjectPermissions")}
    return tuple(column for column in OBJECT_RIGHTS.values() if column in there)


def _app_access(admin: Connection, app: App | None) -> tuple[Row, ...]:
    if app is None:
        return ()
    columns = ("Id", "ParentId", "SetupEntityId")
    return tuple(admin.query(select("SetupEntityAccess", columns, where=equals("SetupEntityId", app.id), order="Id")))


def _audit(admin: Connection, marked: Marked) -> tuple[AuditEntry, ...] | None:
    """The Setup Audit Trail since the oldest thing that may be ours was made, or None where the org tells nothing."""
    made = [one.made.at for one in (marked.own_set, marked.trial_set, marked.target, marked.trial) if one]
    since = first(made)
    if since is None:
        return ()
    where = f"CreatedDate >= {since - _CLOCKS_APART:%Y-%m-%dT%H:%M:%SZ}"
    columns = ("Id", "Action", "Display", "CreatedById", "CreatedDate")
    [rows] = try_ask(admin, [select("SetupAuditTrail", columns, where=where, order="CreatedDate, Id")])
    return None if rows is None else tuple(map(_entry, rows))


def _entry(row: Mapping[str, Any]) -> AuditEntry:
    at = datetime.fromisoformat(str(row["CreatedDate"]))
    return AuditEntry(str(row["Action"]), str(row["Display"] or ""), str(row["CreatedById"] or ""), at)
