"""Each kind of difference between two answers is told at its tier, and what differs by nature is none."""

from __future__ import annotations

from typing import Any
from unittest import mock

import pytest

from harness.recording.meaning import People, Tier, model
from harness.recording.meaning.questions import question_of
from tests.unit.recording.meaning.asked import (
    ADMIN,
    PEOPLE,
    TARGET,
    answer,
    ask,
    differences,
    query,
    refused,
    rows,
    told,
)

FIELD = {"Id": "1", "ParentId": "0PS1", "Field": "Account.Rating", "PermissionsRead": True, "PermissionsEdit": False}
OBJECT = {"Id": "1", "ParentId": "0PS1", "SobjectType": "Order", "PermissionsRead": True, "PermissionsCreate": False}
FIELDS = query("SELECT Id, ParentId, Field, PermissionsRead, PermissionsEdit FROM FieldPermissions", ADMIN)
OBJECTS = query("SELECT Id, ParentId, SobjectType, PermissionsRead, PermissionsCreate FROM ObjectPermissions", ADMIN)
ACCOUNTS = query("SELECT Id, Name FROM Account")
A, B, C = ({"Id": each, "Name": f"name of {each}"} for each in "abc")


def described(*fields: dict[str, Any], **rights: bool) -> dict[str, Any]:
    return answer({"name": "Order", "keyPrefix": "801", "label": "Order", "fields": list(fields), **rights})


DESCRIBE = ask("/sobjects/Order/describe")
NAME = {"name": "Name", "label": "Name", "type": "string"}


@pytest.mark.parametrize(
    ("request_", "recorded", "now", "expected"),
    [
        pytest.param(
            ACCOUNTS, refused("INVALID_TYPE"), rows("Account"), ["critical: what was refused is granted"], id="granted"
        ),
        pytest.param(
            ACCOUNTS, rows("Account"), refused("INVALID_TYPE"), ["error: what was granted is refused"], id="refused"
        ),
        pytest.param(
            query("SELECT Id, Name FROM Account", ADMIN),
            refused("INVALID_TYPE"),
            rows("Account"),
            ["information: what was refused is granted"],
            id="granted to the admin",
        ),
        pytest.param(
            ACCOUNTS,
            refused("INVALID_TYPE"),
            refused("INVALID_FIELD"),
            ["warning: refused with another error code"],
            id="another code",
        ),
        pytest.param(
            ACCOUNTS,
            refused("INVALID_TYPE", "a"),
            refused("INVALID_TYPE", "b"),
            ["information: INVALID_TYPE has another text"],
            id="another text",
        ),
        pytest.param(
            ACCOUNTS,
            rows("Account", A),
            refused("SERVER_UNAVAILABLE", status=503),
            ["warning: what was granted is refused"],
            id="no answer is no denial",
        ),
        pytest.param(
            ACCOUNTS,
            rows("Account", A, B),
            rows("Account", B),
            ["warning: 1 Account rows are gone: name of a"],
            id="fewer rows",
        ),
        pytest.param(
            ACCOUNTS,
            rows("Account", A),
            rows("Account", A, B),
            ["information: 1 more Account rows: name of b"],
            id="more rows",
        ),
        pytest.param(
            query("SELECT COUNT() FROM Account"),
            rows("Account", total=5),
            rows("Account", total=3),
            ["warning: 2 fewer rows"],
            id="a lower count",
        ),
        pytest.param(
            ACCOUNTS,
            rows("Account", A),
            rows("Account", {**A, "Name": "x"}),
            ["information: Account Name: another value, as of name of a"],
            id="another value",
        ),
        pytest.param(
            ask("/sobjects/Account/a"),
            answer({"attributes": {"type": "Account"}, **A}),
            answer({"attributes": {"type": "Account"}, "Id": "a", "Rating": None}),
            ["error: field Name of Account vanished", "information: field Rating of Account is new"],
            id="a field of a record",
        ),
        pytest.param(
            FIELDS,
            rows("FieldPermissions", FIELD),
            rows("FieldPermissions", {**FIELD, "PermissionsEdit": True}),
            ["critical: FieldPermissions Account.Rating: PermissionsEdit was given"],
            id="a field given",
        ),
        pytest.param(
            FIELDS,
            rows("FieldPermissions", FIELD),
            rows("FieldPermissions"),
            ["error: FieldPermissions Account.Rating (PermissionsRead) was taken away"],
            id="a field taken",
        ),
        pytest.param(
            FIELDS,
            rows("FieldPermissions"),
            rows("FieldPermissions", {**FIELD, "ParentId": "0QM1"}),
            ["error: FieldPermissions Account.Rating (PermissionsRead) was taken away"],
            id="a field muted",
        ),
        pytest.param(
            OBJECTS,
            rows("ObjectPermissions", OBJECT),
            rows("ObjectPermissions", {**OBJECT, "Id": "2", "PermissionsRead": False}),
            ["error: ObjectPermissions Order: PermissionsRead was taken away"],
            id="an object taken, in a row made anew",
        ),
        pytest.param(
            query("SELECT AssigneeId, PermissionSetId FROM PermissionSetAssignment", ADMIN),
            rows("PermissionSetAssignment"),
            rows(
                "PermissionSetAssignment",
                {"AssigneeId": "005", "PermissionSetId": "0PS1", "PermissionSet": {"Name": "Sales"}},
            ),
            ["critical: PermissionSetAssignment Sales was given"],
            id="a set assigned",
        ),
        pytest.param(
            query("SELECT DurableId, IsAccessible, IsUpdatable FROM UserFieldAccess", ADMIN),
            rows(
                "UserFieldAccess",
                {"DurableId": "Account.Rating.005Rh0000000004IAA", "IsAccessible": False, "IsUpdatable": False},
            ),
            rows(
                "UserFieldAccess",
                {"DurableId": "Account.Rating.005Rh0000000004IAA", "IsAccessible": True, "IsUpdatable": True},
            ),
            ["critical: UserFieldAccess Account.Rating: IsAccessible, IsUpdatable were given"],
            id="a field the user has now",
        ),
        pytest.param(
            query("SELECT PermissionsApiUserOnly, PermissionsViewSetup FROM UserPermissionAccess"),
            rows("UserPermissionAccess", {"PermissionsApiUserOnly": True, "PermissionsViewSetup": True}),
            rows("UserPermissionAccess", {"PermissionsApiUserOnly": False, "PermissionsViewSetup": False}),
            [
                "critical: UserPermissionAccess: PermissionsApiUserOnly was given",
                "error: UserPermissionAccess: PermissionsViewSetup was taken away",
            ],
            id="system permissions, one of which limits",
        ),
        pytest.param(
            query("SELECT UserId, IsFrozen FROM UserLogin", ADMIN),
            rows("UserLogin", {"UserId": "005", "IsFrozen": True}),
            rows("UserLogin", {"UserId": "005", "IsFrozen": False}),
            ["critical: UserLogin 005: IsFrozen was given"],
            id="a user thawed",
        ),
        pytest.param(
            query("SELECT Id, MaximumPermissionsEditTask FROM PermissionSetLicense", ADMIN),
            rows("PermissionSetLicense", {"Id": "0PL", "MaximumPermissionsEditTask": True}),
            rows("PermissionSetLicense", {"Id": "0PL", "MaximumPermissionsEditTask": False}),
            ["error: PermissionSetLicense 0PL: MaximumPermissionsEditTask was made impossible"],
            id="a ceiling",
        ),
        pytest.param(
            DESCRIBE,
            described(NAME, {"name": "Old"}),
            described({**NAME, "label": "Title"}, {"name": "New"}),
            [
                "error: field Order.Old vanished",
                "information: Order.Name: another label",
                "information: field Order.New is new",
            ],
            id="fields described",
        ),
        pytest.param(
            DESCRIBE,
            described(NAME, createable=True),
            described({**NAME, "updateable": True}),
            ["critical: Order.Name became updateable", "error: Order is no longer createable"],
            id="rights described",
        ),
        pytest.param(
            ask("/sobjects"),
            answer({"sobjects": [{"name": "Order"}, {"name": "Case"}]}),
            answer({"sobjects": [{"name": "Order", "deletable": True}, {"name": "Lead"}]}),
            ["critical: Order became deletable", "error: object Case vanished", "information: object Lead is new"],
            id="all objects",
        ),
        pytest.param(
            ask("/services/oauth2/token", method="POST", body="grant_type=password", url="https://x"),
            answer({"error": "invalid_grant", "error_description": "authentication failure"}, 400),
            answer({"access_token": "REDACTED"}),
            ["critical: what was refused is granted"],
            id="a sign-in",
        ),
        pytest.param(
            ask("/secur/frontdoor.jsp", method="POST", url="https://x"),
            answer("<h1>Access Restricted for API Only Users</h1>"),
            answer(status=302, location="/"),
            ["critical: what was refused is granted"],
            id="the front door",
        ),
        pytest.param(
            ask("/services/apexrest/orders", url="https://x"),
            answer({"service": "orders", "status": "up"}),
            answer({"service": "orders", "build": "7"}),
            ["error: status vanished", "information: build is new"],
            id="a service of the org's own",
        ),
        pytest.param(
            ask("/jobs/query/750"),
            answer({"id": "750", "state": "JobComplete", "numberRecordsProcessed": 9, "totalProcessingTime": 8}),
            answer({"id": "751", "state": "JobComplete", "numberRecordsProcessed": 7, "totalProcessingTime": 9}),
            ["warning: another numberRecordsProcessed"],
            id="a job that did less",
        ),
        pytest.param(
            ask("/jobs/query/750"),
            answer({"state": "JobComplete"}),
            answer({"state": "Failed", "errorMessage": "INVALID_FIELD"}),
            ["error: what was granted is refused"],
            id="a job that failed",
        ),
        pytest.param(
            ask("/jobs/query/750/results"),
            answer('"Id","Name"\n"a","x"\n"b","y"\n'),
            answer('"Id"\n"a"\n'),
            ["error: field Name vanished", "warning: 1 rows are gone: b"],
            id="the results of a job",
        ),
        pytest.param(
            ask("/jobs/ingest/750/failedResults"),
            answer('"sf__Id","sf__Error","Name"\n"","CANNOT_INSERT:x","y"\n'),
            answer('"sf__Id","sf__Error","Name"\n'),
            ["critical: 1 fewer rows fail"],
            id="rows that fail no longer",
        ),
    ],
)
def test_a_difference_is_told_at_its_tier(
    request_: Any, recorded: dict[str, Any], now: dict[str, Any], expected: list[str]
) -> None:
    assert told(request_, recorded, now) == expected
    assert told(request_, recorded, recorded) == []


@pytest.mark.parametrize(
    ("request_", "recorded", "now"),
    [
        pytest.param(ACCOUNTS, rows("Account", A, B), rows("Account", B, A), id="order that was not asked for"),
        pytest.param(
            query("SELECT Id, LastModifiedDate FROM Account"),
            rows("Account", {"Id": "a", "LastModifiedDate": "2026-01-05"}),
            rows("Account", {"Id": "a", "LastModifiedDate": "2026-02-05"}),
            id="when it was touched",
        ),
        pytest.param(
            query("SELECT Id FROM Order WHERE LastModifiedDate = LAST_N_DAYS:7"),
            rows("Order", A, B),
            rows("Order", C),
            id="rows asked for by the time",
        ),
        pytest.param(
            ask("/services/oauth2/token", method="POST", body="grant_type=password", url="https://x"),
            answer({"access_token": "REDACTED", "id": "https://x/id/1"}),
            answer({"access_token": "REDACTED", "id": "https://x/id/2"}),
            id="tokens",
        ),
        pytest.param(
            query("SELECT Id, Account.Name FROM Order"),
            rows("Order", {"Id": "a", "Account": {"Name": None}}),
            rows("Order", {"Id": "a", "Account": None}),
            id="a parent that is null",
        ),
    ],
)
def test_what_differs_by_nature_is_none(request_: Any, recorded: dict[str, Any], now: dict[str, Any]) -> None:
    assert told(request_, recorded, now) == []


def test_an_order_that_was_asked_for_counts() -> None:
    asked = query("SELECT Id FROM Account ORDER BY Name")
    assert told(asked, rows("Account", A, B), rows("Account", B, A)) == ["information: Account: another order"]


def test_a_limit_that_is_reached_hides_rows() -> None:
    asked = query("SELECT Id, Name FROM Account ORDER BY Id LIMIT 2")
    tiers = [drift.tier for drift in differences(asked, rows("Account", A, B), rows("Account", B, C))]
    assert tiers == [Tier.INFORMATION, Tier.INFORMATION]


def test_rows_of_the_recordings_own_run_may_be_gone() -> None:
    people = People(admin=ADMIN, own=frozenset({"a"}))
    assert told(ACCOUNTS, rows("Account", A, B), rows("Account", B), people) == []


def test_other_users_rights_are_information() -> None:
    asked = query("SELECT Id, AssigneeId FROM PermissionSetAssignment", ADMIN)
    given = rows("PermissionSetAssignment", {"Id": "0Pa1", "AssigneeId": "005other"})
    people = People(admin=ADMIN, integration=frozenset({"005target"}))
    assert [drift.tier for drift in differences(asked, rows("PermissionSetAssignment"), given, people)] == [
        "information"
    ]


def composite(*parts: dict[str, Any]) -> Any:
    return ask("/composite", method="POST", body={"allOrNone": True, "compositeRequest": list(parts)})


def parts(*found: tuple[int, Any]) -> dict[str, Any]:
    return answer(
        {
            "compositeResponse": [
                {"referenceId": f"r{number}", "httpStatusCode": status, "body": body}
                for number, (status, body) in enumerate(found)
            ]
        }
    )


HALTED = (400, [{"errorCode": "PROCESSING_HALTED", "message": "rolled back"}])
ON_PURPOSE = (400, [{"errorCode": "INVALID_TYPE", "message": "RehearsalRollsThisBack__c"}])
DENIED = (400, [{"errorCode": "INVALID_FIELD_FOR_INSERT_UPDATE", "message": "Rating"}])
PROBE = composite(
    {"referenceId": "r0", "method": "PATCH", "url": "/services/data/v67.0/sobjects/Account/1", "body": {"Rating": "A"}},
    {
        "referenceId": "r1",
        "method": "GET",
        "url": "/services/data/v67.0/query?q=SELECT+Id+FROM+RehearsalRollsThisBack__c",
    },
)


@pytest.mark.parametrize(
    ("recorded", "now", "expected"),
    [
        pytest.param((DENIED, HALTED), (HALTED, ON_PURPOSE), ["critical: what was refused is granted"], id="granted"),
        pytest.param((HALTED, ON_PURPOSE), (DENIED, HALTED), ["error: what was granted is refused"], id="refused"),
        pytest.param((HALTED, ON_PURPOSE), (HALTED, ON_PURPOSE), [], id="the same"),
    ],
)
def test_a_write_that_is_made_to_fail_is_judged_by_itself(recorded: Any, now: Any, expected: list[str]) -> None:
    assert told(PROBE, parts(*recorded), parts(*now)) == expected
    found = differences(PROBE, parts(*recorded), parts(*now))
    assert [drift.request for drift in found] == ["PATCH /sobjects/Account/1"] * len(expected)


def test_metadata_is_compared_right_by_right() -> None:
    asked = ask(
        "/services/Soap/m/67.0",
        method="POST",
        url="https://x",
        body=_soap("<readMetadata><type>Profile</type><fullNames>Min</fullNames></readMetadata>"),
        who=ADMIN,
    )
    recorded, now = (_profile(readable) for readable in ("true", "false"))
    text = "result.records[Min].fieldPermissions[Account.Rating].readable was taken away"
    assert told(asked, recorded, now) == [f"error: {text}"]
    found = differences(asked, now, recorded)[0]
    assert (found.tier, found.request, found.principal) == (Tier.CRITICAL, "readMetadata Profile Min", ADMIN)


def _profile(readable: str) -> dict[str, Any]:
    rights = f"<editable>false</editable><field>Account.Rating</field><readable>{readable}</readable>"
    records = f"<records><fullName>Min</fullName><fieldPermissions>{rights}</fieldPermissions></records>"
    return answer(_soap(f"<readMetadataResponse><result>{records}</result></readMetadataResponse>"))


def _soap(body: str) -> str:
    return f'<E:Envelope xmlns:E="http://schemas.xmlsoap.org/soap/envelope/"><E:Body>{body}</E:Body></E:Envelope>'


def test_a_soap_fault_is_a_refusal() -> None:
    asked = ask("/services/Soap/u/64.0", method="POST", url="https://x", body=_soap("<login/>"))
    fault = answer(
        _soap("<E:Fault><faultcode>sf:INVALID_LOGIN</faultcode><faultstring>no</faultstring></E:Fault>"), 500
    )
    granted = answer(_soap("<loginResponse><result><userId>005</userId></result></loginResponse>"))
    assert told(asked, granted, fault) == ["error: what was granted is refused"]
    assert told(asked, fault, granted) == ["critical: what was refused is granted"]


def test_a_drift_names_who_asked_what_and_what_was_said() -> None:
    found = differences(ACCOUNTS, rows("Account"), refused("INVALID_TYPE", "not supported"))[0]
    assert (found.principal, found.request) == (TARGET, "SELECT Id, Name FROM Account")
    assert (found.recorded, found.now) == ("granted", "INVALID_TYPE: not supported")


def test_a_long_query_is_one_short_line() -> None:
    columns = ", ".join(f"Permissions{number}" for number in range(400))
    line = question_of(query(f"SELECT {columns}\nFROM PermissionSet\nWHERE Id IN ('a', 'b')"), PEOPLE).line
    assert line.endswith("and 394 more FROM PermissionSet WHERE Id IN ('a', 'b')")


def test_these_tests_notice_a_blinded_comparison() -> None:
    with mock.patch.object(model.Question, "more", Tier.INFORMATION):
        assert told(ACCOUNTS, refused("INVALID_TYPE"), rows("Account")) != ["critical: what was refused is granted"]
