"""SOAP envelopes: building one, finding the operation in one, reading an answer into plain data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from xml.etree.ElementTree import Element, ParseError
from xml.sax.saxutils import escape

import defusedxml.ElementTree
from defusedxml.common import DefusedXmlException

_ENVELOPE = (
    '<?xml version="1.0" encoding="utf-8"?>\n'
    '<env:Envelope xmlns:env="http://schemas.xmlsoap.org/soap/envelope/"'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">{header}<env:Body>{body}</env:Body></env:Envelope>'
)
_NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"

HEADERS = {"Content-Type": "text/xml; charset=UTF-8", "Accept": "text/xml"}
"""The headers of every SOAP request, but for SOAPAction."""


def envelope(body: str, *, header: str = "") -> bytes:
    """An envelope around the XML of a body and, where given, a header."""
    return _ENVELOPE.format(header=f"<env:Header>{header}</env:Header>" if header else "", body=body).encode()


def element(name: str, value: Any) -> str:
    """The XML of one value: a mapping nests, a list repeats the element, None leaves it out."""
    if value is None:
        return ""
    if isinstance(value, (list, tuple)):
        return "".join(element(name, each) for each in value)
    if isinstance(value, Mapping):
        inner = "".join(element(key, each) for key, each in value.items())
    elif isinstance(value, bool):
        inner = "true" if value else "false"
    else:
        inner = escape(str(value))
    return f"<{name}>{inner}</{name}>"


def parse(content: bytes | str) -> Element | None:
    """The root of an XML document, or None where it is none (or one that attacks the parser)."""
    try:
        root: Element = defusedxml.ElementTree.fromstring(content)
    except (ParseError, DefusedXmlException, ValueError):
        return None
    return root


def local_name(node: Element) -> str:
    """The name without its namespace."""
    return node.tag.rpartition("}")[2]


def payload(content: bytes | str) -> Element | None:
    """The only element in the body of an envelope, or None."""
    root = parse(content)
    if root is None or local_name(root) != "Envelope":
        return None
    bodies = [child for child in root if local_name(child) == "Body"]
    return bodies[0][0] if len(bodies) == 1 and len(bodies[0]) == 1 else None


def operation_of(content: bytes | str) -> str | None:
    """The name of the operation an envelope asks for, or None."""
    found = payload(content)
    return None if found is None else local_name(found)


def text_of(node: Element, name: str) -> str | None:
    """The text of the first descendant of that name, or None."""
    for each in node.iter():
        if local_name(each) == name:
            return each.text or ""
    return None


def plain(node: Element) -> Any:
    """An element as plain data: text, or a dictionary whose repeated elements are lists; None for a nil one."""
    if node.get(_NIL) == "true":
        return None
    if not len(node):
        return node.text or ""
    found: dict[str, Any] = {}
    for child in node:
        name, value = local_name(child), plain(child)
        if name not in found:
            found[name] = value
        elif isinstance(found[name], list):
            found[name].append(value)
        else:
            found[name] = [found[name], value]
    return found
