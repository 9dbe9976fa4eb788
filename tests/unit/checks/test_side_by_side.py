"""Two users' looks at one object beside each other, and what is noise."""

from __future__ import annotations

from typing import Any

import pytest

from harness.access.model import Access
from harness.checks.accepted import Agreed
from harness.checks.remedies import _LOSSES, for_loss
from harness.checks.results import Finding, Look, SampledRow
from harness.checks.scope import FEW, objects_in_scope
from harness.checks.side_by_side import alarms, side_by_side
from tests.unit.checks.fake import scenario

ROW = SampledRow(key="ERP_Key__c K1", owner="005", record_type="Trade", empty=frozenset({"Phone"}))
FACTS: dict[str, Any] = {
    "object": "Account",
    "listed": True,
    "described": True,
    "rights": ("create", "edit"),
    "fields": {"Name": ("create", "edit"), "Phone": (), "Fax": ()},
    "picklists": {"Kind": ("a", "b")},
    "defaults": {"Name": "x"},
    "record_types": ("Master", "Trade"),
    "default_record_type": "Trade",
    "rows": 10,
    "sample": {"001": ROW},
}
OLD = Look(**FACTS)


def look(**changed: Any) -> Look:
    return Look(**{**FACTS, **changed})


def found(new: Look, *, again: Look = OLD, agreed: tuple[Agreed, ...] = (), made_since: int = 0) -> list[Finding]:
    return list(side_by_side(OLD, again, new, agreed=agreed, made_since=made_since).findings)


def test_equal_looks_have_nothing_to_find() -> None:
    result = side_by_side(OLD, OLD, OLD)
    assert (result.findings, result.noise) == ((), ())
    assert (result.fields_old, result.fields_new, result.rows_old, result.rows_new, result.sampled) == (3, 3, 10, 10, 1)


@pytest.mark.parametrize(
    ("changed", "kind", "name", "remedy"),
    [
        ({"described": False, "listed": False}, "object-vanished", "Account", "Read on Account"),
        ({"listed": False}, "object-vanished", "Account", "Read on Account"),
        ({"rights": ("create",)}, "object-right", "Account: edit", "Edit on Account"),
        ({"rights": ("create", "edit", "delete")}, "more", "Account: delete", "take it out"),
        ({"fields": {"Name": ("create", "edit"), "Fax": ()}}, "field-vanished", "Account.Phone", "(Read)"),
        ({"fields": {**FACTS["fields"], "Name": ("create",)}}, "field-read-only", "Account.Name", "(Edit)"),
        ({"fields": {**FACTS["fields"], "Secret__c": ()}}, "more", "Account.Secret__c", "take it out"),
        ({"fields": {**FACTS["fields"], "Fax": ("edit",)}}, "more", "Account.Fax", "take it out"),
        ({"picklists": {"Kind": ("a",)}}, "picklist-value", "Account.Kind", "record types"),
        ({"picklists": {"Kind": ("a", "b", "c")}}, "more", "Account.Kind", "take it out"),
        ({"defaults": {}}, "default-value", "Account.Name", "default"),
        ({"record_types": ("Master",)}, "record-type", "Account.Trade", "Record Type Assignments"),
        ({"record_types": ("Master", "Retail", "Trade")}, "more", "Account.Retail", "take it out"),
        ({"default_record_type": "Master"}, "default-record-type", "Account", "profile"),
        ({"rows": 9}, "rows-missing", "Account", "sharing of Account"),
        ({"rows": 11}, "more", "Account", "take it out"),
        ({"rows": None, "refused": "QUERY_TIMEOUT: x"}, "rows-missing", "Account", "sharing of Account"),
        ({"sample": {}}, "rows-missing", "Account rows", "sharing of Account"),
        ({"sample": {"001": ROW.model_copy(update={"owner": "x"})}}, "owner", "Account ERP_Key__c K1", "flows"),
        (
            {"sample": {"001": ROW.model_copy(update={"record_type": None})}},
            "row-differs",
            "Account ERP_Key__c K1",
            "field-level",
        ),
        (
            {"sample": {"001": ROW.model_copy(update={"empty": frozenset({"Phone", "Name"})})}},
            "row-differs",
            "Account ERP_Key__c K1",
            "points to",
        ),
        (
            {"sample": {"001": ROW.model_copy(update={"empty": frozenset()})}},
            "more",
            "Account ERP_Key__c K1",
            "take it out",
        ),
    ],
)
def test_each_difference_is_one_finding_with_a_remedy(
    changed: dict[str, Any], kind: str, name: str, remedy: str
) -> None:
    [finding] = found(look(**changed))
    assert (finding.kind, finding.name) == (kind, name)
    assert remedy in (finding.remedy or "")
    assert finding.accepted is None


def test_a_right_lost_on_the_object_is_not_told_for_each_field() -> None:
    new = look(rights=("edit",), fields={"Name": ("edit",), "Phone": (), "Fax": ()})
    assert [each.name for each in found(new)] == ["Account: create"]


def test_an_object_that_only_the_new_user_sees_is_more() -> None:
    hidden = Look(object="Account", listed=False, described=False)
    [finding] = side_by_side(hidden, hidden, OLD).findings
    assert (finding.kind, finding.text) == ("more", "the new user sees Account, the old one does not")


def test_what_differed_between_the_old_users_looks_is_noise() -> None:
    again = look(rows=12, picklists={"Kind": ("a",)})
    result = side_by_side(OLD, again, look(rows=13, picklists={"Kind": ("a",)}))
    assert result.findings == ()
    assert result.noise == (
        "the old user's second look: Account.Kind has no value b for the new user",
        "the old user counted 10 rows, then 12",
    )
    assert [each.kind for each in found(look(rows=7), again=look(rows=12))] == ["rows-missing"]
    assert found(look(rows=8), again=look(rows=12)) == []


def test_what_the_workload_has_made_since_is_expected() -> None:
    assert found(look(rows=13), made_since=3) == []
    assert [each.kind for each in found(look(rows=10), made_since=3)] == ["rows-missing"]
    assert [each.kind for each in found(look(rows=14), made_since=3)] == ["more"]


@pytest.mark.parametrize(
    ("changed", "agreed"),
    [
        ({"described": False}, Agreed("object", "Account", (), "a:1")),
        ({"described": False}, Agreed("object", "Account", ("read", "edit"), "a:1")),
        ({"rights": ("create",)}, Agreed("object", "Account", ("edit",), "a:1")),
        ({"fields": {"Name": ("create", "edit"), "Fax": ()}}, Agreed("field", "Account.Phone", (), "a:1")),
        (
            {"fields": {"Name": ("create", "edit"), "Fax": ()}},
            Agreed("object", "Account", ("view-all-fields",), "a:1"),
        ),
        ({"fields": {**FACTS["fields"], "Name": ()}}, Agreed("field", "Account.Name", ("edit",), "a:1")),
        ({"record_types": ("Master",)}, Agreed("record-type", "Account.Trade", (), "a:1")),
        ({"default_record_type": "Master"}, Agreed("default-record-type", "Account", (), "a:1")),
        ({"rows": 3}, Agreed("object", "Account", ("view-all",), "a:1")),
        ({"rows": 3}, Agreed("system", "ViewAllData", (), "a:1")),
        ({"rows": 3, "sample": {}}, Agreed("role", "Back_Office", (), "a:1")),
        ({"rows": 3}, Agreed("share", "Account", (), "a:1")),
        ({"rows": 3}, Agreed("sharing-rule", "Account.North", (), "a:1")),
    ],
)
def test_what_the_plan_accepts_is_no_alarm_and_has_its_place(changed: dict[str, Any], agreed: Agreed) -> None:
    result = side_by_side(OLD, OLD, look(**changed), agreed=(agreed,))
    assert {each.accepted for each in result.findings} == {"a:1"}
    assert alarms(result) == ()
    other = Agreed(agreed.kind, "Other__c" if agreed.kind != "role" else "x", ("delete",), "a:2")
    if agreed.kind not in ("role", "system"):
        assert alarms(side_by_side(OLD, OLD, look(**changed), agreed=(other,)))


def test_the_default_record_type_of_rows_that_nobody_creates_does_not_matter() -> None:
    reading = {"rights": ("edit",)}
    old, new = look(**reading), look(**reading, default_record_type="Master")
    assert side_by_side(old, old, new).findings == ()


def test_what_may_be_done_with_a_row_is_compared_where_both_were_told() -> None:
    def row(*may: str) -> dict[str, Any]:
        return {"rights": ("edit", "delete"), "sample": {"001": ROW.model_copy(update={"may": may})}}

    old, less = look(**row("edit", "delete")), look(**row("delete"))
    [lost] = side_by_side(old, old, less).findings
    assert (lost.kind, lost.name) == ("row-differs", "Account rows: edit")
    assert lost.text == "the new user may not edit 1 of 1 sampled Account rows: ERP_Key__c K1"
    assert "Modify All" in (lost.remedy or "")
    [more] = side_by_side(less, less, old).findings
    assert (more.kind, more.name) == ("more", "Account rows: edit")
    untold = look(rights=("edit", "delete"))
    assert side_by_side(old, old, untold).findings == ()
    [right] = side_by_side(old, old, look(**{**row("delete"), "rights": ("delete",)})).findings
    assert right.kind == "object-right", "what is lost on the whole object is not told again for its rows"
    agreed = (Agreed("object", "Account", ("modify-all",), "a:1"),)
    assert alarms(side_by_side(old, old, less, agreed=agreed)) == ()


def test_there_is_a_remedy_for_every_kind_of_finding() -> None:
    kinds = set(Finding.model_json_schema()["properties"]["kind"]["enum"])
    assert kinds | {"created"} == set(_LOSSES)
    for kind in kinds:
        assert "{" not in for_loss(kind, "Account.Name", "edit")


# --- which objects ----------------------------------------------------------------------------------------------------


def test_what_the_workload_names_is_looked_at_first_and_the_rest_while_there_is_room() -> None:
    file = scenario(
        workload="- query: SELECT Id FROM Order\n- insert: {object: Invoice__c, fields: {A__c: {any: Account}}}",
        grants="- field: {name: Lead.Name}",
    )
    held = Access(
        objects={f"Thing{n:02d}__c": frozenset({"read"}) for n in range(30)},
        fields={"Case.Subject": frozenset({"read"})},
    )
    names, left_out = objects_in_scope(file.scenario, held, used={"Product2"})
    assert names[:6] == ["Order", "Invoice__c", "Account", "Lead", "Product2", "Case"]
    assert len(names) == FEW
    assert left_out == 31 - (FEW - 5)
    everything = file.scenario.model_copy(update={"checks": "exhaustive"})
    assert len(objects_in_scope(everything, held)[0]) == 4 + 31
