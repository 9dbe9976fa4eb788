"""Looking for canaries in bytes, however they are written there. It shares no code with what the product looks with.

A piece of a canary has letters and digits only, so that most ways to write a text leave it as it is. The others are
known by what becomes of the piece; white space, quotes and the like are taken out of both first. What is compressed is
looked into, as are the rows of a database.
"""

from __future__ import annotations

import base64
import re
import sqlite3
import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from functools import cache

_SQUEEZED_OUT = b" \t\r\n\0\"'\\:|"
_BOX = "│".encode()
_IN_BASE64 = re.compile(rb"(?=(H4sI[A-Za-z0-9+/_\-\r\n]{16,}))")
_ZLIB = re.compile(rb"\x78[\x01\x5e\x9c\xda]")
_SQLITE = b"SQLite format 3\0"
_SHORTEST = 8
_DEEPEST = 3
_MOST = 2**26


class Looking:
    """Knows the pieces of every kind of canary."""

    def __init__(self, pieces: Mapping[str, Iterable[str]]) -> None:
        self._needles = {
            kind: tuple(needle for piece in of for needle in needles(piece)) for kind, of in pieces.items()
        }

    def kinds_in(self, content: bytes) -> frozenset[str]:
        """The kinds whose canaries are there."""
        return frozenset(kind for part in _parts(content) for kind in self._in_part(part))

    def _in_part(self, part: bytes) -> Iterator[str]:
        squeezed = squeeze(part)
        for kind, of in self._needles.items():
            if any(needle in squeezed for needle in of):
                yield kind


def squeeze(content: bytes) -> bytes:
    """Without what may stand between the parts of a text that was wrapped, quoted or written two bytes a character."""
    unwrapped = content.replace(b"=\r\n", b"").replace(b"=\n", b"").replace(_BOX, b"")
    return unwrapped.translate(None, _SQUEEZED_OUT)


@cache
def needles(piece: str) -> tuple[bytes, ...]:
    """What a piece of letters and digits becomes, squeezed."""
    assert piece.isascii()
    assert piece.isalnum()
    raw = piece.encode()
    found = {raw, raw[::-1], raw.hex().encode(), raw.hex().upper().encode()}
    for pattern in ("%{:02x}", "%25{:02x}", "={:02x}", "x{:02x}", "u{:04x}", "&#x{:x};"):
        written = "".join(pattern.format(byte) for byte in raw).encode()
        found |= {written, re.sub(rb"[a-f]", lambda digit: digit[0].upper(), written)}
    found.add("".join(f"&#{byte};" for byte in raw).encode())
    once = set(_in_base64(raw))
    found |= once | {twice for each in once for twice in _in_base64(each)}
    found |= set(_in_base64("\0".join(piece).encode()))  # UTF-16 in base64
    assert all(len(needle) >= _SHORTEST for needle in found), piece
    return tuple(sorted(found, key=len))


def _in_base64(raw: bytes) -> Iterator[bytes]:
    """Wherever in a longer text it begins, without the characters that its neighbours share."""
    for before in range(3):
        text = base64.b64encode(b"x" * before + raw)
        inner = text[-(-before * 4 // 3) : (before + len(raw)) * 4 // 3]
        yield inner
        yield inner.replace(b"+", b"-").replace(b"/", b"_")


def _parts(content: bytes, depth: int = 0) -> Iterator[bytes]:
    """The content itself, and whatever is packed into it."""
    yield content
    if depth < _DEEPEST:
        for inside in (*_compressed(content), *_in_database(content)):
            yield from _parts(inside, depth + 1)


def _compressed(content: bytes) -> Iterator[bytes]:
    for at in _places(content, b"\x1f\x8b\x08"):
        yield from _inflated(content[at:], 31)
    for at in _places(content, b"PK\x03\x04"):
        name, extra = struct.unpack_from("<HH", content, at + 26) if len(content) >= at + 30 else (0, 0)
        yield from _inflated(content[at + 30 + name + extra :], -15)
    for found in _ZLIB.finditer(content):
        yield from _inflated(content[found.start() :], 15)
    for packed in _IN_BASE64.finditer(content):
        text = re.sub(rb"\s", b"", packed[1]).replace(b"-", b"+").replace(b"_", b"/")
        yield base64.b64decode(text[: len(text) // 4 * 4])


def _places(content: bytes, magic: bytes) -> Iterator[int]:
    at = content.find(magic)
    while at >= 0:
        yield at
        at = content.find(magic, at + 1)


def _inflated(content: bytes, window: int) -> Iterator[bytes]:
    try:
        text = zlib.decompressobj(window).decompress(content, _MOST)
    except zlib.error:
        return
    if text:
        yield text


def _in_database(content: bytes) -> Iterator[bytes]:
    """The values of a database, one under the other, and those that are bytes by themselves."""
    if not content.startswith(_SQLITE):
        return
    with closing(sqlite3.connect(":memory:")) as database:
        whole = bytearray(content)
        whole[18:20] = b"\1\1"  # not to be opened with a write-ahead log, which is a file of its own
        database.deserialize(bytes(whole))
        tables = [row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            texts = []
            for row in database.execute(f'SELECT * FROM "{table}"'):
                texts += [str(value).encode() for value in row if not isinstance(value, bytes)]
                yield from (value for value in row if isinstance(value, bytes))
            yield b"\n".join(texts)
