"""Components on their way in: harmless XML as nodes, with positions where something is wrong."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from harness.sandbox.metadata.errors import ComponentError
from harness.sandbox.metadata.parts import Parts
from harness.sandbox.source.document import Node

_DEEPEST = 50


def read_xml(content: bytes) -> Element:
    """The root of a component's file. Raises ComponentError with the position of what is wrong."""
    try:
        root: Element = fromstring(content)
    except ParseError as error:
        line, column = error.position
        raise ComponentError("INVALID_INPUT", f"Error parsing file: {error}", line=line, column=column + 1) from error
    except (DefusedXmlException, ValueError, LookupError) as error:
        raise ComponentError("INVALID_INPUT", f"Error parsing file: {error}", line=1, column=1) from error
    level = [root]
    for _ in range(_DEEPEST):
        level = [child for one in level for child in one]
    if level:
        raise ComponentError("INVALID_INPUT", "Error parsing file: elements are nested too deeply", line=1, column=1)
    return root


def as_node(element: Element) -> Node:
    """An element, its children by plain name."""
    space, brace, _ = str(element.tag).rpartition("}")
    return Node(element, space + brace)


def local(element: Element) -> str:
    """The plain name of an element."""
    return str(element.tag).rpartition("}")[2]


def as_parts(element: Element) -> Parts:
    """The children of an element as they are."""
    return [(local(child), as_parts(child) if len(child) else (child.text or "").strip()) for child in element]


def check_elements(element: Element, kind: str, known: Collection[str], content: bytes) -> None:
    """Raises ComponentError for the first child that a type does not have."""
    for child in element:
        if local(child) not in known:
            line, column = position(content, local(child))
            raise ComponentError(
                "INVALID_INPUT",
                f"Error parsing file: Element {child.tag} invalid at this location in type {kind}",
                line=line,
                column=column,
            )


def position(content: bytes, name: str, *, holding: str | None = None) -> tuple[int, int]:
    """Line and column behind the first start tag of that name; with `holding`, of the last one before that text."""
    end = content.find(holding.encode()) if holding else len(content)
    found = list(_starts(content, name, end if end >= 0 else len(content)))
    if not found:
        return 1, 1
    place = found[-1] if holding else found[0]
    before = content[:place]
    return before.count(b"\n") + 1, place - (before.rfind(b"\n") + 1) + 1


def _starts(content: bytes, name: str, end: int) -> Iterator[int]:
    pattern = rb"<(?:[\w.-]+:)?" + re.escape(name.encode()) + rb"[^>]*>"
    return (one.end() for one in re.finditer(pattern, content[:end]))
