"""What every text of SetupAuditTrail is made of: the change, the names in it, and the entry that comes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.sandbox.store import Row

if TYPE_CHECKING:
    from harness.sandbox.org import SandboxOrg

STANDARD_PROFILES = frozenset(
    {
        "System Administrator",
        "Standard User",
        "Read Only",
        "Solution Manager",
        "Marketing User",
        "Contract Manager",
        "Standard Platform User",
        "Minimum Access - Salesforce",
        "Minimum Access - API Only Integrations",
        "Salesforce API Only System Integrations",
        "Chatter Free User",
        "Chatter External User",
        "Identity User",
    }
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the trail."""

    action: str
    section: str
    display: str


@dataclass(frozen=True, slots=True)
class Change:
    """A row before and after; None where there was or is none."""

    before: Row | None
    after: Row | None

    @property
    def row(self) -> Row:
        """The row as it is, or was."""
        return self.after or self.before or {}

    @property
    def made(self) -> bool:
        """Whether the row is new."""
        return self.before is None

    @property
    def gone(self) -> bool:
        """Whether the row is removed."""
        return self.after is None

    def pair(self, name: str) -> tuple[Any, Any] | None:
        """A field's value before and after, None where it is the same."""
        old, new = (self.before or {}).get(name), (self.after or {}).get(name)
        return None if (old or None) == (new or None) else (old, new)


@dataclass(frozen=True, slots=True)
class Names:
    """The names that texts need."""

    org: SandboxOrg

    def of(self, sobject: str, record_id: Any, field: str = "Name") -> str:
        """A field of a row as text; empty where there is no such row, or nothing in the field."""
        if not record_id or self.org.schema.get(sobject) is None:
            return ""
        return str(self.org.peek(sobject, str(record_id), field) or "")

    def user(self, user_id: Any) -> str:
        """`user Jo Doe (UserID: [005...])`."""
        return f"user {self.of('User', user_id)} (UserID: [{str(user_id)[:15]}])"

    def label(self, sobject: str) -> str:
        """The label of an object."""
        found = self.org.schema.get(sobject)
        return found.label if found else sobject

    def owner(self, set_id: Any) -> tuple[str, str]:
        """Whose permissions a set holds, `profile X` or `permission set X`, and how actions on that profile end."""
        if self.of("PermissionSet", set_id, "IsOwnedByProfile"):
            name = self.of("Profile", self.of("PermissionSet", set_id, "ProfileId"))
            return f"profile {name}", "Standard" if name in STANDARD_PROFILES else "Custom"
        muting = str(set_id).startswith("0QM")
        label = (
            self.of("MutingPermissionSet", set_id, "MasterLabel")
            if muting
            else self.of("PermissionSet", set_id, "Label")
        )
        return f"permission set {label}", ""


Writer = Callable[[Names, Change], Iterator[Entry]]
"""Says what the trail tells of a change of a row."""
