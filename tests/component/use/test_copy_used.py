"""`copy: used`, rehearsed: the new user may do what the integration does, and nothing else of what the old one may."""

from __future__ import annotations

from typing import Any

import pytest

from harness.access.algebra import minus
from harness.access.model import Access
from harness.errors import ScenarioError
from harness.migration.records import AccessAfter, Plan, Snapshot, Usage
from harness.org.connection import Connection
from tests.component.migration.conftest import Bench, MakeBench, ending, results
from tests.component.migration.project import SCENARIO, field, permission, rights

from .client import Client, recorded

USED = {"copy": "used"}
EVIDENCE = {"copy": "used", "evidence": {"recordings": ["traffic/*"]}}
DENIALS = [
    {"field": {"name": "Account.CreditLimit__c", "access": "edit"}},
    {"query": "SELECT Id FROM Lead", "error": "INVALID_TYPE"},
    {"query": "SELECT Phone FROM Account", "error": "INVALID_FIELD"},
    {"sign_in": "ui"},
]
"""What the old user may do and does not, beside what neither may."""
UNTIL_PLAN = ("preflight", "snapshot", "plan")


def planned(bench: Bench) -> tuple[Usage, Plan]:
    """What the plan stage found."""
    records = list(bench.engine(stages=UNTIL_PLAN).stages())
    assert results(records) == dict.fromkeys(UNTIL_PLAN, "passed"), ending(records)
    usage, plan = bench.journal.find("run1", Usage), bench.journal.find("run1", Plan)
    assert usage
    assert plan
    return usage, plan


def verdicts(usage: Usage, verdict: str) -> set[str]:
    """The permissions of one verdict, as `Account: read`."""
    return {
        each.name if each.access == "held" else f"{each.name}: {each.access}"
        for each in usage.permissions
        if each.verdict == verdict
    }


def test_the_new_user_gets_what_is_used_and_the_workload_passes(make_bench: MakeBench) -> None:
    expect = {**SCENARIO["expect"], "denials": DENIALS}
    bench = make_bench(scenario={"permissions": USED, "expect": expect})
    records = list(bench.engine().stages())
    assert results(records) == dict.fromkeys(bench.file.scenario.stages, "passed"), ending(records)
    snapshot, plan = bench.journal.find("run1", Snapshot), bench.journal.find("run1", Plan)
    after, usage = bench.journal.find("run1", AccessAfter), bench.journal.find("run1", Usage)
    assert snapshot
    assert plan
    assert after
    assert usage
    assert plan.carried == Access.model_validate(
        {
            "objects": {"Account": ["read", "create"], "Shipment__c": ["read"]},
            "fields": {"Account.ERP_Key__c": ["read", "edit"], "Account.CreditLimit__c": ["read"]},
        }
    )
    assert {**after.effective.objects} == {**plan.carried.objects}
    assert {**after.effective.fields} == {**plan.carried.fields}
    assert "Account.Phone" in snapshot.effective.fields
    assert {loss.line for loss in plan.losses if loss.cause == "not-used"} >= {
        "field Account.Phone: read, edit",
        "object Contact: read, create",
        "object Lead: read, edit",
        "setup ApexClass:OrderStatus",
    }
    assert verdicts(usage, "missing") == set()
    assert verdicts(usage, "used") | verdicts(usage, "never-used") == {
        *(f"{name}: {right}" for name, rights_of in snapshot.effective.objects.items() for right in rights_of),
        *(f"{name}: {right}" for name, held in snapshot.effective.fields.items() for right in held),
        *snapshot.effective.system,
        *snapshot.effective.setup,
        *snapshot.effective.record_types,
    }


def as_target(bench: Bench) -> Connection:
    """The new user, signed in after a migration."""
    engine = bench.engine()
    return engine._world.connect("target")


@pytest.mark.parametrize("uses_phone", [False, True])
def test_an_unused_field_is_gone_and_a_used_one_is_there(make_bench: MakeBench, uses_phone: bool) -> None:
    soql = "SELECT Id, Phone FROM Account LIMIT 1"
    more = [{"query": soql}] if uses_phone else []
    expect = {"grants": SCENARIO["expect"]["grants"]}
    scenario = {"permissions": USED, "workload": [*SCENARIO["workload"], *more], "expect": expect}
    bench = make_bench(scenario=scenario)
    records = list(bench.engine(stages=bench.file.scenario.stages[:7]).stages())
    assert results(records)["verify"] == "passed", ending(records)
    reply = as_target(bench).try_query(soql)
    assert reply.ok is uses_phone
    if not uses_phone:
        assert reply.errors[0].code == "INVALID_FIELD"


@pytest.mark.parametrize(
    ("operation", "added"),
    [
        ({"query": "SELECT LastName FROM Contact"}, {"objects": {"Contact": ["read"]}}),
        (
            {"upsert": {"object": "Account", "by": "ERP_Key__c", "fields": {"ERP_Key__c": "1", "Phone": "2"}}},
            {"objects": {"Account": ["edit"]}, "fields": {"Account.Phone": ["read", "edit"]}},
        ),
        (
            {"query": "SELECT Weight__c, Account__r.Phone FROM Shipment__c"},
            {"fields": {"Shipment__c.Weight__c": ["read"], "Account.Phone": ["read"]}},
        ),
        (
            {"query": "SELECT Id, (SELECT Weight__c FROM Shipments__r) FROM Account"},
            {"fields": {"Shipment__c.Weight__c": ["read"]}},
        ),
        (
            {"bulk": {"operation": "insert", "object": "Lead", "fields": {"LastName": "a", "Company": "b"}}},
            {"objects": {"Lead": ["read"]}},  # it may not create leads: that is needed and missing
        ),
    ],
)
def test_one_more_operation_adds_exactly_its_need(make_bench: MakeBench, operation: Any, added: Any) -> None:
    scenario = {"permissions": USED, "workload": [*SCENARIO["workload"], operation]}
    _, plan = planned(make_bench(scenario=scenario))
    before = Access.model_validate(
        {
            "objects": {"Account": ["read", "create"], "Shipment__c": ["read"]},
            "fields": {"Account.ERP_Key__c": ["read", "edit"], "Account.CreditLimit__c": ["read"]},
        }
    )
    assert minus(plan.carried, before) == Access.model_validate(added)
    assert minus(before, plan.carried) == Access()


def test_what_is_needed_and_missing_is_named_and_not_granted(make_bench: MakeBench) -> None:
    operation = {"insert": {"object": "Lead", "fields": {"LastName": "a", "Company": "b"}}}
    bench = make_bench(scenario={"permissions": USED, "workload": [*SCENARIO["workload"], operation]})
    usage, plan = planned(bench)
    assert verdicts(usage, "missing") == {"Lead: create"}
    assert "create" not in plan.carried.objects["Lead"]
    assert any(text.startswith("needed and missing: object Lead (create)") for text in plan.warnings)


def test_what_only_modify_all_data_gave_is_granted_object_by_object(make_bench: MakeBench) -> None:
    operation = {"query": "SELECT Id, Amount FROM Opportunity"}
    denials = [each for each in SCENARIO["expect"]["denials"] if "Opportunity" not in str(each)]
    scenario = {
        "permissions": USED,
        "workload": [*SCENARIO["workload"], operation],
        "expect": {**SCENARIO["expect"], "denials": denials},
    }
    more = [permission("ModifyAllData"), permission("ViewAllData"), rights("Lead", "Read", "Create", "Edit", "Delete")]
    bench = make_bench(scenario=scenario, profile=more)
    usage, plan = planned(bench)
    assert plan.carried.objects["Opportunity"] == {"read"}, "opportunities are open to everybody in this org"
    assert {"ModifyAllData", "ViewAllData"} <= verdicts(usage, "never-used")
    assert plan.carried.system == frozenset()


def test_what_no_traffic_shows_is_kept_by_name(make_bench: MakeBench) -> None:
    keep = {"held": ["setup ApexClass:OrderStatus", "field Account.Phone: read"], "because": "A trigger asks for it."}
    bench = make_bench(scenario={"permissions": {"copy": "used", "evidence": {"keep": [keep]}}})
    usage, plan = planned(bench)
    assert plan.carried.setup == {"ApexClass:OrderStatus"}
    assert plan.carried.fields["Account.Phone"] == {"read"}
    assert ("kept: A trigger asks for it.",) in {each.seen_in for each in usage.permissions}


# --- recordings -------------------------------------------------------------------------------------------------------


def traffic(client: Client) -> None:
    """A night of an integration: rows, a composite, a bulk job, SOAP."""
    client.query("SELECT Id, Account.Name FROM Contact WHERE Account.Phone != null")
    [account] = client.query("SELECT Id FROM Account LIMIT 1")["records"]
    client.ask("PATCH", f"sobjects/Account/{account['Id']}", json={"Phone": "+49 1"})
    client.ask("PATCH", "sobjects/Account/ERP_Key__c/K1", json={"Name": "Customer 1"})
    parts = [
        {
            "method": "POST",
            "url": "/services/data/v67.0/sobjects/Shipment__c",
            "referenceId": "s",
            "body": {"Account__c": account["Id"], "Weight__c": 2},
        },
        {"method": "DELETE", "url": "/services/data/v67.0/sobjects/Shipment__c/@{s.id}", "referenceId": "d"},
    ]
    client.ask("POST", "composite", json={"allOrNone": True, "compositeRequest": parts})
    job = client.ask("POST", "jobs/ingest", json={"object": "Contact", "operation": "insert"})
    rows = "LastName,Account.ERP_Key__c\nBulk,K1\n"
    client.ask("PUT", f"jobs/ingest/{job['id']}/batches", data=rows, headers={"Content-Type": "text/csv"})
    client.ask("PATCH", f"jobs/ingest/{job['id']}", json={"state": "UploadComplete"})
    client.soap(
        "<u:update><u:sObjects><s:type>Lead</s:type><s:Id>00Q000000000000AAA</s:Id><s:LastName>x</s:LastName>"
        "</u:sObjects></u:update>"
    )


TRAFFIC = {
    "objects": {
        "Account": ["read", "create", "edit"],
        "Shipment__c": ["read", "create", "edit", "delete"],
        "Contact": ["read", "create"],
        "Lead": ["read", "edit"],
    },
    "fields": {
        "Account.ERP_Key__c": ["read", "edit"],
        "Account.CreditLimit__c": ["read"],
        "Account.Phone": ["read", "edit"],
        "Contact.AccountId": ["read", "edit"],
        "Shipment__c.Weight__c": ["read", "edit"],
    },
}


@pytest.mark.parametrize("form", ["har", "yaml", "json"])
def test_recorded_traffic_is_granted(make_bench: MakeBench, form: str) -> None:
    bench = make_bench(scenario={"permissions": EVIDENCE}, profile=[field("Contact.AccountId")])
    path = bench.folder / "traffic" / f"night.{form}"
    if form == "har":
        client = Client(bench)
        traffic(client)
        client.write_har(path)
    else:
        with recorded(path, serializer=form):
            traffic(Client(bench))
    usage, plan = planned(bench)
    assert plan.carried == Access.model_validate(TRAFFIC)
    [phone] = [each for each in usage.permissions if (each.name, each.access) == ("Account.Phone", "edit")]
    assert phone.seen_in == (f"traffic/night.{form}:4",)
    assert usage.observed_from is not None
    assert not any("not understood" in text.lower() for text in usage.blind_spots), usage.blind_spots
    assert usage.requests == 16


def test_the_fields_that_a_recording_names_can_be_told_from_missing_ones(make_bench: MakeBench) -> None:
    bench = make_bench(scenario={"permissions": EVIDENCE})
    client = Client(bench)
    client.ask("GET", "query", params={"q": "SELECT Id, Industry, Nope__c FROM Account"}, ok=False)
    client.ask("GET", "ui-api/apps", ok=False)
    client.write_har(bench.folder / "traffic" / "odd.har")
    usage, plan = planned(bench)
    assert verdicts(usage, "missing") == {"Account.Industry: read"}
    assert "Account.Industry" not in plan.carried.fields
    assert "2 requests or names were not understood, and grant nothing." in usage.blind_spots
    assert "Not understood: traffic/odd.har:2: the org knows no Account.Nope__c." in usage.blind_spots
    assert "Not understood: traffic/odd.har:3: this tool does not read the resource ui-api." in usage.blind_spots


def test_recordings_that_are_not_there_stop_the_plan_with_their_place(make_bench: MakeBench) -> None:
    bench = make_bench(scenario={"permissions": EVIDENCE})
    with pytest.raises(ScenarioError, match="no recording matches traffic") as raised:
        list(bench.engine(stages=UNTIL_PLAN).stages())
    assert str(raised.value.place).startswith(f"{bench.file.shown}:1:")


# --- event logs -------------------------------------------------------------------------------------------------------


def test_event_logs_tell_objects_of_the_old_user_alone(make_bench: MakeBench) -> None:
    bench = make_bench(scenario={"permissions": {"copy": "used", "evidence": {"event_log_days": 3}}})
    client = Client(bench)
    client.query("SELECT Id FROM Contact")
    client.ask("POST", "sobjects/Contact", json={"LastName": "Log"})
    bench.org.clock.advance(26 * 3600)
    bench.clock.now()
    usage, plan = planned(bench)
    assert plan.carried.objects["Contact"] == {"read", "create"}
    assert "Lead" not in plan.carried.objects, "only an admin looked at leads"
    [created] = [each for each in usage.permissions if (each.name, each.access) == ("Contact", "create")]
    assert created.seen_in[0].startswith("event log of 20")
    assert any(text.startswith("Event logs name objects and not fields") for text in usage.blind_spots)
    assert any(text.startswith("Only event logs name Contact:") for text in usage.blind_spots)
    assert usage.observed_from is not None
