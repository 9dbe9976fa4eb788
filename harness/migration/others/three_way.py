"""A three-way difference: what something was, what this run made of it, and what it is now that somebody else came by.

Pure. Who wrote a row last is asked of the columns that the row has (wire.md: User, UserLogin, PermissionSet and
ObjectPermissions have them, FieldPermissions and GroupMember have not).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

LAST_WRITER = ("LastModifiedById", "LastModifiedBy.Username", "LastModifiedDate")
CREATOR = ("CreatedById", "CreatedBy.Username", "CreatedDate")


@dataclass(frozen=True, slots=True)
class Author:
    """Who wrote a row, and when, as far as the org tells."""

    id: str | None = None
    username: str | None = None
    at: datetime | None = None

    def __str__(self) -> str:
        who = self.username or self.id or "somebody"
        return f"{who} at {self.at:%Y-%m-%d %H:%M:%S} UTC" if self.at else who


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that is not as this run left it. `since` is what the first value is of: the snapshot, the write."""

    what: str
    before: Any
    ours: Any
    now: Any
    author: Author | None = None

    def __str__(self) -> str:
        by = f", last written by {self.author}" if self.author else ""
        return f"{self.what}: was {said(self.before)}, ours {said(self.ours)}, now {said(self.now)}{by}"


def last_writer(row: Mapping[str, Any]) -> Author:
    """Who wrote a row last, of a row with the columns `LAST_WRITER`."""
    return _author(row, "LastModified")


def creator(row: Mapping[str, Any]) -> Author:
    """Who made a row, of a row with the columns `CREATOR`."""
    return _author(row, "Created")


def _author(row: Mapping[str, Any], what: str) -> Author:
    at = row.get(f"{what}Date")
    return Author(
        row.get(f"{what}ById"),
        (row.get(f"{what}By") or {}).get("Username"),
        datetime.fromisoformat(str(at)) if at else None,
    )


def said(value: Any) -> str:
    """A value in a sentence."""
    if value is None or value == "":
        return "nothing"
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else str(value)
