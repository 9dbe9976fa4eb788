"""What the platform does beyond the ordinary when rows of one setup object are written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.sandbox.access import EffectiveAccess
from harness.sandbox.store import Row

if TYPE_CHECKING:
    from harness.sandbox.org import SandboxOrg

Values = dict[str, Any]
"""Fields by the schema's names, as their columns keep them."""


class Rules:
    """The rules of one object: each step may refuse with ApiError, and the `after_` steps do what follows."""

    write_needs: tuple[str, ...] = ()
    """The system permissions of which one is needed to write; none: whoever may see the object."""

    def __init__(self, org: SandboxOrg) -> None:
        self.org = org

    def fill(self, values: Values) -> None:
        """Give a new row the values that the platform makes up, before it is asked what is missing."""

    def before_create(self, values: Values, access: EffectiveAccess) -> str | None:
        """Check and complete a new row, without an id yet. An id given back ends the create: its row stands for it."""

    def after_create(self, row: Row) -> None:
        """What follows from a new row."""

    def before_update(self, row: Row, changes: Values, access: EffectiveAccess) -> None:
        """Check and complete changes."""

    def after_update(self, before: Row, row: Row) -> None:
        """What follows from changes."""

    def before_delete(self, row: Row, access: EffectiveAccess) -> None:
        """Check a delete, and remove what goes with the row."""

    def after_delete(self, row: Row) -> None:
        """What follows from a delete."""
