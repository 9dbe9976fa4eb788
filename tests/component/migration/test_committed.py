"""A check that writes for real dies before it cleaned up: a resume or a rollback cleans up after it."""

from __future__ import annotations

from typing import Any

import pytest

from harness.checks import committing
from harness.errors import OrgUnreachable
from harness.org.connection import Connection

from .conftest import Bench, MakeBench, ending, results

KEY = "UNIQUE-1"
EXPECT = {
    "grants": [
        {"insert": {"object": "Account", "rows": 2, "fields": {"Name": "Made by a check"}}, "commit": True},
        {"update": {"object": "Account", "where": f"ERP_Key__c = '{KEY}'", "fields": {"Phone": "1"}}, "commit": True},
    ]
}


class Killed(BaseException):
    """The process died."""


def made(bench: Bench) -> int:
    return len(bench.org.rows("Account", Name="Made by a check"))


def phone(bench: Bench) -> Any:
    return bench.row("Account", ERP_Key__c=KEY)["Phone"]


@pytest.fixture
def bench(make_bench: MakeBench) -> Bench:
    bench = make_bench(scenario={"expect": EXPECT})
    account = bench.org.rows("Account")[0]
    bench.org.update_row("Account", account["Id"], {"ERP_Key__c": KEY, "Phone": "0"})
    # somebody else's row of the same content stays
    bench.org.insert_row("Account", {"Name": "Made by a check"})
    return bench


def dying(monkeypatch: pytest.MonkeyPatch, *, method: str, heard: bool, how: type[BaseException]) -> None:
    """Let whoever makes such a write die: after the answer was `heard`, or before that."""
    real, undoing = Connection.composite, {"POST": "DELETE", "PATCH": "PATCH"}[method]

    def composite(self: Connection, subrequests: Any, *, all_or_none: bool) -> Any:
        ours = all_or_none and "Account" in str(subrequests[0]["url"])
        ours = ours and "RehearsalRollsThisBack__c" not in str(subrequests)
        if ours and heard and self.principal == "admin" and subrequests[0]["method"] == undoing:
            raise death()
        replies = real(self, subrequests, all_or_none=all_or_none)
        if ours and not heard and self.principal == "target" and subrequests[0]["method"] == method:
            raise death()
        return replies

    def death() -> BaseException:
        if how is OrgUnreachable:
            return OrgUnreachable("no answer", asked="write", may_have_happened=True)
        return how()

    monkeypatch.setattr(Connection, "composite", composite)


CASES = [
    (method, heard, how) for method in ("POST", "PATCH") for heard in (True, False) for how in (Killed, OrgUnreachable)
]


def broken_off(bench: Bench, how: type[BaseException]) -> None:
    if how is Killed:
        with pytest.raises(Killed):
            list(bench.engine().stages())
    else:
        assert results(list(bench.engine().stages()))["verify"] == "failed"


@pytest.mark.parametrize(("method", "heard", "how"), CASES)
def test_a_rollback_cleans_up(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, method: str, heard: bool, how: type[BaseException]
) -> None:
    with monkeypatch.context() as patched:
        dying(patched, method=method, heard=heard, how=how)
        broken_off(bench, how)
    assert (made(bench), phone(bench)) == ((3, "0") if method == "POST" else (1, "1"))
    records = list(bench.engine().rollback())
    assert ending(records).result == "passed", ending(records)
    assert (made(bench), phone(bench)) == (1, "0")


@pytest.mark.parametrize(("method", "heard", "how"), CASES)
def test_a_resume_cleans_up_and_goes_on(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, method: str, heard: bool, how: type[BaseException]
) -> None:
    with monkeypatch.context() as patched:
        dying(patched, method=method, heard=heard, how=how)
        broken_off(bench, how)
    records = list(bench.engine().stages())
    assert set(results(records).values()) == {"passed"}, ending(records)
    assert (made(bench), phone(bench)) == (1, "0")


def test_what_somebody_changed_meanwhile_is_left_alone(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        dying(patched, method="PATCH", heard=True, how=Killed)
        broken_off(bench, Killed)
    bench.org.update_row("Account", bench.row("Account", ERP_Key__c=KEY)["Id"], {"Phone": "another"})
    records = list(bench.engine().rollback())
    assert phone(bench) == "another"
    assert "Phone of the Account" in str([record.body for record in records])


def test_a_run_that_keeps_no_diary_leaves_rows(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The test of these tests: without the journal, nothing would be cleaned up."""
    monkeypatch.setattr("harness.migration.stages.verify.Committing", lambda *_: committing.NoDiary())
    with monkeypatch.context() as patched:
        dying(patched, method="POST", heard=True, how=Killed)
        broken_off(bench, Killed)
    list(bench.engine().rollback())
    assert made(bench) == 3
