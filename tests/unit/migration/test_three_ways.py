"""Every permission is carried, carried with another license only, or impossible; and `copy: used` leaves the unused."""

from __future__ import annotations

from dataclasses import replace

from harness.access.algebra import Atom
from harness.access.ceiling import Ceiling, License
from harness.access.model import Access
from harness.migration.planning.losses import USED, decide, untried_objects
from harness.migration.planning.used import unused_access, warnings_of_use
from harness.migration.records import Usage, UsedPermission

from .test_losses import BASELINE, drop, source, told

FIELD_SERVICE = License("FieldPsl", "Field Service", "0PL1", 2, frozenset({"ScheduleVisits"}))
CEILING = Ceiling("Integration", frozenset({"RunReports"}), BASELINE, others=(FIELD_SERVICE,))
READ = frozenset({"read"})


def test_a_system_permission_goes_one_of_three_ways() -> None:
    decision = decide([source(system=["RunReports", "ScheduleVisits", "AuthorApex"])], (), CEILING, {})
    assert decision.carried.system == {"RunReports"}
    assert [(loss.line, loss.cause, loss.license, loss.accepted) for loss in decision.losses] == [
        ("system AuthorApex", "license-ceiling", None, False),
        ("system ScheduleVisits", "other-license", "FieldPsl", False),
    ]


def test_a_listed_license_carries_what_it_can() -> None:
    listed = replace(CEILING, system=CEILING.system | FIELD_SERVICE.system, others=(), further=(FIELD_SERVICE,))
    assert decide([source(system=["ScheduleVisits"])], (), listed, {}).losses == ()


def test_without_a_trial_every_object_is_taken_as_carried() -> None:
    assert decide([source(objects={"Visit": ["read"]})], (), CEILING, {}).carried.objects == {"Visit": READ}


def test_objects_that_only_a_set_of_another_license_gives_are_told_until_they_are_tried() -> None:
    named = replace(CEILING, names={"Field Service": "FieldPsl", "Integration": "OwnPsl"})
    bound = source("Visits", objects={"Visit": ["read"], "Account": ["read"]}).model_copy(
        update={"license": "Field Service"}
    )
    free = source("Accounts", objects={"Account": ["read"]})
    [told_once] = untried_objects([bound, free], named)
    assert "rights on Visit:" in told_once
    assert list(untried_objects([bound, free], replace(named, others=(), further=(FIELD_SERVICE,)))) == []
    assert list(untried_objects([bound.model_copy(update={"license": "Salesforce"}), free], named)) == []


def test_a_trial_goes_before_what_the_columns_say() -> None:
    refused = Access(objects={"Visit": READ, "Quote": frozenset({"delete"})}, system=frozenset({"RunReports"}))
    tried = CEILING.tried(
        refused=refused, beyond=("AuthorApex",), carried_with={"FieldPsl": Access(objects={"Visit": READ})}
    )
    held = source(objects={"Visit": ["read"], "Quote": ["read", "edit", "delete"]}, system=["RunReports", "AuthorApex"])
    decision = decide([held], (), tried, {})
    assert decision.carried == Access(objects={"Quote": frozenset({"read", "edit"})}, system=frozenset({"AuthorApex"}))
    assert [(loss.line, loss.cause, loss.license) for loss in decision.losses] == [
        ("object Quote: delete", "license-ceiling", None),
        ("object Visit: read", "other-license", "FieldPsl"),
        ("system RunReports", "license-ceiling", None),
    ]


def test_what_is_refused_for_another_reason_than_the_license_says_so() -> None:
    words = {"Visit: read": "bad value for restricted picklist", "Quote: read": "The user license doesn't allow it"}
    refused = Access(objects={"Visit": READ, "Quote": READ})
    tried = CEILING.tried(refused=refused, beyond=(), carried_with={}, answers=words)
    quote, visit = decide([source(objects={"Visit": ["read"], "Quote": ["read"]})], (), tried, {}).losses
    assert (
        visit.because == "The org refused it to a trial user, who has that license: bad value for restricted picklist"
    )
    assert quote.because == "The Integration license cannot carry it. A trial user was refused it."


def test_what_needs_a_refused_object_falls_and_its_fields_and_record_types_go_along() -> None:
    tried = CEILING.tried(refused=Access(objects={"Order": READ}), beyond=(), carried_with={})
    needs = {Atom("Line__c", "read"): frozenset({Atom("Order", "read")})}
    held = source(
        objects={"Order": ["read"], "Line__c": ["read"]},
        fields={"Order.Total": ["read"], "OrderX.Total": ["read"], "Line__c.Pos__c": ["read"]},
        record_types=["Order.Web", "OrderX.Web"],
    )
    decision = decide([held], (), tried, needs)
    assert decision.carried == Access(fields={"OrderX.Total": READ}, record_types=frozenset({"OrderX.Web"}))
    assert [(loss.line, loss.falls_with) for loss in decision.losses] == [
        ("object Line__c: read", None),
        ("object Order: read", None),
        ("field Line__c.Pos__c: read", "object Line__c"),
        ("field Order.Total: read", "object Order"),
        ("record-type Order.Web", "object Order"),
    ]


def test_record_types_are_carried() -> None:
    assert decide([source(record_types=["Account.Dealer"])], (), CEILING, {}).carried.record_types == {"Account.Dealer"}


def used(kind: str, name: str, access: str, verdict: str) -> UsedPermission:
    return UsedPermission.model_validate({"kind": kind, "name": name, "access": access, "verdict": verdict})


USAGE = Usage(
    permissions=(
        used("object", "Account", "read", "never-used"),
        used("object", "Account", "create", "used"),
        used("object", "Lead", "read", "never-used"),
        used("field", "Account.Phone", "edit", "never-used"),
        used("field", "Account.Phone", "read", "used"),
        used("system", "RunReports", "held", "never-used"),
        used("record-type", "Account.Dealer", "held", "never-used"),
        used("object", "Case", "read", "missing").model_copy(update={"seen_in": ("night.har:4",)}),
    ),
    requests=3,
    blind_spots=(),
    permission_set="",
)  # fmt: skip
HELD = source(
    objects={"Account": ["read", "create"], "Lead": ["read"], "Order": ["read"]},
    fields={"Account.Phone": ["read", "edit"], "Lead.Email": ["read"]},
    system=["RunReports", "ApiEnabled"],
    record_types=["Account.Dealer"],
)


def test_what_is_never_used_is_left_and_accepted_but_not_what_something_used_needs() -> None:
    decision = decide([HELD], (), CEILING, {}, unused_access(USAGE))
    assert decision.carried == Access(
        objects={"Account": frozenset({"read", "create"}), "Order": READ}, fields={"Account.Phone": READ}
    )
    assert told(decision.losses) == [
        ("Lead", ("read",), "not-used", True),
        ("Account.Phone", ("edit",), "not-used", True),
        ("Lead.Email", ("read",), "not-used", True),
        ("RunReports", (), "not-used", True),
        ("Account.Dealer", (), "not-used", True),
    ]
    assert {loss.accepted_because for loss in decision.losses} == {USED}
    assert decision.added == ("Account: read, which Account: create needs",)


def test_a_drop_keeps_its_own_reason_when_nothing_uses_it_either() -> None:
    decision = decide([HELD], (drop(permission="RunReports"),), CEILING, {}, unused_access(USAGE))
    [loss] = [loss for loss in decision.losses if loss.name == "RunReports"]
    assert (loss.cause, loss.accepted_because) == ("declared-drop", "Not needed.")


def test_what_is_used_and_not_held_is_warned_of() -> None:
    assert list(warnings_of_use(USAGE)) == [
        "needed and missing: object Case (read), which the old user does not hold either: seen in night.har:4"
    ]
