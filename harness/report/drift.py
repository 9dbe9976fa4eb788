"""How an org answers the questions of a recording today: what a comparison found, as evidence holds it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict

TierName = Literal["critical", "error", "warning", "information"]
TIERS: tuple[TierName, ...] = ("critical", "error", "warning", "information")
"""The heaviest first."""
TIER_WORDS: Mapping[TierName, str] = {
    "critical": "a denial became a grant",
    "error": "a grant became a denial, or a field vanished",
    "warning": "fewer rows, or another error code",
    "information": "something new, or another text or value",
}


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DriftFound(_Model):
    """One difference between a recorded answer and the org's answer now, in words."""

    tier: TierName
    stage: str
    """The stage whose recording holds the request."""
    principal: str
    """The username of whoever asked."""
    request: str
    text: str
    recorded: str
    now: str

    def __str__(self) -> str:
        who = f" ({self.principal})" if self.principal else ""
        return f"{self.tier}: {self.text}{who}; recorded: {self.recorded}; now: {self.now}"


class LeftOut(_Model):
    """A recorded request that was not asked again, and why."""

    stage: str
    request: str
    principal: str
    reason: str


class OrgDrift(_Model):
    """One comparison of a scenario's recording with an org."""

    org: str
    """Which org was asked, in words."""
    states: tuple[str, ...]
    """In which part of a migration it was."""
    asked: Mapping[str, int]
    """How many requests were asked again, by the stage of their recording."""
    found: tuple[DriftFound, ...]
    """The heaviest first."""
    not_asked: tuple[LeftOut, ...]

    @property
    def total(self) -> int:
        """How many requests were asked again."""
        return sum(self.asked.values())

    def of_tier(self, tier: TierName) -> list[DriftFound]:
        """The differences of one tier."""
        return [each for each in self.found if each.tier == tier]

    def from_tier(self, tier: TierName) -> list[DriftFound]:
        """The differences of this tier and of those above."""
        return [each for each in self.found if TIERS.index(each.tier) <= TIERS.index(tier)]

    def left_out(self) -> list[tuple[str, str, int]]:
        """Stage, reason and count of what was not asked."""
        counted: dict[tuple[str, str], int] = {}
        for each in self.not_asked:
            counted[each.stage, each.reason] = counted.get((each.stage, each.reason), 0) + 1
        return [(stage, reason, count) for (stage, reason), count in counted.items()]
