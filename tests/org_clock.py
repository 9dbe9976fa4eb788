"""The simulated org's own clock, as the engine's side sees it."""

from __future__ import annotations

from datetime import datetime

from harness.org.clock import SystemClock
from harness.sandbox.org import SandboxOrg


class OrgClock(SystemClock):
    """Time passes by being advanced; looking at it advances nothing."""

    def __init__(self, org: SandboxOrg) -> None:
        self._org = org

    def now(self) -> datetime:
        return self._org.clock.peek()

    def sleep(self, seconds: float) -> None:
        self._org.clock.advance(seconds)

    def pass_until(self, moment: datetime) -> bool:
        self._org.clock.advance(max(0.0, (moment - self.now()).total_seconds()))
        return True

    def random(self) -> float:
        return 0.5
