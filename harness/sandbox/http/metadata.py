"""The Metadata API's CRUD calls for what a migration changes of apps: run-as user and permitted users.

`readMetadata` and `updateMetadata` for `ConnectedApp` and `ExtlClntAppOauthConfigurablePolicies` (Metadata API guide).
Elements that an update leaves out stay as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import Element

from harness.sandbox import apps, identity
from harness.sandbox.apps import App
from harness.sandbox.http.envelope import (
    SoapFault,
    element,
    envelope,
    fault_answer,
    local_name,
    operation,
    success_answer,
    text_of,
)
from harness.sandbox.http.wire import Answer

if TYPE_CHECKING:
    from harness.sandbox.org import SandboxOrg

NAMESPACE = "http://soap.sforce.com/2006/04/metadata"
MOST_COMPONENTS = 10
_XSI_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
_ADMIN_APPROVED = "AdminApprovedPreAuthorized"
_SELF_AUTHORIZED = "AllSelfAuthorized"


class ComponentError(Exception):
    """One component of an update is refused: a status code and its message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


def call(org: SandboxOrg, body: bytes) -> Answer:
    """`POST /services/Soap/m/V`."""
    try:
        _check_caller(org, body)
        request = operation(body)
        known = {"readMetadata": _read, "updateMetadata": _update}
        if local_name(request) not in known:
            raise SoapFault("INVALID_OPERATION", f"{local_name(request)} is not simulated")
        return success_answer(known[local_name(request)](org, request), namespace=NAMESPACE)
    except SoapFault as fault:
        return fault_answer(fault, namespace=NAMESPACE)


def _check_caller(org: SandboxOrg, body: bytes) -> None:
    """The session in the header, and whether its user may work with metadata. Raises SoapFault."""
    token = next((one.text or "" for one in envelope(body).iter() if local_name(one) == "sessionId"), "")
    session = identity.session_of(org, token)
    if session is None:
        raise SoapFault("INVALID_SESSION_ID", "Invalid Session ID found in SessionHeader: Illegal Session")
    access = org.permissions_of(session.user_id)
    if not access.has("ModifyAllData") and not (access.has("ModifyMetadata") and access.has("CustomizeApplication")):
        raise SoapFault(
            "INSUFFICIENT_ACCESS",
            "use of the Metadata API requires a user with the ModifyAllData or ModifyMetadata permissions",
        )


def _read(org: SandboxOrg, request: Element) -> str:
    names = [one.text or "" for one in request if local_name(one) == "fullNames"]
    component = _component(text_of(request, "type"))
    _check_count(names)
    records = []
    for name in names:
        app = apps.app_named(org, name, kind=component.kind)
        content = component.show(org, app, name) if app is not None else None
        records.append(
            '<records xsi:nil="true"/>'
            if content is None
            else f'<records xsi:type="{component.name}">{content}</records>'
        )
    return f"<readMetadataResponse><result>{''.join(records)}</result></readMetadataResponse>"


def _update(org: SandboxOrg, request: Element) -> str:
    given = [one for one in request if local_name(one) == "metadata"]
    _check_count(given)
    return f"<updateMetadataResponse>{''.join(_update_one(org, one) for one in given)}</updateMetadataResponse>"


def _update_one(org: SandboxOrg, given: Element) -> str:
    component = _component(given.get(_XSI_TYPE, "").rpartition(":")[2])
    values = _values(given)
    name = str(values.get("fullName", [""])[0])
    error = ""
    try:
        with org.transaction():
            app = apps.app_named(org, component.app_name(values, name), kind=component.kind)
            if app is None:
                raise ComponentError(
                    "INVALID_CROSS_REFERENCE_KEY", f"In field: fullName - no {component.name} named {name} found"
                )
            component.change(org, app, values)
    except ComponentError as refused:
        error = f"<errors>{element('message', refused.message)}{element('statusCode', refused.code)}</errors>"
    return f"<result>{error}{element('fullName', name)}{element('success', not error)}</result>"


def _show_connected_app(org: SandboxOrg, app: App, name: str) -> str:
    runs = apps.CLIENT_CREDENTIALS in app.flows
    config = [
        element("consumerKey", app.consumer_key),
        element("isAdminApproved", app.admin_approved_only),
        element("isClientCredentialEnabled", runs),
        *([element("oauthClientCredentialUser", _username(org, app.run_as))] if runs and app.run_as else []),
        element("scopes", "Api"),
    ]
    profiles, sets = _granted(org, app)
    return "".join(
        [
            element("fullName", name),
            element("label", app.name),
            f"<oauthConfig>{''.join(config)}</oauthConfig>",
            *(element("permissionsetName", one) for one in sets),
            *(element("profileName", one) for one in profiles),
        ]
    )


def _show_policies(org: SandboxOrg, app: App, name: str) -> str:
    profiles, sets = _granted(org, app)
    parts = [element("fullName", name), element("label", app.name)]
    if app.run_as:
        parts.append(element("clientCredentialsFlowUser", _username(org, app.run_as)))
    if profiles:
        parts.append(element("commaSeparatedProfile", ",".join(profiles)))
    if sets:
        parts.append(element("commaSeparatedPermissionSet", ",".join(sets)))
    parts += [
        element("externalClientApplication", app.developer_name),
        element("ipRelaxationPolicyType", "Enforce"),
        element("isClientCredentialsFlowEnabled", apps.CLIENT_CREDENTIALS in app.flows),
        element("permittedUsersPolicyType", _ADMIN_APPROVED if app.admin_approved_only else _SELF_AUTHORIZED),
        element("refreshTokenPolicyType", "Infinite"),
    ]
    return "".join(parts)


def _change_connected_app(org: SandboxOrg, app: App, values: Mapping[str, Any]) -> None:
    config = values.get("oauthConfig", [{}])[0]
    changes = _policy_changes(
        org,
        app,
        run_as=_first(config, "oauthClientCredentialUser"),
        enabled=_flag(config, "isClientCredentialEnabled"),
        admin_approved=_flag(config, "isAdminApproved"),
    )
    apps.change_app(org, app, **changes | ({"name": label} if (label := _first(values, "label")) else {}))
    if "permissionsetName" in values:
        _pre_authorize(org, app, _sets_named(org, values["permissionsetName"]), of_profiles=False)
    if "profileName" in values:
        _pre_authorize(org, app, _profile_sets(org, values["profileName"]), of_profiles=True)


def _change_policies(org: SandboxOrg, app: App, values: Mapping[str, Any]) -> None:
    permitted = _first(values, "permittedUsersPolicyType")
    if permitted not in (None, _ADMIN_APPROVED, _SELF_AUTHORIZED):
        raise ComponentError(
            "INVALID_INPUT", f"'{permitted}' is not a valid value for the enum 'PermittedUsersPolicyType'"
        )
    changes = _policy_changes(
        org,
        app,
        run_as=_first(values, "clientCredentialsFlowUser"),
        enabled=_flag(values, "isClientCredentialsFlowEnabled"),
        admin_approved=None if permitted is None else permitted == _ADMIN_APPROVED,
    )
    apps.change_app(org, app, **changes)
    if (sets := _first(values, "commaSeparatedPermissionSet")) is not None:
        _pre_authorize(org, app, _sets_named(org, _split(sets)), of_profiles=False)
    if (profiles := _first(values, "commaSeparatedProfile")) is not None:
        _pre_authorize(org, app, _profile_sets(org, _split(profiles)), of_profiles=True)


@dataclass(frozen=True, slots=True)
class _Component:
    """A metadata type: whose app it speaks of, how it is shown and how changed."""

    name: str
    kind: apps.Kind
    show: Callable[[SandboxOrg, App, str], str]
    change: Callable[[SandboxOrg, App, Mapping[str, Any]], None]

    def app_name(self, values: Mapping[str, Any], full_name: str) -> str:
        """The app's name: policies may have a name of their own and say which app they are for."""
        return _first(values, "externalClientApplication") or full_name


_COMPONENTS = (
    _Component("ConnectedApp", "ConnectedApplication", _show_connected_app, _change_connected_app),
    _Component("ExtlClntAppOauthConfigurablePolicies", "ExternalClientApplication", _show_policies, _change_policies),
)


def _component(name: str) -> _Component:
    found = next((one for one in _COMPONENTS if one.name == name), None)
    if found is None:
        raise SoapFault("INVALID_TYPE", f"The metadata type {name} is not simulated")
    return found


def _check_count(given: list[Any]) -> None:
    if len(given) > MOST_COMPONENTS:
        raise SoapFault("EXCEEDED_ID_LIMIT", f"record limit reached. cannot submit more than {MOST_COMPONENTS} records")


def _policy_changes(
    org: SandboxOrg, app: App, *, run_as: str | None, enabled: bool | None, admin_approved: bool | None
) -> dict[str, Any]:
    """The changes of an app that three elements ask for, both metadata types alike. Raises ComponentError."""
    changes: dict[str, Any] = {}
    if run_as is not None:
        changes["run_as"] = _execution_user(org, run_as)
    if enabled is not None:
        others = app.flows - {apps.CLIENT_CREDENTIALS}
        changes["flows"] = others | {apps.CLIENT_CREDENTIALS} if enabled else others
    if admin_approved is not None:
        changes["admin_approved_only"] = admin_approved
    return changes


def _execution_user(org: SandboxOrg, username: str) -> str | None:
    """The run-as user; an empty name takes it away. Raises ComponentError when there is no such active user."""
    if not username:
        return None
    user = identity.user_named(org, username)
    fits = user is not None and user["IsActive"]
    if fits and user is not None and org.switches.run_as_needs_api_only:
        fits = org.permissions_of(user["Id"]).has("ApiUserOnly")
    if not fits or user is None:
        raise ComponentError(
            "INVALID_CROSS_REFERENCE_KEY",
            "Enter a valid execution user for the OAuth client credentials flow.",
        )
    return str(user["Id"])


def _pre_authorize(org: SandboxOrg, app: App, set_ids: set[str], *, of_profiles: bool) -> None:
    """Give these sets access to the app, and take it from the others: those of profiles, or the real ones."""
    for row in org.rows("SetupEntityAccess", SetupEntityId=app.id):
        parent = org.row("PermissionSet", row["ParentId"]) or {}
        if row["ParentId"] in set_ids:
            set_ids = set_ids - {row["ParentId"]}
        elif bool(parent.get("IsOwnedByProfile")) == of_profiles:
            org.delete_row("SetupEntityAccess", row["Id"])
    for set_id in sorted(set_ids):
        values = {"ParentId": set_id, "SetupEntityId": app.id, "SetupEntityType": app.kind}
        org.insert_row("SetupEntityAccess", values)


def _sets_named(org: SandboxOrg, names: list[str]) -> set[str]:
    """Permission sets by API name, by label or by id. Raises ComponentError."""
    found = set()
    for name in names:
        rows = org.rows("PermissionSet", Name=name) or org.rows("PermissionSet", Label=name)
        row = rows[0] if rows else next((one for one in org.rows("PermissionSet") if one["Id"][:15] == name[:15]), None)
        if row is None:
            raise ComponentError("INVALID_CROSS_REFERENCE_KEY", f"no PermissionSet named {name} found")
        found.add(str(row["Id"]))
    return found


def _profile_sets(org: SandboxOrg, names: list[str]) -> set[str]:
    """The sets that these profiles own. Raises ComponentError."""
    found = set()
    for name in names:
        profiles = org.rows("Profile", Name=name)
        owned = org.rows("PermissionSet", ProfileId=profiles[0]["Id"]) if profiles else []
        if not owned:
            raise ComponentError("INVALID_CROSS_REFERENCE_KEY", f"no Profile named {name} found")
        found.add(str(owned[0]["Id"]))
    return found


def _granted(org: SandboxOrg, app: App) -> tuple[list[str], list[str]]:
    """The names of the profiles and of the permission sets that have access to the app."""
    profiles, sets = [], []
    for row in org.rows("SetupEntityAccess", SetupEntityId=app.id):
        parent = org.row("PermissionSet", row["ParentId"]) or {}
        if parent.get("IsOwnedByProfile"):
            profiles.append(str((org.row("Profile", parent["ProfileId"]) or {}).get("Name")))
        else:
            sets.append(str(parent.get("Name")))
    return sorted(profiles), sorted(sets)


def _username(org: SandboxOrg, user_id: str | None) -> str | None:
    user = org.row("User", user_id) if user_id else None
    return str(user["Username"]) if user else None


def _values(parent: Element) -> dict[str, Any]:
    """Elements as lists of texts, or of the same where they hold elements."""
    values: dict[str, Any] = {}
    for child in parent:
        values.setdefault(local_name(child), []).append(_values(child) if len(child) else (child.text or "").strip())
    return values


def _first(values: Mapping[str, Any], name: str) -> str | None:
    return values[name][0] if values.get(name) else None


def _flag(values: Mapping[str, Any], name: str) -> bool | None:
    given = _first(values, name)
    return None if given is None else given.lower() in ("true", "1")


def _split(text: str) -> list[str]:
    return [one.strip() for one in text.split(",") if one.strip()]
