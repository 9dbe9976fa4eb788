"""Reading the access state that a migration may touch, and its fingerprint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.access.fingerprint import digest, source_parts, target_parts
from harness.access.reading.asking import ask
from harness.access.reading.holdings import HOLDING_OBJECTS, Holdings, read_holdings
from harness.access.reading.people import ExtraLicenses, User, read_extra_licenses, read_user
from harness.access.soql import equals, select
from harness.errors import StageFailed
from harness.migration.apps import App, find_app
from harness.migration.trial_user import trial_set_name, trial_username

if TYPE_CHECKING:
    from harness.migration.context import Context
    from harness.org.connection import Connection

RUNS_AS_FLOW = "client-credentials"
_ASKED_LATER = ("User", "RecordType", "PermissionSetLicense", "UserPermissionAccess")
"""Setup objects whose columns the stages ask for later: described in the same call."""


@dataclass(frozen=True, slots=True)
class State:
    """The state, and the parts its fingerprint is made of."""

    source: User
    holdings: Holdings
    licenses: ExtraLicenses
    parts: Mapping[str, str]
    calls: int
    """API calls that reading the holdings took: the permission rows, and the sets and assignments they hang on."""

    @property
    def fingerprint(self) -> str:
        """A SHA-256 over the parts."""
        return digest(dict(self.parts))


def read_state(context: Context) -> State:
    """Read it: some ten calls, and one for each further page of rows. Raises StageFailed when the source is gone."""
    admin, scenario = context.admin, context.scenario
    source = read_user(admin, scenario.from_.username)
    if source is None:
        raise StageFailed(
            f"there is no user {scenario.from_.username}",
            stage=context.stage,
            place=context.world.file.place("from", "username"),
            remedy="write the username as it stands in this sandbox: a copy of production adds a suffix to it",
        )
    before = context.world.meter.calls
    admin.learn_fields(*HOLDING_OBJECTS, *_ASKED_LATER)
    holdings = read_holdings(admin, source)
    calls = context.world.meter.calls - before
    licenses = read_extra_licenses(admin, source.id)
    target = read_user(admin, scenario.target_username)
    parts = {
        **source_parts(source, holdings, licenses),
        **target_parts(scenario.target_username, target, assigned_to(admin, target.id) if target else ()),
        **_shared_parts(admin, scenario.permission_set_name, find_scenario_app(context)),
        **(_trial_parts(context) if scenario.permissions.ceiling == "try" else {}),
    }
    return State(source, holdings, licenses, parts, calls)


def _trial_parts(context: Context) -> dict[str, str]:
    """The throw-away user of a trial, and its permission set."""
    username, name = trial_username(context.scenario), trial_set_name(context.scenario)
    user = read_user(context.admin, username)
    assigned = assigned_to(context.admin, user.id) if user else ()
    sets = context.admin.query(select("PermissionSet", ("Id",), where=equals("Name", name)))
    return {**target_parts(username, user, assigned), f"permission set {name}": "there" if sets else "not there"}


def the_user(context: Context, username: str) -> User:
    """The user of that username. Raises StageFailed when it is gone."""
    user = read_user(context.admin, username)
    if user is None:
        raise StageFailed(f"there is no user {username}", stage=context.stage)
    return user


def find_scenario_app(context: Context) -> App | None:
    """The app the new user signs in through, with its policies where they matter; None where the flow has none."""
    sign_in = context.scenario.to.sign_in
    name = getattr(sign_in, "app", None)
    return find_app(context.admin, name, policy=sign_in.flow == RUNS_AS_FLOW) if name else None


def assigned_to(admin: Connection, user_id: str) -> tuple[str, ...]:
    """The names of the permission sets that are assigned to a user, that of its profile not among them."""
    rows = admin.query(
        select(
            "PermissionSetAssignment",
            ("Id", "PermissionSet.Name"),
            where=f"{equals('AssigneeId', user_id)} AND PermissionSet.IsOwnedByProfile = false",
            order="Id",
        )
    )
    return tuple(sorted(str(row["PermissionSet"]["Name"]) for row in rows))


def _shared_parts(admin: Connection, set_name: str, app: App | None) -> dict[str, str]:
    """The permission set that a run makes, and who may use the app and whom it runs as."""
    queries = [select("PermissionSet", ("Id", "Description"), where=equals("Name", set_name))]
    if app:
        where = equals("SetupEntityId", app.id)
        queries.append(select("SetupEntityAccess", ("Id", "ParentId"), where=where, order="Id"))
    sets, *authorized = ask(admin, *queries)
    parts = {f"permission set {set_name}": f"there: {sets[0]['Description']}" if sets else "not there"}
    if app:
        parents = sorted(str(row["ParentId"]) for row in authorized[0])
        parts[f"app {app.name}: authorized for"] = ", ".join(parents) or "none"
        parts[f"app {app.name}: runs as"] = app.run_as or "nobody"
    return parts
