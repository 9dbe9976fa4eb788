"""When what descriptions are made of was last changed: permissions, profiles, licenses, the schema.

One moment for the whole org: a change of any permission makes all descriptions new (REST guide, "Describe Global").
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from harness.sandbox.store import Row

_OBJECTS = frozenset(
    {
        "FieldPermissions",
        "MutingPermissionSet",
        "ObjectPermissions",
        "PermissionSet",
        "PermissionSetAssignment",
        "PermissionSetGroup",
        "PermissionSetGroupComponent",
        "PermissionSetLicenseAssign",
        "Profile",
        "RecordType",
        "SetupEntityAccess",
    }
)
_SECOND = timedelta(seconds=1)


class MetadataStamp:
    """The moment of the last change. Clients compare it by the second, so once read it moves on by one at least."""

    def __init__(self, now: Callable[[], datetime], kept: str | None) -> None:
        self._now = now
        self._moment = datetime.fromisoformat(kept) if kept else now()
        self._read = False

    def read(self) -> datetime:
        """The moment."""
        self._read = True
        return self._moment

    def kept(self) -> str:
        """The moment as it is stored with the org."""
        return self._moment.isoformat()

    def move(self) -> None:
        """Something changed."""
        later = self._moment.replace(microsecond=0) + _SECOND if self._read else self._moment
        self._moment = max(self._now(), later)
        self._read = False

    def row_changed(self, name: str, *rows: Row) -> None:
        """A row of an object was written: `rows` are its states before and after, as far as there are."""
        profile_changed = name == "User" and len({row.get("ProfileId") for row in rows}) > 1
        if name in _OBJECTS or profile_changed:
            self.move()
