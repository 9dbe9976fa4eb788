"""ExternalClientApplication with its settings and policies: five metadata types for one app (Metadata API guide).

Settings and policies say which app they belong to; elements that an update leaves out stay as they are. Client
credentials run only where both the global settings and the policies allow them.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from typing import ClassVar
from xml.etree.ElementTree import Element

from harness.sandbox import apps
from harness.sandbox.app_policies import oauth_scope, scope_of_file
from harness.sandbox.apps import App
from harness.sandbox.metadata import shelf
from harness.sandbox.metadata.app_access import (
    TOKEN_FLAGS,
    execution_user,
    granted,
    no_such_app,
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
from harness.sandbox.metadata.parts import Parts, by_name, present, text_of
from harness.sandbox.metadata.reading import as_node, as_parts
from harness.sandbox.metadata.work import Work
from harness.sandbox.source.document import Node

_ECA: apps.Kind = "ExternalClientApplication"
_ADMIN_APPROVED, _SELF_AUTHORIZED = "AdminApprovedPreAuthorized", "AllSelfAuthorized"
_RELAXATIONS = ("Enforce", "Bypass", "Bypass_2factor", "Enforce_RelaxRefresh")


class ClientApps(Kind):
    """ExternalClientApplication: the app itself."""

    name = _ECA
    directory = "externalClientApps"
    suffix = "eca"
    elements = frozenset(
        {
            *("contactEmail", "contactPhone", "description", "distributionState", "fullName", "iconUrl", "infoUrl"),
            *("isProtected", "label", "logoUrl", "managedApplication", "orgScopedExternalApp"),
        }
    )

    def list(self, work: Work) -> Iterable[Listed]:
        """All External Client Apps."""
        return [Listed(app.developer_name, work.org.row(_ECA, app.id) or {}) for app in _apps(work)]

    def show(self, work: Work, name: str, scope: Scope | None = None) -> Parts | None:  # noqa: ARG002 - a profile's
        """The app."""
        app = apps.app_named(work.org, name, kind=_ECA)
        if app is None:
            return None
        own: Parts = [("distributionState", "Local"), ("isProtected", False), ("label", app.name)]
        kept = shelf.kept(work.org, self.name, app.developer_name)
        named = {element for element, _ in kept}
        return by_name(kept + [one for one in own if one[0] not in named])

    def write(self, work: Work, name: str, root: Element) -> None:
        """Create or rename the app."""
        label = as_node(root).text("label")
        app = apps.app_named(work.org, name, kind=_ECA)
        if app is None:
            app = apps.add_app(work.org, name=label or name, developer_name=name, kind=_ECA, flows=set())
        elif label:
            apps.change_app(work.org, app, name=label)
        extras = [one for one in as_parts(root) if one[0] not in ("fullName", "label")]
        shelf.keep(work.org, self.name, app.developer_name, extras)

    def remove(self, work: Work, name: str) -> None:
        """Delete the app with its settings and policies."""
        app = apps.app_named(work.org, name, kind=_ECA)
        if app is not None:
            apps.delete_app(work.org, app)
            for kind in (ClientApps, GlobalSettings, OauthSettings, OauthPolicies, AppPolicies):
                shelf.forget(work.org, kind.name, app.developer_name)


class _AppPart(Kind):
    """Settings or policies of an app."""

    ending: ClassVar[str]
    """What follows the app's name in the name of the component, unless it was deployed under another."""
    own: ClassVar[tuple[str, ...]]
    """Elements that follow from the app; the others are put by."""

    @abstractmethod
    def own_parts(self, work: Work, app: App) -> Parts:
        """What the app says."""

    @abstractmethod
    def change(self, work: Work, app: App, node: Node) -> None:
        """Change the app."""

    def list(self, work: Work) -> Iterable[Listed]:
        """One component for each app."""
        return [Listed(self._full_name(work, app), work.org.row(_ECA, app.id) or {}) for app in _apps(work)]

    def find(self, work: Work, name: str) -> Listed | None:
        """By its own name, or by that of its app."""
        app = self._app(work, name)
        return Listed(self._full_name(work, app), work.org.row(_ECA, app.id) or {}) if app else None

    def show(self, work: Work, name: str, scope: Scope | None = None) -> Parts | None:  # noqa: ARG002 - a profile's
        """What the app says, and what was put by."""
        app = self._app(work, name)
        if app is None:
            return None
        kept = [one for one in shelf.kept(work.org, self.name, app.developer_name) if one[0] not in self._named]
        labels = [("externalClientApplication", app.developer_name), ("label", self._label(work, app))]
        return by_name([*labels, *self.own_parts(work, app), *kept])

    def write(self, work: Work, name: str, root: Element) -> None:
        """Change the app that the component belongs to."""
        node = as_node(root)
        owner = node.text("externalClientApplication")
        app = apps.app_named(work.org, owner, kind=_ECA) if owner else self._app(work, name)
        if app is None:
            raise no_such_app(self.name, name)
        self.change(work, app, node)
        given = [one for one in as_parts(root) if one[0] not in ("fullName", "consumerSecret", "consumerKey")]
        named = {element for element, _ in given} | {"fullName"}
        before = [one for one in shelf.kept(work.org, self.name, app.developer_name) if one[0] not in named]
        shelf.keep(work.org, self.name, app.developer_name, [*before, *given, ("fullName", name)])

    def remove(self, work: Work, name: str) -> None:
        """Forget the component; the app stays as it is."""
        app = self._app(work, name)
        if app is not None:
            shelf.forget(work.org, self.name, app.developer_name)

    @property
    def _named(self) -> set[str]:
        return {*self.own, "externalClientApplication", "fullName", "label"}

    def _app(self, work: Work, name: str) -> App | None:
        wanted = name.lower()
        for app in _apps(work):
            if wanted in (app.developer_name.lower(), app.name.lower(), self._full_name(work, app).lower()):
                return app
        return None

    def _full_name(self, work: Work, app: App) -> str:
        return kept_text(work, self.name, app, "fullName") or f"{app.developer_name}_{self.ending}"

    def _label(self, work: Work, app: App) -> str:
        return kept_text(work, self.name, app, "label") or app.name


class GlobalSettings(_AppPart):
    """ExtlClntAppGlobalOauthSettings."""

    name = "ExtlClntAppGlobalOauthSettings"
    directory = "extlClntAppGlobalOauthSets"
    suffix = "ecaGlblOauth"
    ending = "glbloauth"
    own = (
        *("callbackUrl", "consumerKey", "consumerSecret", "isClientCredentialsFlowEnabled"),
        *("isConsumerSecretOptional", "shouldRotateConsumerKey", "shouldRotateConsumerSecret", *TOKEN_FLAGS),
    )
    elements = frozenset(
        {
            *("assetTokenAudiences", "assetTokenSigningCertId", "assetTokenValidity", "callbackUrl", "certificate"),
            *(
                "consumerKey",
                "consumerSecret",
                "customScopes",
                "externalClientApplication",
                "fullName",
                "idTokenConfig",
            ),
            *("isClientCredentialsFlowEnabled", "isCodeCredFlowEnabled", "isCodeCredPostOnly"),
            *("isConsumerSecretOptional", "isDeviceFlowEnabled", "isGuestCodeCredFlowEnabled"),
            *("isIntrospectAllTokens", "isNamedUserJwtEnabled", "isPkceRequired", "isRefreshTokenRotationEnabled"),
            *("isSecretRequiredForRefreshToken", "isSecretRequiredForTokenExchange", "isTokenExchangeEnabled"),
            *("label", "shouldRotateConsumerKey", "shouldRotateConsumerSecret"),
        }
    )

    def own_parts(self, work: Work, app: App) -> Parts:
        """Key and flows."""
        told = kept_text(work, self.name, app, "isClientCredentialsFlowEnabled")
        enabled = told == "true" if told else apps.CLIENT_CREDENTIALS in app.flows
        parts: Parts = [("consumerKey", app.consumer_key), ("isClientCredentialsFlowEnabled", enabled)]
        return [*parts, *token_parts(app)]

    def change(self, work: Work, app: App, node: Node) -> None:
        """Flows, callback and PKCE; a certificate allows JWT bearer."""
        flows = set(app.flows)
        if (enabled := node.text("isClientCredentialsFlowEnabled")) is not None:
            by_policies = kept_text(work, OauthPolicies.name, app, "isClientCredentialsFlowEnabled")
            flows = _switched(flows, enabled == "true" and by_policies != "false")
        if node.text("certificate"):
            flows.add(apps.JWT_BEARER)
        app = apps.change_app(work.org, app, flows=frozenset(flows), **token_changes(node))
        if node.flag("shouldRotateConsumerSecret"):
            apps.rotate_secret(work.org, app)


class OauthSettings(_AppPart):
    """ExtlClntAppOauthSettings: the scopes."""

    name = "ExtlClntAppOauthSettings"
    directory = "extlClntAppOauthSettings"
    suffix = "ecaOauth"
    ending = "oauth"
    own = ("commaSeparatedOauthScopes",)
    elements = frozenset(
        {
            *("commaSeparatedOauthScopes", "commaSeparatedCustomScopes", "customAttributes", "fullName"),
            *("externalClientApplication", "isFirstPartyAppEnabled", "label", "oauthLink", "singleLogoutUrl"),
        }
    )

    def own_parts(self, work: Work, app: App) -> Parts:
        """The scopes as files name them."""
        told = kept_text(work, self.name, app, "commaSeparatedOauthScopes")
        scopes = (scope_of_file(one) for one in app.scopes)
        return [("commaSeparatedOauthScopes", told or ", ".join(scopes))]

    def change(self, work: Work, app: App, node: Node) -> None:
        """The scopes in the words of OAuth."""
        if (scopes := node.text("commaSeparatedOauthScopes")) is not None:
            apps.change_app(work.org, app, scopes=tuple(oauth_scope(one) for one in _split(scopes)))


class OauthPolicies(_AppPart):
    """ExtlClntAppOauthConfigurablePolicies: permitted users, pre-authorization and the run-as user."""

    name = "ExtlClntAppOauthConfigurablePolicies"
    directory = "extlClntAppOauthPolicies"
    suffix = "ecaOauthPlcy"
    ending = "oauthPlcy"
    own = (
        "clientCredentialsFlowUser",
        "commaSeparatedPermissionSet",
        "commaSeparatedProfile",
        "ipRelaxationPolicyType",
        "isClientCredentialsFlowEnabled",
        "permittedUsersPolicyType",
    )
    elements = frozenset(
        {
            *own,
            *("clientCredentialsFlowUserId", "customAttributes", "executionUser", "externalClientApplication"),
            *("fullName", "guestJwtTimeout", "isGuestCodeCredFlowEnabled", "isTokenExchangeFlowEnabled", "label"),
            *("namedUserJwtTimeout", "policyAction", "refreshTokenPolicyType", "refreshTokenValidityPeriod"),
            *("refreshTokenValidityUnit", "requiredSessionLevel", "sessionTimeoutInMinutes", "singleLogoutUrl"),
            *("startPage", "startUrl"),
        }
    )

    def own_parts(self, work: Work, app: App) -> Parts:
        """The policies that hold."""
        profiles, sets = granted(work, app)
        parts = present(
            (
                ("clientCredentialsFlowUser", username(work, app.run_as)),
                ("commaSeparatedPermissionSet", ",".join(sets) or None),
                ("commaSeparatedProfile", ",".join(profiles) or None),
                ("ipRelaxationPolicyType", app.ip_relaxation),
                ("isClientCredentialsFlowEnabled", apps.CLIENT_CREDENTIALS in app.flows),
                ("permittedUsersPolicyType", _ADMIN_APPROVED if app.admin_approved_only else _SELF_AUTHORIZED),
            )
        )
        told = kept_text(work, self.name, app, "refreshTokenPolicyType")
        return parts if told else [*parts, ("refreshTokenPolicyType", "Infinite")]

    def change(self, work: Work, app: App, node: Node) -> None:
        """Change the policies that are named. Raises ComponentError."""
        permitted, relaxation = node.text("permittedUsersPolicyType"), node.text("ipRelaxationPolicyType")
        _check_value("PermittedUsersPolicyType", permitted, (_ADMIN_APPROVED, _SELF_AUTHORIZED))
        _check_value("IpRelaxationPolicyType", relaxation, _RELAXATIONS)
        changes = refresh_changes(
            node.text("refreshTokenPolicyType"),
            node.text("refreshTokenValidityPeriod"),
            node.text("refreshTokenValidityUnit"),
        )
        if permitted:
            changes["admin_approved_only"] = permitted == _ADMIN_APPROVED
        if relaxation:
            changes["ip_relaxation"] = relaxation
        if (run_as := node.given("clientCredentialsFlowUser")) is not None:
            changes["run_as"] = execution_user(work, run_as)
        if (enabled := node.text("isClientCredentialsFlowEnabled")) is not None:
            by_settings = kept_text(work, GlobalSettings.name, app, "isClientCredentialsFlowEnabled")
            changes["flows"] = frozenset(_switched(set(app.flows), enabled == "true" and by_settings != "false"))
        apps.change_app(work.org, app, **changes)
        if (sets := node.given("commaSeparatedPermissionSet")) is not None:
            pre_authorize(work, app, sets_named(work, _split(sets)), of_profiles=False)
        if (profiles := node.given("commaSeparatedProfile")) is not None:
            pre_authorize(work, app, profile_sets(work, _split(profiles)), of_profiles=True)


class AppPolicies(_AppPart):
    """ExtlClntAppConfigurablePolicies: whether the app is on."""

    name = "ExtlClntAppConfigurablePolicies"
    directory = "extlClntAppPolicies"
    suffix = "ecaPlcy"
    ending = "plcy"
    own = ("isEnabled",)
    elements = frozenset(
        {
            *("externalClientApplication", "fullName", "isEnabled", "isOauthPluginEnabled", "isSamlPluginEnabled"),
            *("isMobilePluginEnabled", "isPushPluginEnabled", "label", "startPage"),
        }
    )

    def own_parts(self, work: Work, app: App) -> Parts:  # noqa: ARG002 - the others need it
        """Whether it is on."""
        return [("isEnabled", app.enabled)]

    def change(self, work: Work, app: App, node: Node) -> None:
        """Switch the app on or off."""
        if (enabled := node.text("isEnabled")) is not None:
            apps.change_app(work.org, app, enabled=enabled == "true")


def kept_text(work: Work, kind: str, app: App, name: str) -> str | None:
    """The text of an element that was put by for a part of an app."""
    for element, value in shelf.kept(work.org, kind, app.developer_name):
        if element == name and not isinstance(value, list):
            return text_of(value)
    return None


def _apps(work: Work) -> list[App]:
    return [one for one in apps.all_apps(work.org) if one.kind == _ECA]


def _switched(flows: set[str], on: bool) -> set[str]:
    others = flows - {apps.CLIENT_CREDENTIALS}
    return others | {apps.CLIENT_CREDENTIALS} if on else others


def _check_value(kind: str, value: str | None, known: tuple[str, ...]) -> None:
    if value is not None and value not in known:
        raise ComponentError("INVALID_INPUT", f"'{value}' is not a valid value for the enum '{kind}'")


def _split(text: str) -> list[str]:
    return [one.strip() for one in text.split(",") if one.strip()]
