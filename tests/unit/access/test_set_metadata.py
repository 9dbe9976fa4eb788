"""What is read out of the metadata of profiles and permission sets, record types and sharing rules."""

from __future__ import annotations

from typing import Any

import pytest

from harness.access.reading.circles import Circle
from harness.access.reading.record_types import MASTER, attributed, objects_with, of_describes, of_metadata
from harness.access.reading.set_metadata import SetMetadata, parse_set
from harness.access.reading.sharing_rules import rules_for

MASTER_INFO = {"recordTypeId": "012000000000000AAA", "available": True, "defaultRecordTypeMapping": False}


def test_a_component_that_tells_nothing_is_nothing() -> None:
    assert parse_set({"fullName": "Empty"}) == SetMetadata()


def test_one_element_and_many_are_read_alike() -> None:
    one = {"recordTypeVisibilities": {"recordType": "Case.A", "visible": "true", "default": "true"}}
    many = {"recordTypeVisibilities": [one["recordTypeVisibilities"], {"recordType": "Case.B", "visible": "false"}]}
    assert parse_set(one) == parse_set(many)
    assert parse_set(one).default_record_types == {"Case": "A"}


def test_the_default_app_comes_first() -> None:
    apps = [
        {"application": "Alpha", "visible": "true", "default": "false"},
        {"application": "Omega", "visible": "true", "default": "true"},
        {"application": "Hidden", "visible": "false", "default": "false"},
    ]
    assert parse_set({"applicationVisibilities": apps}).apps == ("Omega", "Alpha")


@pytest.mark.parametrize(
    ("told", "hours"),
    [
        ({"mondayStart": "480", "mondayEnd": "1080"}, ("Monday 08:00 to 18:00",)),
        ({"sundayStart": "0", "sundayEnd": "0"}, ("Sunday never",)),
        ({"sundayStart": "0", "sundayEnd": "1440"}, ()),
        ("", ()),
    ],
)
def test_login_hours_are_told_where_they_confine(told: Any, hours: tuple[str, ...]) -> None:
    assert parse_set({"loginHours": told}).login_hours == hours


def test_record_types_come_from_the_users_own_describe() -> None:
    names = {"012A": "Case.Bug", "012B": "Case.Wish"}
    infos = [
        {"recordTypeId": "012A", "available": True, "defaultRecordTypeMapping": True},
        {"recordTypeId": "012B", "available": False, "defaultRecordTypeMapping": False},
        MASTER_INFO,
    ]
    found = of_describes({"Case": {"recordTypeInfos": infos}}, names)
    assert found.available == {"Case.Bug"}
    assert found.defaults == {"Case": "Bug"}


def test_master_is_a_default_and_never_a_record_type() -> None:
    found = of_describes({"Case": {"recordTypeInfos": [{**MASTER_INFO, "defaultRecordTypeMapping": True}]}}, {})
    assert found.available == frozenset()
    assert found.defaults == {"Case": MASTER}


def test_metadata_stand_in_for_the_describe_and_leave_out_what_is_inactive_or_out_of_scope() -> None:
    names = {"012A": "Case.Bug", "012B": "Lead.Cold"}
    given = [frozenset({"Case.Bug", "Case.Old", "Lead.Cold"})]
    found = of_metadata(given, {}, names, objects_with(names, ["Case", "Account"]))
    assert found.available == {"Case.Bug"}
    assert found.defaults == {"Case": MASTER}


def test_what_no_set_tells_is_the_profiles() -> None:
    available = frozenset({"Case.Bug", "Case.Wish", "Lead.Cold"})
    given = {"profile": frozenset({"Case.Bug"}), "set": frozenset({"Case.Wish", "Case.Old"})}
    assert attributed(available, "profile", given) == {
        "profile": {"Case.Bug", "Lead.Cold"},
        "set": {"Case.Wish"},
    }


CIRCLE = Circle(frozenset({("group", "Fitters"), ("role", "Hand"), ("roleAndSubordinates", "Head")}))


@pytest.mark.parametrize(
    ("shared_to", "meant"),
    [
        ({"group": "Fitters"}, True),
        ({"group": ["Others", "Fitters"]}, True),
        ({"role": "Hand"}, True),
        ({"role": "Head"}, False),
        ({"roleAndSubordinates": "Head"}, True),
        ({"roleAndSubordinates": "Hand"}, False),
        ({"allInternalUsers": ""}, True),
        ({"group": "Others"}, False),
        ({}, False),
    ],
)
def test_a_rule_is_found_where_it_means_the_user(shared_to: dict[str, Any], meant: bool) -> None:
    rule = {"fullName": "Rule", "sharedTo": shared_to}
    found = list(rules_for({"fullName": "Case", "sharingOwnerRules": rule}, CIRCLE))
    assert found == (["Case.Rule"] if meant else [])
