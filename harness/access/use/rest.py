"""What a request to the REST API does (REST API guide, "Reference"). Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from harness.access.use import bulk
from harness.access.use.deeds import (
    ApexCalled,
    Deed,
    Followed,
    Held,
    NotUnderstood,
    Path,
    Right,
    Selected,
    Touched,
    Written,
)
from harness.access.use.exchange import SETUP_APIS, Exchange, Reading, subrequest
from harness.access.use.needs import OF_ID
from harness.access.use.rows import nested_rows, row, written
from harness.access.use.soql import read_soql
from harness.access.use.sosl import read_sosl

READ: frozenset[Right] = frozenset({"read"})
UPSERT: frozenset[Right] = frozenset({"create", "edit"})
_ID = re.compile(r"^(?=.{0,2}\d)[a-zA-Z0-9]{15}(?:[a-zA-Z0-9]{3})?$|^@\{.*\}$")
_ABOUT_OBJECT = frozenset(
    {"describe", "updated", "deleted", "listviews", "quickactions", "defaultvalues", "relevantitems", "namedlayouts"}
)
_OF_NO_USE = frozenset({"limits", "recent", "tabs", "theme", "appmenu", "licensing", "parameterizedsearchlayout"})
"""Resources that ask for nothing of the user but the API."""


def deeds(reading: Reading, exchange: Exchange, parts: list[str]) -> list[Deed]:
    """What a request under /services/data/vXX.X did. Raises NotUnderstood."""
    first, rest = (parts[0].lower(), parts[1:]) if parts else ("", [])
    if not first or first in _OF_NO_USE:
        return []
    if first in ("tooling", "metadata"):
        reading.cannot_see(SETUP_APIS["T" if first == "tooling" else "m"])
        return []
    if first not in _RESOURCES:
        raise NotUnderstood(f"this tool does not read the resource {first[:40]}")
    return _RESOURCES[first](reading, exchange, rest)


def _queried(exchange: Exchange, rest: list[str]) -> list[Deed]:
    if rest:  # a further page of a query that was seen before
        return []
    query = read_soql(_parameter(exchange, "q"))
    return [query.seeing(types_in(exchange.answered()))]


def types_in(answer: Any) -> Iterator[tuple[Path, str]]:
    """The types behind each relationship of the rows in an answer."""
    records = answer.get("records") if isinstance(answer, Mapping) else None
    for record in records if isinstance(records, list) else ():
        yield from _types(record, (), 0)


def _types(record: Any, above: Path, depth: int) -> Iterator[tuple[Path, str]]:
    if not isinstance(record, Mapping) or depth > 6:
        return
    for name, value in record.items():
        if name == "attributes" or not isinstance(value, Mapping) or "records" in value:
            continue
        attributes = value.get("attributes")
        if isinstance(attributes, Mapping) and isinstance(attributes.get("type"), str):
            yield (*above, str(name)), attributes["type"]
        yield from _types(value, (*above, str(name)), depth + 1)


def _parameter(exchange: Exchange, name: str) -> str:
    found = exchange.query.get(name)
    if not found:
        raise NotUnderstood(f"it has no parameter {name}")
    return found


def _searched(exchange: Exchange) -> Iterator[Selected]:
    """A parameterized search: the objects and the fields asked for."""
    asked: Mapping[str, Any] = exchange.query
    if exchange.method == "POST":
        asked = exchange.json()
    if not isinstance(asked, Mapping) or not asked.get("sobject", asked.get("sobjects")):
        raise NotUnderstood("a search that names no object brings rows of any object")
    everywhere = _names(asked.get("fields"))
    named = asked.get("sobjects") or [{"name": asked["sobject"]}]
    for each in named if isinstance(named, list) else str(named).split(","):
        one = each if isinstance(each, Mapping) else {"name": each}
        own = _names(one.get("fields")) or _names(asked.get(f"{one.get('name')}.fields")) or everywhere
        yield Selected(str(one.get("name")), paths=frozenset(own or {("Id",)}))


def _names(fields: Any) -> frozenset[Path]:
    listed = fields.split(",") if isinstance(fields, str) else fields if isinstance(fields, list) else ()
    return frozenset(tuple(str(name).strip().split(".")) for name in listed if str(name).strip())


# --- rows -------------------------------------------------------------------------------------------------------------


def _sobjects(exchange: Exchange, rest: list[str]) -> list[Deed]:
    """`sobjects`, with an object, an id or an external id, and a relationship or a field after it."""
    if not rest:
        return []
    sobject, *more = rest
    if not more:
        return [_created(exchange, sobject)] if exchange.method == "POST" else [Touched(sobject, READ)]
    if more[0].lower() in _ABOUT_OBJECT:
        return [Touched(sobject, READ)]
    if _ID.match(more[0]):
        return [_one(exchange, sobject)] if len(more) == 1 else [_followed(exchange, sobject, more[1])]
    return _by_key(exchange, sobject, more)


def _created(exchange: Exchange, sobject: str) -> Deed:
    return written(sobject, frozenset({"create"}), [row(_body(exchange))])


def _one(exchange: Exchange, sobject: str) -> Deed:
    match exchange.method:
        case "GET" | "HEAD":
            fields = _names(exchange.query.get("fields"))
            return Selected(sobject, paths=fields, every_field=not fields)
        case "PATCH" | "POST":
            return written(sobject, frozenset({"edit"}), [row(_body(exchange))])
        case "DELETE":
            return Written(sobject, frozenset({"delete"}))
        case _:
            raise NotUnderstood("a row knows no such method")


def _by_key(exchange: Exchange, sobject: str, more: list[str]) -> list[Deed]:
    """A row by its external id; `sobjects/Account/Id` with POST creates one."""
    key = more[0]
    if key.lower() == "id":
        return [_created(exchange, sobject)]
    if len(more) < 2:
        raise NotUnderstood("an external id without its value")
    found = Selected(sobject, paths=frozenset({(key,)}))
    if exchange.method == "PATCH":
        return [written(sobject, UPSERT, [row(_body(exchange))], key=key)]
    if len(more) > 2:
        return [found, _followed(exchange, sobject, more[2])]
    return [found, _one(exchange, sobject)]


def _followed(exchange: Exchange, sobject: str, name: str) -> Deed:
    if exchange.method not in ("GET", "HEAD"):
        raise NotUnderstood("a row was written through a relationship")
    return Followed(sobject, name, _names(exchange.query.get("fields")))


def _body(exchange: Exchange) -> Any:
    """The fields of a row; of a form of several parts, those in its JSON part."""
    if exchange.kind.endswith("xml"):
        raise NotUnderstood("a row in XML")
    if not exchange.kind.startswith("multipart/"):
        return exchange.json()
    for part in re.split(rb"\r?\n--", exchange.body):
        head, _, content = part.partition(b"\r\n\r\n")
        if b"application/json" in head.lower():
            return Exchange("POST", exchange.url, body=content).json()
    raise NotUnderstood("a form without a part in JSON")


# --- several at once --------------------------------------------------------------------------------------------------


def _composite(reading: Reading, exchange: Exchange, rest: list[str]) -> list[Deed]:
    kind = rest[0].lower() if rest else ""
    if kind == "sobjects":
        return _collection(exchange, rest[1:])
    if exchange.method == "GET":
        return []
    if kind == "tree":
        return list(_tree(exchange, rest))
    body, answer = exchange.json(), exchange.answered()
    if kind == "batch":
        inner = _zipped(_list(body, "batchRequests"), _list(answer, "results", missing=[]), exchange, _BATCH)
    elif kind == "graph":
        answers = _by_name(_list(answer, "graphs", missing=[]), "graphId")
        inner = [
            each
            for graph in _list(body, "graphs")
            for each in _parts(graph, _get(answers.get(str(_get(graph, "graphId"))), "graphResponse"), exchange)
        ]
    else:
        inner = _parts(body, answer, exchange)
    return [deed for each in inner for deed in reading.inner(each)]


_BATCH, _COMPOSITE = ("richInput", "result"), ("body", "body")
"""Where a part of a composite has what it sends, and where its answer has what it brought."""


def _parts(body: Any, answer: Any, exchange: Exchange) -> list[Exchange]:
    """The requests within a composite."""
    told = _list(answer, "compositeResponse", missing=[])
    return _zipped(_list(body, "compositeRequest"), told, exchange, _COMPOSITE)


def _zipped(parts: list[Any], told: list[Any], exchange: Exchange, keys: tuple[str, str]) -> list[Exchange]:
    """Some requests, each with its part of the answer where there is one."""
    sent, brought = keys
    answers = [_get(each, brought) for each in told] + [None] * len(parts)
    return [subrequest(exchange, part, answer, body=sent) for part, answer in zip(parts, answers, strict=False)]


def _collection(exchange: Exchange, rest: list[str]) -> list[Deed]:
    """`composite/sobjects`: up to 200 rows at once."""
    if exchange.method == "DELETE":
        ids = exchange.query.get("ids", "").split(",")
        return [Written(f"{OF_ID}{one[:3]}", frozenset({"delete"})) for one in sorted(set(ids)) if one]
    if exchange.method == "GET":
        return [Selected(rest[0], paths=_names(exchange.query.get("fields")))] if rest else []
    body = exchange.json()
    if rest and exchange.method == "POST":
        return [Selected(rest[0], paths=_names(_get(body, "fields")))]
    rights: frozenset[Right] = frozenset({"create"}) if exchange.method == "POST" else frozenset({"edit"})
    key = rest[1] if len(rest) > 1 else None
    return list(rows_by_type(_list(body, "records"), UPSERT if key else rights, key=key))


def rows_by_type(records: Iterable[Any], rights: frozenset[Right], *, key: str | None = None) -> Iterator[Deed]:
    """Rows that name their own object, one deed for each object."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for each in records:
        kind = _get(_get(each, "attributes"), "type")
        if not isinstance(kind, str):
            raise NotUnderstood("a row does not say of which object it is")
        found.setdefault(kind, []).append(row(each))
    for sobject, rows in found.items():
        yield written(sobject, rights, rows, key=key)


def _tree(exchange: Exchange, rest: list[str]) -> Iterator[Deed]:
    if len(rest) < 2:
        raise NotUnderstood("a tree without its object")
    for record in _list(exchange.json(), "records"):
        yield from _branch(record, rest[1])


def _branch(record: Any, sobject: str) -> Iterator[Deed]:
    """A row with its child rows below it."""
    yield written(sobject, frozenset({"create"}), [row(record)])
    for relationship, children in nested_rows(record):
        yield Followed(sobject, relationship, frozenset({("Id",)}), written=True)
        for child in children:
            kind = _get(_get(child, "attributes"), "type")
            if isinstance(kind, str):
                yield from _branch(child, kind)


def _action(exchange: Exchange, rest: list[str]) -> list[Deed]:
    if exchange.method != "POST" or len(rest) < 3 or rest[0].lower() != "custom":
        if exchange.method == "GET":
            return []
        raise NotUnderstood("a standard action")
    if rest[1].lower() == "apex":
        return [ApexCalled(name=rest[2])]
    if rest[1].lower() == "flow":
        return [Held("setup", f"FlowDefinition:{rest[2]}", firm=False), Held("system", "RunFlow", firm=False)]
    raise NotUnderstood(f"an action of the kind {rest[1][:40]}")


def _list(holder: Any, key: str, *, missing: list[Any] | None = None) -> list[Any]:
    found = _get(holder, key)
    if isinstance(found, list):
        return found
    if missing is None:
        raise NotUnderstood(f"its body has no list {key}")
    return missing


def _get(holder: Any, key: str) -> Any:
    return holder.get(key) if isinstance(holder, Mapping) else None


def _by_name(items: list[Any], key: str) -> dict[str, Any]:
    return {str(_get(each, key)): each for each in items}


_RESOURCES: Mapping[str, Callable[[Reading, Exchange, list[str]], list[Deed]]] = {
    "query": lambda _reading, exchange, rest: _queried(exchange, rest),
    "queryall": lambda _reading, exchange, rest: _queried(exchange, rest),
    "search": lambda _reading, exchange, rest: [] if rest else [*read_sosl(_parameter(exchange, "q"))],
    "parameterizedsearch": lambda _reading, exchange, _rest: [*_searched(exchange)],
    "sobjects": lambda _reading, exchange, rest: _sobjects(exchange, rest),
    "composite": _composite,
    "jobs": bulk.deeds_of_jobs,
    "actions": lambda _reading, exchange, rest: _action(exchange, rest),
}
"""The first part of a path, and what reads its requests."""
