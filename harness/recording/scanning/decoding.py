"""What a text says once its encodings are undone: escapes, entities, URLs, base64, hex, gzip, one within the other.

A text is taken apart into lines, of which a recording has few that differ; what was wrapped over lines is joined first.
"""

from __future__ import annotations

import html
import re
import zlib
from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from urllib.parse import unquote, unquote_plus

from harness.recording.scanning.shapes import is_key

DEEPEST = 6
"""Encodings within each other."""
_LARGEST = 4 << 20
"""Characters that what is encoded in a text may add to it; what is packed more tightly is not looked into."""
KEY = "-----BEGIN PRIVATE KEY-----"
"""What is read where the bytes of a private key were."""

_WRAPPED = re.compile(
    r"^[ \t]*[A-Za-z0-9+/_-]{16,}[ \t]*\r?\n(?:[ \t]*[A-Za-z0-9+/_-]{16,}[ \t]*\r?\n)*"
    r"[ \t]*[A-Za-z0-9+/_-]+={0,2}[ \t]*\r?$",
    re.MULTILINE,
)
_FOLDED = re.compile(r"^.*=[ \t]*\r?\n.*(?:(?<==)\r?\n.*)*$", re.MULTILINE)
_ENTRY = re.compile(r"\b(?:machine|login)[ \t][^\n]{0,200}\n(?:[^\n]{0,200}\n?){1,4}")
_LONG = 2000
_NEW_LINE = re.compile(r"(?<!\\)\\n")
_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|x([0-9A-Fa-f]{2})|([\"'\\/bfnrt]))")
_ESCAPED = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_ENTITY = re.compile(r"&(?:#\d+|#[xX][0-9A-Fa-f]+|[A-Za-z]{2,8});")
_PERCENT = re.compile(r"%[0-9A-Fa-f]{2}")
_PRINTABLE = re.compile(r"=([0-9A-Fa-f]{2})")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{20,}")
_HEX = re.compile(r"(?<![0-9A-Za-z])(?:0x)?[0-9A-Fa-f]{16,}")
_HEX_APART = re.compile(r"(?<![0-9A-Za-z])[0-9A-Fa-f]{2}(?:[ :-][0-9A-Fa-f]{2}){7,}")
_SPOKEN = re.compile(rb"[\x20-\x7e\t\r\n]{8,}")
_WIDE = re.compile(rb"(?:[\x09-\x7e]\x00){8,}|(?:\x00[\x09-\x7e]){8,}")
_PACKED = (b"\x1f\x8b\x08", b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda")
_TURN = str.maketrans("+/", "-_")


def readings(texts: Iterable[str]) -> Iterator[str]:
    """The lines of some texts, as they stand and then as they read with one encoding after another undone.

    Each reading is a text of lines that were in none before.
    """
    seen: set[str] = set()
    left = _LARGEST
    for _ in range(DEEPEST):
        lines = [line for line in dict.fromkeys(_lines(texts)) if line not in seen]
        if not lines or left < 0:
            return
        seen.update(lines)
        whole = "\n".join(lines)
        yield whole
        texts = list(_decoded(lines, whole))
        left -= sum(map(len, texts))


def _lines(texts: Iterable[str]) -> Iterator[str]:
    """The lines of texts without the blanks around them, and what was wrapped over several of them in one."""
    for text in texts:
        for line in text.split("\n"):
            if len(line) > _LONG and line[0] in "{[":
                # packed JSON has a whole body in one line; taken apart, most of it is what was in another one
                yield from (_without_escapes(part).strip() for part in dict.fromkeys(_NEW_LINE.split(line)))
            else:
                yield line.strip()
        if "\n" not in text:
            continue
        for found in _WRAPPED.finditer(text):
            yield "".join(found[0].split())
        if "=\n" in text or "=\r\n" in text:
            yield from (re.sub(r"=[ \t]*\r?\n[ \t]*", "", found[0]) for found in _FOLDED.finditer(text))
        if "login" in text and "password" in text:
            yield from (" ".join(found[0].split()) for found in _ENTRY.finditer(text))


def _decoded(lines: list[str], whole: str) -> Iterator[str]:
    for mark, shape, undo in _UNDO:
        if mark in whole:
            yield from (undo(line) for line in lines if mark in line and shape.search(line))
    for run in set(_BASE64.findall(whole)):
        yield from _in_base64(run)
    for shape in (_HEX, _HEX_APART):
        for run in set(shape.findall(whole)):
            yield from _in_hex(run)


def _without_escapes(line: str) -> str:
    def plain(found: re.Match[str]) -> str:
        code = found[1] or found[2]
        return chr(int(code, 16)) if code else _ESCAPED.get(found[3], found[3])

    return _as_characters(_ESCAPE.sub(plain, line))


def _without_percents(line: str) -> str:
    return f"{unquote_plus(line)}\n{unquote(line)}" if "+" in line else unquote(line)


def _without_equals(line: str) -> str:
    return _as_characters(_PRINTABLE.sub(lambda found: chr(int(found[1], 16)), line))


def _as_characters(text: str) -> str:
    """A text whose characters may be halves of a pair, or bytes of UTF-8: with whole ones, in a line of its own."""
    if text.isascii():
        return text
    paired = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    try:
        return f"{paired}\n{text.encode('latin-1').decode()}"
    except UnicodeError:
        return paired


_UNDO: tuple[tuple[str, re.Pattern[str], Callable[[str], str]], ...] = (
    ("\\", _ESCAPE, _without_escapes),
    ("&", _ENTITY, html.unescape),
    ("%", _PERCENT, _without_percents),
    ("=", _PRINTABLE, _without_equals),
    ("\0", re.compile("\0"), lambda line: line.replace("\0", "")),  # UTF-16 that was read as if it were not
)
"""A character without which there is nothing to undo, what is to be undone, and how."""


@lru_cache(maxsize=20_000)
def _in_base64(run: str) -> tuple[str, ...]:
    """What a run says, wherever in its first four characters the encoded part begins."""
    safe = run.translate(_TURN)
    found: list[str] = []
    for start in range(4):
        part = safe[start : len(safe) - (len(safe) - start) % 4] if (len(safe) - start) % 4 == 1 else safe[start:]
        found += _said(urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return tuple(found)


@lru_cache(maxsize=20_000)
def _in_hex(run: str) -> tuple[str, ...]:
    digits = re.sub(r"^0x|[ :-]", "", run)
    found: list[str] = []
    for start in range(2):
        part = digits[start:]
        found += _said(bytes.fromhex(part[: len(part) & ~1]))
    return tuple(found)


def _said(content: bytes) -> Iterator[str]:
    """The texts in some bytes."""
    if content.startswith(_PACKED):
        content = _unpacked(content) or content
    if is_key(content):
        yield KEY
    for found in _WIDE.finditer(content):
        yield found[0].replace(b"\0", b"").decode("ascii")
    try:
        yield content.decode("utf-8")
    except UnicodeDecodeError:
        yield from (spoken[0].decode("ascii") for spoken in _SPOKEN.finditer(content))


def _unpacked(content: bytes) -> bytes | None:
    """What gzip or zlib packed, as far as it goes."""
    try:
        return zlib.decompressobj(wbits=zlib.MAX_WBITS | 32).decompress(content, _LARGEST)
    except zlib.error:
        return None
