"""An org in which others work meanwhile: what drifts by itself is noise, and a loss is found all the same."""

from __future__ import annotations

from typing import Any

from harness.checks.results import Comparison, SideBySide
from harness.checks.side_by_side import alarms
from harness.migration.journal import Record
from harness.sandbox.control.second_admin import Errand
from tests.component.losses.migrated import Migrated
from tests.component.losses.seeds import LOSSES

BUSY = {"writes": [{"operation": "create", "object": "Account", "fields": {"Name": "Somebody else's"}}]}


def errand(**at: Any) -> Errand:
    return Errand.model_validate({**BUSY, "when": "after", "at": {**at, "times": None}})


AT_EACH_LOOK = errand(method="GET", path="*/sobjects")
AT_EACH_QUERY = errand(method="GET", path="*FROM Account ORDER BY ERP_Key__c*")


def look_at(sobject: str, records: list[Record]) -> SideBySide:
    return next(each.body for each in records if isinstance(each.body, SideBySide) and each.key == sobject)


def test_rows_that_others_make_between_the_looks_are_noise(bench: Migrated) -> None:
    bench.put_back()
    accounts = look_at("Account", bench.go_on("dual-auth", errands=[AT_EACH_LOOK]))
    assert alarms(accounts) == ()
    assert (accounts.rows_old, accounts.rows_new) == (7, 9)
    assert accounts.noise == ("the old user counted 7 rows, then 8",)


def test_rows_that_others_make_between_the_queries_are_noise(bench: Migrated) -> None:
    bench.put_back()
    records = bench.go_on("dual-auth", errands=[AT_EACH_QUERY])
    query = next(each.body for each in records if isinstance(each.body, Comparison))
    assert query.old
    assert query.again
    assert (query.old.rows, query.again.rows, query.new.rows) == (6, 7, 8)
    assert query.equal
    assert "rows: old 6, again 7" in query.noise


def test_a_loss_is_found_in_a_busy_org_too(bench: Migrated) -> None:
    bench.put_back()
    [loss] = [each for each in LOSSES if each.kind == "object edit"]
    with loss.seed(bench.org):
        records = bench.go_on("dual-auth", errands=[AT_EACH_LOOK, AT_EACH_QUERY])
    assert alarms(look_at("Account", records)) == ()
    assert [each.name for each in alarms(look_at("Shipment__c", records))] == [
        "Shipment__c: edit",
        "Shipment__c: delete",
    ]


def deletion(bench: Migrated, sobject: str) -> Errand:
    """The first row goes just before the new user looks: the third to ask for the list of objects."""
    name = bench.org.rows(sobject)[0]["Name"]
    write = {"operation": "delete", "object": sobject, "where": {"Name": name}}
    at = {"method": "GET", "path": "*/sobjects", "nth": 3}
    return Errand.model_validate({"writes": [write], "when": "before", "at": at})


def test_a_sampled_row_that_somebody_deletes_meanwhile_is_no_alarm(bench: Migrated) -> None:
    bench.put_back()
    deals = look_at("Deal__c", bench.go_on("dual-auth", errands=[deletion(bench, "Deal__c")]))
    assert alarms(deals) == ()
    assert (deals.rows_old, deals.rows_new) == (2, 1)


def test_a_loss_is_found_although_somebody_deletes_a_sampled_row(bench: Migrated) -> None:
    bench.put_back()
    [loss] = [each for each in LOSSES if each.kind == "View All"]
    with loss.seed(bench.org):
        records = bench.go_on("dual-auth", errands=[deletion(bench, "Deal__c")])
    assert [each.text for each in alarms(look_at("Deal__c", records))][-1:] == [
        "Deal__c: the old user sees 2 rows, the new user 0"
    ]
