"""A second admin who changes what a run relies on, has made or will make: at every call of a run.

Each action is done as that admin, with the permissions of an admin, and only where it can be done at that moment. What
it changed is told from the org's rows before and after it, so that whether it still stands can be told from the rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Literal

from harness.migration.records import StageFinished
from harness.sandbox import apps
from harness.sandbox.control.second_admin import Errand, Write
from harness.sandbox.control.second_admin import run as do_errand
from harness.sandbox.errors import ApiError
from harness.sandbox.org import SandboxOrg

from .bench import Kept, World, make_world
from .checker import changes, look
from .memory import Memory
from .points import Point
from .scenarios import NEW, NEW_APP, OLD, REFERENCE, SECOND_ADMIN, SET

OTHER_PROFILE = "Minimum Access - Salesforce"
LICENSE = "SalesforceAPIIntegrationPsl"
API_ONLY = "Minimum Access - API Only Integrations"
Do = Callable[[SandboxOrg], None]
RowId = tuple[str, str]
"""The object and the id."""


@dataclass(frozen=True, slots=True)
class Action:
    """Something a second admin does. `touches`: the rows about which a rollback may have to leave something alone."""

    name: str
    do: Do
    touches: tuple[str, ...] = ()
    claims: Callable[[SandboxOrg], Mapping[RowId, Mapping[str, Any]]] = lambda _org: {}
    """Values that the admin sets, though they may have been so before: they are that admin's now."""


class CannotNow(Exception):
    """There is nothing yet, or no more, that this could be done to."""


# --- what is done -----------------------------------------------------------------------------------------------------


def _run(org: SandboxOrg, *writes: Write) -> None:
    if not do_errand(org, Errand(writes=writes, username=SECOND_ADMIN)):
        raise CannotNow


def _id(org: SandboxOrg, sobject: str, **values: Any) -> str:
    rows = org.rows(sobject, **values)
    if not rows:
        raise CannotNow
    return str(rows[0]["Id"])


def _update(sobject: str, where: Mapping[str, Any], **fields: Any) -> Do:
    return lambda org: _run(org, Write(operation="update", object=sobject, where=dict(where), fields=fields))


def _user(username: str, **fields: Any) -> Do:
    return _update("User", {"Username": username}, **fields)


def _frozen(username: str, frozen: bool) -> Do:
    def do(org: SandboxOrg) -> None:
        where = {"UserId": _id(org, "User", Username=username), "IsFrozen": not frozen}
        _run(org, Write(operation="update", object="UserLogin", where=where, fields={"IsFrozen": frozen}))

    return do


def _freeze_anew(org: SandboxOrg) -> None:
    """Unfreeze the old user and freeze it again, for a reason of one's own."""
    _frozen(OLD, False)(org)
    _frozen(OLD, True)(org)


def _frozen_by_second(org: SandboxOrg) -> Mapping[RowId, Mapping[str, Any]]:
    return {("UserLogin", _id(org, "UserLogin", UserId=_id(org, "User", Username=OLD))): {"IsFrozen": True}}


def _license_target(org: SandboxOrg) -> None:
    fields = {
        "AssigneeId": _id(org, "User", Username=NEW),
        "PermissionSetLicenseId": _id(org, "PermissionSetLicense", DeveloperName=LICENSE),
    }
    if org.rows("PermissionSetLicenseAssign", **fields):
        raise CannotNow
    _run(org, Write(operation="create", object="PermissionSetLicenseAssign", fields=fields))


def _profile(username: str, profile: str) -> Do:
    return lambda org: _user(username, ProfileId=_id(org, "Profile", Name=profile))(org)


def _role(org: SandboxOrg) -> None:
    _run(org, Write(operation="create", object="UserRole", fields={"Name": "Elsewhere", "DeveloperName": "Elsewhere"}))
    _user(NEW, UserRoleId=_id(org, "UserRole", DeveloperName="Elsewhere"))(org)


def _assign(username: str, set_name: str) -> Do:
    def do(org: SandboxOrg) -> None:
        fields = {
            "AssigneeId": _id(org, "User", Username=username),
            "PermissionSetId": _id(org, "PermissionSet", Name=set_name),
        }
        if org.rows("PermissionSetAssignment", **fields):
            raise CannotNow
        _run(org, Write(operation="create", object="PermissionSetAssignment", fields=fields))

    return do


def _unassign(username: str, set_name: str) -> Do:
    def do(org: SandboxOrg) -> None:
        where = {
            "AssigneeId": _id(org, "User", Username=username),
            "PermissionSetId": _id(org, "PermissionSet", Name=set_name),
        }
        _run(org, Write(operation="delete", object="PermissionSetAssignment", where=where))

    return do


def _delete_our_set(org: SandboxOrg) -> None:
    made = _id(org, "PermissionSet", Name=SET)
    for row in org.rows("PermissionSetAssignment", PermissionSetId=made):
        _run(org, Write(operation="delete", object="PermissionSetAssignment", where={"Id": row["Id"]}))
    _run(org, Write(operation="delete", object="PermissionSet", where={"Id": made}))


def _new_set(org: SandboxOrg) -> None:
    _run(org, Write(operation="create", object="PermissionSet", fields={"Name": "Night_Shift", "Label": "Night Shift"}))
    _assign(OLD, "Night_Shift")(org)


def _add_row(org: SandboxOrg) -> None:
    fields = {"ParentId": _id(org, "PermissionSet", Name=SET), "SobjectType": "Contact", "PermissionsRead": True}
    _run(org, Write(operation="create", object="ObjectPermissions", fields=fields))


def _add_field(org: SandboxOrg) -> None:
    parent = _id(org, "PermissionSet", Name=SET)
    _id(org, "ObjectPermissions", ParentId=parent, SobjectType="Account")
    fields = {"ParentId": parent, "SobjectType": "Account", "Field": "Account.Fax", "PermissionsRead": True}
    _run(org, Write(operation="create", object="FieldPermissions", fields=fields))


def _remove_row(org: SandboxOrg) -> None:
    where = {"ParentId": _id(org, "PermissionSet", Name=SET), "Field": "Account.Phone"}
    _run(org, Write(operation="delete", object="FieldPermissions", where=where))


def _edit_row(org: SandboxOrg) -> None:
    where = {"ParentId": _id(org, "PermissionSet", Name=SET), "SobjectType": "Account"}
    _run(org, Write(operation="update", object="ObjectPermissions", where=where, fields={"PermissionsEdit": True}))


def _withdraw_app(org: SandboxOrg) -> None:
    where = {"ParentId": _id(org, "PermissionSet", Name=SET), "SetupEntityId": _app(org)}
    _run(org, Write(operation="delete", object="SetupEntityAccess", where=where))


def _authorize_app(org: SandboxOrg) -> None:
    fields = {"ParentId": _id(org, "PermissionSet", Name="ERP_Orders"), "SetupEntityId": _app(org)}
    if org.rows("SetupEntityAccess", **fields):
        raise CannotNow
    _run(org, Write(operation="create", object="SetupEntityAccess", fields=fields))


def _app(org: SandboxOrg) -> str:
    return _id(org, "ExternalClientApplication", MasterLabel=NEW_APP)


def _run_as_second(org: SandboxOrg) -> None:
    """Whom an app runs as is metadata, and no row that an errand could write."""
    app = next(one for one in apps.all_apps(org) if one.name == NEW_APP)
    second = _id(org, "User", Username=SECOND_ADMIN)
    if app.run_as == second:
        raise CannotNow
    apps.change_app(org, app, run_as=second)


def _user_of_our_name(org: SandboxOrg) -> None:
    if org.rows("User", Username=NEW):
        raise CannotNow
    _make_user(org, NEW, API_ONLY)


def _make_user(org: SandboxOrg, username: str, profile: str) -> None:
    fields = {
        "Username": username,
        "LastName": "Made by Sol",
        "Alias": "sol",
        "Email": "sol@acme.example",
        "ProfileId": _id(org, "Profile", Name=profile),
        "CommunityNickname": f"made by sol {username}"[:40],
        "TimeZoneSidKey": "Europe/Paris",
        "LocaleSidKey": "en_US",
        "EmailEncodingKey": "UTF-8",
        "LanguageLocaleKey": "en_US",
    }
    _run(org, Write(operation="create", object="User", fields=fields))


def _set_of_our_name(org: SandboxOrg) -> None:
    if org.rows("PermissionSet", Name=SET):
        raise CannotNow
    _run(org, Write(operation="create", object="PermissionSet", fields={"Name": SET, "Label": "Made by Sol"}))


def _last_seats(org: SandboxOrg) -> None:
    for number in range(10):
        try:
            _make_user(org, f"seat{number}@acme.example", API_ONLY)
        except ApiError:
            return


_OLD_USER = (f"User {OLD}", f"GroupMember Integrations/{OLD}", f"PermissionSetAssignment {OLD}/")
"""What hangs together with the row of the old user: a deactivation takes its groups, a profile brings a set."""
_OLD_LOGIN = (f"UserLogin {OLD}",)
_HELD = (f"PermissionSetAssignment {OLD}/",)
_NEW_USER = (NEW,)
_OUR_SET = (f" {SET}", f"{NEW}/{SET}")

ACTIONS: tuple[Action, ...] = (
    Action("freeze-source", _frozen(OLD, True), _OLD_LOGIN),
    Action("unfreeze-source", _frozen(OLD, False), _OLD_LOGIN),
    Action("freeze-source-anew", _freeze_anew, _OLD_LOGIN, _frozen_by_second),
    Action("deactivate-source", _user(OLD, IsActive=False), _OLD_USER),
    Action("activate-source", _user(OLD, IsActive=True), _OLD_USER),
    Action("rename-source", _user(OLD, Username="renamed.sync@acme.example"), (OLD, "renamed.sync@acme.example")),
    Action("change-profile-of-source", _profile(OLD, OTHER_PROFILE), _OLD_USER),
    Action("assign-a-set-to-source", _new_set, _HELD),
    Action("unassign-a-set-of-source", _unassign(OLD, "ERP_Orders"), (*_HELD, f"SetupEntityAccess {SET}/OrderStatus")),
    Action("edit-phone-of-source", _user(OLD, Phone="+33 1 00 00 00 00"), _OLD_USER),
    Action("deactivate-target", _user(NEW, IsActive=False), _NEW_USER),
    Action("license-target", _license_target, _NEW_USER),
    Action("change-profile-of-target", _profile(NEW, OTHER_PROFILE), _NEW_USER),
    Action("change-role-of-target", _role, _NEW_USER),
    Action("change-nickname-of-target", _user(NEW, CommunityNickname="Sol's robot"), _NEW_USER),
    Action("freeze-target", _frozen(NEW, True), _NEW_USER),
    Action("rename-our-set", _update("PermissionSet", {"Name": SET}, Name="Sols_Set"), (*_OUR_SET, "Sols_Set")),
    Action("describe-our-set", _update("PermissionSet", {"Name": SET}, Description="Sol's"), _OUR_SET),
    Action("add-a-row-to-our-set", _add_row, _OUR_SET),
    Action("add-a-field-to-our-set", _add_field, _OUR_SET),
    Action("remove-a-row-of-our-set", _remove_row, _OUR_SET),
    Action("edit-a-row-of-our-set", _edit_row, _OUR_SET),
    Action("assign-our-set-to-another", _assign(SECOND_ADMIN, SET), (*_OUR_SET, f"{SECOND_ADMIN}/{SET}")),
    Action("unassign-our-set", _unassign(NEW, SET), _OUR_SET),
    Action("delete-our-set", _delete_our_set, _OUR_SET),
    Action("withdraw-the-app", _withdraw_app, _OUR_SET),
    Action("authorize-the-app-for-another", _authorize_app, ("SetupEntityAccess ERP_Orders/",)),
    Action("let-the-app-run-as-another", _run_as_second, (f"ExtlClntAppOauthPlcyCnfg {NEW_APP.replace(' ', '_')}",)),
    Action("make-a-user-of-our-name", _user_of_our_name),
    Action("make-a-set-of-our-name", _set_of_our_name),
    Action("take-the-last-seats", _last_seats),
)


# --- what it changed --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Edit:
    """What an action changed, row by row, and whether that still stands."""

    action: Action
    lines: tuple[str, ...]
    rows: Mapping[RowId, Mapping[str, Any]]
    """Of each row that was made or changed, the values that are new."""
    gone: frozenset[RowId]
    gone_names: frozenset[str]
    """What the rows that were removed were about: another row of that name is the same one come back."""
    foreknown: bool
    """Whether it was done before the run looked at the org: then it is what the run begins from."""

    def overwritten(self, org: SandboxOrg) -> Iterator[str]:
        """What of it does not stand any more."""
        now = _rows(org)
        for place, values in self.rows.items():
            if place not in now:
                yield f"{place[0]} {place[1]}, which the second admin made or changed, is gone"
            for name in values if place in now else ():
                if now[place].get(name) != values[name]:
                    wanted, found = values[name], now[place].get(name)
                    yield f"{name} of {place[0]} {place[1]}: the second admin's {wanted} is {found}"
        for about in sorted(self.gone_names & look(org).keys()) if self.gone_names else ():
            yield f"{about}, which the second admin removed, is back"

    def is_own(self, line: str) -> bool:
        """Whether a line, of how the org differs from before everything, is of the action's own doing."""
        what = _place(line)
        return any(what == _place(each) for each in self.lines)

    def is_about(self, line: str) -> bool:
        """Whether a line is of its own doing, or about what it touched."""
        return self.is_own(line) or any(name in line for name in self.action.touches)


def _place(line: str) -> tuple[str, str]:
    """The row that a line is about, and the column if it is about one."""
    word, _, rest = line.partition(" ")
    if word != "changed":
        return rest, ""
    about, _, column = rest.partition(": ")
    return about, column.partition(" ")[0]


_OBJECTS = (
    *("User", "UserLogin", "PermissionSet", "PermissionSetAssignment", "PermissionSetLicenseAssign"),
    *("ObjectPermissions", "FieldPermissions", "SetupEntityAccess", "GroupMember", "ExtlClntAppOauthPlcyCnfg"),
)
"""The objects in which the actions write, or whose rows follow from what they write."""
_NOTED = frozenset(
    {"SystemModstamp", "CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById", "LastLoginDate"}
    | {"LastPasswordChangeDate", "LastViewedDate", "LastReferencedDate", "NumberOfFailedLogins"}
)


def _rows(org: SandboxOrg) -> dict[RowId, Mapping[str, Any]]:
    """Every row by its id, without what the org notes by itself."""
    return {
        (name, str(row["Id"])): {column: value for column, value in row.items() if value and column not in _NOTED}
        for name in _OBJECTS
        for row in org.rows(name)
    }


_A_MOMENT = 1.0
"""Seconds before an edit: If-Unmodified-Since knows whole seconds, so that nothing guards against one in the same."""


def act(world: World, action: Action) -> Edit | None:
    """Let the second admin do it now; None where it cannot be done, and then nothing was."""
    org = world.org
    org.clock.advance(_A_MOMENT)
    view, before = look(org), _rows(org)
    try:
        with org.transaction():
            action.do(org)
    except (CannotNow, ApiError):
        return None
    world.revision = f"{world.revision} {action.name}"
    now_view, now = look(org), _rows(org)
    changed = {place: _new_values(before.get(place, {}), row) for place, row in now.items()}
    edit = Edit(
        action,
        changes(view, now_view),
        {**{place: values for place, values in changed.items() if values}, **action.claims(org)},
        frozenset(before.keys() - now.keys()),
        frozenset(view.keys() - now_view.keys()) if before.keys() - now.keys() else frozenset(),
        not any(world.journal.records(kind="snapshot")),
    )
    return edit if edit.rows or edit.gone else None


def _new_values(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
    return {name: now.get(name) for name in before.keys() | now.keys() if before.get(name) != now.get(name)}


# --- at every call ----------------------------------------------------------------------------------------------------

UNGUARDED = ("add-a-row-to-our-set", "add-a-field-to-our-set", "edit-a-row-of-our-set", "describe-our-set")
"""What is lost in the one call between the look at our set and its deletion: a deletion takes no notice of conditional
headers, and an org refuses none but that of a set which somebody was given."""
How = Literal["resume", "rollback", "go on"]
"""After the edit: the process has died and is taken up, or is rolled back; or it lives and goes on."""


@dataclass(frozen=True, slots=True)
class Violation:
    """A case in which an edit was overwritten, or the org was left in a state that nobody was told of."""

    case: str
    why: str


@dataclass
class Tally:
    """What was tried. Cases that begin from the same org, journal and file are one run."""

    cases: int = 0
    runs: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    violations: list[Violation] = field(default_factory=list)

    def __str__(self) -> str:
        ends = ", ".join(f"{count} {end}" for end, count in sorted(self.ends.items()))
        return f"{self.cases} cases in {self.runs} runs ({ends}): {len(self.violations)} violations"


@dataclass(slots=True)
class Stand:
    """A state that the run came through, and the calls before which it was in it."""

    kept: Kept
    calls: list[int]


class Siege:
    """Every action at every call of the run of one world, and what becomes of it."""

    def __init__(self, world: World) -> None:
        self.world = world
        world.memory = world.memory or Memory()
        self.begun = world.keep()
        self.tally = Tally()
        self.stands = self._trace()

    def _trace(self) -> list[Stand]:
        """A calm run, kept before each call at which org, journal or file are other than before the last."""
        world, stands = self.world, list[Stand]()
        signs: object = None
        calls = 0

        def hook(point: Point) -> None:
            nonlocal signs, calls
            if point.medium != "call" or point.moment != "before":
                return
            calls += 1
            now = (world.revision, len(world.journal.dump()), world.credential())
            if now != signs:
                signs = now
                stands.append(Stand(world.keep(), []))
            stands[-1].calls.append(calls)

        end = world.process(hook).forward()
        assert end is not None
        assert end.result == "passed", end
        return stands

    @property
    def calls(self) -> int:
        """How many calls the run makes."""
        return sum(len(stand.calls) for stand in self.stands)

    def dead(self, action: Action, stand: Stand, how: How) -> None:
        """The process dies, the second admin acts, and another process resumes or rolls back."""
        world = self.world
        world.put_back(stand.kept)
        edit = act(world, action)
        if edit is None:
            return
        self.tally.cases += len(stand.calls)
        self.tally.runs += 1
        self._end(f"{action.name} {stand.calls[0]} {how}", edit, how, None)

    def alive(self, action: Action, number: int) -> None:
        """The second admin acts before a call of a process that goes on."""
        world = self.world
        world.put_back(self.begun)
        intruder = Intruder(world, action, number)
        process = world.process(intruder)
        end = process.forward()
        if intruder.edit is None:
            return
        self.tally.cases += 1
        self.tally.runs += 1
        self._end(f"{action.name} {number} go on", intruder.edit, "go on", end)

    def undone(self, action: Action, stand: Stand, number: int) -> bool:
        """The run is rolled back, and the second admin acts before a call of that; whether it came to the call."""
        world = self.world
        world.put_back(stand.kept)
        intruder = Intruder(world, action, number)
        end = world.process(intruder).back()
        if intruder.edit is not None:
            self.tally.cases += 1
            self.tally.runs += 1
            case = f"{action.name} {stand.calls[0]} rollback {number}"
            if action.name in UNGUARDED and any(intruder.edit.overwritten(world.org)):
                self.tally.ends[f"{action.name}: lost in the one call that nothing guards"] += 1
                return True
            if end is not None and end.result == "passed":
                end = world.process().back()  # what came after the proof is told by the next one
            self._check_edit(case, intruder.edit)
            self._check(case, intruder.edit, "as before", end)
        return intruder.came

    def _end(self, case: str, edit: Edit, how: How, end: StageFinished | None) -> None:
        world = self.world
        if how == "resume":
            end = world.process().forward()
        if how != "rollback":
            passed = end is None or end.result == "passed"
            if not (passed and edit.foreknown):
                self._check_edit(case, edit)
            if passed:
                self._check(case, edit, "migrated", end)
                return
            case = f"{case}, stopped, then rollback"
        end = world.process().back()
        self._check_edit(case, edit)
        self._check(case, edit, "as before", end)

    def _check_edit(self, case: str, edit: Edit) -> None:
        for text in edit.overwritten(self.world.org):
            self.tally.violations.append(Violation(case, text))

    def _check(self, case: str, edit: Edit, wanted: str, end: StageFinished | None) -> None:
        """The org is as wanted but for the edit; or what is not is about what it touched, and was told."""
        finding = self.world.judge(edit.is_own)
        if finding.standing == wanted:
            self.tally.ends[wanted] += 1
            return
        lines = finding.left if wanted == "as before" else (*finding.missing, *finding.unexplained)
        strange = [line for line in lines if not edit.is_about(line)]
        if strange:
            self.tally.violations.append(Violation(case, f"{'; '.join(strange)} ({end.message if end else 'no end'})"))
        elif wanted == "as before" and (end is None or end.result == "passed"):
            self.tally.violations.append(Violation(case, f"{'; '.join(lines)}: left, and nobody was told"))
        else:
            self.tally.ends[f"{wanted} but for what was left alone"] += 1


def explore(folder: Path, names: Iterable[str], *, every: int = 1, more: bool = False) -> Tally:
    """Every named action, or with `every` some part of it in which each state has its turn.

    A process has died before the call, and is taken up, or is rolled back. With `more` it also happens to a process
    that lives, and in the rollback of a whole run: each of these is a run of its own.
    """
    siege = Siege(make_world(folder / "world", REFERENCE))
    for number, action in enumerate(each for each in ACTIONS if each.name in set(names)):
        ways: tuple[How, ...] = ("resume", "rollback")
        for turn, how in enumerate(ways):
            for stand in _share(siege.stands, 2 * number + 3 * turn, every):
                siege.dead(action, stand, how)
        if more:
            for call in range(1, siege.calls + 1):
                siege.alive(action, call)
            for call in count(1):
                if not siege.undone(action, siege.stands[-1], call):
                    break
    siege.world.close()
    return siege.tally


def _share(stands: list[Stand], turn: int, every: int) -> list[Stand]:
    """A part of the states: four times as many of the eight in which most calls are made as of the others."""
    by_calls = sorted(stands, key=lambda stand: -len(stand.calls))
    often = max(1, every // 4)
    return [*by_calls[:8][turn % often :: often], *by_calls[8:][turn % every :: every]]


class Intruder:
    """A hook: before the n-th call of a process the second admin acts, and the process goes on."""

    def __init__(self, world: World, action: Action, number: int) -> None:
        self._world, self._action, self._number = world, action, number
        self._calls = 0
        self.came = False
        self.edit: Edit | None = None

    def __call__(self, point: Point) -> None:
        if point.medium == "call" and point.moment == "before":
            self._calls += 1
            if self._calls == self._number:
                self.came = True
                self.edit = act(self._world, self._action)
