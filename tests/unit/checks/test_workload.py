"""The workload as one user, and two users' answers beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from harness.checks.accepted import Agreed
from harness.checks.results import NO_RECORD, Answered, Comparison
from harness.checks.workload import Workload, compare
from harness.org.reply import Answer, ApiError, BulkResult, Reply
from tests.unit.checks.fake import FakeConnection, described, no, operations, rows, values


def run(item: str, answers: dict[str, Reply] | None = None, *, who: FakeConnection | None = None) -> Answered:
    return Workload(values()).run(operations(item)[0], (who or FakeConnection("target", answers)).real(), round="one")


def answer(who: str, **parts: Any) -> Answered:
    return Answered(username=f"{who}@acme.example", **parts)


def compared(
    item: str, old: dict[str, Any] | None, new: dict[str, Any], agreed: Sequence[Agreed] = (), **more: Any
) -> Comparison:
    before = None if old is None else answer("old", **old)
    return compare(operations(item)[0], before, answer("new", **new), agreed=agreed, **more)


QUERY = "query: SELECT Id FROM Account"
SOQL = "SELECT Id FROM Account"


def test_a_query_counts_rows_and_the_fields_that_came_back() -> None:
    one = {"Id": "1", "Name": "Acme", "Owner": {"Name": "Ada"}, "Phone": None}
    two = {
        "Id": "2",
        "Name": None,
        "Owner": None,
        "Phone": None,
        "Contacts": {"totalSize": 2, "records": [{"Email": "a@b"}, {"Email": None}]},
    }
    answered = run(QUERY, {SOQL: rows(one, two)})
    assert answered.rows == 2
    assert answered.filled == {
        "Account.Contacts.Email": 1,
        "Account.Id": 2,
        "Account.Name": 1,
        "Account.Owner": 0,
        "Account.Owner.Name": 1,
        "Account.Phone": 0,
    }
    assert answered.fields == tuple(answered.filled)
    assert answered.username == "target@acme.example"


def test_a_refused_query_is_an_answer() -> None:
    answered = run(QUERY, {SOQL: no("INVALID_TYPE", "\nnot supported")})
    assert (answered.error_code, answered.message, answered.rows) == ("INVALID_TYPE", "not supported", None)


def test_a_describe_shows_fields_and_what_may_be_done_with_them() -> None:
    answered = run("describe: Account", {"describe Account": described(Name="edit", Total__c="read")})
    assert answered.fields == (
        "Account: create",
        "Account: edit",
        "Account.Name",
        "Account.Name: create",
        "Account.Name: edit",
        "Account.Total__c",
    )
    assert run("describe: Account", {"describe Account": no("NOT_FOUND")}).error_code == "NOT_FOUND"


def test_inserted_rows_are_remembered_for_the_user_that_inserted_them() -> None:
    insert, delete, again = operations(
        'insert: {object: Order, rows: 3, fields: {Name: "{{row}}"}}',
        "delete: {object: Order, rows: 2}",
        "delete: {object: Order, rows: 2}",
    )
    workload = Workload(values())
    old, new = FakeConnection("source"), FakeConnection("target")
    assert workload.run(insert, old.real(), round="one").rows == 3
    assert old.sent == [{"Name": 1}, {"Name": 2}, {"Name": 3}]
    assert workload.run(delete, new.real(), round="one").error_code == NO_RECORD
    assert workload.left == {"Order": 3}
    assert workload.run(delete, old.real(), round="one").rows == 2
    assert old.sent[3:] == ["source-1", "source-2"]
    assert workload.run(again, old.real(), round="one").rows == 1
    assert workload.left == {}
    assert workload.run(again, old.real(), round="one").error_code == NO_RECORD


def test_rows_that_fail_are_counted_and_the_first_error_is_told() -> None:
    connection = FakeConnection()
    connection.written = lambda given: [
        Answer("APPLIED", 201, "1"),
        Answer("NOT_APPLIED", 400, errors=(ApiError("REQUIRED_FIELD_MISSING", "Required fields are missing: [Name]"),)),
        Answer("UNKNOWN", 500),
    ][: len(given)]
    answered = run("insert: {object: Order, rows: 3, fields: {Name: x}}", who=connection)
    assert (answered.rows, answered.failed_rows, answered.error_code) == (1, 2, "REQUIRED_FIELD_MISSING")
    assert answered.message == "Required fields are missing: [Name]"
    connection.written = lambda _: [Answer("UNKNOWN", 500)]
    assert run("insert: {object: Order, fields: {Name: x}}", who=connection).error_code == "UNKNOWN"


def test_an_update_takes_the_first_rows_that_meet_the_condition() -> None:
    soql = "SELECT Id FROM Order WHERE Status = 'Draft' ORDER BY Id LIMIT 5"
    item = "update: {object: Order, where: Status = 'Draft', rows: 5, fields: {Name: '{{row}}'}}"
    connection = FakeConnection("target", {soql: rows({"Id": "801"}, {"Id": "802"})})
    assert run(item, who=connection).rows == 2
    assert connection.sent == [{"Id": "801", "Name": 1}, {"Id": "802", "Name": 2}]
    none = run(item, {soql: rows()})
    assert (none.error_code, none.message) == (NO_RECORD, "target@acme.example sees no Order with Status = 'Draft'")
    refused = run(item, {soql: no("INVALID_TYPE")})
    assert refused.error_code == NO_RECORD
    assert "INVALID_TYPE" in (refused.message or "")


def test_an_upsert_goes_in_collections_of_200_five_in_a_call() -> None:
    url = "PATCH composite/sobjects/Account/Key__c"
    created = [{"id": "1", "success": True, "created": True, "errors": []}] * 150
    updated = [{"id": "1", "success": True, "created": False, "errors": []}] * 49
    failed = [
        {"success": False, "errors": [{"statusCode": "INVALID_FIELD", "message": "No such column", "fields": []}]}
    ]
    connection = FakeConnection("target", {url: Reply(200, [*created, *updated, *failed])})
    workload = Workload(values())
    spec = operations('upsert: {object: Account, by: Key__c, rows: 1200, fields: {Key__c: "A-{{row}}"}}')[0]
    answered = workload.run(spec, connection.real(), round="one")
    assert (answered.rows, answered.failed_rows, answered.error_code) == (6 * 199, 6, "INVALID_FIELD")
    assert [len(each["body"]["records"]) for each in connection.sent] == [200] * 6
    assert connection.sent[0]["body"]["records"][0] == {"attributes": {"type": "Account"}, "Key__c": "A-1"}
    assert workload.left == {"Account": 900}
    connection.answers[url] = no("NOT_FOUND", status=404)
    assert workload.run(spec, connection.real(), round="two").failed_rows == 1200


def test_bulk_jobs() -> None:
    connection = FakeConnection()
    connection.bulk = BulkResult(
        "750", "JobComplete", processed=2, rows=[{"Id": "1", "Name": ""}, {"Id": "2", "Name": "x"}]
    )
    answered = run("bulk: {operation: query, query: SELECT Id FROM Account}", who=connection)
    assert (answered.rows, answered.filled) == (2, {"Account.Id": 2, "Account.Name": 1})

    connection.bulk = BulkResult(
        "750", "JobComplete", processed=3, failed=1, rows=[{"sf__Id": "9", "sf__Created": "true"}] * 2,
        errors=("INVALID_FIELD_FOR_INSERT_UPDATE:Unable to create: Name:--",),
    )  # fmt: skip
    workload = Workload(values())
    insert, delete = operations(
        "bulk: {operation: insert, object: Order, rows: 3, fields: {Name: x}}",
        "bulk: {operation: delete, object: Order}",
    )
    answered = workload.run(insert, connection.real(), round="one")
    assert (answered.rows, answered.failed_rows) == (2, 1)
    assert (answered.error_code, answered.message) == ("INVALID_FIELD_FOR_INSERT_UPDATE", "Unable to create: Name:--")
    assert connection.asked[-1] == "bulk insert 3 Order by None"
    assert workload.left == {"Order": 2}
    connection.bulk = BulkResult("750", "JobComplete", processed=1, rows=[{"sf__Id": "9"}])
    connection.sent.clear()
    assert workload.run(delete, connection.real(), round="one").rows == 1
    assert connection.sent == [{"Id": "9"}]
    assert workload.left == {"Order": 1}


def test_bulk_jobs_that_find_write_or_fail_as_a_whole() -> None:
    found = {"SELECT Id FROM Order ORDER BY Id LIMIT 2": rows({"Id": "801"}, {"Id": "802"})}
    connection = FakeConnection("target", found)
    run("bulk: {operation: update, object: Order, rows: 2, fields: {Name: x}}", who=connection)
    assert connection.sent == [{"Id": "801", "Name": "x"}, {"Id": "802", "Name": "x"}]
    run("bulk: {operation: upsert, object: Order, by: Key__c, fields: {Key__c: x}}", who=connection)
    assert connection.asked[-1] == "bulk upsert 1 Order by Key__c"
    connection.bulk = BulkResult("", "Failed", error=ApiError("API_CURRENTLY_DISABLED", "API is disabled"))
    assert (
        run("bulk: {operation: query, query: SELECT Id FROM Order}", who=connection).error_code
        == "API_CURRENTLY_DISABLED"
    )
    connection.bulk = BulkResult("750", "Aborted", unprocessed=4)
    aborted = run("bulk: {operation: insert, object: Order, rows: 4, fields: {Name: x}}", who=connection)
    assert (aborted.error_code, aborted.failed_rows) == ("Aborted", 4)


# --- two users --------------------------------------------------------------------------------------------------------


def test_equal_answers_are_equal() -> None:
    same = {"rows": 2, "fields": ("Account.Id",), "filled": {"Account.Id": 2}}
    comparison = compared(QUERY, same, same)
    assert comparison.equal
    assert (comparison.differences, comparison.remedy) == ((), None)
    assert (comparison.title, comparison.place) == ("query Account", "erp.scenario.yaml:9")


@pytest.mark.parametrize(
    ("old", "new", "difference", "remedy"),
    [
        ({"rows": 120}, {"rows": 87}, "rows: old 120, new 87", "sharing of Account"),
        ({"rows": 0}, {"rows": 3}, "rows: old 0, new 3", "can do more"),
        (
            {"rows": 2},
            {"error_code": "INVALID_TYPE", "message": "a\nsObject type 'Account' is not supported."},
            "the old user got 2 rows, the new user INVALID_TYPE: sObject type 'Account' is not supported.",
            "Read on Account",
        ),
        ({"error_code": "INVALID_TYPE"}, {}, "the old user got INVALID_TYPE, the new user an answer", "can do more"),
        (
            {"rows": 1, "fields": ("Account.Id", "Account.CreditLimit__c")},
            {"rows": 1, "fields": ("Account.Id",)},
            "field Account.CreditLimit__c vanished for the new user",
            "field-level security",
        ),
        (
            {"rows": 2, "fields": ("Account.Owner",), "filled": {"Account.Owner": 2}},
            {"rows": 2, "fields": ("Account.Owner",), "filled": {"Account.Owner": 0}},
            "field Account.Owner held a value in 2 rows for the old user, in 0 for the new user",
            "what these fields point to",
        ),
        (
            {"fields": ("Account.Name",)},
            {"fields": ("Account.Name", "Account.Secret__c", "Account.Secret__c: edit")},
            "field Account.Secret__c: the new user has read, the old one has not",
            "can do more",
        ),
    ],
)
def test_a_difference_is_a_sentence(old: dict[str, Any], new: dict[str, Any], difference: str, remedy: str) -> None:
    comparison = compared(QUERY, old, new)
    assert not comparison.equal
    assert comparison.differences == (difference,)
    assert remedy in (comparison.remedy or "")


def test_a_row_without_a_parent_is_no_difference() -> None:
    with_parent = {"rows": 3, "fields": ("Account.Id", "Account.Owner.Name")}
    some_without = {"rows": 3, "fields": ("Account.Id", "Account.Owner", "Account.Owner.Name")}
    none_with = {"rows": 3, "fields": ("Account.Id", "Account.Owner")}
    assert compared(QUERY, with_parent, some_without).equal
    assert compared(QUERY, some_without, with_parent).equal
    assert compared(QUERY, with_parent, none_with).differences == (
        "field Account.Owner.Name vanished for the new user",
    )
    assert compared(QUERY, none_with, with_parent).differences == (
        "field Account.Owner.Name: the new user has read, the old one has not",
    )


def test_a_right_lost_on_the_object_is_told_once() -> None:
    name = ("Account.Name", "Account.Name: create", "Account.Name: edit")
    comparison = compared(
        "describe: Account",
        {"fields": ("Account: create", "Account: edit", *name, "Account.Code__c", "Account.Code__c: edit")},
        {"fields": ("Account: edit", "Account.Name", "Account.Name: edit", "Account.Code__c")},
    )
    assert comparison.differences == (
        "object Account: the new user has lost create",
        "field Account.Code__c: the new user has lost edit",
    )


def test_what_is_agreed_to_is_told_with_its_place_and_does_not_make_the_answers_unequal() -> None:
    old = {"fields": ("Account: delete", "Account.A__c", "Account.A__c: edit", "Account.B__c", "Account.B__c: edit")}
    new = {"fields": ("Account.B__c",)}
    agreed = (
        Agreed("field", "Account.A__c", (), "erp.yaml:1"),
        Agreed("field", "Account.B__c", ("edit",), "erp.yaml:2"),
        Agreed("object", "Account", ("delete",), "erp.yaml:3"),
    )
    comparison = compared("describe: Account", old, new, agreed)
    assert comparison.equal
    assert comparison.differences == (
        "object Account: the new user has lost delete, as erp.yaml:3 accepts",
        "field Account.A__c vanished for the new user, as erp.yaml:1 accepts",
        "field Account.B__c: the new user has lost edit, as erp.yaml:2 accepts",
    )
    assert not compared("describe: Account", old, new, agreed[1:]).equal
    assert not compared("describe: Account", old, new, agreed[:2]).equal


@pytest.mark.parametrize(
    ("again", "new", "differences"),
    [
        (10, 10, ()),
        (12, 13, ()),
        (12, 8, ()),
        (12, 7, ("rows: old 10, new 7",)),
        (10, 9, ("rows: old 10, new 9",)),
        (10, 11, ("rows: old 10, new 11",)),
    ],
)
def test_a_count_that_drifts_is_noise_and_one_beyond_the_drift_is_not(
    again: int, new: int, differences: tuple[str, ...]
) -> None:
    comparison = compared(QUERY, {"rows": 10}, {"rows": new}, again=answer("old", rows=again))
    assert comparison.differences == differences
    assert comparison.noise == (() if again == 10 else (f"rows: old 10, again {again}",))


def test_rows_that_the_workload_itself_made_since_are_no_difference() -> None:
    assert compared(QUERY, {"rows": 10}, {"rows": 14}, made_since=4).equal
    assert not compared(QUERY, {"rows": 10}, {"rows": 15}, made_since=4).equal
    assert not compared(QUERY, {"rows": 10}, {"rows": 9}, made_since=4).equal


def test_what_a_created_row_is_given_is_compared_and_generated_values_are_noise() -> None:
    insert = "insert: {object: Order, fields: {Name: x}}"
    old = {"rows": 1, "created": {"RecordTypeId": "Wholesale", "Number": "1", "OwnerId": "the user itself"}}
    again = answer("old", rows=1, created={"RecordTypeId": "Wholesale", "Number": "2", "OwnerId": "the user itself"})
    new = {"rows": 1, "created": {"RecordTypeId": "Retail", "Number": "3", "OwnerId": "005"}}
    comparison = compared(insert, old, new, again=again)
    assert comparison.differences == (
        "RecordTypeId of a created row: Wholesale for the old user, Retail for the new user",
        "OwnerId of a created row: the user itself for the old user, 005 for the new user",
    )
    assert comparison.noise == ("Number of a created row: 1 for the old user, 2 for the old user's second time",)
    assert "record type defaults" in (comparison.remedy or "")


def test_what_comes_with_an_agreed_default_record_type_is_agreed_too_but_for_the_owner() -> None:
    insert = "insert: {object: Order, fields: {Name: x}}"
    old = {"rows": 1, "created": {"RecordTypeId": "Wholesale", "Status": "Open", "OwnerId": "the user itself"}}
    new = {"rows": 1, "created": {"RecordTypeId": "Master", "Status": "New", "OwnerId": "the user itself"}}
    agreed = (Agreed("default-record-type", "Order", (), "erp.yaml:9"),)
    comparison = compared(insert, old, new, agreed)
    assert comparison.equal
    assert all(text.endswith("as erp.yaml:9 accepts") for text in comparison.differences)
    assert not compared(insert, old, {**new, "created": {**new["created"], "OwnerId": "005"}}, agreed).equal
    assert not compared(insert, old, {**new, "created": {**old["created"], "Status": "New"}}, agreed).equal


def test_a_refusal_that_the_old_user_met_the_second_time_still_proves_nothing() -> None:
    refused = {"error_code": "DUPLICATE_VALUE", "rows": 0, "failed_rows": 1}
    insert = "insert: {object: Order, fields: {Name: x}}"
    comparison = compared(insert, {"rows": 1}, refused, again=answer("old", **refused))
    assert not comparison.equal
    assert "unique" in (comparison.remedy or "")
    assert compared(QUERY, {"error_code": "UNABLE_TO_LOCK_ROW"}, {"rows": 1}, again=answer("old", rows=1)).equal


def test_a_created_row_is_read_back_as_the_user_that_created_it() -> None:
    fields = [
        {"name": name, "createable": name != "CreatedDate"}
        for name in ("Id", "Name", "OwnerId", "RecordTypeId", "Status", "CreatedDate", "Empty")
    ]
    described = {
        "fields": fields,
        "recordTypeInfos": [{"recordTypeId": "012", "developerName": "Wholesale"}],
    }
    row = {"Name": "x", "OwnerId": "005-target", "RecordTypeId": "012", "Status": "Draft", "CreatedDate": "now"}
    answers = {
        "describe Order": Reply(200, described),
        "GET sobjects/Order/target-0": Reply(200, {**row, "Empty": None}),
    }
    answered = run("insert: {object: Order, fields: {name: x}}", answers)
    assert answered.created == {"OwnerId": "the user itself", "RecordTypeId": "Wholesale", "Status": "Draft"}
    assert answered.made == 1


def test_what_neither_user_could_do_is_not_equal() -> None:
    answer = {"error_code": NO_RECORD, "message": "new@acme.example sees no Order"}
    comparison = compared("delete: {object: Order}", answer, answer)
    assert not comparison.equal
    assert comparison.differences == ("both users got NO_RECORD: new@acme.example sees no Order",)
    assert "insert Order rows" in (comparison.remedy or "")
    refused = compared(QUERY, {"error_code": "MALFORMED_QUERY"}, {"error_code": "MALFORMED_QUERY"})
    assert refused.differences == ("both users got MALFORMED_QUERY",)
    assert refused.remedy == "correct the query in the scenario"
    partly = {"rows": 5, "error_code": "INVALID_FIELD"}
    failed = compared(QUERY, {**partly, "failed_rows": 1}, {**partly, "failed_rows": 2})
    assert failed.differences == ("both users got INVALID_FIELD, for some rows", "failed rows: old 1, new 2")


def test_the_new_user_alone_must_succeed() -> None:
    assert compared(QUERY, None, {"rows": 2}).equal
    failed = compared(
        QUERY, None, {"error_code": "INVALID_FIELD", "message": "No such column 'x' on entity 'Account'."}
    )
    assert failed.differences == ("the new user got INVALID_FIELD: No such column 'x' on entity 'Account'.",)
    assert "Account.x" in (failed.remedy or "")
