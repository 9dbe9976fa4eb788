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
