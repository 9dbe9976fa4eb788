"""Metadata as a tree of elements whose text knows the lines it came from."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat

DEEPEST = 100
"""Elements inside elements; flows, the deepest of metadata, have a dozen."""


@dataclass(slots=True)
class Node:
    """One element. Text stands in leaves; `marks` tells the offset and the line at which each of its pieces begins."""

    name: str
    text: str = ""
    line: int = 0
    children: list[Node] = field(default_factory=list)
    marks: list[tuple[int, int]] = field(default_factory=list)

    def line_at(self, offset: int) -> int:
        """The line of the file in which the character at that offset of the text stands; 0 without a file."""
        if not self.marks:
            return self.line
        start, line = self.marks[max(0, bisect_right(self.marks, (offset, 1 << 60)) - 1)]
        return line + self.text.count("\n", start, offset)

    def child(self, name: str) -> Node | None:
        """The first child of that name, or None."""
        return next((each for each in self.children if each.name == name), None)

    def value(self, name: str) -> str:
        """The text of the first child of that name without blanks around it, or nothing."""
        found = self.child(name)
        return found.text.strip() if found is not None else ""

    def leaves(self, parent: Node | None = None) -> Iterator[tuple[Node, Node]]:
        """Every element below (or this one) that holds text, with its parent."""
        if not self.children:
            yield self, parent or self
        for each in self.children:
            yield from each.leaves(self)


class NotReadable(ValueError):
    """A file is not XML, or is XML that attacks its reader."""


def parse(content: bytes) -> Node:
    """The tree of an XML document. Comments are left out, entities are resolved. Raises NotReadable.

    A document with a DOCTYPE is refused, so that no entity can be declared: metadata has none.
    """
    return _Parser().parse(content)


def tree_of(name: str, value: Any) -> Node:
    """The tree of what the Metadata API answered: mappings, lists and text."""
    node = Node(name)
    if isinstance(value, Mapping):
        for key, each in value.items():
            some = each if isinstance(each, list) else [each]
            node.children.extend(tree_of(key, one) for one in some)
    elif value is not None:
        node.text = str(value)
    return node


class _Parser:
    def __init__(self) -> None:
        self._expat = expat.ParserCreate()
        self._expat.StartElementHandler = self._start
        self._expat.EndElementHandler = self._end
        self._expat.CharacterDataHandler = self._characters
        self._expat.StartDoctypeDeclHandler = self._refuse
        self._expat.EntityDeclHandler = self._refuse
        self._open: list[Node] = [Node("")]

    def parse(self, content: bytes) -> Node:
        try:
            self._expat.Parse(content, True)
        except (expat.ExpatError, ValueError, LookupError) as error:  # LookupError: an unknown encoding
            raise NotReadable(str(error)) from error
        return self._open[0].children[0]

    def _start(self, name: str, _attributes: object) -> None:
        node = Node(name.rpartition(":")[2], line=self._expat.CurrentLineNumber)
        self._open[-1].children.append(node)
        self._open.append(node)
        if len(self._open) > DEEPEST:
            raise NotReadable(f"its elements are nested more than {DEEPEST} deep")

    def _end(self, _name: str) -> None:
        self._open.pop()

    def _characters(self, text: str) -> None:
        node = self._open[-1]
        node.marks.append((len(node.text), self._expat.CurrentLineNumber))
        node.text += text

    def _refuse(self, *_: object) -> None:
        raise NotReadable("it has a DOCTYPE, which no metadata has")
