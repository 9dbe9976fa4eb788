"""The schema that every simulated org starts with."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from harness.sandbox import objects
from harness.sandbox.objects import standard_licenses, standard_schema
from harness.sandbox.schema import Schema, SObject

KEY_PREFIXES = {
    "Account": "001",
    "FieldPermissions": "01k",
    "LoginHistory": "0Ya",
    "MutingPermissionSet": "0QM",
    "ObjectPermissions": "110",
    "PackageLicense": "050",
    "PermissionSet": "0PS",
    "PermissionSetAssignment": "0Pa",
    "PermissionSetGroup": "0PG",
    "PermissionSetGroupComponent": "0PM",
    "PermissionSetLicense": "0PL",
    "PermissionSetLicenseAssign": "2LA",
    "Profile": "00e",
    "SetupEntityAccess": "0J0",
    "User": "005",
    "UserLicense": "100",
    "UserLogin": "0Yw",
    "UserPackageLicense": "051",
}
_SETUP_OBJECTS = """
    Organization User UserLogin Profile UserLicense PermissionSet PermissionSetAssignment PermissionSetLicense
    PermissionSetLicenseAssign PermissionSetGroup PermissionSetGroupComponent MutingPermissionSet ObjectPermissions
    FieldPermissions SetupEntityAccess PermissionSetTabSetting UserRole Group GroupMember QueueSobject LoginHistory
    ConnectedApplication ExternalClientApplication ApexClass CustomPermission RecordType EntityDefinition
    FieldDefinition UserPermissionAccess PermissionDependency SetupAuditTrail
"""
PSL = "SalesforceAPIIntegrationPsl"


@pytest.fixture(scope="module")
def schema() -> Schema:
    return standard_schema()


def an_object(schema: Schema, name: str) -> SObject:
    found = schema.get(name)
    assert found is not None, name
    return found


def test_has_every_setup_object(schema: Schema) -> None:
    assert [name for name in _SETUP_OBJECTS.split() if not an_object(schema, name).setup] == []


@pytest.mark.parametrize(("name", "prefix"), KEY_PREFIXES.items())
def test_key_prefixes_are_those_of_recordings(schema: Schema, name: str, prefix: str) -> None:
    assert an_object(schema, name).key_prefix == prefix


def test_key_prefixes_are_unique(schema: Schema) -> None:
    prefixes = [one.key_prefix for one in schema if one.key_prefix != "01J"]  # which all stages and statuses share
    assert sorted(set(prefixes)) == sorted(prefixes)


def test_references_lead_to_objects_that_exist(schema: Schema) -> None:
    missing = {
        (one.name, field.name, target)
        for one in schema
        for field in one.fields.values()
        for target in field.reference_to
        if schema.get(target) is None
    }
    assert missing == set()


def test_children_of_one_parent_have_different_names(schema: Schema) -> None:
    seen: dict[tuple[str, str], set[str]] = {}
    for one in schema:
        for field in one.fields.values():
            for parent in field.reference_to if field.child_relationship else ():
                seen.setdefault((parent, str(field.child_relationship)), set()).add(one.name)
    assert {key: names for key, names in seen.items() if len(names) > 1} == {}


def test_every_name_of_a_permission_is_known(schema: Schema) -> None:
    known = set(schema.system_permissions)
    named = {name for one in schema for name in (*one.needs_any_of, *one.write_needs_any_of)}
    named |= {name for one in schema.system_permissions.values() for name in one.implies}
    assert named - known == set()
    governors = {one.governed_by for one in schema if one.governed_by}
    assert {name for name in governors if schema.get(name) is None} == set()


def test_permission_columns_come_from_one_list(schema: Schema) -> None:
    for holder, prefix in (
        ("Profile", "Permissions"),
        ("PermissionSet", "Permissions"),
        ("MutingPermissionSet", "Permissions"),
        ("UserPermissionAccess", "Permissions"),
        ("PermissionSetLicense", "MaximumPermissions"),
    ):
        columns = {
            one.name.removeprefix(prefix)
            for one in an_object(schema, holder).fields.values()
            if one.name.startswith(prefix) and one.type == "boolean"
        }
        assert columns == set(schema.system_permissions), holder


def test_an_address_has_one_permission_for_all_its_parts(schema: Schema) -> None:
    account = an_object(schema, "Account")
    parts = [one for one in account.fields.values() if one.compound == "BillingAddress"]
    assert [one.name for one in parts][:5] == [
        "BillingStreet",
        "BillingCity",
        "BillingState",
        "BillingPostalCode",
        "BillingCountry",
    ]
    assert not any(one.permissionable for one in parts)
    whole = account.get("BillingAddress")
    assert whole is not None
    assert (whole.type, whole.permissionable, whole.createable) == ("address", True, False)


@pytest.mark.parametrize(
    "name", ["Id", "Name", "OwnerId", "CreatedById", "SystemModstamp", "IsDeleted", "LastActivityDate"]
)
def test_fields_everybody_sees_have_no_permission(schema: Schema, name: str) -> None:
    field = an_object(schema, "Account").get(name)
    assert field is not None
    assert not field.permissionable


def test_required_fields_have_no_permission(schema: Schema) -> None:
    wrong = [
        (one.name, field.name)
        for one in schema
        for field in one.fields.values()
        if not field.nillable and field.type != "boolean" and field.permissionable
    ]
    assert wrong == []


def test_setup_objects_know_no_field_permissions(schema: Schema) -> None:
    assert [one.name for one in schema if one.setup and any(f.permissionable for f in one.fields.values())] == []


def test_two_schemas_share_nothing_that_can_change() -> None:
    first, second = standard_schema(), standard_schema()
    account = an_object(first, "Account")
    account.add(replace(account.fields["name"], name="Extra__c"))
    account.record_types["Customer"] = "Customer"
    account.sharing = "Private"
    first.system_permissions.clear()
    first.permission_set_licenses.clear()
    other = an_object(second, "Account")
    assert other.get("Extra__c") is None
    assert (other.record_types, other.sharing) == ({}, "ReadWrite")
    assert "ViewSetup" in second.system_permissions
    assert PSL in second.permission_set_licenses


def test_the_first_schema_is_made_quickly_and_the_next_at_once() -> None:
    best_first, best_next = 1.0, 1.0
    for _ in range(3):
        objects._prototypes.cache_clear()
        objects._permissions.cache_clear()
        objects.standard_licenses.cache_clear()
        started = time.process_time()
        standard_schema()
        first = time.process_time()
        standard_schema()
        best_first = min(best_first, first - started)
        best_next = min(best_next, time.process_time() - first)
    assert best_first < 0.15
    assert best_next < 0.02


# Licenses


def test_the_integration_license_alone_carries_no_standard_object(schema: Schema) -> None:
    terms = schema.user_licenses["Salesforce Integration"]
    assert terms.permissions == {"ApiEnabled", "ApiUserOnly", "ChatterInternalUser"}
    assert not any(terms.allows_object(one) for one in schema if not one.setup)
    assert terms.allows_object(SObject("Invoice__c", "Invoice", "Invoices", "a00", custom=True))


def test_the_integration_permission_set_license_carries_what_a_real_set_bound_to_it_carries(schema: Schema) -> None:
    terms = schema.permission_set_licenses[PSL]
    carried = terms.permissions
    assert carried is not None
    assert carried >= {"ModifyAllData", "ManageUsers", "EditTask", "EditEvent", "ViewSetup", "CustomizeApplication"}
    assert not carried & {"AuthorApex", "ViewEncryptedData", "ExportReport", "LightningExperienceUser"}
    assert all(terms.allows_object(an_object(schema, name)) for name in ("Account", "Order", "WorkOrder", "Product2"))


def test_field_service_objects_need_their_own_license(schema: Schema) -> None:
    appointment = an_object(schema, "ServiceAppointment")
    assert not schema.permission_set_licenses[PSL].allows_object(appointment)
    assert schema.permission_set_licenses["FieldServiceIntegrationPsl"].allows_object(appointment)
    assert schema.user_licenses["Salesforce"].allows_object(appointment)


def test_what_a_carried_permission_implies_is_carried_too(schema: Schema) -> None:
    carried = schema.permission_set_licenses[PSL].permissions
    assert carried is not None
    beyond = {
        (name, implied)
        for name in carried
        for implied in schema.system_permissions[name].implies
        if implied not in carried
    }
    assert beyond == set()


def test_every_org_has_a_profile_on_the_integration_license() -> None:
    profiles = {one.name: one for one in standard_licenses().profiles}
    assert profiles["Minimum Access - API Only Integrations"].license == "Salesforce Integration"
    assert profiles["System Administrator"].everything
    assert "ApiUserOnly" not in profiles["System Administrator"].permissions
    assert {one.license for one in profiles.values()} <= {one.name for one in standard_licenses().user}
