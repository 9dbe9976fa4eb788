"""What checks and operations are called, and where they stand."""

from __future__ import annotations

import pytest

from harness.checks.soql import from_object, select
from harness.checks.spec import check_specs, operation_specs
from tests.unit.checks.fake import scenario


def test_checks_have_readable_unique_ids_in_the_order_written() -> None:
    file = scenario(
        grants="""\
- query: SELECT Id FROM Account
- query: SELECT Name FROM Account
- insert: {object: Order, fields: {Status: Draft}}
- update: {object: Order, fields: {Status: Draft}}
- upsert: {object: Order, by: Key__c, fields: {Key__c: a}}
- delete: {object: Order}
- describe: Account
- field: {name: Account.ERP_Key__c, access: edit}
- apex: {path: /orders, method: POST}
- sign_in: client-credentials
""",
        denials="""\
- query: SELECT Id FROM Employee__c
  error: INVALID_TYPE
- query: SELECT Name FROM Employee__c
  error: INVALID_TYPE
- field: {name: Account.CreditLimit__c, access: read}
- field: {name: Account.CreditLimit__c, access: edit}
  error: INVALID_FIELD
- sign_in: ui
""",
    )
    specs = check_specs(file)
    assert [spec.id for spec in specs] == [
        "grants[query Account]",
        "grants[query Account #2]",
        "grants[insert Order]",
        "grants[update Order]",
        "grants[upsert Order]",
        "grants[delete Order]",
        "grants[describe Account]",
        "grants[field Account.ERP_Key__c: edit]",
        "grants[apex POST /orders]",
        "grants[sign-in: client-credentials]",
        "denials[query Employee__c: INVALID_TYPE]",
        "denials[query Employee__c: INVALID_TYPE #2]",
        "denials[field Account.CreditLimit__c: read]",
        "denials[field Account.CreditLimit__c: edit, INVALID_FIELD]",
        "denials[sign-in: ui]",
    ]
    assert {spec.kind for spec in specs[:10]} == {"grant"}
    lines = [spec.place.line for spec in specs]
    assert lines == sorted(lines, key=lambda line: line or 0)
    assert specs[0].place == file.place("expect", "grants", 0)


def test_operations_are_counted_from_one() -> None:
    file = scenario(
        workload="""\
- query: SELECT Id FROM Account
- bulk: {operation: upsert, object: Order, by: Key__c, fields: {Key__c: "{{row}}"}}
- bulk: {operation: query, query: SELECT Id FROM Contact}
- describe: Account
"""
    )
    specs = operation_specs(file)
    assert [spec.id for spec in specs] == [
        "workload[1: query Account]",
        "workload[2: bulk upsert Order]",
        "workload[3: bulk query Contact]",
        "workload[4: describe Account]",
    ]
    assert [spec.index for spec in specs] == [0, 1, 2, 3]
    assert specs[1].place == file.place("workload", 1)


@pytest.mark.parametrize(
    ("soql", "sobject"),
    [
        ("SELECT Id FROM Account", "Account"),
        ("select Id, (SELECT Id FROM Contacts) from Account__c where Id IN (SELECT A FROM B)", "Account__c"),
        ("SELECT Id FROM Account WHERE Name = 'x FROM Trap ('", "Account"),
        ("SELECT Id FROM Account WHERE Name = 'it\\'s FROM Trap'", "Account"),
        ("SELECT\n  COUNT()\nFROM\n  Order", "Order"),
        ("SELECT (Id FROM", "?"),
        ("", "?"),
    ],
)
def test_the_object_of_a_query(soql: str, sobject: str) -> None:
    assert from_object(soql) == sobject


def test_a_query_is_put_together() -> None:
    assert select("Id", "Account", limit=1) == "SELECT Id FROM Account LIMIT 1"
    assert (
        select("Id", "Account", where="Name = 'x'", order="Id", limit=2)
        == "SELECT Id FROM Account WHERE Name = 'x' ORDER BY Id LIMIT 2"
    )
