r"""Reading and replacing values in a dotenv file, and leaving every other byte of it as it is.

The dialect is that of python-dotenv, which the dotenv libraries of Node, Ruby and Go share for what is written here:
`[export] KEY=value`, comments from `#`, values plain, in single quotes (taken as they are, but for `\\` and `\'`) or in
double quotes (with `\n`, `\"` and the like); a quoted value may span lines.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from harness.credentials.errors import ContentError

_BINDING = re.compile(
    r"""
    [^\S\r\n]* (?:export[^\S\r\n]+)?
    (?P<key>[A-Za-z_][A-Za-z0-9_.\-]*) [^\S\r\n]* = [^\S\r\n]*
    (?P<value> '(?:\\[\s\S]|[^'\\])*' | "(?:\\[\s\S]|[^"\\])*" | [^\r\n]* )
    [^\r\n]* (?:\r\n|\r|\n|\Z)
    """,
    re.VERBOSE,
)
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|\Z)")
_PLAIN = re.compile(r"[A-Za-z0-9_.@:/+,=%!-]*")
_COMMENT = re.compile(r"(?:^|[^\S\r\n]+)#.*")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "f": "\f", "b": "\b", "v": "\v", "a": "\a"}
_ESCAPED = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


@dataclass(frozen=True, slots=True)
class _Binding:
    """A `KEY=value` and where it stands: the whole line or lines, and the value in them as it is written."""

    key: str
    line: int
    start: int
    end: int
    raw: str
    at: int


def read(content: bytes, keys: Collection[str]) -> dict[str, str]:
    """The values of those of `keys` that stand there. Raises ContentError for one that stands twice."""
    return {key: _unquote(found.raw) for key, found in _bindings(_decode(content), keys).items()}


def write(content: bytes, values: Mapping[str, str | None]) -> bytes:
    """`content` with `values` in it: replaced where the key stands, else appended; None takes the key's line out.

    Raises ContentError for a key that stands twice, or for a value that a dotenv file cannot hold.
    """
    text = _decode(content)
    found = _bindings(text, values)
    edits: list[tuple[int, int, str]] = []
    added: list[str] = []
    for key, value in values.items():
        binding = found.get(key)
        if value is None:
            edits += [(binding.start, binding.end, "")] if binding else []
        elif "\0" in value:
            raise ContentError(f"the value for {key} holds a NUL character, which a dotenv file cannot")
        elif binding is None:
            added.append(f"{key}={_quote(value, '')}")
        elif _unquote(binding.raw) != value:
            edits.append((binding.at, binding.at + len(binding.raw), _quote(value, binding.raw[:1])))
    for start, end, replacement in sorted(edits, reverse=True):
        text = text[:start] + replacement + text[end:]
    return _encode(_append(text, added))


def _append(text: str, lines: list[str]) -> str:
    newline = "\r\n" if "\r\n" in text else "\n"
    if lines and text and not text.endswith(("\n", "\r")):
        text += newline
    return text + "".join(line + newline for line in lines)


def _bindings(text: str, keys: Collection[str]) -> dict[str, _Binding]:
    found: dict[str, _Binding] = {}
    for binding in _scan(text):
        if binding.key not in keys:
            continue
        if binding.key in found:
            raise ContentError(
                f"{binding.key} stands twice, on lines {found[binding.key].line} and {binding.line}: remove one"
            )
        found[binding.key] = binding
    return found


def _scan(text: str) -> Iterator[_Binding]:
    position, line = 0, 1
    while position < len(text):
        match = _BINDING.match(text, position) or _LINE.match(text, position)
        assert match is not None
        if "key" in match.re.groupindex:
            raw = match["value"]
            plain = raw[:1] not in ("'", '"')
            raw = _COMMENT.sub("", raw).rstrip() if plain else raw
            yield _Binding(match["key"], line, match.start(), match.end(), raw, match.start("value"))
        line += len(re.findall(r"\r\n|\r|\n", match[0]))
        position = match.end()


def _unquote(raw: str) -> str:
    if len(raw) >= 2 and raw[0] == raw[-1] == "'":
        return re.sub(r"\\([\\'])", r"\1", raw[1:-1])
    if len(raw) >= 2 and raw[0] == raw[-1] == '"':
        return re.sub(r"\\([\s\S])", lambda match: _unescape(match[1]), raw[1:-1])
    return raw


def _unescape(character: str) -> str:
    if character in ('"', "'", "\\"):
        return character
    return _ESCAPES.get(character, f"\\{character}")


def _quote(value: str, style: str) -> str:
    """`value` as it is written; in the `style` of quotes that stood there before, where they can hold it."""
    takes_single = not re.search(r"['\\\r\n]", value)
    if _PLAIN.fullmatch(value) and style not in ("'", '"'):
        return value
    if takes_single and (style != '"' or "$" in value):  # many readers expand $NAME in double quotes
        return f"'{value}'"
    return '"' + "".join(_ESCAPED.get(character, character) for character in value) + '"'


def _decode(content: bytes) -> str:
    return content.decode("utf-8", "surrogateescape")


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
