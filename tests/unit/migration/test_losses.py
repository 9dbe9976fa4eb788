"""What is carried over and what is lost, and why."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from harness.access.algebra import Atom, Dependencies, atoms, minus, requirements, union
from harness.access.ceiling import Ceiling
from harness.access.model import Access
from harness.migration.planning.losses import Decision, PlacedDrop, decide
from harness.migration.records import Loss, PermissionSource
from harness.scenario.model import Drop

from ..access.test_algebra import ACCESS, DEPENDENCIES

READ = frozenset({"read"})
BASELINE = Access(system=frozenset({"ApiEnabled"}))


def source(name: str = "Set", **access: Any) -> PermissionSource:
    return PermissionSource(kind="permission-set", name=name, label=name, id=name, access=Access.model_validate(access))


def drop(**what: Any) -> PlacedDrop:
    return PlacedDrop(Drop.model_validate({"because": "Not needed.", **what}), "erp.scenario.yaml:9")


def decided(
    *sources: PermissionSource, drops: tuple[PlacedDrop, ...] = (), ceiling: str = "", needs: Dependencies | None = None
) -> Decision:
    allowed = Ceiling("Salesforce API Integration", frozenset(ceiling.split()), BASELINE)
    return decide(sources, drops, allowed, needs or {})


def told(losses: tuple[Loss, ...]) -> list[tuple[str, tuple[str, ...], str, bool]]:
    return [(loss.name, loss.access, loss.cause, loss.accepted) for loss in losses]


def test_everything_within_the_ceiling_is_carried() -> None:
    decision = decided(source(objects={"Account": ["read", "edit"]}, system=["RunReports"]), ceiling="RunReports")
    assert decision.carried.objects == {"Account": {"read", "edit"}}
    assert decision.carried.system == {"RunReports"}
    assert decision.losses == ()


def test_what_the_profile_gives_anyway_is_neither_carried_nor_lost() -> None:
    decision = decided(source(system=["ApiEnabled"]))
    assert decision.carried == Access()
    assert decision.losses == ()


def test_beyond_the_ceiling_is_a_loss_nobody_accepted() -> None:
    decision = decided(source("Admins", system=["AuthorApex"]))
    assert told(decision.losses) == [("AuthorApex", (), "license-ceiling", False)]
    assert decision.losses[0].sources == ("Admins",)


def test_a_declared_drop_accepts_the_loss_and_says_why() -> None:
    [loss] = decided(source(system=["AuthorApex"]), drops=(drop(permission="AuthorApex"),)).losses
    assert (loss.cause, loss.because, loss.accepted) == ("declared-drop", "Not needed.", True)
    assert loss.place == "erp.scenario.yaml:9"


def test_what_a_user_without_pages_has_no_use_for_is_left_behind() -> None:
    decision = decided(
        source(system=["ViewHelpLink"], setup=["TabSet:Sales", "ApexClass:Sync"]), ceiling="ViewHelpLink"
    )
    assert told(decision.losses) == [
        ("ViewHelpLink", (), "not-needed-api-only", False),
        ("TabSet:Sales", (), "not-needed-api-only", False),
    ]
    assert decision.carried.setup == {"ApexClass:Sync"}


def test_what_another_permission_needs_is_not_left_behind() -> None:
    needs = {Atom("", "RunReports"): frozenset({Atom("", "ViewHelpLink")})}
    held = source(system=["ViewHelpLink", "RunReports"])
    decision = decided(held, ceiling="ViewHelpLink RunReports", needs=needs)
    assert decision.carried.system == {"ViewHelpLink", "RunReports"}
    assert decision.losses == ()
    assert decision.added == ("ViewHelpLink, which RunReports needs",)


def test_a_missing_master_is_added_and_named() -> None:
    needs = {Atom("Line__c", "read"): frozenset({Atom("Order", "read")})}
    decision = decided(source(objects={"Line__c": ["read"]}), needs=needs)
    assert decision.carried.objects == {"Line__c": READ, "Order": READ}
    assert decision.added == ("Order: read, which Line__c: read needs",)


def test_dropping_a_master_does_not_silently_take_its_details() -> None:
    needs = {Atom("Line__c", "read"): frozenset({Atom("Order", "read")})}
    held = source(objects={"Line__c": ["read"], "Order": ["read"]})
    decision = decided(held, drops=(drop(object="Order"),), needs=needs)
    assert told(decision.losses) == [
        ("Line__c", ("read",), "declared-drop", False),
        ("Order", ("read",), "declared-drop", True),
    ]
    assert decision.losses[0].because == "It needs Order: read, and it is dropped."


def test_what_needs_something_beyond_the_ceiling_falls_with_it() -> None:
    needs = {Atom("", "RunReports"): frozenset({Atom("", "AuthorApex")})}
    decision = decided(source(system=["RunReports"]), ceiling="RunReports", needs=needs)
    assert told(decision.losses) == [("RunReports", (), "license-ceiling", False)]


def test_dropping_edit_takes_delete_along_and_leaves_the_fields() -> None:
    held = source(objects={"Account": ["read", "edit", "delete"]}, fields={"Account.Name": ["read", "edit"]})
    decision = decided(held, drops=(drop(object="Account", access=["edit"]),))
    assert decision.carried.objects == {"Account": READ}
    assert decision.carried.fields == {"Account.Name": {"read", "edit"}}
    assert told(decision.losses) == [("Account", ("edit", "delete"), "declared-drop", True)]


def test_dropping_an_object_takes_its_fields_along() -> None:
    held = source(objects={"Account": ["read"]}, fields={"Account.Name": ["read"], "AccountX.Name": ["read"]})
    decision = decided(held, drops=(drop(object="Account"),))
    assert decision.carried.fields == {"AccountX.Name": READ}
    assert [loss.kind for loss in decision.losses] == ["object", "field"]


def test_dropping_the_reading_of_a_field_drops_its_editing() -> None:
    held = source(fields={"Account.Name": ["read", "edit"]})
    assert decided(held, drops=(drop(field="Account.Name", access=["read"]),)).carried.fields == {}
    assert decided(held, drops=(drop(field="Account.Name", access=["edit"]),)).carried.fields == {"Account.Name": READ}


def test_dropping_a_permission_set_takes_only_what_it_alone_gives() -> None:
    first = source("First", objects={"Account": ["read"]})
    second = source("Second", objects={"Account": ["read", "edit"], "Order": ["read"]})
    decision = decided(first, second, drops=(drop(permission_set="Second"),))
    assert decision.carried.objects == {"Account": READ}
    assert told(decision.losses) == [
        ("Account", ("edit",), "declared-drop", True),
        ("Order", ("read",), "declared-drop", True),
    ]


def test_a_drop_that_takes_nothing_is_told() -> None:
    placed = drop(permission="NoSuchThing")
    assert decided(source(system=["ApiEnabled"]), drops=(placed,)).idle_drops == (placed,)


@given(st.lists(ACCESS, max_size=3), DEPENDENCIES, st.frozensets(st.sampled_from(["ManageUsers", "ViewSetup"])))
def test_nothing_is_ever_lost_in_silence(
    accesses: list[Access], needs: dict[Atom, frozenset[Atom]], allowed: frozenset[str]
) -> None:
    sources = [source(f"s{number}", **access.model_dump()) for number, access in enumerate(accesses)]
    effective = union(accesses)
    decision = decide(sources, (), Ceiling("L", allowed, BASELINE), needs)
    lost = union(_as_access(loss) for loss in decision.losses)
    assert union([decision.carried, lost, effective, BASELINE]) == union([decision.carried, effective, BASELINE])
    assert minus(effective, union([decision.carried, lost, BASELINE])) == Access()
    held = atoms(decision.carried)
    assert all(requirements(atom, needs) <= held | atoms(BASELINE) for atom in held)
    assert decision.carried.system <= allowed


def _as_access(loss: Loss) -> Access:
    many: dict[str, Any] = {
        "object": {"objects": {loss.name: loss.access}},
        "field": {"fields": {loss.name: loss.access}},
        "system": {"system": [loss.name]},
        "setup": {"setup": [loss.name]},
        "record-type": {"record_types": [loss.name]},
    }
    return Access.model_validate(many[loss.kind])
