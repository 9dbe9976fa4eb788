"""A cassette as text that reviewers read: YAML in vcrpy's format, the metadata first.

It is read event by event, and no more of YAML than a cassette needs: no tags, no anchors, no numbers but whole ones.
libyaml is used where there is one: it is many times faster and writes the same.
"""

from __future__ import annotations

import functools
import re
import warnings
from collections.abc import Iterator
from typing import Any

import yaml

from harness.recording.filing.malformed import Malformed, shown

MOST_NODES = 500_000
"""Values in one file; 200,000 characters, the largest that is written, have some 10,000."""
DEEPEST = 8
"""Levels of nesting; an interaction has six."""
_HEAD = ("version", "metadata", "interactions")
_WHOLE_NUMBER = re.compile(r"0|[1-9][0-9]{0,8}")
_PLAIN: Any = yaml.resolver.Resolver()

_Dumper: Any = type(
    "_ReadableDumper",
    (getattr(yaml, "CSafeDumper", yaml.SafeDumper),),
    {"ignore_aliases": lambda _self, _data: True},
)


def _represent_text(dumper: Any, text: str) -> Any:
    """Text of several lines as a block."""
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _represent_text)


def write(data: dict[str, Any]) -> str:
    """The text of `{version, metadata, interactions}`."""
    _loader()  # where it is slow, say so
    ordered = {key: data[key] for key in _HEAD}
    return str(yaml.dump(ordered, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1_000_000))


def parts(text: str) -> Iterator[tuple[int, Any]]:
    """The head, `{version, metadata}`, then each interaction, all of them with their lines. Raises Malformed."""
    try:
        yield from _Reader(text).parts()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise Malformed(f"it is no YAML: {error.problem}", mark.line + 1 if mark else None) from None
    except yaml.reader.ReaderError as error:
        raise Malformed("it has characters that YAML does not allow", _line_of(text, error.position)) from None


def has_libyaml() -> bool:
    """Whether PyYAML was built with libyaml."""
    return hasattr(yaml, "CSafeLoader")


@functools.cache
def _loader() -> Any:
    """The quick loader; without one a warning, once, and the slow one."""
    if has_libyaml():
        return yaml.CSafeLoader
    warnings.warn(
        "PyYAML has no libyaml here, so that cassettes in YAML are read many times slower; "
        "install libyaml, then: pip install --force-reinstall PyYAML",
        RuntimeWarning,
        stacklevel=2,
    )
    return yaml.SafeLoader


def _line_of(text: str, position: Any) -> int | None:
    """The line of a position, which libyaml counts in bytes and PyYAML in characters."""
    if not isinstance(position, int):
        return None
    before = text.encode("utf-8", "replace")[:position] if has_libyaml() else text[:position].encode("utf-8", "replace")
    return before.count(b"\n") + 1


class _Reader:
    """Plain data out of the events of one document."""

    def __init__(self, text: str) -> None:
        self._events = yaml.parse(text, Loader=_loader())
        self._left = MOST_NODES
        self._line = 1

    def parts(self) -> Iterator[tuple[int, Any]]:
        """What `parts` gives."""
        for expected in (yaml.StreamStartEvent, yaml.DocumentStartEvent, yaml.MappingStartEvent):
            self._expect(expected, "it is no mapping of version, metadata and interactions")
        head = {}
        for name in _HEAD[:2]:
            self._expect_key(name)
            line = self._line
            head[name] = self._value(self._next(), 1)
        yield line, head
        self._expect_key(_HEAD[2])
        self._expect(yaml.SequenceStartEvent, "its interactions are no list")
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            line = self._line
            yield line, self._value(event, 1)
        for wanted in (yaml.MappingEndEvent, yaml.DocumentEndEvent, yaml.StreamEndEvent):
            self._expect(wanted, "there is something behind its interactions")

    def _next(self) -> Any:
        event: Any = next(self._events)
        self._line = event.start_mark.line + 1
        self._left -= 1
        if self._left < 0:
            raise Malformed(f"it has more than {MOST_NODES:,} values", self._line)
        if getattr(event, "anchor", None) is not None:  # an alias has one as well
            raise Malformed("it has an anchor or an alias, which no cassette needs", self._line)
        if getattr(event, "tag", None) is not None:
            raise Malformed(f"it has the tag {shown(event.tag)}, which no cassette needs", self._line)
        return event

    def _expect(self, kind: type, otherwise: str) -> None:
        if not isinstance(self._next(), kind):
            raise Malformed(otherwise, self._line)

    def _expect_key(self, name: str) -> None:
        event = self._next()
        if not isinstance(event, yaml.ScalarEvent) or event.value != name:
            raise Malformed(f"{name} should be here: a cassette is {', '.join(_HEAD)}", self._line)

    def _value(self, event: Any, depth: int) -> Any:
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event)
        if depth > DEEPEST:
            raise Malformed(f"it is nested deeper than {DEEPEST} levels", self._line)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(depth)
        return self._mapping(depth)

    def _sequence(self, depth: int) -> list[Any]:
        found = []
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            found.append(self._value(event, depth + 1))
        return found

    def _mapping(self, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            key = self._scalar(event) if isinstance(event, yaml.ScalarEvent) else None
            if not isinstance(key, str):
                raise Malformed("it has a key that is no text", self._line)
            if key in found:
                raise Malformed(f"the key {shown(key)} is there twice", self._line)
            found[key] = self._value(self._next(), depth + 1)
        return found

    def _scalar(self, event: Any) -> str | int | None:
        text: str = event.value
        if not event.implicit[0]:
            return text  # in quotes, or a block
        tag = _PLAIN.resolve(yaml.ScalarNode, text, (True, False))
        if tag == "tag:yaml.org,2002:str":
            return text
        if tag == "tag:yaml.org,2002:null":
            return None
        if tag == "tag:yaml.org,2002:int" and _WHOLE_NUMBER.fullmatch(text):
            return int(text)
        raise Malformed(
            "a value is neither text nor a whole number; text that looks like more needs quotes", self._line
        )
