"""References that may lead to several objects: Owner, What and Who; Type, TYPEOF, and the pseudo-object Name."""

from __future__ import annotations

import pytest

from tests.component.sandbox_core.desk import Desk, refused


@pytest.fixture
def tasks(desk: Desk) -> Desk:
    """Three tasks: about an account, about a case, and about nothing."""
    for name in ("Task", "Opportunity"):
        desk.fields(desk.own_set("System Administrator"), name)
    account = desk.create("Account", Name="Acme", Phone="555")
    case = desk.create("Case", Subject="Broken", Origin="Web")
    for subject, what in (("Call", account), ("Fix", case), ("Rest", None)):
        desk.create("Task", Subject=subject, WhatId=what, Status="Not Started", Priority="Normal")
    desk.ids |= {"account": account, "case": case}
    return desk


def test_a_parent_of_any_kind_has_a_name_and_a_type(tasks: Desk) -> None:
    call, fix, rest = tasks.query("SELECT What.Name, What.Type, What.Id FROM Task ORDER BY Subject")
    assert call["What"]["attributes"] == {
        "type": "Name",
        "url": f"/services/data/v67.0/sobjects/Account/{tasks.ids['account']}",
    }
    assert (call["What"]["Name"], call["What"]["Type"]) == ("Acme", "Account")
    assert (fix["What"]["Type"], fix["What"]["Id"]) == ("Case", tasks.ids["case"])
    assert rest["What"] is None


def test_types_and_names_can_be_filtered_without_regard_to_case(tasks: Desk) -> None:
    subjects = "SELECT Subject FROM Task WHERE "
    assert tasks.plain(subjects + "What.Type IN ('account', 'Opportunity')") == ["Call"]
    assert tasks.plain(subjects + "What.Name = 'ACME'") == ["Call"]
    assert tasks.plain(subjects + "Owner.Type = 'User' ORDER BY What.Type NULLS LAST, Subject") == [
        "Call",
        "Fix",
        "Rest",
    ]


def test_a_name_has_no_other_fields(tasks: Desk) -> None:
    with refused("INVALID_FIELD", "No such column 'Industry' on entity 'Name'."):
        tasks.query("SELECT What.Industry FROM Task")
    with refused("INVALID_FIELD", "Didn't understand relationship 'Parent' in field path."):
        tasks.query("SELECT What.Parent.Name FROM Task")


def test_typeof_shows_what_the_type_asks_for(tasks: Desk) -> None:
    call, fix, rest = tasks.query(
        "SELECT Subject, TYPEOF What WHEN Account THEN Phone, Owner.Name WHEN Opportunity THEN Amount "
        "ELSE Name, Type END FROM Task ORDER BY Subject"
    )
    assert list(call) == ["attributes", "Subject", "What"]
    assert call["What"]["attributes"]["type"] == "Account"
    assert (call["What"]["Phone"], call["What"]["Owner"]["attributes"]["type"]) == ("555", "User")
    assert {name: fix["What"][name] for name in ("Type",)} == {"Type": "Case"}
    assert fix["What"]["attributes"]["type"] == "Name"
    assert rest["What"] is None


def test_typeof_without_else_leaves_the_others_out(tasks: Desk) -> None:
    call, fix, _ = tasks.query("SELECT TYPEOF What WHEN Account THEN Id END FROM Task ORDER BY Subject")
    assert call["What"]["Id"] == tasks.ids["account"]
    assert fix["What"] is None


@pytest.mark.parametrize(
    ("soql", "code", "text"),
    [
        ("SELECT TYPEOF What WHEN Account THEN Bacon__c END FROM Task", "INVALID_FIELD", "No such column 'Bacon__c'"),
        ("SELECT TYPEOF What WHEN Nope THEN Id END FROM Task", "INVALID_TYPE", "sObject type 'Nope' is not supported."),
        ("SELECT TYPEOF What WHEN Lead THEN Id END FROM Task", "INVALID_TYPE", "sObject type 'Lead' is not supported."),
        ("SELECT TYPEOF Nope WHEN Account THEN Id END FROM Task", "INVALID_FIELD", "Didn't understand relationship"),
        ("SELECT TYPEOF Account WHEN Account THEN Id END FROM Contact", "MALFORMED_QUERY", "polymorphic relationship"),
        (
            "SELECT What.Name, TYPEOF What WHEN Account THEN Id END FROM Task",
            "INVALID_FIELD",
            "duplicate field selected",
        ),
        (
            "SELECT TYPEOF What WHEN Account THEN Id END, What.Name FROM Task",
            "INVALID_FIELD",
            "duplicate field selected",
        ),
        ("SELECT COUNT(Id), TYPEOF What WHEN Account THEN Id END FROM Task", "MALFORMED_QUERY", "TYPEOF"),
        ("SELECT TYPEOF What WHEN Account THEN Id FROM Task", "MALFORMED_QUERY", "unexpected token: 'FROM'"),
        ("SELECT TYPEOF What ELSE Id END FROM Task", "MALFORMED_QUERY", "unexpected token: 'ELSE'"),
    ],
)
def test_refusals(still_desk: Desk, soql: str, code: str, text: str) -> None:
    with refused(code, text):
        still_desk.query(soql)


def test_typeof_tells_nothing_of_objects_and_fields_out_of_reach(tasks: Desk) -> None:
    tasks.grant("Sales", "Case", "Read")
    tasks.fields(tasks.own_set("Sales"), "Task")
    with refused("INVALID_TYPE", "sObject type 'Account' is not supported."):
        tasks.query("SELECT TYPEOF What WHEN Account THEN Phone END FROM Task", tasks.sales)
    tasks.objects(tasks.own_set("Sales"), "Account", "Read")
    with refused("INVALID_FIELD", "No such column 'Phone' on entity 'Account'."):
        tasks.query("SELECT TYPEOF What WHEN Account THEN Phone END FROM Task", tasks.sales)


def test_a_name_is_called_so_whatever_field_it_is(still_desk: Desk) -> None:
    desk = still_desk
    soql = "SELECT License.Name FROM PermissionSet WHERE License.Name = 'Salesforce Integration'"
    [record] = desk.query(soql)
    assert {name: value for name, value in record["License"].items() if name != "attributes"} == {
        "Name": "Salesforce Integration"
    }
    grouped = (
        "SELECT License.Name FROM PermissionSet WHERE License.Name = 'Salesforce Integration' GROUP BY License.Name"
    )
    assert desk.plain(grouped) == ["Salesforce Integration"]
    assert "Name" in desk.query(grouped)[0]
