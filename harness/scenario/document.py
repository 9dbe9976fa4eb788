"""YAML text as plain data, strictly, with the place of every key and value.

A subset of YAML in which nothing is hidden: no aliases, anchors, merge keys, tags or directives, one document, text
keys, no key twice. Plain scalars mean what the YAML 1.2 core schema (section 10.3.2) says: only `true`, `false`, `null`
and numbers are not text, so `on`, `2026-01-05` and `12:30` stay what was written.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import yaml

# PyYAML may be built without libyaml: the Python loader gives the same marks, five times slower.
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
Key = str | int
Path = tuple[Key, ...]
Data = str | int | float | bool | None | Mapping[str, "Data"] | tuple["Data", ...]
Mark = tuple[int, int]
"""Line and column, from 1."""

MAX_DEPTH = 32
_NULL = re.compile(r"~|null|Null|NULL|")
_BOOL = re.compile(r"true|True|TRUE|false|False|FALSE")
_INT = re.compile(r"[-+]?[0-9]{1,40}|0o[0-7]{1,40}|0x[0-9a-fA-F]{1,40}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong at a place; `mark` is None when it is about the whole file."""

    message: str
    mark: Mark | None = None


@dataclass(slots=True)
class Document:
    """The data of one document, and where each part of it stands.

    `keys` has the mark of each mapping's key and of each item of a list, `values` the mark of each value.
    """

    data: Data = None
    keys: dict[Path, Mark] = field(default_factory=dict)
    values: dict[Path, Mark] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def parse(text: str) -> Document:
    """Read `text`. What is wrong with it is in the document's `problems`; then its data is not to be trusted."""
    document = Document()
    reader = _Reader(document, yaml.parse(text, Loader=_Loader))
    try:
        reader.read()
    except _TooDeepError as error:
        document.problems.append(Problem(f"nested more than {MAX_DEPTH} levels deep", error.mark))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        message = ", ".join(part for part in (error.context, error.problem) if part) or "this is not YAML"
        document.problems.append(Problem(message, (mark.line + 1, mark.column + 1) if mark else None))
    except yaml.YAMLError as error:
        document.problems.append(Problem(f"this is not YAML: {getattr(error, 'reason', error)}"))
    return document


class _TooDeepError(Exception):
    def __init__(self, mark: Mark) -> None:
        super().__init__()
        self.mark = mark


class _Reader:
    def __init__(self, document: Document, events: Iterator[yaml.Event]) -> None:
        self._document = document
        self._events = events

    def read(self) -> None:
        documents = 0
        for event in self._events:
            if not isinstance(event, yaml.DocumentStartEvent):
                continue
            documents += 1
            if documents > 1:
                self._problem("a scenario file holds one document: remove this `---` and what follows", event)
                return
            if event.version or event.tags:
                self._problem("directives (%YAML, %TAG) are not part of the scenario language", event)
            self._document.data = self._value(next(self._events), ())
        if not documents:
            self._document.problems.append(Problem("the file is empty"))

    def _value(self, event: yaml.Event, path: Path) -> Data:
        mark = _mark(event)
        self._document.values[path] = mark
        if len(path) > MAX_DEPTH:
            raise _TooDeepError(mark)
        if isinstance(event, yaml.AliasEvent):
            self._problem(f"aliases (*{event.anchor}) are not part of the scenario language: write it out", event)
            return None
        if isinstance(event, yaml.ScalarEvent):
            self._refuse_decoration(event, event.tag)
            return self._scalar(event)
        if isinstance(event, yaml.CollectionStartEvent):
            self._refuse_decoration(event, event.tag)
        return self._mapping(path) if isinstance(event, yaml.MappingStartEvent) else self._sequence(path)

    def _refuse_decoration(self, event: yaml.NodeEvent, tag: str | None) -> None:
        if event.anchor is not None:
            self._problem(f"anchors (&{event.anchor}) are not part of the scenario language", event)
        if tag is not None:
            self._problem("tags (!...) are not part of the scenario language", event)

    def _mapping(self, path: Path) -> Mapping[str, Data]:
        mapping: dict[str, Data] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._key(event, path)
            below = (*path, key)
            if key in mapping:
                first = self._document.keys[below][0]
                self._problem(f"the key {key!r} is here twice: it is on line {first} already", event)
            else:
                self._document.keys[below] = _mark(event)
            mapping[key] = self._value(next(self._events), below)
        return mapping

    def _key(self, event: yaml.Event, path: Path) -> str:
        if isinstance(event, yaml.ScalarEvent) and not event.style and event.value == "<<":
            self._problem("merge keys (<<) are not part of the scenario language: write the keys out", event)
            return "<<"
        key = self._value(event, (*path, "?"))
        if isinstance(event, yaml.MappingStartEvent):
            self._problem('a key is text; a template such as "{{company}}" is put in quotes', event)
        elif not isinstance(key, str):
            self._problem("a key is text: put it in quotes", event)
        return key if isinstance(key, str) else repr(key)

    def _sequence(self, path: Path) -> tuple[Data, ...]:
        items: list[Data] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            below = (*path, len(items))
            self._document.keys[below] = _mark(event)
            items.append(self._value(event, below))
        return tuple(items)

    def _scalar(self, event: yaml.ScalarEvent) -> Data:
        text: str = event.value
        if event.style:  # quoted or a block: text, whatever it looks like
            return text
        if _NULL.fullmatch(text):
            return None
        if _BOOL.fullmatch(text):
            return text.lower() == "true"
        if _INT.fullmatch(text):
            return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
        if _FLOAT.fullmatch(text):
            number = float(text)
            if math.isfinite(number):
                return number
            self._problem("this number is too large", event)
        return text

    def _problem(self, message: str, event: yaml.Event) -> None:
        self._document.problems.append(Problem(message, _mark(event)))


def _mark(event: yaml.Event) -> Mark:
    start = event.start_mark
    assert start is not None
    return start.line + 1, start.column + 1
