"""What passes by itself is ridden out; what may have happened is never sent again; waiting has an end and is told."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import pytest

from harness.errors import GuardRefused, OrgUnreachable, RequestRefused
from harness.org import soap
from harness.org.clock import SystemClock
from harness.org.guard import SandboxProof, WriteCapability
from harness.org.meter import LimitReached, Meter
from harness.org.patience import Patience, Waiting
from tests.unit.fake_org import ORG_ID, Asked, Bench, StillClock, Told

LOCKED = {"errorCode": "UNABLE_TO_LOCK_ROW", "message": "unable to obtain exclusive access to this record"}
LOCKED_ROW = {"success": False, "errors": [{"statusCode": "UNABLE_TO_LOCK_ROW", "message": "locked", "fields": []}]}
HALTED = {"errorCode": "PROCESSING_HALTED", "message": "rolled back"}
CREATED = Told(201, {"id": "001A", "success": True, "errors": []})
EMPTY = Told(200, {"totalSize": 0, "done": True, "records": []})
PORTAL = Told(200, b"<html>Welcome to the hotel</html>", {"Content-Type": "text/html"})
SOQL = "SELECT Id FROM Account"


def in_turn(*told: Told) -> Callable[[Asked], Told]:
    left = list(told)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]


def sent(bench: Bench, end: str) -> int:
    return sum(path.endswith(end) for path in bench.org.paths())


# --- reads ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "trouble",
    [
        Told(503, [{"errorCode": "SERVER_UNAVAILABLE", "message": "down"}]),
        Told(500, [{"errorCode": "UNKNOWN_EXCEPTION", "message": "ErrorId 1"}]),
        Told(502, b"<html>Bad Gateway</html>", {"Content-Type": "text/html"}),
        Told(504, b""),
        Told(403, [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "ConcurrentRequests Limit exceeded."}]),
        PORTAL,
        Told(200, b""),
        Told(200, b"{half of it"),
        Told(200, hang_up=True),
        Told(200, {"records": ["x" * 1000]}, cut_off=True),
    ],
    ids=["503", "500", "502", "504", "concurrent", "portal", "empty", "garbled", "hang-up", "cut-off"],
)
def test_a_read_is_asked_again(bench: Bench, trouble: Told) -> None:
    bench.org.on("GET", ".*", in_turn(trouble, trouble, EMPTY))
    assert bench.connection.query(SOQL) == []
    assert bench.clock.slept == [0.5, 1.0]


def test_what_a_question_always_gets_is_its_answer(bench: Bench) -> None:
    bench.org.on("GET", ".*", Told(500, [{"errorCode": "UNKNOWN_EXCEPTION", "message": "ErrorId 1"}]))
    with pytest.raises(RequestRefused, match="UNKNOWN_EXCEPTION") as caught:
        bench.connection.query(SOQL)
    assert len(bench.clock.slept) == 5
    assert "ErrorId" in (caught.value.remedy or "")


def test_a_captive_portal_is_not_the_org(bench: Bench) -> None:
    bench.org.on("GET", ".*", PORTAL)
    with pytest.raises(OrgUnreachable, match="HTTP 200 with text/html in it"):
        bench.connection.query(SOQL)


def test_a_composite_that_reads_is_asked_again_for_one_part_of_it(bench: Bench) -> None:
    def composite(part: dict[str, Any]) -> Told:
        good = {"httpStatusCode": 200, "body": EMPTY.body, "referenceId": "r0"}
        return Told(200, {"compositeResponse": [good, part]})

    bad = {"httpStatusCode": 503, "body": [{"errorCode": "SERVER_UNAVAILABLE", "message": "down"}], "referenceId": "r1"}
    well = {"httpStatusCode": 200, "body": EMPTY.body, "referenceId": "r1"}
    bench.org.on("POST", ".*/composite", in_turn(composite(bad), composite(well)))
    asked = [{"method": "GET", "url": "query?q=a"}, {"method": "GET", "url": "query?q=b"}]
    assert [reply.status for reply in bench.connection.composite(asked, all_or_none=False)] == [200, 200]


# --- writes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "trouble",
    [
        Told(400, [LOCKED]),
        Told(403, [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "ConcurrentPerOrgLongTxn Limit exceeded."}]),
    ],
    ids=["row lock", "concurrent"],
)
def test_a_write_that_was_certainly_refused_for_now_is_sent_again(bench: Bench, trouble: Told) -> None:
    bench.org.on("POST", ".*/sobjects/Account", in_turn(trouble, trouble, CREATED))
    with bench.writing():
        assert bench.connection.create("Account", {}).ok
    assert sent(bench, "/sobjects/Account") == 3


@pytest.mark.parametrize(
    "trouble",
    [
        Told(503, [{"errorCode": "SERVER_UNAVAILABLE", "message": "down"}]),
        Told(500, [{"errorCode": "UNKNOWN_EXCEPTION", "message": "ErrorId 1"}]),
        Told(500, [LOCKED]),
        Told(502, b"<html>Bad Gateway</html>", {"Content-Type": "text/html"}),
        PORTAL,
        Told(200, b""),
        Told(201, b""),
        Told(201, hang_up=True),
        Told(307, None, {"Location": "http://portal.example/"}),
    ],
    ids=["503", "500", "lock with 500", "502", "portal", "empty", "empty 201", "hang-up", "redirect"],
)
def test_a_write_whose_fate_is_unknown_is_sent_once(bench: Bench, trouble: Told) -> None:
    bench.org.on("POST", ".*/sobjects/Account", trouble)
    with bench.writing():
        assert bench.connection.create("Account", {}).certainty == "UNKNOWN"
    assert sent(bench, "/sobjects/Account") == 1
    assert bench.clock.slept == []


def test_a_lock_that_stays_is_an_answer_that_nothing_was_written(bench: Bench) -> None:
    bench.org.on("POST", ".*/sobjects/Account", Told(400, [LOCKED]))
    with bench.writing():
        answer = bench.connection.create("Account", {})
    assert (answer.certainty, answer.errors[0].code) == ("NOT_APPLIED", "UNABLE_TO_LOCK_ROW")
    assert sent(bench, "/sobjects/Account") == 6


def test_only_the_locked_rows_of_a_collection_are_sent_again(bench: Bench) -> None:
    names: list[list[str]] = []

    def answer(asked: Asked) -> Told:
        records = asked.json["compositeRequest"][0]["body"]["records"]
        names.append([record["Name"] for record in records])
        rows = [
            LOCKED_ROW if record["Name"] == "b" and len(names) < 3 else {"id": record["Name"], "success": True}
            for record in records
        ]
        return Told(200, {"compositeResponse": [{"httpStatusCode": 200, "body": rows, "referenceId": "r0"}]})

    bench.org.on("POST", ".*/composite", answer)
    with bench.writing():
        answers = bench.connection.create_many("Account", [{"Name": name} for name in "abc"])
    assert names == [["a", "b", "c"], ["b"], ["b"]]
    assert [each.id for each in answers] == ["a", "b", "c"]


def all_or_none(*statuses: tuple[int, Any]) -> Told:
    parts = [
        {"httpStatusCode": status, "body": body, "referenceId": f"r{n}"} for n, (status, body) in enumerate(statuses)
    ]
    return Told(200, {"compositeResponse": parts})


def test_an_all_or_none_composite_is_sent_again_when_a_part_of_it_was_locked(bench: Bench) -> None:
    locked = all_or_none((400, [HALTED]), (400, [LOCKED]))
    row_locked = all_or_none((400, [HALTED]), (200, [LOCKED_ROW]))
    bench.org.on("POST", ".*/composite", in_turn(locked, row_locked, all_or_none((204, None), (201, CREATED.body))))
    parts = [
        {"method": "PATCH", "url": "sobjects/PermissionSet/0PS", "body": {}},
        {"method": "POST", "url": "sobjects/Account", "body": {}},
    ]
    with bench.writing():
        assert [reply.status for reply in bench.connection.composite(parts, all_or_none=True)] == [204, 201]
    assert sent(bench, "/composite") == 3


@pytest.mark.parametrize(
    ("told", "whole"),
    [
        (all_or_none((204, None), (400, [LOCKED])), False),
        (all_or_none((400, [LOCKED]), (400, [{"errorCode": "DUPLICATE_VALUE", "message": "x"}])), True),
    ],
    ids=["a part that stands", "a part that will always be refused"],
)
def test_a_composite_is_sent_once_where_again_would_do_it_twice_or_never(bench: Bench, told: Told, whole: bool) -> None:
    bench.org.on("POST", ".*/composite", told)
    parts = [{"method": "POST", "url": "sobjects/Account", "body": {}}] * 2
    with bench.writing():
        bench.connection.composite(parts, all_or_none=whole)
    assert sent(bench, "/composite") == 1


def test_a_component_that_is_locked_is_sent_again(bench: Bench) -> None:
    def told(inner: str) -> Told:
        body = f"<updateMetadataResponse><result>{inner}</result></updateMetadataResponse>"
        return Told(200, soap.envelope(body), {"Content-Type": "text/xml"})

    locked = (
        "<errors><message>locked</message><statusCode>UNABLE_TO_LOCK_ROW</statusCode></errors><success>false</success>"
    )
    bench.org.on("POST", "/services/Soap/m/67.0", in_turn(told(locked), told("<success>true</success>")))
    with bench.writing():
        assert bench.connection.update_metadata("Profile", {"fullName": "P"}).ok
    assert sent(bench, "/services/Soap/m/67.0") == 2


@pytest.mark.parametrize(
    ("refusal", "given_back"),
    [
        (Told(401, [{"errorCode": "INVALID_SESSION_ID", "message": "expired"}]), True),
        (Told(400, [{"errorCode": "DUPLICATE_USERNAME", "message": "taken"}]), True),
        (Told(500, [{"errorCode": "UNKNOWN_EXCEPTION", "message": "ErrorId 1"}]), False),
        (Told(201, hang_up=True), False),
    ],
    ids=["session ended", "refused", "unknown", "lost"],
)
def test_a_user_that_was_certainly_not_made_may_still_be_made(bench: Bench, refusal: Told, given_back: bool) -> None:
    bench.org.on("POST", ".*/sobjects/User", in_turn(refusal, CREATED))
    with bench.guard.grant(
        SandboxProof(ORG_ID, "simulated", "SIM1", ""), WriteCapability(ORG_ID, "0" * 12, "x", users=1)
    ):
        if not bench.connection.create("User", {}).ok:
            with nullcontext() if given_back else pytest.raises(GuardRefused, match="may create 1"):
                bench.connection.create("User", {})
        with pytest.raises(GuardRefused, match="may create 1"):
            bench.connection.create("User", {})


def test_a_user_in_a_composite_that_was_rolled_back_may_still_be_made(bench: Bench) -> None:
    refused = all_or_none((400, [{"errorCode": "MIXED_DML_OPERATION", "message": "x"}]), (400, [HALTED]))
    bench.org.on("POST", ".*/composite", in_turn(refused, all_or_none((204, None), (201, CREATED.body))))
    parts = [
        {"method": "PATCH", "url": "sobjects/PermissionSet/0PS", "body": {}},
        {"method": "POST", "url": "sobjects/User", "body": {}},
    ]
    with bench.guard.grant(
        SandboxProof(ORG_ID, "simulated", "SIM1", ""), WriteCapability(ORG_ID, "0" * 12, "x", users=1)
    ):
        bench.connection.composite(parts, all_or_none=True)
        bench.connection.composite(parts, all_or_none=True)
        with pytest.raises(GuardRefused, match="may create 1"):
            bench.connection.composite(parts, all_or_none=True)


# --- how long ------------------------------------------------------------------------------------------------------


def waiting(patience: Patience, told: list[str] | None = None) -> tuple[Waiting, StillClock]:
    clock = StillClock()
    return Waiting(clock, Meter(), patience=patience, tell=(told if told is not None else []).append), clock


def tried(one: Waiting, *, took: float = 0.0) -> int:
    tries = one.call()
    while tries.again("it is down", took=took):
        pass
    return tries.count


def test_pauses_grow_to_a_longest_and_vary_by_half() -> None:
    patience = Patience()
    assert [patience.pause(n, 0.5) for n in range(1, 8)] == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 16.0]
    assert (patience.pause(3, 0.0), patience.pause(3, 1.0)) == (1.0, 3.0)


def test_a_call_has_a_budget_of_tries_and_of_seconds() -> None:
    assert tried(waiting(Patience(tries=4))[0]) == 4
    assert tried(waiting(Patience(tries=100, seconds_a_call=10))[0]) == 5
    assert tried(waiting(Patience(seconds_a_call=300))[0], took=120) == 2 + 1


def test_a_stage_has_a_budget_of_seconds_for_all_its_calls() -> None:
    one, clock = waiting(Patience(tries=3, seconds_a_stage=10))
    with one.meter.stage(kept=0):
        counts = [tried(one) for _ in range(10)]
    assert counts[:6] == [3] * 6
    assert counts[-1] == 1
    assert sum(clock.slept) <= 10
    with one.meter.stage(kept=0):
        assert tried(one) == 3


def test_a_pause_of_more_than_two_seconds_is_told() -> None:
    told: list[str] = []
    one, _ = waiting(Patience(tries=5), told)
    tried(one)
    assert told == ["it is down: trying again in 4 s (try 5 of 5)"]


def test_an_interrupt_ends_a_pause_at_once() -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    one = Waiting(SystemClock(), Meter(), patience=Patience(first_pause=60, longest_pause=60))
    began = time.monotonic()
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        with pytest.raises(KeyboardInterrupt):
            one.call().again("it is down")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert time.monotonic() - began < 5


# --- the day's calls -----------------------------------------------------------------------------------------------


def usage(used: int, allowed: int = 100) -> dict[str, str]:
    return {"Sforce-Limit-Info": f"api-usage={used}/{allowed}"}


def test_every_answer_tells_what_is_used(bench: Bench) -> None:
    meter = bench.transport.meter
    assert meter.left is None
    bench.org.on(
        "GET", ".*", in_turn(Told(200, EMPTY.body, usage(7)), Told(404, [{"errorCode": "NOT_FOUND"}], usage(8)))
    )
    bench.connection.query(SOQL)
    assert (meter.used, meter.allowed, meter.left) == (7, 100, 93)
    bench.connection.request("GET", "sobjects/None")
    assert meter.used == 8
    meter.note({"Sforce-Limit-Info": "per-app-api-usage=17/250(appName=x)"})
    assert (meter.used, meter.allowed) == (8, 100)
    meter.note({"Sforce-Limit-Info": "api-usage=25/5000; per-app-api-usage=17/250(appName=x)"})
    assert (meter.used, meter.allowed) == (25, 5000)


def test_a_stage_that_goes_forward_leaves_a_tenth(bench: Bench) -> None:
    bench.org.on("GET", ".*", in_turn(*(Told(200, EMPTY.body, usage(used)) for used in range(87, 100))))
    meter = bench.transport.meter
    with meter.stage(kept=0.1):
        for _ in range(4):
            bench.connection.query(SOQL)
        before = len(bench.org.asked)
        with pytest.raises(LimitReached, match="90 of the org's 100 API calls") as caught:
            bench.connection.query(SOQL)
        assert len(bench.org.asked) == before
        assert caught.value.exit_code == 3
        assert "rehearse rollback" in (caught.value.remedy or "")
        with pytest.raises(LimitReached, match="5 more are needed at least"):
            meter.check(5)
    with meter.stage(kept=0):
        bench.connection.query(SOQL)


def test_a_day_without_calls_stops_what_reads_and_is_an_answer_to_what_writes(bench: Bench) -> None:
    spent = Told(403, [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": "TotalRequests Limit exceeded."}])
    bench.org.on("GET", ".*", spent)
    bench.org.on("POST", ".*/sobjects/Account", spent)
    with pytest.raises(LimitReached, match="takes no more calls: REQUEST_LIMIT_EXCEEDED: TotalRequests"):
        bench.connection.query(SOQL)
    with bench.writing():
        assert bench.connection.create("Account", {}).certainty == "NOT_APPLIED"
    assert bench.clock.slept == []
