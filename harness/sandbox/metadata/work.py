"""Working on components as one user: rows are written with that user's permissions and under the rules of REST."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from harness.sandbox.errors import ApiError
from harness.sandbox.metadata.errors import ComponentError
from harness.sandbox.org import SandboxOrg
from harness.sandbox.schema import Schema
from harness.sandbox.store import Row


@dataclass(slots=True)
class Work:
    """An org, and who works on it. `version` is the API version of the request, or of a package's manifest."""

    org: SandboxOrg
    user_id: str
    version: float
    undo: list[Callable[[], None]] = field(default_factory=list)
    """How to take back what was done to the schema, in the order it was done."""
    schema_is_new: bool = False
    """Whether the org has not been told yet that its schema changed."""

    @property
    def schema(self) -> Schema:
        """The org's schema."""
        return self.org.schema

    def one(self, sobject: str, **equals: Any) -> Row | None:
        """The first row with these values."""
        found = self.org.rows(sobject, **equals) if self.schema.get(sobject) else []
        return found[0] if found else None

    def create(self, sobject: str, values: Mapping[str, Any]) -> str:
        """Create a row as the user; what only the platform may write is written after it. Its id."""
        asked, own = self._split(sobject, values, create=True)
        with refusals():
            record_id = self.org.create(sobject, asked, as_user=self.user_id)
        if own:
            self.org.update_row(sobject, record_id, own)
        return record_id

    def update(self, sobject: str, row: Row, values: Mapping[str, Any]) -> None:
        """Change what differs, as the user."""
        changed = {name: value for name, value in values.items() if _plain(row.get(name)) != _plain(value)}
        asked, own = self._split(sobject, changed, create=False)
        if asked:
            with refusals():
                self.org.update(sobject, row["Id"], asked, as_user=self.user_id)
        if own:
            self.org.update_row(sobject, row["Id"], own)

    def save(self, sobject: str, row: Row | None, values: Mapping[str, Any]) -> str:
        """Create a row, or change the one that is there; its id."""
        if row is None:
            return self.create(sobject, {name: value for name, value in values.items() if value is not None})
        self.update(sobject, row, values)
        return str(row["Id"])

    def delete(self, sobject: str, record_id: str) -> None:
        """Delete a row as the user."""
        with refusals():
            self.org.delete(sobject, record_id, as_user=self.user_id)

    def _split(self, sobject: str, values: Mapping[str, Any], *, create: bool) -> tuple[dict[str, Any], dict[str, Any]]:
        described = self.schema.get(sobject)
        asked: dict[str, Any] = {}
        own: dict[str, Any] = {}
        for name, value in values.items():
            column = described.get(name) if described else None
            if column is not None:
                writable = column.createable if create else column.updateable or column.createable
                (asked if writable else own)[column.name] = value
        return asked, own


@contextmanager
def refusals() -> Iterator[None]:
    """Lets a refusal of a row be one of the component: raises ComponentError in place of ApiError."""
    try:
        yield
    except ApiError as error:
        raise ComponentError(error.code, error.message) from error


def _plain(value: Any) -> Any:
    return bool(value) if value in (0, 1, False, True) else value or None
