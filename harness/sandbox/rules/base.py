"""What the platform does beyond the ordinary when rows of one setup object are written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from harness.sandbox.errors import ApiError, invalid
from harness.sandbox.schema import Field, SObject
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

    def standing(self, values: Values) -> str | None:
        """The id of a row that is there already and answers a create in place of a new one."""

    def before_create(self, values: Values) -> None:
        """Check and complete a new row, which has no id yet."""

    def after_create(self, row: Row) -> None:
        """What follows from a new row."""

    def before_update(self, row: Row, changes: Values) -> None:
        """Check and complete changes."""

    def after_update(self, before: Row, row: Row) -> None:
        """What follows from changes."""

    def before_delete(self, row: Row) -> None:
        """Check a delete, and remove what goes with the row."""

    def after_delete(self, row: Row) -> None:
        """What follows from a delete."""

    def duplicate(self, field: Field, other_id: str) -> ApiError:
        """The refusal of a value that another row has in a unique field."""
        text = f"duplicate value found: {field.name} duplicates value on record with id: {other_id[:15]}"
        return invalid("DUPLICATE_VALUE", text, field.name)

    # Helpers

    def has(self, name: str) -> bool:
        """Whether the schema has an object: small ones may lack some."""
        return self.org.schema.get(name) is not None

    def rows(self, name: str, **equals: Any) -> list[Row]:
        """Rows of an object, none where the schema lacks it."""
        return self.org.rows(name, **equals) if self.has(name) else []

    def one(self, name: str, record_id: str | None) -> Row:
        """A row that must be there, or an empty one."""
        return (self.org.row(name, record_id) if record_id and self.has(name) else None) or {}

    def remove_rows(self, name: str, **equals: Any) -> None:
        """Remove rows that go with another one."""
        sobject = self.org.schema.get(name)
        for row in self.rows(name, **equals) if sobject else ():
            assert sobject is not None
            self.org.write_removal(sobject, row)


def integrity(message: str, fields: Sequence[str] = ()) -> ApiError:
    """A refusal for what does not fit together."""
    return ApiError(400, "FIELD_INTEGRITY_EXCEPTION", message, fields)


def unknown_duplicate() -> ApiError:
    """The refusal of a second row where the platform does not say which the first is."""
    text = "duplicate value found: <unknown> duplicates value on record with id: <unknown>"
    return ApiError(400, "DUPLICATE_VALUE", text, [])


def depends(permission: str, required: Sequence[str]) -> ApiError:
    """The refusal of a permission whose dependencies are not there."""
    return integrity(f"Permission {permission} depends on permission(s): {', '.join(required)}")


def object_label(sobject: SObject, right: str) -> str:
    """A right on an object as errors name it: `Read Account`, `Read All Account`."""
    words = {
        "read": "Read",
        "create": "Create",
        "edit": "Edit",
        "delete": "Delete",
        "view-all": "Read All",
        "modify-all": "Modify All",
        "view-all-fields": "View All Fields",
    }
    return f"{words[right]} {sobject.name}"
