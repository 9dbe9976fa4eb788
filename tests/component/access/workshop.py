"""A small org that has something of everything that a snapshot reads, as a Salesforce DX project."""

from __future__ import annotations

from pathlib import Path

from tests.component.sandbox_source.projects import write_project

ADMIN, FITTER = "admin@acme.example", "fitter@acme.example"


def _visible(kind: str, name: str, *, default: bool = False) -> str:
    return (
        f"<recordTypeVisibilities><default>{str(default).lower()}</default><recordType>{kind}.{name}</recordType>"
        "<visible>true</visible></recordTypeVisibilities>"
    )


def _hidden(kind: str, name: str) -> str:
    return (
        f"<recordTypeVisibilities><default>false</default><recordType>{kind}.{name}</recordType>"
        "<visible>false</visible></recordTypeVisibilities>"
    )


def _object(name: str, *rights: str) -> str:
    held = "".join(
        f"<{right}>{str(right in rights).lower()}</{right}>"
        for right in ("allowCreate", "allowDelete", "allowEdit", "allowRead", "modifyAllRecords", "viewAllFields")
    )
    return f"<objectPermissions>{held}<object>{name}</object></objectPermissions>"


def _record_type(name: str, *, active: bool = True) -> str:
    return f"RecordType:<fullName>{name}</fullName><active>{str(active).lower()}</active><label>{name}</label>"


def _set(label: str, inside: str, more: str = "") -> str:
    return f"PermissionSet:<label>{label}</label>{more}{inside}"


FILES = {
    "objects/Pump__c/Pump__c.object-meta.xml": (
        "CustomObject:<label>Pump</label><pluralLabel>Pumps</pluralLabel><sharingModel>Private</sharingModel>"
        "<nameField><label>Name</label><type>Text</type></nameField>"
    ),
    "objects/Setting__c/Setting__c.object-meta.xml": (
        "CustomObject:<label>Setting</label><customSettingsType>Hierarchy</customSettingsType>"
    ),
    **{
        f"objects/Pump__c/recordTypes/{name}.recordType-meta.xml": _record_type(name, active=name != "Old")
        for name in ("Small", "Large", "Secret", "Old")
    },
    "classes/PumpApi.cls-meta.xml": "ApexClass:<apiVersion>60.0</apiVersion><status>Active</status>",
    "customPermissions/Skip.customPermission-meta.xml": "CustomPermission:<label>Skip</label>",
    "profiles/Fitter.profile-meta.xml": (
        "Profile:<userLicense>Salesforce</userLicense><custom>true</custom>"
        "<userPermissions><enabled>true</enabled><name>ApiEnabled</name></userPermissions>"
        + _object("Pump__c", "allowRead", "allowCreate", "allowEdit", "viewAllFields")
        + _object("Account", "allowRead")
        + "<fieldPermissions><editable>true</editable><field>Account.BillingAddress</field><readable>true</readable>"
        "</fieldPermissions>"
        + _visible("Pump__c", "Small", default=True)
        + _visible("Pump__c", "Old")
        + _hidden("Pump__c", "Secret")
        + _hidden("Pump__c", "Large")
        + "<loginHours><sundayStart>480</sundayStart><sundayEnd>1080</sundayEnd></loginHours>"
        "<loginIpRanges><startAddress>10.0.0.0</startAddress><endAddress>10.0.0.255</endAddress></loginIpRanges>"
        "<applicationVisibilities><application>Sales</application><default>false</default><visible>true</visible>"
        "</applicationVisibilities>"
        "<applicationVisibilities><application>Works</application><default>true</default><visible>true</visible>"
        "</applicationVisibilities>"
        "<tabVisibilities><tab>standard-Account</tab><visibility>DefaultOn</visibility></tabVisibilities>"
        "<tabVisibilities><tab>standard-Case</tab><visibility>DefaultOff</visibility></tabVisibilities>"
    ),
    "permissionsets/Types.permissionset-meta.xml": _set(
        "Types",
        _visible("Pump__c", "Large").replace("<default>false</default>", "")
        + "<classAccesses><apexClass>PumpApi</apexClass><enabled>true</enabled></classAccesses>"
        "<customPermissions><enabled>true</enabled><name>Skip</name></customPermissions>"
        "<customSettingAccesses><enabled>true</enabled><name>Setting__c</name></customSettingAccesses>"
        "<tabSettings><tab>Pump__c</tab><visibility>Visible</visibility></tabSettings>",
    ),
    "permissionsets/Session.permissionset-meta.xml": _set(
        "In Session", _object("Lead", "allowRead"), "<hasActivationRequired>true</hasActivationRequired>"
    ),
    "permissionsets/Bound.permissionset-meta.xml": _set(
        "Bound", _object("Case", "allowRead"), "<license>SalesforceAPIIntegrationPsl</license>"
    ),
    "permissionsets/Passing.permissionset-meta.xml": _set("Passing", _object("Contact", "allowRead")),
    "permissionsets/Past.permissionset-meta.xml": _set("Past", _object("Campaign", "allowRead")),
    "permissionsets/Crew_Orders.permissionset-meta.xml": _set(
        "Crew Orders", _object("Order", "allowRead", "allowEdit") + _object("Contract", "allowRead")
    ),
    "mutingpermissionsets/Crew_Mute.mutingpermissionset-meta.xml": (
        "MutingPermissionSet:<label>Crew Mute</label>" + _object("Order", "allowEdit")
    ),
    "permissionsetgroups/Crew.permissionsetgroup-meta.xml": (
        "PermissionSetGroup:<label>Crew</label><status>Updated</status><permissionSets>Crew_Orders</permissionSets>"
        "<mutingPermissionSets>Crew_Mute</mutingPermissionSets>"
    ),
    "roles/Head.role-meta.xml": "Role:<name>Head</name>",
    "roles/Hand.role-meta.xml": "Role:<name>Hand</name><parentRole>Head</parentRole>",
    "groups/Fitters.group-meta.xml": "Group:<name>Fitters</name>",
    "groups/Everyone.group-meta.xml": "Group:<name>Everyone</name>",
    "groups/Others.group-meta.xml": "Group:<name>Others</name>",
    "queues/Repairs.queue-meta.xml": (
        "Queue:<name>Repairs</name><queueSobject><sobjectType>Pump__c</sobjectType></queueSobject>"
    ),
    "sharingRules/Pump__c.sharingRules-meta.xml": "SharingRules:"
    + "".join(
        f"<sharingOwnerRules><fullName>{name}</fullName><accessLevel>Read</accessLevel><label>{name}</label>"
        f"<sharedFrom><group>Others</group></sharedFrom><sharedTo>{to}</sharedTo></sharingOwnerRules>"
        for name, to in (
            ("To_Everyone", "<group>Everyone</group>"),
            ("To_Hands", "<role>Hand</role>"),
            ("To_Below_Head", "<roleAndSubordinatesInternal>Head</roleAndSubordinatesInternal>"),
            ("To_Head_Alone", "<role>Head</role>"),
            ("To_Others", "<group>Others</group>"),
        )
    ),
}
POPULATION = f"""
users:
  - {{username: {ADMIN}, name: Ada Admin, profile: System Administrator, as: admin}}
  - username: {FITTER}
    name: Fay Fitter
    profile: Fitter
    role: Hand
    groups: [Fitters]
    queues: [Repairs]
    permission_sets: [Types, Passing, Past, Session]
    permission_set_groups: [Crew]
    as: fitter
records:
  - object: Pump__c
    owner: {FITTER}
    generate: {{count: 3, fields: {{Name: "Pump {{n}}"}}}}
  - object: Pump__c
    owner: {ADMIN}
    generate: {{count: 2, fields: {{Name: "Admin's {{n}}"}}}}
"""


def write_workshop(folder: Path) -> Path:
    """The project."""
    return write_project(folder, FILES, population=POPULATION)
