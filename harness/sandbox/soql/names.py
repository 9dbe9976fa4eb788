"""From names in a query to objects, fields and joins: what is there, and what this user may see of it.

To a user without access a name does not exist: the answers are the same as for one that is not there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from harness.sandbox.access.effective import EffectiveAccess
from harness.sandbox.describing.definitions import tooling_field
from harness.sandbox.errors import ApiError
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
from harness.sandbox.soql.traits import IDS
from harness.sandbox.store import COMPOUND_TYPES, Store, quote

DEEPEST_PATH = 5
"""Relationships in one field path (SOQL reference, "Understanding Relationship Query Limitations")."""
MOST_PARENTS = 55
"""Relationships to parents in one query (the same page)."""

_OF_NAME = frozenset(
    {"alias", "email", "firstname", "id", "isactive", "lastname", "middlename", "name", "nameoralias", "phone"}
    | {"profile", "profileid", "recordtype", "recordtypeid", "suffix", "title", "userrole", "userroleid", "username"}
)
"""What can be asked of a polymorphic parent (Object Reference: Name); `Type` is made up."""

_UNSEEN = frozenset({"MutingPermissionSet"})
"""Objects that a reference may lead to without being polymorphic for queries: `Parent` is a PermissionSet."""


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
    polymorphic: bool = False
    """Whether rows of more than one object may stand here."""
    parents: dict[str, Node] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """The object's name, as errors and attributes give it."""
        return "Name" if self.polymorphic else self.targets[0][0].name

    def shown(self, one: Field) -> str:
        """What a field here is called in the answer: the name of a polymorphic parent is its Name, whatever it is."""
        return "Name" if self.polymorphic and one.name_field else one.name

    @property
    def types(self) -> dict[str, str]:
        """Of a polymorphic node: the objects' names by key prefix."""
        return {sobject.key_prefix: sobject.name for sobject, _ in self.targets} if self.polymorphic else {}


class Binder:
    """Parameters and aliases of one SQL statement."""

    def __init__(self) -> None:
        self.parameters: dict[str, Any] = {}
        self.sobjects: list[SObject] = []
        self._aliases = 0
        self._names: dict[tuple[type, Any], str] = {}

    def bind(self, value: Any) -> str:
        """Keep a value; its placeholder. Equal values share one, so that equal expressions are equal as SQL."""
        key = (type(value), value)
        if key not in self._names:
            self._names[key] = f"p{len(self.parameters)}"
            self.parameters[self._names[key]] = value
        return f":{self._names[key]}"

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
        self._ways: dict[str, tuple[str, ...]] = {}
        """Aliases of parents in the FROM, and the steps that lead there."""
        self._joins: list[str] = []
        self._parents = 0
        for source in query.sources[1:]:
            self._add_way(source)

    def _add_way(self, source: syntax.Source) -> None:
        """`FROM Contact c, c.Account a`."""
        steps = self.steps(source.path.parts)
        self.way(steps, source.path)
        if source.alias:
            self._ways[source.alias.lower()] = tuple(steps)

    @property
    def alias(self) -> str:
        """The object's alias in SQL."""
        return self.root.targets[0][1]

    def tables(self) -> str:
        """The FROM clause, without the word."""
        return " ".join([f"{quote(self.sobject.name)} {self.alias}", *self._joins])

    # Paths

    @property
    def names(self) -> set[str]:
        """What the object is called in the query, in lower case."""
        return self._own_names

    def steps(self, parts: tuple[str, ...]) -> list[str]:
        """The relationships that a path goes through, without the object's own name or alias."""
        if not parts:
            return []
        first = parts[0].lower()
        if first in self._ways:
            return [*self._ways[first], *parts[1:]]
        if first in self._own_names and not self.world.relations.parent(self.sobject, first):
            return list(parts[1:])
        return list(parts)

    def place(self, path: syntax.Path) -> tuple[Node, str]:
        """The node a path leads to, and the name of the field there."""
        return self.way(self.steps(path.parts[:-1]), path)[-1], path.parts[-1]

    def way(self, steps: list[str], path: syntax.Path, start: Node | None = None) -> list[Node]:
        """The nodes that steps lead through, from the object itself or another node on."""
        if len(steps) > DEEPEST_PATH:
            text = "SOQL statements cannot query parent relationships deeper than 5 levels."
            raise malformed(self.soql, path.at, text)
        nodes = [start or self.root]
        for step in steps:
            nodes.append(self._parent(nodes[-1], step, path))
        return nodes

    def column(self, path: syntax.Path) -> Column:
        """The field of a path as SQL. A compound field has none."""
        node, name = self.place(path)
        return self.field_at(node, name, path)

    def field_at(self, node: Node, name: str, path: syntax.Path) -> Column:
        """A field of a node."""
        if node.polymorphic and name.lower() == "type":
            return self._type_of(node)
        found = [
            (sobject, alias, one)
            for sobject, alias in node.targets
            if (one := self._named(node, sobject, name)) and self.world.access.can_read_field(sobject, one)
        ]
        if not found:
            raise self.no_column(path, node)
        sobject, alias, one = found[0]
        if one.type in COMPOUND_TYPES:
            return Column("NULL", one, sobject)
        if one.type == "complexvalue":  # told once the row is known
            return Column(f'{alias}."Id"', one, sobject)
        if len(found) == 1:
            return Column(f"{alias}.{quote(one.name)}", one, sobject)
        parts = ", ".join(f"{alias}.{quote(one.name)}" for _, alias, one in found)
        return Column(f"COALESCE({parts}){'' if one.type in IDS else ' COLLATE NOCASE'}", one, sobject)

    def no_column(self, path: syntax.Path, node: Node) -> ApiError:
        """The refusal of a field that is not there, or not for this user."""
        column = path.text if len(path.parts) == 1 else path.parts[-1]
        return no_such_column(self.soql, path.at, column, node.label)

    def _named(self, node: Node, sobject: SObject, name: str) -> Field | None:
        if not node.polymorphic:
            return sobject.get(name) or (tooling_field(sobject, name) if self.world.tooling else None)
        if name.lower() not in _OF_NAME:
            return None
        found = sobject.get(name)
        if found is None and name.lower() == "name":
            found = next((one for one in sobject.fields.values() if one.name_field), None)
        return found

    def _type_of(self, node: Node) -> Column:
        cases = " ".join(
            f"WHEN {self.binder.bind(sobject.key_prefix)} THEN {self.binder.bind(sobject.name)}"
            for sobject, _ in node.targets
        )
        kind = Field(name="Type", type="string", label="Type", permissionable=False)
        return Column(f"CASE substr({node.key}, 1, 3) {cases} END COLLATE NOCASE", kind, node.targets[0][0])

    def _parent(self, node: Node, step: str, path: syntax.Path) -> Node:
        known = node.parents.get(step.lower())
        if known is not None:
            return known
        for sobject, alias in node.targets:
            via = self.world.relations.parent(sobject, step)
            if via is None or not self.world.access.can_read_field(sobject, via):
                continue
            if node.polymorphic and step.lower() not in _OF_NAME:
                continue
            targets = [
                target
                for name in via.reference_to
                if (target := self.world.schema.get(name)) and self.world.access.can(target, "read")
            ]
            if targets:
                if self._parents >= MOST_PARENTS:
                    text = f"No more than {MOST_PARENTS} child-to-parent relationships can be specified in a query"
                    raise malformed(self.soql, path.at, text)
                self._parents += 1
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
        keys = [f'{other}."Id"' for _, other in joined]
        return Node(
            tuple(joined),
            name=via.relationship_name or via.name,
            key=keys[0] if len(keys) == 1 else f"COALESCE({', '.join(keys)})",
            polymorphic=len(set(via.reference_to) - _UNSEEN) > 1,
        )


def source_object(world: World, soql: str, query: syntax.Query) -> SObject:
    """The object of the outermost FROM, or of a semi-join."""
    found = world.schema.get(query.source)
    if found is None or not world.access.can(found, "read"):
        raise _no_type(world, soql, query)
    if not found.queryable:
        raise ApiError(400, "INVALID_TYPE_FOR_OPERATION", f"entity type {found.name} does not support query")
    if found.tooling and not world.tooling:
        raise _no_type(world, soql, query)
    return found


def _no_type(world: World, soql: str, query: syntax.Query) -> ApiError:
    if world.tooling:
        return ApiError(400, "INVALID_TYPE", f"sObject type '{query.source}' is not supported.")
    return no_such_type(soql, query.source_at, query.source)


def child_of(world: World, soql: str, parent: SObject, names: set[str], query: syntax.Query) -> Child:
    """The child relationship of a query in the field list; the parent's name or alias may stand before it."""
    parts = query.sources[0].path.parts
    name = parts[1] if len(parts) == 2 and parts[0].lower() in names else query.source
    found = world.relations.child(parent, name)
    if (
        found is None
        or not world.access.can(found.sobject, "read")
        or not world.access.can_read_field(found.sobject, found.field)
    ):
        raise no_such_child(soql, query.source_at, name)
    return found


def fields_of_kind(access: EffectiveAccess, sobject: SObject, which: str) -> Iterator[Field]:
    """The readable fields that FIELDS(ALL), FIELDS(STANDARD) or FIELDS(CUSTOM) stands for; `which` in lower case."""
    for one in sobject.fields.values():
        wanted = which == "all" or one.custom == (which == "custom")
        if wanted and access.can_read_field(sobject, one):
            yield one
