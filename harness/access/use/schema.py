"""What the names of a query stand for: objects, fields and relationships, from an org's describes. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

_COMPOUNDS = ("address", "location")
"""The types of compound fields whose parts have no permission of their own (facts 3.6)."""


@dataclass(frozen=True, slots=True)
class Described:
    """One object. Its parts are found by their names in lower case."""

    name: str
    prefix: str
    fields: Mapping[str, Mapping[str, Any]]
    parents: Mapping[str, Mapping[str, Any]]
    """The lookup field of each relationship to a parent."""
    children: Mapping[str, tuple[str, str]]
    """The object and the lookup field behind each relationship to child rows."""

    def permission(self, field: Mapping[str, Any]) -> str | None:
        """The field whose permission governs this one, as `Object.Field`; None where there is none to hold.

        The parts of an address have one permission, that of the address (facts 3.6).
        """
        compound = self.fields.get(str(field.get("compoundFieldName") or "").casefold())
        governing = compound if compound is not None and compound["type"] in _COMPOUNDS else field
        return f"{self.name}.{governing['name']}" if governing.get("permissionable", True) else None

    @property
    def permissions(self) -> frozenset[str]:
        """Every field that a permission can be held on."""
        return frozenset(filter(None, map(self.permission, self.fields.values())))


class Schema:
    """The objects that were described, and a list of those that are still wanted."""

    def __init__(self, describes: Iterable[Mapping[str, Any]] = ()) -> None:
        self._objects: dict[str, Described | None] = {}
        self.wanted: set[str] = set()
        """Objects that were asked for and are not described, as they were written."""
        self._prefixes: dict[str, Described] = {}
        self._names: Mapping[str, str] = {}
        self.wants_prefixes = False
        """Whether an id was met whose object only the list of all objects tells."""
        for each in describes:
            self.add(each)

    def add(self, describe: Mapping[str, Any]) -> None:
        """Take up one describe."""
        found = _described(describe)
        self._objects[found.name.casefold()] = found
        if found.prefix:
            self._prefixes[found.prefix] = found

    def miss(self, name: str) -> None:
        """The org has no such object, or does not show it."""
        self._objects.setdefault(name.casefold(), None)

    def get(self, name: str) -> Described | None:
        """An object, in any case of its letters; None where it is not known, or not known yet."""
        if name.casefold() not in self._objects:
            self.wanted.add(name)
        return self._objects.get(name.casefold())

    def of_id(self, record_id: str) -> Described | None:
        """The object that an id belongs to; None where it is not known, or not known yet."""
        found = self._prefixes.get(record_id[:3])
        if found is None and record_id[:3] in self._names:
            return self.get(self._names[record_id[:3]])
        if found is None and not self._names:
            self.wants_prefixes = True
        return found

    def name_prefixes(self, names: Mapping[str, str]) -> None:
        """Take up which object each key prefix belongs to, from the list of all objects."""
        self._names = names
        self.wants_prefixes = False


def _described(describe: Mapping[str, Any]) -> Described:
    fields = {str(each["name"]).casefold(): each for each in describe["fields"]}
    return Described(
        name=str(describe["name"]),
        prefix=str(describe.get("keyPrefix") or ""),
        fields=fields,
        parents={
            str(each["relationshipName"]).casefold(): each for each in fields.values() if each.get("relationshipName")
        },
        children={
            str(each["relationshipName"]).casefold(): (str(each["childSObject"]), str(each["field"]))
            for each in describe.get("childRelationships") or ()
            if each["relationshipName"]
        },
    )
