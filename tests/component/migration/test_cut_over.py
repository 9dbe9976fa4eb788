"""The cut-over is through in time, or it falls back by itself and the old user works again; a file postpones it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter

from harness.errors import GuardRefused, OrgUnreachable, SignInRefused, UsageError
from harness.migration.journal import Journal
from harness.migration.observing import OVERLAP
from harness.migration.postponing import Postponement, read_postponement
from harness.migration.records import CutOverState, Observation
from harness.migration.stages import cut_over
from harness.migration.status import status
from harness.migration.writing.lock import lock_name

from .conftest import Bench, MakeBench, ending, open_bench, results
from .test_bad_luck import Fault
from .test_killed import Killed, killed_after, killed_before
from .test_strategies import in_place_with_approved_app

ERP = "erp.sync@acme.example"
NEW = "erp.integration@acme.example"
UNDO = "harness.migration.stages.falling_back.undo_stage"
UP_TO_THE_WAIT = ("preflight", "snapshot", "plan", "provision", "grant", "authorize", "verify", "switch", "dual-auth")


@dataclass
class Waiting:
    """A run that is through dual-auth, to be gone on with as often as needed."""

    bench: Bench
    org: bytes
    journal: Path


@pytest.fixture(scope="module")
def waiting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Waiting]:
    bench = open_bench(tmp_path_factory.mktemp("waiting"))
    assert ending(list(bench.engine(postponed=lambda: Postponement("x")).stages())).result == "stopped"
    bench.journal.close()
    yield Waiting(bench, bench.org.snapshot(), bench.folder / "journal.db")
    bench.close()
    bench.server.stop()


@pytest.fixture
def bench(waiting: Waiting, tmp_path: Path) -> Iterator[Bench]:
    """The org and the journal of that run, as they were when it was left."""
    bench = waiting.bench
    bench.org.restore(waiting.org)
    bench.clock.patient = True
    shutil.copy(waiting.journal, tmp_path / "journal.db")
    bench.journal = Journal(tmp_path / "journal.db")
    yield bench
    bench.journal.close()


def states(bench: Bench) -> list[str]:
    """How the cut-over went, as the journal has it."""
    bodies = [record.body for record in bench.journal.records("run1", kind="cut-over")]
    return [body.state for body in bodies if isinstance(body, CutOverState)]


def is_frozen(bench: Bench, username: str = ERP) -> bool:
    return bool(bench.row("UserLogin", UserId=bench.row("User", Username=username)["Id"])["IsFrozen"])


def signs_in(bench: Bench) -> bool:
    """Whether the old credential lets anybody in."""
    try:
        bench.engine()._world.sign_in("source", bench.file.scenario.from_.sign_in.flow)
    except SignInRefused:
        return False
    return True


def meanwhile(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], None]) -> None:
    """Let something happen once, when the old user has just been shut out."""
    original, left = cut_over._must_be_refused, [happens]

    def refused(context: Any) -> None:
        original(context)
        if left:
            left.pop()()

    monkeypatch.setattr(cut_over, "_must_be_refused", refused)


def passes(bench: Bench, seconds: float) -> None:
    bench.org.clock.advance(seconds)


Rows = list[tuple[str, dict[str, Any]]]


def take_access(bench: Bench) -> Rows:
    """Somebody takes a field from the new user; the row that went, as it was."""
    made = bench.row("PermissionSet", Name="Integration_ERP_Order_Sync")["Id"]
    admin = bench.row("User", Username="admin@acme.example")["Id"]
    row = bench.row("FieldPermissions", ParentId=made, Field="Account.ERP_Key__c")
    bench.org.delete("FieldPermissions", row["Id"], as_user=admin)
    return [("FieldPermissions", row)]


def give_access(bench: Bench, rows: Rows) -> None:
    """It was never taken."""
    for sobject, row in rows:
        bench.org.insert_row(sobject, row)


def test_a_cut_over_that_goes_well_is_boxed_and_does_not_fall_back(bench: Bench) -> None:
    records = list(bench.engine().stages())
    assert results(records)["cut-over"] == "passed"
    assert states(bench) == ["begun"]
    assert is_frozen(bench)
    [begun] = bench.journal.records("run1", kind="cut-over")
    first = next(record for record in bench.journal.records("run1", key="cut-over/freeze"))
    assert isinstance(begun.body, CutOverState)
    assert begun.body.until == begun.at + timedelta(minutes=30)
    assert begun.seq < first.seq


def test_the_first_failed_operation_lets_the_old_user_in_again_and_a_resume_cuts_over_anew(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[Rows] = []
    meanwhile(monkeypatch, lambda: taken.append(take_access(bench)))
    last = ending(list(bench.engine().stages()))
    assert last.result == "failed"
    assert last.message.startswith("fell back: 1 operations fail for the new user alone")
    assert last.message.endswith(f"{ERP} signs in again")
    assert last.remedy
    assert "`rehearse resume` cuts over anew" in last.remedy
    assert states(bench) == ["begun", "falling-back", "fell-back"]
    assert not is_frozen(bench)
    assert signs_in(bench)
    ran = [r for r in bench.journal.records("run1", kind="comparison") if r.stage == "cut-over"]
    assert len(ran) == 1, "nothing is tried after the first failure"

    give_access(bench, taken[0])
    records = list(bench.engine().stages())
    assert results(records) == {"cut-over": "passed", "retire": "passed"}
    assert is_frozen(bench)
    assert states(bench)[-1] == "begun"
    back = ending(list(bench.engine().rollback()))
    assert back.result == "passed", back
    assert not is_frozen(bench)


def test_a_new_user_that_cannot_sign_in_makes_it_fall_back(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    made = bench.row("PermissionSet", Name="Integration_ERP_Order_Sync")["Id"]
    admin = bench.row("User", Username="admin@acme.example")["Id"]
    given = bench.row("PermissionSetAssignment", PermissionSetId=made)["Id"]
    meanwhile(monkeypatch, lambda: bench.org.delete("PermissionSetAssignment", given, as_user=admin))
    last = ending(list(bench.engine().stages()))
    assert last.message.startswith(f"fell back: the client-credentials sign-in of {NEW} was refused")
    assert last.answer
    assert "invalid_app_access" in last.answer
    assert signs_in(bench)


def test_a_limit_that_is_reached_in_the_middle_makes_it_fall_back_with_the_calls_that_are_kept(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = bench.engine()
    meter = engine._world.meter

    def nearly_used_up() -> None:
        monkeypatch.setattr(type(meter), "note", lambda *_: None)
        meter.used, meter.allowed = 95, 100

    meanwhile(monkeypatch, nearly_used_up)
    last = ending(list(engine.stages()))
    assert last.message.startswith("fell back: 95 of the org's 100 API calls of 24 hours are used")
    assert not is_frozen(bench)


def test_an_old_user_that_gets_in_all_the_same_makes_it_fall_back(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin = bench.row("User", Username="admin@acme.example")["Id"]
    original = cut_over._freeze

    def thawed(context: Any, user: Any) -> None:
        original(context, user)
        bench.org.update("UserLogin", user.login_id, {"IsFrozen": False}, as_user=admin)

    monkeypatch.setattr(cut_over, "_freeze", thawed)
    last = ending(list(bench.engine().stages()))
    assert last.message.startswith(f"fell back: {ERP} is frozen, and could sign in all the same")
    assert last.place
    assert "erp.scenario.yaml" in last.place
    assert signs_in(bench)


def test_the_box_running_out_undoes_it(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    meanwhile(monkeypatch, lambda: passes(bench, 1801))
    last = ending(list(bench.engine().stages()))
    assert last.message.startswith("fell back: the 30 minutes for the cut-over ran out")
    assert last.place
    assert not is_frozen(bench)
    assert results(list(bench.engine().stages()))["retire"] == "passed", "a new cut-over has a new box"


def test_what_is_through_just_in_time_stays(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    meanwhile(monkeypatch, lambda: passes(bench, 1790))
    assert results(list(bench.engine().stages()))["cut-over"] == "passed"


@pytest.mark.parametrize("fault", [killed_before, killed_after], ids=["before", "after"])
def test_a_cut_over_that_died_goes_on_in_its_box_and_falls_back_after_it(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, fault: Any
) -> None:
    stages = (*UP_TO_THE_WAIT, "cut-over")
    with at_freeze(monkeypatch, fault), suppress(Killed):
        list(bench.engine(stages=stages).stages())
    assert states(bench)[-1] == "begun"
    bench.org.clock.advance(31 * 60)
    last = ending(list(bench.engine(stages=stages).stages()))
    assert last.result == "failed"
    assert "ran out before it was taken up again" in last.message
    assert states(bench)[-1] == "fell-back"
    assert not is_frozen(bench)
    assert results(list(bench.engine(stages=stages).stages())) == {"cut-over": "passed"}


@contextmanager
def at_freeze(monkeypatch: pytest.MonkeyPatch, fault: Fault) -> Iterator[None]:
    """Let the request that freezes the old user go wrong."""
    original = HTTPAdapter.send

    def send(self: Any, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        if '"IsFrozen"' in _text(request.body) and "query" not in str(request.url):
            return fault(request, lambda: original(self, request, *args, **options))
        return original(self, request, *args, **options)

    with monkeypatch.context() as patch:
        patch.setattr(HTTPAdapter, "send", send)
        yield


def _text(body: object) -> str:
    return body.decode() if isinstance(body, bytes) else str(body or "")


def test_a_fallback_that_died_is_finished_first(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    meanwhile(monkeypatch, lambda: passes(bench, 31 * 60))

    def dies(*_: Any) -> Iterator[None]:
        raise Killed

    with monkeypatch.context() as patch, suppress(Killed):
        patch.setattr(UNDO, dies)
        list(bench.engine().stages())
    assert states(bench) == ["begun", "falling-back"]
    assert is_frozen(bench)
    last = ending(list(bench.engine().stages()))
    assert last.message.startswith("fell back: the 30 minutes for the cut-over ran out")
    assert signs_in(bench)


def test_a_fallback_that_fails_says_so_loudly_and_what_to_do_by_hand(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    meanwhile(monkeypatch, lambda: passes(bench, 31 * 60))

    def unreachable(*_: Any) -> Iterator[None]:
        raise OrgUnreachable("the org did not answer", asked="anything", may_have_happened=False)

    with monkeypatch.context() as patch:
        patch.setattr(UNDO, unreachable)
        last = ending(list(bench.engine().stages()))
    assert last.result == "failed"
    assert f"COULD NOT FALL BACK, AND {ERP} MAY BE SHUT OUT" in last.message
    assert "the org did not answer" in last.message
    assert last.remedy
    assert f"unfreeze the user (it was: freeze {ERP})" in last.remedy
    assert states(bench)[-1] == "stuck"
    again = ending(list(bench.engine().stages()))
    assert again.message.startswith("fell back: ")
    assert not is_frozen(bench)


def test_an_old_user_that_was_deactivated_meanwhile_is_a_fallback_that_failed(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin = bench.row("User", Username="admin@acme.example")["Id"]

    def happens() -> None:
        bench.org.update("User", bench.row("User", Username=ERP)["Id"], {"IsActive": False}, as_user=admin)
        bench.org.clock.advance(31 * 60)

    meanwhile(monkeypatch, happens)
    last = ending(list(bench.engine().stages()))
    assert f"{ERP} cannot sign in" in last.message
    assert "COULD NOT FALL BACK" in last.message


def test_in_place_the_fallback_gives_the_old_credential_back(
    make_bench: MakeBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = in_place_with_approved_app(make_bench)
    original = cut_over._end_and_try

    def late(context: Any) -> str:
        done = original(context)
        bench.org.clock.advance(31 * 60)
        return done

    monkeypatch.setattr(cut_over, "_end_and_try", late)
    last = ending(list(bench.engine().stages()))
    assert last.message.startswith("fell back: the 30 minutes"), last
    assert signs_in(bench)
    monkeypatch.setattr(cut_over, "_end_and_try", original)
    records = list(bench.engine().stages())
    assert results(records) == {"cut-over": "passed"}, ending(records).message
    assert not signs_in(bench)


def test_a_failure_before_the_first_write_is_no_fallback(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:

    def gone(*_: Any) -> None:
        raise OrgUnreachable("the org did not answer", asked="a row", may_have_happened=False)

    monkeypatch.setattr(cut_over, "the_user", gone)
    last = ending(list(bench.engine().stages()))
    assert last.message == "the org did not answer"
    assert "falling-back" not in states(bench)


# --- postponed --------------------------------------------------------------------------------------------------------


def test_a_file_postpones_the_cut_over_until_it_is_removed(bench: Bench) -> None:
    file = bench.folder / "cut-over.postpone"
    file.write_text("")
    for _ in range(2):
        last = ending(list(bench.engine(postponed=lambda: read_postponement(file, shown="the file")).stages()))
        assert (last.result, last.until) == ("stopped", None)
        assert last.message == "the cut-over is postponed until the file is removed"
        assert not is_frozen(bench)
        assert states(bench) == []
    file.unlink()
    records = list(bench.engine(postponed=lambda: read_postponement(file)).stages())
    assert results(records) == {"cut-over": "passed", "retire": "passed"}


def test_a_moment_postpones_it_no_longer_than_that(bench: Bench) -> None:
    bench.clock.patient = False
    until = bench.clock.now() + timedelta(days=3)

    def postponed() -> Postponement:
        return Postponement("the file", until, "The month is closed first.")

    last = ending(list(bench.engine(postponed=postponed).stages()))
    assert (last.result, last.until) == ("stopped", until)
    assert last.message.endswith("by the file: The month is closed first.")
    bench.org.clock.advance(timedelta(days=3).total_seconds())
    assert results(list(bench.engine(postponed=postponed).stages()))["cut-over"] == "passed"


def test_a_file_that_cannot_be_read_stops_before_the_first_write(bench: Bench) -> None:
    file = bench.folder / "cut-over.postpone"
    file.write_text("untill: 2026-12-01T08:00Z\n")
    with pytest.raises(UsageError, match="unknown key"):
        list(bench.engine(postponed=lambda: read_postponement(file)).stages())
    assert not is_frozen(bench)
    assert results(list(bench.journal.records("run1")))["cut-over"] == "failed"


def test_a_postponed_cut_over_looks_again_whether_the_old_user_is_quiet(bench: Bench) -> None:
    bench.org.clock.advance(timedelta(days=5).total_seconds())
    assert signs_in(bench), "somebody found the old credential in a drawer"
    last = ending(list(bench.engine().stages()))
    assert last.result == "failed"
    assert "signed in 1 times that this run did not make" in last.message
    assert states(bench) == []
    bench.org.clock.advance(timedelta(days=5).total_seconds())
    assert results(list(bench.engine().stages()))["cut-over"] == "passed"


def test_the_sign_in_of_a_fallback_is_not_taken_for_somebody_elses(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    meanwhile(monkeypatch, lambda: passes(bench, 31 * 60))
    assert ending(list(bench.engine().stages())).message.startswith("fell back")
    bench.org.clock.advance(3600)
    assert results(list(bench.engine().stages()))["cut-over"] == "passed"
    seen = bench.journal.find("run1", Observation)
    assert seen
    assert seen.old_user_foreign_sign_ins == 0
    assert seen.old_user_sign_ins > 2


# --- watched and told -------------------------------------------------------------------------------------------------


def later(bench: Bench, days: float) -> None:
    bench.org.clock.advance(timedelta(days=days).total_seconds())


def test_samples_add_up_and_each_sign_in_is_counted_once(bench: Bench) -> None:
    baseline = bench.journal.find("run1", Observation)
    assert baseline
    foreign = []
    for day, knocks in enumerate((1, 0, 2)):
        later(bench, 1)
        for _ in range(knocks):
            assert signs_in(bench)
        sample = bench.engine().observe()
        foreign.append(sample.old_user_foreign_sign_ins)
        again = bench.engine().observe()  # a minute later: the overlap is read again, and nothing is counted twice
        assert again.old_user_foreign_sign_ins == foreign[-1], day
        assert again.read_from
        assert again.read_from >= sample.until - OVERLAP
    assert foreign == [1, 1, 3]
    last = bench.journal.find("run1", Observation)
    assert last
    assert last.old_user_sign_ins == baseline.old_user_sign_ins + 3
    assert last.quiet_for_seconds is not None
    assert last.quiet_for_seconds < 3600
    assert ending(list(bench.engine().stages())).result == "failed", "somebody was there just now"


def test_a_sample_is_refused_outside_of_the_time_in_which_both_work(bench: Bench) -> None:
    list(bench.engine().stages())
    with pytest.raises(UsageError, match="past dual-auth"):
        bench.engine().observe()
    list(bench.engine(run_id="run2", stages=("preflight",)).stages())
    with pytest.raises(UsageError, match="not in dual-auth yet"):
        bench.engine(run_id="run2").observe()


def test_a_sample_in_another_org_is_refused(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = bench.engine()
    found = engine._prove()
    monkeypatch.setattr(engine, "_prove", lambda: replace(found, org_id="00D000000000099EAA"))
    with pytest.raises(GuardRefused, match="is of org 00DRh0000000001MAA, and this is 00D000000000099EAA"):
        engine.observe()


def test_the_status_says_what_would_come_and_what_is_in_the_way(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    [calm] = status(bench.journal)
    assert [(each.stage, each.writes) for each in calm.ahead] == [
        ("cut-over", (f"freeze {ERP}",)),
        ("retire", (f"deactivate {ERP}",)),
    ]
    assert calm.in_the_way == ()
    assert (calm.samples, calm.observed) == (2, bench.journal.find("run1", Observation))
    [held] = status(bench.journal, Postponement("the file", None, "Ask Rosa."))
    assert held.in_the_way == ("the cut-over is postponed until the file is removed: Ask Rosa.",)

    with at_freeze(monkeypatch, killed_after), suppress(Killed):
        list(bench.engine().stages())
    [died] = status(bench.journal, Postponement("the file"))
    assert any(text.startswith("the cut-over has begun at") for text in died.in_the_way), died.in_the_way
    assert any("this run's own lock" in text for text in died.in_the_way), died.in_the_way
    assert not any("postponed" in text for text in died.in_the_way), "it is too late for that"
    later(bench, 1)
    list(bench.engine().stages())
    [fell_back] = status(bench.journal)
    assert fell_back.in_the_way == ()
    assert fell_back.message.startswith("fell back")
    list(bench.engine().stages())
    [through] = status(bench.journal, Postponement("the file"))
    assert (through.complete, through.ahead, through.in_the_way) == (True, (), ())


def test_the_status_names_the_run_that_holds_the_lock(bench: Bench) -> None:
    admin = bench.row("User", Username="admin@acme.example")["Id"]
    name = lock_name(bench.file.scenario.from_.username)
    text = "rehearse run=elsewhere host=laptop since=2026-01-19T09:00:00.000000Z heartbeat=2026-01-19T09:00:00.000000Z"
    bench.org.create("PermissionSet", {"Name": name, "Label": "Lock", "Description": text}, as_user=admin)
    last = ending(list(bench.engine().stages()))
    assert last.result == "stopped", last
    [held] = status(bench.journal)
    assert "the lock in the org was another run's" in held.in_the_way[0]
    assert "run elsewhere on laptop" in held.in_the_way[0]
