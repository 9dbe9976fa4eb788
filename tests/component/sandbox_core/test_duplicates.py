"""Duplicate rules: blocking, warning, and what the refusal says."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from harness.sandbox.schema import DuplicateRule, MatchingItem, MatchingRule
from harness.sandbox.writing.duplicates import DuplicateOptions, read_header
from tests.component.sandbox_core.desk import Desk, refused

BY_NAME = MatchingRule("By_Name", (MatchingItem("Name"), MatchingItem("Site", match_blanks=True)))
BLOCK = DuplicateRule("No_Twins", "No Twins", (BY_NAME,), on_insert="Block", on_update="Block", alert_text="Twice!")


def use(desk: Desk, rule: DuplicateRule) -> None:
    desk.org.schema.duplicate_rules["account"] = [rule]


@contextmanager
def saying(desk: Desk, options: DuplicateOptions) -> Iterator[None]:
    token = desk.org.duplicate_options.set(options)
    yield
    desk.org.duplicate_options.reset(token)


def test_a_rule_blocks_and_names_the_rows(desk: Desk) -> None:
    first = desk.create("Account", Name="Acme")
    use(desk, BLOCK)
    with saying(desk, DuplicateOptions(allow_save=True)), refused("DUPLICATES_DETECTED", "Twice!") as info:
        desk.create("Account", Name="ACME")
    [error] = info.value.errors
    assert error.fields is None
    result = error.more["duplicateResut"]
    assert (result["allowSave"], result["duplicateRule"], result["duplicateRuleEntityType"]) == (
        False,
        "No_Twins",
        "Account",
    )
    [match] = result["matchResults"]
    assert (match["matchEngine"], match["rule"], match["size"], match["success"]) == (
        "ExactMatchEngine",
        "By_Name",
        1,
        True,
    )
    url = f"/services/data/v67.0/sobjects/Account/{first}"
    assert match["matchRecords"] == [
        {
            "additionalInformation": [],
            "fieldDiffs": [],
            "matchConfidence": 100.0,
            "record": {"attributes": {"type": "Account", "url": url}, "Id": first},
        }
    ]
    desk.create("Account", Name="Acme", Site="Bonn")
    assert len(desk.query("SELECT Id FROM Account")) == 2


def test_a_change_makes_a_duplicate_too(desk: Desk) -> None:
    desk.create("Account", Name="Acme")
    other = desk.create("Account", Name="Bolt")
    use(desk, BLOCK)
    desk.update("Account", other, Phone="7")
    desk.update("Account", other, Name="Bolt")
    with refused("DUPLICATES_DETECTED"):
        desk.update("Account", other, Name="acme")
    use(desk, replace(BLOCK, active=False))
    desk.update("Account", other, Name="acme")


def test_a_warning_is_passed_over_by_whoever_says_so(desk: Desk) -> None:
    desk.create("Account", Name="Acme", Phone="7")
    use(desk, replace(BLOCK, on_insert="Allow"))
    with refused("DUPLICATES_DETECTED") as info:
        desk.create("Account", Name="Acme")
    assert info.value.errors[0].more["duplicateResut"]["allowSave"] is True
    with saying(desk, DuplicateOptions(include_record_details=True)), refused("DUPLICATES_DETECTED") as info:
        desk.create("Account", Name="Acme")
    [match] = info.value.errors[0].more["duplicateResut"]["matchResults"]
    assert match["matchRecords"][0]["record"]["Phone"] == "7"
    with saying(desk, DuplicateOptions(allow_save=True)):
        desk.create("Account", Name="Acme")
    use(desk, replace(BLOCK, on_insert=None))
    desk.create("Account", Name="Acme")


def test_rows_that_sharing_hides_count_where_the_rule_bypasses_it(desk: Desk) -> None:
    employees = desk.org.schema.get("Employee__c")
    assert employees is not None
    desk.grant("Sales", "Employee__c", "Read", "Create")
    desk.create("Employee__c", Name="Ann")
    rule = replace(BLOCK, matching=(MatchingRule("By_Name", (MatchingItem("Name"),)),))
    desk.org.schema.duplicate_rules["employee__c"] = [rule]
    desk.create("Employee__c", desk.sales, Name="Ann")
    desk.org.schema.duplicate_rules["employee__c"] = [replace(rule, enforces_sharing=False)]
    with refused("DUPLICATES_DETECTED"):
        desk.create("Employee__c", desk.sales, Name="Ann")


def test_how_items_are_joined(desk: Desk) -> None:
    items = tuple(MatchingItem(one) for one in ("Name", "Phone", "Site"))
    use(desk, replace(BLOCK, matching=(MatchingRule("Joined", items, "1 AND (2 OR 3)"),)))
    desk.create("Account", Name="Acme", Phone="7", Site="Bonn")
    desk.create("Account", Name="Acme")
    desk.create("Account", Name="Acme", Phone="8", Site="Ulm")
    for more in ({"Phone": "7"}, {"Site": "bonn", "Phone": "9"}):
        with refused("DUPLICATES_DETECTED"):
            desk.create("Account", Name="Acme", **more)


@pytest.mark.parametrize(
    ("text", "options"),
    [
        (None, DuplicateOptions()),
        ("allowSave=true", DuplicateOptions(allow_save=True)),
        (
            "allowSave=TRUE; includeRecordDetails=true; runAsCurrentUser=true",
            DuplicateOptions(allow_save=True, include_record_details=True, run_as_current_user=True),
        ),
        ("nonsense; allowSave; x=y=z", DuplicateOptions()),
    ],
)
def test_the_header(text: str | None, options: DuplicateOptions) -> None:
    assert read_header(text) == options
