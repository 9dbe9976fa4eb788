"""Connected apps and External Client Apps: who may sign in through them, and with which credential.

The app's row (`ConnectedApplication`, `ExternalClientApplication`) is what a query shows; flows, policies and secrets
are private. Consumer keys, secrets and RSA keys are made at run time. What is imitated: Salesforce Help, "Manage OAuth
Access Policies" (Permitted Users), and the Metadata API guide, ConnectedApp and ExternalClientApplication.
"""

from __future__ import annotations

import re
import secrets
import string
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from harness.sandbox.identity import known_columns
from harness.sandbox.vault import Drawer

if TYPE_CHECKING:
    from harness.sandbox.org import SandboxOrg

Kind = Literal["ConnectedApplication", "ExternalClientApplication"]
CLIENT_CREDENTIALS = "client-credentials"
JWT_BEARER = "jwt-bearer"
USERNAME_PASSWORD = "username-password"  # noqa: S105 - the name of a flow
FLOWS = frozenset({CLIENT_CREDENTIALS, JWT_BEARER, USERNAME_PASSWORD})
ADMIN_APP = "Rehearsal Admin"
ADMIN_JWT_APP = "Rehearsal Admin JWT"

_KEY_PREFIX = "3MVG9"
_KEY_LENGTH = 85
_RSA_BITS = 2048


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
) -> App:
    """Add an app to the org, with its row, a new consumer key and a new consumer secret.

    `run_as` and `consented` are user ids; `columns` are further values of the app's row. An External Client App never
    has the username-password flow. Raises ValueError for a flow that does not exist.
    """
    if unknown := set(flows) - FLOWS:
        raise ValueError(f"no such flow: {', '.join(sorted(unknown))}")
    allowed = set(flows) - ({USERNAME_PASSWORD} if kind == "ExternalClientApplication" else set())
    developer_name = developer_name or re.sub(r"\W+", "_", name).strip("_")
    row = {
        "Name": name,
        "DeveloperName": developer_name,
        "MasterLabel": name,
        "OptionsAllowAdminApprovedUsersOnly": admin_approved_only,
        **(columns or {}),
    }
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
        consumer_secret=secrets.token_hex(32).upper(),
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
    return next((app for app in all_apps(org) if secrets.compare_digest(app.consumer_key, consumer_key)), None)


def app_named(org: SandboxOrg, name: str, *, kind: Kind) -> App | None:
    """The app of that label or developer name."""
    return next((app for app in all_apps(org) if app.kind == kind and name in (app.name, app.developer_name)), None)


def change_app(org: SandboxOrg, app: App, **changes: Any) -> App:
    """Change policies of an app (`run_as`, `flows`, `admin_approved_only`, `name`); the row follows."""
    changed = replace(app, **changes)
    row = {
        "Name": changed.name,
        "MasterLabel": changed.name,
        "OptionsAllowAdminApprovedUsersOnly": changed.admin_approved_only,
    }
    org.update_row(app.kind, app.id, known_columns(org, app.kind, row))
    _save(org, changed)
    return changed


def private_key(org: SandboxOrg, app: App) -> str:
    """The app's RSA private key as PKCS#8 PEM, made when it is first asked for (RFC 7523 signs with it)."""
    drawer = Drawer(org, "app")
    with org.lock:
        values = drawer.get(app.id) or {}
        if "private_key" not in values:
            values["private_key"] = _new_private_key()
            drawer.put(app.id, values)
    return str(values["private_key"])


def public_key(org: SandboxOrg, app: App) -> rsa.RSAPublicKey:
    """The key that the app's assertions are verified with."""
    key = serialization.load_pem_private_key(private_key(org, app).encode(), password=None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError(f"the key of {app.name} is no RSA key")
    return key.public_key()


def _save(org: SandboxOrg, app: App) -> None:
    drawer = Drawer(org, "app")
    values = asdict(app) | {"flows": sorted(app.flows), "consented": sorted(app.consented)}
    drawer.put(app.id, (drawer.get(app.id) or {}) | values)


def _load(values: dict[str, Any]) -> App:
    known = {name: value for name, value in values.items() if name != "private_key"}
    return App(**known | {name: frozenset(known[name]) for name in ("flows", "consented")})


def _new_consumer_key() -> str:
    alphabet = string.ascii_letters + string.digits
    return _KEY_PREFIX + "".join(secrets.choice(alphabet) for _ in range(_KEY_LENGTH - len(_KEY_PREFIX)))


def _new_private_key() -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=_RSA_BITS)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
