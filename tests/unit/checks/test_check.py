"""Checks: every kind, granted and refused, and told apart from what does not exist."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from harness.checks.check import grade_of
from harness.checks.probe import ROWS_AT_MOST
from harness.errors import OrgUnreachable, SignInRefused
from harness.org.reply import ApiError, Reply
from harness.scenario.model import ROWS_OF_A_CHECK
from tests.unit.checks.fake import HALTED, FakeConnection, denial, described, grant, made, no, rows, scenario

QUERY = "SELECT Id FROM Account"
FIELD = "SELECT CreditLimit__c FROM Account LIMIT 1"
NO_COLUMN = "\nSELECT x\n       ^\nERROR at Row:1:Column:8\nNo such column 'x' on entity 'Account'. If you are"
OK = Reply(200, {"totalSize": 0, "records": []})


def test_a_query_is_granted() -> None:
    result = made(grant(f"query: {QUERY}"), {QUERY: rows({"Id": "1"}, {"Id": "2"})})
    assert result.passed
    assert result.made
    assert result.answer
    assert (result.answer.principal, result.answer.status, result.answer.rows) == ("target", 200, 2)
    assert result.answer.request == QUERY
    assert result.place == "erp.scenario.yaml:12"
    assert (result.title, result.expected, result.reason, result.remedy) == ("query Account", "answered", None, None)


def test_a_query_must_bring_enough_rows() -> None:
    spec = grant(f"{{query: {QUERY}, at_least: 2}}")
    assert made(spec, {QUERY: rows({"Id": "1"}, {"Id": "2"})}).passed
    result = made(spec, {QUERY: rows({"Id": "1"})})
    assert not result.passed
    assert result.reason == "1 rows came back, and at least 2 are expected"
    assert "sharing of Account" in (result.remedy or "")


@pytest.mark.parametrize(
    ("code", "message", "remedy"),
    [
        ("INVALID_TYPE", "sObject type 'Account' is not supported.", "Read on Account"),
        ("INVALID_FIELD", NO_COLUMN, "field-level security (Read) on Account.x"),
        ("INVALID_FIELD", "Didn't understand relationship", "field-level security (Read) on the fields of Account"),
        ("API_CURRENTLY_DISABLED", "API is disabled for this User", "API Enabled"),
    ],
)
def test_a_refused_grant_says_in_the_orgs_words_why_and_what_to_look_for(code: str, message: str, remedy: str) -> None:
    result = made(grant(f"query: {QUERY}"), {QUERY: no(code, message)})
    assert not result.passed
    assert result.made
    assert result.reason == f"{code}: {message.splitlines()[-1]}"
    assert remedy in (result.remedy or "")
    assert result.answer
    assert (result.answer.error_code, result.answer.message) == (code, message.strip())


def test_an_unknown_error_code_has_no_made_up_remedy() -> None:
    result = made(grant(f"query: {QUERY}"), {QUERY: no("SOMETHING_NEW", "")})
    assert (result.reason, result.remedy) == ("SOMETHING_NEW", None)


DENIED = denial(f"{{query: {QUERY}, error: INVALID_TYPE}}")


def test_a_denial_is_refused_to_the_target_and_not_to_the_admin() -> None:
    result = made(DENIED, {QUERY: no("INVALID_TYPE")}, {QUERY: rows({"Id": "1"})})
    assert result.passed
    assert result.control
    assert (result.control.principal, result.control.error_code, result.control.rows) == ("admin", None, 1)
    assert result.expected == "refused with INVALID_TYPE"


def test_a_denial_that_is_granted_is_red_and_names_the_permission() -> None:
    result = made(DENIED, {QUERY: rows()})
    assert not result.passed
    assert result.reason == "it was not refused"
    assert "Account's Read" in (result.remedy or "")
    assert "permissions.drop" in (result.remedy or "")
    assert result.control is None


def test_a_denial_with_another_error_is_red() -> None:
    result = made(DENIED, {QUERY: no("MALFORMED_QUERY", "unexpected token: 'FROM'")})
    assert not result.passed
    assert result.reason == "it was refused, but with MALFORMED_QUERY: unexpected token: 'FROM'"


@pytest.mark.parametrize("code", ["SERVER_UNAVAILABLE", "UNKNOWN_EXCEPTION", "HTTP_502", "HTTP_302", "NOT_THE_ORG"])
def test_an_org_that_does_not_answer_has_denied_nothing(code: str) -> None:
    result = made(denial("{sign_in: ui}"), {"ui": no(code)}, {"ui": Reply(200)})
    assert (result.passed, result.made) == (False, False)
    assert result.reason == f"it could not be made: the org did not answer: {code}: no"


def test_what_does_not_exist_is_no_denial() -> None:
    result = made(DENIED, {QUERY: no("INVALID_TYPE")}, {QUERY: no("INVALID_TYPE", "not supported")})
    assert not result.passed
    assert "the admin gets the same answer (INVALID_TYPE: not supported)" in (result.reason or "")
    assert "spelling" in (result.remedy or "")
    assert result.control


def test_describes() -> None:
    spec = grant("describe: Account")
    assert made(spec, {"describe Account": described(Name="read")}).passed
    assert made(spec, {"describe Account": no("NOT_FOUND", status=404)}).remedy == (
        "look for Read on Account in the permission set; for Apex REST, for the path and for the class"
    )
    denied = denial("{describe: Account, error: NOT_FOUND}")
    answers = {"describe Account": no("NOT_FOUND", status=404)}
    assert made(denied, answers, {"describe Account": described(Name="read")}).passed
    assert not made(denied, answers, answers).passed


# --- fields -----------------------------------------------------------------------------------------------------------

VISIBLE = {"describe Account": described(Name="edit", CreditLimit__c="read"), FIELD: rows()}
EDITABLE = {"describe Account": described(creditlimit__c="edit"), FIELD: rows()}
HIDDEN = {"describe Account": described(Name="edit"), FIELD: no("INVALID_FIELD", NO_COLUMN)}
NO_OBJECT = {"describe Account": no("NOT_FOUND", status=404), FIELD: no("INVALID_TYPE")}


def field(access: str, error: str = "") -> str:
    return f"{{field: {{name: Account.CreditLimit__c, access: {access}}}{error and f', error: {error}'}}}"


def test_a_field_is_granted() -> None:
    assert made(grant(field("read")), VISIBLE).passed
    assert made(grant(field("edit")), EDITABLE).passed
    hidden = made(grant(field("read")), HIDDEN)
    assert not hidden.passed
    assert "INVALID_FIELD: No such column" in (hidden.reason or "")
    assert "field-level security (Read)" in (hidden.remedy or "")
    read_only = made(grant(field("edit")), VISIBLE)
    assert not read_only.passed
    assert read_only.reason == "describe says that it can be read, but not edited"
    assert "(Edit) on Account.CreditLimit__c" in (read_only.remedy or "")


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        (
            {**VISIBLE, FIELD: no("INVALID_FIELD")},
            "describe shows the field, and a query is refused with INVALID_FIELD",
        ),
        ({**HIDDEN, FIELD: rows()}, "describe does not show the field, and a query answers"),
    ],
)
def test_describe_and_query_must_agree(answers: dict[str, Reply], reason: str) -> None:
    for spec in (grant(field("read")), denial(field("read"))):
        result = made(spec, answers, VISIBLE)
        assert not result.passed
        assert result.reason == reason


def test_a_field_is_denied() -> None:
    assert made(denial(field("read")), HIDDEN, VISIBLE).passed
    assert made(denial(field("read")), NO_OBJECT, VISIBLE).passed
    assert made(denial(field("read", "INVALID_FIELD")), HIDDEN, VISIBLE).passed
    assert not made(denial(field("read", "INVALID_FIELD")), NO_OBJECT, VISIBLE).passed
    assert made(denial(field("edit")), VISIBLE, EDITABLE).passed
    assert made(denial(field("edit")), HIDDEN, EDITABLE).passed


def test_a_field_that_is_granted_turns_its_denial_red() -> None:
    seen = made(denial(field("read")), VISIBLE, VISIBLE)
    assert not seen.passed
    assert "take Read on Account.CreditLimit__c" in (seen.remedy or "")
    edited = made(denial(field("edit")), EDITABLE, EDITABLE)
    assert not edited.passed
    assert "take Edit on Account.CreditLimit__c" in (edited.remedy or "")


def test_a_field_nobody_has_is_no_denial() -> None:
    assert not made(denial(field("read")), HIDDEN, HIDDEN).passed
    formula = made(denial(field("edit")), VISIBLE, VISIBLE)
    assert not formula.passed
    assert "the admin gets the same answer" in (formula.reason or "")
    contradiction = made(denial(field("read")), HIDDEN, {**VISIBLE, FIELD: no("INVALID_FIELD")})
    assert contradiction.reason == "as the admin: describe shows the field, and a query is refused with INVALID_FIELD"


def test_the_error_of_an_edit_is_found_by_trying_one() -> None:
    spec = denial(field("edit", "INVALID_FIELD_FOR_INSERT_UPDATE"))
    found = {"SELECT Id, CreditLimit__c FROM Account ORDER BY Id LIMIT 1": rows({"Id": "001", "CreditLimit__c": 5})}
    refused = {"PATCH sobjects/Account/001": no("INVALID_FIELD_FOR_INSERT_UPDATE", "Unable")}
    assert made(spec, {**VISIBLE, **found, **refused}, {**EDITABLE, **found}).passed
    assert not made(spec, {**EDITABLE, **found}, {**EDITABLE, **found}).passed
    other = made(spec, {**VISIBLE, **found, "PATCH sobjects/Account/001": no("UNABLE_TO_LOCK_ROW")}, EDITABLE)
    assert other.reason == "it was refused, but with UNABLE_TO_LOCK_ROW: no"
    none = made(spec, {**VISIBLE, "SELECT Id, CreditLimit__c FROM Account ORDER BY Id LIMIT 1": rows()}, EDITABLE)
    assert not none.made


# --- writes -----------------------------------------------------------------------------------------------------------

FOUND = {"SELECT Id FROM Order ORDER BY Id LIMIT 1": rows({"Id": "801"})}
WRITES = {
    "insert": ("insert: {object: Order, fields: {Status: Draft}}", "POST sobjects/Order", {}),
    "update": ("update: {object: Order, fields: {Status: Draft}}", "PATCH sobjects/Order/801", FOUND),
    "upsert": (
        "upsert: {object: Order, by: Key__c, fields: {Key__c: a/b, Status: x}}",
        "PATCH sobjects/Order/Key__c/a%2Fb",
        {},
    ),
    "delete": ("delete: {object: Order}", "DELETE sobjects/Order/801", FOUND),
}


@pytest.mark.parametrize("kind", WRITES)
def test_a_write_is_tried_and_rolled_back(kind: str) -> None:
    item, request, found = WRITES[kind]
    result = made(grant(item), found)
    assert result.passed
    assert result.answer
    assert result.answer.request.startswith(request)
    refused = made(grant(item), {**found, request: no("INSUFFICIENT_ACCESS_OR_READONLY", "insufficient", 403)})
    assert not refused.passed
    assert refused.reason == "INSUFFICIENT_ACCESS_OR_READONLY: insufficient"
    right = {"insert": "Create", "update": "Edit", "upsert": "Create and Edit", "delete": "Delete"}[kind]
    assert f"{right} on Order" in (refused.remedy or "")


@pytest.mark.parametrize("kind", WRITES)
def test_a_write_that_is_denied_and_one_that_is_not(kind: str) -> None:
    item, request, found = WRITES[kind]
    spec = denial(f"{item}\n  error: INSUFFICIENT_ACCESS_OR_READONLY")
    refused = {**found, request: no("INSUFFICIENT_ACCESS_OR_READONLY", status=403)}
    assert made(spec, refused, found).passed
    assert made(spec, refused, {**found, request: no("REQUIRED_FIELD_MISSING")}).passed
    assert not made(spec, found, found).passed
    assert not made(spec, refused, refused).passed


def test_several_rows_are_tried_and_more_than_a_composite_holds_are_refused_when_the_scenario_is_read() -> None:
    result = made(grant('insert: {object: Order, rows: 3, fields: {Name: "{{row}}"}}'), {})
    assert result.answer
    assert (result.answer.rows, result.answer.request) == (3, 'POST sobjects/Order {"Name": 1} (3 rows, rolled back)')
    assert ROWS_AT_MOST == ROWS_OF_A_CHECK


def test_a_record_that_the_target_does_not_see_is_found_as_the_admin_for_a_denial_only() -> None:
    item, request, found = WRITES["update"]
    unseen = {"SELECT Id FROM Order ORDER BY Id LIMIT 1": no("INVALID_TYPE")}
    spec = denial(f"{item}\n  error: NOT_FOUND")
    assert made(spec, {**unseen, request: no("NOT_FOUND", status=404)}, found).passed
    missing = made(grant(item), unseen, found)
    assert not missing.made
    assert not missing.passed
    assert missing.reason == "it could not be made: target@acme.example sees no Order (INVALID_TYPE)"


class _Keeps(FakeConnection):
    def composite(self, subrequests: Sequence[object], *, all_or_none: bool) -> list[Reply]:
        assert all_or_none
        assert len(subrequests) == 2
        return [Reply(201, {"id": "801kept"}), OK]


def test_an_org_that_does_not_roll_back_is_told() -> None:
    from harness.checks.check import make_check
    from tests.unit.checks.fake import values

    result = make_check(
        grant(WRITES["insert"][0]),
        target=_Keeps().real(),
        admin=FakeConnection("admin").real(),
        values=values(),
        sign_in=lambda _: None,
    )
    assert not result.passed
    assert result.reason == "the org did not roll the trial back: look for 801kept"


def test_a_composite_that_is_refused_as_a_whole_is_a_refusal() -> None:
    item, request, _ = WRITES["insert"]
    assert HALTED.errors[0].code == "PROCESSING_HALTED"
    result = made(grant(item), {request: Reply(401, [], (ApiError("INVALID_SESSION_ID", "expired"),))})
    assert not result.passed
    assert result.reason == "INVALID_SESSION_ID: expired"


# --- Apex and sign-ins ------------------------------------------------------------------------------------------------


def test_apex_calls() -> None:
    call = "apex: {path: /orders, method: POST, body: {a: 1}}"
    assert made(grant(call), {"apex POST /orders": OK}).passed
    forbidden = no("FORBIDDEN", "You do not have access to the Apex class named: Orders", 403)
    refused = made(grant(call), {"apex POST /orders": forbidden})
    assert "Apex class" in (refused.remedy or "")
    spec = denial(f"{call}\n  error: FORBIDDEN")
    assert made(
        spec, {"apex POST /orders": forbidden}, {"apex GET /orders": no("METHOD_NOT_ALLOWED", status=405)}
    ).passed
    assert not made(spec, {"apex POST /orders": forbidden}, {"apex GET /orders": forbidden}).passed
    assert not made(spec, {"apex POST /orders": OK}).passed


def refuse(code: str) -> None:
    raise SignInRefused(
        "refused", flow="jwt-bearer", username="new@acme.example", code=code, description="not approved"
    )


def test_sign_ins() -> None:
    spec = grant("sign_in: jwt-bearer")
    asked: list[str] = []
    assert made(spec, {}, sign_in=asked.append).passed
    assert asked == ["jwt-bearer"]
    refused = made(spec, {}, sign_in=lambda _: refuse("invalid_app_access"))
    assert refused.reason == "invalid_app_access: not approved"
    assert "approved users only" in (refused.remedy or "")
    denied = denial("sign_in: soap-login")
    assert made(denied, {}, sign_in=lambda _: refuse("INVALID_LOGIN")).passed
    assert not made(denied, {}).passed
    named = denial("{sign_in: soap-login, error: INVALID_LOGIN}")
    assert made(named, {}, sign_in=lambda _: refuse("INVALID_LOGIN")).passed
    assert not made(named, {}, sign_in=lambda _: refuse("invalid_grant")).passed


def test_the_user_interface() -> None:
    spec = denial("sign_in: ui")
    closed = no("API_ONLY_USER", "Access Restricted for API Only Users", 200)
    assert made(spec, {"ui": closed}, {"ui": OK}).passed
    assert "API Only User" in (made(spec, {"ui": OK}, {"ui": OK}).remedy or "")
    assert not made(spec, {"ui": closed}, {"ui": closed}).passed


def unreachable(_: str) -> None:
    raise OrgUnreachable("the org did not answer", asked="sign in", may_have_happened=False, remedy="try again later")


def test_a_check_that_could_not_be_made_is_no_pass() -> None:
    for spec in (grant("sign_in: jwt-bearer"), denial("sign_in: soap-login")):
        result = made(spec, {}, sign_in=unreachable)
        assert (result.made, result.passed) == (False, False)
        assert result.reason == "it could not be made: the org did not answer"
        assert result.remedy == "try again later"


def test_a_scenario_with_no_expectations_has_no_checks() -> None:
    from harness.checks.spec import check_specs

    assert check_specs(scenario()) == ()


@pytest.mark.parametrize(
    ("item", "grade"),
    [
        (f"query: {QUERY}", "error"),
        ("describe: Account", "describe"),
        ("field: {name: Account.Phone}", "error"),
        ("field: {name: Account.Phone, access: edit}", "describe"),
        ("insert: {object: Account, fields: {Name: x}}", "rolled-back"),
        ("{insert: {object: Account, fields: {Name: x}}, commit: true}", "committed"),
        ("delete: {object: Account}", "rolled-back"),
        ("apex: {path: /orders}", "error"),
        ("apex: {path: /orders, method: POST}", "committed"),
        ("sign_in: client-credentials", "error"),
    ],
)
def test_every_grant_has_a_grade(item: str, grade: str) -> None:
    assert grade_of(grant(item).item) == grade


@pytest.mark.parametrize(
    ("item", "grade"),
    [
        (f"{{query: {QUERY}, error: INVALID_TYPE}}", "error"),
        ("field: {name: Account.Phone}", "error"),
        ("field: {name: Account.Phone, access: edit}", "describe"),
        ("{field: {name: Account.Phone, access: edit}, error: INVALID_FIELD_FOR_INSERT_UPDATE}", "rolled-back"),
        ("{insert: {object: Account, fields: {Name: x}}, error: INVALID_FIELD}", "rolled-back"),
        ("sign_in: ui", "error"),
    ],
)
def test_every_denial_has_a_grade(item: str, grade: str) -> None:
    assert grade_of(denial(item).item) == grade


def test_what_was_not_made_has_no_grade() -> None:
    assert made(grant(f"query: {QUERY}"), {QUERY: rows()}).grade == "error"
    unseen = made(
        grant("update: {object: Account, fields: {Name: x}}"), {"SELECT Id FROM Account ORDER BY Id LIMIT 1": rows()}
    )
    assert (unseen.made, unseen.grade) == (False, None)
