"""The workload as two users of the simulated sandbox, whose permissions differ or do not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness.org.connection import Connection
from tests.component.checks.conftest import Bench

AddAccount = Callable[..., str]

WORKLOAD = (
    "query: SELECT Id, Name, Owner.Name, (SELECT Id, LastName FROM Contacts) FROM Account ORDER BY Name",
    "describe: Account",
    'upsert: {object: Account, by: ERP_Key__c, rows: 250, fields: {ERP_Key__c: "A-{{row}}", Name: "{{company}}"}}',
    'insert: {object: Contact, rows: 3, fields: {LastName: "{{last_name}}", AccountId: {any: Account}}}',
    "update: {object: Contact, rows: 2, fields: {LastName: Updated}}",
    "delete: {object: Contact, rows: 3}",
    'bulk: {operation: insert, object: Account, rows: 5, fields: {Name: "Bulk {{row}}"}}',
    "bulk: {operation: query, query: 'SELECT Id, Name FROM Account'}",
    "bulk: {operation: delete, object: Account, rows: 5}",
)


@pytest.fixture
def old(bench: Bench) -> Connection:
    """The admin is the old user here: it may do everything."""
    return bench.connect("source", "admin")


@pytest.fixture
def twin(bench: Bench) -> Connection:
    """A second connection as the target: what it answers is the same."""
    return bench.connect("source", "erp")


def test_the_same_rights_give_the_same_answers(bench: Bench, twin: Connection, add_account: AddAccount) -> None:
    add_account("Acme")
    comparisons = bench.run(*WORKLOAD, old=twin)
    assert [comparison.differences for comparison in comparisons] == [()] * len(WORKLOAD)
    query, describe, upsert, insert, update, delete, bulk_insert, bulk_query, bulk_delete = comparisons
    assert query.new.filled["Account.Owner.Name"] == 1
    assert "Account.ERP_Key__c: edit" in describe.new.fields
    assert (upsert.new.rows, insert.new.rows, update.new.rows, delete.new.rows) == (250, 3, 2, 3)
    assert bulk_insert.new.rows == 5
    assert bulk_query.new.rows == 1 + 250 + 2 * 5
    assert bulk_delete.new.rows == 5
    assert len(bench.org.rows("Account")) == 251
    assert bench.org.rows("Contact") == []


def test_every_lost_right_is_named(bench: Bench, old: Connection, add_account: AddAccount) -> None:
    add_account("Acme")
    add_account("Hidden", role="admin")
    bench.share("Account", "Private")
    bench.allow_field("Account.Secret__c")
    bench.allow_field("Account.ERP_Key__c", "Read")
    bench.allow("Account", "Read", "Create")
    bench.allow("Contact")
    query, secret, describe, insert, upsert, bulk = bench.run(
        "query: SELECT Id FROM Account",
        "query: SELECT Id, Secret__c FROM Account",
        "describe: Account",
        "insert: {object: Contact, fields: {LastName: x}}",
        "upsert: {object: Account, by: ERP_Key__c, rows: 2, fields: {ERP_Key__c: 'A-{{row}}', Name: x}}",
        "bulk: {operation: query, query: SELECT Id FROM Contact}",
        old=old,
    )
    assert query.differences == ("rows: old 2, new 1",)
    assert "sharing" in (query.remedy or "")
    assert secret.new.error_code == "INVALID_FIELD"
    assert "Account.Secret__c" in (secret.remedy or "")
    assert "object Account: the new user has lost edit" in describe.differences
    assert "object Account: the new user has lost delete" in describe.differences
    assert "field Account.Secret__c vanished for the new user" in describe.differences
    assert "field Account.ERP_Key__c: the new user has lost create" in describe.differences
    assert not [text for text in describe.differences if "Account.Name" in text]
    assert insert.new.error_code == "NOT_FOUND"
    assert upsert.new.failed_rows == 2
    assert upsert.differences
    assert not bulk.equal
    assert bulk.new.error_code == "INVALID_TYPE"


def test_what_the_new_user_has_more_is_a_difference_too(bench: Bench, add_account: AddAccount) -> None:
    add_account("Acme", role="admin")
    add_account("Mine")
    bench.share("Account", "Private")
    admin = bench.connect("target", "admin")
    narrow, bench.target = bench.target, admin
    query, describe = bench.run("query: SELECT Id FROM Account", "describe: Contact", old=narrow)
    assert query.differences == ("rows: old 1, new 2",)
    assert "can do more" in (query.remedy or "")
    assert describe.equal or "the new user has" in describe.differences[0]


def test_more_rows_than_a_page_holds_are_all_updated(bench: Bench, twin: Connection) -> None:
    insert, update = bench.run(
        "bulk: {operation: insert, object: Contact, rows: 1100, fields: {LastName: 'C {{row}}'}}",
        "update: {object: Contact, rows: 2100, fields: {LastName: Updated}}",
        old=twin,
    )
    assert insert.equal
    assert update.new.rows == 2100
