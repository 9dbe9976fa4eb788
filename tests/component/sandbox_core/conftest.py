"""An org made by hand of the standard schema: licenses, three profiles, three users, and two custom objects."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from harness.sandbox.objects import standard_licenses, standard_schema
from harness.sandbox.org import SandboxOrg
from harness.sandbox.schema import Field, Schema, SObject
from tests.component.sandbox_core.desk import Desk

SYSTEM = {"createable": False, "updateable": False, "permissionable": False}


def custom_objects(schema: Schema) -> None:
    """Employee__c with all sorts of fields, and Review__c, its detail."""
    project = SObject("Employee__c", "Employee", "Employees", "a01", custom=True, sharing="Private")
    owner = Field(
        "OwnerId",
        "reference",
        "Owner ID",
        permissionable=False,
        reference_to=("User", "Group"),
        relationship_name="Owner",
    )
    for one in (
        Field("Id", "id", "Record ID", nillable=False, **SYSTEM),
        owner,
        Field("IsDeleted", "boolean", "Deleted", nillable=False, **SYSTEM),
        Field("Name", "string", "Employee Name", length=80, name_field=True, permissionable=False, nillable=False),
        Field("CreatedDate", "datetime", "Created Date", **SYSTEM),
        Field("Salary__c", "currency", "Salary", precision=18, scale=2, custom=True),
        Field(
            "Skills__c", "multipicklist", "Skills", custom=True, picklist=("Welding", "Sales", "Law"), restricted=True
        ),
        Field("Number__c", "string", "Number", length=10, custom=True, external_id=True, unique=True),
        Field("Hired__c", "date", "Hired", custom=True),
        Field("Serial__c", "string", "Serial", custom=True, auto_number=True, createable=False, updateable=False),
        Field("Level__c", "string", "Level", custom=True, calculated=True, createable=False, updateable=False),
        Field("RecordTypeId", "reference", "Record Type ID", permissionable=False, reference_to=("RecordType",)),
        Field(
            "Account__c",
            "reference",
            "Account",
            custom=True,
            reference_to=("Account",),
            relationship_name="Account__r",
            child_relationship="Employees__r",
        ),
    ):
        project.add(one)
    schema.add(project)
    review = SObject("Review__c", "Review", "Reviews", "a02", custom=True, sharing="ControlledByParent")
    for one in (
        Field("Id", "id", "Record ID", nillable=False, **SYSTEM),
        Field("IsDeleted", "boolean", "Deleted", nillable=False, **SYSTEM),
        Field("Name", "string", "Review Name", length=80, name_field=True, permissionable=False, nillable=False),
        Field("Text__c", "textarea", "Text", length=32768, custom=True, filterable=False),
        Field(
            "Employee__c",
            "reference",
            "Employee",
            custom=True,
            permissionable=False,
            nillable=False,
            updateable=False,
            reference_to=("Employee__c",),
            relationship_name="Employee__r",
            child_relationship="Reviews__r",
            master_detail=True,
        ),
    ):
        review.add(one)
    schema.add(review)


@pytest.fixture
def org() -> Iterator[SandboxOrg]:
    schema = standard_schema()
    custom_objects(schema)
    made = SandboxOrg(schema)
    yield made
    made.close()


@pytest.fixture(scope="module")
def still_desk() -> Iterator[Desk]:
    """A furnished org for tests that change nothing, made once for each module."""
    schema = standard_schema()
    custom_objects(schema)
    org = SandboxOrg(schema)
    desk = Desk(org)
    with org.transaction():
        furnish(desk)
        for name in ("Task", "Opportunity"):
            desk.fields(desk.own_set("System Administrator"), name)
    yield desk
    org.close()


@pytest.fixture
def desk(org: SandboxOrg) -> Desk:
    """The org, furnished."""
    desk = Desk(org)
    with org.transaction():
        furnish(desk)
    return desk


def furnish(desk: Desk) -> None:
    org = desk.org
    licenses = standard_licenses()
    for one in licenses.user:
        desk.ids[one.name] = org.insert_row(
            "UserLicense",
            {
                "Name": one.name,
                "MasterLabel": one.label,
                "LicenseDefinitionKey": one.key,
                "TotalLicenses": 3,
                "Status": "Active",
            },
        )
    for one in licenses.permission_set:
        desk.ids[one.name] = org.insert_row(
            "PermissionSetLicense",
            {
                "DeveloperName": one.name,
                "MasterLabel": one.label,
                "PermissionSetLicenseKey": one.key,
                "TotalLicenses": 1,
            },
        )
    everything = {f"Permissions{name}": True for name in org.schema.system_permissions if name != "ApiUserOnly"}
    desk.profile("System Administrator", "Salesforce", everything)
    desk.profile("Sales", "Salesforce", {"PermissionsApiEnabled": True})
    desk.profile(
        "Integration", "Salesforce Integration", {"PermissionsApiEnabled": True, "PermissionsApiUserOnly": True}
    )
    desk.admin = desk.user("admin@acme.example", "System Administrator")
    org.complete()
    desk.open_everything("System Administrator")
    desk.sales = desk.user("sales@acme.example", "Sales")
    desk.robot = desk.user("robot@acme.example", "Integration")
    org.complete()
