"""An org in which a user can lose one thing at a time, and the scenario that migrates its integration user."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.component.migration.project import SCENARIO, element, field, permission, rights
from tests.component.sandbox_source.projects import write_project

OLD, NEW = "erp.sync@acme.example", "erp.integration@acme.example"
SELLER, STRANGER = "sally.seller@acme.example", "steve.stranger@acme.example"


def _object(label: str, sharing: str) -> str:
    name = element("nameField", label=f"{label} Name", type="Text")
    return (
        f"CustomObject:<label>{label}</label><pluralLabel>{label}s</pluralLabel><sharingModel>{sharing}</sharingModel>"
        f"<deploymentStatus>Deployed</deploymentStatus>{name}"
    )


def _field(name: str, kind: str, **more: object) -> str:
    parts = {"fullName": name, "label": name.removesuffix("__c"), "type": kind, **more}
    return "CustomField:" + "".join(f"<{key}>{_text(value)}</{key}>" for key, value in parts.items())


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _picklist(name: str, *values: str) -> str:
    each = "".join(
        element("value", fullName=value, default=index == 0, label=value) for index, value in enumerate(values)
    )
    values_of = f"<valueSet><restricted>true</restricted><valueSetDefinition><sorted>false</sorted>{each}"
    return _field(name, "Picklist") + values_of + "</valueSetDefinition></valueSet>"


def _record_type(name: str) -> str:
    return f"RecordType:<fullName>{name}</fullName><active>true</active><label>{name}</label>"


EVERYTHING = ("Read", "Create", "Edit", "Delete")
NUMBER = {"precision": 10, "scale": 2}

FILES: Mapping[str, str] = {
    "objects/Account/fields/ERP_Key__c.field-meta.xml": _field(
        "ERP_Key__c", "Text", length=40, externalId=True, unique=True
    ),
    "objects/Account/fields/CreditLimit__c.field-meta.xml": _field("CreditLimit__c", "Currency", precision=18, scale=2),
    # private: seen by role, by group, by queue, by owner
    "objects/Shipment__c/Shipment__c.object-meta.xml": _object("Shipment", "Private"),
    "objects/Shipment__c/fields/Weight__c.field-meta.xml": _field("Weight__c", "Number", **NUMBER),
    "objects/Shipment__c/fields/Note__c.field-meta.xml": _field("Note__c", "Text", length=80),
    "objects/Shipment__c/fields/Status__c.field-meta.xml": _picklist("Status__c", "Planned", "Sent", "Lost"),
    "objects/Shipment__c/fields/Deal__c.field-meta.xml": _field(
        "Deal__c", "Lookup", referenceTo="Deal__c", relationshipName="Shipments"
    ),
    "objects/Shipment__c/recordTypes/Air.recordType-meta.xml": _record_type("Air"),
    "objects/Shipment__c/recordTypes/Sea.recordType-meta.xml": _record_type("Sea"),
    "sharingRules/Shipment__c.sharingRules-meta.xml": (
        "SharingRules:<sharingOwnerRules><fullName>Strangers</fullName><accessLevel>Read</accessLevel>"
        "<label>Strangers</label><sharedFrom><role>Strangers</role></sharedFrom>"
        "<sharedTo><group>Integrations</group></sharedTo></sharingOwnerRules>"
    ),
    # private: seen by View All, and by Modify All
    "objects/Deal__c/Deal__c.object-meta.xml": _object("Deal", "Private"),
    "objects/Ticket__c/Ticket__c.object-meta.xml": _object("Ticket", "Private"),
    # seen with all its fields
    "objects/Ledger__c/Ledger__c.object-meta.xml": _object("Ledger", "ReadWrite"),
    "objects/Ledger__c/fields/Debit__c.field-meta.xml": _field("Debit__c", "Number", **NUMBER),
    "objects/Sync_Settings__c/Sync_Settings__c.object-meta.xml": (
        "CustomObject:<label>Sync Settings</label><customSettingsType>List</customSettingsType>"
        "<visibility>Public</visibility>"
    ),
    "objects/Rate__mdt/Rate__mdt.object-meta.xml": (
        "CustomObject:<label>Rate</label><pluralLabel>Rates</pluralLabel><visibility>Public</visibility>"
    ),
    "customPermissions/Skip_Checks.customPermission-meta.xml": (
        "CustomPermission:<isLicensed>false</isLicensed><label>Skip Checks</label>"
    ),
    "roles/Back_Office.role-meta.xml": "Role:<name>Back Office</name>",
    "roles/Sellers.role-meta.xml": "Role:<name>Sellers</name><parentRole>Back_Office</parentRole>",
    "roles/Strangers.role-meta.xml": "Role:<name>Strangers</name>",
    "groups/Integrations.group-meta.xml": "Group:<name>Integrations</name><doesIncludeBosses>false</doesIncludeBosses>",
    "queues/Orders.queue-meta.xml": (
        "Queue:<name>Orders</name><queueSobject><sobjectType>Shipment__c</sobjectType></queueSobject>"
    ),
    "profiles/ERP Sync.profile-meta.xml": "".join(
        [
            "Profile:<custom>true</custom><userLicense>Salesforce</userLicense>",
            rights("Account", *EVERYTHING),
            field("Account.ERP_Key__c"),
            field("Account.CreditLimit__c", edit=False),
            field("Account.Phone"),
            field("Account.BillingAddress"),
            permission("ApiEnabled"),
        ]
    ),
    "permissionsets/ERP_Shipping.permissionset-meta.xml": "".join(
        [
            "PermissionSet:<label>ERP Shipping</label>",
            element("classAccesses", apexClass="OrderStatus", enabled=True),
            element("customMetadataTypeAccesses", enabled=True, name="Rate__mdt"),
            element("customPermissions", enabled=True, name="Skip_Checks"),
            element("customSettingAccesses", enabled=True, name="Sync_Settings__c"),
            field("Shipment__c.Weight__c"),
            field("Shipment__c.Note__c"),
            field("Shipment__c.Status__c"),
            field("Shipment__c.Deal__c"),
            rights("Shipment__c", *EVERYTHING),
            rights("Deal__c", "Read", "ViewAll"),
            rights("Ticket__c", *EVERYTHING, "ViewAll", "ModifyAll"),
            element(
                "objectPermissions",
                allowCreate=False,
                allowDelete=False,
                allowEdit=False,
                allowRead=True,
                modifyAllRecords=False,
                object="Ledger__c",
                viewAllFields=True,
                viewAllRecords=False,
            ),
            permission("ViewRoles"),
        ]
    ),
}

POPULATION: Mapping[str, Any] = {
    "org": {"name": "Acme"},
    "licenses": {"Salesforce": 10, "Salesforce Integration": 3, "SalesforceAPIIntegrationPsl": 3},
    "users": [
        {"as": "admin", "username": "admin@acme.example", "name": "Ada Admin", "profile": "System Administrator"},
        {
            "as": "erp",
            "username": OLD,
            "name": "ERP Sync",
            "profile": "ERP Sync",
            "role": "Back_Office",
            "permission_sets": ["ERP_Shipping"],
            "groups": ["Integrations"],
            "queues": ["Orders"],
        },
        {"username": SELLER, "name": "Sally Seller", "profile": "ERP Sync", "role": "Sellers"},
        {"username": STRANGER, "name": "Steve Stranger", "profile": "ERP Sync", "role": "Strangers"},
    ],
    "apps": [
        {"name": "ERP Legacy", "flows": ["username-password"], "permitted_users": "self-authorized"},
        {
            "name": "ERP Integration",
            "kind": "external-client-app",
            "flows": ["client-credentials"],
            "permitted_users": "admin-approved",
            # a set that gives nothing must be found out in silence, not by a sign-in that is refused
            "profiles": ["Minimum Access - API Only Integrations"],
        },
    ],
    "apex_rest": [{"path": "/orders/v1/status", "class": "OrderStatus", "answer": {"status": "ok"}}],
    "records": [
        {
            "object": "Account",
            "owner": SELLER,
            "generate": {
                "count": 6,
                "fields": {"Name": "Customer {n}", "ERP_Key__c": "K{n}", "Phone": "555-{n}", "BillingCity": "Kiel"},
            },
        },
        {"object": "Deal__c", "owner": STRANGER, "rows": {"deal": {"Name": "Fair"}, "other": {"Name": "Foul"}}},
        {"object": "Ticket__c", "owner": STRANGER, "generate": {"count": 3, "fields": {"Name": "Ticket {n}"}}},
        {"object": "Ledger__c", "generate": {"count": 2, "fields": {"Name": "Ledger {n}", "Debit__c": 1}}},
        {
            "object": "Shipment__c",
            "owner": SELLER,
            "rows": {"dealt": {"Name": "Dealt", "Weight__c": 9, "Deal__c": {"ref": "deal"}}},
        },
        {
            "object": "Shipment__c",
            "owner": SELLER,
            "generate": {"count": 3, "fields": {"Name": "Sold {n}", "Weight__c": 5, "Note__c": "fragile"}},
        },
        {"object": "Shipment__c", "owner": STRANGER, "generate": {"count": 2, "fields": {"Name": "Strange {n}"}}},
        {"object": "Shipment__c", "queue": "Orders", "generate": {"count": 2, "fields": {"Name": "Queued {n}"}}},
        {"object": "Sync_Settings__c", "rows": {"one": {"Name": "Default"}}},
    ],
}

MIGRATION: Mapping[str, Any] = {
    **SCENARIO,
    "finish": "freeze",
    "workload": [
        {"query": "SELECT Id, Name, ERP_Key__c, Phone, BillingCity FROM Account ORDER BY ERP_Key__c"},
        {"query": "SELECT Id, Name, Weight__c, Note__c, Deal__r.Name FROM Shipment__c ORDER BY Name"},
        {"query": "SELECT Id, Name FROM Sync_Settings__c"},
        {"insert": {"object": "Shipment__c", "rows": 2, "fields": {"Name": "{{unique}}", "Weight__c": 1}}},
        {"insert": {"object": "Shipment__c", "fields": {"Name": "{{unique}}", "Status__c": "Lost"}}},
        {"upsert": {"object": "Account", "by": "ERP_Key__c", "fields": {"ERP_Key__c": "{{unique}}", "Name": "Made"}}},
        {"delete": {"object": "Shipment__c", "rows": 3}},
    ],
    "expect": {
        "grants": [{"apex": {"path": "/orders/v1/status"}}, {"query": "SELECT Id FROM Shipment__c", "at_least": 1}],
        "denials": [{"query": "SELECT Id FROM Opportunity", "error": "INVALID_TYPE"}, {"sign_in": "ui"}],
    },
}


def write_org(folder: Path, *also: str) -> Path:
    """The project with its population; `also` is further elements of the old user's permission set."""
    files = dict(FILES)
    files["permissionsets/ERP_Shipping.permissionset-meta.xml"] += "".join(also)
    write_project(folder, files, population=json.dumps(POPULATION))
    classes = folder / "force-app" / "classes"
    classes.mkdir(exist_ok=True)
    (classes / "OrderStatus.cls").write_text("global class OrderStatus {}")
    return folder
