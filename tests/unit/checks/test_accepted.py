"""What an accepted loss covers."""

from __future__ import annotations

import pytest

from harness.checks.accepted import Agreed, of_field, of_rows

ADDRESS = [Agreed("field", "Account.ShippingAddress", ("edit",), "s:1"), Agreed("field", "Account.Loc__c", (), "s:2")]


@pytest.mark.parametrize(
    ("name", "right", "place"),
    [
        ("Account.ShippingAddress", "edit", "s:1"),
        ("Account.ShippingStreet", "edit", "s:1"),
        ("Account.ShippingStateCode", "edit", "s:1"),
        ("Account.ShippingStreet", "read", None),
        ("Account.BillingStreet", "edit", None),
        ("Account.Street", "edit", None),
        ("Contact.ShippingStreet", "edit", None),
        ("Account.Shipping_Street__c", "edit", None),
        ("Account.Loc__Latitude__s", "read", "s:2"),
        ("Account.Other__Latitude__s", "read", None),
    ],
)
def test_the_loss_of_a_compound_field_is_that_of_its_parts(name: str, right: str, place: str | None) -> None:
    assert of_field(ADDRESS, name, right) == place


@pytest.mark.parametrize(
    ("team", "place"), [("AccountTeamMember", "s:1"), ("UserAccountTeamMember", None), ("UserTeamMember", None)]
)
def test_default_teams_explain_no_missing_rows(team: str, place: str | None) -> None:
    assert of_rows([Agreed("team", team, (), "s:1")], "Account") == place
