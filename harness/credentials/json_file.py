"""Reading and replacing values in a JSON file, and leaving every other byte of it as it is.

A key is a path of member names with dots between them: `salesforce.password`. Values are strings.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from harness.credentials.errors import ContentError

_SPACE = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()
_BOM = "\ufeff"
_MAX_DEPTH = 50


@dataclass(slots=True)
class _Object:
    """An object of the file: where it opens and closes, and its members."""

    start: int
    end: int = 0
    members: dict[str, _Member] = field(default_factory=dict)


@dataclass(slots=True)
class _Member:
    """A member: where its name starts, and the span of its value."""

    key_start: int
    start: int
    end: int
    below: _Object | None


def read(content: bytes, keys: Collection[str]) -> dict[str, str]:
    """The values of those of `keys` that stand there; one that is no string is given as it is written.

    Raises ContentError for what is not JSON, or a member that stands twice.
    """
    text = _decode(content)
    root = _scan(text)
    members = {key: member for key in keys if (member := _find(root, key)[2]) is not None}
    return {key: _read(text[member.start : member.end]) for key, member in members.items()}


def _read(token: str) -> str:
    return str(json.loads(token)) if token.startswith('"') else token


def write(content: bytes, values: Mapping[str, str | None]) -> bytes:
    """`content` with `values` in it: replaced where the key stands, else added; None takes the member out.

    Raises ContentError for what is not JSON, or where an object or a list stands in the way.
    """
    text = _decode(content)
    for key, value in values.items():
        text = _remove(text, key) if value is None else _set(text, key, json.dumps(value))
    return text.encode()


def _decode(content: bytes) -> str:
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise ContentError("it is not UTF-8") from None
    return text if text.strip().lstrip(_BOM) else text + "{}\n"


def _find(root: _Object, key: str) -> tuple[_Object, list[str], _Member | None]:
    """The deepest object on the way to `key`, the names that are left from there, and the member if it exists."""
    names = key.split(".")
    at = root
    while True:
        member = at.members.get(names[0])
        if member is None or len(names) == 1:
            return at, names, member
        if member.below is None:
            raise ContentError(f"{key}: {names[0]} is not an object")
        at, names = member.below, names[1:]


def _set(text: str, key: str, token: str) -> str:
    at, names, member = _find(_scan(text), key)
    if member is not None:
        if text[member.start] in "{[":
            raise ContentError(f"{key} holds an object or a list, not a value")
        return text[: member.start] + token + text[member.end :]
    for name in reversed(names[1:]):
        token = f"{{{json.dumps(name)}: {token}}}"
    entry = f"{json.dumps(names[0])}: {token}"
    if not at.members:
        return f"{text[: at.start + 1]}{_fresh(text, entry)}{text[at.end - 1 :]}"
    last = max(at.members.values(), key=lambda one: one.end)
    indent = _indent_before(text, last.key_start)
    return f"{text[: last.end]},{indent}{entry}{text[last.end :]}"


def _fresh(text: str, entry: str) -> str:
    return f"\n  {entry}\n" if text.lstrip(_BOM).strip() == "{}" else entry


def _indent_before(text: str, position: int) -> str:
    """The white space before a member, with its line end: what its next sibling starts with, too."""
    start = position
    while start and text[start - 1] in " \t\r\n":
        start -= 1
    return text[start:position] or " "


def _remove(text: str, key: str) -> str:
    at, names, member = _find(_scan(text), key)
    if member is None or len(names) != 1:
        return text
    if len(at.members) == 1:
        return text[: at.start + 1] + text[at.end - 1 :]
    after = re.compile(r"[ \t\r\n]*,").match(text, member.end)
    if after is not None and member is min(at.members.values(), key=lambda one: one.start):
        following = _SPACE.match(text, after.end())
        assert following is not None
        return text[: member.key_start] + text[following.end() :]
    comma = text.rindex(",", 0, member.key_start)
    return text[:comma] + text[member.end :]


def _scan(text: str) -> _Object:
    try:
        json.loads(text.lstrip(_BOM))
    except json.JSONDecodeError as error:
        raise ContentError(f"it is not JSON: {error.msg} at line {error.lineno}, column {error.colno}") from None
    except RecursionError:
        raise ContentError("it is nested too deeply") from None
    start = _skip(text, len(text) - len(text.lstrip(_BOM)))
    if text[start] != "{":
        raise ContentError("its top level is not an object")
    return _object(text, start, 0)


def _object(text: str, start: int, depth: int) -> _Object:
    if depth > _MAX_DEPTH:
        raise ContentError("it is nested too deeply")
    found = _Object(start)
    position = _skip(text, start + 1)
    while text[position] != "}":
        key_start = position
        name, position = _DECODER.raw_decode(text, position)
        position = _skip(text, _skip(text, position) + 1)
        below, end = _value(text, position, depth)
        if name in found.members:
            raise ContentError(f"the member {name} stands twice: remove one")
        found.members[name] = _Member(key_start, position, end, below)
        position = _skip(text, end)
        if text[position] == ",":
            position = _skip(text, position + 1)
    found.end = position + 1
    return found


def _value(text: str, start: int, depth: int) -> tuple[_Object | None, int]:
    """The object at `start`, if it is one, and where the value ends."""
    if text[start] == "{":
        below = _object(text, start, depth + 1)
        return below, below.end
    return None, _DECODER.raw_decode(text, start)[1]


def _skip(text: str, position: int) -> int:
    match = _SPACE.match(text, position)
    assert match is not None
    return match.end()
