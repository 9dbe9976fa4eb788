"""What a call of the SOAP API does, partner or enterprise (SOAP API guide, "Core Calls"). Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from xml.etree.ElementTree import Element

from harness.access.use.deeds import Deed, Held, NotUnderstood, Right, Selected, Touched, Written
from harness.access.use.exchange import Exchange
from harness.access.use.needs import OF_ID
from harness.access.use.rest import READ, UPSERT
from harness.access.use.rows import written
from harness.access.use.soql import read_soql
from harness.access.use.sosl import read_sosl
from harness.access.use.xml import children, local_name, parse_xml, texts

_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
_OF_NO_USE = frozenset(
    {
        *("login", "logout", "invalidateSessions", "getUserInfo", "getServerTimestamp", "queryMore"),
        *("describeGlobal", "describeTabs", "describeAllTabs", "describeTheme", "describeAppMenu"),
    }
)
_NO_FIELDS = frozenset({"type", "Id", "id", "fieldsToNull"})
_DEPTH = 6


def deeds(exchange: Exchange) -> list[Deed]:
    """What one call did. Raises NotUnderstood."""
    call = _call(parse_xml(exchange.body))
    name = local_name(call)
    if name in _OF_NO_USE:
        return []
    reading = _CALLS.get(name)
    if reading is None:
        raise NotUnderstood(f"this tool does not read the SOAP call {name[:40]}")
    return reading(call)


def _call(envelope: Element) -> Element:
    for body in children(envelope, "Body"):
        for call in body:
            return call
    raise NotUnderstood("a SOAP envelope without a call")


def _query(call: Element) -> list[Deed]:
    return [read_soql(text) for text in texts(call, "queryString")]


def _search(call: Element) -> list[Deed]:
    return [found for text in texts(call, "searchString") for found in read_sosl(text)]


def _writing(rights: frozenset[Right]) -> Callable[[Element], list[Deed]]:
    def read(call: Element) -> list[Deed]:
        keys = texts(call, "externalIDFieldName")
        return _rows(call, "sObjects", rights, key=keys[0] if keys else None)

    return read


def _rows(call: Element, name: str, rights: frozenset[Right], *, key: str | None = None) -> list[Deed]:
    found: dict[str, list[dict[str, Any]]] = {}
    for each in children(call, name):
        found.setdefault(_type(each), []).append(_row(each, 0))
    return [written(sobject, rights, rows, key=key) for sobject, rows in found.items()]


def _type(element: Element) -> str:
    """The object of a row: `type` in the partner API, xsi:type in the enterprise API."""
    name = next(iter(texts(element, "type")), "") or element.get(_TYPE, "").rpartition(":")[2]
    if not name:
        raise NotUnderstood("a row does not say of which object it is")
    return name


def _row(element: Element, depth: int) -> dict[str, Any]:
    if depth > _DEPTH:
        raise NotUnderstood("it is nested too deep")
    row: dict[str, Any] = {name: None for name in texts(element, "fieldsToNull") if name}
    for each in element:
        if local_name(each) not in _NO_FIELDS:
            row[local_name(each)] = _row(each, depth + 1) if len(each) else (each.text or "").strip()
    return row


def _deleted(call: Element) -> list[Deed]:
    prefixes = sorted({each[:3] for name in ("ids", "iDs") for each in texts(call, name) if each})
    return [Written(f"{OF_ID}{prefix}", frozenset({"delete"})) for prefix in prefixes]


def _retrieved(call: Element) -> list[Deed]:
    names = [name.strip() for each in texts(call, "fieldList") for name in each.split(",") if name.strip()]
    paths = frozenset(tuple(name.split(".")) for name in names)
    return [Selected(sobject, paths=paths) for sobject in texts(call, "sObjectType")]


def _touched(call: Element) -> list[Deed]:
    return [Touched(name, READ) for key in ("sObjectType", "sObjectTypes") for name in texts(call, key)]


def _merged(call: Element) -> list[Deed]:
    return [
        deed
        for request in children(call, "request")
        for deed in _rows(request, "masterRecord", frozenset({"edit", "delete"}))
    ]


def _converted(_call: Element) -> list[Deed]:
    made = [Touched(name, frozenset({"create"})) for name in ("Account", "Contact")]
    return [Held("system", "ConvertLeads"), Touched("Lead", frozenset({"edit"})), *made]


_CALLS: Mapping[str, Callable[[Element], list[Deed]]] = {
    "query": _query,
    "queryAll": _query,
    "search": _search,
    "create": _writing(frozenset({"create"})),
    "update": _writing(frozenset({"edit"})),
    "upsert": _writing(UPSERT),
    "delete": _deleted,
    "undelete": _deleted,
    "retrieve": _retrieved,
    "merge": _merged,
    "convertLead": _converted,
    "describeSObject": _touched,
    "describeSObjects": _touched,
    "describeLayout": _touched,
    "getUpdated": _touched,
    "getDeleted": _touched,
}
