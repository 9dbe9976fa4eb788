"""What an org shows of the runs of a scenario: data, read by `harness.migration.adopting.reading`. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from harness.access.reading.people import User
from harness.migration.apps import App
from harness.migration.others.three_way import Author, creator
from harness.migration.planning.marks import Mark

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SeenUser:
    """A user that may be ours. `run_id` is that of its mark; None: it bears no mark of this scenario."""

    user: User
    run_id: str | None
    row: Row
    """Its User row with who made it and who wrote it last."""
    assignments: tuple[Row, ...] = ()
    """Of permission sets, that of the profile not among them."""
    licenses: tuple[Row, ...] = ()
    """The permission set licenses that are assigned to it, with who assigned them."""
    memberships: tuple[Row, ...] = ()

    @property
    def made(self) -> Author:
        """Who made it, and when."""
        return creator(self.row)

    @property
    def stands(self) -> bool:
        """Whether it is more than what every undone run leaves behind."""
        return self.user.is_active or bool(self.assignments or self.licenses or self.memberships or self.user.role)


@dataclass(frozen=True, slots=True)
class SeenSet:
    """A permission set that has the name of one of ours, or bears a mark of this scenario."""

    row: Row
    mark: Mark | None
    """None: it bears no mark of this scenario."""
    rows: Mapping[str, tuple[Row, ...]] = field(default_factory=dict)
    """What is under it, by object: ObjectPermissions, FieldPermissions, SetupEntityAccess."""
    assignees: Mapping[str, str] = field(default_factory=dict)
    """To whom it is assigned: the usernames, by the id of the assignment."""

    @property
    def id(self) -> str:
        """Its id."""
        return str(self.row["Id"])

    @property
    def name(self) -> str:
        """Its API name."""
        return str(self.row["Name"])

    @property
    def made(self) -> Author:
        """Who made it, and when."""
        return creator(self.row)


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One row of the Setup Audit Trail."""

    action: str
    display: str
    by: str
    """The id of the user who did it."""
    at: datetime


@dataclass(frozen=True, slots=True)
class Seen:
    """All of it."""

    source: User
    source_login: Row
    """Its UserLogin row with who wrote it last; empty where the org shows none."""
    source_row: Row
    converted: SeenUser | None
    """With one user: the same, with what is assigned to it."""
    target: SeenUser | None
    trial: SeenUser | None
    own_set: SeenSet | None
    trial_set: SeenSet | None
    strays: tuple[str, ...]
    """What bears a mark of this scenario under another name, each in words."""
    app: App | None
    app_access: tuple[Row, ...]
    """The SetupEntityAccess rows of the app of the new sign-in."""
    old_app: App | None
    audit: tuple[AuditEntry, ...] | None
    """Oldest first, since the oldest mark; None: the org would not tell."""
    parts: Mapping[str, str]
    """The parts of the fingerprint as they are now."""


def first(moments: Sequence[datetime | None]) -> datetime | None:
    """The earliest."""
    return min((one for one in moments if one), default=None)
