"""How queries go from an object to its parents and to its children, by relationship name."""

from __future__ import annotations

from dataclasses import dataclass

from harness.sandbox.schema import Field, Schema, SObject


@dataclass(frozen=True, slots=True)
class Child:
    """A child relationship: the children's object, and their field that points at the parent."""

    name: str
    sobject: SObject
    field: Field


class Relations:
    """An index of a schema's relationships; names in any case."""

    def __init__(self, schema: Schema) -> None:
        self._parents: dict[str, dict[str, Field]] = {}
        self._children: dict[str, dict[str, Child]] = {}
        self._referring: dict[str, list[tuple[SObject, Field]]] = {}
        for sobject in schema:
            parents = self._parents.setdefault(sobject.name, {})
            for field in sobject.fields.values():
                if field.relationship_name:
                    parents[field.relationship_name.lower()] = field
                for target in field.reference_to:
                    self._referring.setdefault(target.lower(), []).append((sobject, field))
                    if field.child_relationship:
                        children = self._children.setdefault(target.lower(), {})
                        children[field.child_relationship.lower()] = Child(field.child_relationship, sobject, field)

    def parent(self, sobject: SObject, name: str) -> Field | None:
        """The reference field behind a relationship name."""
        return self._parents.get(sobject.name, {}).get(name.lower())

    def child(self, sobject: SObject, name: str) -> Child | None:
        """The child relationship of that name."""
        return self._children.get(sobject.name.lower(), {}).get(name.lower())

    def referring(self, sobject: SObject) -> list[tuple[SObject, Field]]:
        """Every field that may point at the object."""
        return self._referring.get(sobject.name.lower(), [])
