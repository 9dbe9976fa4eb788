"""Connected apps and External Client Apps: who may sign in through them, how, and with which credential.

The app's row (`ConnectedApplication`; `ExternalClientApplication` with its settings and policies) is what a query
shows; flows, policies and secrets are private. Consumer keys, secrets and RSA keys are made at run time. What is
imitated: Salesforce Help, "Manage OAuth Access Policies", and the Metadata API guide, ConnectedApp and
ExtlClntAppOauthConfigurablePolicies.
"""

from __future__ import annotations

import re
import secrets
import string
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from harness.sandbox.identity import end_sessions, known_columns
from harness.sandbox.rsa_keys import new_key
from harness.sandbox.vault import Drawer

if TYPE_CHECKING:
    from harness.sandbox.org import SandboxOrg

Kind = Literal["ConnectedApplication", "ExternalClientApplication"]
IpRelaxation = Literal["Enforce", "Bypass", "Bypass_2factor", "Enforce_RelaxRefresh"]
CLIENT_CREDENTIALS = "client-credentials"
JWT_BEARER = "jwt-bearer"
USERNAME_PASSWORD = "username-password"  # noqa: S105 - the name of a flow
WEB_SERVER = "web-server"
FLOWS = frozenset({CLIENT_CREDENTIALS, JWT_BEARER, USERNAME_PASSWORD, WEB_SERVER})
ADMIN_APP = "Rehearsal Admin"
ADMIN_JWT_APP = "Rehearsal Admin JWT"

REFRESH_SCOPES = frozenset({"refresh_token", "offline_access"})
"""Scopes that bring a refresh token."""

_KEY_PREFIX = "3MVG9"
_KEY_LENGTH = 85
_SCOPE_COLUMNS = ("api", "full", "id", "openid", "refresh_token", "web")


@dataclass(frozen=True, slots=True)
class App:
    """One app as the org holds it, secrets included."""

    id: str
    name: str
    """The label people know it by, and its key in the ready file."""
    developer_name: str
    kind: Kind
    flows: frozenset[str]
    admin_approved_only: bool
    """Permitted Users: `AdminApprovedPreAuthorized` if true, else `AllSelfAuthorized`."""
    run_as: str | None
    """The user id that client credentials sign in as."""
    consented: frozenset[str]
    """The users who approved a self-authorized app once; JWT bearer needs that."""
    consumer_key: str
    consumer_secret: str
    scopes: tuple[str, ...] = ("api",)
    """In the words of OAuth: `api`, `refresh_token`, `web`, `full`, `openid`, `id`."""
    callback_urls: tuple[str, ...] = ()
    pkce_required: bool = False
    secret_required: bool = True
    """Whether the web server flow and the refresh of a token need the consumer secret."""
    rotates_refresh_tokens: bool = False
    refresh_lifetime_seconds: int | None = None
    """How long a refresh token is good after its issue: None for ever, 0 not at all."""
    refresh_idle_seconds: int | None = None
    """How long a refresh token is good after its last use."""
    ip_relaxation: IpRelaxation = "Enforce"
    ip_ranges: tuple[tuple[str, str], ...] = ()
    """Trusted addresses, which `Bypass_2factor` takes in place of the profile's."""
    introspects_all: bool = False
    """Whether it may introspect the tokens of other apps."""
    installed: bool = True
    """False for a connected app of another org that nobody installed here."""
    blocked: bool = False
    """Whether an administrator blocked it under Connected Apps OAuth Usage."""
    enabled: bool = True
    """False for an External Client App whose policies switch it off."""


def add_app(
    org: SandboxOrg,
    *,
    name: str,
    kind: Kind = "ConnectedApplication",
    flows: Collection[str],
    admin_approved_only: bool = False,
    run_as: str | None = None,
    consented: Collection[str] = (),
    developer_name: str | None = None,
    columns: Mapping[str, Any] | None = None,
    **policies: Any,
) -> App:
    """Add an app to the org, with its rows, a new consumer key and a new consumer secret.

    `run_as` and `consented` are user ids; `columns` are further values of the app's row; `policies` are further fields
    of `App`. An External Client App never has the username-password flow. Raises ValueError for a flow that does not
    exist.
    """
    if unknown := set(flows) - FLOWS:
        raise ValueError(f"no such flow: {', '.join(sorted(unknown))}")
    allowed = set(flows) - ({USERNAME_PASSWORD} if kind == "ExternalClientApplication" else set())
    developer_name = developer_name or re.sub(r"\W+", "_", name).strip("_")
    row = {"Name": name, "DeveloperName": developer_name, "MasterLabel": name, **(columns or {})}
    app = App(
        id=org.insert_row(kind, known_columns(org, kind, row)),
        name=name,
        developer_name=developer_name,
        kind=kind,
        flows=frozenset(allowed),
        admin_approved_only=admin_approved_only,
        run_as=run_as,
        consented=frozenset(consented),
        consumer_key=_new_consumer_key(),
        consumer_secret=_new_consumer_secret(),
        **policies,
    )
    _save(org, app)
    return app


def default_apps(org: SandboxOrg, admin_id: str) -> tuple[App, App]:
    """Add the two apps that every simulated org has for its admin, the one with the username-password flow first."""
    return (
        add_app(org, name=ADMIN_APP, flows={USERNAME_PASSWORD, CLIENT_CREDENTIALS}, run_as=admin_id),
        add_app(org, name=ADMIN_JWT_APP, flows={JWT_BEARER}, consented={admin_id}),
    )


def all_apps(org: SandboxOrg) -> list[App]:
    """Every app, in the order they were added."""
    return [_load(values) for _, values in Drawer(org, "app")]


def app_of_key(org: SandboxOrg, consumer_key: str) -> App | None:
    """The app of that consumer key."""
    key = consumer_key.encode()
    return next((app for app in all_apps(org) if secrets.compare_digest(app.consumer_key.encode(), key)), None)


def app_of_id(org: SandboxOrg, app_id: str | None) -> App | None:
    """The app of that id."""
    values = Drawer(org, "app").get(app_id) if app_id else None
    return None if values is None else _load(values)


def app_named(org: SandboxOrg, name: str, *, kind: Kind) -> App | None:
    """The app of that label or developer name."""
    return next((app for app in all_apps(org) if app.kind == kind and name in (app.name, app.developer_name)), None)


def change_app(org: SandboxOrg, app: App, **changes: Any) -> App:
    """Change policies of an app (any field of `App` but its id and kind); its rows follow."""
    changed = replace(app, **changes)
    _save(org, changed)
    return changed


def consent(org: SandboxOrg, app: App, user_id: str) -> App:
    """Note that a user approved the app."""
    return change_app(org, app, consented=app.consented | {user_id})


def rotate_secret(org: SandboxOrg, app: App) -> App:
    """Give the app another consumer secret; the old one is good no more."""
    return change_app(org, app, consumer_secret=_new_consumer_secret())


def delete_app(org: SandboxOrg, app: App) -> None:
    """Remove the app: its key is unknown from then on, and its sessions end."""
    with org.transaction():
        for kind in ("ExtlClntAppOauthSettings", "ExtlClntAppOauthPlcyCnfg"):
            for row in _children(org, app, kind):
                org.delete_row(kind, row["Id"])
        for row in org.rows("SetupEntityAccess", SetupEntityId=app.id):
            org.delete_row("SetupEntityAccess", row["Id"])
        org.delete_row(app.kind, app.id)
        Drawer(org, "app").remove(app.id)
        end_sessions(org, app_id=app.id)


def private_key(org: SandboxOrg, app: App) -> str:
    """The app's RSA private key as PKCS#8 PEM, made when it is first asked for (RFC 7523 signs with it)."""
    drawer = Drawer(org, "app")
    with org.lock:
        values = drawer.get(app.id) or {}
        if "private_key" not in values:
            values["private_key"] = new_key()
            drawer.put(app.id, values)
    return str(values["private_key"])


def signing_key(org: SandboxOrg) -> str:
    """The org's own RSA private key, which signs ID tokens; PKCS#8 PEM, made when it is first asked for."""
    drawer = Drawer(org, "policy")
    with org.lock:
        kept = drawer.get("signing") or {"private_key": new_key()}
        drawer.put("signing", kept)
    return str(kept["private_key"])


def set_certificate(org: SandboxOrg, app: App, certificate: str) -> None:
    """Give the app a certificate (PEM) of somebody else's key. Raises ValueError when it is none, or not of RSA."""
    if not isinstance(x509.load_pem_x509_certificate(certificate.encode()).public_key(), rsa.RSAPublicKey):
        raise ValueError("the certificate is not of an RSA key")
    drawer = Drawer(org, "app")
    drawer.put(app.id, (drawer.get(app.id) or {}) | {"certificate": certificate})


def public_key(org: SandboxOrg, app: App) -> rsa.RSAPublicKey | None:
    """The key that the app's assertions are verified with; None once its certificate has expired."""
    certificate = (Drawer(org, "app").get(app.id) or {}).get("certificate")
    if certificate is not None:
        return _key_of(certificate, org.clock.peek())
    key = serialization.load_pem_private_key(private_key(org, app).encode(), password=None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError(f"the key of {app.name} is no RSA key")
    return key.public_key()


def pre_authorized(org: SandboxOrg, app: App, user_id: str) -> bool:
    """Whether the user's profile or one of the user's permission sets gives access to the app (SetupEntityAccess)."""
    return app.id in org.permissions_of(user_id).setup


def _key_of(certificate: str, now: datetime) -> rsa.RSAPublicKey | None:
    known = x509.load_pem_x509_certificate(certificate.encode())
    key = known.public_key()
    return key if isinstance(key, rsa.RSAPublicKey) and now <= known.not_valid_after_utc else None


def _save(org: SandboxOrg, app: App) -> None:
    drawer = Drawer(org, "app")
    values = asdict(app) | {"flows": sorted(app.flows), "consented": sorted(app.consented)}
    with org.transaction():
        drawer.put(app.id, (drawer.get(app.id) or {}) | values)
        row = {
            "Name": app.name,
            "MasterLabel": app.name,
            "OptionsAllowAdminApprovedUsersOnly": app.admin_approved_only,
            "RefreshTokenValidityPeriod": (app.refresh_lifetime_seconds or 0) // 3600 or None,
        }
        org.update_row(app.kind, app.id, known_columns(org, app.kind, row))
        if app.kind == "ExternalClientApplication":
            _save_child(org, app, "ExtlClntAppOauthSettings", _settings(app))
            _save_child(org, app, "ExtlClntAppOauthPlcyCnfg", _policies(app))


def _settings(app: App) -> dict[str, Any]:
    scopes = set(app.scopes)
    return {f"OauthScopes{name.upper()}": name in scopes for name in _SCOPE_COLUMNS}


def _policies(app: App) -> dict[str, Any]:
    idle, lifetime = app.refresh_idle_seconds, app.refresh_lifetime_seconds
    kind = "SpecificInactivity" if idle else "Infinite" if lifetime is None else "SpecificLifetime"
    seconds = idle or lifetime
    return {
        "PermittedUsersPolicyType": "AdminApprovedPreAuthorized" if app.admin_approved_only else "AllSelfAuthorized",
        "IpRelaxationPolicyType": app.ip_relaxation,
        "RefreshTokenPolicyType": "Zero" if lifetime == 0 else kind,
        "RefreshTokenValidityPeriod": seconds // 3600 if seconds else None,
        "RefreshTokenValidityUnit": "Hours" if seconds else None,
        "RequiredSessionLevel": "STANDARD",
        "IsClientCredentialsFlowEnabled": CLIENT_CREDENTIALS in app.flows,
        "ClientCredentialsFlowUser": app.run_as,
    }


def _save_child(org: SandboxOrg, app: App, kind: str, values: Mapping[str, Any]) -> None:
    """Settings or policies of an External Client App, where the schema has them."""
    if org.schema.get(kind) is None:
        return
    suffix = "oauth" if kind.endswith("Settings") else "oauthPolicy"
    named = {"DeveloperName": f"{app.developer_name}_{suffix}", "MasterLabel": f"{app.name} {suffix}"}
    whole = known_columns(org, kind, named | {"ExternalClientApplicationId": app.id} | dict(values))
    rows = _children(org, app, kind)
    if rows:
        org.update_row(kind, rows[0]["Id"], whole)
    else:
        org.insert_row(kind, whole)


def _children(org: SandboxOrg, app: App, kind: str) -> list[dict[str, Any]]:
    return org.rows(kind, ExternalClientApplicationId=app.id) if org.schema.get(kind) else []


def _load(values: dict[str, Any]) -> App:
    known = {one.name: values[one.name] for one in fields(App) if one.name in values}
    for name in ("flows", "consented"):
        known[name] = frozenset(known[name])
    for name in {"scopes", "callback_urls"} & set(known):
        known[name] = tuple(known[name])
    known["ip_ranges"] = tuple((first, last) for first, last in known.get("ip_ranges", ()))
    return App(**known)


def _new_consumer_key() -> str:
    alphabet = string.ascii_letters + string.digits
    return _KEY_PREFIX + "".join(secrets.choice(alphabet) for _ in range(_KEY_LENGTH - len(_KEY_PREFIX)))


def _new_consumer_secret() -> str:
    return secrets.token_hex(32).upper()
