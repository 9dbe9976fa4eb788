"""Read connected apps and External Client Apps.

Metadata API guide: ConnectedApp; ExternalClientApplication with its ExtlClntAppGlobalOauthSettings,
ExtlClntAppOauthConfigurablePolicies and ExtlClntAppConfigurablePolicies. Consumer keys in the files are not used: an
org makes its own.
"""

from __future__ import annotations

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
    )


def read_external_client_app(name: str, root: Node) -> AppMetadata:
    """An External Client App's own file; settings and policies are added by the functions below."""
    return AppMetadata(name=name, label=root.text("label") or name, external=True)


def add_global_settings(app: AppMetadata, root: Node) -> None:
    """Client credentials must be on in both the global settings and the policies; here is the first half."""
    app.client_credentials = root.flag("isClientCredentialsFlowEnabled")
    app.certificate = root.text("certificate") is not None


def add_oauth_policies(app: AppMetadata, root: Node) -> None:
    """Who may use the app, and as whom client credentials run."""
    app.client_credentials = app.client_credentials and root.flag("isClientCredentialsFlowEnabled")
    app.admin_approved = root.text("permittedUsersPolicyType") == "AdminApprovedPreAuthorized"
    app.run_as = root.text("clientCredentialsFlowUser")
    app.permission_sets = _names(root.text("commaSeparatedPermissionSet"))
    app.profiles = _names(root.text("commaSeparatedProfile"))


def add_policies(app: AppMetadata, root: Node) -> None:
    """Whether the app is on at all."""
    app.enabled = root.text("isEnabled") != "false"


def owner_of(root: Node) -> str | None:
    """The External Client App that a settings or policy file belongs to."""
    return root.text("externalClientApplication")


def _names(text: str | None) -> tuple[str, ...]:
    return tuple(name.strip() for name in (text or "").split(",") if name.strip())
