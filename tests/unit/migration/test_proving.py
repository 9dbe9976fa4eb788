"""What a plan agreed to, as access and memberships."""

from __future__ import annotations

from typing import Any

import pytest

from harness.access.model import Access
from harness.migration.proving import lost_access, memberships_of
from harness.migration.records import Loss, Person

HELD = Access.model_validate(
    {"objects": {"Account": ["read", "edit"]}, "fields": {"Account.Phone": ["read", "edit"]}, "system": ["ViewSetup"]}
)


def loss(kind: str, name: str, *rights: str) -> Loss:
    return Loss.model_validate(
        {
            "kind": kind,
            "name": name,
            "access": rights,
            "cause": "declared-drop",
            "because": "It is not used.",
            "accepted": True,
        }
    )


@pytest.mark.parametrize(
    ("lost", "expected"),
    [
        (loss("object", "Account", "edit"), {"objects": {"Account": ["edit"]}}),
        (loss("object", "Account"), {"objects": {"Account": ["read", "edit"]}}),
        (loss("field", "Account.Phone", "edit"), {"fields": {"Account.Phone": ["edit"]}}),
        (loss("field", "Account.Phone"), {"fields": {"Account.Phone": ["read", "edit"]}}),
        (loss("system", "ViewSetup"), {"system": ["ViewSetup"]}),
        (loss("setup", "ApexClass:Sync"), {"setup": ["ApexClass:Sync"]}),
        (loss("record-type", "Account.Customer"), {"record_types": ["Account.Customer"]}),
        (loss("tab", "standard-Account"), {}),
        (loss("queue", "Orders"), {}),
        (loss("object", "Nowhere__c"), {}),
    ],
)
def test_the_access_that_a_loss_names(lost: Loss, expected: dict[str, Any]) -> None:
    assert lost_access([lost], HELD) == Access.model_validate(expected)


def test_several_losses_add_up() -> None:
    both = lost_access([loss("object", "Account", "edit"), loss("system", "ViewSetup")], HELD)
    assert both == Access.model_validate({"objects": {"Account": ["edit"]}, "system": ["ViewSetup"]})
    assert lost_access([], HELD) == Access()


def test_the_memberships_of_a_user() -> None:
    person = Person(
        id="005",
        username="erp@acme.example",
        name="ERP",
        profile="Integration",
        user_license="Salesforce Integration",
        is_active=True,
        is_frozen=False,
        role="Back_Office",
        groups=("Integrations",),
        queues=("Orders",),
    )
    assert memberships_of(person) == {("role", "Back_Office"), ("group", "Integrations"), ("queue", "Orders")}
    assert ("feature-license", "MarketingUser") in memberships_of(person, ["MarketingUser"])
    assert memberships_of(person.model_copy(update={"role": None, "groups": (), "queues": ()})) == frozenset()
