"""Reading a project's metadata."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.sandbox.source.dx import read_project
from harness.sandbox.source.errors import SourceError
from harness.sandbox.source.metadata import TabSetting
from harness.sandbox.source.schema import build_schema
from tests.component.sandbox_source.projects import write_project

OBJECT = """CustomObject:<label>Pump</label><pluralLabel>Pumps</pluralLabel><sharingModel>Private</sharingModel>
<nameField><displayFormat>P-{000}</displayFormat><label>Pump Number</label><type>AutoNumber</type></nameField>"""


def field(name: str, inside: str) -> str:
    return f"CustomField:<fullName>{name}</fullName><label>{name[:-3]}</label>{inside}"


def test_objects_and_fields_become_a_schema(tmp_path: Path) -> None:
    base = "main/default/objects/Pump__c"
    project = read_project(
        write_project(
            tmp_path / "p",
            {
                f"{base}/Pump__c.object-meta.xml": OBJECT,
                f"{base}/fields/Key__c.field-meta.xml": field(
                    "Key__c",
                    "<externalId>true</externalId><length>20</length><type>Text</type><unique>true</unique>",
                ),
                f"{base}/fields/Account__c.field-meta.xml": field(
                    "Account__c",
                    "<referenceTo>Account</referenceTo><relationshipName>Pumps</relationshipName><type>Lookup</type>",
                ),
                f"{base}/fields/State__c.field-meta.xml": field(
                    "State__c",
                    "<type>Picklist</type><valueSet><restricted>true</restricted><valueSetDefinition>"
                    "<value><fullName>New</fullName><default>true</default></value><value><fullName>Old</fullName>"
                    "</value></valueSetDefinition></valueSet>",
                ),
                f"{base}/fields/Cost__c.field-meta.xml": field(
                    "Cost__c", "<precision>16</precision><required>true</required><scale>2</scale><type>Currency</type>"
                ),
                f"{base}/fields/Twice__c.field-meta.xml": field(
                    "Twice__c", "<formula>Cost__c * 2</formula><type>Currency</type>"
                ),
                f"{base}/fields/Place__c.field-meta.xml": field("Place__c", "<scale>4</scale><type>Location</type>"),
                f"{base}/fields/On__c.field-meta.xml": field(
                    "On__c", "<defaultValue>true</defaultValue><type>Checkbox</type>"
                ),
                f"{base}/recordTypes/Big.recordType-meta.xml": "RecordType:<fullName>Big</fullName>"
                "<active>true</active><label>Big Pump</label>",
            },
        )
    )
    pump = build_schema(project).get("Pump__c")
    assert pump is not None
    assert (pump.label, pump.plural, pump.sharing, pump.custom, pump.key_prefix) == (
        "Pump",
        "Pumps",
        "Private",
        True,
        "a00",
    )
    assert pump.record_types == {"Big": "Big Pump"}
    assert pump.get("RecordTypeId") is not None
    name, key, account = pump.fields["name"], pump.fields["key__c"], pump.fields["account__c"]
    assert (name.auto_number, name.createable, name.label) == (True, False, "Pump Number")
    assert (key.type, key.length, key.external_id, key.unique, key.custom) == ("string", 20, True, True, True)
    assert (account.reference_to, account.relationship_name, account.child_relationship) == (
        ("Account",),
        "Account__r",
        "Pumps__r",
    )
    state, cost, twice = pump.fields["state__c"], pump.fields["cost__c"], pump.fields["twice__c"]
    assert (state.picklist, state.restricted, state.default) == (("New", "Old"), True, "New")
    assert (cost.nillable, cost.permissionable, cost.precision, cost.scale) == (False, False, 16, 2)
    assert (twice.calculated, twice.createable, twice.updateable, twice.permissionable) == (True, False, False, True)
    assert pump.fields["place__c"].type == "location"
    assert pump.fields["place__latitude__s"].compound == "Place__c"
    assert pump.fields["on__c"].default is True


def test_a_detail_has_no_owner_and_its_master_no_field_permission(tmp_path: Path) -> None:
    base = "objects"
    project = read_project(
        write_project(
            tmp_path / "p",
            {
                f"{base}/Pump__c/Pump__c.object-meta.xml": OBJECT,
                f"{base}/Seal__c/Seal__c.object-meta.xml": "CustomObject:<label>Seal</label>"
                "<sharingModel>ControlledByParent</sharingModel>",
                f"{base}/Seal__c/fields/Pump__c.field-meta.xml": field(
                    "Pump__c",
                    "<referenceTo>Pump__c</referenceTo><relationshipName>Seals</relationshipName>"
                    "<type>MasterDetail</type>",
                ),
                f"{base}/Pump__c/fields/Seals__c.field-meta.xml": field(
                    "Seals__c",
                    "<summaryForeignKey>Seal__c.Pump__c</summaryForeignKey><summaryOperation>max</summaryOperation>"
                    "<summarizedField>Seal__c.Changed__c</summarizedField><type>Summary</type>",
                ),
                f"{base}/Seal__c/fields/Changed__c.field-meta.xml": field("Changed__c", "<type>Date</type>"),
            },
        )
    )
    schema = build_schema(project)
    seal, pump = schema.get("Seal__c"), schema.get("Pump__c")
    assert seal is not None
    assert pump is not None
    assert seal.get("OwnerId") is None
    master = seal.fields["pump__c"]
    assert (master.master_detail, master.nillable, master.permissionable) == (True, False, False)
    assert (pump.fields["seals__c"].type, pump.fields["seals__c"].calculated) == ("date", True)


def test_the_older_format_is_read_too(tmp_path: Path) -> None:
    inside = OBJECT + (
        "<fields><fullName>Key__c</fullName><type>Text</type><length>9</length></fields>"
        "<recordTypes><fullName>Big</fullName><label>Big</label><active>true</active></recordTypes>"
    )
    project = read_project(write_project(tmp_path / "p", {"objects/Pump__c.object": inside}))
    assert [one.name for one in project.objects["Pump__c"].fields] == ["Key__c"]
    assert [one.name for one in project.objects["Pump__c"].record_types] == ["Big"]


def test_fields_of_activities_are_fields_of_tasks_and_events(tmp_path: Path) -> None:
    files = {"objects/Activity/fields/Topic__c.field-meta.xml": field("Topic__c", "<type>Text</type>")}
    schema = build_schema(read_project(write_project(tmp_path / "p", files)))
    for name in ("Task", "Event"):
        found = schema.get(name)
        assert found is not None
        assert found.get("Topic__c") is not None


def test_a_profile_says_who_may_do_what(tmp_path: Path) -> None:
    inside = """Profile:<custom>true</custom><userLicense>Salesforce</userLicense>
        <applicationVisibilities><application>standard__Sales</application><visible>true</visible>
        </applicationVisibilities>
        <classAccesses><apexClass>Sync</apexClass><enabled>true</enabled></classAccesses>
        <classAccesses><apexClass>Other</apexClass><enabled>false</enabled></classAccesses>
        <fieldPermissions><editable>true</editable><field>Account.Phone</field><readable>true</readable>
        </fieldPermissions>
        <fieldPermissions><editable>false</editable><field>Account.Fax</field><readable>false</readable>
        </fieldPermissions>
        <objectPermissions><allowCreate>true</allowCreate><allowRead>true</allowRead><object>Account</object>
        </objectPermissions>
        <objectPermissions><allowRead>false</allowRead><object>Lead</object></objectPermissions>
        <tabVisibilities><tab>standard-Account</tab><visibility>DefaultOn</visibility></tabVisibilities>
        <tabVisibilities><tab>standard-Lead</tab><visibility>Hidden</visibility></tabVisibilities>
        <userPermissions><enabled>true</enabled><name>ApiEnabled</name></userPermissions>
        <userPermissions><enabled>false</enabled><name>ViewSetup</name></userPermissions>"""
    files = {"profiles/Feed %2F ERP.profile-meta.xml": inside, "profiles/Admin.profile-meta.xml": "Profile:"}
    project = read_project(write_project(tmp_path / "p", files))
    assert sorted(project.profiles) == ["Feed / ERP", "System Administrator"]
    feed = project.profiles["Feed / ERP"]
    assert feed.license == "Salesforce"
    assert feed.system == {"ApiEnabled"}
    assert feed.objects == {"Account": {"PermissionsRead", "PermissionsCreate"}}
    assert feed.fields == {"Account.Phone": (True, True), "Account.Fax": (False, False)}
    assert feed.setup == (("ApexClass", "Sync"), ("TabSet", "standard__Sales"))
    assert feed.tabs == (TabSetting("standard-Account", "DefaultOn"),)


def test_an_external_client_app_is_read_from_all_its_files(tmp_path: Path) -> None:
    app = "<externalClientApplication>Sync</externalClientApplication>"
    flow = "<isClientCredentialsFlowEnabled>true</isClientCredentialsFlowEnabled>"
    files = {
        "extlClntAppOauthPolicies/Sync_plcy.ecaOauthPlcy-meta.xml": "ExtlClntAppOauthConfigurablePolicies:"
        f"{app}{flow}<clientCredentialsFlowUser>sync@acme.example</clientCredentialsFlowUser>"
        "<commaSeparatedPermissionSet>One, Two</commaSeparatedPermissionSet>"
        "<permittedUsersPolicyType>AdminApprovedPreAuthorized</permittedUsersPolicyType>",
        "externalClientApps/Sync.eca-meta.xml": "ExternalClientApplication:<label>Order Sync</label>",
        "extlClntAppGlobalOauthSets/Sync_glbl.ecaGlblOauth-meta.xml": "ExtlClntAppGlobalOauthSettings:" + app + flow,
        "extlClntAppPolicies/Sync_plcy.ecaPlcy-meta.xml": "ExtlClntAppConfigurablePolicies:"
        f"{app}<isEnabled>true</isEnabled>",
    }
    found = read_project(write_project(tmp_path / "p", files)).apps["Sync"]
    assert (found.label, found.external, found.client_credentials, found.admin_approved) == (
        "Order Sync",
        True,
        True,
        True,
    )
    assert (found.run_as, found.permission_sets) == ("sync@acme.example", ("One", "Two"))


def test_client_credentials_must_be_on_in_settings_and_policies(tmp_path: Path) -> None:
    app = "<externalClientApplication>Sync</externalClientApplication>"
    files = {
        "a/Sync.eca-meta.xml": "ExternalClientApplication:<label>Sync</label>",
        "a/Sync.ecaGlblOauth-meta.xml": f"ExtlClntAppGlobalOauthSettings:{app}",
        "a/Sync.ecaOauthPlcy-meta.xml": "ExtlClntAppOauthConfigurablePolicies:"
        f"{app}<isClientCredentialsFlowEnabled>true</isClientCredentialsFlowEnabled>",
    }
    assert not read_project(write_project(tmp_path / "p", files)).apps["Sync"].client_credentials


def test_two_readings_are_equal(tmp_path: Path) -> None:
    files = {
        f"objects/Pump__c/fields/F{number}__c.field-meta.xml": field(f"F{number}__c", "<type>Text</type>")
        for number in range(9, 0, -1)
    }
    project = write_project(tmp_path / "p", files)
    assert read_project(project) == read_project(project)
    assert [one.name for one in read_project(project).objects["Pump__c"].fields][:2] == ["F1__c", "F2__c"]


# What is wrong


def test_a_directory_without_a_project_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"sfdx-project\.json is missing"):
        read_project(tmp_path)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("{", "packageDirectories cannot be read"),
        ('{"packageDirectories": 3}', "packageDirectories cannot be read"),
        ('{"packageDirectories": [{"path": "elsewhere"}]}', "elsewhere does not exist"),
    ],
)
def test_a_broken_project_file_is_named(tmp_path: Path, content: str, complaint: str) -> None:
    (tmp_path / "sfdx-project.json").write_text(content)
    with pytest.raises(SourceError, match=complaint):
        read_project(tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        "<CustomField><fullName>",
        '<!DOCTYPE f [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><CustomField><fullName>&b;</fullName></CustomField>',
        '<!DOCTYPE f [<!ENTITY x SYSTEM "file:///etc/passwd">]><CustomField><label>&x;</label></CustomField>',
    ],
)
def test_a_broken_or_hostile_file_is_refused_and_named(tmp_path: Path, content: str) -> None:
    project = write_project(tmp_path / "p", {})
    path = project / "force-app" / "objects" / "Pump__c" / "fields" / "Bad__c.field-meta.xml"
    path.parent.mkdir(parents=True)
    path.write_text(content)
    with pytest.raises(SourceError, match=r"Bad__c\.field-meta\.xml: this metadata file cannot be read"):
        read_project(project)


def test_a_policy_without_its_app_is_named(tmp_path: Path) -> None:
    app = "ExtlClntAppConfigurablePolicies:<externalClientApplication>Gone</externalClientApplication>"
    with pytest.raises(SourceError, match="External Client App Gone, which is not in the project"):
        read_project(write_project(tmp_path / "p", {"a/Gone.ecaPlcy-meta.xml": app}))
