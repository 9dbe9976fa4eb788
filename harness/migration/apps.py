"""The connected app or External Client App that an external system signs in through.

What a query shows of it is its name and whether its users need an admin's approval; the user that client credentials
run as is part of its metadata (facts 4.6).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from harness.access.reading.asking import ask_each
from harness.access.soql import equals, quote, select
from harness.errors import RequestRefused

if TYPE_CHECKING:
    from harness.org.connection import Answer, Connection

Kind = Literal["ConnectedApplication", "ExternalClientApplication"]

APPROVED_ONLY = "AdminApprovedPreAuthorized"
CONNECTED_APP = "ConnectedApp"
ECA_POLICIES = "ExtlClntAppOauthConfigurablePolicies"
_RUN_AS = {CONNECTED_APP: "oauthClientCredentialUser", ECA_POLICIES: "clientCredentialsFlowUser"}
_NOT_SENT = frozenset(
    {"consumerKey", "permissionsetName", "profileName", "commaSeparatedPermissionSet", "commaSeparatedProfile"}
)


@dataclass(frozen=True, slots=True)
class App:
    """One app. `policy` is its metadata component that holds the run-as user, where the org shows it."""

    kind: Kind
    id: str
    name: str
    developer_name: str
    admin_approved_only: bool | None
    policy: Mapping[str, Any] | None = None

    @property
    def entity(self) -> str:
        """Its name as a setup entity: `TYPE:NAME`."""
        return f"{self.kind}:{self.name if self.kind == 'ConnectedApplication' else self.developer_name}"

    @property
    def needs_approval(self) -> bool:
        """Whether a user must be pre-authorized; where an app does not say, it is so (facts 4.6)."""
        return self.admin_approved_only if self.admin_approved_only is not None else True

    @property
    def policy_kind(self) -> str:
        """The metadata type that holds the run-as user."""
        return CONNECTED_APP if self.kind == "ConnectedApplication" else ECA_POLICIES

    @property
    def run_as(self) -> str | None:
        """The username that client credentials run as, or None."""
        policy = self.policy or {}
        holder = policy.get("oauthConfig") or {} if self.kind == "ConnectedApplication" else policy
        return holder.get(_RUN_AS[self.policy_kind]) or None


def find_app(admin: Connection, name: str, *, policy: bool) -> App | None:
    """Find an app by its name in Setup: one call. With `policy`, its policies are read as well. Raises RequestRefused.

    An org that has no External Client Apps refuses to be asked for one: that matters only where the name is no other's.
    """
    connected, client = ask_each(admin, app_queries(name))
    if isinstance(connected, RequestRefused):
        raise connected
    if connected:
        row = connected[0]
        app = App(
            kind="ConnectedApplication",
            id=str(row["Id"]),
            name=str(row["Name"]),
            developer_name=re.sub(r"\W+", "_", name).strip("_"),
            admin_approved_only=bool(row["OptionsAllowAdminApprovedUsersOnly"]),
        )
        return _with_policy(admin, app) if policy else app
    if isinstance(client, RequestRefused):
        raise client
    if not client:
        return None
    row = client[0]
    app = App(
        kind="ExternalClientApplication",
        id=str(row["Id"]),
        name=str(row["MasterLabel"]),
        developer_name=str(row["DeveloperName"]),
        admin_approved_only=None,
    )
    return _with_policy(admin, app)


def app_queries(name: str) -> tuple[str, str]:
    """The queries for a connected app and for an External Client App of a name in Setup."""
    columns = ("Id", "Name", "OptionsAllowAdminApprovedUsersOnly")
    where = f"MasterLabel = {quote(name)} OR DeveloperName = {quote(name)}"
    return (
        select("ConnectedApplication", columns, where=equals("Name", name)),
        select("ExternalClientApplication", ("Id", "DeveloperName", "MasterLabel"), where=where),
    )


def set_run_as(admin: Connection, app: App, username: str | None) -> Answer:
    """Let client credentials run as a user. Who may use the app, and its consumer key, are left out of what is sent."""
    if app.policy is None:
        raise ValueError(f"the policies of {app.name} were not read")
    policy = {name: value for name, value in app.policy.items() if name not in _NOT_SENT}
    if app.kind == "ConnectedApplication":
        config = {name: value for name, value in (policy.get("oauthConfig") or {}).items() if name not in _NOT_SENT}
        policy["oauthConfig"] = {**config, _RUN_AS[CONNECTED_APP]: username or ""}
    else:
        policy[_RUN_AS[ECA_POLICIES]] = username or ""
    return admin.update_metadata(app.policy_kind, policy)


def _with_policy(admin: Connection, app: App) -> App:
    """The same with its policies, and what they say about who may use it."""
    for component in admin.read_metadata(app.policy_kind, list(_names(app))):
        if app.kind == "ConnectedApplication":
            if component.get("label", app.name) == app.name:
                return _completed(app, component, app.admin_approved_only)
        elif component.get("externalClientApplication", app.developer_name) == app.developer_name:
            approved = component.get("permittedUsersPolicyType") == APPROVED_ONLY
            return _completed(app, component, approved)
    return app


def _completed(app: App, policy: Mapping[str, Any], approved: bool | None) -> App:
    return App(app.kind, app.id, app.name, app.developer_name, approved, policy)


def _names(app: App) -> Iterator[str]:
    """The names its policies may go by: Setup names those of an External Client App after it (facts 4.6)."""
    yield app.developer_name
    if app.kind == "ExternalClientApplication":
        yield f"{app.developer_name}_oauthPlcy"
