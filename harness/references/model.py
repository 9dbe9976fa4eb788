"""What a search for references finds: plain data, journaled and reported; and whom it is made for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from pydantic import BaseModel, ConfigDict

Change = Literal["new-user", "profile-change", "freeze", "deactivate"]
"""What happens to the old user, or to the integration: it works as another user, the same user gets another profile,
the old user is frozen, the old user is deactivated."""


class Found(BaseModel):
    """The base of what is found: immutable, unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class ReferenceHit(Found):
    """One place that names the source user or its profile."""

    kind: str
    """Such as `ValidationRule`, `Flow`, `QueueMembership`, `CronTrigger`."""
    name: str
    """Such as `Account.Sync_Only`."""
    where: str
    """In a project `file:line`, in the org the object and field."""
    says: str
    """The words that name it, such as `$Profile.Name = "Integration"`."""
    breaks: str
    """What breaks, in a sentence."""
    when: tuple[Change, ...]
    """At which change it breaks; empty: at none, as it names another profile or user, or is not active."""
    remedy: str
    matters: bool = True
    """Whether this migration makes one of the changes at which it breaks."""
    accepted: str | None = None
    """The scenario's reason, where it accepts it."""
    place: str | None = None
    """`file:line` of the acceptance."""

    @property
    def line(self) -> str:
        """As a scenario accepts it: `ValidationRule Account.Sync_Only`."""
        return f"{self.kind} {self.name}"


class ReferenceScan(Found):
    """What else names the old user. The record's key is `references`."""

    hits: tuple[ReferenceHit, ...]
    looked_at: Mapping[str, int]
    """What was searched, and how many of each: `{"ValidationRule": 41, "CronTrigger": 0, "project: Flow": 12}`."""
    not_read: tuple[str, ...] = ()
    """What could not be searched, each in a sentence."""
    unmet: tuple[str, ...] = ()
    """Acceptances of the scenario that meet nothing, each with its `file:line`."""
    calls: int = 0
    """API calls the search took."""

    @property
    def open(self) -> tuple[ReferenceHit, ...]:
        """The hits that matter to this migration and that nobody has agreed to."""
        return tuple(hit for hit in self.hits if hit.matters and hit.accepted is None)

    @property
    def open_by_line(self) -> dict[str, list[ReferenceHit]]:
        """The same, by the line with which a scenario would accept them."""
        lines: dict[str, list[ReferenceHit]] = {}
        for hit in self.open:
            lines.setdefault(hit.line, []).append(hit)
        return lines


@dataclass(frozen=True, slots=True)
class Subject:
    """The old user, as everything that may name it knows it."""

    username: str
    profile: str
    """The name of its profile."""
    new_profile: str | None = None
    """The name of the profile that the integration will have, where it is known."""
    id: str = ""
    name: str = ""
    """First and last name."""
    email: str = ""
    profile_id: str = ""
    role: str | None = None
    """The developer name of its role."""
    permissions: frozenset[str] = field(default_factory=frozenset)
    """The custom permissions that it holds and the integration will not, by name."""
