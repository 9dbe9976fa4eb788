"""Read connected apps and External Client Apps.

Metadata API guide: ConnectedApp; ExternalClientApplication with its ExtlClntAppGlobalOauthSettings,
ExtlClntAppOauthConfigurablePolicies and ExtlClntAppConfigurablePolicies. Consumer keys in the files are not used: an
org makes its own.
"""

from __future__ import annotations

from typing import Any

from harness.sandbox.app_policies import ip_relaxation, oauth_scope, refresh_policy
from harness.sandbox.source.document import Node
from harness.sandbox.source.metadata import AppMetadata


def read_connected_app(name: str, root: Node) -> AppMetadata:
    """A connected app."""
    return AppMetadata(
        name=name,
        label=root.text("label") or name,
        external=False,
        client_credentials=root.flag("oauthConfig", "isClientCredentialEnabled"),
        certificate=root.text("oauthConfig", "certificate") is not None,
        admin_approved=root.flag("oauthConfig", "isAdminApproved"),
        run_as=root.text("oauthConfig", "oauthClientCredentialUser"),
        profiles=root.texts("profileName"),
        permission_sets=root.texts("permissionsetName"),
        policies=_connected_app_policies(root),
    )


def read_external_client_app(name: str, root: Node) -> AppMetadata:
    """An External Client App's own file; settings and policies are added by the functions below."""
    return AppMetadata(name=name, label=root.text("label") or name, external=True)


def add_global_settings(app: AppMetadata, root: Node) -> None:
    """Client credentials must be on in both the global settings and the policies; here is the first half."""
    app.client_credentials = root.flag("isClientCredentialsFlowEnabled")
    app.certificate = root.text("certificate") is not None
    app.policies |= {
        "callback_urls": tuple((root.text("callbackUrl") or "").split()),
        "pkce_required": root.flag("isPkceRequired"),
        "rotates_refresh_tokens": root.flag("isRefreshTokenRotationEnabled"),
        "introspects_all": root.flag("isIntrospectAllTokens"),
        "secret_required": not root.flag("isConsumerSecretOptional"),
    }


def add_settings(app: AppMetadata, root: Node) -> None:
    """The scopes."""
    if scopes := _names(root.text("commaSeparatedOauthScopes")):
        app.policies["scopes"] = tuple(oauth_scope(one) for one in scopes)


def add_oauth_policies(app: AppMetadata, root: Node) -> None:
    """Who may use the app, and as whom client credentials run."""
    app.client_credentials = app.client_credentials and root.flag("isClientCredentialsFlowEnabled")
    app.admin_approved = root.text("permittedUsersPolicyType") == "AdminApprovedPreAuthorized"
    app.run_as = root.text("clientCredentialsFlowUser")
    app.permission_sets = _names(root.text("commaSeparatedPermissionSet"))
    app.profiles = _names(root.text("commaSeparatedProfile"))
    lifetime, idle = refresh_policy(
        root.text("refreshTokenPolicyType"),
        root.number("refreshTokenValidityPeriod"),
        root.text("refreshTokenValidityUnit") or "Hours",
    )
    app.policies |= {
        "ip_relaxation": ip_relaxation(root.text("ipRelaxationPolicyType")),
        "refresh_lifetime_seconds": lifetime,
        "refresh_idle_seconds": idle,
    }


def add_policies(app: AppMetadata, root: Node) -> None:
    """Whether the app is on at all."""
    app.enabled = root.text("isEnabled") != "false"


def _connected_app_policies(root: Node) -> dict[str, Any]:
    scopes = next((one.texts("scopes") for one in root.all("oauthConfig")), ())
    lifetime, idle = refresh_policy(root.text("oauthPolicy", "refreshTokenPolicy"))
    ranges = [(one.text("start"), one.text("end")) for one in root.all("ipRanges")]
    return {
        "scopes": tuple(oauth_scope(one) for one in scopes) or ("api",),
        "callback_urls": tuple((root.text("oauthConfig", "callbackUrl") or "").split()),
        "pkce_required": root.flag("oauthConfig", "isPkceRequired"),
        "introspects_all": root.flag("oauthConfig", "isIntrospectAllTokens"),
        "ip_relaxation": ip_relaxation(root.text("oauthPolicy", "ipRelaxation")),
        "ip_ranges": tuple((first, last or first) for first, last in ranges if first),
        "refresh_lifetime_seconds": lifetime,
        "refresh_idle_seconds": idle,
    }


def owner_of(root: Node) -> str | None:
    """The External Client App that a settings or policy file belongs to."""
    return root.text("externalClientApplication")


def _names(text: str | None) -> tuple[str, ...]:
    return tuple(name.strip() for name in (text or "").split(",") if name.strip())
