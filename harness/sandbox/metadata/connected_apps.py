"""ConnectedApp (Metadata API guide). Elements that an update leaves out stay as they are."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from xml.etree.ElementTree import Element

from harness.sandbox import apps
from harness.sandbox.app_policies import ip_relaxation, oauth_scope, scope_of_file
from harness.sandbox.apps import App
from harness.sandbox.metadata import shelf
from harness.sandbox.metadata.app_access import (
    TOKEN_FLAGS,
    execution_user,
    granted,
    pre_authorize,
    profile_sets,
    refresh_changes,
    sets_named,
    token_changes,
    token_parts,
    username,
)
from harness.sandbox.metadata.errors import ComponentError
from harness.sandbox.metadata.kind import Kind, Listed, Scope
from harness.sandbox.metadata.parts import Parts, by_name, present
from harness.sandbox.metadata.reading import as_node, as_parts
from harness.sandbox.metadata.work import Work
from harness.sandbox.source.document import Node

_SECRETS = ("consumerKey", "consumerSecret")
_CONFIG = (
    *("callbackUrl", "isAdminApproved", "isClientCredentialEnabled", "isConsumerSecretOptional"),
    *("oauthClientCredentialUser", *_SECRETS, *TOKEN_FLAGS),
)
"""Elements of `oauthConfig` that the app keeps."""
_CREATION_REFUSED = (
    "You can't create a connected app. To enable connected app creation, contact Salesforce Customer Support."
)


class ConnectedApps(Kind):
    """ConnectedApp."""

    name = "ConnectedApp"
    directory = "connectedApps"
    suffix = "connectedApp"
    elements = frozenset(
        {
            *("attributes", "canvasConfig", "contactEmail", "contactPhone", "description", "fullName", "iconUrl"),
            *("infoUrl", "ipRanges", "label", "logoUrl", "mobileAppConfig", "mobileStartUrl", "oauthConfig"),
            *("oauthPolicy", "permissionsetName", "plugin", "pluginExecutionUser", "profileName", "samlConfig"),
            *("sessionPolicy", "startUrl"),
        }
    )
    own = frozenset({"fullName", "ipRanges", "label", "oauthConfig", "oauthPolicy", "permissionsetName", "profileName"})
    """Elements that the app keeps; the others are put by."""

    def list(self, work: Work) -> Iterable[Listed]:
        """All connected apps."""
        for app in apps.all_apps(work.org):
            if app.kind == "ConnectedApplication":
                yield Listed(app.developer_name, work.org.row(app.kind, app.id) or {})

    def show(self, work: Work, name: str, scope: Scope | None = None) -> Parts | None:  # noqa: ARG002 - a profile's
        """The app without its secret."""
        app = apps.app_named(work.org, name, kind="ConnectedApplication")
        if app is None:
            return None
        kept = shelf.kept(work.org, self.name, app.developer_name)
        profiles, sets = granted(work, app)
        parts: Parts = [("label", app.name), ("oauthConfig", _config(work, app, _inner(kept, "oauthConfig")))]
        parts += [("permissionsetName", one) for one in sets] + [("profileName", one) for one in profiles]
        parts += [("ipRanges", [("end", last), ("start", first)]) for first, last in app.ip_ranges]
        policy: Parts = [("ipRelaxation", app.ip_relaxation.upper()), ("refreshTokenPolicy", "infinite")]
        parts.append(("oauthPolicy", _merged(policy, _inner(kept, "oauthPolicy"))))
        return by_name(parts + [one for one in kept if one[0] not in self.own])

    def write(self, work: Work, name: str, root: Element) -> None:
        """Change the app; one that there is not is made, where the org still allows that."""
        node = as_node(root)
        app = apps.app_named(work.org, name, kind="ConnectedApplication")
        if app is None:
            if not work.org.switches.connected_app_creation:
                raise ComponentError("INVALID_OPERATION", _CREATION_REFUSED)
            app = apps.add_app(work.org, name=node.text("label") or name, developer_name=name, flows=_first_flows(node))
        changes: dict[str, Any] = {}
        for config in node.all("oauthConfig"):
            changes |= config_changes(work, app, config)
        for policy in node.all("oauthPolicy"):
            relaxation = policy.text("ipRelaxation")
            changes |= {"ip_relaxation": ip_relaxation(relaxation)} if relaxation else {}
            changes |= refresh_changes(policy.text("refreshTokenPolicy"))
        ranges = tuple((one.text("start") or "", one.text("end") or "") for one in node.all("ipRanges"))
        changes |= {"ip_ranges": ranges} if ranges else {}
        label = node.text("label")
        apps.change_app(work.org, app, **changes | ({"name": label} if label else {}))
        if sets := node.texts("permissionsetName"):
            pre_authorize(work, app, sets_named(work, sets), of_profiles=False)
        if profiles := node.texts("profileName"):
            pre_authorize(work, app, profile_sets(work, profiles), of_profiles=True)
        self._keep(work, app, root)

    def _keep(self, work: Work, app: App, root: Element) -> None:
        given = as_parts(root)
        extras = [one for one in given if one[0] not in self.own or one[0] in ("oauthConfig", "oauthPolicy")]
        named = {element for element, _ in extras}
        before = [one for one in shelf.kept(work.org, self.name, app.developer_name) if one[0] not in named]
        shelf.keep(work.org, self.name, app.developer_name, [*before, *map(_without_secrets, extras)])

    def remove(self, work: Work, name: str) -> None:
        """Delete the app."""
        app = apps.app_named(work.org, name, kind="ConnectedApplication")
        if app is not None:
            apps.delete_app(work.org, app)
            shelf.forget(work.org, self.name, app.developer_name)


def config_changes(work: Work, app: App, config: Node) -> dict[str, Any]:
    """What `oauthConfig` changes of an app."""
    changes = token_changes(config)
    if scopes := config.texts("scopes"):
        changes["scopes"] = tuple(oauth_scope(one) for one in scopes)
    if (run_as := config.given("oauthClientCredentialUser")) is not None:
        changes["run_as"] = execution_user(work, run_as)
    if (enabled := config.text("isClientCredentialEnabled")) is not None:
        others = app.flows - {apps.CLIENT_CREDENTIALS}
        changes["flows"] = others | {apps.CLIENT_CREDENTIALS} if enabled == "true" else others
    if (approved := config.text("isAdminApproved")) is not None:
        changes["admin_approved_only"] = approved == "true"
    return changes


def _first_flows(node: Node) -> set[str]:
    flows = {apps.USERNAME_PASSWORD}
    return flows | ({apps.JWT_BEARER} if node.text("oauthConfig", "certificate") else set())


def _config(work: Work, app: App, kept: Parts) -> Parts:
    runs = apps.CLIENT_CREDENTIALS in app.flows
    own = present(
        (
            ("consumerKey", app.consumer_key),
            ("isAdminApproved", app.admin_approved_only),
            ("isClientCredentialEnabled", runs),
            ("oauthClientCredentialUser", username(work, app.run_as) if runs else None),
        )
    )
    extras = [one for one in kept if one[0] not in _CONFIG]
    own += token_parts(app)
    scopes: Parts = [("scopes", scope_of_file(one)) for one in app.scopes]
    return by_name(own + (extras if any(one[0] == "scopes" for one in extras) else [*extras, *scopes]))


def _inner(kept: Parts, name: str) -> Parts:
    found = next((value for element, value in kept if element == name), [])
    return found if isinstance(found, list) else []


def _merged(own: Parts, kept: Parts) -> Parts:
    named = {element for element, _ in kept if element != "ipRelaxation"}
    extras = [one for one in kept if one[0] != "ipRelaxation"]
    return by_name([one for one in own if one[0] not in named] + extras)


def _without_secrets(part: tuple[str, Any]) -> tuple[str, Any]:
    name, value = part
    return (name, [one for one in value if one[0] not in _SECRETS]) if isinstance(value, list) else part
