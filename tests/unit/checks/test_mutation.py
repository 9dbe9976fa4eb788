"""Which changes are tried on a scenario's checks, and which lines are suggested."""

from __future__ import annotations

import pytest

from harness.access.model import Access
from harness.checks.mutation import (
    Change,
    Held,
    forbidden_by_denials,
    forbidden_by_losses,
    idle,
    in_order,
    neighbours,
    required,
    selected,
)
from harness.checks.results import Mutant
from harness.checks.suggestions import candidates
from harness.scenario.model import Denial

CARRIED = Access(
    objects={"Account": frozenset({"read", "edit"}), "Order": frozenset({"read"})},
    fields={"Account.Phone": frozenset({"read", "edit"}), "Account.Rating": frozenset({"read"})},
    system=frozenset({"ApiEnabled"}),
    setup=frozenset({"ApexClass:Sync"}),
    record_types=frozenset({"Account.Partner"}),
)


def whats(changes: object) -> list[str]:
    assert isinstance(changes, list)
    return [f"{each.direction} {each.what}" for each in changes]


def test_every_single_grant_is_taken_away_once_in_a_fixed_order() -> None:
    held = Held(
        groups=["All"], queues=["Orders"], roles=["Back"], permission_sets=["Set"], permission_set_licenses=["PSL"]
    )
    changes = [*required(CARRIED, held)]
    expected = [
        "removed object Account: read",
        "removed object Account: edit",
        "removed object Order: read",
        "removed field Account.Phone: read",
        "removed field Account.Phone: edit",
        "removed field Account.Rating: read",
        "removed system ApiEnabled",
        "removed setup ApexClass:Sync",
        "removed record-type Account.Partner",
        "removed group All",
        "removed queue Orders",
        "removed role Back",
        "removed permission-set Set",
        "removed permission-set-license PSL",
    ]
    assert whats(in_order(changes, CARRIED)) == expected
    assert whats(in_order([*reversed(changes), *changes], CARRIED)) == expected


def test_a_pattern_chooses_by_name_with_or_without_the_direction() -> None:
    changes = [*required(CARRIED, Held()), Change("added", "field", "Account.Fax", "read")]
    assert whats(in_order(changes, CARRIED, only="field Account.P*")) == [
        "removed field Account.Phone: read",
        "removed field Account.Phone: edit",
    ]
    assert whats(in_order(changes, CARRIED, only="added *")) == ["added field Account.Fax: read"]


def test_what_is_lost_is_given_unless_it_is_carried_anyway() -> None:
    lost = [
        ("object", "Account", ("edit", "delete"), "declared-drop"),
        ("system", "AuthorApex", (), "license-ceiling"),
        ("tab", "standard-Account", (), "not-needed-api-only"),
    ]
    changes = in_order(forbidden_by_losses(lost), CARRIED)
    assert whats(changes) == ["added object Account: delete", "added system AuthorApex"]
    assert changes[0].because == "lost: declared-drop"


@pytest.mark.parametrize(
    ("denial", "meant"),
    [
        ({"query": "SELECT Id FROM Lead", "error": "INVALID_TYPE"}, ["object Lead: read"]),
        (
            {"query": "SELECT Id, Pay__c, Owner.Name, (SELECT Fax FROM Contacts) FROM Lead", "error": "INVALID_FIELD"},
            ["field Lead.Pay__c: read"],
        ),
        ({"describe": "Lead", "error": "NOT_FOUND"}, ["object Lead: read"]),
        ({"field": {"name": "Order.Margin__c", "access": "edit"}}, ["field Order.Margin__c: edit"]),
        ({"insert": {"object": "Lead", "fields": {"LastName": "X"}}, "error": "X"}, ["object Lead: create"]),
        ({"delete": {"object": "Lead"}, "error": "X"}, ["object Lead: delete"]),
        (
            {"update": {"object": "Lead", "fields": {"B": 1, "A": 2}}, "error": "INVALID_FIELD_FOR_INSERT_UPDATE"},
            ["field Lead.A: edit", "field Lead.B: edit"],
        ),
        (
            {"upsert": {"object": "Lead", "by": "K__c", "fields": {"K__c": "1"}}, "error": "X"},
            ["object Lead: create", "object Lead: edit"],
        ),
        ({"apex": {"path": "/pay"}, "error": "FORBIDDEN"}, ["setup ApexClass:Pay"]),
        ({"sign_in": "ui"}, ["user-interface ApiUserOnly"]),
    ],
)
def test_a_denial_names_the_grants_that_must_not_be_there(denial: dict[str, object], meant: list[str]) -> None:
    found = forbidden_by_denials([Denial.model_validate(denial)], lambda _method, _path: "Pay")
    assert [change.what for change in found] == meant


def test_neighbours_are_one_more_right_and_one_more_field_of_each_object_and_everything() -> None:
    found = in_order(neighbours(CARRIED, {"Account": ["Rating", "Phone", "Fax", "Site"], "Order": []}), CARRIED)
    assert whats(found) == [
        "added object Account: create",
        "added object Order: create",
        "added field Account.Fax: read",
        "added field Account.Rating: edit",
        "added system ModifyAllData",
        "added system ViewAllData",
    ]


def test_idle_checks_are_those_that_no_change_turned_red() -> None:
    mutants = [Mutant(kind="removed", what="a", own=("one",), caught_by=("one", "x")), Mutant(kind="added", what="b")]
    assert idle(["one", "two"], mutants) == ("two",)


def test_fields_of_parents_and_functions_are_not_selected() -> None:
    assert selected("SELECT Id, Name, A__c, toLabel(B__c), Owner.Name FROM X") == ["A__c"]


def test_a_removed_object_right_is_noticed_by_a_grant_and_an_added_one_by_a_denial() -> None:
    describe = {
        "fields": [
            {"name": "LastName", "type": "string", "length": 80, "createable": True, "nillable": False},
            {
                "name": "OwnerId",
                "type": "reference",
                "referenceTo": ["User"],
                "createable": True,
                "nillable": False,
                "defaultedOnCreate": True,
            },
            {
                "name": "AccountId",
                "type": "reference",
                "referenceTo": ["Account"],
                "createable": True,
                "nillable": False,
            },
        ]
    }
    texts = [
        [
            one.yaml
            for one in candidates(Change(direction, "object", "Contact", "create"), describe, username="u", rows=1)
        ]
        for direction in ("removed", "added")
    ]
    insert = "{insert: {object: Contact, fields: {LastName: 'Probe {{unique}}', AccountId: {any: Account}}}"
    assert texts == [
        [f"expect.grants: - {insert}}}"],
        [f"expect.denials: - {insert}, error: CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY}}"],
    ]


def test_the_rows_that_view_all_brings_are_counted() -> None:
    change = Change("removed", "object", "Contact", "view-all")
    [one] = candidates(change, {}, username="u", rows=12)
    assert one.yaml == "expect.grants: - {query: SELECT Id FROM Contact LIMIT 12, at_least: 12}"
    assert [*candidates(change, {}, username="u", rows=0)] == []
