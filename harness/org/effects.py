"""What a write would do to users: whom it creates, deactivates or freezes. Read from the request before it is sent.

Names of objects and fields are read without regard to case, as the platform does; whatever a body says that is not
plainly harmless counts as harm.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from harness.org.what_writes import json_of

_SOBJECT = re.compile(r"/services/data/v\d+\.\d+/sobjects/(?P<name>\w+)(/(?P<rest>.+?))?/?", re.IGNORECASE)
_COMPOSITE = re.compile(r"/services/data/v\d+\.\d+/composite(/(?P<kind>\w+)(/(?P<name>\w+)(/\w+)?)?)?/?", re.IGNORECASE)
_INGEST = re.compile(r"/services/data/v\d+\.\d+/jobs/ingest/?", re.IGNORECASE)
_OF_USERS = frozenset({"user", "userlogin"})
_TWO_WAYS = re.compile(r"//|[\\;]|/\.{1,2}(/|$)")
"""Paths that two programs may read as two different ones."""


@dataclass(frozen=True, slots=True)
class Effects:
    """What a request would do to users; ids are as the request has them."""

    created: int = 0
    """How many users it may create."""
    deactivated: tuple[str, ...] = ()
    frozen: tuple[str, ...] = ()
    """Ids of UserLogin rows."""
    unreadable: bool = False
    """Whether it writes users in a way that cannot be read beforehand, such as a Bulk job."""

    def __add__(self, other: Effects) -> Effects:
        return Effects(
            self.created + other.created,
            self.deactivated + other.deactivated,
            self.frozen + other.frozen,
            self.unreadable or other.unreadable,
        )


def effects_of(method: str, url: str, body: bytes | str | None) -> Effects:
    """What a write would do to users."""
    return _effects(method.upper(), unquote(urlsplit(url).path), json_of(body))


def _effects(method: str, path: str, body: Any) -> Effects:
    if method == "GET":
        return Effects()
    if _TWO_WAYS.search(path):
        return Effects(unreadable="user" in path.casefold() or "composite" in path.casefold())
    if found := _SOBJECT.fullmatch(path):
        return _of_row(method, found["name"].casefold(), found["rest"] or "", body)
    if found := _COMPOSITE.fullmatch(path):
        return _of_composite(method, (found["kind"] or "").casefold(), (found["name"] or "").casefold(), body)
    if _INGEST.fullmatch(path):
        about = _text(body, "object") if isinstance(body, Mapping) else "user"
        return Effects(unreadable=about.casefold() in _OF_USERS)
    return Effects()


def _of_row(method: str, name: str, rest: str, body: Any) -> Effects:
    """One row: `rest` is empty for a create, an id, or FIELD/VALUE of an upsert, which may create."""
    if name not in _OF_USERS or method == "DELETE":
        return Effects()
    if not rest:
        return Effects(created=int(name == "user"))
    if rest.casefold().endswith("/password"):
        return Effects()
    may_create = Effects(created=int(name == "user" and "/" in rest))
    return may_create + _of_values(name, rest, body)


def _of_values(name: str, row_id: str, values: Any) -> Effects:
    """What an update does to the row of a user or of its login."""
    if not isinstance(values, Mapping):
        return Effects(unreadable=True)
    if name == "user" and any(value is not True for value in _said(values, "isactive")):
        return Effects(deactivated=(row_id,))
    if name == "userlogin" and any(value is not False for value in _said(values, "isfrozen")):
        return Effects(frozen=(row_id,))
    return Effects()


def _said(values: Mapping[str, Any], field: str) -> Iterator[Any]:
    """Every value that a body gives a field, however its name is written."""
    return (value for name, value in values.items() if str(name).casefold() == field)


def _of_composite(method: str, kind: str, name: str, body: Any) -> Effects:
    if method == "DELETE":
        return Effects()
    if not isinstance(body, Mapping):
        return Effects(unreadable=True)
    if kind == "sobjects":
        return _sum(_of_record(method, row, upserts=bool(name)) for row in _maps(body.get("records")))
    if kind == "tree":
        return _sum(_of_tree(row) for row in _maps(body.get("records")))
    graphs = (each for graph in _maps(body.get("graphs")) for each in _maps(graph.get("compositeRequest")))
    parts = (*_maps(body.get("compositeRequest")), *_maps(body.get("batchRequests")), *graphs)
    return _sum(_of_part(part) for part in parts)


def _of_part(part: Mapping[str, Any]) -> Effects:
    url = _text(part, "url")
    path = unquote(urlsplit(url).path)
    if path.startswith("v"):  # of a batch: relative to /services/data
        path = f"/services/data/{path}"
    return _effects(_text(part, "method").upper(), path, part.get("body", part.get("richInput")))


def _of_record(method: str, row: Mapping[str, Any], *, upserts: bool) -> Effects:
    """One record of a collection, which names its object and its id."""
    name = _type_of(row)
    if name not in _OF_USERS:
        return Effects()
    if method == "POST":
        return Effects(created=int(name == "user"))
    may_create = Effects(created=int(upserts and name == "user"))
    return may_create + _of_values(name, "".join(map(str, _said(row, "id"))), row)


def _of_tree(row: Mapping[str, Any]) -> Effects:
    inner = (each for value in row.values() if isinstance(value, Mapping) for each in _maps(value.get("records")))
    return Effects(created=int(_type_of(row) == "user")) + _sum(_of_tree(each) for each in inner)


def _type_of(row: Mapping[str, Any]) -> str:
    attributes = row.get("attributes")
    return _text(attributes, "type").casefold() if isinstance(attributes, Mapping) else ""


def _maps(values: Any) -> Iterator[Mapping[str, Any]]:
    yield from (each for each in values if isinstance(each, Mapping)) if isinstance(values, list) else ()


def _text(body: Mapping[str, Any], key: str) -> str:
    return str(body.get(key, ""))


def _sum(effects: Iterable[Effects]) -> Effects:
    return sum(effects, Effects())
