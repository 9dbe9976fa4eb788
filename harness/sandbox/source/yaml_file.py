"""YAML as plain data with line numbers: no aliases, no key twice, and dates stay the text that was written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import yaml
from yaml.constructor import SafeConstructor

_TYPED = frozenset(f"tag:yaml.org,2002:{name}" for name in ("bool", "float", "int", "null"))
_COLLECTIONS = frozenset({"tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"})
_TEXT = frozenset(f"tag:yaml.org,2002:{name}" for name in ("str", "timestamp"))


class YamlError(Exception):
    """What is wrong with the text; the message begins with the line."""


@dataclass(frozen=True, slots=True)
class YamlDocument:
    """The data of a file, and where each part of it stands."""

    data: Any
    lines: dict[tuple[str | int, ...], int]

    def line(self, keys: Sequence[str | int]) -> int:
        """The line of the part at that path, or of the nearest part around it."""
        path = tuple(keys)
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def read_yaml(text: str) -> YamlDocument:
    """Read one document. Raises YamlError."""
    try:
        root = yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise YamlError(f"{mark.line + 1 if mark else 1}: {error.problem}") from error
    reader = _Reader()
    return YamlDocument(reader.read(root, ()) if root is not None else None, reader.lines)


class _Reader:
    def __init__(self) -> None:
        self.lines: dict[tuple[str | int, ...], int] = {}
        self._seen: set[int] = set()
        self._constructor = SafeConstructor()

    def read(self, node: yaml.Node, path: tuple[str | int, ...]) -> Any:
        line = node.start_mark.line + 1
        self.lines.setdefault(path, line)
        if id(node) in self._seen:
            raise YamlError(f"{line}: aliases are not allowed here")
        self._seen.add(id(node))
        if node.tag not in _COLLECTIONS | _TYPED | _TEXT:
            raise YamlError(f"{line}: tags such as {node.tag} are not allowed here")
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.read(one, (*path, place)) for place, one in enumerate(node.value)]
        if node.tag in _TYPED:
            return self._constructor.construct_object(node)
        return node.value

    def _mapping(self, node: yaml.MappingNode, path: tuple[str | int, ...]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                raise YamlError(f"{line}: a key must be a plain text")
            if key.value in found:
                raise YamlError(f"{line}: the key {key.value} is there twice")
            self.lines[*path, key.value] = line
            found[key.value] = self.read(value, (*path, key.value))
        return found
