"""Reading the access state that a migration may touch, and its fingerprint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.access.fingerprint import digest, source_parts, target_parts
from harness.access.people import User, read_user
from harness.access.reading import Holdings, read_holdings
from harness.access.soql import equals, select
from harness.errors import StageFailed
from harness.migration.apps import App, find_app

if TYPE_CHECKING:
    from harness.migration.context import Context
    from harness.org.connection import Connection

RUNS_AS_FLOW = "client-credentials"


@dataclass(frozen=True, slots=True)
class State:
    """The state, and the parts its fingerprint is made of."""

    source: User
    holdings: Holdings
    parts: Mapping[str, str]

    @property
    def fingerprint(self) -> str:
        """A SHA-256 over the parts."""
        return digest(dict(self.parts))


def read_state(context: Context) -> State:
    """Read it: some fifteen queries. Raises StageFailed when the source user is gone."""
    admin, scenario = context.admin, context.scenario
    source = read_user(admin, scenario.from_.username)
    if source is None:
        raise StageFailed(
            f"there is no user {scenario.from_.username}",
            stage=context.stage,
            place=context.world.file.place("from", "username"),
            remedy="write the username as it stands in this sandbox: a copy of production adds a suffix to it",
        )
    holdings = read_holdings(admin, source)
    target = read_user(admin, scenario.to.username)
    app = find_scenario_app(context)
    parts = {
        **source_parts(source, holdings),
        **target_parts(scenario.to.username, target, assigned_to(admin, target.id) if target else ()),
        f"permission set {scenario.permission_set_name}": _presence(admin, scenario.permission_set_name),
        **(_app_parts(admin, app) if app else {}),
    }
    return State(source, holdings, parts)


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


def _presence(admin: Connection, name: str) -> str:
    rows = admin.query(select("PermissionSet", ("Id", "Description"), where=equals("Name", name)))
    return f"there: {rows[0]['Description']}" if rows else "not there"


def _app_parts(admin: Connection, app: App) -> dict[str, str]:
    rows = admin.query(
        select("SetupEntityAccess", ("Id", "ParentId"), where=equals("SetupEntityId", app.id), order="Id")
    )
    return {
        f"app {app.name}: authorized for": ", ".join(sorted(str(row["ParentId"]) for row in rows)) or "none",
        f"app {app.name}: runs as": app.run_as or "nobody",
    }
