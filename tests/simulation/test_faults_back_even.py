"""Every kind of fault at every other call of the rollback, from the second; and storms find what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.org.patience import Tries
from harness.org.reply import Answer

from .conftest import MakeWorld
from .faults import SLOW
from .storms import Storm, Violation, see_through


def test_every_fault_is_survived(tmp_path: Path) -> None:
    see_through(tmp_path, "back", share=(0, 2))


def test_an_org_that_takes_a_minute_for_each_answer_is_put_up_with(world_of: MakeWorld) -> None:
    world = world_of("reference")
    send = world.wire.send
    world.wire.send = lambda *given, **more: (world.clock.sleep(SLOW.seconds), send(*given, **more))[1]  # type: ignore[method-assign]
    end = world.process().forward()
    assert end is not None
    assert (end.result, world.judge().standing) == ("passed", "migrated"), end
    end = world.process().back()
    assert end is not None
    assert (end.result, world.judge().standing) == ("passed", "as before"), end


def test_a_write_that_is_sent_again_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.org.transport.certainty_of", lambda _status, _errors: "NOT_APPLIED")
    with pytest.raises(Violation, match="a write was sent again after 500, done"):
        Storm(tmp_path, "back").explore()


def test_a_call_that_is_tried_for_ever_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Tries, "again", lambda *_given, **_more: True)
    with pytest.raises(Violation, match="an endless loop"):
        Storm(tmp_path, "back").explore()


def test_silence_taken_for_success_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def taken_for_done(message: str, count: int) -> list[Answer]:
        return [Answer("APPLIED", 204, message[:0])] * count

    monkeypatch.setattr("harness.migration.writing.fenced.lost", taken_for_done)
    with pytest.raises(AssertionError, match=r"Violation: (not as before|never done)"):
        Storm(tmp_path, "back", every=(1000, 1000)).explore()
