"""What is carried by other means than rows, or not at all: record types and their default, further licenses, use."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.migration.journal import Record
from harness.migration.records import Note, Plan, Usage

from .conftest import MakeBench, ending, results
from .project import AGREED, element, permission

DEALER = element("recordTypeVisibilities", default=True, recordType="Account.Dealer", visible=True)
SHOP = element("recordTypeVisibilities", recordType="Account.Shop", visible=True)
DEFAULT_LOST = {"lost": ["default-record-type Account"], "because": "The sync writes RecordTypeId."}
UP_TO_GRANT = ("preflight", "snapshot", "plan", "provision", "grant")


@pytest.fixture
def record_types(tmp_path: Path) -> None:
    """Two record types of Account, in the project that the bench is made of."""
    folder = tmp_path / "org" / "main" / "objects" / "Account" / "recordTypes"
    folder.mkdir(parents=True)
    for name in ("Dealer", "Shop"):
        parts = element("RecordType", fullName=name, active=True, label=name)
        text = parts.replace("<RecordType>", '<RecordType xmlns="http://soap.sforce.com/2006/04/metadata">')
        (folder / f"{name}.recordType-meta.xml").write_text(text)


def warnings(records: list[Record]) -> list[str]:
    return [record.body.text for record in records if isinstance(record.body, Note) and record.body.kind == "warning"]


@pytest.mark.usefixtures("record_types")
def test_record_types_are_carried_and_go_with_the_set(make_bench: MakeBench) -> None:
    permissions = {"accept": [AGREED, DEFAULT_LOST]}
    bench = make_bench(profile=[DEALER], extra_set=[SHOP], scenario={"permissions": permissions})
    records = list(bench.engine(stages=UP_TO_GRANT).stages())
    assert ending(records).result == "passed", ending(records)
    plan = bench.journal.find("run1", Plan)
    assert plan
    assert plan.carried.record_types == {"Account.Dealer", "Account.Shop"}
    set_id = bench.row("PermissionSet", Name="Integration_ERP_Order_Sync")["Id"]
    types = {row["Id"]: row["DeveloperName"] for row in bench.org.rows("RecordType")}
    assert {types[one] for one in bench.org.record_types.given_by(set_id)} == {"Dealer", "Shop"}
    undone = list(bench.engine(stages=UP_TO_GRANT).rollback())
    assert ending(undone).result == "passed", ending(undone)


@pytest.mark.usefixtures("record_types")
def test_the_default_record_type_must_be_accepted_by_name(make_bench: MakeBench) -> None:
    bench = make_bench(profile=[DEALER])
    records = list(bench.engine().stages())
    assert results(records)["plan"] == "refused"
    plan = bench.journal.find("run1", Plan)
    assert plan
    assert [loss.line for loss in plan.losses if not loss.accepted] == ["default-record-type Account"]


def test_what_nobody_accepted_is_refused_and_what_meets_no_loss_is_told_with_its_line(make_bench: MakeBench) -> None:
    idle = {"lost": ["system RunReports"], "because": "No reports."}
    bench = make_bench(profile=[permission("AuthorApex")], scenario={"permissions": {"accept": [AGREED, idle]}})
    records = list(bench.engine().stages())
    assert results(records)["plan"] == "refused"
    assert ending(records).message == "the new user would lose 1 thing that nobody agreed to: system AuthorApex"
    [told] = [text for text in warnings(records) if "RunReports" in text]
    assert told.startswith(f"{bench.file.shown}:1:")


@pytest.mark.parametrize(("seats", "said"), [(None, "no active permission set license"), (0, "no seat of")])
def test_preflight_asks_for_a_seat_of_every_listed_license(make_bench: MakeBench, seats: int | None, said: str) -> None:
    licenses = {"Salesforce": 10, "Salesforce Integration": 3, "SalesforceAPIIntegrationPsl": 3}
    name = "FieldServiceIntegrationPsl" if seats is not None else "NoSuchPsl"
    permissions: dict[str, Any] = {"accept": [AGREED], "licenses": [name]}
    population = {"licenses": licenses | ({name: seats} if seats is not None else {})}
    bench = make_bench(scenario={"permissions": permissions}, population=population)
    last = ending(list(bench.engine().stages()))
    assert last.result == "failed"
    assert said in last.message
    assert last.place


def test_only_what_is_used_is_granted_where_the_scenario_says_so(make_bench: MakeBench) -> None:
    permissions = {"copy": "used", "accept": [AGREED]}
    bench = make_bench(profile=[permission("RunReports")], scenario={"permissions": permissions})
    records = list(bench.engine(stages=UP_TO_GRANT).stages())
    assert ending(records).result == "passed", ending(records)
    plan, usage = bench.journal.find("run1", Plan), bench.journal.find("run1", Usage)
    assert plan
    assert usage
    unused = {loss.line for loss in plan.losses if loss.cause == "not-used"}
    assert "object Lead: read, edit" in unused
    assert "create" in plan.carried.objects["Account"]
    assert "Lead" not in plan.carried.objects
    assert all(
        loss.accepted and loss.accepted_because == "copy: used" for loss in plan.losses if loss.cause == "not-used"
    )
