"""Answers that are lost, processes that die, another admin at work: nothing is done twice, nothing is left unsaid."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
import requests

from harness.errors import OrgUnreachable
from harness.migration.records import Outcome, RollbackProof
from harness.org.guard import is_write
from harness.org.transport import Transport

from .conftest import Bench, MakeBench, ending, results

WRITING = ("preflight", "snapshot", "plan", "provision", "grant", "authorize")
Fault = Callable[[requests.PreparedRequest, Callable[[], requests.Response]], requests.Response]


def lost_answer(request: requests.PreparedRequest, send: Callable[[], requests.Response]) -> requests.Response:
    """The org does it, and the answer never arrives."""
    send()
    raise OrgUnreachable("the line went dead", asked=str(request.url), may_have_happened=True)


def lost_request(request: requests.PreparedRequest, _send: Callable[[], requests.Response]) -> requests.Response:
    """The request never arrives, and nobody knows."""
    raise OrgUnreachable("the line went dead", asked=str(request.url), may_have_happened=True)


def dies_after(_request: requests.PreparedRequest, send: Callable[[], requests.Response]) -> requests.Response:
    """The process dies when the org has done it."""
    send()
    raise KeyboardInterrupt


def dies_before(_request: requests.PreparedRequest, _send: Callable[[], requests.Response]) -> requests.Response:
    """The process dies before anything is sent."""
    raise KeyboardInterrupt


@contextmanager
def at_write(monkeypatch: pytest.MonkeyPatch, number: int, fault: Fault) -> Iterator[list[str]]:
    """Let the n-th write go wrong; the list names the writes that were sent."""
    seen: list[str] = []
    adapter = type(next(iter(_transport().session.adapters.values())))
    original = adapter.send

    def send(self: Any, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        if is_write(str(request.method), str(request.url), request.headers, request.body):
            seen.append(f"{request.method} {request.path_url}")
            if len(seen) == number:
                return fault(request, lambda: original(self, request, *args, **options))
        return original(self, request, *args, **options)

    with monkeypatch.context() as patch:
        patch.setattr(adapter, "send", send)
        yield seen


def _transport() -> Transport:
    from harness.org.clock import SystemClock
    from harness.org.guard import WriteGuard
    from harness.org.site import Site

    site = Site("x", "http://127.0.0.1:1", "00DRh0000000001MAA", simulated=True)
    return Transport(site, guard=WriteGuard(), clock=SystemClock())


def run_until_it_breaks(bench: Bench, run_id: str) -> None:
    with suppress(KeyboardInterrupt):
        list(bench.engine(run_id=run_id, stages=WRITING).stages())


FAULTS: tuple[Fault, ...] = (dies_after, lost_answer, dies_before, lost_request)


def test_a_lost_answer_is_settled_by_reading_back(make_bench: MakeBench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = make_bench()
    with at_write(monkeypatch, 2, lost_answer):  # the first is the lock's
        run_until_it_breaks(bench, "run1")
    outcomes = [record.body for record in bench.journal.records("run1", key="provision/user", kind="outcome")]
    assert [body.settled_by for body in outcomes if isinstance(body, Outcome)] == ["read-back"]


def test_what_another_admin_changed_is_reported_and_left_alone(make_bench: MakeBench) -> None:
    bench = make_bench()
    assert results(list(bench.engine(stages=WRITING).stages()))["authorize"] == "passed"
    other = bench.row("UserRole", DeveloperName="Back_Office")
    admin = bench.row("User", Username="admin@acme.example")["Id"]
    role = bench.org.create("UserRole", {"Name": "Elsewhere", "DeveloperName": "Elsewhere"}, as_user=admin)
    target = bench.row("User", Username="erp.integration@acme.example")
    assert target["UserRoleId"] == other["Id"]
    bench.org.update("User", target["Id"], {"UserRoleId": role}, as_user=admin)
    records = list(bench.engine().rollback())
    assert ending(records).result == "failed"
    assert "left alone" in ending(records).message
    proof = bench.journal.find("run1", RollbackProof)
    assert proof
    assert proof.drift
    assert bench.row("User", Id=target["Id"])["UserRoleId"] == role


def test_a_permission_set_that_others_were_given_is_left_alone(make_bench: MakeBench) -> None:
    bench = make_bench()
    list(bench.engine(stages=WRITING).stages())
    admin = bench.row("User", Username="admin@acme.example")["Id"]
    made = bench.row("PermissionSet", Name="Integration_ERP_Order_Sync")["Id"]
    bench.org.create("PermissionSetAssignment", {"AssigneeId": admin, "PermissionSetId": made}, as_user=admin)
    records = list(bench.engine().rollback())
    assert ending(records).result == "failed"
    assert "admin@acme.example" in ending(records).message
    assert bench.org.rows("PermissionSet", Id=made)
