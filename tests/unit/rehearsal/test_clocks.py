"""The clocks of a simulated sandbox: one of our own, and one in another process."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from harness.errors import OrgUnreachable
from harness.rehearsal.worlds import _EmbeddedClock, _RemoteClock
from harness.sandbox.org import SandboxOrg
from harness.sandbox.server import SandboxServer
from harness.sandbox.source import open_org


@pytest.fixture(scope="module")
def org() -> Iterator[SandboxOrg]:
    org = open_org("demo")
    yield org
    org.close()


def test_time_passes_because_it_is_told_to(org: SandboxOrg) -> None:
    clock = _EmbeddedClock(org, "seed")
    start = clock.now()
    clock.sleep(5)
    assert timedelta(seconds=5) <= clock.now() - start < timedelta(seconds=6)
    assert clock.pass_until(start + timedelta(days=14)) is True
    later = clock.now()
    assert later >= start + timedelta(days=14)
    assert clock.pass_until(start) is True
    assert timedelta(0) < clock.now() - later < timedelta(seconds=1), "time never goes back"


def test_ids_are_a_fixed_sequence_of_the_seed(org: SandboxOrg) -> None:
    one, again, other = (_EmbeddedClock(org, seed) for seed in ("seed", "seed", "other"))
    ids = [one.new_id() for _ in range(3)]
    assert len(set(ids)) == 3
    assert [again.new_id() for _ in range(3)] == ids
    assert other.new_id() not in ids
    assert all(len(each) == 12 and set(each) <= set("0123456789abcdef") for each in ids)


def test_a_clock_of_another_process_tells_its_last_time_when_that_is_gone(org: SandboxOrg) -> None:
    waited: list[float] = []
    with SandboxServer(org) as server:
        control = dict(server.ready.control)
        clock = _RemoteClock(control, wait=waited.append)
        start = clock.now()
        clock.sleep(60)
        last = clock.now()
        assert last - start >= timedelta(seconds=60)
        stranger = _RemoteClock({**control, "token": "another"})
        with pytest.raises(OrgUnreachable, match="401"):
            stranger.now()
    assert clock.now() == last
    clock.sleep(3)
    assert waited == [3]
    with pytest.raises(OrgUnreachable, match="does not answer") as caught:
        clock.pass_until(last + timedelta(days=1))
    assert caught.value.remedy
    with pytest.raises(OrgUnreachable):
        _RemoteClock(control).now()
