"""XML from recordings, which nobody vouches for: no entities, no DTD, no endless depth."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element, ParseError

import defusedxml
from defusedxml.ElementTree import fromstring

from harness.access.use.deeds import NotUnderstood

MAX_DEPTH = 100


def parse_xml(body: bytes) -> Element:
    """The root of a document. Raises NotUnderstood."""
    try:
        root: Element = fromstring(body, forbid_dtd=True)
    except (ParseError, defusedxml.DefusedXmlException, ValueError, LookupError):
        raise NotUnderstood("its body is not XML that this tool reads") from None
    if _too_deep(root):
        raise NotUnderstood(f"it is nested more than {MAX_DEPTH} deep")
    return root


def _too_deep(root: Element) -> bool:
    level, depth = [root], 0
    while level and depth <= MAX_DEPTH:
        level = [child for each in level for child in each]
        depth += 1
    return bool(level)


def local_name(element: Element) -> str:
    """The name of an element without its namespace."""
    return str(element.tag).rpartition("}")[2]


def children(element: Element, name: str) -> Iterator[Element]:
    """The children of that name, in any namespace."""
    return (each for each in element if local_name(each) == name)


def texts(element: Element, name: str) -> list[str]:
    """The texts of the children of that name."""
    return [(each.text or "").strip() for each in children(element, name)]
