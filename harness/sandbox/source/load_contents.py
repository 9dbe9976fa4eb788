"""Fill an org with what it works on: record types, custom permissions, apps, records and Apex REST resources."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from harness.sandbox import apps
from harness.sandbox.http.apex import add_endpoint
from harness.sandbox.schema import Schema
from harness.sandbox.sharing.levels import organization_level
from harness.sandbox.source.errors import SourceError
from harness.sandbox.source.load_access import pre_authorize, set_of_profile
from harness.sandbox.source.loading import Loading
from harness.sandbox.source.metadata import AppMetadata
from harness.sandbox.source.population import (
    App,
    Records,
    RecordTypeReference,
    RowReference,
    UserReference,
)

_OF_BOTH = frozenset(
    {
        *("scopes", "callback_urls", "pkce_required", "rotates_refresh_tokens", "ip_relaxation"),
        *("installed", "blocked"),
    }
)
"""Policies that both a population and a project's metadata may name; the population's count."""
_KINDS: Mapping[str, apps.Kind] = {
    "connected-app": "ConnectedApplication",
    "external-client-app": "ExternalClientApplication",
}


def load_organization(loading: Loading) -> None:
    """The Organization row."""
    described = loading.population.org
    values = {
        "Id": loading.org.org_id,
        "Name": described.name,
        "OrganizationType": described.edition,
        "IsSandbox": described.sandbox,
        "TrialExpirationDate": f"{described.trial_ends}T00:00:00.000+0000" if described.trial_ends else None,
    }
    loading.insert("Organization", values | _org_wide_defaults(loading.org.schema))


def _org_wide_defaults(schema: Schema) -> dict[str, str]:
    """The columns of Organization that say how open the rows of an object are (Object Reference, Organization)."""
    shown = {"Pricebook2": "Pricebook"}
    names = ("Account", "Contact", "Opportunity", "Lead", "Case", "Campaign", "Pricebook2")
    found = ((name, schema.get(name)) for name in names)
    return {
        f"Default{shown.get(name, name)}Access": organization_level(sobject.sharing)
        for name, sobject in found
        if sobject
    }


def load_setup_entities(loading: Loading) -> None:
    """Record types, custom settings, custom permissions, Apex classes, triggers and pages."""
    project = loading.project
    for sobject in sorted(loading.org.schema, key=lambda one: one.name):
        if sobject.custom_setting:
            loading.insert("CustomEntityDefinition", {"DeveloperName": sobject.name}, name=sobject.name)
    for name in sorted(project.objects):
        for one in project.objects[name].record_types:
            values = {"Name": one.label, "DeveloperName": one.name, "SobjectType": name, "IsActive": one.active}
            loading.insert("RecordType", values | {"Description": one.description}, name=f"{name}.{one.name}")
    for name, permission in sorted(project.custom_permissions.items()):
        values = {"DeveloperName": name, "MasterLabel": permission.label, "Description": permission.description}
        loading.insert("CustomPermission", values, name=name)
    for name in sorted(project.classes):
        loading.insert("ApexClass", {"Name": name, "Body": project.class_bodies.get(name)}, name=name)
    for name, body in sorted(project.triggers.items()):
        loading.insert("ApexTrigger", {"Name": name, "Body": body}, name=name)
    for name in sorted(project.pages):
        loading.insert("ApexPage", {"Name": name, "MasterLabel": name}, name=name)


def load_apps(loading: Loading) -> None:
    """The apps every org has for its admin, those of the project, and those of the population."""
    apps.default_apps(loading.org, loading.admin_id)
    written = {one.name: one for one in loading.population.apps}
    for name, metadata in sorted(loading.project.apps.items()):
        if metadata.enabled:
            one = written.pop(metadata.label, None) or written.pop(name, None) or _from_metadata(loading, metadata)
            _insert_app(loading, one, metadata)
    for one in written.values():
        _insert_app(loading, one, None)


def _from_metadata(loading: Loading, metadata: AppMetadata) -> App:
    flows = {
        "client-credentials": metadata.client_credentials,
        "jwt-bearer": metadata.certificate,
        "username-password": not metadata.external,
        "web-server": bool(metadata.policies.get("callback_urls")),
    }
    run_as = metadata.run_as if metadata.run_as and loading.find("User", metadata.run_as) else None
    return App.model_validate(
        {
            "name": metadata.label,
            "kind": "external-client-app" if metadata.external else "connected-app",
            "flows": [flow for flow, allowed in flows.items() if allowed] or ["client-credentials"],
            "permitted_users": "admin-approved" if metadata.admin_approved else "self-authorized",
            "run_as": run_as,
            **{name: metadata.policies[name] for name in _OF_BOTH if name in metadata.policies},
        }
    )


def _insert_app(loading: Loading, one: App, metadata: AppMetadata | None) -> None:
    asked_by = f"app {one.name}"
    kind: apps.Kind = _KINDS[one.kind]
    if metadata is not None:
        kind = "ExternalClientApplication" if metadata.external else "ConnectedApplication"
    app = apps.add_app(
        loading.org,
        name=metadata.label if metadata else one.name,
        developer_name=metadata.name if metadata else None,
        kind=kind,
        flows=one.flows,
        admin_approved_only=one.permitted_users == "admin-approved",
        run_as=loading.id_of("User", one.run_as, asked_by=asked_by) if one.run_as else None,
        consented=loading.ids_of("User", one.consented, asked_by=asked_by),
        **(metadata.policies if metadata else {})
        | {name: getattr(one, name) for name in _OF_BOTH & one.model_fields_set},
    )
    profiles = {*one.profiles, *(metadata.profiles if metadata else ())}
    sets = {*one.permission_sets, *(metadata.permission_sets if metadata else ())}
    parents = [set_of_profile(loading, name, asked_by=asked_by) for name in sorted(profiles)]
    for parent in (*parents, *loading.ids_of("PermissionSet", sorted(sets), asked_by=asked_by)):
        pre_authorize(loading, parent, kind, app.id)


def load_apex_rest(loading: Loading) -> None:
    """Apex REST resources, each behind its class."""
    for one in loading.population.apex_rest:
        add_endpoint(
            loading.org,
            class_name=one.class_,
            path=one.path,
            method=one.method,
            body=one.answer,
            status=one.status,
            query=one.query,
        )


def load_records(loading: Loading) -> None:
    """The rows of the population, in the order they are written."""
    for records in loading.population.records:
        described = loading.org.schema.get(records.object)
        if described is None or described.setup:
            raise SourceError(f"{loading.origin}: records: the org has no object {records.object} to put rows into")
        base = {"OwnerId": _owner(loading, records)} if described.get("OwnerId") else {}
        for name, values in records.rows.items():
            _insert_record(loading, records, base | dict(values), name=name)
        for values in _generated(records):
            _insert_record(loading, records, base | values, name=None)


def _owner(loading: Loading, records: Records) -> str:
    asked_by = f"records of {records.object}"
    if records.queue:
        return loading.id_of("Group", f"Queue {records.queue}", asked_by=asked_by)
    return loading.id_of("User", records.owner, asked_by=asked_by) if records.owner else loading.admin_id


def _generated(records: Records) -> Iterable[dict[str, Any]]:
    if records.generate is None:
        return
    for number in range(1, records.generate.count + 1):
        yield {name: _generate(value, number) for name, value in records.generate.fields.items()}


def _generate(value: Any, number: int) -> Any:
    if isinstance(value, tuple):
        value = value[(number - 1) % len(value)]
    return value.format(n=number) if isinstance(value, str) else value


def _insert_record(loading: Loading, records: Records, values: Mapping[str, Any], *, name: str | None) -> None:
    asked_by = f"records of {records.object}"
    described = loading.org.schema.get(records.object)
    for field in values:
        if described is None or described.get(field) is None:
            raise SourceError(f"{loading.origin}: {asked_by}: {records.object} has no field {field}")
    row = {field: _value(loading, records.object, value, asked_by) for field, value in values.items()}
    record_id = loading.insert(records.object, row)
    if name is not None:
        loading.ids.setdefault("row", {})[name] = record_id


def _value(loading: Loading, sobject: str, value: Any, asked_by: str) -> Any:
    if isinstance(value, RowReference):
        return loading.id_of("row", value.ref, asked_by=asked_by)
    if isinstance(value, UserReference):
        return loading.id_of("User", value.user, asked_by=asked_by)
    if isinstance(value, RecordTypeReference):
        return loading.id_of("RecordType", f"{sobject}.{value.record_type}", asked_by=asked_by)
    return value
