"""The lock in the org: one run writes at a time, and what was sent under a lock that is gone comes to nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress

import pytest
import requests

from harness.errors import OrgUnreachable
from harness.migration.records import Intent, Lock
from harness.migration.writing.lock import Holder, lock_name

from .conftest import Bench, MakeBench, ending
from .test_bad_luck import WRITING, at_write, dies_before, lost_answer, lost_request

NAME = lock_name("erp.sync@acme.example")


def locks(bench: Bench) -> list[str]:
    return [row["Description"] for row in bench.org.rows("PermissionSet", Name=NAME)]


def dies_at(bench: Bench, monkeypatch: pytest.MonkeyPatch, number: int, **options: str) -> None:
    """A process that leaves its lock behind: it dies at a write, and cannot send anything more."""

    class Killed(BaseException):
        pass

    def killed(_request: requests.PreparedRequest, _send: Callable[[], requests.Response]) -> requests.Response:
        raise Killed

    with at_write(monkeypatch, number, killed), suppress(Killed):
        list(bench.engine(stages=WRITING, **options).stages())


def test_the_lock_is_gone_when_a_run_ends_however_it_ends(
    make_bench: MakeBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = make_bench()
    with at_write(monkeypatch, 4, dies_before), suppress(KeyboardInterrupt):
        list(bench.engine(stages=WRITING).stages())
    assert locks(bench) == []
    assert ending(list(bench.engine(stages=WRITING).stages())).result == "passed"
    assert locks(bench) == []
    assert ending(list(bench.engine().rollback())).result == "passed"
    assert locks(bench) == []


def test_it_says_who_holds_it_while_a_run_writes(make_bench: MakeBench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = make_bench()
    dies_at(bench, monkeypatch, 4, host="north")
    [text] = locks(bench)
    holder = Holder.read(text)
    assert holder is not None
    assert (holder.run_id, holder.host) == ("run1", "north")


def test_another_run_is_told_who_holds_it_and_writes_nothing(
    make_bench: MakeBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = make_bench()
    dies_at(bench, monkeypatch, 2, host="north")
    before = bench.org.rows("User")
    end = ending(list(bench.engine(run_id="run2", stages=WRITING, host="south").stages()))
    assert end.result == "stopped"
    assert "run run1 on north" in end.message
    assert end.until is not None
    assert bench.org.rows("User") == before
    assert len(locks(bench)) == 1


def test_a_lock_nobody_was_heard_of_for_ten_minutes_is_taken_over(
    make_bench: MakeBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = make_bench()
    dies_at(bench, monkeypatch, 2, host="north")
    bench.clock.sleep(601)
    assert ending(list(bench.engine(run_id="run2", stages=WRITING, host="south").stages())).result == "passed"
    assert locks(bench) == []


def test_the_same_run_at_the_same_place_takes_it_over_at_once(
    make_bench: MakeBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = make_bench()
    dies_at(bench, monkeypatch, 5, host="north")
    assert len(locks(bench)) == 1
    assert ending(list(bench.engine(stages=WRITING, host="north").stages())).result == "passed"
    assert locks(bench) == []


def test_a_run_whose_lock_is_gone_stops_and_nothing_lands(
    make_bench: MakeBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = make_bench()

    def taken_over(_request: requests.PreparedRequest, send: Callable[[], requests.Response]) -> requests.Response:
        [lock] = bench.org.rows("PermissionSet", Name=NAME)
        bench.org.delete("PermissionSet", lock["Id"], as_user=bench.row("User", Username="admin@acme.example")["Id"])
        return send()

    with at_write(monkeypatch, 2, taken_over) as seen:
        records = list(bench.engine(stages=WRITING).stages())
    assert ending(records).result == "stopped"
    assert "another run has taken over" in ending(records).message
    assert bench.org.rows("User", Username="erp.integration@acme.example") == []
    assert len(seen) == 2, "nothing was sent after it"


def test_a_fenced_write_that_nobody_answered_is_tried_under_a_new_lock(
    make_bench: MakeBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = make_bench()
    with at_write(monkeypatch, 2, lost_request):
        records = list(bench.engine(stages=WRITING).stages())
    states = [(each.body.state, each.body.why) for each in records if isinstance(each.body, Lock)]
    assert ("deleted", "renewed") in states
    assert "it was not done" in ending(records).message
    assert ending(list(bench.engine(stages=WRITING).stages())).result == "passed"
    assert locks(bench) == []


@pytest.mark.parametrize("fault", [lost_answer, lost_request])
def test_a_lock_that_nobody_confirmed_is_not_left_behind(
    make_bench: MakeBench,
    monkeypatch: pytest.MonkeyPatch,
    fault: Callable[[requests.PreparedRequest, Callable[[], requests.Response]], requests.Response],
) -> None:
    bench = make_bench()
    with at_write(monkeypatch, 1, fault), suppress(OrgUnreachable):
        list(bench.engine(stages=WRITING).stages())
    assert ending(list(bench.engine().rollback())).result == "passed"
    assert locks(bench) == []


def refuses_to_mix(request: requests.PreparedRequest, _send: Callable[[], requests.Response]) -> requests.Response:
    """An org that lets a permission set and a user share no transaction."""
    halted = [{"errorCode": "PROCESSING_HALTED", "message": "rolled back"}]
    mixed = [{"errorCode": "MIXED_DML_OPERATION", "message": "not with a permission set"}]
    parts = [{"body": body, "httpHeaders": {}, "httpStatusCode": 400} for body in (halted, mixed)]
    response = requests.Response()
    response.status_code, response.request = 200, request
    response._content = json.dumps({"compositeResponse": parts}).encode()
    for hook in request.hooks["response"]:
        hook(response)
    return response


def test_what_cannot_share_a_transaction_with_the_lock_is_sent_by_itself(
    make_bench: MakeBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = make_bench()
    with at_write(monkeypatch, 2, refuses_to_mix):
        assert ending(list(bench.engine(stages=WRITING).stages())).result == "passed"
    intents = [each.body for each in bench.journal.records("run1", kind="intent", key="provision/user")]
    assert [intent.fenced for intent in intents if isinstance(intent, Intent)] == [True, False]


def test_what_could_not_be_fenced_and_was_lost_is_waited_out(
    make_bench: MakeBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = make_bench()
    with at_write(monkeypatch, 2, refuses_to_mix), at_write(monkeypatch, 3, lost_request):
        began = bench.clock.now()
        assert ending(list(bench.engine(stages=WRITING).stages())).result == "failed"
    assert (bench.clock.now() - began).total_seconds() > 600
