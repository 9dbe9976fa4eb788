"""A small org as a Salesforce DX project, written where a test wants it, with knobs for what the test is about."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
_NAMESPACE = "http://soap.sforce.com/2006/04/metadata"


def element(tag: str, /, **values: object) -> str:
    inner = "".join(f"<{key}>{_text(value)}</{key}>" for key, value in values.items())
    return f"<{tag}>{inner}</{tag}>"


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _write(folder: Path, path: str, kind: str, *parts: str) -> None:
    file = folder / "main" / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f'{_HEAD}<{kind} xmlns="{_NAMESPACE}">{"".join(parts)}</{kind}>\n')


def rights(name: str, *held: str) -> str:
    allowed = {f"allow{right}": right in held for right in ("Create", "Delete", "Edit", "Read")}
    everything = {"viewAllRecords": "ViewAll" in held, "modifyAllRecords": "ModifyAll" in held}
    return element("objectPermissions", object=name, **allowed, **everything)


def field(name: str, *, edit: bool = True) -> str:
    return element("fieldPermissions", field=name, readable=True, editable=edit)


def permission(name: str) -> str:
    return element("userPermissions", name=name, enabled=True)


def write_project(
    folder: Path,
    *,
    profile: Sequence[str] = (),
    extra_set: Sequence[str] = (),
    objects: Mapping[str, str] | None = None,
) -> Path:
    """The project; `profile` and `extra_set` are further elements of the source user's profile and permission set.

    `objects` are further files by their path, each `ROOT: the XML inside it`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sfdx-project.json").write_text(json.dumps({"packageDirectories": [{"path": "main"}]}))
    _objects(folder)
    _access(folder, profile, extra_set)
    for path, content in (objects or {}).items():
        kind, _, inside = content.partition(":")
        _write(folder, path, kind, inside)
    return folder


def _objects(folder: Path) -> None:
    for name, kind, more in (
        ("ERP_Key__c", "Text", {"length": 40, "externalId": True, "unique": True}),
        ("CreditLimit__c", "Currency", {"precision": 18, "scale": 2}),
    ):
        _write(
            folder,
            f"objects/Account/fields/{name}.field-meta.xml",
            "CustomField",
            *(
                f"<{key}>{_text(value)}</{key}>"
                for key, value in {"fullName": name, "label": name.removesuffix("__c"), "type": kind, **more}.items()
            ),
        )
    _write(
        folder,
        "objects/Shipment__c/Shipment__c.object-meta.xml",
        "CustomObject",
        "<label>Shipment</label><pluralLabel>Shipments</pluralLabel><sharingModel>ControlledByParent</sharingModel>",
        "<deploymentStatus>Deployed</deploymentStatus>",
        element("nameField", label="Shipment Name", type="Text"),
    )
    _write(
        folder,
        "objects/Shipment__c/fields/Account__c.field-meta.xml",
        "CustomField",
        "<fullName>Account__c</fullName><label>Account</label><type>MasterDetail</type>",
        "<referenceTo>Account</referenceTo><relationshipName>Shipments</relationshipName>",
        "<relationshipOrder>0</relationshipOrder>",
    )
    _write(
        folder,
        "objects/Shipment__c/fields/Weight__c.field-meta.xml",
        "CustomField",
        "<fullName>Weight__c</fullName><label>Weight</label><type>Number</type><precision>10</precision><scale>2</scale>",
    )


def _access(folder: Path, profile: Sequence[str], extra_set: Sequence[str]) -> None:
    _write(
        folder,
        "profiles/ERP Sync.profile-meta.xml",
        "Profile",
        "<custom>true</custom><userLicense>Salesforce</userLicense>",
        rights("Account", "Read", "Create", "Edit"),
        field("Account.ERP_Key__c"),
        field("Account.CreditLimit__c", edit=False),
        field("Account.Phone"),
        permission("ApiEnabled"),
        permission("ViewHelpLink"),
        *profile,
    )
    _write(
        folder,
        "permissionsets/ERP_Shipping.permissionset-meta.xml",
        "PermissionSet",
        "<label>ERP Shipping</label>",
        rights("Shipment__c", "Read", "Create", "Edit", "Delete"),
        field("Shipment__c.Weight__c"),
        element("classAccesses", apexClass="OrderStatus", enabled=True),
        *extra_set,
    )
    for name, held in (("ERP_Contacts", ("Read", "Create", "Edit", "Delete")), ("ERP_Leads", ("Read", "Edit"))):
        _write(
            folder,
            f"permissionsets/{name}.permissionset-meta.xml",
            "PermissionSet",
            f"<label>{name.replace('_', ' ')}</label>",
            rights("Contact" if name == "ERP_Contacts" else "Lead", *held),
        )
    _write(
        folder,
        "mutingpermissionsets/ERP_Mute.mutingpermissionset-meta.xml",
        "MutingPermissionSet",
        "<label>ERP Mute</label>",
        rights("Contact", "Edit"),
    )
    _write(
        folder,
        "permissionsetgroups/ERP_People.permissionsetgroup-meta.xml",
        "PermissionSetGroup",
        "<label>ERP People</label><status>Updated</status>",
        "<permissionSets>ERP_Contacts</permissionSets><permissionSets>ERP_Leads</permissionSets>",
        "<mutingPermissionSets>ERP_Mute</mutingPermissionSets>",
    )
    _write(folder, "roles/Back_Office.role-meta.xml", "Role", "<name>Back Office</name>")
    _write(folder, "groups/Integrations.group-meta.xml", "Group", "<name>Integrations</name>")
    _write(
        folder,
        "queues/Orders.queue-meta.xml",
        "Queue",
        "<name>Orders</name>",
        element("queueSobject", sobjectType="Lead"),
    )
    (folder / "main" / "classes").mkdir(exist_ok=True)
    (folder / "main" / "classes" / "OrderStatus.cls").write_text("global class OrderStatus {}")


POPULATION: Mapping[str, Any] = {
    "org": {"name": "Acme"},
    "licenses": {"Salesforce": 10, "Salesforce Integration": 3, "SalesforceAPIIntegrationPsl": 3},
    "users": [
        {"as": "admin", "username": "admin@acme.example", "name": "Ada Admin", "profile": "System Administrator"},
        {
            "as": "erp",
            "username": "erp.sync@acme.example",
            "name": "ERP Sync",
            "profile": "ERP Sync",
            "role": "Back_Office",
            "permission_sets": ["ERP_Shipping"],
            "permission_set_groups": ["ERP_People"],
            "groups": ["Integrations"],
            "queues": ["Orders"],
        },
    ],
    "apps": [
        {"name": "ERP Legacy", "flows": ["username-password"], "permitted_users": "self-authorized"},
        {
            "name": "ERP Integration",
            "kind": "external-client-app",
            "flows": ["client-credentials"],
            "permitted_users": "admin-approved",
        },
        {
            "name": "ERP JWT",
            "kind": "external-client-app",
            "flows": ["jwt-bearer"],
            "permitted_users": "admin-approved",
        },
    ],
    "records": [
        {
            "object": "Account",
            "owner": "erp.sync@acme.example",
            "generate": {"count": 12, "fields": {"Name": "Customer {n}", "ERP_Key__c": "K{n}"}},
        }
    ],
}

AGREED: Mapping[str, Any] = {"lost": ["system ViewHelpLink"], "because": "The user never sees a page."}

SCENARIO: Mapping[str, Any] = {
    "rehearse": 1,
    "system": "ERP",
    "purpose": "Order Sync",
    "from": {
        "username": "erp.sync@acme.example",
        "sign_in": {
            "flow": "username-password",
            "app": "ERP Legacy",
            "consumer_key": "env:OLD_KEY",
            "consumer_secret": "env:OLD_SECRET",
            "password": "env:OLD_PASSWORD",
            "security_token": "env:OLD_TOKEN",
        },
    },
    "to": {
        "username": "erp.integration@acme.example",
        "sign_in": {
            "flow": "client-credentials",
            "app": "ERP Integration",
            "consumer_key": "env:NEW_KEY",
            "consumer_secret": "env:NEW_SECRET",
        },
    },
    "credentials": {
        "store": "dotenv",
        "path": "erp.env",
        "keys": {"SF_USERNAME": "username", "SF_CLIENT_SECRET": "consumer_secret"},
    },
    "permissions": {"accept": [AGREED]},
    "workload": [
        {"query": "SELECT Id, Name, ERP_Key__c FROM Account"},
        {"insert": {"object": "Account", "rows": 2, "fields": {"Name": "{{company}}", "ERP_Key__c": "{{unique}}"}}},
        {"describe": "Shipment__c"},
    ],
    "dual_auth": {"for": "14d", "old_user_quiet_for": "48h"},
    "expect": {
        "grants": [
            {"query": "SELECT Id, Name, ERP_Key__c FROM Account LIMIT 5", "at_least": 1},
            {"insert": {"object": "Account", "fields": {"Name": "Probe"}}},
            {"field": {"name": "Account.CreditLimit__c"}},
        ],
        "denials": [
            {
                "update": {"object": "Account", "fields": {"CreditLimit__c": 1}},
                "error": "INVALID_FIELD_FOR_INSERT_UPDATE",
            },
            {"query": "SELECT Id FROM Opportunity", "error": "INVALID_TYPE"},
            {"sign_in": "ui"},
        ],
    },
    "finish": "retire",
}
