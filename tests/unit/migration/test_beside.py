"""What a user holds beside its permissions becomes a loss with a reason, or nothing changes and it is none."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from harness.access.model import Access
from harness.access.reading.set_metadata import SetMetadata
from harness.migration import records
from harness.migration.planning.beside import Beside, losses_beside, warnings_beside
from harness.migration.planning.losses import PlacedDrop
from harness.migration.records import Person, Snapshot
from harness.scenario.model import Drop

PERSON = Person(
    id="005", username="erp@acme.example", name="ERP", profile="ERP Sync", user_license="Salesforce", is_active=True,
    is_frozen=False, role="Office", groups=("Feeds",), queues=("Orders",), permission_set_licenses=("FieldPsl",),
)  # fmt: skip
FACTS = Beside(
    carried=Access(objects={"Account": frozenset({"read", "create"}), "Case": frozenset({"read"})}),
    drops=(),
    licenses=frozenset({"SalesforceAPIIntegrationPsl"}),
    same_user=False,
)


def snapshot(person: Person | None = None, **beside: Any) -> Snapshot:
    return Snapshot(
        person=person or PERSON.model_copy(update={"permission_set_licenses": ()}),
        sources=(),
        effective=Access(),
        fingerprint="f",
        beside=records.Beside(**beside),
        calls=0,
        rows_read=0,
    )


def lost(facts: Beside = FACTS, person: Person | None = None, **beside: Any) -> list[tuple[str, str]]:
    found = list(losses_beside(snapshot(person, **beside), facts))
    assert not any(loss.accepted for loss in found if loss.cause != "declared-drop")
    assert all(loss.because.endswith(".") for loss in found)
    return [(loss.line, loss.cause) for loss in found]


@pytest.mark.parametrize(
    ("beside", "told"),
    [
        ({"tabs": ("standard-Account",)}, ("tab standard-Account", "not-needed-api-only")),
        ({"apps": ("standard__Sales",)}, ("app standard__Sales", "not-needed-api-only")),
        ({"login_hours": ("Monday 08:00 to 18:00",)}, ("login-hours Monday 08:00 to 18:00", "not-copyable")),
        ({"login_ip_ranges": ("10.0.0.0 - 10.0.0.9",)}, ("login-ip-ranges 10.0.0.0 - 10.0.0.9", "not-copyable")),
        ({"teams": ("AccountTeamMember: 12 rows",)}, ("team AccountTeamMember", "not-copyable")),
        ({"territories": ("North",)}, ("territory North", "not-copyable")),
        ({"shares": {"Account": 3}}, ("share Account", "not-copyable")),
        ({"features": ("MarketingUser",)}, ("feature-license MarketingUser", "not-copyable")),
        ({"features": ("OfflineUser",)}, ("feature-license OfflineUser", "not-needed-api-only")),
        ({"packages": ("npsp",)}, ("package-license npsp", "not-copyable")),
        ({"default_record_types": {"Account": "Dealer"}}, ("default-record-type Account", "not-copyable")),
    ],
)
def test_each_is_told_by_name_and_not_accepted(beside: dict[str, Any], told: tuple[str, str]) -> None:
    assert lost(**beside) == [told]


def test_role_groups_queues_and_the_rules_that_share_with_them_are_no_loss() -> None:
    assert lost(sharing_rules=("Account.With_Office",)) == []


@pytest.mark.parametrize("defaults", [{"Account": "Master"}, {"Case": "Fault"}, {"Lead": "Web"}])
def test_a_default_record_type_is_no_loss_where_nothing_changes(defaults: dict[str, str]) -> None:
    """It is the same, the object is only read, or is not carried at all."""
    assert lost(default_record_types=defaults) == []


def test_the_default_of_the_new_profile_counts() -> None:
    same = replace(FACTS, profile=SetMetadata(default_record_types={"Account": "Dealer"}))
    assert lost(same, default_record_types={"Account": "Dealer"}) == []


def test_what_the_new_profile_confines_alike_is_no_loss_and_what_it_adds_is_a_warning() -> None:
    profile = SetMetadata(login_hours=("Monday 08:00 to 18:00",), login_ip_ranges=("10.0.0.0 - 10.0.0.9",))
    same = replace(FACTS, profile=profile)
    held = {"login_hours": profile.login_hours, "login_ip_ranges": profile.login_ip_ranges}
    assert lost(same, **held) == []
    assert list(warnings_beside(snapshot(**held), profile, same_user=False)) == []
    assert len(list(warnings_beside(snapshot(), profile, same_user=False))) == 2


def test_in_place_whatever_hangs_on_the_user_stays() -> None:
    stays = replace(FACTS, same_user=True)
    assert lost(stays, teams=("AccountTeamMember: 1 row",), territories=("North",), shares={"Account": 1}) == []
    assert lost(stays, tabs=("standard-Account",)) == [("tab standard-Account", "not-needed-api-only")]


def test_a_license_of_the_old_user_is_carried_where_the_scenario_lists_it() -> None:
    assert lost(person=PERSON) == [("permission-set-license FieldPsl", "other-license")]
    assert lost(replace(FACTS, licenses=frozenset({"FieldPsl"})), person=PERSON) == []


def test_a_feature_license_can_be_dropped_by_its_column() -> None:
    drop = Drop.model_validate({"permission": "UserPermissionsKnowledgeUser", "because": "It reads none."})
    [loss] = losses_beside(snapshot(features=("KnowledgeUser",)), replace(FACTS, drops=(PlacedDrop(drop, "x:9"),)))
    assert (loss.cause, loss.accepted, loss.accepted_because, loss.place) == (
        "declared-drop",
        True,
        "It reads none.",
        "x:9",
    )


def test_records_that_it_owns_are_a_warning_but_not_in_place() -> None:
    [warning] = warnings_beside(snapshot(owned={"Account": 1200}), SetMetadata(), same_user=False)
    assert "1,200 Account" in warning
    assert list(warnings_beside(snapshot(owned={"Account": 1200}), SetMetadata(), same_user=True)) == []
