"""The Metadata API: deploys and retrieves over SOAP and REST, lists, and calls for single components."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import pytest
import requests
from defusedxml.ElementTree import fromstring
from simple_salesforce import Salesforce

from harness.sandbox.org import SandboxOrg
from harness.sandbox.switches import Switches

from .conftest import USERNAMES, Client
from .zips import component, field_permissions, manifest, object_permissions, packed, permission_set, unpacked

ENVELOPE = """<env:Envelope xmlns:env="http://schemas.xmlsoap.org/soap/envelope/"
 xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns="http://soap.sforce.com/2006/04/metadata">
<env:Header><SessionHeader><sessionId>{token}</sessionId></SessionHeader>{headers}</env:Header>
<env:Body>{body}</env:Body></env:Envelope>"""
SPACE = "{http://soap.sforce.com/2006/04/metadata}"
BILLING = "permissionsets/Billing.permissionset"


def soap(client: Client, body: str, *, headers: str = "", version: str = "67.0") -> str:
    content = ENVELOPE.format(token=client.token, body=body, headers=headers)
    response = client.ask(
        "POST",
        f"/services/Soap/m/{version}/00D000000000001",
        data=content.encode(),
        headers={"Content-Type": "text/xml"},
    )
    assert response.status_code == (500 if "<soapenv:Fault>" in response.text else 200)
    return response.text


def result(text: str) -> Element:
    found = next(fromstring(text).iter(f"{SPACE}result"), None)
    assert found is not None, text
    return found


def start(client: Client, content: bytes, **options: bool) -> str:
    """Begin a deploy; its id."""
    given = {"singlePackage": True, "rollbackOnError": True} | options
    flags = "".join(f"<{name}>{str(value).lower()}</{name}>" for name, value in given.items())
    packed_file = base64.b64encode(content).decode()
    begun = soap(client, f"<deploy><ZipFile>{packed_file}</ZipFile><DeployOptions>{flags}</DeployOptions></deploy>")
    assert "<state>Queued</state>" in begun, begun
    return result(begun).findtext(f"{SPACE}id") or ""


def status(client: Client, job: str) -> Element:
    asked = f"<asyncProcessId>{job}</asyncProcessId><includeDetails>true</includeDetails>"
    return result(soap(client, f"<checkDeployStatus>{asked}</checkDeployStatus>"))


def deploy(client: Client, files: dict[str, str | bytes], **options: bool) -> Element:
    """Deploy files and tell how it went."""
    return status(client, start(client, packed(files), **options))


def problems(outcome: Element) -> list[str]:
    return [one.findtext(f"{SPACE}problem") or "" for one in outcome.iter(f"{SPACE}componentFailures")]


def text(outcome: Element, name: str) -> str | None:
    return outcome.findtext(f"{SPACE}{name}")


def retrieve(client: Client, manifest_content: str, *, single: bool = True) -> tuple[dict[str, str], Element]:
    """The files of a retrieve, and its result."""
    unpackaged = manifest_content.replace("<Package ", "<unpackaged ").replace("</Package>", "</unpackaged>")
    request = f"{unpackaged}<singlePackage>{str(single).lower()}</singlePackage>"
    begun = soap(client, f"<retrieve><retrieveRequest>{request}</retrieveRequest></retrieve>")
    job = text(result(begun), "id")
    outcome = result(soap(client, f"<checkRetrieveStatus><asyncProcessId>{job}</asyncProcessId></checkRetrieveStatus>"))
    return unpacked(base64.b64decode(text(outcome, "zipFile") or "")), outcome


def one_set(*content: str) -> dict[str, str | bytes]:
    return {"package.xml": manifest(PermissionSet=["Billing"]), BILLING: permission_set(*content)}


def test_a_permission_set_is_deployed_and_grants(org: SandboxOrg, admin: Client) -> None:
    outcome = deploy(
        admin,
        one_set(
            object_permissions("Account", "allowRead", "allowEdit"),
            field_permissions("Account.ERP_Key__c", editable=True),
            "<userPermissions><enabled>true</enabled><name>RunReports</name></userPermissions>",
        ),
    )
    assert problems(outcome) == []
    assert (text(outcome, "status"), text(outcome, "success"), text(outcome, "done")) == ("Succeeded", "true", "true")
    assert (text(outcome, "numberComponentsTotal"), text(outcome, "numberComponentsDeployed")) == ("1", "1")
    told = {text(one, "fullName"): one for one in outcome.iter(f"{SPACE}componentSuccesses")}
    assert text(told["Billing"], "created") == "true"
    assert text(told["Billing"], "componentType") == "PermissionSet"
    assert text(told["package.xml"], "componentType") == ""
    row = org.rows("PermissionSet", Name="Billing")[0]
    assert text(told["Billing"], "id") == row["Id"]
    assert row["PermissionsRunReports"] is True
    erp = org.rows("User", Username=USERNAMES["erp"])[0]["Id"]
    made = admin.post("sobjects/PermissionSetAssignment", {"AssigneeId": erp, "PermissionSetId": row["Id"]})
    assert made.status_code == 201
    assert org.permissions_of(erp).has("RunReports")


def test_the_result_has_the_recorded_elements_in_their_order(admin: Client) -> None:
    outcome = deploy(admin, one_set(), checkOnly=True)
    assert [str(one.tag).removeprefix(SPACE) for one in outcome] == [
        *("checkOnly", "completedDate", "createdBy", "createdByName", "createdDate", "details", "done", "id"),
        *("ignoreWarnings", "lastModifiedDate", "numberComponentErrors", "numberComponentsDeployed"),
        *("numberComponentsTotal", "numberTestErrors", "numberTestsCompleted", "numberTestsTotal", "rollbackOnError"),
        *("runTestsEnabled", "startDate", "status", "success"),
    ]
    success = next(one for one in outcome.iter(f"{SPACE}componentSuccesses"))
    assert [str(one.tag).removeprefix(SPACE) for one in success][:6] == [
        *("changed", "componentType", "created", "createdDate", "deleted", "fileName"),
    ]


def test_what_is_retrieved_can_be_deployed_again_and_changes_nothing(org: SandboxOrg, admin: Client) -> None:
    source = "<enabled>true</enabled><externalDataSource>ERP</externalDataSource>"
    extra = f"<externalDataSourceAccesses>{source}</externalDataSourceAccesses>"
    first = one_set(
        "<description>Who &amp; what</description>",
        object_permissions("Account", "allowRead"),
        field_permissions("Account.BillingAddress"),
        field_permissions("Account.ERP_Key__c", editable=True),
        "<tabSettings><tab>standard-Account</tab><visibility>Visible</visibility></tabSettings>",
        extra,
    )
    deploy(admin, first)
    files, outcome = retrieve(admin, manifest(PermissionSet=["Billing"]))
    assert list(files) == [BILLING, "package.xml"]
    order = [str(one.tag).removeprefix(SPACE) for one in fromstring(files[BILLING])]
    assert order == sorted(order)
    assert (
        "    <fieldPermissions>\n        <editable>false</editable>\n        <field>Account.BillingAddress"
        in files[BILLING]
    )
    assert "<externalDataSource>ERP</externalDataSource>" in files[BILLING]
    named = [text(one, "fullName") for one in outcome.iter(f"{SPACE}fileProperties")]
    assert named == ["Billing", "package.xml"]
    before = org.rows("FieldPermissions")
    again = deploy(admin, dict(files))
    assert problems(again) == []
    assert [text(one, "changed") for one in again.iter(f"{SPACE}componentSuccesses")] == ["true", "false"]
    assert org.rows("FieldPermissions") == before
    assert retrieve(admin, manifest(PermissionSet=["*"]))[0][BILLING] == files[BILLING]


def test_a_set_is_taken_as_a_whole(org: SandboxOrg, admin: Client) -> None:
    deploy(admin, one_set(object_permissions("Account", "allowRead"), field_permissions("Account.ERP_Key__c")))
    deploy(admin, one_set(object_permissions("Contact", "allowRead")))
    owned = org.rows("PermissionSet", Name="Billing")[0]["Id"]
    assert [row["SobjectType"] for row in org.rows("ObjectPermissions", ParentId=owned)] == ["Contact"]
    assert org.rows("FieldPermissions", ParentId=owned) == []


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (field_permissions("Account.Nothing__c"), "In field: field - no CustomField named Account.Nothing__c found"),
        (field_permissions("Account.Name"), "You cannot deploy to a required field: Account.Name"),
        (object_permissions("Nothing__c", "allowRead"), "In field: object - no CustomObject named Nothing__c found"),
        (
            "<userPermissions><enabled>true</enabled><name>Fly</name></userPermissions>",
            "Unknown user permission: Fly",
        ),
        (
            "<classAccesses><apexClass>Lost</apexClass><enabled>true</enabled></classAccesses>",
            "In field: apexClass - no ApexClass named Lost found",
        ),
        (
            object_permissions("Account", "allowEdit"),
            "Permission Edit Account depends on permission(s): Read Account",
        ),
        ("<license>Nothing</license>", "In field: license - no PermissionSetLicense named Nothing found"),
    ],
)
def test_what_a_component_is_refused_for(org: SandboxOrg, admin: Client, content: str, problem: str) -> None:
    outcome = deploy(admin, one_set(content))
    assert problems(outcome) == [problem]
    assert text(outcome, "status") == "Failed"
    assert (text(outcome, "numberComponentErrors"), text(outcome, "numberComponentsDeployed")) == ("1", "0")
    failure = next(outcome.iter(f"{SPACE}componentFailures"))
    assert (text(failure, "problemType"), text(failure, "fileName")) == ("Error", BILLING)
    assert org.rows("PermissionSet", Name="Billing") == []


def test_places_of_mistakes(admin: Client) -> None:
    unknown = deploy(admin, one_set("<apiVersion>60.0</apiVersion>"))
    failure = next(unknown.iter(f"{SPACE}componentFailures"))
    assert text(failure, "problem") == (
        "Error parsing file: Element {http://soap.sforce.com/2006/04/metadata}apiVersion invalid at this location "
        "in type PermissionSet"
    )
    assert (text(failure, "lineNumber"), text(failure, "columnNumber")) == ("4", "13")
    broken = deploy(admin, {"package.xml": manifest(PermissionSet=["Billing"]), BILLING: "<PermissionSet>\n<label>"})
    failure = next(broken.iter(f"{SPACE}componentFailures"))
    assert str(text(failure, "problem")).startswith("Error parsing file: ")
    assert text(failure, "lineNumber") == "2"


def test_one_failure_takes_everything_back_or_only_itself(org: SandboxOrg, admin: Client) -> None:
    files: dict[str, str | bytes] = {
        "package.xml": manifest(PermissionSet=["Good", "Bad"], CustomPermission=["Skip"]),
        "permissionsets/Good.permissionset": permission_set(label="Good"),
        "permissionsets/Bad.permissionset": permission_set(field_permissions("Account.Nope__c"), label="Bad"),
        "customPermissions/Skip.customPermission": component("CustomPermission", "<label>Skip</label>"),
    }
    whole = deploy(admin, files)
    assert (text(whole, "status"), text(whole, "numberComponentsTotal")) == ("Failed", "3")
    assert org.rows("CustomPermission") == org.rows("PermissionSet", Label="Good") == []
    partly = deploy(admin, files, rollbackOnError=False)
    assert (text(partly, "status"), text(partly, "success")) == ("SucceededPartial", "false")
    assert len(org.rows("PermissionSet", Label="Good")) == len(org.rows("CustomPermission")) == 1
    assert org.rows("PermissionSet", Label="Bad") == []


def test_a_check_changes_nothing_and_can_be_deployed_quickly(org: SandboxOrg, admin: Client) -> None:
    job = start(admin, packed(one_set()), checkOnly=True)
    assert text(status(admin, job), "status") == "Succeeded"
    assert org.rows("PermissionSet", Name="Billing") == []
    quick = soap(admin, f"<deployRecentValidation><validationId>{job}</validationId></deployRecentValidation>")
    assert text(status(admin, result(quick).text or ""), "status") == "Succeeded"
    assert len(org.rows("PermissionSet", Name="Billing")) == 1
    assert "sf:INVALID_ID_FIELD" in soap(
        admin, "<deployRecentValidation><validationId>x</validationId></deployRecentValidation>"
    )


def test_profiles_are_changed_in_what_a_file_names(org: SandboxOrg, admin: Client) -> None:
    name = "ERP Integration"
    content = component(
        "Profile",
        object_permissions("Opportunity", "allowRead")
        + object_permissions("Contact")
        + field_permissions("Account.ERP_Key__c", readable=False),
    )
    outcome = deploy(admin, {"package.xml": manifest(Profile=[name]), f"profiles/{name}.profile": content})
    assert problems(outcome) == []
    profile = org.rows("Profile", Name=name)[0]
    owned = org.rows("PermissionSet", ProfileId=profile["Id"])[0]["Id"]
    assert {row["SobjectType"] for row in org.rows("ObjectPermissions", ParentId=owned)} == {"Account", "Opportunity"}
    fields = {row["Field"] for row in org.rows("FieldPermissions", ParentId=owned)}
    assert fields == {"Account.BillingAddress", "Contact.AccountId"}
    assert profile["PermissionsApiEnabled"] is True
    files, _ = retrieve(admin, manifest(Profile=[name], CustomObject=["Opportunity"]))
    shown = files[f"profiles/{name}.profile"]
    assert "<object>Opportunity</object>" in shown
    assert "<object>Account</object>" not in shown
    assert "<name>ApiEnabled</name>" in shown
    admin_files, _ = retrieve(admin, manifest(Profile=["Admin"]))
    assert "<userLicense>Salesforce</userLicense>" in admin_files["profiles/Admin.profile"]


FIELDS = (
    "<fields><fullName>Rate__c</fullName><label>Rate</label><precision>5</precision><scale>2</scale>"
    "<type>Number</type></fields>\n"
    "<fields><fullName>Client__c</fullName><label>Client</label><referenceTo>Account</referenceTo>"
    "<relationshipName>Tariffs</relationshipName><type>Lookup</type></fields>"
)
OBJECT = (
    "<deploymentStatus>Deployed</deploymentStatus><label>Tariff</label>"
    "<nameField><label>Tariff</label><type>Text</type></nameField><pluralLabel>Tariffs</pluralLabel>"
    "<sharingModel>Private</sharingModel>"
)


def test_an_object_with_fields_is_there_and_nobody_sees_its_fields(org: SandboxOrg, admin: Client, erp: Client) -> None:
    outcome = deploy(
        admin,
        {
            "package.xml": manifest(CustomObject=["Tariff__c"]),
            "objects/Tariff__c.object": component("CustomObject", OBJECT + FIELDS),
        },
    )
    assert problems(outcome) == []
    assert text(outcome, "numberComponentsTotal") == "3"
    assert admin.post("sobjects/Tariff__c", {"Name": "A"}).status_code == 201
    assert admin.query("SELECT Id FROM Tariff__c")
    assert admin.get("query", params={"q": "SELECT Rate__c FROM Tariff__c"}).status_code == 400
    assert erp.get("sobjects/Tariff__c/describe").status_code == 404
    grant = one_set(object_permissions("Tariff__c", "allowRead"), field_permissions("Tariff__c.Rate__c"))
    assert problems(deploy(admin, grant)) == []
    set_id = org.rows("PermissionSet", Name="Billing")[0]["Id"]
    erp_id = org.rows("User", Username=USERNAMES["erp"])[0]["Id"]
    admin.post("sobjects/PermissionSetAssignment", {"AssigneeId": erp_id, "PermissionSetId": set_id})
    assert erp.query("SELECT Name, Rate__c FROM Tariff__c") == []
    files, _ = retrieve(admin, manifest(CustomObject=["Tariff__c"]))
    assert "<relationshipName>Tariffs</relationshipName>" in files["objects/Tariff__c.object"]
    one_field, _ = retrieve(admin, manifest(CustomField=["Tariff__c.Rate__c"]))
    assert "<fullName>Rate__c</fullName>" in one_field["objects/Tariff__c.object"]
    assert "Client__c" not in one_field["objects/Tariff__c.object"]


@pytest.mark.parametrize("options", [{"checkOnly": True}, {}])
def test_a_schema_that_is_not_kept_is_taken_back(org: SandboxOrg, admin: Client, options: dict[str, bool]) -> None:
    bad = "" if options else field_permissions("Account.Nope__c")
    files: dict[str, str | bytes] = {
        "package.xml": manifest(CustomObject=["Tariff__c", "Account"], PermissionSet=["Billing"]),
        "objects/Tariff__c.object": component("CustomObject", OBJECT + FIELDS),
        "objects/Account.object": component("CustomObject", FIELDS),
        BILLING: permission_set(bad),
    }
    objects = len(org.schema)
    outcome = deploy(admin, files, **options)
    assert text(outcome, "status") == ("Succeeded" if options else "Failed")
    assert org.schema.get("Tariff__c") is None
    assert len(org.schema) == objects
    account = org.schema.get("Account")
    assert account is not None
    assert account.get("Rate__c") is None
    assert admin.query("SELECT Id FROM Account") == []
    assert (
        text(
            deploy(
                admin,
                {k: v for k, v in files.items() if k != BILLING}
                | {"package.xml": manifest(CustomObject=["Tariff__c", "Account"])},
            ),
            "status",
        )
        == "Succeeded"
    )


@pytest.mark.parametrize(
    ("field", "problem"),
    [
        ("<label>X</label><type>Text</type>", "Must specify 'length' for a CustomField of type Text"),
        ("<label>X</label><type>Checkbox</type>", "Must specify 'defaultValue' for a CustomField of type Checkbox"),
        (
            "<label>X</label><length>9</length><type>TextArea</type>",
            "Can not specify 'length' for a CustomField of type TextArea",
        ),
        (
            "<label>X</label><referenceTo>No__c</referenceTo><type>Lookup</type>",
            "referenceTo value of 'No__c' does not resolve to a valid sObject type",
        ),
        ("<label>X</label><type>Magic</type>", "'Magic' is not a valid value for the enum 'FieldType'"),
        (
            "<label>X</label><length>many</length><type>Text</type>",
            "'many' is not a valid value for the type xsd:int of length",
        ),
        ("<length>9</length><type>Text</type>", "Must specify a non-empty label for the CustomField"),
    ],
)
def test_fields_that_are_none(admin: Client, field: str, problem: str) -> None:
    content = component("CustomObject", f"<fields>\n<fullName>X__c</fullName>{field}</fields>")
    files: dict[str, str | bytes] = {
        "package.xml": manifest(CustomField=["Account.X__c"]),
        "objects/Account.object": content,
    }
    outcome = deploy(admin, files)
    assert problems(outcome) == [problem]
    failure = next(outcome.iter(f"{SPACE}componentFailures"))
    assert (text(failure, "fullName"), text(failure, "componentType")) == ("Account.X__c", "CustomField")
    assert (text(failure, "lineNumber"), text(failure, "columnNumber")) == ("3", "9")


def test_destructive_changes(org: SandboxOrg, admin: Client) -> None:
    deploy(
        admin,
        one_set(field_permissions("Account.Secret__c"))
        | {
            "package.xml": manifest(PermissionSet=["Billing"], CustomPermission=["Skip"]),
            "customPermissions/Skip.customPermission": component("CustomPermission", "<label>Skip</label>"),
        },
    )
    gone = manifest(CustomPermission=["Skip"], CustomField=["Account.Secret__c"], PermissionSet=["Nothing"])
    outcome = deploy(admin, {"package.xml": manifest(), "destructiveChanges.xml": gone})
    assert problems(outcome) == []
    told = {text(one, "fullName"): one for one in outcome.iter(f"{SPACE}componentSuccesses")}
    assert text(told["Skip"], "deleted") == "true"
    assert text(told["Nothing"], "problem") == "No PermissionSet named: Nothing found"
    assert text(told["Nothing"], "problemType") == "Warning"
    assert org.rows("CustomPermission") == []
    account = org.schema.get("Account")
    assert account is not None
    assert account.get("Secret__c") is None
    assert org.rows("FieldPermissions", Field="Account.Secret__c") == []
    refused = deploy(
        admin, {"package.xml": manifest(), "destructiveChangesPost.xml": manifest(CustomObject=["Account"])}
    )
    assert problems(refused) == ["insufficient access rights on object id"]


def test_groups_queues_and_roles(org: SandboxOrg, admin: Client) -> None:
    files: dict[str, str | bytes] = {
        "package.xml": manifest(
            PermissionSet=["*"],
            PermissionSetGroup=["*"],
            MutingPermissionSet=["*"],
            Role=["*"],
            Group=["*"],
            Queue=["*"],
        ),
        BILLING: permission_set(object_permissions("Account", "allowRead", "allowEdit")),
        "mutingpermissionsets/Quiet.mutingpermissionset": component(
            "MutingPermissionSet", "<label>Quiet</label>" + object_permissions("Account", "allowEdit")
        ),
        "permissionsetgroups/Sync.permissionsetgroup": component(
            "PermissionSetGroup",
            "<label>Sync</label><mutingPermissionSets>Quiet</mutingPermissionSets>"
            "<permissionSets>Billing</permissionSets><status>Updated</status>",
        ),
        "roles/Boss.role": component("Role", "<contactAccessLevel>Edit</contactAccessLevel><name>Boss</name>"),
        "groups/Feeds.group": component("Group", "<doesIncludeBosses>true</doesIncludeBosses><name>Feeds</name>"),
        "queues/Support.queue": component(
            "Queue",
            "<doesSendEmailToMembers>false</doesSendEmailToMembers><name>Support</name><queueMembers><publicGroups>"
            f"<publicGroup>Feeds</publicGroup></publicGroups><users><user>{USERNAMES['erp']}</user></users>"
            "</queueMembers><queueSobject><sobjectType>Case</sobjectType></queueSobject>",
        ),
    }
    assert problems(deploy(admin, files)) == []
    queue = org.rows("Group", Type="Queue")[0]
    assert len(org.rows("GroupMember", GroupId=queue["Id"])) == 2
    back, _ = retrieve(admin, str(files["package.xml"]))
    assert f"<user>{USERNAMES['erp']}</user>" in back["queues/Support.queue"]
    assert "<mutingPermissionSets>Quiet</mutingPermissionSets>" in back["permissionsetgroups/Sync.permissionsetgroup"]
    again = deploy(admin, dict(back))
    assert problems(again) == []
    changed = [
        text(one, "fullName") for one in again.iter(f"{SPACE}componentSuccesses") if text(one, "changed") == "true"
    ]
    assert changed == ["package.xml"]
    lost = component("PermissionSetGroup", "<label>L</label><permissionSets>Nope</permissionSets>")
    outcome = deploy(
        admin, {"package.xml": manifest(PermissionSetGroup=["L"]), "permissionsetgroups/L.permissionsetgroup": lost}
    )
    assert problems(outcome) == [
        "Cannot create permission set group components since the following permission set names are invalid: Nope"
    ]


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        ({}, "No package.xml found"),
        ({BILLING: permission_set()}, "No package.xml found"),
        ({"package.xml": "<Package>"}, "Error parsing file: "),
        ({"package.xml": '<!DOCTYPE p [<!ENTITY e "x">]><Package>&e;</Package>'}, "Error parsing file: "),
        (
            {"package.xml": manifest(PermissionSet=["Billing"])},
            "An object 'Billing' of type PermissionSet was named in package.xml, but was not found in zipped directory",
        ),
        ({"package.xml": manifest(), BILLING: permission_set()}, "Not in package.xml"),
        ({"package.xml": manifest(Flower=["*"])}, "Unknown type name 'Flower' specified in package.xml"),
    ],
)
def test_manifests_that_do_not_fit(admin: Client, files: dict[str, str | bytes], problem: str) -> None:
    outcome = deploy(admin, files)
    assert [one[: len(problem)] for one in problems(outcome)] == [problem]
    assert text(outcome, "status") == "Failed"


def test_packages_in_directories(org: SandboxOrg, admin: Client) -> None:
    files = {f"shape/{name}": content for name, content in one_set().items()}
    outcome = deploy(admin, files, singlePackage=False)
    assert problems(outcome) == []
    assert {text(one, "fileName") for one in outcome.iter(f"{SPACE}componentSuccesses")} == set(files)
    assert len(org.rows("PermissionSet", Name="Billing")) == 1
    back, _ = retrieve(admin, manifest(PermissionSet=["Billing"]), single=False)
    assert list(back) == [f"unpackaged/{BILLING}", "unpackaged/package.xml"]


def test_what_is_not_there_is_told_and_the_rest_retrieved(admin: Client) -> None:
    deploy(admin, one_set())
    files, outcome = retrieve(admin, manifest(PermissionSet=["Billing", "Nope"], Flower=["*"]))
    assert BILLING in files
    assert (text(outcome, "success"), text(outcome, "status")) == ("true", "Succeeded")
    told = [one.findtext(f"{SPACE}problem") or "" for one in outcome.iter(f"{SPACE}messages")]
    assert told[0] == "Entity of type 'PermissionSet' named 'Nope' cannot be found"
    assert told[1].startswith("Unknown type name 'Flower' specified in package.xml")
    job = text(outcome, "id")
    again = soap(admin, f"<checkRetrieveStatus><asyncProcessId>{job}</asyncProcessId></checkRetrieveStatus>")
    assert "INVALID_LOCATOR: retrieve result has been deleted." in again
    without = f"<asyncProcessId>{job}</asyncProcessId><includeZip>false</includeZip>"
    assert "<zipFile>" not in soap(admin, f"<checkRetrieveStatus>{without}</checkRetrieveStatus>")


def test_lists_and_types(admin: Client) -> None:
    types = soap(admin, "<describeMetadata><asOfVersion>67.0</asOfVersion></describeMetadata>")
    assert (
        "<metadataObjects><childXmlNames>CustomField</childXmlNames><childXmlNames>RecordType</childXmlNames>"
        "<directoryName>objects</directoryName><inFolder>false</inFolder><metaFile>false</metaFile>"
        "<suffix>object</suffix><xmlName>CustomObject</xmlName></metadataObjects>" in types
    )
    assert "<organizationNamespace></organizationNamespace><partialSaveAllowed>true</partialSaveAllowed>" in types
    deploy(admin, one_set())
    listed = soap(
        admin,
        "<listMetadata><queries><type>PermissionSet</type></queries><queries><type>CustomField</type></queries></listMetadata>",
    )
    assert f"<fileName>{BILLING}</fileName><fullName>Billing</fullName><id>0PS" in listed
    assert "<fileName>objects/Account.object</fileName><fullName>Account.ERP_Key__c</fullName>" in listed
    assert "sf:INVALID_TYPE" in soap(admin, "<listMetadata><queries><type>Flower</type></queries></listMetadata>")
    four = "<queries><type>Role</type></queries>" * 4
    assert "sf:EXCEEDED_ID_LIMIT" in soap(admin, f"<listMetadata>{four}</listMetadata>")


def test_single_components(org: SandboxOrg, admin: Client) -> None:
    given = '<metadata xsi:type="PermissionSet"><fullName>{}</fullName><label>One</label>{}</metadata>'
    created = soap(admin, f"<createMetadata>{given.format('One', '')}</createMetadata>")
    assert "<createMetadataResponse><result><fullName>One</fullName><success>true</success></result>" in created
    twice = soap(admin, f"<createMetadata>{given.format('One', '')}</createMetadata>")
    assert "<statusCode>DUPLICATE_DEVELOPER_NAME</statusCode>" in twice
    granted = object_permissions("Account", "allowRead")
    upserted = soap(admin, f"<upsertMetadata>{given.format('One', granted)}{given.format('Two', '')}</upsertMetadata>")
    assert "<created>false</created><fullName>One</fullName>" in upserted
    assert "<created>true</created><fullName>Two</fullName>" in upserted
    read = soap(
        admin,
        "<readMetadata><type>PermissionSet</type><fullNames>One</fullNames><fullNames>No</fullNames></readMetadata>",
    )
    assert '<records xsi:type="PermissionSet"><fullName>One</fullName><hasActivationRequired>false' in read
    assert "<object>Account</object>" in read
    assert '<records xsi:nil="true"/>' in read
    renamed = "<type>PermissionSet</type><oldFullName>Two</oldFullName><newFullName>Three</newFullName>"
    assert "<success>true</success>" in soap(admin, f"<renameMetadata>{renamed}</renameMetadata>")
    removed = "<type>PermissionSet</type><fullNames>Three</fullNames><fullNames>Two</fullNames>"
    answer = soap(admin, f"<deleteMetadata>{removed}</deleteMetadata>")
    assert "<result><fullName>Three</fullName><success>true</success></result>" in answer
    assert "no PermissionSet named Two found" in answer
    wrong = given.format("Four", "<userPermissions><enabled>true</enabled><name>Fly</name></userPermissions>")
    header = "<AllOrNoneHeader><allOrNone>true</allOrNone></AllOrNoneHeader>"
    none = soap(admin, f"<upsertMetadata>{given.format('Five', '')}{wrong}</upsertMetadata>", headers=header)
    assert "ALL_OR_NONE_OPERATION_ROLLED_BACK" in none
    assert "Unknown user permission: Fly" in none
    assert org.rows("PermissionSet", Name="Five") == []


def test_a_field_is_created_by_itself(org: SandboxOrg, admin: Client) -> None:
    content = (
        '<metadata xsi:type="CustomField"><fullName>Account.Tier__c</fullName><label>Tier</label><length>20</length>'
        "<type>Text</type></metadata>"
    )
    assert "<success>true</success>" in soap(admin, f"<createMetadata>{content}</createMetadata>")
    account = org.schema.get("Account")
    assert account is not None
    assert account.get("Tier__c") is not None
    read = soap(admin, "<readMetadata><type>CustomField</type><fullNames>Account.Tier__c</fullNames></readMetadata>")
    assert "<fullName>Account.Tier__c</fullName><label>Tier</label><length>20</length><type>Text</type>" in read


def test_jobs_take_their_time(org: SandboxOrg, admin: Client) -> None:
    org.switches = Switches(metadata_job_seconds=600)
    job = start(admin, packed(one_set()))
    assert (text(status(admin, job), "status"), text(status(admin, job), "done")) == ("Pending", "false")
    org.clock.advance(200)
    assert text(status(admin, job), "status") == "InProgress"
    assert org.rows("PermissionSet", Name="Billing") == []
    org.clock.advance(500)
    assert text(status(admin, job), "status") == "Succeeded"
    other = start(admin, packed(one_set()))
    assert "<done>true</done>" in soap(admin, f"<cancelDeploy><String>{other}</String></cancelDeploy>")
    canceled = status(admin, other)
    assert (text(canceled, "status"), text(canceled, "success")) == ("Canceled", "false")
    assert "Deployment already completed" in soap(admin, f"<cancelDeploy><String>{job}</String></cancelDeploy>")


# REST


def rest_deploy(client: Client, content: bytes, options: dict[str, Any], *, name: str = "json") -> Any:
    parts = {
        name: (None, json.dumps({"deployOptions": options}), "application/json"),
        "file": ("deploy.zip", content, "application/zip"),
    }
    return client.ask("POST", "/services/data/v67.0/metadata/deployRequest", files=parts)


@pytest.mark.parametrize("name", ["json", "entity_content"])
def test_a_deploy_over_rest(org: SandboxOrg, admin: Client, name: str) -> None:
    options = {"singlePackage": True, "rollbackOnError": True, "checkOnly": False, "testLevel": "NoTestRun"}
    made = rest_deploy(admin, packed(one_set()), options, name=name)
    assert made.status_code == 201
    body = made.json()
    assert list(body) == ["id", "url", "deployResult", "deployOptions"]
    assert body["deployResult"]["status"] == "Pending"
    assert body["deployOptions"]["testLevel"] == "NoTestRun"
    shown = admin.get(f"metadata/deployRequest/{body['id']}", params={"includeDetails": "true"}).json()
    assert shown["deployResult"]["status"] == "Succeeded"
    assert [one["fullName"] for one in shown["deployResult"]["details"]["componentSuccesses"]] == [
        "package.xml",
        "Billing",
    ]
    assert len(org.rows("PermissionSet", Name="Billing")) == 1
    assert admin.get(f"metadata/deployRequest/{body['id']}").json()["deployResult"]["details"] is None
    late = admin.ask("PATCH", f"metadata/deployRequest/{body['id']}", json={"deployResult": {"status": "Canceling"}})
    assert late.status_code == 400


def test_a_validation_over_rest_and_a_deploy_that_is_cancelled(org: SandboxOrg, admin: Client) -> None:
    checked = rest_deploy(admin, packed(one_set()), {"singlePackage": True, "checkOnly": True}).json()["id"]
    quick = admin.post("metadata/deployRequest", {"validatedDeployRequestId": checked})
    assert quick.status_code == 201
    assert len(org.rows("PermissionSet", Name="Billing")) == 1
    org.switches = Switches(metadata_job_seconds=600)
    waiting = rest_deploy(admin, packed(one_set()), {"singlePackage": True}).json()["id"]
    change = {"deployResult": {"status": "Canceling"}}
    cancelled = admin.ask("PATCH", f"metadata/deployRequest/{waiting}", json=change)
    assert (cancelled.status_code, cancelled.json()["deployResult"]["status"]) == (202, "Canceled")
    assert admin.get("metadata/deployRequest/0Af000000000001AAA").status_code == 404


def test_who_may_deploy(admin: Client, erp: Client) -> None:
    assert "sf:INSUFFICIENT_ACCESS" in soap(erp, "<describeMetadata/>")
    refused = rest_deploy(erp, packed(one_set()), {})
    assert (refused.status_code, refused.json()[0]["errorCode"]) == (403, "INSUFFICIENT_ACCESS")
    assert "UNSUPPORTED_API_VERSION" in soap(admin, "<describeMetadata/>", version="20.0")
    nobody = Client(admin.url, "nobody")
    assert "<faultcode>sf:INVALID_SESSION_ID</faultcode>" in soap(nobody, "<describeMetadata/>")
    nobody.http.close()


def test_requests_that_make_no_sense(admin: Client) -> None:
    for body in (
        "<deploy/>",
        "<checkDeployStatus/>",
        "<retrieve/>",
        "<cancelDeploy/>",
        "<renameMetadata/>",
        "<readMetadata/>",
    ):
        assert "UNKNOWN_EXCEPTION: An unexpected" not in soap(admin, body)
    assert "soapenv:Client" in soap(admin, "<deploy><ZipFile>no base64!</ZipFile></deploy>")
    path = "/services/data/v67.0/metadata/deployRequest"
    for content, kind in (
        (b"x", "multipart/form-data"),
        (b"--b\r\n\r\nx\r\n--b--", "multipart/form-data; boundary=b"),
        (b"[", "application/json"),
    ):
        response = admin.ask("POST", path, data=content, headers={"Content-Type": kind})
        assert response.status_code in (400, 404), content
    broken = rest_deploy(admin, b"", {"checkOnly": "perhaps"})
    assert broken.status_code == 400


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"no zip", "The file is not a readable zip file"),
        (packed({"../package.xml": manifest()}), "invalid path"),
        (packed({f"{one}.xml": "" for one in range(10_001)}), "more than 10000 files"),
    ],
)
def test_zip_files_that_cannot_be_used(admin: Client, content: bytes, told: str) -> None:
    outcome = status(admin, start(admin, content))
    assert text(outcome, "status") == "Failed"
    assert told in " ".join([text(outcome, "errorMessage") or "", *problems(outcome)])


def test_a_zip_file_that_is_too_large(admin: Client) -> None:
    whole = base64.b64encode(b"PK" * (20 * 2**20)).decode()
    body = f"<deploy><ZipFile>{whole}</ZipFile></deploy>"
    refused = soap(admin, body)
    assert "Maximum size of request" in refused or "sf:EXCEEDED_MAX_SIZE_REQUEST" in refused


def test_simple_salesforce_deploys(org: SandboxOrg, admin: Client, tmp_path: Path) -> None:
    file = tmp_path / "deploy.zip"
    file.write_bytes(packed(one_set(object_permissions("Account", "allowRead"))))
    with requests.Session() as session:
        session.trust_env = False
        client = Salesforce(instance="sandbox", session_id=admin.token, version="60.0", session=session)
        client.metadata_url = f"{admin.url}/services/Soap/m/60.0/"
        begun = client.deploy(str(file), sandbox=False, singlePackage=True)
        assert begun["state"] == "Queued"
        outcome = client.checkDeployStatus(begun["asyncId"], sandbox=False)
    assert outcome["state"] == "Succeeded"
    assert outcome["deployment_detail"] == {
        "total_count": "1",
        "failed_count": "0",
        "deployed_count": "1",
        "errors": [],
    }
    assert len(org.rows("PermissionSet", Name="Billing")) == 1
