"""A difference in meaning, how much it weighs, and for whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Tier(StrEnum):
    """How much a difference weighs, the heaviest first."""

    CRITICAL = "critical"
    """A denial became a grant: somebody may do what was agreed to be forbidden."""
    ERROR = "error"
    """A grant became a denial, or a field vanished: something breaks."""
    WARNING = "warning"
    """Fewer rows, another error code: something may break."""
    INFORMATION = "information"
    """New fields, more rows, changed texts and values."""

    @property
    def weight(self) -> int:
        """The larger, the heavier."""
        return len(Tier) - list(Tier).index(self)


@dataclass(frozen=True, slots=True)
class Drift:
    """One difference. `request` and `text` are one line each; `recorded` and `now` say in words what was and is."""

    tier: Tier
    request: str
    text: str
    recorded: str
    now: str
    principal: str
    """The username of whoever asked; empty where nobody is named."""


@dataclass(frozen=True, slots=True)
class People:
    """Whose access is in question: that of everybody but the admin, who may see more and nobody minds."""

    admin: str = ""
    """The admin's username."""
    integration: frozenset[str] = frozenset()
    """The ids of the users who move, as the recorded answers name them; empty where it is not known: then everybody."""
    own: frozenset[str] = frozenset()
    """The ids of what the recording's own run made: that it is gone is no difference."""
    removed: frozenset[str] = frozenset()
    """The ids of rows that the recording's own run removed after they were read."""
    settled: frozenset[str] = frozenset()
    """Columns whose difference is explained already, such as those that tell in which state the org is."""

    def concerns(self, user_id: object) -> bool:
        """Whether a row about this user is about one who moves; who is not known counts as one."""
        return not self.integration or not isinstance(user_id, str) or user_id in self.integration


@dataclass(frozen=True, slots=True)
class Question:
    """One request, or one part of a composite."""

    principal: str
    line: str
    """It in one line, for people."""
    method: str
    path: str
    """Without /services/data/vXX.0 where it is there."""
    parameters: Mapping[str, str]
    body: str
    people: People = field(default_factory=People)

    @property
    def soql(self) -> str:
        """The query that it asks; empty for others."""
        return self.parameters.get("q", "")

    @property
    def more(self) -> Tier:
        """What it weighs when whoever asked may do more than before."""
        return Tier.INFORMATION if self.by_admin else Tier.CRITICAL

    @property
    def by_admin(self) -> bool:
        """Whether the admin asked."""
        return bool(self.people.admin) and self.principal.casefold() == self.people.admin.casefold()

    def drift(self, tier: Tier, text: str, recorded: object, now: object) -> Drift:
        """A difference in the answers to it."""
        return Drift(tier, self.line, text, str(recorded), str(now), self.principal)
