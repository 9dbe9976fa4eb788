"""Sharing and record types of a project and its population: what of them the org enforces."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.sandbox.errors import ApiError
from harness.sandbox.org import SandboxOrg
from harness.sandbox.source import SourceError, open_org
from tests.component.sandbox_source.projects import write_project

RIGHTS = "".join(f"<allow{one}>true</allow{one}>" for one in ("Read", "Create", "Edit", "Delete"))
VISIBLE = """<recordTypeVisibilities><default>{default}</default><recordType>Pump__c.{name}</recordType>
    <visible>{visible}</visible></recordTypeVisibilities>"""
SELLER = (
    "Profile:<userLicense>Salesforce</userLicense><custom>true</custom>"
    "<userPermissions><enabled>true</enabled><name>ApiEnabled</name></userPermissions>"
    f"<objectPermissions>{RIGHTS}<object>Pump__c</object></objectPermissions>"
    f"<objectPermissions>{RIGHTS}<object>Account</object></objectPermissions>"
    + VISIBLE.format(name="Small", default="true", visible="true")
    + VISIBLE.format(name="Large", default="false", visible="true")
    + VISIBLE.format(name="Packaged", default="false", visible="true")
    + VISIBLE.format(name="Secret", default="false", visible="false")
    + VISIBLE.format(name="Hidden", default="false", visible="false")
)
ADDS = "PermissionSet:<label>Adds</label>" + VISIBLE.format(name="Secret", default="false", visible="true")
RULES = """SharingRules:
    <sharingCriteriaRules><fullName>Big</fullName><accessLevel>Edit</accessLevel><label>Big</label>
        <sharedTo><group>Fitters</group></sharedTo><booleanFilter>(1 OR 2) AND 3</booleanFilter>
        <criteriaItems><field>Size__c</field><operation>greaterOrEqual</operation><value>100</value></criteriaItems>
        <criteriaItems><field>RecordTypeId</field><operation>equals</operation><value>A Large One</value>
        </criteriaItems>
        <criteriaItems><field>Sold__c</field><operation>notEqual</operation><value>True</value></criteriaItems>
    </sharingCriteriaRules>
    <sharingOwnerRules><fullName>OfNorth</fullName><accessLevel>Read</accessLevel><label>Of North</label>
        <sharedFrom><role>North</role></sharedFrom><sharedTo><roleAndSubordinatesInternal>South</roleAndSubordinatesInternal></sharedTo>
    </sharingOwnerRules>
    <sharingGuestRules><fullName>Guests</fullName><accessLevel>Read</accessLevel><sharedTo><guestUser>g</guestUser></sharedTo>
    </sharingGuestRules>"""
TYPES = ("Small", "Large", "Secret", "Hidden", "Free")
FILES = {
    "objects/Pump__c/Pump__c.object-meta.xml": (
        "CustomObject:<label>Pump</label><pluralLabel>Pumps</pluralLabel><sharingModel>Private</sharingModel>"
        "<externalSharingModel>Private</externalSharingModel><nameField><label>Name</label><type>Text</type></nameField>"
    ),
    "objects/Pump__c/fields/Size__c.field-meta.xml": (
        "CustomField:<fullName>Size__c</fullName><label>Size</label><type>Number</type><precision>6</precision><scale>0</scale>"
        "<required>false</required>"
    ),
    "objects/Pump__c/fields/Sold__c.field-meta.xml": (
        "CustomField:<fullName>Sold__c</fullName><label>Sold</label><type>Checkbox</type><defaultValue>false</defaultValue>"
    ),
    **{
        f"objects/Pump__c/recordTypes/{name}.recordType-meta.xml": (
            f"RecordType:<fullName>{name}</fullName><active>true</active><label>A {name} One</label>"
        )
        for name in TYPES
    },
    "objects/Account/Account.object-meta.xml": "CustomObject:<sharingModel>Private</sharingModel>",
    "roles/North.role-meta.xml": "Role:<name>North</name>",
    "roles/South.role-meta.xml": "Role:<name>South</name>",
    "roles/Deep_South.role-meta.xml": "Role:<name>Deep South</name><parentRole>South</parentRole>",
    "groups/Fitters.group-meta.xml": "Group:<name>Fitters</name><doesIncludeBosses>false</doesIncludeBosses>",
    "groups/Inner.group-meta.xml": "Group:<name>Inner</name><doesIncludeBosses>false</doesIncludeBosses>",
    "queues/Pumps.queue-meta.xml": (
        "Queue:<name>Pumps</name><queueSobject><sobjectType>Pump__c</sobjectType></queueSobject>"
        "<queueMembers><roles><role>North</role></roles></queueMembers>"
    ),
    "profiles/Seller.profile-meta.xml": SELLER,
    "permissionsets/Adds.permissionset-meta.xml": ADDS,
    "sharingRules/Pump__c.sharingRules-meta.xml": RULES,
}
PEOPLE = """
users:
  - {username: admin@acme.example, name: Ada Admin, profile: System Administrator, as: admin}
  - {username: nora@acme.example, name: Nora North, profile: Seller, role: North, as: north}
  - {username: sam@acme.example, name: Sam South, profile: Seller, role: South, as: south}
  - {username: dee@acme.example, name: Dee Deep, profile: Seller, role: Deep_South, permission_sets: [Adds], as: deep}
records:
  - object: Pump__c
    rows:
      small: {Name: Small, Size__c: 10}
      large: {Name: Large, Size__c: 500}
      sold: {Name: Sold, Size__c: 500, Sold__c: true}
      typed: {Name: Typed, RecordTypeId: {record_type: Large}}
  - {object: Pump__c, owner: nora@acme.example, rows: {noras: {Name: Noras}}}
  - {object: Pump__c, queue: Pumps, rows: {queued: {Name: Queued}}}
  - {object: Account, rows: {acme: {Name: Acme}}}
"""
SHARING = """
sharing:
  groups: {Fitters: {groups: [Inner]}, Inner: {roles: [Deep_South]}}
  shares:
    - {row: acme, user: sam@acme.example, access: Read}
    - {row: small, role: North, access: Edit}
"""


def open_at(
    directory: Path, *, population: str = PEOPLE + SHARING, state: Path | None = None, **files: str
) -> SandboxOrg:
    return open_org(write_project(directory, {**FILES, **files}, population=population), state=state)


@pytest.fixture
def org(tmp_path: Path) -> Iterator[SandboxOrg]:
    made = open_at(tmp_path / "project")
    yield made
    made.close()


def user(org: SandboxOrg, name: str) -> str:
    return str(org.rows("User", Username=f"{name}@acme.example")[0]["Id"])


def pumps(org: SandboxOrg, name: str) -> list[Any]:
    return [row["Name"] for row in org.query("SELECT Name FROM Pump__c ORDER BY Name", as_user=user(org, name)).records]


def test_rules_shares_queues_and_roles_show_rows(org: SandboxOrg) -> None:
    assert pumps(org, "admin") == ["Large", "Noras", "Queued", "Small", "Sold", "Typed"]
    assert pumps(org, "nora") == ["Noras", "Queued", "Small"]  # her own, her queue's, her role's
    assert pumps(org, "dee") == ["Large", "Noras", "Typed"]  # the group in the group, and the rule for the role above
    assert pumps(org, "sam") == ["Noras"]  # his people see more than he: the group leaves bosses out
    accounts = org.query("SELECT Name FROM Account", as_user=user(org, "sam")).records
    assert [row["Name"] for row in accounts] == ["Acme"]


def test_without_hierarchies_bosses_see_nothing_more(tmp_path: Path) -> None:
    settings = "\nsharing: {without_hierarchies: [Pump__c], shares: [{row: small, role: Deep_South, access: Read}]}\n"
    org = open_at(tmp_path / "project", population=PEOPLE + settings)
    try:
        assert "Small" in pumps(org, "dee")
        assert "Small" not in pumps(org, "sam")
    finally:
        org.close()


def test_a_kept_state_has_the_same_sharing(tmp_path: Path) -> None:
    state = tmp_path / "org.sqlite"
    open_at(tmp_path / "project", state=state).close()
    org = open_org(tmp_path / "project", state=state)
    try:
        assert pumps(org, "dee") == ["Large", "Noras", "Typed"]
        record = org.create("Pump__c", {"Name": "x"}, as_user=user(org, "nora"))
        assert org.row("Pump__c", record)["RecordTypeId"] is not None  # type: ignore[index]
    finally:
        org.close()


def test_org_wide_defaults_are_told_alike(org: SandboxOrg) -> None:
    admin = user(org, "admin")
    soql = (
        "SELECT DefaultAccountAccess, DefaultContactAccess, DefaultCaseAccess, DefaultCampaignAccess FROM Organization"
    )
    (row,) = org.query(soql, as_user=admin).records
    assert [row[name] for name in list(row) if name != "attributes"] == [
        "None",
        "ControlledByParent",
        "ReadEditTransfer",
        "All",
    ]
    soql = "SELECT InternalSharingModel, ExternalSharingModel FROM EntityDefinition WHERE QualifiedApiName = 'Pump__c'"
    (row,) = org.query(soql, as_user=admin).records
    assert (row["InternalSharingModel"], row["ExternalSharingModel"]) == ("Private", "Private")


def available(org: SandboxOrg, name: str) -> dict[str, bool]:
    infos = org.describe("Pump__c", as_user=user(org, name))["recordTypeInfos"]
    return {one["developerName"]: one["defaultRecordTypeMapping"] for one in infos if one["available"]}


def test_profiles_and_sets_make_record_types_available(org: SandboxOrg) -> None:
    assert available(org, "nora") == {"Free": False, "Large": False, "Small": True, "Master": False}
    assert available(org, "dee") == {"Free": False, "Large": False, "Secret": False, "Small": True, "Master": False}
    assert set(available(org, "admin")) == {*TYPES, "Master"}
    secret = org.rows("RecordType", DeveloperName="Secret")[0]["Id"]
    org.create("Pump__c", {"Name": "x", "RecordTypeId": secret}, as_user=user(org, "dee"))
    with pytest.raises(ApiError, match="isn't valid for the user"):
        org.create("Pump__c", {"Name": "x", "RecordTypeId": secret}, as_user=user(org, "nora"))


@pytest.mark.parametrize(
    ("rules", "text"),
    [
        ("<booleanFilter>1 AND 9</booleanFilter>", "does not join criteria 1 to 1"),
        ("<booleanFilter>" + "(" * 500 + "1" + ")" * 500 + "</booleanFilter>", "does not join"),
        ("<booleanFilter>1 AND</booleanFilter>", "does not join"),
        ("<booleanFilter>1; DROP</booleanFilter>", "does not join"),
        ("<criteriaItems><field>Size__c</field><operation>nearly</operation></criteriaItems>", "no operation 'nearly'"),
    ],
)
def test_rules_that_cannot_be_read(tmp_path: Path, rules: str, text: str) -> None:
    one = "<criteriaItems><field>Size__c</field><operation>equals</operation><value>1</value></criteriaItems>"
    whole = f"SharingRules:<sharingCriteriaRules><fullName>R</fullName>{one}{rules}</sharingCriteriaRules>"
    with pytest.raises(SourceError, match=f"Pump__c.sharingRules-meta.xml: .*{text}"):
        open_at(tmp_path / "project", **{"sharingRules/Pump__c.sharingRules-meta.xml": whole})


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ("{without_hierarchies: [Account]}", "no custom object 'Account'"),
        ("{groups: {Nobody: {}}}", "no Group is called 'Regular Nobody'"),
        ("{groups: {Inner: {roles: [West]}}}", "no Group is called 'Role West'"),
        ("{shares: [{row: small, access: Read}]}", "a share has one of"),
        ("{shares: [{row: nothing, user: sam@acme.example, access: Read}]}", "no row is called 'nothing'"),
        ("{shares: [{row: small, user: sam@acme.example, access: All}]}", "'Read' or 'Edit'"),
        ("{colour: red}", "Extra inputs"),
    ],
)
def test_sharing_settings_that_do_not_fit(tmp_path: Path, settings: str, text: str) -> None:
    with pytest.raises(SourceError, match=text):
        open_at(tmp_path / "project", population=f"{PEOPLE}\nsharing: {settings}\n")
