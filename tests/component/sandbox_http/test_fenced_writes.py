"""Setup objects in one transaction with a permission set: all of it happens, or nothing where the set is gone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from harness.sandbox.control.state import difference, state_of
from harness.sandbox.org import SandboxOrg

from .conftest import API, USERNAMES, Client

LOCK = {"Name": "The_Lock", "Label": "The Lock"}


def part(method: str, path: str, body: Any, number: int) -> dict[str, Any]:
    whole = {"method": method, "url": f"{API}/sobjects/{path}", "referenceId": f"part{number}"}
    return whole | ({"body": body} if body is not None else {})


def fenced(admin: Client, lock: str, *parts: tuple[str, str, Any]) -> list[dict[str, Any]]:
    """All or none, a change of the lock first; the answers."""
    every = [("PATCH", f"PermissionSet/{lock}", {"Description": "touched"}), *parts]
    request = [part(*one, number) for number, one in enumerate(every)]
    answer = admin.post("composite", {"allOrNone": True, "compositeRequest": request})
    assert answer.status_code == 200, answer.text
    answers: list[dict[str, Any]] = answer.json()["compositeResponse"]
    return answers


def codes(answers: list[dict[str, Any]]) -> list[tuple[int, str | None]]:
    return [
        (one["httpStatusCode"], one["body"][0]["errorCode"] if one["httpStatusCode"] >= 400 else None)
        for one in answers
    ]


class Things:
    """What the writes are about: a set, a group, a license, an app, and users."""

    def __init__(self, org: SandboxOrg) -> None:
        self.org = org
        self.user = org.rows("User", Username=USERNAMES["erp"])[0]
        self.set = org.insert_row("PermissionSet", {"Name": "Held", "Label": "Held"})
        self.spare = org.insert_row("PermissionSet", {"Name": "Spare", "Label": "Spare"})
        self.group = org.insert_row("Group", {"Name": "Readers", "DeveloperName": "Readers", "Type": "Regular"})
        license_values = {"DeveloperName": "ApiPsl", "MasterLabel": "API", "Status": "Active", "TotalLicenses": 5}
        self.license = org.insert_row("PermissionSetLicense", license_values)
        self.page = org.insert_row("ApexPage", {"Name": "Orders", "MasterLabel": "Orders"})
        other = org.rows("User", Username=USERNAMES["offline"])[0]["Id"]
        self.assigned = org.insert_row("PermissionSetAssignment", {"AssigneeId": other, "PermissionSetId": self.set})
        self.member = org.insert_row("GroupMember", {"GroupId": self.group, "UserOrGroupId": other})

    def login_of(self, user_id: str) -> str:
        return str(self.org.rows("UserLogin", UserId=user_id)[0]["Id"])


Write = Callable[[Things], tuple[str, str, Any]]
WRITES: dict[str, Write] = {
    "create a user": lambda it: (
        "POST",
        "User",
        {
            **{name: it.user[name] for name in ("ProfileId", "TimeZoneSidKey", "LocaleSidKey", "LanguageLocaleKey")},
            "EmailEncodingKey": "UTF-8",
            "Username": "new@acme.example",
            "LastName": "New",
            "Alias": "new",
            "Email": "new@acme.example",
        },
    ),
    "update a user": lambda it: ("PATCH", f"User/{it.user['Id']}", {"Title": "Moved"}),
    "deactivate a user": lambda it: ("PATCH", f"User/{it.user['Id']}", {"IsActive": False}),
    "freeze a user": lambda it: ("PATCH", f"UserLogin/{it.login_of(it.user['Id'])}", {"IsFrozen": True}),
    "create a set": lambda _: ("POST", "PermissionSet", {"Name": "Another", "Label": "Another"}),
    "delete a set": lambda it: ("DELETE", f"PermissionSet/{it.spare}", None),
    "assign a set": lambda it: (
        "POST",
        "PermissionSetAssignment",
        {"AssigneeId": it.user["Id"], "PermissionSetId": it.set},
    ),
    "unassign a set": lambda it: ("DELETE", f"PermissionSetAssignment/{it.assigned}", None),
    "assign a license": lambda it: (
        "POST",
        "PermissionSetLicenseAssign",
        {"AssigneeId": it.user["Id"], "PermissionSetLicenseId": it.license},
    ),
    "grant a page": lambda it: ("POST", "SetupEntityAccess", {"ParentId": it.set, "SetupEntityId": it.page}),
    "add a member": lambda it: ("POST", "GroupMember", {"GroupId": it.group, "UserOrGroupId": it.user["Id"]}),
    "remove a member": lambda it: ("DELETE", f"GroupMember/{it.member}", None),
}


@pytest.fixture
def things(org: SandboxOrg) -> Things:
    return Things(org)


def take(admin: Client) -> str:
    answer = admin.post("sobjects/PermissionSet", LOCK)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def rows_of(org: SandboxOrg) -> dict[str, Any]:
    """All rows but those that merely asking makes: sessions and log entries."""
    state = state_of(org)
    return {"rows": {name: rows for name, rows in state["rows"].items() if name != "AuthSession"}}


@pytest.mark.parametrize("name", WRITES)
def test_behind_a_lock_that_stands_it_happens(org: SandboxOrg, admin: Client, things: Things, name: str) -> None:
    lock, before = take(admin), rows_of(org)
    assert all(status < 300 for status, _ in codes(fenced(admin, lock, WRITES[name](things))))
    changed = {change["object"] for change in difference(before, rows_of(org)) if change["id"] != lock}
    assert changed - {"SetupAuditTrail"}


def test_behind_a_lock_that_is_gone_nothing_happens(org: SandboxOrg, admin: Client, things: Things) -> None:
    lock = take(admin)
    assert admin.ask("DELETE", f"sobjects/PermissionSet/{lock}").status_code == 204
    before = rows_of(org)
    for name, write in WRITES.items():
        answers = fenced(admin, lock, write(things), WRITES["update a user"](things))
        halted = (400, "PROCESSING_HALTED")
        assert codes(answers) == [(404, "ENTITY_IS_DELETED"), halted, halted], name
        assert difference(before, rows_of(org)) == [], name


def test_a_part_that_fails_undoes_the_others_and_the_touch(org: SandboxOrg, admin: Client, things: Things) -> None:
    lock = take(admin)
    before = rows_of(org)
    wrong = ("POST", "PermissionSetAssignment", {"AssigneeId": things.user["Id"], "PermissionSetId": None})
    for name, write in WRITES.items():
        touched, written, refused = codes(fenced(admin, lock, write(things), wrong))
        assert touched == written == (400, "PROCESSING_HALTED"), name
        assert refused[1] != "PROCESSING_HALTED", name
        assert difference(before, rows_of(org)) == [], name


def test_a_deleted_name_is_free_at_once_and_its_id_never_comes_back(admin: Client) -> None:
    taken = [take(admin)]
    assert admin.post("sobjects/PermissionSet", LOCK).json()[0]["errorCode"] == "DUPLICATE_DEVELOPER_NAME"
    for _ in range(3):
        assert admin.ask("DELETE", f"sobjects/PermissionSet/{taken[-1]}").status_code == 204
        taken.append(take(admin))
    assert len(set(taken)) == 4
    assert admin.ask("DELETE", f"sobjects/PermissionSet/{taken[0]}").json()[0]["errorCode"] == "ENTITY_IS_DELETED"
    assert [row["Id"] for row in admin.query("SELECT Id FROM PermissionSet WHERE Name = 'The_Lock'")] == [taken[-1]]


MIXES = {
    "create a user": True,
    "update a user": False,
    "deactivate a user": True,
    "freeze a user": False,
    "create a set": False,
    "delete a set": False,
    "assign a set": True,
    "unassign a set": True,
    "assign a license": False,
    "grant a page": True,
    "add a member": True,
    "remove a member": True,
}
"""Whether the write is of another object than the lock, and one of those that the guide lists."""


@pytest.mark.parametrize("name", WRITES)
def test_an_org_may_refuse_several_setup_objects_together(
    org: SandboxOrg, admin: Client, things: Things, name: str
) -> None:
    org.switches = replace(org.switches, setup_objects_together=False)
    lock = take(admin)
    before = rows_of(org)
    write = WRITES[name](things)
    answers = fenced(admin, lock, write)
    if MIXES[name]:
        assert codes(answers) == [(400, "PROCESSING_HALTED"), (400, "MIXED_DML_OPERATION")]
        assert difference(before, rows_of(org)) == []
        method, path, body = write
        alone = admin.ask(method, f"sobjects/{path}", json=body)
        assert alone.status_code < 300, alone.text
    else:
        assert all(status < 300 for status, _ in codes(answers))
