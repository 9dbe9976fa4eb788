"""A connection: requests, paging, renewal, writes in bulk."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from harness.errors import RequestRefused
from harness.org.secret import Secret
from harness.org.sign_in import Credential
from tests.unit.fake_org import USER_ID, Asked, Bench, FakeOrg, Told

EXPIRED = Told(401, [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}])
SOQL = "SELECT Id FROM Account"


def page(*names: str, more: str | None = None) -> dict[str, Any]:
    records = [{"attributes": {"type": "Account", "url": "/x"}, "Name": name} for name in names]
    found = {"totalSize": 3, "done": more is None, "records": records}
    return found if more is None else {**found, "nextRecordsUrl": more}


def test_all_pages_without_attributes(bench: Bench) -> None:
    bench.org.on("GET", r".*/query/\?q=.*", Told(200, page("a", "b", more="/services/data/v67.0/query/0r8-2000")))
    bench.org.on("GET", ".*/query/0r8-2000", Told(200, page("c")))
    assert bench.connection.query(SOQL) == [{"Name": "a"}, {"Name": "b"}, {"Name": "c"}]


def test_parents_and_all_children_come_without_attributes(bench: Bench) -> None:
    children = page("child 1", more="/services/data/v67.0/query/0r8-child")
    row = {
        "attributes": {"type": "Account"},
        "Owner": {"attributes": {"type": "User"}, "Name": "Ada"},
        "Contacts": children,
        "Cases": None,
    }
    bench.org.on("GET", r".*/query/\?q=.*", Told(200, {"totalSize": 1, "done": True, "records": [row]}))
    bench.org.on("GET", ".*/query/0r8-child", Told(200, page("child 2")))
    (found,) = bench.connection.query(SOQL)
    assert found["Owner"] == {"Name": "Ada"}
    assert found["Contacts"]["records"] == [{"Name": "child 1"}, {"Name": "child 2"}]
    assert found["Cases"] is None


def test_a_refused_query_keeps_the_words_of_the_org(bench: Bench) -> None:
    words = "sObject type 'Employee__c' is not supported."
    bench.org.on("GET", ".*", Told(400, [{"message": words, "errorCode": "INVALID_TYPE"}]))
    with pytest.raises(RequestRefused) as caught:
        bench.connection.query("SELECT Id FROM Employee__c")
    assert (caught.value.code, caught.value.description, caught.value.status) == ("INVALID_TYPE", words, 400)
    assert caught.value.asked == "SELECT Id FROM Employee__c"
    reply = bench.connection.try_query("SELECT Id FROM Employee__c")
    assert not reply.ok
    assert reply.errors[0].code == "INVALID_TYPE"


def test_a_query_too_long_for_a_url_goes_as_a_subrequest(bench: Bench) -> None:
    soql = f"SELECT Id FROM Account WHERE Name IN ({', '.join(repr(f'Name {n}') for n in range(1200))})"
    inner = {"httpStatusCode": 200, "referenceId": "r0", "body": page("a"), "httpHeaders": {}}
    bench.org.on("POST", ".*/composite", Told(200, {"compositeResponse": [inner]}))
    assert bench.connection.query(soql) == [{"Name": "a"}]
    sent = bench.org.asked[-1].json["compositeRequest"][0]
    assert sent["method"] == "GET"
    assert sent["url"].startswith("/services/data/v67.0/query?q=SELECT")
    assert parse_qs(urlsplit(sent["url"]).query)["q"] == [soql]


def test_a_tooling_query(bench: Bench) -> None:
    bench.org.on("GET", r".*/tooling/query\?q=.*", Told(200, {**page("a"), "size": 1, "entityTypeName": None}))
    assert bench.connection.tooling_query(SOQL) == [{"Name": "a"}]


def test_an_expired_session_is_renewed_once(bench: Bench) -> None:
    def answer(asked: Asked) -> Told:
        fresh = asked.headers["authorization"] == f"Bearer {bench.org.tokens[-1]}" and len(bench.org.tokens) == 2
        return Told(200, page("a")) if fresh else EXPIRED

    bench.org.on("GET", ".*", answer)
    assert bench.connection.query(SOQL) == [{"Name": "a"}]
    assert bench.connection.query(SOQL) == [{"Name": "a"}]
    assert bench.org.paths().count("POST /services/oauth2/token") == 2


@pytest.mark.parametrize("body", [EXPIRED.body, {"error": "x"}, "Unauthorized"])
def test_a_token_that_is_refused_again_is_an_answer(bench: Bench, body: Any) -> None:
    bench.org.on("GET", ".*", Told(401, body))
    reply = bench.connection.try_query(SOQL)
    assert reply.status == 401
    assert reply.errors
    assert len(bench.org.asked) == (4 if body == EXPIRED.body else 2)


def test_a_renewal_that_is_refused_is_part_of_the_answer_and_nothing_happened(bench: Bench) -> None:
    bench.org.on("GET", ".*", EXPIRED)
    refusal = Told(400, {"error": "invalid_grant", "error_description": "inactive user"})
    bench.org.on("POST", "/services/oauth2/token", refusal)
    reply = bench.connection.try_query(SOQL)
    assert [str(error) for error in reply.errors] == [
        "INVALID_SESSION_ID: Session expired or invalid; signing in again: invalid_grant: inactive user"
    ]
    bench.org.on("POST", ".*/sobjects/Account", EXPIRED)
    with bench.writing():
        assert bench.connection.create("Account", {}).certainty == "NOT_APPLIED"


def test_a_given_token_is_not_renewed(fake_org: FakeOrg) -> None:
    own = {"user_id": "005000000000001", "organization_id": fake_org.site.org_id}
    fake_org.on("GET", ".*", EXPIRED)
    fake_org.on("GET", "/services/oauth2/userinfo", Told(200, own))
    bench = Bench.of(fake_org, Credential("access-token", "a@b", None, {"access_token": Secret("given")}))
    assert bench.connection.user_id == USER_ID
    assert bench.connection.try_query(SOQL).status == 401
    assert len(fake_org.asked) == 2
    bench.close()


def test_simple_salesforce_cannot_sign_in_by_itself(bench: Bench) -> None:
    bench.org.on("GET", ".*", EXPIRED)
    with pytest.raises(Exception, match=r"INVALID_SESSION_ID|can not refreshed"):
        bench.connection._sf.Account.describe()
    assert bench.org.paths().count("POST /services/oauth2/token") == 1


def test_describes_come_in_batches_and_reduced(bench: Bench) -> None:
    def answer(asked: Asked) -> Told:
        return Told(200, {"compositeResponse": [described(each["url"]) for each in asked.json["compositeRequest"]]})

    def described(url: str) -> dict[str, Any]:
        name = url.split("/")[-2]
        if name == "Hidden__c":
            missing = [{"errorCode": "NOT_FOUND", "message": "The requested resource does not exist"}]
            return {"httpStatusCode": 404, "body": missing}
        fields = [{"name": "Id", "type": "id", "picklistValues": [{"value": "x", "label": "X"}], "length": 3}]
        return {"httpStatusCode": 200, "body": {"name": name, "keyPrefix": "001", "fields": fields, "urls": {"x": "y"}}}

    bench.org.on("POST", ".*/composite", answer)
    found = bench.connection.describe_many(["Hidden__c", *(f"Object{n}__c" for n in range(29))])
    assert len(found) == 29
    assert "Hidden__c" not in found
    assert [(each["name"], each["type"], each["updateable"]) for each in found["Object0__c"]["fields"]] == [
        ("Id", "id", False)
    ]
    assert found["Object0__c"]["fields"][0]["picklistValues"] == [{"value": "x", "active": True, "defaultValue": False}]
    assert "length" not in found["Object0__c"]["fields"][0]
    assert "urls" not in found["Object0__c"]
    assert bench.org.paths()[1:] == ["POST /services/data/v67.0/composite"] * 2


def test_all_objects(bench: Bench) -> None:
    listed = {"encoding": "UTF-8", "sobjects": [{"name": "Account", "keyPrefix": "001", "searchable": True}]}
    bench.org.on("GET", ".*/sobjects", Told(200, listed))
    rights = {"createable": False, "updateable": False, "deletable": False}
    assert bench.connection.describe_global() == [{"name": "Account", "label": "", "keyPrefix": "001", **rights}]


def test_single_writes(bench: Bench) -> None:
    created = {"id": "001A", "success": True, "errors": []}
    bench.org.on("POST", ".*/sobjects/Account", Told(201, created))
    bench.org.on("PATCH", ".*/sobjects/Account/001A", Told(204))
    bench.org.on("DELETE", ".*/sobjects/Account/001A", Told(204))
    bench.org.on("PATCH", ".*/sobjects/Account/Key__c/a%2Fb%20c", Told(201, {**created, "created": True}))
    with bench.writing():
        answers = [
            bench.connection.create("Account", {"Name": "x"}),
            bench.connection.update("Account", "001A", {"Name": "y"}),
            bench.connection.delete("Account", "001A"),
            bench.connection.upsert("Account", "Key__c", "a/b c", {"Key__c": "a/b c", "Name": "z"}),
        ]
    assert [(each.certainty, each.status, each.id) for each in answers] == [
        ("APPLIED", 201, "001A"),
        ("APPLIED", 204, "001A"),
        ("APPLIED", 204, "001A"),
        ("APPLIED", 201, "001A"),
    ]
    assert answers[3].created is True
    assert bench.org.asked[-1].json == {"Name": "z"}


def collections(fail_from: int | None = None) -> Any:
    """Answers every collection; from the given call on hangs up."""
    calls = 0

    def answer(asked: Asked) -> Told:
        nonlocal calls
        calls += 1
        if fail_from is not None and calls >= fail_from:
            return Told(200, hang_up=True)
        return Told(200, {"compositeResponse": [one(each) for each in asked.json["compositeRequest"]]})

    def one(request: dict[str, Any]) -> dict[str, Any]:
        if request["method"] == "DELETE":
            names = parse_qs(urlsplit(request["url"]).query)["ids"][0].split(",")
        else:
            names = [record.get("Name") or record["id"] for record in request["body"]["records"]]
        rows = [{"id": name, "success": True, "errors": []} for name in names]
        return {"httpStatusCode": 200, "body": rows, "referenceId": request["referenceId"]}

    return answer


def test_rows_are_written_a_thousand_a_call_in_order(bench: Bench) -> None:
    bench.org.on("POST", ".*/composite", collections())
    before = bench.transport.meter.calls
    with bench.writing():
        answers = bench.connection.create_many("Account", [{"Name": f"n{n}"} for n in range(2100)])
        assert bench.transport.meter.calls - before == 3
        assert [each.id for each in answers] == [f"n{n}" for n in range(2100)]
        sent = bench.org.asked[1].json["compositeRequest"]
        assert [len(each["body"]["records"]) for each in sent] == [200] * 5
        assert sent[0]["body"]["records"][0] == {"attributes": {"type": "Account"}, "Name": "n0"}
        updated = bench.connection.update_many("Account", [{"Id": "001A", "Phone": "1"}])
        assert bench.org.asked[-1].json["compositeRequest"][0]["body"]["records"] == [
            {"attributes": {"type": "Account"}, "id": "001A", "Phone": "1"}
        ]
        deleted = bench.connection.delete_many([f"001{n}" for n in range(201)])
    assert updated[0].ok
    assert [each.id for each in deleted] == [f"001{n}" for n in range(201)]
    assert bench.connection.create_many("Account", []) == []


def test_rows_fail_one_by_one(bench: Bench) -> None:
    refused = {"statusCode": "DUPLICATE_VALUE", "message": "duplicate value found", "fields": ["Key__c"]}
    strange = {"statusCode": "UNKNOWN_EXCEPTION", "message": "An unexpected error occurred", "fields": []}
    rows = [
        {"id": "1", "success": True, "errors": []},
        {"success": False, "errors": [refused]},
        {"success": False, "errors": [strange]},
    ]
    inner = {"httpStatusCode": 200, "body": rows, "referenceId": "r0"}
    bench.org.on("POST", ".*/composite", Told(200, {"compositeResponse": [inner]}))
    with bench.writing():
        answers = bench.connection.create_many("Account", [{}, {}, {}])
    assert [each.certainty for each in answers] == ["APPLIED", "NOT_APPLIED", "UNKNOWN"]
    assert answers[1].errors[0].fields == ("Key__c",)


def test_after_a_lost_call_the_rest_is_not_sent(bench: Bench) -> None:
    bench.org.on("POST", ".*/composite", collections(fail_from=2))
    with bench.writing():
        answers = bench.connection.create_many("Account", [{"Name": f"n{n}"} for n in range(2500)])
    certainties = [each.certainty for each in answers]
    assert certainties == ["APPLIED"] * 1000 + ["UNKNOWN"] * 1000 + ["NOT_APPLIED"] * 500
    assert answers[-1].errors[0].code == "NOT_SENT"
    assert len(bench.org.asked) == 3


def test_a_composite_keeps_order_and_names_and_is_refused_as_a_whole(bench: Bench) -> None:
    inner = [{"httpStatusCode": 204, "body": None}, {"httpStatusCode": 400, "body": [{"errorCode": "INVALID_TYPE"}]}]
    bench.org.on("POST", ".*/composite", Told(200, {"compositeResponse": inner}))
    asked = [
        {"method": "PATCH", "url": "sobjects/Account/1", "body": {}, "referenceId": "mine"},
        {"method": "GET", "url": "/services/data/v67.0/query?q=x"},
    ]
    with bench.writing():
        first, second = bench.connection.composite(asked, all_or_none=True)
    assert (first.ok, second.errors[0].code) == (True, "INVALID_TYPE")
    sent = bench.org.asked[-1].json
    assert sent["allOrNone"] is True
    assert [each["referenceId"] for each in sent["compositeRequest"]] == ["mine", "r1"]
    assert sent["compositeRequest"][0]["url"] == "/services/data/v67.0/sobjects/Account/1"
    bench.org.on("POST", ".*/composite", Told(400, [{"errorCode": "JSON_PARSER_ERROR", "message": "no"}]))
    assert [each.status for each in bench.connection.composite(asked[1:] * 3, all_or_none=False)] == [400] * 3
    with pytest.raises(ValueError, match="25 subrequests"):
        bench.connection.composite(asked * 13, all_or_none=False)


def test_apex_rest_and_absolute_paths(bench: Bench) -> None:
    bench.org.on("GET", "/services/apexrest/orders/v1", Told(200, {"open": 3}))
    bench.org.on("POST", "/services/apexrest/orders/v1", lambda asked: Told(200, {"got": asked.json}))
    bench.org.on("GET", "/services/data", Told(200, [{"version": "67.0"}]))
    with bench.writing():  # a GET runs the org's own code, too
        assert bench.connection.apex_rest("GET", "/orders/v1").body == {"open": 3}
        assert bench.connection.apex_rest("POST", "/orders/v1", {"a": 1}).body == {"got": {"a": 1}}
        assert bench.connection.apex_rest("GET", "/none").errors[0].code == "NOT_FOUND"
    assert bench.connection.request("GET", "/services/data").body == [{"version": "67.0"}]


@pytest.mark.parametrize(
    ("told", "allowed"),
    [
        (Told(302, None, {"Location": "/lightning/page/home"}), True),
        (Told(200, "<script>window.location.replace('/home')</script>"), True),
        (Told(200, "<h1>Access Restricted for API Only Users</h1>"), False),
        (Told(302, None, {"Location": "/?ec=302&startURL=%2F"}), False),
        (Told(403, "<h1>no</h1>"), False),
    ],
)
def test_the_front_door(bench: Bench, told: Told, allowed: bool) -> None:
    bench.org.on("POST", "/secur/frontdoor.jsp", told)
    reply = bench.connection.user_interface_allowed()
    assert reply.ok is allowed
    assert bool(reply.errors) is not allowed
    assert bench.org.asked[-1].form["sid"] == bench.org.tokens[-1]


def test_the_session_id_is_nowhere_in_a_repr(bench: Bench) -> None:
    shown = repr(vars(bench.connection))
    assert bench.org.tokens[0] not in shown
    assert json.dumps(bench.org.paths()).count(bench.org.tokens[0]) == 0
