"""What a write would do to users, and what a capability says to that."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from harness.errors import GuardRefused
from harness.org.capability import Budget, Protected, WriteCapability
from harness.org.effects import Effects, effects_of
from harness.org.guard import SandboxProof, WriteGuard
from harness.org.ids import to_18
from harness.org.site import Site
from tests.unit.fake_org import ORG_ID

DATA = "/services/data/v67.0"
HOST = "https://acme.example"
ADMIN, OTHER = to_18("005000000000AbC"), to_18("005000000000xyZ")
LOGIN, OTHER_LOGIN, UNREAD = to_18("0Yw000000000001"), to_18("0Yw000000000002"), to_18("0Yw000000000003")
PROTECTED = Protected(users={ADMIN: "is the user we are signed in as"}, logins={LOGIN: ADMIN, OTHER_LOGIN: OTHER})
OFF, FROZEN = {"IsActive": False}, {"IsFrozen": True}


def part(method: str, path: str, body: Any = None) -> dict[str, Any]:
    return {"method": method, "url": f"{DATA}/{path}", "referenceId": "a", "body": body}


def composite(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"allOrNone": True, "compositeRequest": list(parts)}


def records(*rows: dict[str, Any], kind: str = "User") -> dict[str, Any]:
    return {"allOrNone": False, "records": [{"attributes": {"type": kind}, **row} for row in rows]}


def all_wrappings(method: str, sobject: str, record_id: str, values: dict[str, Any]) -> dict[str, tuple[str, str, Any]]:
    """One change of a row, in every way it can be sent."""
    row = {"id": record_id, **values}
    alone = part(method, f"sobjects/{sobject}/{record_id}", values)
    lock = part("PATCH", "sobjects/PermissionSet/0PS", {"Description": "x"})
    batch = {"method": method, "url": f"v67.0/sobjects/{sobject}/{record_id}", "richInput": values}
    return {
        "alone": (method, f"sobjects/{sobject}/{record_id}", values),
        "behind the lock": ("POST", "composite", composite(lock, alone)),
        "in a collection": (method, "composite/sobjects", records(row, kind=sobject)),
        "in a collection in a composite": (
            "POST",
            "composite",
            composite(part(method, "composite/sobjects", records({}, row, kind=sobject))),
        ),
        "in a batch": ("POST", "composite/batch", {"batchRequests": [batch]}),
        "in a graph": ("POST", "composite/graph", {"graphs": [{"graphId": "1", **composite(alone)}]}),
    }


def ask(effects_url: tuple[str, str, Any]) -> Effects:
    method, path, body = effects_url
    return effects_of(method, f"{HOST}{DATA}/{path}", None if body is None else json.dumps(body))


DEACTIVATIONS = all_wrappings("PATCH", "User", ADMIN, OFF)
FREEZINGS = all_wrappings("PATCH", "UserLogin", LOGIN, FROZEN)


@pytest.mark.parametrize("way", DEACTIVATIONS)
def test_a_protected_user_is_not_deactivated_in_any_way(way: str) -> None:
    assert "is the user we are signed in as" in str(PROTECTED.refusal(ask(DEACTIVATIONS[way])))
    other = all_wrappings("PATCH", "User", OTHER, OFF)[way]
    assert ask(other).deactivated == (OTHER,)
    assert PROTECTED.refusal(ask(other)) is None


@pytest.mark.parametrize("way", FREEZINGS)
def test_a_protected_user_is_not_frozen_in_any_way(way: str) -> None:
    assert "would freeze a user that is the user we are" in str(PROTECTED.refusal(ask(FREEZINGS[way])))
    assert PROTECTED.refusal(ask(all_wrappings("PATCH", "UserLogin", OTHER_LOGIN, FROZEN)[way])) is None
    unread = PROTECTED.refusal(ask(all_wrappings("PATCH", "UserLogin", UNREAD, FROZEN)[way]))
    assert "whose login that is was not read" in str(unread)


@pytest.mark.parametrize(
    ("path", "values"),
    [
        (f"sobjects/user/{ADMIN}", {"isactive": False}),
        (f"sobjects/USER/{ADMIN[:15]}", OFF),
        (f"sobjects/User/{ADMIN.upper()}", OFF),
        (f"sobjects/User/{ADMIN.lower()}", OFF),
        (f"sobjects/User/{ADMIN}", {"IsActive": None}),
        (f"sobjects/User/{ADMIN}", {"IsActive": "false"}),
        (f"sobjects/User/{ADMIN}", {"isActive": False, "IsActive": True}),
        (f"sobjects/User/{ADMIN}/", {"LastName": "x", **OFF}),
        (f"sobjects/U%73er/{ADMIN}", OFF),
        ("sobjects/User/@{made.id}", OFF),
        ("sobjects/User/Key__c/1", OFF),
        (f"sobjects/UserLogin/{LOGIN}", {"isfrozen": "true"}),
        (f"sobjects/UserLogin/{LOGIN[:15]}", FROZEN),
        (f"/sobjects//User/{ADMIN}", OFF),
        (f"sobjects/./User/{ADMIN}", OFF),
        (f"sobjects/User/{ADMIN}", ["IsActive"]),
        ("jobs/ingest", {"object": "User", "operation": "update"}),
        ("jobs/ingest", {"object": "userlogin", "operation": "update"}),
        ("jobs/ingest", None),
        ("composite", None),
    ],
)
def test_however_it_is_written(path: str, values: Any) -> None:
    method = "POST" if path.startswith(("jobs", "composite")) else "PATCH"
    assert PROTECTED.refusal(ask((method, path, values))) is not None


def test_a_key_that_stands_twice_is_refused() -> None:
    twice = '{"IsActive": true, "IsActive": false}'
    assert PROTECTED.refusal(effects_of("PATCH", f"{HOST}{DATA}/sobjects/User/{ADMIN}", twice)) is not None


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", f"sobjects/User/{ADMIN}", {"LastName": "x", "IsActive": True}),
        ("PATCH", f"sobjects/UserLogin/{LOGIN}", {"IsFrozen": False}),
        ("POST", f"sobjects/User/{ADMIN}/password", {"NewPassword": "x"}),
        ("POST", "sobjects/Account", {"Name": "x"}),
        ("PATCH", "composite/sobjects", records({"id": "001", "IsActive": False}, kind="Product2")),
        ("POST", "jobs/ingest", {"object": "Account"}),
        ("PATCH", f"jobs/ingest/750{'0' * 12}", {"state": "UploadComplete"}),
        ("DELETE", "composite/sobjects?ids=0PS", None),
        ("GET", f"sobjects/User/{ADMIN}", None),
    ],
)
def test_what_harms_nobody_is_sent(method: str, path: str, body: Any) -> None:
    effects = ask((method, path, body))
    assert PROTECTED.refusal(effects) is None
    assert effects.created == 0


@pytest.mark.parametrize(
    ("method", "path", "body", "created"),
    [
        ("POST", "sobjects/User", {"Username": "x"}, 1),
        ("POST", "sobjects/user/", {"Username": "x"}, 1),
        ("POST", "composite/sobjects", records({}, {}), 2),
        ("PATCH", "composite/sobjects/User/Key__c", records({"Key__c": "1"}), 1),
        ("PATCH", "sobjects/User/Key__c/1", {"LastName": "x"}, 1),
        ("POST", "composite", composite(part("POST", "sobjects/User", {}), part("POST", "sobjects/Account", {})), 1),
        ("POST", "composite/tree/User", records({}, {}), 2),
        (
            "POST",
            "composite/tree/Account",
            {"records": [{"attributes": {"type": "Account"}, "Users__r": records({})}]},
            1,
        ),
    ],
)
def test_users_that_are_created_are_counted(method: str, path: str, body: Any, created: int) -> None:
    assert ask((method, path, body)).created == created


# --- budgets ----------------------------------------------------------------------------------------------------------


def send(guard: WriteGuard, path: str, body: Any, method: str = "POST") -> None:
    site = Site("uat", HOST, ORG_ID)
    guard.check(site=site, method=method, url=f"{HOST}{DATA}/{path}", body=json.dumps(body))


def proof() -> SandboxProof:
    return SandboxProof(ORG_ID, "sandbox", "CS1", "Enterprise Edition")


def test_a_budget_that_is_used_up_refuses_and_says_so() -> None:
    guard = WriteGuard()
    with guard.grant(proof(), WriteCapability(ORG_ID, "r", "grant", requests=2)):
        for _ in range(2):
            send(guard, "sobjects/Account", {})
            send(guard, "query", {}, "GET")
        with pytest.raises(GuardRefused, match="write 3 of stage grant of run r, which may send 2") as caught:
            send(guard, "sobjects/Account", {})
        assert caught.value.remedy
        send(guard, "query", {}, "GET")
    with guard.grant(proof(), WriteCapability(ORG_ID, "r", "grant", requests=1)):
        send(guard, "sobjects/Account", {})


def test_one_user_is_created_and_no_second() -> None:
    guard = WriteGuard()
    with guard.grant(proof(), WriteCapability(ORG_ID, "r", "provision")):
        send(guard, "sobjects/User", {})
        with pytest.raises(GuardRefused, match="may create 1, which it did"):
            send(guard, "sobjects/User", {})
    with (
        guard.grant(proof(), WriteCapability(ORG_ID, "r", "grant", users=0)),
        pytest.raises(GuardRefused, match="may create none"),
    ):
        send(guard, "composite", composite(part("POST", "sobjects/User", {})))


def test_what_is_refused_is_not_paid_for() -> None:
    guard = WriteGuard()
    with guard.grant(proof(), WriteCapability(ORG_ID, "r", "cut-over", requests=1, users=0, protected=PROTECTED)):
        for path, body in ((f"sobjects/User/{ADMIN}", OFF), ("sobjects/User/Key__c/1", {"LastName": "x"})):
            with pytest.raises(GuardRefused):
                send(guard, path, body, "PATCH")
        assert guard.budget is not None
        assert guard.budget.requests == 1
        send(guard, f"sobjects/User/{OTHER}", OFF, "PATCH")


@given(some.lists(some.integers(0, 2), max_size=30), some.integers(0, 12), some.integers(0, 2))
def test_a_budget_is_never_overdrawn(asked: list[int], requests: int, users: int) -> None:
    budget, sent, created = Budget(WriteCapability(ORG_ID, "r", "s", requests=requests, users=users)), 0, 0
    for number in asked:
        try:
            budget.spend("POST /x", Effects(created=number))
        except GuardRefused:
            assert sent == requests or created + number > users
        else:
            sent, created = sent + 1, created + number
    assert sent <= requests
    assert created <= users
    assert (budget.requests, budget.users) == (requests - sent, users - created)
