"""What a value must be to become part of a row."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from harness.sandbox.schema import Field
from tests.component.sandbox_core.desk import Desk, refused


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ({"Hired__c": "2026-01-05"}, "2026-01-05"),
        ({"Hired__c": "2026-01-05T23:30:00-02:00"}, "2026-01-06"),
        ({"Skills__c": "law; SALES"}, "Law;Sales"),
        ({"Salary__c": 12}, 12.0),
        ({"Number__c": "  7 "}, "7"),
        ({"Number__c": "   "}, None),
        ({"Number__c": 7}, "7"),
    ],
)
def test_values_come_to_what_the_platform_keeps(desk: Desk, given: dict[str, Any], stored: Any) -> None:
    row = desk.org.row("Employee__c", desk.create("Employee__c", Name="x", **given))
    assert row is not None
    assert row[next(iter(given))] == stored


@pytest.mark.parametrize(
    ("given", "code", "text"),
    [
        ({"Hired__c": "2026-01-05x"}, "JSON_PARSER_ERROR", "instance of date from VALUE_STRING value 2026-01-05x"),
        ({"Hired__c": "2026-13-05"}, "JSON_PARSER_ERROR", "instance of date"),
        ({"Hired__c": "2026-01-05 10:00:00"}, "JSON_PARSER_ERROR", "instance of date"),
        ({"Hired__c": 20260105}, "JSON_PARSER_ERROR", "from VALUE_NUMBER_INT value 20260105"),
        ({"Name": "   "}, "REQUIRED_FIELD_MISSING", "[Name]"),
        ({"Number__c": ["7"]}, "JSON_PARSER_ERROR", "instance of string from START_ARRAY value ["),
        ({"Id": "x"}, "INVALID_FIELD", "The Id field should not be specified in the sobject data."),
    ],
)
def test_values_of_another_type(desk: Desk, given: dict[str, Any], code: str, text: str) -> None:
    with refused(code, text):
        desk.create("Employee__c", **{"Name": "x", **given})


def test_a_compound_field_is_written_by_its_parts(desk: Desk) -> None:
    with refused("INVALID_FIELD_FOR_INSERT_UPDATE", "Unable to create/update fields: BillingAddress."):
        desk.create("Account", Name="x", BillingAddress={"city": "Bonn"})
    with refused("JSON_PARSER_ERROR", "Cannot deserialize instance of BillingAddress from VALUE_STRING value Bonn"):
        desk.create("Account", Name="x", BillingAddress="Bonn")
    desk.create("Account", Name="x", BillingCity="Bonn")
    assert desk.plain("SELECT BillingCity FROM Account") == ["Bonn"]


def test_audit_fields_need_a_permission_and_a_new_row(desk: Desk) -> None:
    desk.grant("Sales", "Account", "Read", "Create", "Edit")
    values = {"Name": "Old", "CreatedDate": "2001-02-03T04:05:06Z", "CreatedById": desk.robot}
    with refused("INVALID_FIELD_FOR_INSERT_UPDATE", "CreatedDate, CreatedById"):
        desk.create("Account", desk.sales, **values)
    helper = desk.set("Load", PermissionsCreateAuditFields=True)
    desk.create("PermissionSetAssignment", AssigneeId=desk.sales, PermissionSetId=helper)
    made = desk.create("Account", desk.sales, **values)
    row = desk.org.row("Account", made)
    assert row is not None
    assert (row["CreatedDate"], row["CreatedById"]) == ("2001-02-03T04:05:06.000+0000", desk.robot)
    with refused("INVALID_FIELD_FOR_INSERT_UPDATE", "CreatedDate"):
        desk.update("Account", made, desk.sales, CreatedDate="2002-02-03T04:05:06Z")


def test_an_inactive_owner_needs_a_permission(desk: Desk) -> None:
    desk.grant("Sales", "Account", "Read", "Create", "Edit", "Delete")
    desk.grant("Integration", "Account", "Read")
    desk.create(
        "PermissionSetLicenseAssign",
        AssigneeId=desk.robot,
        PermissionSetLicenseId=desk.ids["SalesforceAPIIntegrationPsl"],
    )
    desk.org.switches = replace(desk.org.switches, deactivation_drops_permission_set_licenses=False)
    desk.update("User", desk.robot, IsActive=False)
    text = f"operation performed with inactive user [{desk.robot[:15]}] as owner of account"
    with refused("INACTIVE_OWNER_OR_USER", text):
        desk.create("Account", desk.sales, Name="x", OwnerId=desk.robot)
    helper = desk.set("Load", PermissionsUpdateWithInactiveOwner=True)
    desk.create("PermissionSetAssignment", AssigneeId=desk.sales, PermissionSetId=helper)
    desk.create("Account", desk.sales, Name="x", OwnerId=desk.robot)


def test_a_reference_to_a_deleted_row(desk: Desk) -> None:
    account = desk.create("Account", Name="x")
    desk.delete("Account", account)
    with refused("ENTITY_IS_DELETED", "entity is deleted"):
        desk.create("Contact", LastName="x", AccountId=account)
    desk.create("Contact", LastName="x", AccountId=desk.create("Account", Name="y"))


def test_a_unique_field_may_care_for_case(desk: Desk) -> None:
    sobject = desk.org.schema.get("Employee__c")
    assert sobject is not None
    sobject.add(Field("Code__c", "string", "Code", length=10, custom=True, unique=True, permissionable=False))
    desk.org.schema_changed()
    first = desk.create("Employee__c", Name="a", Code__c="ab")
    with refused("DUPLICATE_VALUE", f"duplicate value found: Code__c duplicates value on record with id: {first[:15]}"):
        desk.create("Employee__c", Name="b", Code__c="AB")
    sobject.add(replace(sobject.fields["code__c"], case_sensitive=True))
    desk.create("Employee__c", Name="b", Code__c="AB")
    with refused("DUPLICATE_VALUE"):
        desk.create("Employee__c", Name="c", Code__c="ab")
    fields = {one["name"]: one for one in desk.org.describe("Employee__c", as_user=desk.admin)["fields"]}
    assert (fields["Code__c"]["caseSensitive"], fields["Number__c"]["caseSensitive"]) == (True, False)


def test_a_key_that_several_rows_have_names_none(desk: Desk) -> None:
    sobject = desk.org.schema.get("Employee__c")
    assert sobject is not None
    sobject.add(Field("Key__c", "string", "Key", length=10, custom=True, external_id=True, permissionable=False))
    desk.org.schema_changed()
    rows = [desk.create("Employee__c", Name=name, Key__c="7") for name in ("a", "b")]
    text = f"Key: more than one record found for external id field: [{', '.join(rows)}]"
    with refused("DUPLICATE_EXTERNAL_ID", text):
        desk.create("Review__c", Name="r", Employee__r={"Key__c": "7"})
    with refused("DUPLICATE_EXTERNAL_ID", text):
        desk.org.upsert("Employee__c", "Key__c", "7", {"Name": "c"}, as_user=desk.admin)


def test_base64_is_checked(desk: Desk) -> None:
    sobject = desk.org.schema.get("Employee__c")
    assert sobject is not None
    sobject.add(Field("Body__c", "base64", "Body", custom=True, permissionable=False))
    desk.org.schema_changed()
    with refused("JSON_PARSER_ERROR", "Cannot deserialize instance of base64Binary"):
        desk.create("Employee__c", Name="x", Body__c="no base64!")
    made = desk.create("Employee__c", Name="x", Body__c="aGVsbG8=")
    row = desk.org.row("Employee__c", made)
    assert row is not None
    assert row["Body__c"] == "aGVsbG8="


def test_a_user_counts_for_mixed_dml_by_the_fields_that_change(desk: Desk) -> None:
    with desk.org.transaction():
        desk.create("Account", Name="x")
        desk.update("User", desk.sales, LastName="Seller", Title="Seller")
        with refused("MIXED_DML_OPERATION", "User, original object: Account"):
            desk.update("User", desk.sales, IsActive=False)
