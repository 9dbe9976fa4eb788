"""From names in a query to objects, fields and joins: what is there, and what this user may see of it.

To a user without access a name does not exist: the answers are the same (facts 5.2).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from harness.sandbox.access import EffectiveAccess
from harness.sandbox.relations import Child, Relations
from harness.sandbox.schema import Field, Schema, SObject
from harness.sandbox.sharing import Sharing
from harness.sandbox.soql import syntax
from harness.sandbox.soql.messages import (
    malformed,
    no_such_child,
    no_such_column,
    no_such_relationship,
    no_such_type,
)
from harness.sandbox.store import COMPOUND_TYPES, Store, quote

DEEPEST_PATH = 5
"""Relationships in one field path (SOQL reference, "Understanding Relationship Query Limitations")."""


@dataclass(frozen=True, slots=True)
class World:
    """Who asks, and of what."""

    schema: Schema
    relations: Relations
    store: Store
    sharing: Sharing
    access: EffectiveAccess
    tooling: bool = False
    all_rows: bool = False


@dataclass(frozen=True, slots=True)
class Column:
    """A field of a table in the query, as SQL."""

    sql: str
    field: Field
    sobject: SObject


@dataclass(slots=True)
class Node:
    """A place that field paths lead to: the object itself, or a parent. A polymorphic one has several targets."""

    targets: tuple[tuple[SObject, str], ...]
    """Objects, each with its alias in SQL."""
    name: str = ""
    """The relationship, as the schema spells it."""
    key: str = ""
    """SQL of the id of the row here."""
    parents: dict[str, Node] = field(default_factory=dict)

    @property
    def polymorphic(self) -> bool:
        """Whether rows of more than one object may stand here."""
        return len(self.targets) > 1

    @property
    def label(self) -> str:
        """The object's name, as errors give it."""
        return "Name" if self.polymorphic else self.targets[0][0].name


class Binder:
    """Parameters and aliases of one SQL statement."""

    def __init__(self) -> None:
        self.parameters: dict[str, Any] = {}
        self.sobjects: list[SObject] = []
        self._aliases = 0

    def bind(self, value: Any) -> str:
        """Keep a value; its placeholder."""
        name = f"p{len(self.parameters)}"
        self.parameters[name] = value
        return f":{name}"

    def alias(self, sobject: SObject) -> str:
        """An alias for one more table."""
        self.sobjects.append(sobject)
        self._aliases += 1
        return f"t{self._aliases - 1}"


class Frame:
    """The tables of one FROM: the object and the parents that its paths reach."""

    def __init__(self, world: World, soql: str, query: syntax.Query, sobject: SObject, binder: Binder) -> None:
        self.world = world
        self.soql = soql
        self.sobject = sobject
        self.binder = binder
        alias = binder.alias(sobject)
        self.root = Node(((sobject, alias),), key=f'{alias}."Id"')
        self._own_names = {sobject.name.lower(), (query.alias or sobject.name).lower()}
        self._joins: list[str] = []

    @property
    def alias(self) -> str:
        """The object's alias in SQL."""
        return self.root.targets[0][1]

    def tables(self) -> str:
        """The FROM clause, without the word."""
        return " ".join([f"{quote(self.sobject.name)} {self.alias}", *self._joins])

    def place(self, path: syntax.Path) -> tuple[Node, str]:
        """The node a path leads to, and the name of the field there."""
        *steps, last = path.parts
        if steps and steps[0].lower() in self._own_names and not self.world.relations.parent(self.sobject, steps[0]):
            steps = steps[1:]
        if len(steps) > DEEPEST_PATH:
            raise malformed(
                self.soql, path.at, "SOQL statements cannot query parent relationships deeper than 5 levels."
            )
        node = self.root
        for step in steps:
            node = self._parent(node, step, path)
        return node, last

    def column(self, path: syntax.Path) -> Column:
        """The field of a path as SQL. A compound field has none: see `fields_of`."""
        node, name = self.place(path)
        return self.field_at(node, name, path)

    def field_at(self, node: Node, name: str, path: syntax.Path) -> Column:
        """A field of a node."""
        if node.polymorphic and name.lower() == "type":
            return self._type_of(node)
        found = [
            (sobject, alias, one)
            for sobject, alias in node.targets
            if (one := sobject.get(name)) is not None and self.world.access.can_read_field(sobject, one)
        ]
        if not found:
            raise no_such_column(self.soql, path.at, path.text if len(path.parts) == 1 else name, node.label)
        if found[0][2].type in COMPOUND_TYPES:
            return Column("NULL", found[0][2], found[0][0])
        parts = [f"{alias}.{quote(one.name)}" for _, alias, one in found]
        return Column(parts[0] if len(parts) == 1 else f"COALESCE({', '.join(parts)})", found[0][2], found[0][0])

    def _type_of(self, node: Node) -> Column:
        cases = " ".join(
            f"WHEN {self.binder.bind(sobject.key_prefix)} THEN {self.binder.bind(sobject.name)}"
            for sobject, _ in node.targets
        )
        kind = Field(name="Type", type="string", label="Type", permissionable=False)
        return Column(f"CASE substr({node.key}, 1, 3) {cases} END", kind, node.targets[0][0])

    def _parent(self, node: Node, step: str, path: syntax.Path) -> Node:
        known = node.parents.get(step.lower())
        if known is not None:
            return known
        for sobject, alias in node.targets:
            via = self.world.relations.parent(sobject, step)
            if via is None or not self.world.access.can_read_field(sobject, via):
                continue
            targets = [
                target
                for name in via.reference_to
                if (target := self.world.schema.get(name)) and self.world.access.can(target, "read")
            ]
            if targets:
                made = self._join(alias, via, targets)
                node.parents[step.lower()] = made
                return made
        raise no_such_relationship(self.soql, path.at, step)

    def _join(self, alias: str, via: Field, targets: list[SObject]) -> Node:
        joined = []
        reference = f"{alias}.{quote(via.name)}"
        for target in targets:
            other = self.binder.alias(target)
            key = quote("QualifiedApiName") if target.name == "EntityDefinition" else quote("Id")
            self._joins.append(f"LEFT JOIN {quote(target.name)} {other} ON {other}.{key} = {reference}")
            joined.append((target, other))
        return Node(tuple(joined), name=via.relationship_name or via.name, key=_key_of(joined))


def _key_of(joined: list[tuple[SObject, str]]) -> str:
    keys = [f'{alias}."Id"' for _, alias in joined]
    return keys[0] if len(keys) == 1 else f"COALESCE({', '.join(keys)})"


def source_object(world: World, soql: str, query: syntax.Query) -> SObject:
    """The object of the outermost FROM, or of a semi-join."""
    found = world.schema.get(query.source)
    if found is None or not found.queryable or not world.access.can(found, "read"):
        raise no_such_type(soql, query.source_at, query.source)
    if found.tooling and not world.tooling:
        raise no_such_type(soql, query.source_at, query.source)
    return found


def child_of(world: World, soql: str, parent: SObject, query: syntax.Query) -> Child:
    """The child relationship of a query in the field list."""
    found = world.relations.child(parent, query.source)
    if (
        found is None
        or not world.access.can(found.sobject, "read")
        or not world.access.can_read_field(found.sobject, found.field)
    ):
        raise no_such_child(soql, query.source_at, query.source)
    return found


def fields_of(world: World, sobject: SObject, which: str) -> Iterator[Field]:
    """The readable fields that FIELDS(ALL), FIELDS(STANDARD) or FIELDS(CUSTOM) stands for."""
    for one in sobject.fields.values():
        wanted = which == "all" or one.custom == (which == "custom")
        if wanted and world.access.can_read_field(sobject, one):
            yield one
