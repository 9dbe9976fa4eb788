"""What an org may look like when the tool has stopped, told from the org's own rows and from nothing the tool says.

An org is *migrated*, or *as before* but for one inactive user with nothing assigned, or it is *between*: then a
journal must lead to one of the other two, which is shown by really taking it there.

Rows are compared by what they are about, not by their ids: a membership that was taken and given back is the same one.
Nothing of the tool is imported here.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from .scenarios import NEW, NEW_APP, OLD, SET, Case

if TYPE_CHECKING:
    from harness.sandbox.org import SandboxOrg

Row = Mapping[str, Any]
View = Mapping[str, Mapping[str, Any]]
"""What each row is about, `GroupMember Integrations/erp.sync@acme.example`, with its values."""
Standing = Literal["migrated", "as before", "between"]

_TRACES = frozenset(
    {"AuthSession", "LoginHistory", "LoginGeo", "EventLogFile", "SetupAuditTrail", "OauthToken", "VerificationHistory"}
)
"""Objects in which the org itself notes what happened: they only grow, and nobody can take a row back."""
_NOTED = re.compile(
    r"^(Id|IsDeleted|SystemModstamp|CreatedDate|CreatedById|LastModifiedDate|LastModifiedById|LastLoginDate"
    r"|LastPasswordChangeDate|LastViewedDate|LastReferencedDate|UsedLicenses|NumberOfFailedLogins)$"
)
"""Columns in which the org notes when and by whom, or counts what other rows say."""
_ID = re.compile(r"^[0-9A-Za-z]{15}(?:[A-Z0-5]{3})$")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")
_ABOUT: Mapping[str, tuple[str, ...]] = {
    "User": ("Username",),
    "UserLogin": ("UserId",),
    "PermissionSetAssignment": ("AssigneeId", "PermissionSetId"),
    "PermissionSetLicenseAssign": ("AssigneeId", "PermissionSetLicenseId"),
    "GroupMember": ("GroupId", "UserOrGroupId"),
    "ObjectPermissions": ("ParentId", "SobjectType"),
    "FieldPermissions": ("ParentId", "Field"),
    "SetupEntityAccess": ("ParentId", "SetupEntityId"),
    "PermissionSetTabSetting": ("ParentId", "Name"),
}
"""By what a row is known where it has no name of its own."""
_NAMES = ("Username", "DeveloperName", "Name", "MasterLabel", "Label")


# --- looking at an org ------------------------------------------------------------------------------------------------


def look(org: SandboxOrg) -> View:
    """Every row of the org, by what it is about. A second row about the same has `#2` behind it."""
    return look_closely(org)[0]


def look_closely(org: SandboxOrg) -> tuple[View, Mapping[str, str]]:
    """The same, and what each id stands for."""
    tables = {name: rows for name, rows in _tables(org) if name not in _TRACES}
    names = _names(tables)
    view: dict[str, Mapping[str, Any]] = {}
    for name, rows in tables.items():
        for row in rows:
            about = f"{name} {_about(name, row, names)}"
            copies = 1
            while (key := about if copies == 1 else f"{about} #{copies}") in view:
                copies += 1
            view[key] = {column: _said(value, names) for column, value in row.items() if _tells(column, value)}
    return view, names


def _tables(org: SandboxOrg) -> Iterator[tuple[str, list[Row]]]:
    """The tables with rows in them, without those that only follow from others."""
    with org.lock:
        made = [row[0] for row in org.store.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1")]
        for name in made:
            sobject = org.schema.get(name)
            if sobject is None or name in org.derived.computed or sobject.share_of:
                continue
            rows = org.store.select(sobject, {})
            if rows:
                yield name, list(rows)


def _names(tables: Mapping[str, list[Row]]) -> dict[str, str]:
    """What each id stands for."""
    names = {str(row["Id"]): _name(name, row) for name, rows in tables.items() for row in rows}
    for row in tables.get("PermissionSet", ()):
        if row.get("ProfileId"):
            names[str(row["Id"])] = _own_set(names[str(row["ProfileId"])])
    return names


def _own_set(profile: object) -> str:
    return f"set of profile {profile}"


def _name(sobject: str, row: Row) -> str:
    if sobject in _ABOUT and sobject != "User":
        return str(row["Id"])
    return next((str(row[column]) for column in _NAMES if row.get(column)), str(row["Id"]))


def _about(sobject: str, row: Row, names: Mapping[str, str]) -> str:
    columns = _ABOUT.get(sobject)
    if columns is None:
        return names[str(row["Id"])]
    return "/".join(str(_said(row[column], names)) for column in columns)


def _said(value: Any, names: Mapping[str, str]) -> Any:
    """A value with the name of the row that it refers to."""
    return names.get(value, value) if isinstance(value, str) and _ID.match(value) else value


def _tells(column: str, value: Any) -> bool:
    return value not in (None, False, "") and not _NOTED.match(column)


def changes(before: View, now: View) -> tuple[str, ...]:
    """What is other than before, a line each: `added X`, `gone X`, `changed X: Column 1 -> 2`."""
    lines = [f"gone {about}" for about in before.keys() - now.keys()]
    lines += [f"added {about}" for about in now.keys() - before.keys()]
    for about in before.keys() & now.keys():
        old, new = before[about], now[about]
        lines += [
            f"changed {about}: {column} {old.get(column)} -> {new.get(column)}"
            for column in old.keys() | new.keys()
            if old.get(column) != new.get(column)
        ]
    return tuple(sorted(lines))


def digest(view: View) -> str:
    """The same for two orgs in which the same is the case."""
    text = repr(sorted((about, sorted(values.items(), key=str)) for about, values in view.items()))
    return hashlib.sha256(_MOMENT.sub("then", text).encode()).hexdigest()


# --- what it may look like --------------------------------------------------------------------------------------------

API_ONLY = "Minimum Access - API Only Integrations"
FULL = "ERP Sync"
LICENSE = "SalesforceAPIIntegrationPsl"
CREDENTIAL_FILE = "changed credential file"
"""The line that says that the external system reads the new credential."""


def _set_of(user: str) -> set[str]:
    """The lines of the permission set, filled and assigned."""
    return {
        f"added PermissionSet {SET}",
        f"added ObjectPermissions {SET}/Account",
        f"added FieldPermissions {SET}/Account.Phone",
        f"added SetupEntityAccess {SET}/OrderStatus",
        f"added SetupEntityAccess {SET}/{NEW_APP.replace(' ', '_')}",
        f"added PermissionSetAssignment {user}/{SET}",
        f"added PermissionSetAssignment {user}/{_own_set(API_ONLY)}",
        f"added PermissionSetLicenseAssign {user}/{LICENSE}",
        f"changed ExtlClntAppOauthPlcyCnfg {NEW_APP.replace(' ', '_')}_oauthPolicy: "
        f"ClientCredentialsFlowUser None -> {user}",
        CREDENTIAL_FILE,
    }


_SECOND_USER = {
    f"added User {NEW}",
    f"added UserLogin {NEW}",
    f"added GroupMember Integrations/{NEW}",
    f"changed UserLogin {OLD}: IsFrozen None -> True",
}
_RETIRED = {f"changed User {OLD}: IsActive True -> None", f"gone GroupMember Integrations/{OLD}"}
"""A user who is deactivated leaves its groups."""
_CONVERTED = {
    f"changed User {OLD}: ProfileId {FULL} -> {API_ONLY}",
    f"gone PermissionSetAssignment {OLD}/ERP_Orders",
    f"gone PermissionSetAssignment {OLD}/{_own_set(FULL)}",
}
EXPECTED: Mapping[str, frozenset[str]] = {
    "reference": frozenset(_set_of(NEW) | _SECOND_USER | _RETIRED),
    "in-place": frozenset(_set_of(OLD) | _CONVERTED),
    "temporary-full-license": frozenset(_set_of(NEW) | _SECOND_USER),
}
"""By case: every line by which a migrated org differs from what it was."""
GIVEN: Mapping[str, frozenset[str]] = {
    f"PermissionSet {SET}": frozenset(),
    f"ObjectPermissions {SET}/Account": frozenset({"PermissionsRead"}),
    f"FieldPermissions {SET}/Account.Phone": frozenset({"PermissionsRead", "PermissionsEdit"}),
}
"""What the set and its rows must give, and nothing more."""


@dataclass(frozen=True, slots=True)
class Finding:
    """How an org stands, and what about it is neither as before nor as it should be."""

    standing: Standing
    missing: tuple[str, ...] = ()
    """With `between`: what a whole migration would have changed and nobody did."""
    unexplained: tuple[str, ...] = ()
    """With `between`: what is other than before, and no part of a migration."""
    left: tuple[str, ...] = ()
    """With `between`: what is other than before and would have to be undone."""

    def __str__(self) -> str:
        parts = (("missing", self.missing), ("unexplained", self.unexplained), ("left", self.left))
        return "; ".join((self.standing, *(f"{name}: {', '.join(lines)}" for name, lines in parts if lines)))


@dataclass(frozen=True, slots=True)
class Checker:
    """Judges one org by how it was before."""

    case: Case
    before: View

    def judge(self, now: View, *, switched: bool, foreign: Callable[[str], bool] = lambda _line: False) -> Finding:
        """How the org stands. `switched`: the external system's file is other than before.

        Lines that are `foreign`, another admin's doing, are looked past.
        """
        lines = {line for line in changes(self.before, now) if not foreign(line)}
        if switched:
            lines.add(CREDENTIAL_FILE)
        wanted, wrong = EXPECTED[self.case.name], self._wrong(now)
        if lines == wanted and not wrong:
            return Finding("migrated")
        residue = self._residue(now)
        left = lines - residue
        if not left:
            return Finding("as before")
        return Finding(
            "between",
            missing=(*sorted(wanted - lines), *wrong),
            unexplained=tuple(sorted(lines - wanted - residue)),
            left=tuple(sorted(left)),
        )

    def _wrong(self, now: View) -> tuple[str, ...]:
        """What of the target user or its set has not the values it should have."""
        target = NEW if self.case.strategy != "in-place" else OLD
        user = now.get(f"User {target}", {})
        should = {"IsActive": True, "ProfileId": API_ONLY, "UserRoleId": "Back_Office"}
        wrong = [f"{name} of {target}: {user.get(name)}" for name in should if user.get(name) != should[name]]
        for about, rights in GIVEN.items():
            given = {column for column in now.get(about, ()) if column.startswith("Permissions")}
            if given != rights:
                wrong.append(f"what {about} gives: {', '.join(sorted(given))}")
        return tuple(wrong)

    def _residue(self, now: View) -> set[str]:
        """The lines of one inactive user with nothing assigned: what cannot be taken back."""
        user = now.get(f"User {NEW}")
        if user is None or f"User {NEW}" in self.before or user.get("IsActive") or user.get("UserRoleId"):
            return set()
        own = f"added PermissionSetAssignment {NEW}/{_own_set(user.get('ProfileId'))}"
        return {f"added User {NEW}", f"added UserLogin {NEW}", own}
