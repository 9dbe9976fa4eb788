"""Metadata files are XML: read one without following entities or external references."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from harness.sandbox.source.errors import SourceError


class Node:
    """One element, its children by plain name."""

    __slots__ = ("_element", "_space")

    def __init__(self, element: Element, space: str) -> None:
        self._element = element
        self._space = space

    def all(self, name: str) -> Iterator[Node]:
        """The children of that name."""
        return (Node(child, self._space) for child in self._element.findall(self._space + name))

    def texts(self, name: str) -> tuple[str, ...]:
        """The texts of the children of that name, without blank ones."""
        found = ((child.text or "").strip() for child in self._element.findall(self._space + name))
        return tuple(text for text in found if text)

    def text(self, *path: str) -> str | None:
        """The text at the end of that path, None when there is none."""
        child = self._element.find("/".join(self._space + name for name in path))
        return (child.text or "").strip() or None if child is not None else None

    def given(self, name: str) -> str | None:
        """The text of the first child of that name, empty where it is; None when there is no such child."""
        child = self._element.find(self._space + name)
        return (child.text or "").strip() if child is not None else None

    def flag(self, *path: str) -> bool:
        """Whether the text there is `true`."""
        return self.text(*path) == "true"

    def number(self, name: str) -> int:
        """The whole number there, 0 when there is none."""
        return int(self.text(name) or 0)


def read_document(path: Path) -> Node:
    """The root element of a metadata file. Raises SourceError when it is no well-formed, harmless XML."""
    try:
        root = fromstring(path.read_bytes())
    except (ParseError, DefusedXmlException) as error:
        raise SourceError(f"{path}: this metadata file cannot be read: {error}") from error
    space = root.tag[: root.tag.index("}") + 1] if root.tag.startswith("{") else ""
    return Node(root, space)
