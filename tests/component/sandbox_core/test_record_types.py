"""Record types: which ones a user has, which one a row gets, and what describes say."""

from __future__ import annotations

from contextlib import suppress

import pytest

from harness.sandbox.access.record_types import MASTER
from tests.component.sandbox_core.desk import Desk, refused

TYPES = "SELECT RecordTypeId FROM Employee__c"


@pytest.fixture
def shop(desk: Desk) -> Desk:
    """Three record types: nobody mentions Free, sellers have Full by default, and a set adds Part."""
    desk.grant("Sales", "Employee__c", "Read", "Create", "Edit")
    for name in ("Free", "Full", "Part"):
        values = {"Name": name, "DeveloperName": name, "SobjectType": "Employee__c", "IsActive": True}
        desk.ids[name] = desk.org.insert_row("RecordType", values)
    desk.org.record_types.give(desk.own_set("Sales"), {desk.ids["Full"]: True})
    desk.ids["adds"] = desk.set("Adds_Part")
    desk.org.record_types.give(desk.ids["adds"], {desk.ids["Part"]: False})
    return desk


def given(desk: Desk, **values: str | None) -> str | None:
    record = desk.create("Employee__c", desk.sales, Name="x", **values)
    found: str | None = desk.plain(f"{TYPES} WHERE Id = '{record}'")[0]
    return found


def test_a_row_gets_the_profiles_default_unless_it_says_another(shop: Desk) -> None:
    assert given(shop) == shop.ids["Full"]
    assert given(shop, RecordTypeId=shop.ids["Free"]) == shop.ids["Free"]
    assert given(shop, RecordTypeId=MASTER) is None
    assert given(shop, RecordTypeId=None) is None
    record = shop.create("Employee__c", Name="x")
    assert shop.plain(f"{TYPES} WHERE Id = '{record}'") == [None]  # the admin's profile has no default


def test_a_record_type_must_be_the_users(shop: Desk) -> None:
    part = shop.ids["Part"]
    text = f"Record Type ID: this ID value isn't valid for the user: {part}"
    with refused("INVALID_CROSS_REFERENCE_KEY", text):
        given(shop, RecordTypeId=part)
    record = shop.create("Employee__c", shop.sales, Name="x")
    with refused("INVALID_CROSS_REFERENCE_KEY", text):
        shop.update("Employee__c", record, shop.sales, RecordTypeId=part)
    assignment = shop.create("PermissionSetAssignment", AssigneeId=shop.sales, PermissionSetId=shop.ids["adds"])
    assert given(shop, RecordTypeId=part) == part
    assert given(shop) == shop.ids["Full"]
    shop.delete("PermissionSetAssignment", assignment)
    with refused("INVALID_CROSS_REFERENCE_KEY", text):
        given(shop, RecordTypeId=part)


def test_inactive_foreign_and_unknown_record_types(shop: Desk) -> None:
    values = {"Name": "A", "DeveloperName": "A", "SobjectType": "Account", "IsActive": True}
    foreign = shop.org.insert_row("RecordType", values)
    shop.org.update_row("RecordType", shop.ids["Full"], {"IsActive": False})
    for one in (foreign, shop.ids["Full"], foreign[:-6] + "zzzAAA"):
        with refused("INVALID_CROSS_REFERENCE_KEY", "isn't valid for the user"):
            given(shop, RecordTypeId=one)
    assert given(shop) is None


def infos(desk: Desk, user: str) -> dict[str, tuple[bool, bool, bool, bool]]:
    described = desk.org.describe("Employee__c", as_user=user)["recordTypeInfos"]
    return {
        one["name"]: (one["available"], one["defaultRecordTypeMapping"], one["active"], one["master"])
        for one in described
    }


def test_a_describe_tells_the_users_record_types(shop: Desk) -> None:
    assert infos(shop, shop.sales) == {
        "Free": (True, False, True, False),
        "Full": (True, True, True, False),
        "Part": (False, False, True, False),
        "Master": (True, False, True, True),
    }
    assert infos(shop, shop.admin)["Master"] == (True, True, True, True)
    shop.org.record_types.give(shop.own_set("Sales"), {shop.ids["Full"]: None})
    assert infos(shop, shop.sales)["Master"] == (True, True, True, True)


class Undo(Exception):
    """Rolls a transaction back."""


def test_what_a_rolled_back_transaction_gave_is_gone(shop: Desk) -> None:
    own = shop.own_set("Sales")
    with suppress(Undo), shop.org.transaction():
        shop.org.record_types.give(own, {shop.ids["Part"]: True})
        raise Undo
    assert shop.org.record_types.given_by(own) == {shop.ids["Full"]: True}
    assert given(shop) == shop.ids["Full"]


def test_what_is_given_through_the_api_is_taken_from_nobody(shop: Desk) -> None:
    """Each profile says for itself what it shows (Metadata API guide, ProfileRecordTypeVisibility)."""
    free, part = shop.ids["Free"], shop.ids["Part"]
    shop.org.record_types.give(shop.ids["adds"], {free: False}, source=False)
    assert given(shop, RecordTypeId=free) == free
    shop.org.record_types.give(shop.own_set("Sales"), {part: None}, source=False)
    with refused("INVALID_CROSS_REFERENCE_KEY", f"Record Type ID: this ID value isn't valid for the user: {part}"):
        given(shop, RecordTypeId=part)
    shop.org.record_types.give(shop.own_set("Sales"), {free: None}, source=False)
    with refused("INVALID_CROSS_REFERENCE_KEY", f"Record Type ID: this ID value isn't valid for the user: {free}"):
        given(shop, RecordTypeId=free)
