"""Before and after: what is lost, gained and kept, and what the plan says about it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.access.model import Access
from harness.migration.journal import Journal
from harness.migration.records import AccessAfter
from harness.report.changes import AccessChanges, access_changes, lost_without_word, promised_but_missing
from harness.report.evidence import Evidence, gather
from harness.report.view import grouped, loss_groups
from tests import report_journals as made


def read(build: Callable[[], Journal]) -> Evidence:
    journal = build()
    try:
        return gather(journal)
    finally:
        journal.close()


@pytest.fixture(scope="module")
def evidence() -> Evidence:
    return read(made.signed_off)


@pytest.fixture(scope="module")
def changes(evidence: Evidence) -> AccessChanges:
    return access_changes(evidence)


def test_changed_objects_come_first_and_lost_ones_before_gained(changes: AccessChanges) -> None:
    assert [(item.name, item.status) for item in changes.objects[:5]] == [
        ("Account", "lost"),
        ("Opportunity", "lost"),
        ("Contract", "gained"),
        ("Order", "gained"),
        ("Contact", "kept"),
    ]
    assert changes.basis == "read-back"


def test_each_right_is_told(changes: AccessChanges) -> None:
    account = changes.objects[0]
    assert account.own.before == ("read", "create", "edit", "delete", "view-all", "modify-all")
    assert account.own.lost == ("modify-all",)
    assert [loss.because for loss in account.own.losses] == ["The sync owns what it changes."]
    [limit] = account.changed
    assert (limit.name, limit.label, limit.lost, limit.gained) == (
        "Account.CreditLimit__c",
        "Credit Limit",
        ("edit",),
        (),
    )
    assert account.counts == {"lost": 1, "gained": 0, "kept": 7}
    assert [(rights, len(fields)) for rights, fields in account.kept] == [(("read", "edit"), 4), (("read",), 3)]
    assert account.sources == (made.PROFILE,)


def test_a_field_is_explained_by_the_loss_of_its_object(changes: AccessChanges) -> None:
    opportunity = changes.objects[1]
    assert {change.losses for change in opportunity.changed} == {opportunity.own.losses}
    assert opportunity.own.losses[0].cause == "license-ceiling"


def test_system_and_setup(changes: AccessChanges) -> None:
    assert [change.name for change in changes.system.changed] == [
        "ChatterInternalUser",
        "LightningExperienceUser",
        "ManageUsers",
    ]
    assert [listing.title for listing in changes.setup] == ["ApexClass", "CustomPermission"]
    assert [change.name for change in changes.setup[0].changed] == ["ApexClass:LegacySync"]


def test_nothing_is_lost_from_sight(evidence: Evidence, changes: AccessChanges) -> None:
    shown = {item.name for item in changes.objects}
    fields = {change.name for item in changes.objects for change in item.changed}
    fields |= {change.name for item in changes.objects for _, group in item.kept for change in group}
    assert evidence.snapshot is not None
    assert shown == set(evidence.snapshot.effective.objects)
    assert fields == set(evidence.snapshot.effective.fields)
    assert changes.totals == {"fields": 33, "lost": 6, "gained": 1, "kept": 26}


def test_without_a_new_user_the_plan_is_what_comes_after() -> None:
    assert access_changes(read(made.refused_plan)).basis == "planned"


def test_without_a_plan_only_what_was_is_known(evidence: Evidence) -> None:
    alone = evidence.model_copy(update={"plan": None, "after": None})
    changes = access_changes(alone)
    assert changes.basis == "unknown"
    assert not any(item.is_changed for item in changes.objects)
    assert access_changes(alone.model_copy(update={"snapshot": None})).objects == ()


names = st.sampled_from(["A", "B", "A.x", "A.y", "B.x"])
held = st.dictionaries(names, st.frozensets(st.sampled_from(["read", "edit"]), min_size=1))


@given(held, held)
def test_before_and_after_can_be_rebuilt(before: dict[str, frozenset[str]], after: dict[str, frozenset[str]]) -> None:
    def fields(rights: dict[str, frozenset[str]]) -> Access:
        return made.access({}, {name: value for name, value in rights.items() if "." in name})

    evidence = TEMPLATE.model_copy(
        update={
            "snapshot": made.snapshot(effective=fields(before)),
            "after": AccessAfter(person=made.new_person(), effective=fields(after)),
            "plan": made.plan(losses=(), carried=fields(after)),
        }
    )
    changes = access_changes(evidence)
    told = [change for item in changes.objects for change in item.changed]
    told += [change for item in changes.objects for _, group in item.kept for change in group]
    assert {change.name: frozenset(change.before) for change in told if change.before} == fields(before).fields
    assert {change.name: frozenset(change.after) for change in told if change.after} == fields(after).fields
    assert promised_but_missing(evidence) == []
    assert lost_without_word(evidence) == [change.name for change in told if change.lost] or {
        *lost_without_word(evidence)
    } == {change.name for change in told if change.lost}


TEMPLATE = read(made.signed_off)


def test_many_alike_are_told_once() -> None:
    changes = access_changes(read(made.large))
    groups = list(grouped(changes.objects[0].changed))
    assert [len(group.names) for group in groups] == [34]
    few = list(grouped(changes.objects[0].changed[:3]))
    assert [len(group.names) for group in few] == [1, 1, 1]


def test_unaccepted_losses_come_first_and_fields_by_object() -> None:
    groups = loss_groups(read(made.refused_plan))
    assert groups[0].names == ("AuthorApex", "ManageUsers")
    assert not groups[0].first.accepted
    assert [group.of for group in groups if group.first.kind == "field"] == ["Account"]
    assert sum(len(group.names) for group in groups) == 10
