"""What every step of filling an org shares: the org, what goes into it, and the ids of what is there already."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.sandbox.clock import wire_datetime
from harness.sandbox.ids import make_id
from harness.sandbox.org import SandboxOrg
from harness.sandbox.source.errors import SourceError
from harness.sandbox.source.metadata import Project
from harness.sandbox.source.population import Population

ADMIN = "admin"


@dataclass(slots=True)
class Loading:
    """An org being filled."""

    org: SandboxOrg
    project: Project
    population: Population
    origin: str
    """Where the population is written, for messages."""
    ids: dict[str, dict[str, str]] = field(default_factory=dict)
    """Object to name to id."""
    admin_id: str = make_id("005", 1)
    """Who makes what is loaded: by default the first user."""

    def insert(self, sobject: str, values: Mapping[str, Any], *, name: str | None = None) -> str:
        """Add a row, made by the admin; with a `name`, `id_of` finds it again."""
        described = self.org.schema.get(sobject)
        made_by = {"CreatedById": self.admin_id} if described and described.get("CreatedById") else {}
        given = {column: value for column, value in values.items() if value is not None}
        record_id = self.org.insert_row(sobject, made_by | given)
        if name is not None:
            self.ids.setdefault(sobject, {})[name] = record_id
        return record_id

    def insert_field_permission(self, parent: str, sobject: str, field_name: str, *, edit: bool) -> None:
        """Add a readable field to a permission set: the short way for rows of which an org has tens of thousands."""
        described = self.org.schema.get("FieldPermissions")
        assert described is not None
        row = {
            "Id": self.org.ids.next(described.key_prefix),
            "ParentId": parent,
            "SobjectType": sobject,
            "Field": f"{sobject}.{field_name}",
            "PermissionsRead": 1,
            "PermissionsEdit": int(edit),
            "SystemModstamp": wire_datetime(self.org.clock.now()),
        }
        self.org.store.insert(described, row)

    def find(self, sobject: str, name: str) -> str | None:
        """The id of a row by its name, None when there is none."""
        return self.ids.get(sobject, {}).get(name)

    def id_of(self, sobject: str, name: str, *, asked_by: str) -> str:
        """The id of a row by its name. Raises SourceError that says who asked and what is nearest."""
        found = self.find(sobject, name)
        if found is None:
            raise SourceError(
                f"{self.origin}: {asked_by}: no {sobject} is called {name!r}{self._nearest(sobject, name)}"
            )
        return found

    def ids_of(self, sobject: str, names: Iterable[str], *, asked_by: str) -> list[str]:
        """The ids of several rows by name, each once, in order."""
        return [self.id_of(sobject, name, asked_by=asked_by) for name in dict.fromkeys(names)]

    def _nearest(self, sobject: str, name: str) -> str:
        near = difflib.get_close_matches(name, self.ids.get(sobject, {}), n=1, cutoff=0.5)
        return f"; the nearest is {near[0]!r}" if near else ""
