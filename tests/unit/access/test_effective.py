"""What a user may effectively do: each rule where it grants, and where it does not."""

from __future__ import annotations

from typing import Any

import pytest

from harness.access.algebra import Atom
from harness.access.effective import ObjectFacts, effective, facts_of
from harness.access.model import Access


def field(name: str, **flags: Any) -> dict[str, Any]:
    usual = {"permissionable": True, "createable": True, "updateable": True, "calculated": False, "autoNumber": False}
    return {"name": name, "compoundFieldName": None, **usual, **flags}


FIELDS = (
    field("Id", permissionable=False, createable=False, updateable=False),
    field("CreatedDate", permissionable=False, createable=False, updateable=False),
    field("Name", permissionable=False),
    field("Phone"),
    field("BillingAddress", createable=False, updateable=False),
    field("BillingStreet", compoundFieldName="BillingAddress"),
    field("Score__c", calculated=True, createable=False, updateable=False),
    field("Number__c", autoNumber=True, createable=False, updateable=False),
    field("Once__c", updateable=False),
    field("Master__c", permissionable=False, updateable=False),
)


def schema(*names: str, own: bool = True, **flags: bool) -> dict[str, ObjectFacts]:
    may = {"createable": True, "updateable": True, "deletable": True, **flags}
    return {name: facts_of({"name": name, **may, "fields": FIELDS}, own=own) for name in names}


def access(**parts: Any) -> Access:
    return Access.model_validate(parts)


def held(rights: dict[tuple[str, str], bool], name: str) -> set[str]:
    return {right for (about, right), may in rights.items() if about == name and may}


def test_rights_on_an_object_bring_what_they_need_and_nothing_else() -> None:
    found = effective(access(objects={"Account": ["delete"], "Contact": ["create"]}), schema("Account", "Contact"))
    assert held(found, "Account") == {"read", "edit", "delete"}
    assert held(found, "Contact") == {"read", "create"}


def test_without_a_right_on_it_an_object_and_its_fields_are_closed() -> None:
    found = effective(access(fields={"Account.Phone": ["read", "edit"]}), schema("Account"))
    assert found["Account", "read"] is False
    assert not any(may for (name, _), may in found.items() if name.startswith("Account"))


@pytest.mark.parametrize(
    ("permission", "rights"),
    [
        ("ViewAllData", {"read", "view-all"}),
        ("ModifyAllData", {"read", "create", "edit", "delete", "view-all", "modify-all"}),
        ("ManageUsers", set()),
    ],
)
def test_view_all_data_and_modify_all_data_open_every_object(permission: str, rights: set[str]) -> None:
    assert held(effective(access(system=[permission]), schema("Account")), "Account") == rights


def test_modify_all_data_does_not_create_what_nobody_creates() -> None:
    found = effective(access(system=["ModifyAllData"]), schema("LoginHistory", createable=False, deletable=False))
    assert held(found, "LoginHistory") == {"read", "edit", "view-all", "modify-all"}


def test_modify_all_records_brings_every_right_but_create() -> None:
    found = effective(access(objects={"Account": ["modify-all"]}), schema("Account"))
    assert held(found, "Account") == {"read", "edit", "delete", "view-all", "modify-all"}


@pytest.mark.parametrize("name", ["Id", "CreatedDate", "Name", "Master__c"])
def test_fields_without_permissions_of_their_own_go_with_the_object(name: str) -> None:
    found = effective(access(objects={"Account": ["read"]}), schema("Account"))
    assert found[f"Account.{name}", "read"]
    assert not found[f"Account.{name}", "edit"]
    assert not effective(Access(), schema("Account"))[f"Account.{name}", "read"]


def test_a_required_field_is_written_with_the_object() -> None:
    found = effective(access(objects={"Account": ["create", "edit"]}), schema("Account"))
    assert held(found, "Account.Name") == {"read", "create", "edit"}
    assert held(found, "Account.Id") == {"read"}


@pytest.mark.parametrize(
    ("rights", "expected"),
    [([], set()), (["read"], {"read"}), (["read", "edit"], {"read", "create", "edit"})],
)
def test_field_level_security(rights: list[str], expected: set[str]) -> None:
    fields = {"Account.Phone": rights} if rights else {}
    found = effective(access(objects={"Account": ["read", "create", "edit"]}, fields=fields), schema("Account"))
    assert held(found, "Account.Phone") == expected


def test_a_field_cannot_be_written_where_the_object_cannot() -> None:
    given = {"Account.Phone": ["read", "edit"]}
    found = effective(access(objects={"Account": ["read", "edit"]}, fields=given), schema("Account"))
    assert held(found, "Account.Phone") == {"read", "edit"}


def test_view_all_fields_reads_every_field_and_writes_none() -> None:
    rights = {"Account": ["read", "edit", "view-all-fields"]}
    assert held(effective(access(objects=rights), schema("Account")), "Account.Phone") == {"read"}
    assert not held(effective(access(objects={"Account": ["read", "edit"]}), schema("Account")), "Account.Phone")


def test_the_compound_governs_its_parts() -> None:
    rights = {"Account": ["read", "edit"]}
    compound = access(objects=rights, fields={"Account.BillingAddress": ["read", "edit"]})
    found = effective(compound, schema("Account"))
    assert held(found, "Account.BillingStreet") == {"read", "edit"}
    assert held(found, "Account.BillingAddress") == {"read"}
    part = access(objects=rights, fields={"Account.BillingStreet": ["read", "edit"]})
    assert not held(effective(part, schema("Account")), "Account.BillingStreet")


@pytest.mark.parametrize("name", ["Score__c", "Number__c"])
def test_formulas_and_auto_numbers_are_only_read(name: str) -> None:
    rights = {"Account": ["read", "create", "edit"]}
    given = access(objects=rights, fields={f"Account.{name}": ["read", "edit"]})
    assert held(effective(given, schema("Account")), f"Account.{name}") == {"read"}
    assert not held(effective(access(objects=rights), schema("Account")), f"Account.{name}")


def test_a_create_only_field_is_set_once() -> None:
    given = access(objects={"Account": ["create", "edit"]}, fields={"Account.Once__c": ["read", "edit"]})
    assert held(effective(given, schema("Account")), "Account.Once__c") == {"read", "create"}


def test_what_the_administrator_may_not_edit_is_still_edited_by_whom_a_grant_lets() -> None:
    blind = facts_of(
        {
            "name": "Account",
            "createable": True,
            "updateable": True,
            "deletable": True,
            "fields": [field("Phone", createable=False, updateable=False)],
        },
        own=True,
    )
    given = access(objects={"Account": ["create"]}, fields={"Account.Phone": ["read", "edit"]})
    assert held(effective(given, {"Account": blind}), "Account.Phone") == {"read", "create"}
    reading = access(objects={"Account": ["create"]}, fields={"Account.Phone": ["read"]})
    assert held(effective(reading, {"Account": blind}), "Account.Phone") == {"read"}


def test_create_audit_fields_lets_them_be_set_in_new_rows() -> None:
    rights = {"Account": ["create", "edit"]}
    given = access(objects=rights, system=["CreateAuditFields"])
    assert held(effective(given, schema("Account")), "Account.CreatedDate") == {"read", "create"}
    assert held(effective(access(objects=rights), schema("Account")), "Account.CreatedDate") == {"read"}


@pytest.mark.parametrize(
    ("on_parent", "on_child"),
    [([], set()), (["read", "create"], {"read"}), (["read", "edit"], {"read", "create", "edit", "delete"})],
)
def test_objects_without_permissions_follow_another(on_parent: list[str], on_child: set[str]) -> None:
    given = access(objects={"Order": on_parent} if on_parent else {})
    assert held(effective(given, schema("OrderItem", own=False)), "OrderItem") == on_child


def test_everybody_reads_tasks_and_who_may_edit_them_writes_them() -> None:
    tasks = schema("Task", own=False)
    assert held(effective(Access(), tasks), "Task") == {"read"}
    assert held(effective(access(system=["EditEvent"]), tasks), "Task") == {"read"}
    assert held(effective(access(system=["EditTask"]), tasks), "Task") == {"read", "create", "edit", "delete"}


def test_everybody_reads_users() -> None:
    assert effective(Access(), schema("User", own=False))["User", "read"]
    assert ("User", "create") not in effective(Access(), schema("User", own=False))


def test_what_these_rules_do_not_know_is_not_decided() -> None:
    assert effective(Access(), schema("Whatever", own=False)) == {}


def test_campaigns_are_written_with_the_feature_license() -> None:
    given = access(objects={"Campaign": ["create"]})
    assert held(effective(given, schema("Campaign")), "Campaign") == {"read"}
    found = effective(given, schema("Campaign"), features=frozenset({"MarketingUser"}))
    assert held(found, "Campaign") == {"read", "create"}


def test_custom_metadata_is_not_written_as_data() -> None:
    given = access(objects={"Rate__mdt": ["create", "edit", "delete"]})
    assert held(effective(given, schema("Rate__mdt")), "Rate__mdt") == {"read"}


def test_a_permission_brings_what_it_depends_on() -> None:
    needs = {
        Atom("", "TransferAnyLead"): frozenset({Atom("Lead", "create")}),
        Atom("", "ManageUsers"): frozenset({Atom("", "ViewSetup")}),
    }
    given = access(system=["TransferAnyLead", "ManageUsers"])
    found = effective(given, schema("Lead"), dependencies=needs)
    assert held(found, "Lead") == {"read", "create"}
    assert found["ViewSetup", "held"]
    assert ("ViewSetup", "held") not in effective(given, schema("Lead"))


def test_what_is_held_beside_objects() -> None:
    found = effective(access(system=["ApiEnabled"], setup=["ApexClass:Sync"]), {})
    assert found == {("ApiEnabled", "held"): True, ("ApexClass:Sync", "held"): True}
