"""Creating, changing and deleting ordinary rows, and every refusal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from harness.sandbox.ids import make_id
from harness.sandbox.objects import standard_schema
from harness.sandbox.org import SandboxOrg
from harness.sandbox.switches import Switches
from tests.component.sandbox_core.desk import Desk, refused


def test_a_created_row_has_what_the_platform_fills_in(desk: Desk) -> None:
    record_id = desk.create("Employee__c", Name="Ann", salary__C="12.5", Hired__c="2026-01-05")
    row = desk.org.row("Employee__c", record_id)
    assert row is not None
    assert (row["OwnerId"], row["Salary__c"], row["Serial__c"]) == (desk.admin, 12.5, "00000001")
    assert row["CreatedDate"].startswith("2026-01-05T09:00:0")
    contact = desk.org.row("Contact", desk.create("Contact", LastName="Lee", FirstName="Ann"))
    assert contact is not None
    assert (contact["Name"], contact["CreatedById"], contact["LastModifiedById"]) == ("Ann Lee", desk.admin, desk.admin)


@pytest.mark.parametrize(
    ("values", "code", "text", "fields"),
    [
        ({"Bacon__c": 1}, "INVALID_FIELD", "No such column 'Bacon__c' on sobject of type Employee__c", None),
        ({}, "REQUIRED_FIELD_MISSING", "Required fields are missing: [Name]", ("Name",)),
        ({"Name": None}, "REQUIRED_FIELD_MISSING", "Required fields are missing: [Name]", ("Name",)),
        ({"Name": "x" * 81}, "STRING_TOO_LONG", "(max length=80)", ("Name",)),
        ({"Name": "x", "Serial__c": "7"}, "INVALID_FIELD_FOR_INSERT_UPDATE", "fields: Serial__c.", ("Serial__c",)),
        ({"Name": "x", "Level__c": "7"}, "INVALID_FIELD_FOR_INSERT_UPDATE", "fields: Level__c.", ("Level__c",)),
        (
            {"Name": "x", "Skills__c": "Sales;Golf"},
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
            "bad value for restricted picklist field: Golf",
            ("Skills__c",),
        ),
        (
            {"Name": "x", "Salary__c": "much"},
            "JSON_PARSER_ERROR",
            "instance of double from VALUE_STRING value much",
            None,
        ),
        ({"Name": "x", "Salary__c": True}, "JSON_PARSER_ERROR", "VALUE_TRUE", None),
        ({"Name": {"a": 1}}, "JSON_PARSER_ERROR", "START_OBJECT", None),
        ({"Name": "x", "Salary__c": 10**17}, "NUMBER_OUTSIDE_VALID_RANGE", "Salary", ("Salary__c",)),
        ({"Name": "x", "Hired__c": "soon"}, "JSON_PARSER_ERROR", "instance of date", None),
        (
            {"Name": "x", "Account__c": "abc"},
            "MALFORMED_ID",
            "Account: id value of incorrect type: abc",
            ("Account__c",),
        ),
        ({"Name": "x", "Account__c": make_id("003", 1)}, "MALFORMED_ID", "id value of incorrect type", ("Account__c",)),
        (
            {"Name": "x", "Account__c": make_id("001", 999)},
            "INVALID_CROSS_REFERENCE_KEY",
            "invalid cross reference id",
            (),
        ),
    ],
)
def test_values_that_are_refused(
    desk: Desk, values: dict[str, object], code: str, text: str, fields: tuple[str, ...] | None
) -> None:
    with refused(code, text) as info:
        desk.create("Employee__c", **values)
    assert info.value.fields == fields


def test_rights_on_the_object(desk: Desk) -> None:
    desk.grant("Sales", "Employee__c", "Read", "ViewAllRecords")
    record = desk.create("Employee__c", Name="x")
    with refused("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "entity type cannot be inserted: Employee"):
        desk.create("Employee__c", desk.sales, Name="y")
    with refused("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "entity type cannot be updated: Employee"):
        desk.update("Employee__c", record, desk.sales, Name="y")
    with refused("INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights on object id", status=403):
        desk.delete("Employee__c", record, desk.sales)
    desk.org.switches = replace(desk.org.switches, delete_refusal="entity-type")
    with refused("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "entity type cannot be deleted: Employee"):
        desk.delete("Employee__c", record, desk.sales)


def test_rows_that_are_not_there(desk: Desk) -> None:
    gone = desk.create("Employee__c", Name="x")
    desk.delete("Employee__c", gone)
    with refused("ENTITY_IS_DELETED", "entity is deleted", status=404) as info:
        desk.delete("Employee__c", gone)
    assert info.value.fields == ()
    with refused("ENTITY_IS_DELETED", status=404):
        desk.update("Employee__c", gone, Name="y")
    with refused("ENTITY_IS_DELETED", status=404):
        desk.org.retrieve("Employee__c", gone, as_user=desk.admin)
    desk.org.switches = replace(desk.org.switches, deleted_row_read="not-found")
    with refused("NOT_FOUND", status=404):
        desk.org.retrieve("Employee__c", gone, as_user=desk.admin)
    with refused("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", status=404):
        desk.update("Employee__c", make_id("a01", 9999), Name="y")
    with refused("NOT_FOUND", status=404):
        desk.org.retrieve("Employee__c", gone, as_user=desk.admin)
    with refused("MALFORMED_ID", "Record ID: id value of incorrect type: 003"):
        desk.update("Employee__c", make_id("003", 1), Name="y")
    with refused("NOT_FOUND", status=404):
        desk.create("PlayingCard__c", Name="Ace of Spades")


def test_retrieve_gives_all_or_the_fields_asked_for(desk: Desk) -> None:
    record = desk.create("Employee__c", Name="Ann")
    assert set(desk.org.retrieve("employee__c", record[:15], as_user=desk.admin)) > {"Id", "Salary__c", "attributes"}
    one = desk.org.retrieve("Employee__c", record, as_user=desk.admin, fields=["name"], version="59.0")
    assert one == {
        "attributes": {"type": "Employee__c", "url": f"/services/data/v59.0/sobjects/Employee__c/{record}"},
        "Name": "Ann",
    }
    with refused("INVALID_FIELD", "No such column 'Bacon' on sobject of type Employee__c"):
        desk.org.retrieve("Employee__c", record, as_user=desk.admin, fields=["Bacon"])


def test_unique_values_and_upsert(desk: Desk) -> None:
    first, made = desk.org.upsert("Employee__c", "Number__c", "7", {"Name": "Ann"}, as_user=desk.admin)
    assert made
    assert desk.org.upsert("Employee__c", "number__c", "7", {"Name": "Bea"}, as_user=desk.admin) == (first, False)
    assert desk.plain("SELECT Name FROM Employee__c WHERE Number__c = '7'") == ["Bea"]
    with refused(
        "DUPLICATE_VALUE", f"duplicate value found: Number__c duplicates value on record with id: {first[:15]}"
    ):
        desk.create("Employee__c", Name="Cid", Number__c="7")
    with refused("NOT_FOUND", "Provided external ID field does not exist or is not accessible: Name", status=404):
        desk.org.upsert("Employee__c", "Name", "x", {}, as_user=desk.admin)
    with refused("INVALID_FIELD", "The Number__c field should not be specified"):
        desk.org.upsert("Employee__c", "Number__c", "7", {"Number__c": "7"}, as_user=desk.admin)
    desk.create("Review__c", Name="r", Employee__r={"Number__c": "7"})
    assert desk.plain("SELECT Employee__c FROM Review__c") == [first]
    with refused("INVALID_FIELD", "Foreign key external ID: 8 not found for field Number__c in entity Employee__c"):
        desk.create("Review__c", Name="r", Employee__r={"Number__c": "8"})


def test_a_delete_takes_details_along_and_empties_lookups(desk: Desk) -> None:
    account = desk.create("Account", Name="Acme")
    employee = desk.create("Employee__c", Name="Ann", Account__c=account)
    desk.create("Review__c", Name="r", Employee__c=employee)
    desk.delete("Account", account)
    assert desk.plain("SELECT Account__c FROM Employee__c") == [None]
    desk.delete("Employee__c", employee)
    assert desk.query("SELECT Id FROM Review__c") == []


def test_record_types_belong_to_their_object(desk: Desk) -> None:
    values = {"Name": "A", "DeveloperName": "A", "SobjectType": "Employee__c", "IsActive": True}
    record_type = desk.org.insert_row("RecordType", values)
    record = desk.create("Employee__c", Name="x", RecordTypeId=record_type)
    desk.org.update_row("RecordType", record_type, {"IsActive": False})
    with refused(
        "INVALID_CROSS_REFERENCE_KEY", f"Record Type ID: this ID value isn't valid for the user: {record_type}"
    ):
        desk.update("Employee__c", record, RecordTypeId=record_type)
    infos = desk.org.describe("Employee__c", as_user=desk.admin)["recordTypeInfos"]
    assert [(one["developerName"], one["master"]) for one in infos] == [("A", False), ("Master", True)]


@contextmanager
def undone(desk: Desk) -> Iterator[None]:
    """A transaction that is rolled back at its end."""
    with suppress(LookupError), desk.org.transaction():
        yield
        raise LookupError


def test_a_transaction_is_all_or_nothing(desk: Desk) -> None:
    with undone(desk):
        desk.create("Account", Name="one")
        with undone(desk):
            desk.create("Account", Name="two")
        assert desk.plain("SELECT Name FROM Account") == ["one"]
    assert desk.query("SELECT Name FROM Account") == []


def test_access_given_in_a_transaction_is_gone_with_it(desk: Desk) -> None:
    with undone(desk):
        desk.grant("Sales", "Account", "Read")
        assert desk.query("SELECT Id FROM Account", desk.sales) == []
    with refused("INVALID_TYPE"):
        desk.query("SELECT Id FROM Account", desk.sales)


def test_mixed_dml(desk: Desk) -> None:
    with desk.org.transaction(), refused("MIXED_DML_OPERATION", "setup object is not permitted after you have updated"):
        desk.create("Account", Name="x")
        desk.set("Any")
    with desk.org.transaction(), refused("MIXED_DML_OPERATION"):
        desk.update("User", desk.sales, IsActive=False)
        desk.create("Account", Name="x")
    with desk.org.transaction():
        desk.update("User", desk.sales, Title="Seller")
        desk.create("Account", Name="x")
    desk.set("After")


def test_the_state_outlives_the_process(tmp_path: Path) -> None:
    path = tmp_path / "org.sqlite"
    org = SandboxOrg(standard_schema(), path=path)
    first = org.insert_row("Group", {"Name": "One", "Type": "Regular"})
    org.clock.advance(3600)
    with org.transaction():
        org.insert_row("Group", {"Name": "Two", "Type": "Regular"})
    org.close()
    again = SandboxOrg(standard_schema(), path=path)
    assert [row["Name"] for row in again.rows("Group")] == ["One", "Two"]
    assert again.clock.peek().hour == 10
    assert again.insert_row("Group", {"Name": "Three", "Type": "Regular"}) == make_id("00G", 3)
    assert first == make_id("00G", 1)
    again.close()


def test_switches_change_what_nobody_knows() -> None:
    org = SandboxOrg(standard_schema(), switches=Switches(insufficient_access_status=400))
    assert org.dml.insufficient_access().status == 400
    org.close()
