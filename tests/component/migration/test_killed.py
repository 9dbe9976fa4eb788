"""The process is killed at each write in turn, in orgs that behave their worst: what was written is undone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import pytest
import requests

from harness.migration.records import RollbackProof
from harness.sandbox.switches import set_switches

from .conftest import MakeBench, ending
from .test_bad_luck import WRITING, at_write, dies_before
from .test_strategies import FULL_FIRST, IN_PLACE

SWITCHES = ("profile-change=strip", "license-change-drops-place=on", "automatic-license-removal=off")


class Killed(BaseException):
    """Nothing of ours runs any more: no record of an end is written."""


def killed_before(_request: requests.PreparedRequest, _send: Callable[[], requests.Response]) -> requests.Response:
    raise Killed


def killed_after(_request: requests.PreparedRequest, send: Callable[[], requests.Response]) -> requests.Response:
    send()
    raise Killed


@pytest.mark.long
@pytest.mark.parametrize("resume", [False, True], ids=["rollback", "resume"])
@pytest.mark.parametrize("strategy", [IN_PLACE, FULL_FIRST], ids=["in-place", "temporary-full-license"])
def test_a_kill_at_any_write_is_undone(
    make_bench: MakeBench, monkeypatch: pytest.MonkeyPatch, strategy: Mapping[str, Any], *, resume: bool
) -> None:
    bench = make_bench(scenario=strategy)
    bench.org.switches = set_switches(bench.org.switches, SWITCHES)
    with at_write(monkeypatch, 0, dies_before) as calm:
        list(bench.engine(run_id="calm", stages=WRITING).stages())
    assert ending(list(bench.engine(run_id="calm").rollback())).result == "passed"
    wrong = []
    for number in range(1 + resume, len(calm) + 1, 4):
        fault, run_id = (killed_after, killed_before)[number // 4 % 2], f"run-{number}"
        with at_write(monkeypatch, number, fault) as seen, suppress(Killed):
            list(bench.engine(run_id=run_id, stages=WRITING).stages())
        if resume:
            records = list(bench.engine(run_id=run_id, stages=WRITING).stages())
            wrong += [(seen[-1], ending(records))] if records and ending(records).result != "passed" else []
        end = ending(list(bench.engine(run_id=run_id).rollback()))
        proof = bench.journal.find(run_id, RollbackProof)
        if end.result != "passed" or (proof is not None and not proof.equal):
            wrong.append((seen[-1], end))
    assert wrong == []
