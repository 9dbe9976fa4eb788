"""Every kind of check against the simulated sandbox: green, and red when the permission is turned around."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness.checks.check import make_check
from harness.checks.values import Values
from harness.errors import GuardRefused, ScenarioError
from harness.sandbox.control.state import difference, state_of
from harness.sandbox.http.apex import add_endpoint
from tests.component.checks.conftest import Bench
from tests.unit.checks.fake import grant

AddAccount = Callable[..., str]
Turn = Callable[[Bench], None]

SOQL = "query: SELECT Id, Name FROM Account"


def no_account(bench: Bench) -> None:
    bench.allow("Account")


def read_only(bench: Bench) -> None:
    bench.allow("Account", "Read")


def no_secret(bench: Bench) -> None:
    bench.allow_field("Account.Secret__c")


def secret_read_only(bench: Bench) -> None:
    bench.allow_field("Account.Secret__c", "Read")


CASES: dict[str, tuple[str, Turn, str]] = {
    "query of an object": (SOQL, no_account, "INVALID_TYPE"),
    "query of a field": ("query: SELECT Id, Secret__c FROM Account", no_secret, "INVALID_FIELD"),
    "describe": ("describe: Account", no_account, "NOT_FOUND"),
    "insert": ("insert: {object: Account, fields: {Name: x}}", read_only, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"),
    "insert into nothing": ("insert: {object: Account, fields: {Name: x}}", no_account, "NOT_FOUND"),
    "insert of a hidden field": (
        "insert: {object: Account, fields: {Name: x, Secret__c: y}}",
        no_secret,
        "INVALID_FIELD",
    ),
    "insert of a read-only field": (
        "insert: {object: Account, fields: {Name: x, Secret__c: y}}",
        secret_read_only,
        "INVALID_FIELD_FOR_INSERT_UPDATE",
    ),
    "update": (
        "update: {object: Account, fields: {Name: x}}",
        read_only,
        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
    ),
    "update of a read-only field": (
        "update: {object: Account, where: Name = 'Acme', fields: {Secret__c: y}}",
        secret_read_only,
        "INVALID_FIELD_FOR_INSERT_UPDATE",
    ),
    "upsert": (
        'upsert: {object: Account, by: ERP_Key__c, fields: {ERP_Key__c: "A {{row}}/1", Name: x}}',
        read_only,
        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
    ),
    "delete": ("delete: {object: Account}", read_only, "INSUFFICIENT_ACCESS_OR_READONLY"),
    "edit of a field": (
        "field: {name: Account.Secret__c, access: edit}",
        secret_read_only,
        "INVALID_FIELD_FOR_INSERT_UPDATE",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_is_granted_is_a_green_grant_and_a_red_denial_and_leaves_nothing(
    bench: Bench, add_account: AddAccount, name: str
) -> None:
    item, _, code = CASES[name]
    add_account("Acme")
    before = bench.org.rows("Account")
    granted = bench.grant(item)
    assert granted.passed, granted
    denied = bench.denial(f"{item}\n  error: {code}")
    assert not denied.passed
    assert denied.reason == "it was not refused"
    assert denied.remedy
    assert bench.org.rows("Account") == before


@pytest.mark.parametrize("name", CASES)
def test_what_is_taken_away_is_a_red_grant_and_a_green_denial(bench: Bench, add_account: AddAccount, name: str) -> None:
    item, turn, code = CASES[name]
    add_account("Acme")
    turn(bench)
    before = bench.org.rows("Account")
    denied = bench.denial(f"{item}\n  error: {code}")
    assert denied.passed, denied
    assert denied.answer
    assert denied.answer.error_code == code
    assert denied.control
    assert denied.control.error_code is None
    other = bench.denial(f"{item}\n  error: SOME_OTHER_CODE")
    assert not other.passed
    assert code in (other.reason or "")
    granted = bench.grant(item)
    assert not granted.passed
    assert granted.made
    assert granted.remedy
    assert bench.org.rows("Account") == before


@pytest.mark.parametrize("access", ["read", "edit"])
def test_a_field_without_a_code(bench: Bench, access: str) -> None:
    item = f"field: {{name: Account.Secret__c, access: {access}}}"
    assert bench.grant(item).passed
    assert not bench.denial(item).passed
    (no_secret if access == "read" else secret_read_only)(bench)
    assert not bench.grant(item).passed
    denied = bench.denial(item)
    assert denied.passed, denied
    assert denied.control


@pytest.mark.parametrize(
    "item",
    [
        "query: SELECT Id FROM Acount\n  error: INVALID_TYPE",
        "query: SELECT Id, Nmae FROM Account\n  error: INVALID_FIELD",
        "describe: Acount\n  error: NOT_FOUND",
        "insert: {object: Acount, fields: {Name: x}}\n  error: NOT_FOUND",
        "insert: {object: Account, fields: {Nmae: x}}\n  error: INVALID_FIELD",
        "apex: {path: /nothing}\n  error: NOT_FOUND",
    ],
)
def test_a_typing_error_is_not_taken_for_a_denial(bench: Bench, item: str) -> None:
    result = bench.denial(item)
    assert not result.passed
    assert "the admin gets the same answer" in (result.reason or "")


def test_rows_that_sharing_hides_are_missed(bench: Bench, add_account: AddAccount) -> None:
    add_account("Acme")
    add_account("Hidden", role="admin")
    bench.share("Account", "Private")
    assert bench.grant("query: SELECT Id FROM Account\n  at_least: 1").passed
    result = bench.grant("query: SELECT Id FROM Account\n  at_least: 2")
    assert not result.passed
    assert result.reason == "1 rows came back, and at least 2 are expected"


def test_without_a_record_a_check_cannot_be_made(bench: Bench) -> None:
    for item in ("update: {object: Account, fields: {Name: x}}", "delete: {object: Account}"):
        result = bench.grant(item)
        assert (result.made, result.passed) == (False, False)
        assert "sees no Account" in (result.reason or "")


def test_sign_ins(bench: Bench) -> None:
    assert bench.grant("sign_in: username-password").passed
    assert not bench.denial("sign_in: soap-login").passed
    user = bench.org.rows("User", Username=bench.target.username)[0]
    login = bench.org.rows("UserLogin", UserId=user["Id"])[0]
    bench.org.update_row("UserLogin", login["Id"], {"IsFrozen": True})
    refused = bench.grant("sign_in: username-password")
    assert not refused.passed
    assert refused.answer
    assert bench.denial(f"sign_in: username-password\n  error: {refused.answer.error_code}").passed
    assert bench.denial("sign_in: soap-login").passed


def test_the_user_interface_is_closed_to_the_api_only_user(bench: Bench) -> None:
    opened = bench.denial("sign_in: ui")
    assert not opened.passed
    assert opened.reason == "it was not refused"
    bench.target = bench.connect("target", "integration")
    closed = bench.denial("sign_in: ui")
    assert closed.passed, closed


def test_apex(bench: Bench) -> None:
    add_endpoint(bench.org, class_name="Orders", path="/orders/v1", body={"status": "ok"})
    call = "apex: {path: /orders/v1}"
    assert bench.denial(f"{call}\n  error: FORBIDDEN").passed
    refused = bench.grant(call)
    assert not refused.passed
    assert "Apex class" in (refused.remedy or "")
    class_id = bench.org.rows("ApexClass", Name="Orders")[0]["Id"]
    bench.org.insert_row("SetupEntityAccess", {"ParentId": bench.set_id, "SetupEntityId": class_id})
    assert bench.grant(call).passed
    assert not bench.denial(f"{call}\n  error: FORBIDDEN").passed


def test_no_write_is_tried_without_a_capability(bench: Bench) -> None:
    with pytest.raises(GuardRefused):
        make_check(
            grant("insert: {object: Account, fields: {Name: x}}"),
            target=bench.target,
            admin=bench.admin,
            values=Values(seed="erp", clock=bench.clock),
            sign_in=lambda _: None,
        )


def test_a_write_is_committed_on_request_and_cleaned_up(bench: Bench, add_account: Callable[..., str]) -> None:
    add_account("Acme", ERP_Key__c="K1")
    before = state_of(bench.org)
    inserted = bench.grant("insert: {object: Account, rows: 2, fields: {Name: x}}\n  commit: true")
    assert inserted.passed, inserted
    assert inserted.grade == "committed"
    assert inserted.answer
    assert "2 rows, committed and cleaned up" in inserted.answer.request
    changed = bench.grant("update: {object: Account, fields: {Name: Other, ERP_Key__c: K2}}\n  commit: true")
    assert changed.passed, changed
    named = [each for each in difference(before, state_of(bench.org)) if each["object"] != "Account"]
    assert named == []
    [account] = bench.org.rows("Account")
    assert (account["Name"], account["ERP_Key__c"]) == ("Acme", "K1")


def test_a_committed_write_that_is_refused_leaves_nothing(bench: Bench, add_account: Callable[..., str]) -> None:
    add_account("Acme")
    bench.allow("Account", "Read", "Edit")
    bench.allow_field("Account.ERP_Key__c", "Read")
    for item, code in (
        ("insert: {object: Account, fields: {Name: x}}", "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"),
        ("update: {object: Account, fields: {ERP_Key__c: x}}", "INVALID_FIELD_FOR_INSERT_UPDATE"),
    ):
        result = bench.grant(f"{item}\n  commit: true")
        assert not result.passed
        assert result.answer
        assert result.answer.error_code == code
    [account] = bench.org.rows("Account")
    assert account["ERP_Key__c"] is None


def test_what_the_admin_cannot_put_back_is_not_changed(bench: Bench, add_account: Callable[..., str]) -> None:
    account = add_account("Acme", ERP_Key__c="K1")
    [admin] = bench.org.rows("User", Username=bench.admin.username)
    [owned] = bench.org.rows("PermissionSet", ProfileId=admin["ProfileId"])
    [row] = bench.org.rows("FieldPermissions", ParentId=owned["Id"], Field="Account.ERP_Key__c")
    bench.org.delete_row("FieldPermissions", row["Id"])
    result = bench.grant("update: {object: Account, fields: {ERP_Key__c: K2}}\n  commit: true")
    assert not result.passed
    [kept] = bench.org.rows("Account", Id=account)
    assert kept["ERP_Key__c"] == "K1"


def test_only_an_insert_or_an_update_is_committed() -> None:
    for item in ("query: SELECT Id FROM Account", "delete: {object: Account}", "describe: Account"):
        with pytest.raises(ScenarioError, match="commit goes with insert or update"):
            grant(f"{item}\n  commit: true")
