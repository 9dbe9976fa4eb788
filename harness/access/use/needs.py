"""From what a client did to the permissions that it takes. Pure: deeds and describes in, needs out.

What each deed takes: facts 3.5 (rights on objects), 3.6 (fields) and 7.3 (parents that must be seen).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from harness.access.algebra import NEEDS
from harness.access.use import governed
from harness.access.use.deeds import ApexCalled, Followed, Held, Path, Seen, Selected, Touched, Typed, Use, Written
from harness.access.use.schema import Described, Schema

Kind = Literal["object", "field", "system", "setup", "record-type"]

OF_ID = "id:"
"""How a row is named of which only the id is known: the id's first three characters tell the object."""
_OWNERS = frozenset({"User", "Group", "Calendar"})
_UNSAID = "~"


class Need(NamedTuple):
    """One permission: `access` is the right on an object or field, `held` for what is only held or not."""

    kind: Kind
    name: str
    access: str


@dataclass(slots=True)
class Needs:
    """What the evidence takes, each with where it was seen."""

    firm: dict[Need, dict[str, None]] = field(default_factory=dict)
    """Without these, a request that was seen fails or comes back with less."""
    soft: dict[Need, dict[str, None]] = field(default_factory=dict)
    """Of use where they are held: whether they are needed, the evidence cannot tell."""
    whole: dict[str, dict[str, None]] = field(default_factory=dict)
    """Objects of which every field held is kept, because the evidence does not tell which are used."""
    apex: dict[ApexCalled, dict[str, None]] = field(default_factory=dict)
    record_types: dict[str, dict[str, dict[str, None]]] = field(default_factory=dict)
    """For each object that rows are created of, the record type ids written; `~` where none was."""
    named: set[str] = field(default_factory=set)
    """Objects of whose fields the evidence tells some."""
    logged: set[str] = field(default_factory=set)
    """Objects that only event logs name."""
    from_logs: bool = False
    """Whether an event log told anything."""
    polymorphic: set[str] = field(default_factory=set)
    """Lookups to several objects that were followed, as `Object.Field`."""
    unknown: dict[str, str] = field(default_factory=dict)
    """Names that the org does not know, each with where it was seen first."""


def needs_of(seen: Seen, schema: Schema) -> Needs:
    """What all deeds take. What the schema lacks is in its `wanted` afterwards: describe it and ask again."""
    gathering = _Gathering(schema)
    for use in seen.uses:
        gathering.take(use)
    needs = gathering.needs
    needs.logged -= needs.named
    for name in sorted(needs.logged):
        needs.whole.setdefault(name, {})
    return needs


class _Gathering:
    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.needs = Needs()
        self.where = ""

    def take(self, use: Use) -> None:
        self.where = use.where
        match use.deed:
            case Selected() as query:
                self._selected(query, self._object(query.source))
            case Written() as rows:
                self._written(rows)
            case Touched() as touched:
                self._touched(touched)
            case Held() as held:
                self._need(held.kind, held.name, "held", firm=held.firm)
            case Followed() as followed:
                self._followed(followed)
            case ApexCalled() as called:
                self.needs.apex.setdefault(called, {})[self.where] = None

    # --- noting --------------------------------------------------------------------------------------------------

    def _need(self, kind: Kind, name: str, access: str, *, firm: bool = True) -> None:
        into = self.needs.firm if firm else self.needs.soft
        into.setdefault(Need(kind, name, access), {})[self.where] = None

    def _unknown(self, what: str) -> None:
        self.needs.unknown.setdefault(what, self.where)

    def _object(self, name: str) -> Described | None:
        by_id, schema = name.startswith(OF_ID), self.schema
        found = schema.of_id(name.removeprefix(OF_ID)) if by_id else schema.get(name)
        if found is None and name not in self.schema.wanted and not self.schema.wants_prefixes:
            self._unknown(name)
        return found

    def _right(self, thing: Described, right: str, *, firm: bool = True) -> None:
        """A right on an object, and what it needs on the same object; rows of others may be meant."""
        self._need("object", thing.name, right, firm=firm)
        self._need("setup", f"CustomEntityDefinition:{thing.name}", "held", firm=False)
        for permission in (governed.READ if right == "read" else governed.WRITE).get(thing.name, ()):
            self._need("system", permission, "held", firm=False)
        for need in NEEDS.get(right, frozenset()):  # type: ignore[call-overload]
            self._need("object", thing.name, need, firm=firm)
        self._need("object", thing.name, "view-all", firm=False)
        if right in ("edit", "delete"):
            self._need("object", thing.name, "modify-all", firm=False)

    def _field(self, thing: Described, described: Mapping[str, Any], right: str, *, firm: bool = True) -> None:
        self.needs.named.add(thing.name)
        if described["type"] == governed.ENCRYPTED[0]:
            self._need("system", governed.ENCRYPTED[1], "held", firm=False)
        name = thing.permission(described)
        if name is None:
            return
        self._need("field", name, "read", firm=firm)
        if right == "edit":
            self._need("field", name, "edit", firm=firm)

    # --- queries -------------------------------------------------------------------------------------------------

    def _selected(self, query: Selected, thing: Described | None) -> None:
        for inner in query.inner:
            self._selected(inner, self._object(inner.source))
        if thing is None:
            return
        self._right(thing, "read")
        if query.every_field:
            self.needs.whole.setdefault(thing.name, {})[self.where] = None
        for path in sorted(query.paths):
            self._path(thing, path, query)
        for typed in query.typed:
            self._typed(thing, typed)
        for child in query.children:
            self._child(thing, child)

    def _child(self, thing: Described, query: Selected) -> None:
        told = thing.children.get(query.source.casefold())
        if told is None:
            self._unknown(f"{thing.name}.{query.source}")
            return
        child = self._object(told[0])
        self._selected(query, child)
        if child is not None and (lookup := child.fields.get(told[1].casefold())):
            self._field(child, lookup, "read")

    def _path(self, thing: Described, path: Path, query: Selected, above: Path = ()) -> None:
        """A field, or a field of a parent."""
        if len(path) == 1:
            described = thing.fields.get(path[0].casefold())
            if described is None:
                self._unknown(f"{thing.name}.{path[0]}")
            else:
                self._field(thing, described, "read")
            return
        lookup = thing.parents.get(path[0].casefold())
        if lookup is None:
            self._unknown(f"{thing.name}.{path[0]}")
            return
        self._field(thing, lookup, "read")
        parents = list(lookup["referenceTo"])
        here = (*above, path[0])
        if len(parents) == 1:
            if parent := self._object(parents[0]):
                self._right(parent, "read")
                self._path(parent, path[1:], query, here)
            return
        self._polymorphic(thing, lookup, path[1:], {kind for at, kind in query.seen if _same(at, here)})

    def _polymorphic(self, thing: Described, lookup: Mapping[str, Any], rest: Path, seen: set[str]) -> None:
        """A parent of several possible objects: those that an answer held; where none was seen, those held."""
        if set(lookup["referenceTo"]) - _OWNERS:
            self.needs.polymorphic.add(f"{thing.name}.{lookup['name']}")
        if "User" in lookup["referenceTo"]:
            self._need("system", governed.SEE_USERS, "held", firm=False)
        kinds = [kind for kind in lookup["referenceTo"] if not seen or kind in seen]
        for kind in sorted(set(kinds) - _OWNERS):
            if parent := self._object(kind):
                self._right(parent, "read", firm=bool(seen))
                if described := parent.fields.get(rest[0].casefold()):
                    self._field(parent, described, "read", firm=bool(seen))

    def _typed(self, thing: Described, typed: Typed) -> None:
        lookup = thing.parents.get(typed.relationship[0].casefold())
        if lookup is None:
            self._unknown(f"{thing.name}.{typed.relationship[0]}")
            return
        self._field(thing, lookup, "read")
        if typed.type is None:
            self.needs.polymorphic.add(f"{thing.name}.{lookup['name']}")
        elif parent := self._object(typed.type):
            self._right(parent, "read")
            for path in sorted(typed.fields):
                self._path(parent, path, Selected(source=parent.name))

    def _followed(self, followed: Followed) -> None:
        """A name below a row: child rows, a parent, or a field."""
        thing = self._object(followed.object)
        if thing is None:
            return
        name = followed.name.casefold()
        if name in thing.children and followed.written:
            child, lookup = thing.children[name]
            self._written(Written(child, frozenset({"create"}), fields=frozenset({(lookup,)})))
        elif name in thing.children:
            self._right(thing, "read")
            query = Selected(followed.name, paths=followed.fields, every_field=not followed.fields)
            self._child(thing, query)
        elif name in thing.parents and not followed.fields:
            for parent in thing.parents[name]["referenceTo"]:
                self._touched(Touched(parent, frozenset({"read"})))
                self.needs.whole.setdefault(parent, {})[self.where] = None
        else:
            below = [(followed.name, *path) for path in followed.fields or {()}]
            self._selected(Selected(thing.name, paths=frozenset(below)), thing)

    # --- rows ----------------------------------------------------------------------------------------------------

    def _written(self, rows: Written) -> None:
        thing = self._object(rows.object)
        if thing is None:
            return
        self._rights(thing, rows.rights)
        if rows.key is not None:
            self._key(thing, rows.key)
        for path in sorted(rows.fields):
            self._write(thing, path, rows)
        if "create" in rows.rights:
            ids = [value for name, value in rows.ids if name.casefold() == "recordtypeid"]
            for record_type in ids or [_UNSAID]:
                self.needs.record_types.setdefault(thing.name, {}).setdefault(record_type, {})[self.where] = None
        if "edit" in rows.rights and ("OwnerId",) in rows.fields:
            self._need("system", governed.TRANSFER.get(thing.name, "TransferAnyEntity"), "held", firm=False)

    def _rights(self, thing: Described, rights: Iterable[str]) -> None:
        writes = sorted(set(rights) - {"read"})
        for right in sorted(rights):
            self._right(thing, right)
        for lookup in _masters(thing) if writes else ():
            for master in lookup["referenceTo"]:
                if parent := self._object(master):
                    self._need("object", parent.name, "read")
                    if not lookup.get("writeRequiresMasterRead"):
                        self._right(parent, "edit", firm=False)

    def _key(self, thing: Described, key: str) -> None:
        described = thing.fields.get(key.casefold())
        if described is None:
            self._unknown(f"{thing.name}.{key}")
        else:
            self._field(thing, described, "edit")

    def _write(self, thing: Described, path: Path, rows: Written) -> None:
        """A field written; one of a parent only says which parent is meant."""
        relationship = path[0].rpartition(":")[2].casefold()  # Bulk API 1.0: `User:Owner.Username`
        lookup = thing.parents.get(relationship)
        described = thing.fields.get(relationship) if len(path) == 1 else lookup
        if described is None:
            self._unknown(f"{thing.name}.{path[0]}")
            return
        self._field(thing, described, "edit" if rows.rights & {"create", "edit"} else "read")
        for name in (described["name"], f"{thing.name}.{described['name']}"):
            if name in governed.WRITE_FIELD:
                self._need("system", governed.WRITE_FIELD[name], "held", firm=False)
        kinds = self._referred(described, path, rows)
        for kind in sorted(kinds):
            if parent := self._object(kind):
                self._right(parent, "read", firm=len(kinds) == 1)
                if len(path) > 1:
                    self._path(parent, path[1:], Selected(source=parent.name))

    def _referred(self, lookup: Mapping[str, Any], path: Path, rows: Written) -> set[str]:
        """The objects a written lookup points to: a row can only point to a parent that its writer may read."""
        kinds = set(lookup.get("referenceTo") or ()) - (_OWNERS | {"RecordType"})
        if len(kinds) < 2:
            return kinds
        if ":" in path[0]:
            return kinds & {path[0].partition(":")[0]}
        ids = [value for name, value in rows.ids if name.casefold() == str(lookup["name"]).casefold()]
        for kind in sorted(kinds):
            self._object(kind)
        told = {found.name for each in ids if (found := self.schema.of_id(each))}
        return kinds & told or kinds

    def _touched(self, touched: Touched) -> None:
        thing = self._object(touched.object)
        if thing is None:
            return
        self._rights(thing, touched.rights)
        if touched.log:
            self.needs.logged.add(thing.name)
            self.needs.from_logs = True
        if "create" in touched.rights:
            self.needs.record_types.setdefault(thing.name, {}).setdefault(_UNSAID, {})[self.where] = None


def _masters(thing: Described) -> list[Mapping[str, Any]]:
    """Its master-detail fields."""
    return [each for each in thing.fields.values() if each.get("relationshipOrder") is not None]


def _same(left: Path, right: Path) -> bool:
    return tuple(part.casefold() for part in left) == tuple(part.casefold() for part in right)
